"""Atypical pairs of venues in reference lists: novelty and conventionality of papers.

For every pair of venues cited together in a year, how far its count lies from
what the permutation null gives (:mod:`isthmus.stats.novelty.venue_pairs_law`), and for
every paper the lower tail and the median of its pairs' z (Uzzi, Mukherjee,
Stringer and Jones 2013, Science 342:468; Lin, Evans and Wu 2022).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from isthmus.errors import InputError
from isthmus.stats.novelty.venue_pairs_draws import sample_pairs
from isthmus.stats.novelty.venue_pairs_law import Floats, strata_terms, venue_terms
from isthmus.stats.novelty.venue_pairs_rows import Rows, RowStore, pair_rows, score_papers
from isthmus.stats.novelty.venue_pairs_slots import Codes, Ints, Slots, bucket, factorise, lay_out

#: A reference whose venue or years carry a value below zero has none.
MISSING = -1

#: Bytes of the largest block whose being freed tells the allocator what to keep: 32 MB, less
#: what the allocator writes beside it.
LARGEST_KEPT = (32 << 20) - (64 << 10)


@dataclass(frozen=True, slots=True)
class Atypicality:
    """Venue pairs against the permutation null, and the scores of papers.

    Attributes
    ----------
    venue_a, venue_b : ndarray of int64, shape (k,)
        Pairs that occur, ``venue_a <= venue_b``; ordered by citing year and pair.
        Empty when the pairs were not asked for.
    pair_year : ndarray of int64, shape (k,)
        Citing year of each pair.
    observed : ndarray of int64, shape (k,)
        Pairs of references of one paper, one to each venue.
    expected, variance, z : ndarray of float64, shape (k,)
        Moments under the null, and ``(observed - expected) / sqrt(variance)``;
        z is 0 where the variance is 0.
    expected_error, variance_error : ndarray of float64, shape (k,)
        Monte-Carlo standard errors; 0 where the moments come from the law.
    paper_id : ndarray of int64, shape (m,)
        Every paper handed in, ascending.
    tail, median : ndarray of float64, shape (m,)
        Lower quantile (lower = more novel) and median (higher = more
        conventional) of the z of the paper's pairs; NaN without a pair.
    n_pairs : ndarray of int64, shape (m,)
        Pairs the scores stand on.
    left_out : mapping of str to int
        References not used, by reason: ``no_venue``, ``no_year`` and
        ``long_list``; a reference counts under the first that holds.
    """

    venue_a: Ints
    venue_b: Ints
    pair_year: Ints
    observed: Ints
    expected: Floats
    variance: Floats
    z: Floats
    expected_error: Floats
    variance_error: Floats
    paper_id: Ints
    tail: Floats
    median: Floats
    n_pairs: Ints
    left_out: Mapping[str, int]


class _Settings(NamedTuple):
    quantile: float
    tolerance: float
    draws: int | None
    seed: int
    budget: int
    spill: str | None
    pairs: bool


class _Pairs(NamedTuple):
    observed: Ints
    expected: Floats
    variance: Floats
    z: Floats
    expected_error: Floats
    variance_error: Floats


class _NamedPairs(NamedTuple):
    venue_a: Ints
    venue_b: Ints
    observed: Ints
    expected: Floats
    variance: Floats
    z: Floats
    expected_error: Floats
    variance_error: Floats


class _Year(NamedTuple):
    pairs: _NamedPairs
    papers: Ints
    tail: Floats
    median: Floats
    n_pairs: Ints


def atypicality(
    paper: npt.ArrayLike,
    citing_year: npt.ArrayLike,
    venue: npt.ArrayLike,
    cited_year: npt.ArrayLike,
    *,
    quantile: float = 0.1,
    variance_tolerance: float = 1e-3,
    max_references: int | None = 2000,
    draws: int | None = None,
    seed: int = 0,
    return_pairs: bool = True,
    threads: int = 1,
    memory_limit: int = 1 << 30,
    spill: str | None = None,
) -> Atypicality:
    r"""Set the venue pairs of reference lists against the permutation of venues.

    The null permutes venues over references within each (citing year, cited
    year). Mean and variance come from its exact law, or with `draws` from
    sampling it. The order of the references plays no part, nor do `threads`
    and `memory_limit`.

    Parameters
    ----------
    paper, citing_year, venue, cited_year : array_like of int, shape (n,)
        One entry per reference of a paper: the paper and its year, the venue
        and the year of the cited work. A negative or masked venue or year is
        missing; such a reference is left out and counted.
    quantile : float
        Which quantile of a paper's z is its tail, interpolated linearly; 0.1 in
        Uzzi et al.
    variance_tolerance : float
        Mixed terms of a variance are left out where a bound puts them below
        this share of it. 0 gives every variance exactly. At the default no z
        moves by more than 0.05 %.
    max_references : int, optional
        Papers with more usable references are left out of the null and get no
        score. Pairs grow with the square of a list: one list of 2,000 holds as
        many as 6,600 lists of 25. ``None`` keeps every list.
    draws : int, optional
        Sample the null this many times instead of using its law. Pairs whose
        sampled variance is 0 get z = 0.
    seed : int
        Seed of the draws; each citing year has a stream of its own.
    return_pairs : bool
        Whether the table of pairs is wanted; papers are scored either way.
    threads : int
        Citing years worked on at the same time.
    memory_limit : int
        Bytes the blocks of pairs of all threads together may take; beyond it
        they go to a temporary file. References and the pair table returned are
        not part of it.
    spill : str, optional
        Folder of that file; the system's folder for temporary files by default.

    Returns
    -------
    Atypicality

    Raises
    ------
    InputError
        The arrays differ in length or are no whole numbers, a paper has two
        citing years, or a setting is out of range.

    References
    ----------
    .. [1] Uzzi, Mukherjee, Stringer, Jones (2013). Atypical combinations and
       scientific impact. Science 342, 468-472.

    Examples
    --------
    >>> result = atypicality(
    ...     paper=[1, 1, 2, 2], citing_year=[2000] * 4, venue=[7, 8, 7, 9], cited_year=[1999] * 4
    ... )
    >>> result.venue_a.tolist(), result.venue_b.tolist(), result.expected.round(3).tolist()
    ([7, 7], [8, 9], [0.667, 0.667])
    """
    arrays = [
        _whole_numbers(name, values)
        for name, values in (
            ("paper", paper),
            ("citing_year", citing_year),
            ("venue", venue),
            ("cited_year", cited_year),
        )
    ]
    _check(
        arrays,
        quantile,
        variance_tolerance,
        {
            "max_references": (max_references, 2),
            "draws": (draws, 2),
            "seed": (seed, 0),
            "threads": (threads, 1),
            "memory_limit": (memory_limit, 1),
        },
    )
    budget = memory_limit // (2 * threads)
    settings = _Settings(quantile, variance_tolerance, draws, seed, budget, spill, return_pairs)
    papers, paper_code = factorise(arrays[0])
    used, left_out = _usable(arrays, paper_code, papers, max_references)
    years, rows = _by_year(arrays[1], used)
    _keep_what_is_freed()
    score = partial(_one_year, arrays, settings)
    if threads == 1:
        # Not in a thread of its own: its memory would go back to the system after every year.
        done = list(map(score, years.tolist(), rows))
    else:
        with ThreadPoolExecutor(max_workers=threads) as pool:
            done = list(pool.map(score, years.tolist(), rows))
    return _gather(years, done, papers, left_out)


def _keep_what_is_freed() -> None:
    """Have the allocator keep for the next year what the last one leaves.

    The C library of Linux gives freed memory back from twice the size of the
    largest block freed so far (mallopt(3), M_TRIM_THRESHOLD), and what is given
    back has to be asked for, and emptied, page by page again. A block of the
    largest size that counts, never written to and so without a page of its own,
    has it keep up to 64 MB. Elsewhere this does nothing.
    """
    np.empty(LARGEST_KEPT, np.uint8)


def _one_year(arrays: list[Ints], settings: _Settings, year: int, used: Codes) -> _Year:
    """Score the papers of one citing year."""
    paper, venue, cited_year = (arrays[k][used] for k in (0, 2, 3))
    slots = lay_out(paper, venue, cited_year)
    strata = strata_terms(slots)
    terms = venue_terms(slots, strata)
    budget = settings.budget if settings.draws is None else sys.maxsize
    kept: list[_NamedPairs] = []
    with RowStore(settings.budget, settings.spill) as store:
        for rows in pair_rows(slots, strata, terms, settings.tolerance, budget):
            pairs = _law_pairs(rows)
            if settings.draws is not None:
                rng = np.random.default_rng([settings.seed, year])
                rows, pairs = _sampled_pairs(slots, rows, settings.draws, rng)
            store.add(rows)
            if settings.pairs:
                kept.append(_named(slots, rows, pairs))
        tail, median = score_papers(slots, store, settings.quantile, settings.budget)
    size = np.diff(slots.paper_start)
    return _Year(_in_order(kept), slots.papers, tail, median, size * (size - 1) // 2)


def _law_pairs(rows: Rows) -> _Pairs:
    none = np.zeros(rows.z.size)
    return _Pairs(rows.observed, rows.expected, rows.variance, rows.z, none, none)


def _sampled_pairs(
    slots: Slots, rows: Rows, draws: int, rng: np.random.Generator
) -> tuple[Rows, _Pairs]:
    mean, variance, mean_error, variance_error = sample_pairs(slots, rows, draws, rng)
    spread = np.sqrt(np.where(variance > 0, variance, 1.0))
    z = np.where(variance > 0, (rows.observed - mean) / spread, 0.0)
    pairs = _Pairs(rows.observed, mean, variance, z, mean_error, variance_error)
    return rows._replace(expected=mean, variance=variance, z=z), pairs


def _whole_numbers(name: str, values: npt.ArrayLike) -> Ints:
    array = np.ma.asanyarray(values) if np.ma.isMaskedArray(values) else np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise InputError(
            f"`{name}` holds {array.dtype} values; whole numbers were expected. "
            f"Write a missing venue or year as {MISSING}."
        )
    if array.ndim != 1:
        raise InputError(f"`{name}` has {array.ndim} dimensions; one was expected.")
    if isinstance(array, np.ma.MaskedArray):
        array = np.asarray(np.ma.filled(array.astype(np.int64), MISSING))
    return np.ascontiguousarray(array, np.int64)


def _check(
    arrays: list[Ints], quantile: float, tolerance: float, least: dict[str, tuple[int | None, int]]
) -> None:
    sizes = [array.size for array in arrays]
    if len(set(sizes)) > 1:
        raise InputError(
            "`paper`, `citing_year`, `venue` and `cited_year` need one entry per reference each; "
            f"they hold {sizes[0]}, {sizes[1]}, {sizes[2]} and {sizes[3]}."
        )
    if not 0 <= quantile <= 1:
        raise InputError(f"`quantile` is {quantile}; it must lie between 0 and 1.")
    if not 0 <= tolerance <= 1:
        raise InputError(f"`variance_tolerance` is {tolerance}; it must lie between 0 and 1.")
    for name, (value, lowest) in least.items():
        if value is not None and value < lowest:
            raise InputError(f"`{name}` is {value}; it must be at least {lowest}.")


def _usable(
    arrays: list[Ints], code: Codes, papers: Ints, longest: int | None
) -> tuple[npt.NDArray[np.bool_], dict[str, int]]:
    """Which references enter the null, and how many do not, by reason."""
    used, size, torn, no_venue = _sifted(arrays[1], arrays[2], arrays[3], code, papers.size)
    if torn != MISSING:
        raise InputError(
            f"Paper {papers[torn]} has more than one citing year; a paper has one. "
            "Give the year of the paper, not of its versions."
        )
    no_year = used.size - int(no_venue) - int(size.sum())
    too_long = np.zeros(papers.size, bool) if longest is None else size > longest
    if too_long.any():
        used &= ~too_long[code]
    long_list = int(size[too_long].sum())
    return used, {"no_venue": int(no_venue), "no_year": no_year, "long_list": long_list}


@njit(cache=True, nogil=True)
def _sifted(citing, venue, cited, code, n_papers):  # type: ignore[no-untyped-def]
    """Which references are whole, how many a paper has, a paper of two years, those venueless."""
    used, size = np.empty(code.size, np.bool_), np.zeros(n_papers, np.int64)
    year, torn, no_venue = np.full(n_papers, MISSING), MISSING, 0
    for k in range(code.size):
        paper = np.uintp(code[k])
        if citing[k] >= 0:
            if year[paper] >= 0 and year[paper] != citing[k]:
                torn = code[k]
            year[paper] = citing[k]
        used[k] = venue[k] >= 0 and citing[k] >= 0 and cited[k] >= 0
        size[paper] += used[k]
        no_venue += venue[k] < 0
    return used, size, torn, no_venue


def _by_year(citing: Ints, used: npt.NDArray[np.bool_]) -> tuple[Ints, list[Codes]]:
    """Citing years in order, and the references of each."""
    rows = np.flatnonzero(used).astype(np.int32)
    years, code = factorise(citing[rows])
    order, start = bucket(code, np.arange(rows.size, dtype=np.int32), years.size)
    return years, np.split(rows[order], start[1:-1]) if years.size else []


def _named(slots: Slots, rows: Rows, pairs: _Pairs) -> _NamedPairs:
    row = np.repeat(np.arange(rows.start.size - 1), np.diff(rows.start)) + rows.first
    one, two = slots.venues[row], slots.venues[rows.other]
    return _NamedPairs(np.minimum(one, two), np.maximum(one, two), *pairs)


def _in_order(blocks: list[_NamedPairs]) -> _NamedPairs:
    """Join the blocks of a year and order them by pair."""
    joined = _joined(blocks)
    order = np.arange(joined.z.size, dtype=np.int32)
    for venue in (joined.venue_b, joined.venue_a):
        distinct, code = factorise(venue)
        order, _ = bucket(code, order, distinct.size)
    return _NamedPairs._make(column[order] for column in joined)


def _gather(years: Ints, done: list[_Year], papers: Ints, left_out: dict[str, int]) -> Atypicality:
    """Put the years together; papers without a pair keep NaN."""
    tail, median = np.full(papers.size, np.nan), np.full(papers.size, np.nan)
    n_pairs = np.zeros(papers.size, np.int64)
    for year in done:
        at = np.searchsorted(papers, year.papers)
        tail[at], median[at], n_pairs[at] = year.tail, year.median, year.n_pairs
    blocks = [year.pairs for year in done]
    return Atypicality(
        pair_year=np.repeat(years, [block.venue_a.size for block in blocks]),
        **_joined(blocks)._asdict(),
        paper_id=papers,
        tail=tail,
        median=median,
        n_pairs=n_pairs,
        left_out=left_out,
    )


def _joined(blocks: list[_NamedPairs]) -> _NamedPairs:
    whole, real = np.empty(0, np.int64), np.empty(0)
    nothing = _NamedPairs(whole, whole, whole, real, real, real, real, real)
    columns = zip(nothing, *blocks, strict=True)
    return _NamedPairs._make(np.concatenate(parts) for parts in columns)
