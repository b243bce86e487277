"""Queries of the API say what the study says."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.fetch.query import citing_filters, field_filters, options
from isthmus.study import Study

YEARS = "publication_year:<2013"
CLEAN = "is_retracted:false,is_paratext:false"


@pytest.mark.parametrize(
    ("field", "rules", "cited", "asks"),
    [
        ({}, CLEAN, CLEAN, {}),
        ({"exclude": []}, "", "", {"include_xpac": "true"}),
        ({"exclude": ["xpac"]}, "", "", {}),
        (
            {"exclude": ["retracted"], "types": ["article", "review"], "languages": ["en", "fr"]},
            "type:article|review,language:en|fr,is_retracted:false",
            "is_retracted:false",
            {"include_xpac": "true"},
        ),
        (
            {"core": True},
            "type:article|review|book-chapter,language:en,"
            f"primary_location.source.type:journal|book series,{CLEAN}",
            CLEAN,
            {},
        ),
    ],
)
def test_publication_rules_are_asked_for(
    field: dict[str, Any], rules: str, cited: str, asks: dict[str, str]
) -> None:
    """Types, languages and the core are of the field; exclusions of what cites it too."""
    study = Study.parse(
        {"study": {"corpus": "c", "years": [2000, 2010]}, "field": {"topics": ["T7"], **field}}
    )
    joined = ",".join(part for part in (f"topics.id:T7,{YEARS}", rules) if part)
    assert field_filters(study) == [joined]
    joined = ",".join(part for part in (f"cites:W1|W2,{YEARS}", cited) if part)
    assert list(citing_filters(study, [1, 2])) == [joined]
    assert options(study.field) == asks
