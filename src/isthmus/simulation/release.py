"""A simulated world as OpenAlex publishes a release since June 2026.

JSON lines and Parquet, each a whole copy, in folders by entity and date of update, with a
manifest for each entity and one over all, and a list of deleted works. Beside the works of
the world there are records that a study leaves out: of the expansion (xpac), paratext, and
works that the list calls deleted. They look like works of the world, so that a reader who
counts them gets other numbers than those planted.
"""

from __future__ import annotations

import gzip
import io
import types
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from isthmus.simulation.openalex import SITE, Record

#: One work of so many has a twin of each kind: with xpac these are a third of all records.
TWINS = {"xpac": 2, "paratext": 100, "deleted": 100}

#: Added to the number of a work for that of its twin.
OFFSETS = {"xpac": 10**9, "paratext": 2 * 10**9, "deleted": 3 * 10**9}

#: Of ten authors so many have an ORCID.
ORCIDS_IN_TEN = 6

#: Where the files of a release are, in its manifests.
CLOUD = "s3://openalex/data"

#: Records of one file; OpenAlex has up to 400,000.
RECORDS_PER_FILE = 50_000

#: Records of one row group of Parquet; memory holds one such block.
BLOCK = 5_000

DELETED = "deleted_ids.csv"

_T, _B, _I, _F = pa.string(), pa.bool_(), pa.int64(), pa.float64()


def _record(**fields: pa.DataType) -> pa.StructType:
    return pa.struct(list(fields.items()))


_PLACE = _record(id=_T, display_name=_T)
_TOPIC = _record(id=_T, display_name=_T, score=_F, subfield=_PLACE, field=_PLACE, domain=_PLACE)
_INSTITUTION = {"id": _T, "display_name": _T, "ror": _T, "country_code": _T, "type": _T}
_SOURCE = {"id": _T, "display_name": _T, "issn_l": _T, "type": _T}
_AUTHOR = {"id": _T, "display_name": _T, "orcid": _T}

#: Entity -> columns of its Parquet files. ``updated_date`` is a timestamp there.
SCHEMAS: dict[str, pa.Schema] = {
    "works": pa.schema(
        _record(
            id=_T,
            doi=_T,
            title=_T,
            display_name=_T,
            ids=_record(openalex=_T),
            publication_year=_I,
            publication_date=_T,
            language=_T,
            type=_T,
            primary_location=_record(is_oa=_B, source=_record(**_SOURCE)),
            authorships=pa.list_(
                _record(
                    author_position=_T,
                    author=_record(**_AUTHOR),
                    raw_orcid=_T,
                    institutions=pa.list_(_record(**_INSTITUTION)),
                    countries=pa.list_(_T),
                    is_corresponding=_B,
                )
            ),
            is_authors_truncated=_B,
            cited_by_count=_I,
            is_retracted=_B,
            is_paratext=_B,
            is_xpac=_B,
            primary_topic=_TOPIC,
            topics=pa.list_(_TOPIC),
            concepts=pa.list_(_record(id=_T, level=_I, score=_F)),
            referenced_works_count=_I,
            referenced_works=pa.list_(_T),
            updated_date=_T,
        )
    ),
    "authors": pa.schema(_record(**_AUTHOR, works_count=_I, updated_date=_T)),
    "institutions": pa.schema(_record(**_INSTITUTION, updated_date=_T)),
    "sources": pa.schema(_record(**_SOURCE, updated_date=_T)),
}


def as_released(records: Iterable[Record]) -> Iterator[Record]:
    """Add to records of works the fields of a release, and some of them their twins."""
    for record in records:
        signed = [_signed(authorship) for authorship in record["authorships"]]
        work = record | {"authorships": signed, "ids": {"openalex": record["id"]}}
        yield work | {"is_paratext": False, "is_xpac": False}
        number = work_number(record)
        for kind, one_of in TWINS.items():
            if number % one_of == 0:
                yield _twin(work, kind, number)


def work_number(record: Record) -> int:
    """Number behind the id of a work."""
    return int(record["id"].removeprefix(f"{SITE}W"))


def deleted_works(numbers: Iterable[int]) -> list[int]:
    """Numbers of the twins that the release calls deleted."""
    return [n + OFFSETS["deleted"] for n in numbers if n % TWINS["deleted"] == 0]


def _twin(work: Record, kind: str, number: int) -> Record:
    name = f"{SITE}W{number + OFFSETS[kind]}"
    kinds = {"xpac": "dataset", "paratext": "paratext"}
    return work | {
        "id": name,
        "ids": {"openalex": name},
        "type": kinds.get(kind, work["type"]),
        "is_paratext": kind == "paratext",
        "is_xpac": kind == "xpac",
        "cited_by_count": 0,
    }


