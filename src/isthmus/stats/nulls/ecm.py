"""Enhanced and weighted configuration models: whole-number weights, maximum entropy.

ECM fixes every degree and strength in expectation, WCM the strengths only. The
weight of a pair is 0, or 1 plus a geometric excess (ECM), or geometric (WCM).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.stats.nulls.duals import MixedDual, SingleDual
from isthmus.stats.nulls.laws import MixedLaw
from isthmus.stats.nulls.margins import (
    Classes,
    Margins,
    Settled,
    all_alike,
    classes,
    settle,
    settle_directed,
)
from isthmus.stats.nulls.models import NullFit
from isthmus.stats.nulls.newton import CONVERGED, GOAL, Solution, approach, solve
from isthmus.stats.nulls.pairs import GEOMETRIC, NONE, SURE

Floats = npt.NDArray[np.float64]
Parameters = dict[str, Floats]
Sides = list[tuple[Floats, Floats]]
#: Margins of another year and its solved a, b of rows (and columns), per node.
Warm = tuple[Sides, list[Floats]]


@dataclass(frozen=True)
class MixedFit:
    """A solved ECM, class by class.

    Attributes
    ----------
    a_out, b_out, a_in, b_in : array (c,)
        Log parameters of links and of excess weight; "in" is "out" when undirected.
    grouping : Classes
    settled : Settled
    solution : Solution
    """

    a_out: Floats
    b_out: Floats
    a_in: Floats
    b_in: Floats
    grouping: Classes
    settled: Settled
    solution: Solution

    def per_node(self) -> list[Floats]:
        """Solved a, b of rows and of columns per node, whatever settles a link."""
        return [x[self.grouping.of_node] for x in (self.a_out, self.b_out, self.a_in, self.b_in)]

    def parameters(self, directed: bool) -> Parameters:
        """Parameters per node (n,); nodes with settled links have a = +inf or -inf."""
        a_out, b_out, a_in, b_in = self.per_node()
        a_out = self._known(a_out, self.settled.kind_rows)
        a_in = self._known(a_in, self.settled.kind_columns)
        if not directed:
            return {"a": a_out, "b": b_out}
        return {"a_out": a_out, "b_out": b_out, "a_in": a_in, "b_in": b_in}

    def _known(self, a: Floats, kind: npt.NDArray[np.int64]) -> Floats:
        kind = kind[self.grouping.of_node]
        a[kind == SURE] = np.inf
        a[kind == NONE] = -np.inf
        return a


def sides_of(net: Margins) -> Sides:
    """Degrees and strengths of rows, and of columns when directed."""
    return [(net.k_out, net.s_out), (net.k_in, net.s_in)][: 2 if net.directed else 1]


def fit_ecm(net: Margins, warm: Warm | None = None, goal: float = GOAL) -> MixedFit:
    """Solve the ECM to the relative error `goal`; `warm` starts from another year."""
    sides = sides_of(net)
    grouping = classes(*(part for side in sides for part in side))
    first, size = grouping.first, grouping.size
    if net.directed:
        settled = settle_directed(net.k_out[first], net.k_in[first], size)
    else:
        settled = settle(net.k_out[first], size)
    wanted = [x[first] * size for k, s in sides for x in (k, s - k)]
    dual = MixedDual(np.concatenate([[], *wanted]), size, settled, not net.directed)
    solution = None
    if warm is not None:
        solution = solve(dual, approach(dual, _lowest(warm_start(sides, *warm), grouping)), goal)
    if solution is None or solution.residual > CONVERGED:
        solution = solve(dual, approach(dual, _lowest(cold_start(sides), grouping)), goal)
    return MixedFit(*dual.split(solution.theta), grouping, settled, solution)


def cold_start(sides: Sides) -> list[Floats]:
    """Guess a and b of every node, rows' then columns'.

    Odds of a link follow the degrees, z_i z_j / (1 - t) ~ k_i k_j / sum(k), and
    the excess per link is spread as t = sqrt(t_i t_j), t_i = e_i / s_i.
    """
    guess = []
    for k, s in sides:
        linked = np.maximum(k, 1.0)
        share = np.where(k > 0, (s - k) / np.maximum(s, 1.0), 0.0)
        with np.errstate(divide="ignore"):
            b = 0.5 * np.log(share)
        guess += [np.log(linked / np.sqrt(max(k.sum(), 1.0))) + 0.5 * np.log1p(-share), b]
    return guess


def warm_start(sides: Sides, before: Sides, solved: list[Floats]) -> list[Floats]:
    """Carry another year's node parameters over to these margins.

    Link parameters move as the cold guesses moved. Excess parameters are scaled
    by the ratio of the mean excesses, which keeps y_i y_j below 1; nodes that had
    none start low enough to keep it too.
    """
    now, then = cold_start(sides), cold_start(before)
    growth = _mean_excess(sides) / _mean_excess(before)
    carried: list[Floats] = []
    for side in range(len(sides)):
        a, b = solved[2 * side], solved[2 * side + 1] / growth
        facing = solved[2 * (len(sides) - 1 - side) + 1] / growth
        kept = np.isfinite(a) & (before[side][0] > 0)
        carried.append(np.where(kept, a + now[2 * side] - then[2 * side], now[2 * side]))
        roof = -1.01 * max(float(np.max(facing, initial=0.0)), 0.0)
        b = np.where(np.isfinite(b), b, np.minimum(now[2 * side + 1], roof))
        carried.append(np.where(np.isfinite(now[2 * side + 1]), b, -np.inf))
    return carried


def _mean_excess(sides: Sides) -> float:
    links, weight = sides[0][0].sum(), sides[0][1].sum()
    return float(max(weight - links, 1.0) / max(links, 1.0))


def _lowest(parameters: list[Floats], grouping: Classes) -> Floats:
    """Take every class at its members' lowest parameter, which keeps y_i y_j below 1."""
    found = []
    for of_nodes in parameters:
        of_class = np.full(grouping.size.size, np.inf)
        np.minimum.at(of_class, grouping.of_node, of_nodes)
        found.append(of_class)
    return np.concatenate([[], *found])


