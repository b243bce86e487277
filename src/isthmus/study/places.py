"""The section on what papers, moves and ties are counted for: countries or other places."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Literal

from isthmus.study.sections import Rule, Section

Unit = Literal["country", "institution", "city", "bloc"]

#: Unit -> how its codes look, and what is said of them.
CODES: dict[Unit, tuple[str, str]] = {
    "country": ("[A-Z]{2}", "an ISO 3166 alpha-2 code in capitals, like US"),
    "institution": (r"I\d{1,18}", "the id of an institution, like I136199984"),
    "city": (r"G\d{1,18}", "G and the GeoNames id of a city, like G2643743"),
    "bloc": ("[A-Z][A-Z0-9]+", "a country code or a bloc's name in capitals, like EU"),
}

#: Units whose small ones are pooled.
POOLED: tuple[Unit, ...] = ("institution", "city")


class Places(Section, frozen=True):
    """``[places]``: what papers, moves and ties are counted for; countries by default.

    Every table then holds codes of that unit in its column `country`, and the table `places`
    says what they are called.

    Attributes
    ----------
    unit
        What an affiliation counts for: its `country`, its `institution` (codes like I136199984),
        the `city` of its institution (G and the GeoNames id), or the `bloc` of its country. Poles
        and pairs are codes of the unit.
    groups
        A CSV file with the columns `country` and `bloc`, for blocs; relative to the study file.
        Countries that it does not list stay units of their own.
    smallest
        Works of the field a year, on average over the study's years, from which an institution or
        a city is a unit of its own. The smaller ones of a country are counted together as
        `rest-US`; poles and other places that the study names always stay. 0 pools nothing.
    pair_works
        Joint works of a year from which a pair of places is listed in `linked_pairs`, whatever
        their sizes. 3: one work of many authors makes no tie.
    """

    section: ClassVar[str] = "places"

    unit: Unit = "country"
    groups: str | None = None
    smallest: float = 10.0
    pair_works: int = 3

    def rules(self) -> list[Rule]:
        """Return the rules on blocs and small units."""
        blocs = self.unit == "bloc"
        needed = "the name of a CSV file with the columns `country` and `bloc`, for `unit` is bloc"
        return [
            (not blocs or bool(self.groups), "places.groups", self.groups, needed),
            (
                blocs or self.groups is None,
                "places.groups",
                self.groups,
                "left out: `unit` is no bloc",
            ),
            (self.smallest >= 0, "places.smallest", self.smallest, "0 or more works a year"),
            *self.at_least({"pair_works": 1}, " works"),
        ]

    @property
    def pools(self) -> bool:
        """Whether small units are counted together."""
        return self.unit in POOLED and self.smallest > 0

    def codes(self, named: Iterable[tuple[str, str]]) -> list[Rule]:
        """Return the rule that keys of a study name codes of the unit."""
        pattern, allowed = CODES[self.unit]
        return [(bool(re.fullmatch(pattern, code)), key, code, allowed) for key, code in named]
