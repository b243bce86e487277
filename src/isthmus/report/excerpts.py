"""Rows and columns of result tables that pages show, where they do not show the table whole."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.report.source import Source, where

#: Columns of ``turns`` that a page shows.
TURN_COLUMNS = (
    "layer",
    "source",
    "target",
    "turned",
    "year",
    "year_low",
    "year_high",
    "slope_before",
    "slope_before_low",
    "slope_before_high",
    "slope_after",
    "slope_after_low",
    "slope_after_high",
    "change",
    "change_low",
    "change_high",
    "q",
)


def tie_turns(source: Source) -> pa.Table | None:
    """Return the turns of ties, without the slopes of those that show no turn: they mean little."""
    table = source.table("turns")
    if table is None:
        return None
    rows = where(table, what="tie").select(TURN_COLUMNS)
    for at, name in enumerate(TURN_COLUMNS):
        if name.startswith(("slope", "change")):
            rows = rows.set_column(at, name, pc.if_else(rows["turned"], rows[name], None))
    return rows


#: Columns of ``bounds`` that a page shows, and those of the three tables on a country.
BOUND_COLUMNS = (
    "country",
    "number",
    "year",
    "measured",
    "imputed",
    "weighted",
    "lowest",
    "highest",
    "missing",
    "works",
)
REFERENCE_COLUMNS = (
    "country",
    "number",
    "year",
    "measured",
    "weighted",
    "lowest",
    "highest",
    "missing",
    "works",
)
INDICATORS = ("international_share", "domestic_share", "led_share", "mncs", "top10_share")
INDICATOR_COLUMNS = (
    "country",
    "year",
    "papers",
    *(f"{name}{end}" for name in INDICATORS for end in ("", "_low", "_high")),
    "years",
)
DEPENDENCE_COLUMNS = (
    "country",
    "year",
    "received",
    "home_share",
    "home_share_low",
    "home_share_high",
    "home_expected",
    "home_ratio",
    "home_ratio_low",
    "home_ratio_high",
    "balance",
    "third_share",
    "papers",
)
STAYS = ("share_stayed", "share_left", "share_returned", "share_never_left")
COHORT_COLUMNS = (
    "entry_country",
    "years_since",
    *(f"{name}{end}" for name in STAYS for end in ("", "_low", "_high")),
    "at_risk",
    "authors",
)


def country_bounds(source: Source) -> pa.Table | None:
    """Return what missing data could change of each country's numbers, all years first."""
    table = source.table("bounds")
    if table is None:
        return None
    rows = table.filter(pc.is_valid(table["country"])).select(BOUND_COLUMNS)
    first = rows.append_column("place", pc.fill_null(rows["year"].cast(pa.int64()), -1))
    keys = [(name, "ascending") for name in ("country", "number", "place")]
    return first.sort_by(keys).select(BOUND_COLUMNS)


def country_reference_bounds(source: Source) -> pa.Table | None:
    """Return what works without references could change of each country's numbers."""
    table = source.table("reference_bounds")
    if table is None:
        return None
    rows = table.filter(pc.is_valid(table["country"])).select(REFERENCE_COLUMNS)
    return rows.sort_by([(name, "ascending") for name in ("country", "number", "year")])


def country_indicators(source: Source) -> pa.Table | None:
    """Return the indicators of each country in its longest windows, counted fractionally."""
    table = source.table("indicators")
    if table is None:
        return None
    rows = where(table, counting="fractional", years=pc.max(table["years"]).as_py())
    return rows.select(INDICATOR_COLUMNS)


def country_dependence(source: Source) -> pa.Table | None:
    """Return where the citations of each country's works come from."""
    table = source.table("dependence")
    return None if table is None else table.select(DEPENDENCE_COLUMNS)


def country_cohorts(source: Source) -> pa.Table | None:
    """Return who stays, leaves and returns, of all scientists who began in each country."""
    table = source.table("cohorts")
    if table is None:
        return None
    rows = where(table.filter(pc.is_null(table["entry_year"])), group="all", tier="all")
    return rows.select(COHORT_COLUMNS)


#: Indices of a pair, each with its interval, and the columns of them that a page shows.
INDICES = (
    "collaboration_index",
    "affinity_index",
    "salton",
    "intensity_source",
    "intensity_target",
)
INDEX_COLUMNS = (
    "year",
    *(f"{name}{end}" for name in INDICES for end in ("", "_low", "_high")),
    "works_whole",
    "source",
    "target",
)

#: Joint works of a pair, in all years shown and in a year, under which its indices are not shown:
#: too few to say much.
LEAST_JOINT, LEAST_YEARLY = 25, 5

