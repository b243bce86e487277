"""All answers of a study, in their order, and what it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from isthmus.report.answers import leading, people, ties
from isthmus.report.answers.answer import Absent, Answer
from isthmus.report.source import Source

#: Makers of answers: who leads, impact, partners, poles, movers, teaming, missing data.
MAKERS: tuple[Callable[[Source], Answer | Absent], ...] = (
    leading.who_leads,
    leading.catching_up,
    leading.impact,
    ties.partners,
    ties.drift,
    ties.citing,
    ties.between_poles,
    people.movers,
    people.teaming,
    people.missing,
)


def _all(source: Source) -> list[Answer | Absent]:
    kept: dict[str, list[Answer | Absent]] = source.__dict__.setdefault("_answers", {})
    if "all" not in kept:
        kept["all"] = [make(source) for make in MAKERS]
    return kept["all"]


def answers(source: Source) -> list[Answer]:
    """Return the answers that the results hold, in order."""
    return [made for made in _all(source) if isinstance(made, Answer)]


def absent(source: Source) -> list[Absent]:
    """Return the questions that the results do not answer, each with the reason."""
    return [made for made in _all(source) if isinstance(made, Absent)]


def verdict_counts(source: Source) -> Mapping[str, int]:
    """Return how many claims have each verdict, in the order of the verdicts."""
    from isthmus.report.design import VERDICTS

    table = source.table("findings")
    found = table["verdict"].to_pylist() if table is not None else []
    return {verdict: found.count(verdict) for verdict in VERDICTS}
