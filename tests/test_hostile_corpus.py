"""A corpus whose every name and title is hostile goes through a study to all that shows it.

Report, figures, explorer, CSV, terminal and package stay inert and readable.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from isthmus.cli.verbs import app
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import CorpusWriter, open_corpus
from isthmus.pipeline import runner
from isthmus.pipeline.steps import STEPS
from isthmus.simulation.simulate import simulate_world
from isthmus.study.template import study_text
from test_hostile_names import NAMES, TITLE, Elements, obeyed

#: Columns of a corpus that are text of the data.
TEXTS = ("title", "name", "doi", "ror", "orcid", "issn_l")

#: Steps whose tables hold names or titles, and those they need.
USED = ("field", "coverage", "leadership", "networks", "mobility", "teaming")

#: Settings of a small and quick study; its title and the names it gives are hostile too.
STUDY = {
    "study": {"title": TITLE, "corpus": "hostile", "years": [2008, 2021]},
    "countries": {"poles": ["US", "CN"], "blocs": {name: ["DE", "FR"] for name in NAMES[:3]}},
    "mobility": {"draws": 10},
    "teaming": {"draws": 10},
    "claims": {"own": {"statement": TITLE, "table": "coverage", "column": "works", "above": 0}},
}  # fmt: skip


def hostile(table: pa.Table) -> pa.Table:
    """Put hostile texts into every column of texts that are the data's own."""
    for at, name in enumerate(table.column_names):
        if name in TEXTS and table.num_rows:
            texts = pa.array(islice(cycle(NAMES), table.num_rows), table.schema.field(name).type)
            table = table.set_column(at, name, texts)
    return table


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a run with its report, explorer and package, and what the terminal said."""
    folder = tmp_path_factory.mktemp("hostile-corpus")
    simulate_world(folder / "corpus", works=1000, seed=8)
    corpus = open_corpus(folder / "corpus")
    with CorpusWriter(folder / "hostile", source="simulated") as writer:
        for name in TABLES:
            writer.write(name, hostile(corpus.read(name)))
    (folder / "study.toml").write_text(study_text(STUDY), encoding="utf-8")
    results, site = folder / "results", folder / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "STEPS", [step for step in STEPS if step.name in USED])
        words = called("run", str(folder / "study.toml"), "--to", str(results))
    words += called("explore", str(results), "--to", str(site))
    words += called("share", str(results), "--to", str(folder / "package.zip"))
    with zipfile.ZipFile(folder / "package.zip") as package:
        package.extractall(folder / "package")
    return folder, words


def called(*command: str) -> str:
    done = CliRunner().invoke(app, list(command), env={"COLUMNS": "80"})
    assert done.exit_code == 0, (command, done.output, done.exception)
    return done.output


def test_pages_report_and_figures_hold_nothing_that_acts(said: tuple[Path, str]) -> None:
    folder, _ = said
    pages = [*folder.glob("site/*.html"), folder / "results" / "index.html"]
    pages.append(folder / "package" / "index.html")
    assert len(pages) > 10
    for page in pages:
        assert Elements(page.read_text(encoding="utf-8")).acting == [], page
    figures = list(folder.glob("results/figures/*.svg"))
    assert figures
    for figure in figures:
        text = figure.read_text(encoding="utf-8")
        assert not re.search(r"<script|<foreignObject|\son\w+=|(href|src)=[\"']?(http|java)", text)


def test_names_stay_readable(said: tuple[Path, str]) -> None:
    folder, _ = said
    shards = "".join(path.read_text(encoding="utf-8") for path in folder.glob("site/data/**/*.js"))
    assert "مرحبا" in shards
    kept = pq.read_table(folder / "results" / "cited_works.parquet")["title"].to_pylist()
    assert set(kept) <= {*NAMES, None}
    assert len(set(kept)) > 5


def test_a_spreadsheet_runs_nothing(said: tuple[Path, str]) -> None:
    folder, _ = said
    files = [*folder.glob("results/*.csv"), *folder.glob("package/**/*.csv")]
    assert len(files) > 20
    for file in files:
        rows = csv.reader(io.StringIO(file.read_bytes().decode(), newline=""))
        for cell in (cell for row in rows for cell in row):
            runs = re.match(r"\s*[=+@-]|[\t\r]", cell)
            assert runs is None or re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?|-inf|-", cell), (file, cell)


def test_the_terminal_obeys_nothing(said: tuple[Path, str]) -> None:
    assert obeyed(said[1]) == []
    assert max(map(len, said[1].splitlines())) < 20_000
    readme = (said[0] / "package" / "README.md").read_text(encoding="utf-8")
    assert obeyed(readme) == []
