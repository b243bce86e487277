"""The disruption index: whether later works cite a paper without what it built on.

Funk and Owen-Smith (2017), Management Science 63:791; Wu, Wang and Evans (2019),
Nature 566:378.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from numba import njit

from isthmus.errors import InputError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Disruption:
    """Disruption of papers, one entry per paper asked for.

    Attributes
    ----------
    paper_id : ndarray of int64, shape (m,)
    index : ndarray of float64, shape (m,)
        ``(only_paper - both) / (only_paper + both + only_references)``, from -1
        (consolidating) to 1 (disruptive). NaN for a paper without references
        or when nobody cites it or its references in the window.
    only_paper, both, only_references : ndarray of int64, shape (m,)
        Works in the window that cite the paper and none of its references, the
        paper and some, and some references but not the paper.
    left_out : int
        References whose citing work has no year, and repeated or
        self-referring ones.
    """

    paper_id: Ints
    index: Floats
    only_paper: Ints
    both: Ints
    only_references: Ints
    left_out: int


def disruption(
    citing: npt.ArrayLike,
    cited: npt.ArrayLike,
    paper: npt.ArrayLike,
    year: npt.ArrayLike,
    *,
    focal: npt.ArrayLike | None = None,
    window: int = 5,
    threads: int = 1,
) -> Disruption:
    """Count, for each paper, who cites it, its references, or both.

    Parameters
    ----------
    citing, cited : array_like of int, shape (e,)
        References between works, by id. A cited work need not be in `paper`.
    paper, year : array_like of int, shape (n,)
        Works with the year of their publication; each once.
    focal : array_like of int, optional
        Papers wanted, all in `paper`; default all.
    window : int
        Citing works of calendar years ``y..y + window`` count for a paper of
        year ``y``; 5 gives CD5.
    threads : int
        Papers are shared out among threads; the result is the same.

    Raises
    ------
    InputError
        Arrays that do not belong together, a work named twice, a focal paper
        without a year, or a setting out of range.

    Examples
    --------
    >>> disruption([2, 3, 4, 4], [1, 2, 1, 2], [1, 2, 3, 4], [2000] * 4, focal=[2]).index
    array([0.])
    """
    ends = _aligned(citing, cited, "citing", "cited")
    papers, years = _aligned(paper, year, "paper", "year")
    if window < 0 or threads < 1:
        raise InputError(
            f"`window` is {window} and `threads` is {threads}; at least 0 and 1 are needed."
        )
    order = np.argsort(papers, kind="stable")
    papers, years = papers[order], years[order]
    if np.any(papers[1:] == papers[:-1]):
        raise InputError("`paper` names a work more than once; give each work one year.")
    wanted = _distinct(np.asarray(papers if focal is None else focal, np.int64))
    rows = _positions(papers, wanted)
    if np.any(rows < 0):
        raise InputError(
            f"Focal paper {wanted[rows < 0][0]} is not in `paper`, so that its year is unknown."
        )
    # Works are numbered by year, so that whoever is sorted by number is sorted by year.
    by_year = np.argsort(years, kind="stable")
    number = np.empty_like(by_year)
    number[by_year] = np.arange(by_year.size)
    rows, years = number[rows], years[by_year]
    source, target, nodes, left_out = _edges(*ends, papers, number)
    counts = _shared_out(source, target, years, nodes, rows, window, threads)
    total = counts.sum(axis=1)
    has_references = np.bincount(source, minlength=papers.size)[rows] > 0
    defined = has_references & (total > 0)
    index = np.full(rows.size, np.nan)
    index[defined] = (counts[defined, 0] - counts[defined, 1]) / total[defined]
    only, both, others = counts.T.copy()
    return Disruption(wanted, index, only, both, others, left_out)


def _aligned(
    one: npt.ArrayLike, two: npt.ArrayLike, name_one: str, name_two: str
) -> tuple[Ints, Ints]:
    first, second = np.asarray(one), np.asarray(two)
    for name, array in ((name_one, first), (name_two, second)):
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise InputError(
                f"`{name}` must be a one-dimensional array of whole numbers; it has "
                f"{array.ndim} dimensions and holds {array.dtype}."
            )
    if first.size != second.size:
        raise InputError(
            f"`{name_one}` and `{name_two}` belong together, but hold {first.size} and "
            f"{second.size} entries."
        )
    return first.astype(np.int64), second.astype(np.int64)


def _positions(sorted_ids: Ints, wanted: Ints) -> Ints:
    """Where each id stands among sorted ones; -1 where it does not."""
    if not sorted_ids.size:
        return np.full(wanted.size, -1)
    at = np.minimum(np.searchsorted(sorted_ids, wanted), sorted_ids.size - 1)
    return np.where(sorted_ids[at] == wanted, at, -1)


def _distinct(values: Ints) -> Ints:
    """Sort whole numbers, each once; `np.unique` hashes, which is slow where few repeat."""
    ordered = np.sort(values)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if values.size else values


def _numbers(sorted_ids: Ints, number: Ints, wanted: Ints) -> Ints:
    """Return the number of each id; -1 for those that have none."""
    at = _positions(sorted_ids, wanted)
    return np.where(at < 0, -1, number[at]) if number.size else at


def _edges(citing: Ints, cited: Ints, papers: Ints, number: Ints) -> tuple[Ints, Ints, int, int]:
    """Distinct references by number; cited works without a year come after the papers."""
    source, target = _numbers(papers, number, citing), _numbers(papers, number, cited)
    outside, code = np.unique(cited[target < 0], return_inverse=True)
    target[target < 0] = papers.size + code
    nodes = papers.size + outside.size
    used = (source >= 0) & (source != target)
    keys = _distinct(source[used] * np.int64(nodes) + target[used])
    return keys // max(nodes, 1), keys % max(nodes, 1), nodes, citing.size - keys.size


def _shared_out(
    source: Ints, target: Ints, years: Ints, nodes: int, rows: Ints, window: int, threads: int
) -> Ints:
    """Counts of each row's paper, in blocks for the threads."""
    out_start, in_start = _starts(source, years.size), _starts(target, nodes)
    citers = np.sort(target * np.int64(nodes) + source) % max(nodes, 1)
    blocks = np.array_split(rows, threads)
    count = partial(_count, out_start, target, in_start, citers, years[citers], years, window)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return np.concatenate(list(pool.map(count, blocks)))


