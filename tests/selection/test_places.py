"""Institutions, cities and blocs counted like countries, against plain-Python recounts.

The recounts put codes of places where works have countries, and pool them by hand; everything
that follows is the recount of countries.
"""

from __future__ import annotations

import copy
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import recount
import recount_mobility
from isthmus.corpus.countries import countries
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus, CorpusWriter, open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.errors import StudyError
from isthmus.ingest.ingest import ingest
from isthmus.ingest.openalex.definition import PLACEHOLDERS
from isthmus.leadership.country_year import Leaders
from isthmus.mobility.movers import Movers
from isthmus.poles.networks import citation, collaboration
from isthmus.selection.places import read_blocs
from isthmus.selection.study_tables import StudyTables
from isthmus.study import Study
from recount import Author, Work
from recount_mobility import Rules
from tiny import COUNTRIES, corpus_tables, random_works

YEARS = (2001, 2007)
BLOCS = "country,bloc\nDE,EU\nFR,EU\nBR,BRICS\nIN,BRICS\n"
TOLERANCE = 1e-9


def institution_of(author: Author, country: str) -> int | None:
    """Four institutions a country, of uneven size; the author's place decides; some unknown."""
    number = (author.id or 0) % 7
    return None if number == 6 else 4 * COUNTRIES.index(country) + min(number, 3) + 1


def city_of(institution: int) -> int | None:
    """City of an institution: two share one, every seventh has none."""
    return None if institution % 7 == 0 else 100 + institution // 2


def some_works() -> dict[int, Work]:
    """Random works on which nobody names a country twice, and so no institution."""
    works = random_works(seed=3)
    for work in works.values():
        for author in work.authors:
            author.countries = list(dict.fromkeys(author.countries))
    return works


def written(works: dict[int, Work], path: Path, *, cities: bool = True) -> Corpus:
    """Write random works as a corpus whose institutions have names, cities and positions."""
    tables = corpus_tables(works, institution_of)
    rows = [
        {"institution_id": i, "name": f"University {i}", "city": "Town", "city_id": city_of(i)}
        | {"lat": float(i), "lon": -float(i)}
        for i in range(1, 25)
    ]
    tables["institutions"] = pa.Table.from_pylist(rows, schema=TABLES["institutions"])
    with CorpusWriter(path, source="random") as writer:
        for name, table in tables.items():
            writer.write(name, table)
    return open_corpus(path)


def placed(
    works: dict[int, Work],
    place: Callable[[Author, str], tuple[str, str] | None],
    counted: set[int],
    least: float,
    named: set[str],
) -> dict[int, Work]:
    """Replace the countries of authors by places, the small ones of a country pooled.

    `place` gives the code of an affiliation and the country it lies in; `counted` are the
    works by which a place is large, `least` how many make it large.
    """
    people = [
        (work.id, author)
        for work in works.values()
        for author in {id(a): a for a in (*work.authors, *(work.places or ()))}.values()
    ]
    lies_in: dict[str, set[str]] = defaultdict(set)
    there: dict[str, set[int]] = defaultdict(set)
    found = []
    for work, author in people:
        places = [one for c in author.countries if (one := place(author, c)) is not None]
        found.append((author, places))
        for code, country in places:
            lies_in[code] |= {country} - {""}
            there[code] |= {work} & counted
    rest = {code: f"rest-{min(of)}" if of else "rest" for code, of in lies_in.items()}
    for author, places in found:
        author.countries = [
            code if code in named or len(there[code]) >= least else rest[code] for code, _ in places
        ]
    return works


def tables_of(
    corpus: Corpus, folder: Path, years: tuple[int, int], **sections: dict
) -> StudyTables:
    about = {"corpus": str(corpus.path), "years": list(years)}
    study = Study.parse({"study": about, **sections}, folder=folder)
    folder.mkdir(parents=True, exist_ok=True)
    return StudyTables(study, corpus, DuckDBEngine(threads=1), folder)


