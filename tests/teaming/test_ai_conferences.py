"""Papers of AI conferences, whose authors are names and whose citations are stated, not linked.

What must come out is counted here from the source lines again. The conversion is a script of
its own; the rest is the usual way from ingest to tables.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from isthmus import ingest, run
from isthmus.results import Results
from isthmus.study import Study

YEARS = (2015, 2025)
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "convert-paperlists.py"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("convert_paperlists", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def a_paper(identifier: str, cited: int | None, *names: tuple[str, str]) -> dict[str, Any]:
    return {
        "id": identifier,
        "title": identifier,
        "publication_year": 2020,
        "type": "article",
        "primary_location": {"source": {"id": "S-PL-x", "display_name": "X"}},
        "authorships": [
            {
                "author_position": "first",
                "author": {"id": f"A-PL{number:06}", "display_name": "A"},
                "institutions": [{"id": None, "display_name": name, "country_code": country}],
                "countries": [country],
            }
            for number, (name, country) in enumerate(names)
        ],
        "cited_by_count": cited,
    }


def test_conversion_numbers_names_and_knows_what_is_unknown() -> None:
    papers = [
        a_paper("b", -1, ("Univ. of X", "US"), ("univ of  x", "US")),
        a_paper("a", 4, ("Univ of X", "CA"), ("", "US")),
    ]
    records = script().convert(sorted(papers, key=lambda paper: paper["id"]))
    assert [record["id"][-2:] for record in records] == ["W1", "W2"]
    assert [record["cited_by_count"] for record in records] == [4, None]
    places = [[entry["institutions"][0]["id"] for entry in r["authorships"]] for r in records]
    assert places == [["I1", None], ["I2", "I2"]]


@pytest.fixture(scope="module")
def results(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A run on the papers; lines are read once, as a repeated line is one paper."""
    folder = tmp_path_factory.mktemp("conferences")
    converter = script()
    works = converter.convert(
        converter.read(shared_data / "ai-conferences" / "papers_openalex_like.jsonl.gz")
    )
    with gzip.open(folder / "works.jsonl.gz", "wt", compresslevel=1) as stream:
        stream.writelines(json.dumps(work) + "\n" for work in works)
    ingest([folder / "works.jsonl.gz"], folder / "corpus", workers=1)
    study = {
        "study": {"corpus": str(folder / "corpus"), "years": list(YEARS)},
        "teaming": {"outcome": "cited_by_count", "draws": 200},
        "mobility": {"max_countries": 2, "draws": 200},
        "poles": {"placebo_replays": 0, "min_works": 200, "n_init": 1},
    }
    return run(Study.parse(study), folder / "results")


@pytest.fixture(scope="module")
def papers(shared_data: Path) -> list[dict[str, Any]]:
    path = shared_data / "ai-conferences" / "papers_openalex_like.jsonl.gz"
    with gzip.open(path, "rt") as stream:
        found = {json.loads(line)["id"]: json.loads(line) for line in stream}
    first, last = YEARS
    return [p for p in found.values() if first <= p["publication_year"] <= last]


def countries_of(entry: dict[str, Any]) -> set[str]:
    known = {i["country_code"] for i in entry["institutions"]} | set(entry["countries"] or ())
    return {country for country in known if country}


@pytest.mark.slow
@pytest.mark.shared_data
def test_premium_of_the_poles_comes_with_counts_and_balance(results, papers) -> None:
    rows = {r["experiment"]: r for r in results.table("matched").to_pylist() if r["year"] is None}
    assert {name for name in rows if name.startswith("joint:")} == {
        "joint:US+CN", "joint:US+CN:international", "joint:CN+US", "joint:CN+US:international"
    }  # fmt: skip
    for lead, partner in (("US", "CN"), ("CN", "US")):
        row = rows[f"joint:{lead}+{partner}"]
        treated = control = 0
        for paper in papers:
            signed = paper["authorships"]
            if paper["cited_by_count"] is None or not signed:
                continue
            if lead in countries_of(signed[-1]):
                joint = any(partner in countries_of(entry) for entry in signed)
                treated, control = treated + joint, control + (not joint)
        assert row["treated"] == pytest.approx(treated, abs=3)  # one author null, some repeated
        assert row["control"] == pytest.approx(control, abs=3)
        assert 100 < row["treated_matched"] < row["treated"]
        assert row["l1_after"] < row["l1_before"]
        assert row["ci_low"] < row["effect_percent"] < row["ci_high"]
        balance = {
            r["covariate"]: r
            for r in results.table("balance").to_pylist()
            if r["experiment"] == row["experiment"] and r["year"] is None
        }
        assert abs(balance["team_size"]["after"]) < 0.05 < balance["team_size"]["before"]
        assert abs(balance["institution"]["after"]) < 1e-9
    coverage = results.table("coverage").to_pylist()
    assert all(r["share_with_references"] == 0 for r in coverage if r["country"] == "all")


@pytest.mark.slow
@pytest.mark.shared_data
def test_namesakes_are_listed_and_do_not_move(results, papers) -> None:
    places: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for paper in papers:
        for entry in paper["authorships"]:
            author = int(entry["author"]["id"].removeprefix("A-PL"))
            places[author][paper["publication_year"]] |= countries_of(entry)
    many = {a for a, years in places.items() if max(map(len, years.values())) > 2}
    listed = {r["author_id"]: r for r in results.table("set_aside").to_pylist()}
    assert len(listed) > 50
    assert set(listed) <= many  # those with three papers or more are scientists
    assert all(r["most_countries"] > 2 for r in listed.values())
    movers = set(results.table("moves")["author_id"].to_pylist())
    assert len(movers) > 500
    assert not movers & many
    flows = {(r["origin"], r["destination"]): r for r in results.table("flow_totals").to_pylist()}
    assert flows["CN", "US"]["scientists"] > 100
    assert flows["US", "CN"]["scientists"] > 100
