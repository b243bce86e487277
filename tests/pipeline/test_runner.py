"""The run's tables against plain-Python recounts, on random corpora and on real works.

Tolerance: fractions are summed with 15 decimals, so a total of a few thousand
papers is off by less than 1e-11; 1e-9 leaves room and catches any miscount.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from statistics import mean, stdev
from zlib import crc32

import msgspec
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student

import recount
from commands import isthmus
from isthmus.errors import CorpusError, IsthmusWarning, TargetError
from isthmus.files import LOCK_NAME
from isthmus.pipeline.runner import run
from isthmus.report import write_report
from isthmus.results import Results, folder, open_results
from isthmus.stats.shares import Z_95
from isthmus.study import Study
from tiny import LIGHT, LIGHT_TOML, random_works, write_corpus

TOLERANCE = 1e-9
NOVELTY = (
    "novelty_papers",
    "novelty_median",
    "conventionality_median",
    "disruption_median",
    "reference_age_median",
    "novel_hits",
    "novel_share",
)
YEARS = (2001, 2007)

#: Seconds until a command in a process of its own is given up; a step takes a second or two.
PATIENCE = 300


def make_study(corpus: Path, years: tuple[int, int] = YEARS, **sections: dict) -> Study:
    about = {"corpus": str(corpus), "years": list(years)}
    return Study.parse({"study": about, "poles": LIGHT, **sections})


def keyed(results: Results, name: str, keys: tuple[str, ...]) -> dict:
    rows = results.table(name).to_pylist()
    return {tuple(row[k] for k in keys): row for row in rows}


def assert_country_year(results: Results, expected: dict) -> None:
    found = keyed(results, "country_year", ("year", "country"))
    assert set(found) == set(expected)
    for key, row in expected.items():
        for name, value in found[key].items():
            # Novelty is recounted beside its own step.
            if name in ("year", "country", *NOVELTY) or name.endswith(("_low", "_high", "_se")):
                continue
            wanted = row.get(name, 0.0)
            if value is None:
                assert not wanted, (key, name)
            else:
                assert value == pytest.approx(wanted, abs=TOLERANCE), (key, name)


def assert_networks(results: Results, together: dict, cited: dict) -> None:
    found = keyed(results, "collaboration", ("year", "source", "target"))
    assert set(found) == set(together)
    for key, (whole, fractional, alone) in together.items():
        assert found[key]["works_whole"] == whole
        assert found[key]["works_fractional"] == pytest.approx(fractional, abs=TOLERANCE)
        assert found[key]["works_single_author"] == alone
    found = keyed(results, "citation", ("year", "source", "target"))
    assert set(found) == set(cited)
    for key, (whole, fractional) in cited.items():
        assert found[key]["citations_whole"] == whole
        assert found[key]["citations_fractional"] == pytest.approx(fractional, abs=TOLERANCE)


@pytest.mark.usefixtures("counts_only")
@pytest.mark.parametrize("rule", ["last_author", "first_author", "corresponding", "any"])
@pytest.mark.parametrize("include_citing", [True, False])
def test_tables_equal_a_recount(tmp_path: Path, rule: str, include_citing: bool) -> None:
    works = random_works(seed=crc32(f"{rule} {include_citing}".encode()) % 1000)
    corpus = write_corpus(works, tmp_path / "corpus")
    study = make_study(
        corpus.path,
        field={"subfields": [1702], "include_citing": include_citing},
        countries={"attribution": rule},
        impact={"window": 2, "hit_percent": 10},
    )
    results = run(study, tmp_path / "results")
    in_field = {i for i, w in works.items() if 1702 in w.subfields}
    expected = recount.country_year(works, in_field, YEARS, rule=rule, percent=Fraction(10))
    assert_country_year(results, expected)
    pairs = recount.counting_citations(works, in_field, include_citing)
    assert_networks(
        results,
        recount.collaboration({i: works[i] for i in in_field}, YEARS),
        recount.citation(pairs, YEARS),
    )


@pytest.mark.usefixtures("counts_only")
def test_hits_sum_to_exactly_the_quota(tmp_path: Path) -> None:
    works = random_works(seed=5)
    corpus = write_corpus(works, tmp_path / "corpus")
    study = make_study(corpus.path, impact={"hit_percent": 7})
    thresholds = run(study, tmp_path / "results").table("hit_thresholds").to_pylist()
    assert thresholds
    for row in thresholds:
        given = row["above"] + row["tied"] * row["tie_weight"]
        assert given == pytest.approx(row["papers"] * 0.07, abs=1e-12)


@pytest.mark.usefixtures("counts_only")
def test_intervals_equal_the_textbook(tmp_path: Path) -> None:
    works = random_works(seed=8)
    corpus = write_corpus(works, tmp_path / "corpus")
    results = run(make_study(corpus.path), tmp_path / "results")
    impact = recount.citation_windows(works, set(works), YEARS, 2)
    seen = 0
    for row in results.table("country_year").to_pylist():
        year, country = row["year"], row["country"]
        of_year = [w for w in works.values() if w.year == year]
        world = sum(bool(w.deciding("last_author")) for w in of_year)
        if row["papers_last_author"]:
            wilson = binomtest(row["papers_last_author"], world).proportion_ci(method="wilson")
            low, high = row["papers_last_author_share_low"], row["papers_last_author_share_high"]
            assert (low, high) == pytest.approx((wilson.low, wilson.high), abs=TOLERANCE)
        cited = [
            impact[w.id] for w in of_year if country in w.deciding("last_author") and w.id in impact
        ]
        if len(cited) >= 6 and sum(cited):
            error = stdev(cited) / len(cited) ** 0.5 / mean(cited)
            freedom = len(cited) - 1
            quantile = Z_95 + (Z_95**3 + Z_95) / (4 * freedom)
            quantile += (5 * Z_95**5 + 16 * Z_95**3 + 3 * Z_95) / (96 * freedom**2)
            assert quantile == pytest.approx(student.ppf(0.975, freedom), abs=0.03)
            reach = math.exp(quantile * error)
            ends = (row["c2_mean_low"], row["c2_mean_high"])
            assert ends == pytest.approx((mean(cited) / reach, mean(cited) * reach), rel=TOLERANCE)
            seen += 1
        else:
            assert row["c2_mean_low"] is None
    assert seen > 0


@pytest.mark.usefixtures("counts_only")
def test_impact_is_null_where_the_corpus_ends_too_early(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=2), tmp_path / "corpus")
    results = run(make_study(corpus.path, (2000, 2008)), tmp_path / "results")
    rows = results.table("country_year").to_pylist()
    assert {r["year"] for r in rows if r["c2_sum"] is not None} == set(range(2000, 2007))
    assert all(r["hits"] is None for r in rows if r["year"] > 2006)


@pytest.mark.usefixtures("counts_only")
@pytest.mark.parametrize("field", [{}, {"exclude": []}], ids=["rules on", "rules off"])
def test_real_works_equal_a_recount(tmp_path: Path, shared_data: Path, field: dict) -> None:
    from isthmus.corpus.countries import countries
    from isthmus.ingest.ingest import ingest

    source = shared_data / "openalex-works" / "works.jsonl.gz"
    corpus = ingest([source], tmp_path / "corpus")
    years = (1990, 2022)
    results = run(make_study(corpus.path, years, field=field), tmp_path / "results")
    out = set() if field else recount.excluded(source)
    works = recount.read_openalex(source, set(countries()))
    works = {i: w for i, w in works.items() if i in _ids(corpus) - out}
    everything = set(works)
    assert_country_year(results, recount.country_year(works, everything, years))
    pairs = recount.counting_citations(works, everything)
    assert_networks(results, recount.collaboration(works, years), recount.citation(pairs, years))


def _ids(corpus) -> set[int]:
    import pyarrow.parquet as pq

    return {i for part in corpus.parts("works") for i in pq.read_table(part)["work_id"].to_pylist()}


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=3), tmp_path / "corpus")
    study = make_study(corpus.path)
    run(study, tmp_path / "results")
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "results").iterdir() if p.is_file()}
    run(study, tmp_path / "results")
    after = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "results").iterdir() if p.is_file()}
    before.pop(LOCK_NAME, None)  # taken by either run
    after.pop(LOCK_NAME, None)
    assert before == after


def test_a_damaged_table_is_made_again(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=3), tmp_path / "corpus")
    study = make_study(corpus.path)
    run(study, tmp_path / "results")
    table = tmp_path / "results" / "citation.csv"
    whole = table.read_bytes()
    table.write_bytes(whole[:100])
    run(study, tmp_path / "results")
    assert table.read_bytes() == whole


@pytest.mark.usefixtures("counts_only")
def test_results_of_another_study_are_not_overwritten_unasked(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=3), tmp_path / "corpus")
    run(make_study(corpus.path), tmp_path / "results")
    other = make_study(corpus.path, (2002, 2005))
    with pytest.raises(TargetError, match="--overwrite"):
        run(other, tmp_path / "results")
    results = run(other, tmp_path / "results", overwrite=True)
    years = results.table("country_year")["year"].to_pylist()
    assert (min(years), max(years)) == (2002, 2005)


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=3), tmp_path / "corpus")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(TargetError, match="not results"):
        run(make_study(corpus.path), tmp_path / "thesis")
    assert [p.name for p in (tmp_path / "thesis").iterdir()] == ["chapter.txt"]


def test_a_field_that_matches_nothing_is_a_warning(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=3), tmp_path / "corpus")
    said: list[str] = []
    study = make_study(corpus.path, field={"topics": [1]})
    results = run(study, tmp_path / "results", warn=said.append)
    assert said[0].startswith("No work of")
    assert results.table("country_year").num_rows == 0
    assert write_report(results).is_file()


def test_one_country_is_a_warning(tmp_path: Path) -> None:
    works = random_works(seed=3)
    for work in works.values():
        for author in work.authors:
            author.countries = ["FR"] if author.countries else []
    corpus = write_corpus(works, tmp_path / "corpus")
    said: list[str] = []
    results = run(make_study(corpus.path), tmp_path / "results", warn=said.append)
    assert "Most works have France" in said[0]
    assert set(results.table("country_year")["country"].to_pylist()) == {"FR"}
    assert write_report(results).is_file()


def test_an_empty_corpus_is_one_sentence(tmp_path: Path) -> None:
    corpus = write_corpus({}, tmp_path / "corpus")
    with pytest.raises(CorpusError, match="holds no works"):
        run(make_study(corpus.path), tmp_path / "results")
    assert not (tmp_path / "results").exists()


@pytest.mark.usefixtures("counts_only")
def test_merge_and_blocs(tmp_path: Path) -> None:
    works = random_works(seed=9)
    corpus = write_corpus(works, tmp_path / "corpus")
    merged = make_study(
        corpus.path,
        countries={
            "merge": {"DE": ["FR"]},
            "blocs": {"BRICS": ["BR", "IN", "CN"], "EU2": ["DE"]},
        },
    )
    results = run(merged, tmp_path / "results")
    for work in works.values():
        for author in work.authors:
            author.countries = ["DE" if c == "FR" else c for c in author.countries]
    expected = recount.country_year(works, set(works), YEARS)
    assert_country_year(results, expected)
    blocs = keyed(results, "bloc_year", ("year", "country"))
    members = {"BR", "IN", "CN"}
    for year in range(YEARS[0], YEARS[1] + 1):
        of_year = [w for w in works.values() if w.year == year]
        assert blocs[year, "BRICS"]["papers_whole"] == sum(
            bool(w.countries & members) for w in of_year
        )
        share = sum(
            Fraction(len(w.countries & members), len(w.countries)) for w in of_year if w.countries
        )
        assert blocs[year, "BRICS"]["papers_fractional"] == pytest.approx(float(share), abs=1e-9)
        people = sum(expected[year, c].get("scientists", 0) for c in members)
        assert blocs[year, "BRICS"]["scientists"] == pytest.approx(people, abs=1e-9)


@pytest.mark.usefixtures("counts_only")
def test_self_citations_and_countries_can_be_left_out(tmp_path: Path) -> None:
    works = random_works(seed=11)
    corpus = write_corpus(works, tmp_path / "corpus")
    rules = {"exclude_self_citations": True, "exclude_citing_countries": ["US"]}
    results = run(make_study(corpus.path, impact=rules), tmp_path / "results")
    for citing in works.values():
        own = {a.id for a in citing.authors if a.id is not None}
        citing.references = {
            r
            for r in citing.references
            if r in works
            and "US" not in citing.countries
            and not own & {a.id for a in works[r].authors}
        }
    expected = recount.country_year(works, set(works), YEARS)
    found = keyed(results, "country_year", ("year", "country"))
    sums = {k: v["c2_sum"] for k, v in found.items() if v["c2_sum"] is not None}
    assert sums == {k: v["c2_sum"] for k, v in expected.items() if "c2_sum" in v}


def test_order_of_rows_and_parts_does_not_matter(tmp_path: Path) -> None:
    works = random_works(seed=4)
    backwards = dict(reversed(list(works.items())))
    tables = []
    for name, version in (("a", works), ("b", backwards)):
        corpus = write_corpus(version, tmp_path / name)
        results = run(make_study(corpus.path), tmp_path / f"results-{name}")
        tables.append({t: results.table(t) for t in results.tables})
    for name in tables[0]:
        assert tables[0][name].equals(tables[1][name]), name


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in (".parquet", ".csv")}


def killed_after(step: str, command: list[str], work: Path) -> None:
    """Start a command, and kill it soon after this step has ended."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    until = time.monotonic() + PATIENCE
    while not (work / f"{step}.step.json").exists():
        assert process.poll() is None, f"the run ended before {step} was seen to end"
        assert time.monotonic() < until, f"{step} did not end in time"
        time.sleep(0.02)
    time.sleep(0.1)
    assert process.poll() is None, "the run ended before it was killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_bytes(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=6), tmp_path / "corpus")
    study, killed = tmp_path / "study.toml", tmp_path / "killed"
    study.write_text(f'[study]\ncorpus = "{corpus.path}"\nyears = [2001, 2007]\n{LIGHT_TOML}')
    assert isthmus("run", study, "--to", tmp_path / "whole").returncode == 0
    command = [sys.executable, "-m", "isthmus", "run", str(study), "--to", str(killed)]
    for step in ("leadership", "mobility"):
        killed_after(step, command, killed / ".work")
    subprocess.run(command, check=True, capture_output=True)
    undisturbed = bytes_of(tmp_path / "whole")
    assert bytes_of(killed) == undisturbed
    record = msgspec.json.decode((killed / "run.json").read_bytes())
    assert record["tables"] == open_results(tmp_path / "whole").record["tables"]
    assert {name.split(".")[0] for name in undisturbed} == {*record["tables"], "findings"}


