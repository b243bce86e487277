"""Releases read one after another against the last one read alone."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from ingest.samples import HOME, author, work, write_lines
from isthmus.corpus.store import open_corpus
from isthmus.corpus.verify import verify
from isthmus.errors import CorpusError, SourceError, TargetError
from isthmus.files import remove
from isthmus.ingest import ingest as module
from isthmus.ingest import stage
from isthmus.ingest.cache import Cache
from isthmus.ingest.ingest import ingest
from isthmus.ingest.openalex.id_tables import read_identifiers
from isthmus.ingest.sources import find_inputs
from isthmus.ingest.stage import batches


class Releases:
    """A snapshot that changes: works move to the folder of the day of their change."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.works: dict[int, dict[str, Any]] = {}
        self.merged: list[tuple[str, str, str]] = []
        self.day = 0
        self.add(400, spread=8)

    def add(self, n: int, spread: int = 1) -> None:
        for _ in range(n):
            identifier = len(self.works) + 1
            self.works[identifier] = self._made(identifier, self.day + self.rng.randrange(spread))
        self.day += spread

    def _made(self, identifier: int, day: int) -> dict[str, Any]:
        rng = self.rng
        people = [
            author(rng.randrange(1, 90), (rng.randrange(1, 30), rng.choice(["US", "CN", "DE"])))
            for _ in range(rng.randrange(1, 4))
        ]
        return work(
            identifier,
            updated_date=f"2025-01-{day + 1:02d}",
            authorships=people,
            referenced_works=[f"{HOME}W{rng.randrange(1, 400)}" for _ in range(5)],
        )

    def change(self, n: int) -> None:
        """Change works of the newest days: they move to a new one."""
        recent = sorted(self.works, key=lambda w: self.works[w].get("updated_date", ""))[-60:]
        for identifier in self.rng.sample(recent, n):
            self.works[identifier] = self._made(identifier, self.day)
        self.day += 1

    def delete(self, identifier: int) -> None:
        del self.works[identifier]
        self.works[-identifier] = {}
        self.merged.append((f"W{identifier}", "W4285719527", "works"))

    def merge(self, old: str, new: str, entity: str) -> None:
        self.merged.append((old, new, entity))

    def write(self, folder: Path) -> Path:
        days: dict[str, list[dict[str, Any]]] = {}
        for identifier, record in self.works.items():
            if identifier > 0:
                days.setdefault(record["updated_date"], []).append(record)
        for day, records in days.items():
            path = folder / "data" / "works" / f"updated_date={day}" / "part_000.gz"
            path.parent.mkdir(parents=True)
            lines = b"".join(json.dumps(record).encode() + b"\n" for record in records)
            path.write_bytes(gzip.compress(lines, mtime=0))
        for n, (old, new, entity) in enumerate(self.merged):
            path = folder / "data" / "merged_ids" / entity / f"2025-02-{n + 1:02d}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"merge_date,id,merge_into_id\n2025-02-01,{old},{new}\n")
        return folder


def three(tmp_path: Path, seed: int = 1) -> list[Path]:
    releases = Releases(seed)
    folders = [releases.write(tmp_path / "r1")]
    releases.add(20)
    releases.change(15)
    releases.delete(7)
    releases.merge("A3", "A4", "authors")
    folders.append(releases.write(tmp_path / "r2"))
    releases.add(10)
    releases.change(10)
    releases.delete(390)
    releases.merge("I2", "I5", "institutions")
    releases.merge("A9", "A5317838346", "authors")
    folders.append(releases.write(tmp_path / "r3"))
    return folders


