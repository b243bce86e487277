"""Groups of countries that claims on the poles name (Gallo et al.)."""

from __future__ import annotations

#: How a country stands to a pole: its tie rises, falls, or does not rise.
CLOSER, APART_FROM, NOT_CLOSER = "closer", "apart", "not_closer"

#: A condition of a claim: country, pole, how it stands to it.
Condition = tuple[str, str, str]

#: Poles of which the groups speak.
GROUP_POLES = ("US", "CN")


def _group(countries: str, first: str | None, second: str | None) -> list[Condition]:
    ways = [(pole, how) for pole, how in zip(GROUP_POLES, (first, second), strict=True) if how]
    return [(country, pole, how) for country in countries.split() for pole, how in ways]


#: Groups that the study of AI research names: what each of its countries is said to do.
GROUPS: dict[str, list[Condition]] = {
    "exclusive-with-first": _group("GB DE", CLOSER, NOT_CLOSER),
    "bridges": _group("FR IT NL CA JP IL", CLOSER, CLOSER),
    "away-from-first-towards-second": _group("IN PL SG KR TW", APART_FROM, CLOSER),
    "towards-second": _group("AU BR RU ES", None, CLOSER),
}

#: Members of the European Union, for the claim on hubs and spokes.
_EU = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE"
EU = frozenset(_EU.split())

#: Countries of Europe, for the claim on bridges.
_BESIDE = "AL BA BY CH GB IS MD ME MK NO RS RU UA"
EUROPE = EU | frozenset(_BESIDE.split())

#: How many members of the union are hubs, and countries the largest producers.
HUBS, LARGEST = 6, 10
