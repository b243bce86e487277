"""What was read, in units that appear whole or not at all, until a corpus is made of them.

A unit is a folder with a Parquet file for each table and a receipt of what was read, set
aside and refused. An interrupted reader goes on after the units that are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from isthmus.corpus.manifest import Source
from isthmus.corpus.store import merge_counts
from isthmus.corpus.tally import SET_ASIDE
from isthmus.errors import TargetError
from isthmus.files import write_text

RECEIPT_NAME = "receipt.json"
DONE_NAME = "done.json"


class Refused(msgspec.Struct, frozen=True):
    """A rejected record: the number of its source, its line, why, how it begins, its bytes."""

    source: int
    line: int
    reason: str
    begins: str
    bytes: int | None = None


class Receipt(msgspec.Struct, kw_only=True):
    """What reading a unit gave.

    Attributes
    ----------
    chunks
        Chunks of the batch that were read when the unit ended.
    record
        Records of the batch that were read when the unit ended.
    rows
        Rows per table.
    records
        Records of each source, by its number in the batch.
    refused, set_aside, notes
        Rejected records; values dropped and other counts, by reason.
    unknown_countries
        Country codes that are no country, and how often each was met.
    """

    chunks: int = 0
    record: int = 0
    rows: dict[str, int] = {}
    records: dict[int, int] = {}
    refused: list[Refused] = []
    set_aside: dict[str, int] = {}
    notes: dict[str, int] = {}
    unknown_countries: dict[str, int] = {}

    def add(self, set_aside: dict[str, int], notes: dict[str, int]) -> None:
        """Add counts."""
        self.set_aside = merge_counts(self.set_aside, set_aside)
        self.notes = merge_counts(self.notes, notes)

    def add_mixed(self, counts: dict[str, int]) -> None:
        """Add counts of either kind: their reasons say of which."""
        self.add(
            {reason: n for reason, n in counts.items() if reason in SET_ASIDE},
            {reason: n for reason, n in counts.items() if reason not in SET_ASIDE},
        )

    def add_unknown(self, codes: dict[str, int]) -> None:
        """Add country codes that are no country."""
        self.unknown_countries = merge_counts(self.unknown_countries, codes)
        self.add({"country_unknown": sum(codes.values())}, {})


class BatchDone(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of sources that was read completely: the sources and the number of units."""

    sources: list[Source]
    units: int


@dataclass(frozen=True)
class Unit:
    """A unit: its folder, which names no other, and its receipt."""

    folder: Path
    receipt: Receipt

    def parts(self, table: str) -> list[Path]:
        """Parquet files of a table; none when it is empty."""
        if not self.receipt.rows.get(table):
            return []
        path = self.folder / f"{table}.parquet"
        return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


@dataclass(frozen=True)
class Batch:
    """What was read of some sources: the folder of the units, and the sources."""

    folder: Path
    done: BatchDone

    def units(self) -> Iterator[Unit]:
        """Yield the units in the order of reading."""
        for number in range(self.done.units):
            unit = load_unit(unit_folder(self.folder, number))
            if unit is None:
                raise TargetError(
                    f"What was read into {unit_folder(self.folder, number)} is gone or damaged: "
                    f"something else changed the folder. Remove {self.folder} and run the same "
                    "command again; it is read anew."
                )
            yield unit


def unit_folder(folder: Path, number: int) -> Path:
    """Folder of a unit of a batch."""
    return folder / f"{number:05d}"


def load_unit(folder: Path) -> Unit | None:
    """Open a unit; None when it is absent or not complete."""
    try:
        receipt = msgspec.json.decode((folder / RECEIPT_NAME).read_bytes(), type=Receipt)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return Unit(folder, receipt)


def load_done(folder: Path) -> BatchDone | None:
    """Read that a batch was read completely; None when it was not."""
    try:
        return msgspec.json.decode((folder / DONE_NAME).read_bytes(), type=BatchDone)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def save_done(folder: Path, done: BatchDone) -> None:
    """Note that a batch was read completely."""
    write_text(folder / DONE_NAME, msgspec.json.encode(done).decode())
