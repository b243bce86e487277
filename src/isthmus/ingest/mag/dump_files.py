"""Files of a Microsoft Academic Graph folder and the columns they are published with.

The tables have no header, are separated by tabs and quote nothing. Columns were
added over the years, never renamed; the number of columns of the first line says
which of the published layouts a file has. Only columns that are used are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.errors import SourceError
from isthmus.ingest.decompress import Text

#: Folders of a dump that its tables stand in.
_FOLDERS = ("", "mag", "advanced")

#: Tables a dump must have, and tables that are used when it has them.
REQUIRED = ("Papers", "PaperAuthorAffiliations", "Affiliations")
OPTIONAL = (
    "PaperReferences",
    "PaperFieldsOfStudy",
    "Journals",
    "ConferenceInstances",
    "Authors",
)

_PAPERS = ("PaperId", None, "Doi", "DocType", "PaperTitle", "OriginalTitle", None, "Year", "Date")
_VENUE = ("JournalId", "ConferenceSeriesId", "ConferenceInstanceId")
_PAPERS_2015 = (*_PAPERS, None, *_VENUE, None, None, None, None, None, "CitationCount", None, None)
_PAPERS_2020 = (*_PAPERS, None, *_PAPERS_2015[9:])
_INSTITUTION = ("AffiliationId", None, None, "DisplayName", "GridId")

#: Table -> number of columns -> names of the columns by place; None where not used.
#: Papers got FamilyId (23 columns), OnlineDate before Publisher (24), FamilyRank (25)
#: and DocSubTypes (26); the last column is CreatedDate. Affiliations got latitude and
#: longitude (12), PaperFamilyCount (13) and Iso3166Code before them (14).
LAYOUTS: dict[str, dict[int, tuple[str | None, ...]]] = {
    "Papers": {
        22: (*_PAPERS_2015, "CreatedDate"),
        23: (*_PAPERS_2015, None, "CreatedDate"),
        24: (*_PAPERS_2020, None, "CreatedDate"),
        25: (*_PAPERS_2020, None, None, "CreatedDate"),
        26: (*_PAPERS_2020, None, None, None, "CreatedDate"),
    },
    "PaperAuthorAffiliations": {
        n: ("PaperId", "AuthorId", "AffiliationId", "AuthorSequenceNumber", *[None] * (n - 4))
        for n in (5, 6)
    },
    "PaperReferences": {2: ("PaperId", "PaperReferenceId")},
    "PaperFieldsOfStudy": {
        n: ("PaperId", "FieldOfStudyId", "Score", *[None] * (n - 3)) for n in (3, 4)
    },
    "Affiliations": {
        10: (*_INSTITUTION, *[None] * 5),
        12: (*_INSTITUTION, *[None] * 4, "Latitude", "Longitude", None),
        13: (*_INSTITUTION, *[None] * 5, "Latitude", "Longitude", None),
        14: (*_INSTITUTION, *[None] * 5, "Iso3166Code", "Latitude", "Longitude", None),
    },
    "Journals": {
        n: ("JournalId", None, None, "DisplayName", "Issn", *[None] * (n - 5)) for n in (10, 11)
    },
    "ConferenceInstances": {
        n: ("ConferenceInstanceId", None, "DisplayName", "ConferenceSeriesId", *[None] * (n - 4))
        for n in (15, 16, 17, 18)
    },
    "Authors": {
        8: ("AuthorId", None, None, "DisplayName", None, "PaperCount", None, None),
        9: ("AuthorId", None, None, "DisplayName", None, "PaperCount", None, None, None),
    },
}


@dataclass(frozen=True)
class MagTable:
    """A table of a dump: its file and the names of its columns by place."""

    name: str
    path: Path
    columns: tuple[str | None, ...]


def is_mag(folder: Path) -> bool:
    """Say whether a folder is a dump: it has the table of papers."""
    return folder.is_dir() and _file(folder, "Papers") is not None


def find_tables(folder: Path) -> dict[str, MagTable]:
    """Find the tables of a dump.

    Raises
    ------
    SourceError
        A table that every dump has is missing, or a file has columns that were
        never published.
    """
    found = {name: _file(folder, name) for name in (*REQUIRED, *OPTIONAL)}
    missing = [name for name in REQUIRED if found[name] is None]
    if missing:
        raise SourceError(
            f"{folder} lacks {', '.join(f'{name}.txt' for name in missing)} of a Microsoft "
            "Academic Graph dump; looked there and in `mag` and `advanced` inside it."
        )
    tables = {name: _table(name, path) for name, path in found.items() if path is not None}
    return {name: table for name, table in tables.items() if table is not None}


def _file(folder: Path, name: str) -> Path | None:
    for inside in _FOLDERS:
        for ending in (".txt", ".txt.gz"):
            path = folder / inside / f"{name}{ending}"
            if path.is_file():
                return path
    return None


def _table(name: str, path: Path) -> MagTable | None:
    """Tell the layout from the first line; None when the file is empty."""
    with Text(path) as source:
        first = source.read().split(b"\n", 1)[0]
    if not first:
        return None
    n_columns = first.count(b"\t") + 1
    known = LAYOUTS[name]
    if n_columns not in known:
        raise SourceError(
            f"{path} has {n_columns} columns; {name} was published with {_or(sorted(known))}. "
            "Check that it is separated by tabs and has no header."
        )
    return MagTable(name, path, known[n_columns])


def _or(numbers: Sequence[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} or {last}" if most else last
