"""A replication package: read by plain DuckDB, whole, and the same bytes each time."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isthmus as ist
from isthmus.errors import InputError, TargetError
from isthmus.report.share import share
from isthmus.results import Results, open_results
from isthmus.study import Study
from report.synthetic import STUDY, TITLE, codes, finish, leadership, named


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Results:
    span, rng = np.arange(2000, 2004), np.random.default_rng(1)
    tables = {**leadership(rng, codes(4), span), **named(span)}
    folder = tmp_path_factory.mktemp("share") / "results"
    folder.mkdir()
    return finish(folder, tables, Study.parse(STUDY))


@pytest.fixture(scope="module")
def package(made: Results) -> Path:
    authors = ["Ada Byron https://orcid.org/0000-0002-1825-0097", "C. D."]
    to = made.path.parent / "package.zip"
    return share(made, to, authors=authors, licence="CC-BY-4.0", date="2026-01-31")


@pytest.fixture(scope="module")
def folder(package: Path) -> Path:
    with zipfile.ZipFile(package) as file:
        file.extractall(package.parent / "unpacked")
    return package.parent / "unpacked"


def graph(folder: Path) -> dict[str, dict[str, Any]]:
    document = json.loads((folder / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert document["@context"] == "https://w3id.org/ro/crate/1.2/context"
    entities = {one["@id"]: one for one in document["@graph"]}
    assert len(entities) == len(document["@graph"])
    return entities


#: Reads a package as somebody without isthmus would, after what its README shows.
PLAIN = """
import json, sys
def ask(query):
    return connection.sql(query).fetchall()
views = [name for (name,) in ask("select view_name from duckdb_views() where not internal")]
rows = {name: ask(f'select count(*) from "{name}"')[0][0] for name in views}
said = ask("select table_name, column_name, comment from duckdb_columns() where not internal")
units = ask('select "table", "column", unit, meaning from "columns.parquet"')
assert not any(name.split(".")[0] == "isthmus" for name in sys.modules)
print(json.dumps([rows, said, units]))
"""


def test_plain_duckdb_reads_tables_with_units_and_meanings(made: Results, folder: Path) -> None:
    shown = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    command = [sys.executable, "-I", "-c", shown[1] + PLAIN]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows, comments, units = json.loads(done.stdout.splitlines()[-1])
    assert {name: n for name, n in rows.items() if name != "findings"} == made.record["tables"]
    said = {(table, column): comment for table, column, comment in comments}
    known = {(table, column): (unit, meaning) for table, column, unit, meaning in units}
    assert said.keys() == known.keys()
    for table in made.tables:
        for column in made.describe(table).columns:
            unit, meaning = known[table, column.name]
            assert (unit, meaning) == (column.term.unit, column.term.meaning)
            assert f"[{unit}]. {meaning}" in said[table, column.name]


def test_the_metadata_is_what_a_crate_must_have(folder: Path) -> None:
    """What the RO-Crate 1.2 profile of rocrate-validator requires of such a crate."""
    entities = graph(folder)
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.2"}
    assert (root["@type"], root["name"], root["datePublished"]) == ("Dataset", TITLE, "2026-01-31")
    assert root["description"]
    assert root["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    byron = entities["https://orcid.org/0000-0002-1825-0097"]
    assert (byron["@type"], byron["name"]) == ("Person", "Ada Byron")
    for entity in entities.values():
        for value in entity.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict) and entity is not descriptor:
                    assert one["@id"] in entities, one
        if entity["@type"] == "SoftwareApplication":
            assert entity["url"].startswith("https://")


def test_every_file_is_listed_with_its_hash(folder: Path) -> None:
    entities = graph(folder)
    listed = {one["@id"]: entities[one["@id"]] for one in entities["./"]["hasPart"]}
    files = {str(f.relative_to(folder)): f for f in folder.rglob("*") if f.is_file()}
    assert files.keys() == listed.keys() | {"ro-crate-metadata.json", "SHA256SUMS"}
    for name, entity in listed.items():
        content = files[name].read_bytes()
        assert entity["@type"] == "File"
        assert entity["contentSize"] == str(len(content))
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
        assert "/" in entity["encodingFormat"]
        assert entity["description"]
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    sums = dict(reversed(line.split("  ", 1)) for line in lines)
    assert sums.keys() == files.keys() - {"SHA256SUMS"}
    for name, one in sums.items():
        assert one == hashlib.sha256(files[name].read_bytes()).hexdigest()


def test_the_report_finds_its_files_and_the_results_open_again(made: Results, folder: Path) -> None:
    assert open_results(folder).tables == made.tables
    page = (folder / "index.html").read_text(encoding="utf-8")
    for name in ("figures/output.svg", "country_year.csv", "cited_works.parquet"):
        assert f'href="{name}"' in page
        assert (folder / name).exists()
    study = Study.load(folder / "study.toml")
    assert json.loads(json.dumps(study.settings())) == made.record["settings"]


def test_the_same_results_give_the_same_bytes(made: Results, package: Path) -> None:
    authors = ["Ada Byron https://orcid.org/0000-0002-1825-0097", "C. D."]
    again = made.path.parent / "again.zip"
    assert ist.share(made, again, authors=authors, licence="CC-BY-4.0", date="2026-01-31") == again
    assert again.read_bytes() == package.read_bytes()
    with zipfile.ZipFile(package) as file:
        assert {one.date_time for one in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_what_is_there_stays_unless_asked(made: Results, tmp_path: Path) -> None:
    to = tmp_path / "mine.zip"
    to.write_text("mine")
    with pytest.raises(TargetError, match="--overwrite"):
        share(made, to)
    assert to.read_text() == "mine"
    share(made, to, overwrite=True)
    assert zipfile.is_zipfile(to)
    with pytest.raises(TargetError, match=r"folder\.zip"):
        share(made, tmp_path / "folder")


def test_no_licence_is_said_and_the_date_is_that_of_the_run(made: Results, tmp_path: Path) -> None:
    with zipfile.ZipFile(share(made, tmp_path / "p.zip")) as file:
        file.extractall(tmp_path)
    entities = graph(tmp_path)
    assert entities["#licence"]["name"] == "No licence stated"
    assert "none is stated" in (tmp_path / "README.md").read_text()
    assert len(entities["./"]["datePublished"]) == 10


@pytest.mark.parametrize("given", [{"date": "31.1.2026"}, {"licence": "<any thing>"}])
def test_what_cannot_be_read_writes_nothing(
    made: Results, tmp_path: Path, given: dict[str, str]
) -> None:
    with pytest.raises(InputError):
        share(made, tmp_path / "p.zip", **given)
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_fails_leaves_nothing(
    made: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(TargetError, match="disk is full"):
        share(made, tmp_path / "p.zip")
    assert list(tmp_path.iterdir()) == []


def test_the_columns_file_is_a_table(folder: Path) -> None:
    with (folder / "columns.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["unit"] and row["meaning"] for row in rows)
    keys = [r["column"] for r in rows if r["table"] == "coverage" and r["identifies_row"] == "true"]
    assert set(keys) == {"year", "country"}
