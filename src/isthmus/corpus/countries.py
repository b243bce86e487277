"""Country codes: which exist, what they are called, and how a raw code is read.

The list is ISO 3166-1 alpha-2 with English short names and United Nations M49
regions, plus ``XK`` (Kosovo), which OpenAlex uses and ISO leaves to its users.
"""

from __future__ import annotations

import csv
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


@cache
def countries() -> dict[str, Country]:
    """Give every known country by its code.

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
