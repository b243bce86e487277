"""Fetch: the works of a study's field from the OpenAlex API, ready to ingest.

Pages are written as they come, and the place of the next page only when the
last one stands, so a fetch that is stopped anywhere goes on without a gap and
without a repeat. At the end the pages become files of records, each work once.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import msgspec
from isal import igzip

from isthmus.corpus.fetching.client import (
    LARGEST_PAGE,
    SMALLEST_PAGE,
    Client,
    Page,
    RefusedError,
    TooLargeError,
)
from isthmus.corpus.fetching.estimate import Estimate
from isthmus.corpus.fetching.estimate import estimate as estimated
from isthmus.corpus.fetching.pages import Pages, Place
from isthmus.corpus.fetching.query import SELECTED, citing_filters, field_filters, work_number
from isthmus.errors import SourceError, TargetError
from isthmus.files import atomic_path, remove, sole_writer, target_errors, write_text
from isthmus.study import Study

#: Called with works received and works announced so far.
Progress = Callable[[int, int], None]

#: Says whether to go on with a fetch of this size.
Confirm = Callable[[Estimate], bool]

#: Lists of authors are cut at this length in lists of works, not in single works.
AUTHORS_LISTED = 100

#: Times a query is read again when it gave fewer works than announced.
PASSES = 3

#: Pages of the size that worked before a larger one is tried again.
PAGES_BEFORE_LARGER = 10

#: Records of one file.
RECORDS_PER_FILE = 50_000

#: What was fetched; written last. The name says "manifest", which readers of records pass over.
RECORD_NAME = "fetch-manifest.json"

_PAGES = "fetching"
_BEGUN = "unfinished-manifest.json"


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch brought.

    Attributes
    ----------
    request
        Digest of the queries; the same request is not done twice.
    queries
        Queries of the field, then of the works that cite it.
    announced
        Works announced over all queries; works of several queries count in each.
    works
        Works written, each once.
    repeated
        Records dropped because the work was there already.
    completed
        Works whose list of authors had been cut, fetched singly.
    missing
        Announced works that no pass over their query brought.
    """

    request: str
    queries: int
    announced: int
    works: int
    repeated: int
    completed: int
    missing: int


class _Begun(msgspec.Struct, frozen=True, kw_only=True):
    command: str
    request: str


class _Head(msgspec.Struct):
    id: str | None = None
    authorships: list[msgspec.Raw] | None = None
    cited_by_count: int | None = None