#: Columns of the leaders of topics, and of all countries of one topic.
TOPIC_COLUMNS = (
    "topic",
    "country",
    "specialisation",
    "specialisation_low",
    "specialisation_high",
    "lead",
    "lead_low",
    "lead_high",
    "top10_papers_share",
    "monopoly_risk",
    "monopoly_risk_share",
    "papers",
    "papers_share",
    "concentration",
    "first_year",
    "last_year",
    "span",
)
IN_TOPIC_COLUMNS = (
    "rank",
    "country",
    "papers",
    "papers_share",
    "specialisation",
    "specialisation_low",
    "specialisation_high",
    "top10_papers",
    "top10_papers_share",
    "span",
)

#: Columns of the windows that were searched for blocs, and of the members.
BLOC_COLUMNS = (
    "layer",
    "first_year",
    "last_year",
    "answer",
    "answer_blocs",
    "gradient_explained",
    "explained",
    "poles_are_centres",
    "surrogate_p",
    "why_blocs",
)
MEMBER_COLUMNS = (
    "country",
    "bloc",
    "refit_share",
    "centre",
    "bloc_strength",
    "line_place",
    "blocs",
)


def pair_indices(source: Source) -> pa.Table | None:
    """Return the indices of pairs in the years with :data:`LEAST_YEARLY` joint works and more.

    Pairs with fewer than :data:`LEAST_JOINT` of them in these years are left out, and those of
    countries that no page can choose.
    """
    table = source.table("pair_indicators")
    if table is None:
        return None
    chosen = pa.array(source.names, pa.string())
    known = pc.and_(pc.is_in(table["source"], chosen), pc.is_in(table["target"], chosen))
    rows = table.filter(
        pc.and_(known, pc.greater_equal(table["works_whole"], LEAST_YEARLY))
    ).select(INDEX_COLUMNS)
    ends = ["source", "target"]
    totals = rows.group_by(ends).aggregate([("works_whole", "sum")])
    enough = totals.filter(pc.greater_equal(totals["works_whole_sum"], LEAST_JOINT)).select(ends)
    kept = rows.join(enough, ends, join_type="left semi").select(INDEX_COLUMNS)
    return kept.sort_by([(name, "ascending") for name in (*ends, "year")])


#: Columns of what a country's joint papers gain, as its page shows them.
PREMIUM_COLUMNS = (
    "lead",
    "partner",
    "effect_percent",
    "ci_low",
    "ci_high",
    "treated_matched",
    "p",
)


def premiums(source: Source) -> pa.Table | None:
    """Return what joint papers gain, all years together, one row per lead and partner.

    Those of the poles and of pairs that the study names, then those of the pairs they are held
    against. None where no papers were matched.
    """
    matched, others = source.table("matched"), source.table("placebo_pairs")
    if matched is None:
        return None
    pooled = matched.filter(pc.is_null(matched["year"]))
    plain = pooled.filter(pc.match_substring_regex(pooled["experiment"], _PLAIN))
    ends = pc.extract_regex(plain["experiment"], _PLAIN)
    for name in ("lead", "partner"):
        plain = plain.append_column(name, pc.struct_field(ends, name))
    made = plain.select(PREMIUM_COLUMNS)
    if others is not None:
        outside = where(others, is_pole_pair=False).select(PREMIUM_COLUMNS)
        made = pa.concat_tables([made, outside], promote_options="permissive")
    return made


#: Experiments on citations against all other papers of the leading country.
_PLAIN = r"^joint:(?P<lead>[A-Z]+)\+(?P<partner>[A-Z]+)$"


def topic_leaders(source: Source) -> pa.Table | None:
    """Return the country or countries that come first in each topic and span."""
    table = source.table("topics")
    return None if table is None else where(table, rank=1).select(TOPIC_COLUMNS)


def bloc_windows(source: Source) -> pa.Table | None:
    """Return what is said of blocs in each layer and window; the row of two blocs."""
    table = source.table("blocs")
    return None if table is None else where(table, blocs=2).select(BLOC_COLUMNS)


def bloc_members(source: Source) -> pa.Table | None:
    """Return the members of the number of blocs that is said, of two where none is.

    The column ``window`` is the layer and the first year, as the page's control names them.
    """
    table, windows = source.table("bloc_members"), bloc_windows(source)
    if table is None or windows is None:
        return None
    said = {
        (row["layer"], row["first_year"]): row["answer_blocs"] if row["answer"] == "blocs" else 2
        for row in windows.to_pylist()
    }
    keys = zip(table["layer"].to_pylist(), table["first_year"].to_pylist(), strict=True)
    names = list(keys)
    kept = [said.get(key) == n for key, n in zip(names, table["blocs"].to_pylist(), strict=True)]
    window = pa.array([f"{layer}/{year}" for layer, year in names], pa.string())
    return table.select(MEMBER_COLUMNS).append_column("window", window).filter(pa.array(kept))
