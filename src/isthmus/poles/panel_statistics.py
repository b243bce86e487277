"""Statistics of a bare panel beside its placebo, without tables and clustering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from isthmus.errors import InputError
from isthmus.poles.analysis import PanelFit, chain_of, measure
from isthmus.poles.layers import build_panel
from isthmus.poles.observation import observe
from isthmus.poles.replays import replay_all, worst_p
from isthmus.poles.statistics import Key, Number, statistics
from isthmus.poles.team_counts import BIPARTITE
from isthmus.study.sections import AFFINITY, Poles


@dataclass(frozen=True)
class PanelStatistic:
    """One statistic of a panel.

    Attributes
    ----------
    value : float
        NaN where it is not defined.
    low, high : float
        95 % interval, of trends; NaN of others.
    p : float
        Share of the replays, the panel counted in, that show at least as much, in the
        family that shows it most often; NaN without replays.
    replays : int
        Fewest replays behind that share.
    n : int
        Pairs or countries the statistic rests on.
    found : bool
        Whether the panel shows what the claim says, replays left aside.
    reason : str
        Why there is no value, or why it must not be read as one line.
    """

    value: float
    low: float
    high: float
    p: float
    replays: int
    n: int
    found: bool
    reason: str

    @classmethod
    def of(cls, number: Number, p: float, replays: int) -> PanelStatistic:
        """Return a number beside its replays."""
        value, low, high = number.value, number.low, number.high
        return cls(value, low, high, p, replays, number.n, number.found, number.reason)


def pole_statistics(
    collaboration: pa.Table | None,
    citation: pa.Table | None = None,
    *,
    settings: Poles | None = None,
    poles: Sequence[str] = ("US", "CN"),
    output: pa.Table | None = None,
    model: str = AFFINITY,
    seed: int,
    threads: int = 1,
) -> dict[str, PanelStatistic]:
    """Compute every statistic of a panel, on affinities or under one null model.

    The functions and replays are those of :func:`isthmus.poles.analysis.analyse`: its
    table ``placebo`` holds the same numbers.

    Parameters
    ----------
    collaboration, citation, poles, output, seed
        As of :func:`isthmus.poles.analysis.analyse`.
    settings : Poles, optional
        `placebo_replays` is shared by the families of replays.
    model : str
        ``none`` for affinities, else the null model.

    Returns
    -------
    dict of str to PanelStatistic
        ``poles_diverge:collaboration``, ``second_only``, ``relation:DE:US:closer`` ...;
        empty where fewer than two countries enter. Of several quantities the one that is
        followed counts, of several pairs of poles the first.
    """
    settings = settings or Poles()
    if model == BIPARTITE:
        raise InputError(f"The null model '{BIPARTITE}' needs teams; a bare panel has none.")
    poles = tuple(dict.fromkeys(poles))
    panel = build_panel(collaboration, citation, settings, poles, output)
    if len(panel.countries) < 2 or not panel.layers:
        return {}
    fit = PanelFit.of(panel, poles, settings, seed)
    chain = chain_of(model, panel, settings, seed, None)
    layers = measure(fit, chain)
    study = observe(fit.frame, model, layers, settings)
    asked = statistics(fit.frame, [one.name for one in layers], layers[0].quantities)
    replays = replay_all(fit.frame, fit.worlds, chain, asked, settings, threads=threads)
    numbers = {key: statistic(study) for key, statistic in asked.items()}
    made: dict[str, PanelStatistic] = {}
    for key, number in numbers.items():
        made.setdefault(
            name_of(key), PanelStatistic.of(number, *worst_p(key, number.value, replays))
        )
    return made


def name_of(key: Key) -> str:
    """Return the name of a statistic: what it is and, where several layers have it, the layer.

    Examples
    --------
    >>> name_of(Key("poles_diverge", "citation")), name_of(Key("second_only"))
    ('poles_diverge:citation', 'second_only')
    """
    if key.what.startswith(("relation:", "group:")) or key.layer is None:
        return key.what
    parts = [key.what, key.layer, key.source if key.what == "significant_ties" else None]
    return ":".join(part for part in parts if part)
