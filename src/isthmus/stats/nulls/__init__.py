"""Null models of weighted networks: what weight to expect if only sizes mattered."""

from isthmus.stats.nulls.bipartite import fit_bipartite, fit_team_counts
from isthmus.stats.nulls.fit import fit_null, fit_panel
from isthmus.stats.nulls.models import NullFit, sample
from isthmus.stats.nulls.significance import LinkTest, link_test

__all__ = [
    "LinkTest",
    "NullFit",
    "fit_bipartite",
    "fit_null",
    "fit_panel",
    "fit_team_counts",
    "link_test",
    "sample",
]
