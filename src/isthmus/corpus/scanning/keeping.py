"""Keeping what was read of a work: repeats out, merged ids rewritten, rows counted."""

from __future__ import annotations

from isthmus.corpus.scanning import buffers as b
from isthmus.corpus.scanning.buffers import Buffers, Ints, Merged, Scores
from isthmus.corpus.scanning.compiled import kernel


@kernel
def position_of(sorted_ids: Ints, identifier: int) -> int:
    """Place of an id among sorted ones, or -1."""
    low, high = 0, len(sorted_ids)
    while low < high:
        middle = (low + high) // 2
        if sorted_ids[middle] < identifier:
            low = middle + 1
        else:
            high = middle
    return low if low < len(sorted_ids) and sorted_ids[low] == identifier else -1


@kernel
def merged(old: Ints, new: Ints, identifier: int, tally: Ints) -> int:
    """Rewrite an id that was merged into another, and count it."""
    if len(old) == 0 or identifier < 0:
        return identifier
    at = position_of(old, identifier)
    if at < 0:
        return identifier
    tally[b.MERGED_ID] += 1
    return int(new[at])


@kernel
def _new_round(count: Ints, n_entries: int) -> tuple[int, int]:
    """Begin a round of looking up: give its stamp and the mask of the slots it uses."""
    count[b.N_STAMPS] += 1
    slots = 16
    while slots < 2 * n_entries:
        slots *= 2
    return int(count[b.N_STAMPS]), slots - 1


@kernel
def _is_new(lookup: Ints, stamp: int, mask: int, value: int) -> bool:
    """Say whether a value is new in this round."""
    slot = (value * 0x9E3779B97F4A7C1 >> 20) & mask
    while lookup[slot, 0] == stamp:
        if lookup[slot, 1] == value:
            return False
        slot = (slot + 1) & mask
    lookup[slot, 0] = stamp
    lookup[slot, 1] = value
    return True


@kernel
def keep_authors(store: Buffers, work: int, n_listed: int, truncated: bool, merges: Merged) -> bool:
    """Complete and count the authors of a work; False, with none counted, when one repeats."""
    count, tally, rows, lookup = store.counts, store.tally, store.authors, store.lookup
    old, new = merges.authors, merges.authors_new
    first = count[b.N_AUTHORS]
    stamp, mask = _new_round(count, n_listed)
    n_null = 0
    for position in range(n_listed):
        at = first + position
        author = merged(old, new, rows[at, b.AUTHOR_ID], tally)
        if author < 0:
            n_null += 1
        elif not _is_new(lookup, stamp, mask, author):
            return False
        rows[at, b.AUTHOR_WORK] = work
        rows[at, b.AUTHOR_POSITION] = position
        rows[at, b.AUTHOR_LAST] = position == n_listed - 1 and not truncated
        rows[at, b.AUTHOR_ID] = author
    tally[b.AUTHOR_NULL] += n_null
    count[b.N_AUTHORS] += n_listed
    return True


@kernel
def _is_listed(rows: Ints, begin: int, end: int, column: int, value: int) -> bool:
    for k in range(begin, end):  # noqa: SIM110 - compiled
        if rows[k, column] == value:
            return True
    return False


