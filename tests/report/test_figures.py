"""A figure's data must be rows of the table it names, value for value."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import vl_convert

from isthmus.report import charts
from isthmus.report.charts import COLOURS, NOTE
from isthmus.report.design import COUNTRIES, colour_places, named_codes
from isthmus.report.figure import Absent, Figure
from isthmus.report.figures import figures, write_figures
from isthmus.report.source import Source
from isthmus.results import Results

#: Figures of both studies that these results can draw.
EXPECTED = {
    "output",
    "scientists",
    "impact",
    "hits",
    "novelty",
    "novelty-hits",
    "origins-US",
    "origins-CN",
    "mover-profiles",
    "movers-ties",
    "joint-papers",
    "top-100",
    "team-sizes",
    "premium",
    "placebo-pairs",
    "pole-pair-affinity",
    "pole-pair",
    "pole-pair-z",
    "pole-placebo",
    "chosen-pairs-collaboration",
    "chosen-pairs-citation",
    "centroids",
    "network",
    "polarisation",
    "archetypes",
    "alignment",
    "coverage",
}


def test_every_figure_of_both_studies_is_drawn_or_says_why(source: Source) -> None:
    assert {figure.name for figure in figures(source)} == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_data_equal_the_table(source: Source, name: str) -> None:
    figure = next(f for f in figures(source) if f.name == name)
    if isinstance(figure, Absent):
        pytest.fail(f"the synthetic results lack what {name} needs: {figure.why}")
    table = source.results.table(figure.table)
    names = figure.rows.column_names
    there = [tuple(row[n] for n in names) for row in table.to_pylist()]
    drawn = [tuple(row[n] for n in names) for row in figure.vega_lite()["datasets"]["rows"]]
    assert drawn
    assert _in_order(drawn, there)


def _in_order(drawn: list[tuple[object, ...]], there: list[tuple[object, ...]]) -> bool:
    rows = iter(there)
    return all(any(row == other for other in rows) for row in drawn)


def test_notes_give_counting_interval_and_n(source: Source) -> None:
    for figure in figures(source):
        assert isinstance(figure, Figure)
        notes = " ".join(figure.notes)
        assert "n = " in notes, figure.name
        assert "ounted" in notes or "ounting" in notes, figure.name
        assert any(word in notes for word in ("nterval", "tability")), figure.name
        lines = figure.vega_lite()["title"]["subtitle"]
        assert " ".join(lines).split() == notes.split()
        assert max(map(len, lines)) <= NOTE


def test_countries_have_the_colours_of_the_pages(source: Source) -> None:
    places, found = colour_places(source), 0
    for figure in figures(source):
        assert isinstance(figure, Figure)
        for colour in _colours(figure.spec):
            if colour.get("field") in COUNTRIES and "domain" in colour["scale"]:
                wanted = [COLOURS[places[code]] for code in colour["scale"]["domain"]]
                assert colour["scale"]["range"] == wanted
                found += {"US", "CN"} >= set(colour["scale"]["domain"])
    assert found > 3


def _colours(part: Any) -> list[dict[str, Any]]:
    """Every nominal colour of a chart."""
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    found = [colour for one in inner for colour in _colours(one)]
    own = part.get("color") if isinstance(part, dict) else None
    return [*found, own] if isinstance(own, dict) and own.get("type") == "nominal" else found


def test_shares_and_their_intervals_are_those_of_wilson(source: Source) -> None:
    """The figure's own transforms, run by Vega, against the formula of the findings."""
    import vl_convert

    from isthmus.stats.shares import wilson

    figure = next(f for f in figures(source) if f.name == "top-100")
    assert isinstance(figure, Figure)
    spec = figure.vega_lite()
    panel = {**spec["hconcat"][0], "datasets": spec["datasets"], "data": spec["data"]}
    panel["layer"] = [panel["layer"][0]]
    panel["layer"][0]["encoding"]["y"]["scale"] = {"domain": [0, 1]}
    drawn = vl_convert.vegalite_to_svg(panel, vl_version="6.4")
    # Every group and year has 3 of 9: one lower and one upper edge, 300 units a share of 1.
    low, high = wilson(3, 9)
    path = re.findall(r'mark-area[^>]*>.*?<path[^>]* d="([^"]*)"', drawn, re.DOTALL)[0]
    heights = {float(y) for y in re.findall(r"[ML][\d.]+,([\d.]+)", path)}
    assert sorted(heights) == pytest.approx(sorted([300 * (1 - high), 300 * (1 - low)]), abs=0.01)


