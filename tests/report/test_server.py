from __future__ import annotations

import threading
import urllib.request
from pathlib import Path

import pytest

from isthmus.errors import TargetError
from isthmus.report.server import LOOPBACK, server_of


def test_serves_the_folder_on_loopback_only(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello")
    (tmp_path.parent / "secret.txt").write_text("no")
    with server_of(tmp_path) as server:
        assert server.server_address[0] == LOOPBACK == "127.0.0.1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://{LOOPBACK}:{server.server_port}"
        with urllib.request.urlopen(f"{address}/") as answer:
            assert answer.read() == b"hello"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}/../secret.txt")
        server.shutdown()


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    with server_of(tmp_path) as server, pytest.raises(TargetError, match="Choose another port"):
        server_of(tmp_path, server.server_port)
