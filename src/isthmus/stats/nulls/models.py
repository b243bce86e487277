"""A fitted null model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from isthmus.stats.nulls.labels import Labels, labelled
from isthmus.stats.nulls.laws import Law
from isthmus.stats.nulls.newton import CONVERGED

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NullFit:
    """A null model fitted to one network.

    Attributes
    ----------
    model : str
        Name of the model.
    directed : bool
    parameters : dict of arrays (n,)
        Solved parameters per node, in logarithms; see the model's function.
    residual : float
        Largest relative error over all constraints.
    law : Law
        Distribution of each pair's weight.
    has_rows, has_columns : array (n,)
        Nodes with out-strength and with in-strength; others have no law.
    steps : int
        Steps the solver took.
    dispersion : float, optional
        Extra variance per squared mean, where the model estimates one.
    expected_se : array (n, n), optional
        Monte-Carlo standard error of `expected`, where it is simulated.
    labels : Labels, optional
        Labels of the nodes, where the weights were a data frame.
    """

    model: str
    directed: bool
    parameters: dict[str, Floats]
    residual: float
    law: Law
    has_rows: npt.NDArray[np.bool_]
    has_columns: npt.NDArray[np.bool_]
    steps: int = 0
    dispersion: float | None = None
    expected_se: Floats | None = None
    labels: Labels | None = None

    @property
    def n(self) -> int:
        """Number of nodes."""
        return self.has_rows.size

    @property
    def converged(self) -> bool:
        """Whether every constraint holds to a relative error of 1e-8."""
        return self.residual <= CONVERGED

    @cached_property
    def expected(self) -> Floats:
        """Expected weights, (n, n) with a zero diagonal; computed when first asked for."""
        return self.law.mean()

    @cached_property
    def sd(self) -> Floats:
        """Standard deviation of the weights, (n, n); computed when first asked for."""
        return np.sqrt(self.law.variance())

    @property
    def tested(self) -> npt.NDArray[np.bool_]:
        """Pairs that have a law: off the diagonal, both ends with strength."""
        pairs = self.has_rows[:, None] & self.has_columns[None, :]
        np.fill_diagonal(pairs, False)
        return pairs

    def labelled(self, what: Literal["expected", "sd"] = "expected") -> Any:
        """Return a matrix as a data frame with the labels of the weights.

        Raises
        ------
        InputError
            When the weights were no data frame.
        """
        return labelled(self.labels, self.expected if what == "expected" else self.sd)


def sample(fit: NullFit, n_samples: int, seed: int) -> Floats:
    """Draw networks from a fitted null model.

    Parameters
    ----------
    fit : NullFit
        For `rewiring` the stored networks are drawn again with replacement.
    n_samples : int
        Networks to draw, 0 or more.
    seed : int
        Same seed, same networks.

    Returns
    -------
    array (n_samples, n, n)
        Weights with a zero diagonal, symmetric when undirected.
    """
    random = np.random.default_rng(seed)
    drawn = np.empty((n_samples, fit.n, fit.n))
    for network in drawn:
        network[:] = fit.law.draw(random)
        if not fit.directed:
            network[:] = np.triu(network, 1)
            network += network.T.copy()
    return drawn
