"""Claims of Gallo et al. on who drifts together and apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.findings.estimates import (
    BEND_LEVEL,
    NOT_ONE_LINE,
    interval,
    missing,
    share,
    slope,
    too_few,
)
from isthmus.findings.evidence import AFFINITY, Evidence, listed, name
from isthmus.findings.turned import turns_of, when_turned
from isthmus.findings.verdict import Claim, Condition, Conditions
from isthmus.poles.archetypes import APART, TOGETHER
from isthmus.poles.groups import APART_FROM, CLOSER, EU, GROUPS, HUBS, LARGEST, NOT_CLOSER

STUDY = "Gallo et al. 2026"

#: Stands for the archetype of a pair that has no trend.
UNTESTED = "untested"

#: The paper's sentences on its groups of countries.
_SAID = {
    "exclusive-with-first": "The United Kingdom and Germany have integrated exclusively with the "
    "US.",
    "bridges": "France, Italy, the Netherlands, Canada, Japan and Israel integrate with both "
    "poles.",
    "away-from-first-towards-second": "India, Poland, Singapore, South Korea and Taiwan diverge "
    "from the US while converging with China.",
    "towards-second": "Australia, Brazil, Russia and Spain converge toward China.",
}

_VERBS = {
    CLOSER: "come closer to",
    APART_FROM: "move away from",
    NOT_CLOSER: "do not come closer to",
}

#: Measures a claim under affinity or a null model.
UnderModel = Callable[[Evidence, str], Conditions]

#: Layers in which the poles' tie may turn: ending of the claim's name, and the tie in words.
TURNING = (
    ("collaboration", "", "The tie"),
    ("citation", "-citation", "The citation tie"),
)

#: Columns of a pair's trend in one layer.
_TREND = ("slope_{}", "slope_low_{}", "slope_high_{}")


def headline(measure: UnderModel) -> Callable[[Evidence], Conditions]:
    """Measure a claim under what leads: affinity, or the first null model."""
    return lambda evidence: measure(evidence, evidence.models[0])


def others(measure: UnderModel) -> Callable[[Evidence], Mapping[str, Conditions]]:
    """Measure a claim under every other null model of the study."""
    return lambda evidence: {model: measure(evidence, model) for model in evidence.models[1:]}


def claims(evidence: Evidence) -> list[Claim]:
    """Return the claims on polarisation; those on named countries for the paper's poles only."""
    named = set(evidence.poles[:2]) == {"US", "CN"}
    return [
        *_divergence(evidence),
        *(_groups() if named else []),
        *_structure(evidence),
        *(_union() if named else []),
    ]


def _divergence(evidence: Evidence) -> list[Claim]:
    words = evidence.words
    layers = {
        "collaboration": "joint papers of {}",
        "citation": "citations between {}",
    }
    made = [
        Claim(
            name=f"poles-diverge-{layer}",
            statement=f"{words.the_poles} drift apart: {what.format('the two')} fall relative "
            "to those with their other partners.",
            said=f"The US and China have long diverged in cross-country {layer}.",
            source=STUDY,
            needs=("archetypes",),
            estimand=f"Yearly change of the affinity of the two in {layer} (relative to their "
            "other partners; for citation the mean of both directions).",
            measure=headline(partial(pole_trend, layer)),
            models=others(partial(pole_trend, layer)),
            dropping=partial(_without_each, layer),
        )
        for layer, what in layers.items()
    ]
    made += [
        Claim(
            name=f"poles-turn{ending}",
            statement=f"{tie} of {words.the_poles} turned: in some year its course changed.",
            source=STUDY,
            needs=("turns",),
            estimand=f"Size of the change of the yearly slope of their affinity in {layer}, in the "
            "year of the turn.",
            measure=partial(_turned, layer),
        )
        for layer, ending, tie in TURNING
    ]
    made.append(
        Claim(
            name="two-poles",
            statement=f"The field ({words.field}) polarises around {words.the_poles}.",
            said="Global AI research is polarising around the US and China.",
            source=STUDY,
            needs=("polarisation",),
            estimand="Yearly change of the share of variance of ties that two blocs around the "
            "poles explain (collaboration).",
            measure=headline(_polarising),
            models=others(_polarising),
        )
    )
    return made


