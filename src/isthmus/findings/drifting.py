"""Claims of Gallo et al. on who drifts together and apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.findings.evidence import Evidence, listed, name, slope
from isthmus.findings.robust import largest_of, left_out, refitted
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

STUDY = "Gallo et al. 2026"

#: Archetypes that mean integration with a pole, and those that mean divergence.
TOGETHER, APART = ("SC", "KI"), ("SD", "KD")

#: Share of placebo replays that may show a headline before it counts as the null's own.
PLACEBO_LEVEL = 0.05

#: Years at the end in which polarisation must exceed the placebo's.
LAST = 5

#: Countries with the most output called "high-output producers".
LARGEST = 10

#: Members of the European Union, for the claim on hubs and spokes.
_EU_CODES = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE"
EU = tuple(_EU_CODES.split())

#: Members of the union called "productive".
HUBS = 6

#: The study's own groups of countries: name -> countries, towards the US, towards China.
GROUPS: dict[str, tuple[str, Sequence[str], bool, bool]] = {
    "exclusive-with-first": (
        "The United Kingdom and Germany have integrated exclusively with the US.",
        ("GB", "DE"),
        True,
        False,
    ),
    "bridges": (
        "France, Italy, the Netherlands, Canada, Japan and Israel integrate with both poles.",
        ("FR", "IT", "NL", "CA", "JP", "IL"),
        True,
        True,
    ),
    "away-from-first-towards-second": (
        "India, Poland, Singapore, South Korea and Taiwan diverge from the US while converging "
        "with China.",
        ("IN", "PL", "SG", "KR", "TW"),
        False,
        True,
    ),
}

_NAMED = "not tested: the claim is about these countries"
_COUNT = "not tested: the null models take whole counts"


def claims() -> list[Claim]:
    """Give the claims on polarisation."""
    return [*_divergence(), *_alignments(), *_structure()]


def _divergence() -> list[Claim]:
    made = [
        Claim(
            name=f"poles-diverge-{layer}",
            statement=f"The US and China have long diverged in cross-country {layer}.",
            general=f"The poles' {layer} falls relative to what their sizes would give.",
            source=STUDY,
            needs=("links",),
            rule="Theil-Sen slope of the yearly log ratio of observed over expected, below 0; for "
            "citation the mean of both directions. Headline null model first.",
            decide=_diverging(layer),
        )
        for layer in ("collaboration", "citation")
    ]
    made.append(
        Claim(
            name="two-poles",
            statement="Global AI research is polarising around the US and China.",
            general="Two blocs around the poles explain the network better and better.",
            source=STUDY,
            needs=("polarisation",),
            rule="Theil-Sen slope of the yearly polarisation index, above 0.",
            decide=_polarising,
        )
    )
    return made


def _alignments() -> list[Claim]:
    made = [
        Claim(
            name=key,
            statement=statement,
            general="Countries integrate with "
            + {
                (True, False): "the first pole only.",
                (True, True): "both poles (bridges).",
                (False, True): "the second pole and diverge from the first.",
            }[first, second],
            source=STUDY,
            needs=("alignment",),
            rule="Each of the named countries has archetype SC or KI with a pole it integrates "
            "with, SD or KD with one it diverges from.",
            decide=_aligned(countries, first, second),
        )
        for key, (statement, countries, first, second) in GROUPS.items()
    ]
    return [
        *made,
        Claim(
            name="towards-second",
            statement="Australia, Brazil, Russia and Spain converge toward China.",
            general="Further countries integrate with the second pole.",
            source=STUDY,
            needs=("alignment",),
            rule="Each of the named countries has archetype SC or KI with the second pole.",
            decide=_aligned(("AU", "BR", "RU", "ES"), None, True),
        ),
        Claim(
            name="developing-with-second-only",
            statement="Developing and further developed countries only integrate with China.",
            general="More countries integrate with the second pole alone than with the first.",
            source=STUDY,
            needs=("alignment",),
            rule="Countries with the second pole only over those with the first only, above 1, as "
            "Poisson counts.",
            decide=_more_with_second,
        ),
    ]


def _structure() -> list[Claim]:
    return [
        Claim(
            name="first-has-more-ties",
            statement="The US has significant ties with about 46 countries, China with about 17 "
            "(2017-2021).",
            general="The first pole has more significant ties than the second.",
            source=STUDY,
            needs=("links",),
            rule="Partners with mean z above 2 over the last five years, first pole over second, "
            "above 1, as Poisson counts.",
            decide=_ties,
        ),
        Claim(
            name="largest-diverge",
            statement="Most high-output AI producers are in scientific divergence from each other.",
            general=f"Most pairs among the {LARGEST} largest producers are in archetype SD.",
            source=STUDY,
            needs=("archetypes", "country_year"),
            rule="Share of SD among these pairs, above one half (Wilson interval).",
            decide=_largest_diverge,
        ),
        Claim(
            name="hub-and-spoke",
            statement="Productive EU members diverge from each other but converge with less "
            "productive neighbouring EU members.",
            general="Hubs of a union diverge from each other and converge with its other members.",
            source=STUDY,
            needs=("archetypes", "country_year"),
            rule=f"Among the {HUBS} largest members most pairs are SD or KD, and most pairs of "
            "these with the other members SC or KI.",
            decide=_hub_and_spoke,
        ),
    ]


def _per_null(evidence: Evidence, decide: Callable[[str], Decision]) -> Decision:
    """Decide under the headline null model, and compare the others'."""
    headline, *rest = evidence.null_models
    found = decide(headline)
    others = {model: decide(model) for model in rest}
    others = {model: d for model, d in others.items() if d.estimate is not None}
    return found.checked(nulls=survives(found, others), counting=_COUNT)


