"""The terminal: text from data is shown as text, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

#: Characters that a terminal obeys instead of showing them, and marks that turn the direction
#: of what follows: control characters but for the line end, and Unicode's bidirectional marks.
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Terminal(Console):
    """A console that neither reads markup in what it prints nor passes control characters on."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as usual, without characters that a terminal obeys."""
        for segment in super().render(renderable, options):
            if segment.control or not OBEYED.search(segment.text):
                yield segment
            else:
                yield Segment(OBEYED.sub("", segment.text), segment.style)


#: Where results and errors go.
out, err = Terminal(), Terminal(stderr=True)


def say(words: str, **style: Any) -> None:
    """Print a sentence that the terminal, not isthmus, breaks into lines."""
    out.print(words, highlight=False, soft_wrap=True, **style)
