"""Shares and normalised impact of countries, by year and in moving windows of years.

Intervals say what resampling works would show: how far a number would move if the same
world had published another draw of works. They do not say what missing records or another
database would change. The variance of a resampled mean is taken in closed form, the sum of
squares of what each work adds; shares have Wilson's interval at as many works as have this
variance, which also holds at 0 and 1, where resampling shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import stdtrit

from isthmus.engine import Table
from isthmus.leadership.normalised import SCORE, TOPS
from isthmus.results import schema_of
from isthmus.selection.attribution import exact_sum
from isthmus.stats.shares import FEWEST, wilson_intervals

Floats = NDArray[np.float64]

SCHEMA = schema_of("indicators")

#: How a work counts to a country -> column of its weight.
COUNTINGS = {"whole": "whole", "fractional": "fraction", "authors": "author_share"}


def author_shares(affiliations: Table, authorships: Table, works: Table) -> Table:
    """Share of a work's authors in each country; an author of m countries is 1/m in each.

    Authors without a known country, and those that the source cut off, are in none.

    Grain: one row per work and country. Columns: ``work_id``, ``country``, ``author_share``.
    """
    places = affiliations.select("work_id", "position", "country").distinct()
    counts = places.group_by("work_id", "position").agg(n=places.count())
    parts = places.inner_join(counts, ["work_id", "position"])
    held = parts.group_by("work_id", "country").agg(authors=exact_sum(1 / parts.n))
    listed = authorships.group_by("work_id").agg(listed=authorships.count())
    sized = held.inner_join(works.select("work_id", "n_authors"), "work_id")
    sized = sized.inner_join(listed, "work_id")
    # An author may be listed at two places, and a list may be cut.
    share = sized.authors / ibis.greatest(sized.n_authors, sized.listed).cast("float64")
    return sized.select("work_id", "country", author_share=share)


def country_sums(
    field: Table, countries: Table, led: Table, authors: Table, scores: Table
) -> Table:
    """Sum weights, shares and scores by year and country, under every counting rule.

    Parameters
    ----------
    field, countries
        Works with their year, and the countries on them.
    led
        Works and the countries that lead them.
    authors, scores
        As :func:`author_shares` and :func:`~isthmus.leadership.normalised.scores`.

    Returns
    -------
    Table
        One row per year and country. Columns are named after the counting rule and what is
        summed: ``w`` weights, ``d`` of domestic works, ``l`` of works led, ``k`` of works
        with scores, ``n`` normalised citations, ``top``; with ``2`` sums of squared weights,
        and ``nn`` of squared weights times squared scores.
    """
    key = ["work_id", "country"]
    placed = field.inner_join(countries.select(*key, "n_countries", "fraction"), "work_id")
    placed = placed.left_join(authors, key).drop("work_id_right", "country_right")
    placed = placed.left_join(led.select(*key, leads=ibis.literal(1)), key)
    placed = placed.drop("work_id_right", "country_right")
    placed = placed.left_join(scores, "work_id").drop("work_id_right")
    placed = placed.mutate(whole=ibis.literal(1.0))
    alone = (placed.n_countries == 1).cast("float64")
    leads = placed.leads.fill_null(0).cast("float64")
    known = placed.ncs.notnull().cast("float64")
    score = placed.ncs.fill_null(0.0)
    sums: dict[str, Any] = {}
    for counting, column in COUNTINGS.items():
        w = placed[column].cast("float64").fill_null(0.0)
        parts = {"w": w, "d": w * alone, "l": w * leads, "k": w * known, "n": w * score}
        parts |= {f"top{p}": w * placed[f"top{p}"].fill_null(0.0) for p in TOPS}
        parts |= {f"{name}2": w * parts[name] for name in ("w", "d", "l", "k", "n")}
        parts["nn"] = w * w * score * score
        for name, value in parts.items():
            sums[f"{counting}_{name}"] = value.cast(SCORE).sum().cast("float64")
    return placed.group_by("year", "country").agg(**sums)


def indicators(sums: pa.Table, window: int, *, led: bool = True) -> pa.Table:
    """Return shares and normalised impact by year and in windows of `window` years.

    Parameters
    ----------
    sums
        As :func:`country_sums`.
    window
        Years of the moving windows; a window needs all its years inside the data.
    led
        Whether works have a leading country; empty under the attribution ``any``.

    Returns
    -------
    pa.Table
        ``indicators``: one row per last year, length of the window, country and counting.
    """
    if not sums.num_rows:
        return SCHEMA.empty_table()
    years = np.asarray(sums["year"].to_numpy(), np.int64)
    names, place = np.unique(sums["country"].to_pylist(), return_inverse=True)
    span = np.arange(years.min(), years.max() + 1)
    parts = []
    for counting in COUNTINGS:
        prefix = f"{counting}_"
        grid = {
            name.removeprefix(prefix): np.zeros((len(span), len(names)))
            for name in sums.column_names
            if name.startswith(prefix)
        }
        for name, cells in grid.items():
            cells[years - span[0], place] = sums[prefix + name].to_numpy()
        for length in (1, window):
            if length <= len(span):
                moved = {name: _moving(cells, length) for name, cells in grid.items()}
                parts.append(_rows(moved, span[length - 1 :], length, names, counting, led))
    order = [(name, "ascending") for name in ("year", "years", "country", "counting")]
    return pa.concat_tables(parts).sort_by(order)


def _moving(cells: Floats, length: int) -> Floats:
    """Sums over `length` years in a row, (years - length + 1, countries)."""
    return np.asarray(np.lib.stride_tricks.sliding_window_view(cells, length, axis=0).sum(axis=-1))


def _rows(
    sums: dict[str, Floats],
    years: NDArray[np.int64],
    length: int,
    names: NDArray[np.str_],
    counting: str,
    led: bool,
) -> pa.Table:
    year, country = np.nonzero(sums["w"] > 0)
    at = {name: cells[year, country] for name, cells in sums.items()}
    weight, squares = at["w"], at["w2"]
    shares = {"domestic_share": _share(at["d"], weight, at["d2"], squares)}
    shares["international_share"] = shares["domestic_share"].complement
    shares["led_share"] = _share(at["l"], weight, at["l2"], squares)
    known = at["k"]
    for percent in TOPS:
        shares[f"top{percent}_share"] = _share(at[f"top{percent}"], known, None, at["k2"])
    if not led:
        blank = np.full(len(year), np.nan)
        shares["led_share"] = Estimates(blank, blank, blank)
    shares["mncs"] = _mean(at["n"], known, at["n2"], at["nn"], at["k2"])
    columns = {
        "year": pa.array(years[year], pa.int16()),
        "years": pa.array(np.full(len(year), length), pa.int16()),
        "country": pa.array(names[country], pa.string()),
        "counting": pa.repeat(counting, len(year)),
        "papers": pa.array(weight),
        "papers_scored": pa.array(known),
    }
    for name, found in shares.items():
        columns[name] = pa.array(found.value, from_pandas=True)
        columns[f"{name}_low"] = pa.array(found.low, from_pandas=True)
        columns[f"{name}_high"] = pa.array(found.high, from_pandas=True)
    return pa.table(columns).select(SCHEMA.names).cast(SCHEMA)


@dataclass(frozen=True)
class Estimates:
    """Estimates with 95 % intervals, arrays (n,); NaN where there is none."""

    value: Floats
    low: Floats
    high: Floats

    @property
    def complement(self) -> Estimates:
        """The shares that are left."""
        return Estimates(1 - self.value, 1 - self.high, 1 - self.low)


def _share(part: Floats, weight: Floats, part_squares: Floats | None, squares: Floats) -> Estimates:
    """Share with Wilson's interval at as many works as have its variance.

    Without `part_squares` weights are taken to be the same on both sides of the share.
    """
    share = _over(part, weight)
    units = _over(weight * weight, squares)
    if part_squares is not None:
        inside = (1 - share) ** 2 * part_squares + share**2 * (squares - part_squares)
        variance = _over(inside, weight * weight)
        some = (share > 0) & (share < 1) & (variance > 0)
        units = np.where(some, _over(share * (1 - share), variance), units)
    share = np.clip(share, 0.0, 1.0)
    return Estimates(share, *wilson_intervals(share, units))


def _mean(
    total: Floats, weight: Floats, crossed: Floats, squared: Floats, squares: Floats
) -> Estimates:
    """Weighted mean with the interval of Student's t at its effective number of works."""
    mean, units = _over(total, weight), _over(weight * weight, squares)
    residual = np.maximum(squared - 2 * mean * crossed + mean**2 * squares, 0.0)
    few = ~(units >= FEWEST - 1e-9)
    safe = np.where(few, FEWEST, units)
    error = np.sqrt(_over(residual, weight * weight) * safe / (safe - 1))
    reach = stdtrit(safe - 1, 0.975) * error
    low = np.where(few, np.nan, np.maximum(mean - reach, 0.0))
    return Estimates(mean, low, np.where(few, np.nan, mean + reach))


def _over(a: Floats, b: Floats) -> Floats:
    return np.divide(a, b, out=np.full_like(a, np.nan), where=b > 0)
