"""Charts of several panels, and of shares and bands: a part of the chart grammar."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.report.charts import (
    COLOURS,
    SCHEMA,
    WIDTH,
    Spec,
    among,
    figure_of,
    lines,
    quantity,
    side_by_side,
    tips,
)

#: Square of the 95 % point of the normal distribution, in Wilson's interval.
Z2 = 1.959963984540054**2

#: z between which 95 % of links without affinity lie, about.
EXPECTED_Z = 1.96


def share_lines(part: str, whole: str, label: str, *, colour: str) -> Spec:
    """Draw the share of `part` in `whole` over the years with Wilson's 95 % interval.

    The shares and intervals (Wilson 1927) are transforms of the specification.
    """
    k, n = f"datum.{part}", f"datum.{whole}"
    middle = f"({k} + {Z2 / 2:.6f}) / ({n} + {Z2:.6f})"
    half = f"sqrt({Z2:.6f} * ({k} * ({n} - {k}) / {n} + {Z2 / 4:.6f})) / ({n} + {Z2:.6f})"
    sums = [{"op": "sum", "field": name, "as": name} for name in (part, whole)]
    made = [
        {"aggregate": sums, "groupby": ["year", "lead", colour]},
        {"filter": f"{n} > 0"},
        {"calculate": f"{k} / {n}", "as": "share"},
        {"calculate": f"max(0, {middle} - {half})", "as": "share_low"},
        {"calculate": f"min(1, {middle} + {half})", "as": "share_high"},
    ]
    drawn = lines("share", label, colour=colour, band=True)
    for mark in drawn["layer"]:
        mark["encoding"]["y"] = {**mark["encoding"]["y"], "axis": {"format": "%"}}
    return {**drawn, "transform": made}


def two_counts(first: str, second: str, category: str, label: str, *, most: int = 20) -> Spec:
    """Draw two counts of the same thing as points on one line, the `most` largest of the first.

    The scale goes with the square root, so that small ones are seen beside large ones, and 0.
    """
    order = {"field": first, "op": "max", "order": "descending"}
    made = [
        {
            "window": [{"op": "row_number", "as": "place"}],
            "sort": [{"field": first, "order": "descending"}],
        },
        {"filter": f"datum.place <= {most}"},
        {"fold": [first, second], "as": ["which", "count"]},
    ]
    names = {"theirs": "the other table", "ours": "this study"}
    told = " : ".join(f"datum.which == '{key}' ? '{name}'" for key, name in names.items())
    made.append({"calculate": f"{told} : datum.which", "as": "whose"})
    whose = {"field": "whose", "type": "nominal", "title": None}
    scale = {"type": "sqrt"}
    encoding = {
        "x": {"field": "count", "type": "quantitative", "title": label, "scale": scale},
        "y": {"field": category, "type": "nominal", "sort": order, "title": None},
        "color": {**whose, "scale": {"range": list(COLOURS)}},
        "shape": whose,
        "tooltip": [{"field": category}, {"field": "whose"}, {"field": "count"}],
    }
    return {
        "$schema": SCHEMA,
        "description": f"{label}, two counts, the {most} largest",
        "width": WIDTH,
        "height": {"step": 16},
        "usermeta": {"most": most},
        "data": {"name": "rows"},
        "mark": {"type": "point", "filled": True, "size": 60},
        "transform": made,
        "encoding": encoding,
    }


def effect_intervals(category: str, label: str) -> Spec:
    """Draw an effect with its interval, one row per category, beside a line at no effect."""
    y = {"field": category, "type": "nominal", "title": None, "axis": {"labelLimit": 200}}

    def across(field: str) -> Spec:
        return {"field": field, "type": "quantitative", "title": label}

    known = {"filter": "isValid(datum.effect_percent)"}
    zero = {"mark": {"type": "rule", "strokeDash": [4, 3], "color": "#808080"}}
    bars = {"x": across("ci_low"), "x2": {"field": "ci_high"}, "y": y}
    dots = {"x": across("effect_percent"), "y": y}
    layer = [
        {**zero, "encoding": {"x": {"datum": 0}}},
        {"mark": {"type": "rule", "strokeWidth": 1.5, "color": COLOURS[0]}, "encoding": bars},
        {"mark": {"type": "point", "filled": True, "color": COLOURS[0]}, "encoding": dots},
    ]
    size = {"height": {"step": 20}, "width": 280, "data": {"name": "rows"}}
    content = {"layer": layer, "transform": [known], **size}
    return {"$schema": SCHEMA, "description": f"{label} with interval", **content}


def chosen_pairs(pairs: Sequence[tuple[str, str]], *, directed: bool) -> Spec:
    """Draw z over the years for some pairs, a panel each, with the band sizes alone would fill."""
    wanted = [f"{a}-{b}" for a, b in pairs]
    ends = "datum.source < datum.target ? datum.source + '-' + datum.target : "
    ends += "datum.target + '-' + datum.source"
    band = {
        "data": {"values": [{"low": -EXPECTED_Z, "high": EXPECTED_Z}]},
        "mark": {"type": "rect", "color": "#808080", "opacity": 0.2},
        "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
    }
    drawn = lines("z", "z", colour="null_model")
    drawn["layer"][0]["mark"] = {"type": "line", "point": {"size": 12}}
    if directed:
        dash = {"field": "source", "type": "nominal", "title": "Citing"}
        drawn["layer"][0]["encoding"]["strokeDash"] = dash
    return {
        "$schema": SCHEMA,
        "description": "z by year for chosen pairs",
        "data": {"name": "rows"},
        "transform": [
            {"calculate": ends, "as": "pair"},
            {"filter": {"field": "pair", "oneOf": wanted}},
        ],
        "facet": {"field": "pair", "type": "nominal", "title": None, "sort": wanted},
        "columns": 3,
        "spec": {"layer": [band, *drawn["layer"]], "width": 230, "height": 130},
        "resolve": {"scale": {"y": "independent"}},
    }


def courses() -> Spec:
    """Draw the course of each archetype's centroid by layer, with the quartiles of its pairs."""
    drawn = lines("value", "Standard deviations", colour="layer", band=True)
    area = drawn["layer"][0]["encoding"]
    area["y"], area["y2"] = {**area["y"], "field": "low"}, {"field": "high"}
    name = "datum.archetype + ', ' + datum.pairs + ' pairs'"
    return {
        "$schema": SCHEMA,
        "description": "Course of each archetype",
        "data": {"name": "rows"},
        "transform": [{"calculate": f"{name} + ' (cluster ' + datum.cluster + ')'", "as": "who"}],
        "facet": {"field": "who", "type": "nominal", "title": None},
        "columns": 2,
        "spec": {"layer": drawn["layer"], "width": 340, "height": 180},
    }