def _groups() -> list[Claim]:
    made = []
    for key, conditions in GROUPS.items():
        ways = dict.fromkeys((how, pole) for _, pole, how in conditions)
        verbs = " and ".join(f"{_VERBS[how]} {name(pole)}" for how, pole in ways)
        countries = list(dict.fromkeys(country for country, _, _ in conditions))
        made.append(
            Claim(
                name=key,
                statement=f"{listed(countries)} {verbs}.",
                said=_SAID[key],
                source=STUDY,
                needs=("alignment",),
                estimand="Yearly change of each country's affinity with each pole, relative to "
                "its other partners: each as named.",
                measure=headline(partial(_related, key)),
                models=others(partial(_related, key)),
            )
        )
    return made


def _structure(evidence: Evidence) -> list[Claim]:
    words = evidence.words
    return [
        Claim(
            name="developing-with-second-only",
            statement=f"More countries come closer to {words.second} alone than to {words.first} "
            "alone.",
            said="Developing and further developed countries only integrate with China.",
            source=STUDY,
            needs=("alignment",),
            estimand=f"Of the countries that come closer to one pole alone, the share closer to "
            f"{words.second}: more than one half.",
            measure=headline(_second_only),
            models=others(_second_only),
        ),
        Claim(
            name="first-has-more-ties",
            statement=f"{words.first} has significant ties with more countries than "
            f"{words.second}.",
            said="The US has significant ties with about 46 countries, China with about 17 "
            "(2017-2021).",
            source=STUDY,
            needs=("significant",),
            estimand=f"Of the countries with a significant tie to one pole alone, the share tied "
            f"to {words.first}: more than one half.",
            of_sizes="the same tie is easier to detect for the larger country",
            measure=lambda e: _ties(e, e.null_models[0]),
            models=lambda e: {m: _ties(e, m) for m in e.null_models[1:]},
        ),
        Claim(
            name="largest-diverge",
            statement=f"Most of the {LARGEST} largest producers move away from each other.",
            said="Most high-output AI producers are in scientific divergence from each other.",
            source=STUDY,
            needs=("archetypes", "country_year"),
            estimand=f"Share of archetype SD among pairs of the {LARGEST} largest producers: more "
            "than one half.",
            measure=headline(_largest_diverge),
            models=others(_largest_diverge),
        ),
        Claim(
            name="null-models-agree",
            statement=f"That {words.the_poles} drift apart holds under every null model of the "
            "study.",
            said="The findings are robust to alternative null models.",
            source=STUDY,
            needs=("archetypes",),
            estimand="The poles' yearly change in collaboration and in citation, under affinity "
            "and under each null model: all below 0.",
            measure=_under_all,
        ),
    ]


def _union() -> list[Claim]:
    return [
        Claim(
            name="hub-and-spoke",
            statement=f"The {HUBS} largest members of the European Union move away from each other "
            "and come closer to the other members.",
            said="Productive EU members diverge from each other but converge with less "
            "productive neighbouring EU members.",
            source=STUDY,
            needs=("archetypes", "country_year"),
            estimand="Share of SD or KD among pairs of hubs, and of SC or KI among pairs of a hub "
            "and another member: each more than one half.",
            measure=headline(_hub_and_spoke),
            models=others(_hub_and_spoke),
        )
    ]


def pole_trend(layer: str, evidence: Evidence, model: str) -> Conditions:
    """Return the yearly change of the poles' tie in a layer; smaller supports divergence."""
    ends = sorted(evidence.poles[:2])
    what = f"The yearly change of the {layer} tie of {listed(ends)}{_under(model)}"
    blank = Condition(what, 0.0, -smallest_change(evidence, model), above=False)
    rows = evidence.table("archetypes", null_model=model, source=ends[0], target=ends[1])
    found = rows.to_pylist()
    if not found or found[0].get(f"slope_{layer}") is None:
        return [missing(blank, why_absent(evidence, *ends))]
    made = trend_of(blank, found[0], layer)
    if model == AFFINITY and made.reason.startswith(NOT_ONE_LINE):
        made = replace(made, reason=f"{made.reason}{when_turned(evidence, layer, ends)}")
    quantity = followed(evidence, model)
    return [
        evidence.beside_placebo(
            made, "poles_diverge", layer, model, quantity=quantity, countries=ends
        )
    ]


