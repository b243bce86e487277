"""How many blocs a network has, from links that a fit has not seen.

Countries have sizes; blocs are groups within which ties are closer than between them once
sizes are out. The number of blocs is the smallest that predicts held-out pairs within one
standard error of the best (Breiman et al. 1984, Classification and Regression Trees, 3.4.3).
It is said only where all numbers from two on agree that there are blocs, and where places on
a line do not predict as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import InputError
from isthmus.stats.blas import one_blas_thread
from isthmus.stats.blocs.fits import Data, Fit, bloc_fits, gradient_fit
from isthmus.stats.nulls.margins import checked
from isthmus.stats.nulls.multiedge import likeliest_dispersion
from isthmus.stats.partitions import adjusted_rand, matched_labels
from isthmus.stats.sizes import size_expectation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

Answer = Literal["none", "blocs", "gradient", "undecided"]

#: Fewest nodes with weight for which blocs are looked for.
FEWEST = 10
#: Parts into which pairs are dealt; each is predicted from the others.
FOLDS = 10
#: Standard errors by which blocs, or a line, have to predict better than neither.
SURE = 2.0
#: Standard errors within which a line predicts as well as blocs. At 0, 2 of 100 worlds with a
#: strong gradient were called blocs, at .25 none; of 60 with two blocs at .4 one fewer was right.
NEAR = 0.25
#: Least standard error of a difference in log likelihood: less is worth no bloc.
LEAST_ERROR = 1.0
#: Least dispersion: a standard deviation of 1 % about the mean.
LEAST_DISPERSION = 1e-4


@dataclass(frozen=True)
class Blocs:
    """Blocs of one network.

    Attributes
    ----------
    answer : str
        ``blocs`` (a number of them), ``none`` (1), ``gradient`` (places on a line predict
        better than any number of blocs) or ``undecided``.
    number : int or None
        Number of blocs, 1 for none; None for a gradient and where it is undecided.
    likeliest : int
        The number that the one-standard-error rule takes, said or not.
    why : str
        One sentence.
    score, score_se : (k,)
        Log likelihood of held-out pairs with 1 to k blocs, above that with one, and the
        standard error of that difference over pairs.
    over_line, over_line_se : (k,)
        Score less that of places on a line, and its standard error over pairs.
    gradient, gradient_se : float
        The same for places on a line.
    explained : (k,)
        Share of the variance of ties, sizes and counting noise taken out, that blocs
        predict in held-out pairs; negative where they mislead.
    gradient_explained : float
        The same for places on a line.
    member : (k, n) int
        Bloc of each node with 1 to k blocs, largest bloc first; -1 for nodes without weight.
    within : (k,)
        How much closer ties within blocs are, in logarithms. The search makes it too
        large where there are no blocs: it is an upper estimate there.
    stable : (k,)
        Mean adjusted Rand index between the blocs and those found without a part of the
        pairs. It says how sure the blocs are given their number, not whether there are any.
    steady : (k, n)
        Share of those fits in which a node is in the same bloc.
    strength : (k, n)
        Weight of a node's ties with its own bloc above what they would be without blocs.
        The highest of a bloc is its centre. NaN where a node is alone in its bloc, or its
        bloc is all.
    place : (n,)
        Places on the line, with a free sign; NaN for nodes without weight.
    dispersion : float
        Variance of ties about their blocs, in squared logarithms.
    """

    answer: Answer
    number: int | None
    likeliest: int
    why: str
    score: Floats
    score_se: Floats
    over_line: Floats
    over_line_se: Floats
    gradient: float
    gradient_se: float
    explained: Floats
    gradient_explained: float
    member: Ints
    within: Floats
    stable: Floats
    steady: Floats
    strength: Floats
    place: Floats
    dispersion: float

    def centres(self, number: int) -> Ints:
        """Return the node at the centre of each of `number` blocs, -1 for a bloc of one."""
        strength, member = self.strength[number - 1], self.member[number - 1]
        found = np.full(number, -1)
        for bloc in range(number):
            inside = np.flatnonzero((member == bloc) & np.isfinite(strength))
            if len(inside):
                found[bloc] = inside[strength[inside].argmax()]
        return found


def find_blocs(
    weights: ArrayLike, *, directed: bool = False, max_blocs: int = 6, seed: int
) -> Blocs:
    """Find how many blocs a network has, and who is in them.

    Weights have mean ``e_ij exp(a_i + a_j + b [same bloc])`` and variance
    ``mu + d mu^2``; e are the means that sizes give and a corrects them. Two blocs, and
    one bloc beside nodes that are with nobody, are one model here: node effects take up
    the difference.

    Parameters
    ----------
    weights : (n, n)
        Counts with a zero diagonal, symmetric unless directed.
    directed : bool
        Both directions of a pair are added up; sizes stay apart by direction.
    max_blocs : int
        Largest number that is tried, 2 or more.
    seed : int
        Same seed, same answer.

    Raises
    ------
    InputError
        Weights that are no counts, fewer than :data:`FEWEST` nodes with weight, or too
        few blocs to try.

    Examples
    --------
    >>> side = np.repeat([0, 1, 2], 8)
    >>> counts = np.where(side[:, None] == side, 90, 30) * (1 - np.eye(24))
    >>> found = find_blocs(counts, seed=1)
    >>> found.answer, found.number
    ('blocs', 3)
    """
    data, alive = network(weights, directed)
    if max_blocs < 2:
        raise InputError(f"max_blocs must be 2 or more, to have blocs to try; found {max_blocs}.")
    if len(alive) < FEWEST:
        raise InputError(
            f"Blocs are looked for among {FEWEST} nodes with weight or more; found {len(alive)}. "
            "Take more nodes, or a longer period."
        )
    random = np.random.default_rng(seed)
    with one_blas_thread():
        for k in (1, max_blocs):
            mean = bloc_fits(data, k, random)[-1].mean(data)
            data = replace(data, dispersion=_dispersion(data, mean, data.use))
        whole = [_by_size(fit) for fit in bloc_fits(data, max_blocs, random)]
        held, folds = _held_out(data, max_blocs, random)
        return _answered(data, whole, held, folds, alive, np.shape(weights)[0])


def network(weights: ArrayLike, directed: bool) -> tuple[Data, Ints]:
    """Return the nodes with weight as the fits see them, and their places.

    Raises
    ------
    InputError
        Weights that are no counts.
    """
    matrix = np.asarray(checked(weights, directed=directed, integer="blocs"), dtype=np.float64)
    alive = np.flatnonzero(matrix.any(axis=0) | matrix.any(axis=1))
    matrix = matrix[np.ix_(alive, alive)]
    expected = size_expectation(matrix)
    if directed:
        matrix, expected = matrix + matrix.T, expected + expected.T
    use = (expected > 0) & ~np.eye(len(matrix), dtype=bool)
    return Data(matrix, np.where(use, expected, 1.0), use, LEAST_DISPERSION), alive


def _dispersion(data: Data, mean: Floats, pairs: Flags) -> float:
    once = np.tril(pairs, -1)
    return max(LEAST_DISPERSION, likeliest_dispersion(data.weights[once], mean[once]))


def _by_size(fit: Fit) -> Fit:
    """Number blocs by their members, the largest first."""
    order = np.argsort(-np.bincount(fit.bloc), kind="stable")
    return fit._replace(bloc=np.argsort(order, kind="stable")[fit.bloc].astype(np.int64))


def _held_out(data: Data, most: int, random: np.random.Generator) -> tuple[Floats, list[list[Fit]]]:
    """Means of every pair from fits without it, (most + 1, n, n), and these fits.

    The last of the means is that of places on a line.
    """
    n = len(data.weights)
    rows, columns = np.nonzero(np.tril(data.use, -1))
    part = np.full((n, n), -1)
    part[rows, columns] = random.permutation(len(rows)) % FOLDS
    part = np.maximum(part, part.T)
    means, fits = np.ones((most + 1, n, n)), []
    for fold in range(FOLDS):
        hold = part == fold
        seen = replace(data, use=data.use & ~hold)
        fits.append(bloc_fits(seen, most, random))
        for k, fit in enumerate(fits[-1]):
            means[k][hold] = fit.mean(seen)[hold]
        means[most][hold] = gradient_fit(seen, fits[-1][0])[1][hold]
    return means, fits


def _answered(
    data: Data, whole: list[Fit], held: Floats, folds: list[list[Fit]], alive: Ints, n: int
) -> Blocs:
    once = np.tril(data.use, -1)
    w, mean, d = data.weights[once], held[:, once], data.dispersion
    score = w * np.log(mean) - (w + 1 / d) * np.log1p(d * mean)
    answer, number, likeliest, why = decide(score)
    gain, se = _above(score, 0)
    over, over_se = _above(score, -1)
    left = np.array([_dispersion(data, one, data.use) for one in held])
    explained = 1 - left / left[0]
    k = len(whole)

    def spread(values: Floats) -> Floats:
        out = np.full((*values.shape[:-1], n), np.nan)
        out[..., alive] = values
        return out

    again = [[matched_labels(f[i].bloc, whole[i].bloc, i + 1) for f in folds] for i in range(k)]
    none = whole[0].mean(data)
    member = np.full((k, n), -1)
    member[:, alive] = [fit.bloc for fit in whole]
    return Blocs(
        answer,
        number,
        likeliest,
        why,
        gain[:k],
        se[:k],
        over[:k],
        over_se[:k],
        float(gain[k]),
        float(se[k]),
        explained[:k],
        float(explained[k]),
        member,
        np.array([fit.within for fit in whole]),
        np.array(
            [np.mean([adjusted_rand(one, whole[i].bloc) for one in again[i]]) for i in range(k)]
        ),
        spread(np.array([np.mean(again[i] == whole[i].bloc, axis=0) for i in range(k)])),
        spread(np.array([_strength(data, fit, none) for fit in whole])),
        spread(gradient_fit(data, whole[0])[0]),
        d,
    )


def decide(score: Floats) -> tuple[Answer, int | None, int, str]:
    """Decide from held-out scores.

    Parameters
    ----------
    score : (k + 1, pairs)
        Log likelihood of each held-out pair with 1 to k blocs and, last, on a line.

    Returns
    -------
    answer, number, likeliest, why
        As in :class:`Blocs`.
    """
    k = len(score) - 1
    best = int(score[:k].sum(axis=1).argmax())
    below, se = _above(score, best)
    likeliest = int(np.flatnonzero(below[:k] >= -se[:k])[0]) + 1
    gain, gain_se = _above(score, 0)
    line, line_se = (float(values[k]) for values in _above(score, likeliest - 1))
    helpful = [i + 1 for i in range(1, k) if gain[i] > 0]
    number: int | None = None
    answer: Answer = "undecided"
    if gain[k] > SURE * gain_se[k] and line > SURE * line_se:
        answer, why = "gradient", "places on a line predict held-out pairs better than blocs"
    elif likeliest == 1 and not helpful:
        answer, number = "none", 1
        why = f"no number of blocs up to {k} predicts held-out pairs better than no blocs"
    elif len(helpful) < k - 1:
        why = (
            f"numbers of blocs disagree: {', '.join(map(str, helpful)) or 'none'} of 2 to {k} "
            "predict held-out pairs better than no blocs, the others worse"
        )
    elif gain[likeliest - 1] <= SURE * gain_se[likeliest - 1]:
        why = f"{likeliest} blocs predict held-out pairs hardly better than no blocs"
    elif line >= -NEAR * line_se:
        why = f"places on a line predict held-out pairs as well as {likeliest} blocs"
    elif likeliest == k:
        why = f"the more blocs the better, up to {k}, the most that were tried"
    else:
        answer, number = "blocs", likeliest
        why = f"{likeliest} blocs predict held-out pairs best, within one standard error"
    return answer, number, likeliest, why


def _above(score: Floats, reference: int) -> tuple[Floats, Floats]:
    """Sum of scores above those of a reference, and its standard error over pairs."""
    away = score - score[reference]
    error = np.maximum(away.std(axis=1) * np.sqrt(away.shape[1]), LEAST_ERROR)
    error[reference] = 0.0
    return away.sum(axis=1), error


def _strength(data: Data, fit: Fit, none: Floats) -> Floats:
    """Weight of each node's ties with its own bloc above the means without blocs, (n,)."""
    same = (fit.bloc[:, None] == fit.bloc) & data.use
    above = np.where(same, data.weights - none, 0.0).sum(axis=1)
    return np.where(same.any(axis=1) & (same != data.use).any(axis=1), above, np.nan)
