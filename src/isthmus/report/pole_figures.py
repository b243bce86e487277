"""Figures of the pole analysis: pairs over time, ties, archetypes, alignment, polarisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.report import charts, panels
from isthmus.report.figure import Absent, Drawn, Figure, rows_of, rule_of, total_of
from isthmus.report.source import Source, where
from isthmus.selection.wording import capital, listed
from isthmus.study.sections import AFFINITY

#: Countries besides the poles whose ties with them are drawn over time.
CHOSEN = 4

_NULL_Z = "Grey: where z of a pair without affinity mostly lies, -1.96 to 1.96."


def measured_by(source: Source) -> str:
    """Say what leads: affinity, or the first null model."""
    if source.headline_model == AFFINITY:
        return "By affinity, relative to a country's other partners."
    return f"Null model {source.headline_null}."


def _chosen_pairs(source: Source) -> Iterator[Drawn]:
    """Draw the poles' yearly affinity, and log ratio and z under each null model."""
    table = source.table("links")
    names = ("pole-pair-affinity", "pole-pair", "pole-pair-z")
    if table is None or len(source.poles) < 2:
        yield from (Absent(name, source.missing("links")) for name in names)
        return
    ends = pa.array(source.poles)
    rows = table.filter(pc.is_in(table["source"], ends)).filter(
        pc.is_in(table.filter(pc.is_in(table["source"], ends))["target"], ends)
    )
    rows = where(rows, layer="collaboration")
    measured = rows.filter(pc.is_valid(rows["affinity"]))
    if measured.num_rows:
        yield _affinity(source, names[0], measured)
    else:
        yield Absent(names[0], "No affinity is known between the poles.")
    rows = rows.filter(pc.or_(pc.is_valid(rows["log_ratio"]), pc.is_valid(rows["z"])))
    kept = ["null_model", "year", "source", "target", "observed", "expected", "z"]
    rows = rows_of(rows, [*kept, "log_ratio", "log_ratio_low", "log_ratio_high"])
    whom = capital(source.words.the_poles)
    size = f"n = {len(pc.unique(rows['year']))} years."
    notes = [rule_of(source, "expected"), f"Zero: as expected. Bars: 95 % interval. {size}"]
    ratio = charts.intervals(
        "log_ratio", "log_ratio_low", "log_ratio_high", "Log ratio", colour="null_model"
    )
    yield Figure(names[1], f"{whom}: observed over expected", "links", rows, ratio, notes)
    notes = [rule_of(source, "z"), f"z has no interval; it grows with volume. {size}"]
    z = charts.dashed_lines("z", "z", colour="null_model", dash="source")
    yield Figure(names[2], f"{whom}: z of joint papers", "links", rows, z, notes)


def _affinity(source: Source, name: str, rows: pa.Table) -> Figure:
    """Draw the poles' affinity by year."""
    kept = ["year", "source", "target", "observed"]
    rows = rows_of(rows, [*kept, "affinity", "affinity_low", "affinity_high"])
    spec = charts.intervals(
        "affinity", "affinity_low", "affinity_high", "Affinity", colour="target"
    )
    notes = [
        "How much more the two work together than either does with its typical partner (log), "
        "relative to their other partners. Zero: as with a typical partner.",
        rule_of(source, "affinity"),
        f"Bars: 95 % interval. n = {len(pc.unique(rows['year']))} years.",
    ]
    whom = capital(listed(source.poles))
    return Figure(name, f"{whom}: affinity", "links", rows, spec, notes)


