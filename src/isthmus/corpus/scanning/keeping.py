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
def keep_authors(
    store: Buffers, work: int, n_listed: int, n_read: int, truncated: bool, merges: Merged
) -> tuple[int, int]:
    """Complete and count the authors of a work, each once.

    Returns
    -------
    n_kept : int
        Authors kept, or -1, with none counted, when the work is odd.
    n_read : int
        Affiliations read; those of a repeated author are with the first sight of it.
    """
    count, tally, rows, lookup = store.counts, store.tally, store.authors, store.lookup
    old, new = merges.authors, merges.authors_new
    first = count[b.N_AUTHORS]
    stamp, mask = _new_round(count, n_listed)
    n_null, at = 0, first
    for position in range(n_listed):
        author = merged(old, new, rows[first + position, b.AUTHOR_ID], tally)
        if author < 0:
            n_null += 1
        elif not _is_new(lookup, stamp, mask, author):
            n_read = _join_author(store, first, at, author, position, n_read)
            if n_read < 0:
                return -1, 0
            continue
        rows[at, b.AUTHOR_WORK] = work
        rows[at, b.AUTHOR_POSITION] = position
        rows[at, b.AUTHOR_LAST] = 0
        rows[at, b.AUTHOR_CORRESPONDING] = rows[first + position, b.AUTHOR_CORRESPONDING]
        rows[at, b.AUTHOR_ID] = author
        at += 1
    if at > first:
        rows[at - 1, b.AUTHOR_LAST] = not truncated
    tally[b.AUTHOR_NULL] += n_null
    tally[b.AUTHOR_REPEATED] += first + n_listed - at
    count[b.N_AUTHORS] = at
    return at - first, n_read


@kernel
def _join_author(
    store: Buffers, first: int, end: int, author: int, position: int, n_read: int
) -> int:
    """Put the affiliations of a repeated author after those of its first sight.

    Gives the affiliations that stay; -1 when parsed countries would be among those joined.
    """
    authors, rows = store.authors, store.affiliations
    begin = store.counts[b.N_AFFILIATIONS]
    n_read = _drop_covered(rows, store.codes, begin, n_read)
    known = first
    while authors[known, b.AUTHOR_ID] != author:
        known += 1
        if known == end:
            return -1
    home, target, n_joined = authors[known, b.AUTHOR_POSITION], begin, 0
    for k in range(begin, begin + n_read):
        mine = rows[k, b.AFFILIATION_POSITION]
        if mine <= home:
            target = k + 1
        if mine == home or mine == position:  # noqa: SIM109 - slower compiled
            n_joined += 1
            if rows[k, b.AFFILIATION_PARSED] or n_joined > b.MAX_AFFILIATIONS:
                return -1
    for k in range(begin, begin + n_read):
        if rows[k, b.AFFILIATION_POSITION] == position:
            _move_up(rows, k, target)
            rows[target, b.AFFILIATION_POSITION] = home
            target += 1
    return n_read


@kernel
def _move_up(rows: Ints, source: int, target: int) -> None:
    """Move a row up to another's place; those between move down by one."""
    for column in range(rows.shape[1]):
        value = rows[source, column]
        for k in range(source, target, -1):
            rows[k, column] = rows[k - 1, column]
        rows[target, column] = value


@kernel
def _drop_covered(rows: Ints, codes: Ints, first: int, n_read: int) -> int:
    """Drop parsed countries that an institution of the same author entry has."""
    at, position, n_codes = first, -1, 0
    for k in range(first, first + n_read):
        if rows[k, b.AFFILIATION_POSITION] != position:
            position, n_codes = rows[k, b.AFFILIATION_POSITION], 0
        code = rows[k, b.AFFILIATION_COUNTRY]
        if rows[k, b.AFFILIATION_PARSED]:
            if _is_code(codes, n_codes, code):
                continue
        else:
            codes[n_codes] = code
            n_codes += 1
        for column in range(rows.shape[1]):
            rows[at, column] = rows[k, column]
        at += 1
    return at - first


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
        if cited < 0:
            tally[b.REFERENCE_DELETED] += 1
        elif cited == work:
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