def null_fit(net: Margins, mixed: MixedFit) -> NullFit:
    """Dress a solved ECM as a `NullFit`."""
    return NullFit(
        model="ecm",
        directed=net.directed,
        parameters=mixed.parameters(net.directed),
        residual=mixed.solution.residual,
        law=MixedLaw(
            mixed.a_out,
            mixed.b_out,
            mixed.a_in,
            mixed.b_in,
            mixed.settled,
            mixed.grouping.of_node,
        ),
        has_rows=net.s_out > 0,
        has_columns=net.s_in > 0,
        steps=mixed.solution.steps,
    )


def fit_wcm(net: Margins) -> NullFit:
    """Solve the WCM; parameters are b = log y per node."""
    sides = [net.s_out, net.s_in][: 2 if net.directed else 1]
    grouping = classes(*sides)
    first, size = grouping.first, grouping.size
    known = all_alike(size.size, size.size, SURE)
    target = np.concatenate([[], *(s[first] * size for s in sides)])
    dual = SingleDual(GEOMETRIC, target, size, size, known, not net.directed)
    with np.errstate(divide="ignore", invalid="ignore"):
        start = np.concatenate(
            [[], *(0.5 * np.log(s[first] / (s[first] + net.n - 1)) for s in sides)]
        )
    solution = solve(dual, start)
    rows, columns = dual.split(solution.theta)
    nothing = np.zeros(size.size)
    of_node = grouping.of_node
    b = {"b_out": rows[of_node], "b_in": columns[of_node]} if net.directed else {"b": rows[of_node]}
    return NullFit(
        model="wcm",
        directed=net.directed,
        parameters=b,
        residual=solution.residual,
        law=MixedLaw(nothing, rows, nothing, columns, known, of_node, offset=0),
        has_rows=net.s_out > 0,
        has_columns=net.s_in > 0,
        steps=solution.steps,
    )
