"""What a fetch would cost, from a few calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import msgspec

from isthmus.corpus.fetching.client import KEY_VARIABLE, LARGEST_PAGE, Client
from isthmus.corpus.fetching.query import VALUES_PER_FILTER

#: Lists a day that the free allowance pays for, with a key and without, and dollars a list.
FREE_CALLS, FREE_CALLS_WITHOUT_KEY, DOLLARS_PER_CALL = 10_000, 1_000, 0.0001

#: From here on a fetch is large and is asked about first: a tenth of a day's allowance.
LARGE_CALLS = 1_000

#: From here on, three days of the allowance, the snapshot is less work for everybody.
SNAPSHOT_CALLS = 30_000

#: Works drawn to guess how often the field is cited.
SAMPLE = 100


@dataclass(frozen=True)
class Estimate:
    """What a fetch would ask for.

    Attributes
    ----------
    field_works
        Works the API announces for the field; works of several queries count in each.
    citing_works
        Works that cite the field, at most: citations of the field's works, guessed
        from a sample, as if no work cited two of them. None when not asked for.
    calls
        Lists to ask for, at most.
    has_key
        Whether the environment gives a key.
    """

    field_works: int
    citing_works: int | None
    calls: int
    has_key: bool

    @property
    def days(self) -> float:
        """Days of the free allowance."""
        return self.calls / (FREE_CALLS if self.has_key else FREE_CALLS_WITHOUT_KEY)

    @property
    def dollars(self) -> float:
        """Cost at list price, without the free allowance."""
        return self.calls * DOLLARS_PER_CALL

    @property
    def is_large(self) -> bool:
        """Whether it is worth a question."""
        return self.calls >= LARGE_CALLS

    def describe(self) -> list[str]:
        """Say it in sentences."""
        words = [f"The API announces {self.field_works:,} works of the field."]
        if self.citing_works is not None:
            words.append(
                f"At most about {self.citing_works:,} works cite them (from a sample of {SAMPLE})."
            )
        words.append(
            f"That takes up to {self.calls:,} calls: {self.days:.1f} days of the free allowance, "
            f"or ${self.dollars:,.2f}."
        )
        if not self.has_key:
            words.append(f"No key is set in {KEY_VARIABLE}; a free one gives ten times the calls.")
        if self.calls >= SNAPSHOT_CALLS:
            words.append(
                "At this size the snapshot is faster and free: download it and `isthmus ingest` it."
            )
        return words


class _Cited(msgspec.Struct):
    cited_by_count: int | None = None


def estimate(client: Client, filters: Sequence[str], *, include_citing: bool) -> Estimate:
    """Ask the API how much there is: one small call a query, one more for the citations."""
    works = citations = calls = batches = 0
    for filter_ in filters:
        count = client.works(filter_, cursor="*", size=1, select="id").meta.count
        works += count
        calls += max(ceil(count / LARGEST_PAGE), 1)
        if include_citing and count:
            drawn = client.sample(filter_, min(SAMPLE, count), "cited_by_count").results
            cited = [msgspec.json.decode(raw, type=_Cited).cited_by_count or 0 for raw in drawn]
            citations += ceil(sum(cited) / max(len(cited), 1) * count)
            batches += ceil(count / VALUES_PER_FILTER)
    # A batch of cited works ends with a page that is full only in part.
    citing_calls = ceil(citations / LARGEST_PAGE) + batches if include_citing else 0
    return Estimate(
        works, citations if include_citing else None, calls + citing_calls, client.has_key
    )
