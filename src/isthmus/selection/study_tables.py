"""The tables several questions share, computed once for a study and kept.

Everything here is an Ibis expression on the study's engine. What is used more
than once is written to the run's working folder when first asked for, and read
from there afterwards, also by a run that goes on after it was killed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.corpus.manifest import last_year
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus
from isthmus.engine import Engine, Table
from isthmus.selection import attribution, places
from isthmus.selection.corrections import Corrections
from isthmus.selection.field import (
    SUBJECT,
    citations_of_field,
    counted_works,
    dated_references,
    field_works,
    funnel,
    funnel_counts,
)
from isthmus.selection.reference_years import (
    complete_years,
    reference_years,
    references_known,
    suggested_end,
)
from isthmus.study import Study


class StudyTables:
    """A study's corpus, seen through its field and its attribution.

    Parameters
    ----------
    study, corpus, engine
        What is studied, on which corpus, and where the work runs.
    folder
        The run's working folder; kept tables go there.
    shared
        Folder of kept tables that do not depend on the field, where several fields are
        answered over one corpus; `folder` when None.
    """

    def __init__(
        self,
        study: Study,
        corpus: Corpus,
        engine: Engine,
        folder: Path,
        shared: Path | None = None,
    ) -> None:
        self.study = study
        self.engine = engine
        self.folder = folder
        # Which places are small, and so pooled, depends on the field.
        if shared is None or study.places.pools:
            self._shared = folder
        else:
            self._shared = shared / "-".join(study.field.exclude)
        self._corpus = corpus

    @cached_property
    def corpus(self) -> dict[str, Table]:
        """Every table of the corpus by name, corrected, without works the study excludes.

        An excluded work is missing from ``works`` alone: what is joined to it drops out.
        """
        counted = counted_works(self._corrected["works"], self.study.field)
        return {**self._corrected, "works": counted}

    @cached_property
    def _corrected(self) -> dict[str, Table]:
        return self.corrections.apply(self._uncorrected)

    @cached_property
    def corrections(self) -> Corrections:
        """Corrections the study names."""
        return Corrections(self.study, self.engine)

    def correction_counts(self) -> dict[str, int]:
        """Count what the study's corrections change."""
        return self.corrections.counts(self._uncorrected)

    @cached_property
    def _uncorrected(self) -> dict[str, Table]:
        return {
            name: self.engine.read(self._corpus.parts(name), schema)
            for name, schema in TABLES.items()
        }

    def keep(self, name: str, build: Callable[[], Table]) -> Table:
        """Compute a table once under this name, or read it when it was kept before."""
        return self._kept(self.folder / f"{name}.parquet", build)

    def keep_shared(self, name: str, build: Callable[[], Table]) -> Table:
        """Keep a table that is the same for every field, as :meth:`keep`."""
        return self._kept(self._shared / f"{name}.parquet", build)

    def _kept(self, path: Path, build: Callable[[], Table]) -> Table:
        found = self.engine.kept(path)
        return found if found is not None else self.engine.keep(build(), path)

    def share(self) -> None:
        """Compute now what the questions share, so that no question's time hides it."""
        _ = self.field, self.affiliations, self.countries, self.deciding, self.dated_references

    @cached_property
    def field(self) -> Table:
        """Works of the field, whatever their year: ``work_id``, ``year``."""
        return self.keep("field", lambda: field_works(self._corrected, self.study, self.engine))

    @cached_property
    def funnel(self) -> pa.Table:
        """Works before and after each publication rule, by rule and year of the corpus."""
        counts = self.keep(
            "funnel", lambda: funnel_counts(self._corrected, self.study, self.engine)
        )
        return funnel(self.engine.collect(counts))

    @cached_property
    def field_in_years(self) -> Table:
        """Works of the field published in the study's years."""
        return self.field.filter(self.field.year.between(*self.study.years))

    @cached_property
    def affiliations(self) -> Table:
        """Affiliations with a country after merges, or with another place that is counted."""
        return self.keep_shared("affiliations", self._affiliations)

    def _affiliations(self) -> Table:
        own = places.own_affiliations(self.corpus, self.study)
        if self.study.places.unit == "country":
            return own
        places.refuse_unknown(self._units["country"], self._institutions, self.study)
        return places.placed_affiliations(own, self._pooled, self.engine)

    @cached_property
    def _units(self) -> dict[str, list[Any]]:
        own = places.own_affiliations(self.corpus, self.study)
        return places.units_in_use(own, self.field_in_years, self.study, self.engine)

    @cached_property
    def _pooled(self) -> dict[str, str]:
        return places.pooled(self._units, self.study)

    @cached_property
    def _institutions(self) -> pa.Table:
        return self.engine.collect(self.corpus["institutions"].order_by("institution_id"))

    def places(self) -> pa.Table:
        """Return the table ``places``: what is counted instead of countries."""
        return places.places_table(self._units, self._pooled, self._institutions, self.study)

    @cached_property
    def countries(self) -> Table:
        """Countries on every work of the corpus, over all authors."""
        build = attribution.work_countries
        return self.keep_shared("countries", lambda: build(self.affiliations))

    @cached_property
    def deciding(self) -> Table:
        """Countries that works of the field, in the study's years, count to by its attribution.

        Under ``any`` these are :attr:`countries`, of which other works are part too.
        """
        rule, field = self.study.countries.attribution, self.field_in_years
        if rule == "any":
            return self.countries
        deciding = attribution.deciding_countries
        return self.keep("deciding", lambda: deciding(self.corpus, self.affiliations, rule, field))

    @cached_property
    def dated_references(self) -> Table:
        """References to the field with both years, before anything is dropped."""
        return self.keep("references", lambda: dated_references(self.corpus, self.field))

    @cached_property
    def citations(self) -> Table:
        """References to the field that count: not to later years, not to itself."""
        return citations_of_field(self.dated_references)

    @property
    def source_end(self) -> int | None:
        """Last year that the corpus's source covers, None where it goes on."""
        return last_year(self._corpus.manifest)

    @cached_property
    def corpus_end(self) -> int:
        """Last year of the corpus: what the study says, else the newest year there is.

        Works announced for years after a source has ended do not prolong it.
        """
        if self.study.impact.corpus_end is not None:
            return self.study.impact.corpus_end
        works = self.corpus["works"]
        newest = self.engine.collect(works.agg(year=works.year.max()))["year"][0].as_py()
        found = int(newest) if newest is not None else self.study.years[1]
        return found if self.source_end is None else min(found, self.source_end)

    @cached_property
    def references_known(self) -> dict[int, bool]:
        """Year -> whether references of the field's works are known; years without a work lack.

        Where the study sets ``impact.corpus_end``, years up to it are unknown only if they
        hold next to no reference at all: the study's word goes before a comparison of levels.
        """
        window = self.study.impact.window
        counted = self.keep(
            "reference_years",
            lambda: reference_years(self.field, self.corpus["references"], window),
        )
        rows = self.engine.collect(counted).to_pylist()
        by_level = self.study.impact.corpus_end is None
        return references_known(rows, window, judged_by_level=by_level)

    @property
    def unknown_years(self) -> list[int]:
        """Years of unknown references, in order."""
        return sorted(year for year, known in self.references_known.items() if not known)

    @property
    def suggested_end(self) -> int | None:
        """Last year with known references, where they break off before the corpus ends."""
        return suggested_end(self.references_known)

    def years_complete(self, window: int) -> list[int]:
        """Years of the study whose works' citations are known through `window` years more."""
        first, last = self.study.years
        years = first, min(last, self.corpus_end - window)
        return complete_years(self.references_known, years, window)

    @cached_property
    def holds_only_the_field(self) -> bool:
        """Whether every work of the corpus is one the study names: a majority is unknowable."""
        named = self.funnel.filter(pc.equal(self.funnel["rule"], SUBJECT))
        return bool(named["works_before"].equals(named["works_after"]))

    @cached_property
    def author_totals(self) -> Table | None:
        """Works of each author over all fields, where author entities were read."""
        if not self._corpus.rows("authors"):
            return None
        authors = self.corpus["authors"]
        known = authors.filter(authors.works_count.notnull())
        n_known = self.engine.collect(known.agg(n=known.count()))["n"][0].as_py()
        return known if n_known else None
