"""The words of a study: names, articles, and when the papers' own sentences may stand."""

from __future__ import annotations

import pytest

from isthmus.selection.wording import UNTITLED, StudyWords, capital, joined, listed
from isthmus.study import About, Study


def words(poles: list[str], title: str = "Fossils", **field: object) -> StudyWords:
    study = {"corpus": "c", "years": [1998, 2021]}
    return StudyWords.of({"study": study, "countries": {"poles": poles}, "field": field}, title)


def test_poles_have_names_and_articles() -> None:
    found = words(["US", "CN", "IN"])
    assert found.names == ("US", "China", "India")
    assert (found.first, found.second) == ("the US", "China")
    assert found.the_poles == "the US, China and India"
    assert capital(found.first) == "The US"


def test_a_lone_pole_and_poles_that_are_no_countries_have_words() -> None:
    assert words(["FR"]).second == "the second pole"
    assert words([]).the_poles == "the poles"
    assert words(["Europe", "Asia"]).the_poles == "Europe and Asia"
    assert joined([]) == listed([]) == ""


def test_a_study_without_a_title_is_about_the_field() -> None:
    assert About(corpus="c", years=(2000, 2001)).title == UNTITLED
    assert words(["DE"], UNTITLED).field == "the field"
    assert words(["DE"]).field == "Fossils"


def test_years_make_a_label() -> None:
    assert words(["DE"]).span == "1998-2021"
    assert StudyWords.of({"study": {"years": [2000, 2000]}}, "").span == "2000"


@pytest.mark.parametrize(
    ("poles", "title", "field", "original"),
    [
        (["US", "CN"], "Global AI research", {}, True),
        (["US", "CN"], "Who leads artificial intelligence?", {}, True),
        (["US", "CN"], "A world", {"subfields": ["https://openalex.org/subfields/1702"]}, True),
        (["US", "CN"], "A world", {"concepts": [{"id": "C154945302", "min_score": 0.3}]}, True),
        (["US", "CN"], "A world", {"mag_fos": [154945302]}, True),
        (["US", "CN"], "Fossils", {}, False),
        (["US", "CN"], "Fossils of Thailand, Air and Spain", {"subfields": [1911]}, False),
        (["CN", "US"], "AI", {"subfields": [1702]}, False),
        (["DE", "IN"], "AI", {"subfields": [1702]}, False),
        (["US", "CN", "IN"], "AI", {"subfields": [1702]}, False),
    ],
)
def test_the_papers_speak_only_of_the_us_china_and_ai(
    poles: list[str], title: str, field: dict[str, object], original: bool
) -> None:
    assert words(poles, title, **field).is_original_study is original


def test_settings_of_a_parsed_study_are_read() -> None:
    study = Study.parse(
        {
            "study": {"corpus": "c", "years": [1998, 2021], "title": "AI"},
            "field": {"concepts": [{"id": 154945302}]},
        }
    )
    found = StudyWords.of_record({"settings": study.settings(), "title": study.study.title})
    assert found.is_original_study
    assert found.years == (1998, 2021)