def fetch(
    study: Study,
    target: str | Path,
    *,
    command: str = "isthmus fetch STUDY.toml --to WORKS",
    confirm: Confirm | None = None,
    client: Client | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Fetch the works of a study's field, and those that cite it where the study includes them.

    Parameters
    ----------
    study
        The study; its ``[field]`` and years say what to ask for.
    target
        Folder to write; ``isthmus ingest`` reads it when the fetch is done.
    command
        What a user types to go on, for messages.
    confirm
        Asked once, before a fetch that was not begun, with its estimate; no answer
        is needed when None.
    client
        Talks to the API; a new one when None.
    progress
        Called with works received and works announced.

    Raises
    ------
    StudyError
        The field cannot be asked of the API.
    SourceError
        The API refuses, is silent, or its budget is spent; what was fetched stays.
    TargetError
        The target holds something else, is being written, or cannot be written.
    """
    target = Path(target)
    filters = field_filters(study)
    request = _request(filters, study)
    with sole_writer(target, "fetching into"):
        finished = _finished(target, request)
        if finished is not None:
            return finished
        client = client or Client()
        if not _begun(target, request) and confirm is not None:
            found = estimated(client, filters, include_citing=study.field.include_citing)
            if not confirm(found):
                raise TargetError("Nothing was fetched, as asked.")
        with target_errors(target):
            mark = msgspec.json.encode(_Begun(command=command, request=request))
            write_text(target / _BEGUN, mark.decode())
            reader = _Reader(client, target / _PAGES, progress)
            reader.read_all(filters)
            if study.field.include_citing:
                reader.read_all(list(citing_filters(study, reader.cited())))
            done = _put_together(reader, target, request)
            _tidy(target)
        return done


def estimate_fetch(study: Study, client: Client | None = None) -> Estimate:
    """Say what a fetch of a study would ask for, without fetching."""
    filters = field_filters(study)
    return estimated(client or Client(), filters, include_citing=study.field.include_citing)


def fetch_command(study: str | Path, target: str | Path) -> str:
    """Give the command that begins, or goes on with, a fetch."""
    return shlex.join(["isthmus", "fetch", str(study), "--to", str(target)])


def _request(filters: Sequence[str], study: Study) -> str:
    text = json.dumps([SELECTED, study.field.include_citing, list(filters)])
    return hashlib.sha256(text.encode()).hexdigest()


def _finished(target: Path, request: str) -> Fetched | None:
    """Give the record of this fetch when it is done; refuse what is of another."""
    done: Fetched | None = _load(target / RECORD_NAME, Fetched)
    if done is None:
        return None
    if done.request != request:
        raise TargetError(
            f"{target} already holds the works of another study or of other settings. Choose "
            "another place, or remove the folder first."
        )
    _tidy(target)
    return done


def _begun(target: Path, request: str) -> bool:
    """Say whether this fetch was begun; refuse what is of another, and foreign files."""
    begun: _Begun | None = _load(target / _BEGUN, _Begun)
    if begun is not None and begun.request != request:
        raise TargetError(
            f"{target} holds an unfinished fetch of other settings. Run `{begun.command}` to "
            "complete it, or remove the folder first."
        )
    if begun is None and any((target / name).exists() for name in ("works", _PAGES)):
        raise TargetError(f"{target} holds files of something else. Choose another place.")
    return begun is not None


def _load(path: Path, kind: Any) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise TargetError(f"Cannot read {path}: {error}. Remove the folder first.") from None


def _tidy(target: Path) -> None:
    remove(target / _PAGES)
    remove(target / _BEGUN)


@dataclass
class _Size:
    """Records to ask for at once: halved when too large, doubled again after a while."""

    now: int = LARGEST_PAGE
    good: int = 0

    def worked(self) -> None:
        self.good += 1
        if self.good >= PAGES_BEFORE_LARGER:
            self.now, self.good = min(self.now * 2, LARGEST_PAGE), 0

    def failed(self) -> None:
        self.now, self.good = max(self.now // 2, SMALLEST_PAGE), 0


class _Reader:
    """Reads queries to their ends, one folder of pages for each."""

    def __init__(self, client: Client, folder: Path, progress: Progress | None) -> None:
        self.places: list[Place] = []
        self.announced = 0
        self._client = client
        self._folder = folder
        self._progress = progress
        self._size = _Size()
        self._received = 0

    def read_all(self, filters: Sequence[str]) -> None:
        """Read queries that were not read before."""
        for filter_ in filters:
            pages = self._pages(len(self.places))
            place = self._read(pages, pages.place(filter_))
            self.places.append(place)
            self.announced += place.announced

    def records(self) -> Iterator[bytes]:
        """Give every record of every query, in the order they were read."""
        for number, place in enumerate(self.places):
            yield from self._pages(number).records(place)

    def cited(self) -> list[int]:
        """Numbers of the works read so far that are cited at all, in order."""
        heads = map(_head, self.records())
        found = {work_number(head.id) for head in heads if head.cited_by_count != 0}
        return sorted(number for number in found if number is not None)

    def missing(self) -> int:
        """Announced works that are not there, over all queries."""
        return sum(max(place.announced - place.distinct, 0) for place in self.places)

    def _pages(self, number: int) -> Pages:
        return Pages(self._folder / f"{number:06d}")

    def _read(self, pages: Pages, place: Place) -> Place:
        while not place.done:
            place = self._to_end(pages, place)
            found = len({work_number(_head(line).id) for line in pages.records(place)})
            place = msgspec.structs.replace(place, distinct=found, passes=place.passes + 1)
            again = found < place.announced and place.passes < PASSES
            change = {"cursor": "*"} if again else {"done": True}
            place = pages.note(msgspec.structs.replace(place, **change))
        return place

    def _to_end(self, pages: Pages, place: Place) -> Place:
        """Read pages until there is no next one; the place then has an empty cursor."""
        seen: set[str] = set()
        resumed = place.cursor != "*"
        while place.cursor:
            try:
                page = self._page(place, seen)
            except RefusedError:
                if not resumed:
                    raise
                # A cursor from an earlier run may have expired: read the query from its start.
                place, resumed = msgspec.structs.replace(place, cursor="*"), False
                seen.clear()
                continue
            seen.add(place.cursor)
            following = page.meta.next_cursor if page.results else None
            place = pages.add(
                [self._whole(bytes(raw)) for raw in page.results],
                msgspec.structs.replace(place, cursor=following or "", announced=page.meta.count),
            )
            self._tell(len(page.results), place)
        return place

    def _page(self, place: Place, seen: set[str]) -> Page:
        """Ask for a page, in the size the server can give, until its cursor leads on."""
        for _ in range(PASSES + LARGEST_PAGE.bit_length()):
            try:
                page = self._client.works(
                    place.filter, cursor=place.cursor, size=self._size.now, select=SELECTED
                )
            except TooLargeError:
                self._size.failed()
                continue
            following = page.meta.next_cursor
            if not page.results or (following != place.cursor and following not in seen):
                self._size.worked()
                return page
        raise SourceError(
            "The OpenAlex API gives the same cursor again and again, so its pages lead in a "
            "circle. What was fetched is kept: run the same command later to go on."
        )

    def _whole(self, record: bytes) -> bytes:
        """Give a record with all its authors; fetched singly when its list was cut."""
        head = _head(record)
        number = work_number(head.id)
        if number is None or len(head.authorships or ()) < AUTHORS_LISTED:
            return record
        single = self._client.work(number, SELECTED)
        if single is not None and work_number(_head(single).id) is not None:
            return single
        return msgspec.json.encode({**msgspec.json.decode(record), "is_authors_truncated": True})

    def _tell(self, received: int, place: Place) -> None:
        self._received += received
        if self._progress is not None:
            total = self.announced + place.announced
            self._progress(min(self._received, total), total)


def _put_together(reader: _Reader, target: Path, request: str) -> Fetched:
    """Write every work once, the first time it was read, and the record of the fetch."""
    counts = {"read": 0, "completed": 0}
    ids: set[int] = set()

    def once() -> Iterator[bytes]:
        for line in reader.records():
            counts["read"] += 1
            head = _head(line)
            number = work_number(head.id)
            if number is None or number not in ids:
                ids.add(number or 0)
                counts["completed"] += len(head.authorships or ()) > AUTHORS_LISTED
                yield line

    with atomic_path(target / "works") as folder:
        folder.mkdir()
        written = _write_files(once(), folder)
    done = Fetched(
        request=request,
        queries=len(reader.places),
        announced=reader.announced,
        works=written,
        repeated=counts["read"] - written,
        completed=counts["completed"],
        missing=reader.missing(),
    )
    write_text(target / RECORD_NAME, msgspec.json.format(msgspec.json.encode(done)).decode() + "\n")
    return done


def _head(record: bytes) -> _Head:
    """Read what matters here; a record that cannot be read is left to the ingest to count."""
    try:
        return msgspec.json.decode(record, type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Head()


def _write_files(lines: Iterable[bytes], folder: Path) -> int:
    rest, number, written = iter(lines), 0, 0
    while first := next(rest, None):
        with (folder / f"part_{number:05d}.gz").open("wb") as raw, _packed(raw) as packed:
            for line in chain([first], islice(rest, RECORDS_PER_FILE - 1)):
                packed.write(line + b"\n")
                written += 1
        number += 1
    return written


def _packed(raw: IO[bytes]) -> IO[bytes]:
    """Compress with no name and no time, so that equal lines give equal bytes."""
    file: Any = igzip.IGzipFile
    stream: IO[bytes] = file("", "wb", fileobj=raw, mtime=0)
    return stream
