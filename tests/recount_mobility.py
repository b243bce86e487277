"""Plain-Python recount of moves, straight from works, walking each author's years in order.

Written from the definitions in docs/mobility.md; nothing here uses the package.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from recount import Work

Dates = dict[int, date | None]


@dataclass(frozen=True)
class Rules:
    """The settings of [mobility] that define a move, with the project's defaults."""

    view: str = "majority"
    ties: str = "later_paper"
    max_gap_years: int | None = None
    min_stay_years: int = 1
    max_overlap_years: int = 2
    backfill_years: int = 1
    orcid_only: bool = False
    max_countries: int = 4
    first_move_only: bool = False


@dataclass(frozen=True)
class Move:
    author: int
    year: int
    origin: str
    destination: str
    gap_years: int
    is_return: bool


def scientists(works: dict[int, Work], in_field: set[int], years: tuple[int, int]) -> set[int]:
    """Authors with three works in the years, most of them in the field."""
    all_works: Counter = Counter()
    inside: Counter = Counter()
    for work in works.values():
        if years[0] <= work.year <= years[1]:
            for author in {a.id for a in work.authors} - {None}:
                all_works[author] += 1
                inside[author] += work.id in in_field
    return {a for a, n in all_works.items() if n >= 3 and inside[a] > Fraction(n, 2)}


def affiliations(works: dict[int, Work], years: tuple[int, int]) -> dict:
    """author -> year -> list of (country, work), one entry per affiliation."""
    found: dict = defaultdict(lambda: defaultdict(list))
    for work in works.values():
        if years[0] <= work.year <= years[1]:
            for author in work.authors:
                if author.id is not None:
                    for country in author.countries:
                        found[author.id][work.year].append((country, work.id))
    return found


def history(observed: dict, dates: Dates, rules: Rules) -> dict[int, str | None]:
    """year -> country of one author, given year -> affiliations."""
    top = {year: most_frequent(listed) for year, listed in observed.items()}
    chosen: dict[int, str | None] = {}
    previous = None
    for year in sorted(observed):
        candidates = top[year]
        if rules.view == "tenure":
            candidates = {c for c in countries_of(observed) if holds(c, year, observed, top, rules)}
        if previous not in candidates:
            previous = leader(top[year], observed[year], dates, rules)
        chosen[year] = previous
    return chosen


def countries_of(observed: dict) -> set[str]:
    return {c for listed in observed.values() for c, _ in listed}


def most_frequent(listed: list[tuple[str, int]]) -> set[str]:
    counts = Counter(country for country, _ in listed)
    return {c for c, n in counts.items() if n == max(counts.values())}


def leader(tied: set[str], listed: list, dates: Dates, rules: Rules) -> str | None:
    if len(tied) > 1 and rules.ties == "shared":
        return None
    late = max((dates[w] or date.min, w) for c, w in listed if c in tied)
    return min(c for c, w in listed if c in tied and (dates[w] or date.min, w) == late)


def holds(country: str, year: int, observed: dict, top: dict, rules: Rules) -> bool:
    """Whether a country may keep the author in the year, in the tenure view."""
    named = sorted(y for y, listed in observed.items() if country in {c for c, _ in listed})
    if year not in named:
        before = [y for y in named if y < year]
        after = [y for y in named if y > year]
        if not before or not after or after[0] - before[-1] > rules.backfill_years + 1:
            return False
    tops = [y for y in named if y <= year and country in top[y]]
    return bool(tops) and year - tops[-1] <= rules.max_overlap_years


def stays(placed: dict[int, str | None]) -> list[tuple[str | None, int, int]]:
    """Runs of consecutive observed years in one country: (country, first, last)."""
    found: list = []
    for year in sorted(placed):
        country = placed[year]
        if found and country is not None and found[-1][0] == country:
            found[-1] = (country, found[-1][1], year)
        else:
            found.append((country, year, year))
    return found


def moves_of(author: int, placed: dict[int, str | None], rules: Rules) -> list[Move]:
    """All moves of one author that the rules count."""
    spent = stays(placed)
    kept = [
        stay
        for number, stay in enumerate(spent)
        if number == 0 or stay[0] is None or stay[2] - stay[1] + 1 >= rules.min_stay_years
    ]
    found = []
    for number in range(1, len(kept)):
        (origin, _, last), (destination, first, _) = kept[number - 1], kept[number]
        if origin is None or destination is None or origin == destination:
            continue
        been = destination in {country for country, _, _ in kept[:number]}
        found.append(Move(author, first, origin, destination, first - last, been))
    if rules.max_gap_years is not None:
        found = [m for m in found if m.gap_years <= rules.max_gap_years]
    return found[:1] if rules.first_move_only else found


def eligible(theirs: dict, author: int, orcids: set[int], rules: Rules) -> bool:
    most = max(len({c for c, _ in listed}) for listed in theirs.values())
    return most <= rules.max_countries and (not rules.orcid_only or author in orcids)


def histories(
    works: dict[int, Work],
    dates: Dates,
    who: set[int],
    years: tuple[int, int],
    orcids: set[int],
    rules: Rules,
) -> dict[int, dict[int, str | None]]:
    """author -> year -> country, for the scientists whose moves count."""
    placed = affiliations(works, years)
    return {
        author: history(placed[author], dates, rules)
        for author in sorted(who & set(placed))
        if eligible(placed[author], author, orcids, rules)
    }


def all_moves(placed: dict, rules: Rules) -> list[Move]:
    return [m for author, years in placed.items() for m in moves_of(author, years, rules)]


def record(works: dict[int, Work], in_field: set[int], author: int, year: int) -> tuple:
    """(career age, papers in the year, papers before, citations before)."""
    theirs = [w for w in works.values() if author in {a.id for a in w.authors}]
    inside = {w.id for w in theirs if w.id in in_field}
    cited = sum(
        reference in inside and works[reference].year <= citing.year
        for citing in works.values()
        if citing.year < year
        for reference in citing.references
    )
    return (
        year - min(w.year for w in theirs),
        sum(works[i].year == year for i in inside),
        sum(works[i].year < year for i in inside),
        cited,
    )


def rates(placed: dict, moves: list[Move]) -> dict[tuple[int, str], list[int]]:
    """(year, country) -> [active, arrivals, departures, returns]."""
    found: dict = defaultdict(lambda: [0, 0, 0, 0])
    for years in placed.values():
        for year, country in years.items():
            if country is not None:
                found[year, country][0] += 1
    for move in moves:
        found[move.year, move.destination][1] += 1
        found[move.year, move.origin][2] += 1
        found[move.year, move.destination][3] += move.is_return
    return dict(found)


def later_papers(
    works: dict[int, Work], in_field: set[int], author: int, year: int, last: int, abroad: str
) -> tuple[int, int]:
    """Later papers of the field, and those with another author in `abroad`."""
    later = joined = 0
    for work in works.values():
        if work.id in in_field and year < work.year <= last:
            mine = [a for a in work.authors if a.id == author]
            if mine:
                later += 1
                joined += any(abroad in a.countries for a in work.authors if a.id != author)
    return later, joined
