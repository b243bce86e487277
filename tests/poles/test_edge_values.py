"""Numbers, years and names as people write them, beside what they mean."""

from __future__ import annotations

import math
import random

import pytest

from isthmus.poles.edge_values import codes_of, is_aggregate, read_numbers, year_of


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1,538", "1,502"], [1538, 1502]),
        (["1,538,000", "12"], [1538000, 12]),
        (["1,538.25", "2"], [1538.25, 2]),
        (["1.538,25", "2"], [1538.25, 2]),
        (["1.538.000", "2"], [1538000, 2]),
        (["1.538", "1.502"], [1.538, 1.502]),
        (["1.538"] * 10 + ["980"], [1538] * 10 + [980]),
        (["1.538"] * 10 + ["0.5"], [1.538] * 10 + [0.5]),
        (["1538,5", "3"], [1538.5, 3]),
        (["0,125", "1,538"], [0.125, 1.538]),
        (["1538", "1,500"], [1538, 1.5]),
        (["1 538", "1'538", "1\u202f538", "1_538"], [1538] * 4),
        (["1e3", "2.5E+2", ".5", "5.", "-3", "\u22124"], [1000, 250, 0.5, 5, -3, -4]),
        ([], []),
    ],
)
def test_signs_are_told_by_all_numbers_together(texts: list[str], values: list[float]) -> None:
    assert read_numbers(texts).values == values


@pytest.mark.parametrize("text", ["", "n/a", "..", "-", "<5", "5 %", "12,34,567", "1.2.3", "nan"])
def test_what_is_no_number_is_none(text: str) -> None:
    (found,) = read_numbers([text]).values
    assert math.isnan(found)


@pytest.mark.parametrize("form", ["{:,}", "{}", "{:,.2f}", "{:.1f}", "eu"])
def test_random_counts_come_back(form: str) -> None:
    rng = random.Random(form)
    for _ in range(200):
        counts = [rng.randrange(10 ** rng.randrange(1, 8)) for _ in range(rng.randrange(12, 20))]
        swapped = str.maketrans(",.", ".,")
        written = [
            f"{n:,.2f}".translate(swapped) if form == "eu" else form.format(n) for n in counts
        ]
        assert read_numbers(written).values == counts, written


def test_years() -> None:
    dates = "2010-01-01 2010-1 2010/12/31 31.12.2010 1/2/2010 201012 20101231 2010Q4 2010M01"
    for text in [*dates.split(), "2010-01-01 00:00:00", "2010-01-01T00:00:00.000Z", "12/2010"]:
        assert year_of(text) == (2010, True), text
    for text in ("2010", " 2010 ", "2010.0", "2010."):
        assert year_of(text) == (2010, False), text
    for text in ("", "10", "99999", "2010.5", "20109999", "twenty", "1999/2000", "-2010", "0"):
        assert year_of(text) == (None, False), text


def test_aggregates_are_no_countries() -> None:
    for name in (
        *("Total", "TOTAL", "Grand total", "World", "world total", "All countries", "EU", "EU27"),
        *("EU-28", "EU27_2020", "European Union (27)", "OECD", "OECD - Total", "G20", "BRICS"),
        *("Asia", "Eastern Europe", "Sub-Saharan Africa", "Rest of the world", "Other", "Unknown"),
    ):
        assert is_aggregate(name), name
        assert codes_of([name]) == {}
    for name in ("US", "Chad", "Georgia", "Micronesia", "South Africa", "", "X1", "Oman"):
        assert not is_aggregate(name), name


def test_names_are_countries_when_most_of_them_are() -> None:
    assert codes_of(["usa", "Viet Nam", "World"]) == {"usa": "US", "Viet Nam": "VN"}
    assert codes_of(["US", "CN", "DE", "FR", "Yugoslavia"]).keys() == {"US", "CN", "DE", "FR"}
    assert codes_of(["US", "alpha", "beta"]) == {}