def _turned(layer: str, evidence: Evidence) -> Conditions:
    """Size of the change of slope where the poles' tie turns; the bootstrap's p must agree."""
    ends = sorted(evidence.poles[:2])
    what = f"The change of the yearly slope of the {layer} tie of {listed(ends)}"
    blank = Condition(what, 0.0, smallest_change(evidence, AFFINITY))
    rows = turns_of(evidence, layer, ends)
    if not rows:
        return [missing(blank, why_absent(evidence, *ends))]
    row = max(rows, key=lambda one: abs(one["change"]))
    sign = -1 if row["change"] < 0 else 1
    low, high = sorted((sign * row["change_low"], sign * row["change_high"]))
    made = replace(blank, value=sign * row["change"], low=low, high=high, placebo=row["placebo"])
    if not row["turned"] and made.supports:
        return [replace(made, reason=f"series without a turn look like it (p {row['p']:.2f})")]
    return [made]


def trend_of(blank: Condition, row: Mapping[str, Any], key: str) -> Condition:
    """Fill in a slope that a table states, unless its path bends."""
    columns = tuple(column.format(key) for column in _TREND)
    made = interval(blank, row, (columns[0], columns[1], columns[2]))
    bend = row.get(f"bend_p_{key}")
    if bend is not None and bend <= BEND_LEVEL:
        return Condition(**{**vars(made), "reason": NOT_ONE_LINE})
    return made


def followed(evidence: Evidence, model: str) -> str:
    """Return the quantity that ties are followed in: under null models z, beside affinity."""
    quantity = str(evidence.settings["poles"]["quantity"])
    return "z" if quantity == "affinity" and model != AFFINITY else quantity


def smallest_change(evidence: Evidence, model: str) -> float:
    """Return the smallest yearly change of a tie that counts, in the unit it is followed in."""
    if followed(evidence, model) in ("affinity", "log_ratio"):
        return float(evidence.settings["poles"]["smallest_change"])
    return 0.0


def why_absent(evidence: Evidence, *countries: str) -> str:
    """Return why a pair of countries has no number: what the table ``panel`` says of them."""
    rows = evidence.table("panel").to_pylist() if evidence.has("panel") else []
    said = [
        f"{listed([end for end in (row['source'], row['target']) if end])}: {row['reason']}"
        for row in rows
        if row["reason"] and row["source"] in countries and row["target"] in (None, *countries)
    ]
    return "; ".join(dict.fromkeys(said)) or f"{listed(countries)}: no ties in these results"


def _under(model: str) -> str:
    return " (affinity)" if model == AFFINITY else f" under {model}"


def _without_each(layer: str, evidence: Evidence) -> Mapping[str, Conditions]:
    if not evidence.has("dropped"):
        return {}
    model = evidence.models[0]
    if any(one.reason.startswith(NOT_ONE_LINE) for one in pole_trend(layer, evidence, model)):
        return {}  # a path that turns has no slope to compare
    rows = evidence.table("dropped", null_model=model, layer=layer, what="poles").to_pylist()
    made = {}
    for row in rows:
        if {row["source"], row["target"]} == set(evidence.poles[:2]) and row["slope"] is not None:
            what = f"The yearly change without {name(row['country'])}"
            blank = Condition(what, 0.0, -smallest_change(evidence, model), above=False)
            made[f"without {name(row['country'])}"] = [
                interval(blank, row, ("slope", "low", "high"))
            ]
    return made


def _polarising(evidence: Evidence, model: str) -> Conditions:
    what = f"The yearly change of the polarisation index{_under(model)}"
    blank = Condition(what, 0.0, evidence.smallest("two-poles", "index"))
    rows = evidence.table("polarisation", null_model=model, layer="collaboration")
    if not rows.num_rows:
        return [missing(blank, "no polarisation index: too few countries besides the poles")]
    years, values = rows["year"].to_pylist(), rows["index"].to_numpy(zero_copy_only=False)
    made = slope(blank, years, values.astype(float))
    return [evidence.beside_placebo(made, "polarisation_rises", "collaboration", model)]


def _related(group: str, evidence: Evidence, model: str) -> Conditions:
    rows = {r["country"]: r for r in evidence.table("alignment", null_model=model).to_pylist()}
    made = [
        _relation(evidence, model, rows.get(country), (country, pole, how))
        for country, pole, how in GROUPS[group]
    ]
    return [evidence.beside_placebo(one, f"group:{group}", None, model) for one in made]