def assert_recounted(
    tables: StudyTables,
    works: dict[int, Work],
    in_field: set[int],
    dates: recount_mobility.Dates,
) -> None:
    """Compare output, impact, hits, scientists, networks and moves with a recount."""
    years, collect = tables.study.years, tables.engine.collect
    leaders = Leaders(tables)
    measured = {(r["year"], r["country"]): r for r in collect(leaders.country_year()).to_pylist()}
    expected = recount.country_year(works, in_field, years)
    assert set(measured) == set(expected)
    for key, row in expected.items():
        for name, value in row.items():
            assert (measured[key][name] or 0.0) == pytest.approx(value, abs=TOLERANCE), (key, name)
    together = collaboration(tables.field_in_years, tables.countries, tables.corpus["works"])
    pairs = recount.collaboration({i: works[i] for i in in_field}, years)
    found = {(r["year"], r["source"], r["target"]): r for r in collect(together).to_pylist()}
    assert {key: r["works_whole"] for key, r in found.items()} == {
        k: v[0] for k, v in pairs.items()
    }
    cited = tables.citations.filter(tables.citations.citing_year.between(*years))
    links = recount.citation(recount.counting_citations(works, in_field), years)
    found = {
        (r["year"], r["source"], r["target"]): r["citations_whole"]
        for r in collect(citation(cited, tables.countries)).to_pylist()
    }
    assert found == {key: whole for key, (whole, _) in links.items()}
    who = recount_mobility.scientists(works, in_field, years)
    stays = recount_mobility.histories(works, dates, who, years, set(), Rules())
    moves = recount_mobility.all_moves(stays, Rules())
    assert moves
    movers = Movers(tables, leaders.scientists, leaders.scientist_places)
    flows = Counter((m.year, m.origin, m.destination) for m in moves)
    rows = collect(movers.flows()).to_pylist()
    assert {(r["year"], r["origin"], r["destination"]): r["scientists"] for r in rows} == flows


def _bloc(_: Author, country: str) -> tuple[str, str]:
    blocs = {"DE": "EU", "FR": "EU", "BR": "BRICS", "IN": "BRICS"}
    return blocs.get(country, country), country


def _institution(author: Author, country: str) -> tuple[str, str] | None:
    number = institution_of(author, country)
    return None if number is None else (f"I{number}", country)


def _city(author: Author, country: str) -> tuple[str, str] | None:
    number = institution_of(author, country)
    city = None if number is None else city_of(number)
    return None if city is None else (f"G{city}", country)


@pytest.mark.parametrize(
    ("unit", "place", "poles", "smallest"),
    [
        ("institution", _institution, ["I1", "I5"], 4.0),
        ("city", _city, ["G100", "G102"], 3.0),
        ("bloc", _bloc, ["US", "EU"], 0.0),
    ],
)
def test_places_are_counted_as_a_recount_counts_them(
    tmp_path: Path, unit: str, place: Callable, poles: list[str], smallest: float
) -> None:
    works = some_works()
    corpus = written(works, tmp_path / "corpus")
    (tmp_path / "blocs.csv").write_text(BLOCS)
    groups = {"groups": "blocs.csv"} if unit == "bloc" else {"smallest": smallest}
    tables = tables_of(
        corpus,
        tmp_path,
        YEARS,
        field={"subfields": [1702]},
        countries={"poles": poles},
        places={"unit": unit, **groups},
    )
    in_field = {i for i, w in works.items() if 1702 in w.subfields}
    counted = {i for i in in_field if YEARS[0] <= works[i].year <= YEARS[1]}
    expected = placed(works, place, counted, smallest * 7, set(poles))
    assert_recounted(tables, expected, in_field, dict.fromkeys(works))
    rows = {row["country"]: row for row in tables.places().to_pylist()}
    assert set(rows) == {c for w in expected.values() for c in w.countries}
    for code, row in rows.items():
        inside = sum(code in expected[i].countries for i in counted)
        assert row["works"] == (None if row["kind"] == "rest" else inside)
        assert (row["pooled"] > 0) == code.startswith("rest")
    if unit != "bloc":
        assert any(code.startswith("rest-") for code in rows)
        assert sum(not code.startswith("rest") for code in rows) > len(poles)
        assert all(row["name"] for row in rows.values())
        assert rows[poles[0]]["latitude"] == 1.0
        assert rows[poles[0]]["of_country"] == "US"


Real = tuple[Corpus, dict[int, Work], recount_mobility.Dates]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Real:
    """Real works; records of institutions that say their (made up) cities are written here."""
    folder, source = tmp_path_factory.mktemp("real"), shared_data / "openalex-works/works.jsonl.gz"
    seen: set[int] = set()

    def placing(institution: int, country: str) -> str | None:
        if institution in PLACEHOLDERS["institutions"]:
            return None
        seen.add(institution)
        return f"{institution}|{country}"

    works = recount.read_openalex(source, set(countries()), placing)
    with gzip.open(folder / "institutions.jsonl.gz", "wt", encoding="utf-8") as lines:
        for one in sorted(seen):
            record = {"id": f"https://openalex.org/I{one}", "ror": f"https://ror.org/{one}"}
            geo = {"city": "Town", "geonames_city_id": made_up_city(one)}
            lines.write(json.dumps(record | {"display_name": f"U {one}", "geo": geo}) + "\n")
    corpus = ingest([source, folder / "institutions.jsonl.gz"], folder / "corpus", workers=1)
    kept = corpus.read("works", ["work_id", "date"]).to_pylist()
    dates = {row["work_id"]: row["date"] for row in kept}
    out = recount.excluded(source)
    return corpus, {i: w for i, w in works.items() if i in dates and i not in out}, dates


