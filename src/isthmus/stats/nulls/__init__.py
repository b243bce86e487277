"""Null models of weighted networks: what weight to expect if only sizes mattered."""

from isthmus.stats.nulls.fit import fit_null, fit_panel
from isthmus.stats.nulls.models import NullFit
from isthmus.stats.nulls.significance import LinkTest, link_test

__all__ = ["LinkTest", "NullFit", "fit_null", "fit_panel", "link_test"]
