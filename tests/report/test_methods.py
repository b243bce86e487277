from __future__ import annotations

import pyarrow.compute as pc

from isthmus.report.methods import CITATIONS, methods_text
from isthmus.report.pages import coverage_page
from isthmus.report.source import Source
from isthmus.study import Study
from report.synthetic import STUDY, TITLE


def test_every_setting_is_stated(source: Source) -> None:
    text = methods_text(source)
    for section, keys in source.settings.items():
        for key, value in keys.items():
            name = f"`{section}.{key}`"
            nested = isinstance(value, dict) and value
            assert nested or f"{name} = `{value}`" in text, name


def test_every_table_count_and_version_is_stated(source: Source) -> None:
    text = methods_text(source)
    for name, rows in source.results.record["tables"].items():
        assert f"`{name}`: {rows:,} rows" in text
    for name, version in source.results.record["versions"].items():
        assert f"- {name} {version}" in text
    assert TITLE in text


def test_works_cited_are_listed(source: Source) -> None:
    text = methods_text(source)
    body, references = text.split("## References")
    for short, full in CITATIONS.items():
        author, year = short.split()[0], short.split()[-1]
        assert full in references
        assert author in full
        assert year in full
    assert "Uzzi et al. 2013" in body


def test_what_is_missing_is_said(bare: Source) -> None:
    text = methods_text(bare)
    assert "Not in these results" in text
    assert "`links`" in text.split("Not in these results: ")[-1]


def test_settings_change_the_sentences(source: Source) -> None:
    study = Study.parse(
        {
            "study": {"corpus": "c", "years": [2000, 2006]},
            "countries": {"attribution": "first_author", "merge": {"CN": ["HK"]}},
            "impact": {"window": 5, "exclude_self_citations": True},
            "field": {"subfields": [1702], "include_citing": False},
        }
    )
    source.results.record["settings"].update(study.settings())
    try:
        text = methods_text(Source(source.results))
    finally:
        source.results.record["settings"].update(_first(source))
    assert "of its first author" in text
    assert "HK are folded into CN" in text
    assert "c_5 counts" in text
    assert "share an author are left out" in text
    assert "do not enter the citing side" in text


def _first(source: Source) -> dict[str, object]:
    return Study.parse(STUDY).settings()


def test_counts_of_others_are_told(source: Source) -> None:
    text = methods_text(source)
    said = text.split("## Counts that others publish {#comparisons}")[1].split("## Tables")[0]
    assert "NCSES (`ncses.csv`) counts works whole and stands beside `papers_whole`." in said
    assert "(`other.csv`) counts works fractionally and stands beside `papers_fractional`." in said
    assert "Of its 51 rows 48 are used; 3 name no country. No country: World; " in said
    last = source.results.table("comparison_years").filter(
        pc.equal(source.results.table("comparison_years")["compared_with"], "NCSES")
    )
    assert f"{last['ratio'][-1].as_py():.3g} in 2005." in said
    assert f"lies between {pc.min(last['spearman']).as_py():.2f} and " in said


def test_the_end_of_a_source_is_told(bare: Source) -> None:
    assert bare.source_end == ""
    for year, expected in (
        (2001, "; this dump ends in 2001. 2001 is incomplete and later years are not covered: "),
        (2002, "; this dump ends in 2002. 2002 is incomplete and later years are not covered."),
    ):
        bare.results.record["steps"]["all"]["notes"]["source_end"] = year
        text = methods_text(bare).split("{#coverage}")[1].split("## ")[0]
        assert f"Microsoft Academic Graph, which ended in 2021{expected}" in text
        assert coverage_page(bare).intro.endswith(bare.source_end)
        assert bare.source_end
    bare.results.record["steps"]["all"]["notes"]["source_end"] = 2001
    assert bare.source_end.endswith("of this study 2002.")


def test_publication_rules_are_told_apart_from_what_names_the_field(source: Source) -> None:
    about = {"corpus": "c", "years": [2000, 2006]}
    rules = {"types": ["article", "review"], "languages": ["en"], "core": True}
    settings = source.results.record["settings"]
    try:
        settings["field"] = Study.parse({"study": about, "field": rules}).settings()["field"]
        text = methods_text(source)
    finally:
        settings.update(_first(source))
    assert "The field is the whole corpus. Of its works those count whose type is article" in text
    assert "whose language is en" in text
    assert "Leiden Ranking" in text
    assert "count nowhere, not as citing works either: retracted and paratext and xpac." in text
