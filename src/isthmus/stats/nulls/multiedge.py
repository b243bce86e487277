"""Multi-edge null model: strengths fixed in expectation, events distinguishable.

The weight of a pair is Poisson with mean x_i x_j and no self-loops (Sagarra,
Perez-Vicente and Diaz-Guilera 2015, Phys. Rev. E 92, 052816), or, with
over-dispersion, negative binomial with the same mean.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from isthmus.stats.nulls.duals import SingleDual
from isthmus.stats.nulls.laws import PoissonLaw
from isthmus.stats.nulls.margins import Margins, all_alike, classes
from isthmus.stats.nulls.models import NullFit
from isthmus.stats.nulls.newton import solve
from isthmus.stats.nulls.pairs import POISSON, SURE

Floats = npt.NDArray[np.float64]

#: Range in which the log of the dispersion is looked for.
LOG_DISPERSION = (-18.0, 8.0)


def fit_multiedge(net: Margins) -> NullFit:
    """Solve x so that the strengths hold; parameters are log x per node."""
    sides = [net.s_out, net.s_in][: 2 if net.directed else 1]
    grouping = classes(*sides)
    first, size = grouping.first, grouping.size
    known = all_alike(size.size, size.size, SURE)
    target = np.concatenate([[], *(s[first] * size for s in sides)])
    dual = SingleDual(POISSON, target, size, size, known, not net.directed)
    root = 0.5 * np.log(max(net.s_out.sum(), 1.0))
    with np.errstate(divide="ignore"):
        start = np.concatenate([[], *(np.log(s[first]) - root for s in sides)])
    solution = solve(dual, start)
    rows, columns = (x[grouping.of_node] for x in dual.split(solution.theta))
    rate = np.exp(rows)[:, None] * np.exp(columns)
    np.fill_diagonal(rate, 0.0)
    return NullFit(
        model="multiedge",
        directed=net.directed,
        parameters={"log_x_out": rows, "log_x_in": columns} if net.directed else {"log_x": rows},
        residual=solution.residual,
        law=PoissonLaw(rate),
        has_rows=net.s_out > 0,
        has_columns=net.s_in > 0,
        steps=solution.steps,
    )


def with_dispersion(fit: NullFit, weights: Floats) -> NullFit:
    """Widen a multi-edge fit to a negative binomial with the same means.

    The dispersion maximises the likelihood of the observed weights. The moment
    estimator (Breslow 1984, J. R. Stat. Soc. C 33, 38) was tried and left: in a
    sparse network one unexpected link between two small countries sets it.
    """
    pairs = fit.tested & (fit.expected > 0)
    if not fit.directed:
        pairs = np.triu(pairs, 1)
    dispersion = likeliest_dispersion(weights[pairs], fit.expected[pairs])
    return replace(
        fit,
        model="multiedge_overdispersed",
        law=PoissonLaw(fit.expected, dispersion),
        dispersion=dispersion,
    )


def likeliest_dispersion(weights: Floats, mean: Floats) -> float:
    """Maximum-likelihood dispersion d of counts with variance mean + d mean^2.

    It is 0 when the likelihood falls from there, that is when the counts vary no
    more than Poisson counts (Lawless 1987, Can. J. Stat. 15, 209, eq. 3.3).
    """
    if np.sum((weights - mean) ** 2 - weights) <= 0:
        return 0.0

    def loss(log_dispersion: float) -> float:
        shape = np.exp(-log_dispersion)
        terms = gammaln(weights + shape) - gammaln(shape) - weights * np.log1p(shape / mean)
        return -float(np.sum(terms - shape * np.log1p(mean / shape)))

    found = minimize_scalar(loss, bounds=LOG_DISPERSION, method="bounded", options={"xatol": 1e-8})
    return float(np.exp(found.x))
