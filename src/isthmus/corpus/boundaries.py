"""Which country a place on the map is in, from an offline set of boundaries.

The boundaries are those of Natural Earth at 1:50 million (public domain), in
hundredths of a degree, about a kilometre. They are drawn to within some
kilometres, so a place outside every boundary takes the nearest one that is not
too far: harbours, islands and river banks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Kilometres from a boundary within which a place outside all of them takes its
#: country: the width of the straits and bays the boundaries smooth away.
NEAREST_KM = 30.0

_EARTH_KM = 6371.0

#: Pairs of a place and an edge looked at once: some megabytes.
_BLOCK = 1 << 18


@dataclass(frozen=True)
class Boundaries:
    """Rings of all countries.

    Attributes
    ----------
    points : (n, 2) array
        Longitude and latitude in degrees; the rings one after the other. A ring
        that crosses the date line goes on beyond 180 degrees.
    starts : (r + 1,) array
        Where each ring begins in `points`.
    country : (r,) array
        Number of each ring's country in `codes`. A ring inside another of the
        same country is a hole.
    codes : list of str
        ISO 3166 alpha-2 codes.
    """

    points: Floats
    starts: Ints
    country: Ints
    codes: list[str]

    def ring(self, number: int) -> Floats:
        """Points of one ring."""
        return self.points[self.starts[number] : self.starts[number + 1]]


@cache
def boundaries() -> Boundaries:
    """Load the boundaries."""
    source = resources.files("isthmus.corpus").joinpath("boundaries.npz")
    with resources.as_file(source) as path, np.load(path) as file:
        return Boundaries(
            points=file["points"] / 100.0,
            starts=file["starts"].astype(np.int64),
            country=file["country"].astype(np.int64),
            codes=[str(code) for code in file["codes"]],
        )


def countries_at(lat: ArrayLike, lon: ArrayLike) -> list[str | None]:
    """Say which country each place is in.

    Parameters
    ----------
    lat, lon : (n,) arrays
        Degrees north and east; NaN, and what is no place on Earth, has no country.

    Examples
    --------
    >>> countries_at([52.52, 22.28, 0.0], [13.4, 114.17, -30.0])
    ['DE', 'HK', None]
    """
    places = np.column_stack([np.asarray(lon, np.float64), np.asarray(lat, np.float64)])
    on_earth = (np.abs(places[:, 0]) <= 180) & (np.abs(places[:, 1]) <= 90)
    found = np.full(len(places), -1)
    found[on_earth] = _inside(places[on_earth])
    rest = np.flatnonzero(on_earth & (found < 0))
    if len(rest):
        found[rest] = _nearest(places[rest])
    codes = [*boundaries().codes, None]
    return [codes[number] for number in found.tolist()]


def point_in(code: str) -> tuple[float, float]:
    """Return latitude and longitude of some place well inside a country.

    Raises
    ------
    KeyError
        No boundary has this code.
    """
    known = boundaries()
    try:
        number = known.codes.index(code)
    except ValueError:
        raise KeyError(code) from None
    rings = [known.ring(r) for r in np.flatnonzero(known.country == number).tolist()]
    largest = max(rings, key=lambda ring: abs(_area(ring)))
    low, high = largest.min(axis=0), largest.max(axis=0)
    steps = np.linspace(0.02, 0.98, 15)
    grid = np.array([low + (high - low) * [x, y] for x in steps for y in steps])
    inside = grid[_crossings(grid, largest)]
    place = max(inside.tolist(), key=lambda p: float(((largest - p) ** 2).sum(axis=1).min()))
    return place[1], place[0]


def _inside(places: Floats) -> Ints:
    """Number of the country around each place, -1 for none."""
    known = boundaries()
    found = np.full(len(places), -1)
    if not len(places):
        return found
    for number in range(len(known.codes)):
        odd = np.zeros(len(places), np.bool_)
        for r in np.flatnonzero(known.country == number).tolist():
            ring = known.ring(r)
            low, high = ring.min(axis=0), ring.max(axis=0)
            turned = places - [360, 0] * np.round((places[:, :1] - (low + high)[0] / 2) / 360)
            at = np.flatnonzero(((turned >= low) & (turned <= high)).all(axis=1))
            if len(at):
                odd[at] ^= _crossings(turned[at], ring)
        found[odd] = number
    return found


def _crossings(places: Floats, ring: Floats) -> NDArray[np.bool_]:
    """Say whether a ray from each place eastwards crosses the ring an odd number of times."""
    odd = np.zeros(len(places), np.bool_)
    x, y = places[:, :1], places[:, 1:]
    edges = np.column_stack([ring, np.roll(ring, -1, axis=0)])
    edges = edges[edges[:, 1] != edges[:, 3]]
    step = max(_BLOCK // max(len(places), 1), 1)
    for start in range(0, len(edges), step):
        x0, y0, x1, y1 = edges[start : start + step].T
        left = x < (x1 - x0) * (y - y0) / (y1 - y0) + x0
        odd ^= np.logical_xor.reduce(((y0 > y) != (y1 > y)) & left, axis=1)
    return odd


def _nearest(places: Floats) -> Ints:
    """Number of the country with the nearest boundary point, -1 where that is far."""
    from scipy.spatial import cKDTree

    known = boundaries()
    of_point = np.repeat(known.country, np.diff(known.starts))
    distance, at = cKDTree(_on_sphere(known.points)).query(_on_sphere(places))
    kilometres = 2 * _EARTH_KM * np.arcsin(np.minimum(np.asarray(distance) / 2, 1.0))
    return np.where(kilometres <= NEAREST_KM, of_point[at], -1)


def _on_sphere(places: Floats) -> Floats:
    lon, lat = np.radians(places).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _area(ring: Floats) -> float:
    x, y = ring.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
