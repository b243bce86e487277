"""Which claims of the findings a simulated world makes true.

Decided from the world's settings, never from its corpus. Where a claim rests on sizes or
on several things at once, it is worked out from what the settings make us expect
(:mod:`isthmus.world.expected`), with a margin; inside the margin nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from isthmus.errors import InputError
from isthmus.world.draws import Floats
from isthmus.world.expected import TINY, Expected, expected, sizes_alone
from isthmus.world.settings import WorldSettings, curve_at

#: ``true``: planted. ``false``: what the claim says is not so. ``sizes``: so, and sizes
#: alone would make it so. ``undetermined``: the settings do not say, or too little.
Standing = Literal["true", "false", "sizes", "undetermined"]

#: Least difference of logarithms that counts as a difference of two levels, and as a change
#: from the first year to the last; smaller changes than FLAT are none.
MARGIN, CHANGE, FLAT = 0.1, 0.1, 0.01

#: Margin for levels that rest on who is seen, where affiliations are missing unequally.
UNSEEN = 0.3

#: Years at either end that claims compare.
SPAN = 5

#: Joint papers are rare under this share of a country's papers.
RARE = 0.1

#: Works of the world from which repeated references no longer move mean citations.
LARGE = 100_000

#: The last year for which the second pole's premium is compared with the first's.
LAST_APART = 2015

#: Countries that claims name, and whether each integrates with the first and the second
#: pole (True), diverges from it (False), or either (None).
NAMED: dict[str, tuple[tuple[str, ...], bool | None, bool | None]] = {
    "exclusive-with-first": (("GB", "DE"), True, False),
    "bridges": (("FR", "IT", "NL", "CA", "JP", "IL"), True, True),
    "away-from-first-towards-second": (("IN", "PL", "SG", "KR", "TW"), False, True),
    "towards-second": (("AU", "BR", "RU", "ES"), None, True),
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


@dataclass(frozen=True)
class _Design:
    """A world's settings with what they make us expect; poles by number."""

    settings: WorldSettings
    first: int
    second: int

    @cached_property
    def planted(self) -> Expected:
        """Expectations with everything planted."""
        return expected(self.settings)

    @cached_property
    def plain(self) -> Expected:
        """Expectations of sizes alone."""
        return expected(sizes_alone(self.settings))

    @cached_property
    def tie_change(self) -> Floats:
        """Change of each pair's log-affinity from the first year to the last, (n, n)."""
        return np.asarray(self.planted.affinity[-1] - self.planted.affinity[0])

    @property
    def ties_flat(self) -> bool:
        """Whether no pair's affinity changes in any year."""
        return bool(np.ptp(self.planted.affinity, axis=0).max() < FLAT)

    @property
    def margin(self) -> float:
        """Margin of levels that rest on whose affiliations are seen."""
        settings = self.settings
        return UNSEEN if settings.missing_spread or settings.missing_by_country else MARGIN

    def gain(self, lead: str | int, partner: str | int) -> Floats:
        """Planted multiplier of the impact of papers `lead` leads with `partner`, by year."""
        codes = self.settings.codes
        named = [codes[who] if isinstance(who, int) else who for who in (lead, partner)]
        found = np.ones(len(self.settings.span))
        for effect in self.settings.joint_effects:
            if [effect.source, effect.target] == named:
                found = found * curve_at(effect.curve, self.settings.span)
        return found


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
    design = _Design(settings, first, second)
    return [
        PlantedClaim(*claim)
        for part in (_leading, _moving, _premium, _movers, _papers, _drifting, _emerging)
        for claim in part(design)
    ]


_Claims = Iterator[tuple[str, Standing, str]]
_NO_TIES = "No pair's affinity changes."
_BY_SIZE = "Worked out from sizes and what is planted."


def _leading(design: _Design) -> _Claims:
    first, second = design.first, design.second
    leads: dict[str, Callable[[Expected], Floats]] = {
        "output": lambda e: e.led,
        "impact": lambda e: e.led * e.impact,
        "hits": lambda e: e.hits,
        "novelty": lambda e: e.led,
        "scientists": lambda e: e.led,
    }
    for name, measure in leads.items():
        yield f"poles-lead-{name}", _level(design, measure, _ahead), (
            "The smaller pole's expected total against the largest other country's."
        )  # fmt: skip
    for name in ("second-catches-up", "second-catches-up-in-novelty"):
        yield name, _change(design, lambda e: e.led[:, second] / e.led[:, first]), (
            "The second pole's expected papers over the first's; novelty differs nowhere."
        )  # fmt: skip
    yield "second-as-novel", "true", "No country's works are planted to be more novel."
    for name, pole in (("first", first), ("second", second)):
        yield f"impact-rises-{name}", *_impact_rises(design, pole)
    yield "second-passes-in-scientists", _level(design, lambda e: e.led, _passes), (
        "People follow papers: the poles' expected papers in the last years."
    )  # fmt: skip
    yield "second-gains-hits", _change(design, _share_of_hits(second, 1)), _BY_SIZE
    yield "first-loses-hits", _change(design, _share_of_hits(first, -1)), _BY_SIZE


