"""Small charts as inline SVG, drawn from an answer's numbers: no script, colours by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import quantiles

from isthmus.findings.verdict import number
from isthmus.report import html
from isthmus.report.answers import Chart, Series
from isthmus.report.answers.answer import percent

#: Size of a chart; the room at its left for numbers, at its right for names of lines.
WIDTH, HEIGHT, LEFT, NAMES = 340, 150, 48, 92

#: Top and bottom margin; height of a row.
TOP, BOTTOM, ROW = 8, 20, 20

#: Letters of a name that fit beside rows and behind lines; widest letters, in pixels.
LONGEST, LONGEST_LINE, LETTER = 22, 12, 6.6

#: Least distance in pixels between the middle of a year and the outer end of another.
DIGITS_WIDE = 50

#: Intervals are drawn up to so many times the spread of the estimates beyond these.
BEYOND = 1.0

#: Single years are drawn up to so many times the range of the middle half beyond it, where a
#: line has at least so many: one sparse year would flatten all others.
FARTHEST, FEWEST = 5.0, 8


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


def _short(name: str, most: int = LONGEST) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _limits(chart: Chart, scale: Callable[[float], float]) -> tuple[float, float, bool]:
    """Return the ends of the scale, and whether intervals go beyond them and are cut."""
    usable = _positive if chart.logarithmic else list
    kernel = usable([*_known(s.y for s in chart.series), *_reference(chart)])
    every = usable([*kernel, *_known(e for s in chart.series for e in (s.low, s.high))])
    if not kernel:
        return 0.0, 1.0, False
    kernel, lonely = _without_lonely(kernel) if chart.kind == "lines" else (kernel, False)
    values = [scale(value) for value in kernel]
    spread = max(max(values) - min(values), 1.0 if chart.logarithmic else 0.0)
    low, high = min(map(scale, every)), max(map(scale, every))
    if len(kernel) < 3 or not spread:
        return low, high, False
    least, most = min(values) - BEYOND * spread, max(values) + BEYOND * spread
    return max(low, least), min(high, most), lonely or low < least or high > most


def _without_lonely(values: list[float]) -> tuple[list[float], bool]:
    """Leave out values far from the middle half of all, and say whether there were any."""
    if len(values) < FEWEST:
        return values, False
    first, _, third = quantiles(values, n=4)
    reach = FARTHEST * (third - first)
    near = [value for value in values if first - reach <= value <= third + reach]
    return (near, len(near) < len(values)) if third > first else (values, False)


def _positive(values: Sequence[float]) -> list[float]:
    return [value for value in values if value > 0]


def is_cut(chart: Chart) -> bool:
    """Whether intervals of a chart are longer than what is drawn of them."""
    return _limits(chart, math.log if chart.logarithmic else float)[2]


def _class(series: Series, places: dict[str, int], at: int) -> str:
    return f"c{places.get(series.code, at) if series.code else at}"


def _lines(chart: Chart, places: dict[str, int]) -> str:
    years = [year for series in chart.series for year in series.x]
    if not years:
        return ""
    first, last = min(years), max(years)
    low, high, _ = _limits(chart, float)
    counted = all(value >= 0 for value in _known(s.y for s in chart.series))
    low = 0.0 if chart.share or (counted and low < high / 2) else low
    room = (high - low) or 1.0

    def x(year: float) -> float:
        return LEFT + (WIDTH - NAMES - LEFT) * (year - first) / max(last - first, 1)

    def y(value: float) -> float:
        inside = min(max(value, low), high)
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (inside - low) / room)

    write, made = _write(chart), ""
    for value in (low, high):
        made += f'<path class="grid" d="M{LEFT} {y(value):.1f} H{WIDTH - NAMES}"/>'
        made += _text(LEFT - 4, y(value) + 4, write(value), "end")
    for value in _reference(chart):
        made += f'<path class="zero" d="M{LEFT} {y(value):.1f} H{WIDTH - NAMES}"/>'
    made += _turn(chart, x, (first, last))
    made += _text(LEFT, HEIGHT - 4, str(first)) + _text(WIDTH - NAMES, HEIGHT - 4, str(last), "end")
    ends = _apart([y(_last(s.y)) for s in chart.series])
    for at, (series, end) in enumerate(zip(chart.series, ends, strict=True)):
        name = _class(series, places, at)
        made += _band(series, name, x, y) + _path(series, name, x, y)
        made += _text(WIDTH - NAMES + 5, end + 4, _short(series.name, LONGEST_LINE))
    return made


def _turn(chart: Chart, x: Place, span: tuple[int, int]) -> str:
    """Draw when a course turned: the year as an upright line, the years it may be in as a band."""
    if chart.turn is None:
        return ""
    year, *ends = chart.turn
    low, high = (x(min(max(end, span[0]), span[1])) for end in ends)
    top, bottom = f"{TOP - 4:.1f}", f"{HEIGHT - BOTTOM:.1f}"
    made = f'<path class="turn range" d="M{low:.1f} {top} H{high:.1f} V{bottom} H{low:.1f} Z"/>'
    made += f'<path class="turn" d="M{x(year):.1f} {top} V{bottom}"/>'
    apart = x(span[0]) + DIGITS_WIDE < x(year) < x(span[1]) - DIGITS_WIDE
    return made + (_text(x(year), HEIGHT - 4, str(year), "middle") if apart else "")


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
    x, left = _across(chart)
    height, write, made = _height(chart), _write(chart), ""
    for value in _reference(chart):
        made += f'<path class="zero" d="M{x(value):.1f} {TOP - 4} V{height - BOTTOM}"/>'
        made += _text(x(value), height - 5, write(value), "middle")
    for at, series in enumerate(chart.series):
        y = TOP + ROW * at + ROW / 2
        made += _text(left - 6, y + 4, _short(series.name), "end")
        made += _row(chart, series, places, x, y)
    return made


def _across(chart: Chart) -> tuple[Place, float]:
    """Return the scale across, and where it begins: behind the longest name."""
    scale = math.log if chart.logarithmic else float
    low, high, _ = _limits(chart, scale)
    left = 20 + LETTER * max([0, *(len(_short(s.name)) for s in chart.series)])
    room = (high - low) or 1.0

    def x(value: float) -> float:
        at = low if chart.logarithmic and value <= 0 else scale(value)
        return left + (WIDTH - left - 60) * (min(max(at, low), high) - low) / room

    return x, left


def _row(chart: Chart, series: Series, places: dict[str, int], x: Place, y: float) -> str:
    """Draw a point with its interval, grey where that includes no effect; a bar for a count."""
    value = series.y[0]
    if value is None:
        return ""
    low, high = (end[0] if end else None for end in (series.low, series.high))
    name = "unsure" if _includes(low, high, chart.reference) else _class(series, places, 0)
    right, made = value, ""
    if low is not None and high is not None:
        made += f'<path class="line {name}" d="M{x(low):.1f} {y:.1f} H{x(high):.1f}"/>'
        right = high
    elif chart.reference == 0 and "%" not in chart.unit:
        made += f'<path class="bar {name}" d="M{x(0):.1f} {y:.1f} H{x(value):.1f}"/>'
    made += f'<circle class="dot {name}" cx="{x(value):.1f}" cy="{y:.1f}" r="3.5"/>'
    return made + (_text(x(right) + 6, y + 4, _write(chart)(value)) if chart.unit else "")


def _includes(low: float | None, high: float | None, value: float | None) -> bool:
    return low is not None and high is not None and value is not None and low <= value <= high
