"""Blocs of a weighted network: how many, who is in them, and whether a gradient does as well."""
