"""What a report reads: result tables that may or may not be there, and the run's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.corpus.manifest import LAST_YEAR
from isthmus.findings import decide, findings_table
from isthmus.results import TABLES, Results
from isthmus.selection.wording import StudyWords, country_name, in_sentence, know_places
from isthmus.study.sections import AFFINITY

#: Significant digits of the numbers a page shows; the tables beside it hold all of them.
DIGITS = 6

#: Significant digits where a page shows many numbers that carry no more.
FEW_DIGITS = 3

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Source:
    """Result tables and settings as the report reads them."""

    results: Results

    def __post_init__(self) -> None:
        know_places(self.results)

    def has(self, name: str) -> bool:
        """Whether the results hold the table, with at least one row."""
        if name == "findings":
            return True
        return bool(self.results.record["tables"].get(name))

    def table(self, name: str) -> pa.Table | None:
        """Read a table; None when these results have none, or an empty one."""
        if not self.has(name):
            return None
        kept: dict[str, pa.Table] = self.__dict__.setdefault("_tables", {})
        if name not in kept:
            kept[name] = self._findings() if name == "findings" else self.results.table(name)
        return kept[name]

    def _findings(self) -> pa.Table:
        return findings_table(decide(self.results))

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Every setting of the study."""
        found: Mapping[str, Any] = self.results.record["settings"]
        return found

    def note(self, name: str) -> Any:
        """Return what a step noted under a name; None when none did."""
        for step in self.results.record["steps"].values():
            if name in step.get("notes", {}):
                return step["notes"][name]
        return None

    def missing(self, name: str) -> str:
        """Say why a table has no row to show, and what makes it where it is not there."""
        if name not in self.results.record["tables"]:
            return (
                f"These results hold no table `{name}`. The step that makes it is "
                f"{self._maker(name)}; `isthmus run STUDY.toml --to OTHER` takes it."
            )
        return f"`{name}` is empty: these data hold nothing for it. {self._why(name)}".strip()

    def nothing_drawn(self, name: str) -> str:
        """Say that a table has rows, but none that a figure could show."""
        return f"`{name}` of these results has no row to draw. {self._why(name)}".strip()

    def _why(self, name: str) -> str:
        return self.why_no_poles if self._maker(name) == "poles" else ""

    @staticmethod
    def _maker(name: str) -> str:
        return TABLES[name].maker if name in TABLES else "unknown"

    @property
    def comparisons(self) -> Mapping[str, Mapping[str, Any]]:
        """Tables of others that the study names, by name."""
        found: Mapping[str, Mapping[str, Any]] = self.settings.get("comparisons", {})
        return found

    @property
    def source_end(self) -> str:
        """Say until when the corpus's source goes; empty where it goes on."""
        year = self.note("source_end")
        if year is None:
            return ""
        text = "The works come from Microsoft Academic Graph, which ended in 2021"
        text += f"; this dump ends in {year}" if year < LAST_YEAR else ""
        text += f". {year} is incomplete and later years are not covered"
        first, last = self.years
        if last > year:
            beyond = str(last) if last == year + 1 else f"{max(first, year + 1)} to {last}"
            text += f": of this study {beyond}"
        return f"{text}."

    @property
    def references_unknown(self) -> str:
        """Say in which years references are absent or break off; empty where in none."""
        years = self.note("references_unknown")
        if not years:
            return ""
        window = self.settings["impact"]["window"]
        text = f"References are absent or break off in {listed_years(years)}: citations over "
        text += f"these years, c_{window}, hits, novelty and disruption that need them are unknown"
        text += " and left empty, and the citation network leaves these years out."
        end = self.note("corpus_end_suggested")
        if end is not None:
            text += f" If the corpus ends there for you, set `corpus_end = {end}` under [impact]."
        return text

    @property
    def title(self) -> str:
        """Title of the study."""
        return str(self.results.record["title"])

    @cached_property
    def words(self) -> StudyWords:
        """Names of the poles, the field and the years for sentences."""
        return StudyWords.of_record(self.results.record)

    @property
    def warnings(self) -> list[str]:
        """Sentences the run said before it began, as on poles that are not in the data."""
        return list(self.note("warnings") or [])

    @cached_property
    def poles_left_out(self) -> dict[str, str]:
        """Poles that the panel of countries leaves out, with the reason."""
        table = self.table("panel")
        rows = table.to_pylist() if table is not None else []
        return {
            row["source"]: row["reason"] or "no reason is recorded"
            for row in rows
            if row["kind"] == "country" and row["source"] in self.poles and not row["enters"]
        }

    @property
    def why_no_poles(self) -> str:
        """Say which poles are in no number of the pole analysis, and why; empty where all are."""
        left_out = self.poles_left_out.items()
        said = [f"{in_sentence(pole)} ({reason})" for pole, reason in left_out]
        return f"Not in the panel of countries: {'; '.join(said)}." if said else ""

    @property
    def years(self) -> tuple[int, int]:
        """First and last year of the study."""
        first, last = self.settings["study"]["years"]
        return first, last

    @property
    def poles(self) -> list[str]:
        """Codes of the study's poles."""
        return list(self.settings["countries"]["poles"])

    @property
    def papers(self) -> str:
        """Name of the column that counts papers under the study's attribution."""
        return f"papers_{self.settings['countries']['attribution']}"

    @property
    def impact(self) -> str:
        """Prefix of the impact columns, ``c2`` for a window of two years."""
        return f"c{self.settings['impact']['window']}"

    @property
    def headline_null(self) -> str:
        """The null model whose numbers stand first."""
        return str(self.settings["poles"]["null_models"][0])

    @property
    def headline_model(self) -> str:
        """What ties are measured by first: ``none`` stands for affinities."""
        poles = self.settings["poles"]
        return AFFINITY if poles["quantity"] == "affinity" else self.headline_null

    @cached_property
    def names(self) -> dict[str, str]:
        """English names of the countries that occur, and of the study's blocs."""
        found: set[str] = set(self.poles)
        for table, columns in _COUNTRY_COLUMNS.items():
            read = self.table(table)
            for column in columns:
                if read is not None and column in read.column_names:
                    found |= {c for c in pc.unique(read[column]).to_pylist() if c}
        found -= {"all"}
        return {code: country_name(code) for code in sorted(found)}


