"""Lists of works that a user keeps in a file: ids of works, one a line."""

from __future__ import annotations

import re
from pathlib import Path

from isthmus.errors import StudyError
from isthmus.files import read_text

#: A work id: its number, ``W`` and the number, or the address of the work.
_WORK = re.compile(r"(?:https?://(?:api\.)?openalex\.org/(?:works/)?)?[Ww]?0*([1-9]\d{0,17})")

#: Letter of an OpenAlex id -> what it identifies.
_OTHERS = {
    "A": "an author",
    "C": "a concept",
    "F": "a funder",
    "I": "an institution",
    "P": "a publisher",
    "S": "a source",
    "T": "a topic",
}

#: Header that a list exported from a table may have.
_HEADERS = {"id", "work_id", "works", "work", "openalex_id", "openalex"}

#: Faulty lines that a message shows.
_SHOWN = 5


def read_work_ids(path: Path) -> list[int]:
    """Return the works that a file lists, one a line, as sorted numbers.

    A line holds a number, ``W`` and a number, or the address of a work; empty lines,
    lines that begin with ``#`` and a first line ``work_id`` or ``id`` are passed over.

    Raises
    ------
    StudyError
        The file cannot be read, or lines are no work ids; the message names the first
        of them, what they look like, and how many there are.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"Cannot read the file of work ids {path}: {error}.") from None
    found: set[int] = set()
    faults: list[str] = []
    for number, line in enumerate(lines, 1):
        text = line.strip().strip('",;').strip()
        if not text or text.startswith("#") or (number == 1 and text.lower() in _HEADERS):
            continue
        work = _WORK.fullmatch(text)
        if work is None:
            faults.append(f"line {number} ({_shortened(text)}) {_what(text)}")
        else:
            found.add(int(work[1]))
    if faults:
        more = f"; and {len(faults) - _SHOWN:,} more" if len(faults) > _SHOWN else ""
        raise StudyError(
            f"{len(faults):,} of {len(lines):,} lines of {path} are no work ids: "
            f"{'; '.join(faults[:_SHOWN])}{more}. Write one OpenAlex id a line, like W2741809807; "
            "look up works known by other identifiers first, for example at openalex.org."
        )
    return sorted(found)


def _what(text: str) -> str:
    """Say what a line looks like that is no work id."""
    bare = text.lower()
    if re.search(r"(^|[/:\s])10\.\d{4,9}/\S", bare):
        return "is a DOI"
    if "pubmed" in bare or "ncbi.nlm.nih.gov" in bare or re.match(r"pm(id|c)", bare):
        return "is a PubMed identifier"
    if "arxiv" in bare:
        return "is an arXiv identifier"
    if "orcid" in bare or re.search(r"\d{4}-\d{4}-\d{4}-\d{3}[\dx]$", bare):
        return "is an ORCID"
    other = re.fullmatch(r"(?:https?://(?:api\.)?openalex\.org/(?:\w+/)?)?([a-z])\d+", bare)
    if other and other[1].upper() in _OTHERS:
        return f"is the id of {_OTHERS[other[1].upper()]}"
    if len(text.split()) > 1 or "," in text:
        return "holds more than one thing"
    return "is nothing that isthmus knows"


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 50 else f"{text[:47]}...")
