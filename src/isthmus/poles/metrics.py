"""Plain measures of a country network, as statistical offices publish them.

Degree, strength and betweenness are those of the network whose links are pairs
with at least a least number of joint works; the index of collaboration compares
a pair's joint works with what the two countries' shares would give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NetworkMetrics:
    """Measures of every country of a network.

    Attributes
    ----------
    degree : (n,) array of int
        Countries linked to it.
    strength : (n,) array
        Joint works over its links, in the unit of the weights.
    betweenness : (n,) array
        Shortest paths between other countries that lead through it, each pair of
        countries counted once and shared evenly among its shortest paths. Links
        count as steps of length one; not normalised.
    """

    degree: NDArray[np.int64]
    strength: Floats
    betweenness: Floats


def network_metrics(weights: ArrayLike, *, min_works: float = 1.0) -> NetworkMetrics:
    """Measure a network of joint works.

    Parameters
    ----------
    weights : (n, n) array
        Joint works of every pair; symmetric, the diagonal is left out.
    min_works
        Joint works from which a pair counts as linked. The U.S. National Science
        Board (Science and Engineering Indicators 2024, table SPBS-93) uses 400.

    Raises
    ------
    InputError
        The weights are no symmetric square of numbers at least 0.

    Examples
    --------
    >>> chain = [[0, 5, 0], [5, 0, 7], [0, 7, 0]]
    >>> network_metrics(chain).betweenness.tolist()
    [0.0, 1.0, 0.0]
    """
    joint = _checked(weights)
    linked = (joint >= min_works) & (joint > 0)
    return NetworkMetrics(
        degree=linked.sum(axis=1),
        strength=np.where(linked, joint, 0.0).sum(axis=1),
        betweenness=betweenness(linked),
    )


def betweenness(linked: NDArray[np.bool_]) -> Floats:
    """Count shortest paths through every node of an unweighted network.

    The accumulation of Brandes (Journal of Mathematical Sociology 25, 2001),
    from all nodes at once: ``n`` by ``n`` matrices hold, for every source in a
    row, the paths to and the dependencies on every node.

    Parameters
    ----------
    linked : (n, n) array of bool
        Symmetric, without a diagonal.

    Returns
    -------
    (n,) array
        Not normalised; each unordered pair of other nodes counts once.
    """
    step = linked.astype(np.float64)
    layers = _layers(step)
    paths = np.sum(layers, axis=0)
    dependency = np.zeros_like(paths)
    for near, far in zip(layers[-2::-1], layers[:0:-1], strict=True):
        share = np.divide(1.0 + dependency, paths, out=np.zeros_like(paths), where=far > 0)
        dependency += near * (share @ step)
    return np.asarray((dependency.sum(axis=0) - dependency.diagonal()) / 2, np.float64)


def collaboration_index(weights: ArrayLike, totals: ArrayLike, world: float) -> Floats:
    """Compare joint works of pairs with what the countries' shares would give.

    ``(C_xy / C_x) / (C_y / C_w)``: 1 where a pair writes together as often as the
    two countries' shares of international works say (table SPBS-94 of Science
    and Engineering Indicators 2024). Symmetric in x and y.

    Parameters
    ----------
    weights : (n, n) array
        Joint works of every pair.
    totals : (n,) array
        International works of every country, whether with these countries or others.
    world
        International works of the world.

    Returns
    -------
    (n, n) array
        The diagonal, and rows and columns of countries without international
        works, are NaN.
    """
    joint, totals = _checked(weights), np.asarray(totals, np.float64)
    if totals.shape != joint.shape[:1] or (totals < 0).any() or not world > 0:
        raise InputError(
            f"Totals must be {len(joint)} numbers of at least 0 and the world's above 0; found "
            f"totals of shape {totals.shape} and a world of {world}."
        )
    expected = np.outer(totals, totals)
    np.fill_diagonal(expected, 0.0)
    return np.divide(joint * world, expected, out=np.full_like(joint, np.nan), where=expected > 0)


def _layers(step: Floats) -> list[Floats]:
    """Count shortest paths by length: entry d holds those of length d, zeros elsewhere."""
    layers = [np.eye(len(step))]
    reached = np.eye(len(step), dtype=np.bool_)
    while layers[-1].any():
        onwards = np.where(reached, 0.0, layers[-1] @ step)
        reached |= onwards > 0
        layers.append(onwards)
    return layers


def _checked(weights: ArrayLike) -> Floats:
    joint = np.array(weights, np.float64)
    square = joint.ndim == 2 and joint.shape[0] == joint.shape[1]
    if not square or not (joint >= 0).all() or not np.array_equal(joint, joint.T):
        raise InputError(
            "A network of joint works must be a symmetric square of numbers of at least 0; found "
            f"an array of shape {joint.shape}."
        )
    np.fill_diagonal(joint, 0.0)
    return joint