def _moving(design: _Design) -> _Claims:
    poles = ((design.first, design.second), (design.second, design.first))
    for word, (pole, other) in zip(("first", "second"), poles, strict=True):
        yield f"origin-of-movers-{word}", _level(design, lambda e: e.moves, _origin(pole, other)), (
            "Movers come from countries by size and planted preference."
        )  # fmt: skip
        kept: Standing = "true" if design.settings.retention else "false"
        yield f"movers-keep-ties-{word}", kept, (
            "Movers bring coauthors from the country they left only with the planted retention."
        )  # fmt: skip
    yield "joint-papers-rare", _rare(design), "Expected joint papers over each pole's papers."
    yield "joint-papers-rise", _change(design, _cell("joint", design.first, design.second)), (
        "Expected joint papers by year; a field that grows has more."
    )  # fmt: skip


def _premium(design: _Design) -> _Claims:
    first, second = design.first, design.second
    gains = [design.gain(first, second), design.gain(second, first)]
    joint = design.planted.joint[:, first, second] + TINY
    pooled = [_sign(_log(np.average(gain, weights=joint))) for gain in gains]
    if not design.settings.joint_effects:
        why = "Joint papers draw their impact like all others of their leading country."
    else:
        why = "The planted multiplier of joint papers."
    yield "premium-first", pooled[0], why
    yield "premium-second", pooled[1], why
    least = min(_log(gain.min()) for gain in gains)
    yield "premium-every-year", _sign(least), why
    yield "premium-grows-first", _rises(gains[0]), why
    own: Standing = "false" if "false" in pooled else "undetermined"
    others = {(e.source, e.target) for e in design.settings.joint_effects} - _both(design)
    if pooled == ["true", "true"] and not others:
        own = "true"
    yield "premium-is-the-poles-own", own, why


