"""The verbs, and what the terminal shows."""