def _starts(groups: Ints, n: int) -> Ints:
    """Where each of `n` groups begins among members sorted by group, and where the last ends."""
    return np.concatenate([[0], np.cumsum(np.bincount(groups, minlength=n))])


@njit(cache=True, nogil=True)
def _count(out_start, target, in_start, citers, citer_years, years, window, rows):  # type: ignore[no-untyped-def]
    """Count citers of the paper only, of both, of its references only, for each row."""
    counts = np.zeros((rows.size, 3), np.int64)
    seen = np.full(years.size, -1, np.int64)
    for row in range(rows.size):
        paper = rows[row]
        direct, known = 2 * row, 2 * row + 1
        seen[paper] = known
        first, last = _in_window(in_start, citer_years, paper, years[paper], window)
        counts[row, 0] = last - first
        for k in range(first, last):
            seen[citers[k]] = direct
        for r in range(out_start[paper], out_start[paper + 1]):
            first, last = _in_window(in_start, citer_years, target[r], years[paper], window)
            for k in range(first, last):
                citer = citers[k]
                if seen[citer] == direct:
                    counts[row, 0] -= 1
                    counts[row, 1] += 1
                elif seen[citer] != known:
                    counts[row, 2] += 1
                seen[citer] = known
    return counts


@njit(cache=True, nogil=True)
def _in_window(in_start, citer_years, work, year, window):  # type: ignore[no-untyped-def]
    """Where the works that cite `work` in the window begin and end."""
    start, stop = in_start[work], in_start[work + 1]
    mine = citer_years[start:stop]
    first = np.searchsorted(mine, year)
    return start + first, start + np.searchsorted(mine, year + window, side="right")