#: Sources of a corpus -> their names.
SOURCES = {"openalex": "OpenAlex", "mag": "Microsoft Academic Graph"}


def source_name(source: Source) -> str:
    """Return the name of what the data come from."""
    found = source.results.record.get("corpus", {}).get("source", "a table of links")
    return SOURCES.get(found, str(found))


#: Tables in which the countries of a study occur, and the columns that name them.
_COUNTRY_COLUMNS = {
    "country_year": ("country",),
    "bloc_year": ("country",),
    "collaboration": ("source", "target"),
    "citation": ("source", "target"),
    "links": ("source", "target"),
    "flows": ("origin", "destination"),
    "alignment": ("country",),
    "coverage": ("country",),
    "comparison": ("country",),
}


def columns(table: pa.Table, names: Sequence[str] | None = None, digits: int = DIGITS) -> Columns:
    """Return columns as lists of plain values, floats rounded to `digits`.

    Names that the table lacks are left out.
    """
    wanted = [n for n in (names or table.column_names) if n in table.column_names]
    return {name: plain(table[name], digits) for name in wanted}


def plain(column: pa.ChunkedArray, digits: int = DIGITS) -> list[Any]:
    """Return a column as a list; NaN and infinity become None, floats lose what is not shown.

    Whole numbers are written without a point: they are shorter.
    """
    if not pa.types.is_floating(column.type):
        found: list[Any] = column.to_pylist()
        return found
    values = rounded(column.to_numpy(zero_copy_only=False).astype(np.float64), digits).tolist()
    return [None if v != v else int(v) if v.is_integer() else v for v in values]


def rounded(
    values: np.ndarray[Any, np.dtype[np.float64]], digits: int = DIGITS
) -> np.ndarray[Any, Any]:
    """Round to so many significant digits; what is not finite becomes NaN.

    Examples
    --------
    >>> rounded(np.array([123456789.0, 0.000123456789, 0.0])).tolist()
    [123457000.0, 0.000123457, 0.0]
    """
    finite = np.where(np.isfinite(values), values, np.nan)
    size = np.abs(np.where((finite == 0) | np.isnan(finite), 1.0, finite))
    places = digits - 1 - np.floor(np.log10(size)).astype(np.int64)
    up = np.power(10.0, np.clip(places, 0, 300))
    down = np.power(10.0, np.clip(-places, 0, 300))
    return np.asarray(np.round(finite / down * up) / up * down)


def where(table: pa.Table, **values: Any) -> pa.Table:
    """Keep the rows whose columns have the given values."""
    for name, value in values.items():
        table = table.filter(pc.equal(table[name], pa.scalar(value, table[name].type)))
    return table


def listed_years(years: Sequence[int]) -> str:
    """List years with runs shortened, such as ``1990, 2017-2019``.

    Examples
    --------
    >>> listed_years([1990, 2017, 2018, 2019])
    '1990, 2017-2019'
    """
    runs: list[list[int]] = []
    for year in sorted(years):
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)
