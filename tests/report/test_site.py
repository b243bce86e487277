"""The site as files: whole, complete, without foreign addresses; its data equal the tables."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from isthmus.errors import TargetError
from isthmus.report.packing import packed, split
from isthmus.report.pages import coverage_page
from isthmus.report.shards import LEAST_EXPECTED, MOST_NOVEL, telling_links
from isthmus.report.site import build_site
from isthmus.report.source import Source
from isthmus.results import Results
from report.synthetic import HOSTILE, TITLE, codes

PAGES = [
    "countries",
    "country",
    "coverage",
    "findings",
    "index",
    "methods",
    "movers",
    "novelty",
    "pairs",
    "poles",
]


@pytest.fixture(scope="module")
def site(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(results, tmp_path_factory.mktemp("site") / "site").parent


def given(path: Path) -> dict[str, Any]:
    """Read a shard as the page's script does."""
    found = re.fullmatch(r'isthmus\.give\("[\w/&-]+",(.*)\);\n', path.read_text(), re.DOTALL)
    assert found is not None
    sets: dict[str, Any] = json.loads(found[1])
    return sets


def rows(columns: dict[str, Any]) -> list[dict[str, Any]]:
    flat = {name: listed(column) for name, column in columns.items()}
    count = max(map(len, flat.values()), default=0)
    return [
        {name: column[at] if at < len(column) else None for name, column in flat.items()}
        for at in range(count)
    ]


def listed(column: Any) -> list[Any]:
    """Read a column as the page's script does."""
    if isinstance(column, list):
        return column
    if "values" in column:
        return [None] * column["from"] + column["values"]
    if "steps" in column:
        begins = zip(column["steps"][::2], column["steps"][1::2], strict=True)
        return [first + at for first, n in begins for at in range(n)]
    pairs = zip(column.get("runs", [])[::2], column.get("runs", [])[1::2], strict=True)
    codes = column.get("codes") or [code for code, n in pairs for _ in range(n)]
    return [None if at < 0 else column["levels"][at] for at in codes]


def test_all_pages_are_there(site: Path) -> None:
    assert sorted(p.stem for p in site.glob("*.html")) == sorted([*PAGES, "teaming", "topics"])


def test_pages_load_nothing_foreign_and_run_nothing_inline(site: Path) -> None:
    for path in site.glob("*.html"):
        text = path.read_text()
        policy = "default-src 'none'; script-src 'self'; style-src 'self'"
        assert policy in html.unescape(text)
        for source in re.findall(r'(?:src|href)="([^"]*)"', text):
            assert source.startswith(("data:,", "#")) or (site / source.split("#")[0]).is_file()
        inline = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>", text)
        assert inline == []
        assert (
            re.findall(r"<[^>]*\s(?:on\w+|style)=", re.sub(r"<script.*?</script>", "", text)) == []
        )


def test_titles_are_escaped_everywhere(site: Path) -> None:
    for path in [*site.glob("*.html"), site / "data" / "meta.js"]:
        assert "<script>alert" not in path.read_text()
    assert TITLE.split("&")[0] not in (site / "index.html").read_text()


def test_country_shards_equal_the_table(site: Path, results: Results) -> None:
    table = results.table("country_year").to_pylist()
    found = []
    for code in sorted(codes(8)):
        found += rows(given(site / "data" / "country" / f"{code}.js")["years"])
    assert len(found) == len(table)
    for row, other in zip(
        sorted(found, key=lambda r: (r["year"], r["country"])), table, strict=True
    ):
        for name, value in other.items():
            wanted = pytest.approx(value, rel=1e-5) if isinstance(value, float) else value
            assert row[name] == wanted


def test_the_site_lists_the_most_novel_works_of_a_year(site: Path, results: Results) -> None:
    table = results.table("novelty_works").to_pylist()
    years = {row["year"] for row in table}
    assert len(years) > 1
    for year in years:
        mine = [r for r in table if r["year"] == year and r["novelty"] is not None]
        mine.sort(key=lambda r: r["novelty"])
        assert len(mine) > MOST_NOVEL
        found = rows(given(site / "data" / "novelty_works" / f"{year}.js")["rows"])
        assert {r["work_id"] for r in found} == {r["work_id"] for r in mine[:MOST_NOVEL]}


def test_works_are_listed_as_parquet_alone(results: Results) -> None:
    assert (results.path / "novelty_works.parquet").exists()
    assert not (results.path / "novelty_works.csv").exists()
    assert (results.path / "novelty_thresholds.csv").exists()


def test_every_link_is_in_one_pair_shard(site: Path, results: Results) -> None:
    count = sum(len(rows(given(path)["links"])) for path in (site / "data" / "pair").rglob("*.js"))
    assert count == results.table("links").num_rows


