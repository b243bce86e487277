"""Yearly networks between countries, drawn from a law that is known exactly.

A link's weight is a Poisson number with mean ``x_i x_j exp(affinity_ij)``. With
no affinity this is the multi-edge configuration model (Sagarra, Pérez-Vicente
and Díaz-Guilera 2014), in which countries' sizes explain everything: the world
in which a null model must find nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import InputError
from isthmus.simulation.country_sizes import country_codes, size_trajectories
from isthmus.simulation.drawn_once import country_impact, pair_noise, planted_affinity
from isthmus.simulation.settings import WorldSettings


@dataclass(frozen=True)
class NetworkPanel:
    """A network for each year, and the law it was drawn from.

    Attributes
    ----------
    years
        (t,) years.
    countries
        n country codes.
    weights
        (t, n, n) integers with zero diagonal; symmetric unless directed.
    expected
        (t, n, n) true means of `weights`, which are also their variances.
    sizes
        (t, n) shares of the countries; rows sum to 1.
    """

    years: NDArray[np.int64]
    countries: tuple[str, ...]
    weights: NDArray[np.int64]
    expected: NDArray[np.float64]
    sizes: NDArray[np.float64]


def poisson_panel(
    n_countries: int,
    years: int | ArrayLike,
    seed: int,
    *,
    affinity: ArrayLike | None = None,
    total: tuple[float, float] = (2_000.0, 120_000.0),
    directed: bool = False,
) -> NetworkPanel:
    """Draw a panel of networks between countries of moving sizes.

    Parameters
    ----------
    n_countries
        Number of countries (nodes).
    years
        Years in order, or how many (then 1992 is the first).
    seed
        Seed; the same seed gives the same panel.
    affinity
        Log-multiplier of the mean, shape (n, n) or (t, n, n); None plants nothing.
        Symmetric unless `directed`.
    total
        Mean number of links of the whole world (each undirected link once) in
        the first and last year; it grows by a constant rate between them.
        Affinities multiply on top of it.
    directed
        Draw both directions on their own, with cited attractiveness
        proportional to size like citing volume.

    Raises
    ------
    InputError
        `affinity` has another shape, is not finite, or is not symmetric though
        the panel is undirected.

    Examples
    --------
    >>> panel = poisson_panel(30, 5, seed=1)
    >>> panel.weights.shape
    (5, 30, 30)
    """
    when = np.arange(1992, 1992 + years) if isinstance(years, int) else np.asarray(years, np.int64)
    sizes = size_trajectories(n_countries, len(when))
    expected = _expected(sizes, np.geomspace(*total, len(when)), directed)
    expected *= np.exp(_affinity(affinity, expected.shape, directed))
    weights = np.random.default_rng(seed).poisson(expected)
    if not directed:
        weights = np.triu(weights, 1)
        weights += weights.transpose(0, 2, 1)
    return NetworkPanel(when, country_codes(n_countries), weights, expected, sizes)


def world_panel(
    settings: WorldSettings, of: Literal["works", "citations"] = "works"
) -> NetworkPanel:
    """Draw the joint works or the citations of a world without its corpus.

    Pairs have the affinity and the noise of the world (not the same draws of Poisson
    numbers), citations also the impact of the cited country. Means are those of
    independent links: third countries, movers' ties and lost affiliations are left out,
    and no reference is older than the world.

    Parameters
    ----------
    settings
        A world, as of a family; its number of works sets the number of links.
    of
        ``works`` for an undirected panel, ``citations`` for a directed one (source cites).

    Examples
    --------
    >>> from isthmus.simulation.families import family_world
    >>> world_panel(family_world("constant_ties", 20_000, seed=1)).weights.shape
    (24, 60, 60)
    """
    directed = of == "citations"
    works = np.maximum(settings.works_by_year()[[0, -1]], 1.0)
    length = settings.references * settings.reference_growth ** (len(settings.span) - 1.0)
    links = [settings.references, length] if directed else settings.international_share
    own = (size_trajectories(settings.n_countries, len(settings.span)) ** 2).sum(axis=1)[[0, -1]]
    first, last = works * links * (1.0 - own)
    affinity = planted_affinity(settings) * (settings.citation_affinity if directed else 1.0)
    affinity += pair_noise(settings, of, symmetric=not directed)
    if directed:
        affinity += np.log(country_impact(settings))[:, None, :]
    return poisson_panel(
        settings.n_countries,
        settings.span,
        settings.seed,
        affinity=affinity,
        total=(float(first), float(last)),
        directed=directed,
    )


def edges(panel: NetworkPanel, column: str) -> pa.Table:
    """Return a panel as a table of yearly edges.

    Grain: one row per year and pair with a link; of an undirected panel each pair once,
    in alphabetical order. Columns: ``year``, ``source``, ``target`` and `column`.
    """
    weights = panel.weights
    undirected = np.array_equal(weights, weights.transpose(0, 2, 1))
    year, i, j = np.nonzero(np.triu(weights) if undirected else weights)
    ends = np.array(panel.countries)[np.stack([i, j])]
    source, target = np.sort(ends, axis=0) if undirected else ends
    return pa.table(
        {
            "year": panel.years[year].astype(np.int16),
            "source": source,
            "target": target,
            column: weights[year, i, j],
        }
    )


def _expected(
    sizes: NDArray[np.float64], totals: NDArray[np.float64], directed: bool
) -> NDArray[np.float64]:
    products = sizes[:, :, None] * sizes[:, None, :]
    products[:, np.arange(sizes.shape[1]), np.arange(sizes.shape[1])] = 0.0
    entries = totals * (1.0 if directed else 2.0)
    return np.asarray(products * (entries / products.sum(axis=(1, 2)))[:, None, None])


def _affinity(
    affinity: ArrayLike | None, shape: tuple[int, ...], directed: bool
) -> NDArray[np.float64]:
    if affinity is None:
        return np.zeros(shape)
    given = np.asarray(affinity, np.float64)
    if given.shape not in (shape, shape[1:]):
        raise InputError(
            f"The affinity has shape {given.shape}; {shape[1:]} or {shape} was expected."
        )
    if not np.isfinite(given).all():
        raise InputError("The affinity holds values that are not finite; give log-multipliers.")
    full = np.broadcast_to(given, shape)
    if not directed and not np.allclose(full, full.transpose(0, 2, 1)):
        raise InputError("The affinity is not symmetric; pass directed=True or make it symmetric.")
    return np.array(full)
