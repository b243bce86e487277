"""Keeping what was read of a work: repeats out, merged ids rewritten, rows counted."""

from __future__ import annotations

import numba

from isthmus.corpus.scanning import buffers as b

_kernel = numba.njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_kernel
def position_of(sorted_ids, identifier):
    """Place of an id among sorted ones, or -1."""
    low, high = 0, len(sorted_ids)
    while low < high:
        middle = (low + high) // 2
        if sorted_ids[middle] < identifier:
            low = middle + 1
        else:
            high = middle
    return low if low < len(sorted_ids) and sorted_ids[low] == identifier else -1


@_kernel
def merged(old, new, identifier, tally):
    """Rewrite an id that was merged into another, and count it."""
    if len(old) == 0 or identifier < 0:
        return identifier
    at = position_of(old, identifier)
    if at < 0:
        return identifier
    tally[b.MERGED_ID] += 1
    return new[at]


@_kernel
def _new_round(count, n_entries):
    """Begin a round of looking up: give its stamp and the mask of the slots it uses."""
    count[b.N_STAMPS] += 1
    slots = 16
    while slots < 2 * n_entries:
        slots *= 2
    return count[b.N_STAMPS], slots - 1


@_kernel
def _is_new(lookup, stamp, mask, value):
    """Say whether a value is new in this round."""
    slot = (value * 0x9E3779B97F4A7C1 >> 20) & mask
    while lookup[slot, 0] == stamp:
        if lookup[slot, 1] == value:
            return False
        slot = (slot + 1) & mask
    lookup[slot, 0] = stamp
    lookup[slot, 1] = value
    return True


@_kernel
def keep_authors(store, work, n_listed, truncated, merges):
    """Complete and count the authors of a work; False, with none counted, when one repeats."""
    count, tally = store.count, store.tally
    first = count[b.N_AUTHORS]
    stamp, mask = _new_round(count, n_listed)
    n_null = 0
    for position in range(n_listed):
        row = store.authors[first + position]
        author = merged(merges.authors, merges.authors_new, row[b.AUTHOR_ID], tally)
        if author < 0:
            n_null += 1
        elif not _is_new(store.lookup, stamp, mask, author):
            return False
        row[b.AUTHOR_WORK] = work
        row[b.AUTHOR_POSITION] = position
        row[b.AUTHOR_LAST] = position == n_listed - 1 and not truncated
        row[b.AUTHOR_ID] = author
    tally[b.AUTHOR_NULL] += n_null
    count[b.N_AUTHORS] += n_listed
    return True


@_kernel
def _is_listed(rows, begin, end, column, value):
    for k in range(begin, end):
        if rows[k, column] == value:
            return True
    return False


@_kernel
def keep_affiliations(store, work, n_read, merges, known):
    """Keep affiliations: no institution twice for an author, parsed countries only where new."""
    count, tally, rows = store.count, store.tally, store.affiliations
    first = count[b.N_AFFILIATIONS]
    at = mine = first  # where the next is written, and where this author's begin
    position, n_codes = -1, 0
    for k in range(first, first + n_read):
        row = rows[k]
        if row[b.AFFILIATION_POSITION] != position:
            position, mine, n_codes = row[b.AFFILIATION_POSITION], at, 0
        code, identifier = row[b.AFFILIATION_COUNTRY], row[b.AFFILIATION_ID]
        country = known[code] if code >= 0 else -1
        parsed = row[b.AFFILIATION_PARSED]
        if parsed:
            if _is_code(store.codes, n_codes, code):
                continue
            tally[b.COUNTRY_UNKNOWN] += country < 0
            if country < 0 or _is_listed(rows, mine, at, b.AFFILIATION_COUNTRY, country):
                continue
        else:
            store.codes[n_codes] = code
            n_codes += 1
            tally[b.COUNTRY_EMPTY] += code < 0
            tally[b.COUNTRY_UNKNOWN] += code >= 0 and country < 0
            identifier = merged(merges.institutions, merges.institutions_new, identifier, tally)
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
    return at - first


@_kernel
def _is_code(codes, n_codes, code):
    for k in range(n_codes):
        if codes[k] == code:
            return True
    return False


@_kernel
def keep_references(store, work, n_read, merges):
    """Keep references to other works, each once."""
    count, tally, rows = store.count, store.tally, store.references
    first = count[b.N_REFERENCES]
    at = first
    stamp, mask = _new_round(count, n_read)
    for k in range(first, first + n_read):
        cited = merged(merges.works, merges.works_new, rows[k, 1], tally)
        if cited == work:
            tally[b.SELF_REFERENCE] += 1
        elif not _is_new(store.lookup, stamp, mask, cited):
            tally[b.REFERENCE_REPEATED] += 1
        else:
            rows[at, 0] = work
            rows[at, 1] = cited
            at += 1
    count[b.N_REFERENCES] = at
    return at - first


@_kernel
def _add_subject(store, work, first, at, scheme, identifier, score):
    """Write a subject unless it has no id or repeats; give the place of the next."""
    rows = store.subjects
    if identifier < 0:
        store.tally[b.SUBJECT_UNREADABLE] += 1
        return at
    for k in range(first, at):
        if rows[k, b.SUBJECT_ID] == identifier and rows[k, b.SUBJECT_SCHEME] == scheme:
            return at
    rows[at, b.SUBJECT_WORK] = work
    rows[at, b.SUBJECT_SCHEME] = scheme
    rows[at, b.SUBJECT_ID] = identifier
    store.scores[at] = score
    return at + 1


@_kernel
def keep_subjects(store, work, n_concepts, n_topics, n_first_topic):
    """Keep concepts, then topics, then the first topic, each label once."""
    count, rows, labels = store.count, store.subjects, store.labels
    first = count[b.N_SUBJECTS]
    at = first
    for k in range(first, first + n_concepts):
        at = _add_subject(store, work, first, at, 0, rows[k, b.SUBJECT_ID], store.scores[k])
    for k in range(n_topics):
        at = _add_subject(store, work, first, at, labels[k, 0], labels[k, 1], store.label_scores[k])
    for k in range(b.MAX_SUBJECTS, b.MAX_SUBJECTS + n_first_topic):
        at = _add_subject(store, work, first, at, labels[k, 0], labels[k, 1], store.label_scores[k])
    count[b.N_SUBJECTS] = at
    return at - first
