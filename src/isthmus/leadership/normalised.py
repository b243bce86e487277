"""Citations beside those of papers of the same subfield, year and type.

A paper's normalised citation score is its citations over the mean of its cell; it is among
the top x % by the share of it that lies there. A cell is a subfield, a publication year and
a type of document, among the works of the field whose citation window is known. A work of m
subfields counts one over m in each, and its scores are the mean over them (Waltman et al.
2011). Works without a subfield, or of unknown type, are compared with each other.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.engine import Engine, Table
from isthmus.selection.attribution import exact_sum

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Shares of the most cited papers, in per cent.
TOPS = (10, 5, 1)

#: Scores of a paper: normalised citations, and how much of it is in each top.
SCORES = ("ncs", *(f"top{percent}" for percent in TOPS))

#: Fixed-point type of sums of scores; exact in any order, to twelve decimals.
SCORE = "decimal(38, 12)"

_CELL = ["subfield", "year", "type", "c_k"]


def in_cells(impact: Table, works: Table, subjects: Table) -> Table:
    """Place works in cells.

    Grain: one row per work and subfield. Columns: ``work_id``, ``year``, ``type``,
    ``subfield``, ``c_k``, ``weight`` (one over the number of the work's subfields).
    """
    named = subjects.filter(subjects.scheme == "subfield")
    named = named.select("work_id", subfield="subject_id").distinct()
    counts = named.group_by("work_id").agg(n=named.count())
    named = named.inner_join(counts, "work_id").select("work_id", "subfield", "n")
    typed = impact.inner_join(works.select("work_id", "type"), "work_id")
    joined = typed.left_join(named, "work_id")
    joined = joined.select("work_id", "year", "c_k", "type", "subfield", "n")
    return joined.mutate(
        type=joined.type.fill_null(""),
        subfield=joined.subfield.fill_null(-1),
        weight=1 / joined.n.fill_null(1),
    )


def scores(cells: Table, engine: Engine) -> Table:
    """Score every work.

    Grain: one row per work of `cells`. Columns: ``work_id`` and those of :data:`SCORES`.
    """
    counted = cells.group_by(*_CELL).agg(papers=exact_sum(cells.weight))
    table = engine.collect(counted)
    keys = [np.asarray(table["subfield"].to_numpy()), np.asarray(table["year"].to_numpy())]
    keys.append(np.unique(table["type"].to_pylist(), return_inverse=True)[1])
    _, cell = np.unique(np.stack(keys), axis=1, return_inverse=True)
    cited = np.asarray(table["c_k"].to_numpy(), np.int64)
    found = cell_scores(np.ravel(cell), cited, np.asarray(table["papers"].to_numpy(), np.float64))
    for name, values in zip(SCORES, found, strict=True):
        table = table.append_column(name, pa.array(values))
    joined = cells.inner_join(engine.local(table.drop_columns("papers")), _CELL)
    return joined.group_by("work_id").agg(
        **{
            name: (joined[name] * joined.weight).cast(SCORE).sum().cast("float64")
            for name in SCORES
        }
    )


def cell_scores(cell: Ints, cited: Ints, papers: Floats) -> Floats:
    """Scores of papers with each number of citations in each cell.

    Parameters
    ----------
    cell, cited : arrays (n,)
        Cell from 0, and citations; each combination once.
    papers : array (n,)
        Papers with these citations, above 0; a work of m subfields is 1/m of a paper.

    Returns
    -------
    array (scores, n)
        Citations over the mean of the cell (1 where nobody is cited), and for each of
        :data:`TOPS` the share of a paper that is in the top: 1 above the threshold; papers
        at it share evenly what those above leave (Waltman and Schreiber 2013).

    Examples
    --------
    >>> ncs, top10, *_ = cell_scores(np.array([0, 0]), np.array([0, 4]), np.array([15.0, 5.0]))
    >>> ncs.tolist(), top10.tolist()
    ([0.0, 4.0], [0.0, 0.4])
    """
    order = np.lexsort((-cited, cell))
    here, held = cell[order], papers[order]
    first = np.flatnonzero(np.diff(here, prepend=-1))
    size = np.add.reduceat(held, first) if here.size else np.zeros(0)
    start = np.repeat(first, np.diff(np.append(first, here.size)))
    through = np.cumsum(held)
    above = through - held - (through[start] - held[start])
    at = np.searchsorted(first, start)
    sums = np.add.reduceat(held * cited[order], first) if here.size else np.zeros(0)
    mean = (sums / size)[at]
    found = np.empty((len(SCORES), cell.size))
    found[0, order] = np.divide(cited[order], mean, out=np.ones(here.size), where=mean > 0)
    for row, percent in enumerate(TOPS, start=1):
        left = size[at] * percent / 100 - above
        found[row, order] = np.clip(left / held, 0.0, 1.0)
    return found
