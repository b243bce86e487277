"""Countries as statistics write them: by code or by name, and nothing else."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from isthmus.corpus import countries as module
from isthmus.corpus.countries import countries, country_named


def test_codes_and_names_of_every_country_are_read() -> None:
    written = module._written()
    assert [row["code"] for row in written] == sorted(countries())
    assert len({row["alpha3"] for row in written}) == len(written) == 250
    for row in written:
        names = [name for name in row["names"].split("; ") if name]
        for name in (row["code"], row["alpha3"], countries()[row["code"]].name, *names):
            for form in (name, f" {name.lower()} ", name.upper()):
                assert country_named(form) == row["code"], form


def test_no_name_is_that_of_two_countries() -> None:
    found: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for row in module._written():
        for name in (countries()[row["code"]].name, *row["names"].split("; ")):
            found[module._words(name)].add(row["code"])
    del found[()]
    assert [codes for codes in found.values() if len(codes) > 1] == []


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Congo, Democratic Republic of the", "CD"),
        ("Congo, Republic of the", "CG"),
        ("Korea (Democratic People's Republic of)", "KP"),
        ("C&#244;te d&#8217;Ivoire", "CI"),
        ("Cote d'Ivoire", "CI"),
        ("Serbia<sup>c</sup>", "RS"),
        ("The Bahamas", "BS"),
        ("Turkey", "TR"),
        ("AND", "AD"),
        ("https://openalex.org/countries/CN", "CN"),
        ("UK", "GB"),
        ("Guinea", "GN"),
        ("Niger", "NE"),
        ("World", None),
        ("Europe", None),
        ("EU-27 and UK", None),
        ("Serbia and Montenegro", None),
        ("and", "AD"),
        ("of", None),
        ("", None),
        ("<sup>a</sup>", None),
    ],
)
def test_forms_of_names(written: str, code: str | None) -> None:
    assert country_named(written) == code


@pytest.mark.shared_data
def test_alpha_3_codes_are_those_of_iso(shared_data: Path) -> None:
    path = shared_data / "countries" / "country-codes.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        listed = {
            row["ISO3166-1-Alpha-2"]: row["ISO3166-1-Alpha-3"]
            for row in csv.DictReader(file)
            if row["ISO3166-1-Alpha-2"]
        }
    ours = {row["code"]: row["alpha3"] for row in module._written()}
    assert {code: ours[code] for code in listed if code in ours} == {
        code: alpha3 for code, alpha3 in listed.items() if code in ours
    }
    assert set(ours) - set(listed) == {"XK"}
