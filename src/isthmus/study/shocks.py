"""The section on events that may have changed ties."""

from __future__ import annotations

from typing import ClassVar

from isthmus.study.sections import Rule, Section, country_pairs, ends


class Shock(Section, frozen=True):
    """``[shocks.NAME]``: an event that may have changed the ties of some pairs of countries.

    It is estimated in every layer under this name, in the tables ``shocks`` and
    ``shock_years``.

    Attributes
    ----------
    year
        First year after the event: the first in which ties can have changed.
    pairs
        Pairs of countries that the event is said to have hit. Each gets an effect of its own;
        none of them is a placebo of another.
    window
        Years before and years after the event that are compared; fewer at the ends of the
        data. 5: long enough to count, short enough that ties do not drift far.
    movers
        Whether moves between the pairs, and returns, are asked as well (layers ``moves`` and
        ``returns``).
    premium
        Whether the premium of the pairs' joint papers is asked as well (layer ``premium``).
    """

    section: ClassVar[str] = "shocks.NAME"

    year: int
    pairs: tuple[tuple[str, str], ...]
    window: int = 5
    movers: bool = False
    premium: bool = False

    def rules(self) -> list[Rule]:
        """Return the rules on pairs and window."""
        key = f"{self.section}.pairs"
        once = {frozenset(pair) for pair in self.pairs}
        return [
            (bool(self.pairs), key, self.pairs, "at least one pair of countries"),
            *country_pairs(key, self.pairs),
            (len(once) == len(self.pairs), key, self.pairs, "each pair once"),
            *self.at_least({"window": 2}, " years"),
        ]

    def named_places(self) -> list[tuple[str, str]]:
        """Return the ends of the pairs."""
        return ends(f"{self.section}.pairs", self.pairs)
