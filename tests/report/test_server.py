"""The loopback server, asked over a socket: odd requests do not go through a client's checks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from isthmus.errors import TargetError
from isthmus.report import html
from isthmus.report.server import LOOPBACK, server_of

Ask = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Send a request line, with the server's own host unless others are given."""
    folder = tmp_path_factory.mktemp("served")
    site = folder / "site"
    (site / "data").mkdir(parents=True)
    (site / "index.html").write_text("hello")
    (site / "data" / "meta.js").write_text("secret=1")
    (folder / "secret.txt").write_text("no")
    (site / "link.txt").symlink_to(folder / "secret.txt")
    with server_of(site) as server:
        assert server.server_address[0] == LOOPBACK == "127.0.0.1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port

        def asked(
            path: bytes, hosts: tuple[str, ...] = ("127.0.0.1:{port}",), method: bytes = b"GET"
        ) -> tuple[int, dict[str, str], bytes]:
            lines = "".join(f"Host: {host.format(port=port)}\r\n" for host in hosts).encode()
            with socket.create_connection((LOOPBACK, port), timeout=10) as connection:
                connection.sendall(method + b" " + path + b" HTTP/1.1\r\n" + lines + b"\r\n")
                connection.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            head, _, body = answer.partition(b"\r\n\r\n")
            first, *rest = head.decode("latin-1").split("\r\n")
            return int(first.split()[1]), dict(line.split(": ", 1) for line in rest), body

        yield asked
        server.shutdown()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
def test_answers_the_names_of_this_machine(ask: Ask, host: str) -> None:
    code, _, body = ask(b"/", (host + ":{port}",))
    assert (code, body) == (200, b"hello")


FOREIGN = [
    ("evil.example:{port}",),
    ("127.0.0.1.evil.example:{port}",),
    ("localhost.:{port}",),
    ("127.0.0.1",),
    ("127.0.0.1:1",),
    ("",),
    (),
    ("127.0.0.1:{port}", "evil.example"),
    ("evil.example", "127.0.0.1:{port}"),
]


@pytest.mark.parametrize("hosts", FOREIGN)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_foreign_host_is_refused_with_a_sentence(
    ask: Ask, hosts: tuple[str, ...], method: bytes
) -> None:
    """A page whose name is made to point at this machine still sends its own name."""
    code, _, body = ask(b"/data/meta.js", hosts, method)
    assert code == 421
    assert b"secret" not in body
    assert (b"Open that address." in body) == (method == b"GET")


ODD = [
    b"/absent.html",
    b"/../secret.txt",
    b"/%2e%2e/secret.txt",
    b"/..%2fsecret.txt",
    b"/data/..%5c..%5csecret.txt",
    b"//secret.txt",
    b"/link.txt",
    b"/index.html%00",
    b"/%00",
    b"/\x01\xff\xfe",
    b"/%ff%fe",
    b"/%ed%a0%80",
    b"/" + b"a" * 5000,
    b"/data",
    b"/data/",
    b"/index.html/",
    b"http://evil.example/secret.txt",
]


@pytest.mark.parametrize("path", ODD)
def test_what_is_no_file_of_the_site_is_not_found(
    ask: Ask, path: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, body = ask(path)
    assert code == 404
    assert b"no such file" in body
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("path", "method"), [(b"/", b"GET"), (b"/no", b"GET"), (b"/", b"POST")])
def test_every_answer_says_what_a_browser_may_do_with_it(
    ask: Ask, path: bytes, method: bytes
) -> None:
    _, headers, _ = ask(path, method=method)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Content-Security-Policy"] == f"{html.POLICY}; frame-ancestors 'none'"


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    with server_of(tmp_path) as server, pytest.raises(TargetError, match="Choose another port"):
        server_of(tmp_path, server.server_port)
