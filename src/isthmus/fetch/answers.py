"""What the OpenAlex API answered, and what follows from it.

Refusals are told apart: *slow down* (wait and repeat), *budget spent* (stop until the
allowance is renewed), *answer too large* (ask for a smaller page), and *final* (the same
request is refused every time: a key, a plan, a filter, an address).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import msgspec

#: Words by which a 403 is a limit of requests a second, and so passes.
_SLOW_DOWN = re.compile(r"rate limit|too many|slow down", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status (0 when nothing did), headers, body, why nothing came."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    lost: str = ""

    @property
    def fault(self) -> str | None:
        """What is wrong with the answer, None when it can be used."""
        if self.lost:
            return self.lost
        if self.status != 200:
            page = " (a web page, not an answer of the API)" if _is_web_page(self.body) else ""
            return f"HTTP {self.status}{self._said or page}"
        found = _fields(self.body)
        if found is None:
            return "the answer is cut off or is not JSON"
        if "error" in found and not {"results", "id"} & found.keys():
            return f"an error in place of works{self._said}"
        return None

    @property
    def is_elsewhere(self) -> bool:
        """Whether the answer is that a work is gone or was merged into another."""
        return self.status in (301, 302, 307, 308, 404)

    @property
    def location(self) -> str:
        """Address a redirect points to."""
        return self._header("Location") or ""

    @property
    def budget_spent(self) -> bool:
        """Whether a refusal means that the day's allowance is used up."""
        if self.status != 429:
            return False
        for unit in (
            ("Remaining", "Onetime-Remaining", "Credits-Required"),
            ("Remaining-USD", "Prepaid-Remaining-USD", "Cost-Required-USD"),
        ):
            left, prepaid, needed = (self._number(f"X-RateLimit-{name}") for name in unit)
            if left is not None:
                return max(left, prepaid or 0.0) < (needed or 1e-9)
        return b"budget" in self.body.lower()

    @property
    def dollars_left(self) -> float | None:
        """Dollars left of the day's allowance, where the headers say so."""
        left = self._number("X-RateLimit-Remaining-USD")
        prepaid = self._number("X-RateLimit-Prepaid-Remaining-USD")
        return None if left is None else left + (prepaid or 0.0)

    @property
    def too_large(self) -> bool:
        """Whether the server failed because of the size of its answer."""
        return self.status in (413, 414, 503) and b"too large" in self.body.lower()

    @property
    def is_unauthorised(self) -> bool:
        """Whether the key, or the plan behind it, does not allow the request."""
        refused = self.status == 403 and bool(self._said) and not _SLOW_DOWN.search(self._said)
        return self.status in (401, 402) or refused

    @property
    def is_refused(self) -> bool:
        """Whether the request itself is wrong, so that repeating it is useless."""
        return 300 <= self.status < 500 and self.status not in (401, 402, 403, 408, 425, 429)

    @property
    def wait(self) -> float:
        """Seconds the server asks to wait: a number, or a date, in ``Retry-After``."""
        seconds = self._number("Retry-After")
        if seconds is None:
            try:
                when = parsedate_to_datetime(self._header("Retry-After") or "")
                seconds = when.timestamp() - time.time()
            except (TypeError, ValueError):
                seconds = 0.0
        return max(seconds, 0.0)

    @property
    def reset(self) -> float:
        """Seconds until the allowance is renewed, 0 when the server does not say."""
        return self._number("X-RateLimit-Reset") or self.wait

    @property
    def _said(self) -> str:
        """The server's own words, shortened, where it says some as JSON."""
        found = _fields(self.body) or {}
        words = []
        for name in ("error", "message"):
            text = _text(found.get(name))
            if text and text not in words:
                words.append(text.rstrip("."))
        return f": {': '.join(words)[:300]}" if words else ""

    def _header(self, name: str) -> str | None:
        values = {key.lower(): value for key, value in self.headers.items()}
        return values.get(name.lower())

    def _number(self, header: str) -> float | None:
        try:
            found = float(self._header(header) or "")
        except ValueError:
            return None
        return found if abs(found) < float("inf") else None


def _fields(body: bytes) -> dict[str, msgspec.Raw] | None:
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _is_web_page(body: bytes) -> bool:
    return b"<html" in body[:1000].lower() or body[:20].lower().startswith(b"<!doctype html")


def _text(raw: msgspec.Raw | None) -> str:
    try:
        value = msgspec.json.decode(raw) if raw is not None else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
