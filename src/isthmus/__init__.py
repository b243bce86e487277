"""How countries lead, move, team up and polarise in a research field.

Examples
--------
>>> import isthmus as ist
>>> study = ist.Study.parse({"study": {"corpus": "corpus", "years": [2000, 2021]}})
>>> study.countries.poles
('US', 'CN')

With a corpus at hand: ``results = ist.run(study)``, then
``results.table("country_year")`` is an Arrow table.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Corpus": "corpus.store",
    "Results": "results",
    "Study": "study",
    "ingest": "ingest.ingest",
    "open_corpus": "corpus.store",
    "open_results": "results",
    "run": "pipeline.runner",
    "simulate": "simulation.simulate",
    "verify": "corpus.verify",
}

__all__ = sorted(_HOME)

# `isthmus.ingest` is the function; the room of that name is imported here, where it is empty,
# so that no later import of one of its modules puts the room in the function's place.
importlib.import_module("isthmus.ingest")
del globals()["ingest"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("isthmus")
    if name in _HOME:
        value = getattr(importlib.import_module(f"isthmus.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