def test_years_that_say_nothing_of_a_link_are_left_out() -> None:
    years = {"year": [2000, 2001, 2002] * 2, "layer": ["collaboration"] * 6}
    ends = {"source": ["CN"] * 6, "target": ["US"] * 6, "observed": [0.0, 2.0, 0.0] * 2}
    model = {"null_model": ["none"] * 3 + ["multiedge"] * 3}
    expected = {"expected": [None] * 3 + [LEAST_EXPECTED / 2, 0.1, LEAST_EXPECTED]}
    kept = telling_links(pa.table(years | ends | model | expected)).to_pylist()
    assert [(row["null_model"], row["year"]) for row in kept] == [
        ("multiedge", 2001), ("multiedge", 2002), ("none", 2001), ("none", 2002),
    ]  # fmt: skip


def test_index_of_shards_is_what_is_there(site: Path) -> None:
    meta = json.loads((site / "data" / "meta.js").read_text().split("=", 1)[1].rstrip(";\n"))
    named = {
        f"{folder}/{name}".lstrip("/") for folder, names in meta["shards"].items() for name in names
    }
    there = {
        path.relative_to(site / "data").with_suffix("").as_posix()
        for path in (site / "data").rglob("*.js")
    }
    assert named == there - {"meta"}
    assert meta["names"]["CN"] == "China"


def test_the_same_results_give_the_same_site(site: Path, results: Results, tmp_path: Path) -> None:
    again = build_site(results, tmp_path / "site").parent
    assert _bytes(again) == _bytes(site)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_an_old_site_is_replaced_and_nothing_else(results: Results, tmp_path: Path) -> None:
    build_site(results, tmp_path / "site")
    (tmp_path / "site" / "stale.html").write_text("old")
    build_site(results, tmp_path / "site")
    assert not (tmp_path / "site" / "stale.html").exists()
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(TargetError, match="no site of isthmus"):
        build_site(results, other)
    assert (other / "thesis.txt").read_text() == "years of work"
    with pytest.raises(TargetError, match="holds results"):
        build_site(results, results.path)


def test_missing_tables_are_said_on_the_page(bare: Source, tmp_path: Path) -> None:
    site = build_site(bare.results, tmp_path / "site").parent
    assert {path.stem for path in site.glob("*.html")} == {
        "index", "findings", "countries", "country", "methods",
    }  # fmt: skip
    text = (site / "index.html").read_text()
    assert "hold no table <code>links</code>" in text
    assert "The step that makes it is poles" in text
    assert "poles.html" not in text
    for path in set(site.glob("*.html")) - {site / "methods.html"}:
        assert "{" not in re.sub(r"<script.*?</script>", "", path.read_text(), flags=re.DOTALL)


def test_packed_keeps_values() -> None:
    values = ["a", "b", None, "a"] * 5
    made = packed({"x": values, "y": list(range(20))})
    assert rows(made) == [{"x": x, "y": y} for x, y in zip(values, range(20), strict=True)]
    assert made["x"]["levels"] == ["a", "b"]
    assert "codes" in made["x"]
    values, ends = ["a"] * 9 + ["b"] * 9 + [None] * 2, [None] * 9 + [1, None, 2] + [None] * 8
    made = packed({"x": values, "y": ends, "z": [None] * 20, "n": list(range(20))})
    assert made["x"]["runs"] == [0, 9, 1, 9, -1, 2]
    assert made["y"] == {"from": 9, "values": [1, None, 2]}
    wanted = [
        {"x": x, "y": y, "z": None, "n": n}
        for n, (x, y) in enumerate(zip(values, ends, strict=True))
    ]
    assert rows(made) == wanted
    years = [*range(2001, 2009), 2001, 2003] * 3
    made = packed({"year": years})
    assert "steps" in made["year"]
    assert rows(made) == [{"year": year} for year in years]


def test_split_gives_every_row_once() -> None:
    table = pa.table({"k": ["b", "a", "b"], "v": [1, 2, 3]})
    assert [(key, part["v"].to_pylist()) for key, part in split(table, "k")] == [
        ("a", [2]),
        ("b", [1, 3]),
    ]
    assert list(split(table.slice(0, 0), "k")) == []


def test_the_page_on_coverage_shows_what_others_count(source: Source, bare: Source) -> None:
    page = coverage_page(source)
    first = ["all-works", "places", "bounds-all", "bounds", "reference-bounds", "coverage"]
    assert [view.id for view in page.views] == [*first, "comparison", "comparison_years"]
    chosen = {control["key"]: control for control in page.controls}
    assert chosen["year"]["default"] == "2005"  # the last that the others have
    assert chosen["year"]["options"][-1][0] == "2006"
    assert [name for name, _ in chosen["against"]["options"]] == [HOSTILE, "NCSES"]
    assert {key for view in page.views for key in view.chart} >= {"ratio", "spearman"}
    assert [view.id for view in coverage_page(bare).views] == first
    assert [control["key"] for control in coverage_page(bare).controls] == ["year"]
