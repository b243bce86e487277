"""Trends of short series."""
