"""Bootstraps."""
