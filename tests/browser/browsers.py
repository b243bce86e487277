"""A real headless Chromium, or a reason why there is none."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

#: Seconds a page may take until its charts are drawn, on a machine busy with other tests.
PATIENCE = 60.0


def find(names: tuple[str, ...]) -> str:
    """Give the path of a program; without it skip aloud, or fail where CI must have it."""
    for name in names:
        if found := shutil.which(name):
            return found
    sentence = f"there is no {names[0]} here; scripts/install-system-packages installs it"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


def start(profile: Path) -> webdriver.Chrome:
    options = Options()
    options.binary_location = find(BROWSERS)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(find(("chromedriver",))))
    driver.set_script_timeout(4 * PATIENCE)
    return driver


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a folder on loopback with a server that is not isthmus's own."""
    handler = partial(_Silent, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Browser:
    """A window, with what a test asks of it."""

    def __init__(self, driver: webdriver.Chrome, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads
        self.do("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    def do(self, command: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, arguments)

    def script(self, code: str, *arguments: Any) -> Any:
        return self.driver.execute_script(code, *arguments)

    def size(self, width: int, height: int = 900) -> None:
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def prefer(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.do("Emulation.setEmulatedMedia", features=[feature])

    def open(self, address: str) -> None:
        """Open a page afresh and wait until its tables are filled and its charts drawn."""
        self.driver.get("about:blank")
        self.driver.get_log("browser"), self.driver.get_log("performance")
        self.driver.get(address)
        self.wait()

    def wait(self) -> None:
        ready = (
            "const p = document.querySelector('script#page');"
            "return !p || document.documentElement.dataset.charts === 'ready'"
        )
        time.sleep(0.12)  # longer than the page waits before it draws again
        self.until(lambda: self.script(ready), "the page's charts")

    def until(self, holds: Any, what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"waited in vain for {what}: {self.complaints()}"
            time.sleep(0.05)

    def complaints(self) -> list[str]:
        """What the page wrote to the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses the page asked for since it was opened."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found

    def table(self, name: str) -> list[list[str]]:
        """Text of a table's body, cell by cell."""
        code = """
            return [...document.querySelectorAll(`#${arguments[0]}-table tbody tr`)]
              .map((row) => [...row.cells].map((cell) => cell.textContent));
        """
        found: list[list[str]] = self.script(code, name)
        return found

    def views(self) -> list[dict[str, Any]]:
        """The page's views that have a table, as its script reads them."""
        code = "return JSON.parse(document.getElementById('page').textContent).views"
        if not self.script("return document.querySelector('script#page') !== null"):
            return []
        return [view for view in self.script(code) if "missing" not in view]

    def keys(self, name: str) -> list[str]:
        """Columns of a table, in order."""
        code = """
            return [...document.querySelectorAll(`#${arguments[0]}-table th`)]
              .map((th) => th.dataset.key);
        """
        found: list[str] = self.script(code, name)
        return found

    def click(self, selector: str) -> None:
        self.script("document.querySelector(arguments[0]).click()", selector)
        self.wait()

    def type(self, selector: str, text: str) -> None:
        code = """
            const input = document.querySelector(arguments[0]);
            input.value = arguments[1];
            input.dispatchEvent(new Event('input', {bubbles: true}));
        """
        self.script(code, selector, text)
        self.wait()

    def choose(self, selector: str, value: str) -> None:
        code = """
            const select = document.querySelector(arguments[0]);
            select.value = arguments[1];
            select.dispatchEvent(new Event('change', {bubbles: true}));
        """
        self.script(code, selector, value)
        self.wait()

    def download(self, selector: str, ending: str = "csv") -> str:
        """Click something that saves a file and give the file's text."""
        before = set(self.downloads.iterdir())
        self.script("document.querySelector(arguments[0]).click()", selector)

        def arrived() -> list[Path]:
            new = set(self.downloads.iterdir()) - before
            if any(path.suffix == ".crdownload" for path in new):
                return []
            # The browser keeps the place with an empty file first; what is saved has a head.
            return [path for path in new if path.suffix == f".{ending}" and path.stat().st_size]

        self.until(arrived, "the download")
        path = arrived()[0]
        text = path.read_bytes().decode("utf-8")
        path.unlink()
        return text
