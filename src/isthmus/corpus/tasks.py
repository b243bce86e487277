"""Tasks that many processes do, on any machines that see the folder."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

#: Calls a task with every number below another: anywhere, in any order, some perhaps twice.
Each = Callable[[Callable[[int], None], int], None]

#: Seconds between two looks at how much is done.
LOOK_EVERY = 1.0


@contextlib.contextmanager
def told(done: Callable[[], int], tell: Callable[[int], None]) -> Iterator[None]:
    """Tell how much is done, now and then, while the block runs, and once more at its end."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_EVERY):
            tell(done())

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()
    tell(done())
