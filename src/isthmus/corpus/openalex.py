"""OpenAlex works as rows of the corpus tables.

Records are flattened into plain lists by a short loop; everything that can be
said of many values at once (ids, countries, repeats, merged ids) is then done on
arrays. Tables of one batch hold the works in the order they were read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.corpus.countries import country_code
from isthmus.corpus.ids import NO_ID, Ints, Merges, first_of, number, numbers, reference_lists
from isthmus.corpus.records import Authorship, Institution, Topic, Venue, Work
from isthmus.corpus.schema import TABLES
from isthmus.corpus.tally import EARLIEST_YEAR, LATEST_YEAR

Flags = npt.NDArray[np.bool_]

#: Rows of a table about works, and for each row the number of its work in the batch.
Detail = tuple[pa.Table, Ints]

_WORK_PREFIX = "https://openalex.org/W"
_VENUE_LETTERS = "SV"  # venues became sources in 2023 and kept their numbers


class WorkBatch:
    """Collects works and gives them as tables.

    Parameters
    ----------
    merges
        Ids to rewrite, and works to leave out, because they were merged.

    Attributes
    ----------
    set_aside, notes : Counter
        Values dropped or replaced by reason; other counts.
    seen_institutions, seen_venues : dict
        Id as written -> what the first work that names it says, and when it was updated.
    """

    def __init__(self, merges: Merges) -> None:
        self.set_aside: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self._merges = merges
        self._works: list[tuple[Any, ...]] = []
        self._authors: list[str | int | None] = []
        self._corresponding: list[bool | None] = []
        self._n_authors: list[int] = []
        self._truncated: list[bool] = []
        self._institutions: list[str | None] = []
        self._countries: list[str | None] = []
        self._affiliation_author: list[int] = []
        self._parsed: list[tuple[int, str | None]] = []
        self._references: list[bytes] = []
        self._concepts: list[str | None] = []
        self._concept_scores: list[float | str | None] = []
        self._n_concepts: list[int] = []
        self._topics: list[tuple[int, str, str | int | None, float | str | None]] = []
        self.seen_institutions: dict[str, tuple[Institution, str | None]] = {}
        self.seen_venues: dict[str, tuple[Venue, str | None]] = {}

    @property
    def n_works(self) -> int:
        """Works collected so far."""
        return len(self._works)

    def add(self, work: Work) -> str | None:
        """Add a work; give the reason when it is rejected."""
        raw = work.id
        if raw is None:
            return "no_id"
        digits = raw[22:]
        known = raw[:22] == _WORK_PREFIX and digits.isdecimal() and len(digits) < 19
        identifier = (int(digits) or NO_ID) if known else number(raw, "W")
        if identifier == NO_ID:
            return "no_id"
        year = work.publication_year
        if year is None:
            return "no_year"
        if not EARLIEST_YEAR <= year <= LATEST_YEAR:
            return "year_impossible"
        if self._merges.away("works", identifier):
            self.notes["merged_away"] += 1
            return None
        authorships = work.authorships or ()
        self._n_authors.append(self._add_authors(authorships, work.updated_date))
        self._truncated.append(_is_truncated(work, len(authorships)))
        self._references.append(bytes(work.referenced_works))
        self._add_subjects(work)
        self._works.append(
            (
                identifier,
                year,
                work.publication_date,
                work.type,
                work.language,
                self._venue(work),
                work.is_retracted is True,
                _bounded(work.cited_by_count),
                work.title if work.title is not None else work.display_name,
                work.doi,
                work.updated_date,
            )
        )
        return None

    def _add_authors(self, authorships: Sequence[Authorship | None], updated: str | None) -> int:
        authors, affiliation_author = self._authors, self._affiliation_author
        institutions, countries = self._institutions, self._countries
        seen = self.seen_institutions
        for authorship in authorships:
            place = len(authors)
            if authorship is None:
                self.set_aside["authorship_null"] += 1
                authors.append(None)
                self._corresponding.append(None)
                continue
            author = authorship.author
            authors.append(author.id if author is not None else None)
            self._corresponding.append(authorship.is_corresponding)
            for institution in authorship.institutions or ():
                if institution is None:
                    self.set_aside["institution_null"] += 1
                    continue
                identifier = institution.id
                affiliation_author.append(place)
                institutions.append(identifier)
                countries.append(institution.country_code)
                if identifier is not None and identifier not in seen:
                    seen[identifier] = (institution, updated)
            if authorship.countries:
                self._add_parsed(place, authorship)
        return len(authorships)

    def _add_parsed(self, place: int, authorship: Authorship) -> None:
        covered = [i.country_code for i in authorship.institutions or () if i is not None]
        for code in authorship.countries or ():
            if code not in covered:
                self._parsed.append((place, code))

    def _add_subjects(self, work: Work) -> None:
        concepts = work.concepts
        if concepts:
            kept = [concept for concept in concepts if concept is not None]
            self._concepts += [concept.id for concept in kept]
            self._concept_scores += [concept.score for concept in kept]
            self._n_concepts.append(len(kept))
        else:
            self._n_concepts.append(0)
        if work.topics:
            for topic in work.topics:
                self._add_topic(topic)
        if work.primary_topic is not None:
            self._add_topic(work.primary_topic)

    def _add_topic(self, topic: Topic | None) -> None:
        if topic is None:
            return
        place = len(self._works)
        self._topics.append((place, "topic", topic.id, topic.score))
        if topic.subfield is not None:
            self._topics.append((place, "subfield", topic.subfield.id, None))
        if topic.field is not None:
            self._topics.append((place, "field", topic.field.id, None))

    def _venue(self, work: Work) -> str | None:
        location = work.primary_location
        venue = location.source if location is not None else None
        if venue is None or venue.id is None:
            venue = work.host_venue
        if venue is None or venue.id is None:
            return None
        if venue.id not in self.seen_venues:
            self.seen_venues[venue.id] = (venue, work.updated_date)
        return venue.id

    def tables(self) -> dict[str, pa.Table]:
        """Give what was collected as tables.

        Works have two kinds of columns more than in a corpus: ``updated``, and
        for each other table its rows of the work, ``n_<table>``.
        """
        works = list(zip(*self._works, strict=True)) or [()] * 11
        ids = np.array(works[0], np.int64)
        details = self._people(ids)
        details["references"] = self._references_table(ids)
        details["subjects"] = self._subjects_table(ids)
        rows = {n: np.bincount(work, minlength=len(ids)) for n, (_, work) in details.items()}
        return {
            "works": self._works_table(works, ids, rows),
            **{name: table for name, (table, _) in details.items()},
            "institutions": self._institutions_table(),
            "venues": self._venues_table(),
        }

    def _works_table(self, works: Sequence[Any], ids: Ints, rows: dict[str, Ints]) -> pa.Table:
        venues = self._read_ids(works[5], _VENUE_LETTERS, "sources", "venue_unreadable")
        truncated = np.array(self._truncated, np.bool_)
        self.set_aside["authors_truncated"] += int(truncated.sum())
        columns = [
            pa.array(ids),
            pa.array(works[1], pa.int16()),
            self._dates(works[2]),
            pa.array(works[3], pa.string()),
            pa.array(works[4], pa.string()),
            _nullable(venues),
            pa.array(rows["authorships"], pa.int32()),
            pa.array(truncated),
            pa.array(works[6], pa.bool_()),
            pa.nulls(len(ids), pa.bool_()),
            pa.nulls(len(ids), pa.bool_()),
            pa.array(works[7], pa.int64()),
            pa.array(works[8], pa.string()),
            pa.array(works[9], pa.string()),
        ]
        table = pa.table(columns, schema=TABLES["works"])
        for name, counts in rows.items():
            table = table.append_column(f"n_{name}", pa.array(counts, pa.int32()))
        return table.append_column("updated", pa.array(works[10], pa.string()))

    def _people(self, ids: Ints) -> dict[str, Detail]:
        """Give authorships and affiliations."""
        counts = np.array(self._n_authors, np.int64)
        work = np.repeat(np.arange(len(ids)), counts)
        position = _places(counts)
        author = self._read_ids(self._authors, "A", "authors", None)
        self.set_aside["author_null"] += int((author == NO_ID).sum())
        first = first_of(work, author)
        kept = np.ones(len(author), np.bool_)
        if first is not None:
            kept = first == np.arange(len(author))
            self.set_aside["author_repeated"] += int((~kept).sum())
        authorships = pa.table(
            [
                pa.array(ids[work[kept]]),
                pa.array(position[kept], pa.int32()),
                pa.array(self._last(work[kept])),
                pa.array(self._corresponding, pa.bool_()).filter(pa.array(kept)),
                _nullable(author[kept]),
            ],
            schema=TABLES["authorships"],
        )
        return {
            "authorships": (authorships, work[kept]),
            "affiliations": self._affiliations(ids, work, position, first),
        }

    def _last(self, work: Ints) -> Flags:
        """Mark the last author kept of each work, unless the source cut the list."""
        last = np.ones(len(work), np.bool_)
        last[:-1] = work[1:] != work[:-1]
        return last & ~np.array(self._truncated, np.bool_)[work]

    def _affiliations(self, ids: Ints, work: Ints, position: Ints, first: Ints | None) -> Detail:
        parsed_author = np.array([place for place, _ in self._parsed], np.int64)
        author = np.concatenate([np.array(self._affiliation_author, np.int64), parsed_author])
        parsed = np.zeros(len(author), np.bool_)
        parsed[len(self._affiliation_author) :] = True
        institution = self._read_ids(self._institutions, "I", "institutions", None)
        self.set_aside["institution_without_id"] += int((institution == NO_ID).sum())
        institution = np.concatenate([institution, np.full(len(parsed_author), NO_ID)])
        country, codes = self._country_numbers()
        if first is not None:
            author = first[author]
        order = np.argsort(author, kind="stable")
        author, parsed = author[order], parsed[order]
        institution, country = institution[order], country[order]
        kept = self._affiliations_kept(author, parsed, institution, country)
        author, parsed, country = author[kept], parsed[kept], country[kept]
        names = pa.array([*codes, None], pa.string())
        sources = pa.array(["institution", "parsed", None], pa.string())
        source = np.where(country == NO_ID, 2, parsed.astype(np.int64))
        table = pa.table(
            [
                pa.array(ids[work[author]]),
                pa.array(position[author], pa.int32()),
                _nullable(institution[kept]),
                names.take(pa.array(np.where(country == NO_ID, len(codes), country))),
                sources.take(pa.array(source)),
            ],
            schema=TABLES["affiliations"],
        )
        return table, work[author]

    def _affiliations_kept(
        self, author: Ints, parsed: Flags, institution: Ints, country: Ints
    ) -> Flags:
        """Mark affiliations to keep: no institution twice, parsed countries only where new."""
        kept = np.ones(len(author), np.bool_)
        first = first_of(author, institution)
        if first is not None:
            kept = first == np.arange(len(author))
            self.set_aside["affiliation_repeated"] += int((~kept).sum())
        if parsed.any():
            key = author * 1000 + country
            new = ~np.isin(key, key[~parsed & kept]) & (country != NO_ID)
            repeats = first_of(np.zeros_like(key), np.where(parsed & new, key, NO_ID))
            if repeats is not None:
                new &= repeats == np.arange(len(key))
            kept &= ~parsed | new
        return kept

    def _country_numbers(self) -> tuple[Ints, list[str]]:
        """Give every raw country, those of parsed rows last, as a number into a list of codes."""
        raw = pa.array([*self._countries, *(code for _, code in self._parsed)], pa.string())
        encoded = raw.dictionary_encode()
        words = encoded.dictionary.to_pylist()
        codes = [country_code(word) for word in words]
        index: Ints = encoded.indices.cast(pa.int64()).fill_null(NO_ID).to_numpy()
        blank = np.array([not word.strip() for word in words] + [True])
        known = sorted({code for code in codes if code is not None})
        lookup = np.array([known.index(c) if c is not None else NO_ID for c in codes] + [NO_ID])
        country = lookup[index]
        named = blank[index[: len(self._countries)]]
        self.set_aside["country_empty"] += int(named.sum())
        self.set_aside["country_unknown"] += int(((country == NO_ID) & ~blank[index]).sum())
        return country, known

    def _references_table(self, ids: Ints) -> Detail:
        cited, counts = reference_lists(self._references)
        work = np.repeat(np.arange(len(ids)), counts)
        readable = cited != NO_ID
        self.set_aside["reference_unreadable"] += int((~readable).sum())
        cited = self._merges.apply("works", cited)
        deleted = readable & (cited == NO_ID)
        self.set_aside["reference_deleted"] += int(deleted.sum())
        itself = cited == ids[work]
        self.set_aside["self_reference"] += int(itself.sum())
        kept = readable & ~deleted & ~itself
        first = first_of(work, np.where(kept, cited, NO_ID))
        if first is not None:
            repeated = first != np.arange(len(cited))
            self.set_aside["reference_repeated"] += int(repeated.sum())
            kept &= ~repeated
        table = pa.table([ids[work[kept]], cited[kept]], schema=TABLES["references"])
        return table, work[kept]

    def _subjects_table(self, ids: Ints) -> Detail:
        concept_work = np.repeat(np.arange(len(ids)), np.array(self._n_concepts, np.int64))
        concepts = numbers(self._concepts, "C")
        topic_work = np.array([row[0] for row in self._topics], np.int64)
        topics = np.array([number(row[2], "T") for row in self._topics], np.int64)
        names = np.array(["concept", "topic", "subfield", "field"])
        scheme = np.array([_SCHEMES[row[1]] for row in self._topics], np.int64)
        work = np.concatenate([concept_work, topic_work])
        subject = np.concatenate([concepts, topics])
        scheme = np.concatenate([np.zeros(len(concepts), np.int64), scheme])
        scores = _scores([*self._concept_scores, *(row[3] for row in self._topics)])
        self.set_aside["subject_unreadable"] += int((subject == NO_ID).sum())
        kept = subject != NO_ID
        first = first_of(work * len(names) + scheme, subject)
        if first is not None:
            kept &= first == np.arange(len(subject))
        order = np.flatnonzero(kept)
        if len(topics):
            order = order[np.argsort(work[order], kind="stable")]
        chosen = pa.array(scheme[order])
        table = pa.table(
            [
                pa.array(ids[work[order]]),
                pa.array(names, pa.string()).take(chosen),
                pa.array(subject[order]),
                scores.take(pa.array(order)),
            ],
            schema=TABLES["subjects"],
        )
        return table, work[order]

    def _institutions_table(self) -> pa.Table:
        seen = [record for record, _ in self.seen_institutions.values()]
        ids = self._merges.apply("institutions", numbers([r.id for r in seen], "I"))
        nothing = pa.nulls(len(seen), pa.float64())
        columns = [
            pa.array(ids),
            pa.array([r.display_name for r in seen], pa.string()),
            pa.array([country_code(r.country_code) for r in seen], pa.string()),
            pa.array([r.type for r in seen], pa.string()),
            pa.array([r.ror for r in seen], pa.string()),
            nothing,
            nothing,
        ]
        updated = [date for _, date in self.seen_institutions.values()]
        return _with_updated(columns, "institutions", updated, ids)

    def _venues_table(self) -> pa.Table:
        seen = [record for record, _ in self.seen_venues.values()]
        ids = self._merges.apply("sources", numbers([r.id for r in seen], _VENUE_LETTERS))
        columns = [
            pa.array(ids),
            pa.array([r.display_name for r in seen], pa.string()),
            pa.array([r.type for r in seen], pa.string()),
            pa.array([r.issn_l for r in seen], pa.string()),
        ]
        updated = [date for _, date in self.seen_venues.values()]
        return _with_updated(columns, "venues", updated, ids)

    def _read_ids(
        self, texts: Sequence[Any], letters: str, entity: str, reason: str | None
    ) -> Ints:
        try:
            ids = numbers(texts, letters)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            ids = np.array([number(text, letters) for text in texts], np.int64)
        if reason is not None:
            given = sum(text is not None for text in texts)
            self.set_aside[reason] += given - int((ids != NO_ID).sum())
        return self._merges.apply(entity, ids)

    def _dates(self, texts: Sequence[str | None]) -> pa.Array:
        column = pa.array(texts, pa.string())
        try:
            return column.cast(pa.date32())
        except pa.ArrowInvalid:
            dates = [_date(text) for text in texts]
            good = sum(date is not None for date in dates)
            self.set_aside["date_unreadable"] += len(texts) - column.null_count - good
            return pa.array(dates, pa.int32()).cast(pa.date32())


_SCHEMES = {"concept": 0, "topic": 1, "subfield": 2, "field": 3}


def _is_truncated(work: Work, n_listed: int) -> bool:
    """Say whether the source cut the list of authors: it says so, or counts more than it lists."""
    return work.is_authors_truncated is True or (work.authors_count or 0) > n_listed > 0


def _bounded(count: int | None) -> int | None:
    return count if count is not None and 0 <= count < 2**62 else None


def _places(counts: Ints) -> Ints:
    """Number the entries of each group from 0."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def _nullable(ids: Ints) -> pa.Array:
    return pa.array(ids, pa.int64(), mask=ids == NO_ID)


def _scores(raw: Sequence[float | str | None]) -> pa.Array:
    """Give scores, numbers or their text, as 32-bit floats; null where there is none."""
    try:
        scores = np.array(raw, np.float32)
    except (TypeError, ValueError):
        scores = np.array([_score(value) for value in raw], np.float32)
    return pa.array(scores, mask=~np.isfinite(scores))


def _score(value: float | str | None) -> float:
    try:
        return float("nan") if value is None else float(value)
    except ValueError:
        return float("nan")


def _date(text: str | None) -> int | None:
    """Days since 1970 of the first ten characters, or None."""
    try:
        return int(np.datetime64((text or "")[:10], "D").astype(np.int64)) if text else None
    except ValueError:
        return None


def _with_updated(
    columns: list[pa.Array], table: str, updated: list[str | None], ids: Ints
) -> pa.Table:
    rows = pa.table(columns, schema=TABLES[table])
    rows = rows.append_column("updated", pa.array(updated, pa.string()))
    return rows.filter(pc.greater(pa.array(ids), 0))
