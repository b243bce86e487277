"""A run of many fields: each as if alone, what they share once, resume field by field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.corpus.store import open_corpus
from isthmus.errors import StudyError, TargetError
from isthmus.pipeline import fields as of_fields
from isthmus.pipeline import runner
from isthmus.pipeline.fields import put_together, studies_of
from isthmus.pipeline.runner import Run, run
from isthmus.pipeline.steps import STEPS
from isthmus.results import Results, one_field, open_results
from isthmus.results.differences import differences
from isthmus.study import Study
from tiny import LIGHT, random_works, write_corpus

FIELDS: dict[str, Any] = {
    "first": {"subfields": [1702]},
    "second": {"subfields": [1707]},
    "both": {"subfields": [1702, 1707], "exclude": []},
}
IN_FIELD = {"first": {1702}, "second": {1707}, "both": {1702, 1707}}


def study_of(corpus: Path, **sections: Any) -> Study:
    about = {"corpus": str(corpus), "years": [2001, 2007]}
    return Study.parse({"study": about, "poles": LIGHT, **sections})


#: Steps that read what fields share; the others read what these make.
COUNTING = ("field", "coverage", "leadership", "bounds", "networks")


@pytest.fixture(scope="module", autouse=True)
def few_steps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        few = [step for step in STEPS if step.name in COUNTING]
        patched.setattr(runner, "STEPS", few)
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    folder = tmp_path_factory.mktemp("fields")
    corpus = write_corpus(random_works(seed=3, n=200), folder / "corpus").path
    return folder, run(study_of(corpus, fields=FIELDS, contrasts={"focus": "second"}), folder / "r")


def test_each_field_is_as_a_study_of_it_alone(world: tuple[Path, Results]) -> None:
    folder, results = world
    for name, field in list(FIELDS.items())[1:2]:
        alone = run(study_of(folder / "corpus", field=field), folder / f"alone-{name}")
        mine = open_results(results.path / "fields" / name)
        assert mine.tables == alone.tables
        assert mine.record["identity"] == alone.record["identity"]
        for table in alone.tables:
            paths = [one.path / f"{table}.parquet" for one in (mine, alone)]
            assert paths[0].read_bytes() == paths[1].read_bytes(), (name, table)


def test_tables_of_all_fields_have_the_field_first(world: tuple[Path, Results]) -> None:
    results = world[1]
    for table in results.tables:
        if table in ("fields", "field_overlap"):
            continue
        found = results[table]
        assert found.column_names[0] == "field"
        parts = [open_results(results.path / "fields" / name)[table] for name in FIELDS]
        assert found.drop_columns("field").to_pylist() == [r for p in parts for r in p.to_pylist()]
        assert found["field"].to_pylist() == [
            name for name, part in zip(FIELDS, parts, strict=True) for _ in range(part.num_rows)
        ]
        assert results.describe(table).grain[0] == "field"


def test_profiles_and_overlap_are_those_of_a_recount(world: tuple[Path, Results]) -> None:
    works = [w for w in random_works(seed=3, n=200).values() if 2001 <= w.year <= 2007]
    members = {n: [w for w in works if w.subfields & s] for n, s in IN_FIELD.items()}
    for row in world[1]["fields"].to_pylist():
        countries = [
            len({c for a in w.authors for c in a.countries}) for w in members[row["field"]]
        ]
        located = [n for n in countries if n]
        assert (row["works"], row["works_located"]) == (len(countries), len(located))
        share = sum(n > 1 for n in located) / len(located)
        assert row["international_share"] == pytest.approx(share, abs=1e-12)
    pairs = world[1]["field_overlap"].to_pylist()
    assert len(pairs) == 6
    for row in pairs:
        one, other = ({w.id for w in members[row[key]]} for key in ("field", "other"))
        assert row["both"] == len(one & other)
        assert row["jaccard"] == pytest.approx(len(one & other) / len(one | other), abs=1e-12)


def test_a_stopped_run_goes_on_after_the_last_finished_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = write_corpus(random_works(seed=3, n=60), tmp_path / "corpus").path
    two = {name: FIELDS[name] for name in ("first", "second")}
    study = study_of(corpus, fields=two)
    go, begun = Run.go, []

    def stop_at_second(self: Run) -> Results:
        begun.append(self.target.name)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return go(self)

    with monkeypatch.context() as patched:
        patched.setattr(Run, "go", stop_at_second)
        patched.setattr(of_fields.FieldsRun, "go", go)
        with pytest.raises(KeyboardInterrupt):
            run(study, tmp_path / "r")
    first = tmp_path / "r" / "fields" / "first" / "run.json"
    written = first.stat().st_mtime_ns
    seen: list[tuple[str, int, int]] = []
    results = run(study, tmp_path / "r", progress=lambda *step: seen.append(step))
    assert seen[0] == ("second: field", len(COUNTING), 2 * len(COUNTING))
    assert first.stat().st_mtime_ns == written
    assert results.record["fields"] == {"names": list(two), "focus": "first"}
    assert not (tmp_path / "r" / ".work").exists()
    # Another focus changes no number: nothing is computed again.
    with monkeypatch.context() as patched:
        patched.setattr(of_fields, "field_profiles", None)
        again = run(study_of(corpus, fields=two, contrasts={"focus": "second"}), tmp_path / "r")
    assert again.record["fields"]["focus"] == "second"
    assert first.stat().st_mtime_ns == written
    fewer = study_of(corpus, fields={"second": FIELDS["second"]})
    with pytest.raises(TargetError, match="another study"):
        run(fewer, tmp_path / "r")
    run(fewer, tmp_path / "r", overwrite=True)
    assert [p.name for p in (tmp_path / "r" / "fields").iterdir()] == ["second"]


def test_every_subfield_of_a_field_is_found_in_the_corpus(world: tuple[Path, Results]) -> None:
    folder = world[0]
    corpus = open_corpus(folder / "corpus")
    study = study_of(corpus.path, fields="every subfield of 17", field={"types": ["article"]})
    found = studies_of(study, corpus)
    assert {name: one.field.subfields for name, one in found.items()} == {
        "subfield_1702": (1702,),
        "subfield_1707": (1707,),
    }
    assert all(one.field.types == ("article",) for one in found.values())
    with pytest.raises(StudyError, match="no work with a subfield"):
        run(study_of(corpus.path, fields="every subfield of 18"), folder / "none")
    unknown = study_of(corpus.path, fields="every subfield of 17", contrasts={"focus": "x"})
    with pytest.raises(StudyError, match="must be one of subfield_1702"):
        run(unknown, folder / "none")


def test_results_of_many_fields_are_read_as_those_of_the_focus(
    world: tuple[Path, Results],
) -> None:
    results = world[1]
    focus = one_field(results)
    assert focus.path.name == "second"
    assert focus["fields"].num_rows == len(FIELDS)
    assert "field" not in focus["country_year"].column_names
    assert one_field(focus) is focus
    few = {name: results.record["tables"][name] for name in ("country_year", "fields")}
    shown = Results(results.path, {**results.record, "tables": few})
    assert differences(shown, shown).rows == dict.fromkeys(few, (0, 0))
    assert not differences(shown, shown).moved


def test_columns_that_a_field_lacks_are_empty(tmp_path: Path) -> None:
    each = {}
    for name, table in (
        ("a", pa.table({"x": [1, 2], "y": [0.5, None]})),
        ("b", pa.table({"x": pa.array([3], pa.int64())})),
    ):
        (tmp_path / name).mkdir()
        pq.write_table(table, tmp_path / name / "t.parquet")
        each[name] = Results(tmp_path / name, {"tables": {"t": 1}})
    made = put_together(tmp_path, "t", each)
    assert made["rows"] == 3
    assert pq.read_table(tmp_path / "t.parquet").to_pydict() == {
        "field": ["a", "a", "b"],
        "x": [1, 2, 3],
        "y": [0.5, None, None],
    }
