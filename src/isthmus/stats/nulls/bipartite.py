"""Team null model: every work keeps its number of countries, every country its works.

A work with d countries is a d-subset of all countries, drawn with probability
proportional to the product of its members' weights z (conditional Bernoulli
sampling: Chen, Dempster and Liu 1994, Biometrika 81, 457). Of all laws with the
observed team sizes and the observed expected number of works per country this
one has the largest entropy. Team sizes hold exactly and not only on average, as
in the bipartite configuration model: there a work of one country would still be
expected to make half a pair.

Pairs made by one work of many countries come and go together; here they do so
by construction, since works and not pairs are drawn. Works with equal team size
share their law, so the cost does not grow with the number of works.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import ndtr

from isthmus.errors import InputError
from isthmus.stats.nulls.models import NullFit
from isthmus.stats.nulls.newton import Sums, relative_error, solve
from isthmus.stats.nulls.newton_steps import Information

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Pairs observed up to this often get their tails from the exact distribution,
#: others from the normal with skewness correction.
EXACT_TO = 256


@dataclass(frozen=True)
class Inclusion:
    """Chances of countries in a work, by team size.

    Attributes
    ----------
    single : array (d, n)
        Probability that a country is on a team of the given size.
    joint : array (d, n, n)
        Probability that two countries both are; zero diagonal.
    """

    single: Floats
    joint: Floats


def inclusion(z: Floats, sizes: Ints) -> Inclusion:
    """Single and joint inclusion probabilities of conditional Bernoulli sampling.

    With e_d(S) the elementary symmetric polynomial of the weights of the
    countries S, p_i(d) = z_i e_{d-1}(all but i) / e_d(all) and p_ij(d) =
    z_i z_j e_{d-2}(all but i, j) / e_d(all). The polynomials of what is left are
    put together from those of the countries before and after, by sums of
    positive terms only: the shorter recursion over d loses all digits once one
    country is on nearly every team.

    Parameters
    ----------
    z : array (n,)
        Weights, 0 or above.
    sizes : array (s,)
        Team sizes wanted, ascending, each from 1 to the number of positive weights.
    """
    n = z.size
    single, joint = np.zeros((sizes.size, n)), np.zeros((sizes.size, n, n))
    if sizes.size:
        middle = np.sort(z)[n - int(sizes[-1])]
        _fill_inclusion(z / middle, sizes, _suffixes(z / middle, int(sizes[-1])), single, joint)
    return Inclusion(single, joint)


@njit(cache=True, nogil=True)
def _suffixes(z, most):  # type: ignore[no-untyped-def]
    """Elementary symmetric polynomials 0..most of z[i:], for every i; (n + 1, most + 1)."""
    after = np.zeros((z.size + 1, most + 1))
    after[z.size, 0] = 1.0
    for i in range(z.size - 1, -1, -1):
        after[i, 0] = 1.0
        for k in range(1, most + 1):
            after[i, k] = after[i + 1, k] + z[i] * after[i + 1, k - 1]
    return after


@njit(cache=True, nogil=True)
def _without(before, after, degree):  # type: ignore[no-untyped-def]
    """Coefficient `degree` of the product of two polynomials."""
    total = 0.0
    for k in range(degree + 1):
        total += before[k] * after[degree - k]
    return total


@njit(cache=True, nogil=True)
def _append(polynomial, z):  # type: ignore[no-untyped-def]
    """Take one more country into a polynomial, in place."""
    for k in range(polynomial.size - 1, 0, -1):
        polynomial[k] += z * polynomial[k - 1]


@njit(cache=True, nogil=True)
def _fill_inclusion(z, sizes, after, single, joint):  # type: ignore[no-untyped-def]
    before = np.zeros(after.shape[1])
    before[0] = 1.0
    for i in range(z.size):
        left = before.copy()
        for j in range(i + 1, z.size):
            for s in range(sizes.size):
                d = sizes[s]
                if d >= 2:
                    rest = _without(left, after[j + 1], d - 2)
                    joint[s, i, j] = joint[s, j, i] = z[i] * z[j] * rest / after[0, d]
            _append(left, z[j])
        for s in range(sizes.size):
            single[s, i] = z[i] * _without(before, after[i + 1], sizes[s] - 1) / after[0, sizes[s]]
        _append(before, z[i])


@dataclass(frozen=True)
class TeamDual:
    """Works per country as constraints, given how many works have each team size.

    Attributes
    ----------
    target : array (n,)
        Works per country.
    sizes, works : array (s,)
        Team sizes, and how many works have each.
    """

    target: Floats
    sizes: Ints
    works: Ints

    def sums(self, theta: Floats, *, coupled: bool = True) -> Sums:
        """Expected works per country and their covariance."""
        chance = inclusion(np.exp(theta), self.sizes)
        mean = self.works @ chance.single
        covariance = np.einsum("s,sij->ij", self.works, chance.joint, optimize=True)
        covariance -= np.einsum(
            "s,si,sj->ij", self.works, chance.single, chance.single, optimize=True
        )
        return Sums(mean, Information(mean[None], np.empty((1, 0)), covariance))

    def missing(self, mean: Floats) -> Floats:
        """Target minus mean, as it is."""
        return self.target - mean

    def longest_step(self, theta: Floats, step: Floats, enough: float) -> float:
        """Every weight is allowed."""
        return float("inf")

    def error(self, mean: Floats) -> float:
        """Largest relative error over the countries."""
        return relative_error(mean, self.target)


@dataclass(frozen=True)
class TeamLaw:
    """Works shared by two countries: a Poisson-binomial count, team size by team size.

    Attributes
    ----------
    z : array (n,)
        Weights of the countries.
    sizes, works : array (s,)
        Team sizes, and how many works have each.
    joint : array (s, n, n)
        Chance that a work of that size has both countries.
    """

    z: Floats
    sizes: Ints
    works: Ints
    joint: Floats

    def mean(self) -> Floats:
        """Expected number of shared works."""
        return np.asarray(np.einsum("s,sij->ij", self.works, self.joint))

    def variance(self) -> Floats:
        """Variance of the number of shared works."""
        return np.asarray(np.einsum("s,sij->ij", self.works, self.joint * (1.0 - self.joint)))

    @cached_property
    def _skewness(self) -> Floats:
        q = self.joint
        third = np.einsum("s,sij->ij", self.works, q * (1 - q) * (1 - 2 * q))
        sd = np.sqrt(self.variance())
        return np.asarray(np.divide(third, sd**3, where=sd > 0, out=np.zeros_like(third)))

    def tails(self, weights: Floats) -> tuple[Floats, Floats]:
        """Exact up to `EXACT_TO` shared works, above by the refined normal.

        The refined normal adds the skewness term (Volkova 1996, Theory Probab.
        Appl. 40, 791) with continuity correction.
        """
        fewer, below = self._refined(weights + 0.5), self._refined(weights - 0.5)
        small = np.argwhere(np.triu(weights <= EXACT_TO, 1))
        for i, j in small:
            pmf = _pmf(self.works, np.ascontiguousarray(self.joint[:, i, j]), int(weights[i, j]))
            fewer[i, j] = fewer[j, i] = pmf.sum()
            below[i, j] = below[j, i] = pmf[:-1].sum()
        return np.clip(1.0 - below, 0.0, 1.0), np.clip(fewer, 0.0, 1.0)

    def _refined(self, at: Floats) -> Floats:
        sd = np.sqrt(self.variance())
        x = np.divide(at - self.mean(), sd, where=sd > 0, out=np.sign(at - self.mean()) * 40.0)
        density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
        skewed = self._skewness * (1 - x**2) * density / 6.0
        return np.asarray(ndtr(x) + skewed)

    def draw(self, random: np.random.Generator) -> Floats:
        """Shared works of one set of teams, drawn work by work."""
        shared = np.zeros(self.joint.shape[1:])
        if self.works.size:
            middle = np.sort(self.z)[self.z.size - int(self.sizes[-1])]
            z = self.z / middle
            _draw_teams(
                random, z, _suffixes(z, int(self.sizes[-1])), self.sizes, self.works, shared
            )
        return shared


@njit(cache=True, nogil=True)
def _draw_teams(random, z, after, sizes, works, shared):  # type: ignore[no-untyped-def]
    """Draw every work's countries one by one (Chen, Dempster and Liu 1994, procedure 2)."""
    team = np.empty(sizes[-1], dtype=np.int64)
    for s in range(sizes.size):
        for _ in range(works[s]):
            wanted = sizes[s]
            for i in range(z.size):
                if wanted == 0:
                    break
                if random.random() * after[i, wanted] < z[i] * after[i + 1, wanted - 1]:
                    wanted -= 1
                    team[wanted] = i
            for one in range(sizes[s]):
                for two in range(one):
                    shared[team[one], team[two]] += 1.0
                    shared[team[two], team[one]] += 1.0


