"""Give papers of AI conferences the form of OpenAlex works, so that ``isthmus ingest`` reads them.

The source is JSON lines with the fields of OpenAlex works, made from the lists of papers at
papercopilot/paperlists. It differs from OpenAlex in four ways, which are mended here:

- identifiers are texts: works, authors, venues and institutions are numbered instead, works
  and institutions in the order of their names, so that the order of lines does not matter;
- institutions have a name and no identifier: one number per name (case and spaces aside) and
  country. Departments and spellings of one university stay apart;
- citations are those Google Scholar gave at one time; -1 means unknown and becomes null;
- there are no references, so ``c_k`` is 0 for every paper: set ``teaming.outcome`` to
  ``"cited_by_count"``, with a matching on the exact year.

An author is a normalised name. Namesakes are one author there; ``mobility.max_countries = 2``
sets aside who names more than two countries in a year, and lists them in ``set_aside``.

    python scripts/convert-paperlists.py papers_openalex_like.jsonl.gz --to works.jsonl.gz
    isthmus ingest works.jsonl.gz --to corpus
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def read(path: Path) -> list[Record]:
    """Read the records, ordered by identifier and content, each once."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        lines = sorted({line.strip() for line in stream if line.strip()})
    records = {str(record["id"]): record for record in map(json.loads, lines)}
    return [records[identifier] for identifier in sorted(records)]


def place_of(institution: Record) -> tuple[str, str]:
    """What tells institutions apart: the name without case and spaces, and the country."""
    name = re.sub(r"\W+", " ", institution.get("display_name") or "").strip().casefold()
    return name, institution.get("country_code") or ""


def numbered(keys: set[Any]) -> dict[Any, int]:
    """Number keys from 1 in their order."""
    return {key: number for number, key in enumerate(sorted(keys), start=1)}


def convert(records: list[Record]) -> list[Record]:
    """Give the records numbers for identifiers, and null for unknown citations."""
    signed = [entry for record in records for entry in record["authorships"]]
    places = {place_of(i) for entry in signed for i in entry["institutions"]}
    number_of_place = numbered({place for place in places if place[0]})
    venues = numbered({record["primary_location"]["source"]["id"] for record in records})
    return [
        _work(number, record, number_of_place, venues)
        for number, record in enumerate(records, start=1)
    ]


def _work(
    number: int, record: Record, places: dict[tuple[str, str], int], venues: dict[str, int]
) -> Record:
    source = record["primary_location"]["source"]
    cited = record.get("cited_by_count")
    return {
        "id": f"https://openalex.org/W{number}",
        "title": record.get("title"),
        "publication_year": record["publication_year"],
        "type": record.get("type"),
        "cited_by_count": cited if cited is not None and cited >= 0 else None,
        "primary_location": {"source": {**source, "id": f"S{venues[source['id']]}"}},
        "authorships": [_authorship(entry, places) for entry in record["authorships"]],
        "referenced_works": [],
    }


def _authorship(entry: Record, places: dict[tuple[str, str], int]) -> Record:
    author = int(re.sub(r"\D", "", entry["author"]["id"]))
    institutions = []
    for given in entry["institutions"]:
        at = places.get(place_of(given))
        institutions.append({**given, "id": f"I{at}" if at else None})
    return {
        "author_position": entry["author_position"],
        "author": {"id": f"A{author}", "display_name": entry["author"].get("display_name")},
        "institutions": institutions,
        "countries": entry["countries"],
    }


def main() -> None:
    """Run the conversion."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    settings = parser.parse_args()
    works = convert(read(settings.source))
    with settings.to.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
        for work in works:
            packed.write(json.dumps(work, ensure_ascii=False).encode() + b"\n")
    print(f"{len(works)} works written to {settings.to}")


if __name__ == "__main__":
    main()
