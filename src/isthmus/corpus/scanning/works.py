"""The scanner: lines of OpenAlex works in a buffer, each walked once, into rows.

A record of plain form becomes rows; any other (escapes in keys, ids of another
form, values of another type, keys given twice, an author listed twice, and
whatever is not JSON) is listed as odd, with nothing of it kept, for the tolerant
reader. What the rows say is exactly what the tolerant reader would have said.
"""

from __future__ import annotations

import numba
import numpy as np

from isthmus.corpus.scanning import buffers as b
from isthmus.corpus.scanning.buffers import Buffers, Bytes, Ints, Merged, Scores
from isthmus.corpus.scanning.compiled import byte, kernel
from isthmus.corpus.scanning.keeping import (
    keep_affiliations,
    keep_authors,
    keep_references,
    keep_subjects,
    merged,
    position_of,
)
from isthmus.corpus.scanning.numbers import identifier, integer
from isthmus.corpus.scanning.parts import (
    ABSENT,
    authorship,
    day,
    forget,
    label,
    letters,
    location,
    remember,
    venue,
)
from isthmus.corpus.scanning.tokens import (
    ODD,
    blanks,
    enter,
    flag,
    key,
    null,
    skip,
    skip_index,
    step,
    text,
)
from isthmus.corpus.tally import EARLIEST_YEAR, LATEST_YEAR

_LIST, _OBJECT, _NEWLINE = 91, 123, 10

(_W, _C, _T) = letters('"https://openalex.org/W "https://openalex.org/C "https://openalex.org/T')

#: Fields of a work in the order of their numbers; texts are the first six, and the last is
#: not used but named here to be skipped faster.
_FIELDS = letters(
    "type language title display_name doi updated_date id publication_year publication_date "
    "cited_by_count is_retracted is_authors_truncated authors_count primary_location host_venue "
    "authorships referenced_works concepts topics primary_topic abstract_inverted_index"
)
_FIELD_LENGTHS = np.array([len(field) for field in _FIELDS])
_FIELD_LETTERS = np.zeros((len(_FIELDS), _FIELD_LENGTHS.max()), np.uint8)
for _n, _field in enumerate(_FIELDS):
    _FIELD_LETTERS[_n, : len(_field)] = _field
_N_FIELDS, _N_SIMPLE = len(_FIELDS), 13

# What is known of the work being read, beyond its row.
(_LISTED, _LISTED_COUNT, _PRIMARY, _HOST, _N_CONCEPTS, _N_TOPICS, _N_FIRST_TOPIC) = range(7)
_N_REFERENCES, _N_AFFILIATIONS, _SAYS_TRUNCATED, _N_FACTS = range(7, 11)


@kernel
def _field_number(buf: Bytes, begin: int, end: int) -> int:
    """Give the number of a field of a work, or -1 for one that is not used."""
    length = end - begin
    for k in range(_N_FIELDS):
        if _FIELD_LENGTHS[k] == length and _FIELD_LETTERS[k, 0] == byte(buf, begin):
            n = 1
            while n < length and _FIELD_LETTERS[k, n] == byte(buf, begin + n):
                n += 1
            if n == length:
                return k
    return -1


@kernel
def _authorships(buf: Bytes, i: int, store: Buffers, facts: Ints) -> int:
    if byte(buf, i) == 110:
        return null(buf, i)
    count, heap, authors = store.counts, store.heap, store.authors
    affiliations = store.affiliations
    institutions, seen = store.institutions, store.seen_institutions
    first, at = count[b.N_AUTHORS], count[b.N_AFFILIATIONS]
    position, n_affiliations = 0, 0
    i, done = enter(buf, i, _LIST)
    while not done and i >= 0:
        if first + position + 1 >= len(authors) or position >= b.MAX_ENTRIES:
            return ODD
        i, more = authorship(
            buf,
            i,
            count[b.N_WORKS],
            position,
            authors,
            first + position,
            at + n_affiliations,
            affiliations,
            institutions,
            seen,
            heap,
            count,
        )
        if i < 0:
            return ODD
        n_affiliations += more
        position += 1
        i, done = step(buf, i, 93)
    facts[_LISTED] = position
    facts[_N_AFFILIATIONS] = n_affiliations
    return i


