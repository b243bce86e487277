"""Labels of a data frame of weights: kept beside the arrays, and put back on request."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import InputError


@dataclass(frozen=True)
class Labels:
    """Labels of the nodes of a network.

    Attributes
    ----------
    names : tuple (n,)
        Labels in the order of rows and columns.
    frame : callable
        Makes a data frame: the class that the weights had.
    """

    names: tuple[Hashable, ...]
    frame: Callable[..., Any]

    def on(self, values: npt.NDArray[Any]) -> Any:
        """Put the labels on a matrix (n, n): a data frame of the class that the weights had."""
        return self.frame(values, index=list(self.names), columns=list(self.names))


def labels_of(weights: Any) -> Labels | None:
    """Return the labels of a data frame; None for arrays.

    Raises
    ------
    InputError
        When rows and columns do not name the same nodes in the same order.
    """
    if not (hasattr(weights, "index") and hasattr(weights, "columns")):
        return None
    rows, columns = tuple(weights.index), tuple(weights.columns)
    if rows != columns:
        raise InputError(
            "The rows and the columns of the weights must name the same nodes in the same order, "
            f"and they differ: rows begin with {list(rows[:3])}, columns with "
            f"{list(columns[:3])}. Reindex the frame with one list on both axes."
        )
    return Labels(rows, type(weights))


def labelled(labels: Labels | None, values: npt.NDArray[np.float64]) -> Any:
    """Put labels on a matrix, or refuse it where there are none."""
    if labels is None:
        raise InputError(
            "These weights had no labels. Give fit_null a data frame whose rows and columns name "
            "the nodes."
        )
    return labels.on(values)
