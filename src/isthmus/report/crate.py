"""The metadata of a replication package: an RO-Crate 1.2 (https://w3id.org/ro/crate/1.2)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from isthmus.errors import InputError
from isthmus.results import Results

#: Name of the file that makes a folder an RO-Crate.
METADATA = "ro-crate-metadata.json"

_SPECIFICATION = "https://w3id.org/ro/crate/1.2"
_SPDX = "https://spdx.org/licenses/"

#: Ending -> media type.
_FORMATS = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv",
    ".json": "application/json",
    ".toml": "application/toml",
    ".md": "text/markdown",
    ".sql": "application/sql",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    "": "text/plain",
}

#: Where programs are at home; RO-Crate wants it of every application.
_HOMES = {
    "duckdb": "https://duckdb.org/",
    "ibis": "https://ibis-project.org/",
    "pyarrow": "https://arrow.apache.org/",
    "python": "https://www.python.org/",
    "spark": "https://spark.apache.org/",
}

_ORCID = "https://orcid.org/"

Entity = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A file of the package: its name, size in bytes, SHA-256 and what it holds."""

    name: str
    size: int
    sha256: str
    about: str


def licence_address(licence: str) -> str:
    """Return the address of a licence that is given by its address or SPDX identifier.

    Raises
    ------
    InputError
        The text is neither.

    Examples
    --------
    >>> licence_address("CC-BY-4.0")
    'https://spdx.org/licenses/CC-BY-4.0'
    """
    if re.fullmatch(r"https?://[^\s<>\"]+", licence):
        return licence
    if re.fullmatch(r"[A-Za-z0-9.+-]+", licence):
        return f"{_SPDX}{licence}"
    raise InputError(
        f"{licence!r} is no licence. Give its address, or its SPDX identifier like CC-BY-4.0."
    )


def crate(
    results: Results,
    parts: Sequence[Part],
    *,
    description: str,
    authors: Sequence[str],
    licence: str | None,
    date: str,
) -> str:
    """Write the metadata as JSON-LD.

    Parameters
    ----------
    results
        What is packed.
    parts
        Every file of the package but this one.
    description
        What the package is, in a sentence.
    authors
        Names of those to be cited, each with the address of an ORCID behind it or not.
    licence
        Address of the licence; None where none is stated.
    date
        Date of the package, ISO 8601.
    """
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": str(results.record["title"]),
        "description": description,
        "datePublished": date,
        "license": {"@id": licence or "#licence"},
        "hasPart": [{"@id": part.name} for part in parts],
        "mentions": {"@id": "#run"},
    }
    people = [_person(name, number) for number, name in enumerate(authors, 1)]
    named = [{"@id": one["@id"]} for one in people]
    if named:
        root["author"] = named if len(named) > 1 else named[0]
    descriptor = {
        "@id": METADATA,
        "@type": "CreativeWork",
        "conformsTo": {"@id": _SPECIFICATION},
        "about": {"@id": "./"},
    }
    graph = [descriptor, root, *map(_file, parts), *people, _licence(licence)]
    graph += _provenance(results.record)
    document = {"@context": f"{_SPECIFICATION}/context", "@graph": graph}
    return json.dumps(document, indent=1) + "\n"


def _file(part: Part) -> Entity:
    suffix = PurePath(part.name).suffix
    return {
        "@id": part.name,
        "@type": "File",
        "name": part.name,
        "description": part.about,
        "encodingFormat": _FORMATS[suffix],
        "contentSize": str(part.size),
        "sha256": part.sha256,
    }


def _person(author: str, number: int) -> Entity:
    name, _, orcid = author.partition(_ORCID)
    address = f"{_ORCID}{orcid.strip()}" if orcid else f"#author-{number}"
    return {"@id": address, "@type": "Person", "name": name.strip() or address}


def _licence(address: str | None) -> Entity:
    if address is None:
        return {
            "@id": "#licence",
            "@type": "CreativeWork",
            "name": "No licence stated",
            "description": "Those who made the package state no licence. Ask them before reuse.",
        }
    return {
        "@id": address,
        "@type": "CreativeWork",
        "name": address.removeprefix(_SPDX),
        "description": f"The licence at {address}",
    }


def _provenance(record: Mapping[str, Any]) -> Iterator[Entity]:
    """Describe the run: what was read, with which programs in which versions."""
    programs = sorted(record["versions"])
    yield {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "The run of the study",
        "object": {"@id": "#corpus"},
        "instrument": [{"@id": f"#{name}"} for name in programs],
        "result": {"@id": "./"},
    }
    read = record["corpus"]
    release = f", release {read['release']}" if read.get("release") else ""
    yield {
        "@id": "#corpus",
        "@type": "CreativeWork",
        "name": f"Corpus: {read['source']}{release}",
        "description": "The records the study read. They are not part of the package.",
        "identifier": f"sha256:{read['hash']}",
    }
    for name in programs:
        known = {"url": _HOMES[name]} if name in _HOMES else {}
        yield {
            "@id": f"#{name}",
            "@type": "SoftwareApplication" if known else "CreativeWork",
            "name": name,
            "version": str(record["versions"][name]),
            **known,
        }
