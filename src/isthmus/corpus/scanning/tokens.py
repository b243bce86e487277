"""JSON tokens in a buffer of lines, read strictly: whatever is unusual is refused.

Every function takes the buffer and the place of a value's first byte, and gives
the place after it, or ``ODD`` when the value is not of the plain form expected.
A buffer must end with a newline, which is valid nowhere inside a record, so no
function reads beyond the end. The grammar is that of RFC 8259, with a limit of
``MAX_DEPTH`` on nesting; what is refused here is left to a tolerant reader.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.corpus.scanning.buffers import N_HEAP, Bytes, Ints
from isthmus.corpus.scanning.compiled import byte, eight, kernel, low_zeros, small, stops

#: Given instead of a place: the value is not of the plain form expected.
ODD = -1

#: Nested lists and objects followed; one bit each says which it is.
MAX_DEPTH = 60

_QUOTE, _BACKSLASH, _COMMA, _COLON = 34, 92, 44, 58
_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_LIST, _CLOSE_LIST = 123, 125, 91, 93
_ZERO, _NINE, _MINUS, _PLUS, _DOT = 48, 57, 45, 43, 46
_SPACE = 32

_TRUE = np.frombuffer(b"true", np.uint8)
_FALSE = np.frombuffer(b"false", np.uint8)
_NULL = np.frombuffer(b"null", np.uint8)


@small
def plain_end(buf: Bytes, i: int) -> int:
    """Find the first quote, backslash or control byte from `i` on."""
    last = len(buf) - 32
    while i <= last:
        found = stops(buf, i)
        if found:
            return i + int(low_zeros(found))
        i += 32
    while byte(buf, i) >= 32 and byte(buf, i) != _QUOTE and byte(buf, i) != _BACKSLASH:
        i += 1
    return i


@small
def blanks(buf: Bytes, i: int) -> int:
    """Skip blanks, but no newline."""
    while byte(buf, i) == 32 or byte(buf, i) == 9 or byte(buf, i) == 13:
        i += 1
    return i


@kernel
def word(buf: Bytes, i: int, letters: Bytes) -> int:
    """Read given letters."""
    for letter in letters:
        if byte(buf, i) != letter:
            return ODD
        i += 1
    return i


@small
def prefixed(buf: Bytes, i: int, letters: Bytes) -> int:
    """Read given letters, at least eight of them, eight at a time."""
    n_letters = len(letters)
    if i + n_letters > len(buf):
        return ODD
    k = 0
    while k + 8 <= n_letters:
        if eight(buf, i + k) != eight(letters, k):
            return ODD
        k += 8
    if eight(buf, i + n_letters - 8) != eight(letters, n_letters - 8):
        return ODD
    return i + n_letters


@kernel
def null(buf: Bytes, i: int) -> int:
    """Read ``null``."""
    return word(buf, i, _NULL)


@kernel
def flag(buf: Bytes, i: int) -> tuple[int, int]:
    """Read ``true``, ``false`` or ``null``: its place and 1, 0 or -1."""
    if byte(buf, i) == 116:
        return word(buf, i, _TRUE), 1
    if byte(buf, i) == 102:
        return word(buf, i, _FALSE), 0
    return null(buf, i), -1


@kernel
def _hex4(buf: Bytes, i: int) -> int:
    """Give the number of four hexadecimal digits, or -1."""
    value = 0
    for k in range(4):
        b = byte(buf, i + k)
        if 48 <= b <= 57:
            value = value * 16 + b - 48
        elif 97 <= b <= 102:
            value = value * 16 + b - 87
        elif 65 <= b <= 70:
            value = value * 16 + b - 55
        else:
            return -1
    return value


@kernel
def escape(buf: Bytes, i: int) -> tuple[int, Any]:
    """Read an escape: the place after it and the code point, or ``ODD``."""
    b = byte(buf, i + 1)
    if b != 117:
        if b == 110:
            return i + 2, 10
        if b == 34 or b == 92 or b == 47:
            return i + 2, np.int64(b)
        if b == 116:
            return i + 2, 9
        if b == 114:
            return i + 2, 13
        if b == 98:
            return i + 2, 8
        if b == 102:
            return i + 2, 12
        return ODD, 0
    high = _hex4(buf, i + 2)
    if high < 0 or 0xDC00 <= high < 0xE000:
        return ODD, 0
    if high < 0xD800:
        return i + 6, high
    if high >= 0xE000:
        return i + 6, high
    if byte(buf, i + 6) != _BACKSLASH or byte(buf, i + 7) != 117:
        return ODD, 0
    low = _hex4(buf, i + 8)
    if not 0xDC00 <= low < 0xE000:
        return ODD, 0
    return i + 12, 0x10000 + ((high - 0xD800) << 10) + low - 0xDC00


@kernel
def string_end(buf: Bytes, i: int) -> int:
    """Find the quote that ends the string whose content begins at `i`."""
    while True:
        i = plain_end(buf, i)
        b = byte(buf, i)
        if b == _QUOTE:
            return i
        if b < 32:
            return ODD
        i, _ = escape(buf, i)
        if i < 0:
            return ODD


@kernel
def _digits(buf: Bytes, i: int) -> int:
    """Skip digits, at least one."""
    start = i
    while _ZERO <= byte(buf, i) <= _NINE:
        i += 1
    return i if i > start else ODD


@kernel
def _scalar(buf: Bytes, i: int) -> int:
    """Skip a number, true, false or null."""
    b = byte(buf, i)
    if b == 110:
        return word(buf, i, _NULL)
    if b == 116:
        return word(buf, i, _TRUE)
    if b == 102:
        return word(buf, i, _FALSE)
    if b == _MINUS:
        i += 1
    i = i + 1 if byte(buf, i) == _ZERO else _digits(buf, i)
    if i >= 0 and byte(buf, i) == _DOT:
        i = _digits(buf, i + 1)
    if i >= 0 and (byte(buf, i) == 101 or byte(buf, i) == 69):
        i += 1
        if byte(buf, i) == _PLUS or byte(buf, i) == _MINUS:
            i += 1
        i = _digits(buf, i)
    return i


@small
def key(buf: Bytes, i: int) -> tuple[int, int]:
    """Read a key and its colon: where its text ends, and where the value begins."""
    if byte(buf, i) != _QUOTE:
        return ODD, ODD
    i = plain_end(buf, i + 1)
    if byte(buf, i) != _QUOTE:
        return ODD, ODD
    end = i
    i += 1
    if byte(buf, i) != _COLON:
        i = blanks(buf, i)
        if byte(buf, i) != _COLON:
            return ODD, ODD
    return end, blanks(buf, i + 1)


@kernel
def skip(buf: Bytes, i: int) -> int:
    """Skip a value of any kind."""
    depth, kinds = 0, np.uint64(0)
    one = np.uint64(1)
    while True:
        b = byte(buf, i)
        opened = False
        if b == _QUOTE:
            i = string_end(buf, i + 1) + 1
            if i == 0:
                return ODD
        elif b == _OPEN_OBJECT or b == _OPEN_LIST:  # noqa: SIM109 - slower compiled
            depth += 1
            if depth > MAX_DEPTH:
                return ODD
            kinds = kinds << one
            if b == _OPEN_OBJECT:
                kinds = kinds | one
            i = blanks(buf, i + 1)
            opened = byte(buf, i) != b + 2
        else:
            i = _scalar(buf, i)
            if i < 0:
                return ODD
        if not opened:
            while depth > 0:
                i = blanks(buf, i)
                closing = _CLOSE_OBJECT if kinds & one else _CLOSE_LIST
                if byte(buf, i) != closing:
                    break
                depth -= 1
                kinds = kinds >> one
                i += 1
            if depth == 0:
                return i
            if byte(buf, i) != _COMMA:
                return ODD
            i = blanks(buf, i + 1)
        if kinds & one:
            if byte(buf, i) != _QUOTE:
                return ODD
            i = string_end(buf, i + 1)
            if i < 0:
                return ODD
            i = blanks(buf, i + 1)
            if byte(buf, i) != _COLON:
                return ODD
            i = blanks(buf, i + 1)


@kernel
def _positions_end(buf: Bytes, i: int) -> int:
    """Skip a list of whole numbers, at least one, with at most a space after a comma."""
    if byte(buf, i) != _OPEN_LIST:
        return ODD
    while True:
        i += 1
        if byte(buf, i) == _SPACE:
            i += 1
        start = i
        while _ZERO <= byte(buf, i) <= _NINE:
            i += 1
        if i == start or (byte(buf, start) == _ZERO and i > start + 1):
            return ODD
        if byte(buf, i) != _COMMA:
            return i + 1 if byte(buf, i) == _CLOSE_LIST else ODD


@kernel
def skip_index(buf: Bytes, start: int) -> int:
    """Skip an object of words and lists of their positions; a fifth of a file of works is such."""
    i = start
    if byte(buf, i) != _OPEN_OBJECT:
        return skip(buf, start)
    while True:
        i += 1
        if byte(buf, i) == _SPACE:
            i += 1
        if byte(buf, i) != _QUOTE:
            return skip(buf, start)
        i = string_end(buf, i + 1)
        if i < 0:
            return ODD
        i += 1
        if byte(buf, i) != _COLON:
            return skip(buf, start)
        i += 1
        if byte(buf, i) == _SPACE:
            i += 1
        i = _positions_end(buf, i)
        if i < 0:
            return skip(buf, start)
        if byte(buf, i) != _COMMA:
            return i + 1 if byte(buf, i) == _CLOSE_OBJECT else skip(buf, start)


@small
def step(buf: Bytes, i: int, closing: int) -> tuple[int, bool]:
    """After an entry: the next one's place, or past the end; whether it was the end."""
    i = blanks(buf, i)
    if byte(buf, i) == _COMMA:
        i = blanks(buf, i + 1)
        return (ODD if byte(buf, i) == closing else i), False
    return (i + 1 if byte(buf, i) == closing else ODD), True


