"""The chart grammar: Vega-Lite specifications for print and page alike.

Every function returns a specification whose rows come from a data set called
``rows``; :func:`with_rows` puts them in. Nothing is computed here but layout.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from isthmus.selection.wording import in_sentence, other_place

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

#: Version of Vega-Lite that compiles the specifications.
VEGA_LITE = "6.4"

#: Colours that colour-blind readers tell apart (Okabe and Ito), on light and dark ground.
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#8C6D00",
    "#56B4E9",
    "#E69F00",
    "#7F7F7F",
)

#: Name of the layer of a map on which nothing of the rows is drawn.
GROUND = "ground"

#: Letters of a line under a figure's title: wider ones would be cut at its right edge.
NOTE = 100

#: Width and height of a figure in print, in pixels.
WIDTH, HEIGHT = 560, 300


def with_rows(spec: Spec, rows: Sequence[Mapping[str, Any]]) -> Spec:
    """Return the specification with its rows inside, as one self-contained document."""
    return {**spec, "datasets": {**spec.get("datasets", {}), "rows": list(rows)}}


def titled(spec: Spec, title: str, notes: Sequence[str]) -> Spec:
    """Return the specification with a title and the notes a figure must carry under it."""
    wrapped = [line for note in notes for line in textwrap.wrap(note, NOTE)]
    head = {"text": title, "subtitle": wrapped, "anchor": "start", "frame": "group"}
    return {**spec, "title": head}


def lines(y: str, label: str, *, colour: str = "country", band: bool = False) -> Spec:
    """Draw a measure over the years, one line per `colour`, with its interval as a band.

    An empty `colour` is one line.
    """
    who = _colour(colour)
    marks: list[Spec] = []
    if band:
        area = {
            "x": _year(),
            "y": quantity(f"{y}_low", label),
            "y2": {"field": f"{y}_high"},
            "color": who,
        }
        marks.append({"mark": {"type": "area", "opacity": 0.18}, "encoding": area})
    line = {"x": _year(), "y": quantity(y, label), "color": who, "tooltip": tips(colour, y)}
    marks.append({"mark": {"type": "line", "point": True}, "encoding": line})
    return figure_of({"layer": marks}, f"{label} by year")


def dashed_lines(y: str, label: str, *, colour: str, dash: str) -> Spec:
    """Draw a measure over the years, with `dash` telling the kinds of line apart."""
    encoding = {
        "x": _year(),
        "y": quantity(y, label),
        "color": _colour(colour),
        "strokeDash": {"field": dash, "type": "nominal", "title": None},
        "tooltip": tips(colour, dash, y),
    }
    mark = {"mark": {"type": "line", "point": True}, "encoding": encoding}
    known = [{"filter": f"isValid(datum.{y})"}]
    return figure_of({**mark, "transform": known}, f"{label} by year")


def observed_and_expected() -> Spec:
    """Draw what was counted as dots and what each null model expects as lines, by direction."""
    dash = {"field": "source", "type": "nominal", "title": "Source"}
    line = {
        "x": _year(),
        "y": quantity("expected", "Weight of the link"),
        "color": _colour("null_model"),
        "strokeDash": dash,
        "tooltip": tips("null_model", "source", "expected"),
    }
    dots = {
        "x": _year(),
        "y": quantity("observed", "Weight of the link"),
        "shape": dash,
        "tooltip": tips("source", "observed"),
    }
    mark = {"type": "point", "color": "#7F7F7F", "size": 45}
    layer = [{"mark": "line", "encoding": line}, {"mark": mark, "encoding": dots}]
    known = [{"filter": "isValid(datum.expected)"}]
    return figure_of({"layer": layer, "transform": known}, "Observed and expected weight by year")


def intervals(y: str, low: str, high: str, label: str, *, colour: str, zero: bool = True) -> Spec:
    """Draw estimates with their intervals over the years, beside a line at no effect."""
    x = {"field": "year", "type": "ordinal", "title": "Year", "axis": {"labelOverlap": True}}
    shift = {"xOffset": {"field": colour}, "color": _colour(colour)}
    bars = {"x": x, "y": quantity("from", label), "y2": {"field": "to"}, **shift}
    dots = {"x": x, "y": quantity(y, label), **shift, "tooltip": tips(colour, y, low, high)}
    layer: list[Spec] = [
        {"mark": {"type": "rule", "strokeWidth": 1.5}, "encoding": bars},
        {"mark": {"type": "point", "filled": True, "size": 50}, "encoding": dots},
    ]
    if zero:
        layer.insert(0, _reference_line(0))
    # An estimate without an interval has a bar of no length: a scale needs finite ends.
    transform: list[Spec] = [{"filter": f"isValid(datum.year) && isValid(datum.{y})"}]
    transform += [
        {"calculate": f"isValid(datum.{end}) ? datum.{end} : datum.{y}", "as": name}
        for name, end in (("from", low), ("to", high))
    ]
    return figure_of({"layer": layer, "transform": transform}, f"{label} with interval, by year")


def ranked_bars(x: str, category: str, label: str, *, most: int = 20) -> Spec:
    """Draw a measure as bars, largest first, at most `most` of them."""
    encoding = {
        "x": quantity(x, label),
        "y": {"field": category, "type": "nominal", "sort": "-x", "title": None},
        "tooltip": tips(category, x),
    }
    ranked = [
        {"window": [{"op": "row_number", "as": "rank"}], "sort": [_descending(x)]},
        {"filter": f"datum.rank <= {most}"},
    ]
    bars = {"mark": {"type": "bar", "color": COLOURS[0]}, "transform": ranked, "encoding": encoding}
    size = {"height": {"step": 16}, "usermeta": {"most": most}}
    return figure_of({**bars, **size}, f"{label}, largest first")


def summed_bars(x: str, category: str, label: str, how: str, most: int) -> Spec:
    """Draw the total (or mean) of a measure by category as bars, the `most` largest."""
    spec = ranked_bars(x, category, f"{label}, {how}", most=most)
    totals = {"aggregate": [{"op": how, "field": x, "as": x}], "groupby": [category]}
    return {**spec, "transform": [totals, *spec["transform"]]}


def shares(x: str, weight: str, label: str, *, colour: str) -> Spec:
    """Draw how a weight spreads over a measure, as each kind's share, one line per kind."""
    spread = [
        {"aggregate": [{"op": "sum", "field": weight, "as": weight}], "groupby": [x, colour]},
        {
            "joinaggregate": [{"op": "sum", "field": weight, "as": "whole"}],
            "groupby": [colour],
        },
        {"calculate": f"datum.{weight} / datum.whole", "as": "share"},
    ]
    encoding = {
        "x": quantity(x, label),
        "y": {**quantity("share", "Share"), "axis": {"format": "%"}},
        "color": _colour(colour),
        "tooltip": tips(colour, x, "share"),
    }
    mark = {"mark": {"type": "line", "point": True}, "transform": spread, "encoding": encoding}
    return figure_of(mark, f"{label}, share of each kind")


