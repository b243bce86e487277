"""Plain-Python recounts of the result tables, straight from records, for tests.

Nothing here uses the package: sets, dictionaries and loops, written from the
definitions in the documentation, to compare with what the engine computes.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from pathlib import Path


@dataclass
class Author:
    """An author on a work: id (or None), place in the list, one entry per affiliation."""

    id: int | None
    position: int
    is_last: bool
    is_corresponding: bool | None
    countries: list[str] = field(default_factory=list)


@dataclass
class Work:
    """A work as the recount sees it."""

    id: int
    year: int
    authors: list[Author]
    references: set[int]
    subfields: set[int]
    n_authors: int
    places: list[Author] | None = None  # where an author may stand several times; else authors

    @property
    def countries(self) -> set[str]:
        return {c for author in self.authors for c in author.countries}

    def deciding(self, rule: str) -> set[str]:
        chosen = {
            "last_author": lambda a: a.is_last,
            "first_author": lambda a: a.position == 0,
            "corresponding": lambda a: bool(a.is_corresponding),
            "any": lambda a: True,
        }[rule]
        places = self.authors if self.places is None else self.places
        return {c for author in places if chosen(author) for c in author.countries}


def number(identifier: str) -> int:
    return int(identifier.rsplit("/", 1)[-1][1:])


#: Place of an institution, from its id and the country code of the record; None for none.
Placing = Callable[[int, str], str | None]


def read_openalex(path: Path, known: set[str], placing: Placing | None = None) -> dict[int, Work]:
    """Read OpenAlex work records; of the same work the newest is kept."""
    kept: dict[int, tuple[str, Work]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if not record.get("id") or not record.get("publication_year"):
                continue
            updated = record.get("updated_date") or ""
            work = plain_work(record, known, placing)
            if work.id not in kept or updated >= kept[work.id][0]:
                kept[work.id] = (updated, work)
    return {identifier: work for identifier, (_, work) in kept.items()}


def excluded(path: Path) -> set[int]:
    """Works whose newest record calls them retracted, paratext or xpac."""
    newest: dict[int, tuple[str, bool]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if record.get("id"):
                flags = [record.get(f"is_{kind}") for kind in ("retracted", "paratext", "xpac")]
                found = (record.get("updated_date") or "", any(flag is True for flag in flags))
                known = newest.setdefault(number(record["id"]), found)
                newest[number(record["id"])] = found if found[0] >= known[0] else known
    return {identifier for identifier, (_, out) in newest.items() if out}


def plain_work(record: dict, known: set[str], placing: Placing | None = None) -> Work:
    """Turn one OpenAlex record into a plain work.

    An author listed twice stands at both places, and is one person with both lists of
    affiliations; an institution counts once for an author; parsed countries add what
    institutions do not cover; a list of authors that the source cut has no last author.
    With `placing`, institutions are placed by it instead of by country.
    """

    def placed(institutions: dict[object, str]) -> list[str]:
        if placing is None:
            return [c for c in institutions.values() if c in known]
        named = [(i, c) for i, c in institutions.items() if isinstance(i, str)]
        found = [placing(number(i), c if c in known else "") for i, c in named]
        return [code for code in found if code is not None]

    identifier = number(record["id"])
    places: list[Author] = []
    people: dict[object, Author] = {}
    named: dict[object, set[object]] = {}
    listed = record.get("authorships") or []
    for position, authorship in enumerate(listed):
        who = (authorship.get("author") or {}).get("id")
        corresponding = authorship.get("is_corresponding")
        place = Author(number(who) if who else None, position, False, corresponding)
        key = place.id if who else position
        person = people.setdefault(key, Author(place.id, position, False, corresponding))
        institutions: dict[object, str] = {}
        for institution in authorship.get("institutions") or []:
            code = ((institution or {}).get("country_code") or "").upper()
            institutions.setdefault((institution or {}).get("id") or object(), code)
        parsed = {c.upper() for c in authorship.get("countries") or [] if c}
        others = sorted({c for c in parsed if c in known} - set(institutions.values()))
        others = others if placing is None else []
        place.countries = [*placed(institutions), *others]
        before = named.setdefault(key, set())
        fresh = {i: c for i, c in institutions.items() if i not in before}
        person.countries += [*placed(fresh), *others]
        before.update(institutions)
        places.append(place)
    cut = record.get("is_authors_truncated") is True
    if places and not cut and (record.get("authors_count") or 0) <= len(listed):
        said = [n for n, a in enumerate(listed) if a.get("author_position") == "last"]
        places[said[-1] if said else -1].is_last = True
    authors = list(people.values())
    references = {number(r) for r in record.get("referenced_works") or []} - {identifier}
    subfields = {
        int(topic["subfield"]["id"].rsplit("/", 1)[-1])
        for topic in record.get("topics") or []
        if topic.get("subfield")
    }
    year = int(record["publication_year"])
    return Work(identifier, year, authors, references, subfields, len(authors), places)


def collaboration(works: dict[int, Work], years: tuple[int, int]) -> dict:
    """(year, source, target) -> (whole, fractional, carried by a single author)."""
    whole: Counter = Counter()
    fractional: dict = defaultdict(Fraction)
    alone: Counter = Counter()
    for work in works.values():
        if years[0] <= work.year <= years[1]:
            pairs = list(combinations(sorted(work.countries), 2))
            for pair in pairs:
                key = (work.year, *pair)
                whole[key] += 1
                fractional[key] += Fraction(1, len(pairs))
                alone[key] += work.n_authors == 1
    return {key: (whole[key], float(fractional[key]), alone[key]) for key in whole}


def counting_citations(
    works: dict[int, Work], in_field: set[int], include_citing: bool = True
) -> list[tuple[Work, Work]]:
    """Pairs of citing and cited work that count, the cited one in the field."""
    return [
        (citing, works[cited])
        for citing in works.values()
        if include_citing or citing.id in in_field
        for cited in citing.references
        if cited in in_field and works[cited].year <= citing.year
    ]


def citation(pairs: list[tuple[Work, Work]], years: tuple[int, int]) -> dict:
    """(citing year, source, target) -> (whole, fractional)."""
    whole: Counter = Counter()
    fractional: dict = defaultdict(Fraction)
    for citing, cited in pairs:
        if years[0] <= citing.year <= years[1]:
            for source in citing.countries:
                for target in cited.countries:
                    key = (citing.year, source, target)
                    whole[key] += 1
                    fractional[key] += Fraction(1, len(citing.countries) * len(cited.countries))
    return {key: (whole[key], float(fractional[key])) for key in whole}


def citation_windows(
    works: dict[int, Work], in_field: set[int], years: tuple[int, int], window: int
) -> dict[int, int]:
    """Work -> citations in calendar years y..y+window, where the corpus reaches that far."""
    end = max(work.year for work in works.values())
    counts: Counter = Counter()
    for citing, cited in counting_citations(works, in_field):
        if citing.year <= cited.year + window:
            counts[cited.id] += 1
    return {
        i: counts[i]
        for i in in_field
        if years[0] <= works[i].year <= years[1] and works[i].year + window <= end
    }


def hits(impact: dict[int, int], works: dict[int, Work], percent: Fraction) -> dict[int, Fraction]:
    """Work -> weight as a hit: 1 above the threshold, an even share at it, 0 below."""
    weights: dict[int, Fraction] = {}
    years = {works[i].year for i in impact}
    for year in years:
        ranked = sorted((i for i in impact if works[i].year == year), key=lambda i: -impact[i])
        left = Fraction(len(ranked)) * percent / 100
        while ranked:
            tied = [i for i in ranked if impact[i] == impact[ranked[0]]]
            weight = min(Fraction(1), left / len(tied))
            weights.update(dict.fromkeys(tied, weight))
            left -= weight * len(tied)
            ranked = ranked[len(tied) :]
    return weights


def scientist_years(
    works: dict[int, Work],
    in_field: set[int],
    years: tuple[int, int],
    min_works: int = 3,
    min_share: Fraction = Fraction(1, 2),
) -> dict[tuple[int, str], Fraction]:
    """(year, country) -> scientists, walking each author's years in order."""
    written: dict[int, dict[int, Work]] = defaultdict(dict)
    rows: dict[int, dict[int, Counter]] = defaultdict(lambda: defaultdict(Counter))
    for work in works.values():
        if years[0] <= work.year <= years[1]:
            for author in work.authors:
                if author.id is not None:
                    written[author.id][work.id] = work
                    rows[author.id][work.year].update(author.countries)
    total: dict[tuple[int, str], Fraction] = defaultdict(Fraction)
    for author_id, theirs in written.items():
        inside = sum(i in in_field for i in theirs)
        if len(theirs) < min_works or not inside > len(theirs) * min_share:
            continue
        previous = None
        for year in sorted(rows[author_id]):
            counted = rows[author_id][year]
            if not counted:
                continue
            most = max(counted.values())
            tied = sorted(c for c, n in counted.items() if n == most)
            chosen = [previous] if previous in tied else tied
            previous = chosen[0] if len(chosen) == 1 else None
            for country in chosen:
                total[year, country] += Fraction(1, len(chosen))
    return dict(total)


