"""A world with the counts and means of AlShebli et al.'s tables S2 and S3, through the pipeline.

For each year and leading country the world has as many joint and other papers as the paper's
tables (scaled by ``--scale``), spread over institutions and team sizes so that about as many
find a match. Joint papers come from larger institutions and larger teams, which are cited
more: a plain comparison is wrong. Expected citations of the controls matched to joint papers
equal the table's mean of controls, and joint papers have the table's effect on top. Citations
are Poisson with a lognormal rate; its log-sd gives coefficients of variation of about 3.5
(US-led; the sd behind the p-values of table S2 in 2012 to 2014 is 4 to 10 times the mean of
controls) and 2.5 (China-led; the interval of table S4 says 2.3).

The world is written as a corpus with stated citations and read back like any other.
``--page`` puts the table of results between the marks of a documentation page.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import CorpusWriter, open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.leadership.impact import hit_thresholds
from isthmus.selection.study_tables import StudyTables
from isthmus.study import Study
from isthmus.teaming.experiments import Experiment
from isthmus.teaming.joint_papers import Teams
from isthmus.teaming.matched_papers import compare, units_of
from isthmus.teaming.papers import citations_stated

HERE = Path(__file__).resolve().parent
POLES = (("US", "CN"), ("CN", "US"))
LOG_SD = {"US": 1.6, "CN": 1.4}
INSTITUTIONS = 1_500
MARKS = ("<!-- table begins -->", "<!-- table ends -->")


@dataclass(frozen=True)
class Papers:
    """Papers of one year under one leading country: institution, team size, joint, citations."""

    lead: str
    year: int
    institution: np.ndarray
    team: np.ndarray
    joint: np.ndarray
    cited: np.ndarray


def published() -> list[dict[str, Any]]:
    """Rows of tables S2 (US) and S3 (CN), numbers as printed."""
    with (HERE / "premium.csv").open() as stream:
        rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    return [
        {key: value if key in ("lead", "p") else float(value) for key, value in row.items()}
        for row in rows
    ]


def draw(row: dict[str, Any], scale: float, rng: np.random.Generator) -> Papers:
    """Draw the papers of one year with the row's counts, means and effect."""
    treated, control = (max(1, round(row[name] * scale)) for name in ("treated", "control"))
    joint = np.repeat([True, False], [treated, control])
    rank = np.arange(1, INSTITUTIONS + 1)
    shares = [rank**-0.6, rank**-1.0]  # the larger an institution, the more it teams up
    institution = np.concatenate(
        [_choose(rng, shares[1], treated), _choose(rng, shares[0], control)]
    )
    team = np.where(joint, 2, 1) + rng.negative_binomial(3, np.where(joint, 0.5, 0.6))
    rate = (1 + institution) ** -0.15 * (1 + 0.05 * np.minimum(team, 12))
    # Strata share a rate but for team sizes past six, so the mean over joint papers is theirs.
    rate *= row["mean_control"] / rate[:treated].mean()
    rate[:treated] *= 1 + row["effect_percent"] / 100
    sd = LOG_SD[row["lead"]]
    cited = rng.poisson(rate * rng.lognormal(-sd * sd / 2, sd, rate.size))
    return Papers(row["lead"], int(row["year"]), institution, team, joint, cited)


def _choose(rng: np.random.Generator, weight: np.ndarray, n: int) -> np.ndarray:
    edges = np.cumsum(weight)
    return np.searchsorted(edges, rng.random(n) * edges[-1], side="right")


def tables_of(papers: Papers, first: int) -> Iterator[tuple[str, pa.Table]]:
    """Corpus tables of the papers; the last author leads, the first is the partner's if joint."""
    n = papers.cited.size
    work = first + np.arange(n)
    partner = dict(POLES)[papers.lead]
    yield (
        "works",
        pa.table(
            {
                "work_id": work,
                "year": np.full(n, papers.year, np.int16),
                "n_authors": papers.team.astype(np.int32),
                "authors_truncated": np.zeros(n, bool),
                "is_retracted": np.zeros(n, bool),
                "is_paratext": np.zeros(n, bool),
                "is_xpac": np.zeros(n, bool),
                "cited_by_count": papers.cited,
            }
        ),
    )
    starts = np.repeat(np.cumsum(papers.team) - papers.team, papers.team)
    position = np.arange(papers.team.sum()) - starts
    yield (
        "authorships",
        pa.table(
            {
                "work_id": np.repeat(work, papers.team),
                "position": position.astype(np.int32),
                "is_last": position + 1 == np.repeat(papers.team, papers.team),
            }
        ),
    )
    offset = 0 if papers.lead == "US" else INSTITUTIONS
    led = pa.table(
        {
            "work_id": work,
            "position": (papers.team - 1).astype(np.int32),
            "institution_id": papers.institution + 1 + offset,
            "country": pa.array([papers.lead] * n),
        }
    )
    abroad = work[papers.joint]
    joined = pa.table(
        {
            "work_id": abroad,
            "position": np.zeros(abroad.size, np.int32),
            "institution_id": pa.nulls(abroad.size, pa.int64()),
            "country": pa.array([partner] * abroad.size),
        }
    )
    yield "affiliations", pa.concat_tables([led, joined])


