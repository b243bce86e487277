"""What is said of places that are no countries, and of their closest pairs."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from isthmus.report.glossary import metric
from isthmus.report.pages import pages
from isthmus.report.place_views import linked_said, places_said
from isthmus.report.source import Source
from isthmus.results import schema_of, write_table


def test_places_are_counted_by_kind_and_rests_apart(bare: Source) -> None:
    place = {"of_country": "US", "pooled": 0, "works": 9}
    rows = [
        {**place, "country": "I1", "name": "One", "kind": "institution"},
        {**place, "country": "I2", "name": "Two", "kind": "institution"},
        {**place, "country": "rest-US", "name": "Rest", "kind": "rest", "pooled": 1200},
    ]
    write_table(bare.results.path, "places", pa.Table.from_pylist(rows, schema_of("places")))
    record = bare.results.record
    tables = {**record["tables"], "places": 3}
    source = Source(replace(bare.results, record={**record, "tables": tables}))
    assert places_said(source)["text"] == [
        "The study counts 2 institutions; 1,200 smaller ones are pooled into 1 rest."
    ]


def test_the_closest_pair_is_said_with_its_interval() -> None:
    row = {"year": 2005, "source": "DE", "target": "US", "observed": 20.0, "expected": 10.0}
    row |= {"z": 3.0, "p_more": 0.001, "q": 0.01, "log_ratio": 0.6931}
    row |= {"log_ratio_low": 0.0, "log_ratio_high": 1.0986}
    schema = schema_of("linked_pairs")
    listed = pa.Table.from_pylist([row, {**row, "q": 0.5}, {**row, "z": -3.0}], schema)
    said = linked_said(2005, listed, listed.slice(0, 1))["text"]
    assert said == [
        "In 2005, 1 of 3 listed pairs of places wrote more together than sizes alone explain. "
        "Germany and the US stand out most: 20 joint works, 2.0 times (1.0 to 3.0) what sizes give."
    ]
    assert linked_said(2005, listed, listed.slice(0, 0))["text"][0].endswith("sizes alone explain.")


def test_pages_and_columns_say_the_unit_of_the_study(bare: Source) -> None:
    record = bare.results.record
    settings = {**record["settings"], "places": {"unit": "institution"}}
    source = Source(replace(bare.results, record={**record, "settings": settings}))
    page = pages(source)[0]
    assert page.title == "Institutions"
    assert page.views[0].heading == "Institutions in {year}"
    labels = [column["label"] for column in page.views[0].plain(source)["columns"]]
    assert "Institution" in labels
    assert pages(bare)[0].title == "Countries"
    assert metric("of_country", settings).label == "Country it is in"
