"""Each answer of the API ends as it should: at once, after an announced wait, or in a page.

The server's answers are those of the API of 2026: budget headers, plans, keys, gateways.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from isthmus.cli.verbs import app
from isthmus.errors import SourceError
from isthmus.fetch.answers import Answer
from isthmus.fetch.client import (
    BudgetSpentError,
    Client,
    Patience,
    RefusedError,
    TooLargeError,
    UnauthorisedError,
)

Reply = tuple[int, dict[str, str], Any]

PAGE: Reply = (200, {}, {"meta": {"count": 1, "next_cursor": None}, "results": [{"id": "W1"}]})
SPENT = {"X-RateLimit-Remaining": "0", "X-RateLimit-Credits-Required": "1"}
SPENT_DOLLARS = {
    "X-RateLimit-Remaining-USD": "0.0003",
    "X-RateLimit-Prepaid-Remaining-USD": "0",
    "X-RateLimit-Cost-Required-USD": "0.001",
}
CHALLENGE = "<!DOCTYPE html><html><title>Just a moment...</title></html>"


class Scripted(ThreadingHTTPServer):
    """Gives one reply after another, the last one for ever."""

    daemon_threads = True

    def __init__(self, replies: list[Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies, self.asked = replies, 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Scripted

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        number = min(self.server.asked, len(self.server.replies) - 1)
        self.server.asked += 1
        status, headers, content = self.server.replies[number]
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Ask a server that gives these replies; returns page, sentences, waits and requests."""
    servers: list[Scripted] = []
    monkeypatch.delenv("OPENALEX_API_KEY", raising=False)

    def asked(*replies: Reply, size: int = 1, **patience: Any) -> tuple[Any, list, list, Scripted]:
        server = Scripted(list(replies))
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("OPENALEX_API_URL", f"http://127.0.0.1:{server.server_address[1]}")
        said: list[str] = []
        waits: list[float] = []
        client = Client(Patience(**patience), pause=waits.append, say=said.append)
        try:
            page = client.works({"filter": "x:1"}, cursor="*", size=size, select="id")
        except Exception as error:
            page = error
        return page, said, waits, server

    yield asked
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        ((429, {**SPENT, "Retry-After": "54000"}, {"error": "x"}), BudgetSpentError, "15.0 hours"),
        ((429, SPENT_DOLLARS, {"error": "x"}), BudgetSpentError, "budget.*midnight UTC"),
        ((429, {}, {"message": "Insufficient budget"}), BudgetSpentError, "budget"),
        ((429, {"Retry-After": "54000"}, {"error": "Too many"}), BudgetSpentError, "15.0 hours"),
        ((401, {}, {"error": "Invalid API key"}), UnauthorisedError, "Invalid API key.*free one"),
        ((402, {}, {"error": "Payment required"}), UnauthorisedError, "Payment required"),
        ((403, {}, {"error": "Plan upgrade required"}), UnauthorisedError, "Plan upgrade"),
        ((400, {}, {"error": "a", "message": "No field x"}), RefusedError, "HTTP 400: a: No field"),
        ((404, {}, "<html>Not found</html>"), RefusedError, "a web page, not an answer of the API"),
        ((301, {"Location": "https://other.org/works"}, {}), RefusedError, "sends requests on to"),
        ((307, {"Location": "/login"}, ""), RefusedError, "OPENALEX_API_URL"),
        ((200, {}, {"meta": {"count": None}, "results": []}), RefusedError, "how many there are"),
        ((200, {}, {"results": []}), RefusedError, "how many there are"),
        ((503, {}, "<Error>Response too large</Error>"), TooLargeError, "^$"),
        ((413, {}, "Payload too large"), TooLargeError, "^$"),
    ],
)
def test_a_final_refusal_ends_at_once(ask: Any, reply: Reply, kind: type, words: str) -> None:
    error, said, waits, server = ask(reply, size=100)
    assert type(error) is kind
    with pytest.raises(kind, match=words):
        raise error
    assert (said, waits, server.asked) == ([], [], 1)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((403, {}, CHALLENGE), "HTTP 403 .a web page"),
        ((200, {}, {"error": "Search backend unavailable"}), "Search backend unavailable"),
        ((200, {}, CHALLENGE), "not JSON"),
        ((502, {}, "<html>Bad gateway</html>"), "HTTP 502"),
    ],
)
def test_a_server_that_never_answered_is_given_up_soon(ask: Any, reply: Reply, words: str) -> None:
    error, said, waits, server = ask(reply)
    with pytest.raises(SourceError, match=f"in 3 tries; the last time: .*{words}"):
        raise error
    assert (len(waits), server.asked) == (2, 3)
    assert sum(waits) < 2
    assert [s.split("Try")[1][:7] for s in said] == [" 2 of 3", " 3 of 3"]
    page, _, waits, _ = ask(reply, reply, PAGE)
    assert page.meta.count == 1
    assert len(waits) == 2


