"""Claims of AlShebli et al. on moving, on joint papers and on what they gain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import stdtrit

from isthmus.findings.estimates import (
    interval,
    missing,
    share,
    slope,
    too_few,
)
from isthmus.findings.evidence import Evidence, name
from isthmus.findings.verdict import COVERAGE, Z_95, Claim, Condition, Conditions
from isthmus.stats.contrasts import random_effects_mean
from isthmus.stats.shares import FEWEST

STUDY = "AlShebli et al. 2024"

#: Joint papers are "relatively rare" under this share of a pole's papers (the study: 2.8 %).
RARE = 0.1

#: Columns of an effect with its interval, in per cent.
EFFECT = ("effect_percent", "ci_low", "ci_high")

#: A difference in per cent is a ratio less one: where its logarithms begin.
PERCENT = -100.0

#: Endings of the experiments that replace the control group or the outcome.
VARIANTS = ("international", "elsewhere")

_WHICH = ("first", "second")


def claims(evidence: Evidence) -> list[Claim]:
    """Return the claims on moves, joint papers and their impact."""
    return [*_moves(evidence), *_joint(evidence), *_premium(evidence)]


def _moves(evidence: Evidence) -> list[Claim]:
    made = []
    times = (30.0, 20.0)
    for which, (pole, other) in enumerate(evidence.both_ways):
        a, b = ("U.S.", "China") if which == 0 else ("China", "U.S.")
        made += [
            Claim(
                name=f"origin-of-movers-{_WHICH[which]}",
                statement=f"Most scientists who move to {pole} come from {other}.",
                said=f"Most AI scientists who migrate to {a} come from {b}.",
                source=STUDY,
                needs=("flows",),
                estimand=f"Share of scientists who moved to {pole} that came from {other}: more "
                "than one half.",
                of_sizes="the largest country sends most movers, whatever else happens",
                measure=partial(_origin, which),
                counting=partial(_origin_settings, which),
            ),
            Claim(
                name=f"movers-keep-ties-{_WHICH[which]}",
                statement=f"Scientists who moved from {other} to {pole} write with {other} more "
                "often than comparable scientists who did not move.",
                said=f"{a}-based scientists who came from {b} write nearly {times[which]:.0f} "
                f"times as often with {b} as those who did not.",
                as_said=times[which],
                source=STUDY,
                needs=("retention",),
                estimand=f"Share of later papers with {other}, movers over matched stayers.",
                measure=partial(_retention, which, ""),
                counting=partial(_sampled, which),
            ),
        ]
    return made


def _joint(evidence: Evidence) -> list[Claim]:
    words = evidence.words
    return [
        Claim(
            name="joint-papers-rare",
            statement=f"Joint papers of {words.the_poles} are a small part of each one's papers.",
            said="Collaborations between the two countries continue to be relatively rare.",
            source=STUDY,
            needs=("collaboration", "country_year"),
            estimand=f"Joint papers over papers (both whole counts) of each pole: below {RARE:.0%}",
            of_sizes="how often two countries write together follows from their sizes",
            measure=_rare,
            missing="joint",
        ),
        Claim(
            name="joint-papers-rise",
            statement=f"The joint papers of {words.the_poles} have been increasing.",
            said="The number of collaborations between the two countries has been increasing.",
            source=STUDY,
            needs=("collaboration",),
            estimand="Yearly change of the log of joint papers.",
            of_sizes="a field that grows has more joint papers",
            measure=partial(_joint_rise, "works_whole"),
            missing="joint",
            counting=lambda e: {"fractional": _joint_rise("works_fractional", e)},
        ),
    ]


def _premium(evidence: Evidence) -> list[Claim]:
    words = evidence.words
    made = []
    for which, (pole, other) in enumerate(evidence.both_ways):
        a, b = ("U.S.", "China") if which == 0 else ("China", "U.S.")
        made.append(
            Claim(
                name=f"premium-{_WHICH[which]}",
                statement=f"Papers led by {pole} with {other} have more impact than comparable "
                f"papers led by {pole} without.",
                said=f"{a}-based papers with {b} have been more impactful than those without.",
                source=STUDY,
                needs=("matched",),
                estimand="Matched difference in mean citations, all years, in per cent.",
                measure=partial(_pooled, which, ""),
                counting=partial(_variants, which),
                placebo="premium-is-the-poles-own asks whether other pairs gain as much",
            )
        )
    return [
        *made,
        Claim(
            name="premium-every-year",
            statement=f"In every year joint papers of {words.the_poles} have more impact than "
            "comparable papers, whoever leads.",
            said="The two countries have always been more impactful when collaborating than when "
            "each of them works without the other.",
            source=STUDY,
            needs=("matched",),
            estimand="Matched difference of each year and each leading country: all above 0 "
            "(simultaneous limits).",
            measure=_every_year,
        ),
        Claim(
            name="premium-grows-first",
            statement=f"What papers led by {words.first} gain from {words.second} grows.",
            said="U.S.-based papers gained from China-based coauthors in the last four years only.",
            source=STUDY,
            needs=("matched",),
            estimand="Yearly change of the matched difference, percentage points.",
            measure=_grows,
        ),
        Claim(
            name="premium-is-the-poles-own",
            statement=f"Joint papers of {words.the_poles} gain more than those of other pairs "
            "of countries as far apart.",
            said="Other factors than perseverance across time zones drive the increase in impact "
            "when China and the U.S. collaborate.",
            source=STUDY,
            needs=("matched", "placebo_pairs"),
            estimand="Citations of joint papers over those of matched papers, the poles' ratio "
            "over the mean of other pairs', less one, against the spread of those pairs beyond "
            "their sampling error (a prediction interval), in per cent.",
            measure=_beyond_pairs,
            placebo="other pairs are the placebo itself",
        ),
    ]


def _origin(which: int, evidence: Evidence) -> Conditions:
    pole, other = evidence.pair(which)
    blank = Condition(f"Share of movers to {name(pole)} who came from {name(other)}", 0.5, 0.5)
    rows = evidence.table("flows", destination=pole)
    summed = rows.group_by("origin").aggregate([("scientists", "sum")]).to_pylist()
    moves = {row["origin"]: row["scientists_sum"] for row in summed}
    if not moves:
        return [missing(blank, f"no scientist is seen to move to {name(pole)}")]
    return [share(blank, moves.get(other, 0), sum(moves.values()))]


def _origin_settings(which: int, evidence: Evidence) -> Mapping[str, Conditions]:
    """Return the share under the settings of a move that make it smallest and largest."""
    if not evidence.has("flow_variants"):
        return {}
    pole, other = evidence.pair(which)
    counts: dict[int, dict[str, int]] = {}
    for row in evidence.table("flow_variants", destination=pole).to_pylist():
        counts.setdefault(row["variant"], {})[row["origin"]] = row["scientists"]
    blank = Condition(f"Share of movers to {name(pole)} who came from {name(other)}", 0.5, 0.5)
    made = [share(blank, moves.get(other, 0), sum(moves.values())) for moves in counts.values()]
    known = sorted((one for one in made if one.value is not None), key=lambda one: one.value or 0)
    if not known:
        return {}
    return {"settings with the smallest share": [known[0]], "with the largest": [known[-1]]}


def _retention(which: int, ending: str, evidence: Evidence) -> Conditions:
    destination, origin = evidence.pair(which)
    what = f"Later papers with {name(origin)}, movers to {name(destination)} over stayers"
    blank = Condition(what, 1.0, evidence.smallest("movers-keep-ties", "ratio"), log=True)
    row = pooled(evidence, "retention", f"movers:{origin}->{destination}{ending}")
    if row is None:
        return [missing(blank, f"no scientist moved from {name(origin)} to {name(destination)}")]
    as_ratio = {c: None if row[c] is None else 1 + row[c] / 100 for c in EFFECT}
    return [interval(blank, {**row, **as_ratio}, EFFECT)]


def _sampled(which: int, evidence: Evidence) -> Mapping[str, Conditions]:
    return {"one stayer a mover": _retention(which, ":sampled", evidence)}


def pooled(evidence: Evidence, table: str, experiment: str) -> dict[str, Any] | None:
    """Return the row of an experiment over all years, None when it is not there."""
    if not evidence.has(table):
        return None
    rows = evidence.table(table, experiment=experiment)
    found: list[dict[str, Any]] = rows.filter(pc.is_null(rows["year"])).to_pylist()
    return found[0] if found else None


def _blank(evidence: Evidence, which: int) -> Condition:
    lead, partner = evidence.pair(which)
    what = f"Impact gained by papers of {name(lead)} with {name(partner)}, in per cent,"
    matters = evidence.smallest(f"premium-{_WHICH[which]}", "percent")
    return Condition(what, 0.0, matters, log=True, origin=PERCENT)


def _pooled(which: int, ending: str, evidence: Evidence) -> Conditions:
    lead, partner = evidence.pair(which)
    blank = _blank(evidence, which)
    row = pooled(evidence, "matched", f"joint:{lead}+{partner}{ending}")
    if row is None:
        return [missing(blank, evidence.why_null("matched", "effect_percent"))]
    return [interval(blank, row, EFFECT)]


def _variants(which: int, evidence: Evidence) -> Mapping[str, Conditions]:
    lead, partner = evidence.pair(which)
    return {
        ending: _pooled(which, f":{ending}", evidence)
        for ending in VARIANTS
        if pooled(evidence, "matched", f"joint:{lead}+{partner}:{ending}") is not None
    }


def yearly(evidence: Evidence, which: int) -> list[dict[str, Any]]:
    """Return the rows of a leading pole's experiment by year, in order, with an effect."""
    lead, partner = evidence.pair(which)
    rows: pa.Table = evidence.table("matched", experiment=f"joint:{lead}+{partner}")
    kept = pc.and_(pc.is_valid(rows["year"]), pc.is_valid(rows["effect_percent"]))
    found: list[dict[str, Any]] = rows.filter(kept).sort_by("year").to_pylist()
    return found


