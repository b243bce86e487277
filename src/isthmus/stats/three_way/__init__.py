"""Affinities and the three-way fit behind them."""
