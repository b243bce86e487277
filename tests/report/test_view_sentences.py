"""Sentences of a country's views are compared with rows a person can read."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

import pytest

from isthmus.report.bloc_views import blocs_said, window_control
from isthmus.report.excerpts import (
    LEAST_JOINT,
    LEAST_YEARLY,
    bloc_members,
    country_bounds,
    country_cohorts,
    country_indicators,
    country_reference_bounds,
    pair_indices,
    premiums,
    tie_turns,
)
from isthmus.report.pages import pages
from isthmus.report.sector_views import sector_pairs_said, sectors_said
from isthmus.report.shards import shards
from isthmus.report.source import Source
from isthmus.report.topic_pages import leaders_said, topics_page
from isthmus.report.view_sentences import (
    bounds_by_number,
    bounds_said,
    cohorts_said,
    dependence_said,
    indicators_said,
    indices_said,
    premiums_said,
    references_by_number,
)
from isthmus.study import Study


def test_bounds_are_said_over_all_years_and_where_they_are_widest(source: Source) -> None:
    table = country_bounds(source)
    assert table is not None
    rows = [row for row in table.to_pylist() if row["country"] == "CN"]
    assert rows[0]["year"] is None  # all years first
    assert bounds_said("CN", rows, source) == (
        "A country may be missing in 9 of 90 works. Of all papers, China has 20 % as measured, "
        "21 % filled in and 22 % weighted; the data allow 10 % to 30 %."
    )
    said = bounds_by_number(rows)
    assert len(said["number"]) == len(set(said["number"])) == 5
    assert set(said["text"]) == {
        "The extremes lie furthest apart in 2001: the data allow 10 % to 50 %."
    }
    assert bounds_said("CN", [], source) == ""


def test_indicators_are_of_the_longest_window_counted_fractionally(source: Source) -> None:
    table = country_indicators(source)
    assert table is not None
    assert set(table["years"].to_pylist()) == {4}
    assert set(table["papers"].to_pylist()) == {9.5}  # fractional
    ends = {"mncs_low": 0.8, "mncs_high": 1.3, "top10_share_low": None, "top10_share_high": None}
    ends |= {"international_share_low": 0.2, "international_share_high": 0.4}
    row = {"year": 2006, "years": 4, "international_share": 0.3, "mncs": 1.0, "top10_share": 0.1}
    later = {**row, **ends, "year": 2007, "mncs": None}
    assert indicators_said("CN", [{**row, **ends}, later], source) == (
        "In 2003-2006, 30 % (20 to 40) of China's papers were international. Those whose citations "
        "are known had 1 times (0.8 to 1.3) the usual citations of their subfield and year; 10 % "
        "were among the 10 % most cited."
    )
    assert indicators_said("CN", [later], source).endswith("(20 to 40) of China's papers were "
                                                           "international.")  # fmt: skip


@pytest.mark.parametrize(("low", "end"), [(0.9, ", no clear home bias."), (1.2, ").")])
def test_home_citations_are_said_against_size(source: Source, low: float, end: str) -> None:
    row = {"year": 2005, "home_share": 0.3, "home_share_low": 0.2, "home_share_high": 0.4}
    row |= {"home_expected": 0.2, "home_ratio": 1.5, "home_ratio_low": low, "home_ratio_high": 2.0}
    text = dependence_said("CN", [row, {**row, "year": 2006, "home_ratio_low": None}], source)
    assert text.startswith("Of the citations to China's papers of 2005, 30 % (20 to 40) came from")
    assert text.endswith(end)


def test_cohorts_are_of_all_who_began(source: Source) -> None:
    table = country_cohorts(source)
    assert table is not None
    rows = [row for row in table.to_pylist() if row["entry_country"] == "CN"]
    assert [row["years_since"] for row in rows] == [1, 2, 3]
    text = cohorts_said("CN", rows, source)
    assert text.startswith("Of 50 scientists who began in China, ")
    assert "are there 3 years later" in text
    assert cohorts_said("CN", [{**rows[0], "share_stayed": None}], source) == ""


def test_missing_references_are_said_of_each_number(source: Source) -> None:
    table = country_reference_bounds(source)
    assert table is not None
    rows = [row for row in table.to_pylist() if row["country"] == "CN"]
    said = references_by_number(rows, source)
    assert said["number"] == ["citations_mean", "home_share"]
    assert said["text"][0].startswith(
        "Citations per paper, all years: 0.2 as measured, 0.22 weighted; the data allow 0.1 to 0.4."
    )
    assert "20 % as measured" in said["text"][1]
    assert "References are missing in 9 of 90 works that may cite." in said["text"][1]


def test_sectors_are_those_of_the_last_year(source: Source) -> None:
    rows = source.results.table("sectors").to_pylist()
    mine = [row for row in rows if row["country"] == "CN"]
    earlier = [{**row, "papers_whole": 99} for row in mine if row["year"] < 2006]
    assert sectors_said(
        "CN", [*(row for row in mine if row["year"] == 2006), *earlier], source
    ) == ("Papers of China in 2006: 4 of companies, 30 of universities and none of government.")
    unknown = [row for row in mine if row["sector"] == "unknown"]
    assert sectors_said("CN", unknown, source).endswith("papers of 2006 are not known.")
    pairs = [r for r in source.results.table("sector_pairs").to_pylist() if r["country"] == "CN"]
    text = sector_pairs_said("CN", pairs, source)
    assert "3 of companies with universities, none of universities" in text


def test_slopes_without_a_turn_are_not_shown(source: Source) -> None:
    table = tie_turns(source)
    assert table is not None
    for row in table.to_pylist():
        assert (row["slope_before"] is None) == (row["turned"] is False)


def test_views_without_a_table_are_absent(source: Source, bare: Source) -> None:
    new = {
        "topic",
        "topic-leaders",
        "bloc_members",
        "indices",
        "turns",
        "indicators",
        "dependence",
        "cohorts",
        "bounds",
        "bounds-all",
        "reference-bounds",
        "sectors",
        "sector-pairs",
    }
    assert new <= {view.id for page in pages(source) for view in page.views}
    assert not new & {view.id for page in pages(bare) for view in page.views}
    keys = {control["key"] for page in pages(bare) for control in page.controls}
    assert not keys & {"indicator", "number", "index", "window", "topic", "cited"}
    sets = {name for _, found in shards(bare) for name in found}
    assert not sets & (new | {f"{name}_said" for name in new})


def test_leaders_of_topics_are_counted_and_blocs_of_the_study_left_out(source: Source) -> None:
    said = leaders_said(source)
    assert said["span"] == ["all", "last"]
    assert said["text"][1] == (
        "Of 2 topics in 2005-2006, most highly cited papers come from the US in 1 and China in 1; "
        "the risk of a monopoly is high in 2."
    )
    found = dict(shards(source))
    assert len(found["topic/10001"]["rows"]["rank"]) == 2 * 8
    assert {control["key"]: control["default"] for control in topics_page(source).controls} == {
        "span": "last",
        "topic": "10001",
    }


def test_blocs_are_said_of_the_last_window_of_each_layer(source: Source) -> None:
    assert blocs_said(source) == (
        "In joint papers of 2003-2005: three blocs (so it is). "
        "In citations of 2003-2005: no number of blocs can be said (so it is)."
    )
    members = bloc_members(source)
    assert members is not None
    numbers = {(row["window"], row["blocs"]) for row in members.to_pylist()}
    assert numbers == {
        ("collaboration/2003", 3),
        ("collaboration/2000", 2),
        ("citation/2003", 2),
        ("citation/2000", 2),
    }
    (control,) = window_control(source)
    assert control["options"][0] == ["collaboration/2003", "joint papers, 2003-2005"]


def test_indices_of_pairs_are_of_years_with_enough_joint_papers(source: Source) -> None:
    table = pair_indices(source)
    assert table is not None
    rows = table.to_pylist()
    assert rows
    shown: Counter[tuple[str, str]] = Counter()
    for row in rows:
        shown[row["source"], row["target"]] += row["works_whole"]
    wanted: Counter[tuple[str, str]] = Counter()
    joint = source.results.table("pair_indicators").to_pylist()
    for row in joint:
        if row["works_whole"] >= LEAST_YEARLY:
            wanted[row["source"], row["target"]] += row["works_whole"]
    assert shown == {pair: works for pair, works in wanted.items() if works >= LEAST_JOINT}
    assert len(shown) < len({(row["source"], row["target"]) for row in joint})
    row = {"year": 2005, "source": "CN", "target": "US", "collaboration_index": 1.9}
    row |= {"collaboration_index_low": 1.2, "collaboration_index_high": 2.8}
    (said,) = indices_said([{**row, "year": 2004}, row])
    assert said["text"] == (
        "In 2005, the US was 1.9 times (1.2 to 2.8) as often in the international papers of China "
        "as in those of the world."
    )


def test_what_joint_papers_gain_is_that_of_the_matched_papers(source: Source) -> None:
    matched, others = source.results.table("matched"), source.results.table("placebo_pairs")
    table = premiums(source)
    assert table is not None
    plain = {
        row["experiment"]: row["effect_percent"]
        for row in matched.to_pylist()
        if row["year"] is None and re.fullmatch(r"joint:[A-Z+]+", row["experiment"])
    }
    plain |= {
        f"joint:{row['lead']}+{row['partner']}": row["effect_percent"]
        for row in others.to_pylist()
        if not row["is_pole_pair"]
    }
    found = {f"joint:{r['lead']}+{r['partner']}": r["effect_percent"] for r in table.to_pylist()}
    assert found == plain
    assert found


def test_a_country_without_matched_papers_says_how_to_ask_for_them(source: Source) -> None:
    row = {"lead": "US", "partner": "CN", "effect_percent": -12.0, "treated_matched": 1200}
    row |= {"ci_low": -20.0, "ci_high": -3.0}
    assert premiums_said("CN", [row], {}, source) == (
        "Papers that the US leads with China have 12 % fewer citations than matched papers without "
        "(change: -20 to -3 %; 1,200 matched)."
    )
    text = premiums_said("KR", [], {"US": 53, "CN": 1}, source)
    assert "South Korea has 53 joint papers with the US and 1 joint paper with China" in text
    line = re.search(r"pairs = \[.*\]\]", text)
    assert line is not None
    told = {"study": {"corpus": "c", "years": [2000, 2006]}, "teaming": tomllib.loads(line[0])}
    asked = Study.parse(told).teaming.pairs
    assert set(asked) == {("KR", "US"), ("US", "KR"), ("KR", "CN"), ("CN", "KR")}
    unsure = premiums_said("CN", [row | {"ci_low": None}], {}, source)
    assert unsure.startswith("The matched papers are too few")
