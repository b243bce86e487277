"""A simulated world as tables with the columns of a corpus, year by year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.simulation import ids
from isthmus.simulation.draws import Floats, Ints, stream
from isthmus.simulation.generator import World, WorldYear
from isthmus.simulation.settings import WorldSettings

#: Types of works and their shares.
WORK_TYPES = {"article": 0.85, "preprint": 0.08, "review": 0.04, "book-chapter": 0.03}
#: Concept scores of works in the field start here; outside works stay below.
FIELD_SCORE = 0.3
#: Share of outside works that carry the field's concept with a low score.
FAINT_SHARE = 0.15


@dataclass(frozen=True)
class Labels:
    """Type and subject labels of a year's works.

    ``kind`` indexes :data:`WORK_TYPES`; ``topic`` is the community;
    ``field_score`` is the score of the field's concept, 0 where it is absent;
    ``topic_score`` and ``neighbour_score`` are scores of the topic and of the
    concept that outside works carry.
    """

    kind: Ints
    topic: Ints
    subfield: Ints
    topic_score: Floats
    field_score: Floats
    neighbour_score: Floats


def labels(settings: WorldSettings, year: WorldYear) -> Labels:
    """Draw the labels of a year's works; scores have three decimals."""
    rng = stream(settings.seed, year.year, "labels")
    n, inside = len(year.community), year.plans.area == 0
    share = np.cumsum(list(WORK_TYPES.values()))
    kind = np.minimum(np.searchsorted(share, rng.random(n)), len(WORK_TYPES) - 1)
    strong = np.round(FIELD_SCORE + (0.99 - FIELD_SCORE) * rng.random(n), 3)
    faint = np.round(0.01 + (FIELD_SCORE - 0.02) * rng.random(n), 3)
    faint = np.where(rng.random(n) < FAINT_SHARE, faint, 0.0)
    return Labels(
        kind=kind,
        topic=year.community,
        subfield=ids.subfields(year.community, settings.communities),
        topic_score=np.round(0.5 + 0.5 * rng.random(n), 3),
        field_score=np.where(inside, strong, faint),
        neighbour_score=np.where(inside, 0.0, strong),
    )


def year_tables(world: World, year: WorldYear) -> dict[str, pa.Table]:
    """Return all tables of a year but ``works``, which waits for the last citation."""
    return {
        "authorships": authorships(world, year),
        "affiliations": affiliations(world, year),
        "references": pa.table(
            {
                "citing_id": world.start.work_ids(year.citing),
                "cited_id": world.start.work_ids(year.cited),
            }
        ),
        "subjects": subjects(world, year, labels(world.settings, year)),
    }


class WorksLater:
    """Keeps what the ``works`` table needs until all citations are known."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._years: list[tuple[int, int, dict[str, NDArray[np.int16]]]] = []

    def add(self, year: WorldYear) -> None:
        """Keep a year's works, a few bytes each."""
        columns = {
            "venue": year.venue,
            "day": year.day,
            "kind": labels(self.world.settings, year).kind,
            "n_authors": np.bincount(year.signed.work, minlength=len(year.venue)),
        }
        small = {name: values.astype(np.int16) for name, values in columns.items()}
        self._years.append((year.year, year.first, small))

    def tables(self) -> list[pa.Table]:
        """Return the ``works`` tables, one per year, citations counted over the whole world."""
        return [self._works(*kept) for kept in self._years]

    def _works(self, year: int, first: int, kept: dict[str, NDArray[np.int16]]) -> pa.Table:
        n = len(kept["venue"])
        numbers = np.arange(first, first + n)
        named = (self.world.start.works + numbers).tolist()
        return pa.table(
            {
                "work_id": self.world.start.work_ids(numbers),
                "year": np.full(n, year, np.int16),
                "date": dates(year, kept["day"]),
                "type": pa.DictionaryArray.from_arrays(
                    kept["kind"].astype(np.int8), list(WORK_TYPES)
                ).cast(pa.string()),
                "language": pa.repeat("en", n),
                "venue_id": ids.venue_ids(kept["venue"].astype(np.int64)),
                "n_authors": kept["n_authors"].astype(np.int32),
                "authors_truncated": np.zeros(n, np.bool_),
                "is_retracted": np.zeros(n, np.bool_),
                "is_paratext": np.zeros(n, np.bool_),
                "is_xpac": np.zeros(n, np.bool_),
                "cited_by_count": self.world.received[numbers],
                "title": pa.array([work_title(number) for number in named], pa.string()),
                "doi": pa.nulls(n, pa.string()),
            }
        )


def authorships(world: World, year: WorldYear) -> pa.Table:
    """One row per author on a work."""
    signed = year.signed
    return pa.table(
        {
            "work_id": world.start.work_ids(year.first + signed.work),
            "position": signed.position.astype(np.int32),
            "is_last": signed.is_last,
            "is_corresponding": signed.is_corresponding,
            "author_id": world.start.author_ids(signed.author),
        }
    )


