"""Cells of edge tables as people write them: years, numbers, countries, aggregates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from isthmus.corpus.countries import countries, country_named
from isthmus.study.field import EARLIEST_YEAR, LATEST_YEAR

#: Share of the different names of a table that must be countries for it to be one of countries.
COUNTRY_SHARE = 0.8

#: Values like 1.538, and none that says otherwise, from which the dot is taken for thousands.
LEAST_GROUPED = 10

_YEAR = re.compile(r"([12]\d{3})(?:\.0*)?")
_TIME = r"(?:[T ]\d.*)?"
_DATES = tuple(
    re.compile(form + _TIME)
    for form in (
        r"([12]\d{3})[-/]\d{1,2}(?:[-/]\d{1,2})?",
        r"([12]\d{3})\.\d{1,2}\.\d{1,2}\.?",
        r"([12]\d{3})-?(?:Q[1-4]|M\d{1,2})",
        r"([12]\d{3})(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])?",
        r"\d{1,2}[-/.]\d{1,2}[-/.]([12]\d{3})",
        r"\d{1,2}[-/.]([12]\d{3})",
    )
)
_SPACES = re.compile("[\\s\u00a0\u2007\u2009\u202f'\u2019_]")
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

_TOTALS = """
total; totals; grand total; sum; all; all countries; world; world total; worldwide; global;
eu; eu15; eu25; eu27; eu28; european union; euro area; euro zone; eurozone; ea19; ea20; efta;
oecd; non oecd; brics; bric; g7; g8; g20; asean; apec; nafta; mercosur; opec; nato;
commonwealth; arab world; sub saharan africa; middle east; middle east and north africa; mena;
latin america; north america; south america; central america; america; the americas;
west; global south; global north; developed countries; developing countries; high income;
low income; middle income; lower middle income; upper middle income; rest of world;
rest of the world; row; other; others; other countries; unknown; unspecified; not specified;
not available; various; multiple; international; wld; oed; euu; hic; lic; lmc; umc; mic; emu
"""

#: Letters and years that names of aggregates carry beside their own: EU27_2020, OECD (38).
_EXTENSIONS = re.compile(
    r"^(?P<name>eu|oecd|brics|european union|euro area|g|ea)\W*\d{1,4}(\W+\d{4})?$"
)


@dataclass(frozen=True)
class Numbers:
    """Numbers read from text.

    Attributes
    ----------
    values
        One per text; NaN where it is no number.
    thousands
        The sign that was read as a separator of thousands, empty when none was.
    decimal
        The sign that was read as decimal point, empty when none was.
    """

    values: list[float]
    thousands: str
    decimal: str


def year_of(text: str) -> tuple[int | None, bool]:
    """Return the year a text says, None when it says none, and whether it is a date.

    Examples
    --------
    >>> year_of("2010"), year_of("2010-01-31"), year_of("31.12.2010"), year_of("10")
    ((2010, False), (2010, True), (2010, True), (None, False))
    """
    plain = text.strip()
    found = _YEAR.fullmatch(plain)
    dated = None if found else next((m for d in _DATES if (m := d.fullmatch(plain))), None)
    match = found or dated
    year = int(match[1]) if match else None
    if year is None or not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return None, False
    return year, dated is not None


def read_numbers(texts: Sequence[str], decimal: str | None = None) -> Numbers:
    """Read numbers with separators of thousands, a decimal point or a decimal comma.

    Which sign is which is decided for all of them at once. A sign separates thousands
    when it always stands before groups of three digits, a number has it twice or before the
    other sign, or no number from 1,000 on lacks it. A comma that could be either
    separates thousands; a dot that could be either is a decimal point, unless at least
    :data:`LEAST_GROUPED` numbers have it and smaller ones go without.

    Parameters
    ----------
    texts
        The cells.
    decimal
        ``"."`` or ``","`` where the user says so.

    Examples
    --------
    >>> read_numbers(["1,538", "980"]).values, read_numbers(["1.538,5", "980"]).values
    ([1538.0, 980.0], [1538.5, 980.0])
    >>> read_numbers(["0,5", "1,538"]).values, read_numbers(["2", "n/a"]).values
    ([0.5, 1.538], [2.0, nan])
    """
    plain = {text: _SPACES.sub("", text).replace("\u2212", "-") for text in set(texts)}
    bare = [plain[text] for text in texts]
    if decimal is None:
        decimal = "," if _is_decimal(bare, ",", ".") else "."
        if decimal == "." and not _is_decimal(bare, ".", ","):
            decimal = "" if _has(bare, ",") else ","
    thousands = "." if decimal == "," else ","
    read = {text: _number(text, decimal, thousands) for text in set(bare)}
    values = [read[text] for text in bare]
    used = [sign if sign and _has(bare, sign) else "" for sign in (thousands, decimal)]
    return Numbers(values, *used)


def _has(texts: Iterable[str], sign: str) -> bool:
    return any(sign in text for text in texts)


def _is_decimal(texts: Sequence[str], sign: str, other: str) -> bool:
    """Whether a sign can only be a decimal point, or is one by default."""
    with_sign = [text for text in texts if sign in text]
    grouped = re.compile(rf"[+-]?[1-9]\d{{0,2}}(\{sign}\d{{3}})+(\{other}\d*)?")
    if not with_sign:
        return sign == "."
    if any(text.count(sign) > 1 or -1 < text.find(sign) < text.find(other) for text in with_sign):
        return False
    if not all(grouped.fullmatch(text) for text in with_sign):
        return True
    without = [re.sub(r"\D.*", "", text.lstrip("+-")) for text in texts if sign not in text]
    if any(len(digits) > 3 for digits in without):
        return True
    return sign == "." and (len(with_sign) < LEAST_GROUPED or not any(without))


def _number(text: str, decimal: str, thousands: str) -> float:
    if thousands and thousands in text:
        whole, point, rest = text.partition(decimal) if decimal else (text, "", "")
        if not re.fullmatch(rf"[+-]?\d{{1,3}}(\{thousands}\d{{3}})+", whole):
            return float("nan")
        text = whole.replace(thousands, "") + point + rest
    if decimal == ",":
        text = text.replace(",", ".")
    return float(text) if _PLAIN.fullmatch(text) else float("nan")


def codes_of(names: Iterable[str]) -> dict[str, str]:
    """Return the code of every name that is a country, if the names are those of countries.

    They are when at least :data:`COUNTRY_SHARE` of those that are no aggregate can be read
    as countries; otherwise nothing is, so that a table of something else stays as it is.
    """
    found = {name: country_named(name) for name in names}
    plain = [code for name, code in found.items() if code or not is_aggregate(name)]
    known = sum(code is not None for code in plain)
    if not plain or known < COUNTRY_SHARE * len(plain):
        return {}
    return {name: code for name, code in found.items() if code is not None}


def is_aggregate(name: str) -> bool:
    """Whether a name stands for several countries, or for none in particular.

    Examples
    --------
    >>> [is_aggregate(name) for name in ("World", "EU27_2020", "OECD - Total", "Chad", "US")]
    [True, True, True, False, False]
    """
    if country_named(name) is not None:
        return False
    plain = " ".join(re.findall(r"[^\W_]+", name.casefold()))
    known = _aggregates()
    bare = re.sub(r"\b(total|all|average)\b", "", plain).strip()
    if not plain:
        return False
    return plain in known or bare in known or _EXTENSIONS.fullmatch(plain) is not None


@cache
def _aggregates() -> frozenset[str]:
    listed = {" ".join(name.split()) for name in _TOTALS.split(";")}
    regions = {name for c in countries().values() for name in (c.region, c.subregion)}
    plain = {" ".join(re.findall(r"[^\W_]+", region.casefold())) for region in regions}
    return frozenset((listed | plain) - {""})
