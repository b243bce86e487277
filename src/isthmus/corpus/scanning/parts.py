"""Parts of an OpenAlex work: authors with affiliations, venues, topics and concepts.

Like the tokens they are made of, parts give the place after them, or ``ODD``.
Rows are written beyond those that are counted; the work counts them when it is
kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.corpus.scanning.buffers import (
    AFFILIATION_COUNTRY,
    AFFILIATION_ID,
    AFFILIATION_PARSED,
    AFFILIATION_POSITION,
    AUTHOR_CORRESPONDING,
    AUTHOR_ID,
    ENTITY_COUNTRY,
    ENTITY_ID,
    ENTITY_SLOT,
    ENTITY_TEXT,
    ENTITY_TEXTS,
    ENTITY_WORK,
    MAX_AFFILIATIONS,
    N_INSTITUTIONS,
    NO_DAY,
    Bytes,
    Ints,
    Slots,
)
from isthmus.corpus.scanning.compiled import byte, kernel
from isthmus.corpus.scanning.numbers import decimal, identifier
from isthmus.corpus.scanning.tokens import ODD, enter, flag, key, null, skip, step, text

#: A part that is not given, unlike one given without an id (-1).
ABSENT = -2

_LIST, _OBJECT, _QUOTE = 91, 123, 34


def letters(words: str) -> list[npt.NDArray[np.uint8]]:
    """Give words as arrays of bytes."""
    return [np.frombuffer(word.encode(), np.uint8) for word in words.split()]


_AUTHOR, _INSTITUTIONS, _COUNTRIES, _CORRESPONDING = letters(
    "author institutions countries is_corresponding"
)
_ID, _NAME, _ROR, _COUNTRY, _TYPE = letters("id display_name ror country_code type")
_SOURCE, _ISSN, _SCORE, _SUBFIELD, _FIELD = letters("source issn_l score subfield field")
_HOME, _A, _I, _S, _V, _SUBFIELDS, _FIELDS = letters(
    '"https://openalex.org/ "https://openalex.org/A "https://openalex.org/I '
    '"https://openalex.org/S "https://openalex.org/V '
    '"https://openalex.org/subfields/ "https://openalex.org/fields/'
)


@kernel
def same(buf: Bytes, begin: int, end: int, letters: Bytes) -> bool:
    """Say whether a text is the given letters."""
    if end - begin != len(letters):
        return False
    for k in range(len(letters)):  # noqa: SIM110 - compiled
        if byte(buf, begin + k) != letters[k]:
            return False
    return True


@kernel
def day(buf: Bytes, i: int) -> tuple[int, int]:
    """Read a date written YYYY-MM-DD, or null: days since 1970, ``NO_DAY`` for null."""
    if byte(buf, i) != _QUOTE:
        return null(buf, i), NO_DAY
    for k in range(1, 11):
        b = byte(buf, i + k)
        if k == 5 or k == 8:
            if b != 45:
                return ODD, 0
        elif not 48 <= b <= 57:
            return ODD, 0
    if byte(buf, i + 11) != _QUOTE:
        return ODD, 0
    y = (
        (np.int64(byte(buf, i + 1)) - 48) * 1000
        + (np.int64(byte(buf, i + 2)) - 48) * 100
        + (np.int64(byte(buf, i + 3)) - 48) * 10
        + (np.int64(byte(buf, i + 4)) - 48)
    )
    m = (np.int64(byte(buf, i + 6)) - 48) * 10 + np.int64(byte(buf, i + 7)) - 48
    d = (np.int64(byte(buf, i + 9)) - 48) * 10 + np.int64(byte(buf, i + 10)) - 48
    if y < 1 or not 1 <= m <= 12 or not 1 <= d <= _month_days(y, m):
        return ODD, 0
    return i + 12, _days(y, m, d)


@kernel
def _month_days(y: Any, m: Any) -> int:
    if m == 2:
        return 29 if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0) else 28
    return 30 if m == 4 or m == 6 or m == 9 or m == 11 else 31


@kernel
def _days(y: Any, m: Any, d: Any) -> Any:
    """Days from 1970-01-01 in the proleptic Gregorian calendar; years begin in March here."""
    if m <= 2:
        y -= 1
    month = (m + 9) % 12
    return 365 * y + y // 4 - y // 100 + y // 400 + (153 * month + 2) // 5 + d - 1 - 719468


@kernel
def country(buf: Bytes, i: int) -> tuple[int, Any]:
    """Read a code of two capitals as a number below 676, or null, which is -1."""
    if byte(buf, i) != _QUOTE:
        return null(buf, i), -1
    a, b = byte(buf, i + 1), byte(buf, i + 2)
    if not (65 <= a <= 90 and 65 <= b <= 90 and byte(buf, i + 3) == _QUOTE):
        return ODD, 0
    return i + 4, (np.int64(a) - 65) * 26 + np.int64(b) - 65


@kernel
def remember(entities: Ints, seen: Slots, count: Ints, at: int, identity: int, work: int) -> bool:
    """Note an entity at first sight.

    The row after the last, ``entities[count[at]]``, holds what may become its
    row. Gives False when there is no room for more.
    """
    row = count[at]
    mask = len(seen) - 1
    slot = (identity * 0x9E3779B97F4A7C1 >> 20) & mask
    while seen[slot] >= 0:
        if entities[seen[slot], ENTITY_ID] == identity:
            return True
        slot = (slot + 1) & mask
    if row + 2 >= len(entities):
        return False
    seen[slot] = row
    entities[row, ENTITY_ID] = identity
    entities[row, ENTITY_WORK] = work
    entities[row, ENTITY_SLOT] = slot
    count[at] = row + 1
    return True


@kernel
def forget(entities: Ints, seen: Slots, count: Ints, at: int, n_kept: int) -> None:
    """Take back the entities noted after the first `n_kept`, last first."""
    while count[at] > n_kept:
        count[at] -= 1
        seen[entities[count[at], ENTITY_SLOT]] = -1


@kernel
def _text_into(
    buf: Bytes, i: int, heap: Bytes, count: Ints, rows: Ints, n: int, column: int
) -> int:
    i, begin, length = text(buf, i, heap, count)
    rows[n, column] = begin
    rows[n, column + 1] = length
    return i


@kernel
def _no_texts(rows: Ints, n: int) -> None:
    rows[n, ENTITY_COUNTRY] = -1
    for k in range(ENTITY_TEXTS):
        rows[n, ENTITY_TEXT + 2 * k + 1] = -1


@kernel
def _named(buf: Bytes, i: int, prefix: Bytes) -> tuple[int, int]:
    """Read an object of which only the id matters, or null: ``ABSENT`` for null."""
    if byte(buf, i) != _OBJECT:
        return null(buf, i), ABSENT
    found, given = -1, False
    i, done = enter(buf, i, _OBJECT)
    while not done and i >= 0:
        begin = i + 1
        end, i = key(buf, i)
        if i < 0:
            return ODD, 0
        if same(buf, begin, end, _ID):
            if given:
                return ODD, 0
            given = True
            i, found = identifier(buf, i, prefix)
        else:
            i = skip(buf, i)
        if i < 0:
            return ODD, 0
        i, done = step(buf, i, 125)
    return i, found


@kernel
def _institution(
    buf: Bytes, i: int, heap: Bytes, count: Ints, rows: Ints, n: int
) -> tuple[int, int, int]:
    """Read an institution into an entity row: its id and country are given too."""
    _no_texts(rows, n)
    found, code, given = -1, -1, 0
    i, done = enter(buf, i, _OBJECT)
    while not done and i >= 0:
        begin = i + 1
        end, i = key(buf, i)
        if i < 0:
            return ODD, 0, 0
        bit = 0
        if same(buf, begin, end, _ID):
            bit = 1
            i, found = identifier(buf, i, _I)
        elif same(buf, begin, end, _NAME):
            bit = 2
            i = _text_into(buf, i, heap, count, rows, n, ENTITY_TEXT)
        elif same(buf, begin, end, _TYPE):
            bit = 4
            i = _text_into(buf, i, heap, count, rows, n, ENTITY_TEXT + 2)
        elif same(buf, begin, end, _ROR):
            bit = 8
            i = _text_into(buf, i, heap, count, rows, n, ENTITY_TEXT + 4)
        elif same(buf, begin, end, _COUNTRY):
            bit = 16
            i, code = country(buf, i)
            rows[n, ENTITY_COUNTRY] = code
        else:
            i = skip(buf, i)
        if i < 0 or given & bit:
            return ODD, 0, 0
        given |= bit
        i, done = step(buf, i, 125)
    return i, found, code


@kernel
def venue(buf: Bytes, i: int, heap: Bytes, count: Ints, rows: Ints, n: int) -> tuple[int, int]:
    """Read a venue or null into an entity row; give its key: twice the id, plus 1 for a V."""
    _no_texts(rows, n)
    if byte(buf, i) != _OBJECT:
        return null(buf, i), -1
    found, given = -1, 0
    i, done = enter(buf, i, _OBJECT)
    while not done and i >= 0:
        begin = i + 1
        end, i = key(buf, i)
        if i < 0:
            return ODD, 0
        bit = 0
        if same(buf, begin, end, _ID):
            bit = 1
            i, found = _venue_key(buf, i)
        elif same(buf, begin, end, _NAME):
            bit = 2
            i = _text_into(buf, i, heap, count, rows, n, ENTITY_TEXT)
        elif same(buf, begin, end, _TYPE):
            bit = 4
            i = _text_into(buf, i, heap, count, rows, n, ENTITY_TEXT + 2)
        elif same(buf, begin, end, _ISSN):
            bit = 8
            i = _text_into(buf, i, heap, count, rows, n, ENTITY_TEXT + 4)
        else:
            i = skip(buf, i)
        if i < 0 or given & bit:
            return ODD, 0
        given |= bit
        i, done = step(buf, i, 125)
    return i, found


@kernel
def _venue_key(buf: Bytes, i: int) -> tuple[int, int]:
    if byte(buf, i) != _QUOTE:
        return null(buf, i), -1
    after, found = identifier(buf, i, _S)
    if after >= 0:
        return after, 2 * found
    after, found = identifier(buf, i, _V)
    return after, 2 * found + 1


@kernel
def location(buf: Bytes, i: int, heap: Bytes, count: Ints, rows: Ints, n: int) -> tuple[int, int]:
    """Read a location or null: the key of its venue, as :func:`venue` gives it."""
    _no_texts(rows, n)
    if byte(buf, i) != _OBJECT:
        return null(buf, i), -1
    found, given = -1, False
    i, done = enter(buf, i, _OBJECT)
    while not done and i >= 0:
        begin = i + 1
        end, i = key(buf, i)
        if i < 0:
            return ODD, 0
        if same(buf, begin, end, _SOURCE):
            if given:
                return ODD, 0
            given = True
            i, found = venue(buf, i, heap, count, rows, n)
        else:
            i = skip(buf, i)
        if i < 0:
            return ODD, 0
        i, done = step(buf, i, 125)
    return i, found


@kernel
def _score(buf: Bytes, i: int) -> tuple[int, np.float32]:
    """Read a score: a number, its text, or null."""
    if byte(buf, i) == 110:
        return null(buf, i), np.float32(np.nan)
    if byte(buf, i) != _QUOTE:
        return decimal(buf, i)
    i, value = decimal(buf, i + 1)
    if i < 0 or byte(buf, i) != _QUOTE:
        return ODD, value
    return i + 1, value


@kernel
def label(
    buf: Bytes, i: int, prefix: Bytes, is_topic: bool
) -> tuple[int, int, np.float32, int, int]:
    """Read a concept or topic: its id, score, and the ids of its subfield and field."""
    found, score, subfield, field, given = -1, np.float32(np.nan), ABSENT, ABSENT, 0
    i, done = enter(buf, i, _OBJECT)
    while not done and i >= 0:
        begin = i + 1
        end, i = key(buf, i)
        if i < 0:
            return ODD, found, score, subfield, field
        bit = 0
        if same(buf, begin, end, _ID):
            bit = 1
            i, found = identifier(buf, i, prefix)
        elif same(buf, begin, end, _SCORE):
            bit = 2
            i, score = _score(buf, i)
        elif is_topic and same(buf, begin, end, _SUBFIELD):
            bit = 4
            i, subfield = _named(buf, i, _SUBFIELDS)
        elif is_topic and same(buf, begin, end, _FIELD):
            bit = 8
            i, field = _named(buf, i, _FIELDS)
        else:
            i = skip(buf, i)
        if i < 0 or given & bit:
            return ODD, found, score, subfield, field
        given |= bit
        i, done = step(buf, i, 125)
    return i, found, score, subfield, field


@kernel
def _institutions(
    buf: Bytes,
    i: int,
    work: int,
    position: int,
    at: int,
    rows: Ints,
    entities: Ints,
    seen: Slots,
    heap: Bytes,
    count: Ints,
) -> tuple[int, int]:
    """Read a list of institutions into rows from `at` on; give how many."""
    if byte(buf, i) == 110:
        return null(buf, i), 0
    n_read = 0
    i, done = enter(buf, i, _LIST)
    while not done and i >= 0:
        if n_read >= MAX_AFFILIATIONS or at + n_read + 1 >= len(rows):
            return ODD, 0
        i, found, code = _institution(buf, i, heap, count, entities, count[N_INSTITUTIONS])
        if i < 0:
            return ODD, 0
        if found >= 0 and not remember(entities, seen, count, N_INSTITUTIONS, found, work):
            return ODD, 0
        rows[at + n_read, AFFILIATION_POSITION] = position
        rows[at + n_read, AFFILIATION_ID] = found
        rows[at + n_read, AFFILIATION_COUNTRY] = code
        rows[at + n_read, AFFILIATION_PARSED] = 0
        n_read += 1
        i, done = step(buf, i, 93)
    return i, n_read


@kernel
def _countries(buf: Bytes, i: int, position: int, at: int, rows: Ints) -> tuple[int, int]:
    """Read a list of country codes into rows from `at` on; give how many."""
    if byte(buf, i) == 110:
        return null(buf, i), 0
    n_read = 0
    i, done = enter(buf, i, _LIST)
    while not done and i >= 0:
        if n_read >= MAX_AFFILIATIONS or at + n_read + 1 >= len(rows):
            return ODD, 0
        i, code = country(buf, i)
        if i < 0 or code < 0:
            return ODD, 0
        rows[at + n_read, AFFILIATION_POSITION] = position
        rows[at + n_read, AFFILIATION_ID] = -1
        rows[at + n_read, AFFILIATION_COUNTRY] = code
        rows[at + n_read, AFFILIATION_PARSED] = 1
        n_read += 1
        i, done = step(buf, i, 93)
    return i, n_read


@kernel
def authorship(
    buf: Bytes,
    i: int,
    work: int,
    position: int,
    authors: Ints,
    n: int,
    at: int,
    rows: Ints,
    entities: Ints,
    seen: Slots,
    heap: Bytes,
    count: Ints,
) -> tuple[int, int]:
    """Read an author and the affiliations given, into rows from `at` on; give how many.

    Institutions come before countries; the other order is odd.
    """
    authors[n, AUTHOR_ID] = -1
    authors[n, AUTHOR_CORRESPONDING] = -1
    given, n_read = 0, 0
    i, done = enter(buf, i, _OBJECT)
    while not done and i >= 0:
        begin = i + 1
        end, i = key(buf, i)
        if i < 0:
            return ODD, 0
        bit, more = 0, 0
        if same(buf, begin, end, _AUTHOR):
            bit = 1
            i, found = _named(buf, i, _A)
            authors[n, AUTHOR_ID] = max(found, -1)
        elif same(buf, begin, end, _INSTITUTIONS):
            bit = 2
            i, more = _institutions(
                buf, i, work, position, at + n_read, rows, entities, seen, heap, count
            )
        elif same(buf, begin, end, _COUNTRIES):
            bit = 4
            i, more = _countries(buf, i, position, at + n_read, rows)
        elif same(buf, begin, end, _CORRESPONDING):
            bit = 8
            i, value = flag(buf, i)
            authors[n, AUTHOR_CORRESPONDING] = value
        else:
            i = skip(buf, i)
        if i < 0 or given & bit or (bit == 2 and n_read > 0):
            return ODD, 0
        given |= bit
        n_read += more
        i, done = step(buf, i, 125)
    return i, n_read
