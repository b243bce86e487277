"""The statistics that claims on the poles rest on, each one function of an observation.

The same function runs on the study, on every replay of either family, and on the panels
of a benchmark. All are signed so that larger is more as the claim says, and are NaN where
they are not defined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isthmus.poles.archetypes import APART, TOGETHER
from isthmus.poles.groups import (
    APART_FROM,
    CLOSER,
    EU,
    EUROPE,
    GROUP_POLES,
    GROUPS,
    HUBS,
    LARGEST,
    NOT_CLOSER,
    Condition,
)
from isthmus.poles.observation import Frame, Observation, significant_partners
from isthmus.poles.trend_lines import BENT, UNKNOWN, Lines
from isthmus.stats.shares import FEWEST

Flags = NDArray[np.bool_]

#: Codes whose share of the followed pairs is a headline.
SHARED = ("SC", "SD", "KI", "KD", "flat")

NAN = float("nan")


class Key(NamedTuple):
    """Name of a statistic, and the layer, quantity and countries it is of."""

    what: str
    layer: str | None = None
    quantity: str | None = None
    source: str | None = None
    target: str | None = None


@dataclass(frozen=True)
class Number:
    """A statistic of one world.

    Attributes
    ----------
    value : float
        NaN where it is not defined.
    low, high : float
        95 % interval, of trends.
    bend_p : float
        P of a bend, of trends.
    n : int
        Pairs or countries it rests on.
    found : bool
        Whether the world shows what the claim says.
    reason : str
        Why there is no value, or why it must not be read as one line.
    """

    value: float
    low: float = NAN
    high: float = NAN
    bend_p: float = NAN
    n: int = 0
    found: bool = False
    reason: str = ""


Statistic = Callable[[Observation], Number]


def statistics(frame: Frame, layers: Sequence[str], quantities: Sequence[str]) -> dict[
    Key, Statistic
]:  # fmt: skip
    """Return every statistic that worlds of this frame have.

    Parameters
    ----------
    layers
        Layers of the chain, the first one leading.
    quantities
        Quantities of the chain, the one it follows first.
    """
    made: dict[Key, Statistic] = {}
    follows = quantities[0]
    for layer in layers:
        for one, other in frame.pole_pairs:
            for quantity in quantities:
                path = (layer, quantity, one, other)
                for what, sign in (("poles_diverge", -1), ("poles_converge", 1)):
                    made[Key(what, *path)] = partial(pole_slope, path, sign)
        made[Key("polarisation_rises", layer, _index_quantity(follows))] = partial(
            index_slope, layer
        )
        made[Key("pairs_rise", layer, follows)] = partial(share_of_trends, layer, 1)
        made[Key("pairs_decline", layer, follows)] = partial(share_of_trends, layer, -1)
        if "z" in quantities:
            for pole in frame.poles:
                made[Key("significant_ties", layer, "z", pole)] = partial(ties, layer, pole)
            if len(frame.pole_pairs):
                made[Key("more_ties_first", layer, "z")] = partial(more_ties_first, layer)
    for code in SHARED:
        made[Key(f"archetype_{code}", None, follows)] = partial(share_of_code, code)
    made[Key("largest_diverge", None, follows)] = largest_diverge
    if len(frame.pole_pairs):
        made[Key("second_only", None, follows)] = second_only
    made |= _relations(frame, layers[0], follows)
    if set(frame.poles[:2]) == set(GROUP_POLES):
        made |= _named_groups(layers[0], follows)
    return made


def _index_quantity(follows: str) -> str:
    return "affinity" if follows == "affinity" else "log_ratio"


def _relations(frame: Frame, layer: str, quantity: str) -> dict[Key, Statistic]:
    made: dict[Key, Statistic] = {}
    for country in frame.panel.countries:
        for pole in frame.poles:
            if country not in frame.poles and frame.row(country, pole) is not None:
                for how in (CLOSER, APART_FROM):
                    key = Key(f"relation:{country}:{pole}:{how}", layer, quantity, country, pole)
                    made[key] = partial(relation, layer, (country, pole, how))
    return made


def _named_groups(layer: str, quantity: str) -> dict[Key, Statistic]:
    made: dict[Key, Statistic] = {
        Key(f"group:{name}", layer, quantity): partial(weakest, layer, conditions)
        for name, conditions in GROUPS.items()
    }
    made[Key("hub_and_spoke", None, quantity)] = hub_and_spoke
    made[Key("europe_bridges", None, quantity)] = europe_bridges
    return made


def pole_slope(path: tuple[str, str, str, str], sign: int, seen: Observation) -> Number:
    """Slope a year of two poles' tie, both directions averaged; `sign` -1: of its fall."""
    return _slope(seen.pole_lines[path], sign)


