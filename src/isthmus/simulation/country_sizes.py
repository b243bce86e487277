"""Countries of a simulated world and how their sizes move.

Shares are rounded to look like the output of artificial intelligence research
since the late 1990s: two giants, of which the second (CN) rises from a few per
cent to a fifth of the world while the first (US) falls from a third to a fifth,
a group of middle powers, and a long tail that shares the rest by rank.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import InputError

#: Share of the world's output at the first and at the last year, by country.
LEADING: dict[str, tuple[float, float]] = {
    "US": (0.33, 0.20),
    "CN": (0.02, 0.20),
    "JP": (0.075, 0.040),
    "GB": (0.070, 0.050),
    "DE": (0.060, 0.045),
    "FR": (0.050, 0.030),
    "IN": (0.015, 0.055),
    "IT": (0.035, 0.030),
    "CA": (0.038, 0.030),
    "KR": (0.015, 0.028),
    "ES": (0.022, 0.024),
    "AU": (0.022, 0.022),
    "NL": (0.020, 0.014),
    "BR": (0.010, 0.018),
    "RU": (0.012, 0.014),
    "TW": (0.016, 0.014),
    "IR": (0.002, 0.016),
    "TR": (0.005, 0.013),
    "PL": (0.012, 0.012),
    "SG": (0.008, 0.010),
}

_TAIL = (
    "CH SE IL GR MY PT BE AT MX SA ID HK FI DK CZ EG PK NO RO ZA VN UA NZ HU IE TH AE DZ TN BG CO"
    " RS BD HR CL MA SI SK AR IQ JO NG QA PH KZ PE EC LK CY LT EE LU LV CU KW LB OM BH KE ET GH UG"
    " TZ CM SN CI UY PY BO VE CR PA GT SV HN NI DO JM TT AL BA MK ME MD BY GE AM AZ UZ KG TJ MN NP"
    " BT MM KH LA BN PG FJ MG MZ ZM ZW BW NA MW RW BJ BF ML NE TD SD LY SY YE AF"
)

#: Countries of the tail, largest first.
TAIL: tuple[str, ...] = tuple(_TAIL.split())

#: Ranks of the tail lose weight as ``(rank + TAIL_OFFSET) ** -TAIL_EXPONENT``.
TAIL_EXPONENT = 1.3
TAIL_OFFSET = 10.0


def country_codes(n_countries: int) -> tuple[str, ...]:
    """Return the codes of the `n_countries` largest countries, largest groups first."""
    codes = (*LEADING, *TAIL)
    if not 2 <= n_countries <= len(codes):
        raise InputError(
            f"A simulated world was asked for with {n_countries} countries; "
            f"choose between 2 and {len(codes)}."
        )
    return codes[:n_countries]


def country_shares(n_countries: int) -> NDArray[np.float64]:
    """Return each country's share of the world at both ends of time.

    Returns
    -------
    ndarray of shape (2, n_countries)
        Shares in the first and in the last year; each row sums to 1.
    """
    codes = country_codes(n_countries)
    leading = np.array([LEADING[code] for code in codes if code in LEADING]).T
    left = np.clip(1.0 - leading.sum(axis=1), 0.0, None)
    ranks = np.arange(n_countries - leading.shape[1])
    weight = (ranks + TAIL_OFFSET) ** -TAIL_EXPONENT
    tail = np.outer(left, weight / weight.sum()) if len(ranks) else np.empty((2, 0))
    shares = np.hstack([leading, tail])
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def size_trajectories(n_countries: int, n_years: int) -> NDArray[np.float64]:
    """Return each country's share of the world in every year, linear between the ends.

    Returns
    -------
    ndarray of shape (n_years, n_countries)
        Rows sum to 1.
    """
    first, last = country_shares(n_countries)
    time = np.linspace(0.0, 1.0, n_years)[:, None]
    return np.asarray((1.0 - time) * first + time * last)
