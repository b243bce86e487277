"""One request of the OpenAlex API at a time, repeated where that helps.

What is waited for, which try it is and how long it takes is said at once. The key
goes into each request, as the API wants it, and nowhere else: not into messages,
and not into files.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from isthmus.errors import SourceError
from isthmus.fetch.answers import Answer

#: Variables of the environment: the key, and another address than the public one.
KEY_VARIABLE, ADDRESS_VARIABLE = "OPENALEX_API_KEY", "OPENALEX_API_URL"

PUBLIC_ADDRESS = "https://api.openalex.org"

#: Where a key is had.
KEYS_ADDRESS = "https://openalex.org/settings/api"

#: What to do without a key, and what one changes (openalex.org, prices of 2026).
NO_KEY = (
    f"No key is set in {KEY_VARIABLE}. The OpenAlex API has required one since February 2026; "
    "without it requests are refused or end after a small allowance for trials. A free key pays "
    f"for 10,000 calls of 100 works a day ($1): get it at {KEYS_ADDRESS} and set {KEY_VARIABLE}."
)

#: The same in short, for errors.
NO_KEY_SHORT = (
    f" No key is set in {KEY_VARIABLE}, and one is required; a free one pays for 10,000 calls a "
    f"day ({KEYS_ADDRESS})."
)

#: Most records of a page that the API gives, and the least asked for when it says "too large".
LARGEST_PAGE, SMALLEST_PAGE = 100, 1

#: Called with a sentence that a user is to read at once.
Say = Callable[[str], None]


@dataclass(frozen=True)
class Patience:
    """How long requests are waited for, and how they are repeated.

    Attributes
    ----------
    tries
        Requests of one page before giving up: with the pauses below some
        15 minutes, longer than the outages users report.
    first_tries
        Requests before giving up while no request of this run was answered well:
        then the network, the address or a firewall is at fault, and the user is near.
    first_pause, longest_pause
        Seconds before the second try, doubled each time, and their bound.
    longest_wait
        Most seconds that a server may ask to wait; beyond, the fetch stops and says so.
    connect, timeout
        Seconds to connect, and seconds without a byte, after which a request counts as lost.
    silence
        Seconds without an answer after which it is said what is waited for.
    """

    tries: int = 15
    first_tries: int = 3
    first_pause: float = 0.5
    longest_pause: float = 120.0
    longest_wait: float = 600.0
    connect: float = 10.0
    timeout: float = 60.0
    silence: float = 3.0


class BudgetSpentError(SourceError):
    """The allowance of the API is used up for now; what was fetched is kept."""


class TooLargeError(Exception):
    """The server cannot give an answer of this size."""


class RefusedError(SourceError):
    """The API understood the request and refuses it; repeating it is useless."""


class UnauthorisedError(SourceError):
    """The key, or the plan behind it, does not allow the request."""


class Meta(msgspec.Struct):
    """What a page says of its query."""

    count: int
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
        How long requests are waited for, and how they are repeated.
    pause
        Sleeps; ``time.sleep`` when None.
    say
        Called with what is waited for, which try it is, and how long it takes.
    """

    def __init__(
        self,
        patience: Patience | None = None,
        pause: Callable[[float], None] | None = None,
        say: Say | None = None,
    ) -> None:
        self.say: Say = say or (lambda sentence: None)
        self.dollars_left: float | None = None
        self._patience = patience or Patience()
        self._pause = pause or time.sleep
        self._address = os.environ.get(ADDRESS_VARIABLE, PUBLIC_ADDRESS).rstrip("/")
        self._key = os.environ.get(KEY_VARIABLE, "").strip()
        self._pool = _pool(self._address, self._patience, has_key=bool(self._key))
        self._has_answered = False

    @property
    def has_key(self) -> bool:
        """Whether the environment gave a key."""
        return bool(self._key)

    @property
    def host(self) -> str:
        """Host and port that are asked."""
        return urlsplit(self._address).netloc

    def works(self, query: Mapping[str, str], *, cursor: str, size: int, select: str) -> Page:
        """Return a page of the works that match a query (``filter`` and the like).

        Raises
        ------
        TooLargeError
            The server cannot answer with so many records.
        BudgetSpentError, RefusedError, UnauthorisedError, SourceError
            The allowance is used up; the request is refused; nothing helped.
        """
        fields = {**query, "per_page": str(size), "cursor": cursor, "select": select}
        return self._decoded(fields, size)

    def sample(self, query: Mapping[str, str], size: int, select: str) -> Page:
        """Return works drawn at random, the same ones each time, from those that match."""
        drawn = {"sample": str(size), "seed": "1", "per_page": str(size), "select": select}
        return self._decoded({**query, **drawn}, size)

    def work(self, number: int, select: str) -> bytes | None:
        """Return a work by its number as JSON; None when the API has it no more."""
        for _ in range(5):
            answer = self._patiently(f"/works/W{number}", {"select": select}, 1)
            if answer.status == 200:
                return answer.body
            moved = re.search(r"W(\d+)", answer.location)
            if answer.status == 404 or moved is None:
                return None
            number = int(moved[1])
        return None

    def _decoded(self, fields: Mapping[str, str], size: int) -> Page:
        answer = self._patiently("/works", fields, size)
        try:
            return msgspec.json.decode(answer.body, type=Page)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RefusedError(
                f"{self.host} did not answer with a page of works and how many there are: "
                f"{error}. What was fetched is kept; the same command tries again."
            ) from None

    def _patiently(self, path: str, fields: Mapping[str, str], size: int) -> Answer:
        """Repeat a request until it is answered whole, or it is clear that it will not be."""
        patience, fault, tries = self._patience, "", 0
        for tries, pause in enumerate(_pauses(patience), 1):
            answer = self._ask(path, fields, tries)
            found = answer.fault
            if found is None or (path != "/works" and answer.is_elsewhere):
                self._has_answered = True
                return answer
            fault = self._masked(found)
            if answer.too_large and size > SMALLEST_PAGE:
                raise TooLargeError
            self._stop_if_final(answer, fault)
            may_pass = self._has_answered or answer.status == 429
            most = patience.tries if may_pass else min(patience.first_tries, patience.tries)
            if tries >= most:
                break
            wait = max(pause, answer.wait)
            self.say(f"{self.host}: {fault}. Try {tries + 1} of {most} in {_duration(wait)}.")
            self._pause(wait)
        kept = " What was fetched is kept: run the same command again to resume."
        raise SourceError(
            f"The OpenAlex API at {self.host} gave no usable answer in {tries} tries; the last "
            f"time: {fault}.{kept if self._has_answered else ' Nothing was answered at all.'}"
        )

    def _stop_if_final(self, answer: Answer, fault: str) -> None:
        """Raise for a refusal that a repetition does not change."""
        if answer.budget_spent:
            raise BudgetSpentError(self._spent(answer.reset))
        if answer.wait > self._patience.longest_wait:
            raise BudgetSpentError(
                f"{self.host} refuses requests for now ({fault}) and asks to wait "
                f"{_duration(answer.wait)}. What was fetched is kept: run the same command then "
                f"to resume.{self._without_key()}"
            )
        if answer.is_unauthorised:
            hint = f" Check the key in {KEY_VARIABLE} and its plan at {KEYS_ADDRESS}."
            raise UnauthorisedError(
                f"{self.host} does not allow the request: {fault}.{self._without_key() or hint}"
            )
        if answer.is_refused and answer.location:
            raise RefusedError(
                f"{self.host} sends requests on to {self._masked(answer.location)[:200]} (HTTP "
                f"{answer.status}); isthmus does not follow. Set {ADDRESS_VARIABLE} to the address "
                "of the API itself."
            )
        if answer.is_refused:
            raise RefusedError(f"The OpenAlex API refused a request: {fault}.")

    def _ask(self, path: str, fields: Mapping[str, str], tries: int) -> Answer:
        headers = {"User-Agent": "isthmus", "Accept": "application/json"}
        query = urlencode({**fields, "api_key": self._key} if self._key else fields)
        address = f"{self._address}{path}?{query}"
        try:
            with self._heard_of(tries):
                reply = self._pool.request("GET", address, headers=headers, redirect=False)
        except HTTPError as error:
            return Answer(0, {}, b"", self._lost(error))
        answer = Answer(reply.status, dict(reply.headers.items()), reply.data)
        self.dollars_left = answer.dollars_left
        return answer

    @contextmanager
    def _heard_of(self, tries: int) -> Iterator[None]:
        """Say what is waited for when an answer takes long."""
        patience = self._patience
        sentence = (
            f"No answer yet from {self.host} after {patience.silence:.0f} s; waiting up to "
            f"{patience.timeout:.0f} s (try {tries} of {patience.tries})."
        )
        clock = threading.Timer(patience.silence, self.say, [sentence])
        clock.daemon = True
        clock.start()
        try:
            yield
        finally:
            clock.cancel()

    def _lost(self, error: HTTPError) -> str:
        """Say in words why no answer came."""
        if isinstance(error, NameResolutionError):
            return f"the name {self.host} cannot be resolved; there may be no network"
        if isinstance(error, NewConnectionError):
            return "no connection: nothing answers there, or there is no network"
        if isinstance(error, ConnectTimeoutError):
            return f"no connection within {self._patience.connect:.0f} s; there may be no network"
        if isinstance(error, ProxyError):
            return "no connection through the proxy that the environment names"
        if isinstance(error, ReadTimeoutError):
            return f"no answer within {self._patience.timeout:.0f} s"
        if isinstance(error, SSLError):
            return "no safe connection: the certificate is not accepted"
        return f"the connection was lost ({type(error).__name__})"

    def _spent(self, seconds: float) -> str:
        when = f"in {_duration(seconds)}" if seconds else "at midnight UTC"
        return (
            f"The day's budget of the OpenAlex API is spent; it is renewed {when}. What was "
            f"fetched is kept: run the same command then to resume.{self._without_key()}"
        )

    def _without_key(self) -> str:
        return "" if self._key else NO_KEY_SHORT

    def _masked(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _duration(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} hours"
    if seconds >= 120:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds:.0f} s" if seconds >= 2 else f"{seconds:.1f} s"


def _pool(address: str, patience: Patience, *, has_key: bool) -> urllib3.PoolManager:
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
    waits = urllib3.Timeout(connect=patience.connect, read=patience.timeout)
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
