"""The section on the numbers a policy desk is asked for."""

from __future__ import annotations

from typing import ClassVar

from isthmus.study.sections import Rule, Section


class Indicators(Section, frozen=True):
    """``[indicators]``: which groups of indicators a run makes.

    Attributes
    ----------
    country
        Shares domestic, international and led, and normalised impact, by country.
    pairs
        Indices of collaboration of pairs of countries, beside their affinity.
    dependence
        Home share of citations, imports and exports, impact on third countries, preferences.
    window_years
        Years of the moving windows beside single years (4, as in the Leiden Ranking).
    """

    section: ClassVar[str] = "indicators"

    country: bool = True
    pairs: bool = True
    dependence: bool = True
    window_years: int = 4

    def rules(self) -> list[Rule]:
        """Return the rule on the length of windows."""
        return self.at_least({"window_years": 2}, " years")
