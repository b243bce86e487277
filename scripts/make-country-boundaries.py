"""Make the country boundaries from the npm package `world-atlas` (Natural Earth, public domain).

Usage: ``npm pack world-atlas && tar xzf world-atlas-*.tgz`` and then
``python scripts/make-country-boundaries.py package/countries-50m.json
src/isthmus/corpus/boundaries.npz``. Needs ``pycountry`` for the numeric codes.
Writes the rings of all countries in hundredths of a degree: ``points`` (n, 2) with
longitude and latitude, ``starts`` (rings + 1), ``country`` (rings) into ``codes``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pycountry

#: Places without an ISO numeric code in the source, by the name it gives them.
BY_NAME = {"Kosovo": "XK", "N. Cyprus": "CY", "Somaliland": "SO", "Siachen Glacier": None}

#: No university stands there, and its ring goes around the pole.
LEFT_OUT = {"AQ"}

Ring = list[tuple[float, float]]


def code_of(shape: dict[str, Any]) -> str | None:
    """Give the ISO alpha-2 code of a shape, None when it has none."""
    name = shape.get("properties", {}).get("name")
    if name in BY_NAME:
        return BY_NAME[name]
    found = pycountry.countries.get(numeric=str(shape.get("id", "")).zfill(3))
    return found.alpha_2 if found else None


def arcs_of(topology: dict[str, Any]) -> list[Ring]:
    """Turn delta-coded arcs into longitudes and latitudes."""
    scale, offset = topology["transform"]["scale"], topology["transform"]["translate"]
    return [
        [tuple(point) for point in (np.cumsum(arc, axis=0) * scale + offset).tolist()]
        for arc in topology["arcs"]
    ]


def rings_of(shape: dict[str, Any], arcs: list[Ring]) -> Iterator[Ring]:
    """Give the rings of a shape, holes among them."""
    several = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
    for polygon in several:
        for indices in polygon:
            points: Ring = []
            for index in indices:
                part = arcs[index] if index >= 0 else arcs[~index][::-1]
                points += part if not points else part[1:]
            yield points


def thinned(ring: Ring) -> np.ndarray:
    """Round to hundredths of a degree; drop points that repeat the one before.

    A ring that crosses the date line goes on beyond 180 degrees instead of jumping back.
    """
    degrees = np.array(ring)
    degrees[:, 0] = np.unwrap(degrees[:, 0], period=360)
    points = np.round(degrees * 100).astype(np.int16)
    moved = np.array([True, *(not np.array_equal(a, b) for a, b in pairwise(points))])
    return points[moved]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topology", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    topology = json.loads(options.topology.read_text(encoding="utf-8"))
    arcs = arcs_of(topology)
    rings: list[tuple[str, np.ndarray]] = []
    for shape in topology["objects"]["countries"]["geometries"]:
        code = code_of(shape)
        if code is not None and code not in LEFT_OUT and shape["type"] is not None:
            rings += [(code, thinned(ring)) for ring in rings_of(shape, arcs)]
    codes = sorted({code for code, _ in rings})
    np.savez_compressed(
        options.target,
        points=np.concatenate([ring for _, ring in rings]),
        starts=np.cumsum([0, *(len(ring) for _, ring in rings)]).astype(np.int32),
        country=np.array([codes.index(code) for code, _ in rings], np.int16),
        codes=np.array(codes),
    )
    print(f"{len(codes)} countries, {len(rings)} rings, {options.target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