@small
def enter(buf: Bytes, i: int, opening: int) -> tuple[int, bool]:
    """Enter a list or object: its first entry's place, or past it; whether it was empty."""
    if byte(buf, i) != opening:
        return ODD, True
    i = blanks(buf, i + 1)
    if byte(buf, i) == opening + 2:
        return i + 1, True
    return i, False


@kernel
def _put(heap: Bytes, at: int, point: int) -> int:
    """Write a code point as UTF-8; give the place after it."""
    if point < 0x80:
        heap[at] = point
        return at + 1
    if point < 0x800:
        heap[at] = 0xC0 | point >> 6
        heap[at + 1] = 0x80 | point & 0x3F
        return at + 2
    if point < 0x10000:
        heap[at] = 0xE0 | point >> 12
        heap[at + 1] = 0x80 | point >> 6 & 0x3F
        heap[at + 2] = 0x80 | point & 0x3F
        return at + 3
    heap[at] = 0xF0 | point >> 18
    heap[at + 1] = 0x80 | point >> 12 & 0x3F
    heap[at + 2] = 0x80 | point >> 6 & 0x3F
    heap[at + 3] = 0x80 | point & 0x3F
    return at + 4


@kernel
def _is_utf8(buf: Bytes, i: int, end: int) -> bool:
    """Say whether bytes before an ASCII one are well-formed UTF-8 (Unicode 16, table 3-7)."""
    while i < end:
        b = byte(buf, i)
        if b < 0x80:
            i += 1
            continue
        low, high, more = 0x80, 0xBF, 1
        if 0xC2 <= b <= 0xDF:
            more = 1
        elif 0xE0 <= b <= 0xEF:
            more = 2
            low = 0xA0 if b == 0xE0 else 0x80
            high = 0x9F if b == 0xED else 0xBF
        elif 0xF0 <= b <= 0xF4:
            more = 3
            low = 0x90 if b == 0xF0 else 0x80
            high = 0x8F if b == 0xF4 else 0xBF
        else:
            return False
        if not low <= byte(buf, i + 1) <= high:
            return False
        for k in range(2, more + 1):
            if not 0x80 <= byte(buf, i + k) <= 0xBF:
                return False
        i += more + 1
    return True