def beside_placebo(label: str) -> Spec:
    """Draw what the poles did as a line, and what sizes alone give as a band, by null model."""
    drawn = lines("value", label, colour="null_model")
    band = lines("placebo_mean", label, colour="null_model", band=True)["layer"]
    area = band[0]["encoding"]
    area["y"] = {**area["y"], "field": "placebo_low"}
    area["y2"] = {"field": "placebo_high"}
    mean = {**band[1], "mark": {"type": "line", "strokeDash": [5, 4]}}
    return {**drawn, "layer": [band[0], mean, *drawn["layer"]]}


def layers_beside(spec: Spec, layers: Sequence[str]) -> Spec:
    """Draw the same chart once for each layer of links."""
    parts = [
        {**among(spec, "layer", [layer]), "title": {"text": layer.capitalize(), "fontSize": 11}}
        for layer in layers
    ]
    return side_by_side(parts)


def ranked_dots(
    x: str, category: str, label: str, *, most: int = 20, reference: float | None = None
) -> Spec:
    """Draw estimates as dots with their intervals, largest first; grey where they include none.

    With a reference the scale is logarithmic, and intervals that include it are grey.
    """
    low, high = f"{x}_low", f"{x}_high"
    scale = {} if reference is None else {"scale": {"type": "log"}}
    inside = f"datum.{low} <= {reference} && datum.{high} >= {reference}"
    grey = {"condition": {"test": inside, "value": "#7F7F7F"}} if reference is not None else {}
    y = {
        "field": category,
        "type": "nominal",
        "sort": {"field": x, "order": "descending"},
        "title": None,
    }
    colour = {"color": {**grey, "value": COLOURS[0]}, "y": y}
    bars = {"x": {**quantity(low, label), **scale}, "x2": {"field": high}, **colour}
    dots = {
        "x": {**quantity(x, label), **scale},
        **colour,
        "tooltip": tips(category, x, low, high),
    }
    layer: list[Spec] = [
        {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": bars},
        {"mark": {"type": "point", "filled": True, "size": 45}, "encoding": dots},
    ]
    if reference is not None:
        line = {"mark": {"type": "rule", "strokeDash": [4, 3], "color": "#808080"}}
        layer.insert(0, {**line, "encoding": {"x": {"datum": reference}}})
    known = f"isValid(datum.{x}) && isValid(datum.{low})"
    ranked = [
        {"filter": known if reference is None else f"{known} && datum.{low} > 0"},
        {
            "window": [{"op": "row_number", "as": "rank"}],
            "sort": [{"field": x, "order": "descending"}],
        },
        {"filter": f"datum.rank <= {most}"},
    ]
    size = {"height": {"step": 18}, "usermeta": {"most": most, "category": category}}
    return figure_of({"layer": layer, "transform": ranked, **size}, f"{label} with interval")


def before_and_after(label: str) -> Spec:
    """Draw the slopes before and after the turn of each layer, with their intervals."""
    zero = {"mark": {"type": "rule", "strokeDash": [4, 3], "color": "#808080"}}
    layer: list[Spec] = [{**zero, "encoding": {"x": {"datum": 0}}}]
    sides = ["Before the turn", "After the turn"]
    by_side = {"field": "side", "type": "nominal", "title": None, "sort": sides}
    y = {"field": "layer", "type": "nominal", "title": None, "axis": {"labelLimit": 200}}
    colour = {**by_side, "scale": {"domain": sides, "range": list(COLOURS[:2])}}
    shared = {"y": y, "yOffset": by_side, "color": colour}
    for side, name in zip(sides, ("slope_before", "slope_after"), strict=True):
        own = [{"calculate": f"'{side}'", "as": "side"}]
        bars = {"x": quantity(f"{name}_low", label), "x2": {"field": f"{name}_high"}, **shared}
        dots = {"x": quantity(name, label), **shared, "tooltip": tips("layer", "year", name)}
        layer += [
            {"mark": {"type": "rule", "strokeWidth": 2}, "transform": own, "encoding": bars},
            {
                "mark": {"type": "point", "filled": True, "size": 50},
                "transform": own,
                "encoding": dots,
            },
        ]
    known = [{"filter": "isValid(datum.slope_before)"}]
    size = {"height": {"step": 40}, "usermeta": {"category": "layer"}}
    return figure_of({"layer": layer, "transform": known, **size}, f"{label} with interval")


def joined(spec: Spec, first: str, second: str, word: str, into: str) -> Spec:
    """Draw a chart of the two ends of a link together, under one name like "China to US"."""
    named = {"calculate": f"datum.{first} + ' {word} ' + datum.{second}", "as": into}
    return {**spec, "transform": [named, *spec.get("transform", [])]}


def counted_bars(category: str, label: str) -> Spec:
    """Draw how many rows each category has, the most first."""
    encoding = {
        "x": {"aggregate": "count", "title": label, "axis": {"tickMinStep": 1}},
        "y": {"field": category, "type": "nominal", "sort": "-x", "title": None},
    }
    bars = {"mark": {"type": "bar", "color": COLOURS[0]}, "encoding": encoding}
    return figure_of({**bars, "height": {"step": 20}}, label)


def explained(parts: Sequence[tuple[str, str]], label: str) -> Spec:
    """Draw shares explained of each layer and window of years, a colour each; below 0 as 0."""
    domain = [name for _, name in parts]
    scale = {"domain": domain, "range": list(COLOURS[: len(domain)])}
    colour = {"field": "by", "type": "nominal", "title": None, "scale": scale}
    y = {"field": "window", "type": "nominal", "title": None, "axis": {"labelLimit": 240}}
    x = {**quantity("share", label), "axis": {"format": "~%"}, "scale": {"domain": [0, 1]}}
    layer = []
    for column, name in parts:
        own = [
            {"filter": f"isValid(datum.{column})"},
            {"calculate": f"max(0, datum.{column})", "as": "share"},
            {"calculate": f"'{name}'", "as": "by"},
        ]
        dots = {"x": x, "y": y, "color": colour}
        mark = {"type": "point", "filled": True, "size": 70}
        layer.append({"mark": mark, "transform": own, "encoding": dots})
    text = "datum.layer + ', ' + datum.first_year + '-' + datum.last_year"
    size = {"height": {"step": 26}, "transform": [{"calculate": text, "as": "window"}]}
    return figure_of({"layer": layer, **size}, label)


def beside_expected(y: str, expected: str, label: str) -> Spec:
    """Draw a measure with its band over the years, and what is expected of it dashed."""
    drawn = lines(y, label, band=True)
    usual = lines(expected, label)["layer"][0]
    return {**drawn, "layer": [*drawn["layer"], {**usual, "mark": {"type": "line", **DASHED}}]}


#: How what is expected is drawn.
DASHED = {"strokeDash": [5, 4]}


def shares_since(x: str, shares: Sequence[tuple[str, str]], title: str) -> Spec:
    """Draw several shares with their bands by a number of years, a colour each."""
    domain = [label for _, label in shares]
    scale = {"domain": domain, "range": list(COLOURS[: len(domain)])}
    colour = {"field": "share", "type": "nominal", "title": None, "scale": scale}
    across = {"field": x, "type": "quantitative", "title": title, "scale": {"zero": False}}
    layer: list[Spec] = []
    for name, label in shares:
        own = [{"calculate": f"'{label}'", "as": "share"}]
        band = {"y": quantity(f"{name}_low", "Share"), "y2": {"field": f"{name}_high"}}
        both = {"x": across, "color": colour}
        line = {"y": quantity(name, "Share"), "tooltip": tips(x, name)}
        layer += [
            {"mark": {"type": "area", "opacity": 0.18}, "transform": own, "encoding": both | band},
            {
                "mark": {"type": "line", "point": True},
                "transform": own,
                "encoding": both | line,
            },
        ]
    return figure_of({"layer": layer}, f"{', '.join(domain)}, with intervals")


#: Readings of a number where countries are missing -> their names, in the order of a legend.
READINGS = {"measured": "As measured", "imputed": "Filled in", "weighted": "Weighted"}


def extremes_by_number(label: str) -> Spec:
    """Draw each number's three readings on a bar from its lowest to its highest value."""
    y = {"field": "number", "type": "nominal", "title": None, "axis": {"labelLimit": 240}}
    bar = {"x": quantity("lowest", label), "x2": {"field": "highest"}, "y": y}
    layer: list[Spec] = [{"mark": {"type": "bar", "height": 8, **_GREY}, "encoding": bar}]
    for name in READINGS:
        dots = {"x": quantity(name, label), "y": y, "tooltip": tips("number", name)}
        layer.append(_reading(name, {"type": "point", "filled": True, "size": 45}, dots))
    size = {"height": {"step": 34}, "usermeta": {"category": "number"}}
    return figure_of({"layer": layer, **size}, f"{label}: readings and extremes")


def extremes_by_year(label: str, readings: Sequence[str] = tuple(READINGS)) -> Spec:
    """Draw a number's readings over the years on a band of its extremes."""
    band = lines("measured", label, colour="", band=True)["layer"][0]["encoding"]
    ends = {"y": quantity("lowest", label), "y2": {"field": "highest"}}
    area = {"x": band["x"], **ends}
    layer: list[Spec] = [{"mark": {"type": "area", **_GREY}, "encoding": area}]
    for name in readings:
        line = {"x": band["x"], "y": quantity(name, label), "tooltip": tips("year", name)}
        layer.append(_reading(name, {"type": "line", "point": True}, line, readings))
    return figure_of({"layer": layer}, f"{label} by year: readings and extremes")


_GREY = {"color": "#808080", "opacity": 0.3}


def _reading(
    name: str, mark: Spec, encoding: Spec, readings: Sequence[str] = tuple(READINGS)
) -> Spec:
    names = [READINGS[one] for one in readings]
    scale = {"domain": names, "range": list(COLOURS[: len(names)])}
    colour = {"field": "reading", "type": "nominal", "title": None, "scale": scale}
    own = [{"calculate": f"'{READINGS[name]}'", "as": "reading"}]
    return {"mark": mark, "transform": own, "encoding": {**encoding, "color": colour}}
