"""Who moves: country histories, moves, flows and what movers keep."""