@pytest.mark.shared_data
@pytest.mark.parametrize("unit", ["institution", "city"])
def test_places_of_real_works_equal_a_recount(tmp_path: Path, real: Real, unit: str) -> None:
    corpus, works, dates = real
    works = copy.deepcopy(works)
    years = (1990, 2022)
    counted = {i for i, w in works.items() if years[0] <= w.year <= years[1]}

    def place(_: Author, said: str) -> tuple[str, str] | None:
        institution, _, country = said.partition("|")
        city = made_up_city(int(institution))
        if unit == "institution":
            return f"I{institution}", country
        return None if city is None else (f"G{city}", country)

    found = [place(a, c) for i in counted for a in works[i].authors for c in a.countries]
    largest = Counter(one[0] for one in found if one is not None)
    poles = [code for code, _ in largest.most_common(2)]
    tables = tables_of(
        corpus,
        tmp_path,
        years,
        countries={"poles": poles},
        places={"unit": unit, "smallest": 0.5},
    )
    expected = placed(works, place, counted, 0.5 * 33, set(poles))
    assert_recounted(tables, expected, set(works), dates)


def made_up_city(institution: int) -> int | None:
    """City of a real institution, made up: the records at hand do not say it."""
    return None if institution % 10 == 0 else 1 + institution % 400


def test_countries_in_no_bloc_stay_as_they_are(tmp_path: Path) -> None:
    """A file without a bloc gives the tables of countries, to the byte."""
    corpus = written(some_works(), tmp_path / "corpus")
    places = {"unit": "bloc", "groups": "blocs.csv"}
    usual = tables_of(corpus, tmp_path / "a", YEARS)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "blocs.csv").write_text("country,bloc\n")
    other = tables_of(corpus, tmp_path / "b", YEARS, places=places)
    for name in ("affiliations", "countries", "deciding"):
        rows = [one.engine.collect(getattr(one, name)) for one in (usual, other)]
        order = [(column, "ascending") for column in rows[0].column_names]
        assert rows[0].sort_by(order).equals(rows[1].sort_by(order)), name


@pytest.mark.parametrize(
    ("unit", "poles", "message"),
    [
        ("institution", ["I999"], r"`countries.poles` names I999.*Among those it has are I"),
        ("institution", ["I11", "I88"], r"names I88"),
        ("city", ["G7"], "as its city"),
    ],
)
def test_a_place_that_no_affiliation_has_is_refused(
    tmp_path: Path, unit: str, poles: list[str], message: str
) -> None:
    corpus = written(some_works(), tmp_path / "corpus")
    places = {"unit": unit}
    tables = tables_of(corpus, tmp_path, YEARS, countries={"poles": poles}, places=places)
    with pytest.raises(StudyError, match=message) as refused:
        _ = tables.affiliations
    assert "University" in str(refused.value) or "Town" in str(refused.value)


def test_a_corpus_without_cities_is_refused(tmp_path: Path) -> None:
    """Corpora of earlier versions lack the column."""
    corpus = written(some_works(), tmp_path / "corpus")
    part = corpus.parts("institutions")[0]
    pq.write_table(pq.read_table(part).drop_columns(["city", "city_id"]), part)
    assert corpus.read("institutions")["city"].null_count == 24
    poles = {"poles": ["G100"]}
    with pytest.raises(StudyError, match="made without cities"):
        _ = tables_of(
            corpus, tmp_path, YEARS, countries=poles, places={"unit": "city"}
        ).affiliations


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "Cannot read the blocs"),
        ("land,bloc\nDE,EU\n", "they need `country` and `bloc`"),
        ("country,bloc\nGermany,EU\n", "Line 2 .* 'Germany' is no ISO 3166"),
        ("country,bloc\nDE,EU\nDE,G7\n", "Line 3 .* DE is in EU already"),
        ("country,bloc\nDE,Europe\n", "capital letters and digits"),
        ("country,bloc\nDE,FR\n", "and no country"),
        ("country,bloc\nHK,EU\n", "folded into another country"),
    ],
)
def test_a_wrong_file_of_blocs_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "blocs.csv").write_text(text)
    about = {"corpus": "c", "years": list(YEARS)}
    countries = {"merge": {"CN": ["HK"]}}
    places = {"unit": "bloc", "groups": "blocs.csv"}
    document = {"study": about, "countries": countries, "places": places}
    with pytest.raises(StudyError, match=message):
        read_blocs(Study.parse(document, folder=tmp_path))
