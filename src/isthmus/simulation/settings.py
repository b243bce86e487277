"""What a simulated world is asked to be, and what is planted in it.

Everything that a study should find, or should not find, is a setting here.
A :class:`WorldSettings` with nothing but its size and seed is a **placebo
world**: countries differ in size and growth and in nothing else.
:func:`planted_world` switches on all that isthmus looks for.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import InputError
from isthmus.simulation.country_sizes import LEADING, TAIL, country_codes
from isthmus.study.field import EARLIEST_YEAR, LATEST_YEAR

#: Points (year, value): linear between them, constant before the first and after the last.
Curve = tuple[tuple[int, float], ...]

#: Countries that drift towards each other in the ``two_blocs`` preset, by pole.
BLOCS: dict[str, tuple[str, ...]] = {
    "US": ("US", "GB", "DE", "CA", "IL", "CH", "SE", "DK"),
    "CN": ("CN", "RU", "PK", "SG", "IR", "HK", "VN", "SA"),
}


@dataclass(frozen=True)
class PairCurve:
    """A value per year for a pair of countries (ordered where direction matters)."""

    source: str
    target: str
    curve: Curve


@dataclass(frozen=True)
class CountryCurve:
    """A value per year for a country."""

    country: str
    curve: Curve


@dataclass(frozen=True)
class WorldSettings:
    """Size, seed and planted truth of a simulated world.

    Attributes
    ----------
    n_works, seed, years
        Number of works in all, seed, first and last year.
    n_countries, growth
        Number of countries, largest first; yearly factor of the number of works.
    outside_share
        Share of works in neighbouring subfields, outside the field.
    outside_cites_field
        Chance that a reference of a work outside the field goes to the field.
    team_size, max_team
        Mean and largest number of authors of a work (negative binomial).
    lab_share
        Chance that a coauthor at home comes from the senior author's own lab.
    area_loyalty
        Chance that a coauthor's own area (field or outside) is the work's.
    papers_per_author, productivity_sigma, exit_rate, lab_size
        Mean works per author and active year, log-sd of authors' productivity,
        yearly chance of ending a career, mean people per lab.
    international_share
        Chance that a work looks for a partner anywhere in the world; the partner
        country is drawn by size, so that a country that draws itself stays at home.
    third_country_share
        Share of international works joined by a third country. Pairs of one work
        then depend on each other, so links are no longer independent Poisson.
    affinity, affinity_strength, affinity_pairs
        Preset (``none``, ``two_blocs``) with its log-multiplier in the last year,
        and further log-multipliers by pair and year, added to it (symmetric).
    citation_affinity
        How much of the affinity also acts on whom a work cites.
    migration_rate, migration_pairs
        Yearly chance of an author to look for a job anywhere in the world (the
        destination is drawn by size), and multipliers by origin, destination, year.
    retention
        Chance that a mover's later work gains a coauthor in the country last left.
    joint_effects
        Multiplier of the impact of works led by ``source`` with ``target`` on board
        (an author or an employer there, before any affiliation is lost). It is the
        ratio of their expected c_k to that of works alike in all else; see
        :mod:`isthmus.simulation.references` for where it falls short. Works whose partner's
        affiliation is lost look like works without one and dilute what can be seen.
    joint_communities
        Communities whose works have these effects; all when empty. What is said of claims
        is about a field of these communities.
    country_impact
        Multiplier of the impact of works led by a country.
    impact_sigma
        Log-sd of works' impact (fitness).
    novel_share, novel_references
        Share of the field's works that are novel, and the share of their references
        that goes to the community opposite to their own, which others never cite
        together with it on purpose.
    missing_affiliations, missing_by_country
        Chance by year that an author's affiliations are unknown, and multipliers.
    drawn_seed
        Seed of what is drawn once for the whole world: lasting affinities, noise of
        pairs, drift of impact, factors of losses. None takes `seed`. Pieces of one
        world share it.
    lasting_affinity
        Standard deviation of a log-multiplier drawn for each pair of countries that
        stays the same in all years; it adds to the affinity.
    pair_dispersion, pair_noise, pair_noise_memory
        Noise of each pair and year without trend: variance of a gamma factor of mean 1,
        and standard deviation and correlation from year to year of a normal term in the
        logarithm. Joint works have one draw per pair, citations one per direction.
    impact_drift
        Standard deviation of the yearly change of a country's log impact. Each country
        has one rate for all years, drawn once; its impact is unchanged mid-way.
    reference_growth
        Yearly factor of the mean length of reference lists.
    impact_noise, move_noise
        Standard deviation of noise in the logarithm, of a country's impact in each year and
        of moves from each country to each other; from year to year it has the correlation
        ``pair_noise_memory``.
    drawn_sizes
        Whether sizes are drawn around the plan: works of each year (multinomial), and people,
        who then come and go each on their own; teams grow with people. Without it years hold
        just the works that are planned, and people fill as many posts as the works ask for, so
        that numbers of works and of people vary less from seed to seed than those of a field.
    full_lists
        Whether references that repeat are drawn again. Without it they are dropped, and
        works of years with few works gather fewer citations: 3 % fewer in the first five
        years than in later ones in a world of 20,000 works, 1 % with it.
    missing_spread
        Log-sd of factors of the chance of missing affiliations, drawn once for each
        country and for each venue.
    double_affiliations
        Share of international works carried not by a foreign coauthor but by one
        author with employers in both countries.
    second_employers
        Chance that an author names a second institution of the same country.
    parsed_countries
        Share of affiliations with a country but no institution.
    references, reference_lag, reference_lag_sigma
        Mean length of reference lists (those older than the world are left out);
        median age of references in years and its log-sd.
    communities, venues_per_community
        Number of communities in the field and outside (each), and venues in each.
    """

    n_works: int
    seed: int
    years: tuple[int, int] = (1998, 2021)
    n_countries: int = 60
    growth: float = 1.1
    outside_share: float = 0.35
    outside_cites_field: float = 0.3
    team_size: float = 4.0
    max_team: int = 40
    lab_share: float = 0.6
    area_loyalty: float = 0.9
    papers_per_author: float = 1.6
    productivity_sigma: float = 1.0
    exit_rate: float = 0.1
    lab_size: int = 12
    international_share: float = 0.3
    third_country_share: float = 0.0
    affinity: Literal["none", "two_blocs"] = "none"
    affinity_strength: float = 1.0
    affinity_pairs: tuple[PairCurve, ...] = ()
    drawn_seed: int | None = None
    lasting_affinity: float = 0.0
    pair_dispersion: float = 0.0
    pair_noise: float = 0.0
    pair_noise_memory: float = 0.0
    citation_affinity: float = 1.0
    migration_rate: float = 0.006
    migration_pairs: tuple[PairCurve, ...] = ()
    retention: float = 0.0
    joint_effects: tuple[PairCurve, ...] = ()
    joint_communities: tuple[int, ...] = ()
    country_impact: tuple[CountryCurve, ...] = ()
    impact_drift: float = 0.0
    impact_noise: float = 0.0
    move_noise: float = 0.0
    drawn_sizes: bool = False
    impact_sigma: float = 1.1
    novel_share: float = 0.0
    novel_references: float = 0.4
    missing_affiliations: Curve = ((1998, 0.10), (2021, 0.03))
    missing_by_country: tuple[CountryCurve, ...] = ()
    missing_spread: float = 0.0
    double_affiliations: float = 0.1
    second_employers: float = 0.05
    parsed_countries: float = 0.02
    references: float = 22.0
    reference_growth: float = 1.0
    full_lists: bool = False
    reference_lag: float = 4.0
    reference_lag_sigma: float = 0.8
    communities: int = 12
    venues_per_community: int = 25

    def __post_init__(self) -> None:
        _check(self)

    @property
    def codes(self) -> tuple[str, ...]:
        """Country codes, largest countries first; arrays over countries follow this order."""
        return country_codes(self.n_countries)

    @property
    def span(self) -> NDArray[np.int64]:
        """All years."""
        return np.arange(self.years[0], self.years[1] + 1, dtype=np.int64)

    def works_by_year(self) -> NDArray[np.int64]:
        """Split the works over the years, growing by a constant factor (largest remainder)."""
        weight = self.growth ** np.arange(len(self.span), dtype=np.float64)
        exact = self.n_works * weight / weight.sum()
        works: NDArray[np.int64] = np.floor(exact).astype(np.int64)
        rest = np.argsort(works - exact, kind="stable")[: self.n_works - works.sum()]
        works[rest] += 1
        return works

    def as_dict(self) -> dict[str, Any]:
        """Return all settings as plain values that JSON can hold."""
        return dataclasses.asdict(self)


def planted_world(n_works: int, seed: int, **changes: Any) -> WorldSettings:
    """Return settings with everything planted that isthmus looks for; `changes` replace any."""
    planted: dict[str, Any] = {
        "affinity": "two_blocs",
        "migration_pairs": (
            PairCurve("CN", "US", ((1998, 4.0),)),
            PairCurve("US", "CN", ((1998, 1.0), (2021, 4.0))),
        ),
        "retention": 0.25,
        "joint_effects": (
            PairCurve("US", "CN", ((2004, 0.8), (2012, 1.0), (2018, 1.7))),
            PairCurve("CN", "US", ((2004, 2.0), (2012, 1.8), (2018, 1.5))),
        ),
        "country_impact": (
            CountryCurve("US", ((1998, 1.6),)),
            CountryCurve("CN", ((1998, 0.5), (2021, 1.2))),
        ),
        "novel_share": 0.03,
        "third_country_share": 0.1,
    }
    return WorldSettings(n_works, seed, **(planted | changes))


def curve_at(curve: Curve, years: NDArray[np.int64]) -> NDArray[np.float64]:
    """Read a curve at some years."""
    points = sorted(curve)
    return np.interp(years, [year for year, _ in points], [value for _, value in points])


def pair_values(
    settings: WorldSettings, pairs: tuple[PairCurve, ...], start: float, *, symmetric: bool
) -> NDArray[np.float64]:
    """Lay pair curves out as an array of shape (years, countries, countries).

    Entries without a curve hold `start`; several curves of one pair add up when
    `start` is 0 and multiply when it is 1. Pairs of countries that the world
    does not hold are ignored.
    """
    place = {code: index for index, code in enumerate(settings.codes)}
    values = np.full((len(settings.span), settings.n_countries, settings.n_countries), start)
    for pair in pairs:
        if pair.source in place and pair.target in place and pair.source != pair.target:
            given = curve_at(pair.curve, settings.span)
            a, b = place[pair.source], place[pair.target]
            for i, j in ((a, b), (b, a)) if symmetric else ((a, b),):
                values[:, i, j] = values[:, i, j] * given if start else values[:, i, j] + given
    return values


def country_values(
    settings: WorldSettings, countries: tuple[CountryCurve, ...]
) -> NDArray[np.float64]:
    """Lay country curves out as an array of shape (years, countries); 1 without a curve."""
    place = {code: index for index, code in enumerate(settings.codes)}
    values = np.ones((len(settings.span), settings.n_countries))
    for entry in countries:
        if entry.country in place:
            values[:, place[entry.country]] *= curve_at(entry.curve, settings.span)
    return values


def log_affinity(settings: WorldSettings) -> NDArray[np.float64]:
    """Return the planted log-multiplier of each pair and year, shape (years, n, n), symmetric.

    The ``two_blocs`` preset starts at 0 and grows linearly: within a bloc to
    half of ``affinity_strength``, between the blocs to minus ``affinity_strength``.
    """
    planted = pair_values(settings, settings.affinity_pairs, 0.0, symmetric=True)
    if settings.affinity == "two_blocs":
        side = np.array([_side(code) for code in settings.codes])
        product = np.outer(side, side)
        level = np.where(product > 0, 0.5, -1.0) * (product != 0) * settings.affinity_strength
        np.fill_diagonal(level, 0.0)
        planted += np.linspace(0.0, 1.0, len(settings.span))[:, None, None] * level
    return planted


def _side(code: str) -> int:
    return (code in BLOCS["US"]) - (code in BLOCS["CN"])


_SHARES = [
    "outside_share",
    "outside_cites_field",
    "lab_share",
    "area_loyalty",
    "exit_rate",
    "international_share",
    "third_country_share",
    "migration_rate",
    "retention",
    "novel_share",
    "novel_references",
    "double_affiliations",
    "second_employers",
    "parsed_countries",
]
_SPREADS = [
    "lasting_affinity",
    "pair_dispersion",
    "pair_noise",
    "impact_drift",
    "impact_noise",
    "move_noise",
    "missing_spread",
]
_POSITIVE = [
    "growth",
    "reference_growth",
    "papers_per_author",
    "lab_size",
    "reference_lag",
    "reference_lag_sigma",
    "communities",
    "venues_per_community",
    "references",
    "max_team",
    "team_size",
]


def _check(settings: WorldSettings) -> None:
    """Refuse settings that no world can have, naming the setting and what was found."""
    for name in _SHARES:
        if not 0.0 <= getattr(settings, name) <= 1.0:
            _refuse(name, getattr(settings, name), "a share between 0 and 1")
    for name in _POSITIVE:
        if not getattr(settings, name) > 0:
            _refuse(name, getattr(settings, name), "a number above 0")
    for name in _SPREADS:
        if not 0.0 <= getattr(settings, name) < np.inf:
            _refuse(name, getattr(settings, name), "a finite number from 0 up")
    if not -1.0 < settings.pair_noise_memory < 1.0:
        _refuse("pair_noise_memory", settings.pair_noise_memory, "a number between -1 and 1")
    if settings.n_works < 1:
        _refuse("n_works", settings.n_works, "at least 1 work")
    for name in ("seed", "drawn_seed"):
        if not 0 <= (getattr(settings, name) or 0) < 2**63:
            _refuse(name, getattr(settings, name), "an integer from 0")
    if not EARLIEST_YEAR <= settings.years[0] <= settings.years[1] <= LATEST_YEAR:
        span = f"between {EARLIEST_YEAR} and {LATEST_YEAR}"
        _refuse("years", settings.years, f"a first year not after the last, {span}")
    if settings.affinity not in ("none", "two_blocs"):
        _refuse("affinity", settings.affinity, "'none' or 'two_blocs'")
    if settings.communities < 4:
        _refuse("communities", settings.communities, "at least 4")
    country_codes(settings.n_countries)
    for name in ("affinity_pairs", "migration_pairs", "joint_effects"):
        for pair in getattr(settings, name):
            _check_curve(name, pair.curve, (pair.source, pair.target), name == "affinity_pairs")
    for name in ("country_impact", "missing_by_country"):
        for entry in getattr(settings, name):
            _check_curve(name, entry.curve, (entry.country,), False)
    _check_curve("missing_affiliations", settings.missing_affiliations, (), False)


def _check_curve(name: str, curve: Curve, countries: tuple[str, ...], may_fall: bool) -> None:
    if not curve or not all(np.isfinite(value) and (may_fall or value >= 0) for _, value in curve):
        allowed = "one or more points (year, finite value)" + ("" if may_fall else " from 0 up")
        _refuse(name, curve, allowed)
    for code in countries:
        if code not in LEADING and code not in TAIL:
            _refuse(name, code, "the code of a country that a world can hold")


def _refuse(name: str, found: object, allowed: str) -> None:
    raise InputError(f"The world's setting {name} is {found!r}; {allowed} was expected.")
