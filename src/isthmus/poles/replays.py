"""The placebo: a chain replayed on worlds in which nothing changes but sizes.

What a chain finds in such worlds is its own doing. See :mod:`isthmus.poles.worlds`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.chains import Chain
from isthmus.poles.measures import Series
from isthmus.poles.observation import Frame, Observation, observe
from isthmus.poles.statistics import Key, Number, Statistic, placebo_p
from isthmus.poles.worlds import CONSTANT_TIES, SIZES, Worlds
from isthmus.results import schema_of
from isthmus.study.sections import AFFINITY, Poles

Floats = NDArray[np.float64]

PLACEBO_SCHEMA = schema_of("placebo")

POLE_YEARS_SCHEMA = schema_of("pole_years")


@dataclass(frozen=True)
class Replay:
    """What is kept of one replay: statistics, paths for bands, and for turns where found."""

    values: Mapping[Key, float]
    paths: Mapping[tuple[str, str, str, str], Floats]
    index: Mapping[str, Floats]
    series: Mapping[tuple[str, int], Series] = field(default_factory=dict)


#: Replays by family.
Replays = Mapping[str, Sequence[Replay]]


def replay_all(
    frame: Frame,
    worlds: Worlds,
    chain: Chain,
    asked: Mapping[Key, Statistic],
    settings: Poles,
    *,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, list[Replay]]:
    """Make every replay; the answer does not depend on the number of threads."""
    each = chain.replays(settings)
    jobs = [(family, number) for number in range(each) for family in chain.families]
    made: dict[str, list[Replay]] = {family: [] for family in chain.families}
    if jobs:
        chain.rehearse(worlds.draw(chain.families[0], each, chain.teams))

    def one(job: tuple[str, int]) -> Replay:
        seen = replay(frame, worlds, chain, settings, *job)
        values = {key: statistic(seen).value for key, statistic in asked.items()}
        return Replay(values, seen.paths, seen.index, seen.pole_series)

    with ThreadPoolExecutor(max(threads, 1)) as pool:
        for done, (job, found) in enumerate(zip(jobs, pool.map(one, jobs), strict=True), start=1):
            made[job[0]].append(found)
            if progress is not None:
                progress(done, len(jobs))
    return made


def replay(
    frame: Frame, worlds: Worlds, chain: Chain, settings: Poles, family: str, number: int
) -> Observation:
    """Draw one world without change and measure it as the study is measured."""
    weights = worlds.draw(family, number, chain.teams)
    measured = [
        chain.quick(layer, weights[layer.name], number) for layer in frame.panel.layers
    ]  # fmt: skip
    return observe(frame, chain.model, measured, settings)


def band_family(model: str, replays: Replays) -> Sequence[Replay]:
    """Replays that bands by year are drawn from.

    Of a null model: sizes alone, which show its own drift. Of affinities: constant ties,
    for a tie that never changes has a level of its own, which sizes do not know.
    """
    return replays.get(CONSTANT_TIES if model == AFFINITY else SIZES, [])


def placebo_table(
    model: str, study: Mapping[Key, Number], replays: Replays, settings: Poles
) -> pa.Table:
    """Table ``placebo`` for one chain: each statistic beside the replays of each family.

    `rate` is the share of replays in which the statistic is at least as large as in the
    study; ``p`` adds the study itself to the replays. A finding survives when the study
    shows it and p is at most `placebo_level`; with too few replays for any p to be that
    small it is left open.
    """
    rows = [
        {"null_model": model, "family": family, **_row(key, number, made, settings)}
        for family, made in replays.items()
        for key, number in study.items()
    ]
    return pa.Table.from_pylist(rows, schema=PLACEBO_SCHEMA)


def _row(key: Key, number: Number, made: Sequence[Replay], settings: Poles) -> dict[str, Any]:
    drawn = np.array([other.values[key] for other in made])
    drawn = drawn[np.isfinite(drawn)]
    row: dict[str, Any] = {
        **key._asdict(),
        "study": _number(number.value),
        "low": _number(number.low),
        "high": _number(number.high),
        "bend_p": _number(number.bend_p),
        "n": number.n,
        "replays": len(drawn),
        "found": number.found,
        "reason": number.reason or None,
    }
    if len(drawn):
        low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
        row |= {"placebo_mean": float(drawn.mean()), "placebo_low": low, "placebo_high": high}
    if len(drawn) and np.isfinite(number.value):
        hits, p = placebo_p(number.value, drawn)
        telling = number.found and enough(len(drawn), settings.placebo_level)
        row |= {"rate": hits / len(drawn), "p": p}
        row["survives"] = p <= settings.placebo_level if telling else None
    return row


def enough(replays: int, level: float) -> bool:
    """Whether this many replays can show a rate as small as `level`."""
    return 1 / (1 + replays) <= level


def worst_p(key: Key, value: float, replays: Replays) -> tuple[float, int]:
    """Largest p over the families, and the fewest replays behind one: NaN without any."""
    found, fewest = float("nan"), 0
    for made in replays.values():
        drawn = np.array([other.values[key] for other in made])
        drawn = drawn[np.isfinite(drawn)]
        if len(drawn) and np.isfinite(value):
            p = placebo_p(value, drawn)[1]
            found = p if np.isnan(found) else max(found, p)
            fewest = min(fewest, len(drawn)) if fewest else len(drawn)
    return found, fewest


def pole_years_table(
    model: str, years: NDArray[np.int64], study: Observation, replays: Sequence[Replay]
) -> pa.Table:
    """Table ``pole_years``: ties between poles, each year beside the placebo's."""
    rows = []
    for key, path in study.paths.items():
        place = dict(zip(("layer", "quantity", "source", "target"), key, strict=True))
        drawn = np.array([other.paths[key] for other in replays]).reshape(-1, len(years))
        for t in np.flatnonzero(np.isfinite(path)):
            some = drawn[np.isfinite(drawn[:, t]), t]
            band = np.percentile(some, [2.5, 97.5]).tolist() if len(some) else (None, None)
            rows.append(
                {
                    "null_model": model,
                    **place,
                    "year": int(years[t]),
                    "value": float(path[t]),
                    "placebo_mean": float(some.mean()) if len(some) else None,
                    "placebo_low": band[0],
                    "placebo_high": band[1],
                }
            )
    return pa.Table.from_pylist(rows, schema=POLE_YEARS_SCHEMA)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
