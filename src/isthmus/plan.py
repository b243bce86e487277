"""What a study would read, write and need, from the manifest alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isthmus.corpus.store import Corpus, open_corpus
from isthmus.results import PARQUET_ONLY
from isthmus.steps import STEPS
from isthmus.study import Study


@dataclass(frozen=True)
class Plan:
    """What a run of a study reads and writes.

    Parameters
    ----------
    study, corpus
        The study and its corpus.
    reads
        Rows and bytes of Parquet by corpus table.
    free
        Free bytes of the disk the corpus is on.
    """

    study: Study
    corpus: Corpus
    reads: dict[str, tuple[int, int]]
    free: int

    @property
    def bytes_read(self) -> int:
        """Bytes of Parquet the run reads at least once."""
        return sum(size for _, size in self.reads.values())

    def describe(self) -> Iterator[str]:
        """Say it in plain sentences, one a line."""
        first, last = self.study.years
        yield f"{self.study.study.title}: {first}-{last}, corpus {self.corpus.path}"
        yield f"Reads {self.bytes_read / 1e6:,.1f} MB of Parquet:"
        for name, (rows, size) in self.reads.items():
            yield f"  {name}: {rows:,} rows, {size / 1e6:,.1f} MB"
        made = [table for step in STEPS for table in step.makes]
        yield f"Takes {len(STEPS)} steps ({', '.join(step.name for step in STEPS)})."
        alone = ", ".join(PARQUET_ONLY)
        yield f"Writes {', '.join(made)}, each as Parquet and CSV ({alone}: Parquet), and run.json."
        memory = self.study.run.memory or "80 % of the machine's memory (set `memory` in [run])"
        yield f"Memory: at most {memory}; what does not fit spills to disk."
        yield f"Disk: {self.free / 1e9:,.1f} GB are free. Network: none. API cost: none."


def plan_of(study: Study) -> Plan:
    """Work out what a run of `study` would read.

    Raises
    ------
    CorpusError
        The corpus is missing or unfinished.
    """
    corpus = open_corpus(study.path(study.study.corpus))
    reads = {
        name: (corpus.rows(name), _size(corpus.parts(name)))
        for name in sorted(corpus.manifest.tables)
    }
    return Plan(study, corpus, reads, shutil.disk_usage(corpus.path).free)


def _size(parts: list[Path]) -> int:
    return sum(part.stat().st_size for part in parts)