def totals_by_year(y: str, label: str, *, colour: str) -> Spec:
    """Draw sums of a measure over the years, one line per kind."""
    encoding = {
        "x": _year(),
        "y": {"field": y, "aggregate": "sum", "type": "quantitative", "title": label},
        "color": _colour(colour),
    }
    mark = {"mark": {"type": "line", "point": True}, "encoding": encoding}
    return figure_of(mark, f"{label} by year")


def side_by_side(specs: Sequence[Spec]) -> Spec:
    """Put charts of the same rows beside each other."""
    inside = [
        {k: v for k, v in spec.items() if k not in ("$schema", "data", "datasets")}
        for spec in specs
    ]
    return {
        "$schema": SCHEMA,
        "description": ", ".join(spec["description"] for spec in specs),
        "data": {"name": "rows"},
        "hconcat": [{**spec, "width": WIDTH // 2} for spec in inside],
        "resolve": {"scale": {"color": "independent"}},
    }


def among(spec: Spec, field: str, values: Sequence[str]) -> Spec:
    """Draw only the rows whose `field` is among `values`."""
    chosen = {"filter": {"field": field, "oneOf": list(values)}}
    return {**spec, "transform": [chosen, *spec.get("transform", [])]}


def by_lead(spec: Spec, leads: Sequence[str]) -> Spec:
    """Draw the same chart once for each leading country."""
    parts = [
        {
            **among(spec, "lead", [lead]),
            "title": {"text": f"Led by {in_sentence(lead)}", "fontSize": 11},
        }
        for lead in leads
    ]
    return side_by_side(parts)


def profiles() -> Spec:
    """Draw medians with quartiles of movers and stayers, one panel per measure."""
    who = {"field": "origin", "type": "nominal", "title": "Came from"}
    colour = {**_colour("destination"), "title": "To"}
    y = {**who, "axis": {"labelLimit": 120}}
    shift = {"yOffset": {"field": "destination"}, "color": colour}
    bars = {"x": quantity("q25", "Quartiles and median"), "x2": {"field": "q75"}, "y": y, **shift}
    dots = {"x": quantity("median", "Quartiles and median"), "y": y, **shift}
    dots["shape"] = {"field": "group", "type": "nominal", "title": None}
    parts = []
    for measure in ("career_age", "papers_before", "citations_before"):
        chosen = {"filter": {"field": "measure", "equal": measure}}
        layer = [{"mark": "rule", "encoding": bars}, {"mark": "point", "encoding": dots}]
        content = {"layer": layer, "transform": [chosen], "height": {"step": 16}}
        title = {"text": measure.replace("_", " "), "fontSize": 11}
        parts.append({**figure_of(content, f"Profile of movers: {measure}"), "title": title})
    return side_by_side(parts)


def pairs_of_means(category: str, label: str) -> Spec:
    """Draw the means of treated and control beside each other, one row per category."""
    folded = {"fold": ["mean_treated", "mean_control"], "as": ["side", "mean"]}
    spec = points_across(category, "mean", label, colour="side")
    return {**spec, "transform": [folded]}


def histogram(x: str, label: str, *, colour: str) -> Spec:
    """Draw how often values occur, by kind; an empty `colour` is one kind."""
    encoding = {
        "x": {**quantity(x, label), "bin": {"maxbins": 30}},
        "y": {"aggregate": "count", "title": "Number"},
        "color": _colour(colour),
    }
    mark = {"mark": {"type": "bar", "opacity": 0.75}, "encoding": encoding}
    return figure_of(mark, f"Distribution of {label}")


def points_across(y: str, x: str, label: str, *, colour: str) -> Spec:
    """Draw one row per category with a point for each `colour`: before and after, low and high."""
    encoding = {
        "x": quantity(x, label),
        "y": {"field": y, "type": "nominal", "title": None},
        "color": _colour(colour),
        "tooltip": tips(y, colour, x),
    }
    mark = {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": encoding}
    return figure_of({**mark, "height": {"step": 20}}, label)


def matrix(row: str, column: str, value: str, label: str) -> Spec:
    """Draw a square of cells, coloured by what stands in them."""
    encoding = {
        "x": {"field": column, "type": "nominal", "title": None},
        "y": {"field": row, "type": "nominal", "title": None},
        "color": {"field": value, "type": "nominal", "title": label, "scale": _palette()},
        "tooltip": tips(row, column, value),
    }
    cells = {"mark": "rect", "encoding": encoding}
    return figure_of({**cells, "width": {"step": 14}, "height": {"step": 14}}, f"{label} of pairs")


def world(value: str, label: str, *, country: str = "country", nominal: bool = False) -> Spec:
    """Draw a measure on a map; countries too small for it get a circle."""
    kind = "nominal" if nominal else "quantitative"
    scale = _palette() if nominal else {"scheme": "viridis"}
    colour = {"field": value, "type": kind, "title": label, "scale": scale}
    shape = {
        "mark": {"type": "geoshape", "stroke": "#808080", "strokeWidth": 0.4},
        "transform": [_lookup_rows("id", country, value), {"filter": f"isValid(datum.{value})"}],
        "data": _shapes(),
        "encoding": {"color": colour, "tooltip": tips("id", value)},
    }
    small = {
        "mark": {"type": "circle", "size": 45, "stroke": "#808080", "strokeWidth": 0.4},
        "transform": [_points(country), {"filter": "datum.small"}],
        "encoding": {
            "longitude": {"field": "lon", "type": "quantitative"},
            "latitude": {"field": "lat", "type": "quantitative"},
            "color": colour,
            "tooltip": tips(country, value),
        },
    }
    return _map([_ground(), shape, small], f"Map of {label}")


def link_map(weight: str, label: str) -> Spec:
    """Draw links between countries as lines on a map, wider when stronger."""
    ends = {
        "longitude": {"field": "lon", "type": "quantitative"},
        "latitude": {"field": "lat", "type": "quantitative"},
        "longitude2": {"field": "lon2"},
        "latitude2": {"field": "lat2"},
        "strokeWidth": {
            "field": weight,
            "type": "quantitative",
            "title": label,
            "scale": {"range": [0.3, 4]},
        },
        "tooltip": tips("source", "target", weight),
    }
    joins = [
        _points("source"),
        {
            "lookup": "target",
            "from": {"data": {"name": "points"}, "key": "code", "fields": ["lon", "lat"]},
            "as": ["lon2", "lat2"],
        },
        {"filter": "isValid(datum.lon) && isValid(datum.lon2)"},
    ]
    rule = {"mark": {"type": "rule", "opacity": 0.55, "color": COLOURS[1]}, "transform": joins}
    return _map([_ground(), {**rule, "encoding": ends}], f"Map of {label}")


def with_shapes(spec: Spec, codes: Collection[str] | None = None) -> Spec:
    """Put the country shapes, and the points of some countries, into a map: it stands alone."""
    found = shapes()
    inside = json.loads(json.dumps(spec))
    for layer in inside["layer"]:
        if layer.get("data", {}).get("name") == "world":
            layer["data"] = {"values": found["topology"], "format": _TOPOLOGY}
    return {**inside, "datasets": {**spec.get("datasets", {}), "points": points(codes)}}


@cache
def shapes() -> dict[str, Any]:
    """Country shapes (TopoJSON) and a point per country, from Natural Earth."""
    file = resources.files("isthmus.report").joinpath("shapes", "countries.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def points(codes: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Return a point for each country, all by default, and whether it is too small for a shape.

    Institutions and cities among the codes have a point where their position is known.
    """
    found = shapes()
    shaped = {g.get("id") for g in found["topology"]["objects"]["countries"]["geometries"]}
    others = {code: place for code in codes or () if (place := other_place(code)) is not None}
    return [
        *(
            {"code": code, "lon": lon, "lat": lat, "small": code not in shaped}
            for code, (lon, lat) in found["points"].items()
            if codes is None or code in codes
        ),
        *(
            {"code": code, "lon": place.longitude, "lat": place.latitude, "small": True}
            for code, place in others.items()
            if place.longitude is not None and place.latitude is not None
        ),
    ]


_TOPOLOGY = {"type": "topojson", "feature": "countries"}


def figure_of(content: Spec, description: str) -> Spec:
    """Return a specification of the usual size around some content."""
    size = {"width": WIDTH, "height": HEIGHT, "data": {"name": "rows"}}
    return {"$schema": SCHEMA, "description": description, **size, **content}


def _map(layer: list[Spec], description: str) -> Spec:
    projection = {"type": "naturalEarth1"}
    return figure_of({"layer": layer, "projection": projection}, description)


def _shapes() -> Spec:
    return {"name": "world", "format": _TOPOLOGY}


def _ground() -> Spec:
    mark = {"type": "geoshape", "fill": "#9a9a9a", "fillOpacity": 0.25, "stroke": "#808080"}
    return {"name": GROUND, "mark": {**mark, "strokeWidth": 0.4}, "data": _shapes()}


def _lookup_rows(key: str, country: str, value: str) -> Spec:
    return {"lookup": key, "from": {"data": {"name": "rows"}, "key": country, "fields": [value]}}


def _points(key: str) -> Spec:
    fields = ["lon", "lat", "small"]
    return {
        "lookup": key,
        "from": {"data": {"name": "points"}, "key": "code", "fields": fields},
    }


def _reference_line(value: float) -> Spec:
    return {
        "mark": {"type": "rule", "strokeDash": [4, 3], "color": "#808080"},
        "encoding": {"y": {"datum": value}},
    }


def _year() -> Spec:
    axis = {"format": "d", "tickMinStep": 1, "labelOverlap": True}
    return {
        "field": "year",
        "type": "quantitative",
        "title": "Year",
        "axis": axis,
        "scale": {"zero": False, "nice": False},
    }


def quantity(field: str, label: str) -> Spec:
    """Return a quantitative channel with its title."""
    return {"field": field, "type": "quantitative", "title": label}


def _palette() -> Spec:
    return {"range": list(COLOURS)}


def _colour(field: str) -> Spec:
    if not field:
        return {"value": COLOURS[0]}
    return {"field": field, "type": "nominal", "title": None, "scale": _palette()}


def tips(*fields: str) -> list[Spec]:
    """Return tooltips of some fields."""
    return [{"field": field} for field in fields if field]


def _descending(field: str) -> Spec:
    return {"field": field, "order": "descending"}
