"""What a world is by design: its expectations, and when a difference counts as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from isthmus.simulation.draws import Floats
from isthmus.simulation.expectations import TINY, Expected, expected, sizes_alone
from isthmus.simulation.settings import WorldSettings, curve_at

#: ``true``: planted. ``false``: what the claim says is not so. ``sizes``: so, and sizes
#: alone would make it so. ``undetermined``: the settings do not say, or too little.
Standing = Literal["true", "false", "sizes", "undetermined"]

#: Least difference of logarithms that counts as one, between two levels or two ends of the
#: years, and least yearly change of a logarithm and of a gain in per cent: what a study takes
#: for its smallest effects of interest by default.
MARGIN, YEARLY, POINTS = 0.1, 0.02, 1.0

#: Part of these up to which there is no difference; in between nothing is said.
NONE = 0.05

#: Margin for levels that rest on who is seen, where affiliations are missing unequally.
UNSEEN = 0.3

#: Years at either end that claims compare.
SPAN = 5


@dataclass(frozen=True)
class Design:
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
        """Mean yearly change of each pair's log-affinity, (n, n)."""
        values = self.planted.affinity
        return np.asarray((values[-1] - values[0]) / max(len(values) - 1, 1))

    @property
    def ties_flat(self) -> bool:
        """Whether no pair's affinity changes in any year."""
        return bool(np.ptp(self.planted.affinity, axis=0).max() < NONE * MARGIN)

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


def level(
    design: Design, measure: Callable[[Expected], Floats], gap: Callable[..., float]
) -> Standing:
    """Decide that a difference of logarithms is above zero, with and without what is planted."""
    found = [gap(design, measure(side)) for side in (design.planted, design.plain)]
    if abs(found[0]) < design.margin:
        return "undetermined"
    if found[0] < 0:
        return "false"
    return "sizes" if found[1] > 0 else "true"


def rises(series: Floats) -> Standing:
    """Decide that the logarithm of a yearly series rises."""
    return sign(slope(np.log(np.maximum(series, TINY))), YEARLY)


def ends(series: Floats) -> Standing:
    """Decide that a yearly series is higher in the last years than in the first."""
    return sign(log(series[-SPAN:].mean()) - log(series[:SPAN].mean()))


def change(
    design: Design,
    measure: Callable[[Expected], Floats],
    upwards: Callable[[Floats], Standing] = rises,
) -> Standing:
    """Decide that a yearly series goes up, with and without what is planted."""
    found = upwards(measure(design.planted))
    if found == "true" and upwards(measure(design.plain)) == "true":
        return "sizes"
    return found


def sign(difference: float, least: float = MARGIN) -> Standing:
    """Decide that a difference is above 0: true from `least`, false where there is none."""
    if difference >= least:
        return "true"
    return "false" if difference <= NONE * least else "undetermined"


def slope(series: Floats) -> float:
    """Yearly change of a series by least squares, 0 for a single year."""
    if len(series) < 2:
        return 0.0
    time = np.arange(len(series)) - (len(series) - 1) / 2.0
    return float(time @ series / (time @ time))


def log(value: float | np.floating) -> float:
    """Logarithm, of TINY where there is nothing."""
    return float(np.log(max(float(value), TINY)))


def mean(values: Floats) -> float:
    """Mean of multipliers, 1 for none."""
    return float(values.mean()) if len(values) else 1.0
