"""A study's steps in order: what is done, what is left, and what it came to.

Each step writes its result tables whole and leaves a record. A second run with
nothing changed does nothing; a run that was killed goes on after the last
finished step.
"""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.corpus.store import Corpus, open_corpus
from isthmus.engine import Engine, open_engine
from isthmus.errors import CorpusError, IsthmusWarning, StudyError, TargetError
from isthmus.files import LOCK_NAME, remove, sha256, sole_writer, write_text
from isthmus.leadership.country_year import Leaders
from isthmus.pipeline.journal import LOG_FILE, Journal, ObservedEngine
from isthmus.pipeline.steps import STEPS, Context, Step
from isthmus.pipeline.usage import Meter, folder_bytes, machine_memory
from isthmus.results import (
    RESULTS_VERSION,
    RUN_FILE,
    TABLES,
    Results,
    checked,
    open_results,
    write_record,
    write_table,
)
from isthmus.selection.study_tables import StudyTables
from isthmus.selection.wording import StudyWords, capital, listed
from isthmus.study import Study

#: Folder of unfinished work inside the results; removed when the run ends.
WORK_FOLDER = ".work"


#: Countries named to choose poles from, where a pole is in no work.
MOST_NAMED = 5

#: Told which step begins, how many steps are done, and how many there are.
Progress = Callable[[str, int, int], None]


def run(
    study: Study,
    to: str | Path | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
) -> Results:
    """Answer every question a study asks and write the results to a folder.

    Parameters
    ----------
    study
        The study; its corpus must be finished.
    to
        Folder of results; ``results`` beside the study file when None.
    overwrite
        Replace results of another study or corpus that stand there.
    progress
        Told when each step begins.
    warn
        Called, before anything is computed, with each sentence the user should read, as on
        poles that are not in the data; by default it is an :class:`IsthmusWarning`.

    Returns
    -------
    Results
        The finished results.

    Raises
    ------
    StudyError
        The field matches nothing, or works of fewer than two countries.
    CorpusError
        The corpus is missing, unfinished or empty.
    TargetError
        The folder holds something else, cannot be written, or is in use.
    """
    corpus = open_corpus(study.path(study.study.corpus))
    if corpus.rows("works") == 0:
        raise CorpusError(
            f"The corpus {corpus.path} holds no works. `isthmus verify {corpus.path}` says what "
            "was read and what was rejected."
        )
    target = Path(to) if to is not None else study.folder / "results"
    if study.fields:
        from isthmus.pipeline.fields import FieldsRun  # it runs each field with what is below

        return FieldsRun(study, corpus, target, overwrite, progress, warn or _warn).go()
    return Run(study, corpus, target, overwrite, progress, warn or _warn).go()


def _warn(sentence: str) -> None:
    warnings.warn(sentence, IsthmusWarning, stacklevel=2)


