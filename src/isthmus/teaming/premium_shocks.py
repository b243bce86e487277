"""What a shock did to the premium of joint papers: matched effects before and after it.

Papers are matched within years, so that one matching serves every year of a shock. The log
ratio of the matched means after the shock, less that before it, is set beside the same of
other years and of other pairs as large, as shocks to ties are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.stats.event_studies import PLACEBOS, judged
from isthmus.study.shocks import Shock
from isthmus.teaming.experiments import Experiment, Flags, Floats, Ints, Papers
from isthmus.teaming.matched_papers import Rules, Units, match, units_of

#: Name of the layer in the tables of shocks.
LAYER = "premium"

#: P-value up to which a change is taken to be there.
LEVEL = 0.05

Pair = tuple[str, str]
Row = dict[str, Any]
Span = tuple[int, int]


@dataclass(frozen=True)
class Premium:
    """Matched papers of one pair.

    Attributes
    ----------
    year, cluster : (m,) int
        Year and institution of each matched paper.
    treated : (m,) bool
    outcome, weight : (m,)
        Citations, and the weight that matching gives.
    """

    year: Ints
    cluster: Ints
    treated: Flags
    outcome: Floats
    weight: Floats

    @classmethod
    def of(cls, units: Units, rules: Rules) -> Premium:
        """Match the papers of an experiment and keep those with a match."""
        weight = match(units, rules).weight
        kept = weight > 0
        cluster = np.unique(units.cluster[kept], return_inverse=True)[1]
        year, treated, outcome = units.year[kept], units.treated[kept], units.outcome[kept]
        return cls(year, cluster, treated, outcome, weight[kept])

    def joint(self, first: int, last: int) -> int:
        """Matched joint papers of the years from `first` to `last`."""
        return int((self.treated & (self.year >= first) & (self.year <= last)).sum())

    def change(self, at: int, window: int) -> Floats:
        """Log premium from `at` on less that before, and its variance over institutions: (2,).

        The variance is that of the sum of each institution's part, to first order. NaN where
        a mean on either side of the shock is 0 or of no papers.
        """
        part, estimate = np.zeros(len(self.year)), 0.0
        spans = ((-1.0, at - window, at), (1.0, at, at + window))
        for sign, first, end in spans:
            inside = (self.year >= first) & (self.year < end)
            for side, chosen in ((sign, self.treated), (-sign, ~self.treated)):
                here = inside & chosen
                total = self.weight[here].sum()
                mean = self.weight[here] @ self.outcome[here] / total if total > 0 else 0.0
                if mean <= 0:
                    return np.array([np.nan, np.nan])
                estimate += side * float(np.log(mean))
                part[here] = side * self.weight[here] * (self.outcome[here] / mean - 1) / total
        sums = np.bincount(self.cluster, weights=part)
        held = int((np.bincount(self.cluster, weights=part != 0) > 0).sum())
        if held < 2:
            return np.array([np.nan, np.nan])
        return np.array([estimate, float(sums @ sums) * held / (held - 1)])


def premium_rows(
    shocks: Mapping[str, Shock],
    joint: pa.Table,
    papers: Callable[[str], Papers | None],
    rules: Rules,
    years: Span,
) -> list[Row]:
    """Rows of the table ``shocks`` on premiums: one per shock and ordered pair.

    Parameters
    ----------
    shocks
        Those that ask for the premium.
    joint
        ``lead``, ``partner``, ``papers``: every ordered pair with joint papers.
    papers
        Papers that a country leads; None where they are more than fit in memory.
    years
        First and last year whose papers have a known impact.
    """
    sizes = {(r["lead"], r["partner"]): r["papers"] for r in joint.to_pylist()}
    asked = {name: _both_ways(shock.pairs) for name, shock in sorted(shocks.items())}
    beside = {
        (name, pair): _nearest(pair, sizes, pairs)
        for name, pairs in asked.items()
        for pair in pairs
    }
    wanted = {pair for pairs in asked.values() for pair in pairs}
    found = dict(_premiums(wanted.union(*beside.values()), sizes, papers, rules))
    return [
        _row(name, shocks[name], pair, found, beside[name, pair], years)
        for name, pairs in asked.items()
        for pair in pairs
    ]


def _both_ways(pairs: Sequence[Pair]) -> list[Pair]:
    return list(dict.fromkeys(way for a, b in pairs for way in ((a, b), (b, a))))


def _nearest(pair: Pair, sizes: Mapping[Pair, int], treated: Sequence[Pair]) -> list[Pair]:
    """Pairs without the shock nearest in the logarithm of their joint papers."""
    own = np.log(max(sizes.get(pair, 0), 1))
    others = [other for other in sorted(sizes) if other not in treated]
    return sorted(others, key=lambda other: abs(np.log(sizes[other]) - own))[:PLACEBOS]


def _premiums(
    pairs: set[Pair],
    sizes: Mapping[Pair, int],
    papers: Callable[[str], Papers | None],
    rules: Rules,
) -> Iterator[tuple[Pair, Premium | None]]:
    """Match the papers of every pair, one leading country after the other."""
    ours: dict[str, Papers | None] = {}
    for lead, partner in sorted(pair for pair in pairs if pair in sizes):
        if lead not in ours:
            ours = {lead: papers(lead)}
        led = ours[lead]
        if led is None:
            yield (lead, partner), None
            continue
        sides = led.sides(Experiment(lead, partner))
        yield (lead, partner), Premium.of(units_of(led, *sides, led.c_k), rules)


def _row(
    name: str,
    shock: Shock,
    pair: Pair,
    found: Mapping[Pair, Premium | None],
    beside: Sequence[Pair],
    years: Span,
) -> Row:
    key: Row = {"shock": name, "layer": LAYER, "source": pair[0], "target": pair[1]}
    key |= {"year": shock.year, "whose": "undecided"}
    at, window = shock.year, shock.window
    first, last = max(at - window, years[0]), min(at + window - 1, years[1])
    own = found.get(pair)
    if at - first < 2 or last < at:
        known = f"impact is known for {years[0]}-{years[1]}"
        return key | {"why_shock": f"needs two years before it and one after; {known}"}
    if own is None:
        large = f"{pair[0]} leads more papers than are read into memory"
        return key | {"why_shock": large if pair in found else "no joint papers"}
    placebos = [one.change(at, window) for other in beside if (one := found.get(other))]
    change = own.change(at, window)
    starts = range(years[0] + at - first, years[1] + 1 - (last - at))
    elsewhere = [own.change(start, window) for start in starts if start != at]
    after, at_years = judged(change, _rows_of(placebos)), judged(change, _rows_of(elsewhere))
    known = np.isfinite(after.estimate)
    return key | {
        "first_year": first,
        "last_year": last,
        "weight": float(own.joint(first, last)),
        "effect": _number(after.estimate),
        "effect_low": _number(after.low),
        "effect_high": _number(after.high),
        "pairs_p": _number(after.p),
        "placebo_pairs": after.placebos,
        "years_p": _number(at_years.p),
        "placebo_years": at_years.placebos,
        "whose": "pair" if after.p <= LEVEL else "undecided",
        "why_shock": None if known else "too few matched papers with citations on either side",
    }


def _rows_of(changes: Sequence[Floats]) -> Floats:
    return np.array(changes).reshape(-1, 2)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