def country_year(
    works: dict[int, Work],
    in_field: set[int],
    years: tuple[int, int],
    *,
    rule: str = "last_author",
    window: int = 2,
    percent: Fraction = Fraction(1),
) -> dict[tuple[int, str], dict[str, float | None]]:
    """(year, country) -> every measure of the leaders' table."""
    impact = citation_windows(works, in_field, years, window)
    weights = hits(impact, works, percent)
    of_year = Counter(works[i].year for i in impact)
    world = Counter(works[i].year for i in in_field if works[i].deciding(rule))
    table: dict = defaultdict(lambda: defaultdict(Fraction))
    for i in in_field:
        work = works[i]
        if not years[0] <= work.year <= years[1]:
            continue
        for country in work.countries:
            row = table[work.year, country]
            row["papers_whole"] += 1
            row["papers_fractional"] += Fraction(1, len(work.countries))
        deciding = work.deciding(rule)
        for country in deciding:
            row = table[work.year, country]
            row[f"papers_{rule}"] += 1
            row[f"papers_{rule}_fractional"] += Fraction(1, len(deciding))
            if i in impact:
                row[f"c{window}_papers"] += 1
                row[f"c{window}_sum"] += impact[i]
                row["hits"] += weights[i]
                row["hit_share"] += weights[i] / (Fraction(of_year[work.year]) * percent / 100)
    for (year, _), row in table.items():
        if row[f"papers_{rule}"]:
            row[f"papers_{rule}_share"] = row[f"papers_{rule}"] / world[year]
        if row[f"c{window}_papers"]:
            row[f"c{window}_mean"] = row[f"c{window}_sum"] / row[f"c{window}_papers"]
    for key, count in scientist_years(works, in_field, years).items():
        table[key]["scientists"] += count
    return {key: {name: float(v) for name, v in row.items()} for key, row in table.items()}
