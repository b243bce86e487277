"""Pieces of the reader against brute force, and records of any structure."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.samples import HOME, work
from isthmus.corpus import chunks
from isthmus.corpus.chunks import Pool, cut
from isthmus.corpus.countries import countries, country_code
from isthmus.corpus.documents import Document
from isthmus.corpus.ids import NO_ID, Merges, first_of, number, numbers, reference_lists
from isthmus.corpus.inflate import READ_BYTES, Filler, Inflater
from isthmus.corpus.openalex import WorkBatch
from isthmus.corpus.records import Decoder, NotJSONError, Work
from isthmus.corpus.schema import TABLES

IDS = st.one_of(
    st.none(),
    st.integers(0, 10**13).map(lambda n: f"{HOME}W{n}"),
    st.integers(0, 99).map(lambda n: f"W{n}"),
    st.sampled_from(["", "W", "https://openalex.org/W", "https://openalex.org/A1", "x", "W1_2"]),
)


@given(st.lists(IDS))
@settings(deadline=None)
def test_many_ids_are_read_like_one(texts: list[str | None]) -> None:
    assert numbers(texts, "W").tolist() == [number(text, "W") for text in texts]


@given(st.lists(st.lists(IDS)))
@settings(deadline=None)
def test_reference_lists_are_read_like_single_ids(lists: list[list[str | None]]) -> None:
    found, counts = reference_lists([json.dumps(items).encode() for items in lists])
    assert counts.tolist() == [len(items) for items in lists]
    assert found.tolist() == [number(item, "W") for items in lists for item in items]


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([NO_ID, 1, 2, 3, 2**45]))))
@settings(deadline=None)
def test_first_of_equals_brute_force(pairs: list[tuple[int, int]]) -> None:
    group, value = np.array(pairs, np.int64).reshape(-1, 2).T
    expected = [i if v == NO_ID else pairs.index((g, v)) for i, (g, v) in enumerate(pairs)]
    found = first_of(group, value)
    assert (list(range(len(pairs))) if found is None else found.tolist()) == expected


@given(
    content=st.lists(st.binary(max_size=40), max_size=6),
    limit=st.integers(1, 50),
    end=st.integers(0, 400),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_inflater_gives_what_gzip_gives_up_to_the_cut(
    tmp_path: Path, content: list[bytes], limit: int, end: int
) -> None:
    packed = b"".join(gzip.compress(piece) for piece in content)
    path = tmp_path / "file.gz"
    path.write_bytes(packed[:end])
    with Inflater(path) as source:
        found = b"".join(iter(lambda: source.read(limit), b""))
    whole = b"".join(content)
    assert whole.startswith(found) or end < 2
    if end >= len(packed):
        assert found == whole
        assert not source.broken
    assert filled(path, limit) == (found, source.broken)


def filled(path: Path, limit: int) -> tuple[bytes, bool]:
    """What filling memory of so many bytes gives, and whether the file proves broken."""
    file, memory, found = Filler(path), memoryview(bytearray(limit)), b""
    while count := file.fill(memory):
        found += memory[:count]
    assert file.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()
    file.close()
    return found, file.broken


@pytest.mark.parametrize("name", [9, 2 << 20])
def test_a_header_of_any_length_is_read(tmp_path: Path, name: int) -> None:
    """The reader that fills memory refuses a name of half a megabyte."""
    packed = gzip.compress(b"lines\n")
    path = tmp_path / "file.gz"
    path.write_bytes(packed[:3] + b"\x08" + packed[4:10] + b"n" * name + b"\0" + packed[10:])
    assert filled(path, 100) == (b"lines\n", False)


@pytest.mark.parametrize("after", [b"", b"\0" * 9, b"rubbish"])
@pytest.mark.parametrize("limit", [7, 1000, 1 << 20])
def test_memory_is_filled_up_to_a_damage(tmp_path: Path, after: bytes, limit: int) -> None:
    content = np.random.default_rng(2).integers(97, 105, 40_000, np.uint8).tobytes()
    packed = bytearray(gzip.compress(content[:30_000]) + gzip.compress(content[30_000:]) + after)
    path = tmp_path / "file.gz"
    path.write_bytes(packed)
    assert filled(path, limit) == (content, after == b"rubbish")
    packed[len(packed) // 2] ^= 1
    path.write_bytes(packed)
    found, broken = filled(path, limit)
    with Inflater(path) as source:
        carefully = b"".join(iter(source.read, b""))
    assert broken
    assert source.broken
    assert found.startswith(carefully[: len(found)])
    assert len(found) >= len(carefully)


@pytest.mark.parametrize("packed", [True, False])
def test_a_long_file_is_hashed_whole_beside_the_inflating(tmp_path: Path, packed: bool) -> None:
    content = np.random.default_rng(1).bytes(3 * READ_BYTES + 5)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content, 0) if packed else content)
    with Inflater(path) as source:
        assert b"".join(iter(source.read, b"")) == content
        assert source.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert filled(path, 1 << 20) == (content, False)


class Pieces:
    """A source of given pieces, for what cuts and splits."""

    broken = False
    consumed = 0

    def __init__(self, content: bytes, size: int) -> None:
        self._stream, self._size = io.BytesIO(content), size

    def read(self, limit: int = 0) -> bytes:
        return self._stream.read(self._size)

    def sha256(self) -> str:
        return ""


@given(st.lists(st.binary(max_size=30)), st.integers(1, 100))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_chunks_hold_the_same_lines_however_they_were_read(
    monkeypatch: pytest.MonkeyPatch, lines: list[bytes], size: int
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 50)
    content = b"\n".join(lines)
    found = [bytes(chunk.data) for chunk in cut(Pieces(content, size), Pool())]
    assert b"".join(found) == content
    assert found == [bytes(chunk.data) for chunk in cut(Pieces(content, 1000), Pool())]
    assert all(part.endswith(b"\n") for part in found[:-1])


@given(st.lists(st.binary(max_size=70)), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_chunks_of_a_file_are_those_of_its_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[bytes], packed: bool
) -> None:
    """Lines longer than the memory for a chunk leave it; from there on pieces are put together."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 50)
    content = b"\n".join(lines)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if packed else content)
    if content[:2] == b"\x1f\x8b" and not packed:
        return
    found = []
    for chunk in cut(Filler(path), Pool()):
        found.append(bytes(chunk.data))
        chunk.release()
    assert found == [bytes(chunk.data) for chunk in cut(Pieces(content, 1000), Pool())]


