"""The figures of both studies, from result tables: SVG, PNG and Vega-Lite JSON.

A figure's data are rows of one result table, in the table's order and with its
columns; what is summed or filtered for drawing is said in the specification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.files import atomic_path
from isthmus.report import charts, panels, pole_figures
from isthmus.report.charts import GROUND, VEGA_LITE
from isthmus.report.design import colour_places, keep_colours, named_codes
from isthmus.report.figure import Absent, Drawn, Figure, rows_of, rule_of, total_of
from isthmus.report.glossary import metric
from isthmus.report.source import Source, where
from isthmus.report.words import words
from isthmus.results import Results
from isthmus.selection.wording import in_sentence, listed

#: Pixels of a PNG per pixel of the figure: 2 prints sharp at a column's width.
PNG_SCALE = 2.0

#: Name space of SVG, as the parser writes it before names.
SVG = "{http://www.w3.org/2000/svg}"

#: Folder of the figures inside the results.
FIGURES = "figures"

#: Countries or origins shown as bars (both studies show the first 20).
MOST = 20


def figures(source: Source) -> Iterator[Drawn]:
    """Yield every figure, or its absence with the reason, in the order of the report.

    An error in one figure is the reason of its absence and keeps nobody from the others.
    """
    places, said = colour_places(source), words(source)
    for make in _MAKERS:
        made = make(source)
        while True:
            try:
                figure = next(made, None)
            except Exception as error:
                yield Absent(make.__name__.strip("_").replace("_", "-"), _reason(error), lost=True)
                break
            if figure is None:
                break
            if isinstance(figure, Figure) and figure.rows.num_rows == 0:
                yield Absent(figure.name, source.nothing_drawn(figure.table))
            elif isinstance(figure, Figure):
                spec = keep_colours(figure.spec, figure.rows, places)
                yield replace(figure, spec=named_codes(spec, source.names, said))
            else:
                yield figure


def draw_figures(results: Results, target: str | Path | None = None) -> list[Drawn]:
    """Write every figure as SVG, PNG and Vega-Lite JSON, and say which could not be drawn.

    Parameters
    ----------
    results
        Results of a finished run.
    target
        Folder; ``figures`` inside the results when None.

    Returns
    -------
    list of Figure or Absent
        In the order of the report. What could not be drawn is absent with its reason.
    """
    folder = Path(target) if target is not None else results.path / FIGURES
    source = Source(results)
    with atomic_path(folder) as partial:
        partial.mkdir(parents=True)
        return [
            _written(source, figure, partial) if isinstance(figure, Figure) else figure
            for figure in figures(source)
        ]


def write_figures(results: Results, target: str | Path | None = None) -> list[Path]:
    """Write every figure as :func:`draw_figures` does; return the SVG files in order."""
    folder = Path(target) if target is not None else results.path / FIGURES
    drawn = draw_figures(results, folder)
    return [folder / f"{figure.name}.svg" for figure in drawn if isinstance(figure, Figure)]


def svg(figure: Figure) -> str:
    """Draw a figure as SVG."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(figure.vega_lite(), vl_version=VEGA_LITE)
    return drawn


def _written(source: Source, figure: Figure, folder: Path) -> Drawn:
    """Write the files of a figure, all or none; a figure that fails or shows nothing is absent.

    The library that draws is compiled: where it panics, what it raises is no ``Exception``.
    """
    import vl_convert

    try:
        drawn = svg(figure)
        if not shows_something(drawn):
            return Absent(figure.name, source.nothing_drawn(figure.table))
        spec = msgspec.json.encode(figure.vega_lite(), order="sorted") + b"\n"
        files = {"vl.json": spec, "svg": drawn.encode()}
        files["png"] = vl_convert.svg_to_png(drawn, scale=PNG_SCALE)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return Absent(figure.name, _reason(error), lost=True)
    for ending, content in files.items():
        (folder / f"{figure.name}.{ending}").write_bytes(content)
    return figure


