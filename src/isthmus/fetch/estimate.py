"""What a fetch would cost, from a few calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import msgspec

from isthmus.fetch.client import LARGEST_PAGE, Client
from isthmus.fetch.query import VALUES_PER_FILTER

#: Lists that the free allowance of a key pays for a day, and dollars a list (2026).
FREE_CALLS, DOLLARS_PER_CALL = 10_000, 0.0001

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
    dollars_left
        Dollars left of the day's allowance, as the API said last; None when it did not.
    """

    field_works: int
    citing_works: int | None
    calls: int
    dollars_left: float | None = None

    @property
    def days(self) -> float:
        """Days of a key's free allowance."""
        return self.calls / FREE_CALLS

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
            f"That takes up to {self.calls:,} calls: {self.days:.1f} days of a key's free "
            f"allowance, or ${self.dollars:,.2f}."
        )
        if self.dollars_left is not None and self.dollars_left < self.dollars:
            words.append(
                f"Of today's allowance ${self.dollars_left:,.2f} is left: when it is spent the "
                "fetch stops, and the same command resumes it the next day."
            )
        if self.calls >= SNAPSHOT_CALLS:
            words.append(
                "At this size the snapshot is faster and free: download it and `isthmus ingest` it."
            )
        return words


class _Cited(msgspec.Struct):
    cited_by_count: int | None = None


def estimate(
    client: Client, filters: Sequence[str], options: Mapping[str, str], *, include_citing: bool
) -> Estimate:
    """Ask the API how much there is: one small call a query, one more for the citations."""
    works = citations = calls = batches = 0
    for filter_ in filters:
        query = {"filter": filter_, **options}
        count = client.works(query, cursor="*", size=1, select="id").meta.count
        works += count
        calls += max(ceil(count / LARGEST_PAGE), 1)
        if include_citing and count:
            drawn = client.sample(query, min(SAMPLE, count), "cited_by_count").results
            cited = [msgspec.json.decode(raw, type=_Cited).cited_by_count or 0 for raw in drawn]
            citations += ceil(sum(cited) / max(len(cited), 1) * count)
            batches += ceil(count / VALUES_PER_FILTER)
    # A batch of cited works ends with a page that is full only in part.
    citing_calls = ceil(citations / LARGEST_PAGE) + batches if include_citing else 0
    citing = citations if include_citing else None
    return Estimate(works, citing, calls + citing_calls, client.dollars_left)