def _network(source: Source) -> Iterator[Drawn]:
    """Draw the network of significant ties, averaged over the last years (Gallo et al.)."""
    table = source.table("significant")
    if table is None:
        yield Absent("network", source.missing("significant"))
        return
    rows = where(table, null_model=source.headline_null, layer="collaboration")
    rows = rows.filter(rows["significant"])
    ties = ", ".join(f"{pole} {sum(pole in pair for pair in _ends(rows))}" for pole in source.poles)
    notes = [
        f"Joint papers above the z threshold on average under {source.headline_null}.",
        rule_of(source, "expected"),
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
        yield Absent("polarisation", source.missing("polarisation"))
        return
    rows = where(table, layer="collaboration")
    spec = charts.intervals("index", "low", "high", "Polarisation index", colour="null_model")
    notes = [
        "How much better two blocs around the poles explain the links than none; 0: not at all.",
        rule_of(source, "expected"),
        f"Bars: 95 % interval over countries. n = {total_of(rows, 'pairs'):,} pairs and years.",
    ]
    yield Figure("polarisation", "Polarisation", "polarisation", rows, spec, notes)


def _archetypes(source: Source) -> Iterator[Drawn]:
    """Draw the archetype of every pair by what leads: affinity, or the first null model."""
    table = source.table("archetypes")
    if table is None:
        yield Absent("archetypes", source.missing("archetypes"))
        return
    kept = ["null_model", "source", "target", "archetype", "stability"]
    rows = where(rows_of(table, kept), null_model=source.headline_model)
    spec = charts.matrix("source", "target", "archetype", "Archetype")
    notes = [
        "SC both rise, SD both fall, KI citation rises and collaboration falls, KD citation falls.",
        f"{measured_by(source)} n = {rows.num_rows:,} pairs. Stability per pair is in the table.",
        rule_of(source, "observed"),
    ]
    yield Figure("archetypes", "Archetypes of pairs", "archetypes", rows, spec, notes)


def _alignment(source: Source) -> Iterator[Drawn]:
    """Draw who aligns with which pole."""
    table = source.table("alignment")
    if table is None:
        yield Absent("alignment", source.missing("alignment"))
        return
    rows = where(table, null_model=source.headline_model)
    spec = charts.world("role", "Role", nominal=True)
    notes = [
        f"Poles: {source.words.the_poles}. {measured_by(source)}",
        f"n = {rows.num_rows} countries. Stability of each pair is in `archetypes`.",
        rule_of(source, "observed"),
    ]
    yield Figure("alignment", "Who aligns with which pole", "alignment", rows, spec, notes)


def _chosen(source: Source) -> Iterator[Drawn]:
    """Draw z of the poles with each other and with their main partners (Gallo et al.)."""
    table = source.table("links")
    for layer in ("collaboration", "citation"):
        name = f"chosen-pairs-{layer}"
        rows = None if table is None else where(table, layer=layer)
        rows = None if rows is None else rows.filter(pc.is_valid(rows["z"]))
        if rows is None or len(source.poles) < 2:
            yield Absent(name, source.missing("links"))
            continue
        pairs = _main_pairs(rows, source.poles)
        chosen = pa.array(sorted({code for pair in pairs for code in pair}), pa.string())
        rows = rows.filter(
            pc.and_(pc.is_in(rows["source"], chosen), pc.is_in(rows["target"], chosen))
        )
        poles = pa.array(source.poles, pa.string())
        rows = rows.filter(pc.or_(pc.is_in(rows["source"], poles), pc.is_in(rows["target"], poles)))
        rows = rows_of(rows, ["null_model", "year", "source", "target", "observed", "z"])
        notes = [
            f"The poles and the {CHOSEN} countries with most links to them. {_NULL_Z}",
            rule_of(source, "z"),
            f"n = {len(pairs)} pairs, {len(pc.unique(rows['year']))} years; z has no interval of "
            "its own.",
        ]
        title = f"z of chosen pairs: {layer}"
        spec = panels.chosen_pairs(pairs, directed=layer == "citation")
        yield Figure(name, title, "links", rows, spec, notes)


def _main_pairs(rows: pa.Table, poles: list[str]) -> list[tuple[str, str]]:
    """Return the poles' pairs, and those with the countries that have most links to them."""
    one = rows_of(rows, ["source", "target", "observed"])
    other = one.select(["target", "source", "observed"]).rename_columns(one.column_names)
    both = pa.concat_tables([one, other])
    both = both.filter(pc.is_in(both["source"], pa.array(poles, pa.string())))
    both = both.filter(pc.invert(pc.is_in(both["target"], pa.array(poles, pa.string()))))
    summed = both.group_by("target").aggregate([("observed", "sum")])
    order = [("observed_sum", "descending"), ("target", "ascending")]
    most = summed.sort_by(order)["target"].to_pylist()[:CHOSEN]
    apart = [(a, b) for at, a in enumerate(poles) for b in poles[at + 1 :]]
    pairs = [*apart, *((pole, country) for country in most for pole in poles)]
    return [(min(pair), max(pair)) for pair in pairs]


def _beside_placebo(source: Source) -> Iterator[Drawn]:
    """Draw the poles' affinity and log ratio beside replays without change."""
    table = source.table("pole_years")
    if table is None:
        yield Absent("pole-placebo", source.missing("pole_years"))
        return
    rows = table.filter(pc.not_equal(table["quantity"], "z"))
    if rows.num_rows:
        first = [rows["source"][0].as_py(), rows["target"][0].as_py()]
        rows = where(rows, source=first[0], target=first[1])
    else:
        first = source.poles
    layers = [
        name for name in ("collaboration", "citation") if name in set(rows["layer"].to_pylist())
    ]
    spec = panels.layers_beside(panels.beside_placebo("Affinity or log ratio"), layers)
    notes = [
        "Solid: the study. Dashed and band: mean and middle 95 % of replays without change; of "
        "affinity (none) with constant ties, under null models of sizes alone.",
        rule_of(source, "log_ratio"),
        f"n = {len(pc.unique(rows['year']))} years, "
        f"{source.settings['poles']['placebo_replays']} replays at most. Where the band moves "
        "with the line, the null model moves it; the band is the interval.",
    ]
    title = f"{capital(listed(first))}, beside the placebo"
    yield Figure("pole-placebo", title, "pole_years", rows, spec, notes)


def _centroids(source: Source) -> Iterator[Drawn]:
    """Draw the courses the archetypes stand for."""
    table = source.table("centroids")
    if table is None:
        yield Absent("centroids", source.missing("centroids"))
        return
    rows = where(table, null_model=source.headline_model)
    each = rows.group_by("cluster").aggregate([("pairs", "max")])
    notes = [
        f"Barycentre of each cluster of pairs, by layer. {measured_by(source)}",
        rule_of(source, "observed"),
        f"n = {total_of(each, 'pairs_max'):,} pairs with a trend. Band: quartiles of the pairs, "
        "not an interval of the barycentre.",
    ]
    yield Figure(
        "centroids", "Courses of the archetypes", "centroids", rows, panels.courses(), notes
    )


#: What draws the figures of the pole analysis, in the order of the report.
MAKERS: tuple[Callable[[Source], Iterator[Drawn]], ...] = (
    _chosen_pairs,
    _beside_placebo,
    _chosen,
    _network,
    _polarisation,
    _centroids,
    _archetypes,
    _alignment,
)
