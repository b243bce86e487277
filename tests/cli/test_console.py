"""What the terminal shows fits 80 columns: no row is wider, no heading is cut."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

import isthmus.cli.demo
from isthmus.cli.console import VERDICT_WIDTH, planted_leaders, recovery, twins
from isthmus.cli.demo import Recovery, Twins, compared
from isthmus.findings import Finding
from isthmus.findings.verdict import Claim, Decision
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
