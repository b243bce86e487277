"""Where the scanner puts what it reads: arrays made once and used for chunk after chunk.

Each kind of row is one array of 64-bit integers with a column per value; rows that
become tables have their columns together. Ids are -1 where there is none, flags -1 where
they are not given. A text is its begin and its length: a length of -1 is null,
and a begin beyond the chunk points into the heap of unescaped texts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.int32]
Scores = npt.NDArray[np.float32]

# Columns of a work: its texts, each as begin and length, come last.
(
    WORK_RECORD,
    WORK_ID,
    WORK_YEAR,
    WORK_DAY,
    WORK_VENUE,
    WORK_RETRACTED,
    WORK_TRUNCATED,
    WORK_CITED,
    WORK_AUTHORS,
    WORK_AFFILIATIONS,
    WORK_REFERENCES,
    WORK_SUBJECTS,
    WORK_TYPE,
    _,
    WORK_LANGUAGE,
    _,
    WORK_TITLE,
    _,
    WORK_NAME,
    _,
    WORK_DOI,
    _,
    WORK_UPDATED,
    _,
    WORK_COLUMNS,
) = range(25)

#: Columns of an authorship.
AUTHOR_WORK, AUTHOR_POSITION, AUTHOR_LAST, AUTHOR_CORRESPONDING, AUTHOR_ID = range(5)

#: Columns of an affiliation: a parsed country has flag 1; country is a number of two letters.
(
    AFFILIATION_WORK,
    AFFILIATION_POSITION,
    AFFILIATION_ID,
    AFFILIATION_COUNTRY,
    AFFILIATION_PARSED,
) = range(5)

#: Columns of a subject, its score apart; schemes are numbered as in ``SCHEMES``.
SUBJECT_WORK, SUBJECT_SCHEME, SUBJECT_ID = range(3)
SCHEMES = ("concept", "topic", "subfield", "field")

#: Columns of an institution or venue as a work names it: id, number of the work
#: in the chunk, country, slot in the lookup table, and its texts.
ENTITY_ID, ENTITY_WORK, ENTITY_COUNTRY, ENTITY_SLOT, ENTITY_TEXT = range(5)
ENTITY_TEXTS = 3  # name, type, and ROR or ISSN-L
ENTITY_COLUMNS = ENTITY_TEXT + 2 * ENTITY_TEXTS

#: Columns of a record left to the tolerant reader: number among records, line, begin, end.
ODD_RECORD, ODD_LINE, ODD_BEGIN, ODD_END = range(4)

#: Places of the counters of filled rows.
(
    N_RECORDS,
    N_WORKS,
    N_AUTHORS,
    N_AFFILIATIONS,
    N_REFERENCES,
    N_SUBJECTS,
    N_INSTITUTIONS,
    N_VENUES,
    N_ODD,
    N_HEAP,
    N_STAMPS,
    N_LINES,
    N_COUNTERS,
) = range(13)

#: Reasons and notes counted by the scanner, and the places of their counters.
TALLIES = (
    "author_null",
    "author_repeated",
    "affiliation_repeated",
    "institution_without_id",
    "country_empty",
    "country_unknown",
    "self_reference",
    "reference_deleted",
    "reference_repeated",
    "subject_unreadable",
    "authors_truncated",
    "merged_away",
    "merged_id",
)
(
    AUTHOR_NULL,
    AUTHOR_REPEATED,
    AFFILIATION_REPEATED,
    INSTITUTION_WITHOUT_ID,
    COUNTRY_EMPTY,
    COUNTRY_UNKNOWN,
    SELF_REFERENCE,
    REFERENCE_DELETED,
    REFERENCE_REPEATED,
    SUBJECT_UNREADABLE,
    AUTHORS_TRUNCATED,
    MERGED_AWAY,
    MERGED_ID,
) = range(len(TALLIES))

#: A day that stands for no date.
NO_DAY = -(2**31)

# Fewest bytes an entry of each kind usually takes; where a chunk has more entries
# than fit, its last records are left to the tolerant reader.
_WORK_BYTES, _AUTHOR_BYTES, _AFFILIATION_BYTES = 48, 24, 20
_REFERENCE_BYTES, _SUBJECT_BYTES = 24, 16

#: Slots of the tables in which repeats and entities are looked up; a power of two.
LOOKUP_SLOTS = 1 << 17

#: Entries of one kind in a work beyond which it is left to the tolerant reader.
MAX_ENTRIES, MAX_SUBJECTS, MAX_AFFILIATIONS = LOOKUP_SLOTS >> 2, 256, 64


class Buffers(NamedTuple):
    """Rows of one chunk; ``counts`` says how many are filled, ``tally`` what was set aside."""

    counts: Ints
    tally: Ints
    heap: npt.NDArray[np.uint8]
    works: Ints
    authors: Ints
    affiliations: Ints
    references: Ints
    subjects: Ints
    scores: npt.NDArray[np.float32]
    institutions: Ints
    venues: Ints
    odd: Ints
    seen_institutions: npt.NDArray[np.int32]
    seen_venues: npt.NDArray[np.int32]
    lookup: Ints
    labels: Ints
    label_scores: npt.NDArray[np.float32]
    codes: Ints


class Merged(NamedTuple):
    """Ids merged away, sorted, and what they became, of each entity; all (n,)."""

    works: Ints
    works_new: Ints
    authors: Ints
    authors_new: Ints
    institutions: Ints
    institutions_new: Ints
    sources: Ints
    sources_new: Ints


def make_buffers(n_bytes: int) -> Buffers:
    """Make the buffers for chunks of at most `n_bytes`; untouched, they take no memory."""
    subjects = n_bytes // _SUBJECT_BYTES + 16
    return Buffers(
        counts=np.zeros(N_COUNTERS, np.int64),
        tally=np.zeros(len(TALLIES), np.int64),
        heap=np.empty(n_bytes + 16, np.uint8),
        works=_rows(n_bytes // _WORK_BYTES, WORK_COLUMNS),
        authors=_columns(n_bytes // _AUTHOR_BYTES, 5),
        affiliations=_columns(n_bytes // _AFFILIATION_BYTES, 5),
        references=_columns(n_bytes // _REFERENCE_BYTES, 2),
        subjects=_columns(subjects, 3),
        scores=np.empty(subjects + 16, np.float32),
        institutions=_rows(LOOKUP_SLOTS >> 1, ENTITY_COLUMNS),
        venues=_rows(LOOKUP_SLOTS >> 1, ENTITY_COLUMNS),
        odd=_rows(n_bytes // 2, 4),
        seen_institutions=np.empty(LOOKUP_SLOTS, np.int32),
        seen_venues=np.empty(LOOKUP_SLOTS, np.int32),
        lookup=np.zeros((LOOKUP_SLOTS, 2), np.int64),
        labels=_columns(2 * MAX_SUBJECTS, 2),
        label_scores=np.empty(2 * MAX_SUBJECTS + 16, np.float32),
        codes=np.empty(2 * MAX_AFFILIATIONS, np.int64),
    )


def _rows(n_rows: int, n_columns: int) -> Ints:
    return np.empty((n_rows + 16, n_columns), np.int64)


def _columns(n_rows: int, n_columns: int) -> Ints:
    """Make rows whose columns lie together, as tables take them."""
    return np.empty((n_rows + 16, n_columns), np.int64, order="F")
