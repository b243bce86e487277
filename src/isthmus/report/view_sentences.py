"""Sentences that begin the views of a country, made from the rows that these show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from isthmus.findings.verdict import number
from isthmus.report.answers.answer import between, counted, percent, times
from isthmus.report.sector_views import sector_pairs_said, sectors_said
from isthmus.report.source import Source
from isthmus.report.words import numbers
from isthmus.selection.wording import capital, in_sentence, joined

Rows = Sequence[Mapping[str, Any]]


def bounds_said(country: str, rows: Rows, source: Source) -> str:
    """Say what missing countries could change of a country's share of papers, all years."""
    wanted = f"{source.papers}_share"
    row = next((r for r in rows if r["number"] == wanted and r["year"] is None), None)
    if row is None or None in (row["measured"], row["imputed"], row["weighted"]):
        return ""
    name, works = in_sentence(country), counted(round(row["works"]), "work")
    text = f"A country may be missing in {round(row['missing']):,} of {works}. "
    text += f"Of all papers, {name} has {percent(row['measured'])} as measured, "
    text += f"{percent(row['imputed'])} filled in and {percent(row['weighted'])} weighted; "
    return text + f"the data allow {percent(row['lowest'])} to {percent(row['highest'])}."


def bounds_by_number(rows: Rows) -> dict[str, list[str]]:
    """Say of each number in which year the extremes lie furthest apart: ``number``, ``text``."""
    widest: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if row["year"] is not None and None not in (row["lowest"], row["highest"]):
            other = widest.get(row["number"], row)
            widest[row["number"]] = max(other, row, key=lambda r: r["highest"] - r["lowest"])
    texts = [
        f"The extremes lie furthest apart in {row['year']}: the data allow "
        f"{percent(row['lowest'])} to {percent(row['highest'])}."
        for row in widest.values()
    ]
    return {"number": list(widest), "text": texts}


def references_by_number(rows: Rows, source: Source) -> dict[str, list[str]]:
    """Say what works without references could change of each number: ``number``, ``text``."""
    names = numbers(source, "reference_bounds")
    made: dict[str, list[str]] = {"number": [], "text": []}
    for row in rows:
        if row["year"] is not None or None in (row["measured"], row["weighted"], row["highest"]):
            continue
        write = percent if row["number"].endswith("_share") else number
        text = f"{names[row['number']]}, all years: {write(row['measured'])} as measured, "
        text += f"{write(row['weighted'])} weighted; the data allow {write(row['lowest'])} to "
        text += f"{write(row['highest'])}. References are missing in {round(row['missing']):,} of "
        text += f"{counted(round(row['works']), 'work')} that may cite."
        made["number"].append(row["number"])
        made["text"].append(text)
    return made


def indicators_said(country: str, rows: Rows, _: Source) -> str:
    """Say a country's international share and citation impact in the last window known."""
    row = _last(rows, "mncs", "mncs_low") or _last(rows, "international_share")
    if row is None:
        return ""
    name, first = in_sentence(country), row["year"] - row["years"] + 1
    span = f"{first}-{row['year']}" if row["years"] > 1 else str(row["year"])
    text = f"In {span}, {_share(row, 'international_share')} of {name}'s papers were international"
    if row["mncs"] is None:
        return f"{text}."
    ends = between(row["mncs_low"], row["mncs_high"])
    text += f". Those whose citations are known had {number(row['mncs'])} times{ends} "
    text += "the usual citations of their subfield and year"
    if row["top10_share"] is not None:
        text += f"; {_share(row, 'top10_share')} were among the 10 % most cited"
    return f"{text}."


def dependence_said(country: str, rows: Rows, _: Source) -> str:
    """Say how many citations come from home, against what size expects."""
    row = _last(rows, "home_ratio", "home_ratio_low")
    if row is None:
        return ""
    name, ratio = in_sentence(country), row["home_ratio"]
    text = (
        f"Of the citations to {name}'s papers of {row['year']}, {_share(row, 'home_share')} came "
    )
    text += f"from {name}; size alone gives {percent(row['home_expected'])}: {times(ratio)} times "
    text += f"as many{between(row['home_ratio_low'], row['home_ratio_high'], times)}"
    unsure = row["home_ratio_low"] <= 1 <= row["home_ratio_high"]
    return f"{text}, no clear home bias." if unsure else f"{text}."


