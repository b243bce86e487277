"""A world in pieces: independent worlds that share all that is planted.

A world too large for one process is grown as several, each by the same generator
with a seed of its own. Nobody of one piece writes with, cites or follows anybody
of another, so planted counts of the whole are sums over the pieces, and whatever
lists works or authors is one list after the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.errors import InputError
from isthmus.simulation.generator import World
from isthmus.simulation.ids import Start
from isthmus.simulation.settings import WorldSettings

#: Most works of a piece: at half a kilobyte each, 1.5 GB in the process that grows it.
WORKS_PER_PIECE = 2_700_000

#: Distance between the numbers of the first authors of neighbouring pieces. How many authors
#: a piece has is known only when it is grown; the largest by default have a seventh of this.
AUTHORS_APART = 10_000_000

#: Planted tables that add up -> columns that are summed; all others are their key.
ADDED: dict[str, tuple[str, ...]] = {
    "country_year": (
        "papers_last_author",
        "papers_whole",
        "papers_fractional",
        "papers_whole_complete",
        "scientists",
    ),
    "collaboration": ("works_whole", "works_fractional"),
    "citation": ("citations_whole", "citations_fractional"),
    "flows": ("scientists",),
    "affinity": ("expected_works_planned",),
}

#: Planted tables that are settings, laid out: the same in every piece.
SHARED = ("sizes", "countries", "joint_effects", "claims")

#: Planted tables that list works or authors, each of which is in one piece alone.
LISTED = ("moves", "moves_observed", "author_years", "novel", "ties_kept")


@dataclass(frozen=True)
class Piece:
    """One of the worlds that make up a larger one: its settings, and where its numbers begin."""

    settings: WorldSettings
    start: Start

    def world(self) -> World:
        """Return the world, ready to be grown."""
        return World(self.settings, self.start)

    def as_dict(self) -> dict[str, Any]:
        """Return what tells the piece from others, as plain values."""
        nothing = np.zeros(1, np.int64)
        return {
            "n_works": self.settings.n_works,
            "seed": self.settings.seed,
            "first_work_id": int(self.start.work_ids(nothing)[0]),
            "first_author_id": int(self.start.author_ids(nothing)[0]),
        }


def pieces_of(settings: WorldSettings, works_per_piece: int = WORKS_PER_PIECE) -> list[Piece]:
    """Split a world into as few pieces as possible, whose sizes differ by one work at most.

    The first piece has the world's own seed, so that a world of one piece is the world.
    """
    if works_per_piece < 1:
        raise InputError(f"Pieces of {works_per_piece} works were asked for; give at least 1.")
    number = -(-settings.n_works // works_per_piece)
    drawn = settings.seed if settings.drawn_seed is None else settings.drawn_seed
    least, more = divmod(settings.n_works, number)
    return [
        Piece(
            replace(
                settings,
                n_works=least + (at < more),
                seed=_seed(settings.seed, at),
                drawn_seed=drawn,
            ),
            Start(works=at * least + min(at, more), authors=at * AUTHORS_APART),
        )
        for at in range(number)
    ]


def refuse_too_many_authors(world: World) -> None:
    """Refuse a piece whose authors would have the identifiers of the next one's.

    Raises
    ------
    InputError
        The piece has more authors than lie between two pieces.
    """
    if len(world.people) > AUTHORS_APART:
        raise InputError(
            f"A piece of the world has {len(world.people)} authors; at most {AUTHORS_APART} fit "
            "beside those of other pieces. Ask for smaller pieces, or for more papers per author."
        )


def added_up(name: str, pieces: Iterable[pa.Table]) -> pa.Table:
    """Add up a planted table over pieces, in their order; rows come sorted by their key."""
    rest = iter(pieces)
    total = next(rest)
    for table in rest:
        total = _sums(pa.concat_tables([total, table]), ADDED[name])
    return total.sort_by([(key, "ascending") for key in _key(total, ADDED[name])])


def _sums(rows: pa.Table, summed: tuple[str, ...]) -> pa.Table:
    # One thread: sums of fractions depend on the order they are added up in.
    grouped = rows.group_by(_key(rows, summed), use_threads=False)
    found = grouped.aggregate([(name, "sum") for name in summed])
    columns = [found[f"{name}_sum" if name in summed else name] for name in rows.column_names]
    return pa.table(columns, names=rows.column_names).cast(rows.schema)


def _key(rows: pa.Table, summed: tuple[str, ...]) -> list[str]:
    return [name for name in rows.column_names if name not in summed]


def _seed(seed: int, piece: int) -> int:
    if piece == 0:
        return seed
    drawn = np.random.SeedSequence([seed, piece]).generate_state(1, np.uint64)[0]
    return int(drawn >> np.uint64(1))
