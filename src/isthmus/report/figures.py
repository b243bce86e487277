"""The figures of both studies, from result tables: SVG, PNG and Vega-Lite JSON.

A figure's data are rows of one result table, in the table's order and with its
columns; what is summed or filtered for drawing is said in the specification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.files import atomic_path
from isthmus.report import charts
from isthmus.report.charts import VEGA_LITE, Spec
from isthmus.report.glossary import metric
from isthmus.report.source import Source, join_names, missing, where
from isthmus.results import Results

#: Pixels of a PNG per pixel of the figure: 2 prints sharp at a column's width.
PNG_SCALE = 2.0

#: Folder of the figures inside the results.
FIGURES = "figures"

#: Countries or origins shown as bars (both studies show the first 20).
MOST = 20


@dataclass(frozen=True)
class Figure:
    """A figure: what it shows, from which rows, and how it is drawn.

    Parameters
    ----------
    name, title
        File name without ending, and title.
    table
        Result table the rows come from.
    rows
        The rows drawn: columns of the table, unchanged.
    spec
        Vega-Lite specification without rows.
    notes
        Lines under the title: the rule of counting, the interval, n.
    """

    name: str
    title: str
    table: str
    rows: pa.Table
    spec: Spec
    notes: Sequence[str]

    def vega_lite(self) -> Spec:
        """Give the figure as one self-contained specification."""
        spec = charts.titled(self.spec, self.title, self.notes)
        if "projection" in spec:
            spec = charts.with_shapes(spec)
        return charts.with_rows(spec, self.rows.to_pylist())


@dataclass(frozen=True)
class Absent:
    """A figure that cannot be drawn, and the sentence that says why."""

    name: str
    why: str


Drawn = Figure | Absent


def figures(source: Source) -> Iterator[Drawn]:
    """Give every figure, drawn or absent with its reason, in the order of the report."""
    for make in _MAKERS:
        for figure in make(source):
            if isinstance(figure, Figure) and figure.rows.num_rows == 0:
                yield Absent(figure.name, f"`{figure.table}` of these results has no row to draw.")
            else:
                yield figure


def write_figures(results: Results, target: str | Path | None = None) -> list[Path]:
    """Write every figure as SVG, PNG and Vega-Lite JSON.

    Parameters
    ----------
    results
        Results of a finished run.
    target
        Folder; ``figures`` inside the results when None.

    Returns
    -------
    list of Path
        The SVG files, in the order of the report.
    """
    folder = Path(target) if target is not None else results.path / FIGURES
    drawn = [f for f in figures(Source(results)) if isinstance(f, Figure)]
    with atomic_path(folder) as partial:
        partial.mkdir(parents=True)
        for figure in drawn:
            _write(figure, partial)
    return [folder / f"{figure.name}.svg" for figure in drawn]


def svg(figure: Figure) -> str:
    """Draw a figure as SVG."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(figure.vega_lite(), vl_version=VEGA_LITE)
    return drawn


def _write(figure: Figure, folder: Path) -> None:
    import vl_convert

    drawn = svg(figure)
    spec = msgspec.json.encode(figure.vega_lite(), order="sorted")
    (folder / f"{figure.name}.vl.json").write_bytes(spec + b"\n")
    (folder / f"{figure.name}.svg").write_text(drawn, encoding="utf-8")
    (folder / f"{figure.name}.png").write_bytes(vl_convert.svg_to_png(drawn, scale=PNG_SCALE))