def cohorts_said(country: str, rows: Rows, _: Source) -> str:
    """Say where those who began in a country are after the last year that is known."""
    row = _last(rows, "share_stayed")
    if row is None:
        return ""
    name, since = in_sentence(country), counted(row["years_since"], "year")
    text = f"Of {counted(round(row['authors']), 'scientist')} who began in {name}, "
    text += f"{_share(row, 'share_stayed')} are there {since} later and "
    text += f"{_share(row, 'share_left')} are elsewhere; {_share(row, 'share_returned')} left and "
    return capital(f"{text}came back.")


def premiums_said(country: str, rows: Rows, joint: Mapping[str, int], source: Source) -> str:
    """Say what a country's papers gain with others; where nothing was asked, how to ask it.

    `rows` are those in which it leads or is the partner, `joint` its joint papers by partner.
    """
    known = [row for row in rows if None not in (row["effect_percent"], row["ci_low"])]
    if known:
        return capital("; ".join(_premium(row) for row in known[:MOST_PREMIUMS]) + ".")
    name = in_sentence(country)
    if rows:
        return f"The matched papers are too few to tell what papers of {name} gain with others."
    wanted = [pole for pole in source.poles[:2] if pole != country]
    said = joined(
        [
            f"{counted(joint.get(pole, 0), 'joint paper')} with {in_sentence(pole)}"
            for pole in wanted
        ]
    )
    pairs = ", ".join(f'["{a}", "{b}"]' for p in wanted for a, b in ((country, p), (p, country)))
    return capital(
        f"{name} has {said}. What they gain is not estimated: the study asks it of "
        f"{source.words.the_poles}. The line pairs = [{pairs}] under [teaming] in its study file "
        "asks it of these too."
    )


#: Gains of joint papers that a sentence names at most.
MOST_PREMIUMS = 4


def _premium(row: Mapping[str, Any]) -> str:
    """Say what papers gain; the interval has no sign of its own where papers lose."""
    value = row["effect_percent"]
    text = f"papers that {in_sentence(row['lead'])} leads with {in_sentence(row['partner'])} have "
    text += f"{number(abs(value))} % {'more' if value >= 0 else 'fewer'} citations than matched "
    text += f"papers without (change: {number(row['ci_low'])} to {number(row['ci_high'])} %; "
    return f"{text}{row['treated_matched']:,} matched)"


def indices_said(rows: Rows) -> list[dict[str, str]]:
    """Say of each pair what its index of collaboration is in its last year with joint papers."""
    last = {(row["source"], row["target"]): row for row in rows}
    made = []
    for (source, target), row in last.items():
        if row["collaboration_index"] is None:
            continue
        ends = between(row["collaboration_index_low"], row["collaboration_index_high"], times)
        text = f"In {row['year']}, {in_sentence(target)} was {times(row['collaboration_index'])} "
        text += f"times{ends} as often in the international papers of {in_sentence(source)} as in "
        made.append({"source": source, "target": target, "text": f"{text}those of the world."})
    return made


#: Sets of a country that have a sentence -> what makes it.
SAID: Mapping[str, Callable[[str, Rows, Source], str]] = {
    "bounds": bounds_said,
    "indicators": indicators_said,
    "dependence": dependence_said,
    "cohorts": cohorts_said,
    "sectors": sectors_said,
    "sector_pairs": sector_pairs_said,
}


def _last(rows: Rows, *names: str) -> Mapping[str, Any] | None:
    """Return the last row in which all of some columns are known."""
    known = [row for row in rows if all(row[name] is not None for name in names)]
    return known[-1] if known else None


def _share(row: Mapping[str, Any], name: str) -> str:
    return percent(row[name]) + between(row[f"{name}_low"], row[f"{name}_high"], percent)
