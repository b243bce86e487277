"""The scanner gives what reading every record with care gives: same rows, same counts.

Everything is compared exactly: both readers stage the same lines, and their tables,
refused records and tallies must be equal. Lines are real works of every release, every
kind of bad record, works with values of any type in any place, and works with bytes
changed, removed or doubled at random.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.samples import HOME, author, work
from corpus.test_bad_input import BAD_RECORDS, BAD_VALUES
from corpus.test_reading import FIELDS, NESTED
from isthmus.corpus import reader, scanned
from isthmus.corpus.ids import Merges
from isthmus.corpus.merged import save_merged
from isthmus.corpus.reader import Task, read_chunk, scan_chunk
from isthmus.corpus.scanned import read_works
from isthmus.corpus.scanning.works import scan
from isthmus.corpus.staging import load_receipt, load_table

CHANGED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def staged(
    folder: Path, read: Any, data: bytes, fault: str | None = None
) -> tuple[dict[str, Any], list[Any]]:
    """What a reader stages of a chunk: its tables, and its receipt without zeros."""
    reader.load_merges.cache_clear()
    task = Task(
        entity="works",
        target=folder / read.__name__,
        last_fault=fault,
        last_bytes=99 if fault == "too_long" else None,
        consumed=len(data),
        merges=folder / "merges",
    )
    n_works = read(task, data)
    receipt = load_receipt(task.target)
    assert receipt is not None
    tables = {name: load_table(task.target, receipt, name) for name in receipt.segments}
    tallies = [+Counter(receipt.set_aside), +Counter(receipt.notes)]
    return tables, [n_works, receipt.works, receipt.refused, *tallies]


def compare(folder: Path, data: bytes, fault: str | None = None) -> None:
    tables, receipt = staged(folder, read_chunk, data, fault)
    found, found_receipt = staged(folder, scan_chunk, data, fault)
    assert found_receipt == receipt
    assert found.keys() == tables.keys()
    for name, table in tables.items():
        assert (found[name] is None) == (table is None), name
        if table is not None:
            assert found[name].schema.equals(table.schema), name
            assert found[name].equals(table), name


def lines(*records: Any) -> bytes:
    encoded = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
    return b"\n".join(encoded) + b"\n"


RICH = work(
    5,
    title='"née" \\ 中文 𝔘\n',
    authorships=[
        author(1, (11, "US"), (12, "CN"), (11, "US"), countries=["US", "FR", "ZZ", "FR"]),
        author(None, (None, None), is_corresponding=True),
        {"author": None, "institutions": None, "countries": None},
    ],
    referenced_works=[f"{HOME}W{n}" for n in (7, 8, 7, 5, 9)],
    concepts=[{"id": f"{HOME}C{n}", "score": s} for n, s in ((1, "0.25"), (2, 1e-05), (1, 0))],
    topics=[
        {
            "id": f"{HOME}T3",
            "score": 0.9994000196456909,
            "subfield": {"id": f"{HOME}subfields/1702"},
            "field": {"id": f"{HOME}fields/17"},
        }
    ],
    primary_topic={"id": f"{HOME}T4", "score": None, "subfield": None},
    primary_location={"source": {"id": None}},
    host_venue={"id": f"{HOME}V9", "display_name": "né", "type": None, "issn_l": "1-2"},
    abstract_inverted_index={"Despite": [0, 17], 'a "word"': [3], "né": [4, 205, 31]},
)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["works.jsonl.gz", "schema_variants_same_id.jsonl.gz"])
def test_real_works_are_read_alike(shared_data: Path, tmp_path: Path, name: str) -> None:
    with gzip.open(shared_data / "openalex-works" / name) as file:
        compare(tmp_path, file.read(24 << 20))


def n_careful(data: bytes) -> tuple[int, int]:
    """Records that the careful reader takes, and records in all."""
    careful = []
    add = scanned._Odd.add
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanned._Odd, "add", lambda self, *a: (careful.append(a), add(self, *a)))
        read = read_works(data, None, Merges())
    return len(careful), read.n_read


@pytest.mark.shared_data
def test_real_works_are_mostly_scanned(shared_data: Path) -> None:
    """The careful reader takes few: else the comparison would compare it with itself."""
    with gzip.open(shared_data / "openalex-works" / "works.jsonl.gz") as file:
        careful, read = n_careful(file.read(8 << 20))
    assert read > 500
    assert careful < 0.01 * read


def test_works_of_the_tests_are_scanned() -> None:
    assert n_careful(lines(work(1), RICH)) == (0, 2)


@pytest.mark.parametrize("merged", [False, True])
def test_bad_records_and_values_are_read_alike(tmp_path: Path, merged: bool) -> None:
    if merged:
        pairs = {"works": (7, 8), "authors": (1, 2), "institutions": (11, 12), "sources": (9, 10)}
        save_merged(
            tmp_path / "merges",
            {name: np.array(pair, np.int64).reshape(2, 1) for name, pair in pairs.items()},
        )
    bad = [record for _, record in BAD_RECORDS]
    changed = [work(20 + n, **changes) for n, (_, changes) in enumerate(BAD_VALUES)]
    data = lines(RICH, *bad, work(7), b"", b" \t\r", *changed, RICH | {"id": f"{HOME}W6"}, b"\x0b")
    compare(tmp_path, data)
    compare(tmp_path, data[:-1])


@pytest.mark.parametrize("key", [key for key in FIELDS if RICH.get(key)])
def test_keys_given_twice_are_read_alike(tmp_path: Path, key: str) -> None:
    for other in ([], None, RICH[key]):
        again = json.dumps({key: other})[1:-1].encode()
        compare(tmp_path, json.dumps(RICH).encode()[:-1] + b", " + again + b"}")
    nested = json.dumps(RICH).replace(
        '"countries": ["US"', '"countries": ["DE"], "countries": ["US"'
    )
    compare(tmp_path, nested.encode())


CODES = st.sampled_from(["US", "CN", "ZZ", None])
PEOPLE = st.builds(
    lambda who, places, countries: author(who, *places, countries=countries),
    st.sampled_from([1, 2, 3, None]),
    st.lists(st.tuples(st.sampled_from([11, 12, 13, None]), CODES), max_size=3),
    st.lists(st.sampled_from(["US", "CN", "FR", "ZZ"]), max_size=2),
)


@given(st.lists(PEOPLE, max_size=7), st.booleans())
@CHANGED
def test_authors_listed_again_are_read_alike(
    tmp_path: Path, people: list[dict[str, Any]], merged: bool
) -> None:
    folder = tmp_path / str(merged)
    pair = np.array([[2], [1]], np.int64)
    merges = {"authors": pair, "institutions": pair + 10} if merged else {}
    save_merged(folder / "merges", merges)
    compare(folder, lines(work(1), work(2, authorships=people), RICH))


def test_authors_listed_again_are_scanned() -> None:
    people = [author(1, (11, "US"), countries=["US"]), author(2), author(1, (12, "CN"))]
    assert n_careful(lines(work(2, authorships=people))) == (0, 1)


@pytest.mark.parametrize(
    "index",
    ["[0]", "[10, 2]", "[1,2]", "[01]", "[0, 00]", "[1,]", "[]", "[ 1]", "[1 ,2]", "[1,  2]",
     "[-1]", "[1.5]", "[1e2]", "[", "[1", "[1,", "1", "null", "[[1]]", "{}", "[\"1\"]", "[1]]"],
)  # fmt: skip
def test_indexes_of_abstracts_are_skipped_alike(tmp_path: Path, index: str) -> None:
    whole = json.dumps(work(1, abstract_inverted_index={"a": [7], "b": [8]}))
    compare(tmp_path, lines(whole.replace("[8]", index).encode(), work(2)))


@pytest.mark.parametrize("n", [32, 33, 64, 65])
def test_authors_of_many_institutions_listed_again_are_read_alike(tmp_path: Path, n: int) -> None:
    """As many affiliations as the scanner joins, and one more: it leaves those to the careful."""
    places = [(k, "US" if k % 2 else "CN") for k in range(n)]
    people = [author(1, *places), author(2, (5, "FR")), author(1, *places[::-1])]
    compare(tmp_path, lines(work(1, authorships=people), work(2)))


@pytest.mark.parametrize("fault", ["cut_off", "too_long"])
@pytest.mark.parametrize("last", [json.dumps(work(3)).encode(), b'{"id": 1', b'{"id": "x"}'])
def test_faults_of_the_last_line_are_read_alike(tmp_path: Path, fault: str, last: bytes) -> None:
    compare(tmp_path, lines(RICH, work(2)) + last + b"\n" * (fault == "too_long"), fault)


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), NESTED, max_size=3), max_size=4))
@CHANGED
def test_values_of_any_type_are_read_alike(tmp_path: Path, changes: list[dict[str, Any]]) -> None:
    compare(tmp_path, lines(*[{**RICH, **changed} for changed in changes], work(3)))


PLAIN = json.dumps(RICH).encode()
EDIT = st.tuples(
    st.integers(0, len(PLAIN)), st.integers(0, 3), st.binary(max_size=3) | st.sampled_from(
        [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"0", b"-", b"null", b"e", b"\\u00e9",
         b"\\ud800", b"\xff", b"\xc3\xa9", b"\n", b"\t", b" "]
    )
)  # fmt: skip


@given(st.lists(EDIT, min_size=1, max_size=3), st.booleans())
@CHANGED
def test_changed_bytes_are_read_alike(
    tmp_path: Path, edits: list[tuple[int, int, bytes]], cut: bool
) -> None:
    line = PLAIN
    for place, removed, added in edits:
        line = line[:place] + added + line[place + removed :]
    compare(tmp_path, lines(work(1), line, RICH) if not cut else line)


@given(st.floats(0, 1, width=64) | st.floats(0, 1, width=32) | st.decimals(0, 9, places=17))
@settings(max_examples=500, deadline=None)
def test_scores_are_rounded_like_python(score: Any) -> None:
    concept = f'"concepts": [{{"id": "{HOME}C1", "score": {score}}}]'
    line = json.dumps(work(1)).replace('"concepts": [', '"unused": [').encode()
    line = line[:-1] + b", " + concept.encode() + b"}\n"
    read = read_works(line, None, Merges())
    assert read.tables["subjects"]["score"].to_pylist() == [float(np.float32(float(score)))]


@given(
    st.lists(PEOPLE, max_size=5), st.sets(st.integers(1, 13), max_size=6), st.sampled_from([9, 4])
)
@CHANGED
def test_deleted_ids_are_read_alike(
    tmp_path: Path, people: list[dict[str, Any]], gone: set[int], venue: int
) -> None:
    folder = tmp_path / "-".join(map(str, sorted(gone)))
    ids = np.array(sorted(gone), np.int64)
    pairs = np.stack([ids, np.full(len(ids), -1)])
    kinds = ("works", "authors", "institutions", "sources")
    save_merged(folder / "merges", dict.fromkeys(kinds, pairs))
    twice = RICH | {"id": f"{HOME}W30", "venue": {"id": f"{HOME}S{venue}"}, "type": 3}
    people += [author(2, (13, "CN"), (12, None))]
    compare(folder, lines(work(1), work(2, authorships=people), twice, RICH, work(31)))


def test_the_scanner_is_compiled_once_whatever_memory_it_reads() -> None:
    """Compiling takes a minute; memory that may be written to is another type to the compiler."""
    line = json.dumps(work(1)).encode()
    merged = np.array([[5], [6]])
    locked = merged.copy()
    locked.flags.writeable = False
    for data in (line, line + b"\n", memoryview(bytearray(line + b"\n"))):
        for pairs in (merged, locked):
            read_works(data, None, Merges({"works": (pairs[0], pairs[1])}))
    assert len(scan.signatures) == 1
