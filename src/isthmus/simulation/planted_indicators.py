"""Which claims on home citations and normalised impact a simulated world makes true."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isthmus.simulation.design import YEARLY, Design, Standing, log, sign, slope
from isthmus.simulation.draws import Floats
from isthmus.simulation.expectations import TINY, Expected

#: Years at the end whose citations are not yet known, and length of the last window.
UNKNOWN, WINDOW = 2, 4

#: Part of an expected home bias that joint papers leave: their citations are split.
LEFT = 0.5

_HOME = "Expected citations at home over those of sizes; only affinity and impact move them."
_IMPACT = "Expected citations per paper in the last years whose citations are known."


def indicator_claims(design: Design) -> Iterator[tuple[str, Standing, str]]:
    """Say of each claim on indicators whether a world makes it true, and why."""
    poles = {"first": design.first, "second": design.second}
    logs = np.log(np.maximum(design.planted.home, TINY))
    relative = {word: _relative(design, pole) for word, pole in poles.items()}
    for word, pole in poles.items():
        bias = log(design.planted.home[:, pole].mean())
        yield f"home-bias-{word}", sign(LEFT * bias), _HOME
        yield f"turns-inward-{word}", sign(LEFT * slope(logs[:, pole]), YEARLY), _HOME
        yield f"impact-above-world-{word}", _cited(design, relative[word]), _IMPACT
    gap = relative["second"] - relative["first"]
    yield "second-passes-in-impact", _cited(design, gap), _IMPACT


def _known(values: Floats, years: int) -> Floats:
    """Sum over the last years whose citations are known."""
    last = len(values) - UNKNOWN if len(values) > UNKNOWN else len(values)
    return np.asarray(values[max(last - years, 0) : last].sum(axis=0))


def _relative(design: Design, pole: int) -> float:
    """Return the log of a pole's citations per paper over the world's."""
    side: Expected = design.planted
    cited, papers = _known(side.led * side.impact, WINDOW), _known(side.led, WINDOW)
    own = log(cited[pole]) - log(papers[pole])
    return own - log(cited.sum()) + log(papers.sum())


def _cited(design: Design, difference: float) -> Standing:
    """Decide on impact; what joint papers gain is in no expectation of countries."""
    found = sign(difference)
    return "undetermined" if found == "false" and design.settings.joint_effects else found
