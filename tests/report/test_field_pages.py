"""The page on fields: one answer, one chart with intervals, the tables beside."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.report.field_pages import fields_page, fields_said
from isthmus.report.source import Source
from isthmus.results import Results, schema_of
from isthmus.study import Study

COLUMNS = schema_of("contrasts").names


def results_with(folder: Path, *contrasts: dict[str, object]) -> Results:
    rows = [
        dict.fromkeys(COLUMNS)
        | {"field": "a", "number": "Gain", "scale": "ratio", "others": 5, "why": "why"}
        | {"estimate": 60.0, "low": 50.0, "high": 70.0, "others_mean": 1.25}
        | row
        for row in contrasts
    ]
    numbers = [
        {"field": name, "claim": "x", "number": "Gain", "estimate": at}
        | {"estimate_low": at - 1, "estimate_high": at + 1}
        for name, at in (("a", 60.0), ("b", 1.0))
    ]
    tables = {"contrasts": rows, "field_numbers": numbers}
    for name, made in tables.items():
        pq.write_table(pa.Table.from_pylist(made, schema_of(name)), folder / f"{name}.parquet")
    settings = Study.parse({"study": {"corpus": "c", "years": [2000, 2010]}}).settings()
    record = {"title": "T", "settings": settings, "steps": {}, "corpus": {}}
    return Results(folder, record | {"tables": {name: len(t) for name, t in tables.items()}})


def test_the_page_answers_first(tmp_path: Path) -> None:
    found = results_with(
        tmp_path,
        {"claim": "x", "p": 0.001, "only_here": "only here"},
        {"claim": "y", "p": 0.7, "only_here": "undecided", "number": "Other"},
    )
    page = fields_page(Source(found))
    assert (
        "Of 2 claims compared with other fields, 1 holds in this field only; the clearest: Gain "
        "is 60 here and 1.25 on average elsewhere." in page.intro
    )
    (control,) = page.controls
    assert control["options"] == [["Gain", "Gain"], ["Other", "Other"]]
    assert control["default"] == "Gain"
    chart = page.views[0].chart[""]
    assert "estimate_low" in str(chart)
    assert page.views[0].plain(Source(found))["columns"][1]["ends"] == [
        "estimate_low",
        "estimate_high",
    ]


def test_nothing_special_and_nothing_compared_are_said(tmp_path: Path) -> None:
    found = results_with(tmp_path, {"claim": "x", "p": 0.5, "only_here": "undecided"})
    assert "none holds in this field only" in fields_said(Source(found))
    few = results_with(tmp_path, {"claim": "x", "only_here": "undecided"})
    assert "too few other fields" in fields_said(Source(few))
