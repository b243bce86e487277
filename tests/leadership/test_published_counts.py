"""Counts that others publish: read with every defect counted, put beside the study's own.

References: a plain recount of the file for what is read, scipy's Spearman for the rank
correlation. Tolerances: 1e-12 for the correlation, which both reach by other sums; none
for counts and ranks.
"""

from __future__ import annotations

import csv
import io
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from isthmus.errors import StudyError
from isthmus.leadership.published_counts import (
    SCHEMA,
    YEARS_SCHEMA,
    Published,
    comparison,
    read_published,
    spearman,
)
from isthmus.pipeline import runner
from isthmus.pipeline.runner import run
from isthmus.pipeline.steps import STEPS
from isthmus.report.methods import methods_text
from isthmus.report.pages import coverage_page
from isthmus.report.source import Source
from isthmus.study import Study
from tiny import random_works, write_corpus

GOOD = [
    "2001,US,100",
    '2001,China,"1,050"',
    "2001,DEU,70.5",
    "2002,Korea (Republic of),8e1",
    "2002.0,Hong Kong,4",
    "2002,CN,6",
]
BAD = {
    "cells_too_many": ["2001,JP,1,5"],
    "contradicting": ["2001,FR,5", "2001,France,6"],
    "country_unknown": ["2001,World,9999", "2001,,3", "2002,Asia,7"],
    "part_of_a_country": ["2001,England,90", "2002,SCOTLAND,9"],
    "repeated": ["2001,USA,100.0"],
    "value_unreadable": ["2001,JP,", "2001,JP,-3", "2001,JP,nan", "2001,JP,n/a"],
    "year_outside": ["1999,US,3"],
    "year_unreadable": [",US,3", "2001-02,US,3", "later,US,3", "short"],
}


def study_of(folder: Path, lines: list[str], **more: Any) -> Study:
    (folder / "other.csv").write_text("\n".join(["year,country,value", *lines]), encoding="utf-8")
    asked = {"file": "other.csv", "counting": "whole", **more.pop("asked", {})}
    document = {
        "study": {"corpus": "corpus", "years": [2000, 2008], **more.pop("study", {})},
        "comparisons": {"Other": asked},
        **more,
    }
    return Study.parse(document, folder=folder)


def ours(counts: dict[tuple[int, str], float], column: str = "papers_whole") -> pa.Table:
    years, countries = zip(*counts, strict=True)
    return pa.table({"year": years, "country": countries, column: list(counts.values())})


def test_every_row_is_used_or_counted_by_reason(tmp_path: Path) -> None:
    lines = [*GOOD, *(line for bad in BAD.values() for line in bad)]
    merge = {"merge": {"CN": ["HK"]}}
    for seed in range(3):
        random.Random(seed).shuffle(lines)
        (read,) = read_published(study_of(tmp_path, lines, countries=merge)).values()
        assert read.counts == {
            (2001, "US"): 100.0,
            (2001, "CN"): 1050.0,
            (2001, "DE"): 70.5,
            (2002, "KR"): 80.0,
            (2002, "CN"): 10.0,
        }
        assert read.rows == {"used": len(GOOD)} | {why: len(bad) for why, bad in BAD.items()}
        assert read.unknown == ["", "Asia", "World"]


def test_columns_are_named_and_rows_chosen(tmp_path: Path) -> None:
    (tmp_path / "oecd.csv").write_bytes(
        "\ufeffTIME,ISO,MEASURE,N\n2001,USA,AI,3\n2001,USA,ALL,9\n2001,CHN,AI,4\n".encode()
    )
    asked = {"file": "oecd.csv", "year": "TIME", "country": "ISO", "value": "N"}
    study = study_of(tmp_path, [], asked={**asked, "where": {"MEASURE": "AI"}})
    (read,) = read_published(study).values()
    assert read.counts == {(2001, "US"): 3.0, (2001, "CN"): 4.0}
    assert read.rows == {"not_asked": 1, "used": 2}


def test_what_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    study = study_of(tmp_path, GOOD, asked={"value": "articles"})
    with pytest.raises(StudyError, match=r"no column `articles`\. It has: year, country, value\."):
        read_published(study)
    (tmp_path / "other.csv").write_text("")
    with pytest.raises(StudyError, match="It has: none"):
        read_published(study)
    (tmp_path / "other.csv").unlink()
    for refused in (read_published, Study.fingerprint):
        with pytest.raises(StudyError, match=r"other\.csv"):
            refused(study)


