"""Microsoft Academic Graph dumps: against the same world as OpenAlex files, and by hand.

Tolerances: none; counts and fractions of both forms of a world must be equal.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from isthmus.corpus.store import Corpus
from isthmus.corpus.verify import verify
from isthmus.errors import SourceError, TargetError
from isthmus.files import sole_writer
from isthmus.ingest.ingest import ingest
from isthmus.ingest.mag.dump import read_mag
from isthmus.ingest.mag.dump_files import LAYOUTS, is_mag
from isthmus.pipeline import runner
from isthmus.pipeline.runner import run
from isthmus.pipeline.steps import STEPS
from isthmus.report.methods import methods_text
from isthmus.report.pages import coverage_page
from isthmus.report.source import Source
from isthmus.simulation.settings import planted_world
from isthmus.simulation.simulate import simulate
from isthmus.study import Study

SETTINGS = planted_world(1_000, 11, n_countries=12)
AI = 154945302

#: Number of columns of each table in a dump of 2021.
NEWEST = {
    "Papers": 26,
    "PaperAuthorAffiliations": 6,
    "PaperReferences": 2,
    "PaperFieldsOfStudy": 4,
    "Affiliations": 14,
    "Journals": 11,
    "ConferenceInstances": 18,
    "Authors": 9,
}

Row = Mapping[str, object]


def line(name: str, row: Row, n_columns: int | None = None) -> bytes:
    columns = LAYOUTS[name][n_columns or NEWEST[name]]
    assert set(row) <= set(columns)
    return "\t".join(str(row.get(c or "", "")) for c in columns).encode() + b"\r\n"


def dump(folder: Path, tables: Mapping[str, Sequence[Row | bytes]], **columns: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Papers", "PaperAuthorAffiliations", "Affiliations", *tables):
        rows = tables.get(name, ())
        lines = [r if isinstance(r, bytes) else line(name, r, columns.get(name)) for r in rows]
        (folder / f"{name}.txt").write_bytes(b"".join(lines))
    return folder


def paper(number: object, **more: object) -> dict[str, object]:
    return {
        "PaperId": number,
        "DocType": "Journal",
        "PaperTitle": "a title",
        "OriginalTitle": f'A "Title" {number}',
        "Year": 2010,
        "Date": "2010-05-17",
        "JournalId": 7,
        "CitationCount": 3,
        "Doi": "10.1/ABC",
        "CreatedDate": "2016-06-24",
        **more,
    }


def signed(work: object, author: object, place: object, institution: object = "") -> Row:
    return {
        "PaperId": work,
        "AuthorId": author,
        "AuthorSequenceNumber": place,
        "AffiliationId": institution,
    }


def institution(number: object, lat: object = "", lon: object = "", **more: object) -> Row:
    return {"AffiliationId": number, "DisplayName": f"I{number}", "Latitude": lat} | {
        "Longitude": lon,
        **more,
    }


def column(corpus: Corpus, table: str, *names: str) -> list[tuple[object, ...]]:
    rows = corpus.read(table).to_pylist()
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.slow
@pytest.mark.usefixtures("counts_only")
def test_a_world_as_dump_and_as_openalex_files_gives_the_same_tables(tmp_path: Path) -> None:
    results = {}
    for form, field in (("mag", {"mag_fos": [AI]}), ("openalex", {"concepts": [AI]})):
        simulate(SETTINGS, tmp_path / form, as_=form)
        source = tmp_path / form / ("mag" if form == "mag" else "data")
        corpus = ingest([source], tmp_path / f"corpus-{form}")
        assert verify(corpus.path).problems == []
        assert corpus.manifest.rejected == {}
        sections = {
            "study": {"corpus": str(corpus.path), "years": [2000, 2021]},
            "field": field,
        }
        results[form] = run(Study.parse(sections), tmp_path / f"results-{form}")
    for name in ("country_year", "collaboration", "citation"):
        mag, openalex = (results[form].table(name) for form in ("mag", "openalex"))
        assert mag.num_rows > 0
        keys = [(key, "ascending") for key in mag.column_names if key in KEYS]
        assert mag.sort_by(keys).equals(openalex.sort_by(keys)), name


KEYS = ("year", "country", "source", "target")


def test_every_column_goes_where_it_belongs(tmp_path: Path) -> None:
    folder = dump(
        tmp_path / "mag",
        {
            "Papers": [
                paper(2, ConferenceSeriesId=40, ConferenceInstanceId=41, JournalId=""),
                paper(1, DocType="Thesis", Date="", Doi=""),
                paper(3, DocType="", OriginalTitle="", ConferenceInstanceId=42, JournalId=""),
            ],
            "PaperAuthorAffiliations": [
                signed(1, 11, 2, 100),
                signed(1, 10, 1, 101),
                signed(1, 10, 1, 100),
                signed(2, 10, 1),
            ],
            "PaperReferences": [{"PaperId": 2, "PaperReferenceId": 1}],
            "PaperFieldsOfStudy": [{"PaperId": 1, "FieldOfStudyId": AI, "Score": "0.5"}],
            "Affiliations": [institution(100, 52.5, 13.4), institution(101, 48.85, 2.35)],
            "Journals": [{"JournalId": 7, "DisplayName": "J", "Issn": "1234-5678"}],
            "ConferenceInstances": [
                {"ConferenceInstanceId": 41, "DisplayName": "C 2010", "ConferenceSeriesId": 40},
                {"ConferenceInstanceId": 42, "DisplayName": "D 2010"},
            ],
            "Authors": [{"AuthorId": 10, "DisplayName": "Ada", "PaperCount": 9}],
        },
    )
    corpus = read_mag(folder, tmp_path / "corpus")
    assert verify(corpus.path).problems == []
    assert corpus.manifest.source == "mag"
    assert corpus.manifest.release == "until 2016-06-24"
    assert corpus.manifest.notes["newest_year"] == 2010
    assert corpus.manifest.notes["last_year"] == 2016
    assert column(corpus, "works", "work_id", "type", "venue_id", "title", "doi", "n_authors") == [
        (1, "dissertation", 7, 'A "Title" 1', None, 2),
        (2, "article", 40, 'A "Title" 2', "https://doi.org/10.1/abc", 1),
        (3, None, 42, "a title", "https://doi.org/10.1/abc", 0),
    ]
    assert column(corpus, "authorships", "work_id", "position", "is_last", "author_id") == [
        (1, 0, False, 10),
        (1, 1, True, 11),
        (2, 0, True, 10),
    ]
    assert column(corpus, "affiliations", "work_id", "position", "institution_id", "country") == [
        (1, 0, 100, "DE"),
        (1, 0, 101, "FR"),
        (1, 1, 100, "DE"),
    ]
    assert column(corpus, "references", "citing_id", "cited_id") == [(2, 1)]
    assert column(corpus, "subjects", "work_id", "scheme", "subject_id") == [(1, "mag_fos", AI)]
    assert column(corpus, "venues", "venue_id", "name", "type", "issn_l") == [
        (7, "J", "journal", "1234-5678"),
        (40, "C 2010", "conference", None),
        (42, "D 2010", "conference", None),
    ]
    assert column(corpus, "authors", "author_id", "name", "works_count") == [(10, "Ada", 9)]


def test_country_by_table_then_code_then_place(tmp_path: Path) -> None:
    berlin = {"lat": 52.5, "lon": 13.4}
    folder = dump(
        tmp_path / "mag",
        {
            "Papers": [paper(1)],
            "PaperAuthorAffiliations": [signed(1, n, n, 100 + n) for n in range(1, 6)],
            "Affiliations": [
                institution(101, **berlin, GridId="grid.1.1", Iso3166Code="CN"),
                institution(102, **berlin, GridId="grid.2.2", Iso3166Code="CN"),
                institution(103, **berlin),
                institution(104, GridId="grid.4.4", Iso3166Code="??"),
                institution(105, 0.0, -30.0),
            ],
        },
    )
    table = tmp_path / "grid.csv"
    table.write_text("grid,country\nGRID.1.1,us\ngrid.9.9,FR\n")
    corpus = ingest([folder], tmp_path / "corpus", institutions=table)
    found = column(corpus, "institutions", "institution_id", "country")
    assert found == [(101, "US"), (102, "CN"), (103, "DE"), (104, None), (105, None)]
    notes = corpus.manifest.notes
    assert [notes[f"country_from_{way}"] for way in ("table", "code", "place")] == [1, 1, 1]
    assert notes["institution_without_country"] == 2
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("id,land\n1,2\n")
    with pytest.raises(SourceError, match="needs `grid` and `country`"):
        read_mag(folder, tmp_path / "other", institutions=wrong)


def test_bad_lines_are_counted_and_never_lost(tmp_path: Path) -> None:
    bad = [
        *(
            paper("x"),
            paper(""),
            paper(2, Year=""),
            paper(3, Year=1066),
            paper(4, DocType="Patent"),
        ),
        paper(5, CreatedDate="2015-01-01", Year=2001),
        line("Papers", paper(6)).replace(b"title", b"\xff\xfe"),
        b"\r\n",
        b"7\t\t\t\r\n",
    ]
    folder = dump(
        tmp_path / "mag",
        {
            "Papers": [paper(1), *bad, paper(5), paper(8, Date="soon")],
            "PaperAuthorAffiliations": [
                signed(1, "", 1, 100),
                signed(1, 10, 2),
                signed(1, 10, 3, 100),
                signed(4, 10, 1, 100),
                signed("y", 10, 1, 100),
            ],
            "PaperReferences": [
                {"PaperId": 1, "PaperReferenceId": cited} for cited in (1, 5, 5, "z", 99)
            ],
            "PaperFieldsOfStudy": [
                {"PaperId": 1, "FieldOfStudyId": "?", "Score": "high"},
                {"PaperId": 1, "FieldOfStudyId": 3, "Score": "high"},
            ],
            "Affiliations": [institution(100), institution("none"), institution(100)],
        },
    )
    corpus = read_mag(folder, tmp_path / "corpus")
    assert verify(corpus.path).problems == []
    assert column(corpus, "works", "work_id", "year") == [(1, 2010), (5, 2010), (8, 2010)]
    assert corpus.manifest.rejected == {
        "line_unreadable": 1,
        "no_id": 3,
        "no_year": 2,
        "patent": 1,
        "year_impossible": 1,
    }
    notes = corpus.manifest.notes
    assert (notes["duplicate_work"], notes["duplicate_entity"]) == (1, 1)
    assert corpus.manifest.set_aside == {
        "author_null": 1,
        "date_unreadable": 1,
        "reference_repeated": 1,
        "reference_unreadable": 1,
        "self_reference": 1,
        "subject_unreadable": 1,
    }
    assert column(corpus, "references", "citing_id", "cited_id") == [(1, 5), (1, 99)]
    assert column(corpus, "subjects", "subject_id", "score") == [(3, None)]
    assert column(corpus, "authorships", "position", "is_last", "author_id") == [
        (0, False, None),
        (1, False, 10),
        (2, True, 10),
    ]
    assert corpus.read("works")["n_authors"].to_pylist() == [2, 0, 0]
    assert column(corpus, "affiliations", "position", "institution_id") == [(0, 100), (2, 100)]


@pytest.mark.parametrize("columns", sorted(LAYOUTS["Papers"]))
def test_every_layout_of_papers_is_read(tmp_path: Path, columns: int) -> None:
    folder = dump(tmp_path / "mag", {"Papers": [paper(1)]}, Papers=columns)
    corpus = read_mag(folder, tmp_path / "corpus")
    (work,) = corpus.read("works").to_pylist()
    assert (work["venue_id"], work["cited_by_count"], work["year"]) == (7, 3, 2010)
    assert corpus.manifest.release == "until 2016-06-24"


@pytest.mark.parametrize("columns", sorted(LAYOUTS["Affiliations"]))
def test_every_layout_of_affiliations_is_read(tmp_path: Path, columns: int) -> None:
    known = {"AffiliationId": 5, "DisplayName": "I5"}
    if columns > 10:
        known |= {"Latitude": 52.5, "Longitude": 13.4}
    folder = dump(tmp_path / "mag", {"Affiliations": [known]}, Affiliations=columns)
    corpus = read_mag(folder, tmp_path / "corpus")
    country = "DE" if columns > 10 else None
    assert column(corpus, "institutions", "institution_id", "country") == [(5, country)]


def test_order_of_lines_and_compression_do_not_matter(tmp_path: Path) -> None:
    simulate(SETTINGS, tmp_path / "world", as_="mag")
    plain = tmp_path / "world" / "mag"
    first = read_mag(plain, tmp_path / "first")
    rng = random.Random(1)
    for file in sorted(plain.rglob("*.txt")):
        lines = file.read_bytes().splitlines(keepends=True)
        rng.shuffle(lines)
        target = tmp_path / "mixed" / file.relative_to(plain)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.with_suffix(".txt.gz").write_bytes(gzip.compress(b"".join(lines)))
    assert is_mag(tmp_path / "mixed")
    assert read_mag(tmp_path / "mixed", tmp_path / "second").hash == first.hash


def test_a_dump_ends_with_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few works are announced for years to come; they do not prolong the citation windows."""
    few = [step for step in STEPS if step.name in ("field", "coverage", "leadership")]
    monkeypatch.setattr(runner, "STEPS", few)
    years = dict(enumerate([2017, 2018, 2019, 2020, 2021, 2022], 1))
    folder = dump(
        tmp_path / "mag",
        {
            "Papers": [paper(n, Year=y, CreatedDate="2021-12-06") for n, y in years.items()],
            "PaperAuthorAffiliations": [
                signed(n, 10 + place, place + 1, 100 + place) for n in years for place in (0, 1)
            ],
            "Affiliations": [institution(100, 52.5, 13.4), institution(101, 48.85, 2.35)],
            "PaperReferences": [{"PaperId": n, "PaperReferenceId": n % 6 + 1} for n in years],
        },
    )
    corpus = read_mag(folder, tmp_path / "corpus")
    notes = corpus.manifest.notes
    assert (notes["last_year"], notes["newest_year"]) == (2021, 2022)
    study = Study.parse({"study": {"corpus": str(corpus.path), "years": [2017, 2023]}})
    results = run(study, tmp_path / "results", warn=lambda _: None)
    assert results.record["steps"]["coverage"]["notes"]["source_end"] == 2021
    assert results.record["steps"]["leadership"]["notes"]["corpus_end"] == 2021
    rows = results.table("country_year").to_pylist()
    known = {row["year"] for row in rows if row["c2_mean"] is not None}
    assert known == {2017, 2018, 2019}
    said = "Microsoft Academic Graph, which ended in 2021. 2021 is incomplete and later years are "
    said += "not covered: of this study 2022 to 2023."
    assert said in methods_text(Source(results))
    assert said in coverage_page(Source(results)).intro


