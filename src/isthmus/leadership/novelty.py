"""How unusual the field's works combine what they cite, and whether they displace it.

Novelty is the 10th percentile of a work's venue pairs' z, conventionality their
median (Uzzi et al. 2013, by the exact law of
:func:`~isthmus.stats.venue_pairs.atypicality`): lower novelty values are more
novel. The 1 % lowest of a year are novelty hits (AlShebli et al. 2023). The null
is the field's own: venues are permuted over the references of the field's works
of a year, whatever field the cited works are in.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.engine import Engine, Table
from isthmus.files import atomic_path
from isthmus.leadership.impact import hit_thresholds
from isthmus.leadership.reference_lists import (
    counting,
    losses,
    reference_ages,
    reference_lists,
)
from isthmus.stats.disruption import disruption
from isthmus.stats.venue_pairs import atypicality
from isthmus.tables import StudyTables

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
        return tables.keep(
            "reference_lists",
            lambda: reference_lists(
                tables.field_in_years, corpus["references"], corpus["works"], corpus["venues"]
            ),
        )

    def works(self) -> Table:
        """Give the scores of every work of the field in the study's years.

        Grain: one row per work. Columns: those of ``SCORES``, ``n_references``
        and ``reference_age``. Scores are computed year by year and kept in one
        file a year, so that memory does not grow with the years.
        """
        folder = self.tables.folder / "novelty"
        first, last = self.tables.study.years
        parts = [self._scored(year, folder / f"{year}.parquet") for year in range(first, last + 1)]
        scores = self.tables.engine.read(parts, SCORES)
        joined = scores.left_join(reference_ages(self.lists), "work_id")
        return joined.select(
            *SCORES.names, "reference_age", n_references=joined.n_references.fill_null(0)
        )

    def _scored(self, year: int, path: Path) -> Path:
        if not path.exists():
            tables = self.tables
            field = tables.field.filter(tables.field.year == year)
            ids = np.sort(_ints(tables.engine.collect(field.select("work_id")), "work_id"))
            table = pa.table(
                {
                    "work_id": ids,
                    "year": np.full(ids.size, year, np.int16),
                    **novelty_scores(tables.engine, self.lists, year, ids),
                    "disruption": self._disruption(year, ids),
                },
                schema=SCORES,
            )
            with atomic_path(path) as partial:
                pq.write_table(table, partial, compression="zstd")
        return path

    def _disruption(self, year: int, ids: npt.NDArray[np.int64]) -> pa.Array:
        """CD5, defined for works whose window ends inside the corpus."""
        if year + DISRUPTION_WINDOW > self.tables.corpus_end:
            return pa.nulls(ids.size, pa.float64())
        corpus = self.tables.corpus
        field = self.tables.field.filter(self.tables.field.year == year)
        table = later_citations(
            field, corpus["references"], corpus["works"], year, DISRUPTION_WINDOW
        )
        return disruption_scores(self.tables.engine.collect(table), ids, year, DISRUPTION_WINDOW)

    def thresholds(self, works: Table) -> Table:
        """Where each year's novelty hits begin, and the size of the tie there."""
        return novelty_thresholds(works, self.tables.study.impact.hit_percent)

    def by_country(self, works: Table, countries: Table) -> Table:
        """Measure countries by year, under the attribution of `countries`."""
        return novelty_by_country(works, self.thresholds(works), countries)

    def losses(self) -> Table:
        """Count references lost, by year and reason."""
        return losses(self.lists)


def novelty_scores(
    engine: Engine, lists: Table, year: int, ids: npt.NDArray[np.int64]
) -> dict[str, pa.Array]:
    """Novelty, conventionality and number of pairs of a year's works, in the order of `ids`."""
    used = counting(lists)
    used = used.filter(used.year == year, used.venue_id.notnull())
    table = engine.collect(used.select("work_id", "year", "venue_id", "cited_year"))
    columns = [_ints(table, name) for name in ("work_id", "year", "venue_id", "cited_year")]
    scores = atypicality(*columns, return_pairs=False)
    at = np.searchsorted(ids, scores.paper_id)
    novelty, median = np.full(ids.size, np.nan), np.full(ids.size, np.nan)
    n_pairs = np.zeros(ids.size, np.int64)
    novelty[at], median[at], n_pairs[at] = scores.tail, scores.median, scores.n_pairs
    return {
        "novelty": _nullable(novelty),
        "conventionality": _nullable(median),
        "n_pairs": pa.array(n_pairs),
    }


def later_citations(field: Table, references: Table, works: Table, year: int, window: int) -> Table:
    """References in the window to works of `field` or to what they refer to.

    Grain: one row per pair of works. Columns: ``citing_id``, ``citing_year``,
    ``cited_id``. The references of the field's own works are among them.
    """
    focal = field.select(cited_id="work_id")
    theirs = references.semi_join(focal.select(citing_id="cited_id"), "citing_id")
    watched = focal.union(theirs.select("cited_id")).distinct()
    span = works.filter(works.year.between(year, year + window))
    citing = span.select(citing_id="work_id", citing_year="year")
    later = references.select("citing_id", "cited_id").semi_join(watched, "cited_id")
    return later.inner_join(citing, "citing_id").select("citing_id", "citing_year", "cited_id")


def disruption_scores(
    edges: pa.Table, ids: npt.NDArray[np.int64], year: int, window: int
) -> pa.Array:
    """Disruption of a year's works, in the order of `ids`."""
    citing, citing_year = _ints(edges, "citing_id"), _ints(edges, "citing_year")
    papers, at = np.unique(np.concatenate([citing, ids]), return_index=True)
    years = np.concatenate([citing_year, np.full(ids.size, year)])[at]
    scores = disruption(citing, _ints(edges, "cited_id"), papers, years, focal=ids, window=window)
    return _nullable(scores.index)


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
    ``novel_hits``, ``novel_share`` (share of the year's novelty hits).
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
    return sums.select(*kept, novel_hits=novel, novel_share=novel / sums.quota)


def _ints(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    return np.asarray(table[name].to_numpy(), np.int64)


def _nullable(values: npt.NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
