"""What an answer is, and the words that answers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from isthmus.findings.verdict import number
from isthmus.report.source import Source

Number = float | None


@dataclass(frozen=True)
class Series:
    """Numbers of one country or kind: at years, or one number in a row of its own.

    Parameters
    ----------
    name, code
        What it is called, and the country whose colour it has; empty for none.
    x
        Years; empty for a row.
    y, low, high
        Values and their 95 % limits, None where there is none; one each for a row.
    """

    name: str
    code: str
    x: Sequence[int]
    y: Sequence[Number]
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()


@dataclass(frozen=True)
class Chart:
    """A small chart: lines over years, or rows with a point and an interval each.

    Parameters
    ----------
    kind
        ``lines`` or ``rows``.
    unit
        What the numbers are, with the unit.
    series
        What is drawn.
    reference
        Where no effect lies; drawn as a line.
    logarithmic
        Whether the scale is logarithmic, as that of ratios is.
    share
        Whether the numbers are parts of 1, written in per cent.
    turn
        Year of a turn, and the ends of the years it may be in; None where none is drawn.
    """

    kind: Literal["lines", "rows"]
    unit: str
    series: Sequence[Series]
    reference: Number = None
    logarithmic: bool = False
    share: bool = False
    turn: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Answer:
    """A question of the study and what its numbers say.

    Parameters
    ----------
    name, question
        Anchor of the card, and the question.
    sentence
        The answer with its number and interval.
    page
        Page and anchor of the evidence.
    chart
        A small chart of it.
    claim, statement, verdict
        The claim that is tested, in words, and its verdict; empty where none is tested.
    brief
        What the terminal says in two lines; empty where the sentence's beginning will do.
    """

    name: str
    question: str
    sentence: str
    page: str
    chart: Chart | None = None
    claim: str = ""
    statement: str = ""
    verdict: str = ""
    brief: str = ""


@dataclass(frozen=True)
class Absent:
    """A question that these results do not answer, and why."""

    question: str
    why: str


def ruled(source: Source, claim: str) -> Mapping[str, Any]:
    """Return a claim's row of the findings; an empty mapping where the study is not asked."""
    table = source.table("findings")
    rows = table.to_pylist() if table is not None else []
    return next((row for row in rows if row["claim"] == claim), {})


def tested(source: Source, claim: str) -> dict[str, str]:
    """Return what a card says of a claim: its name, statement and verdict."""
    row = ruled(source, claim)
    if not row:
        return {}
    return {"claim": claim, "statement": row["statement"], "verdict": row["verdict"]}


def percent(value: float) -> str:
    """Write a part of 1 in per cent.

    Examples
    --------
    >>> percent(0.2154), percent(1.0)
    ('21.5 %', '100 %')
    """
    return f"{number(100 * value)} %"


def times(value: float) -> str:
    """Write a ratio with two digits, one decimal at most from 1 on.

    Examples
    --------
    >>> times(1.853), times(0.0741), times(23.4)
    ('1.9', '0.074', '23')
    """
    if value >= 10:
        return number(float(round(value)))
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def between(low: Number, high: Number, write: Any = number) -> str:
    """Write an interval in brackets, its unit left to the number before; nothing without one.

    Examples
    --------
    >>> between(0.1, 0.25, percent), between(None, 1.0)
    (' (10 to 25)', '')
    """
    if low is None or high is None:
        return ""
    return f" ({write(low).removesuffix(' %')} to {write(high).removesuffix(' %')})"


def change(slope: float) -> str:
    """Write the yearly change of a logarithm in per cent, with its sign.

    Examples
    --------
    >>> change(0.0181), change(-0.0141), change(0.0)
    ('+1.8 %', '-1.4 %', '0 %')
    """
    import math

    value = 100 * math.expm1(slope)
    text = f"{value:+.1f}" if abs(value) < 9.95 else f"{value:+.0f}"
    return "0 %" if float(text) == 0 else f"{text} %"


def counted(number_of: int, one: str, many: str = "") -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> counted(1, "country", "countries"), counted(1200, "work")
    ('1 country', '1,200 works')
    """
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"
