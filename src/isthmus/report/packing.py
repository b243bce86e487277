"""Tables split by a column, and columns written shorter where they repeat themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.report.source import Columns

#: What a shard holds: sets of columns by name.
Sets = Mapping[str, Any]

#: Empty cells at the ends of a column up to which these are written out.
LEAST_EMPTY = 4


def packed(found: Columns) -> dict[str, Any]:
    """Write columns shorter where they repeat themselves or begin or end with nothing.

    A column of few different texts or years becomes ``levels`` and ``codes``, or ``runs`` (code,
    length, code, length ...) where these are fewer. Years that follow each other become ``steps``
    (first, length, first, length ...). One that begins or ends with None becomes
    ``values`` and the row that they begin ``from``.
    """
    return {name: _packed(name, values) for name, values in found.items()}


def _packed(name: str, values: list[Any]) -> Any:
    is_long = name == "year" or any(isinstance(v, str) for v in values[:50])
    levels = sorted({v for v in values if v is not None}) if is_long else []
    if levels and len(levels) * 3 < len(values):
        place = {level: at for at, level in enumerate(levels)}
        codes = [place.get(v, -1) for v in values]
        runs = [n for code, same in groupby(codes) for n in (code, len(list(same)))]
        short = {"runs": runs} if len(runs) < len(codes) else {"codes": codes}
        steps = _steps(values) if name == "year" else None
        if steps is not None and len(steps) < min(len(runs), len(codes)):
            return {"steps": steps}
        return {"levels": levels, **short}
    known = [at for at, value in enumerate(values) if value is not None]
    first, last = (known[0], known[-1] + 1) if known else (0, 0)
    if len(values) - (last - first) <= LEAST_EMPTY:
        return values
    return {"from": first, "values": values[first:last]}


def _steps(years: list[int | None]) -> list[int] | None:
    """Return the first year and the length of each run of years; None where one is missing.

    Examples
    --------
    >>> _steps([2001, 2002, 2003, 2001, 2003])
    [2001, 3, 2001, 1, 2003, 1]
    """
    made: list[int] = []
    for year in years:
        if year is None:
            return None
        if made and year == made[-2] + made[-1]:
            made[-1] += 1
        else:
            made += [year, 1]
    return made


def split(table: pa.Table, key: str) -> Iterator[tuple[Any, pa.Table]]:
    """Return the rows of each value of a column, values in order."""
    if table.num_rows == 0:
        return
    order = pc.sort_indices(table, [(key, "ascending")])
    ordered = table.take(order).combine_chunks()
    values = ordered[key].to_numpy(zero_copy_only=False)
    starts = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])
    ends = np.concatenate([starts[1:], [len(values)]])
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield ordered[key][start].as_py(), ordered.slice(start, end - start)
