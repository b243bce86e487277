"""Claims of Gallo et al. on bridges in Europe, a further pole, and other null models."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

from isthmus.findings.drifting import APART, STUDY, TOGETHER, judged, pole_trends, with_placebo
from isthmus.findings.evidence import Evidence, name
from isthmus.findings.robust import left_out
from isthmus.findings.verdict import (
    Claim,
    Decision,
    above,
    all_of,
    count_ratio,
    survives,
    undecided,
    wilson,
)

#: Countries of Europe for the claim on bridges, as far as they publish enough to be followed.
_EUROPE = (
    "AL AT BA BE BG BY CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LT LU LV MD ME MK MT NL NO "
    "PL PT RO RS RU SE SI SK UA"
)
EUROPE = frozenset(_EUROPE.split())

#: Share of Europe's followed countries that is "many".
MANY = 1 / 3

#: The country the study calls an emergent pole.
EMERGENT = "IN"

#: Years at either end that are compared for growth.
SPAN = 5


def claims() -> list[Claim]:
    """Give the claims on Europe's bridges, the emergent pole and other null models."""
    return [
        Claim(
            name="europe-bridges",
            statement="Many European countries have converged with both poles.",
            general="Many countries of a region integrate with both poles.",
            source=STUDY,
            needs=("alignment",),
            rule="Share of the European countries followed with both poles that have archetype SC "
            f"or KI with both, above {MANY:.0%} (Wilson interval).",
            decide=_europe,
        ),
        Claim(
            name="emergent-pole",
            statement="India emerges as a further pole: it leaves the US while its collaborations "
            "and citations grow rapidly.",
            general="A further country outgrows the world's links and leaves the first pole.",
            source=STUDY,
            needs=("collaboration", "citation", "alignment"),
            rule=f"Its joint papers and its citations, last {SPAN} years over first {SPAN}, grow "
            "more than all countries' (ratio of ratios above 1), and its archetype with the first "
            "pole is SD or KD.",
            decide=_emergent,
        ),
        Claim(
            name="null-models-agree",
            statement="The findings are robust to alternative null models.",
            general="Every null model of the study says the same of the poles' divergence.",
            source=STUDY,
            needs=("links",),
            rule="The poles' trend in collaboration and in citation has the same verdict under "
            "every null model of the study.",
            decide=_agree,
        ),
    ]


def _europe(evidence: Evidence) -> Decision:
    if len(evidence.poles) < 2:
        return undecided("It takes two poles; the study names one.")
    poles = evidence.poles[:2]

    def under(evidence: Evidence, model: str) -> Decision:
        rows = evidence.table("alignment", null_model=model).to_pylist()
        known = [
            row
            for row in rows
            if row["country"] in EUROPE and all(row.get(f"with_{pole}") for pole in poles)
        ]
        if not known:
            return undecided(f"No European country is followed with both poles under {model}.")
        both = sum(all(row[f"with_{pole}"] in TOGETHER for pole in poles) for row in known)
        n = len(known)
        what = f"The share of {n} European countries that integrate with both poles under {model}"
        return above(both / n, *wilson(both, n), MANY, what)

    headline, *rest = evidence.null_models
    found = under(evidence, headline)
    others = {model: d for model in rest if (d := under(evidence, model)).estimate is not None}
    found = found.checked(
        nulls=survives(found, others), counting="not tested: the null models take whole counts"
    )
    found = left_out(evidence, found, lambda rest: under(rest, headline))
    return with_placebo(evidence, found, ("pairs_rise",))


def _emergent(evidence: Evidence) -> Decision:
    grown = [
        _outgrows(evidence, table, column, word)
        for table, column, word in (
            ("collaboration", "works_whole", "joint papers"),
            ("citation", "citations_whole", "citations"),
        )
    ]
    kind, placebo = _relation(evidence)
    found = all_of([*grown, _leaves(evidence, kind)], f"What makes {name(EMERGENT)} a pole")
    found = found.checked(
        counting="not tested: whole counts alone enter",
        dropping="survives: its share of all countries' growth enters, not single countries",
        nulls="not tested: growth rests on none; the archetype is the headline's",
    )
    if placebo is None:
        return with_placebo(evidence, found, ())
    return judged(found, placebo, f"{kind} with {name(evidence.poles[0])}")


def _outgrows(evidence: Evidence, table: str, column: str, word: str) -> Decision:
    rows = evidence.table(table)
    rows = rows.filter(pc.not_equal(rows["source"], rows["target"]))
    first, last = evidence.years
    early = rows.filter(pc.less(rows["year"], first + SPAN))
    late = rows.filter(pc.greater(rows["year"], last - SPAN))
    if not early.num_rows or not late.num_rows:
        return undecided(f"`{table}` has no rows at one end of the years.")
    own = [_sum(_touching(part), column) for part in (early, late)]
    rest = [_sum(part, column) - mine for part, mine in zip((early, late), own, strict=True)]
    if not own[1]:
        return undecided(f"{name(EMERGENT)} has no {word} in the last years.")
    grew, world = count_ratio(own[1], own[0]), count_ratio(rest[1], rest[0])
    # The world's total is so much larger that its own error adds nothing.
    scaled = [value / world[0] for value in grew]
    what = f"The growth of {name(EMERGENT)}'s {word} over that of all others"
    return above(scaled[0], scaled[1], scaled[2], 1.0, what)


def _touching(rows: Any) -> Any:
    ends = pc.or_(pc.equal(rows["source"], EMERGENT), pc.equal(rows["target"], EMERGENT))
    return rows.filter(ends)


def _sum(rows: Any, column: str) -> float:
    return float(pc.sum(rows[column]).as_py() or 0)


def _relation(evidence: Evidence) -> tuple[str | None, float | None]:
    """Give its archetype with the first pole, and the share of placebo replays that show it."""
    pole, model = evidence.poles[0], evidence.null_models[0]
    rows = evidence.table("alignment", null_model=model, country=EMERGENT).to_pylist()
    if not rows:
        return None, None
    return rows[0].get(f"with_{pole}"), rows[0].get(f"placebo_{pole}")


def _leaves(evidence: Evidence, kind: str | None) -> Decision:
    pole, model = evidence.poles[0], evidence.null_models[0]
    if kind is None:
        return undecided(f"{name(EMERGENT)} is not followed with {name(pole)}.")
    said = f"{name(EMERGENT)} is {kind} with {name(pole)} under {model}."
    return Decision("supported" if kind in APART else "not supported", said)


def _agree(evidence: Evidence) -> Decision:
    if len(evidence.poles) < 2:
        return undecided("It takes two poles; the study names one.")
    if len(evidence.null_models) < 2:
        return undecided("The study names one null model; name others under `[poles]`.")
    differing, tested = [], 0
    for layer in ("collaboration", "citation"):
        found = {model: pole_trends(evidence, layer, model) for model in evidence.null_models}
        decided = {m: d.verdict for m, d in found.items() if d.estimate is not None}
        tested += len(decided) > 1
        if len(set(decided.values())) > 1:
            said = ", ".join(f"{model} {verdict}" for model, verdict in decided.items())
            differing.append(f"{layer}: {said}")
    if not tested:
        return undecided("The poles' trend is known under fewer than two null models.")
    if differing:
        return Decision("not supported", f"Divergence of the poles in {'; in '.join(differing)}.")
    names = ", ".join(evidence.null_models)
    return Decision("supported", f"The poles' trends have the same verdict under {names}.")
