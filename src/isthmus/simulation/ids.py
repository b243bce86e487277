"""Identifiers of simulated entities: numbers from fixed starts, as in OpenAlex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.simulation.draws import Ints

#: First identifier of each kind.
FIRST_WORK, FIRST_AUTHOR = 2_000_000_001, 5_000_000_001
FIRST_INSTITUTION, FIRST_VENUE = 4_100_000_001, 4_200_000_001

#: The field every world studies: artificial intelligence, as subfield and as concept.
FIELD_SUBFIELD, FIELD_CONCEPT, PARENT_FIELD = 1702, 154945302, 17
#: Neighbouring subfields and the concept that works there carry.
NEIGHBOURS, NEIGHBOUR_CONCEPT = (1703, 1705, 1707, 1710), 41008148
#: Topics are numbered from here, one per community.
FIRST_TOPIC = 10_001


@dataclass(frozen=True)
class Start:
    """Numbers at which a world's works and authors begin, where it is one piece of several."""

    works: int = 0
    authors: int = 0

    def work_ids(self, numbers: Ints) -> Ints:
        """Identifiers of the world's works by number."""
        return work_ids(self.works + np.asarray(numbers, np.int64))

    def author_ids(self, numbers: Ints) -> Ints:
        """Identifiers of the world's authors by number."""
        return author_ids(self.authors + np.asarray(numbers, np.int64))


def work_ids(numbers: Ints) -> Ints:
    """Identifiers of works by number."""
    return np.asarray(numbers, np.int64) + FIRST_WORK


def author_ids(numbers: Ints) -> Ints:
    """Identifiers of authors by number."""
    return np.asarray(numbers, np.int64) + FIRST_AUTHOR


def institution_ids(numbers: Ints) -> Ints:
    """Identifiers of institutions by number."""
    return np.asarray(numbers, np.int64) + FIRST_INSTITUTION


def venue_ids(numbers: Ints) -> Ints:
    """Identifiers of venues by number."""
    return np.asarray(numbers, np.int64) + FIRST_VENUE


def subfields(communities: Ints, per_area: int) -> Ints:
    """Subfield of each community: the field for the first `per_area`, neighbours in turn after."""
    outside = np.array(NEIGHBOURS)[(communities - per_area) % len(NEIGHBOURS)]
    return np.where(communities < per_area, FIELD_SUBFIELD, outside)
