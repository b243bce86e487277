"""The tables about works: without those of which a newer version was read, countries filled in.

A part of a table is a run of the rows that stay, so whoever sees what was staged can
write any part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.corpus.ids import Ints
from isthmus.corpus.manifest import Part
from isthmus.corpus.schema import TABLES
from isthmus.corpus.staging import Receipt, Staged, load_receipt, load_table
from isthmus.corpus.standing import Standing
from isthmus.corpus.store import TableWriter
from isthmus.errors import TargetError

#: Tables about works that need nothing but what was staged, the largest first.
ALONE = ("references", "subjects", "authorships", "works")


@dataclass(frozen=True)
class Stretch:
    """Rows of a table in one staged chunk that stay.

    Attributes
    ----------
    path
        File of the chunk.
    before
        Works read before those of the chunk.
    rows
        Rows of the table that stay.
    """

    path: Path
    before: int
    rows: int


class WorkTables:
    """The rows that stay of the tables about works, and who writes them.

    Parameters
    ----------
    staged
        What was read.
    superseded
        Works, by place of reading, of which a newer version was read; sorted.
    target
        Folder of the corpus.
    """

    def __init__(self, staged: Staged, superseded: Ints, target: Path) -> None:
        self.target = target
        self._staged = staged
        self._superseded = superseded
        self._standing: dict[str, list[Part]] = {}

    def let_stand(self, standing: Standing) -> None:
        """Find the parts of the corpus before that hold rows which would be written again."""
        n_works = standing.unchanged(self._staged, self._superseded)
        if not n_works:
            return
        names = [*ALONE]
        if not standing.manifest.notes.get("country_from_entity") and not any(
            "institutions_entity" in receipt.segments for *_, receipt in self._staged.receipts()
        ):
            names.append("affiliations")
        for name in names:
            rows = sum(s.rows for s, end in self._stretches(name) if end <= n_works)
            self._standing[name] = standing.parts(name, rows)

    def standing(self, name: str) -> Sequence[Part]:
        """Give the parts of a table that stay as they are."""
        return self._standing.get(name, [])

    def standing_files(self) -> set[Path]:
        """Give the files that stay as they are."""
        return {self.target / part.path for parts in self._standing.values() for part in parts}

    def write(self, name: str, filler: CountryFiller | None = None) -> list[Part]:
        """Write one table, countries filled in where there is a filler, and give its parts."""
        with TableWriter(self.target, name, self.standing(name)) as writer:
            start = sum(part.rows for part in writer.parts)
            for stretch in self.stretches(name):
                if start >= stretch.rows:
                    start -= stretch.rows
                    continue
                writer.write(self.rows(name, stretch, filler).slice(start))
                start = 0
            return writer.finish()

    def rows(self, name: str, stretch: Stretch, filler: CountryFiller | None = None) -> pa.Table:
        """Read the rows of a stretch, countries filled in where there is a filler."""
        receipt = load_receipt(stretch.path)
        rows = None if receipt is None else load_table(stretch.path, receipt, name)
        if receipt is None or rows is None:
            raise TargetError(f"{stretch.path} is gone: something else changed the folder.")
        kept = self._kept(stretch.before, receipt.works)
        if kept is not None:
            rows = rows.filter(pa.array(self._repeat(kept, stretch.path, receipt, name)))
        rows = rows if filler is None else filler.fill(rows)
        return rows.select(TABLES[name].names)

    def stretches(self, name: str) -> Iterator[Stretch]:
        """Give the rows of a table that stay, chunk by chunk, in the order of reading."""
        return (stretch for stretch, _ in self._stretches(name) if stretch.rows)

    def _stretches(self, name: str) -> Iterator[tuple[Stretch, int]]:
        """Give the rows that stay, chunk by chunk, and the works read up to the chunk's end."""
        before = 0
        for _, path, receipt in self._staged.receipts():
            segment = receipt.segments.get(name)
            n_rows = segment.rows if segment else 0
            kept = self._kept(before, receipt.works) if n_rows else None
            if kept is not None:
                n_rows = int(self._repeat(kept, path, receipt, name).sum())
            yield Stretch(path, before, n_rows), before + receipt.works
            before += receipt.works

    def _kept(self, start: int, n_works: int) -> Any:
        """Mark the works of a chunk that stay; None when all do."""
        first, last = np.searchsorted(self._superseded, [start, start + n_works])
        if first == last:
            return None
        kept = np.ones(n_works, np.bool_)
        kept[self._superseded[first:last] - start] = False
        return kept

    def _repeat(self, kept: Any, path: Path, receipt: Receipt, name: str) -> Any:
        """Mark the rows of a table whose works stay."""
        if name == "works":
            return kept
        works = load_table(path, receipt, "works")
        return kept if works is None else np.repeat(kept, works[f"n_{name}"].to_numpy())


