"""Numbers and ids in a buffer of lines, read strictly; see :mod:`.tokens` for the rules."""

from __future__ import annotations

import numpy as np

from isthmus.corpus.scanning.buffers import Bytes
from isthmus.corpus.scanning.compiled import byte, kernel, small
from isthmus.corpus.scanning.tokens import ODD, null, prefixed

_QUOTE, _ZERO, _NINE, _MINUS, _PLUS, _DOT = 34, 48, 57, 45, 43, 46

#: Largest exact power of ten and largest mantissa kept of a decimal number.
_MAX_POWER, _MAX_MANTISSA = 22, 10**17
_POWERS = 10.0 ** np.arange(_MAX_POWER + 1)


@small
def integer(buf: Bytes, i: int) -> tuple[int, int]:
    """Read a whole number of at most 18 digits without sign, or null, which is -1."""
    if byte(buf, i) == 110:
        return null(buf, i), -1
    start, value = i, 0
    while _ZERO <= byte(buf, i) <= _NINE and i - start < 19:
        value = value * 10 + byte(buf, i) - _ZERO
        i += 1
    n_digits = i - start
    b = byte(buf, i)
    if n_digits == 0 or n_digits > 18 or (n_digits > 1 and byte(buf, start) == _ZERO):
        return ODD, 0
    if b == _DOT or b == 101 or b == 69:
        return ODD, 0
    return i, value


@small
def identifier(buf: Bytes, i: int, prefix: Bytes) -> tuple[int, int]:
    """Read a string that is `prefix` and a number, or null, which is -1."""
    if byte(buf, i) == 110:
        return null(buf, i), -1
    i = prefixed(buf, i, prefix)
    if i < 0 or byte(buf, i) == _ZERO:
        return ODD, 0
    i, value = integer(buf, i)
    if i < 0 or value < 0 or byte(buf, i) != _QUOTE:
        return ODD, 0
    return i + 1, value


@kernel
def decimal(buf: Bytes, i: int) -> tuple[int, np.float32]:
    """Read a decimal number as a 32-bit float rounded as by way of a 64-bit one.

    The 64-bit value has an error of at most two units in the last place; where
    that could change the 32-bit one the number is refused.
    """
    negative = byte(buf, i) == _MINUS
    if negative:
        i += 1
    start, mantissa, power = i, 0, 0
    if byte(buf, i) == _ZERO and _ZERO <= byte(buf, i + 1) <= _NINE:
        return ODD, np.float32(0)
    while _ZERO <= byte(buf, i) <= _NINE and mantissa < _MAX_MANTISSA:
        mantissa = mantissa * 10 + byte(buf, i) - _ZERO
        i += 1
    if i == start:
        return ODD, np.float32(0)
    if byte(buf, i) == _DOT:
        i += 1
        start = i
        while _ZERO <= byte(buf, i) <= _NINE and mantissa < _MAX_MANTISSA:
            mantissa = mantissa * 10 + byte(buf, i) - _ZERO
            i += 1
        power = start - i
        if power == 0:
            return ODD, np.float32(0)
    if _ZERO <= byte(buf, i) <= _NINE:
        return ODD, np.float32(0)
    if byte(buf, i) == 101 or byte(buf, i) == 69:
        i, exponent = _exponent(buf, i + 1)
        if i < 0:
            return ODD, np.float32(0)
        power += exponent
    value, sure = _scaled(mantissa, power)
    if not sure:
        return ODD, np.float32(0)
    return i, np.float32(-value if negative else value)


@kernel
def _exponent(buf: Bytes, i: int) -> tuple[int, int]:
    """Read an exponent of one or two digits."""
    negative = byte(buf, i) == _MINUS
    if negative or byte(buf, i) == _PLUS:
        i += 1
    start, value = i, 0
    while _ZERO <= byte(buf, i) <= _NINE and i - start < 3:
        value = value * 10 + byte(buf, i) - _ZERO
        i += 1
    if i == start or i - start > 2:
        return ODD, 0
    return i, -value if negative else value


@kernel
def _scaled(mantissa: int, power: int) -> tuple[float, bool]:
    """Give mantissa times a power of ten, and whether its 32-bit rounding is certain."""
    if abs(power) > _MAX_POWER:
        return 0.0, mantissa == 0
    value = np.float64(mantissa)
    value = value * _POWERS[power] if power >= 0 else value / _POWERS[-power]
    if value == 0.0:
        return value, True
    if not 1e-30 < value < 1e30:
        return value, False
    # How far the 64-bit value is from the middle between two 32-bit ones.
    away = abs(value - np.float64(np.float32(value)))
    above = np.float64(np.nextafter(np.float32(value), np.float32(np.inf)))
    half = (above - np.float64(np.float32(value))) / 2
    return value, abs(away - half) > value * 1e-15 and abs(away - half / 2) > value * 1e-15