def index_slope(layer: str, seen: Observation) -> Number:
    """Slope a year of the polarisation index."""
    return _slope(seen.index_lines[layer], 1)


def _slope(found: Lines, sign: int) -> Number:
    if not found.known[0]:
        return Number(NAN, reason=UNKNOWN)
    low, high = sorted((sign * float(found.low[0]), sign * float(found.high[0])))
    bent = bool(found.bent[0])
    return Number(
        sign * float(found.slope[0]),
        low,
        high,
        bend_p=float(found.bend_p[0]),
        n=1,
        found=int(found.sign[0]) == sign and not bent,
        reason=BENT if bent else "",
    )


def share_of_trends(layer: str, sign: int, seen: Observation) -> Number:
    """Share of a layer's followed pairs that rise (1) or fall (-1)."""
    found = seen.trends[layer]
    return _share(found.sign[found.known] == sign)


def share_of_code(code: str, seen: Observation) -> Number:
    """Share of the followed pairs with an archetype."""
    made = _share(seen.codes[seen.known] == code)
    return made if code != "flat" else Number(made.value, n=made.n, reason=made.reason)


def _share(hits: Flags) -> Number:
    if not len(hits):
        return Number(NAN, reason="no such pair is followed")
    value = float(hits.mean())
    return Number(value, n=len(hits), found=value > 0)


def ties(layer: str, pole: str, seen: Observation) -> Number:
    """Number of significant partners of a pole."""
    if seen.frame.panel.index(pole) is None:
        return Number(NAN, reason="not in the data")
    partners = significant_partners(seen, layer, pole)
    value = int(partners.sum())
    return Number(float(value), n=len(partners) - 1, found=value > 0)


def more_ties_first(layer: str, seen: Observation) -> Number:
    """Of the partners with a significant tie to one pole alone, the share tied to the first."""
    first, second = (significant_partners(seen, layer, pole) for pole in seen.frame.poles[:2])
    others = ~np.isin(seen.frame.panel.countries, list(seen.frame.poles[:2]))
    return _of_one_alone(others & first, others & second)


def relation(layer: str, condition: Condition, seen: Observation) -> Number:
    """Slope over its standard error of a country's tie with a pole, signed as claimed."""
    country, pole, how = condition
    row = seen.frame.row(country, pole)
    if row is None:
        return Number(NAN, reason="not followed")
    found = seen.trends[layer]
    if not found.known[row]:
        return Number(NAN, reason=UNKNOWN)
    sign = {CLOSER: 1, APART_FROM: -1, NOT_CLOSER: -1}[how]
    holds = int(found.sign[row]) != 1 if how == NOT_CLOSER else int(found.sign[row]) == sign
    bent = bool(found.bent[row])
    return Number(
        sign * float(found.ratio[row]),
        bend_p=float(found.bend_p[row]),
        n=1,
        found=holds and not bent,
        reason=BENT if bent else "",
    )


def weakest(layer: str, conditions: Sequence[Condition], seen: Observation) -> Number:
    """Least of the ratios of several relations: all hold at least as clearly as this one."""
    numbers = [relation(layer, condition, seen) for condition in conditions]
    missing = [
        f"{country} with {pole}: {number.reason}"
        for (country, pole, _), number in zip(conditions, numbers, strict=True)
        if np.isnan(number.value)
    ]
    if missing:
        return Number(NAN, n=len(numbers) - len(missing), reason="; ".join(missing))
    found = all(number.found for number in numbers)
    return Number(min(number.value for number in numbers), n=len(numbers), found=found)


