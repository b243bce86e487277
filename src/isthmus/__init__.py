"""How countries lead, move, team up and polarise in a research field."""