def test_bytes_that_are_no_text_spoil_their_own_cell(tmp_path: Path) -> None:
    study = study_of(tmp_path, [])
    (tmp_path / "other.csv").write_bytes(b"year,country,value\n2001,Espa\xf1a,3\n2001,FR,4\n")
    (read,) = read_published(study).values()
    assert read.counts == {(2001, "FR"): 4.0}
    assert read.rows == {"country_unknown": 1, "used": 1}


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from([*'",;\n\r\0 x-.', "US", "2001", "\n2001,CN,1e9\n"]), max_size=60
        ).map(lambda parts: ("year,country,value\n" + "".join(parts)).encode()),
    )
)
def test_whatever_a_file_holds_its_rows_are_counted_or_it_is_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        study = study_of(Path(name), [])
        (Path(name) / "other.csv").write_bytes(content)
        try:
            (read,) = read_published(study).values()
        except StudyError:
            return
        text = content.decode("utf-8-sig", errors="replace")
        n_rows = sum(1 for row in csv.reader(io.StringIO(text, newline="")) if row) - 1
        assert sum(read.rows.values()) == n_rows
        assert read.rows.get("used", 0) == len(read.counts)


def test_a_year_beside_theirs(tmp_path: Path) -> None:
    lines = ["2001,US,100", "2001,CN,50", "2001,DE,50", "2001,JP,0", "2003,FR,7", "2003,DE,8"]
    study = study_of(tmp_path, lines)
    counts = {
        (2001, "US"): 30,
        (2001, "CN"): 40,
        (2001, "JP"): 5,
        (2001, "BR"): 11,
        (2002, "US"): 9,
    }
    made = comparison(study, read_published(study), ours(counts))
    assert made["comparison"].schema == SCHEMA
    assert made["comparison_years"].schema == YEARS_SCHEMA
    first = [row for row in made["comparison"].to_pylist() if row["year"] == 2001]
    kept = ("country", "theirs", "ours", "ratio", "rank_theirs", "rank_ours", "rank_difference")
    assert [tuple(row[name] for name in kept) for row in first] == [
        ("CN", 50.0, 40.0, 0.8, 2, 1, -1),
        ("DE", 50.0, 0.0, 0.0, 2, 4, 2),
        ("JP", 0.0, 5.0, None, 4, 3, -1),
        ("US", 100.0, 30.0, 0.3, 1, 2, 1),
    ]
    years = made["comparison_years"].to_pylist()
    expected = spearmanr([50, 50, 0, 100], [40, 0, 5, 30]).statistic
    assert years[0].pop("spearman") == pytest.approx(expected, abs=1e-12)
    about = {"compared_with": "Other", "counted": "whole"}
    assert years == [
        about
        | {"year": 2001, "countries": 4, "theirs": 200.0, "ours": 75.0, "ratio": 0.375}
        | {"ours_elsewhere": 11.0},
        about
        | {"year": 2003, "countries": 2, "theirs": 15.0, "ours": 0.0, "ratio": 0.0}
        | {"ours_elsewhere": 0.0, "spearman": None},
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_rank_correlation_is_spearman_s(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 6, (2, 30)).astype(float)
    assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)
    assert spearman(first, first**3) == pytest.approx(1.0, abs=1e-12)
    assert spearman(first[:2], second[:2]) is None
    assert spearman(first, np.ones(30)) is None


def test_fractional_tables_stand_beside_fractional_counts(tmp_path: Path) -> None:
    lines = ["2001,US,10"]
    study = study_of(tmp_path, lines, asked={"counting": "fractional"})
    both = ours({(2001, "US"): 8}).append_column("papers_fractional", [[5.0]])
    (row,) = comparison(study, read_published(study), both)["comparison"].to_pylist()
    assert (row["ours"], row["counted"]) == (5.0, "fractional")
    study = study_of(tmp_path, lines, countries={"attribution": "any"})
    (row,) = comparison(study, read_published(study), ours({(2001, "US"): 8}, "papers_any"))[
        "comparison"
    ].to_pylist()
    assert row["ours"] == 8.0


