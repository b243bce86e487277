"""How countries lead, move, team up and polarise in a research field.

Examples
--------
>>> import isthmus as ist
>>> study = ist.Study.parse({"study": {"corpus": "corpus", "years": [2000, 2021]}})
>>> study.countries.poles
('US', 'CN')

With a corpus at hand: ``results = ist.run(study)``, then ``results["country_year"]`` is an
Arrow table and ``results.describe("country_year")`` says what its columns mean.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isthmus import stats as stats
    from isthmus.corpus.store import Corpus as Corpus
    from isthmus.corpus.store import open_corpus as open_corpus
    from isthmus.corpus.verify import verify as verify
    from isthmus.fetch.works import fetch as fetch
    from isthmus.ingest.ingest import ingest as ingest
    from isthmus.pipeline.edge_table import run_edges as run_edges
    from isthmus.pipeline.runner import run as run
    from isthmus.planning.plan import plan_of
    from isthmus.report.explorer import explore as explore
    from isthmus.report.page import write_report
    from isthmus.report.share import share as share
    from isthmus.results import Results as Results
    from isthmus.results import open_results as open_results
    from isthmus.simulation.simulate import simulate as simulate
    from isthmus.study import Study as Study

    __version__: str
    plan = plan_of
    report = write_report

_HOME = {
    "Corpus": "corpus.store",
    "Results": "results",
    "Study": "study",
    "explore": "report.explorer",
    "fetch": "fetch.works",
    "ingest": "ingest.ingest",
    "open_corpus": "corpus.store",
    "open_results": "results",
    "plan": "planning.plan",
    "report": "report.page",
    "run": "pipeline.runner",
    "run_edges": "pipeline.edge_table",
    "share": "report.share",
    "simulate": "simulation.simulate",
    "stats": "stats",
    "verify": "corpus.verify",
}

#: Exported functions that have another name at home.
_NAME_AT_HOME = {"plan": "plan_of", "report": "write_report"}

__all__ = sorted(_HOME)

# Functions with the name of a room: the room is imported here, where it is almost empty, so that
# no later import of one of its modules puts the room in the function's place.
for _room in ("fetch", "ingest", "report"):
    importlib.import_module(f"isthmus.{_room}")
    del globals()[_room]

if not TYPE_CHECKING:  # a type checker would take every misspelt name for one of these

    def __getattr__(name: str) -> object:
        if name == "__version__":
            return importlib.import_module("importlib.metadata").version("isthmus")
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = importlib.import_module(f"isthmus.{_HOME[name]}")
        value = home if name == "stats" else getattr(home, _NAME_AT_HOME.get(name, name))
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