@kernel
def _unescape(buf: Bytes, i: int, heap: Bytes, at: int) -> int:
    """Copy a checked string that has escapes; give the place after the copy."""
    while byte(buf, i) != _QUOTE:
        if byte(buf, i) == _BACKSLASH:
            i, point = escape(buf, i)
            at = _put(heap, at, point)
        else:
            heap[at] = byte(buf, i)
            at += 1
            i += 1
    return at


@kernel
def text(buf: Bytes, i: int, heap: Bytes, count: Ints) -> tuple[int, int, int]:
    """Read a string or null.

    Returns
    -------
    place : int
        After the value, or ``ODD``.
    begin, length : int
        Where its text stands: in `buf`, or beyond the length of `buf` in
        `heap`, where escapes are resolved. The length of null is -1.
    """
    if byte(buf, i) != _QUOTE:
        return null(buf, i), 0, -1
    begin = i + 1
    i = begin
    i = plain_end(buf, i)
    escaped = byte(buf, i) == _BACKSLASH
    if byte(buf, i) != _QUOTE:
        i = string_end(buf, i)
        if i < 0:
            return ODD, 0, -1
    if not _is_utf8(buf, begin, i):
        return ODD, 0, -1
    if not escaped:
        return i + 1, begin, i - begin
    start = count[N_HEAP]
    count[N_HEAP] = _unescape(buf, begin, heap, start)
    return i + 1, len(buf) + start, count[N_HEAP] - start
