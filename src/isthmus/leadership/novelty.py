"""How unusual the field's works combine what they cite, and whether they displace it.

Novelty is the 10th percentile of a work's venue pairs' z, conventionality their
median (Uzzi et al. 2013, by the exact law of
:func:`~isthmus.stats.novelty.venue_pairs.atypicality`): lower novelty values are more
novel. The 1 % lowest of a year are novelty hits (AlShebli et al. 2023). The null
is the field's own: venues are permuted over the references of the field's works
of a year, whatever field the cited works are in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.engine import Table
from isthmus.files import atomic_path
from isthmus.leadership.impact import hit_thresholds
from isthmus.leadership.reference_lists import (
    counting,
    losses,
    reference_ages,
    reference_lists,
)
from isthmus.selection.study_tables import StudyTables
from isthmus.stats.novelty.disruption_index import disruption
from isthmus.stats.novelty.venue_pairs import atypicality
from isthmus.study import Novelty as NoveltyRules

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Years after publication in which citations count towards disruption (CD5).
DISRUPTION_WINDOW = 5

#: What a chunk of scores holds, one row per work of the field; null where undefined.
SCORES = pa.schema(
    [
        pa.field("work_id", pa.int64(), nullable=False),
        pa.field("year", pa.int16(), nullable=False),
        ("novelty", pa.float64()),
        ("conventionality", pa.float64()),
        pa.field("n_pairs", pa.int64(), nullable=False),
        ("disruption", pa.float64()),
    ]
)


class Novelty:
    """Novelty, conventionality, disruption and reference age of a study's works.

    Parameters
    ----------
    tables
        The study's shared tables.
    """

    def __init__(self, tables: StudyTables) -> None:
        self.tables = tables

    @property
    def lists(self) -> Table:
        """References of the field's works, as :func:`reference_lists`."""
        tables, corpus = self.tables, self.tables.corpus
        venues = corpus["venues"] if tables.study.novelty.merge_issn_l else None
        return tables.keep(
            "reference_lists",
            lambda: reference_lists(
                tables.field_in_years, corpus["references"], corpus["works"], venues
            ),
        )

    @property
    def references_by_year(self) -> Table:
        """References of the corpus with the citing work's year, in its order.

        Disruption asks for a few citing years at a time; in this order an engine reads
        those and leaves the rest.
        """
        corpus, (first, last) = self.tables.corpus, self.tables.study.years
        years = first, last + DISRUPTION_WINDOW
        return self.tables.keep_shared(
            "references_by_year",
            lambda: dated_citations(corpus["references"], corpus["works"], years).order_by(
                "citing_year"
            ),
        )

    def works(self) -> Table:
        """Return the scores of every work of the field in the study's years.

        Grain: one row per work. Columns: those of ``SCORES``, ``n_references``
        and ``reference_age``, all null in years of unknown references. Scores are
        computed for as many years at a time as there are threads, and kept in one file
        a year, so that memory does not grow with the years.
        """
        folder = self.tables.folder / "novelty"
        first, last = self.tables.study.years
        paths = {year: folder / f"{year}.parquet" for year in range(first, last + 1)}
        left = [year for year, path in paths.items() if not path.exists()]
        together = self._threads
        for at in range(0, len(left), together):
            self._score(left[at : at + together], paths)
        scores = self.tables.engine.read(list(paths.values()), SCORES)
        joined = scores.left_join(reference_ages(self.lists), "work_id")
        found = joined.select(
            *SCORES.names, "reference_age", n_references=joined.n_references.fill_null(0)
        )
        return _where_known(found, self.tables.unknown_years)

    @property
    def _threads(self) -> int:
        return self.tables.study.run.threads or os.cpu_count() or 1

    def _score(self, years: list[int], paths: Mapping[int, Path]) -> None:
        """Score the works of some years, and keep each year in its file."""
        field = self.tables.field_in_years
        field = self.tables.engine.collect(field.filter(field.year.isin(years)).order_by("work_id"))
        ids, year_of = _ints(field, "work_id"), _ints(field, "year")
        table = pa.table(
            {
                "work_id": ids,
                "year": year_of.astype(np.int16),
                **self._novelty(years, ids),
                "disruption": self._disruption(years, ids, year_of),
            },
            schema=SCORES,
        )
        for year in years:
            with atomic_path(paths[year]) as partial:
                pq.write_table(table.filter(year_of == year), partial, compression="zstd")

    def _novelty(self, years: list[int], ids: Ints) -> dict[str, pa.Array]:
        used = counting(self.lists)
        used = used.filter(used.year.isin(years), used.venue_id.notnull())
        names = ("work_id", "year", "venue_id", "cited_year")
        table = self.tables.engine.collect(used.select(*names))
        study = self.tables.study
        spill = study.path(study.run.spill) if study.run.spill else self.tables.folder
        spill.mkdir(parents=True, exist_ok=True)
        return novelty_scores(
            [_ints(table, name) for name in names],
            ids,
            study.novelty,
            threads=self._threads,
            memory=study.run.pair_memory_mb << 20,
            spill=str(spill),
        )

    def _disruption(self, years: list[int], ids: Ints, year_of: Ints) -> pa.Array:
        """CD5, defined for works whose window ends inside the corpus and has references."""
        complete = self.tables.years_complete(DISRUPTION_WINDOW)
        known = [year for year in years if year in complete]
        if not known:
            return pa.nulls(ids.size, pa.float64())
        field = self.tables.field_in_years
        watched = field.filter(field.year.isin(known))
        table = later_citations(watched, self.references_by_year, known, DISRUPTION_WINDOW)
        mine = np.isin(year_of, known)
        index = np.full(ids.size, np.nan)
        index[mine] = disruption_scores(
            self.tables.engine.collect(table), ids[mine], year_of[mine], self._threads
        )
        return _nullable(index)

    def thresholds(self, works: Table) -> Table:
        """Where each year's novelty hits begin, and the size of the tie there."""
        return novelty_thresholds(works, self.tables.study.novelty.hit_percent)

    def by_country(self, works: Table, countries: Table) -> Table:
        """Measure countries by year, under the attribution of `countries`."""
        return novelty_by_country(works, self.thresholds(works), countries)

    def losses(self) -> Table:
        """Count references lost, by year and reason."""
        return losses(self.lists, self.tables.study.novelty.max_references)


