"""What every section of a study checks of itself, and the section ``[poles]``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

import msgspec

from isthmus.errors import StudyError

Quantity = Literal["affinity", "log_ratio", "z", "percentile"]

#: Stands in column ``null_model`` for affinities, which need none.
AFFINITY = "none"

#: What trajectories can follow.
QUANTITIES: tuple[Quantity, ...] = ("affinity", "log_ratio", "z", "percentile")

NULL_MODELS = (
    "multiedge",
    "multiedge_overdispersed",
    "noise_corrected",
    "wcm",
    "ecm",
    "crem",
    "rewiring",
    "bipartite",
)

#: Total change over the study below which a trend counts as flat, by quantity. z: a
#: tenth of a null standard deviation, since under maximum-entropy nulls a whole
#: decline has to fit between 0 and -1. Log ratio: log(1.1), ten per cent. Percentile: five points.
FLAT_CHANGE: dict[str, float] = {"z": 0.1, "log_ratio": 0.0953, "percentile": 0.05}

#: A rule: whether it is kept, the key, what was found, what is allowed.
Rule = tuple[bool, str, object, str]


def require(kept: bool, key: str, found: object, allowed: str) -> None:
    """Refuse a value of a study that breaks a rule.

    Raises
    ------
    StudyError
        The rule is not kept; the message gives the key, the value and what is allowed.
    """
    if not kept:
        raise StudyError(f"`{key}` is {found!r}; it must be {allowed}.")


def misfit(error: msgspec.ValidationError, key: str = "") -> StudyError:
    """Return the error that says which value of a study has the wrong type."""
    text = str(error)
    if key:
        text = text.replace("`$", f"`$.{key}") if "`$" in text else f"{text} - at `$.{key}`"
    text = text.replace("$.", "").replace(" - at ", " at ").replace("Object ", "the study ")
    return StudyError(f"The study does not fit: {text}.")


def country_codes(key: str, codes: Iterable[str]) -> list[Rule]:
    """Return the rule that each value is a country code."""
    allowed = "an ISO 3166 alpha-2 code in capitals, like US"
    return [(bool(re.fullmatch("[A-Z]{2}", code)), key, code, allowed) for code in codes]


def country_pairs(key: str, pairs: Sequence[tuple[str, str]]) -> list[Rule]:
    """Return the rules that pairs name two different countries each."""
    return [(a != b, key, [a, b], "two different countries") for a, b in pairs]


def ends(key: str, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the codes of pairs, each beside its key."""
    return [(key, code) for pair in pairs for code in pair]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the study file; its fields are the allowed keys.

    Types and rules are checked however a section is made, from a file or in Python.

    Raises
    ------
    StudyError
        A value has the wrong type or breaks a rule.
    """

    #: Name of the section in the study file; empty for the study as a whole.
    section: ClassVar[str]

    def __post_init__(self) -> None:
        for one in msgspec.structs.fields(self):
            key = f"{self.section}.{one.name}".strip(".")
            try:
                value = msgspec.convert(getattr(self, one.name), one.type)
            except msgspec.ValidationError as error:
                raise misfit(error, key) from None
            msgspec.structs.force_setattr(self, one.name, value)
        for rule in self.rules():
            require(*rule)

    def rules(self) -> Iterable[Rule]:
        """Return every rule on the values, kept or not."""
        return ()

    def named_places(self) -> list[tuple[str, str]]:
        """Return the codes of places that are named, each beside its key.

        What a code may look like depends on the unit of the study (``[places]``).
        """
        return []

    def at_least(self, least: dict[str, int], unit: str = "") -> list[Rule]:
        """Return the rules that values named are not below a number each."""
        found = [(name, getattr(self, name), low) for name, low in least.items()]
        return [
            (value >= low, f"{self.section}.{name}", value, f"{low} or more{unit}")
            for name, value, low in found
        ]


class Poles(Section, frozen=True):
    """``[poles]``: what is followed, null models, panel, clustering, trends and placebo.

    Attributes
    ----------
    null_models
        Null models that are shown beside the affinity; the first is the headline where
        `quantity` is not affinity. ``multiedge`` counts events as what they are,
        distinguishable; ``ecm`` is the usual maximum-entropy null, kept beside it because
        it is known to create trends of its own. ``bipartite`` keeps teams together; it
        needs a corpus and looks at collaboration alone.
    quantity
        What trajectories follow: ``affinity``, ``log_ratio``, ``z`` or ``percentile``.
        Affinity: how much more two countries work together than either does with its typical
        partner, free of their sizes. Under the null models z is followed then, as in Gallo et
        al.; else the quantity named here.
    min_works
        Works a year, on average over the last `average_years`, from which a country
        enters; joint works are used where output is not given. 50: below it a year's
        counts are mostly noise. Poles always enter.
    most
        How many countries or other places enter at most, the largest: what is fitted grows with
        the square of their number. 300: more than there are countries. Poles always enter.
    min_expected
        A pair is followed when its sizes alone would give it this many joint works
        (citations) a year on average. 1: below it z can only jitter between nothing and a
        surprise. The rule sees sizes, never affinity.
    min_year_share
        Share of the years in which a country must be active and a pair tested. 20 of 22.
    max_gap
        Missing years in a row that are interpolated for the clustering. 2.
    archetypes
        Clusters of trajectories: 4, one per archetype; see ``cluster_choice``.
    dtw_window
        Half-width in years within which dynamic time warping may shift; none: any lag.
    n_init, n_resamples
        Restarts of the clustering, and bootstrap resamples of pairs for its stability. 10
        each: a stability in steps of five per cent.
    trend_level
        P-value below which a pair has a trend. 0.01, for thousands of pairs are looked at.
    smallest_change
        Smallest change of the affinity a year that is called a trend. 0.02: two per cent
        a year, a half over twenty years.
    flat_change
        Smallest total change over the study, by quantity, that is called a trend of the
        other quantities.
    bend_level
        P-value of a bend below which a path is reported as `not one line`.
    turn_works
        Works a year from which a tie is asked whether it turns; measured by its standard
        error, which is about one over the root of the works. 20: at 5 works a year a change
        of slope of 0.10 is found in one of five ties. Ties between poles are always asked.
    bloc_windows
        Most windows of `average_years` in which blocs are looked for; 0: none. 3.
    centroid_change
        Smallest total change of a centroid, in standard deviations of a series, that
        names it rising or falling. 0.5; a straight line changes by 3.4.
    z_threshold, average_years
        A tie is significant when its z, averaged over the last years, is above the
        threshold: 2 over 5 years, as in Gallo et al.
    placebo_replays, simulated_replays
        Replays without change, shared by their families: 80, so that each family of two can
        show a rate of 1 in 41; 5 for null models that are themselves simulated.
    placebo_level
        Share of replays that may show a finding before it counts as the replays' own.
    dropped
        How many of the largest countries besides the poles are left out, one at a time,
        to see whether the headline trends hang on one of them. 10.
    choice_sample, choice_most
        Pairs and largest number of clusters that ``cluster_choice`` looks at. 300 and 8.
    """

    section: ClassVar[str] = "poles"

    null_models: tuple[str, ...] = ("multiedge", "ecm")
    quantity: Quantity = "affinity"
    min_works: float = 50.0
    most: int = 300
    min_expected: float = 1.0
    min_year_share: float = 20 / 22
    max_gap: int = 2
    archetypes: int = 4
    dtw_window: int | None = None
    n_init: int = 10
    n_resamples: int = 10
    trend_level: float = 0.01
    smallest_change: float = 0.02
    flat_change: dict[str, float] = msgspec.field(default_factory=lambda: dict(FLAT_CHANGE))
    bend_level: float = 0.05
    turn_works: float = 20.0
    bloc_windows: int = 3
    centroid_change: float = 0.5
    z_threshold: float = 2.0
    average_years: int = 5
    placebo_replays: int = 80
    simulated_replays: int = 5
    placebo_level: float = 0.05
    dropped: int = 10
    choice_sample: int = 300
    choice_most: int = 8

    @property
    def follows(self) -> Quantity:
        """What is followed under the null models."""
        return "z" if self.quantity == "affinity" else self.quantity

    def rules(self) -> list[Rule]:
        """Return the rules on the pole analysis."""
        least = {"min_works": 0, "min_expected": 0, "max_gap": 0, "n_init": 1, "average_years": 1}
        least |= {"n_resamples": 0, "placebo_replays": 0, "simulated_replays": 0}
        least |= {
            "bloc_windows": 0,
            "turn_works": 0,
            "dropped": 0,
            "smallest_change": 0,
            "centroid_change": 0,
        }
        least |= {"choice_sample": 0, "choice_most": 2}
        shares = [
            (0 < getattr(self, name) < 1, f"poles.{name}", getattr(self, name), "between 0 and 1")
            for name in ("trend_level", "bend_level", "placebo_level")
        ]
        window, models = self.dtw_window, list(self.null_models)
        known = set(models) <= set(NULL_MODELS)
        flat = all(self.flat_change.get(name, -1.0) >= 0 for name in FLAT_CHANGE)
        share = self.min_year_share
        return [
            *self.at_least(least),
            *shares,
            (self.most >= 2, "poles.most", self.most, "2 or more"),
            (2 <= self.archetypes <= 50, "poles.archetypes", self.archetypes, "2 to 50"),
            (window is None or window >= 0, "poles.dtw_window", window, "0 or more years"),
            (0 <= share <= 1, "poles.min_year_share", share, "0 to 1"),
            (bool(models), "poles.null_models", models, "at least one null model"),
            (known, "poles.null_models", models, f"null models among {', '.join(NULL_MODELS)}"),
            (
                flat and set(self.flat_change) == set(FLAT_CHANGE),
                "poles.flat_change",
                self.flat_change,
                f"a number of 0 or more for each of {', '.join(FLAT_CHANGE)}",
            ),
        ]
