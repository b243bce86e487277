"""The corpus of the real works equals a recount in plain Python, count for count.

The recount reads the same records with the standard library alone. Counts are
compared exactly; nothing here is approximate.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from isthmus.corpus.countries import countries
from isthmus.corpus.store import Corpus
from isthmus.corpus.verify import verify
from isthmus.ingest.ingest import ingest

pytestmark = pytest.mark.shared_data


#: What OpenAlex names where there is nobody and nothing (any more).
NOTHING = ("A5317838346", "A9999999999", "I4389424196", "S4317411217")


def number(identifier: str | None) -> int | None:
    name = (identifier or "").rsplit("/", 1)[-1]
    return int(name.lstrip("WAISVCT")) if name and name not in NOTHING else None


def records(path: Path) -> list[dict[str, Any]]:
    """The newest record of each work, the later one on a tie."""
    newest: dict[str, dict[str, Any]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            old = newest.get(record["id"])
            if old is None or record["updated_date"] >= old["updated_date"]:
                newest[record["id"]] = record
    return list(newest.values())


def people(record: dict[str, Any]) -> dict[int, tuple[int | None, set[Any]]]:
    """Place in the list -> author and the distinct affiliations given there."""
    found: dict[int, tuple[int | None, set[Any]]] = {}
    for place, authorship in enumerate(record.get("authorships") or []):
        rows = []
        for n, institution in enumerate(authorship["institutions"]):
            identifier = number(institution.get("id"))
            unnamed = n if identifier is None else None
            rows.append((identifier, institution.get("country_code"), unnamed))
        for code in authorship.get("countries") or []:
            if code not in {country for _, country, _ in rows}:
                rows.append((None, code, "parsed"))
        known = {(i, c if c in countries() else None, extra) for i, c, extra in rows}
        found[place] = (number(authorship["author"].get("id")), known)
    return found


def last_place(record: dict[str, Any]) -> int | None:
    """Place of the author whom the record calls last, otherwise of the last one listed."""
    authorships = record.get("authorships") or []
    if record.get("is_authors_truncated") or not authorships:
        return None
    said = [n for n, a in enumerate(authorships) if a.get("author_position") == "last"]
    return said[-1] if said else len(authorships) - 1


@pytest.fixture(scope="module", params=["works.jsonl.gz", "schema_variants_same_id.jsonl.gz"])
def case(
    request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Corpus, list[dict[str, Any]]]:
    path = shared_data / "openalex-works" / request.param
    corpus = ingest([path], tmp_path_factory.mktemp("real") / "corpus")
    return corpus, records(path)


def test_every_distinct_work_is_there(case: tuple[Corpus, list[dict[str, Any]]]) -> None:
    corpus, expected = case
    assert not corpus.manifest.rejected
    rows = {row["work_id"]: row for row in corpus.read("works").to_pylist()}
    assert rows.keys() == {number(record["id"]) for record in expected}
    for record in expected:
        row = rows[number(record["id"])]
        assert row["year"] == record["publication_year"]
        assert str(row["date"]) == record["publication_date"]
        assert row["title"] == (record.get("title") or record.get("display_name"))
        assert row["doi"] == record.get("doi")
        assert row["cited_by_count"] == record["cited_by_count"]
        assert row["is_retracted"] == record["is_retracted"]
        assert row["is_paratext"] == record.get("is_paratext")
        assert row["is_xpac"] == record.get("is_xpac")
        team = [who for who, _ in people(record).values()]
        assert row["n_authors"] == len(set(team) - {None}) + team.count(None)
        assert row["authors_truncated"] == bool(record.get("is_authors_truncated"))
        source = (record.get("primary_location") or {}).get("source") or {}
        venue = source.get("id") or (record.get("host_venue") or {}).get("id")
        assert row["venue_id"] == number(venue)


def test_authorships_and_affiliations_equal_the_recount(
    case: tuple[Corpus, list[dict[str, Any]]],
) -> None:
    corpus, expected = case
    authors: Counter[Any] = Counter()
    affiliations: Counter[Any] = Counter()
    several: set[int] = set()
    for record in expected:
        identifier = number(record["id"])
        found = people(record)
        for place, (who, rows) in found.items():
            authors[identifier, place, who] += 1
            affiliations.update((identifier, place, i, country) for i, country, _ in rows)
        if len({c for _, rows in found.values() for _, c, _ in rows if c}) > 1:
            several.add(identifier or 0)
    rows = corpus.read("authorships").to_pylist()
    last = {(number(r["id"]), last_place(r)) for r in expected if last_place(r) is not None}
    assert {(r["work_id"], r["position"]) for r in rows if r["is_last"]} == last
    corresponding = {
        (number(r["id"]), n): a.get("is_corresponding")
        for r in expected
        for n, a in enumerate(r.get("authorships") or [])
    }
    assert {(r["work_id"], r["position"]): r["is_corresponding"] for r in rows} == corresponding
    assert Counter((r["work_id"], r["position"], r["author_id"]) for r in rows) == authors
    rows = corpus.read("affiliations").to_pylist()
    keys = ("work_id", "position", "institution_id", "country")
    assert Counter(tuple(r[k] for k in keys) for r in rows) == affiliations
    countries_of = defaultdict(set)
    for row in rows:
        if row["country"]:
            countries_of[row["work_id"]].add(row["country"])
    assert {work for work, found in countries_of.items() if len(found) > 1} == several
    assert len(several) > 30


def test_references_and_subjects_equal_the_recount(
    case: tuple[Corpus, list[dict[str, Any]]],
) -> None:
    corpus, expected = case
    references = {
        (number(record["id"]), number(cited))
        for record in expected
        for cited in record["referenced_works"]
        if cited != record["id"]
    }
    rows = corpus.read("references").to_pylist()
    assert len(rows) == len(references)
    assert {(r["citing_id"], r["cited_id"]) for r in rows} == references
    subjects: dict[Any, float | None] = {}
    for record in expected:
        work = number(record["id"])
        for concept in record["concepts"]:
            text = concept.get("score")
            score = None if text is None else float(text)
            subjects[work, "concept", number(concept["id"])] = (
                None if score is None else float(score)
            )
        for topic in record.get("topics") or []:
            subjects[work, "topic", number(topic["id"])] = topic["score"]
            for level in ("subfield", "field"):
                subjects[work, level, number(topic[level]["id"])] = None
    found = {
        (r["work_id"], r["scheme"], r["subject_id"]): r["score"]
        for r in corpus.read("subjects").to_pylist()
    }
    assert found.keys() == subjects.keys()
    for key, score in subjects.items():
        # Scores are stored as 32-bit floats: seven digits.
        assert found[key] == (None if score is None else pytest.approx(score, rel=1e-6))


def test_real_corpus_is_sound(case: tuple[Corpus, list[dict[str, Any]]]) -> None:
    corpus, _ = case
    assert verify(corpus.path).problems == []


@pytest.mark.parametrize("release", ["2021-11-03", "2023-05-16"])
def test_works_of_each_snapshot_release_are_read(
    shared_data: Path, tmp_path: Path, release: str
) -> None:
    folder = shared_data / "openalex-snapshot" / "works" / f"updated_date={release}"
    corpus = ingest([folder], tmp_path / "corpus")
    assert not corpus.manifest.rejected
    expected = records(folder / "part_000.gz")
    assert corpus.rows("works") == len(expected)
    venues = sum(bool(r.get("host_venue") or r.get("primary_location")) for r in expected)
    assert venues > 0
    assert corpus.rows("references") == sum(
        len(set(r["referenced_works"]) - {r["id"]}) for r in expected
    )


def test_whole_snapshot_with_its_entities(shared_data: Path, tmp_path: Path) -> None:
    corpus = ingest([shared_data / "openalex-snapshot"], tmp_path / "corpus")
    assert not corpus.manifest.rejected
    entities = Counter(source.entity for source in corpus.manifest.sources)
    assert entities == {"works": 3, "authors": 2, "institutions": 2, "sources": 2, "merged_ids": 2}
    names = [source.name for source in corpus.manifest.sources]
    assert not any(name.endswith("part_000") for name in names)
    assert corpus.rows("works") == 78
    # Two author entities, and authors whose ORCID a work states.
    with_orcid = corpus.read("authors").filter(pc.field("orcid").is_valid()).num_rows
    assert corpus.rows("authors") >= 2
    assert corpus.rows("authors") - with_orcid <= 2
    located = corpus.read("institutions")["lat"]
    assert located.null_count < len(located)
    assert verify(corpus.path).problems == []
