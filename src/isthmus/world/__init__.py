"""Simulated worlds whose truth is planted and known."""