@njit(cache=True, nogil=True)
def _pmf(works, q, most):  # type: ignore[no-untyped-def]
    """P(W = 0..most) of a sum of binomials, by convolution of truncated laws."""
    total = np.zeros(most + 1)
    total[0] = 1.0
    for s in range(works.size):
        if q[s] <= 0.0:
            continue
        one = np.zeros(most + 1)
        if q[s] < 1.0:
            one[0] = np.exp(works[s] * np.log1p(-q[s]))
            odds = q[s] / (1.0 - q[s])
            for k in range(1, min(most, works[s]) + 1):
                one[k] = one[k - 1] * odds * (works[s] - k + 1) / k
        elif works[s] <= most:
            one[works[s]] = 1.0
        joined = np.zeros(most + 1)
        for k in range(most + 1):
            if total[k] > 0.0:
                for m in range(most + 1 - k):
                    joined[k + m] += total[k] * one[m]
        total = joined
    return total


def fit_bipartite(
    work: Any, country: Any, *, n_countries: int | None = None, directed: bool = False
) -> NullFit:
    """Fit the team null model to the countries of works.

    Parameters
    ----------
    work : array (m,)
        Work of each entry, any integers or strings.
    country : array (m,)
        Country of each entry, as integers from 0 up; the same country twice on a
        work counts once.
    n_countries : int, optional
        Number of countries; the largest code plus one when left out.
    directed : bool
        Only False: members of a team have no direction.

    Returns
    -------
    NullFit
        For the matrix of shared works. Parameters are log z per country.

    Raises
    ------
    InputError
        When the arrays differ in length, codes are unusable or direction is asked.
    """
    if directed:
        raise InputError(
            "Teams have no direction, so there is no directed team null model. "
            "Use 'multiedge' or 'ecm' for citations."
        )
    sizes, works, totals = team_counts(work, country, n_countries)
    return fit_team_counts(sizes, works, totals)


