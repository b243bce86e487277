"""The claim that there are two blocs, and that the poles are their centres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.findings.estimates import missing, with_error
from isthmus.findings.evidence import Evidence, listed
from isthmus.findings.verdict import Claim, Condition, Conditions

SOURCE = "isthmus"

#: Layer in which blocs are asked for.
LAYER = "collaboration"

#: Share of refits that put a pole into its bloc, from which the bloc is taken to be known.
SURE = 0.95


def claims(evidence: Evidence) -> list[Claim]:
    """Return the claim on the number of blocs."""
    words = evidence.words
    return [
        Claim(
            name="poles-are-centres-of-two-blocs",
            statement=f"There are two blocs, and {words.the_poles} are their centres.",
            source=SOURCE,
            needs=("blocs", "bloc_members"),
            estimand="Log likelihood of held-out ties of the last window of years with two blocs, "
            "above that without blocs and that on a line; with the number of blocs that the five "
            "rules say, and whether the two are centres.",
            measure=_measured,
            placebo="surrogates without blocs stand in the table `blocs`",
        )
    ]


def _measured(evidence: Evidence) -> Conditions:
    rows = evidence.table("blocs", layer=LAYER).sort_by([("first_year", "descending")]).to_pylist()
    blank = Condition("How many blocs there are", 0.0, 0.0)
    if not rows:
        return [missing(blank, "too few countries with links")]
    last = [row for row in rows if row["first_year"] == rows[0]["first_year"]]
    said = next(row for row in last if row["likeliest"])
    number, span = said["answer_blocs"], f"in {said['first_year']} to {said['last_year']}"
    what = f"What {said['blocs']} blocs predict of held-out ties {span}"
    line = _gain(f"{what}, less what a line does,", said, "gain_over_line")
    if said["answer"] == "gradient":
        return [line]
    gain = _gain(f"{what}, less what none do,", said, "held_out_gain")
    if said["answer"] != "blocs":
        return [replace(gain, reason=said["why_blocs"])]
    if number != 2:
        return [gain, _is_so(f"Two blocs {span} (1) or {number} (0)", so=False)]
    return [gain, line, _centred(said, span, evidence)]


def _gain(what: str, row: Mapping[str, Any], column: str) -> Condition:
    return with_error(Condition(what, 0.0, 0.0), row[column], row[f"{column}_se"])


def _is_so(what: str, *, so: bool) -> Condition:
    value = float(so)
    return Condition(what, 0.5, 0.5, value=value, low=value, high=value)


def _centred(row: Mapping[str, Any], span: str, evidence: Evidence) -> Condition:
    """Whether the poles are the centres; not, where both are in one bloc for sure."""
    poles = evidence.poles[:2]
    what = f"{listed(poles)} are the centres {span} (1) or not (0)"
    if row["poles_are_centres"]:
        return _is_so(what, so=True)
    key = {name: row[name] for name in ("layer", "first_year", "last_year", "blocs")}
    members = evidence.table("bloc_members", **key)
    found = members.filter(pc.is_in(members["country"], pa.array(poles, pa.string()))).to_pylist()
    sure = [pole for pole in found if pole["refit_share"] >= SURE]
    if len(sure) == 2 and sure[0]["bloc"] == sure[1]["bloc"]:
        return _is_so(what, so=False)
    most = listed(row["centres"].split(", "))
    reason = f"the countries with most links to their blocs are {most}"
    return Condition(what, 0.5, 0.5, value=0.0, reason=reason)