def _every_year(evidence: Evidence) -> Conditions:
    made = []
    for which in (0, 1):
        blank = _blank(evidence, which)
        rows = yearly(evidence, which)
        if not rows:
            return [missing(blank, evidence.why_null("matched", "effect_percent"))]
        for row in rows:
            one = replace(blank, what=f"{blank.what} {row['year']},", matters=0.0)
            made.append(interval(one, row, EFFECT))
    return made


def _grows(evidence: Evidence) -> Conditions:
    lead, partner = evidence.pair(0)
    what = f"The yearly change of what papers of {name(lead)} gain with {name(partner)}, points,"
    blank = Condition(what, 0.0, evidence.smallest("premium-grows-first", "points"))
    rows = [row for row in yearly(evidence, 0) if row["ci_low"] is not None]
    if len(rows) < FEWEST:
        return [too_few(blank, f"{len(rows)} years with an interval, {FEWEST} are needed")]
    errors = [(row["ci_high"] - row["ci_low"]) / (2 * Z_95) for row in rows]
    years, values = ([row[c] for row in rows] for c in ("year", "effect_percent"))
    return [slope(blank, years, values, errors, unit=100.0)]


def _beyond_pairs(evidence: Evidence) -> Conditions:
    rows = evidence.table("placebo_pairs", is_pole_pair=False).to_pylist()
    logs = [_log_gain(row, row["effective_clusters"]) for row in rows if row["ci_low"] is not None]
    pairs = [one for one in logs if one is not None]
    made = []
    for which in (0, 1):
        own = _pooled(which, "", evidence)[0]
        what = f"{own.what} beyond the mean of {len(pairs)} other pairs"
        blank = replace(own, what=what, value=None, low=None, high=None, reason="")
        if not own.known:
            made.append(missing(blank, own.reason) if own.absent else too_few(blank, own.reason))
        elif len(pairs) < FEWEST:
            made.append(too_few(blank, f"{len(pairs)} other pairs, {FEWEST} are needed"))
        else:
            made.append(_beyond(blank, own, pairs))
    return made


