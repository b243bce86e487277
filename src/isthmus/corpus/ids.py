"""Identifiers: from the text of a record to 64-bit integers."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

#: Stands for "no readable id" in arrays of ids; ids themselves are positive.
NO_ID = -1

_ID = re.compile(r"\s*(?:https?://[\w.]+/(?:[a-z]+/)?)?([A-Za-z]?)(\d{1,18})\s*")


def number(text: object, letters: str) -> int:
    """Read one id; ``NO_ID`` when it is none of the wanted kind.

    Examples
    --------
    >>> number("https://openalex.org/W12", "W"), number("A7", "W"), number("17", "")
    (12, -1, 17)
    """
    if isinstance(text, int) and not isinstance(text, bool) and 0 < text < 10**18:
        return text
    match = _ID.fullmatch(text) if isinstance(text, str) else None
    if match is None or (match[1] and match[1].upper() not in letters):
        return NO_ID
    return int(match[2]) or NO_ID
