"""Which place an affiliation counts to: its country, institution, city or bloc.

This is the only module that knows the unit of a study. Everything after it sees codes in the
column ``country``.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from isthmus.corpus.countries import countries
from isthmus.engine import Engine, Table
from isthmus.errors import StudyError
from isthmus.results import schema_of
from isthmus.selection.attribution import merged_affiliations
from isthmus.selection.wording import country_name, in_sentence
from isthmus.study import Study
from isthmus.study.places import CODES

SCHEMA = schema_of("places")

#: Begins the code of what is pooled of a country; alone, of units without a country.
REST = "rest"

#: How many places a message names.
MOST_NAMED = 5

#: Column of institutions that identifies a unit, and the letter its codes begin with.
_IDS = {"institution": ("institution_id", "I"), "city": ("city_id", "G")}


def own_affiliations(corpus: Mapping[str, Table], study: Study) -> Table:
    """Affiliations with a place, each small unit by itself.

    Grain: one row per affiliation with a place. Columns: ``work_id``, ``position``,
    ``institution_id``, ``country`` (the code of the place), and for institutions and cities
    ``of`` (their country, after merges).

    Raises
    ------
    StudyError
        The corpus does not know the cities of its institutions, or the file of blocs is wrong.
    """
    unit = study.places.unit
    if unit in ("country", "bloc"):
        merged = merged_affiliations(corpus, study.countries)
        if unit == "country":
            return merged
        return merged.mutate(country=merged.country.substitute(read_blocs(study)))
    column, letter = _IDS[unit]
    merged = merged_affiliations(corpus, study.countries, located=False)
    merged = merged.filter(merged.institution_id.notnull())
    if column != "institution_id":
        merged = merged.inner_join(_cities(corpus), "institution_id")
    code = ibis.literal(letter) + merged[column].cast("string")
    return merged.select("work_id", "position", "institution_id", country=code, of="country")


def _cities(corpus: Mapping[str, Table]) -> Table:
    institutions = corpus["institutions"]
    if "city_id" not in institutions.columns:
        raise StudyError(
            "`places.unit` is city, but this corpus was made without cities. Make it anew with "
            "`isthmus ingest`, from OpenAlex works and institutions."
        )
    known = institutions.filter(institutions.city_id.notnull())
    return known.select("institution_id", "city_id")


def units_in_use(own: Table, field: Table, study: Study, engine: Engine) -> dict[str, list[Any]]:
    """Count the works of every place of the corpus, and find its country.

    Parameters
    ----------
    own
        As :func:`own_affiliations`.
    field
        Works of the field in the study's years.

    Returns
    -------
    dict
        ``country`` (the code), ``of`` (its country, the first in the alphabet where records
        differ) and ``works`` (of the field), in the order of the codes.
    """
    country = own["of"] if "of" in own.columns else own.country
    units = own.mutate(of=country).group_by("country").agg(of=ibis._["of"].min())
    works = own.select("work_id", "country").distinct().semi_join(field, "work_id")
    counts = works.group_by("country").agg(works=works.count())
    joined = units.left_join(counts, "country")
    found = joined.select("country", "of", works=joined.works.fill_null(0))
    rows: dict[str, list[Any]] = engine.collect(found.order_by("country")).to_pydict()
    return rows


def pooled(units: Mapping[str, list[Any]], study: Study) -> dict[str, str]:
    """Return small units with the code under which they are counted.

    A unit with fewer than ``places.smallest`` works a year on average is counted with the
    other small ones of its country, unless the study names it.
    """
    if not study.places.pools:
        return {}
    first, last = study.years
    least = study.places.smallest * (last - first + 1)
    named = {code for _, code in study.place_codes()}
    rows = zip(units["country"], units["of"], units["works"], strict=True)
    return {
        code: f"{REST}-{of}" if of else REST
        for code, of, works in rows
        if works < least and code not in named
    }


def placed_affiliations(own: Table, into: Mapping[str, str], engine: Engine) -> Table:
    """Affiliations with the place they count to, small units pooled.

    Grain and columns: as :func:`isthmus.selection.attribution.merged_affiliations`.
    """
    kept = own.select("work_id", "position", "institution_id", "country")
    if not into:
        return kept
    names = {"small": pa.array(into.keys(), pa.string()), "into": pa.array(into.values())}
    small = engine.local(pa.table(names))
    joined = kept.left_join(small, kept.country == small.small)
    return joined.select(*kept.columns[:3], country=joined["into"].fill_null(joined.country))


def places_table(
    units: Mapping[str, list[Any]], into: Mapping[str, str], institutions: pa.Table, study: Study
) -> pa.Table:
    """Table ``places``: one row per place that works, moves and ties are counted for.

    Parameters
    ----------
    units, into
        As :func:`units_in_use` and :func:`pooled`.
    institutions
        Records of institutions: ``institution_id``, ``name``, ``lat``, ``lon``, and for
        cities ``city_id`` and ``city``, in the order of ids.
    """
    known = _described(institutions, study.places.unit)
    rows: dict[str, dict[str, Any]] = {}
    for code, of, works in zip(units["country"], units["of"], units["works"], strict=True):
        unit = into.get(code, code)
        row = rows.setdefault(unit, {"country": unit, "works": 0, "pooled": 0})
        # A work of several small units counts once for each here, so nothing is said of it.
        row["works"] = None if code in into else works
        row["pooled"] += code in into
        row["of_country"] = None if study.places.unit == "bloc" else of
        if code in into:
            row |= {"kind": REST, "name": f"rest of {in_sentence(of)}" if of else REST}
        else:
            row |= {"kind": _kind(code, study), **known.get(code, {"name": country_name(code)})}
    return pa.Table.from_pylist([rows[code] for code in sorted(rows)], schema=SCHEMA)


def _kind(code: str, study: Study) -> str:
    unit = study.places.unit
    return "country" if unit == "bloc" and code in countries() else unit


def _described(institutions: pa.Table, unit: str) -> dict[str, dict[str, Any]]:
    """Return name and position by code; a city has those of its first institution with any."""
    if unit not in _IDS:
        return {}
    column, letter = _IDS[unit]
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in institutions.to_pylist():
        code = f"{letter}{row[column]}"
        name = row["name"] if unit == "institution" else row["city"]
        place = found[code]
        place.setdefault("name", name or code)
        if row["lat"] is not None and row["lon"] is not None and "latitude" not in place:
            place |= {"latitude": row["lat"], "longitude": row["lon"]}
    return found


def refuse_unknown(units: Collection[str], institutions: pa.Table, study: Study) -> None:
    """Refuse places that the study names and that the corpus does not have.

    Parameters
    ----------
    units
        Codes of all places of the corpus.
    institutions
        As in :func:`places_table`.

    Raises
    ------
    StudyError
        A place is unknown; the message names some that there are, the nearest codes first.
    """
    unit, known = study.places.unit, set(units)
    for key, code in study.place_codes():
        if code in known or (unit == "bloc" and code in countries()):
            continue
        names = _described(institutions, unit)
        near = difflib.get_close_matches(code, known, n=MOST_NAMED, cutoff=0.7)
        listed = near or sorted(known)[:MOST_NAMED]
        said = [f"{one} ({names[one]['name']})" if one in names else one for one in listed]
        raise StudyError(
            f"`{key}` names {code}, but no affiliation of the corpus has it as its {unit}. "
            f"Among those it has are {', '.join(said) or 'none'}."
        )


def read_blocs(study: Study) -> dict[str, str]:
    """Read the blocs of countries that a study names: country -> bloc.

    Raises
    ------
    StudyError
        The file cannot be read, lacks a column, puts a country into two blocs or holds what is
        no country or no name of a bloc; or ``countries.merge`` folds a country into another.
    """
    path = study.path(study.places.groups or "")
    gone = {member for group in study.countries.merge.values() for member in group}
    found: dict[str, str] = {}
    for line, row in _rows(path):
        country, bloc = (row["country"] or "").strip(), (row["bloc"] or "").strip()
        why = _fault(country, bloc, found, gone)
        if why:
            raise StudyError(f"Line {line} of the blocs {path}: {why}. Correct it and run again.")
        found[country] = bloc
    return found


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"Cannot read the blocs {path}: {error}.") from None
    if not {"country", "bloc"} <= set(columns):
        raise StudyError(
            f"The blocs {path} have the columns {', '.join(columns)}; they need `country` and "
            "`bloc`, separated by commas."
        )
    return rows


def _fault(country: str, bloc: str, found: Mapping[str, str], gone: Collection[str]) -> str:
    """Say what is wrong with a line; empty where nothing is."""
    if country not in countries():
        return f"{country!r} is no ISO 3166 alpha-2 code like US"
    if country in gone:
        return f"{country} is folded into another country by `countries.merge`"
    if found.get(country, bloc) != bloc:
        return f"{country} is in {found[country]} already, and a country has one bloc"
    pattern, _ = CODES["bloc"]
    if not re.fullmatch(pattern, bloc) or bloc in countries():
        return f"the bloc {bloc!r} must be capital letters and digits, like EU, and no country"
    return ""
