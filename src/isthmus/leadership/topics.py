"""Who leads each topic of the field, how specialised countries are, and who could cut it off.

Countries are those of the study's attribution; a work of several topics counts in each.
Leadership is by highly cited papers: the top 10 % of a subfield, year and type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.engine import Table
from isthmus.leadership.normalised import SCORE
from isthmus.leadership.topic_risk import Contest, risk
from isthmus.leadership.totals import spans
from isthmus.results import schema_of
from isthmus.selection.attribution import exact_sum
from isthmus.stats.pair_indices import collaboration_index
from isthmus.stats.ratios import ratio_of_totals
from isthmus.study import Indicators

SCHEMA = schema_of("topics")

Floats = NDArray[np.float64]


def labelled(subjects: Table, scheme: str, field: Table, scores: Table) -> Table:
    """Works with known impact and their topics.

    Grain: one row per work and topic. Columns: ``work_id``, ``year``, ``topic``, ``top10``.
    """
    named = subjects.filter(subjects.scheme == scheme)
    named = named.select("work_id", topic="subject_id").distinct()
    scored = field.inner_join(scores.select("work_id", "top10"), "work_id")
    return named.inner_join(scored, "work_id").select("work_id", "year", "topic", "top10")


def topic_countries(works: Table, deciding: Table) -> Table:
    """Sum papers and highly cited papers by topic, year and country.

    Grain: one row per topic, year and country. Columns: ``whole`` (works), ``papers``
    (fractional), ``top`` (highly cited, fractional) and ``top_squares``.
    """
    placed = works.inner_join(deciding.select("work_id", "country", "fraction"), "work_id")
    part = placed.fraction.cast("float64")
    top = part * placed.top10
    return placed.group_by("topic", "year", "country").agg(
        whole=placed.count(),
        papers=exact_sum(part),
        top=top.cast(SCORE).sum().cast("float64"),
        top_squares=(top * top).cast(SCORE).sum().cast("float64"),
    )


def all_topics(field: Table, scores: Table, deciding: Table) -> Table:
    """Count works with known impact by year and country, whatever their topic.

    Grain: one row per year and country. Columns: ``whole``, ``papers`` (fractional).
    """
    placed = field.semi_join(scores, "work_id").inner_join(deciding, "work_id")
    return placed.group_by("year", "country").agg(
        whole=placed.count(), papers=exact_sum(placed.fraction)
    )


def topic_institutions(works: Table, affiliations: Table) -> Table:
    """Sum highly cited papers by topic, year and institution.

    A paper is split evenly among the institutions with a country on it, of all its authors.

    Grain: one row per topic, year, institution and its country. Columns: ``top`` and
    ``top_squares``.
    """
    high = works.filter(works.top10 > 0)
    known = affiliations.filter(affiliations.institution_id.notnull())
    places = known.select("work_id", "institution_id", "country").distinct()
    places = places.semi_join(high, "work_id")
    counts = places.group_by("work_id").agg(n=places.count())
    placed = high.inner_join(places, "work_id").inner_join(counts, "work_id")
    top = placed.top10 / placed.n
    return placed.group_by("topic", "year", "institution_id", "country").agg(
        top=top.cast(SCORE).sum().cast("float64"),
        top_squares=(top * top).cast(SCORE).sum().cast("float64"),
    )


def topics(
    countries: pa.Table,
    everything: pa.Table,
    institutions: pa.Table,
    rules: Indicators,
    blocs: Mapping[str, tuple[str, ...]],
    seed: int,
) -> pa.Table:
    """Lay out topics with at least ``topic_min_papers`` papers.

    Parameters
    ----------
    countries, everything, institutions
        As :func:`topic_countries`, :func:`all_topics` and :func:`topic_institutions`.
    rules
        Thresholds and draws.
    blocs
        Members of each bloc that is put in the leader's place.
    seed
        Same seed, same draws.

    Returns
    -------
    pa.Table
        ``topics``: one row per topic, span (all, the first and the last years) and country
        or bloc.
    """
    tables = [SCHEMA.empty_table()]
    for span, (first, last) in spans(sorted(set(everything["year"].to_pylist()))):
        inside = [_within(table, first, last) for table in (countries, everything, institutions)]
        about = {"span": span, "first_year": first, "last_year": last}
        tables += list(_of_span(about, inside, rules, blocs, seed))
    order = [(name, "ascending") for name in ("topic", "span", "country")]
    return pa.concat_tables(tables).sort_by(order)


def _within(table: pa.Table, first: int, last: int) -> pa.Table:
    """Sum a table over years."""
    kept = table.filter(
        pc.and_(pc.greater_equal(table["year"], first), pc.less_equal(table["year"], last))
    )
    keys = [n for n in ("topic", "institution_id", "country") if n in table.column_names]
    # Engines give rows in any order; floats are summed in one order.
    order = [(name, "ascending") for name in keys]
    kept = kept.sort_by([*order, ("year", "ascending")])
    values = [n for n in table.column_names if n not in (*keys, "year")]
    summed = kept.group_by(keys, use_threads=False).aggregate([(n, "sum") for n in values])
    summed = summed.select([*keys, *(f"{n}_sum" for n in values)]).sort_by(order)
    return summed.rename_columns([*keys, *values])


@dataclass(frozen=True)
class _Cell:
    """Countries of one topic, arrays (n,) in the order of their codes."""

    country: NDArray[np.str_]
    whole: Floats
    papers: Floats
    top: Floats
    squares: Floats


def _of_span(
    about: dict[str, Any],
    tables: list[pa.Table],
    rules: Indicators,
    blocs: Mapping[str, tuple[str, ...]],
    seed: int,
) -> Iterator[pa.Table]:
    countries, everything, institutions = tables
    codes = everything["country"].to_pylist()
    size = dict(zip(codes, everything["whole"].to_pylist(), strict=True))
    world = float(np.rint(pc.sum(everything["papers"]).as_py() or 0.0))
    places = _by_topic(institutions)
    for topic, rows in _by_topic(countries).items():
        columns = [np.asarray(rows[name].to_pylist()) for name in countries.column_names[1:]]
        cell = _Cell(*columns)
        all_of = float(np.rint(cell.papers.sum()))
        if all_of < rules.topic_min_papers:
            continue
        at = places.get(topic)
        contest = Contest(
            cell.country,
            cell.top,
            cell.squares,
            np.asarray(at["country"].to_pylist() if at else [], dtype=np.str_),
            np.asarray(at["top"].to_pylist() if at else [], dtype=np.float64),
            np.asarray(at["top_squares"].to_pylist() if at else [], dtype=np.float64),
        )
        stream = np.random.default_rng([seed, topic, about["first_year"], about["last_year"]])
        sizes = size, all_of, world
        yield _rows({"topic": topic, **about}, cell, contest, sizes, rules, blocs, stream)


def _by_topic(table: pa.Table) -> dict[int, pa.Table]:
    """Slices of a table by topic; it is in the order of topics."""
    if not table.num_rows:
        return {}
    topic = np.asarray(table["topic"].to_numpy())
    first = np.flatnonzero(np.diff(topic, prepend=-1))
    ends = np.append(first[1:], topic.size)
    parts = zip(first.tolist(), ends.tolist(), strict=True)
    return {int(topic[a]): table.slice(a, b - a) for a, b in parts}


def _rows(
    about: dict[str, Any],
    cell: _Cell,
    contest: Contest,
    sizes: tuple[dict[str, int], float, float],
    rules: Indicators,
    blocs: Mapping[str, tuple[str, ...]],
    stream: np.random.Generator,
) -> pa.Table:
    size, all_of, world = sizes
    own = np.array([float(size[c]) for c in cell.country])
    n = len(own)
    special = collaboration_index(cell.whole, own, np.full(n, all_of), np.full(n, world))
    # Equal totals are equal ranks; sums of fractions may differ in the last digits.
    top, total = np.round(cell.top, 9), float(cell.top.sum())
    rank = [int((top > value).sum()) + 1 for value in top]
    share = cell.top / total if total > 0 else np.full(n, np.nan)
    rows: list[dict[str, Any]] = [
        {
            **about,
            "country": str(cell.country[i]),
            "papers": float(cell.papers[i]),
            "papers_share": float(cell.papers[i]) / all_of,
            "specialisation": float(special.value[i]),
            "specialisation_low": float(special.low[i]),
            "specialisation_high": float(special.high[i]),
            "top10_papers": float(cell.top[i]),
            "top10_papers_share": float(share[i]) if total > 0 else None,
            "rank": rank[i] if total > 0 else None,
            "concentration": float(share @ share) if total > 0 else None,
        }
        for i in range(n)
    ]
    for row in rows:
        if row["rank"] == 1 and rank.count(1) == 1:
            row |= _lead(contest, (row["country"],), rules, stream)
    for name, members in blocs.items():
        inside = np.isin(cell.country, list(members))
        papers, held = float(cell.papers[inside].sum()), float(cell.top[inside].sum())
        row = {**about, "country": name, "papers": papers, "papers_share": papers / all_of}
        row |= {"top10_papers": held, "top10_papers_share": held / total if total > 0 else None}
        rows.append(row | (_lead(contest, members, rules, stream) if held > 0 else {}))
    return pa.Table.from_pylist(rows, SCHEMA)


def _lead(
    contest: Contest,
    members: tuple[str, ...],
    rules: Indicators,
    stream: np.random.Generator,
) -> dict[str, Any]:
    """How far a country or bloc is ahead of the best other, and the risk of a monopoly."""
    ours, theirs = contest.sides(members)
    found = risk(contest, members, rules, stream)
    made: dict[str, Any] = {
        "lead": None,
        "lead_low": None,
        "lead_high": None,
        "top_institutions": found.institutions,
        "monopoly_risk": found.level,
        "monopoly_risk_share": found.share,
    }
    if theirs[0] > 0:
        ratio = ratio_of_totals([ours], [theirs])
        known = np.isfinite(ratio.low)
        made |= {"lead": ratio.value, "lead_low": ratio.low if known else None}
        made["lead_high"] = ratio.high if known else None
    return made
