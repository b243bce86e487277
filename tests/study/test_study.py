"""The study file: read as written, refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from isthmus.errors import StudyError
from isthmus.study import (
    Concept,
    Countries,
    Field,
    Impact,
    Mobility,
    OwnClaim,
    Run,
    Study,
    entity_id,
)
from isthmus.study.sections import Poles

ABOUT = {"corpus": "corpus", "years": [2000, 2021]}

OTHER = {"file": "a.csv", "counting": "whole"}

SHOCK = {"year": 2018, "pairs": [["US", "CN"]]}

FULL = """
[study]
title = "Global AI research"
corpus = "corpus"
years = [2000, 2021]

[field]
subfields = [1702]
concepts = ["C154945302", { id = 41008148, min_score = 0.3 }]
include_citing = true

[countries]
poles = ["US", "CN"]
attribution = "last_author"
merge = { CN = ["HK", "MO"] }
blocs = { EU27 = ["DE", "FR"] }

[impact]
window = 2
hit_percent = 1

[poles]
null_models = ["multiedge", "ecm"]
min_works = 50
archetypes = 4

[run]
seed = 1
engine = "duckdb"
"""


def test_a_full_study_is_read(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(FULL)
    study = Study.load(path)
    assert study.years == (2000, 2021)
    assert study.field.concepts == ("C154945302", Concept(id=41008148, min_score=0.3))
    assert study.countries.merge == {"CN": ("HK", "MO")}
    assert study.path(study.study.corpus) == (tmp_path / "corpus").resolve()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"study": {**ABOUT, "yaers": 1}}, "did you mean `years`"),
        ({"study": ABOUT, "poels": {}}, "did you mean `poles`"),
        ({"study": ABOUT, "field": {"subfield": [1]}}, "Allowed: concepts, core, exclude, fields"),
        ({"study": {"corpus": "c"}}, "missing required field `years`"),
        ({"study": {"corpus": "c", "years": [2021, 2000]}}, "in order"),
        ({"study": {"corpus": "c", "years": [2000]}}, "years"),
        ({"study": ABOUT, "countries": {"attribution": "seventh"}}, "attribution"),
        ({"study": ABOUT, "countries": {"poles": ["USA", "CN"]}}, "ISO 3166"),
        ({"study": ABOUT, "countries": {"poles": ["US", "US"]}}, "different countries"),
        ({"study": ABOUT, "countries": {"merge": {"CN": ["HK"], "TW": ["HK"]}}}, "folded"),
        ({"study": ABOUT, "countries": {"merge": {"GB": ["US"]}}}, "not folded into another"),
        ({"study": ABOUT, "countries": {"blocs": {"EU": ["DE"]}}}, "three letters"),
        ({"study": ABOUT, "places": {"unit": "town"}}, "places.unit"),
        ({"study": ABOUT, "places": {"unit": "bloc"}}, "CSV file with the columns `country`"),
        ({"study": ABOUT, "places": {"groups": "b.csv"}}, "`unit` is no bloc"),
        ({"study": ABOUT, "places": {"smallest": -1}}, "0 or more works a year"),
        (
            {"study": ABOUT, "places": {"unit": "institution"}},
            "`countries.poles` is 'US'.*I136199984",
        ),
        ({"study": ABOUT, "places": {"unit": "city"}}, "GeoNames id"),
        (
            {
                "study": ABOUT,
                "countries": {"poles": ["I1"]},
                "places": {"unit": "institution"},
                "mobility": {"pairs": [["I1", "US"]]},
            },
            "`mobility.pairs` is 'US'",
        ),
        (
            {
                "study": ABOUT,
                "places": {"unit": "bloc", "groups": "b.csv"},
                "comparisons": {"A": OTHER},
            },
            "tables of others are of countries",
        ),
        ({"study": ABOUT, "impact": {"window": -1}}, "0 to 50"),
        ({"study": ABOUT, "impact": {"hit_percent": 0}}, "above 0"),
        ({"study": ABOUT, "scientists": {"min_works": 0}}, "`scientists.min_works` is 0"),
        ({"study": ABOUT, "mobility": {"view": "both"}}, "mobility.view"),
        ({"study": ABOUT, "mobility": {"min_stay_years": 0}}, "`mobility.min_stay_years` is 0"),
        ({"study": ABOUT, "mobility": {"max_gap_years": 0}}, "`mobility.max_gap_years` is 0"),
        ({"study": ABOUT, "mobility": {"output_cuts": [4, 2]}}, "rising order"),
        ({"study": ABOUT, "mobility": {"pairs": [["US", "US"]]}}, "two different countries"),
        ({"study": ABOUT, "mobility": {"pairs": [["US", "China"]]}}, "ISO 3166"),
        ({"study": ABOUT, "novelty": {"percentile": 101}}, "`novelty.percentile` is 101"),
        ({"study": ABOUT, "novelty": {"hit_percent": 0}}, "`novelty.hit_percent` is 0"),
        ({"study": ABOUT, "novelty": {"min_references": 1}}, "two references make a pair"),
        ({"study": ABOUT, "novelty": {"max_references": 1}}, "`novelty.max_references` is 1"),
        ({"study": ABOUT, "novelty": {"percentil": 5}}, "did you mean `percentile`"),
        ({"study": ABOUT, "run": {"pair_memory_mb": 0}}, "`run.pair_memory_mb` is 0"),
        ({"study": ABOUT, "poles": {"null_models": []}}, "at least one null model"),
        ({"study": ABOUT, "field": {"exclude": ["xpacs"]}}, "among retracted, paratext, xpac"),
        ({"study": ABOUT, "field": {"types": ["Article"]}}, "like book-chapter"),
        ({"study": ABOUT, "field": {"languages": ["English"]}}, "like en"),
        ({"study": ABOUT, "field": {"concepts": ["AI"]}}, "not an identifier"),
        ({"study": ABOUT, "run": {"seed": -1}}, "0 or more"),
        ({"study": ABOUT, "run": 3}, "must be a table"),
        ({"study": ABOUT, "comparisons": {"file": "a.csv"}}, r"write \[comparisons\.NAME\]"),
        ({"study": ABOUT, "comparisons": [OTHER]}, r"write \[comparisons\.NAME\]"),
        ({"study": ABOUT, "comparisons": {"A": {"file": "a.csv"}}}, "missing required field `coun"),
        ({"study": ABOUT, "comparisons": {"A": {**OTHER, "yaer": "y"}}}, "did you mean `year`"),
        ({"study": ABOUT, "comparisons": {"A": {**OTHER, "counting": "half"}}}, "counting"),
        ({"study": ABOUT, "comparisons": {"A": {**OTHER, "value": "year"}}}, "different columns"),
        ({"study": ABOUT, "comparisons": {"A": {**OTHER, "file": ""}}}, "the name of a file"),
        (
            {"study": ABOUT, "shocks": {"A": {**SHOCK, "year": 2001}}},
            r"shocks\.A\.year.*2002 to 2021",
        ),
        ({"study": ABOUT, "shocks": {"A": {**SHOCK, "year": 2022}}}, r"shocks\.A\.year` is 2022"),
        ({"study": ABOUT, "shocks": {"A": {**SHOCK, "window": 1}}}, r"shocks\.A\.window` is 1"),
        ({"study": ABOUT, "shocks": {"A": {**SHOCK, "pairs": []}}}, "at least one pair"),
        ({"study": ABOUT, "shocks": {"A": {**SHOCK, "pairs": [["US", "us"]]}}}, "alpha-2"),
        ({"study": ABOUT, "shocks": {"A": {**SHOCK, "pairs": [["US", "US"]]}}}, "two different"),
        (
            {"study": ABOUT, "shocks": {"A": {**SHOCK, "pairs": [["US", "CN"], ["CN", "US"]]}}},
            "each pair once",
        ),
        ({"study": ABOUT, "shocks": {"A": {**SHOCK, "movers": "yes"}}}, "Expected `bool`"),
        ({"study": ABOUT, "shocks": {"A": {**SHOCK, "premiums": True}}}, "did you mean `premium`"),
        ({"study": ABOUT, "shocks": SHOCK}, r"write \[shocks\.NAME\]"),
    ],
)
def test_a_wrong_study_is_refused_with_a_reason(document: dict, message: str) -> None:
    with pytest.raises(StudyError, match=message) as caught:
        Study.parse(document)
    assert str(caught.value).endswith(".")


def test_missing_and_broken_files_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no study file at"):
        Study.load(tmp_path / "absent.toml")
    (tmp_path / "broken.toml").write_text("[study\n")
    with pytest.raises(StudyError, match="not valid TOML"):
        Study.load(tmp_path / "broken.toml")
    with pytest.raises(StudyError, match="Cannot read"):
        Study.load(tmp_path)


def test_the_fingerprint_follows_what_changes_numbers(tmp_path: Path) -> None:
    study = Study.parse({"study": ABOUT})
    assert study.with_run(memory="1GB", threads=1).fingerprint() == study.fingerprint()
    assert study.with_run(seed=2).fingerprint() != study.fingerprint()
    other = Study.parse({"study": ABOUT, "impact": {"window": 3}})
    assert other.fingerprint() != study.fingerprint()
    shocked = Study.parse({"study": ABOUT, "shocks": {"A": SHOCK}})
    assert shocked.shocks["A"].window == 5
    assert shocked.fingerprint() != study.fingerprint()
    (tmp_path / "ids.txt").write_text("W1\nW2\n")
    listed = Study.parse({"study": ABOUT, "field": {"works": "ids.txt"}}, folder=tmp_path)
    before = listed.fingerprint()
    (tmp_path / "ids.txt").write_text("W1\n")
    assert listed.fingerprint() != before
    (tmp_path / "a.csv").write_text("year,country,value\n")
    compared = Study.parse({"study": ABOUT, "comparisons": {"A": OTHER}}, folder=tmp_path)
    before = compared.fingerprint()
    assert before != study.fingerprint()
    (tmp_path / "a.csv").write_text("year,country,value\n2001,US,3\n")
    assert compared.fingerprint() != before


@pytest.mark.parametrize(
    ("text", "number"),
    [("https://openalex.org/subfields/1702", 1702), ("W2741809807", 2741809807), ("17", 17)],
)
def test_entity_ids(text: str, number: int) -> None:
    assert entity_id(text) == number


def test_novelty_s_settings_change_results_and_its_memory_does_not() -> None:
    plain = Study.parse({"study": ABOUT})
    assert plain.settings()["novelty"] == {
        "percentile": 10.0,
        "hit_percent": 1.0,
        "min_references": 2,
        "max_references": 2000,
        "merge_issn_l": True,
    }
    other = Study.parse({"study": ABOUT, "novelty": {"merge_issn_l": False}})
    assert other.fingerprint() != plain.fingerprint()
    assert plain.with_run(pair_memory_mb=5).fingerprint() == plain.fingerprint()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Impact(window=-5), "`impact.window` is -5; it must be 0 to 50 years."),
        (lambda: Run(engine="nope"), "Invalid enum value 'nope' at `run.engine`"),
        (lambda: Poles(null_models=("x",)), "`poles.null_models` is"),
        (lambda: Poles(flat_change={"z": "much"}), r"at `poles.flat_change\[...\]`"),
        (lambda: Study(study=ABOUT, countries=Countries(poles=["USA"])), "ISO 3166"),
        (lambda: Mobility(pairs=[["US", "US"]]), "two different countries"),
        (lambda: Field(concepts=["AI"]), "not an identifier"),
        (lambda: OwnClaim(statement="s", table="t", column="c"), "given `above`"),
        (lambda: msgspec.structs.replace(Run(), seed=-1), "0 or more"),
        (lambda: Study.parse({"study": ABOUT}).with_run(engine="nope"), "run.engine"),
        (lambda: Study(study={"corpus": "c", "years": [2020, 2000]}), "in order"),
        (lambda: Study(study="corpus"), "at `study`"),
    ],
)
def test_sections_made_in_python_are_checked_too(make: Callable[[], object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make()


def test_lists_become_what_the_section_holds() -> None:
    assert Mobility(pairs=[["US", "CN"]]).pairs == (("US", "CN"),)


def test_an_entry_is_named_as_the_user_named_it() -> None:
    claim = {"statement": "s", "table": "t", "column": "c"}
    with pytest.raises(StudyError, match=r"`claims\.mine` is 's'"):
        Study.parse({"study": ABOUT, "claims": {"mine": claim}})