@kernel
def _references(buf: Bytes, i: int, references: Ints, at: int, facts: Ints) -> int:
    if byte(buf, i) == 110:
        return null(buf, i)
    n_read = 0
    i, done = enter(buf, i, _LIST)
    while not done and i >= 0:
        i, cited = identifier(buf, i, _W)
        if i < 0 or cited < 0 or n_read >= b.MAX_ENTRIES or at + n_read + 1 >= len(references):
            return ODD
        references[at + n_read, 1] = cited
        n_read += 1
        i, done = step(buf, i, 93)
    facts[_N_REFERENCES] = n_read
    return i


@kernel
def _concepts(buf: Bytes, i: int, subjects: Ints, scores: Scores, at: int, facts: Ints) -> int:
    if byte(buf, i) == 110:
        return null(buf, i)
    n_read = 0
    i, done = enter(buf, i, _LIST)
    while not done and i >= 0:
        if n_read >= b.MAX_SUBJECTS or at + 3 * b.MAX_SUBJECTS >= len(subjects):
            return ODD
        i, found, score, _, _ = label(buf, i, _C, False)
        if i < 0:
            return ODD
        subjects[at + n_read, b.SUBJECT_SCHEME] = 0
        subjects[at + n_read, b.SUBJECT_ID] = found
        scores[at + n_read] = score
        n_read += 1
        i, done = step(buf, i, 93)
    facts[_N_CONCEPTS] = n_read
    return i


@kernel
def _topic(buf: Bytes, i: int, labels: Ints, scores: Scores, at: int) -> tuple[int, int]:
    """Read a topic into labels from `at` on; give how many it makes."""
    i, found, score, subfield, field = label(buf, i, _T, True)
    if i < 0:
        return ODD, 0
    labels[at, 0], labels[at, 1], scores[at] = 1, found, score
    n_read = 1
    if subfield != ABSENT:
        labels[at + n_read, 0], labels[at + n_read, 1] = 2, subfield
        scores[at + n_read] = np.float32(np.nan)
        n_read += 1
    if field != ABSENT:
        labels[at + n_read, 0], labels[at + n_read, 1] = 3, field
        scores[at + n_read] = np.float32(np.nan)
        n_read += 1
    return i, n_read


@kernel
def _topics(buf: Bytes, i: int, labels: Ints, scores: Scores, facts: Ints) -> int:
    if byte(buf, i) == 110:
        return null(buf, i)
    n_read = 0
    i, done = enter(buf, i, _LIST)
    while not done and i >= 0:
        if n_read + 3 > b.MAX_SUBJECTS:
            return ODD
        i, more = _topic(buf, i, labels, scores, n_read)
        if i < 0:
            return ODD
        n_read += more
        i, done = step(buf, i, 93)
    facts[_N_TOPICS] = n_read
    return i


@kernel
def _simple(
    buf: Bytes, i: int, field: int, heap: Bytes, count: Ints, row: Ints, facts: Ints
) -> int:
    """Read the value of a field that is a text, a number, a date or a flag."""
    if field < 6:
        i, begin, length = text(buf, i, heap, count)
        row[b.WORK_TYPE + 2 * field] = begin
        row[b.WORK_TYPE + 2 * field + 1] = length
    elif field == 6:
        i, row[b.WORK_ID] = identifier(buf, i, _W)
    elif field == 7:
        i, row[b.WORK_YEAR] = integer(buf, i)
    elif field == 8:
        i, row[b.WORK_DAY] = day(buf, i)
    elif field == 9:
        i, row[b.WORK_CITED] = integer(buf, i)
    elif field == 10:
        i, row[b.WORK_RETRACTED] = flag(buf, i)
    elif field == 11:
        i, facts[_SAYS_TRUNCATED] = flag(buf, i)
    else:
        i, facts[_LISTED_COUNT] = integer(buf, i)
    return i


