"""Effects that differ from unit to unit, each known with an error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from isthmus.errors import InputError


@dataclass(frozen=True)
class RandomEffects:
    """Mean of effects, its standard error, and their spread without sampling error.

    Attributes
    ----------
    mean, error
        In the unit of the effects.
    spread
        Standard deviation of the true effects (tau).
    units
        Number of effects.
    """

    mean: float
    error: float
    spread: float
    units: int

    @property
    def df(self) -> int:
        """Degrees of freedom of a further effect's prediction."""
        return self.units - 2


def random_effects(effect: ArrayLike, error: ArrayLike) -> RandomEffects:
    """Fit the random-effects model of a meta-analysis.

    DerSimonian and Laird (1986, Controlled Clinical Trials 7, 177): the spread of the true
    effects is what the observed one has beyond the errors, at least 0. A further effect lies
    within Student's point with `df` times ``sqrt(spread^2 + error^2)`` of the mean (Higgins,
    Thompson and Spiegelhalter 2009, J. R. Stat. Soc. A 172, 137, eq. 12).

    Parameters
    ----------
    effect, error : (k,)
        Effects and their standard errors, k of 3 or more, errors above 0.

    Raises
    ------
    InputError
        Fewer than 3 effects, other shapes, or errors that are not above 0.

    Examples
    --------
    >>> found = random_effects([0.0, 1.0, 2.0], [0.1, 0.1, 0.1])
    >>> round(found.mean, 2), round(found.spread, 2)
    (1.0, 0.99)
    """
    y, se = np.asarray(effect, dtype=np.float64), np.asarray(error, dtype=np.float64)
    if y.ndim != 1 or y.shape != se.shape or len(y) < 3 or not (np.isfinite(y) & (se > 0)).all():
        raise InputError(
            f"Random effects need 3 or more effects, each with an error above 0; found arrays of "
            f"shapes {y.shape} and {se.shape}."
        )
    weight = 1.0 / se**2
    total = weight.sum()
    beyond = float(weight @ (y - weight @ y / total) ** 2) - (len(y) - 1)
    variance = max(beyond / (total - (weight @ weight) / total), 0.0)
    weight = 1.0 / (se**2 + variance)
    total = weight.sum()
    mean = float(weight @ y / total)
    return RandomEffects(mean, float(total**-0.5), math.sqrt(variance), len(y))