def pole_trends(evidence: Evidence, layer: str, model: str) -> Decision:
    """Decide under one null model that the poles' log ratio falls over the years."""
    ends = evidence.poles[:2]
    rows = evidence.table("links", layer=layer, null_model=model)
    both = pc.and_(pc.is_in(rows["source"], _set(ends)), pc.is_in(rows["target"], _set(ends)))
    rows = rows.filter(pc.and_(both, pc.is_valid(rows["log_ratio"])))
    if rows.num_rows < 3:
        return undecided(f"`links` has fewer than three years of {listed(ends)} under {model}.")
    mean = rows.group_by("year").aggregate([("log_ratio", "mean")]).sort_by("year")
    years = mean["year"].to_numpy().astype(float)
    found = slope(years, mean["log_ratio_mean"].to_numpy())
    what = f"The yearly change of the poles' {layer} log ratio under {model}"
    return below(*found, 0.0, what)


def _diverging(layer: str) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        if len(evidence.poles) < 2:
            return undecided("It takes two poles; the study names one.")
        found = _per_null(evidence, lambda model: pole_trends(evidence, layer, model))
        said = refitted(evidence, found, layer, "poles", falling=True)
        found = found.checked(dropping=said)
        return with_placebo(evidence, found, ("poles_diverge",), layer)

    return decide


def _set(values: Sequence[str]) -> Any:
    return pa.array(list(values), pa.string())


def with_placebo(
    evidence: Evidence, found: Decision, what: Sequence[str], layer: str = "collaboration"
) -> Decision:
    """Add what the placebo says: how often a world without affinity shows the same.

    A supported claim that the placebo reproduces keeps its verdict only as
    undecided, with the warning in its reason.
    """
    rate = placebo_rate(evidence, what, layer)
    if rate is None:
        warned = found.checked(placebo="not tested: the table `placebo` does not say")
        if found.verdict != "supported":
            return warned
        why = f"{found.why} Warning: no placebo was run, so the null model's own drift is unknown."
        return warned.checked(why=why)
    return judged(found, *rate)


def judged(found: Decision, share: float, what: str) -> Decision:
    """Give the decision beside the share of placebo replays that show the same."""
    if share <= PLACEBO_LEVEL:
        return found.checked(placebo=f"survives: {share:.0%} of replays ({what})")
    fails = f"fails: {share:.0%} of replays without affinity ({what})"
    if found.verdict != "supported":
        return found.checked(placebo=fails)
    why = (
        f"{found.why} Placebo warning: {share:.0%} of worlds without any affinity show the same "
        f"({what}), so this null model cannot tell it from growth."
    )
    return found.checked(verdict="undecided", why=why, placebo=fails)


def placebo_rate(evidence: Evidence, what: Sequence[str], layer: str) -> tuple[float, str] | None:
    """Find the largest rate at which replays without affinity show one of `what`.

    Under the headline null model; rows on the log ratio go before those on another quantity.
    """
    if not evidence.has("placebo"):
        return None
    rows = [
        row
        for row in evidence.table("placebo", null_model=evidence.null_models[0]).to_pylist()
        if row["what"] in what and row["rate"] is not None and row["layer"] in (None, layer)
    ]
    ratios = [row for row in rows if row.get("quantity") == "log_ratio"]
    if not rows:
        return None
    worst = max(ratios or rows, key=lambda row: float(row["rate"]))
    return float(worst["rate"]), str(worst["what"]).replace("_", " ")


