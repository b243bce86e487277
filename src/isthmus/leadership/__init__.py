"""Who leads: output, impact, hits, novelty and scientists, by country and year."""
