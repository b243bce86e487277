"""How often intervals include the truth, kind by kind, as a table."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from isthmus.stats.ratios import MIN_UNITS
from isthmus.stats.resampling.cluster_bootstrap import MIN_CLUSTERS
from isthmus.stats.shares import wilson

#: What is wanted of an interval of 95 %.
WANTED = (0.92, 0.98)

PEOPLE = "ratio of scientists, people drawn"

SIMULTANEOUS = "matched, simultaneous limits"

TURN = "change of slope where a tie turns"

#: What is added to a kind for its intervals that rest on little more than they must.
NEAR, LITTLE = ", near the least", 4 / 3

#: Kinds whose truth is 0 by design of the worlds.
ZERO = ("matched, pooled", "matched, yearly", "trend of matched effects",
        "matched less other pairs", "mean of yearly differences", "matched, pooled (all)",
        "matched, yearly (all)", "polarisation, yearly", SIMULTANEOUS, TURN)  # fmt: skip

#: The least that an interval must rest on, by beginnings of kinds.
LEAST = {"ratio of": MIN_UNITS, "change of ratio": MIN_UNITS, "": MIN_CLUSTERS}


class Interval(NamedTuple):
    """An interval on the scale of its truth: the number line, or logarithms for ratios.

    `worth` is what it rests on (effective clusters, units or pairs) where that is known; ends
    are None where there is no interval.
    """

    kind: str
    key: str
    value: float
    low: float | None
    high: float | None
    worth: float | None = None


def coverage(worlds: list[list[Interval]]) -> list[dict[str, Any]]:
    """Count intervals that hold the truth, by kind."""
    found: dict[str, dict[str, list[tuple[int, Interval]]]] = defaultdict(lambda: defaultdict(list))
    for number, rows in enumerate(worlds):
        for row in rows:
            found[row.kind][row.key].append((number, row))
            if row.kind in ZERO and row.worth is not None and row.worth < LITTLE * MIN_CLUSTERS:
                found[row.kind + NEAR][row.key].append((number, row))
    made = [_of_kind(kind, keys, len(worlds)) for kind, keys in sorted(found.items())]
    return [row for row in made if row["intervals"] or row["none"]]


def _of_kind(kind: str, keys: dict[str, list[tuple[int, Interval]]], n: int) -> dict[str, Any]:
    held: dict[int, list[bool]] = defaultdict(list)
    none = below = used = 0
    least = next(value for begin, value in LEAST.items() if kind.startswith(begin))
    for seen in keys.values():
        none += sum(row.low is None for _, row in seen)
        if kind.removesuffix(NEAR) in ZERO or kind.startswith(PEOPLE):
            truth, stretch = 0.0, 1.0
        elif len(seen) < max(10, 0.95 * n):
            continue  # a mean over the worlds that happen to have a number is no truth
        else:
            truth = float(np.mean([row.value for _, row in seen]))
            stretch = math.sqrt(len(seen) / (len(seen) - 1))
        used += 1
        for world, row in seen:
            if row.low is not None and row.high is not None:
                away = (truth - row.value) * stretch
                held[world].append(row.low - row.value <= away <= row.high - row.value)
                below += row.worth is not None and row.worth < least
    inside, total = sum(map(sum, held.values())), sum(map(len, held.values()))
    low, high = _ends_of(held, inside, total)
    return {"kind": kind, "keys": used, "worlds": len(held), "intervals": total,
            "covered": inside / total if total else math.nan, "low": low, "high": high,
            "none": none, "below": below}  # fmt: skip


def _ends_of(held: dict[int, list[bool]], inside: int, total: int) -> tuple[float, float]:
    """Interval of the coverage; intervals of one world go together, so worlds are units."""
    if not total:
        return math.nan, math.nan
    share = inside / total
    plain = share * (1 - share) / total
    gaps = [sum(h) - share * len(h) for h in held.values()]
    clustered = sum(g * g for g in gaps) / total**2
    effect = max(1.0, clustered / plain) if plain > 0 else 1.0
    return wilson(inside / effect, total / effect)


def lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The table as text; what lies outside 92 to 98 of 100 is marked."""
    yield (f"{'kind':44} {'of':>4} {'worlds':>6} {'number':>7} {'covered':>7} {'95 % of it':>12} "
           f"{'none':>6} {'below least':>11}")  # fmt: skip
    for r in rows:
        if not r["intervals"]:
            yield f"{r['kind']:44} no interval whose truth is known; {r['none']} without"
            continue
        ends = f"{100 * r['low']:.1f}-{100 * r['high']:.1f}"
        yield (f"{r['kind']:44} {r['keys']:4} {r['worlds']:6} {r['intervals']:7} "
               f"{100 * r['covered']:7.1f} {ends:>12} {r['none']:6} {r['below']:11} "
               f"{_missed(r)}")  # fmt: skip


def _missed(row: dict[str, Any]) -> str:
    if WANTED[0] <= row["covered"] <= WANTED[1]:
        return ""
    sure = row["high"] < WANTED[0] or row["low"] > WANTED[1]
    side = "too short" if row["covered"] < WANTED[0] else "too wide"
    return side if sure else f"{side}?"