@pytest.mark.usefixtures("counts_only")
def test_poles_that_are_in_no_work_are_said_and_the_run_goes_on(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=3), tmp_path / "corpus")
    study = make_study(corpus.path, countries={"poles": ["NG", "US"]})
    said: list[str] = []
    results = run(study, tmp_path / "r", warn=said.append)
    assert len(said) == 1
    assert said[0].startswith("Nigeria (NG), of the poles of this study, is in no work")
    assert "2001-2007" in said[0]
    assert results.record["steps"]["field"]["notes"]["warnings"] == said
    assert results.table("country_year").num_rows
    with pytest.warns(IsthmusWarning, match="Nigeria"):
        run(make_study(corpus.path, countries={"poles": ["NG"]}), tmp_path / "other")
    run(make_study(corpus.path), tmp_path / "third", warn=said.append)
    assert len(said) == 1


@pytest.mark.usefixtures("counts_only")
def test_large_tables_get_their_csv_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "CSV_MOST_ROWS", 0)
    corpus = write_corpus(random_works(1, 60), tmp_path / "corpus")
    target = tmp_path / "results"
    run(make_study(corpus.path), target)
    assert not (target / "country_year.csv").exists()
    before = (target / "country_year.parquet").read_bytes()
    results = run(make_study(corpus.path, run={"csv": True}), target)
    assert (target / "country_year.csv").exists()
    assert (target / "country_year.parquet").read_bytes() == before
    hashes = results.record["steps"]["leadership"]["tables"]["country_year"]["sha256"]
    assert set(hashes) == {"country_year.csv", "country_year.parquet"}
    assert not (target / "novelty_works.csv").exists()