def test_slow_down_is_waited_for_and_said(ask: Any) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    past = "Fri, 27 Nov 2020 23:59:59 GMT"
    headers = [{}, {"Retry-After": "7"}, {"Retry-After": soon}, {"Retry-After": past}]
    headers.append({"Retry-After": "no number", "X-RateLimit-Remaining": "900"})
    replies = [(429, h, {"error": "Too many requests"}) for h in headers]
    page, said, waits, _ = ask(*replies, PAGE, longest_wait=100.0, longest_pause=2.0)
    assert page.meta.count == 1
    assert [round(wait, 0) for wait in waits[:2]] == pytest.approx([0.5, 7], abs=0.5)
    assert 80 < waits[2] <= 90
    assert max(waits[3:]) < 3
    assert "HTTP 429: Too many requests. Try 3 of 15 in 7 s." in said[1]


def test_an_answered_run_is_patient(monkeypatch: pytest.MonkeyPatch, ask: Any) -> None:
    page, _, waits, _ = ask(PAGE)
    assert page.results
    assert waits == []
    server = Scripted([PAGE, *[(500, {}, "down")] * 8, PAGE])
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("OPENALEX_API_URL", f"http://127.0.0.1:{server.server_address[1]}")
    client = Client(pause=lambda seconds: None)
    for _ in range(2):
        client.works({"filter": "x:1"}, cursor="*", size=1, select="id")
    assert server.asked == 10
    server.shutdown()
    server.server_close()


def test_a_silent_server_is_named_while_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("OPENALEX_API_URL", f"http://127.0.0.1:{port}")
        said: list[str] = []
        patience = Patience(timeout=0.3, silence=0.05, first_tries=2)
        client = Client(patience, pause=lambda seconds: None, say=said.append)
        with pytest.raises(SourceError, match="no answer within 0 s"):
            client.works({"filter": "x:1"}, cursor="*", size=1, select="id")
    assert said[0].startswith(f"No answer yet from 127.0.0.1:{port} after 0 s; waiting up to")
    assert "Try 2 of 2" in said[1]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "https://no-such-host.invalid"])
def test_no_network_is_said_within_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("OPENALEX_API_URL", address)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    plan = tmp_path / "study.toml"
    plan.write_text('[study]\ncorpus = "c"\nyears = [2000, 2015]\n[field]\nsubfields = [1702]\n')
    done = CliRunner().invoke(app, ["fetch", str(plan), "--to", str(tmp_path / "w"), "--yes"])
    assert done.exit_code == 1
    assert isinstance(done.exception, SourceError)
    assert "network" in str(done.exception)
    assert "Asking the OpenAlex API" in done.output


def test_the_key_stays_out_of_messages(monkeypatch: pytest.MonkeyPatch, ask: Any) -> None:
    monkeypatch.setenv("OPENALEX_API_KEY", "secret-4711")
    ask_with_key = [
        (401, {}, {"error": "The key secret-4711 is unknown"}),
        (302, {"Location": "https://other.org/?api_key=secret-4711"}, {}),
    ]
    for reply in ask_with_key:
        error, *_ = ask(reply)
        assert "***" in str(error)
        assert "4711" not in str(error)
    assert "Check the key in OPENALEX_API_KEY" in str(ask(ask_with_key[0])[0])


def test_the_budget_is_read_from_credits_or_dollars() -> None:
    def spent(**headers: str) -> bool:
        named = {f"x-ratelimit-{name.replace('_', '-')}": v for name, v in headers.items()}
        return Answer(429, named, b"{}").budget_spent

    assert spent(remaining="0")
    assert spent(remaining="5", credits_required="10")
    assert not spent(remaining="5", credits_required="1")
    assert not spent(remaining="0", onetime_remaining="50", credits_required="10")
    assert spent(remaining_usd="0", prepaid_remaining_usd="0")
    assert not spent(remaining_usd="0", prepaid_remaining_usd="2.5", cost_required_usd="0.001")
    assert not spent()
    assert Answer(200, {"X-RateLimit-Remaining-USD": "0.25"}, b"{}").dollars_left == 0.25
    assert Answer(200, {"X-RateLimit-Remaining-USD": "nan?"}, b"{}").dollars_left is None
