"""Networks that keep sizes and noise and hold no blocs, and what blocs they show by chance.

A surrogate draws every pair from the means of the fit without blocs, with all variance about
them as noise: pair by pair, independent, negative binomial. Its sizes are right on average.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.stats.blas import one_blas_thread
from isthmus.stats.blocs.find import LEAST_DISPERSION, network
from isthmus.stats.blocs.fits import Data, bloc_fits
from isthmus.stats.nulls.multiedge import likeliest_dispersion

Floats = NDArray[np.float64]

#: Surrogates drawn.
DRAWS = 39


@dataclass(frozen=True)
class Surrogates:
    """A network beside its surrogates.

    Attributes
    ----------
    p : float
        Share of surrogates, the network among them, whose two blocs raise the likelihood at
        least as much.
    triangles : int
        Triangles of three countries that all have a sign.
    balanced : float
        Share of triangles with a positive product of signs (Cartwright and Harary 1956,
        Psychol. Rev. 63, 277): all three ties closer than sizes give, or only one. The sign
        is that of the weight less its mean without blocs. NaN without triangles.
    balanced_drawn : (draws,)
        The same of each surrogate.
    balanced_p : float
        Share of surrogates, the network among them, at least as balanced.
    """

    p: float
    triangles: int
    balanced: float
    balanced_drawn: Floats
    balanced_p: float


def surrogates(
    weights: ArrayLike, *, directed: bool = False, draws: int = DRAWS, seed: int
) -> Surrogates:
    """Compare a network with surrogates; weights as for :func:`find_blocs`."""
    random = np.random.default_rng([seed, 1])
    data, _ = network(weights, directed)
    once = np.tril(data.use, -1)
    mean = bloc_fits(data, 1, random)[0].mean(data)
    found = max(LEAST_DISPERSION, likeliest_dispersion(data.weights[once], mean[once]))
    data = replace(data, dispersion=found)
    none = bloc_fits(data, 1, random)[0].mean(data)
    own, triangles, balanced = _seen(data, random)
    with one_blas_thread():
        drawn = np.array([_seen(_drawn(data, none, once, random), random) for _ in range(draws)])
    return Surrogates(
        float((1 + (drawn[:, 0] >= own).sum()) / (1 + draws)),
        int(triangles),
        balanced,
        drawn[:, 2],
        float((1 + (drawn[:, 2] >= balanced).sum()) / (1 + draws)),
    )


def _drawn(data: Data, mean: Floats, once: NDArray[np.bool_], random: np.random.Generator) -> Data:
    d = data.dispersion
    count = np.zeros(mean.shape)
    count[once] = random.poisson(mean[once] * random.gamma(1 / d, d, int(once.sum())))
    return replace(data, weights=count + count.T)


def _seen(data: Data, random: np.random.Generator) -> tuple[float, float, float]:
    """Gain of two blocs in likelihood, number of triangles, share of balanced ones."""
    none, two = bloc_fits(data, 2, random)
    sign = np.where(data.use, np.sign(data.weights - none.mean(data)), 0.0)
    return two.likelihood - none.likelihood, *balance(sign)


def balance(sign: Floats) -> tuple[float, float]:
    """Count triangles and the share of balanced ones among symmetric signs (n, n).

    Examples
    --------
    >>> balance(np.array([[0.0, 1, -1], [1, 0, -1], [-1, -1, 0]]))
    (1.0, 1.0)
    """
    there = np.abs(sign)
    triangles = float(np.einsum("ij,ij->", there @ there, there)) / 6
    product = float(np.einsum("ij,ij->", sign @ sign, sign)) / 6
    return triangles, (1 + product / triangles) / 2 if triangles else float("nan")
