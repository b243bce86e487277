"""Claims of AlShebli et al. on moving and teaming up."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.findings.evidence import Evidence, name, slope
from isthmus.findings.verdict import (
    Claim,
    Decision,
    above,
    all_of,
    below,
    count_ratio,
    survives,
    undecided,
    wilson,
)

STUDY = "AlShebli et al. 2024"

#: Joint papers are "relatively rare" under this share of a pole's papers (the study: 2.8 %).
RARE = 0.1

#: Years called "the last" when an effect is said to have grown (the study: the last four).
LAST = 4

#: Part of the placebo pairs that may show an effect as large before it is called common.
PLACEBO_LEVEL = 0.05

_NO_NULL = "not tested: it rests on no null model of networks"
_ONE_RULE = "not tested: these results hold one rule of attribution"
_NO_PAPERS = "not tested: the tables hold no single papers"


def claims() -> list[Claim]:
    """Give the claims on moves, joint papers and their impact."""
    return [*_moves(), *_joint(), *_premium()]


def _moves() -> list[Claim]:
    made = []
    for which, statement in enumerate(
        (
            "Most AI scientists who migrate to the U.S. come from China.",
            "Most AI scientists who migrate to China come from the U.S.",
        )
    ):
        made.append(
            Claim(
                name=f"origin-of-movers-{('first', 'second')[which]}",
                statement=statement,
                general="The largest origin of scientists who come to a pole is the other pole.",
                source=STUDY,
                needs=("flows",),
                rule="Moves into the pole from the other over those from the next origin, as "
                "Poisson counts, above 1.",
                decide=_origin(which),
            )
        )
        made.append(
            Claim(
                name=f"movers-keep-ties-{('first', 'second')[which]}",
                statement=(
                    "U.S.-based scientists who came from China write nearly 30 times as often "
                    "with China as those who did not."
                    if which == 0
                    else "China-based scientists who came from the U.S. write nearly 20 times as "
                    "often with the U.S. as those who did not."
                ),
                general="Movers go on writing with the country they left more than others do.",
                source=STUDY,
                needs=("retention",),
                rule="Matched difference in the share of later papers with the origin, above 0 %.",
                decide=_retention(which),
            )
        )
    return made


def _joint() -> list[Claim]:
    return [
        Claim(
            name="joint-papers-rare",
            statement="Collaborations between the two countries continue to be relatively rare.",
            general="Joint papers are a small part of each pole's output.",
            source=STUDY,
            needs=("collaboration", "country_year"),
            rule=f"Joint papers (whole) over papers (whole), for each pole below {RARE:.0%}.",
            decide=_rare,
        ),
        Claim(
            name="joint-papers-rise",
            statement="The number of collaborations between the two countries has been increasing.",
            general="The poles' joint papers increase over the years.",
            source=STUDY,
            needs=("collaboration",),
            rule="Theil-Sen slope of the yearly joint papers, above 0.",
            decide=_rise,
        ),
    ]


def _premium() -> list[Claim]:
    made = []
    for which, statement in enumerate(
        (
            "U.S.-based papers with China have been more impactful than those without.",
            "China-based papers with the U.S. have been more impactful than those without.",
        )
    ):
        made.append(
            Claim(
                name=f"premium-{('first', 'second')[which]}",
                statement=statement,
                general="A pole's papers with the other pole have more impact than matched ones.",
                source=STUDY,
                needs=("matched",),
                rule="Pooled matched difference in impact, above 0 %.",
                decide=_pooled(which),
            )
        )
    return [
        *made,
        Claim(
            name="premium-every-year",
            statement="The two countries have always been more impactful when collaborating than "
            "when each of them works without the other.",
            general="In every year the poles' joint papers have more impact, whoever leads.",
            source=STUDY,
            needs=("matched",),
            rule="The matched difference of every year and both leading poles lies above 0 %.",
            decide=_every_year,
        ),
        Claim(
            name="premium-grows-first",
            statement="U.S.-based papers gained from China-based coauthors in the last four years "
            "only.",
            general="The first pole's gain from joint papers grows.",
            source=STUDY,
            needs=("matched",),
            rule="Theil-Sen slope of the yearly matched difference of the first pole, above 0.",
            decide=_grows,
        ),
        Claim(
            name="premium-is-the-poles-own",
            statement="Other factors than perseverance across time zones drive the increase in "
            "impact when China and the U.S. collaborate.",
            general="The poles' premium exceeds that of placebo pairs as far apart in time.",
            source=STUDY,
            needs=("matched", "placebo_pairs"),
            rule=f"At most {PLACEBO_LEVEL:.0%} of the placebo pairs have a pooled difference as "
            "large as the poles'.",
            decide=_beyond_placebo,
        ),
    ]


def _pair(evidence: Evidence, which: int) -> tuple[str, str] | None:
    if len(evidence.poles) < 2:
        return None
    first, second = evidence.poles[:2]
    return (first, second) if which == 0 else (second, first)


_ONE_POLE = "It takes two poles; the study names one."


def _origin(which: int) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        if (pair := _pair(evidence, which)) is None:
            return undecided(_ONE_POLE)
        pole, other = pair
        rows = evidence.table("flows", destination=pole)
        summed = rows.group_by("origin").aggregate([("scientists", "sum")]).to_pylist()
        moves = {row["origin"]: row["scientists_sum"] for row in summed}
        rest = {code: n for code, n in moves.items() if code != other}
        if not moves:
            return undecided(f"No scientist is seen to move to {name(pole)}.")
        next_ = max(rest, key=lambda c: (rest[c], c)) if rest else None
        ratio = count_ratio(moves.get(other, 0), rest[next_] if next_ else 0)
        what = f"Moves to {name(pole)} from {name(other)} over those from "
        what += name(next_) if next_ else "anywhere else"
        found = above(*ratio, 1.0, what)
        return found.checked(
            nulls=_NO_NULL,
            placebo="not tested: sizes alone make large origins",
            counting=_ranges(evidence, pole, other),
            dropping="survives: the next origin is the strictest to drop",
        )

    return decide


def _ranges(evidence: Evidence, pole: str, other: str) -> str:
    """Say under how many settings of a move the other pole is the first origin."""
    if not evidence.has("flow_variants"):
        return "not tested: the table `flow_variants` is not there"
    rows = evidence.table("flow_variants", destination=pole).to_pylist()
    flows: dict[int, dict[str, int]] = {}
    for row in rows:
        flows.setdefault(row["variant"], {})[row["origin"]] = row["scientists"]
    if not flows:
        return f"not tested: no setting shows a move to {name(pole)}"
    first = sum(found.get(other, 0) == max(found.values()) for found in flows.values())
    word = "survives" if first in (0, len(flows)) else "fails"
    return f"{word}: first origin under {first} of {len(flows)} settings of a move"


def _retention(which: int) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        if (pair := _pair(evidence, which)) is None:
            return undecided(_ONE_POLE)
        destination, origin = pair
        wanted = f"movers:{origin}->{destination}"
        found = _effect(evidence, "retention", wanted)
        if found is None:
            return undecided(f"The experiment `{wanted}` is not in `retention`.")
        sampled = _effect(evidence, "retention", f"{wanted}:sampled")
        agree = sampled is not None and sampled.verdict == found.verdict
        counting = (
            f"{'survives' if agree else 'fails'}: one stayer per mover says {sampled.verdict}"
            if sampled is not None
            else "not tested: no sampled design"
        )
        return found.checked(
            nulls=_NO_NULL, placebo=_NO_NULL, counting=counting, dropping=_NO_PAPERS
        )

    return decide


def _effect(evidence: Evidence, table: str, experiment: str) -> Decision | None:
    """Decide that the pooled effect of an experiment lies above zero; None when not there."""
    rows = evidence.table(table, experiment=experiment)
    pooled = rows.filter(pc.is_null(rows["year"])).to_pylist()
    return _one_effect(pooled[0], experiment) if pooled else None


def _one_effect(row: dict[str, float], label: str) -> Decision:
    if row["effect_percent"] is None:
        return undecided(f"`{label}` has no matched units.")
    if row["ci_low"] is None or row["ci_high"] is None:
        return undecided(f"`{label}` has too few matched units for an interval.")
    what = f"The matched difference of `{label}` in per cent"
    found = above(row["effect_percent"], row["ci_low"], row["ci_high"], 0.0, what)
    n = f" n = {row['treated_matched']:,} and {row['control_matched']:,} matched."
    return Decision(found.verdict, found.why + n, found.estimate, found.low, found.high)


def experiment(evidence: Evidence, lead: str, other: str) -> str | None:
    """Give the name of the main experiment on papers `lead` leads with `other`, if it is there."""
    label = f"joint:{lead}+{other}"
    names = pc.unique(evidence.table("matched")["experiment"]).to_pylist()
    return label if label in names else None


def _pooled(which: int) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        if (pair := _pair(evidence, which)) is None:
            return undecided(_ONE_POLE)
        label = experiment(evidence, *pair)
        found = _effect(evidence, "matched", label) if label else None
        if found is None:
            return undecided(f"No pooled experiment of {' with '.join(map(name, pair))} is there.")
        return found.checked(
            nulls=_NO_NULL,
            placebo=_placebo_check(evidence, found),
            counting=_elsewhere(evidence, label or "", found),
            dropping=_without_largest(evidence, label or ""),
        )

    return decide


def _elsewhere(evidence: Evidence, label: str, found: Decision) -> str:
    """Say whether other control groups and outcomes decide the same."""
    others = {
        ending: decision
        for ending in ("international", "elsewhere")
        if (decision := _effect(evidence, "matched", f"{label}:{ending}")) is not None
    }
    return survives(found, others)


def _without_largest(evidence: Evidence, label: str) -> str:
    """Say how much of the effect the largest papers carry."""
    if not evidence.has("matched_measures"):
        return _NO_PAPERS
    rows = evidence.table("matched_measures", experiment=label)
    found = rows.filter(pc.is_null(rows["year"]))["carried_by_largest"].to_pylist()
    if not found or found[0] is None:
        return "not tested: too few papers"
    word = "fails" if found[0] >= 1 else "survives"
    return f"{word}: the ten most cited papers carry {100 * found[0]:.0f} % of the difference"


def _yearly(evidence: Evidence, which: int) -> pa.Table | None:
    pair = _pair(evidence, which)
    label = experiment(evidence, *pair) if pair else None
    if label is None:
        return None
    rows = evidence.table("matched", experiment=label)
    kept = pc.and_(pc.is_valid(rows["year"]), pc.is_valid(rows["effect_percent"]))
    return rows.filter(kept).sort_by("year")


def _every_year(evidence: Evidence) -> Decision:
    decisions = []
    for which in (0, 1):
        rows = _yearly(evidence, which)
        years = rows.to_pylist() if rows is not None else []
        decisions += [_one_effect(row, f"{row['experiment']} {row['year']}") for row in years]
    return all_of(decisions, "Years and leading poles with a difference above zero").checked(
        nulls=_NO_NULL, counting=_ONE_RULE, dropping=_NO_PAPERS
    )


def _grows(evidence: Evidence) -> Decision:
    rows = _yearly(evidence, 0)
    if rows is None or rows.num_rows < 3:
        return undecided("Fewer than three years with a matched difference are there.")
    found = slope(rows["year"].to_numpy().astype(float), rows["effect_percent"].to_numpy())
    what = "The change of the matched difference, percentage points a year,"
    return above(*found, 0.0, what).checked(nulls=_NO_NULL, counting=_ONE_RULE, dropping=_NO_PAPERS)


def _placebo_effects(evidence: Evidence) -> list[float]:
    if not evidence.has("placebo_pairs"):
        return []
    rows = evidence.table("placebo_pairs", is_pole_pair=False)
    return [value for value in rows["effect_percent"].to_pylist() if value is not None]


def _placebo_check(evidence: Evidence, found: Decision) -> str:
    effects = _placebo_effects(evidence)
    if not effects or found.estimate is None:
        return "not tested: no placebo pairs in these results"
    share = sum(value >= found.estimate for value in effects) / len(effects)
    word = "survives" if share <= PLACEBO_LEVEL else "fails"
    return f"{word}: {share:.0%} of {len(effects)} placebo pairs show as much"


def placebo_effect(evidence: Evidence, lead: str, partner: str) -> Decision | None:
    """Decide that another pair's effect lies above zero; None when no table has the pair."""
    label = f"joint:{lead}+{partner}"
    if evidence.has("matched") and (found := _effect(evidence, "matched", label)) is not None:
        return found
    rows = evidence.table("placebo_pairs", lead=lead, partner=partner).to_pylist()
    return _one_effect(rows[0], label) if rows else None


