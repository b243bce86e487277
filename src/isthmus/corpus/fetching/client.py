"""One request of the OpenAlex API at a time, repeated with patience where that helps.

Three kinds of refusal are told apart: *slow down* (wait and repeat), *budget
spent* (stop, for nothing helps before the allowance is renewed), and *answer too
large* (ask for a smaller page). The key goes into each request, as the API
wants it, and nowhere else: not into messages, and not into files.
"""

from __future__ import annotations

import os
import random
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from isthmus.errors import SourceError

#: Variables of the environment: the key, and another address than the public one.
KEY_VARIABLE, ADDRESS_VARIABLE = "OPENALEX_API_KEY", "OPENALEX_API_URL"

PUBLIC_ADDRESS = "https://api.openalex.org"

#: Most records of a page that the API gives, and the least asked for when it says "too large".
LARGEST_PAGE, SMALLEST_PAGE = 100, 1


@dataclass(frozen=True)
class Patience:
    """How refused requests are repeated.

    Attributes
    ----------
    tries
        Requests of one page before giving up: with the pauses below some
        20 minutes, longer than the outages users report.
    first_pause, longest_pause
        Seconds before the second try, doubled each time, and their bound.
    timeout
        Seconds without a byte after which a request counts as lost.
    """

    tries: int = 15
    first_pause: float = 1.0
    longest_pause: float = 120.0
    timeout: float = 60.0


class BudgetSpentError(SourceError):
    """The day's allowance of the API is used up; what was fetched is kept."""


class TooLargeError(Exception):
    """The server cannot give an answer of this size."""


class RefusedError(SourceError):
    """The API understood the request and refuses it; repeating it is useless."""


class Meta(msgspec.Struct):
    """What a page says of its query."""

    count: int = 0
    next_cursor: str | None = None


class Page(msgspec.Struct):
    """A page of results, each record as the bytes it came in."""

    meta: Meta
    results: list[msgspec.Raw]


