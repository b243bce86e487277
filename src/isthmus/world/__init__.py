"""Simulated worlds with planted truth."""