def _polarising(evidence: Evidence) -> Decision:
    names = evidence.columns("polarisation")
    column = next((c for c in ("index", "polarisation", "estimate") if c in names), None)
    if column is None:
        return undecided("`polarisation` has no column with the index.")

    def under(model: str) -> Decision:
        values: dict[str, Any] = {"null_model": model}
        if "layer" in names:
            values["layer"] = "collaboration"
        found = slope(*evidence.series("polarisation", column, **values))
        return above(*found, 0.0, f"The yearly change of the polarisation index under {model}")

    found = _per_null(evidence, under)
    said = refitted(evidence, found, "collaboration", "polarisation", falling=False)
    found = found.checked(dropping=said)
    if placebo_rate(evidence, ("polarisation_rises",), "collaboration") is None:
        return _beyond_placebo(evidence, found, column)
    return with_placebo(evidence, found, ("polarisation_rises",))


def _beyond_placebo(evidence: Evidence, found: Decision, column: str) -> Decision:
    """Compare the last years' index with that of worlds without affinity, where it is known."""
    if "placebo_high" not in evidence.columns("polarisation"):
        return with_placebo(evidence, found, ("polarisation_rises",))
    rows = evidence.table("polarisation", null_model=evidence.null_models[0], layer="collaboration")
    known = rows.filter(pc.and_(pc.is_valid(rows["placebo_high"]), pc.is_valid(rows[column])))
    last = known.sort_by("year").to_pylist()[-LAST:]
    if not last:
        return with_placebo(evidence, found, ("polarisation_rises",))
    beyond = sum(row[column] > row["placebo_high"] for row in last)
    said = f"the index lies above the placebo's in {beyond} of the last {len(last)} years"
    if beyond == len(last):
        return found.checked(placebo=f"survives: {said}")
    if found.verdict != "supported":
        return found.checked(placebo=f"fails: {said}")
    why = f"{found.why} Placebo warning: {said}."
    return found.checked(verdict="undecided", why=why, placebo=f"fails: {said}")


def _aligned(
    countries: Sequence[str], first: bool | None, second: bool
) -> Callable[[Evidence], Decision]:
    def one(row: dict[str, Any], poles: Sequence[str]) -> Decision:
        wanted = [(poles[0], first), (poles[1], second)]
        got = {pole: row.get(f"with_{pole}") for pole, _ in wanted}
        fits = [
            got[pole] in (TOGETHER if want else APART) for pole, want in wanted if want is not None
        ]
        said = ", ".join(f"{got[pole] or 'nothing'} with {name(pole)}" for pole, _ in wanted)
        why = f"{name(row['country'])} is {said}."
        if any(got[pole] is None for pole, want in wanted if want is not None):
            return undecided(why)
        return Decision("supported" if all(fits) else "not supported", why)

    def under(evidence: Evidence, model: str) -> Decision:
        rows = evidence.table("alignment", null_model=model).to_pylist()
        there = {row["country"]: row for row in rows}
        absent = [name(c) for c in countries if c not in there]
        decisions = [one(there[c], evidence.poles) for c in countries if c in there]
        held = sum(d.verdict == "supported" for d in decisions)
        what = f"{', '.join(name(c) for c in countries if c in there) or 'None of them'} as claimed"
        found = all_of(decisions, what)
        missing = f" Not in these results: {', '.join(absent)}." if absent else ""
        share = held / len(decisions) if decisions else None
        verdict = "undecided" if absent and found.verdict == "supported" else found.verdict
        return Decision(verdict, found.why + missing, share)

    def decide(evidence: Evidence) -> Decision:
        if len(evidence.poles) < 2:
            return undecided("It takes two poles; the study names one.")
        found = _per_null(evidence, lambda model: under(evidence, model))
        found = found.checked(dropping=_NAMED)
        return _relations_beyond_placebo(evidence, found, countries, (first, second))

    return decide


def _relations_beyond_placebo(
    evidence: Evidence,
    found: Decision,
    countries: Sequence[str],
    wanted: tuple[bool | None, bool | None],
) -> Decision:
    """Set relations of countries with poles beside the share of replays that show the same."""
    poles = [
        pole for pole, want in zip(evidence.poles[:2], wanted, strict=True) if want is not None
    ]
    rows = evidence.table("alignment", null_model=evidence.null_models[0]).to_pylist()
    shares = [
        row[f"placebo_{pole}"]
        for row in rows
        for pole in poles
        if row["country"] in countries and row.get(f"placebo_{pole}") is not None
    ]
    if not shares:
        return with_placebo(evidence, found, ())
    return judged(found, max(shares), "the relation that the placebo shows most often")


