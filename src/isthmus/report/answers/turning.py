"""Sentences on whether and since when a tie moves otherwise, from the table ``turns``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.report.answers.answer import between, change
from isthmus.report.source import Source, where
from isthmus.report.words import LAYERS
from isthmus.selection.wording import in_sentence, joined

Row = Mapping[str, Any]


def turns_of(source: Source) -> dict[tuple[str, frozenset[str]], list[Row]]:
    """Return the rows of each layer and tie, in the order of their turns."""
    kept: dict[tuple[str, frozenset[str]], list[Row]] = source.__dict__.setdefault("_turns", {})
    table = source.table("turns")
    if not kept and table is not None:
        for row in where(table, what="tie").sort_by("turn").to_pylist():
            key = row["layer"], frozenset((row["source"], row["target"]))
            kept.setdefault(key, []).append(row)
    return kept


def turn_sentence(source: Source, layer: str, one: str, other: str) -> str:
    """Say since when the tie of two countries moves as it does; nothing where it is not asked."""
    rows = turns_of(source).get((layer, frozenset((one, other))), [])
    if not rows:
        return ""
    begin = f"In {LAYERS[layer]}"
    if not rows[0]["turned"]:
        return f"{begin}, no turn is shown."
    if any(row["year"] is None for row in rows):
        ends = between(rows[0]["year_low"], rows[0]["year_high"], str)
        return f"{begin} they turned, but the year cannot be dated{ends}."
    return f"{begin} {course(rows)}: {_slopes(rows)}."


def dated_turn(source: Source, layer: str, one: str, other: str) -> tuple[int, int, int] | None:
    """Return the year of the last turn of a tie, and the first and last year it may be in."""
    rows = turns_of(source).get((layer, frozenset((one, other))), [])
    if not rows or any(not row["turned"] or row["year"] is None for row in rows):
        return None
    year, low, high = (rows[-1][name] for name in ("year", "year_low", "year_high"))
    return year, year if low is None else low, year if high is None else high


def turn_brief(source: Source, layer: str, one: str, other: str) -> str:
    """Say in two lines of the terminal when a tie turned; empty where no turn is dated."""
    found = dated_turn(source, layer, one, other)
    if found is None:
        return ""
    row = turns_of(source)[layer, frozenset((one, other))][-1]
    who = joined([in_sentence(one), in_sentence(other)])
    text = f"In {LAYERS[layer]} {who} turned in {found[0]}{between(*found[1:], str)}. "
    before, after = (change(row[f"slope_{side}"]) for side in ("before", "after"))
    return f"{text}Change a year: {before} before, {after} since."


def course(rows: Sequence[Row]) -> str:
    """Say how two countries moved until each turn, and since the last."""
    ways = [_way(rows[0], "before"), *(_way(row, "after") for row in rows)]
    years = [f"{row['year']}{between(row['year_low'], row['year_high'], str)}" for row in rows]
    if not any(ways):
        return f"their course turned in {joined(years)}, without a clear direction on either side"
    past = {1: "came together", -1: "drifted apart", 0: "did not clearly move"}
    present = {1: "come together", -1: "drift apart", 0: "do not clearly move"}
    until = [f"{past[way]} until {year}" for way, year in zip(ways, years, strict=False)]
    speed = ""
    if ways[-1] == ways[-2] != 0:
        speed = " faster" if rows[-1]["change"] * ways[-1] > 0 else " more slowly"
    return f"they {joined([*until, f'{present[ways[-1]]}{speed} since'])}"


def _way(row: Row, side: str) -> int:
    """Return 1 where the slope's interval is above 0, -1 where it is below, and 0 elsewhere."""
    low, high = row[f"slope_{side}_low"], row[f"slope_{side}_high"]
    return 0 if low is None or high is None else int(low > 0) - int(high < 0)


def _slopes(rows: Sequence[Row]) -> str:
    sides = [(rows[0], "before", "before")]
    sides += [(row, "after", "then") for row in rows[:-1]] + [(rows[-1], "after", "since")]
    return ", ".join(
        f"{change(row[f'slope_{side}'])} a year"
        f"{between(row[f'slope_{side}_low'], row[f'slope_{side}_high'], change)} {word}"
        for row, side, word in sides
    )