class Run:
    """One run on one folder.

    Parameters
    ----------
    shared
        Folder of tables that do not depend on the field, where several fields share them.
    """

    def __init__(
        self,
        study: Study,
        corpus: Corpus,
        target: Path,
        overwrite: bool,
        progress: Progress | None,
        warn: Callable[[str], None],
        shared: Path | None = None,
    ) -> None:
        self.warn, self.shared = warn, shared
        self.study, self.corpus, self.target = study, corpus, target
        self.overwrite, self.progress = overwrite, progress
        self.work = target / WORK_FOLDER
        self.journal = Journal(target / LOG_FILE)
        self.identity = {
            "study": study.fingerprint(),
            "corpus": corpus.hash,
            "isthmus": version("isthmus"),
            "results_version": RESULTS_VERSION,
        }

    def go(self) -> Results:
        """Run what is left, and return the results."""
        self._refuse_strangers()
        fresh = not self.target.exists()
        try:
            with sole_writer(self.target, "writing results to"):
                self._continue()
        except (StudyError, CorpusError):
            if fresh:
                remove(self.target)
            raise
        return open_results(self.target)

    def _refuse_strangers(self) -> None:
        if not self.target.exists():
            return
        if not self.target.is_dir():
            raise TargetError(f"{self.target} is a file; choose a folder for the results.")
        standing = {p.name for p in self.target.iterdir()} - {LOCK_NAME, WORK_FOLDER}
        begun = self._read(self.work / "identity.json") or self._read(self.target / RUN_FILE)
        if standing and begun is None and not self.overwrite:
            raise TargetError(
                f"{self.target} holds files that are not results of isthmus. Choose another folder."
            )
        same = begun is None or begun.get("identity", begun) == self.identity
        if not same and not self.overwrite:
            raise TargetError(
                f"{self.target} holds results of another study, corpus or version. Choose another "
                "folder, or add --overwrite to replace them."
            )

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        except (OSError, msgspec.DecodeError):
            return None
        return found

    def _continue(self) -> None:
        record = self._read(self.target / RUN_FILE)
        done: dict[str, Any] = {}
        if record is not None and record["identity"] == self.identity:
            done = record["steps"]
        elif record is not None:
            remove(self.target / RUN_FILE)
            remove(self.work)
        if done and all(self._stands(done.get(step.name)) for step in STEPS):
            remove(self.work)
            if record is not None and self.study.run.csv:
                self._add_csv(record)
            return
        begun = self._read(self.work / "identity.json")
        if begun != self.identity:
            remove(self.work)
        goes_on = bool(done) or begun == self.identity
        if not goes_on:
            remove(self.target / LOG_FILE)
        write_text(self.work / "identity.json", as_json(self.identity))
        self._say_begin("run goes on" if goes_on else "run begins")
        try:
            self._steps(done)
        except BaseException as error:
            self._say_end(error)
            raise

    def _add_csv(self, record: dict[str, Any]) -> None:
        """Write the CSV files that a finished run without ``csv = true`` left out."""
        made = {n: t for step in record["steps"].values() for n, t in step["tables"].items()}
        absent = [n for n, t in made.items() if TABLES[n].csv and f"{n}.csv" not in t["sha256"]]
        for name in absent:
            table = pq.read_table(self.target / f"{name}.parquet")
            made[name].update(write_table(self.target, name, table, csv=True))
        if absent:
            write_record(self.target, record)

    def _say_begin(self, event: str) -> None:
        wish = self.study.run
        self.journal.say(
            event,
            title=self.study.study.title,
            isthmus=self.identity["isthmus"],
            engine=wish.engine,
            memory=wish.memory or "unbounded",
            threads=wish.threads or os.cpu_count(),
            machine_bytes=machine_memory(),
            corpus=self.corpus.hash[:12],
            works=self.corpus.rows("works"),
            references=self.corpus.rows("references"),
        )

    def _say_end(self, error: BaseException) -> None:
        """Note why the run stops; a full disk must not hide the reason."""
        with suppress(TargetError):
            self.journal.say("run stops", error=type(error).__name__, because=str(error))

    def _steps(self, done: dict[str, Any]) -> None:
        with ExitStack() as stack:
            engine = ObservedEngine(self.engine(), self.journal)
            stack.callback(engine.close)
            tables = StudyTables(self.study, self.corpus, engine, self.work, self.shared)
            context = Context(tables, Leaders(tables), self.target)
            for number, step in enumerate(STEPS):
                if self.progress is not None:
                    self.progress(step.name, number, len(STEPS))
                left = done.get(step.name) or self._read(self._note(step))
                if not self._stands(left):
                    left = self._do(step, context, engine)
                    write_text(self._note(step), as_json(left))
                else:
                    self.journal.say("step stands", step=step.name)
                done[step.name] = left
            write_record(self.target, self.record_of(done, engine))
            seconds = sum(step["seconds"] for step in done.values())
            self.journal.say("run ends", steps=len(done), seconds=float(seconds))
        remove(self.work)

    @property
    def _spill(self) -> Path:
        wish = self.study.run.spill
        return self.study.path(wish) if wish else self.work / "spill"

    def engine(self) -> Engine:
        """Open the engine the study asks for."""
        wish = self.study.run
        return open_engine(
            wish.engine,
            memory=wish.memory,
            threads=wish.threads,
            spill=self._spill,
            master=wish.master,
            storage=(self.corpus.path, wish.storage) if wish.storage else None,
        )

    def _note(self, step: Step) -> Path:
        return self.work / f"{step.name}.step.json"

    def _do(self, step: Step, context: Context, engine: ObservedEngine) -> dict[str, Any]:
        context.notes = {}
        engine.begin()
        self.journal.say("step begins", step=step.name)
        with Meter(self._spill, engine.held) as meter:
            if step is STEPS[0]:
                self._warn_of_emptiness(context)
                for sentence in context.notes.get("warnings", ()):
                    self.journal.say("warning", because=sentence)
                    self.warn(sentence)
            made = {
                name: write_table(self.target, name, checked(name, table), csv=self.study.run.csv)
                for name, table in step.make(context).items()
            }
        took = {
            **meter.usage.record(),
            "engine_seconds": round(engine.seconds, 3),
            "work_bytes": folder_bytes(self.work),
        }
        rows = sum(table["rows"] for table in made.values())
        read = engine.rows_read
        self.journal.say(
            "step ends", step=step.name, rows_read=sum(read.values()), rows_written=rows, **took
        )
        return {**took, "read": read, "tables": made, "notes": context.notes}

    def _stands(self, left: Mapping[str, Any] | None) -> bool:
        """Whether a step's record is there and its files are as it left them."""
        if left is None:
            return False
        hashes = [pair for table in left["tables"].values() for pair in table["sha256"].items()]
        return all(
            (self.target / name).exists() and sha256(self.target / name) == digest
            for name, digest in hashes
        )

    def _warn_of_emptiness(self, context: Context) -> None:
        tables = context.tables
        works = tables.field_in_years
        first, last = self.study.years
        counted = context.collect(works.agg(n=works.count()))["n"][0].as_py()
        if not counted:
            context.notes["warnings"] = [
                f"No work of {self.corpus.path} is in the field and published in {first}-{last}: "
                "every table is empty. Check [field] and `years`; with nothing named in [field], "
                "every work counts."
            ]
            return
        placed = tables.countries.semi_join(works, "work_id")
        counts = context.collect(placed.group_by("country").agg(works=placed.count()))
        order = [("works", "descending"), ("country", "ascending")]
        found: list[str] = counts.sort_by(order)["country"].to_pylist()
        if not found:
            context.notes["warnings"] = [
                f"No work of the field of {first}-{last} has a country among its affiliations: "
                "tables by country are empty."
            ]
            return
        absent = [pole for pole in self.study.countries.poles if pole not in found]
        if absent:
            context.notes["warnings"] = [self._absence(absent, found[:MOST_NAMED])]

    def _absence(self, poles: list[str], most: list[str]) -> str:
        """Say which poles are in no work, and which countries could be poles."""
        words = StudyWords.of(self.study.settings(), self.study.study.title)
        whose = "its" if len(poles) == 1 else "their"
        return (
            f"{capital(listed(poles))} ({', '.join(poles)}), of the poles of this study, "
            f"{'is' if len(poles) == 1 else 'are'} in no work of its field in {words.span}: "
            f"{whose} numbers stay empty, all others are computed. Most works have "
            f"{listed(most)} ({', '.join(most)})."
        )

    def record_of(self, steps: Mapping[str, Any], engine: Engine) -> dict[str, Any]:
        """Return what ``run.json`` holds."""
        manifest = self.corpus.manifest
        return {
            "results_version": RESULTS_VERSION,
            "identity": self.identity,
            "title": self.study.study.title,
            "settings": self.study.settings(),
            "seed": self.study.run.seed,
            "corpus": {
                "hash": self.corpus.hash,
                "source": manifest.source,
                "release": manifest.release,
                "rows": {name: self.corpus.rows(name) for name in sorted(manifest.tables)},
            },
            "versions": {
                "isthmus": version("isthmus"),
                "python": platform.python_version(),
                "pyarrow": pa.__version__,
                **engine.versions,
            },
            "steps": dict(steps),
            "tables": {
                name: t["rows"] for step in steps.values() for name, t in step["tables"].items()
            },
        }


def as_json(value: object) -> str:
    """Write a record as JSON, its keys in order."""
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode() + "\n"
