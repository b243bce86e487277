"""Ingest: files of OpenAlex records in, a finished corpus out.

One thread inflates the files and cuts them into chunks of lines; others turn
chunks of works into staged tables with the scanner, and other processes chunks of
entities. When all chunks are staged the corpus is put together from them. Killed at
any moment, the same command goes on from the chunks that are staged, and its result
is the same to the byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from isthmus.corpus import manifest as manifests
from isthmus.corpus.announced import read_announced
from isthmus.corpus.apart import Each
from isthmus.corpus.assemble import assemble
from isthmus.corpus.kept import Kept
from isthmus.corpus.mag import read_mag
from isthmus.corpus.mag_files import is_mag
from isthmus.corpus.manifest import Unfinished
from isthmus.corpus.merged import load_merged, read_merged, save_merged
from isthmus.corpus.schema import SCHEMA_VERSION
from isthmus.corpus.sources import Inputs, find_inputs
from isthmus.corpus.stage import MERGES, Progress, stage_apart, stage_here
from isthmus.corpus.standing import Standing
from isthmus.corpus.store import Corpus, clear, open_corpus, refuse_occupied
from isthmus.errors import CorpusError, SourceError, TargetError
from isthmus.files import remove, sha256, sole_writer, target_errors, write_text

_STAGING = "staging"


def ingest(
    sources: Sequence[str | Path],
    target: str | Path,
    *,
    release: str | None = None,
    institutions: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    keep: bool = False,
    update: bool = False,
    each: Each | None = None,
) -> Corpus:
    """Read OpenAlex records, or a Microsoft Academic Graph folder, into a corpus.

    Parameters
    ----------
    sources
        Files of works (JSON lines, plain or gzip; JSON arrays and API pages;
        Parquet), snapshot folders of any layout, in any mix. Of a work that
        occurs twice the newest ``updated_date`` is kept, the later source on a tie.
        Or one folder of a Microsoft Academic Graph dump.
    target
        Folder of the corpus. While the reading goes on it also holds what was
        read so far, about a fifth of the size of the records.
    release
        Name of the release, recorded in the manifest.
    institutions
        For a Microsoft Academic Graph dump: a table of GRID ids and countries.
    workers
        Threads and processes that parse; all cores when None. The result does not depend on it.
    progress
        Called with works read, bytes of the sources read, and their bytes in all.
    keep
        Keep what was read in the corpus folder, so that an update reads changed files
        only; it takes about a tenth of the size of the records.
    update
        Replace the corpus at `target`, if there is one, by these sources, and keep what
        was read. Of files whose content was read before nothing is read again, so the
        result is, to the byte, that of reading the sources into an empty folder. Where
        the corpus is that of these sources but nothing was kept, they are read again.
    each
        Calls a task with every number below another, in whatever processes see sources and
        target under the same paths (:func:`isthmus.spark.on_executors` gives one): they read
        the files, one a task, and write the tables about works. The result is the same.

    Returns
    -------
    Corpus
        The finished corpus. If the same command finished before, that one.

    Raises
    ------
    SourceError
        A source is missing, cannot be read, or holds no records.
    TargetError
        The target holds another corpus, or one of files that changed since, or with
        `keep` this one without what was read; is being written, or cannot be written.
    """
    target = Path(target) if each is None else Path(target).absolute()
    if any(is_mag(Path(source)) for source in sources):
        if keep or update:
            raise SourceError(
                "A Microsoft Academic Graph folder has no newer releases to come: ingest it "
                "without --keep and --update."
            )
        if each is not None:
            raise SourceError(
                "A Microsoft Academic Graph folder is read on one machine: ingest it without "
                "--master."
            )
        (folder,) = _alone(sources)
        return read_mag(folder, target, release=release, institutions=institutions)
    inputs = find_inputs([Path(source) for source in sources])
    command = _command(sources, target, release, keep=keep, update=update)
    mark = Unfinished(command=command, request=_request(inputs, release))
    with sole_writer(target, "ingesting into"):
        if (target / manifests.MANIFEST_NAME).exists():
            standing = _standing(target, update=update)
            if standing is not None and standing.manifest.request == mark.request:
                changed = _changed(standing, inputs, since=not update)
                if changed is not None and not update:
                    raise TargetError(_made_of_others(changed, sources, target, release))
                if not (keep or update) or (
                    changed is None and _all_kept(standing, inputs, under_these_merges=update)
                ):
                    _tidy(target)
                    return standing
                if not update and not (target / _STAGING).exists():
                    raise TargetError(_not_kept(sources, target, release))
            elif not update:
                refuse_occupied(target)
        _prepare(target, inputs, mark)
        n_workers = workers or os.cpu_count() or 1
        with target_errors(target):
            kept = Kept(target, load_merged(target / _STAGING / MERGES) or {})
            if each is not None:
                stage_apart(inputs, target / _STAGING, kept, each, progress)
            staged = stage_here(inputs, target / _STAGING, n_workers, progress, kept)
            announced = read_announced([Path(source) for source in sources])
            before = _give_up(target, mark, kept.folder)
            manifest = assemble(
                staged, target, mark.request, release, announced, n_workers, before, each
            )
            manifests.save(manifest, target)
            if keep or update:
                kept.keep(staged)
            _tidy(target)
        return open_corpus(target)


def _standing(target: Path, *, update: bool) -> Corpus | None:
    """Open the corpus that stands there; None when an update replaces one it cannot read."""
    try:
        corpus = open_corpus(target)
    except CorpusError:
        if update and manifests.is_manifest(target):
            return None
        raise
    if update and corpus.manifest.source != "openalex":
        raise TargetError(
            f"{target} holds a corpus of another kind ({corpus.manifest.source}); only one "
            "that was ingested from OpenAlex files can be updated. Choose another folder."
        )
    return corpus


def _changed(standing: Corpus, inputs: Inputs, *, since: bool) -> Path | None:
    """Give a file whose content is not what the corpus was made of.

    With `since`, only files that were written after the corpus are read to see.
    """
    made = (standing.path / manifests.MANIFEST_NAME).stat().st_mtime_ns
    known = {(source.name, source.entity, source.sha256) for source in standing.manifest.sources}
    for item in inputs.records:
        if since and item.path.stat().st_mtime_ns <= made:
            continue
        if (item.name, item.entity, sha256(item.path)) not in known:
            return item.path
    return None


def _all_kept(standing: Corpus, inputs: Inputs, *, under_these_merges: bool) -> bool:
    """Say whether what was read of every source is kept, put together under these merges."""
    if not Kept(standing.path, {}).holds(standing.manifest.sources):
        return False
    return not under_these_merges or Kept(standing.path, read_merged(inputs.merged)).knows_merges()


def _made_of_others(
    changed: Path, sources: Sequence[str | Path], target: Path, release: str | None
) -> str:
    command = _command(sources, target, release, keep=False, update=True)
    return (
        f"{changed} has changed since the corpus in {target} was made of it. Run `{command}` to "
        "make the corpus anew, or choose another folder."
    )


def _not_kept(sources: Sequence[str | Path], target: Path, release: str | None) -> str:
    command = _command(sources, target, release, keep=False, update=True)
    return (
        f"{target} holds this corpus already, ingested without --keep, so nothing of what was "
        f"read is kept. Run `{command}` to read the sources once more and keep it; the corpus "
        "stays the same."
    )


def _give_up(target: Path, mark: Unfinished, kept: Path) -> Standing | None:
    """End the corpus of the release before, now that everything of this one is read.

    Gives what of it may stay.
    """
    if not (target / manifests.MANIFEST_NAME).exists():
        return None
    standing = None
    with contextlib.suppress(CorpusError):
        standing = Standing.find(target, kept, manifests.load(target))
    manifests.mark_unfinished(target, mark)
    remove(target / manifests.MANIFEST_NAME)
    return standing


def _alone(sources: Sequence[str | Path]) -> Sequence[str | Path]:
    if len(sources) != 1:
        raise SourceError(
            "A Microsoft Academic Graph folder is ingested alone: its ids are not those of other "
            "sources. Name that folder only."
        )
    return sources


def _command(
    sources: Sequence[str | Path], target: Path, release: str | None, *, keep: bool, update: bool
) -> str:
    words = ["isthmus", "ingest", *map(str, sources), "--to", str(target)]
    words += ["--release", release] if release else []
    words += ["--keep"] if keep else []
    return shlex.join(words + (["--update"] if update else []))


def _request(inputs: Inputs, release: str | None) -> str:
    """Digest of what is read; the same files anywhere are the same request."""
    files = [(item.name, item.entity, item.size) for item in inputs.records + inputs.merged]
    text = json.dumps([SCHEMA_VERSION, release, files])
    return hashlib.sha256(text.encode()).hexdigest()


def _prepare(target: Path, inputs: Inputs, mark: Unfinished) -> None:
    """Make the target ready: keep what the same command staged, of the same files."""
    begun = manifests.unfinished(target)
    updated = (target / manifests.MANIFEST_NAME).exists()
    if not updated:
        refuse_occupied(target)
    if begun is not None and begun.request != mark.request:
        raise TargetError(
            f"{target} holds an unfinished corpus of another command. Run `{begun.command}` to "
            "complete it, or remove the folder first."
        )
    staging = target / _STAGING
    files = inputs.records + inputs.merged
    times = json.dumps([(str(i.path.resolve()), i.path.stat().st_mtime_ns) for i in files])
    identity = staging / "identity.json"
    with target_errors(target):
        if not identity.exists() or identity.read_text(encoding="utf-8") != times:
            remove(staging)
        if not updated:
            clear(target)
            if begun is None:
                manifests.mark_unfinished(target, mark)
        staging.mkdir(exist_ok=True)
        if not identity.exists():
            save_merged(staging / MERGES, read_merged(inputs.merged))
            write_text(identity, times)


def _tidy(target: Path) -> None:
    """Remove what only an unfinished corpus needs."""
    remove(target / _STAGING)
    remove(target / manifests.UNFINISHED_NAME)
