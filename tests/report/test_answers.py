"""Answers are compared with the tables they are made from, and drawn for every kind of results."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

from isthmus.poles.recent_ties import recent_ties
from isthmus.report.answers import Chart, Series, absent, answers, verdict_counts
from isthmus.report.answers.turning import course, dated_turn, turn_sentence
from isthmus.report.cards import cards, not_answered, terminal
from isthmus.report.design import VERDICTS, colour_places
from isthmus.report.sentences import pair_sentences
from isthmus.report.shards import pair_summary
from isthmus.report.small_chart import is_cut, small_chart
from isthmus.report.source import Source


def test_who_leads_is_what_the_table_says(source: Source) -> None:
    table = source.table("country_year")
    assert table is not None
    last = [row for row in table.to_pylist() if row["year"] == 2006]
    first = max(last, key=lambda row: row["papers_last_author_share"])
    answer = answers(source)[0]
    assert answer.name == "who-leads"
    name = {"US": "the US", "CN": "China"}[first["country"]]
    share = first["papers_last_author_share"] * 100
    found = re.search(
        r"In 2006, (.+) led with ([\d.]+) % \(([\d.]+) to ([\d.]+)\)", answer.sentence
    )
    assert found is not None
    assert found[1] == name
    numbers = [float(text) for text in found.groups()[1:]]
    assert numbers == pytest.approx([share, share * 0.9, share * 1.1], rel=0.01)


def test_a_card_and_a_pair_say_since_when(source: Source, bare: Source) -> None:
    said = "In joint papers they came together until 2003 (2002 to 2004) and drift apart since: "
    said += "+3.0 % a year (+2.0 to +4.1) before, -4.9 % a year (-5.8 to -3.9) since."
    assert turn_sentence(source, "collaboration", "US", "CN") == said
    undated = turn_sentence(source, "citation", "CN", "US")
    assert undated == "In citations they turned, but the year cannot be dated (2002 to 2004)."
    assert (
        turn_sentence(source, "collaboration", "US", "AD") == "In joint papers, no turn is shown."
    )
    assert turn_sentence(source, "citation", "US", "AD") == ""  # not asked
    assert turn_sentence(bare, "collaboration", "US", "CN") == ""
    texts = pair_sentences(source, pair_summary(source)).to_pylist()
    assert [row["text"] for row in texts if said in row["text"] and undated in row["text"]]


def test_the_chart_of_a_card_shows_the_turn_where_it_is_dated(source: Source, bare: Source) -> None:
    found = {answer.name: answer.chart for answer in answers(source)}
    chart = found["drift-collaboration"]
    assert chart is not None
    assert chart.turn == dated_turn(source, "collaboration", "CN", "US") == (2003, 2002, 2004)
    drawn = small_chart(chart, {}, "Drift")
    years = chart.series[0].x
    left, right = 48, 340 - 92  # where the first and the last year stand
    place = left + (right - left) * (2003 - years[0]) / (years[-1] - years[0])
    assert f'class="turn" d="M{place:.1f}' in drawn
    assert ">2003</text>" in drawn
    other = found["drift-citation"]
    assert other is not None
    assert other.turn is None  # turned, but not dated
    assert 'class="turn' not in small_chart(other, {}, "Drift")
    assert dated_turn(bare, "collaboration", "US", "CN") is None


def test_courses_of_several_turns_and_of_none_that_is_clear() -> None:
    def turn(year: int, before: float, after: float) -> dict[str, float]:
        row = {"year": year, "year_low": year, "year_high": year, "change": after - before}
        for name, slope in (("before", before), ("after", after)):
            row |= {f"slope_{name}_low": slope - 0.01, f"slope_{name}_high": slope + 0.01}
        return row

    found = course([turn(2001, 0.05, -0.05), turn(2005, -0.05, -0.02)])
    assert "came together until 2001" in found
    assert found.endswith(
        "drifted apart until 2005 (2005 to 2005) and drift apart more slowly since"
    )
    assert "without a clear direction" in course([turn(2001, 0.001, -0.001)])


def test_verdicts_of_cards_are_those_of_the_findings(source: Source) -> None:
    table = source.table("findings")
    assert table is not None
    verdicts = {row["claim"]: row["verdict"] for row in table.to_pylist()}
    tested = [answer for answer in answers(source) if answer.claim]
    assert len(tested) >= 4
    assert all(verdicts[answer.claim] == answer.verdict for answer in tested)
    assert sum(verdict_counts(source).values()) == len(verdicts)


def test_an_absent_table_gives_a_reason_and_no_card(bare: Source) -> None:
    names = {answer.name for answer in answers(bare)}
    assert "who-leads" in names
    assert not names & {"movers", "teaming", "partners", "drift-collaboration"}
    reasons = {one.question: one.why for one in absent(bare)}
    assert any("matched" in why for why in reasons.values())
    assert "`" not in not_answered(bare)


def test_cards_are_inert_and_whole(source: Source) -> None:
    page = cards(source)
    assert page.count('<article class="card"') == len(answers(source))
    ElementTree.fromstring(page.replace("&#x27;", "'"))
    assert "style=" not in page
    assert re.search(r"\d[eE][+-]\d", page) is None


def test_the_terminal_has_twenty_lines_of_eighty_columns(source: Source, bare: Source) -> None:
    for one in (source, bare):
        lines = terminal(one)
        assert len(lines) <= 20
        assert max(map(len, lines)) <= 80
        counts = list(verdict_counts(one).values())
        assert [int(n) for n in re.findall(r"\] (\d+)", lines[-1])] == counts


def test_the_terminal_says_when_the_poles_turned(source: Source) -> None:
    lines = "\n".join(terminal(source, most=100))
    assert "In joint papers the US and China turned in 2003 (2002 to 2004)." in lines
    assert "Change a year: +3.0 % before, -4.9 % since." in re.sub(r"\s+", " ", lines)
    assert "turned in 2003" in "\n".join(terminal(source, most=12))


def test_poles_keep_the_first_colours(source: Source) -> None:
    places = colour_places(source)
    assert [places["US"], places["CN"]] == [0, 1]
    assert set(places.values()) <= set(range(8))


def test_every_verdict_has_a_shape_of_its_own() -> None:
    assert len({style.shape for style in VERDICTS.values()}) == len(VERDICTS) == 4
    assert len({style.sign for style in VERDICTS.values()}) == 4


def test_one_sparse_year_does_not_flatten_the_others() -> None:
    years, path = range(2000, 2010), [15.0, 0.1, -0.1, 0.2, -0.2, 0.1, 0.0, 0.2, -0.1, 0.1]
    chart = Chart("lines", "Affinity", [Series("A", "A", years, path)])
    assert is_cut(chart)
    heights = re.findall(r'cy="([\d.]+)"', small_chart(chart, {}, "t"))
    assert max(map(float, heights[1:])) - min(map(float, heights[1:])) > 20
    even = Chart("lines", "Affinity", [Series("A", "A", years, [0.2, *path[1:]])])
    assert not is_cut(even)


def test_counts_begin_at_zero_whatever_their_intervals() -> None:
    line = Series("A", "A", [2000, 2001], [2.0, 9.0], [-1.0, 8.0], [5.0, 10.0])
    drawn = small_chart(Chart("lines", "Citations per paper", [line]), {}, "t")
    assert ">-1<" not in drawn
    assert ">0<" in drawn


def test_a_small_chart_leaves_gaps_and_stays_inside() -> None:
    line = Series("A", "", [2000, 2001, 2004, 2005], [0.1, 0.2, 0.3, 0.2])
    drawn = small_chart(Chart("lines", "Share", [line], share=True), {}, "t")
    path = re.search(r'class="line c0" d="([^"]+)"', drawn)
    assert path is not None
    assert path[1].count("M") == 2
    rows = [Series(name, name, (), [v], [v / 2], [v * 2]) for name, v in (("A", 1.5), ("B", 9.0))]
    drawn = small_chart(Chart("rows", "Times", rows, 1.0, logarithmic=True), {"A": 0, "B": 1}, "t")
    numbers = [float(n) for n in re.findall(r'(?: x|cx)="([\d.-]+)"', drawn)]
    assert numbers
    assert all(0 <= n <= 340 for n in numbers)
    assert "unsure" in drawn  # the first interval includes 1


def _links(expected: float) -> pa.Table:
    rows = []
    for year in range(2010, 2020):
        base = {"layer": "collaboration", "year": year, "source": "A", "target": "B"}
        affinity = {
            "affinity": np.log(2.0),
            "affinity_low": np.log(1.5),
            "affinity_high": np.log(3.0),
        }
        rows.append({**base, "null_model": "none", "observed": 9.0, "expected": None, **affinity})
        rows.append({**base, "null_model": "m", "observed": 9.0, "expected": expected})
    return pa.Table.from_pylist(rows)


def test_recent_ties_are_of_the_last_years_and_need_enough() -> None:
    (row,) = recent_ties(_links(1.2), "m").to_pylist()
    assert (row["first_year"], row["last_year"], row["observed"]) == (2015, 2019, 45.0)
    assert [row[c] for c in ("ratio", "low", "high")] == pytest.approx([2.0, 1.5, 3.0])
    (row,) = recent_ties(_links(0.9), "m").to_pylist()  # 4.5 expected in five years
    assert row["ratio"] is None
    assert recent_ties(_links(1.2).slice(0, 0), "m").num_rows == 0