def _rows(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    return table.select([c for c in columns if c in table.column_names])


def _rule(source: Source, column: str) -> str:
    return f"Counting: {metric(column, source.settings).rule}"


def _leaders(source: Source) -> Iterator[Drawn]:
    """Draw totals of the leading countries beside the poles over time (AlShebli et al., fig. 1)."""
    impact = source.impact
    wanted = (
        ("output", "Papers", source.papers, source.papers, "sum"),
        ("scientists", "Scientists", "scientists", "scientists", "mean"),
        ("impact", "Impact", f"{impact}_sum", f"{impact}_mean", "sum"),
        ("hits", "Hits", "hits", "hit_share", "sum"),
        ("novelty", "Novelty", "novel_hits", "novelty_median", "sum"),
        ("novelty-hits", "Novelty hits", "novel_hits", "novel_share", "sum"),
    )
    table = source.table("country_year")
    for name, title, total, yearly, how in wanted:
        if table is None:
            yield Absent(name, missing("country_year"))
        elif not {total, yearly} <= set(table.column_names):
            yield Absent(name, f"`country_year` of these results has no column `{yearly}`.")
        else:
            yield _leader(source, table, (name, title, total, yearly, how))


def _leader(source: Source, table: pa.Table, what: tuple[str, str, str, str, str]) -> Figure:
    name, title, total, yearly, how = what
    ends = [f"{yearly}_low", f"{yearly}_high"]
    rows = _rows(table, list(dict.fromkeys(["year", "country", total, yearly, *ends])))
    banded = ends[0] in table.column_names
    label = metric(yearly, source.settings).label
    bars = charts.summed_bars(total, "country", metric(total, source.settings).label, how, MOST)
    lines = charts.lines(yearly, label, band=banded)
    first, last = source.years
    notes = [
        f"Left: {how} over {first}-{last}, the first {MOST} countries. Right: the poles by year.",
        _rule(source, total),
        f"{'Band: 95 % interval. ' if banded else 'No interval in the table. '}"
        f"n = {_whole(table, source.papers):,} papers under this rule, "
        f"{len(pc.unique(rows['country']))} countries.",
    ]
    spec = charts.side_by_side([bars, charts.among(lines, "country", source.poles)])
    return Figure(name, f"{title} of countries", "country_year", rows, spec, notes)


def _whole(table: pa.Table, column: str) -> int:
    return int(pc.sum(table[column]).as_py() or 0)


def _origins(source: Source) -> Iterator[Drawn]:
    """Draw where movers to each pole came from (AlShebli et al., fig. 2a and 2b)."""
    table = source.table("flows")
    for pole in source.poles:
        name = f"origins-{pole}"
        if table is None:
            yield Absent(name, missing("flows"))
            continue
        rows = where(
            _rows(table, ["year", "origin", "destination", "scientists"]), destination=pole
        )
        label = metric("scientists_moved", source.settings).label
        bars = charts.summed_bars("scientists", "origin", label, "sum", MOST)
        others = [other for other in source.poles if other != pole]
        lines = charts.among(
            charts.lines("scientists", label, colour="origin"), "origin", others or source.poles
        )
        notes = [
            "Left: sum over the years by country they left. Right: from the other poles by year.",
            _rule(source, "scientists_moved"),
            f"n = {_whole(rows, 'scientists'):,} moves. Counts of all moves seen; no interval.",
        ]
        title = f"Where scientists who came to {join_names([pole], source.names)} came from"
        yield Figure(name, title, "flows", rows, charts.side_by_side([bars, lines]), notes)


def _effects(source: Source) -> Iterator[Drawn]:
    """Draw matched effects by year (AlShebli et al., fig. 3d)."""
    table = source.table("matched")
    if table is None:
        yield Absent("premium", missing("matched"))
        return
    kept = ["experiment", "year", "treated_matched", "control_matched"]
    rows = _rows(table, [*kept, "effect_percent", "ci_low", "ci_high"])
    plain = pc.match_substring_regex(rows["experiment"], "^[^:]*:?[^:]*$")
    rows = rows.filter(pc.and_(pc.is_valid(rows["year"]), plain))
    rows = rows.filter(pc.is_valid(rows["effect_percent"]))
    spec = charts.intervals(
        "effect_percent", "ci_low", "ci_high", "Difference, %", colour="experiment"
    )
    notes = [
        "Matched joint papers against papers without the other country, relative difference.",
        _rule(source, "effect_percent"),
        f"Bars: 95 % bootstrap interval. n = {_whole(rows, 'treated_matched'):,} matched joint "
        f"papers, {_whole(rows, 'control_matched'):,} controls.",
    ]
    yield Figure("premium", "Impact of joint papers", "matched", rows, spec, notes)


def _teams(source: Source) -> Iterator[Drawn]:
    """Draw joint papers by type, team size and top institution (AlShebli et al., fig. 3a-3c)."""
    counts = source.table("top_institutions")
    if counts is None:
        yield from (Absent(n, missing("top_institutions")) for n in ("joint-papers", "top-100"))
    else:
        n = f"n = {_whole(counts, 'papers'):,} papers the poles lead; counts, no interval."
        group = "Groups: the other pole on board, other international, domestic."
        rule = "Counting: a work once for its leading pole, and once per pole on board."
        drawn = {
            "joint-papers": ("Papers by type", "papers", "Papers"),
            "top-100": (
                "Papers led by the most cited institutions",
                "papers_top_institution",
                "Papers led by them",
            ),
        }
        for name, (title, column, label) in drawn.items():
            spec = charts.by_lead(
                charts.totals_by_year(column, label, colour="group"), source.poles
            )
            yield Figure(name, title, "top_institutions", counts, spec, [group, rule, n])
    sizes = source.table("team_sizes")
    if sizes is None:
        yield Absent("team-sizes", missing("team_sizes"))
        return
    n = f"n = {_whole(sizes, 'papers'):,} papers the poles lead; shares of all, no interval."
    spec = charts.shares("team_size", "papers", "Authors", colour="group")
    notes = ["Share of each group's papers by number of authors.", "Counting: whole.", n]
    yield Figure("team-sizes", "Team sizes", "team_sizes", sizes, spec, notes)


def _placebo_pairs(source: Source) -> Iterator[Drawn]:
    """Draw what other pairs of countries gain (AlShebli et al., fig. 4, for every pair)."""
    table = source.table("placebo_pairs")
    if table is None:
        yield Absent("placebo-pairs", missing("placebo_pairs"))
        return
    kept = ["lead", "partner", "is_pole_pair", "treated_matched", "effect_percent"]
    rows = _rows(table, [*kept, "ci_low", "ci_high"])
    rows = rows.filter(pc.is_valid(rows["effect_percent"]))
    spec = charts.histogram("effect_percent", "Difference, %", colour="is_pole_pair")
    notes = [
        "The poles' premium among the premiums of pairs as far apart in time.",
        _rule(source, "effect_percent"),
        f"n = {rows.num_rows} ordered pairs; each pair's interval is in the table.",
    ]
    yield Figure("placebo-pairs", "Placebo pairs", "placebo_pairs", rows, spec, notes)


def _movers(source: Source) -> Iterator[Drawn]:
    """Draw who the movers are and what they keep (AlShebli et al., fig. 2c-2f)."""
    table = source.table("mover_profiles")
    if table is None:
        yield Absent("mover-profiles", missing("mover_profiles"))
    else:
        poles = pa.array(source.poles)
        rows = table.filter(pc.is_in(table["destination"], poles))
        rows = rows.filter(pc.is_in(rows["origin"], pa.array([*source.poles, "all"])))
        notes = [
            "Medians, quartiles as bars, at the move; stayers in every year they stayed.",
            "Counting: one per move; one per stayer and year.",
            f"n = {_whole(rows, 'n'):,} scientists and years; bars are quartiles, no intervals.",
        ]
        yield Figure(
            "mover-profiles", "Who moves", "mover_profiles", rows, charts.profiles(), notes
        )
    kept = source.table("retention")
    if kept is None:
        yield Absent("movers-ties", missing("retention"))
        return
    sizes = ["treated_matched", "control_matched", "mean_treated", "mean_control"]
    rows = _rows(kept, ["experiment", "year", *sizes, "effect_percent", "ci_low", "ci_high"])
    rows = rows.filter(pc.is_valid(rows["mean_treated"]))
    notes = [
        "Share of later papers with a coauthor in the country they left, matched scientists.",
        "Counting: mean over scientists. The interval of the difference is in the table.",
        f"n = {_whole(rows, 'treated_matched'):,} movers, {_whole(rows, 'control_matched'):,} "
        "others, in all designs.",
    ]
    spec = charts.pairs_of_means("experiment", "Later papers with the origin, %")
    yield Figure("movers-ties", "What movers keep", "retention", rows, spec, notes)


def _chosen_pairs(source: Source) -> Iterator[Drawn]:
    """Draw the yearly log ratio and z of the poles' pair under each null model."""
    table = source.table("links")
    names = ("pole-pair", "pole-pair-z")
    if table is None or len(source.poles) < 2:
        yield from (Absent(name, missing("links")) for name in names)
        return
    ends = pa.array(source.poles)
    rows = table.filter(pc.is_in(table["source"], ends)).filter(
        pc.is_in(table.filter(pc.is_in(table["source"], ends))["target"], ends)
    )
    rows = where(rows, layer="collaboration")
    kept = ["null_model", "year", "source", "target", "observed", "expected", "z"]
    rows = _rows(rows, [*kept, "log_ratio", "log_ratio_low", "log_ratio_high"])
    whom = join_names(source.poles, source.names)
    size = f"n = {len(pc.unique(rows['year']))} years."
    notes = [_rule(source, "expected"), f"Zero: as expected. Bars: 95 % interval. {size}"]
    ratio = charts.intervals(
        "log_ratio", "log_ratio_low", "log_ratio_high", "Log ratio", colour="null_model"
    )
    yield Figure(names[0], f"{whom}: observed over expected", "links", rows, ratio, notes)
    notes = [_rule(source, "z"), f"z has no interval; it grows with volume. {size}"]
    z = charts.dashed_lines("z", "z", colour="null_model", dash="source")
    yield Figure(names[1], f"{whom}: z of joint papers", "links", rows, z, notes)


def _network(source: Source) -> Iterator[Drawn]:
    """Draw the network of significant ties, averaged over the last years (Gallo et al.)."""
    table = source.table("significant")
    if table is None:
        yield Absent("network", missing("significant"))
        return
    rows = where(table, null_model=source.headline_null, layer="collaboration")
    rows = rows.filter(rows["significant"])
    ties = ", ".join(f"{pole} {sum(pole in pair for pair in _ends(rows))}" for pole in source.poles)
    notes = [
        f"Joint papers above the z threshold on average under {source.headline_null}.",
        _rule(source, "expected"),
        f"n = {rows.num_rows} ties; of the poles: {ties}. z of each tie, no interval.",
    ]
    spec = charts.link_map("z_mean", "z")
    yield Figure("network", "Significant ties", "significant", rows, spec, notes)


def _ends(rows: pa.Table) -> list[tuple[str, str]]:
    return list(zip(rows["source"].to_pylist(), rows["target"].to_pylist(), strict=True))


def _polarisation(source: Source) -> Iterator[Drawn]:
    """Draw how well two blocs around the poles explain the links, by year."""
    table = source.table("polarisation")
    if table is None:
        yield Absent("polarisation", missing("polarisation"))
        return
    rows = where(table, layer="collaboration")
    spec = charts.intervals("index", "low", "high", "Polarisation index", colour="null_model")
    notes = [
        "How much better two blocs around the poles explain the links than none; 0: not at all.",
        _rule(source, "expected"),
        f"Bars: 95 % interval over countries. n = {_whole(rows, 'pairs'):,} pairs and years.",
    ]
    yield Figure("polarisation", "Polarisation", "polarisation", rows, spec, notes)


def _archetypes(source: Source) -> Iterator[Drawn]:
    """Draw the archetype of every pair under the headline null model."""
    table = source.table("archetypes")
    if table is None:
        yield Absent("archetypes", missing("archetypes"))
        return
    kept = ["null_model", "source", "target", "archetype", "stability"]
    rows = where(_rows(table, kept), null_model=source.headline_null)
    spec = charts.matrix("source", "target", "archetype", "Archetype")
    notes = [
        "SC both rise, SD both fall, KI citation rises and collaboration falls, KD citation falls.",
        f"Null model {source.headline_null}. n = {rows.num_rows:,} pairs. Stability per pair is "
        "in the table.",
        _rule(source, "observed"),
    ]
    yield Figure("archetypes", "Archetypes of pairs", "archetypes", rows, spec, notes)


def _alignment(source: Source) -> Iterator[Drawn]:
    """Draw who aligns with which pole."""
    table = source.table("alignment")
    if table is None:
        yield Absent("alignment", missing("alignment"))
        return
    rows = where(table, null_model=source.headline_null)
    spec = charts.world("role", "Role", nominal=True)
    notes = [
        f"Poles: {join_names(source.poles, source.names)}. Null model {source.headline_null}.",
        f"n = {rows.num_rows} countries. Stability of each pair is in `archetypes`.",
        _rule(source, "observed"),
    ]
    yield Figure("alignment", "Who aligns with which pole", "alignment", rows, spec, notes)


def _coverage(source: Source) -> Iterator[Drawn]:
    """Draw what share of the works can be seen."""
    table = source.table("coverage")
    if table is None:
        yield Absent("coverage", missing("coverage"))
        return
    rows = where(table, country="all")
    lines = [
        charts.lines("share_with_country", "With a country"),
        charts.lines("share_with_references", "With references"),
    ]
    notes = [
        "Share of the field's works by year.",
        f"Works, each counted once. n = {_whole(rows, 'works'):,} works; a count of all, "
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
    _chosen_pairs,
    _network,
    _polarisation,
    _archetypes,
    _alignment,
    _coverage,
)