def _relation(
    evidence: Evidence,
    model: str,
    row: Mapping[str, Any] | None,
    relation: tuple[str, str, str],
) -> Condition:
    country, pole, how = relation
    least = smallest_change(evidence, model)
    what = f"The yearly change of the tie of {name(country)} with {name(pole)}{_under(model)}"
    blank = {
        CLOSER: Condition(what, 0.0, least),
        APART_FROM: Condition(what, 0.0, -least, above=False),
        NOT_CLOSER: Condition(what, least, least, above=False),
    }[how]
    if row is None or row.get(f"slope_{pole}") is None:
        return too_few(blank, why_absent(evidence, country, pole))
    return trend_of(blank, row, pole)


def _second_only(evidence: Evidence, model: str) -> Conditions:
    first, second = evidence.poles[:2]
    what = f"Share closer to {name(second)} of countries closer to one pole alone{_under(model)}"
    blank = Condition(what, 0.5, 0.5)
    rows = evidence.table("alignment", null_model=model).to_pylist()
    only = dict.fromkeys((first, second), 0)
    for row in rows:
        kinds_with = {pole: row.get(f"with_{pole}") for pole in only}
        known = not {None, UNTESTED} & set(kinds_with.values())
        near = [pole for pole, kind in kinds_with.items() if kind in TOGETHER]
        if known and len(near) == 1 and row["country"] not in only:
            only[near[0]] += 1
    made = share(blank, only[second], sum(only.values()))
    return [evidence.beside_placebo(made, "second_only", None, model)]


def _ties(evidence: Evidence, model: str) -> Conditions:
    first, second = evidence.poles[:2]
    what = f"Share tied to {name(first)} of countries with a significant tie to one pole alone"
    blank = Condition(f"{what}{_under(model)}", 0.5, 0.5)
    rows = evidence.table("significant", layer="collaboration", null_model=model).to_pylist()
    partners: dict[str, set[str]] = {first: set(), second: set()}
    for row in rows:
        for pole, other in ((row["source"], row["target"]), (row["target"], row["source"])):
            if row["significant"] and pole in partners and other not in partners:
                partners[pole].add(other)
    alone = len(partners[first] - partners[second]), len(partners[second] - partners[first])
    made = share(blank, alone[0], sum(alone))
    return [evidence.beside_placebo(made, "more_ties_first", None, model)]


def kinds(evidence: Evidence, model: str, one: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return the archetypes of pairs with a trend between two groups of countries."""
    rows = evidence.table("archetypes", null_model=model)
    ends = [
        pc.and_(pc.is_in(rows["source"], _set(a)), pc.is_in(rows["target"], _set(b)))
        for a, b in ((one, other), (other, one))
    ]
    found: list[str | None] = rows.filter(pc.or_(*ends))["archetype"].to_pylist()
    return [kind for kind in found if kind not in (None, UNTESTED)]


def _set(values: Sequence[str]) -> Any:
    return pa.array(list(values), pa.string())


def mostly(found: Sequence[str], wanted: Sequence[str], what: str) -> Condition:
    """Fill in the share of pairs with one of some archetypes: more than one half."""
    blank = Condition(f"{what}: the share of {' or '.join(wanted)} in {len(found)} pairs", 0.5, 0.5)
    return share(blank, int(np.isin(list(found), wanted).sum()), len(found))


def _largest_diverge(evidence: Evidence, model: str) -> Conditions:
    largest = evidence.largest(None, LARGEST)
    made = mostly(
        kinds(evidence, model, largest, largest), ("SD",), f"The {LARGEST} largest{_under(model)}"
    )
    return [evidence.beside_placebo(made, "largest_diverge", None, model)]


def _hub_and_spoke(evidence: Evidence, model: str) -> Conditions:
    members = evidence.largest(sorted(EU), len(EU))
    hubs, spokes = members[:HUBS], members[HUBS:]
    between = mostly(kinds(evidence, model, hubs, hubs), APART, "Hubs with each other")
    across = mostly(kinds(evidence, model, hubs, spokes), TOGETHER, "Hubs with the others")
    return [
        evidence.beside_placebo(made, "hub_and_spoke", None, model) for made in (between, across)
    ]


def _under_all(evidence: Evidence) -> Conditions:
    return [
        one
        for layer in ("collaboration", "citation")
        for model in evidence.models
        for one in pole_trend(layer, evidence, model)
    ]
