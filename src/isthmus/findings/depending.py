"""Claims on what a policy desk asks: home citations and normalised impact."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pyarrow.compute as pc

from isthmus.findings.estimates import interval, mean, missing, ratio, slope, too_few
from isthmus.findings.evidence import Evidence, name
from isthmus.findings.missing import HOME
from isthmus.findings.verdict import Z_95, Claim, Condition, Conditions
from isthmus.leadership.indicators import COUNTINGS

SOURCE = "isthmus"

#: How joint works count where normalised impact is compared: split among their countries.
COUNTING = "fractional"

#: Columns of the mean normalised citation score with its interval.
IMPACT = ("mncs", "mncs_low", "mncs_high")

#: Area under the curve of a preference for nobody.
NO_PREFERENCE = 0.5

#: Smallest preference that counts: 52 of 100 papers from home are cited more often than others.
PREFERENCE = 0.52

#: Replays change who works with and cites whom abroad.
_REPLAYS = "no replay draws citations at home anew"


def claims(evidence: Evidence) -> list[Claim]:
    """Return the claims on home citations and normalised impact, pole by pole."""
    made = []
    for which, pole in zip(("first", "second"), evidence.poles, strict=False):
        made += [*_home(which, pole), _impact(which, pole)]
    return [*made, _passes(evidence)]


def _home(which: str, pole: str) -> list[Claim]:
    country = name(pole)
    return [
        Claim(
            name=f"home-bias-{which}",
            statement=f"Works from {country} cite {country} more than its size explains.",
            source=SOURCE,
            needs=("dependence",),
            estimand=f"Citations of {country} to itself, over those it would give itself if it "
            "had the same part in the citations of its own works as in those of all works; all "
            "years together.",
            measure=partial(_bias, f"home-bias-{which}", pole),
            counting=partial(_preference, pole),
            placebo=_REPLAYS,
            missing=HOME,
        ),
        Claim(
            name=f"turns-inward-{which}",
            statement=f"Works from {country} turn more and more to works of their own country.",
            source=SOURCE,
            needs=("dependence",),
            estimand=f"Yearly change of the logarithm of the home citations of {country} over "
            "what its size explains.",
            measure=partial(_inward, f"turns-inward-{which}", pole),
            placebo=_REPLAYS,
            missing=HOME,
        ),
    ]


def _impact(which: str, pole: str) -> Claim:
    claim = f"impact-above-world-{which}"
    return Claim(
        name=claim,
        statement=f"Works from {name(pole)} are cited more than the world's of the same subfield, "
        "year and type.",
        source=SOURCE,
        needs=("indicators",),
        estimand=f"Mean normalised citation score of {name(pole)} in the last window of years, "
        "joint works split: above 1, the world's.",
        measure=partial(_above_world, claim, pole, COUNTING),
        counting=_other_countings(partial(_above_world, claim, pole)),
        placebo="no replay draws impact anew",
    )


def _passes(evidence: Evidence) -> Claim:
    first, second = evidence.words.first, evidence.words.second
    return Claim(
        name="second-passes-in-impact",
        statement=f"Works from {second} are cited more than those from {first} of the same "
        "subfield, year and type.",
        source=SOURCE,
        needs=("indicators",),
        estimand=f"Mean normalised citation score of {second} over that of {first} in the last "
        "window of years, joint works split.",
        measure=partial(_above_other, COUNTING),
        counting=_other_countings(_above_other),
        placebo="no replay draws impact anew",
    )


def _home_rows(pole: str, evidence: Evidence, column: str) -> list[dict[str, Any]]:
    """Years of a pole that have a number with its interval."""
    rows = evidence.table("dependence", country=pole).sort_by("year").to_pylist()
    return [row for row in rows if None not in (row[column], row[f"{column}_low"])]


def _errors(rows: list[dict[str, Any]], column: str, scale: Any = np.asarray) -> Any:
    """Half-widths of the intervals as standard errors, on the scale given."""
    low, high = (scale([float(row[f"{column}_{end}"]) for row in rows]) for end in ("low", "high"))
    return (high - low) / (2 * Z_95)


def _bias(claim: str, pole: str, evidence: Evidence) -> Conditions:
    what = f"Home citations of {name(pole)} over what its size explains"
    blank = Condition(what, 1.0, evidence.smallest(claim, "ratio"), log=True)
    rows = [row for row in _home_rows(pole, evidence, "home_share") if row["home_expected"]]
    if not rows:
        return [missing(blank, f"too few citations of works from {name(pole)}")]
    received = np.array([row["received"] for row in rows])
    home = received @ np.array([row["home_share"] for row in rows])
    expected = received @ np.array([row["home_expected"] for row in rows])
    error = np.linalg.norm(received * _errors(rows, "home_share"))
    return [ratio(blank, [(float(home), float(error))], [(float(expected), 0.0)])]


def _preference(pole: str, evidence: Evidence) -> Mapping[str, Conditions]:
    """Measure home bias by ranks: how often a paper from home is cited more than another."""
    what = f"Preference of works from {name(pole)} for papers from home"
    blank = Condition(what, NO_PREFERENCE, PREFERENCE)
    rows = evidence.table("dependence", country=pole)
    return {"by ranks": [mean(blank, rows["home_preference"].to_numpy(zero_copy_only=False))]}


def _inward(claim: str, pole: str, evidence: Evidence) -> Conditions:
    what = f"The yearly change of the log of {name(pole)}'s home citations over its size's"
    blank = Condition(what, 0.0, evidence.smallest(claim, "change"))
    rows = [row for row in _home_rows(pole, evidence, "home_ratio") if row["home_ratio_low"] > 0]
    if not rows:
        return [missing(blank, f"too few citations of works from {name(pole)}")]
    values = np.log([row["home_ratio"] for row in rows])
    errors = _errors(rows, "home_ratio", np.log)
    return [slope(blank, [row["year"] for row in rows], values, errors)]


def _other_countings(measure: Any) -> Any:
    """Measure by the other rules of counting joint works."""
    others = [counting for counting in COUNTINGS if counting != COUNTING]
    return lambda evidence: {rule: measure(rule, evidence) for rule in others}


def _last_impact(pole: str, counting: str, evidence: Evidence) -> dict[str, Any] | None:
    """Row of the last window of years in which a pole has normalised impact."""
    rows = evidence.table("indicators", country=pole, counting=counting)
    rows = rows.filter(pc.is_valid(rows["mncs"]))
    rows = rows.sort_by([("years", "descending"), ("year", "descending")]).slice(0, 1).to_pylist()
    return rows[0] if rows else None


def _above_world(claim: str, pole: str, counting: str, evidence: Evidence) -> Conditions:
    what = f"Citations of works from {name(pole)} over the world's"
    row = _last_impact(pole, counting, evidence)
    blank = Condition(what, 1.0, evidence.smallest(claim, "ratio"))
    if row is None:
        return [missing(blank, f"no normalised impact of {name(pole)}")]
    first = row["year"] - row["years"] + 1
    at = Condition(f"{what}, {first} to {row['year']},", 1.0, blank.matters)
    return [interval(at, row, IMPACT)]


def _above_other(counting: str, evidence: Evidence) -> Conditions:
    first, second = evidence.poles[:2]
    what = f"Normalised citations of works from {name(second)} over those from {name(first)}"
    smallest = evidence.smallest("second-passes-in-impact", "ratio")
    blank = Condition(what, 1.0, smallest, log=True)
    rows = [_last_impact(pole, counting, evidence) for pole in (second, first)]
    known = [row for row in rows if row is not None]
    if len(known) < 2 or known[0]["year"] != known[1]["year"]:
        return [missing(blank, "no normalised impact of both in the same years")]
    if any(row["mncs_low"] is None for row in known):
        return [too_few(blank, "too few works for an interval of the normalised impact")]
    errors = _errors(known, "mncs")
    above, below = ((row["mncs"], float(e)) for row, e in zip(known, errors, strict=True))
    return [ratio(blank, [above], [below])]
