"""Novelty of papers."""
