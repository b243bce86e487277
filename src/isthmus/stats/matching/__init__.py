"""Matching, and effects on matched units."""
