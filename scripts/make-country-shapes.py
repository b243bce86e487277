"""Make the country shapes of the maps from the npm package `world-atlas` (Natural Earth).

Usage: ``npm pack world-atlas && tar xzf world-atlas-*.tgz`` and then
``python scripts/make-country-shapes.py package/ src/isthmus/report/shapes``. Needs
``pycountry`` for the numeric codes. Writes ``countries.json``: the 110m TopoJSON with
ISO alpha-2 codes as ids, and for every country of the 50m file a point inside its
largest part, so that countries too small for the coarse shapes still get a mark.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pycountry

#: Places without an ISO numeric code in the source, by the name it gives them.
BY_NAME = {"Kosovo": "XK"}

#: Not a country of its own here; its shape would only confuse.
LEFT_OUT = {"AQ"}


def code_of(geometry: dict[str, Any]) -> str | None:
    """Give the ISO alpha-2 code of a shape, None when it has none."""
    name = geometry.get("properties", {}).get("name")
    if name in BY_NAME:
        return BY_NAME[name]
    found = pycountry.countries.get(numeric=str(geometry.get("id", "")).zfill(3))
    return found.alpha_2 if found else None


def decoded_arcs(topology: dict[str, Any]) -> list[list[tuple[float, float]]]:
    """Turn the delta-coded arcs into longitudes and latitudes."""
    (kx, ky), (dx, dy) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for step in arc:
            x, y = x + step[0], y + step[1]
            points.append((x * kx + dx, y * ky + dy))
        arcs.append(points)
    return arcs


def ring(indices: list[int], arcs: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Join the arcs of a ring."""
    points: list[tuple[float, float]] = []
    for index in indices:
        part = arcs[index] if index >= 0 else arcs[~index][::-1]
        points += part if not points else part[1:]
    return points


def middle(points: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Give area, longitude and latitude of a ring's centroid (on the plane).

    Taken from the ring's first point, so that tiny rings far from the origin lose no digits,
    and followed across the antimeridian.
    """
    x0, y0 = points[0]
    moved = [((x - x0 + 180) % 360 - 180, y - y0) for x, y in points]
    for i in range(1, len(moved)):
        jump = round((moved[i][0] - moved[i - 1][0]) / 360) * 360
        moved[i] = (moved[i][0] - jump, moved[i][1])
    area = x = y = 0.0
    for (x1, y1), (x2, y2) in zip(moved, moved[1:] + moved[:1], strict=True):
        cross = x1 * y2 - x2 * y1
        area, x, y = area + cross / 2, x + (x1 + x2) * cross / 6, y + (y1 + y2) * cross / 6
    if not area:
        return 0.0, x0, y0
    return abs(area), (x0 + x / area + 180) % 360 - 180, y0 + y / area


def point(geometry: dict[str, Any], arcs: list[list[tuple[float, float]]]) -> list[float]:
    """Give the centroid of a shape's largest part, to a tenth of a degree."""
    parts = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    _, x, y = max(middle(ring(part[0], arcs)) for part in parts)
    return [round(x, 1), round(y, 1)]


def main() -> None:
    """Read the package's two files and write the shapes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="the unpacked npm package")
    parser.add_argument("to", type=Path, help="folder for countries.json")
    given = parser.parse_args()
    coarse = json.loads((given.package / "countries-110m.json").read_text())
    fine = json.loads((given.package / "countries-50m.json").read_text())
    arcs, points = decoded_arcs(fine), {}
    for geometry in fine["objects"]["countries"]["geometries"]:
        code = code_of(geometry)
        if code and geometry.get("arcs") and code not in LEFT_OUT:
            points.setdefault(code, point(geometry, arcs))
    kept = []
    for geometry in coarse["objects"]["countries"]["geometries"]:
        code = code_of(geometry)
        if code in LEFT_OUT:
            continue
        shape = {"type": geometry["type"], "arcs": geometry["arcs"]}
        kept.append({**shape, "id": code} if code else shape)
    coarse["objects"] = {"countries": {"type": "GeometryCollection", "geometries": kept}}
    made = {"topology": coarse, "points": dict(sorted(points.items()))}
    text = json.dumps(made, separators=(",", ":"), sort_keys=True)
    (given.to / "countries.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
