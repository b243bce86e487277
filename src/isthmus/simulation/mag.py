"""A simulated world as a Microsoft Academic Graph dump: tables of tab-separated lines.

A dump knows countries through institutions alone, so an affiliation of which the
world knows only the country goes to an institution without a name there.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

#: Nameless institutions are numbered from here, one a country, in the order of the codes.
FIRST_NAMELESS = 4_300_000_001

#: What every ``CreatedDate`` says.
CREATED = "2021-12-06"

#: Type of a work -> type of a paper.
DOC_TYPES = {
    "article": "Journal",
    "preprint": "Repository",
    "review": "Journal",
    "book-chapter": "BookChapter",
}

_TEXT = pa.string()


class MagDump:
    """Writes the tables of a dump into a folder.

    Parameters
    ----------
    folder
        Where to write; ``mag`` and ``advanced`` are made in it.
    codes
        Countries of the world.
    place_in
        Gives latitude and longitude of some place inside a country.
    """

    def __init__(
        self, folder: Path, codes: tuple[str, ...], place_in: Callable[[str], tuple[float, float]]
    ) -> None:
        self._folder = folder
        self._codes = codes
        self._place_in = place_in
        self._files = ExitStack()
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> MagDump:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._files.close()

    def add_year(self, tables: Mapping[str, pa.Table]) -> None:
        """Write what is known of a year's works but the works themselves."""
        signed = tables["authorships"].select(["work_id", "position", "author_id"])
        affiliated = tables["affiliations"].select(["work_id", "position"])
        affiliated = affiliated.append_column("affiliation", self._places(tables["affiliations"]))
        rows = signed.join(affiliated, ["work_id", "position"]).sort_by(
            [("work_id", "ascending"), ("position", "ascending"), ("affiliation", "ascending")]
        )
        self._write(
            "mag/PaperAuthorAffiliations",
            rows["work_id"],
            rows["author_id"],
            rows["affiliation"],
            pc.add(rows["position"], 1),
            _nothing(rows),
            _nothing(rows),
        )
        cites = tables["references"]
        self._write("mag/PaperReferences", cites["citing_id"], cites["cited_id"])
        labels = tables["subjects"].filter(pc.equal(tables["subjects"]["scheme"], "concept"))
        self._write(
            "advanced/PaperFieldsOfStudy",
            *(labels[name] for name in ("work_id", "subject_id", "score")),
            _nothing(labels),
        )

    def add_works(self, works: pa.Table) -> None:
        """Write papers."""
        kind = [DOC_TYPES[name] for name in works["type"].to_pylist()]
        empty = _nothing(works)
        self._write(
            "mag/Papers",
            *(works["work_id"], empty, works["doi"], pa.array(kind), empty, works["title"], empty),
            *(works["year"], works["date"], empty, empty, works["venue_id"], *[empty] * 7),
            *(works["cited_by_count"], *[empty] * 5, pa.repeat(CREATED, len(works))),
        )

    def add_entities(self, tables: Mapping[str, pa.Table]) -> None:
        """Write institutions, journals and authors."""
        named = tables["institutions"]
        nameless = pa.array(FIRST_NAMELESS + np.arange(len(self._codes)))
        self._institutions(named["institution_id"], named["name"], named["country"].to_pylist())
        self._institutions(nameless, _nothing(nameless), list(self._codes))
        venues, authors = tables["venues"], tables["authors"]
        empty = _nothing(venues)
        self._write(
            "mag/Journals",
            *(venues["venue_id"], empty, empty, venues["name"], venues["issn_l"], *[empty] * 6),
        )
        empty = _nothing(authors)
        self._write(
            "mag/Authors",
            *(authors["author_id"], empty, empty, authors["name"], empty, authors["works_count"]),
            *[empty] * 3,
        )

    def _places(self, affiliations: pa.Table) -> pa.Array:
        """Institution of each affiliation; the nameless one of its country where it has none."""
        numbers = pc.index_in(affiliations["country"], pa.array(self._codes))
        nameless = pc.add(numbers.cast(pa.int64()), FIRST_NAMELESS)
        return pc.coalesce(affiliations["institution_id"], nameless)

    def _institutions(self, ids: Any, names: Any, countries: list[str]) -> None:
        place = {code: self._place_in(code) for code in sorted(set(countries))}
        grid = [f"grid.{number}.0" for number in ids.to_pylist()]
        lat, lon = (pa.array([place[code][axis] for code in countries]) for axis in (0, 1))
        empty = _nothing(ids)
        self._write(
            "mag/Affiliations",
            *(ids, empty, empty, names, pa.array(grid), *[empty] * 6, lat, lon, empty),
        )

    def _write(self, name: str, *columns: Any) -> None:
        table = pa.table(
            [c.cast(_TEXT) for c in columns], names=[f"{i}" for i in range(len(columns))]
        )
        if name not in self._writers:
            path = self._folder / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            options = pyarrow.csv.WriteOptions(
                include_header=False, delimiter="\t", quoting_style="none"
            )
            writer = pyarrow.csv.CSVWriter(str(path), table.schema, write_options=options)
            self._writers[name] = self._files.enter_context(writer)
        self._writers[name].write_table(table)


def _nothing(like: Any) -> pa.Array:
    return pa.nulls(len(like), _TEXT)