def team_counts(work: Any, country: Any, n_countries: int | None) -> tuple[Ints, Ints, Ints]:
    """Team sizes, works of each, and works per country, from one row per membership."""
    works, codes = np.asarray(work), np.asarray(country)
    if works.ndim != 1 or works.shape != codes.shape:
        raise InputError(
            "Work and country must be two arrays of one length, one entry per country of a "
            f"work; the shapes found are {works.shape} and {codes.shape}."
        )
    if codes.size == 0:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, np.zeros(n_countries or 0, dtype=np.int64)
    if not np.issubdtype(codes.dtype, np.integer) or codes.min() < 0:
        raise InputError(
            f"Countries must be whole numbers from 0 up; found type {codes.dtype}. "
            "Number the countries first, for instance with numpy.unique."
        )
    n = int(codes.max()) + 1 if n_countries is None else n_countries
    if codes.max() >= n:
        raise InputError(
            f"Country {codes.max()} is beyond the {n} countries announced in n_countries."
        )
    _, numbered = np.unique(works, return_inverse=True)
    members = np.unique(numbered.astype(np.int64) * n + codes)
    sizes, works_of_size = np.unique(np.bincount(members // n), return_counts=True)
    return (
        sizes.astype(np.int64),
        works_of_size.astype(np.int64),
        np.bincount(members % n, minlength=n).astype(np.int64),
    )


def fit_team_counts(sizes: Any, works: Any, totals: Any) -> NullFit:
    """Fit the team null model to counts alone.

    Parameters
    ----------
    sizes : array (s,)
        Distinct team sizes (countries of a work), ascending.
    works : array (s,)
        Works of each size.
    totals : array (n,)
        Works of each country; they add up to the sum of sizes times works.

    Raises
    ------
    InputError
        When totals and team sizes contradict each other.
    """
    sizes, works, totals = (np.asarray(x, dtype=np.int64) for x in (sizes, works, totals))
    _check_teams(sizes, works, totals)
    with np.errstate(divide="ignore"):
        start = np.log(totals / max(int(totals.max(initial=0)), 1))
    solution = solve(TeamDual(totals.astype(np.float64), sizes, works), start)
    chance = inclusion(np.exp(solution.theta), sizes)
    return NullFit(
        model="bipartite",
        directed=False,
        parameters={"log_z": solution.theta},
        residual=solution.residual,
        law=TeamLaw(np.exp(solution.theta), sizes, works, chance.joint),
        has_rows=totals > 0,
        has_columns=totals > 0,
        steps=solution.steps,
    )


def _check_teams(sizes: Ints, works: Ints, totals: Ints) -> None:
    if np.any(np.diff(sizes) <= 0) or np.any(sizes < 1) or np.any(works < 0):
        raise InputError(
            "Team sizes must be distinct, ascending and at least 1, and works not negative."
        )
    if int(sizes @ works) != int(totals.sum()):
        raise InputError(
            f"Teams hold {int(sizes @ works)} memberships, and the countries {totals.sum()}. "
            "Count every country once per work."
        )
    most = int(sizes[-1]) if sizes.size else 0
    if most > np.count_nonzero(totals) or np.any(totals > works.sum()):
        raise InputError(
            f"No work can have {most} of {np.count_nonzero(totals)} countries, nor a country "
            f"more works than the {works.sum()} there are."
        )