def _jackknifed(evidence: Evidence, under: Callable[[Evidence, str], Decision]) -> Decision:
    """Decide under every null model, and under the headline without each large country."""
    found = _per_null(evidence, lambda model: under(evidence, model))
    headline = evidence.null_models[0]
    return left_out(evidence, found, lambda rest: under(rest, headline))


def _more_with_second(evidence: Evidence) -> Decision:
    if len(evidence.poles) < 2:
        return undecided("It takes two poles; the study names one.")
    first, second = evidence.poles[:2]

    def under(evidence: Evidence, model: str) -> Decision:
        rows = evidence.table("alignment", null_model=model).to_pylist()
        rows = [row for row in rows if row["country"] not in (first, second)]
        only = dict.fromkeys((first, second), 0)
        for row in rows:
            near = [pole for pole in only if row.get(f"with_{pole}") in TOGETHER]
            if len(near) == 1:
                only[near[0]] += 1
        if not any(only.values()):
            return undecided(f"No country integrates with one pole alone under {model}.")
        what = f"Countries with {name(second)} only ({only[second]}) over those with "
        what += f"{name(first)} only ({only[first]}) under {model}"
        return above(*count_ratio(only[second], only[first]), 1.0, what)

    return with_placebo(evidence, _jackknifed(evidence, under), ("pairs_rise",))


def _ties(evidence: Evidence) -> Decision:
    if len(evidence.poles) < 2:
        return undecided("It takes two poles; the study names one.")

    def under(evidence: Evidence, model: str) -> Decision:
        rows = evidence.table("links", layer="collaboration", null_model=model)
        if not rows.num_rows:
            return undecided(f"`links` has no collaboration under {model}.")
        last = pc.max(rows["year"]).as_py()
        rows = rows.filter(pc.greater(rows["year"], last - 5))
        mean = rows.group_by(["source", "target"]).aggregate([("z", "mean")]).to_pylist()
        strong = [r for r in mean if r["z_mean"] is not None and r["z_mean"] > 2]
        ties = [
            sum(pole in (r["source"], r["target"]) for r in strong) for pole in evidence.poles[:2]
        ]
        what = f"Significant ties of the poles under {model} ({ties[0]} and {ties[1]}), as a ratio,"
        return above(*count_ratio(*ties), 1.0, what)

    return with_placebo(evidence, _jackknifed(evidence, under), ("significant_ties",))


def _kinds(evidence: Evidence, model: str, one: Sequence[str], other: Sequence[str]) -> list[str]:
    rows = evidence.table("archetypes", null_model=model).to_pylist()
    return [
        row["archetype"]
        for row in rows
        if (row["source"] in one and row["target"] in other)
        or (row["source"] in other and row["target"] in one)
    ]


def _mostly(kinds: Sequence[str], wanted: Sequence[str], what: str) -> Decision:
    if not kinds:
        return undecided(f"{what}: no such pair has an archetype.")
    n = len(kinds)
    k = int(np.isin(kinds, wanted).sum())
    low, high = wilson(k, n)
    return above(k / n, low, high, 0.5, f"{what}: the share of {', '.join(wanted)} in {n} pairs")


def _largest_diverge(evidence: Evidence) -> Decision:
    largest = largest_of(evidence, None, LARGEST)

    def under(evidence: Evidence, model: str) -> Decision:
        kinds = _kinds(evidence, model, largest, largest)
        return _mostly(kinds, ("SD",), f"The {len(largest)} largest under {model}")

    return with_placebo(evidence, _jackknifed(evidence, under), ("archetype_SD",))


def _hub_and_spoke(evidence: Evidence) -> Decision:
    members = largest_of(evidence, EU, len(EU))
    hubs, spokes = members[:HUBS], members[HUBS:]

    def under(evidence: Evidence, model: str) -> Decision:
        between = _mostly(_kinds(evidence, model, hubs, hubs), APART, "Hubs with each other")
        across = _mostly(_kinds(evidence, model, hubs, spokes), TOGETHER, "Hubs with the others")
        return all_of([between, across], f"Both halves of the pattern under {model}")

    return with_placebo(evidence, _jackknifed(evidence, under), ("archetype_SC",))
