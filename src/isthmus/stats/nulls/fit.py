"""Fit a null model to a network, or to every year of a panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import InputError
from isthmus.stats.nulls import crem, ecm, multiedge, rewiring
from isthmus.stats.nulls.labels import labels_of
from isthmus.stats.nulls.margins import checked, margins
from isthmus.stats.nulls.models import NullFit
from isthmus.stats.nulls.noise_corrected import fit_noise_corrected

Floats = npt.NDArray[np.float64]

#: Models that need whole-number weights.
WHOLE = ("multiedge", "multiedge_overdispersed", "noise_corrected", "wcm", "ecm", "rewiring")


def fit_null(
    weights: Any, model: str, *, directed: bool, seed: int | None = None, **options: Any
) -> NullFit:
    """Fit a null model to a weighted network without self-loops.

    Parameters
    ----------
    weights : array or data frame (n, n), or scipy sparse array where only margins matter
        Non-negative weights with a zero diagonal, symmetric when undirected.
        Whole numbers, except for ``crem``. The labels of a data frame are kept:
        ``fit.labelled("expected")`` is a frame with them.
    model : str
        ``multiedge`` (strengths; Poisson), ``multiedge_overdispersed`` (the same
        means, negative binomial), ``noise_corrected`` (strengths, self-loops counted
        as possible; the variance of a posterior), ``wcm`` (strengths; geometric), ``ecm`` (degrees
        and strengths; whole weights), ``crem`` (degrees and strengths; amounts),
        ``rewiring`` (strengths exactly, by simulation).
    directed : bool
    seed : int, optional
        Seed of the simulated model; the others take none.
    **options
        Settings of one model; see its function.

    Returns
    -------
    NullFit
        With `converged` false when a constraint is missed by more than 1e-8.

    Raises
    ------
    InputError
        When the weights or the model cannot be used; the sentence says why.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.array([[0, 4, 1], [4, 0, 2], [1, 2, 0]])
    >>> fit = fit_null(weights, "multiedge", directed=False)
    >>> fit.converged, fit.expected.sum(axis=1).round(6).tolist()
    (True, [5.0, 6.0, 3.0])
    """
    _known(model)
    labels = labels_of(weights)
    matrix = checked(weights, directed=directed, integer=model if model in WHOLE else None)
    fit = _MODELS[model](matrix, directed, seed, **options)
    return replace(fit, labels=labels)


def fit_panel(
    panel: Sequence[Any] | Floats, model: str, *, directed: bool, seed: int | None = None
) -> list[NullFit]:
    """Fit a null model to every network of a panel, in their order.

    The ECM starts each network from the solution before it; since its dual is
    convex the answers are those of cold starts. A simulated model draws an
    independent stream per network from the one seed.

    Parameters
    ----------
    panel : sequence of arrays (n, n), or array (t, n, n)
        Networks of the same nodes; a node may be absent (zero) in some of them.
    model : str
    directed : bool
    seed : int, optional

    Returns
    -------
    list of NullFit
    """
    _known(model)
    if len({np.shape(weights) for weights in panel}) > 1:
        raise InputError(
            "The networks of a panel must have the same nodes, and their shapes differ. "
            "Give absent nodes rows and columns of zeros."
        )
    if model == "ecm":
        return _ecm_panel(panel, directed)
    seeds = np.random.SeedSequence(seed).generate_state(len(panel)) if seed is not None else None
    return [
        fit_null(w, model, directed=directed, seed=None if seeds is None else int(seeds[year]))
        for year, w in enumerate(panel)
    ]


def _ecm_panel(panel: Sequence[Any] | Floats, directed: bool) -> list[NullFit]:
    fits: list[NullFit] = []
    warm: ecm.Warm | None = None
    for weights in panel:
        net = margins(checked(weights, directed=directed, integer="ecm"), directed=directed)
        solved = ecm.fit_ecm(net, warm)
        warm = (ecm.sides_of(net), solved.per_node())
        fits.append(replace(ecm.null_fit(net, solved), labels=labels_of(weights)))
    return fits


def _known(model: str) -> None:
    if model == "bipartite":
        raise InputError(
            "The model 'bipartite' needs the countries of every work, and a matrix of weights "
            "no longer tells them. Call fit_bipartite(work, country), or fit_team_counts."
        )
    if model not in _MODELS:
        raise InputError(
            f"There is no null model '{model}'. The models are: {', '.join(sorted(_MODELS))}."
        )


def _multiedge(matrix: Any, directed: bool, seed: int | None) -> NullFit:
    return multiedge.fit_multiedge(margins(matrix, directed=directed))


def _overdispersed(matrix: Any, directed: bool, seed: int | None) -> NullFit:
    return multiedge.with_dispersion(_multiedge(matrix, directed, seed), matrix)


def _noise_corrected(matrix: Any, directed: bool, seed: int | None) -> NullFit:
    return fit_noise_corrected(margins(matrix, directed=directed), matrix)


def _wcm(matrix: Any, directed: bool, seed: int | None) -> NullFit:
    return ecm.fit_wcm(margins(matrix, directed=directed))


def _ecm(matrix: Any, directed: bool, seed: int | None) -> NullFit:
    net = margins(matrix, directed=directed)
    return ecm.null_fit(net, ecm.fit_ecm(net))


def _crem(matrix: Any, directed: bool, seed: int | None) -> NullFit:
    return crem.fit_crem(margins(matrix, directed=directed))


_MODELS: dict[str, Callable[..., NullFit]] = {
    "crem": _crem,
    "ecm": _ecm,
    "multiedge": _multiedge,
    "multiedge_overdispersed": _overdispersed,
    "noise_corrected": _noise_corrected,
    "rewiring": rewiring.fit_rewiring,
    "wcm": _wcm,
}
