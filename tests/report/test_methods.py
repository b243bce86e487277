from __future__ import annotations

from isthmus.report.methods import CITATIONS, methods_text
from isthmus.report.source import Source
from isthmus.study import Study
from report.synthetic import TITLE


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
    study = {"study": {"corpus": "c", "years": [2000, 2006], "title": TITLE}}
    return Study.parse({**study, "countries": {"blocs": {"TWO": ["US", "CN"]}}}).settings()
