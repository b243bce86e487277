"""Fetch: the works of a study's field from the OpenAlex API, ready to ingest.

Pages are written as they come, and the place of the next page only when the
last one is there, so a fetch that is stopped anywhere resumes without a gap and
without a repeat. At the end the pages become files of records, each work once.
A fetch that brought fewer works than the API announced is not finished.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import msgspec
from isal import igzip

from isthmus.errors import SourceError, TargetError
from isthmus.fetch.client import NO_KEY, Client, Say
from isthmus.fetch.estimate import Estimate, estimate
from isthmus.fetch.query import (
    SELECTED,
    citing_filters,
    field_filters,
    last_year,
    options,
    work_number,
)
from isthmus.fetch.reader import AUTHORS_LISTED, Progress, Reader, read_head
from isthmus.files import atomic_path, remove, sole_writer, target_errors, write_text
from isthmus.study import Study

#: Says whether to go on with a fetch of this size.
Confirm = Callable[[Estimate], bool]

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


def fetch(
    study: Study,
    target: str | Path,
    *,
    command: str = "isthmus fetch STUDY.toml --to WORKS",
    confirm: Confirm | None = None,
    client: Client | None = None,
    progress: Progress | None = None,
    say: Say | None = None,
    allow_missing: bool = False,
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
    say
        Called with sentences a user is to read at once, where no `client` is given: what
        is asked, what is waited for, which try it is, how long it takes.
    allow_missing
        Finish a fetch though the API gave fewer works than it announced.

    Raises
    ------
    StudyError
        The field cannot be asked of the API.
    SourceError
        The API refuses, is silent, knows no such work, its budget is spent, or it gave
        fewer works than announced; what was fetched stays.
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
        client = client or Client(say=say)
        if not client.has_key:
            client.say(NO_KEY)
        asks = f"Asking the OpenAlex API at {client.host}"
        if _begun(target, request):
            client.say(f"{asks} for the rest of the works.")
        elif confirm is not None:
            client.say(f"{asks} how many works the field has.")
            found = estimate(
                client, filters, options(study.field), include_citing=study.field.include_citing
            )
            _refuse_nothing(found.field_works, study)
            if not confirm(found):
                raise TargetError("Nothing was fetched, as asked.")
        with target_errors(target):
            mark = msgspec.json.encode(_Begun(command=command, request=request))
            write_text(target / _BEGUN, mark.decode())
            reader = Reader(client, target / _PAGES, options(study.field), progress, allow_missing)
            reader.read_all(filters)
            _refuse_nothing(reader.announced, study)
            reader.refuse_missing(command)
            if study.field.include_citing:
                reader.read_all(list(citing_filters(study, reader.cited())))
                reader.refuse_missing(command)
            done = _put_together(reader, target, request)
            _tidy(target)
        return done


def _refuse_nothing(announced: int, study: Study) -> None:
    if not announced:
        raise SourceError(
            f"The OpenAlex API knows no work of the field up to {last_year(study)}, so there is "
            "nothing to fetch. Check [field] of the study: its ids, types and languages."
        )


def fetch_command(study: str | Path, target: str | Path) -> str:
    """Return the command that begins or resumes a fetch."""
    return shlex.join(["isthmus", "fetch", str(study), "--to", str(target)])


def _request(filters: Sequence[str], study: Study) -> str:
    asked = [SELECTED, study.field.include_citing, list(filters), options(study.field)]
    text = json.dumps(asked)
    return hashlib.sha256(text.encode()).hexdigest()


def _finished(target: Path, request: str) -> Fetched | None:
    """Return the record of this fetch when it is done; refuse what is of another."""
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


def _put_together(reader: Reader, target: Path, request: str) -> Fetched:
    """Write every work once, the first time it was read, and the record of the fetch."""
    counts = {"read": 0, "completed": 0}
    ids: set[int] = set()

    def once() -> Iterator[bytes]:
        for line in reader.records():
            counts["read"] += 1
            head = read_head(line)
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
