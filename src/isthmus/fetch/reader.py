"""Reading queries of the OpenAlex API to their ends, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from isthmus.errors import SourceError
from isthmus.fetch.answer_pages import Pages, Place
from isthmus.fetch.client import (
    LARGEST_PAGE,
    SMALLEST_PAGE,
    Client,
    Page,
    RefusedError,
    TooLargeError,
)
from isthmus.fetch.query import SELECTED, work_number

#: Called with works received and works announced so far.
Progress = Callable[[int, int], None]

#: Lists of authors are cut at this length in lists of works, not in single works.
AUTHORS_LISTED = 100

#: Times a query is read again when it gave fewer works than announced.
PASSES = 3

#: Pages of the size that worked before a larger one is tried again.
PAGES_BEFORE_LARGER = 10


class IncompleteError(SourceError):
    """The API gave fewer works than it announced; what came is kept."""


class Head(msgspec.Struct):
    """What a fetch needs to know of a record."""

    id: str | None = None
    authorships: list[msgspec.Raw] | None = None
    cited_by_count: int | None = None


def read_head(record: bytes) -> Head:
    """Read what matters here; a record that cannot be read is left to the ingest to count."""
    try:
        return msgspec.json.decode(record, type=Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Head()


@dataclass
class _Size:
    """Records to ask for at once: halved when too large, doubled again after a while."""

    now: int = LARGEST_PAGE
    good: int = 0

    def worked(self) -> None:
        self.good += 1
        if self.good >= PAGES_BEFORE_LARGER:
            self.now, self.good = min(self.now * 2, LARGEST_PAGE), 0

    def failed(self) -> None:
        self.now, self.good = max(self.now // 2, SMALLEST_PAGE), 0


class Reader:
    """Reads queries to their ends, one folder of pages for each."""

    def __init__(
        self,
        client: Client,
        folder: Path,
        options: dict[str, str],
        progress: Progress | None,
        allow_missing: bool,
    ) -> None:
        self.places: list[Place] = []
        self.announced = 0
        self._client = client
        self._folder = folder
        self._options = options
        self._progress = progress
        self._allow_missing = allow_missing
        self._size = _Size()
        self._received = 0

    def read_all(self, filters: Sequence[str]) -> None:
        """Read queries that were not read before."""
        for filter_ in filters:
            pages = self._pages(len(self.places))
            place = self._read(pages, pages.place(filter_))
            self.places.append(place)
            self.announced += place.announced

    def records(self) -> Iterator[bytes]:
        """Return every record of every query, in the order they were read."""
        for number, place in enumerate(self.places):
            yield from self._pages(number).records(place)

    def cited(self) -> list[int]:
        """Numbers of the works read so far that are cited at all, in order."""
        heads = map(read_head, self.records())
        found = {work_number(head.id) for head in heads if head.cited_by_count != 0}
        return sorted(number for number in found if number is not None)

    def missing(self) -> int:
        """Announced works that are not there, over all queries."""
        return sum(max(place.announced - place.distinct, 0) for place in self.places)

    def refuse_missing(self, command: str) -> None:
        """Raise when announced works are missing, unless the user allowed it."""
        if self.missing() and not self._allow_missing:
            raise IncompleteError(
                f"The OpenAlex API announced {self.announced:,} works and gave {self.missing():,} "
                f"fewer, in {PASSES} passes over its pages. The fetch is not finished; what came "
                f"is kept. Run `{command}` again later to ask for the rest, or add "
                "--allow-missing to finish without it."
            )

    def _pages(self, number: int) -> Pages:
        return Pages(self._folder / f"{number:06d}")

    def _read(self, pages: Pages, place: Place) -> Place:
        """Read a query until all announced works came, or every pass lacks some."""
        if place.passes >= PASSES and not place.done and not self._allow_missing:
            place = msgspec.structs.replace(place, cursor="*", passes=0)
        while not place.done and place.passes < PASSES:
            place = self._to_end(pages, place)
            found = len({work_number(read_head(line).id) for line in pages.records(place)})
            place = msgspec.structs.replace(place, distinct=found, passes=place.passes + 1)
            if found < place.announced:
                self._client.say(
                    f"Pass {place.passes} of {PASSES}: {found:,} of the {place.announced:,} works "
                    "announced."
                )
            again = found < place.announced and place.passes < PASSES
            change = {"cursor": "*"} if again else {"done": found >= place.announced}
            place = pages.note(msgspec.structs.replace(place, **change))
        return place

    def _to_end(self, pages: Pages, place: Place) -> Place:
        """Read pages until there is no next one; the place then has an empty cursor."""
        seen: set[str] = set()
        resumed = place.cursor != "*"
        while place.cursor:
            try:
                page = self._page(place, seen)
            except RefusedError:
                if not resumed:
                    raise
                # A cursor from an earlier run may have expired: read the query from its start.
                place, resumed = msgspec.structs.replace(place, cursor="*"), False
                seen.clear()
                continue
            seen.add(place.cursor)
            following = page.meta.next_cursor if page.results else None
            place = pages.add(
                [self._whole(bytes(raw)) for raw in page.results],
                msgspec.structs.replace(place, cursor=following or "", announced=page.meta.count),
            )
            self._tell(len(page.results), place)
        return place

    def _page(self, place: Place, seen: set[str]) -> Page:
        """Ask for a page, in the size the server can give, until its cursor leads on."""
        for _ in range(PASSES + LARGEST_PAGE.bit_length()):
            try:
                query = {"filter": place.filter, **self._options}
                page = self._client.works(
                    query, cursor=place.cursor, size=self._size.now, select=SELECTED
                )
            except TooLargeError:
                self._size.failed()
                continue
            following = page.meta.next_cursor
            if not page.results or (following != place.cursor and following not in seen):
                self._size.worked()
                return page
        raise SourceError(
            "The OpenAlex API gives the same cursor again and again, so its pages lead in a "
            "circle. What was fetched is kept: run the same command later to resume."
        )

    def _whole(self, record: bytes) -> bytes:
        """Return a record with all its authors; fetched singly when its list was cut."""
        head = read_head(record)
        number = work_number(head.id)
        if number is None or len(head.authorships or ()) < AUTHORS_LISTED:
            return record
        single = self._client.work(number, SELECTED)
        if single is not None and work_number(read_head(single).id) is not None:
            return single
        return msgspec.json.encode({**msgspec.json.decode(record), "is_authors_truncated": True})

    def _tell(self, received: int, place: Place) -> None:
        self._received += received
        if self._progress is not None:
            total = self.announced + place.announced
            self._progress(min(self._received, total), total)
