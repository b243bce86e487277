"""The placebo: the study's own panel replayed with sizes and no affinities.

Every weight is drawn anew from a Poisson law with the weight that sizes alone
would give; under the team null model whole teams are drawn. What the chain finds in
such worlds is the null model's own doing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.archetypes import archetypes
from isthmus.poles.links import Fitter, quick_quantities
from isthmus.poles.observation import Frame, Observation, Scores, followed_mask, observe
from isthmus.poles.polarisation import polarisation
from isthmus.poles.settings import PolesSettings
from isthmus.poles.trajectories import trajectories
from isthmus.stats.trends import theil_sen, trend_signs

Floats = NDArray[np.float64]

PLACEBO_SCHEMA = pa.schema(
    [
        ("null_model", pa.string()),
        ("layer", pa.string()),
        ("what", pa.string()),
        ("quantity", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("study", pa.float64()),
        ("placebo_mean", pa.float64()),
        ("placebo_low", pa.float64()),
        ("placebo_high", pa.float64()),
        ("rate", pa.float64()),
        ("p", pa.float64()),
        ("replays", pa.int64()),
        ("found", pa.bool_()),
        ("survives", pa.bool_()),
    ]
)

POLE_YEARS_SCHEMA = pa.schema(
    [
        ("null_model", pa.string()),
        ("layer", pa.string()),
        ("quantity", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("year", pa.int16()),
        ("value", pa.float64()),
        ("placebo_mean", pa.float64()),
        ("placebo_low", pa.float64()),
        ("placebo_high", pa.float64()),
    ]
)

#: Null models that are simulated themselves, so that replays are dear.
SIMULATED = ("rewiring",)

#: Least change of the polarisation index over the study that is called a trend.
INDEX_CHANGE = 0.01


@dataclass(frozen=True)
class World:
    """What replays are drawn from and how they are measured.

    Attributes
    ----------
    frame : Frame
    expected : dict layer -> (t, n, n) weights sizes alone would give
    fitters : dict layer -> Fitter that has fitted the study
    centroids : (k, t, d) centroids of the study
    settings : PolesSettings
    seed : int
    """

    frame: Frame
    expected: Mapping[str, Floats]
    fitters: Mapping[str, Fitter]
    centroids: Floats
    settings: PolesSettings
    seed: int

    @property
    def n_replays(self) -> int:
        """Replays that are made of this null model."""
        model = next(iter(self.fitters.values())).model
        replays = self.settings.placebo_replays
        return min(replays, self.settings.simulated_replays) if model in SIMULATED else replays


def replay_all(
    world: World, *, threads: int = 1, progress: Callable[[int, int], None] | None = None
) -> list[Observation]:
    """Make every replay; the answer does not depend on the number of threads."""
    total, made = world.n_replays, []
    if total:
        _rehearse(world)
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        for observation in pool.map(lambda number: replay(world, number), range(total)):
            made.append(observation)
            if progress is not None:
                progress(len(made), total)
    return made


def _rehearse(world: World) -> None:
    """Fit one draw beforehand: replays are closer to each other than to the study."""
    random = np.random.default_rng(np.random.SeedSequence([world.seed]))
    for name, fitter in world.fitters.items():
        fitter.rehearse(_networks(world, name, random))


def replay(world: World, number: int) -> Observation:
    """Draw one world without affinities and take it through the whole chain.

    The clustering starts from the study's centroids and makes a few steps.
    """
    settings, frame = world.settings, world.frame
    random = np.random.default_rng(np.random.SeedSequence([world.seed, number]))
    scores, follow = {}, {}
    for name, fitter in world.fitters.items():
        weights = _networks(world, name, random)
        scores[name], follow[name] = _scored(fitter, weights, settings, number)
    seen = trajectories(follow, frame.pairs, settings)
    found = archetypes(seen, settings, world.seed, start=world.centroids)
    return observe(frame, scores, seen, found, pole_index(frame, scores), settings)


def pole_index(frame: Frame, scores: Mapping[str, Scores]) -> dict[str, Floats]:
    """Polarisation index of every layer, without intervals."""
    mask, places = followed_mask(frame), [frame.panel.index(pole) for pole in frame.poles]
    inside = [place for place in places if place is not None]
    return {
        name: polarisation(score.log_ratio, mask, inside, resamples=0, seed=0).index
        for name, score in scores.items()
    }


def _networks(world: World, name: str, random: np.random.Generator) -> Floats:
    fitter = world.fitters[name]
    if fitter.teams is not None:
        return fitter.teams.draw(random)
    return _drawn(world.expected[name], fitter.directed, random)


def _drawn(expected: Floats, directed: bool, random: np.random.Generator) -> Floats:
    if directed:
        return random.poisson(expected).astype(np.float64)
    upper = np.triu_indices(expected.shape[1], 1)
    drawn = np.zeros(expected.shape)
    drawn[:, upper[0], upper[1]] = random.poisson(expected[:, upper[0], upper[1]])
    return np.asarray(drawn + drawn.transpose(0, 2, 1))


def _scored(
    fitter: Fitter, weights: Floats, settings: PolesSettings, number: int
) -> tuple[Scores, Floats]:
    follow, z, ratio = (np.empty(weights.shape) for _ in range(3))
    for year, network in enumerate(weights):
        fit = fitter.quick(year, network, number)
        follow[year], z[year], ratio[year] = quick_quantities(network, fit, settings.quantity)
    return Scores(z, ratio), follow


def placebo_table(
    model: str, study: Observation, replays: Sequence[Observation], settings: PolesSettings
) -> pa.Table:
    """Table ``placebo`` for one null model: the study's headlines beside those of replays.

    For a finding that is there or not (poles diverge, polarisation rises) `rate`
    is the share of replays that show it; for a number it is the share of replays
    in which it is at least as large. ``p`` adds the study itself to the replays.
    A finding survives when the study shows it and p is at most `placebo_level`;
    with too few replays for any p to be that small it is left open.
    """
    rows = [*_pole_rows(study, replays, settings), *_number_rows(study, replays, settings)]
    rows += _index_rows(study, replays, settings)
    for row in rows:
        row["null_model"], row["replays"] = model, len(replays)
    return pa.Table.from_pylist(rows, schema=PLACEBO_SCHEMA)


def enough(replays: int, level: float) -> bool:
    """Whether this many replays can show a rate as small as `level`."""
    return 1 / (1 + replays) <= level


def _judged(
    value: float | None, drawn: Floats, hits: NDArray[np.bool_], found: bool, level: float
) -> dict[str, object]:
    """Placebo mean and band, rate, p and whether the finding survives."""
    drawn = drawn[np.isfinite(drawn)]
    known, n = len(drawn) > 0, len(hits)
    p = (1 + int(hits.sum())) / (1 + n) if n else None
    telling = enough(n, level)
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist() if known else (None, None)
    return {
        "study": value if value is not None and np.isfinite(value) else None,
        "placebo_mean": float(drawn.mean()) if known else None,
        "placebo_low": low,
        "placebo_high": high,
        "rate": float(hits.mean()) if n else None,
        "p": p,
        "found": found,
        "survives": p <= level if p is not None and found and telling else None,
    }


def _pole_rows(
    study: Observation, replays: Sequence[Observation], settings: PolesSettings
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for what, sign in (("poles_diverge", -1), ("poles_converge", 1)):
        for key, (slope, own) in study.poles_slope.items():
            layer, quantity, source, target = key
            drawn = np.array([other.poles_slope[key][0] for other in replays])
            hits = np.array([other.poles_slope[key][1] == sign for other in replays], dtype=bool)
            place = {"layer": layer, "quantity": quantity, "source": source, "target": target}
            judged = _judged(slope, drawn, hits, own == sign, settings.placebo_level)
            rows.append({"what": what, **place, **judged})
    return rows


def _number_rows(
    study: Observation, replays: Sequence[Observation], settings: PolesSettings
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []

    def add(value: float, drawn: list[float], **place: str) -> None:
        values = np.array(drawn, dtype=np.float64)
        found = value > 0 and place["what"] != "archetype_flat"
        judged = _judged(value, values, values >= value, found, settings.placebo_level)
        rows.append({**place, **judged})

    quantity = settings.quantity
    for layer in study.rise:
        drawn = [other.rise[layer] for other in replays]
        add(study.rise[layer], drawn, what="pairs_rise", layer=layer, quantity=quantity)
        drawn = [other.decline[layer] for other in replays]
        add(study.decline[layer], drawn, what="pairs_decline", layer=layer, quantity=quantity)
    for key, ties in study.ties.items():
        place = {"what": "significant_ties", "layer": key[0], "quantity": "z", "source": key[1]}
        add(ties, [other.ties[key] for other in replays], **place)
    for code, share in study.shares.items():
        add(share, [other.shares[code] for other in replays], what=f"archetype_{code}")
    return rows


def _index_rows(
    study: Observation, replays: Sequence[Observation], settings: PolesSettings
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for layer, own in study.index.items():
        if np.isfinite(own).sum() < 2:
            continue
        paths = np.array([own, *(other.index[layer] for other in replays)])
        slopes = theil_sen(paths).slope
        signs = trend_signs(paths, level=settings.trend_level, flat_change=INDEX_CHANGE)
        judged = _judged(
            slopes[0], slopes[1:], signs[1:] == 1, signs[0] == 1, settings.placebo_level
        )
        rows.append(
            {"what": "polarisation_rises", "layer": layer, "quantity": "log_ratio", **judged}
        )
    return rows


def pole_years_table(
    model: str, years: NDArray[np.int64], study: Observation, replays: Sequence[Observation]
) -> pa.Table:
    """Table ``pole_years``: z and log ratio between poles, each year beside the placebo's."""
    rows = []
    for key, path in study.poles_path.items():
        place = dict(zip(("layer", "quantity", "source", "target"), key, strict=True))
        drawn = np.array([other.poles_path[key] for other in replays]).reshape(-1, len(years))
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
