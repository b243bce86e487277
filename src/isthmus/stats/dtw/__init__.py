"""Clusters of series by dynamic time warping."""
