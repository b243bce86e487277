"""Worlds grown in pieces: the pieces make one corpus, whoever grows them and in what order.

Whole counts must be equal; sums of fractions agree to 1e-9 (order of adding up).
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.corpus.manifest import unfinished
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus, open_corpus
from isthmus.corpus.verify import verify
from isthmus.errors import CorpusError, InputError, TargetError
from isthmus.pipeline.runner import run
from isthmus.simulation import distributed as growing
from isthmus.simulation import pieces
from isthmus.simulation.distributed import Growth, grow_in_pieces
from isthmus.simulation.generator import World
from isthmus.simulation.pieces import ADDED, LISTED, SHARED, pieces_of
from isthmus.simulation.settings import planted_world
from isthmus.simulation.simulate import read_truth, simulate, simulate_world
from isthmus.simulation.truth import Truth
from isthmus.study import Study
from recount_world import Recount

#: Three pieces of 234, 233 and 233 works, with authors enough who move.
SETTINGS = planted_world(700, 11, n_countries=12, migration_rate=0.05, papers_per_author=3.0)
PER_PIECE = 250


def forwards(task: Callable[[int], None], n: int) -> None:
    for number in range(n):
        task(number)


def backwards(task: Callable[[int], None], n: int) -> None:
    """As executors do: each task a copy that came by pickle, in another order, some twice."""
    for number in [*reversed(range(n)), 0]:
        pickle.loads(pickle.dumps(task))(number)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("grown") / "corpus"
    grow_in_pieces(Growth(SETTINGS, target, PER_PIECE), forwards, command="this")
    return target


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Each piece as the plain world that its settings are."""
    folder = tmp_path_factory.mktemp("alone")
    parts = pieces_of(SETTINGS, PER_PIECE)
    for number, piece in enumerate(parts):
        simulate(piece.settings, folder / str(number))
    return [folder / str(number) for number in range(len(parts))]


