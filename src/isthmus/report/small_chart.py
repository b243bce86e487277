"""Small charts as inline SVG, drawn from an answer's numbers: no script, colours by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from isthmus.findings.verdict import number
from isthmus.report import html
from isthmus.report.answers import Chart, Series
from isthmus.report.answers.answer import percent

#: Size of a chart, and the room at its right for names of lines, at its left for those of rows.
WIDTH, HEIGHT, NAMES, LABELS = 340, 150, 84, 104

#: Top and bottom margin; height of a row.
TOP, BOTTOM, ROW = 8, 20, 20

#: Letters of a name that fit.
LONGEST = 17


def small_chart(chart: Chart, places: dict[str, int], title: str) -> str:
    """Draw a chart of an answer.

    Parameters
    ----------
    chart
        What to draw.
    places
        Colour of each country.
    title
        Said to those who do not see the chart.
    """
    drawn = _lines(chart, places) if chart.kind == "lines" else _rows(chart, places)
    height = HEIGHT if chart.kind == "lines" else _height(chart)
    label = html.tag("title", html.text(title))
    return html.tag(
        "svg", label + drawn, class_="small-chart", role="img", viewBox=f"0 0 {WIDTH} {height}"
    )


def _height(chart: Chart) -> int:
    return TOP + BOTTOM + ROW * max(len(chart.series), 1)


def _known(groups: Iterable[Sequence[float | None]]) -> list[float]:
    return [v for group in groups for v in group if v is not None and math.isfinite(v)]


def _write(chart: Chart) -> Callable[[float], str]:
    return percent if chart.share else number


def _text(x: float, y: float, content: str, anchor: str = "start") -> str:
    given = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    return f"<text{html.attributes(given)}>{html.text(content)}</text>"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _class(series: Series, places: dict[str, int], at: int) -> str:
    return f"c{places.get(series.code, at) if series.code else at}"


def _lines(chart: Chart, places: dict[str, int]) -> str:
    years = [year for series in chart.series for year in series.x]
    values = _known(group for s in chart.series for group in (s.y, s.low, s.high))
    if not years or not values:
        return ""
    first, last = min(years), max(years)
    low, high = min([*values, *_reference(chart)]), max([*values, *_reference(chart)])
    low = 0.0 if chart.share or (low > 0 and low < high / 2) else low
    room = (high - low) or 1.0

    def x(year: float) -> float:
        return 40 + (WIDTH - NAMES - 44) * (year - first) / max(last - first, 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / room)

    write, made = _write(chart), ""
    for value in (low, high):
        made += f'<path class="grid" d="M40 {y(value):.1f} H{WIDTH - NAMES}"/>'
        made += _text(37, y(value) + 4, write(value), "end")
    for value in _reference(chart):
        made += f'<path class="zero" d="M40 {y(value):.1f} H{WIDTH - NAMES}"/>'
    made += _text(40, HEIGHT - 4, str(first)) + _text(WIDTH - NAMES, HEIGHT - 4, str(last), "end")
    ends = _apart([y(_last(s.y)) for s in chart.series])
    for at, (series, end) in enumerate(zip(chart.series, ends, strict=True)):
        name = _class(series, places, at)
        made += _band(series, name, x, y) + _path(series, name, x, y)
        made += _text(WIDTH - NAMES + 5, end + 4, _short_line(series.name))
    return made


def _short_line(name: str) -> str:
    return name if len(name) <= 13 else f"{name[:12]}…"


def _last(values: Sequence[float | None]) -> float:
    return next((v for v in reversed(values) if v is not None), 0.0)


def _reference(chart: Chart) -> list[float]:
    return [] if chart.reference is None else [chart.reference]


def _apart(places: Sequence[float], least: float = 13) -> list[float]:
    """Move names apart that would stand on each other, and keep them inside the chart."""
    order = sorted(range(len(places)), key=lambda at: places[at])
    made = list(places)
    for before, at in pairwise(order):
        made[at] = max(made[at], made[before] + least)
    over = max([0.0, *(made[at] - (HEIGHT - BOTTOM) for at in order[-1:])])
    return [at - over for at in made]


Place = Callable[[float], float]


def _path(series: Series, name: str, x: Place, y: Place) -> str:
    """Draw a line with gaps where years are missing, a dot where a year stands alone."""
    points = [(a, b) for a, b in zip(series.x, series.y, strict=True) if b is not None]
    parts, before = [], None
    for year, value in points:
        step = "L" if before is not None and year == before + 1 else "M"
        parts.append(f"{step}{x(year):.1f} {y(value):.1f}")
        before = year
    dots = "".join(
        f'<circle class="dot {name}" cx="{x(year):.1f}" cy="{y(value):.1f}" r="1.6"/>'
        for year, value in points
    )
    return f'<path class="line {name}" d="{"".join(parts)}"/>{dots}'


def _band(series: Series, name: str, x: Place, y: Place) -> str:
    if not series.low:
        return ""
    ends = [
        (year, low, high)
        for year, low, high in zip(series.x, series.low, series.high, strict=True)
        if low is not None and high is not None
    ]
    if len(ends) < 2:
        return ""
    there = "L".join(f"{x(year):.1f} {y(high):.1f}" for year, _, high in ends)
    back = "L".join(f"{x(year):.1f} {y(low):.1f}" for year, low, _ in reversed(ends))
    return f'<path class="band {name}" d="M{there}L{back}Z"/>'


def _rows(chart: Chart, places: dict[str, int]) -> str:
    values = _known(group for s in chart.series for group in (s.y, s.low, s.high))
    if not values:
        return ""
    scale = math.log if chart.logarithmic else float
    usable = [v for v in [*values, *_reference(chart)] if not chart.logarithmic or v > 0]
    low, high = min(usable), max(usable)
    first, last = scale(low), scale(high)
    room = (last - first) or 1.0

    def x(value: float) -> float:
        inside = max(value, low)
        return LABELS + (WIDTH - LABELS - 44) * (scale(inside) - first) / room

    height, write, made = _height(chart), _write(chart), ""
    for value in _reference(chart):
        made += f'<path class="zero" d="M{x(value):.1f} {TOP - 4} V{height - BOTTOM}"/>'
        made += _text(x(value), height - 5, write(value), "middle")
    for at, series in enumerate(chart.series):
        y, value = TOP + ROW * at + ROW / 2, series.y[0]
        ends = [series.low[0] if series.low else None, series.high[0] if series.high else None]
        grey = chart.reference is not None and _includes(ends, chart.reference)
        name = "unsure" if grey else _class(series, places, 0)
        made += _text(LABELS - 6, y + 4, _short(series.name), "end")
        right = value or 0.0
        if ends[0] is not None and ends[1] is not None:
            made += f'<path class="line {name}" d="M{x(ends[0]):.1f} {y:.1f} H{x(ends[1]):.1f}"/>'
            right = ends[1]
        elif chart.reference == 0 and value is not None and "%" not in chart.unit:
            made += f'<path class="bar {name}" d="M{x(0):.1f} {y:.1f} H{x(value):.1f}"/>'
        if value is not None:
            made += f'<circle class="dot {name}" cx="{x(value):.1f}" cy="{y:.1f}" r="3.5"/>'
            made += _text(x(right) + 6, y + 4, write(value))
    return made


def _includes(ends: Sequence[float | None], value: float) -> bool:
    return ends[0] is not None and ends[1] is not None and ends[0] <= value <= ends[1]