def _movers(design: _Design) -> _Claims:
    first, second = design.first, design.second
    for word, pole, other in (("first", first, second), ("second", second, first)):
        yield f"movers-rise-{word}", _change(design, _cell("moves", other, pole)), (
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


def _papers(design: _Design) -> _Claims:
    yield "joint-teams-larger", "undetermined", (
        "A joint paper needs two authors: its team is larger by about a tenth of an author."
    )  # fmt: skip
    yield "joint-led-by-top", "false", "Labs and seniors are drawn alike for joint papers."
    first, second = design.first, design.second
    gains = [design.gain(first, second), design.gain(second, first)]
    early = design.settings.span <= LAST_APART
    gap = _log(_mean(gains[1][early])) - _log(_mean(gains[0][early]))
    yield "second-gains-more", _sign(gap), "The planted multipliers of joint papers."
    none = all(np.all(design.gain(a, b) == 1.0) for a, b in (CONTROL_PAIR, CONTROL_PAIR[::-1]))
    yield "control-pair-gains-nothing", "true" if none else "false", (
        "The planted multiplier of the control pair's joint papers."
    )  # fmt: skip


def _drifting(design: _Design) -> _Claims:
    settings, flat = design.settings, design.ties_flat
    change = float(design.tie_change[design.first, design.second])
    for layer, acts in (("collaboration", 1.0), ("citation", settings.citation_affinity)):
        yield f"poles-diverge-{layer}", _sign(-acts * change), (
            "The planted change of the poles' affinity."
        )  # fmt: skip
    blocs: Standing = "true" if settings.affinity == "two_blocs" else "undetermined"
    yield "two-poles", "false" if flat else blocs, (
        _NO_TIES if flat else "Planted are two blocs that draw apart, or single pairs."
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
    yield "hub-and-spoke", quiet, why


def _emerging(design: _Design) -> _Claims:
    flat = design.ties_flat
    yield "europe-bridges", "false" if flat else "undetermined", (
        _NO_TIES if flat else "Depends on which countries are followed."
    )  # fmt: skip
    leaves = _aligned(design, (EMERGENT,), False, None)
    yield "emergent-pole", "false" if leaves == "false" else "undetermined", (
        "The further pole's affinity with the first has to fall."
    )  # fmt: skip
    yield "null-models-agree", "undetermined", "Speaks of null models, not of the world."


def _level(
    design: _Design, measure: Callable[[Expected], Floats], gap: Callable[..., float]
) -> Standing:
    """Decide that a difference of logarithms is above zero, with and without what is planted."""
    found = [gap(design, measure(side)) for side in (design.planted, design.plain)]
    if abs(found[0]) < design.margin:
        return "undetermined"
    if found[0] < 0:
        return "false"
    return "sizes" if found[1] > 0 else "true"


def _change(design: _Design, measure: Callable[[Expected], Floats]) -> Standing:
    """Decide that a yearly series rises, with and without what is planted."""
    found = _rises(measure(design.planted))
    if found == "true" and _rises(measure(design.plain)) == "true":
        return "sizes"
    return found


def _rises(series: ArrayLike) -> Standing:
    """Decide that a positive yearly series is higher in the last years than in the first."""
    values = np.asarray(series, np.float64)
    return _sign(_log(values[-SPAN:].mean()) - _log(values[:SPAN].mean()))


def _sign(change: float) -> Standing:
    """Decide that a change is upwards: true from CHANGE, false up to FLAT."""
    if change >= CHANGE:
        return "true"
    return "false" if change <= FLAT else "undetermined"


def _log(value: float | np.floating) -> float:
    return float(np.log(max(float(value), TINY)))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 1.0


def _ahead(design: _Design, values: Floats) -> float:
    totals = values.sum(axis=0)
    poles = [design.first, design.second]
    rest = np.delete(totals, poles)
    return _log(totals[poles].min()) - _log(rest.max()) if len(rest) else 0.0


def _passes(design: _Design, values: Floats) -> float:
    last = values[-SPAN:].sum(axis=0)
    return _log(last[design.second]) - _log(last[design.first])


def _origin(pole: int, other: int) -> Callable[[_Design, Floats], float]:
    def gap(_: _Design, moves: Floats) -> float:
        totals = moves[:, :, pole].sum(axis=0)
        rest = np.delete(totals, [pole, other])
        return _log(totals[other]) - _log(rest.max()) if len(rest) else 0.0

    return gap


def _cell(name: str, one: int, other: int) -> Callable[[Expected], Floats]:
    return lambda side: np.asarray(getattr(side, name)[:, one, other])


def _share_of_hits(pole: int, power: int) -> Callable[[Expected], Floats]:
    return lambda side: np.asarray((side.hits[:, pole] / side.hits.sum(axis=1)) ** power)


def _impact_rises(design: _Design, pole: int) -> tuple[Standing, str]:
    settings = design.settings
    found = _rises(design.planted.impact[:, pole])
    if found == "false" and not settings.full_lists and settings.n_works < LARGE:
        return "undetermined", (
            "In small worlds repeated references are dropped, mostly in early years, so that "
            "mean citations rise by a few per cent."
        )
    return found, "Expected citations per paper: fitness, who cites, and length of lists."


def _rare(design: _Design) -> Standing:
    poles = [design.first, design.second]

    def largest(side: Expected) -> float:
        joint = side.joint[:, design.first, design.second].sum()
        return _log(RARE) - _log((joint / side.whole[:, poles].sum(axis=0)).max())

    found = largest(design.planted)
    if abs(found) < UNSEEN:
        return "undetermined"
    if found < 0:
        return "false"
    return "sizes" if largest(design.plain) > 0 else "true"


def _both(design: _Design) -> set[tuple[str, str]]:
    first, second = (design.settings.codes[pole] for pole in (design.first, design.second))
    return {(first, second), (second, first)}


def _aligned(
    design: _Design, countries: Sequence[str], first: bool | None, second: bool | None
) -> Standing:
    """Decide that every country named is drawn to a pole, or away from it, as said."""
    codes, change = design.settings.codes, design.tie_change
    said: list[Standing] = []
    for country in countries:
        for pole, towards in ((design.first, first), (design.second, second)):
            if towards is None:
                continue
            if country not in codes:
                said.append("undetermined")
                continue
            value = float(change[pole, codes.index(country)])
            said.append(_sign(value if towards else -value))
    if "false" in said:
        return "false"
    return "undetermined" if "undetermined" in said else "true"


def _more_with_second(design: _Design) -> Standing:
    poles = [design.first, design.second]
    rising = np.delete(design.tie_change[poles] >= CHANGE, poles, axis=1)
    alone = [int((rising[one] & ~rising[1 - one]).sum()) for one in (0, 1)]
    if alone[1] <= alone[0]:
        return "false"
    return "true" if alone[1] >= 2 * alone[0] + 5 else "undetermined"
