"""Claims on talent cohorts: whether those who begin in a country stay there."""

from __future__ import annotations

from functools import partial

import pyarrow.compute as pc

from isthmus.findings.estimates import interval, missing
from isthmus.findings.evidence import Evidence, name
from isthmus.findings.verdict import Claim, Condition, Conditions
from isthmus.mobility.cohorts import ALL

SOURCE = "isthmus"

#: Columns of the share that is still there, with its interval.
STAYED = ("share_stayed", "share_stayed_low", "share_stayed_high")


def claims(evidence: Evidence) -> list[Claim]:
    """Return a claim for either pole."""
    return [
        Claim(
            name=f"beginners-stay-{which}",
            statement=f"Most scientists who begin in {name(pole)} are still there years later.",
            source=SOURCE,
            needs=("cohorts",),
            estimand=f"Share of scientists with first papers from {name(pole)} who are there in "
            "the last year that cohorts are followed to: more than one half.",
            of_sizes="where few move at all most stay, whatever else happens",
            measure=partial(_stay, pole),
        )
        for which, pole in zip(("first", "second"), evidence.poles, strict=False)
    ]


def _stay(pole: str, evidence: Evidence) -> Conditions:
    blank = Condition(f"Share of those who began in {name(pole)} that is there", 0.5, 0.5)
    rows = evidence.table("cohorts", group=ALL, tier=ALL, entry_country=pole)
    rows = rows.filter(pc.and_(pc.is_null(rows["entry_year"]), pc.is_valid(rows[STAYED[0]])))
    if not rows.num_rows:
        return [missing(blank, f"too few scientists begin in {name(pole)}")]
    row = rows.sort_by([("years_since", "descending")]).slice(0, 1).to_pylist()[0]
    what = f"{blank.what} {row['years_since']} years later"
    return [interval(Condition(what, 0.5, 0.5), row, STAYED)]
