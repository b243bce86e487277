"""Settings of the pole analysis, each with the reason for its default."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from isthmus.errors import InputError

Quantity = Literal["z", "log_ratio", "percentile"]

#: Total change over the study below which a trend counts as flat, by quantity. z: a
#: tenth of a null standard deviation, since under maximum-entropy nulls a whole
#: decline has to fit between 0 and -1. Log ratio: log(1.1), ten per cent. Percentile: five points.
FLAT_CHANGE: dict[str, float] = {"z": 0.1, "log_ratio": 0.0953, "percentile": 0.05}


@dataclass(frozen=True)
class PolesSettings:
    """Thresholds, windows and rules of the pole analysis.

    Attributes
    ----------
    null_models : tuple of str
        Null models, the first being the headline. ``multiedge`` counts events as
        what they are, distinguishable; ``ecm`` is the usual maximum-entropy null,
        kept beside it because it is known to create trends of its own.
        ``bipartite`` keeps teams together; it needs a corpus and looks at
        collaboration alone.
    min_works : float
        Works a year, on average over the last `average_years`, from which a
        country enters; joint works stand in where output is not given. 50:
        below it a year's counts are mostly noise.
    min_expected : float
        A pair is followed when its sizes alone would give it this many joint
        works (citations) a year on average. 1: below it z can only jitter
        between nothing and a surprise. The rule sees sizes, never affinity.
    min_year_share : float
        Share of the years in which a country must be active and a pair tested.
        20 of 22.
    max_gap : int
        Missing years in a row that are interpolated. 2.
    quantity : "z", "log_ratio" or "percentile"
        What trajectories follow. z, as in the study this analysis extends.
    archetypes : int
        Clusters of trajectories. 4, one per archetype; see ``cluster_choice``.
    window : int, optional
        Sakoe-Chiba half-width in years. None: any lag may be warped away.
    n_init, n_resamples : int
        Restarts of the clustering, and bootstrap resamples of pairs for its
        stability. 10 each: a stability in steps of five per cent.
    trend_level : float
        Mann-Kendall p-value below which a pair's series has a trend. 0.01, for
        thousands of pairs are looked at.
    flat_change : mapping
        Smallest total change, by quantity, that is called a trend.
    centroid_change : float
        Smallest total change of a centroid, in standard deviations of a series,
        that names it rising or falling. 0.5; a straight line changes by 3.4.
    z_threshold, average_years : float, int
        A tie is significant when its z, averaged over the last years, is above
        the threshold: 2 over 5 years, as in the study this analysis extends.
    placebo_replays, simulated_replays : int
        Replays without affinity: 100, enough to see a rate of 5 %; 5 for null
        models that are themselves simulated.
    placebo_level : float
        Share of replays that may show a finding before it counts as the null
        model's own. 0.05.
    resamples : int
        Bootstrap resamples of countries for the polarisation index. 400.
    dropped : int
        How many of the largest countries besides the poles are left out, one at a
        time, to see whether the headline trends hang on one of them. 10.
    choice_sample, choice_most : int
        Pairs and largest k that the diagnostics of k use. 300 and 8.
    """

    null_models: tuple[str, ...] = ("multiedge", "ecm")
    min_works: float = 50.0
    min_expected: float = 1.0
    min_year_share: float = 20 / 22
    max_gap: int = 2
    quantity: Quantity = "z"
    archetypes: int = 4
    window: int | None = None
    n_init: int = 10
    n_resamples: int = 10
    trend_level: float = 0.01
    flat_change: dict[str, float] = field(default_factory=lambda: dict(FLAT_CHANGE))
    centroid_change: float = 0.5
    z_threshold: float = 2.0
    average_years: int = 5
    placebo_replays: int = 100
    simulated_replays: int = 5
    placebo_level: float = 0.05
    resamples: int = 400
    dropped: int = 10
    choice_sample: int = 300
    choice_most: int = 8

    def __post_init__(self) -> None:
        """Refuse what cannot be used."""
        if not self.null_models:
            raise InputError("The pole analysis needs at least one null model; name `multiedge`.")
        if self.quantity not in FLAT_CHANGE:
            raise InputError(
                f"`quantity` is {self.quantity!r}; it must be one of {', '.join(FLAT_CHANGE)}."
            )
        least = {"archetypes": 1, "n_init": 1, "average_years": 1, "max_gap": 0, "n_resamples": 0}
        for name, bound in (least | {"placebo_replays": 0, "resamples": 0, "dropped": 0}).items():
            if getattr(self, name) < bound:
                raise InputError(f"`{name}` is {getattr(self, name)}; it must be {bound} or more.")