class CountryFiller:
    """Gives affiliations the country of their institution's own record where a work gave none.

    Parameters
    ----------
    target, parts
        Folder of the corpus, and its parts of institutions.
    n_records
        Records of institutions that were read; without any nothing is filled in.

    Attributes
    ----------
    filled
        Countries filled in so far.
    """

    def __init__(self, target: Path, parts: list[Part], n_records: int) -> None:
        self.filled = 0
        self._known = pa.table(
            {"id": pa.array([], pa.int64()), "country": pa.array([], pa.string())}
        )
        if n_records:
            import pyarrow.parquet as pq

            tables = [pq.read_table(target / p.path, partitioning=None) for p in parts]
            rows = pa.concat_tables(tables).select(["institution_id", "country"])
            self._known = rows.filter(pc.is_valid(rows["country"])).combine_chunks()
        self._ids = self._known.column(0).to_numpy()
        self._countries = self._known.column(1).combine_chunks()

    @property
    def knows(self) -> bool:
        """Whether there is any country to fill in."""
        return bool(len(self._ids))

    def fill(self, rows: pa.Table) -> pa.Table:
        """Fill countries in, and drop parsed countries that are covered now."""
        if not self.knows:
            return rows
        wanting = pc.and_(pc.is_null(rows["country"]), pc.is_valid(rows["institution_id"]))
        wanted = np.flatnonzero(wanting.to_numpy())
        ids = rows["institution_id"].fill_null(0).to_numpy()[wanted]
        at = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        hit = self._ids[at] == ids
        if not hit.any():
            return rows
        self.filled += int(hit.sum())
        index = np.zeros(rows.num_rows, np.int64)
        index[wanted[hit]] = at[hit]
        chosen = np.zeros(rows.num_rows, np.bool_)
        chosen[wanted[hit]] = True
        mask = pa.array(chosen)
        country = pc.if_else(mask, self._countries.take(pa.array(index)), rows["country"])
        source = pc.if_else(mask, "institution", rows["country_source"])
        rows = rows.set_column(3, "country", country).set_column(4, "country_source", source)
        return _without_covered(rows, wanted[hit])


def _without_covered(rows: pa.Table, filled: Ints) -> pa.Table:
    """Drop parsed countries that an affiliation filled just now has for the same author."""
    place = rows.select(["work_id", "position", "country"]).take(pa.array(filled)).to_pylist()
    covered = {tuple(row.values()) for row in place}
    parsed = np.flatnonzero(pc.equal(rows["country_source"], "parsed").fill_null(False).to_numpy())
    if not len(parsed):
        return rows
    listed = rows.select(["work_id", "position", "country"]).take(pa.array(parsed)).to_pylist()
    dropped = [i for i, row in zip(parsed, listed, strict=True) if tuple(row.values()) in covered]
    kept = np.ones(rows.num_rows, np.bool_)
    kept[dropped] = False
    return rows.filter(pa.array(kept))
