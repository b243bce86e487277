"""Every chart is checked against the published schema of Vega-Lite, through Altair."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from isthmus.corpus.countries import countries
from isthmus.report import charts, panels
from isthmus.report.charts import Spec
from isthmus.report.pages import pages
from isthmus.report.source import Source

MAKERS: dict[str, Callable[[], Spec]] = {
    "lines": lambda: charts.lines("a", "A", band=True),
    "dashed": lambda: charts.dashed_lines("a", "A", colour="b", dash="c"),
    "observed": charts.observed_and_expected,
    "intervals": lambda: charts.intervals("a", "b", "c", "A", colour="d"),
    "bars": lambda: charts.ranked_bars("a", "b", "A"),
    "summed": lambda: charts.summed_bars("a", "b", "A", "sum", 5),
    "shares": lambda: charts.shares("a", "b", "A", colour="c"),
    "totals": lambda: charts.totals_by_year("a", "A", colour="c"),
    "histogram": lambda: charts.histogram("a", "A", colour="c"),
    "points": lambda: charts.points_across("a", "b", "A", colour="c"),
    "means": lambda: charts.pairs_of_means("a", "A"),
    "profiles": charts.profiles,
    "matrix": lambda: charts.matrix("a", "b", "c", "A"),
    "world": lambda: charts.with_shapes(charts.world("a", "A")),
    "dots": lambda: panels.ranked_dots("a", "b", "A", reference=1.0),
    "links": lambda: charts.with_shapes(charts.link_map("a", "A")),
    "lead": lambda: charts.by_lead(charts.lines("a", "A"), ["US", "CN"]),
}


def validate(spec: Spec) -> None:
    altair = pytest.importorskip("altair", reason="altair is in the extra `test`")
    altair.Chart.from_dict(spec, validate=True)


@pytest.mark.parametrize("name", MAKERS)
def test_chart_is_vega_lite(name: str) -> None:
    validate(charts.titled(charts.with_rows(MAKERS[name](), [{"a": 1}]), "T", ["note"]))


def test_a_broken_chart_would_be_noticed() -> None:
    with pytest.raises(Exception, match="no-such-mark"):
        validate({**charts.lines("a", "A"), "layer": [{"mark": "no-such-mark"}]})


def test_every_chart_of_every_page_is_vega_lite(source: Source) -> None:
    seen = 0
    for page in pages(source):
        for view in page.views:
            for spec in [*view.chart.values(), *view.map.values()]:
                validate(charts.with_rows(spec, []))
                seen += 1
    assert seen > 30


def test_rows_stand_in_the_specification() -> None:
    assert charts.with_rows(charts.lines("a", "A"), [{"a": 1}])["datasets"] == {"rows": [{"a": 1}]}


def test_charts_name_no_address() -> None:
    """Nothing is fetched: the only address in a chart is that of its schema."""
    for make in MAKERS.values():
        text = json.dumps({**make(), "$schema": None})
        assert "http" not in text
        assert '"url"' not in text


def test_shapes_are_of_known_countries() -> None:
    known = set(countries())
    found = charts.shapes()
    shaped = {g.get("id") for g in found["topology"]["objects"]["countries"]["geometries"]}
    assert {"US", "CN", "IN", "BR"} <= shaped
    assert shaped - {None} <= known
    assert set(found["points"]) <= known
    assert len(known - set(found["points"])) < 20
    assert all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in found["points"].values())


@pytest.mark.parametrize(
    ("code", "lon", "lat"),
    [("US", -99, 39), ("CN", 104, 36), ("SG", 104, 1), ("NZ", 171, -43), ("RU", 96, 62)],
)
def test_points_are_where_countries_are(code: str, lon: float, lat: float) -> None:
    """Within eight degrees of the country's middle as any atlas gives it."""
    found = charts.shapes()["points"][code]
    assert found == pytest.approx([lon, lat], abs=8)


def test_small_countries_are_marked(source: Source) -> None:
    small = {p["code"] for p in charts.points() if p["small"]}
    assert {"SG", "MT", "BH"} <= small
    assert not small & {"US", "CN", "DE"}
