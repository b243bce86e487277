"""Random corpora and the joint papers of a study on them, for tests."""

from __future__ import annotations

from isthmus.engine import DuckDBEngine
from isthmus.leadership.country_year import Leaders
from isthmus.selection.study_tables import StudyTables
from isthmus.study import Study
from isthmus.teaming.joint_papers import Teams
from tiny import COUNTRIES, write_corpus

YEARS = (2001, 2007)
END = 2008
CUTS = (1, 2, 3)


def institution(author, country):
    """One of two institutions of the country, or none for one author in seven."""
    if author.id is None or author.id % 7 == 0:
        return None
    return 10 * (1 + COUNTRIES.index(country)) + author.id % 2


def teams_of(works, tmp_path, **settings):
    corpus = write_corpus(works, tmp_path / "corpus", institution)
    teaming = {"team_cuts": list(CUTS), "draws": 50, "placebo_min_papers": 5, **settings}
    study = Study.parse(
        {
            "study": {"corpus": str(corpus.path), "years": list(YEARS)},
            "field": {"subfields": [1702]},
            "impact": {"hit_percent": 10},
            "teaming": teaming,
        }
    )
    tables = StudyTables(study, corpus, DuckDBEngine(), tmp_path / "work")
    leaders = Leaders(tables)
    return Teams(tables, leaders.impact, leaders.hit_thresholds, leaders.impact_without)