def content(folder: Path) -> dict[str, bytes]:
    """Every byte of a corpus but those kept for the next release."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != "cache"
    }


@pytest.mark.parametrize("small", [0, 4 << 20])
def test_releases_one_after_another_equal_the_last_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(stage, "SMALL_BYTES", small)
    folders = three(tmp_path)
    for n, folder in enumerate(folders):
        updated = ingest([folder], tmp_path / "updated", release=f"r{n}", update=True, workers=1)
    alone = ingest([folders[-1]], tmp_path / "alone", release="r2", workers=1)
    assert updated.hash == alone.hash
    assert content(tmp_path / "updated") == content(tmp_path / "alone")
    assert verify(tmp_path / "updated").problems == []
    assert updated.manifest.notes["merged_id"] > 0
    works = set(updated.read("works")["work_id"].to_pylist())
    assert works.isdisjoint({7, 390})
    assert len(works) == 428


def test_countries_filled_in_follow_the_records_of_institutions(
    tmp_path: Path,
) -> None:
    """The works stay as they are; the record of their institution names another country."""
    target, folder = tmp_path / "c", tmp_path / "release"
    without = {"author": {"id": f"{HOME}A1"}, "institutions": [{"id": f"{HOME}I1"}]}
    for code in ("US", "CN"):
        records = {
            "works": [work(n, authorships=[without]) for n in range(1, 401)],
            "institutions": [{"id": f"{HOME}I1", "display_name": "One", "country_code": code}],
        }
        for entity, lines in records.items():
            path = folder / "data" / entity / "updated_date=2025-01-01" / "part_000.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
            path.write_bytes(gzip.compress(text, mtime=0))
        updated = ingest([folder], target, update=True, workers=1)
        assert set(updated.read("affiliations")["country"].to_pylist()) == {code}
    ingest([folder], tmp_path / "alone", workers=1)
    assert content(target) == content(tmp_path / "alone")


def test_only_changed_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "SMALL_BYTES", 0)
    releases = Releases(2)
    first = releases.write(tmp_path / "r1")
    releases.add(5)
    second = releases.write(tmp_path / "r2")
    releases.merge("A9999", "A9998", "authors")  # stands nowhere
    third = releases.write(tmp_path / "r3")
    ingest([first], tmp_path / "c", keep=True, workers=1)
    read: list[str] = []
    staged = module.stage

    def watched(inputs: Any, *more: Any) -> Any:
        read.extend(item.name for item in inputs)
        return staged(inputs, *more)

    monkeypatch.setattr(module, "stage", watched)
    ingest([second], tmp_path / "c", update=True, workers=1)
    assert read == ["data/works/updated_date=2025-01-09/part_000.gz"]
    read.clear()
    ingest([third], tmp_path / "c", update=True, workers=1)
    assert read == []
    releases.merged.clear()
    fourth = releases.write(tmp_path / "r4")
    ingest([fourth], tmp_path / "c", update=True, workers=1)
    assert read == []


def test_merges_taken_back_bring_records_back(tmp_path: Path) -> None:
    """No work refers to W400, so once it was merged away only the tally tells of it."""
    releases = Releases(3)
    releases.merge("W400", "W9999", "works")
    first = ingest([releases.write(tmp_path / "r1")], tmp_path / "c", keep=True, workers=1)
    assert 400 not in first.read("works")["work_id"].to_pylist()
    releases.merged.clear()
    folder = releases.write(tmp_path / "r2")
    corpus = ingest([folder], tmp_path / "c", update=True, workers=1)
    assert corpus.hash == ingest([folder], tmp_path / "alone", workers=1).hash
    assert 400 in corpus.read("works")["work_id"].to_pylist()


def test_an_update_stopped_after_a_write_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renaming is how everything appears; stop at the first, the sixth, until none is."""
    folders = three(tmp_path)
    ingest([folders[0]], tmp_path / "before", keep=True, workers=1)
    ingest([folders[2]], tmp_path / "alone", workers=1)
    expected = content(tmp_path / "alone")
    target = tmp_path / "c"
    stop = writes = 0

    def failing(way: Any) -> Any:
        def moved(self: Path, other: Path) -> Path:
            nonlocal writes
            writes += 1
            if writes == stop:
                raise KeyboardInterrupt
            return way(self, other)

        return moved

    while writes >= stop:
        stop, writes = stop + 5 if stop else 1, 0
        remove(target)
        shutil.copytree(tmp_path / "before", target)
        with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
            patch.setattr(Path, "replace", failing(Path.replace))
            patch.setattr(Path, "rename", failing(Path.rename))
            ingest([folders[2]], target, update=True, workers=1)
        ingest([folders[2]], target, update=True, workers=1)
        assert content(target) == expected, f"stopped at write {stop}"
        groups = list(batches(find_inputs([folders[2]]).records))
        assert Cache(target).holds(groups), f"stopped at write {stop}"
    assert stop > 10


