"""A server on loopback that behaves as the OpenAlex API does, on good days and on bad ones.

It answers `/works` (filter, select, per_page, cursor, sample) and `/works/W..` from
a list of records. With `trouble`, a share of the answers is refused, cut, late or
repeated, drawn from a seed; what it holds never changes.
"""

from __future__ import annotations

import base64
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Record = dict[str, Any]

TOO_LARGE = b'<?xml version="1.0"?><Error><Message>Response object too large</Message></Error>'

#: Troubles drawn with `trouble`, and their chances among a thousand requests.
CHANCES = {"slow": 80, "cut": 80, "broken": 50, "xml": 50, "reset": 40, "cursor": 60, "page": 40}


class Api(ThreadingHTTPServer):
    """The server. `seen` counts what it did; `keys` holds the keys it was shown."""

    daemon_threads = True

    def __init__(self, records: list[Record], *, trouble: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.records = sorted(records, key=lambda record: _number(record["id"]))
        self.trouble = random.Random(trouble) if trouble is not None else None
        self.largest_answer = 100
        self.budget: int | None = None
        self.wrong_total: Callable[[int, int], int] = lambda total, request: total
        self.gone: set[int] = set()
        self.merged: dict[int, int] = {}
        self.on_request: Callable[[], None] = lambda: None
        self.seen: Counter[str] = Counter()
        self.keys: set[str] = set()
        self.selected: set[str] = set()
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed leave in the middle; that is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: Api

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        with self.server.lock:
            self.server.on_request()
            self.server.keys.add(query.get("api_key", ""))
            self.server.seen["requests"] += 1
            if parts.path == "/works":
                self._list(query)
            else:
                self._single(_number(parts.path), query)

    def _list(self, query: dict[str, str]) -> None:
        server, size = self.server, int(query.get("per_page", "25"))
        server.seen["lists"] += 1
        server.selected |= set(query.get("select", "").split(","))
        if server.budget is not None:
            server.budget -= 1
            if server.budget < 0:
                spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7200"}
                self._send(429, b'{"error": "Insufficient budget"}', **spent)
                return
        if size > 100:
            self._send(400, b'{"error": "Invalid", "message": "per_page is above 100"}')
            return
        trouble = self._trouble()
        if trouble in ("slow", "broken", "xml", "reset"):
            self._refuse(trouble)
            return
        try:
            found = [r for r in server.records if _matches(r, query)]
        except KeyError as unknown:
            message = {"error": "Invalid filter", "message": f"Unknown filter field: {unknown}"}
            self._send(400, json.dumps(message).encode())
            return
        if "sample" in query:
            found = random.Random(query["seed"]).sample(found, min(len(found), size))
        self._page(found, query, size, trouble)

    def _page(self, found: list[Record], query: dict[str, str], size: int, trouble: str) -> None:
        server = self.server
        after = _opened(query.get("cursor", "*"), query["filter"])
        if after is None:
            self._send(400, b'{"error": "Invalid cursor"}')
            return
        rest = [record for record in found if _number(record["id"]) > after]
        page = rest[:size]
        if len(page) > server.largest_answer:
            server.seen["too large"] += 1
            self._send(503, TOO_LARGE, **{"Content-Type": "application/xml"})
            return
        following = None
        if page:
            following = _closed(_number(page[-1]["id"]), query["filter"])
        if trouble == "cursor" and page:
            server.seen["cursor"] += 1
            following = query["cursor"]
        if trouble == "page" and page:
            server.seen["page"] += 1
            following = _closed(_number(page[0]["id"]), query["filter"])
        total = server.wrong_total(len(found), server.seen["lists"])
        meta = {"count": total, "per_page": size, "next_cursor": following}
        results = [_projected(record, query, cut=True) for record in page]
        body = json.dumps({"meta": meta, "results": results}).encode()
        if trouble == "cut" and page:
            server.seen["cut"] += 1
            self._send(200, body[: len(body) // 2], declared=len(body) * (len(page) % 2))
            return
        self._send(200, body)

    def _single(self, number: int, query: dict[str, str]) -> None:
        self.server.seen["singles"] += 1
        if number in self.server.merged:
            self._send(301, b"", Location=f"/works/W{self.server.merged[number]}")
            return
        for record in self.server.records:
            if _number(record["id"]) == number and number not in self.server.gone:
                self._send(200, json.dumps(_projected(record, query, cut=False)).encode())
                return
        self._send(404, b"<!doctype html><title>404 Not Found</title>")

    def _trouble(self) -> str:
        if self.server.trouble is None:
            return ""
        drawn = self.server.trouble.randrange(1000)
        for name, chance in CHANCES.items():
            drawn -= chance
            if drawn < 0:
                return name
        return ""

    def _refuse(self, trouble: str) -> None:
        self.server.seen[trouble] += 1
        if trouble == "slow":
            left = {"X-RateLimit-Remaining": "900", "Retry-After": "0"}
            self._send(429, b'{"error": "Too many requests"}', **left)
        elif trouble == "broken":
            self._send(500, b"<html>Internal Server Error</html>")
        elif trouble == "xml":
            self._send(503, TOO_LARGE, **{"Content-Type": "application/xml"})
        else:
            self.close_connection = True

    def _send(self, status: int, body: bytes, declared: int = 0, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(declared or len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_connection or bool(declared)


@contextmanager
def serving(records: list[Record], **settings: Any) -> Iterator[Api]:
    """Run the server in a thread."""
    server = Api(records, **settings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


#: Filters by a word: name -> what the record says.
WORDS: dict[str, Callable[[Record], Any]] = {
    "type": lambda record: record.get("type"),
    "language": lambda record: record.get("language"),
    "is_retracted": lambda record: record.get("is_retracted", False),
    "is_paratext": lambda record: record.get("is_paratext", False),
    "primary_location.source.type": lambda record: (
        (record.get("primary_location") or {}).get("source") or {}
    ).get("type"),
}


def _matches(record: Record, query: dict[str, str]) -> bool:
    if record.get("is_xpac") and query.get("include_xpac") != "true":
        return False
    for condition in query["filter"].split(","):
        name, _, values = condition.partition(":")
        if name == "publication_year":
            if not record["publication_year"] < int(values.removeprefix("<")):
                return False
        elif name in WORDS:
            found = WORDS[name](record)
            plain = str(found).lower() if isinstance(found, bool) else found
            if plain not in values.split("|"):
                return False
        elif not {_number(value) for value in values.split("|")} & _values(record, name):
            return False
    return True


def _values(record: Record, name: str) -> set[int]:
    topics = record.get("topics") or []
    ids: dict[str, Callable[[], list[Any]]] = {
        "topics.subfield.id": lambda: [topic["subfield"]["id"] for topic in topics],
        "topics.field.id": lambda: [topic["field"]["id"] for topic in topics],
        "topics.id": lambda: [topic["id"] for topic in topics],
        "concepts.id": lambda: [concept["id"] for concept in record.get("concepts") or []],
        "primary_location.source.id": lambda: [record["primary_location"]["source"]["id"]],
        "ids.openalex": lambda: [record["id"]],
        "cites": lambda: record["referenced_works"],
    }
    return {_number(value) for value in ids[name]()}


def _number(identifier: str) -> int:
    return int(identifier.rsplit("/", 1)[-1].lstrip("WTCS"))


def _projected(record: Record, query: dict[str, str], *, cut: bool) -> Record:
    wanted = query.get("select", "").split(",")
    shown = {name: record[name] for name in wanted if name in record}
    if cut and "authorships" in shown:
        shown["authorships"] = shown["authorships"][:100]
    return shown


def _closed(after: int, filter_: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([after, filter_]).encode()).decode()


def _opened(cursor: str, filter_: str) -> int | None:
    if cursor == "*":
        return 0
    try:
        after, of = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        return None
    return int(after) if of == filter_ else None
