"""What the command line says of many fields, and that a package is of one of them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.cli.console import findings_list
from isthmus.cli.fields import contrasts_end
from isthmus.errors import InputError, ResultsError
from isthmus.findings import Claim, Decision, Finding, only_here
from isthmus.planning.calibration import calibration_of
from isthmus.report.share import share
from isthmus.results import RESULTS_VERSION, Results, open_results, schema_of, write_record
from isthmus.results.folder import write_table
from isthmus.study import Study


@pytest.fixture
def many(tmp_path: Path) -> Results:
    settings = Study.parse({"study": {"corpus": "c", "years": [2000, 2010]}}).settings()
    shared = {"results_version": RESULTS_VERSION, "title": "T", "settings": settings, "steps": {}}
    rows = [
        dict.fromkeys(schema_of("contrasts").names)
        | {"field": "a", "claim": claim, "number": number, "scale": "ratio", "others": 5}
        | {"only_here": answer, "why": f"Because of {number}."}
        for claim, number, answer in (
            ("one", "x", "only here"),
            ("two", "y", "also elsewhere"),
            ("two", "z", "undecided"),
            ("three", "x", "also elsewhere"),
        )
    ]
    made = write_table(tmp_path, "contrasts", pa.Table.from_pylist(rows, schema_of("contrasts")))
    write_record(tmp_path / "fields" / "a", shared | {"tables": {}})
    fields = {"names": ["a", "b"], "focus": "a"}
    write_record(tmp_path, shared | {"fields": fields, "tables": {"contrasts": made["rows"]}})
    return open_results(tmp_path)


def test_a_run_says_what_holds_in_the_focus_alone(many: Results) -> None:
    told = list(contrasts_end(many))
    assert told[0].startswith("2 fields, a against the others: of 3 claims with a number, 1 hold")
    assert told[1] == "Only here: one."


def test_the_weakest_number_of_a_claim_answers(many: Results) -> None:
    assert only_here(many)["two"] == ("undecided", "Because of z.")
    claim = Claim("two", "S.", "paper", (), "E.", lambda _: [])
    (text,) = findings_list([Finding(claim, Decision("undecided", "why"))], only_here(many))
    assert "only here?: undecided: Because of z." in text.plain
    (plain,) = findings_list([Finding(claim, Decision("undecided", "why"))])
    assert "only here" not in plain.plain


def test_what_needs_one_field_names_it(many: Results, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"2 fields; a package is of one of them.*fields/a"):
        share(many, tmp_path / "p.zip")
    with pytest.raises(InputError, match="calibrate on those of one"):
        calibration_of([many])
