"""Every link of every year against a null model."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.layers import Layer, Panel
from isthmus.poles.team_counts import TeamFits
from isthmus.results import schema_of
from isthmus.stats import Affinity
from isthmus.stats.nulls import LinkTest, NullFit, fit_null, link_test
from isthmus.stats.nulls import ecm as ecm_model
from isthmus.stats.nulls.laws import PoissonLaw
from isthmus.stats.nulls.margins import checked, margins
from isthmus.stats.nulls.multiedge import with_dispersion
from isthmus.stats.nulls.newton import GOAL
from isthmus.stats.nulls.significance import PSEUDO_WEIGHT
from isthmus.stats.sizes import size_expectation
from isthmus.study.sections import AFFINITY, Quantity

Floats = NDArray[np.float64]

_MEASURES = ["observed", "expected", "sd", *(f.name for f in fields(LinkTest))]

#: Column of the table ``links`` -> attribute of an affinity.
_OF_AFFINITY = {
    "affinity": "value",
    "affinity_low": "low",
    "affinity_high": "high",
    "affinity_se": "se_total",
}

LINKS_SCHEMA = schema_of("links")


#: Models whose means are those of sizes alone.
QUICK = ("multiedge", "multiedge_overdispersed")
#: Largest relative error of a constraint that quick fits aim at. Newton's last step of
#: the ECM squares the error it starts from; 1e-6 leaves z right to more digits than are read.
QUICK_ERROR = {"multiedge": 1e-9, "ecm": 1e-6}


class Fitter:
    """Fits one null model to the years of one layer, again and again.

    Fits are remembered until :meth:`rehearse`, then no more, so that later ones may
    be made in any order: fits of the same year, with other weights of the same
    sizes, start from them. Starts do not change the answers, for the duals are
    convex; they save steps. The team null model is fitted to `teams` and not to
    weights: its fits are the same whatever the weights.
    """

    def __init__(
        self, model: str, directed: bool, seed: int, teams: TeamFits | None = None
    ) -> None:
        self.model, self.directed, self.seed, self.teams = model, directed, seed, teams
        self._warm: dict[int, ecm_model.Warm] = {}
        self._rehearsed = False

    def fit(self, year: int, weights: Floats, seed: int | None = None) -> NullFit | None:
        """Fit the network of a year; None when it has no weight at all."""
        if not weights.any():
            return None
        if self.teams is not None:
            return self.teams.fits[year]
        if self.model != "ecm":
            stream = np.random.SeedSequence([self.seed if seed is None else seed, year])
            start = int(stream.generate_state(1)[0])
            return fit_null(weights, self.model, directed=self.directed, seed=start)
        weights = checked(weights, directed=self.directed, integer="ecm")
        return self._ecm(year, weights, GOAL)

    def _ecm(self, year: int, weights: Floats, goal: float) -> NullFit:
        net = margins(weights, directed=self.directed)
        start = self._warm.get(year, self._warm.get(year - 1))
        solved = ecm_model.fit_ecm(net, start, goal)
        if not self._rehearsed:
            self._warm[year] = (ecm_model.sides_of(net), solved.per_node())
        return ecm_model.null_fit(net, solved)

    def rehearse(self, networks: Floats) -> None:
        """Fit networks of all years, (years, n, n), for quick fits to start from."""
        if self.model == "ecm":
            for year, weights in enumerate(networks):
                self.quick(year, weights, self.seed)
            self._rehearsed = True

    def quick(self, year: int, weights: Floats, seed: int) -> NullFit | None:
        """Fit as :meth:`fit`, to an error of `QUICK_ERROR` where that is faster.

        Means of multi-edge models come from proportional fitting.
        """
        if self.model == "ecm" and weights.any():
            return self._ecm(year, weights, QUICK_ERROR["ecm"])
        if self.model not in QUICK or not weights.any():
            return self.fit(year, weights, seed)
        fit = NullFit(
            model="multiedge",
            directed=self.directed,
            parameters={},
            residual=QUICK_ERROR["multiedge"],
            law=PoissonLaw(size_expectation(weights)),
            has_rows=weights.sum(axis=1) > 0,
            has_columns=weights.sum(axis=0) > 0,
        )
        return with_dispersion(fit, weights) if self.model != "multiedge" else fit


@dataclass(frozen=True)
class Tested:
    """A layer against a null model, all years.

    Attributes
    ----------
    layer : Layer
    model : str
    values : dict of (years, n, n)
        Every measure of the table ``links``; NaN where nothing could be tested.
    converged : (years,)
        Whether each year's fit holds its constraints.
    """

    layer: Layer
    model: str
    values: dict[str, Floats]
    converged: NDArray[np.bool_]


def against_null(layer: Layer, fitter: Fitter) -> Tested:
    """Fit a null model to every year of a layer and test every link."""
    shape = layer.weights.shape
    values = {name: np.full(shape, np.nan) for name in _MEASURES}
    converged = np.zeros(shape[0], dtype=bool)
    for t, weights in enumerate(layer.weights):
        fit = fitter.fit(t, weights)
        if fit is None:
            continue
        converged[t] = fit.converged
        test = link_test(weights, fit)
        for f in fields(LinkTest):
            values[f.name][t] = getattr(test, f.name)
        given = {"observed": weights, "expected": fit.expected, "sd": fit.sd}
        for name, array in given.items():
            values[name][t] = np.where(fit.tested, array, np.nan)
    return Tested(layer, fitter.model, values, converged)


def followed(tested: Tested, quantity: Quantity) -> Floats:
    """Return the quantity trajectories follow, (years, n, n)."""
    if quantity == "percentile":
        return np.asarray((tested.values["p_fewer"] + 1 - tested.values["p_more"]) / 2)
    return tested.values[quantity]


def quick_quantities(
    weights: Floats, fit: NullFit | None, quantity: Quantity
) -> tuple[Floats, Floats, Floats]:
    """Followed quantity, z and log ratio of one network, without tails unless needed."""
    if fit is None:
        nothing = np.full(weights.shape, np.nan)
        return nothing, nothing, nothing
    untested, expected = ~fit.tested, fit.expected
    away = weights - expected
    with np.errstate(divide="ignore", invalid="ignore"):
        z = away / fit.sd
    z[np.abs(away) <= 1e-6 * np.maximum(expected, 1.0)] = 0.0
    z[untested] = np.nan
    ratio = np.log((weights + PSEUDO_WEIGHT) / (expected + PSEUDO_WEIGHT))
    ratio[untested] = np.nan
    if quantity != "percentile":
        return (z if quantity == "z" else ratio), z, ratio
    more, fewer = fit.law.tails(weights)
    return np.where(untested, np.nan, (fewer + 1 - more) / 2), z, ratio


def links_table(panel: Panel, tested: list[Tested]) -> pa.Table:
    """Table ``links``: one row per layer, null model, year and tested pair."""
    parts = [_links(panel, one) for one in tested]
    return pa.concat_tables(parts) if parts else LINKS_SCHEMA.empty_table()


def _links(panel: Panel, tested: Tested) -> pa.Table:
    measures = {name: tested.values[name] for name in _MEASURES}
    layer, there = tested.layer, ~np.isnan(tested.values["z"])
    return _pair_years(panel, layer, tested.model, there, measures, tested.converged)


def affinity_links(panel: Panel, layer: Layer, found: Affinity) -> pa.Table:
    """Rows of the table ``links`` with the affinities of a layer, which need no null model."""
    measures = {column: getattr(found, name) for column, name in _OF_AFFINITY.items()}
    there = np.isfinite(found.value)
    return _pair_years(panel, layer, AFFINITY, there, measures | {"observed": layer.weights}, None)


def _pair_years(
    panel: Panel,
    layer: Layer,
    model: str,
    there: NDArray[np.bool_],
    measures: dict[str, Floats],
    converged: NDArray[np.bool_] | None,
) -> pa.Table:
    """One row per year and pair that is there; columns without a measure are null."""
    if not layer.directed:
        there = there & np.triu(np.ones(there.shape[1:], dtype=bool), 1)
    year, source, target = np.nonzero(there)
    codes = np.array(panel.countries, dtype=object)
    columns: dict[str, Any] = {
        "layer": [layer.name] * len(year),
        "null_model": [model] * len(year),
        "year": panel.years[year].astype(np.int16),
        "source": codes[source],
        "target": codes[target],
        **{name: values[there] for name, values in measures.items()},
    }
    if converged is not None:
        columns["converged"] = converged[year]
    nulls = {f.name: pa.nulls(len(year), f.type) for f in LINKS_SCHEMA if f.name not in columns}
    both = columns | nulls
    return pa.table({name: both[name] for name in LINKS_SCHEMA.names}, schema=LINKS_SCHEMA)