def test_a_file_of_the_same_name_and_size_is_not_taken_for_the_same(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "works.jsonl", [work(1, title="old")])
    ingest([path], tmp_path / "c", keep=True, workers=1)
    write_lines(path, [work(1, title="new")])
    for keep in (False, True):
        with pytest.raises(TargetError, match=r"works\.jsonl has changed .* --update"):
            ingest([path], tmp_path / "c", keep=keep, workers=1)
    updated = ingest([path], tmp_path / "c", update=True, workers=1)
    assert updated.read("works")["title"].to_pylist() == ["new"]
    before = (tmp_path / "c" / "manifest.json").stat().st_mtime_ns
    assert ingest([path], tmp_path / "c", update=True, workers=1).hash == updated.hash
    assert (tmp_path / "c" / "manifest.json").stat().st_mtime_ns == before


def test_a_corpus_is_replaced_only_when_asked(tmp_path: Path) -> None:
    folders = three(tmp_path)
    ingest([folders[0]], tmp_path / "c", workers=1)
    with pytest.raises(TargetError, match="already holds a finished corpus"):
        ingest([folders[1]], tmp_path / "c", workers=1)
    assert not (tmp_path / "c" / "cache").exists()
    before = open_corpus(tmp_path / "c").hash
    bad = tmp_path / "bad" / "works"
    bad.mkdir(parents=True)
    with pytest.raises(SourceError):
        ingest([bad], tmp_path / "c", update=True, workers=1)
    assert open_corpus(tmp_path / "c").hash == before


def test_deletions_in_tables_of_merged_ids(tmp_path: Path) -> None:
    folder = tmp_path / "merged_ids" / "works"
    folder.mkdir(parents=True)
    (folder / "2025-01-01.csv").write_text(
        "merge_date,id,merge_into_id\n,W1,W2\n,W2,W4285719527\n,W5,\n,W6,W6\n,W7,x\n,W8,W9\n"
    )
    works = tmp_path / "works"
    works.mkdir()
    (works / "part_000").write_bytes(json.dumps(work(1)).encode())
    pairs = read_identifiers(find_inputs([tmp_path]).ids).merged["works"]
    assert pairs.T.tolist() == [[1, -1], [2, -1], [5, -1], [8, 9]]


def test_a_corpus_of_an_older_schema_names_the_command_that_upgrades_it(tmp_path: Path) -> None:
    folder = three(tmp_path)[0]
    target = tmp_path / "c"
    expected = ingest([folder], target, workers=1).hash
    manifest = json.loads((target / "manifest.json").read_text())
    (target / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 0}))
    with pytest.raises(CorpusError, match=r"isthmus ingest SOURCE\.\.\. --to .* --update"):
        open_corpus(target)
    assert ingest([folder], target, update=True, workers=1).hash == expected


def test_what_is_no_corpus_is_not_updated(tmp_path: Path) -> None:
    folders = three(tmp_path)
    target = tmp_path / "c"
    target.mkdir()
    (target / "manifest.json").write_text('{"format": "mine"}')
    with pytest.raises(CorpusError):
        ingest([folders[0]], target, update=True, workers=1)
    assert (target / "manifest.json").read_text() == '{"format": "mine"}'


@pytest.mark.parametrize("later", [{"update": True}, {"keep": True}])
def test_the_same_release_read_again_keeps_what_was_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: dict[str, bool]
) -> None:
    folder = three(tmp_path)[0]
    target = tmp_path / "c"
    ingest([folder], target, workers=1)
    before = content(target)
    ingest([folder], target, workers=1, **later)
    assert content(target) == before
    groups = list(batches(find_inputs([folder]).records))
    assert Cache(target).holds(groups)
    monkeypatch.setattr(module, "stage", None)  # from now on nothing is read
    for again in ({"keep": True}, {"update": True}, {}):
        ingest([folder], target, workers=1, **again)
    assert content(target) == before


def test_keeping_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The corpus is finished before anything is kept; the same command keeps the rest."""
    monkeypatch.setattr(stage, "SMALL_BYTES", 0)
    folder = three(tmp_path)[0]
    target = tmp_path / "c"
    moved: list[Path] = []
    rename = Path.rename

    def stopping(self: Path, other: Path) -> Path:
        if other.name.startswith("works-"):
            moved.append(other)
            if len(moved) == 3:
                raise KeyboardInterrupt
        return rename(self, other)

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(Path, "rename", stopping)
        ingest([folder], target, workers=1, keep=True)
    assert open_corpus(target).rows("works") == 400
    assert len(list((target / "cache").glob("works-*"))) == 2
    ingest([folder], target, workers=1, keep=True)
    ingest([folder], tmp_path / "alone", workers=1)
    assert content(target) == content(tmp_path / "alone")
    assert Cache(target).holds(list(batches(find_inputs([folder]).records)))