def _where_known(works: Table, unknown: list[int]) -> Table:
    """Blank all that rests on references in works of years without any."""
    if not unknown:
        return works
    known = ~works.year.isin(unknown)
    blank = [name for name in works.columns if name not in ("work_id", "year")]
    return works.mutate(**{name: ibis.ifelse(known, works[name], None) for name in blank})


def novelty_scores(
    references: list[Ints],
    ids: Ints,
    rules: NoveltyRules,
    *,
    threads: int = 1,
    memory: int = 1 << 30,
    spill: str | None = None,
) -> dict[str, pa.Array]:
    """Novelty, conventionality and number of pairs of works, in the order of `ids`.

    `references` are work, its year, venue and year of the cited work, one entry
    per usable reference; `ids` are ascending.
    """
    scores = atypicality(
        *references,
        quantile=rules.percentile / 100,
        max_references=rules.max_references or None,
        return_pairs=False,
        threads=threads,
        memory_limit=memory,
        spill=spill,
    )
    at = np.searchsorted(ids, scores.paper_id)
    enough = scores.n_pairs >= rules.min_references * (rules.min_references - 1) // 2
    novelty, median = np.full(ids.size, np.nan), np.full(ids.size, np.nan)
    n_pairs = np.zeros(ids.size, np.int64)
    novelty[at] = np.where(enough, scores.tail, np.nan)
    median[at] = np.where(enough, scores.median, np.nan)
    n_pairs[at] = scores.n_pairs
    return {
        "novelty": _nullable(novelty),
        "conventionality": _nullable(median),
        "n_pairs": pa.array(n_pairs),
    }