@pytest.mark.parametrize(("works", "most"), [(700, 250), (7, 3), (3, 1), (10, 10), (11, 10)])
def test_pieces_have_the_works_of_the_whole(works: int, most: int) -> None:
    parts = pieces_of(planted_world(works, 5), most)
    sizes = [piece.settings.n_works for piece in parts]
    assert sum(sizes) == works
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == -(-works // most)
    assert [piece.start.works for piece in parts] == np.cumsum([0, *sizes[:-1]]).tolist()
    assert len({piece.settings.seed for piece in parts}) == len(parts)
    assert parts[0].settings.seed == 5
    with pytest.raises(InputError, match="at least 1"):
        pieces_of(planted_world(works, 5), 0)


def test_identifiers_of_half_a_billion_works_fit() -> None:
    last = pieces_of(planted_world(500_000_000, 2**63 - 1))[-1]
    ends = np.array([last.settings.n_works - 1, pieces.AUTHORS_APART - 1])
    assert last.start.work_ids(ends[:1]).tolist() == [2_500_000_000]
    assert 0 < last.start.author_ids(ends[1:])[0] < 2**33


def test_every_planted_table_is_added_shared_or_listed() -> None:
    world = World(planted_world(50, 1, n_countries=4))
    truth = Truth(world)
    for year in world.grow():
        truth.add(year)
    assert sorted(truth.tables()) == sorted([*ADDED, *SHARED, *LISTED])


def test_an_only_piece_is_the_plain_world(tmp_path: Path) -> None:
    settings = planted_world(250, 3, n_countries=12)
    simulate(settings, tmp_path / "plain")
    grow_in_pieces(Growth(settings, tmp_path / "one", 250), backwards, command="this")
    assert contents(tmp_path / "one") == contents(tmp_path / "plain")


def test_the_order_in_which_pieces_end_is_irrelevant(grown: Path, tmp_path: Path) -> None:
    grow_in_pieces(Growth(SETTINGS, tmp_path / "w", PER_PIECE), backwards, command="this")
    assert contents(tmp_path / "w") == contents(grown)


def test_the_corpus_is_sound_and_pieces_share_nothing_but_entities(
    grown: Path, alone: list[Path]
) -> None:
    assert verify(grown).problems == []
    corpus, worlds = open_corpus(grown), [open_corpus(world) for world in alone]
    assert corpus.rows("works") == 700
    for name in TABLES:
        if name in ("institutions", "venues"):
            assert all(corpus.read(name).equals(world.read(name)) for world in worlds)
        else:
            assert corpus.rows(name) == sum(world.rows(name) for world in worlds)
    works = set(corpus.read("works")["work_id"].to_pylist())
    assert works == set(range(2_000_000_001, 2_000_000_701))
    cites = corpus.read("references")
    assert set(cites["citing_id"].to_pylist()) | set(cites["cited_id"].to_pylist()) <= works
    authors = corpus.read("authors").to_pylist()
    assert {row["author_id"] for row in authors} == set(
        corpus.read("authorships")["author_id"].to_pylist()
    )
    titles = corpus.read("works", ["title"])["title"].to_pylist()
    assert len(set(titles)) == 700
    assert len({row["name"] for row in authors}) == len(authors)


def test_each_piece_is_the_world_of_its_seed_elsewhere(grown: Path, alone: list[Path]) -> None:
    corpus = open_corpus(grown)
    for number, piece in enumerate(pieces_of(SETTINGS, PER_PIECE)):
        moved = {"work_id": piece.start.works, "author_id": piece.start.authors}
        moved |= {"citing_id": piece.start.works, "cited_id": piece.start.works}
        for name in ("authorships", "affiliations", "references", "subjects"):
            expected = open_corpus(alone[number]).read(name)
            for column in set(moved) & set(expected.column_names):
                at = expected.column_names.index(column)
                ids = pa.array(expected[column].to_numpy() + moved[column])
                expected = expected.set_column(at, expected.schema.field(at), ids)
            parts = [p for p in corpus.parts(name) if p.name.startswith(f"part-{number:05d}-")]
            found = pa.concat_tables([pq.read_table(part) for part in parts])
            assert found.cast(expected.schema).equals(expected), (name, number)


def planted(grown: Path, name: str, *key: str, value: str) -> dict[Any, Any]:
    rows = read_truth(grown, name).to_pylist()
    pairs = [(tuple(row[k] for k in key), row[value]) for row in rows]
    assert len(dict(pairs)) == len(pairs)
    return {key: value for key, value in pairs if value}


def recounted(corpus: Corpus) -> Recount:
    names = ("works", "subjects", "authorships", "references", "affiliations")
    return Recount({name: corpus.read(name).to_pylist() for name in names})


def test_the_truth_is_that_of_the_whole(grown: Path) -> None:
    recount = recounted(open_corpus(grown))
    names = ("papers_last_author", "papers_whole", "papers_fractional")
    expected: dict[str, Any] = dict(zip(names, recount.output(), strict=True))
    expected["scientists"] = recount.scientists_by_country()
    assert sum(expected["scientists"].values()) > 20
    for name, counts in expected.items():
        found = planted(grown, "country_year", "year", "country", value=name)
        assert found == pytest.approx(counts, abs=1e-9), name
    ends = ("source", "target")
    for name, counts in zip(("whole", "fractional"), recount.collaboration(), strict=True):
        found = planted(grown, "collaboration", "year", *ends, value=f"works_{name}")
        assert found == pytest.approx(counts, abs=1e-9), name
    grain = ("include_citing", "year", *ends)
    for among in (False, True):
        for name, counts in zip(("whole", "fractional"), recount.citation(among), strict=True):
            found = planted(grown, "citation", *grain, value=f"citations_{name}")
            found = {key[1:]: value for key, value in found.items() if key[0] == among}
            assert found == pytest.approx(counts, abs=1e-9), (name, among)


def test_moves_of_the_truth_are_those_of_the_whole(grown: Path) -> None:
    recount = recounted(open_corpus(grown))
    rows = read_truth(grown, "moves_observed").to_pylist()
    names = ("author_id", "year", "origin", "destination")
    assert {tuple(row[name] for name in names) for row in rows} == recount.moves()
    scientists = recount.scientists()
    assert {row["author_id"] for row in rows if row["is_scientist"]} <= scientists
    flows: dict[Any, int] = {}
    for author, *flow in recount.moves():
        if author in scientists:
            flows[tuple(flow)] = flows.get(tuple(flow), 0) + 1
    assert len(flows) > 3
    assert planted(grown, "flows", *names[1:], value="scientists") == flows


def test_settings_are_those_of_every_piece_and_plans_add_up(grown: Path, alone: list[Path]) -> None:
    for name in SHARED:
        assert all(read_truth(grown, name).equals(read_truth(world, name)) for world in alone)
    whole = read_truth(grown, "affinity").to_pylist()
    each = [read_truth(world, "affinity").to_pylist() for world in alone]
    assert any(row["log_affinity"] for row in whole)
    for row, *rows in zip(whole, *each, strict=True):
        assert {other["log_affinity"] for other in rows} == {row["log_affinity"]}
        expected = sum(other["expected_works_planned"] for other in rows)
        assert row["expected_works_planned"] == pytest.approx(expected, abs=1e-9)
    written = json.loads((grown / "truth" / "settings.json").read_text())
    assert written["n_works"] == 700
    assert written["seed"] == 11
    first = [piece["first_work_id"] for piece in written["pieces"]]
    assert first == [2_000_000_001, 2_000_000_235, 2_000_000_468]


@pytest.mark.usefixtures("counts_only")
def test_a_study_finds_the_planted_counts(grown: Path, tmp_path: Path) -> None:
    about = {"corpus": str(grown), "years": [1998, 2021]}
    results = run(Study.parse({"study": about, "field": {"subfields": [1702]}}), tmp_path / "r")
    grains = {"country_year": ("year", "country"), "collaboration": ("year", "source", "target")}
    for name, grain in grains.items():
        found = results.table(name).to_pylist()
        for column in ADDED[name]:
            if column != "papers_whole_complete":
                values = {tuple(row[k] for k in grain): row[column] for row in found}
                values = {key: value for key, value in values.items() if value}
                expected = planted(grown, name, *grain, value=column)
                assert values == pytest.approx(expected, abs=1e-9), column


def test_a_half_written_piece_is_grown_again(grown: Path, tmp_path: Path) -> None:
    """A task that was killed leaves files and no mark; another attempt finishes the piece."""
    growth = Growth(SETTINGS, tmp_path / "w", PER_PIECE)

    def killed_once(task: Callable[[int], None], n: int) -> None:
        task(1)
        half = growth.folder / "growing-00000-dead" / "works"
        half.mkdir(parents=True)
        (half / "part-00000-00000.parquet.writing.partial").write_bytes(b"PAR1")
        task(0)
        growth.mark(0).unlink()
        (growth.folder / "works" / "part-00000-00000.parquet").write_bytes(b"PAR1")
        forwards(task, n)

    grow_in_pieces(growth, killed_once, command="this")
    assert contents(tmp_path / "w") == contents(grown)


def test_a_killed_world_goes_on_with_the_pieces_it_has(
    grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growth = Growth(SETTINGS, tmp_path / "w", PER_PIECE)

    def stopped(task: Callable[[int], None], n: int) -> None:
        task(2)
        assert unfinished(growth.target).command == "this"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grow_in_pieces(growth, stopped, command="this")
    with pytest.raises(CorpusError, match="No corpus"):
        open_corpus(growth.target)
    assert not (growth.target / "truth").exists()
    again: list[int] = []
    write = Growth._write

    def noted(self: Growth, number: int, attempt: Path) -> Any:
        again.append(number)
        return write(self, number, attempt)

    monkeypatch.setattr(Growth, "_write", noted)
    grow_in_pieces(growth, forwards, command="this")
    assert again == [0, 1]
    assert contents(growth.target) == contents(grown)


def test_killed_while_pieces_are_put_together_it_starts_again(
    grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growth = Growth(SETTINGS, tmp_path / "w", PER_PIECE)

    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(growing, "shared_rows", stop)
        with pytest.raises(KeyboardInterrupt):
            grow_in_pieces(growth, forwards, command="this")
    assert growth.finished() == []
    grow_in_pieces(growth, forwards, command="this")
    assert contents(growth.target) == contents(grown)


def test_pieces_of_another_world_are_not_taken(grown: Path, tmp_path: Path) -> None:
    def stopped(task: Callable[[int], None], n: int) -> None:
        task(0)
        raise KeyboardInterrupt

    other = planted_world(700, 12, n_countries=12)
    with pytest.raises(KeyboardInterrupt):
        grow_in_pieces(Growth(other, tmp_path / "w", PER_PIECE), stopped, command="this")
    grow_in_pieces(Growth(SETTINGS, tmp_path / "w", PER_PIECE), forwards, command="this")
    assert contents(tmp_path / "w") == contents(grown)
    with pytest.raises(KeyboardInterrupt):
        grow_in_pieces(Growth(other, tmp_path / "p", PER_PIECE), stopped, command="this")
    simulate_world(tmp_path / "p", works=50, seed=1)
    assert not list((tmp_path / "p").glob("*.partial"))


def test_pieces_that_are_nowhere_to_be_seen_are_told(tmp_path: Path) -> None:
    def elsewhere(task: Callable[[int], None], n: int) -> None:
        task(0)

    with pytest.raises(TargetError, match=r"^2 of the 3 pieces [^\n]* all executors share\.$"):
        grow_in_pieces(Growth(SETTINGS, tmp_path / "w", PER_PIECE), elsewhere, command="this")


def test_more_authors_than_lie_between_two_pieces_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "AUTHORS_APART", 100)
    with pytest.raises(InputError, match="at most 100 fit"):
        grow_in_pieces(Growth(SETTINGS, tmp_path / "w", PER_PIECE), forwards, command="this")


def test_progress_counts_the_works_of_finished_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "LOOK_EVERY", 0.01)
    seen: list[tuple[int, int]] = []
    grow_in_pieces(
        Growth(SETTINGS, tmp_path / "w", PER_PIECE),
        forwards,
        command="this",
        progress=lambda *at: seen.append(at),
    )
    assert seen == sorted(seen)
    assert {at for at, _ in seen} <= {0, 234, 467, 700}
    assert seen[-1] == (700, 700)


def test_progress_ends_with_all_works_however_seldom_it_looks(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    growth = Growth(planted_world(30, 1, n_countries=4), tmp_path / "w", 10)
    grow_in_pieces(growth, forwards, command="this", progress=lambda *at: seen.append(at))
    assert seen[-1] == (30, 30)


def test_pieces_in_which_nothing_is_to_be_counted(tmp_path: Path) -> None:
    """Empty tables of some pieces have the types of the others'."""
    growth = Growth(planted_world(6, 1, n_countries=4), tmp_path / "w", 1)
    grow_in_pieces(growth, forwards, command="this")
    assert verify(growth.target).ok
    whole = tmp_path / "plain"
    simulate(planted_world(3000, 1, n_countries=4, migration_rate=0.1), whole)
    for name in (*ADDED, *SHARED, *LISTED):
        assert read_truth(growth.target, name).schema.equals(read_truth(whole, name).schema), name
    assert sum(read_truth(whole, "flows")["scientists"].to_pylist()) > 0


def test_what_spark_cannot_do_is_refused_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Leave out the master to write it as mag"):
        simulate_world(tmp_path / "w", works=10, seed=1, as_="mag", master="local[1]")
    with pytest.raises(InputError, match="no master was named"):
        simulate_world(tmp_path / "w", works=10, seed=1, memory="1GB")
    assert not (tmp_path / "w").exists()
    (tmp_path / "mine.txt").touch()
    with pytest.raises(TargetError, match="not empty"):
        simulate_world(tmp_path, works=10, seed=1, master="local[1]")
