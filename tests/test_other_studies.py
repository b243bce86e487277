"""A study of fossils with the poles Germany and India speaks of nothing else.

Its corpus has no work of the US or of China. The papers that are cited name these and AI in
their titles; nothing else may, in any file of the results, the explorer or the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from isthmus.cli.verbs import app
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus, CorpusWriter, open_corpus
from isthmus.report.methods import CITATIONS
from isthmus.simulation.simulate import simulate_world

STUDY = """\
[study]
title = "Fossils"
corpus = "corpus"
years = [2008, 2021]
[countries]
poles = ["DE", "IN"]
[poles]
null_models = ["multiedge"]
placebo_replays = 2
min_works = 5
dropped = 2
[mobility]
draws = 20
[teaming]
draws = 20
"""

#: Words that are the papers' alone.
THEIRS = re.compile(
    r"\bU\.S\.|\bthe US\b|\bUnited States\b|\bChina\b|\bChinese\b|\bAI\b|\bAmerican?\b|"
    r"\bUS\b|\bCN\b|artificial intelligence"
)

#: A journal among the references, and shapes of the map of the world.
NAMES = re.compile(r'American Statistical Association|"id":"(US|CN)"')

#: Countries of the simulated world that the papers name -> countries it does not have.
INSTEAD = {"US": "KZ", "CN": "UY"}

#: Scripts of the library that draws.
NOT_OURS = {"vega.js"}


@pytest.fixture(scope="module")
def fossils(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a run, its report and its explorer, and all that the terminal said."""
    folder = tmp_path_factory.mktemp("fossils")
    simulate_world(folder / "world", works=3000, seed=4)
    moved(open_corpus(folder / "world"), folder / "corpus")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    results = str(folder / "results")
    said = called("run", str(folder / "study.toml"), "--to", results)
    said += called("findings", results)
    said += called("explore", results, "--to", str(folder / "site"))
    alone = ("--to", str(folder / "alone"), "--null-model", "multiedge", "--replays", "2")
    poles = ("--pole", "DE", "--pole", "IN", "--min-works", "1")
    return folder, said + called("poles", _edges(folder), *poles, *alone)


def moved(corpus: Corpus, to: Path) -> None:
    """Write the corpus with :data:`INSTEAD` in every column of countries."""
    with CorpusWriter(to, source="simulated") as writer:
        for name in TABLES:
            table = corpus.read(name)
            for at, column in enumerate(table.column_names):
                if column == "country":
                    codes = table[column].cast(pa.string()).to_pylist()
                    assert not set(codes) & set(INSTEAD.values())
                    kind = table.schema.field(column).type
                    codes = pa.array([INSTEAD.get(c, c) for c in codes], pa.string())
                    table = table.set_column(at, column, codes.cast(kind))
            writer.write(name, table)


def called(*command: str) -> str:
    """Call the program and return all it printed."""
    done = CliRunner().invoke(app, list(command), env={"COLUMNS": "200"})
    assert done.exit_code == 0, (command, done.output, done.exception)
    return done.output


def _edges(folder: Path) -> str:
    """Write the links of the run as a table of edges, which the pole analysis reads alone."""
    links = pq.read_table(folder / "results" / "collaboration.parquet")
    links = links.select(["year", "source", "target", "works_whole"])
    path = folder / "fossils.parquet"
    pq.write_table(links.rename_columns(["year", "source", "target", "weight"]), path)
    return str(path)


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every file that people or pages read as text."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".html", ".md", ".json", ".csv", ".js", ".svg", ".jsonl", ".log"):
            name = str(path.relative_to(folder))
            if path.name in NOT_OURS or name.startswith(("corpus", "world")):
                continue
            yield name, path.read_text(encoding="utf-8")


def strangers(text: str) -> list[str]:
    """Return where a text says what only the papers may say."""
    for citation in CITATIONS.values():
        text = text.replace(citation, "")
    text = NAMES.sub("", text)
    return [text[max(0, m.start() - 60) : m.end() + 40] for m in THEIRS.finditer(text)]


def test_no_file_speaks_of_the_papers_countries_and_field(fossils: tuple[Path, str]) -> None:
    found = {name: where for name, text in texts(fossils[0]) if (where := strangers(text))}
    assert found == {}


def test_the_terminal_does_not_either(fossils: tuple[Path, str]) -> None:
    assert strangers(fossils[1]) == []


def test_its_own_poles_field_and_years_are_named(fossils: tuple[Path, str]) -> None:
    folder, said = fossils
    page = (folder / "results" / "index.html").read_text(encoding="utf-8")
    assert "Fossils, 2008-2021" in page
    assert "The poles are Germany and India." in page
    assert "Fossils, 2008-2021" in said
    explorer = (folder / "site" / "methods.html").read_text(encoding="utf-8")
    assert "<code>joint:DE+IN</code> are papers led by Germany with someone in India" in explorer


def test_strangers_would_be_found() -> None:
    assert len(strangers("China caught up with the U.S. in yearly AI papers")) == 3
