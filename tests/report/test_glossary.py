from __future__ import annotations

import re

from isthmus.report.glossary import metric
from isthmus.report.methods import methods_text
from isthmus.report.pages import pages
from isthmus.report.source import Source

SETTINGS = {"countries": {"attribution": "first_author"}}


def explained(source: Source) -> set[str]:
    return {name for page in pages(source) for view in page.views for name, _ in view.columns}


def test_every_column_says_its_counting_rule(source: Source) -> None:
    for name in explained(source):
        assert metric(name, source.settings).rule.endswith(".")


def test_main_measures_take_two_sentences(source: Source) -> None:
    for name in source.results.table("country_year").column_names:
        what = metric(name, source.settings).meaning
        assert len(re.findall(r"[.](?= [A-Z]|$)", what)) >= 2, (name, what)


def test_sections_exist_in_the_methods(source: Source) -> None:
    there = set(re.findall(r"\{#([\w-]+)\}", methods_text(source)))
    assert {metric(name, source.settings).section for name in explained(source)} <= there


def test_counting_rule_follows_the_attribution() -> None:
    assert "first author" in metric("papers_first_author", SETTINGS).label
    assert "first author" in metric("c2_mean", SETTINGS).rule


def test_window_is_read_from_the_name() -> None:
    assert "5 years" in metric("c5_sum", SETTINGS).label


def test_interval_ends_take_their_kind_from_the_measure() -> None:
    assert metric("papers_first_author_share_low", SETTINGS).kind == "share"
    assert metric("c2_mean_high", SETTINGS).label == "Citations per paper (2 years), high"


def test_unknown_columns_are_named_in_words() -> None:
    found = metric("seen_by_US", SETTINGS)
    assert found.label == "Seen by US"
    assert "`seen_by_US`" in found.meaning


def test_columns_named_after_a_pole_are_explained() -> None:
    found = metric("slope_low_CN", SETTINGS)
    assert found.label == "Slope with CN, low"
    assert "CN" not in metric("slope_low", SETTINGS).label


def test_every_column_of_every_page_is_explained_in_two_sentences(source: Source) -> None:
    for name in explained(source):
        meant = metric(name, source.settings)
        assert not meant.meaning.startswith("Column `"), name
        assert len(re.findall(r"[.](?= |$)", meant.meaning)) >= 2, (name, meant.meaning)
        assert "methods" not in meant.rule, name