def test_figures_are_the_same_bytes_again(results: Results, tmp_path: Path) -> None:
    first = write_figures(results, tmp_path / "a")
    write_figures(results, tmp_path / "b")
    assert len(first) == len(EXPECTED)
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    assert len(_digests(tmp_path / "a")) == 3 * len(EXPECTED)


def _digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def test_files_are_what_they_are_called(results: Results, tmp_path: Path) -> None:
    write_figures(results, tmp_path / "f")
    assert (tmp_path / "f" / "output.svg").read_text().startswith("<svg")
    assert (tmp_path / "f" / "output.png").read_bytes().startswith(b"\x89PNG")
    spec = json.loads((tmp_path / "f" / "output.vl.json").read_text())
    assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/")


def test_what_is_missing_says_which_step_makes_it(bare: Source) -> None:
    absent = {f.name: f.why for f in figures(bare) if isinstance(f, Absent)}
    assert "poles" in absent["archetypes"]
    assert "teaming" in absent["premium"]
    assert "mobility" in absent["origins-US"]
    assert any(isinstance(f, Figure) for f in figures(bare))


def test_a_table_without_a_value_to_draw_is_said(results: Results, tmp_path: Path) -> None:
    """A tiny world may match nobody: its means are null, and a figure of them has no size."""
    from isthmus.study import Study
    from report.synthetic import finish

    study = Study.parse({"study": {"corpus": "c", "years": [2000, 2006]}})
    kept = results.table("retention")
    at = kept.column_names.index("mean_treated")
    blank = kept.set_column(at, "mean_treated", pa.nulls(kept.num_rows, pa.float64()))
    bare = Source(finish(tmp_path / "r", {"retention": blank}, study))
    absent = {f.name: f.why for f in figures(bare) if isinstance(f, Absent)}
    assert "no row to draw" in absent["movers-ties"]
    assert write_figures(bare.results, tmp_path / "f") == []


def test_an_error_in_a_figure_is_a_sentence_and_ends_nothing(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One figure that panics, as compiled code does, and one whose maker fails."""
    from isthmus.report import figures as module
    from isthmus.report.page import write_report
    from isthmus.results import open_results

    class Panic(BaseException):
        pass

    drawn = module.svg

    def svg(figure: Figure) -> str:
        if figure.name == "premium":
            raise Panic("SVG has an invalid size.\n\nStack backtrace:")
        return drawn(figure)

    def _broken(_: Source) -> Iterator[Figure]:
        raise KeyError("a column")
        yield

    shutil.copytree(results.path, tmp_path / "r")
    monkeypatch.setattr(module, "svg", svg)
    monkeypatch.setattr(module, "_MAKERS", (module._effects, _broken, module._coverage))
    page = write_report(open_results(tmp_path / "r")).read_text(encoding="utf-8")
    lost = open_results(tmp_path / "r").record["figures_lost"]
    assert set(lost) == {"premium", "broken"}
    assert "Panic: SVG has an invalid size" in lost["premium"]
    assert "Stack" not in lost["premium"]
    assert lost["premium"] in page
    assert 'id="coverage"' in page
    assert not list((tmp_path / "r" / "figures").glob("premium*"))
    monkeypatch.undo()
    write_report(open_results(tmp_path / "r"))
    assert "figures_lost" not in open_results(tmp_path / "r").record


def test_a_pole_without_values_is_named_and_gets_no_panel(source: Source) -> None:
    figure = next(f for f in figures(source) if f.name == "output")
    assert isinstance(figure, Figure)
    assert len(figure.spec["hconcat"]) == 2
    source.settings["countries"]["poles"][:] = ["KE"]
    figure = next(f for f in figures(source) if f.name == "output")
    source.settings["countries"]["poles"][:] = ["US", "CN"]
    assert isinstance(figure, Figure)
    assert len(figure.spec["hconcat"]) == 1
    assert "No line of Kenya: the table holds no value of it." in figure.notes


def test_legends_write_names_for_codes() -> None:
    spec = charts.intervals("y", "low", "high", "Y", colour="experiment")
    said = {"experiments": {"movers:CN->US": "Scientists who moved"}}
    rows = [{"year": 2000, "y": 1, "low": 0, "high": 2, "experiment": "movers:CN->US"}]
    rows += [{**rows[0], "experiment": "joint_papers"}]
    made = charts.with_rows(named_codes(spec, {"CN": "China"}, said), rows)
    drawn = vl_convert.vegalite_to_svg(made, vl_version=charts.VEGA_LITE)
    assert ">Scientists who moved<" in drawn
    assert ">joint papers<" in drawn
    assert ">movers:CN-&gt;US<" not in drawn