def shows_something(drawn: str) -> bool:
    """Whether an SVG that Vega drew holds a mark with a shape, beside axes and the empty map.

    Examples
    --------
    >>> frame = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'
    >>> shows_something(frame.format('<g class="mark-line role-mark"><path d="M0,0L1,1"/></g>'))
    True
    >>> shows_something(frame.format('<g class="mark-rule role-axis-grid"><line x2="1"/></g>'))
    False
    """
    for group in ElementTree.fromstring(drawn).iter(f"{SVG}g"):
        kinds = group.get("class", "").split()
        is_mark = "role-mark" in kinds and f"{GROUND}_marks" not in kinds
        if is_mark and any(shape.get("d") != "" for shape in group):
            return True
    return False


def _reason(error: BaseException) -> str:
    """Say in one sentence why a figure could not be drawn."""
    first = (str(error).splitlines() or [""])[0].rstrip(".")
    return f"It could not be drawn ({type(error).__name__}: {first}); its table is whole."


def _leaders(source: Source) -> Iterator[Drawn]:
    """Draw totals of the leading countries beside the poles over time (AlShebli et al., fig. 1)."""
    impact = source.impact
    wanted = (
        ("output", "Papers", source.papers, f"{source.papers}_share", "sum"),
        ("scientists", "Scientists", "scientists", "scientists", "mean"),
        ("impact", "Impact", f"{impact}_sum", f"{impact}_mean", "sum"),
        ("hits", "Hits", "hits", "hit_share", "sum"),
        ("novelty", "Novelty", "novel_hits", "novelty_median", "sum"),
        ("novelty-hits", "Novelty hits", "novel_hits", "novel_share", "sum"),
    )
    table = source.table("country_year")
    for name, title, total, yearly, how in wanted:
        if table is None:
            yield Absent(name, source.missing("country_year"))
        elif not {total, yearly} <= set(table.column_names):
            yield Absent(name, f"`country_year` of these results has no column `{yearly}`.")
        else:
            yield _leader(source, table, (name, title, total, yearly, how))


def _leader(source: Source, table: pa.Table, what: tuple[str, str, str, str, str]) -> Figure:
    name, title, total, yearly, how = what
    ends = [f"{yearly}_low", f"{yearly}_high"]
    rows = rows_of(table, list(dict.fromkeys(["year", "country", total, yearly, *ends])))
    rows = rows.filter(pc.or_(pc.is_valid(rows[total]), pc.is_valid(rows[yearly])))
    banded = ends[0] in table.column_names
    label = metric(yearly, source.settings).label
    seen = set(rows.filter(pc.is_valid(rows[yearly]))["country"].to_pylist())
    poles = [pole for pole in source.poles if pole in seen]
    parts = []
    if rows[total].null_count < rows.num_rows:
        totals = metric(total, source.settings).label
        parts.append(charts.summed_bars(total, "country", totals, how, MOST))
    if poles:
        parts.append(charts.among(charts.lines(yearly, label, band=banded), "country", poles))
    first, last = source.years
    notes = [
        f"Left: {how} over {first}-{last}, the first {MOST} countries. Right: the poles by year.",
        rule_of(source, total),
        f"{'Band: 95 % interval. ' if banded else 'No interval in the table. '}"
        f"n = {total_of(table, source.papers):,} papers under this rule, "
        f"{len(pc.unique(rows['country']))} countries.",
    ]
    if len(poles) < len(source.poles):
        unseen = listed([pole for pole in source.poles if pole not in poles])
        notes.append(f"No line of {unseen}: the table holds no value of it.")
    if not parts:
        rows = rows.slice(0, 0)
    spec = charts.side_by_side(parts)
    return Figure(name, f"{title} of countries", "country_year", rows, spec, notes)