def second_only(seen: Observation) -> Number:
    """Of the countries that come closer to one pole alone, the share closer to the second."""
    first, second, _ = _towards(seen)
    return _of_one_alone(second, first)


def _of_one_alone(one: Flags, other: Flags) -> Number:
    """Share of `one` among the countries of one side alone; too few say nothing."""
    alone = one ^ other
    n = int(alone.sum())
    if n < FEWEST:
        return Number(NAN, n=n, reason=f"{n} with one pole alone, {FEWEST} are needed")
    value = float(one[alone].mean())
    return Number(value, n=n, found=value > 1 / 2)


def europe_bridges(seen: Observation) -> Number:
    """Share of Europe's countries, followed with both poles, that come closer to both."""
    first, second, known = _towards(seen)
    europe = np.isin(seen.frame.panel.countries, sorted(EUROPE))
    return _of_countries(int((first & second & europe).sum()), known & europe)


def _of_countries(count: int, among: Flags) -> Number:
    n = int(among.sum())
    if not n:
        return Number(NAN, reason="no country is followed with both poles")
    return Number(count / n, n=n, found=count > 0)


def _towards(seen: Observation) -> tuple[Flags, Flags, Flags]:
    """Countries closer to the first pole, to the second, and followed with both: (n,) each."""
    frame = seen.frame
    n = len(frame.panel.countries)
    closer, known = np.zeros((2, n), dtype=bool), np.zeros((2, n), dtype=bool)
    for place, pole in enumerate(frame.poles[:2]):
        at = frame.panel.index(pole)
        for near, far in (
            (frame.pairs.first, frame.pairs.second),
            (frame.pairs.second, frame.pairs.first),
        ):
            mine = (near == (-1 if at is None else at)) & seen.known
            known[place, far[mine]] = True
            closer[place, far[mine]] = seen.directions[mine] == 1
    both = known.all(axis=0) & ~np.isin(frame.panel.countries, list(frame.poles[:2]))
    return closer[0] & both, closer[1] & both, both


def largest_diverge(seen: Observation) -> Number:
    """Share of scientific divergence (SD) among pairs of the largest producers."""
    largest = _largest(seen.frame, np.ones(len(seen.frame.panel.countries), dtype=bool), LARGEST)
    return _share(seen.codes[_between(seen, largest, largest)] == "SD")


def hub_and_spoke(seen: Observation) -> Number:
    """Lesser of the shares of hubs' pairs that part and of hub-spoke pairs that join."""
    members = np.isin(seen.frame.panel.countries, sorted(EU))
    order = _largest(seen.frame, members, len(EU))
    hubs, spokes = order[:HUBS], order[HUBS:]
    parts = _share(np.isin(seen.codes[_between(seen, hubs, hubs)], APART))
    joins = _share(np.isin(seen.codes[_between(seen, hubs, spokes)], TOGETHER))
    if np.isnan(parts.value) or np.isnan(joins.value):
        return Number(NAN, reason="too few members are followed")
    value = min(parts.value, joins.value)
    return Number(value, n=parts.n + joins.n, found=value > 0)


def _largest(frame: Frame, among: Flags, most: int) -> NDArray[np.int64]:
    """Positions of the countries with most works, largest first."""
    order = np.lexsort((np.array(frame.panel.countries), -frame.panel.works))
    return order[among[order]][:most]


def _between(seen: Observation, one: NDArray[np.int64], other: NDArray[np.int64]) -> Flags:
    """Followed pairs with a trend between two groups of countries, (p,)."""
    pairs = seen.frame.pairs
    there = np.isin(pairs.first, one) & np.isin(pairs.second, other)
    back = np.isin(pairs.first, other) & np.isin(pairs.second, one)
    return (there | back) & seen.known


def placebo_p(value: float, drawn: NDArray[np.float64]) -> tuple[int, float]:
    """Return how many replays show at least as much, and p with the study counted in."""
    drawn = drawn[np.isfinite(drawn)]
    hits = int((drawn >= value).sum())
    return hits, (1 + hits) / (1 + len(drawn))