def test_unusable_folders_are_refused_with_a_sentence(tmp_path: Path) -> None:
    folder = dump(tmp_path / "mag", {"Papers": [paper(1)]})
    assert is_mag(folder)
    (folder / "Affiliations.txt").unlink()
    with pytest.raises(SourceError, match=r"lacks Affiliations\.txt"):
        read_mag(folder, tmp_path / "corpus")
    dump(folder, {"Papers": [b"PaperId,Rank\r\n"]})
    with pytest.raises(SourceError, match=r"has 1 columns; Papers was published with 22"):
        read_mag(folder, tmp_path / "corpus")
    with pytest.raises(SourceError, match="ingested alone"):
        ingest([folder, folder], tmp_path / "corpus")
    assert not (tmp_path / "corpus" / "manifest.json").exists()


def test_an_empty_dump_is_an_empty_corpus(tmp_path: Path) -> None:
    corpus = read_mag(dump(tmp_path / "mag", {}), tmp_path / "corpus")
    assert corpus.rows("works") == 0
    assert corpus.manifest.release is None
    assert verify(corpus.path).problems == []


def test_finished_and_foreign_and_busy_targets(tmp_path: Path) -> None:
    folder = dump(tmp_path / "mag", {"Papers": [paper(1)]})
    first = read_mag(folder, tmp_path / "corpus")
    assert read_mag(folder, tmp_path / "corpus").hash == first.hash
    other = dump(tmp_path / "other", {"Papers": [paper(1), paper(2)]})
    with pytest.raises(TargetError, match="already holds a finished corpus"):
        read_mag(other, tmp_path / "corpus")
    with (
        sole_writer(tmp_path / "busy", "writing"),
        pytest.raises(TargetError, match="Another process is writing"),
    ):
        read_mag(folder, tmp_path / "busy")
