"""Ingest: files of OpenAlex records in, a finished corpus out.

Sources are read batch by batch into units (:mod:`isthmus.ingest.units`). When all are
there the corpus is put together from them. Interrupted? The same command goes on after the
units that are there, and its result is the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb

from isthmus.corpus import manifest as manifests
from isthmus.corpus.manifest import Manifest, Source, Unfinished
from isthmus.corpus.schema import LAYOUT
from isthmus.corpus.store import Corpus, clear, merge_counts, open_corpus, refuse_occupied
from isthmus.errors import CorpusError, SourceError, TargetError
from isthmus.files import remove, sha256, sole_writer, target_errors, write_text
from isthmus.ingest.assemble import Assembly, write_rejected
from isthmus.ingest.cache import Cache
from isthmus.ingest.database import connect
from isthmus.ingest.lines import Scratch
from isthmus.ingest.mag.dump import read_mag
from isthmus.ingest.mag.dump_files import is_mag
from isthmus.ingest.openalex.announced import missing, read_announced
from isthmus.ingest.openalex.id_tables import Identifiers, read_identifiers
from isthmus.ingest.openalex.releases import warnings_of
from isthmus.ingest.sources import Input, Inputs, find_inputs
from isthmus.ingest.stage import Progress, batches, stage
from isthmus.ingest.units import Batch

_STAGING = "staging"

#: Country codes that are no country and are named in the manifest.
_CODES_NAMED = 20


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
    master: str | None = None,
    memory: str | None = None,
) -> Corpus:
    """Read OpenAlex records, or a Microsoft Academic Graph folder, into a corpus.

    Parameters
    ----------
    sources
        Files of works, whatever their names: JSON lines, JSON documents and API pages, Parquet,
        the export of the OpenAlex site, packed or not; snapshot folders of any layout, in any
        mix. Of a work that occurs twice the newest ``updated_date`` is kept, the later source
        on a tie. Or one folder of a Microsoft Academic Graph dump.
    target
        Folder of the corpus. While the reading goes on it also holds what was read so far.
    release
        Name of the release, recorded in the manifest.
    institutions
        For a Microsoft Academic Graph dump: a table of GRID ids and countries.
    workers
        Threads of DuckDB; all cores when None. The result does not depend on it.
    progress
        Called with works read, bytes of the sources read, and their bytes in all.
    keep
        Keep what was read in the corpus folder, so that an update reads changed files only.
    update
        Replace the corpus at `target`, if there is one, by these sources, and keep what
        was read. Of files whose content was read before nothing is read again.
    master, memory
        A master of Spark's, which then reads the sources, and the memory of its processes.

    Returns
    -------
    Corpus
        The finished corpus. If the same command finished before, that one.

    Raises
    ------
    SourceError
        A source is missing, cannot be read, or nothing in the sources is kept.
    TargetError
        The target holds another corpus, or one of files that changed since; is being
        written, or cannot be written.
    """
    target = Path(target).absolute() if master else Path(target)
    if any(is_mag(Path(source)) for source in sources):
        return _mag(sources, target, release, institutions, alone=not (keep or update or master))
    inputs = find_inputs([Path(source) for source in sources])
    command = _command(sources, target, release, keep=keep, update=update)
    mark = Unfinished(command=command, request=_request(inputs, release))
    with sole_writer(target, "ingesting into"):
        if (target / manifests.MANIFEST_NAME).exists():
            standing = _standing(target, update=update)
            if standing is not None and standing.manifest.request == mark.request:
                changed = _changed(standing, inputs, since=not update)
                if changed is not None and not update:
                    again = _command(sources, target, release, keep=False, update=True)
                    raise TargetError(
                        f"{changed} has changed since the corpus in {target} was made of it. Run "
                        f"`{again}` to make the corpus anew, or choose another folder."
                    )
                wanted = list(batches(inputs.records)) if keep or update else []
                if changed is None and Cache(target).holds(wanted):
                    _tidy(target, standing.manifest)
                    return standing
            elif not update:
                refuse_occupied(target)
        _prepare(target, inputs, mark)
        with target_errors(target):
            run = _Run(inputs, target, mark.request, release, workers or os.cpu_count() or 1)
            manifest, groups, read = run.make(progress, master, memory)
            if keep or update:
                Cache(target).keep(groups, read)
            _tidy(target, manifest)
        return open_corpus(target)


def _mag(
    sources: Sequence[str | Path],
    target: Path,
    release: str | None,
    institutions: str | Path | None,
    *,
    alone: bool,
) -> Corpus:
    if not alone:
        raise SourceError(
            "A Microsoft Academic Graph folder has no newer releases to come and is read on one "
            "machine: ingest it without --keep, --update and --master."
        )
    if len(sources) != 1:
        raise SourceError(
            "A Microsoft Academic Graph folder is ingested alone: its ids are not those of other "
            "sources. Name that folder only."
        )
    return read_mag(sources[0], target, release=release, institutions=institutions)


class _Run:
    """One reading of sources into a target."""

    def __init__(
        self, inputs: Inputs, target: Path, request: str, release: str | None, n_threads: int
    ) -> None:
        self._inputs = inputs
        self._target = target
        self._request = request
        self._release = release
        self._n_threads = n_threads
        self._staging = target / _STAGING

    def make(
        self, progress: Progress | None, master: str | None, memory: str | None
    ) -> tuple[Manifest, list[list[Input]], list[Batch]]:
        """Read, and put the corpus together; return its manifest, and what was read of which."""
        groups = list(batches(self._inputs.records))
        spill = self._staging / "spill"
        remove(spill)
        try:
            if master is not None:
                from isthmus.ingest.distributed import stage_distributed

                stage_distributed(groups, self._staging, Cache(self._target), master, memory)
            with connect(spill, self._n_threads) as connection:
                read = self._read(groups, connection, progress)
                self._refuse_nothing(read)
                identifiers = read_identifiers(self._inputs.ids)
                manifest = self._assemble(read, identifiers, connection)
        except duckdb.Error as error:
            raise TargetError(
                f"Cannot put {self._target} together: {str(error).strip().splitlines()[0]} Check "
                "that the disk has space, then run the same command again to go on."
            ) from error
        finally:
            remove(spill)
        return manifest, groups, read

    def _read(
        self,
        groups: Sequence[Sequence[Input]],
        connection: duckdb.DuckDBPyConnection,
        progress: Progress | None,
    ) -> list[Batch]:
        cache = Cache(self._target)
        scratch = Scratch(self._staging / "chunk.jsonl")
        total = self._inputs.size
        works = done = 0
        found: list[Batch] = []
        latest = [0]

        def meter(n_works: int, n_bytes: int) -> None:
            latest[0] = n_works
            if progress is not None:
                progress(works + n_works, min(done + n_bytes, total), total)

        try:
            for number, group in enumerate(groups):
                known = cache.find(group)
                folder = self._staging / f"{number:05d}"
                if known is not None:
                    meter(sum(u.receipt.rows.get("works", 0) for u in known.units()), 0)
                found.append(known or stage(group, folder, connection, scratch, meter))
                works += latest[0]
                done += sum(item.size for item in group)
                latest[0] = 0
                meter(0, 0)
        finally:
            scratch.close()
        return found

    def _refuse_nothing(self, read: Sequence[Batch]) -> None:
        """End an ingest that keeps nothing."""
        units = [unit for batch in read for unit in batch.units()]
        if any(sum(unit.receipt.rows.values()) for unit in units):
            return
        reasons = Counter(refused.reason for unit in units for refused in unit.receipt.refused)
        why = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common(3))
        passed = "".join(f" {item.name} {item.reason}." for item in self._inputs.passed[:3])
        if not (self._target / manifests.MANIFEST_NAME).exists():
            remove(self._staging)
            remove(self._target / manifests.UNFINISHED_NAME)
        raise SourceError(
            f"Nothing of {len(self._inputs.records)} files is kept: "
            f"{f'all records are refused ({why})' if why else 'they hold no records'}.{passed} "
            "Look at the first lines of a file: a record of OpenAlex has an `id` such as "
            "https://openalex.org/W2741809807 and a `publication_year`."
        )

    def _assemble(
        self,
        read: Sequence[Batch],
        identifiers: Identifiers,
        connection: duckdb.DuckDBPyConnection,
    ) -> Manifest:
        units = [unit for batch in read for unit in batch.units()]
        sources = [source for batch in read for source in batch.done.sources]
        sources += [
            Source(
                name=item.name,
                entity=item.entity,
                bytes=item.size,
                sha256=sha256(item.path),
                records=0,
            )
            for item in self._inputs.ids
        ]
        digest = json.dumps([self._request, [source.sha256 for source in sources]])
        edition = hashlib.sha256(digest.encode()).hexdigest()[:8]
        assembly = Assembly(connection, self._target, edition, units, identifiers)
        tables = assembly.tables()
        receipts = [unit.receipt for unit in units]
        announced = read_announced(self._inputs.manifests)
        absent = missing(announced, sources)
        records = sum(source.records for source in sources)
        unknown = merge_counts(*(receipt.unknown_countries for receipt in receipts))
        most = sorted(unknown.items(), key=lambda pair: (-pair[1], pair[0]))[:_CODES_NAMED]
        notes = merge_counts(
            *(receipt.notes for receipt in receipts),
            {name: n for name, n in assembly.notes.items() if name != "reference_deleted"},
            absent.counts,
            {"records_read": records, "files_passed_over": len(self._inputs.passed)},
        )
        set_aside = merge_counts(
            *(receipt.set_aside for receipt in receipts),
            {"reference_deleted": assembly.notes["reference_deleted"]},
        )
        rejected = Counter(r.reason for receipt in receipts for r in receipt.refused)
        manifest = Manifest(
            source="openalex",
            release=self._release or announced.date,
            request=self._request,
            tables=tables,
            sources=sources,
            rejected=merge_counts(rejected),
            set_aside=set_aside,
            notes=notes,
            quarantine=write_rejected(read, self._target),
            passed=self._inputs.passed,
            unknown_countries=dict(most),
            warnings=warnings_of(self._release or announced.date, set_aside, absent.files),
        )
        manifests.save(manifest, self._target)
        return manifest


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
    """Return a file whose content is not what the corpus was made of.

    With `since`, only files that were written after the corpus are read to see.
    """
    made = (standing.path / manifests.MANIFEST_NAME).stat().st_mtime_ns
    known = {(source.name, source.entity, source.sha256) for source in standing.manifest.sources}
    for item in inputs.records + inputs.ids:
        if since and item.path.stat().st_mtime_ns <= made:
            continue
        if (item.name, item.entity, sha256(item.path)) not in known:
            return item.path
    return None


def _command(
    sources: Sequence[str | Path], target: Path, release: str | None, *, keep: bool, update: bool
) -> str:
    words = ["isthmus", "ingest", *map(str, sources), "--to", str(target)]
    words += ["--release", release] if release else []
    words += ["--keep"] if keep else []
    return shlex.join(words + (["--update"] if update else []))


def _request(inputs: Inputs, release: str | None) -> str:
    """Digest of what is read; the same files anywhere are the same request."""
    files = [(item.name, item.entity, item.size) for item in inputs.records + inputs.ids]
    text = json.dumps([LAYOUT, release, files])
    return hashlib.sha256(text.encode()).hexdigest()


def _prepare(target: Path, inputs: Inputs, mark: Unfinished) -> None:
    """Make the target ready: keep what the same command read before, of the same files."""
    begun = manifests.unfinished(target)
    updated = (target / manifests.MANIFEST_NAME).exists()
    if not updated:
        refuse_occupied(target)
        if begun is not None and begun.request != mark.request:
            raise TargetError(
                f"{target} holds an unfinished corpus of another command. Run `{begun.command}` "
                "to complete it, or remove the folder first."
            )
    staging = target / _STAGING
    files = inputs.records + inputs.ids
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
            write_text(identity, times)


def _tidy(target: Path, manifest: Manifest) -> None:
    """Remove what only an unfinished corpus needs, and the parts of the corpus before."""
    remove(target / _STAGING)
    remove(target / manifests.UNFINISHED_NAME)
    clear(target, but={target / part.path for parts in manifest.tables.values() for part in parts})
    if manifest.quarantine is None:
        remove(target / manifests.REJECTED_NAME)
