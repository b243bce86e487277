"""What the terminal shows fits 80 columns: no row is wider, no heading is cut."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console
from rich.table import Table

import isthmus.cli.demo
from isthmus.cli.console import (
    VERDICT_WIDTH,
    edge_rows,
    planted_leaders,
    pole_summary,
    recovery,
    twins,
)
from isthmus.cli.demo import Recovery, Twins, compared
from isthmus.findings import Finding
from isthmus.findings.verdict import Claim, Decision
from isthmus.report.source import Source
from isthmus.results import Results

#: Verdicts that findings know, and one that they may learn.
VERDICTS = ("supported", "contradicted", "undecided", "not testable here", "unheard of")

LONG = "Germany-based scientists who came from India write nearly 30 times as often with India."


def printed(table: Table, width: int = 80) -> list[str]:
    console = Console(width=width, file=io.StringIO(), legacy_windows=False)
    console.print(table)
    return console.file.getvalue().splitlines()


def tables() -> dict[str, Callable[[], Table]]:
    pairs = [Twins(LONG, (v, -0.00123456), (v, None)) for v in VERDICTS]
    rows = [{"country": "US", "papers_last_author": 123_456_789, "papers_fractional": 1e8 / 3}]
    rows[0] |= {"c2_sum": 987_654_321, "hits": 1234.5}
    found = [Recovery("country_year", "papers_fractional", 123_456, 123_456)]
    return {
        "twins": lambda: twins(pairs),
        "leaders": lambda: planted_leaders(rows, {"US": 123_456_789.0}),
        "recovery": lambda: recovery(found),
    }


@pytest.mark.parametrize("name", ["twins", "leaders", "recovery"])
def test_tables_of_the_demonstration_fit_80_columns(name: str) -> None:
    table = tables()[name]()
    lines = printed(table)
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    head = " ".join(lines[1 : next(i for i, line in enumerate(lines) if line.startswith("┡"))])
    for column in table.columns:
        for word in str(column.header).split():
            assert word in head, (word, lines)


def test_each_claim_shows_statement_verdict_and_one_number() -> None:
    text = "\n".join(printed(twins([Twins(LONG, ("contradicted", 6220.4), ("undecided", None))])))
    words = " ".join(line.split("│")[1].strip() for line in text.splitlines() if "│" in line)
    assert LONG in words
    assert "contradicted" in text
    assert "6,220" in text
    assert max(map(len, VERDICTS)) <= VERDICT_WIDTH


def of_tables(monkeypatch: pytest.MonkeyPatch, **tables: list[dict[str, Any]]) -> Results:
    """Results that hold these rows, without a folder."""
    monkeypatch.setattr(Results, "table", lambda self, name: pa.Table.from_pylist(tables[name]))
    monkeypatch.setattr(Source, "why_no_poles", "")
    return Results(
        Path(), {"title": "Poles of edges_1990_2023.csv.gz", "tables": dict.fromkeys(tables, 1)}
    )


def widest_pole_rows() -> list[dict[str, Any]]:
    """Rows of `placebo` whose every cell is as wide as numbers and names get."""
    row: dict[str, Any] = {
        "null_model": "multiedge_overdispersed",
        "layer": "collaboration",
        "what": "poles_converge",
        "quantity": "log_ratio",
        "source": "CN",
        "target": "US",
        "reason": "not one line",
        "p": 0.012,
        "survives": False,
    }
    numbers = (-0.000123456, -1234567.8, -5.4e-18, 6.22e6)
    return [row | {"study": x, "placebo_low": x, "placebo_high": -x} for x in numbers]


def test_terminal_tables_of_poles_fit_80_columns_without_a_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = widest_pole_rows()
    for number, row in enumerate(rows):
        row["source"] = f"C{number}"
    name = "no country that is known, kept as written: " + "Llanfairpwllgwyngyll" * 5
    edges = [
        {"reason": "rows read", "rows": 123_456_789, "set_aside": False},
        {"reason": name, "rows": 123_456_789, "set_aside": True},
    ]
    results = of_tables(monkeypatch, placebo=rows, edges=edges)
    shown = [edge_rows(results), *pole_summary(results)]
    for table in shown:
        lines = printed(table)
        assert max(map(len, lines)) <= 80
        assert "…" not in "".join(lines)
        text = "".join(lines)
        for column in table.columns:
            assert str(column.header) in text
            if column.no_wrap:
                assert all(str(cell) in text for cell in column.cells)
    assert "-0.000123 to 0.000123" in "".join(printed(shown[1]))


def test_rounding_errors_are_shown_as_0(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = widest_pole_rows()[2]
    (table,) = pole_summary(of_tables(monkeypatch, placebo=[tiny]))
    assert [list(column.cells) for column in table.columns[1:3]] == [["0"], ["0 to 0"]]


def test_a_table_too_narrow_would_be_seen() -> None:
    lines = printed(tables()["leaders"](), 40)
    assert "…" in "".join(lines) or max(map(len, lines)) > 40


def test_every_claim_that_tables_can_decide_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def claim(name: str, needs: tuple[str, ...]) -> Claim:
        statement = f"{name} holds."
        return Claim(name, statement, "anywhere", needs, estimand="", measure=lambda _: [])

    named = [claim("a", ("links",)), claim("policy", ()), claim("b", ("matched",))]
    planted, twin = Results(Path("planted"), {}), Results(Path("twin"), {})
    said = {
        "planted": {"a": Decision("supported", "", 2.0), "b": Decision("undecided", "")},
        "twin": {"a": Decision("undecided", "", 1.0), "b": Decision("supported", "", 3.0)},
    }

    def decided(results: Results) -> list[Finding]:
        none = Decision("undecided", "")
        return [Finding(c, said[results.path.name].get(c.name, none)) for c in named]

    monkeypatch.setattr(isthmus.cli.demo, "decide", decided)
    assert compared(planted, twin) == [
        Twins("a holds.", ("supported", 2.0), ("undecided", 1.0)),
        Twins("b holds.", ("undecided", None), ("supported", 3.0)),
    ]