def affiliations(world: World, year: WorldYear) -> pa.Table:
    """One row per affiliation of an author on a work; null institution where only parsed."""
    written, signed = year.written, year.signed
    parsed = written.institution < 0
    return pa.table(
        {
            "work_id": world.start.work_ids(year.first + signed.work[written.authorship]),
            "position": signed.position[written.authorship].astype(np.int32),
            "institution_id": pa.array(ids.institution_ids(written.institution), mask=parsed),
            "country": country_column(written.country, world.settings.codes),
            "country_source": pa.DictionaryArray.from_arrays(
                parsed.astype(np.int8), ["institution", "parsed"]
            ).cast(pa.string()),
        }
    )


def subjects(world: World, year: WorldYear, given: Labels) -> pa.Table:
    """One row per label: topic, its subfield and field, and concepts with a score."""
    n = len(given.topic)
    works = world.start.work_ids(np.arange(year.first, year.first + n))
    unscored = np.full(n, np.nan)  # records score topics and concepts alone
    has_field, has_neighbour = given.field_score > 0, given.neighbour_score > 0
    parts = [
        ("topic", works, given.topic + ids.FIRST_TOPIC, given.topic_score),
        ("subfield", works, given.subfield, unscored),
        ("field", works, np.full(n, ids.PARENT_FIELD), unscored),
        _concept(works[has_field], ids.FIELD_CONCEPT, given.field_score[has_field]),
        _concept(works[has_neighbour], ids.NEIGHBOUR_CONCEPT, given.neighbour_score[has_neighbour]),
    ]
    return pa.table(
        {
            "work_id": np.concatenate([part[1] for part in parts]),
            "scheme": pa.concat_arrays([pa.repeat(part[0], len(part[1])) for part in parts]),
            "subject_id": np.concatenate([part[2] for part in parts]),
            "score": pa.array(
                np.concatenate([part[3] for part in parts]).astype(np.float32), from_pandas=True
            ),
        }
    )


def entities(world: World) -> dict[str, pa.Table]:
    """Return institutions and venues."""
    settings, institutions = world.settings, world.institutions
    numbers = np.arange(len(institutions.country))
    venues = np.arange(2 * settings.communities * settings.venues_per_community)
    return {
        "institutions": pa.table(
            {
                "institution_id": ids.institution_ids(numbers),
                "name": pa.array([institution_name(n) for n in numbers.tolist()], pa.string()),
                "country": country_column(institutions.country, settings.codes),
                "type": pa.repeat("education", len(numbers)),
                "ror": pa.nulls(len(numbers), pa.string()),
                "lat": pa.nulls(len(numbers), pa.float64()),
                "lon": pa.nulls(len(numbers), pa.float64()),
                "city": pa.nulls(len(numbers), pa.string()),
                "city_id": pa.nulls(len(numbers), pa.int64()),
            }
        ),
        "venues": pa.table(
            {
                "venue_id": ids.venue_ids(venues),
                "name": pa.array([venue_name(n) for n in venues.tolist()], pa.string()),
                "type": pa.repeat("journal", len(venues)),
                "issn_l": pa.array([issn(n) for n in venues.tolist()], pa.string()),
            }
        ),
    }


def authors(world: World, works_count: Ints) -> pa.Table:
    """One row per author with at least one work."""
    writing = np.flatnonzero(works_count)
    named = (world.start.authors + writing).tolist()
    return pa.table(
        {
            "author_id": world.start.author_ids(writing),
            "name": pa.array([author_name(number) for number in named], pa.string()),
            "orcid": pa.nulls(len(writing), pa.string()),
            "works_count": works_count[writing],
        }
    )


def dates(year: int, days: NDArray[np.int16]) -> NDArray[np.datetime64]:
    """Dates of days of a year, counted from 0."""
    return np.datetime64(f"{year:04d}-01-01", "D") + days.astype("timedelta64[D]")


def country_column(countries: Ints, codes: tuple[str, ...]) -> pa.Array:
    """Codes of countries by number."""
    return pa.DictionaryArray.from_arrays(countries.astype(np.int16), list(codes)).cast(pa.string())


def work_title(number: int) -> str:
    """Title of a work by number."""
    return f"Simulated work {number}"


def author_name(number: int) -> str:
    """Name of an author by number."""
    return f"Author {number}"


def institution_name(number: int) -> str:
    """Name of an institution by number."""
    return f"University {number}"


def venue_name(number: int) -> str:
    """Name of a venue by number."""
    return f"Journal {number}"


def issn(number: int) -> str:
    """ISSN of a venue by number, with its check digit."""
    digits = f"{9_000_000 + number:07d}"
    rest = sum((8 - i) * int(digit) for i, digit in enumerate(digits)) % 11
    check = "0" if rest == 0 else "X" if rest == 1 else str(11 - rest)
    return f"{digits[:4]}-{digits[4:]}{check}"


def _concept(works: Ints, concept: int, score: Floats) -> tuple[str, Ints, Ints, Floats]:
    return "concept", works, np.full(len(works), concept), score