def _log_gain(row: Mapping[str, Any], clusters: float | None) -> tuple[float, float] | None:
    """Return the log of a ratio less one in per cent and its error; None without an interval."""
    if any(row[column] is None or row[column] <= PERCENT for column in EFFECT):
        return None
    value, low, high = (math.log1p(row[column] / 100) for column in EFFECT)
    df = math.inf if clusters is None else max(clusters, 2.0) - 1
    error = (high - low) / (2 * _point(df))
    return (value, error) if error > 0 else None


def _beyond(blank: Condition, own: Condition, pairs: list[tuple[float, float]]) -> Condition:
    """Set a gain against the spread of other pairs' true gains (a prediction interval)."""
    rest = random_effects_mean(*np.array(pairs).T)
    ends = dict(zip(EFFECT, (own.value, own.low, own.high), strict=True))
    found = _log_gain(ends, own.df + 1)
    if found is None:
        return too_few(blank, "no interval")
    gap = found[0] - rest.value
    parts = found[1] ** 2, rest.spread**2 + rest.se**2
    df = sum(parts) ** 2 / (parts[0] ** 2 / own.df + parts[1] ** 2 / (len(pairs) - 2))
    half = _point(df) * math.sqrt(sum(parts))
    value, low, high = (100 * math.expm1(x) for x in (gap, gap - half, gap + half))
    return replace(blank, value=value, low=low, high=high, df=df)