def test_a_table_of_which_nothing_can_be_used_gives_empty_tables(tmp_path: Path) -> None:
    study = study_of(tmp_path, ["2001,Nowhere,3"])
    made = comparison(study, read_published(study), ours({(2001, "US"): 8}))
    assert {name: table.num_rows for name, table in made.items()} == {
        "comparison": 0,
        "comparison_years": 0,
    }


def test_a_run_shows_them_on_the_page_on_coverage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [step for step in STEPS if step.name in ("field", "coverage", "leadership")]
    monkeypatch.setattr(runner, "STEPS", few)
    write_corpus(random_works(seed=3), tmp_path / "corpus")
    plain = Study.parse({"study": {"corpus": "corpus", "years": [2000, 2008]}}, folder=tmp_path)
    counted = run(plain, tmp_path / "plain").table("country_year").to_pylist()
    assert "comparison" not in run(plain, tmp_path / "plain").tables
    twice = [f"{r['year']},{r['country']},{2 * r['papers_whole']}" for r in counted]
    study = study_of(tmp_path, [*twice, "2001,World,9"])
    results = run(study, tmp_path / "results")
    rows = results.table("comparison").to_pylist()
    assert {(r["year"], r["country"], r["ours"]) for r in rows} == {
        (r["year"], r["country"], r["papers_whole"]) for r in counted
    }
    assert {r["ratio"] for r in rows if r["theirs"]} == {0.5}
    assert all(r["rank_difference"] == 0 for r in rows)
    source = Source(results)
    text = methods_text(source)
    assert "Other (`other.csv`) counts works whole and stands beside `papers_whole`" in text
    assert f"Of its {len(rows) + 1} rows {len(rows)} are used; 1 name no country." in text
    assert "No country: World." in text
    assert "as many times theirs: 0.5 in 2000, 0.5 in 2008" in text
    views = {view.id: view.plain(source) for view in coverage_page(source).views}
    shown = [column["key"] for column in views["comparison"]["columns"]]
    assert shown[:5] == ["country", "compared_with", "theirs", "ours", "ratio"]
    assert set(views["comparison_years"]["chart"]) == {"ratio", "spearman"}
    assert views["comparison"]["chart"][""]["encoding"]["x"]["scale"] == {"type": "sqrt"}


def real(path: Path, columns: tuple[str, str, str], **more: Any) -> tuple[Study, Published]:
    year, country, value = columns
    asked = {"file": str(path), "counting": "whole"}
    asked |= {"year": year, "country": country, "value": value}
    about = {"corpus": "corpus", "years": [2003, 2022]}
    study = Study.parse({"study": about, "comparisons": {"Real": asked}, **more})
    return study, read_published(study)["Real"]


@pytest.mark.shared_data
def test_ncses_is_read_whole_and_ranks_countries_as_cset_does(shared_data: Path) -> None:
    """The files are real: regions stand among countries, and some lines are shifted by commas."""
    path = shared_data / "ncses-ai" / "APBS-1_ai_articles_whole_by_country_year_2003_2022.csv"
    study, ncses = real(path, ("year", "entity", "articles_whole"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        raw = list(csv.DictReader(file))
    assert sum(ncses.rows.values()) == len(raw)
    by_name = {
        (int(r["year"]), r["entity"]): r["articles_whole"] for r in raw if r["year"].isdigit()
    }
    for code, name in {"US": "United States", "CN": "China", "KR": "South Korea"}.items():
        for year in range(2003, 2023):
            assert ncses.counts[year, code] == float(by_name[year, name])
    world = sum(n for (year, _), n in ncses.counts.items() if year == 2020)
    assert world > float(by_name[2020, "World"])  # whole counts add up to more than the world
    regions = {"Africa", "Asia", "Europe", "North America", "South America", "World"}
    assert regions < set(ncses.unknown)
    assert len(ncses.unknown) < 25
    _, cset = real(
        shared_data / "ai-counts" / "owid_cset_annual_ai_publications.csv",
        ("Year", "Entity", "All"),
    )
    made = comparison(study, {"Real": ncses}, ours(cset.counts))["comparison_years"].to_pylist()
    later = [row for row in made if 2016 <= row["year"] <= 2022]
    assert all(row["spearman"] > 0.9 and row["countries"] > 150 for row in later)
    assert all(2 < row["ratio"] < 6 for row in later)