class Client:
    """Talks to the API.

    Parameters
    ----------
    patience
        How refused requests are repeated.
    pause
        Sleeps; replaced in tests.

    Attributes
    ----------
    list_calls
        Lists that were asked for, answered or not; each costs budget.
    """

    def __init__(
        self, patience: Patience | None = None, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.list_calls = 0
        self._patience = patience or Patience()
        self._pause = pause
        self._address = os.environ.get(ADDRESS_VARIABLE, PUBLIC_ADDRESS).rstrip("/")
        self._key = os.environ.get(KEY_VARIABLE, "").strip()
        self._pool = _pool(self._address, self._patience.timeout, has_key=bool(self._key))

    @property
    def has_key(self) -> bool:
        """Whether the environment gave a key."""
        return bool(self._key)

    def works(self, filter_: str, *, cursor: str, size: int, select: str) -> Page:
        """Give a page of the works that match a filter.

        Raises
        ------
        TooLargeError
            The server cannot answer with so many records.
        BudgetSpentError, RefusedError, SourceError
            The allowance is used up; the request is refused; nothing helped.
        """
        fields = {"filter": filter_, "per_page": str(size), "cursor": cursor, "select": select}
        return self._decoded("/works", fields, size)

    def sample(self, filter_: str, size: int, select: str) -> Page:
        """Give works drawn at random, the same ones each time, from those that match."""
        fields = {"filter": filter_, "sample": str(size), "seed": "1", "per_page": str(size)}
        return self._decoded("/works", fields | {"select": select}, size)

    def work(self, number: int, select: str) -> bytes | None:
        """Give a work by its number as JSON; None when the API has it no more."""
        for _ in range(5):
            answer = self._patiently(f"/works/W{number}", {"select": select}, 1)
            if answer.status == 200:
                return answer.body
            moved = re.search(r"W(\d+)", answer.headers.get("Location", ""))
            if answer.status == 404 or moved is None:
                return None
            number = int(moved[1])
        return None

    def _decoded(self, path: str, fields: Mapping[str, str], size: int) -> Page:
        answer = self._patiently(path, fields, size)
        try:
            return msgspec.json.decode(answer.body, type=Page)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RefusedError(
                f"The OpenAlex API answered with something else than a page of works: {error}."
            ) from None

    def _patiently(self, path: str, fields: Mapping[str, str], size: int) -> Answer:
        """Repeat a request until it is answered whole, or it is clear that it will not be."""
        pauses = _pauses(self._patience)
        for pause in pauses:
            self.list_calls += path == "/works"
            answer = self._ask(path, fields)
            fault = answer.fault
            if fault is None or (path != "/works" and answer.is_elsewhere):
                return answer
            if answer.budget_spent:
                raise BudgetSpentError(self._spent(answer))
            if 400 <= answer.status < 500 and answer.status not in (403, 408, 429):
                raise RefusedError(f"The OpenAlex API refused a request: {fault}.")
            if answer.too_large and size > SMALLEST_PAGE:
                raise TooLargeError
            self._pause(max(pause, answer.wait))
        raise SourceError(
            f"The OpenAlex API at {urlsplit(self._address).netloc} gave no usable answer in "
            f"{self._patience.tries} tries; the last time: {fault}. What was fetched is kept: run "
            "the same command again to go on."
        )

    def _ask(self, path: str, fields: Mapping[str, str]) -> Answer:
        headers = {"User-Agent": "isthmus", "Accept": "application/json"}
        query = urlencode({**fields, "api_key": self._key} if self._key else fields)
        address = f"{self._address}{path}?{query}"
        try:
            reply = self._pool.request("GET", address, headers=headers, redirect=False)
        except HTTPError as error:
            return Answer(0, {}, b"", type(error).__name__)
        return Answer(reply.status, dict(reply.headers.items()), reply.data)

    def _spent(self, answer: Answer) -> str:
        hours = answer.reset / 3600
        when = f"in {hours:.1f} hours" if answer.reset else "at midnight UTC"
        hint = (
            "" if self._key else f" Set {KEY_VARIABLE} to use the larger allowance of a free key."
        )
        return (
            "The day's budget of the OpenAlex API is spent; it is renewed "
            f"{when}. What was fetched is kept: run the same command then to go on.{hint}"
        )


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status (0 when nothing did), headers, body, why nothing came."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    lost: str = ""

    @property
    def fault(self) -> str | None:
        """Say what is wrong with the answer, None when it can be used."""
        if self.lost:
            return f"the connection was lost ({self.lost})"
        if self.status != 200:
            return f"HTTP {self.status}{_said(self.body)}"
        return None if _is_object(self.body) else "an answer that breaks off"

    @property
    def is_elsewhere(self) -> bool:
        """Whether the answer is that a work is gone or was merged into another."""
        return self.status in (301, 302, 307, 308, 404)

    @property
    def budget_spent(self) -> bool:
        """Whether a refusal means that the day's allowance is used up."""
        remaining = self._number("X-RateLimit-Remaining")
        prepaid = self._number("X-RateLimit-Onetime-Remaining") or 0
        needed = self._number("X-RateLimit-Credits-Required") or 1
        if self.status != 429 or remaining is None:
            return self.status == 429 and b"budget" in self.body.lower()
        return max(remaining, prepaid) < needed

    @property
    def too_large(self) -> bool:
        """Whether the server failed because of the size of its answer."""
        return self.status in (413, 414, 503) and b"too large" in self.body.lower()

    @property
    def wait(self) -> float:
        """Seconds the server asks to wait."""
        return min(self._number("Retry-After") or 0.0, 600.0)

    @property
    def reset(self) -> float:
        """Seconds until the allowance is renewed, 0 when the server does not say."""
        return self._number("X-RateLimit-Reset") or 0.0

    def _number(self, header: str) -> float | None:
        values = {name.lower(): value for name, value in self.headers.items()}
        try:
            return float(values.get(header.lower(), ""))
        except ValueError:
            return None


def _pool(address: str, timeout: float, *, has_key: bool) -> urllib3.PoolManager:
    parts = urlsplit(address)
    loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise SourceError(f"{ADDRESS_VARIABLE} is {address!r}, not an address like https://host.")
    if parts.scheme == "http" and has_key and not loopback:
        raise SourceError(
            f"{ADDRESS_VARIABLE} is {address!r}: a key is not sent over a line that anybody can "
            f"read. Use https, or unset {KEY_VARIABLE}."
        )
    proxy = None if loopback else urllib.request.getproxies().get(parts.scheme)
    waits = urllib3.Timeout(connect=timeout, read=timeout)
    if proxy and not urllib.request.proxy_bypass(parts.hostname):
        return urllib3.ProxyManager(proxy, retries=False, timeout=waits)
    return urllib3.PoolManager(retries=False, timeout=waits)


def _pauses(patience: Patience) -> list[float]:
    """Pauses after each try, doubling, spread a little so that many clients part."""
    spread = random.Random(patience.tries)
    return [
        min(patience.first_pause * 2**step, patience.longest_pause) * spread.uniform(0.8, 1.2)
        for step in range(patience.tries)
    ]


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(body), dict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _said(body: bytes) -> str:
    """Give the server's own words, shortened, where it says some as JSON."""
    try:
        found = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    words = str(found.get("message") or found.get("error") or "")
    return f": {words[:200]}" if words else ""