def _origins(source: Source) -> Iterator[Drawn]:
    """Draw where movers to each pole came from (AlShebli et al., fig. 2a and 2b)."""
    table = source.table("flows")
    for pole in source.poles:
        name = f"origins-{pole}"
        if table is None:
            yield Absent(name, source.missing("flows"))
            continue
        rows = where(
            rows_of(table, ["year", "origin", "destination", "scientists"]), destination=pole
        )
        label = metric("scientists_moved", source.settings).label
        bars = charts.summed_bars("scientists", "origin", label, "sum", MOST)
        there = set(rows["origin"].to_pylist())
        parts = [bars]
        if others := [other for other in source.poles if other in there]:
            lines = charts.lines("scientists", label, colour="origin")
            parts.append(charts.among(lines, "origin", others))
        notes = [
            "Left: sum over the years by country they left. Right: from the other poles by year.",
            rule_of(source, "scientists_moved"),
            f"n = {total_of(rows, 'scientists'):,} moves. Counts of all moves seen; no interval.",
        ]
        title = f"Where scientists who came to {in_sentence(pole)} came from"
        yield Figure(name, title, "flows", rows, charts.side_by_side(parts), notes)


def _effects(source: Source) -> Iterator[Drawn]:
    """Draw matched effects by year (AlShebli et al., fig. 3d)."""
    table = source.table("matched")
    if table is None:
        yield Absent("premium", source.missing("matched"))
        return
    kept = ["experiment", "year", "treated_matched", "control_matched"]
    rows = rows_of(table, [*kept, "effect_percent", "ci_low", "ci_high"])
    plain = pc.match_substring_regex(rows["experiment"], "^joint:[^:]*$")
    rows = rows.filter(pc.and_(pc.is_valid(rows["year"]), plain))
    rows = rows.filter(pc.is_valid(rows["effect_percent"]))
    spec = charts.intervals(
        "effect_percent", "ci_low", "ci_high", "Difference, %", colour="experiment"
    )
    notes = [
        "Matched joint papers against papers without the other country, relative difference.",
        rule_of(source, "effect_percent"),
        f"Bars: 95 % bootstrap interval. n = {total_of(rows, 'treated_matched'):,} matched joint "
        f"papers, {total_of(rows, 'control_matched'):,} controls.",
    ]
    yield Figure("premium", "Impact of joint papers", "matched", rows, spec, notes)


def _teams(source: Source) -> Iterator[Drawn]:
    """Draw joint papers by type, team size and top institution (AlShebli et al., fig. 3a-3c)."""
    counts = source.table("top_institutions")
    if counts is None:
        yield from (
            Absent(n, source.missing("top_institutions")) for n in ("joint-papers", "top-100")
        )
    else:
        n = f"n = {total_of(counts, 'papers'):,} papers the poles lead"
        group = "Groups: the other pole on board, other international, domestic."
        rule = "Counting: a work once for its leading pole, and once per pole on board."
        drawn = charts.totals_by_year("papers", "Papers", colour="group")
        leads = [pole for pole in source.poles if pole in set(counts["lead"].to_pylist())]
        spec = charts.by_lead(drawn, leads)
        notes = [group, rule, f"{n}; a count of all, no interval."]
        yield Figure("joint-papers", "Papers by type", "top_institutions", counts, spec, notes)
        most = source.settings["teaming"]["top_institutions"]
        title = f"Papers led by the {most} most cited institutions"
        drawn = panels.share_lines("papers_top_institution", "papers", "Share", colour="group")
        spec = charts.by_lead(drawn, leads)
        notes = [group, rule, f"{n}. Bands: 95 % Wilson interval of the share."]
        yield Figure("top-100", title, "top_institutions", counts, spec, notes)
    sizes = source.table("team_sizes")
    if sizes is None:
        yield Absent("team-sizes", source.missing("team_sizes"))
        return
    n = f"n = {total_of(sizes, 'papers'):,} papers the poles lead; shares of all, no interval."
    spec = charts.shares("team_size", "papers", "Authors", colour="group")
    notes = ["Share of each group's papers by number of authors.", "Counting: whole.", n]
    yield Figure("team-sizes", "Team sizes", "team_sizes", sizes, spec, notes)