def _beyond_placebo(evidence: Evidence) -> Decision:
    effects = _placebo_effects(evidence)
    if not effects:
        return undecided("`placebo_pairs` holds no effect of another pair.")
    decisions = []
    for which in (0, 1):
        pair = _pair(evidence, which)
        label = experiment(evidence, *pair) if pair else None
        found = _effect(evidence, "matched", label) if label else None
        if found is None or found.estimate is None:
            continue
        as_large = sum(value >= found.estimate for value in effects)
        what = f"The share of {len(effects)} placebo pairs with as much as `{label}`"
        share = as_large / len(effects)
        low, high = wilson(as_large, len(effects))
        decisions.append(below(share, low, high, PLACEBO_LEVEL, what))
    return all_of(decisions, "Leading poles whose difference exceeds the placebo pairs'").checked(
        nulls=_NO_NULL, placebo="survives: it is the comparison itself"
    )


def _joint_years(evidence: Evidence) -> pa.Table:
    first, second = sorted(evidence.poles[:2])
    return evidence.table("collaboration", source=first, target=second).sort_by("year")


def _rare(evidence: Evidence) -> Decision:
    if len(evidence.poles) < 2:
        return undecided(_ONE_POLE)
    joint = float(pc.sum(_joint_years(evidence)["works_whole"]).as_py() or 0)
    column = "papers_whole" if "papers_whole" in evidence.columns("country_year") else "papers_any"
    totals = evidence.totals(column)
    decisions = []
    for pole in evidence.poles[:2]:
        papers = totals.get(pole, 0.0)
        if papers:
            low, high = wilson(joint, papers)
            what = f"The share of {name(pole)}'s papers that are joint"
            decisions.append(below(joint / papers, low, high, RARE, what))
    return all_of(decisions, f"Poles with less than {RARE:.0%} joint papers").checked(
        nulls=_NO_NULL, dropping="survives: no other country enters it", counting=_ONE_RULE
    )


def _rise(evidence: Evidence) -> Decision:
    if len(evidence.poles) < 2:
        return undecided(_ONE_POLE)
    found = _rising(evidence, "works_whole")
    other = _rising(evidence, "works_fractional")
    agree = "survives" if other.verdict == found.verdict else "fails"
    return found.checked(
        nulls=_NO_NULL,
        placebo="not tested: a growing field makes more joint papers",
        counting=f"{agree}: works_fractional says {other.verdict}",
        dropping="survives: no other country enters it",
    )


def _rising(evidence: Evidence, column: str) -> Decision:
    rows = _joint_years(evidence)
    found = slope(rows["year"].to_numpy().astype(float), rows[column].to_numpy().astype(float))
    return above(*found, 0.0, f"The yearly change of the poles' `{column}`")