@kernel
def keep_affiliations(store: Buffers, work: int, n_read: int, merges: Merged, known: Ints) -> int:
    """Keep affiliations: no institution twice for an author, parsed countries only where new."""
    count, tally, rows, codes = store.counts, store.tally, store.affiliations, store.codes
    old, new = merges.institutions, merges.institutions_new
    first = count[b.N_AFFILIATIONS]
    at = mine = first  # where the next is written, and where this author's begin
    position, n_codes = -1, 0
    for k in range(first, first + n_read):
        if rows[k, b.AFFILIATION_POSITION] != position:
            position, mine, n_codes = rows[k, b.AFFILIATION_POSITION], at, 0
        code, identifier = rows[k, b.AFFILIATION_COUNTRY], rows[k, b.AFFILIATION_ID]
        country = known[code] if code >= 0 else -1
        parsed = rows[k, b.AFFILIATION_PARSED]
        if parsed:
            if _is_code(codes, n_codes, code):
                continue
            tally[b.COUNTRY_UNKNOWN] += country < 0
            if country < 0 or _is_listed(rows, mine, at, b.AFFILIATION_COUNTRY, country):
                continue
        else:
            codes[n_codes] = code
            n_codes += 1
            tally[b.COUNTRY_EMPTY] += code < 0
            tally[b.COUNTRY_UNKNOWN] += code >= 0 and country < 0
            identifier = merged(old, new, identifier, tally)
            tally[b.INSTITUTION_WITHOUT_ID] += identifier < 0
            if identifier >= 0 and _is_listed(rows, mine, at, b.AFFILIATION_ID, identifier):
                tally[b.AFFILIATION_REPEATED] += 1
                continue
        rows[at, b.AFFILIATION_WORK] = work
        rows[at, b.AFFILIATION_POSITION] = position
        rows[at, b.AFFILIATION_ID] = identifier
        rows[at, b.AFFILIATION_COUNTRY] = country
        rows[at, b.AFFILIATION_PARSED] = parsed
        at += 1
    count[b.N_AFFILIATIONS] = at
    return int(at - first)


@kernel
def _is_code(codes: Ints, n_codes: int, code: int) -> bool:
    for k in range(n_codes):  # noqa: SIM110 - compiled
        if codes[k] == code:
            return True
    return False


@kernel
def keep_references(store: Buffers, work: int, n_read: int, merges: Merged) -> int:
    """Keep references to other works, each once."""
    count, tally, rows, lookup = store.counts, store.tally, store.references, store.lookup
    old, new = merges.works, merges.works_new
    first = count[b.N_REFERENCES]
    at = first
    stamp, mask = _new_round(count, n_read)
    for k in range(first, first + n_read):
        cited = merged(old, new, rows[k, 1], tally)
        if cited == work:
            tally[b.SELF_REFERENCE] += 1
        elif not _is_new(lookup, stamp, mask, cited):
            tally[b.REFERENCE_REPEATED] += 1
        else:
            rows[at, 0] = work
            rows[at, 1] = cited
            at += 1
    count[b.N_REFERENCES] = at
    return int(at - first)


@kernel
def _add_subjects(
    rows: Ints,
    scores: Scores,
    tally: Ints,
    work: int,
    first: int,
    at: int,
    labels: Ints,
    label_scores: Scores,
    begin: int,
    end: int,
) -> int:
    """Write labels that have an id and do not repeat; give the place of the next.

    The last two columns of `labels` are scheme and id.
    """
    n_columns = labels.shape[1]
    for k in range(begin, end):
        identifier = labels[k, n_columns - 1]
        scheme = labels[k, n_columns - 2]
        if identifier < 0:
            tally[b.SUBJECT_UNREADABLE] += 1
            continue
        score, n = label_scores[k], first
        while n < at and (
            rows[n, b.SUBJECT_ID] != identifier or rows[n, b.SUBJECT_SCHEME] != scheme
        ):
            n += 1
        if n < at:
            continue
        rows[at, b.SUBJECT_WORK] = work
        rows[at, b.SUBJECT_SCHEME] = scheme
        rows[at, b.SUBJECT_ID] = identifier
        scores[at] = score
        at += 1
    return at


@kernel
def keep_subjects(
    store: Buffers, work: int, n_concepts: int, n_topics: int, n_first_topic: int
) -> int:
    """Keep concepts, then topics, then the first topic, each label once."""
    count, tally = store.counts, store.tally
    rows, scores = store.subjects, store.scores
    labels, label_scores = store.labels, store.label_scores
    first = count[b.N_SUBJECTS]
    at = _add_subjects(
        rows, scores, tally, work, first, first, rows, scores, first, first + n_concepts
    )
    at = _add_subjects(rows, scores, tally, work, first, at, labels, label_scores, 0, n_topics)
    begin = b.MAX_SUBJECTS
    at = _add_subjects(
        rows,
        scores,
        tally,
        work,
        first,
        at,
        labels,
        label_scores,
        begin,
        begin + n_first_topic,
    )
    count[b.N_SUBJECTS] = at
    return int(at - first)