def _signed(authorship: Record) -> Record:
    author = with_orcid(authorship["author"])
    return authorship | {"author": author, "raw_orcid": author["orcid"]}


def with_orcid(author: Record) -> Record:
    """Add an ORCID to an author, unless it is one of those without.

    Examples
    --------
    >>> with_orcid({"id": SITE + "A5000000001"})["orcid"]
    'https://orcid.org/0000-0500-0000-0015'
    """
    number = int(author["id"].removeprefix(f"{SITE}A"))
    return author | {"orcid": _orcid(number) if number % 10 < ORCIDS_IN_TEN else None}


def _orcid(number: int) -> str:
    """Write a number as ORCID with its check digit (ISO 7064, 11,2)."""
    digits = f"{number:015d}"
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    whole = digits + ("X" if check == 10 else str(check))
    return "https://orcid.org/" + "-".join(whole[i : i + 4] for i in range(0, 16, 4))


class Release:
    """Writes the files of a release into a folder, in both formats, and their manifests.

    Parameters
    ----------
    folder
        Where ``jsonl`` and ``parquet`` are made.
    date
        Date of the release.
    """

    def __init__(self, folder: Path, date: str) -> None:
        self._folder = folder
        self._date = date
        self._files: dict[str, dict[str, list[dict[str, Any]]]] = {"jsonl": {}, "parquet": {}}

    def add(self, entity: str, updated: str, records: Iterable[Record]) -> None:
        """Write records of an entity that were updated on a day."""
        rest, number = iter(records), 0
        while block := list(islice(rest, min(BLOCK, RECORDS_PER_FILE))):
            with _Part(self._folder, entity, f"updated_date={updated}/part_{number:04d}") as part:
                part.write(block)
                while part.records < RECORDS_PER_FILE and (
                    block := list(islice(rest, min(BLOCK, RECORDS_PER_FILE - part.records)))
                ):
                    part.write(block)
            for form, path in part.paths.items():
                meta = {"content_length": path.stat().st_size, "record_count": part.records}
                url = f"{CLOUD}/{path.relative_to(self._folder).as_posix()}"
                self._files[form].setdefault(entity, []).append({"url": url, "meta": meta})
            number += 1

    def finish(self, deleted: Iterable[int]) -> None:
        """Write the list of deleted works and the manifests."""
        rows = [f"{SITE}W{number},{self._date}" for number in deleted]
        for form, entities in self._files.items():
            about = {"date": self._date, "format": form}
            (self._folder / form / "works" / DELETED).write_text(
                "\n".join(["work_id,deleted_date", *rows]) + "\n", encoding="utf-8"
            )
            each = [_manifest(entity, files) for entity, files in sorted(entities.items())]
            for manifest in each:
                _save(about | manifest, self._folder / form / manifest["entity"])
            _save(about | {"entities": each}, self._folder / form)


class _Part:
    """A file of records, as JSON lines and as Parquet side by side."""

    def __init__(self, folder: Path, entity: str, name: str) -> None:
        self.records = 0
        self.paths = {
            "jsonl": folder / "jsonl" / entity / f"{name}.gz",
            "parquet": folder / "parquet" / entity / f"{name}.parquet",
        }
        self._schema = SCHEMAS[entity]
        self._stack = ExitStack()

    def __enter__(self) -> _Part:
        for path in self.paths.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        # No name and no time in the file, so that equal records give equal bytes.
        raw = self._stack.enter_context(self.paths["jsonl"].open("wb"))
        self._lines = self._stack.enter_context(
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0)
        )
        schema = _dated(self._schema)
        self._rows = self._stack.enter_context(pq.ParquetWriter(self.paths["parquet"], schema))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._stack.close()

    def write(self, records: list[Record]) -> None:
        """Write a block of records to both files."""
        lines = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
        self._lines.write(lines)
        options = pyarrow.json.ParseOptions(
            explicit_schema=self._schema, unexpected_field_behavior="error"
        )
        reading = pyarrow.json.ReadOptions(block_size=len(lines) + 1)
        table = pyarrow.json.read_json(io.BytesIO(lines), reading, options)
        self._rows.write_table(table.cast(_dated(self._schema)))
        self.records += len(records)


def _dated(schema: pa.Schema) -> pa.Schema:
    """The schema of the Parquet files: dates of update and publication are no text there."""
    kinds = {"updated_date": pa.timestamp("us"), "publication_date": pa.date32()}
    return pa.schema([pa.field(f.name, kinds.get(f.name, f.type)) for f in schema])


def _manifest(entity: str, files: list[dict[str, Any]]) -> dict[str, Any]:
    sums = {
        name: sum(file["meta"][name] for file in files)
        for name in ("record_count", "content_length")
    }
    return {"entity": entity, **sums, "files": files}


def _save(manifest: dict[str, Any], folder: Path) -> None:
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / "manifest.json").write_bytes(content + b"\n")