@kernel
def _nested(buf: Bytes, i: int, field: int, store: Buffers, facts: Ints) -> int:
    """Read the value of a field that is a list or an object into rows and facts."""
    count = store.counts
    if field == 13:
        at = count[b.N_VENUES]
        i, facts[_PRIMARY] = location(buf, i, store.heap, count, store.venues, at)
    elif field == 14:
        at = count[b.N_VENUES] + 1
        i, facts[_HOST] = venue(buf, i, store.heap, count, store.venues, at)
    elif field == 15:
        i = _authorships(buf, i, store, facts)
    elif field == 16:
        i = _references(buf, i, store.references, count[b.N_REFERENCES], facts)
    elif field == 17:
        i = _concepts(buf, i, store.subjects, store.scores, count[b.N_SUBJECTS], facts)
    elif field == 18:
        i = _topics(buf, i, store.labels, store.label_scores, facts)
    elif field == 20:
        i = skip_index(buf, i)
    elif byte(buf, i) == _OBJECT:
        i, facts[_N_FIRST_TOPIC] = _topic(buf, i, store.labels, store.label_scores, b.MAX_SUBJECTS)
    else:
        i = null(buf, i)
    return i


@kernel
def _begin(row: Ints, facts: Ints) -> None:
    """Set what a work says when it says nothing."""
    row[b.WORK_ID] = -1
    row[b.WORK_YEAR] = -1
    row[b.WORK_DAY] = b.NO_DAY
    row[b.WORK_CITED] = -1
    row[b.WORK_RETRACTED] = -1
    for column in range(b.WORK_TYPE, b.WORK_COLUMNS, 2):
        row[column + 1] = -1
    for k in range(_N_FACTS):
        facts[k] = 0
    facts[_PRIMARY] = -1
    facts[_HOST] = -1


@kernel
def _record(buf: Bytes, i: int, store: Buffers, row: Ints, facts: Ints) -> int:
    """Read a record; nothing of it counts yet."""
    _begin(row, facts)
    heap, count = store.heap, store.counts
    given = 0
    i, done = enter(buf, i, _OBJECT)
    while not done and i >= 0:
        begin = i + 1
        end, i = key(buf, i)
        if i < 0:
            return ODD
        field = _field_number(buf, begin, end)
        if field < 0:
            i = skip(buf, i)
        else:
            if given >> field & 1:
                return ODD
            given |= 1 << field
            if field < _N_SIMPLE:
                i = _simple(buf, i, field, heap, count, row, facts)
            else:
                i = _nested(buf, i, field, store, facts)
        if i < 0:
            return ODD
        i, done = step(buf, i, 125)
    return i


@kernel
def _choose_venue(store: Buffers, row: Ints, facts: Ints, merges: Merged) -> bool:
    """Set the venue of a work: the primary location's, else the host."""
    count, tally = store.counts, store.tally
    found = facts[_PRIMARY]
    at = count[b.N_VENUES]
    if found < 0:
        found = facts[_HOST]
        if found >= 0:
            for column in range(b.ENTITY_COUNTRY, b.ENTITY_COLUMNS):
                store.venues[at, column] = store.venues[at + 1, column]
    row[b.WORK_VENUE] = -1
    if found < 0:
        return True
    if not remember(store.venues, store.seen_venues, count, b.N_VENUES, found, count[b.N_WORKS]):
        return False
    row[b.WORK_VENUE] = merged(merges.sources, merges.sources_new, found >> 1, tally)
    return True