def dated_citations(references: Table, works: Table, years: tuple[int, int]) -> Table:
    """References of works of some years, with the year of the citing work.

    Grain: one row per pair of works. Columns: ``citing_id``, ``cited_id``, ``citing_year``.
    """
    citing = works.filter(works.year.between(*years))
    citing = citing.select(citing_id="work_id", citing_year="year")
    joined = references.select("citing_id", "cited_id").inner_join(citing, "citing_id")
    return joined.select("citing_id", "cited_id", "citing_year")


def later_citations(field: Table, citations: Table, years: list[int], window: int) -> Table:
    """References in the windows of `years` to works of `field` or to what they refer to.

    Parameters
    ----------
    field
        Works published in `years`: ``work_id``.
    citations
        As :func:`dated_citations`.
    years, window
        Years of publication, and how many years after it count.

    Returns
    -------
    Table
        One row per pair of works, columns as `citations`. The references of the
        field's own works are among them.
    """
    near = citations.filter(citations.citing_year.between(min(years), max(years) + window))
    focal = field.select(cited_id="work_id")
    own = near.filter(near.citing_year <= max(years))
    theirs = own.semi_join(focal.select(citing_id="cited_id"), "citing_id")
    watched = focal.union(theirs.select("cited_id")).distinct()
    return near.semi_join(watched, "cited_id")


def disruption_scores(edges: pa.Table, ids: Ints, year_of: Ints, threads: int) -> Floats:
    """Disruption of works, in the order of `ids`; NaN where undefined."""
    citing = _ints(edges, "citing_id")
    papers, at = np.unique(np.concatenate([citing, ids]), return_index=True)
    years = np.concatenate([_ints(edges, "citing_year"), year_of])[at]
    cited = _ints(edges, "cited_id")
    return disruption(
        citing, cited, papers, years, focal=ids, window=DISRUPTION_WINDOW, threads=threads
    ).index


def novelty_thresholds(works: Table, hit_percent: float) -> Table:
    """Find the novelty at which each year's hits begin: the lowest `hit_percent`.

    All works at the threshold share evenly what those below it leave. Grain:
    one row per year with a scored work. Columns as
    :func:`~isthmus.leadership.impact.hit_thresholds`, `above` being the works
    more novel than the threshold.
    """
    scored = works.filter(works.novelty.notnull())
    found = hit_thresholds(scored.select("work_id", "year", c_k=-scored.novelty), hit_percent)
    return found.mutate(threshold=-found.threshold)


def novelty_by_country(works: Table, thresholds: Table, countries: Table) -> Table:
    """Sum up novelty by publication year and country.

    Grain: one row per year and country with a scored work. Columns: ``year``,
    ``country``, ``novelty_papers`` (works with a score), ``novelty_median``,
    ``conventionality_median``, ``disruption_median``, ``reference_age_median``,
    ``novel_hits`` with its standard error, ``novel_share`` (share of the year's
    novelty hits).
    """
    hits = thresholds.select("year", "threshold", "tie_weight", "quota")
    scored = works.filter(works.novelty.notnull())
    placed = scored.inner_join(countries.select("work_id", "country"), "work_id")
    placed = placed.inner_join(hits, "year")
    sums = placed.group_by("year", "country").agg(
        novelty_papers=placed.count(),
        novelty_median=placed.novelty.median(),
        conventionality_median=placed.conventionality.median(),
        disruption_median=placed.disruption.median(),
        reference_age_median=placed.reference_age.median(),
        below=(placed.novelty < placed.threshold).sum(),
        at=(placed.novelty == placed.threshold).sum(),
        tie_weight=placed.tie_weight.max(),
        quota=placed.quota.max(),
    )
    novel = sums.below + sums.at * sums.tie_weight
    kept = [name for name in sums.columns if name not in ("below", "at", "tie_weight", "quota")]
    squares = sums.below + sums.at * sums.tie_weight * sums.tie_weight
    return sums.select(
        *kept, novel_hits=novel, novel_hits_se=squares.sqrt(), novel_share=novel / sums.quota
    )


def _ints(table: pa.Table, name: str) -> Ints:
    return np.asarray(table[name].to_numpy(), np.int64)


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