def _point(df: float) -> float:
    return float(stdtrit(df, (1 + COVERAGE) / 2)) if math.isfinite(df) else Z_95


def _joint_years(evidence: Evidence) -> pa.Table:
    first, second = sorted(evidence.poles[:2])
    return evidence.table("collaboration", source=first, target=second).sort_by("year")


def _rare(evidence: Evidence) -> Conditions:
    joint = float(pc.sum(_joint_years(evidence)["works_whole"]).as_py() or 0)
    column = "papers_whole" if "papers_whole" in evidence.columns("country_year") else "papers_any"
    totals = evidence.totals(column)
    made = []
    for pole in evidence.poles[:2]:
        what = f"Share of {name(pole)}'s papers that are joint"
        blank = Condition(what, RARE, RARE, above=False)
        papers = totals.get(pole, 0.0)
        none = missing(blank, f"{name(pole)} has no papers")
        made.append(share(blank, joint, papers) if papers else none)
    return made


def _joint_rise(column: str, evidence: Evidence) -> Conditions:
    blank = Condition(
        "The yearly change of the log of the poles' joint papers",
        0.0,
        evidence.smallest("joint-papers-rise", "change"),
    )
    rows = _joint_years(evidence)
    if not rows.num_rows:
        return [missing(blank, "the poles have no joint paper")]
    return [log_counts(blank, evidence, dict(zip(*_pairs(rows, column), strict=True)))]


def _pairs(rows: pa.Table, column: str) -> tuple[list[int], list[float]]:
    return rows["year"].to_pylist(), rows[column].to_pylist()


def log_counts(blank: Condition, evidence: Evidence, counts: Mapping[int, float]) -> Condition:
    """Fill in the yearly change of the log of counts; years of the study without any count 0.

    Half is added to each count, and its log has the variance of a Poisson count's. Growth
    may bend: only its direction is asked for.
    """
    total = sum(counts.values())
    if total < 2 * FEWEST:
        return too_few(blank, f"{total:.0f} in all years, {2 * FEWEST} are needed")
    years = np.arange(evidence.years[0], evidence.years[1] + 1)
    values = np.array([counts.get(int(year), 0.0) for year in years]) + 0.5
    return slope(blank, years, np.log(values), 1 / np.sqrt(values), one_line=False)
