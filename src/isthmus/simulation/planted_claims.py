"""Which claims of the findings a simulated world makes true.

Decided from the world's settings, never from its corpus. Where a claim rests on sizes or
on several things at once, it is worked out from what the settings make us expect
(:mod:`isthmus.simulation.expectations`), with a margin; inside the margin nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isthmus.errors import InputError
from isthmus.simulation.design import (
    POINTS,
    SPAN,
    UNSEEN,
    YEARLY,
    Design,
    Standing,
    change,
    ends,
    level,
    log,
    mean,
    sign,
    slope,
)
from isthmus.simulation.draws import Floats
from isthmus.simulation.expectations import TINY, Expected
from isthmus.simulation.planted_indicators import indicator_claims
from isthmus.simulation.settings import WorldSettings

#: Joint papers are rare under this share of a country's papers.
RARE = 0.1

#: The last year for which the second pole's premium is compared with the first's.
LAST_APART = 2015

#: Years that cohorts are followed, and share never moved from which most clearly stay.
FOLLOWED, MOST = 10, 0.55

#: What a claim says of a country and a pole; ``any`` says nothing.
Relation = Literal["closer", "apart", "not closer", "any"]

#: Countries that claims name, and what each is said to do with the first and second pole.
NAMED: dict[str, tuple[tuple[str, ...], Relation, Relation]] = {
    "exclusive-with-first": (("GB", "DE"), "closer", "not closer"),
    "bridges": (("FR", "IT", "NL", "CA", "JP", "IL"), "closer", "closer"),
    "away-from-first-towards-second": (("IN", "PL", "SG", "KR", "TW"), "apart", "closer"),
    "towards-second": (("AU", "BR", "RU", "ES"), "any", "closer"),
}

#: The pair that no claim expects to gain from joint papers.
CONTROL_PAIR = ("KR", "CA")

#: Country called a further pole.
EMERGENT = "IN"


@dataclass(frozen=True)
class PlantedClaim:
    """Whether a world makes a claim true, and why."""

    claim: str
    standing: Standing
    reason: str


def planted_claims(
    settings: WorldSettings, poles: tuple[str, str] = ("US", "CN")
) -> list[PlantedClaim]:
    """Say of each claim whether a world makes it true.

    Parameters
    ----------
    settings
        The world; what it draws once (lasting ties, drift) is drawn here too.
    poles
        The first and the second pole of the study.

    Returns
    -------
    list of PlantedClaim
        One per claim of ``isthmus.findings`` that publications can decide, in their order.

    Raises
    ------
    InputError
        The world does not hold a pole.
    """
    for pole in poles:
        if pole not in settings.codes:
            raise InputError(
                f"The world does not hold the pole {pole}; it holds {', '.join(settings.codes)}."
            )
    first, second = (settings.codes.index(pole) for pole in poles)
    design = Design(settings, first, second)
    return [PlantedClaim(*claim) for part in _PARTS for claim in part(design)]


_Claims = Iterator[tuple[str, Standing, str]]
_NO_TIES = "No pair's affinity changes."
_BY_SIZE = "Worked out from sizes and what is planted."


def _leading(design: Design) -> _Claims:
    first, second = design.first, design.second
    leads: dict[str, Callable[[Expected], Floats]] = {
        "output": lambda e: e.led,
        "impact": lambda e: e.led * e.impact,
        "hits": lambda e: e.hits,
        "novelty": lambda e: e.led,
        "scientists": lambda e: e.led,
    }
    for name, measure in leads.items():
        yield f"poles-lead-{name}", level(design, measure, _ahead), (
            "The smaller pole's expected total against the largest other country's."
        )  # fmt: skip
    for name in ("second-catches-up", "second-catches-up-in-novelty"):
        yield name, _caught_up(design), (
            "The second pole's expected papers over the first's, early and late; novelty differs "
            "nowhere."
        )  # fmt: skip
    yield "second-as-novel", "true", "No country's works are planted to be more novel."
    for name, pole in (("first", first), ("second", second)):
        yield f"impact-rises-{name}", change(design, _relative_impact(pole)), (
            "Expected citations per paper over those of other countries' papers."
        )  # fmt: skip
    yield "second-passes-in-scientists", level(design, lambda e: e.led, _passes), (
        "People follow papers: the poles' expected papers in the last years."
    )  # fmt: skip
    yield "second-gains-hits", change(design, _share_of_hits(second, 1), ends), _BY_SIZE
    yield "first-loses-hits", change(design, _share_of_hits(first, -1), ends), _BY_SIZE


def _moving(design: Design) -> _Claims:
    poles = ((design.first, design.second), (design.second, design.first))
    for word, (pole, other) in zip(("first", "second"), poles, strict=True):
        yield f"origin-of-movers-{word}", level(design, lambda e: e.moves, _origin(pole, other)), (
            "Of those who move to a pole, the expected part from the other: more than half."
        )  # fmt: skip
        kept: Standing = "true" if design.settings.retention else "false"
        yield f"movers-keep-ties-{word}", kept, (
            "Movers bring coauthors from the country they left only with the planted retention."
        )  # fmt: skip
    yield "joint-papers-rare", _rare(design), "Expected joint papers over each pole's papers."
    yield "joint-papers-rise", change(design, _cell("joint", design.first, design.second)), (
        "Expected joint papers by year; a field that grows has more."
    )  # fmt: skip


def _premium(design: Design) -> _Claims:
    first, second = design.first, design.second
    gains = [design.gain(first, second), design.gain(second, first)]
    joint = design.planted.joint[:, first, second] + TINY
    pooled = [sign(log(np.average(gain, weights=joint))) for gain in gains]
    if not design.settings.joint_effects:
        why = "Joint papers draw their impact like all others of their leading country."
    else:
        why = "The planted multiplier of joint papers."
    yield "premium-first", pooled[0], why
    yield "premium-second", pooled[1], why
    least = min(log(gain.min()) for gain in gains)
    yield "premium-every-year", sign(least), why
    yield "premium-grows-first", sign(slope(100.0 * gains[0]), POINTS), why
    own: Standing = "false" if "false" in pooled else "undetermined"
    others = {(e.source, e.target) for e in design.settings.joint_effects} - _both(design)
    if pooled == ["true", "true"] and not others:
        own = "true"
    yield "premium-is-the-poles-own", own, why


def _staying(design: Design) -> _Claims:
    settings = design.settings
    most = max([1.0, *(value for pair in settings.migration_pairs for _, value in pair.curve)])
    stay = (1 - settings.migration_rate * most) ** FOLLOWED
    for word in ("first", "second"):
        yield f"beginners-stay-{word}", "true" if stay > MOST else "undetermined", (
            "The planted chance to move at all, over the years that cohorts are followed."
        )  # fmt: skip


def _movers(design: Design) -> _Claims:
    first, second = design.first, design.second
    for word, pole, other in (("first", first, second), ("second", second, first)):
        yield f"movers-rise-{word}", change(design, _cell("moves", other, pole)), (
            "Expected moves by year; a field that grows has more."
        )  # fmt: skip
    yield "second-attracts-seasoned", "undetermined", (
        "Nobody moves for experience, but countries that grow fast have younger people to send."
    )  # fmt: skip
    for word in ("first", "second"):
        yield f"movers-outdo-stayers-{word}", "false", (
            "Moving is drawn alike for all in a country: at equal career age and year movers "
            "are like others."
        )  # fmt: skip


def _papers(design: Design) -> _Claims:
    yield "joint-teams-larger", "undetermined", (
        "A joint paper needs two authors: its team is larger by about a tenth of an author."
    )  # fmt: skip
    yield "joint-led-by-top", "false", "Labs and seniors are drawn alike for joint papers."
    first, second = design.first, design.second
    gains = [design.gain(first, second), design.gain(second, first)]
    early = design.settings.span <= LAST_APART
    gap = log(mean(gains[1][early])) - log(mean(gains[0][early]))
    yield "second-gains-more", sign(gap), "The planted multipliers of joint papers."
    none = all(np.all(design.gain(a, b) == 1.0) for a, b in (CONTROL_PAIR, CONTROL_PAIR[::-1]))
    yield "control-pair-gains-nothing", "true" if none else "false", (
        "The planted multiplier of the control pair's joint papers."
    )  # fmt: skip


def _drifting(design: Design) -> _Claims:
    settings, flat = design.settings, design.ties_flat
    layers = {"collaboration": 1.0, "citation": settings.citation_affinity}
    apart = _poles_apart(design)
    for layer, acts in layers.items():
        yield f"poles-diverge-{layer}", sign(acts * apart, YEARLY), (
            "The planted change of the poles' affinity."
        )  # fmt: skip
    for ending in ("", "-citation"):
        yield f"poles-turn{ending}", "false" if flat else "undetermined", (
            _NO_TIES if flat else "Curves of affinity can bend; how clearly depends on the works."
        )  # fmt: skip
    blocs: Standing = "true" if settings.affinity == "two_blocs" else "undetermined"
    yield "two-poles", "false" if flat else blocs, (
        _NO_TIES if flat else "Planted are two blocs that draw apart, or single pairs."
    )  # fmt: skip
    yield "poles-are-centres-of-two-blocs", "false" if flat else "undetermined", (
        _NO_TIES if flat else "Blocs draw apart from nothing; when there are two is not said."
    )  # fmt: skip
    for name, (countries, first, second) in NAMED.items():
        yield name, _aligned(design, countries, first, second), (
            _NO_TIES if flat else "The planted change of affinity with each pole."
        )  # fmt: skip
    yield "developing-with-second-only", _more_with_second(design), (
        _NO_TIES if flat else "Countries whose affinity rises with one pole alone."
    )  # fmt: skip
    ties: Standing = "undetermined" if np.any(design.planted.affinity) else "false"
    yield "first-has-more-ties", ties, (
        "Without affinity no tie is significant but by chance; with it sizes decide which are."
    )  # fmt: skip
    quiet: Standing = "false" if flat else "undetermined"
    why = _NO_TIES if flat else "Depends on which countries are largest."
    yield "largest-diverge", quiet, why
    least = min(acts * apart for acts in layers.values())
    agree: Standing = "false" if sign(least, YEARLY) == "false" else "undetermined"
    yield "null-models-agree", agree, "Needs poles that draw apart in both layers."
    yield "hub-and-spoke", quiet, why


def _emerging(design: Design) -> _Claims:
    flat = design.ties_flat
    yield "europe-bridges", "false" if flat else "undetermined", (
        _NO_TIES if flat else "Depends on which countries are followed."
    )  # fmt: skip
    leaves = _aligned(design, (EMERGENT,), "apart", "any")
    yield "emergent-pole", "false" if leaves == "false" else "undetermined", (
        "The further pole's affinity with the first has to fall."
    )  # fmt: skip


def _ahead(design: Design, values: Floats) -> float:
    totals = values.sum(axis=0)
    poles = [design.first, design.second]
    rest = np.delete(totals, poles)
    return log(totals[poles].min()) - log(rest.max()) if len(rest) else 0.0


def _passes(design: Design, values: Floats) -> float:
    last = values[-SPAN:].sum(axis=0)
    return log(last[design.second]) - log(last[design.first])


def _origin(pole: int, other: int) -> Callable[[Design, Floats], float]:
    def gap(_: Design, moves: Floats) -> float:
        totals = np.delete(moves[:, :, pole].sum(axis=0), pole)
        place = other - (other > pole)
        return log(totals[place]) - log(np.delete(totals, place).sum())

    return gap


def _cell(name: str, one: int, other: int) -> Callable[[Expected], Floats]:
    return lambda side: np.asarray(getattr(side, name)[:, one, other])


def _share_of_hits(pole: int, power: int) -> Callable[[Expected], Floats]:
    return lambda side: np.asarray((side.hits[:, pole] / side.hits.sum(axis=1)) ** power)


def _relative_impact(pole: int) -> Callable[[Expected], Floats]:
    def relative(side: Expected) -> Floats:
        others = np.delete(side.led, pole, axis=1)
        rest = (others * np.delete(side.impact, pole, axis=1)).sum(axis=1) / others.sum(axis=1)
        return np.asarray(side.impact[:, pole] / rest)

    return relative


def _caught_up(design: Design) -> Standing:
    """Decide that the second pole was behind the first and has reached it."""

    def ratios(side: Expected) -> tuple[float, float]:
        both = side.led[:, [design.second, design.first]]
        early, late = both[:SPAN].sum(axis=0), both[-SPAN:].sum(axis=0)
        return log(early[0]) - log(early[1]), log(late[0]) - log(late[1])

    early, late = ratios(design.planted)
    if early >= design.margin or late <= -design.margin:
        return "false"
    if early > -design.margin or late < design.margin:
        return "undetermined"
    plain = ratios(design.plain)
    return "sizes" if plain[0] < 0 < plain[1] else "true"


def _rare(design: Design) -> Standing:
    poles = [design.first, design.second]

    def largest(side: Expected) -> float:
        joint = side.joint[:, design.first, design.second].sum()
        return log(RARE) - log((joint / side.whole[:, poles].sum(axis=0)).max())

    found = largest(design.planted)
    if abs(found) < UNSEEN:
        return "undetermined"
    if found < 0:
        return "false"
    return "sizes" if largest(design.plain) > 0 else "true"


def _both(design: Design) -> set[tuple[str, str]]:
    first, second = (design.settings.codes[pole] for pole in (design.first, design.second))
    return {(first, second), (second, first)}


def _poles_apart(design: Design) -> float:
    return -float(design.tie_change[design.first, design.second])


def _aligned(
    design: Design, countries: Sequence[str], first: Relation, second: Relation
) -> Standing:
    """Decide that every country named does what is said with either pole."""
    codes = design.settings.codes
    said: list[Standing] = []
    for country in countries:
        if country not in codes:
            said.append("undetermined")
            continue
        for pole, relation in ((design.first, first), (design.second, second)):
            said.append(_related(float(design.tie_change[pole, codes.index(country)]), relation))
    if "false" in said:
        return "false"
    return "undetermined" if "undetermined" in said else "true"


def _related(yearly: float, relation: Relation) -> Standing:
    if relation == "any":
        return "true"
    if relation == "not closer":
        opposite: dict[Standing, Standing] = {"true": "false", "false": "true"}
        return opposite.get(sign(yearly, YEARLY), "undetermined")
    return sign(yearly if relation == "closer" else -yearly, YEARLY)


def _more_with_second(design: Design) -> Standing:
    poles = [design.first, design.second]
    rising = np.delete(design.tie_change[poles] >= YEARLY, poles, axis=1)
    alone = [int((rising[one] & ~rising[1 - one]).sum()) for one in (0, 1)]
    if alone[1] <= alone[0]:
        return "false"
    return "true" if alone[1] >= 2 * alone[0] + 5 else "undetermined"


_PARTS: tuple[Callable[[Design], _Claims], ...] = (
    _leading,
    _moving,
    _premium,
    _staying,
    _movers,
    _papers,
    _drifting,
    _emerging,
    indicator_claims,
)
