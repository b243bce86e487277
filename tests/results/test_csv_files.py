"""CSV that a spreadsheet shows and never runs; numbers and Parquet stay what they are."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.results import write_table
from isthmus.results.csv_files import RUNS, inert

RUN = [
    '=HYPERLINK("http://evil.example","click")',
    "+1",
    "-5",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "＝1+1",
    "'=1+1",
]
SHOWN = ["A-B", "'quoted'", "5", "1e5", "", "US", "a\n=b", "CO2 = bad"]


@pytest.mark.parametrize("text", RUN)
def test_text_that_would_run_is_marked(text: str) -> None:
    assert inert(pa.table({"title": [text]}))["title"].to_pylist() == ["'" + text]


@pytest.mark.parametrize("text", SHOWN)
def test_other_text_is_as_it_was(text: str) -> None:
    assert inert(pa.table({"title": [text, None]}))["title"].to_pylist() == [text, None]


@given(st.lists(st.text(alphabet="'=+-@\t\r\n aＡ＝\u202e\x00", max_size=6), max_size=20))
def test_nothing_begins_like_a_formula_and_the_mark_can_be_taken_away(texts: list[str]) -> None:
    table = pa.table({"text": pa.array(texts, pa.string())})
    written = inert(table)["text"].to_pylist()
    assert not any(re.match(r"\s*[=+\-@＝＋－＠]|[\t\r\n]", text) for text in written)
    assert [re.sub(rf"^'(?={RUNS})", "", text) for text in written] == texts


def test_numbers_and_parquet_are_untouched(tmp_path: Path) -> None:
    numbers = {"loss": [-5] * len(RUN), "change": [-0.25] * len(RUN)}
    table = pa.table({"name": RUN, "large": pa.array(RUN, pa.large_string()), **numbers})
    write_table(tmp_path, "mine", table)
    assert pq.read_table(tmp_path / "mine.parquet").to_pydict() == table.to_pydict()
    with (tmp_path / "mine.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [row["large"] for row in rows] == ["'" + x for x in RUN]
    assert {(row["loss"], row["change"]) for row in rows} == {("-5", "-0.25")}