def _placebo_pairs(source: Source) -> Iterator[Drawn]:
    """Draw what other pairs of countries gain (AlShebli et al., fig. 4, for every pair)."""
    table = source.table("placebo_pairs")
    if table is None:
        yield Absent("placebo-pairs", source.missing("placebo_pairs"))
        return
    kept = ["lead", "partner", "is_pole_pair", "treated_matched", "effect_percent"]
    rows = rows_of(table, [*kept, "ci_low", "ci_high"])
    rows = rows.filter(pc.is_valid(rows["effect_percent"]))
    named = {"calculate": "datum.is_pole_pair ? 'the poles' : 'other pairs'", "as": "pairs"}
    spec = charts.histogram("effect_percent", "Difference, %", colour="pairs")
    spec = {**spec, "transform": [named, *spec.get("transform", [])]}
    notes = [
        "The poles' premium among the premiums of pairs as far apart in time.",
        rule_of(source, "effect_percent"),
        f"n = {rows.num_rows} ordered pairs; each pair's interval is in the table.",
    ]
    yield Figure("placebo-pairs", "Placebo pairs", "placebo_pairs", rows, spec, notes)


def _movers(source: Source) -> Iterator[Drawn]:
    """Draw who the movers are and what they keep (AlShebli et al., fig. 2c-2f)."""
    table = source.table("mover_profiles")
    if table is None:
        yield Absent("mover-profiles", source.missing("mover_profiles"))
    else:
        poles = pa.array(source.poles)
        rows = table.filter(pc.is_in(table["destination"], poles))
        rows = rows.filter(pc.is_in(rows["origin"], pa.array([*source.poles, "all"])))
        notes = [
            "Medians, quartiles as bars, at the move; stayers in every year they stayed.",
            "Counting: one per move; one per stayer and year.",
            f"n = {total_of(rows, 'n'):,} scientists and years; bars are quartiles, no intervals.",
        ]
        yield Figure(
            "mover-profiles", "Who moves", "mover_profiles", rows, charts.profiles(), notes
        )
    kept = source.table("retention")
    if kept is None:
        yield Absent("movers-ties", source.missing("retention"))
        return
    sizes = ["treated_matched", "control_matched", "mean_treated", "mean_control"]
    rows = rows_of(kept, ["experiment", "year", *sizes, "effect_percent", "ci_low", "ci_high"])
    rows = rows.filter(pc.is_valid(rows["mean_treated"]))
    notes = [
        "Share of later papers with a coauthor in the country they left, matched scientists.",
        "Counting: mean over scientists. Right: relative difference with its 95 % interval.",
        f"n = {total_of(rows, 'treated_matched'):,} movers, {total_of(rows, 'control_matched'):,} "
        "others, in all designs.",
    ]
    means = charts.pairs_of_means("experiment", "Later papers with the origin, %")
    parts = [means]
    if rows["effect_percent"].null_count < rows.num_rows:
        parts.append(panels.effect_intervals("experiment", "Difference, %"))
    spec = charts.side_by_side(parts)
    yield Figure("movers-ties", "What movers keep", "retention", rows, spec, notes)


def _coverage(source: Source) -> Iterator[Drawn]:
    """Draw what share of the works can be seen."""
    table = source.table("coverage")
    if table is None:
        yield Absent("coverage", source.missing("coverage"))
        return
    rows = where(table, country="all")
    lines = [
        charts.lines("share_with_country", "With a country"),
        charts.lines("share_with_references", "With references"),
    ]
    notes = [
        "Share of the field's works by year.",
        f"Works, each counted once. n = {total_of(rows, 'works'):,} works; a count of all, "
        "no interval.",
    ]
    spec = charts.side_by_side(lines)
    yield Figure("coverage", "What the data cover", "coverage", rows, spec, notes)


_MAKERS: tuple[Callable[[Source], Iterator[Drawn]], ...] = (
    _leaders,
    _origins,
    _movers,
    _teams,
    _effects,
    _placebo_pairs,
    *pole_figures.MAKERS,
    _coverage,
)
