"""Simulated worlds on disk: bytes, both forms, truth beside them, refusals."""

import errno
import gzip
import json

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import isthmus.corpus.manifest
import isthmus.simulation.simulate as simulation
from isthmus.cli.verbs import app
from isthmus.corpus.store import open_corpus
from isthmus.errors import InputError, TargetError
from isthmus.simulation import openalex, release
from isthmus.simulation.families import FAMILIES, family_world
from isthmus.simulation.settings import WorldSettings, planted_world
from isthmus.simulation.simulate import read_truth, simulate, simulate_world

SETTINGS = planted_world(1_500, 11, n_countries=20)


def contents(folder):
    """Bytes of all files, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    target = tmp_path_factory.mktemp("world") / "corpus"
    simulate(SETTINGS, target)
    return target


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    target = tmp_path_factory.mktemp("world") / "openalex"
    simulate(SETTINGS, target, as_="openalex")
    return target


def lines(folder):
    for path in sorted(folder.rglob("part_*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            yield from (json.loads(line) for line in stream)


@pytest.mark.parametrize("as_", ["corpus", "openalex"])
def test_one_seed_same_bytes(tmp_path, as_, corpus, records):
    simulate(SETTINGS, tmp_path / "again", as_=as_)
    simulate(planted_world(1_500, 12, n_countries=20), tmp_path / "other", as_=as_)
    first = contents(corpus if as_ == "corpus" else records)
    again, other = contents(tmp_path / "again"), contents(tmp_path / "other")
    assert first == again
    assert first.keys() == other.keys()
    names = [name for name in first if "works" in name or "references" in name]
    assert all(first[name] != other[name] for name in names)


def test_corpus_opens_with_every_work(corpus):
    opened = open_corpus(corpus)
    assert opened.rows("works") == 1_500
    assert opened.manifest.source == "simulated"
    works = opened.read("works")
    cited = opened.read("references")["cited_id"].to_pylist()
    counts = dict(
        zip(works["work_id"].to_pylist(), works["cited_by_count"].to_pylist(), strict=True)
    )
    assert sum(counts.values()) == len(cited)
    assert counts[max(counts, key=counts.get)] == max(map(cited.count, set(cited)))
    assert set(opened.read("works", ["venue_id"])["venue_id"].to_pylist()) <= set(
        opened.read("venues", ["venue_id"])["venue_id"].to_pylist()
    )


def test_both_forms_carry_the_same_truth(corpus, records):
    assert contents(corpus / "truth") == contents(records / "truth")
    settings = json.loads((corpus / "truth" / "settings.json").read_text())
    assert settings["seed"] == 11
    assert settings["affinity"] == "two_blocs"
    with pytest.raises(InputError, match="it holds affinity, author_years"):
        read_truth(corpus, "nothing")
    assert read_truth(corpus, "sizes").num_rows == 24 * 20


def number(identifier):
    return int(identifier.rsplit("/", 1)[1].lstrip("WAICST"))


def test_records_say_what_the_corpus_says(corpus, records):
    """Every row of the corpus, and none else, stands in the records."""
    opened = open_corpus(corpus)
    works, authorships, affiliations, references, subjects = set(), set(), [], set(), set()
    for work in lines(records / "data" / "works"):
        key = number(work["id"])
        venue = number(work["primary_location"]["source"]["id"])
        works.add((key, work["publication_year"], work["publication_date"], work["type"], venue,
                   len(work["authorships"]), work["cited_by_count"], work["title"]))  # fmt: skip
        references |= {(key, number(cited)) for cited in work["referenced_works"]}
        for topic in work["topics"]:
            subjects.add((key, "topic", number(topic["id"]), score_of(topic)))
            for scheme in ("subfield", "field"):
                subjects.add((key, scheme, number(topic[scheme]["id"]), None))
        subjects |= {(key, "concept", number(c["id"]), score_of(c)) for c in work["concepts"]}
        for position, author in enumerate(work["authorships"]):
            is_last = position == len(work["authorships"]) - 1
            named = "first" if position == 0 else "last" if is_last else "middle"
            assert author["author_position"] == named
            authorships.add((key, position, is_last, author["is_corresponding"],
                             number(author["author"]["id"])))  # fmt: skip
            named = {i["country_code"] for i in author["institutions"]}
            assert named <= set(author["countries"])
            affiliations += [
                (key, position, number(i["id"]), i["country_code"], "institution")
                for i in author["institutions"]
            ]
            affiliations += [
                (key, position, None, code, "parsed")
                for code in author["countries"]
                if code not in named
            ]
    assert works == {
        (r["work_id"], r["year"], str(r["date"]), r["type"], r["venue_id"], r["n_authors"],
         r["cited_by_count"], r["title"]) for r in opened.read("works").to_pylist()
    }  # fmt: skip
    assert authorships == {tuple(r.values()) for r in opened.read("authorships").to_pylist()}
    assert sorted(affiliations, key=str) == sorted(
        (tuple(r.values()) for r in opened.read("affiliations").to_pylist()), key=str
    )
    assert references == {tuple(r.values()) for r in opened.read("references").to_pylist()}
    assert subjects == {
        (r["work_id"], r["scheme"], r["subject_id"], r["score"] and round(r["score"], 3))
        for r in opened.read("subjects").to_pylist()
    }


def score_of(record):
    return round(record["score"], 3)


def test_entities_are_written(records, corpus):
    opened = open_corpus(corpus)
    counts = {number(a["id"]): a["works_count"] for a in lines(records / "data" / "authors")}
    rows = opened.read("authors").to_pylist()
    assert counts == {row["author_id"]: row["works_count"] for row in rows}
    assert sum(counts.values()) == opened.rows("authorships")
    sources = {number(s["id"]): s["issn_l"] for s in lines(records / "data" / "sources")}
    assert sources == {r["venue_id"]: r["issn_l"] for r in opened.read("venues").to_pylist()}
    places = {number(i["id"]): i["country_code"] for i in lines(records / "data" / "institutions")}
    rows = opened.read("institutions").to_pylist()
    assert places == {row["institution_id"]: row["country"] for row in rows}


@pytest.mark.parametrize("as_", ["corpus", "openalex"])
def test_an_occupied_target_is_refused_and_left_alone(tmp_path, as_):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(TargetError, match=r"not empty: it holds mine\.txt"):
        simulate(SETTINGS, tmp_path, as_=as_)
    with pytest.raises(TargetError, match="is a file"):
        simulate(SETTINGS, tmp_path / "mine.txt", as_=as_)
    assert list(contents(tmp_path)) == ["mine.txt"]


def test_a_finished_world_is_not_overwritten(corpus, records):
    for target, as_ in ((corpus, "corpus"), (records, "openalex")):
        before = contents(target)
        with pytest.raises(TargetError, match="not empty"):
            simulate(SETTINGS, target, as_=as_)
        assert contents(target) == before


def test_another_form_is_refused(tmp_path):
    with pytest.raises(InputError, match="corpus, openalex, openalex-2026, mag"):
        simulate(SETTINGS, tmp_path / "x", as_="xml")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("as_", ["corpus", "openalex", "openalex-2026"])
def test_an_interrupted_world_leaves_nothing_and_can_be_made_again(tmp_path, as_, monkeypatch):
    def stop(done, total):
        if done > total / 2:
            raise KeyboardInterrupt

    target = tmp_path / "w"
    with pytest.raises(KeyboardInterrupt):
        simulate(WorldSettings(300, 1), target, as_=as_, progress=stop)
    assert [name for name in contents(target) if name != ".lock"] == []
    simulate(WorldSettings(300, 1), target, as_=as_)
    assert read_truth(target, "country_year").num_rows


def test_a_killed_world_is_completed_by_the_same_command(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    simulate(WorldSettings(300, 1), whole, as_="openalex")
    (killed / "data.partial" / "works").mkdir(parents=True)
    (killed / "truth").mkdir()
    simulate(WorldSettings(300, 1), killed, as_="openalex")
    assert contents(killed) == contents(whole)


def test_progress_ends_with_all_works(tmp_path):
    seen = []
    simulate_world(
        tmp_path / "w", works=500, seed=1, placebo=True, progress=lambda *a: seen.append(a)
    )
    assert seen[-1] == (500, 500)
    assert seen == sorted(seen)
    assert json.loads((tmp_path / "w" / "truth" / "settings.json").read_text())["retention"] == 0


def test_a_family_is_written_with_what_it_makes_true_and_how_it_was_asked_for(tmp_path):
    target = tmp_path / "w"
    simulate_world(target, works=500, seed=1, family="drifting_impact")
    settings = json.loads((target / "truth" / "settings.json").read_text())
    assert settings["impact_drift"] == 0.04
    claims = {row["claim"]: row["standing"] for row in read_truth(target, "claims").to_pylist()}
    assert claims["premium-first"] == "false"
    assert claims["second-as-novel"] == "true"
    countries = read_truth(target, "countries").to_pylist()
    multipliers = {row["impact_multiplier"] for row in countries if row["country"] == "US"}
    assert len(multipliers) == 24
    command = simulation._command(family_world("drifting_impact", 500, 1), target)
    assert "--works 500 --seed 1 --family drifting_impact --to" in command
    assert "--family" not in simulation._command(planted_world(500, 1), target)


def test_the_placebo_is_the_family_sizes_and_both_together_are_refused(tmp_path):
    simulate_world(tmp_path / "a", works=300, seed=1, placebo=True)
    simulate_world(tmp_path / "b", works=300, seed=1, family="sizes")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    with pytest.raises(InputError, match="ask for a placebo or for a family"):
        simulate_world(tmp_path / "c", works=300, seed=1, family="sizes", placebo=True)
    with pytest.raises(InputError, match="Choose one of: sizes, constant_ties"):
        simulate_world(tmp_path / "c", works=300, seed=1, family="size")
    assert not (tmp_path / "c").exists()


def test_help_teaches_every_family():
    shown = " ".join(CliRunner().invoke(app, ["simulate", "--help"]).output.split())
    assert all(f"{name}: " in shown for name in FAMILIES)


def test_records_do_not_depend_on_the_size_of_blocks(tmp_path, records, monkeypatch):
    monkeypatch.setattr(openalex, "BLOCK", 7)
    simulate(SETTINGS, tmp_path / "w", as_="openalex")
    assert contents(tmp_path / "w") == contents(records)


def test_files_hold_no_more_records_than_stated(tmp_path, monkeypatch):
    monkeypatch.setattr(simulation, "RECORDS_PER_FILE", 100)
    simulate(WorldSettings(250, 1), tmp_path / "w", as_="openalex")
    folder = tmp_path / "w" / "data" / "works" / "updated_date=2022-01-01"
    assert [path.name for path in sorted(folder.iterdir())] == [
        "part_000.gz",
        "part_001.gz",
        "part_002.gz",
    ]
    assert len(list(lines(folder))) == 250


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    target = tmp_path_factory.mktemp("world") / "release"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "RECORDS_PER_FILE", 700)
        patch.setattr(release, "BLOCK", 250)
        simulate(SETTINGS, target, as_="openalex-2026")
    return target


def released_works(released, form="jsonl"):
    folder = released / "data" / form / "works"
    if form == "jsonl":
        return list(lines(folder))
    paths = sorted(folder.rglob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path, partitioning=None).to_pylist()]


def test_a_release_is_the_world_and_twins_that_do_not_count(released, records):
    world = {work["id"]: work for work in lines(records / "data" / "works")}
    deleted = (released / "data" / "jsonl" / "works" / "deleted_ids.csv").read_text().split("\n")
    gone = {line.split(",")[0] for line in deleted[1:] if line}
    works = released_works(released)
    assert len({work["id"] for work in works}) == len(works)
    assert gone < {work["id"] for work in works}
    left = [w for w in works if not (w["is_xpac"] or w["is_paratext"] or w["id"] in gone)]
    assert [work["id"] for work in left] == list(world)
    for work in left:
        plain = world[work["id"]]
        for name in plain.keys() - {"authorships", "updated_date"}:
            assert work[name] == plain[name], name
        for authorship, wanted in zip(work["authorships"], plain["authorships"], strict=True):
            orcid = authorship["author"].pop("orcid")
            assert orcid == authorship.pop("raw_orcid")
            wanted["author"].pop("orcid", None)
            assert authorship == wanted
    shares = {flag: sum(w[flag] for w in works) / len(works) for flag in ("is_xpac", "is_paratext")}
    assert shares == pytest.approx({"is_xpac": 1 / 3, "is_paratext": 0.01}, abs=0.01)
    assert contents(released / "truth") == contents(records / "truth")


def test_both_formats_of_a_release_hold_the_same(released):
    first, second = released_works(released), released_works(released, "parquet")
    for work in second:
        for name in ("publication_date", "updated_date"):
            work[name] = str(work[name])[:10]
    assert first == second


def test_manifests_say_what_the_files_hold(released):
    for form, suffix in (("jsonl", ".gz"), ("parquet", ".parquet")):
        folder = released / "data" / form
        whole = json.loads((folder / "manifest.json").read_text())
        assert (whole["date"], whole["format"]) == ("2022-06-01", form)
        listed = []
        for entity in whole["entities"]:
            alone = json.loads((folder / entity["entity"] / "manifest.json").read_text())
            assert alone == {"date": "2022-06-01", "format": form} | entity
            for total in ("record_count", "content_length"):
                assert entity[total] == sum(file["meta"][total] for file in entity["files"])
            listed += entity["files"]
        for file in listed:
            path = released / file["url"].removeprefix("s3://openalex/")
            assert path.stat().st_size == file["meta"]["content_length"]
            held = (
                pq.ParquetFile(path).metadata.num_rows
                if form == "parquet"
                else gzip.decompress(path.read_bytes()).count(b"\n")
            )
            assert held == file["meta"]["record_count"] <= 700
        assert len(listed) == len(list(folder.rglob(f"*{suffix}")))
        parts = {path.parent.name for path in (folder / "works").rglob(f"*{suffix}")}
        assert parts == {"updated_date=2022-01-01", "updated_date=2022-06-01"}


def test_orcids_have_their_check_digit_and_are_the_same_everywhere(released):
    entities = {a["id"]: a["orcid"] for a in lines(released / "data" / "jsonl" / "authors")}
    assert 0.5 < sum(map(bool, entities.values())) / len(entities) < 0.7
    for orcid in filter(None, entities.values()):
        *digits, check = orcid.removeprefix("https://orcid.org/").replace("-", "")
        weighted = sum(int(d) * 2 ** (15 - i) for i, d in enumerate(digits))
        assert (weighted + (10 if check == "X" else int(check))) % 11 == 1
    for work in released_works(released):
        for authorship in work["authorships"]:
            assert authorship["author"]["orcid"] == entities[authorship["author"]["id"]]


def test_a_full_disk_at_the_end_leaves_no_truth_without_a_world(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(isthmus.corpus.manifest, "save", full)
    with pytest.raises(TargetError, match="disk is full"):
        simulate(WorldSettings(300, 1), tmp_path / "w")
    assert [name for name in contents(tmp_path / "w") if name != ".lock"] == []
