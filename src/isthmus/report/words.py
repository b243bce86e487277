"""Words for what tables write as codes: experiments, null models, roles, archetypes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from isthmus.report.glossary import metric
from isthmus.report.source import Source
from isthmus.selection.wording import country_name, in_sentence

#: Archetypes in words: joint papers and citations relative to other partners.
ARCHETYPES = {
    "SC": "both rising",
    "SD": "both falling",
    "KI": "citations rise, joint papers fall",
    "KD": "joint papers rise, citations fall",
    "flat": "neither moves",
}

#: Layers of links -> what they count.
LAYERS = {"collaboration": "joint papers", "citation": "citations"}

#: Sectors in words, the most asked for first.
SECTORS = {
    "company": "companies",
    "education": "universities",
    "government": "government",
    "healthcare": "hospitals",
    "facility": "research facilities",
    "nonprofit": "non-profits",
    "archive": "archives",
    "funder": "funders",
    "other": "others",
    "unknown": "unknown",
}

#: What is said of blocs, in words.
BLOC_ANSWERS = {
    "blocs": "blocs",
    "none": "no blocs",
    "gradient": "a gradient, not blocs",
    "undecided": "no number of blocs can be said",
}

#: Null models, and ties by themselves, in words.
MODELS = {
    "none": "affinity (relative to other partners)",
    "multiedge": "sizes alone",
    "ecm": "sizes and numbers of partners",
    "sizes": "sizes alone",
    "constant_ties": "ties that do not change",
}

#: Variants of a matched comparison, as the end of an experiment's name says.
VARIANTS = {
    "elsewhere": "citations from elsewhere",
    "international": "against international papers",
    "sampled": "one stayer for each mover",
}


def roles(source: Source) -> dict[str, str]:
    """Return the roles between the poles in words."""
    made = {"bridge": "closer to both", "unmoved": "not moving", "pole": "a pole"}
    made |= {"apart": "moving away"}
    for pole in source.poles:
        made[f"with {pole}"] = f"closer to {in_sentence(pole)} alone"
    return made


def numbers(source: Source, table: str = "bounds") -> dict[str, str]:
    """Return the names of the numbers that have bounds in a table."""
    read = source.table(table)
    found = sorted(set(read["number"].to_pylist())) if read is not None else []
    said = {"joint_share": "Share of papers that the poles have together"}
    said["papers_whole_share"] = "Share of papers (whole)"
    said["citations_mean"] = "Citations per paper"
    return {name: said.get(name) or metric(name, source.settings).label for name in found}


def experiment(name: str) -> str:
    """Write the name of a matched comparison in words.

    Examples
    --------
    >>> experiment("joint:US+CN:elsewhere")
    'US-led papers with China, citations from elsewhere'
    >>> experiment("movers:CN->US")
    'Scientists who moved from China to the US'
    """
    kind, _, rest = name.partition(":")
    pair, _, variant = rest.partition(":")
    ends = re.split(r"\+|->", pair)
    if len(ends) != 2 or kind not in ("joint", "movers"):
        return name
    if kind == "movers":
        text = f"Scientists who moved from {in_sentence(ends[0])} to {in_sentence(ends[1])}"
    else:
        text = f"{country_name(ends[0])}-led papers with {in_sentence(ends[1])}"
    return f"{text}, {VARIANTS.get(variant, variant)}" if variant else text


def in_words(text: str, settings: Mapping[str, Any]) -> str:
    """Write names of columns in a sentence as their labels, and no backticks.

    Examples
    --------
    >>> in_words("agree: papers_whole supported", {"countries": {"attribution": "any"}})
    'agree: Papers (whole) supported'
    """
    return re.sub(
        r"\b[a-z0-9]+(_[a-z0-9]+)+\b",
        lambda found: metric(found[0], settings).label,
        text.replace("`", ""),
    )


def words(source: Source) -> dict[str, dict[str, str]]:
    """Return what a page's script writes for codes, by the kind of code."""
    found: set[str] = set()
    for table in ("matched", "retention", "balance", "retention_balance", "unmatched"):
        read = source.table(table)
        if read is not None:
            found |= {name for name in read["experiment"].to_pylist() if name}
    return {
        "experiments": {name: experiment(name) for name in sorted(found)},
        "models": MODELS,
        "roles": roles(source),
        "archetypes": ARCHETYPES,
        "layers": LAYERS,
        "bloc_answers": BLOC_ANSWERS,
        "numbers": numbers(source) | numbers(source, "reference_bounds"),
        "sectors": SECTORS,
    }
