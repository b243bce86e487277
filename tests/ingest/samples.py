"""OpenAlex records for tests: one well-formed work, and ways to change it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HOME = "https://openalex.org/"


def author(
    identifier: int | None, *institutions: tuple[int | None, str | None], **more: Any
) -> dict[str, Any]:
    return {
        "author_position": "middle",
        "author": {"id": None if identifier is None else f"{HOME}A{identifier}"},
        "institutions": [
            {
                "id": None if number is None else f"{HOME}I{number}",
                "display_name": f"Institution {number}",
                "country_code": country,
                "type": "education",
                "ror": None,
            }
            for number, country in institutions
        ],
        **more,
    }


def work(identifier: int, **changes: Any) -> dict[str, Any]:
    record = {
        "id": f"{HOME}W{identifier}",
        "publication_year": 2020,
        "publication_date": "2020-05-17",
        "updated_date": "2024-01-01T00:00:00",
        "type": "article",
        "language": "en",
        "title": f"Work {identifier}",
        "doi": f"https://doi.org/10.1/{identifier}",
        "cited_by_count": 3,
        "is_retracted": False,
        "primary_location": {"source": {"id": f"{HOME}S9", "display_name": "Journal"}},
        "authorships": [author(1, (11, "US")), author(2, (12, "CN"), (11, "US"))],
        "referenced_works": [f"{HOME}W{identifier + 1000}"],
        "concepts": [{"id": f"{HOME}C5", "score": 0.5}],
        "abstract_inverted_index": {"unused": [0]},
    }
    record.update(changes)
    return record


def write_lines(path: Path, records: Iterable[Any]) -> Path:
    """Write records (or raw bytes) as JSON lines, gzip when the name says so."""
    lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
    content = b"\n".join(lines) + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path
