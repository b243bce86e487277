"""What a simulated world remembers of works and authors to count its truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.simulation.draws import Ints
from isthmus.simulation.generator import WorldYear

#: A scientist has at least this many works, more than this share of them in the field.
MIN_WORKS, MIN_SHARE = 3, 0.5

Columns = dict[str, Any]


class CountrySets:
    """Distinct countries of every work so far, packed end to end."""

    def __init__(self, n_works: int) -> None:
        self.size = np.zeros(n_works, np.int16)
        self._start = np.zeros(n_works, np.int64)
        self._countries = np.empty(0, np.int16)
        self._filled = 0

    def add(self, n_works: int, works: Ints, countries: Ints) -> None:
        """Add the next `n_works` works; `works` counts from 0 among them and is sorted."""
        size = np.bincount(works, minlength=n_works)
        here = slice(self._filled, self._filled + n_works)
        self.size[here] = size
        self._start[here] = len(self._countries) + np.cumsum(size) - size
        self._countries = np.append(self._countries, countries.astype(np.int16))
        self._filled += n_works

    def at(self, works: Ints, which: int) -> Ints:
        """Country number `which` of each work."""
        return self._countries[self._start[works] + which].astype(np.int64)


class Careers:
    """Where authors were in each year, and how much they wrote in and out of the field."""

    def __init__(self, n_countries: int) -> None:
        self.n = n_countries
        self.works = np.zeros(0, np.int64)
        self.in_field = np.zeros(0, np.int64)
        self.latest = np.zeros(0, np.int64)  # country of the last observed year, -1 if shared

    def add(self, year: WorldYear) -> Columns:
        """Count one year; give its author-years: author, year, country, weight, origin.

        ``origin`` is the country of the author's previous observed year where this
        year is a move from it, else -1.
        """
        signed = year.signed
        self._make_room(int(signed.author.max(initial=-1)) + 1)
        np.add.at(self.works, signed.author, 1)
        np.add.at(self.in_field, signed.author[year.plans.area[signed.work] == 0], 1)
        author, country, tied = self._most_frequent(
            signed.author[year.written.authorship], year.written.country
        )
        before = self.latest[author]
        stays = tied & (before == country)
        settled = np.zeros(len(self.latest), np.bool_)
        settled[author[stays]] = True
        kept = ~tied | stays | ~settled[author]
        author, country, before = author[kept], country[kept], before[kept]
        shared_by = np.bincount(author, minlength=1)[author] if len(author) else author
        clear = shared_by == 1
        self.latest[author] = -1
        self.latest[author[clear]] = country[clear]
        moved = clear & (before >= 0) & (before != country)
        return {
            "author": author,
            "year": np.full(len(author), year.year),
            "country": country,
            "weight": 1.0 / shared_by,
            "origin": np.where(moved, before, -1),
        }

    def scientists(self) -> NDArray[np.bool_]:
        """Whether each author is a scientist of the field."""
        return (self.works >= MIN_WORKS) & (self.in_field > self.works * MIN_SHARE)

    def _most_frequent(self, author: Ints, country: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Countries with the most affiliations of each author, and whether several tie."""
        pairs, count = np.unique(author * self.n + country, return_counts=True)
        who, where = pairs // self.n, pairs % self.n
        first = np.flatnonzero(np.append(True, who[1:] != who[:-1])) if len(who) else who
        most = np.repeat(
            np.maximum.reduceat(count, first) if len(who) else count,
            np.diff(np.append(first, len(who))),
        )
        top = count == most
        who, where = who[top], where[top]
        return who, where, np.bincount(who, minlength=1)[who] > 1

    def _make_room(self, n: int) -> None:
        more = max(n - len(self.works), 0)
        self.works = np.append(self.works, np.zeros(more, np.int64))
        self.in_field = np.append(self.in_field, np.zeros(more, np.int64))
        self.latest = np.append(self.latest, np.full(more, -1))
