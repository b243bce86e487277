"""Conditional reconstruction model: degrees and strengths, weights of any amount.

Links are Bernoulli with probabilities f_ij that reproduce the degrees; given a
link the weight is exponential with rate theta_i + theta_j, so that the strengths
hold (Parisi, Squartini and Garlaschelli 2020, New J. Phys. 22, 053053, eq. 12-15).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.stats.nulls.duals import SingleDual
from isthmus.stats.nulls.laws import ExponentialLaw
from isthmus.stats.nulls.margins import (
    Margins,
    Settled,
    all_alike,
    classes,
    settle,
    settle_directed,
)
from isthmus.stats.nulls.models import NullFit
from isthmus.stats.nulls.newton import Solution, solve
from isthmus.stats.nulls.pairs import BERNOULLI, EXPONENTIAL, NONE, SURE

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LinkFit:
    """A solved binary configuration model: probability of every link, (n, n)."""

    p: Floats
    rows: Floats
    columns: Floats
    solution: Solution


def fit_crem(net: Margins) -> NullFit:
    """Solve links, then rates; parameters are a (log odds of links) and theta per node."""
    links = fit_links(net)
    sides = [net.s_out, net.s_in][: 2 if net.directed else 1]
    every = np.ones(net.n, dtype=np.int64)
    dual = SingleDual(
        law=EXPONENTIAL,
        target=np.concatenate([[], *sides]),
        size_rows=every,
        size_columns=every,
        settled=all_alike(net.n, net.n, SURE),
        symmetric=not net.directed,
        f=links.p,
    )
    start = [-0.5 * k / np.where(s > 0, s, 1.0) for k, s in zip(_degrees(net), sides, strict=True)]
    solution = solve(dual, np.concatenate([[], *start]))
    rows, columns = (-x for x in dual.split(solution.theta))
    rate = np.where(links.p > 0, rows[:, None] + columns, 1.0)
    np.fill_diagonal(rate, 1.0)
    if net.directed:
        parameters = {
            "a_out": links.rows,
            "a_in": links.columns,
            "theta_out": rows,
            "theta_in": columns,
        }
    else:
        parameters = {"a": links.rows, "theta": rows}
    return NullFit(
        model="crem",
        directed=net.directed,
        parameters=parameters,
        residual=max(links.solution.residual, solution.residual),
        law=ExponentialLaw(links.p, rate),
        has_rows=net.s_out > 0,
        has_columns=net.s_in > 0,
        steps=links.solution.steps + solution.steps,
    )


def _degrees(net: Margins) -> list[Floats]:
    return [net.k_out, net.k_in][: 2 if net.directed else 1]


def fit_links(net: Margins) -> LinkFit:
    """Solve p = z_i z_j / (1 + z_i z_j) so that the degrees hold."""
    sides = _degrees(net)
    grouping = classes(*sides)
    first, size, own = grouping.first, grouping.size, grouping.of_node
    if net.directed:
        settled = settle_directed(net.k_out[first], net.k_in[first], size)
    else:
        settled = settle(net.k_out[first], size)
    target = np.concatenate([[], *(k[first] * size for k in sides)])
    dual = SingleDual(BERNOULLI, target, size, size, settled, not net.directed)
    root = np.sqrt(max(net.k_out.sum(), 1.0))
    start = [np.log(np.maximum(k[first], 1.0) / root) for k in sides]
    solution = solve(dual, np.concatenate([[], *start]))
    rows, columns = dual.split(solution.theta)
    p = link_probability(rows, columns, settled)[np.ix_(own, own)]
    np.fill_diagonal(p, 0.0)
    return LinkFit(
        p, known(rows, settled.kind_rows)[own], known(columns, settled.kind_columns)[own], solution
    )


def link_probability(rows: Floats, columns: Floats, settled: Settled) -> Floats:
    """Probability of a link for every pair of classes."""
    state = settled.states()
    p = 1.0 / (1.0 + np.exp(-(rows[:, None] + columns)))
    return np.select([state == SURE, state == NONE], [1.0, 0.0], p)


def known(a: Floats, kind: npt.NDArray[np.int64]) -> Floats:
    """Parameters with +inf or -inf where the degrees settle the links."""
    return np.select([kind == SURE, kind == NONE], [np.inf, -np.inf], a)
