"""Countries of places: known cities, date line, coasts, holes, and real institutions."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from isthmus.corpus.boundaries import NEAREST_KM, boundaries, countries_at, point_in
from isthmus.corpus.countries import countries
from isthmus.simulation.country_sizes import LEADING, TAIL

#: (country, latitude, longitude): capitals, border towns, enclaves, islands, the date line.
CITIES = [
    ("US", 38.90, -77.04),
    ("CN", 39.90, 116.40),
    ("HK", 22.28, 114.17),
    ("SG", 1.35, 103.82),
    ("CH", 47.55, 7.59),
    ("DE", 48.00, 7.85),
    ("FR", 48.57, 7.75),
    ("LS", -29.6, 28.2),
    ("ZA", -25.75, 28.19),
    ("MX", 32.50, -117.00),
    ("RU", 64.73, 177.5),
    ("RU", 66.00, -172.0),
    ("FJ", -17.8, 178.0),
    ("NZ", -41.28, 174.78),
    ("NO", 65.473, 12.209),
    ("XK", 42.66, 21.16),
    ("TW", 25.03, 121.56),
]


@pytest.mark.parametrize(("country", "lat", "lon"), CITIES)
def test_cities_are_where_they_are(country: str, lat: float, lon: float) -> None:
    assert countries_at([lat], [lon]) == [country]


def test_many_places_at_once_and_alone_agree() -> None:
    rng = np.random.default_rng(1)
    lat, lon = rng.uniform(-90, 90, 40), rng.uniform(-180, 180, 40)
    together = countries_at(lat, lon)
    assert together == [countries_at([a], [b])[0] for a, b in zip(lat, lon, strict=True)]
    assert {None, "RU"} <= set(together)


def test_a_place_off_the_coast_takes_the_near_country_and_none_far_out() -> None:
    west, degree = -9.50, 86.8  # Cabo da Roca, and kilometres of a degree there
    assert countries_at([38.78], [west - 0.4 * NEAREST_KM / degree]) == ["PT"]
    assert countries_at([38.78], [west - 2 * NEAREST_KM / degree]) == [None]


def test_what_is_no_place_has_no_country() -> None:
    assert countries_at([np.nan, 91.0, 0.0, 50.0], [0.0, 0.0, 181.0, np.nan]) == [None] * 4
    assert countries_at([], []) == []


def test_every_code_is_known_and_has_a_place_inside() -> None:
    assert set(boundaries().codes) <= set(countries())
    for code in (*LEADING, *TAIL):
        lat, lon = point_in(code)
        assert countries_at([lat], [lon]) == [code]
    with pytest.raises(KeyError):
        point_in("ZZ")


@pytest.mark.shared_data
def test_real_institutions_are_in_their_country(shared_data: Path) -> None:
    """671 of 674 agree; two of the others are in Hong Kong and coded CN by their record."""
    places: dict[str, tuple[str, float, float]] = {}
    for file in sorted((shared_data / "openalex-snapshot").rglob("*.gz")):
        if "institutions" not in file.as_posix():
            continue
        for line in gzip.decompress(file.read_bytes()).splitlines():
            record = json.loads(line)
            geo = record.get("geo") or {}
            if record.get("country_code") and geo.get("latitude") is not None:
                place = (record["country_code"], geo["latitude"], geo["longitude"])
                places[record["id"]] = place
    stated, lat, lon = zip(*places.values(), strict=True)
    agree = sum(a == b for a, b in zip(stated, countries_at(lat, lon), strict=True))
    assert len(places) > 500
    assert agree >= 0.99 * len(places)
