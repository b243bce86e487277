"""Country codes: which exist, what they are called, and how a raw code is read.

The list is ISO 3166-1 alpha-2 with English short names and United Nations M49
regions, plus ``XK`` (Kosovo), which OpenAlex uses and ISO leaves to its users.
Beside it stand ISO 3166-1 alpha-3 codes (``XKX`` for Kosovo, as the World Bank has it)
and the other English names under which statistical offices publish.
"""

from __future__ import annotations

import csv
import html
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Country:
    """A country or territory: its code, English short name, region and subregion."""

    code: str
    name: str
    region: str
    subregion: str


#: Codes that are not in ISO 3166-1 but that it reserves for exactly one listed country.
RESERVED = {"UK": "GB", "EL": "GR"}


#: Parts of a country under whose names some indexes list it, as Web of Science does.
PARTS = {
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "north ireland": "GB",
}


@cache
def countries() -> dict[str, Country]:
    """Return every known country by its code.

    Examples
    --------
    >>> countries()["CN"].name, countries()["XK"].region
    ('China', 'Europe')
    """
    table = resources.files("isthmus.corpus").joinpath("countries.csv")
    lines = table.read_text(encoding="utf-8").splitlines()
    return {row["code"]: Country(**row) for row in csv.DictReader(lines)}


def country_code(raw: str | None) -> str | None:
    """Read a raw country code; None when it is empty or no known country.

    Blanks around it and lower case are forgiven, and ``UK`` and ``EL`` are read
    as the ``GB`` and ``GR`` they are reserved for. Nothing else is guessed.

    Examples
    --------
    >>> country_code(" us "), country_code("UK"), country_code("ZZ"), country_code("")
    ('US', 'GB', None, None)
    """
    if not raw:
        return None
    code = raw.strip().upper()
    code = RESERVED.get(code, code)
    return code if code in countries() else None


def country_named(written: str) -> str | None:
    """Read a country as tables of statistics write it: by code or by English name.

    ISO 3166-1 alpha-2 and alpha-3 codes, names with their words in any order
    ("Korea, Republic of"), with or without accents and footnotes, and addresses that
    end in a code. A part of a country (:data:`PARTS`) is that country. None for anything
    else, so also for regions and the world.

    Examples
    --------
    >>> [country_named(text) for text in ("KOR", "Korea, Republic of", "Türkiye", "Africa")]
    ['KR', 'KR', 'TR', None]
    """
    plain = re.sub("<sup>.*?</sup>", "", html.unescape(written)).strip()
    if plain.startswith(("http://", "https://")):
        plain = plain.rsplit("/", 1)[-1]
    found = country_code(plain) or _alpha3().get(plain.upper())
    return found or _names().get(_words(plain)) or PARTS.get(plain.casefold())


@cache
def _written() -> tuple[dict[str, str], ...]:
    table = resources.files("isthmus.corpus").joinpath("country_names.csv")
    return tuple(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))


@cache
def _alpha3() -> dict[str, str]:
    return {row["alpha3"]: row["code"] for row in _written()}


@cache
def _names() -> dict[tuple[str, ...], str]:
    """Return every name, as its words, with the country's code."""
    found = {_words(country.name): code for code, country in countries().items()}
    for row in _written():
        found |= {_words(name): row["code"] for name in row["names"].split("; ") if name}
    return found


def _words(name: str) -> tuple[str, ...]:
    """Return the words that make a name, whatever their order, case, accents and joints."""
    split = unicodedata.normalize("NFKD", name).casefold()
    bare = "".join(c for c in split if not unicodedata.combining(c) and c not in "'’ʼ.")
    return tuple(sorted(set(re.findall(r"[^\W_]+", bare)) - {"of", "the", "and"}))