@kernel
def _keep(store: Buffers, row: Ints, facts: Ints, merges: Merged, known: Ints) -> bool:
    """Count a work and its rows; False when it turns out odd."""
    count, tally = store.counts, store.tally
    work, n_listed = row[b.WORK_ID], facts[_LISTED]
    truncated = facts[_SAYS_TRUNCATED] == 1 or facts[_LISTED_COUNT] > n_listed > 0
    before, first = tally[b.MERGED_ID], count[b.N_AUTHORS]
    nobody, again = tally[b.AUTHOR_NULL], tally[b.AUTHOR_REPEATED]
    n_authors, n_affiliations = keep_authors(
        store, work, n_listed, facts[_N_AFFILIATIONS], truncated, merges
    )
    if n_authors < 0 or not _choose_venue(store, row, facts, merges):
        tally[b.MERGED_ID], count[b.N_AUTHORS] = before, first
        tally[b.AUTHOR_NULL], tally[b.AUTHOR_REPEATED] = nobody, again
        return False
    row[b.WORK_RECORD] = count[b.N_RECORDS]
    row[b.WORK_TRUNCATED] = truncated
    tally[b.AUTHORS_TRUNCATED] += truncated
    row[b.WORK_AUTHORS] = n_authors
    row[b.WORK_AFFILIATIONS] = keep_affiliations(store, work, n_affiliations, merges, known)
    row[b.WORK_REFERENCES] = keep_references(store, work, facts[_N_REFERENCES], merges)
    row[b.WORK_SUBJECTS] = keep_subjects(
        store, work, facts[_N_CONCEPTS], facts[_N_TOPICS], facts[_N_FIRST_TOPIC]
    )
    count[b.N_WORKS] += 1
    return True


@kernel
def _read(buf: Bytes, i: int, store: Buffers, facts: Ints, merges: Merged, known: Ints) -> int:
    """Read a record and keep it; give the place of its newline, or ``ODD``."""
    row = store.works[store.counts[b.N_WORKS]]
    i = _record(buf, i, store, row, facts)
    if i < 0:
        return ODD
    i = blanks(buf, i)
    if byte(buf, i) != _NEWLINE:
        return ODD
    if row[b.WORK_ID] < 0 or not EARLIEST_YEAR <= row[b.WORK_YEAR] <= LATEST_YEAR:
        return ODD
    if position_of(merges.works, row[b.WORK_ID]) >= 0:
        store.tally[b.MERGED_AWAY] += 1
        forget(
            store.institutions,
            store.seen_institutions,
            store.counts,
            b.N_INSTITUTIONS,
            facts[_N_FACTS],
        )
        return i
    return i if _keep(store, row, facts, merges, known) else ODD


@numba.njit(cache=True, nogil=True)
def scan(buf: Bytes, store: Buffers, merges: Merged, known: Ints) -> None:
    """Read the lines of a buffer that ends with a newline.

    Parameters
    ----------
    buf : (n,) array of bytes
    store : Buffers
        Made for at least `n` bytes; what it held is overwritten.
    merges : Merged
    known : (676,) array
        Number of the country of each code of two capitals; -1 for no country.
    """
    count, size = store.counts, len(buf)
    count[:] = 0
    store.tally[:] = 0
    store.seen_institutions[:] = -1
    store.seen_venues[:] = -1
    store.lookup[:, 0] = 0
    facts = np.zeros(_N_FACTS + 1, np.int64)
    i, line = 0, 0
    while i < size:
        begin = i
        line += 1
        i = blanks(buf, i)
        if byte(buf, i) == _NEWLINE:
            i += 1
            continue
        n_heap, n_institutions = count[b.N_HEAP], count[b.N_INSTITUTIONS]
        facts[_N_FACTS] = n_institutions
        full = count[b.N_WORKS] + 2 >= len(store.works)
        end = ODD if full else _read(buf, i, store, facts, merges, known)
        if end >= 0:
            i = end
        else:
            while byte(buf, i) != _NEWLINE:
                i += 1
            count[b.N_HEAP] = n_heap
            forget(
                store.institutions,
                store.seen_institutions,
                count,
                b.N_INSTITUTIONS,
                n_institutions,
            )
            odd = store.odd[count[b.N_ODD]]
            odd[0], odd[1], odd[2], odd[3] = count[b.N_RECORDS], line, begin, i
            count[b.N_ODD] += 1
        count[b.N_RECORDS] += 1
        i += 1
    count[b.N_LINES] = line
