"""Pieces of the reader against brute force, and records of any structure."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.samples import HOME, work
from isthmus.corpus.ids import NO_ID, number
from isthmus.ingest import documents
from isthmus.ingest import lines as lines_module
from isthmus.ingest.decompress import Text, form_of, members
from isthmus.ingest.documents import Document, records_in
from isthmus.ingest.lines import Chunker, Scratch
from isthmus.ingest.openalex.definition import id_of
from isthmus.ingest.openalex.fields import FIELDS
from isthmus.ingest.tolerant import NotJSONError, Salvage

IDS = [
    *(
        "https://openalex.org/W12",
        "W12",
        "w12",
        "12",
        " W12 ",
        "https://api.openalex.org/works/W12",
    ),
    *("", "W", "https://openalex.org/W", "https://openalex.org/A1", "x", "W1_2", "W1e3", "W-1"),
    *("W0", "https://openalex.org/W1e3", "https://openalex.org/W12 ", "W123456789012345678"),
    *("http://openalex.org/W7", "W1 W2", "+12", "1.0", "W" + "9" * 30),
]


def test_ids_in_sql_are_read_like_ids_in_python() -> None:
    with duckdb.connect() as connection:
        for text in IDS:
            found = connection.execute(f"SELECT {id_of('$1', 'W')}", [text]).fetchall()[0][0]
            assert (NO_ID if found is None else found) == number(text, "W"), text


@given(
    content=st.lists(st.binary(max_size=40), max_size=6),
    limit=st.integers(1, 50),
    end=st.integers(0, 400),
)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_gzip_gives_what_there_is_up_to_the_cut(
    tmp_path: Path, content: list[bytes], limit: int, end: int
) -> None:
    packed = b"".join(gzip.compress(b"x" + piece) for piece in content)
    path = tmp_path / "file.gz"
    path.write_bytes(packed[:end])
    with Text(path) as source:
        found = b"".join(iter(lambda: source.read(limit), b""))
    whole = b"".join(b"x" + piece for piece in content)
    assert whole.startswith(found) or end < 2
    if end >= len(packed):
        assert found == whole
        assert not source.broken


def tar_of(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in ("a.jsonl", "b.jsonl"):
            item = tarfile.TarInfo(name)
            item.size = len(data)
            archive.addfile(item, io.BytesIO(data))
    return out.getvalue()


def zip_of(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", data)
        archive.writestr("folder/b.jsonl.gz", gzip.compress(data))
    return out.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "tar": tar_of,
    "zip": zip_of,
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("packing", PACKINGS)
def test_every_packing_and_encoding_gives_the_same_text(
    tmp_path: Path, packing: str, encoding: str
) -> None:
    text = '{"id": "https://openalex.org/W1", "title": "née 中文 𝔘"}\n' * 3
    path = tmp_path / "any.name"
    path.write_bytes(PACKINGS[packing](text.encode(encoding)))
    form = form_of(path)
    assert form == packing
    names: list[str | None] = [None]
    if form in ("tar", "zip"):
        names = [name for name, _ in members(path, form)]
        assert len(names) == 2
    for name in names:
        with Text(path, name) as source:
            assert b"".join(iter(source.read, b"")).decode() == text


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\r", b"")), max_size=8))
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_chunks_hold_every_line_once(tmp_path: Path, texts: list[bytes]) -> None:
    paths = []
    for number_of, text in enumerate(texts):
        paths.append(tmp_path / f"{number_of}.txt")
        paths[-1].write_bytes(b"-" + text.replace(b"\x00", b"0"))
    scratch = Scratch(tmp_path / "scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "CHUNK_BYTES", 32)
        patch.setattr(lines_module, "_PIECE_BYTES", 7)
        found: list[tuple[int, bytes]] = []
        before: dict[int, int] = {}
        for segments in Chunker([lambda p=p: Text(p) for p in paths], scratch).chunks():
            memory = scratch.reserve(segments[-1].end)
            for segment in segments:
                assert segment.lines_before == before.get(segment.source, 0)
                before[segment.source] = segment.lines_before + segment.lines
                piece = memory[segment.begin : segment.end]
                assert piece.count(b"\n") == segment.lines
                found += [(segment.source, line) for line in piece.split(b"\n")[:-1]]
    scratch.close()
    expected = []
    for source, path in enumerate(paths):
        content = path.read_bytes()
        lines = content.split(b"\n")
        expected += [(source, line) for line in (lines if lines[-1] else lines[:-1])]
    assert found == expected


NESTINGS: list[Any] = [
    [{"id": 1}, {"id": 2}],
    [[{"id": 1}], [{"id": 2}]],
    {"results": [{"id": 1}, {"id": 2}], "meta": {"count": 2}, "group_by": [{"key": "x"}]},
    [{"meta": {}, "results": [{"id": 1}]}, {"meta": {}, "results": [{"id": 2}]}],
    {"query": "ai", "data": {"works": [{"id": 1}, {"id": 2}]}},
    {"W1": {"id": 1}, "W2": {"id": 2}},
    {"page1": {"results": [{"id": 1}]}, "page2": {"results": [{"id": 2}]}},
    [[[{"authorships": [{"id": 7}], "id": 1}]], {"id": 2}],
]


@pytest.mark.parametrize("value", NESTINGS)
@pytest.mark.parametrize("indent", [None, 2])
def test_records_are_found_in_any_nesting(tmp_path: Path, value: Any, indent: int | None) -> None:
    assert [record["id"] for record in records_in(value)] == [1, 2]
    path = tmp_path / "document.json"
    path.write_text(json.dumps(value, indent=indent))
    document = Document(Text(path))
    found = b"".join(iter(document.read, b"")).splitlines()
    assert [json.loads(line)["id"] for line in found] == [1, 2]
    assert not document.broken


def test_a_wrapped_list_longer_than_any_record_is_read_entry_by_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MAX_RECORD_BYTES", 1 << 20)
    entries = [{"id": n, "title": "x" * 1000} for n in range(5000)]
    path = tmp_path / "document.json"
    path.write_text(json.dumps({"meta": {"count": 5000}, "results": entries, "after": "y"}))
    found = b"".join(iter(Document(Text(path)).read, b"")).splitlines()
    assert [json.loads(line)["id"] for line in found] == list(range(5000))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from([*FIELDS["works"], "source", "author", "institutions", "score"]),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*FIELDS["works"]]), JSON, max_size=8))
@settings(deadline=None, max_examples=150)
def test_any_record_is_made_to_fit(record: dict[str, Any]) -> None:
    def fits(value: Any, spec: Any) -> bool:
        if value is None:
            return True
        if isinstance(spec, str):
            return isinstance(value, str)
        if isinstance(spec, list):
            return isinstance(value, list) and all(fits(entry, spec[0]) for entry in value)
        return isinstance(value, dict) and all(fits(v, spec[k]) for k, v in value.items())

    line = Salvage(FIELDS["works"]).line(json.dumps(record).encode(), {})
    assert b"\n" not in line
    assert fits(json.loads(line), FIELDS["works"])


def test_what_is_no_object_is_no_record() -> None:
    for text in (b"[1]", b"3", b"null", b'{"id": 1', b"\xff", b'{"id": 1} {"id": 2}', b"[" * 9999):
        with pytest.raises(NotJSONError):
            Salvage(FIELDS["works"]).line(text, {})


TEXTS = [
    f"{HOME}W7|{HOME}W8",
    f"['{HOME}W7', '{HOME}W8']",
    json.dumps([f"{HOME}W7", f"{HOME}W8"]),
    "W7; W8",
    "W7 W8",
    "W7,W8",
    f"{{{HOME}W7,{HOME}W8}}",
]


@pytest.mark.parametrize("text", TEXTS)
def test_lists_in_the_form_of_text_are_read(text: str) -> None:
    salvage = Salvage(FIELDS["works"])
    found = json.loads(salvage.line(json.dumps(work(1, referenced_works=text)).encode(), {}))
    assert [number(entry, "W") for entry in found["referenced_works"]] == [7, 8]
    assert salvage.dropped == 0