def typed(name: str, table: pa.Table) -> pa.Table:
    """Give a table all columns of its corpus schema, null where it has none."""
    schema = TABLES[name]
    missing = [field for field in schema if field.name not in table.column_names]
    for field in missing:
        table = table.append_column(field, pa.nulls(len(table), field.type))
    return table.select(schema.names).cast(schema)


def write_world(folder: Path, scale: float, seed: int) -> None:
    """Write all years of both leading countries as a corpus."""
    first = 1
    with CorpusWriter(folder, source="simulated") as writer:
        for number, row in enumerate(published()):
            papers = draw(row, scale, np.random.default_rng([seed, number]))
            for name, table in tables_of(papers, first):
                writer.write(name, typed(name, table))
            first += papers.cited.size


def results_of(folder: Path, draws: int, seed: int) -> dict[tuple[str, int], dict[str, Any]]:
    """Rows of `matched` by leading country and year, the pipeline's own."""
    study = Study.parse(
        {
            "study": {"corpus": str(folder), "years": [2005, 2018]},
            "teaming": {"outcome": "cited_by_count", "draws": draws},
            "run": {"seed": seed},
        }
    )
    engine = DuckDBEngine()
    tables = StudyTables(study, open_corpus(folder), engine, folder / "work")
    impact = citations_stated(tables.field_in_years, tables.corpus["works"])
    teams = Teams(tables, impact, hit_thresholds(impact, 1.0), lambda _: impact)
    found = {}
    for lead, partner in POLES:
        papers, experiment = teams.papers(lead), Experiment(lead, partner)
        units = units_of(papers, *papers.sides(experiment), papers.c_k)
        for row in compare(experiment.name, units, teams.rules)["matched"]:
            if row["year"] is not None:
                found[lead, row["year"]] = row
    engine.close()
    return found


HEADER = (
    "| lead, year | joint: paper | ours | matched: paper | ours | controls matched: paper | ours "
    "| mean joint: paper | ours | mean control: paper | ours | effect %: paper | ours "
    "| interval: paper | ours |"
)


def lines(found: dict[tuple[str, int], dict[str, Any]]) -> Iterator[str]:
    """The table, the paper's numbers beside ours."""
    yield HEADER
    yield "|" + " --- |" * 15
    for row in published():
        ours = found[row["lead"], int(row["year"])]
        low, high = (row[name] for name in ("ci_low", "ci_high"))
        cells = [f"{row['lead']} {row['year']:.0f}"]
        for name in ("treated", "treated_matched", "control_matched"):
            cells += [f"{row[name]:,.0f}", f"{ours[name]:,}"]
        for name in ("mean_treated", "mean_control", "effect_percent"):
            cells += [f"{row[name]:.2f}", f"{ours[name]:.2f}"]
        cells += [f"{low:.0f} to {high:.0f}", ends(ours)]
        yield "| " + " | ".join(cells) + " |"


def ends(ours: dict[str, Any]) -> str:
    """The interval of a year, or that it rests on too few clusters to be given."""
    if ours["ci_low"] is None:
        return "too few"
    return f"{ours['ci_low']:.0f} to {ours['ci_high']:.0f}"


def inside(found: dict[tuple[str, int], dict[str, Any]]) -> list[bool]:
    """Whether each year's interval holds the table's effect."""
    rows = [(row["effect_percent"], found[row["lead"], int(row["year"])]) for row in published()]
    return [
        ours["ci_low"] is not None and ours["ci_low"] <= effect <= ours["ci_high"]
        for effect, ours in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the tables' counts")
    parser.add_argument("--worlds", type=int, default=1)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="of the first world")
    parser.add_argument("--page", type=Path, help="page whose table the first world replaces")
    settings = parser.parse_args()

    held = np.zeros(len(published()), int)
    for seed in range(settings.seed, settings.seed + settings.worlds):
        with tempfile.TemporaryDirectory() as name:
            write_world(Path(name) / "world", settings.scale, seed)
            found = results_of(Path(name) / "world", settings.draws, seed)
        held += inside(found)
        print(f"seed {seed}: {sum(inside(found))} of {held.size} intervals hold the effect")
        if seed == settings.seed:
            table = "\n".join(lines(found))
            print(table, flush=True)
            if settings.page:
                before, rest = settings.page.read_text().split(MARKS[0])
                after = rest.split(MARKS[1])[1]
                page = f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}"
                settings.page.write_text(page)
    if settings.worlds > 1:
        rows = zip(published(), held, strict=True)
        print("worlds that hold it:", *(f"{r['lead']} {r['year']:.0f}: {n}" for r, n in rows))


if __name__ == "__main__":
    main()