@pytest.mark.parametrize(("content", "fault"), [(b"a\nb\n", None), (b"a\nb", "cut_off")])
def test_only_a_line_that_broke_off_is_at_fault(content: bytes, fault: str | None) -> None:
    pieces = Pieces(content, 3)
    pieces.broken = True
    (chunk,) = cut(pieces, Pool())
    assert (bytes(chunk.data), chunk.last_fault) == (content, fault)


def test_memory_of_a_chunk_is_used_again_only_once_it_was_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 50)
    content = b"".join(b"%03d\n" % n for n in range(200))
    held: list[tuple[Any, bytes]] = []
    given: list[bytes] = []
    memories = set()
    for place, chunk in enumerate(cut(Pieces(content, 7), Pool())):
        memories.add(id(chunk.data.obj))
        if place % 2:
            held.append((chunk, bytes(chunk.data)))
        else:
            given.append(bytes(chunk.data))
            chunk.release()
    assert len(memories) <= len(held) + 1
    assert all(chunk.data == lines for chunk, lines in held)
    assert b"".join(sorted([*given, *(lines for _, lines in held)])) == content


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4)), st.integers(1, 40))
@settings(deadline=None)
def test_document_gives_the_elements_of_an_array(records: list[dict[str, Any]], size: int) -> None:
    for text in (json.dumps(records), json.dumps({"meta": records, "results": records}, indent=1)):
        document = Document(Pieces(text.encode(), size))  # type: ignore[arg-type]
        lines = b"".join(iter(document.read, b"")).splitlines()
        assert [json.loads(line) for line in lines] == records
        assert not document.broken


FIELDS = sorted(Work.__struct_fields__)
PARTS = ["author", "institutions", "countries", "id", "country_code", "source", "score", "subfield"]
NESTED = st.recursive(
    VALUES | IDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PARTS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(FIELDS), NESTED, max_size=6))
@settings(max_examples=400, deadline=None)
def test_record_of_any_structure_is_kept_or_rejected_never_a_crash(changes: dict[str, Any]) -> None:
    batch, decoder = WorkBatch(Merges()), Decoder(Work)
    records = (work(1), {**work(2), **changes}, work(3))
    reasons = [batch.add(decoder.decode(json.dumps(record).encode())) for record in records]
    tables = batch.tables()
    assert tables["works"].num_rows == reasons.count(None)
    for name in ("authorships", "affiliations", "references", "subjects"):
        assert tables[name].schema.equals(TABLES[name])
        assert sum(tables["works"][f"n_{name}"].to_pylist()) == tables[name].num_rows


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_bytes_of_any_kind_are_a_record_or_not_json(line: bytes) -> None:
    with contextlib.suppress(NotJSONError):
        assert isinstance(Decoder(Work).decode(line), Work)


def test_countries_are_iso_and_kosovo(shared_data: Path) -> None:
    import csv

    with (shared_data / "countries" / "country-codes.csv").open(encoding="utf-8") as lines:
        iso = {row["ISO3166-1-Alpha-2"] for row in csv.DictReader(lines)}
    assert countries().keys() == (iso - {""}) | {"XK"}
    assert country_code("na") == "NA"
    assert [country_code(raw) for raw in ("UK", "EL", "EU", "XX", "USA", None)] == [
        "GB",
        "GR",
        None,
        None,
        None,
        None,
    ]
