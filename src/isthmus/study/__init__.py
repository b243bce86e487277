"""The study a user writes in TOML: read, checked, and refused with a reason.

Every threshold, window and rule that changes a result is a key here, with the
default it takes when the study says nothing. Unknown keys and impossible values
are refused with the key, what was found and what is allowed.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from isthmus.errors import StudyError
from isthmus.study.sections import (
    Poles,
    Rule,
    Section,
    country_codes,
    country_pairs,
    misfit,
)

Attribution = Literal["last_author", "first_author", "corresponding", "any"]
Counting = Literal["whole", "fractional"]
EngineName = Literal["duckdb", "spark"]

#: Years a work can plausibly carry; a study outside them is a slip of the pen.
EARLIEST_YEAR, LATEST_YEAR = 1600, 2100


class About(Section, frozen=True):
    """``[study]``: what is studied, on which corpus, in which years.

    `years` are the first and the last year reported: publication years of
    works, citing years of citations. `corpus` is relative to the study file.
    """

    section: ClassVar[str] = "study"

    corpus: str
    years: tuple[int, int]
    title: str = "Untitled study"

    def rules(self) -> list[Rule]:
        """Return the rule on years."""
        first, last = self.years
        allowed = f"a first and a last year, in order, between {EARLIEST_YEAR} and {LATEST_YEAR}"
        kept = EARLIEST_YEAR <= first <= last <= LATEST_YEAR
        return [(kept, "study.years", [first, last], allowed)]


class Concept(Section, frozen=True):
    """A concept with the least score a work must have to count as labelled with it."""

    section: ClassVar[str] = "field.concepts"

    id: int | str
    min_score: float = 0.0

    def rules(self) -> list[Rule]:
        """Refuse what is no identifier."""
        entity_id(self.id)
        return []


#: What `field.exclude` may name: kinds of records that are left out of a study altogether.
EXCLUDABLE = ("retracted", "paratext", "xpac")

#: What `field.core` asks of the type, language and venue of a work.
CORE_TYPES, CORE_LANGUAGE = ("article", "review", "book-chapter"), "en"
CORE_VENUES = ("journal", "book series")


class Field(Section, frozen=True):
    """``[field]``: which works are in the field, and which records count at all.

    The field is the union of what is named by subject, venue or id; nothing named
    means the whole corpus. Publication rules then leave works out; how many each rule
    leaves is the table ``funnel``.

    Attributes
    ----------
    works
        A file of work ids, one a line, relative to the study file.
    include_citing
        Whether works outside the field that cite it enter the citing side of the
        citation table.
    types, languages
        Only works of these types (``article``, ``preprint``, ...) or languages
        (``en``, ...) are in the field; none named means all. A work whose type or
        language is not known is then out, as the OpenAlex API has it.
    exclude
        Records left out of the study altogether, also as citing works: ``retracted``
        works, ``paratext`` (covers, indexes), and ``xpac`` (the expansion of November
        2025: data sets and repository items). Where a record does not say, it stays.
    core
        The publication rules of the Leiden Ranking's open edition (2024), as far as
        records tell: articles, reviews and book chapters; in a journal or book series;
        in English; not retracted; with authors, a country of affiliation, and
        references. Its list of core journals is not public in the records and is
        not checked.
    """

    section: ClassVar[str] = "field"

    subfields: tuple[int | str, ...] = ()
    fields: tuple[int | str, ...] = ()
    topics: tuple[int | str, ...] = ()
    concepts: tuple[int | str | Concept, ...] = ()
    mag_fos: tuple[int | str, ...] = ()
    venues: tuple[int | str, ...] = ()
    works: str | None = None
    include_citing: bool = True
    types: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    exclude: tuple[str, ...] = EXCLUDABLE
    core: bool = False

    def rules(self) -> list[Rule]:
        """Return the rules on publication types and languages; refuse what is no identifier."""
        concepts = [one for one in self.concepts if not isinstance(one, Concept)]
        named = (self.subfields, self.fields, self.topics, self.mag_fos, self.venues, concepts)
        for value in (value for values in named for value in values):
            entity_id(value)
        kind, kinds = "[a-z]+(-[a-z]+)*", "a type as OpenAlex writes it, like book-chapter"
        code, codes = "[a-z]{2,3}(-[a-z]+)?", "an ISO 639 code in small letters, like en"
        excludable = f"among {', '.join(EXCLUDABLE)}"
        return [
            *((name in EXCLUDABLE, "field.exclude", name, excludable) for name in self.exclude),
            *((bool(re.fullmatch(kind, n)), "field.types", n, kinds) for n in self.types),
            *((bool(re.fullmatch(code, n)), "field.languages", n, codes) for n in self.languages),
        ]

    @property
    def is_everything(self) -> bool:
        """Whether nothing is named, so that the field is the whole corpus."""
        named = (self.subfields, self.fields, self.topics, self.concepts, self.mag_fos, self.venues)
        return not any(named) and self.works is None


class Countries(Section, frozen=True):
    """``[countries]``: the poles, the rule that gives a paper its country, and groupings.

    `merge` folds countries into another before anything is counted. `blocs` are
    reported beside the countries and change no country's numbers.
    """

    section: ClassVar[str] = "countries"

    poles: tuple[str, ...] = ("US", "CN")
    attribution: Attribution = "last_author"
    merge: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    blocs: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)

    def rules(self) -> list[Rule]:
        """Return the rules on codes of countries and on groups of them."""
        members = [code for group in self.merge.values() for code in group]
        once = len(set(members)) == len(members) and not set(members) & set(self.merge)
        poles, key = list(self.poles), "countries.poles"
        allowed = "a grouping in which each country is folded into one other at most"
        merged = {name: list(group) for name, group in self.merge.items()}
        return [
            *country_codes(key, poles),
            *country_codes("countries.merge", [*self.merge, *members]),
            *country_codes("countries.blocs", (c for group in self.blocs.values() for c in group)),
            (bool(poles), key, [], "at least one country"),
            (len(set(poles)) == len(poles), key, poles, "different countries"),
            (once, "countries.merge", merged, allowed),
            (
                not set(members) & set(poles),
                key,
                poles,
                "countries that are not folded into another by `merge`",
            ),
            *(
                (len(name) > 2, "countries.blocs", name, "named with three letters or more")
                for name in self.blocs
            ),
        ]


class Corrections(Section, frozen=True):
    """``[corrections]``: files beside the study that set the corpus right, and are counted.

    `affiliations` is a CSV file with the columns ``institution`` (id) and
    ``country``: affiliations with that institution take that country, whatever
    the corpus says. `exclude_works` is a file of work ids, one a line, that are
    left out altogether, as citing and as cited works too.
    """

    section: ClassVar[str] = "corrections"

    affiliations: str | None = None
    exclude_works: str | None = None


class Impact(Section, frozen=True):
    """``[impact]``: citations within a window, and hits.

    ``c_k`` counts citing works published in calendar years ``y..y+k`` for a
    paper of year ``y``, with `window` as ``k`` (2 in AlShebli et al.). It is
    undefined where ``y + k`` lies after `corpus_end`, by default the newest
    year of the corpus, and where references of one of these years are absent or
    break off (`coverage` says which; a `corpus_end` set here overrides all but
    years with next to no reference). `hit_percent` is the share of a year's papers called
    hits (1 in AlShebli et al.).
    """

    section: ClassVar[str] = "impact"

    window: int = 2
    hit_percent: float = 1.0
    corpus_end: int | None = None
    exclude_self_citations: bool = False
    exclude_citing_countries: tuple[str, ...] = ()

    def rules(self) -> list[Rule]:
        """Return the rules on windows, hits and excluded countries."""
        window, hits = self.window, self.hit_percent
        return [
            (0 <= window <= 50, "impact.window", window, "0 to 50 years"),
            (0 < hits <= 100, "impact.hit_percent", hits, "above 0 and at most 100"),
            *country_codes("impact.exclude_citing_countries", self.exclude_citing_countries),
        ]


class Novelty(Section, frozen=True):
    """``[novelty]``: how unusual the venues are that a work cites together.

    Attributes
    ----------
    percentile
        Which percentile of a work's venue pairs' z is its novelty (10 in Uzzi et al.).
    hit_percent
        Share of a year's scored works, the lowest, called novelty hits (1 in AlShebli et al.).
    min_references
        Usable references a work needs for a score: two make the first pair.
    max_references
        Works with more usable references are left out of the null, get no score and are
        counted, as pairs grow with the square of a list: one list of 2,000 holds as many
        as 6,600 lists of 25. 0 keeps every list.
    merge_issn_l
        Whether ids of venues that share an ISSN-L are one venue.
    """

    section: ClassVar[str] = "novelty"

    percentile: float = 10.0
    hit_percent: float = 1.0
    min_references: int = 2
    max_references: int = 2000
    merge_issn_l: bool = True

    def rules(self) -> list[Rule]:
        """Return the rules on scores of novelty."""
        percent, hits, longest = self.percentile, self.hit_percent, self.max_references
        least = self.min_references
        return [
            (0 <= percent <= 100, "novelty.percentile", percent, "0 to 100"),
            (0 < hits <= 100, "novelty.hit_percent", hits, "above 0 and at most 100"),
            (least >= 2, "novelty.min_references", least, "2 or more: two references make a pair"),
            (
                longest == 0 or longest >= least,
                "novelty.max_references",
                longest,
                "0 (every list is kept) or at least `min_references`",
            ),
        ]


class Scientists(Section, frozen=True):
    """``[scientists]``: who counts as a scientist of the field.

    At least `min_works` works in the study's years, more than `min_share` of
    them in the field (AlShebli et al.: at least three papers, the majority AI).
    """

    section: ClassVar[str] = "scientists"

    min_works: int = 3
    min_share: float = 0.5

    def rules(self) -> list[Rule]:
        """Return the rules on who is a scientist."""
        works, share = self.min_works, self.min_share
        return [
            (works >= 1, "scientists.min_works", works, "at least 1"),
            (0 <= share < 1, "scientists.min_share", share, "at least 0 and below 1"),
        ]


class Mobility(Section, frozen=True):
    """``[mobility]``: when a scientist has moved to another country.

    Attributes
    ----------
    view
        ``majority``: a year belongs to the country of most of its affiliations.
        ``tenure``: the previous year's country holds the year as long as it is
        among the year's affiliations at all, so that overlapping double
        affiliations delay a move.
    ties
        Where the most frequent countries tie and the previous year's is not among
        them: the country of the ``later_paper``, or the year is ``shared`` and so
        neither origin nor destination.
    max_gap_years
        Most years between the last year in the origin and the first in the
        destination; any number when not given, as AlShebli et al. state none.
    min_stay_years
        A stay shorter than this is a visit and is passed over (1: every stay counts).
    max_overlap_years, backfill_years
        Tenure view only. A country that has not been the most frequent for more
        than `max_overlap_years` no longer holds the author: an honorary chair is
        not a residence. Up to `backfill_years` years without a country between
        two with it count as with it: papers appear late.
    orcid_only
        Only authors with an ORCID in the corpus's author entities.
    max_countries
        Authors with more countries than this in any year are set aside: nobody
        works in five countries in a year, while merged profiles of common names do.
    first_move_only
        Count the first move of each author only.
    pairs
        Pairs [origin, destination] whose movers are compared with those who stayed,
        beyond every pair of the study's poles.
    output_cuts, citation_cuts
        Where papers in the year and citations so far are cut for that comparison;
        intervals are closed on the right. They widen as the distributions thin out.
    draws
        Draws of the bootstrap over strata.
    """

    section: ClassVar[str] = "mobility"

    view: Literal["majority", "tenure"] = "majority"
    ties: Literal["later_paper", "shared"] = "later_paper"
    max_gap_years: int | None = None
    min_stay_years: int = 1
    max_overlap_years: int = 2
    backfill_years: int = 1
    orcid_only: bool = False
    max_countries: int = 4
    first_move_only: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    output_cuts: tuple[int, ...] = (1, 2, 4, 8)
    citation_cuts: tuple[int, ...] = (0, 3, 10, 30, 100)
    draws: int = 1000

    def rules(self) -> list[Rule]:
        """Return the rules on moves."""
        gap = self.max_gap_years
        least = {"min_stay_years": 1, "max_overlap_years": 0, "backfill_years": 0}
        least |= {"max_countries": 1, "draws": 1}
        return [
            *self.at_least(least),
            (gap is None or gap >= 1, "mobility.max_gap_years", gap, "1 or more"),
            _rising("mobility.output_cuts", self.output_cuts),
            _rising("mobility.citation_cuts", self.citation_cuts),
            *country_pairs("mobility.pairs", self.pairs),
        ]


class Teaming(Section, frozen=True):
    """``[teaming]``: how joint papers are matched, and which pairs they are held against.

    Attributes
    ----------
    pairs
        Pairs [leading country, partner] beyond every ordered pair of the study's poles.
    team_cuts
        Where team size is cut for matching; intervals are closed on the right. One by one
        up to six authors, wider where papers thin out; year and institution match exactly.
    draws
        Draws of the bootstrap over institutions.
    top_institutions
        How many of the most cited institutions count as top (100 in AlShebli et al.).
    placebo_min_papers, placebo_pairs
        Joint papers a pair outside the poles must have to be a placebo, and how many pairs
        at most, those with most papers first. Under thirty papers a mean says nothing.
    placebo_hours
        How many hours a placebo's time difference may be from that of the poles, where
        institutions are located.
    outcome
        ``c_k``: citations within ``impact.window``, from the references in the corpus.
        ``cited_by_count``: all citations the source states for a paper, for corpora without
        references. Papers match on the exact year, so that ages are equal; papers whose
        count is unknown are left out, and where citations came from is not known.
    papers_in_memory
        Papers of a leading country up to which they are read into memory (about 100 bytes
        each). Of more, the engine groups those alike and only the groups are read; counts,
        means, effects and intervals are the same, medians and regressions are left out.
    """

    section: ClassVar[str] = "teaming"

    pairs: tuple[tuple[str, str], ...] = ()
    outcome: Literal["c_k", "cited_by_count"] = "c_k"
    team_cuts: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8, 12)
    draws: int = 1000
    top_institutions: int = 100
    placebo_min_papers: int = 30
    placebo_pairs: int = 50
    placebo_hours: float = 3.0
    papers_in_memory: int = 5_000_000

    def rules(self) -> list[Rule]:
        """Return the rules on matched papers."""
        least = {"draws": 1, "top_institutions": 1, "placebo_min_papers": 1, "placebo_pairs": 0}
        least |= {"placebo_hours": 0, "papers_in_memory": 0}
        return [
            *self.at_least(least),
            _rising("teaming.team_cuts", self.team_cuts),
            *country_pairs("teaming.pairs", self.pairs),
        ]


class Findings(Section, frozen=True):
    """``[findings]``: when a claim is supported.

    Attributes
    ----------
    error_rate
        False discoveries among the claims a study can test.
    min_clusters
        Effective number of clusters (institutions, matched groups) that each side of a
        comparison needs for an interval; with fewer its coverage falls far below 95 %.
    smallest_ratio, smallest_percent, smallest_change, smallest_points, smallest_index
        Smallest effects of interest: of a ratio of two totals, of a matched difference in per
        cent, of a yearly relative change (0.02 is 2 % a year), of a yearly change in
        percentage points, and of a yearly change of the polarisation index (which lies
        between -1 and 1). That of a tie is ``poles.smallest_change``.
    smallest
        Smallest effects of interest of single claims, by name.
    """

    section: ClassVar[str] = "findings"

    error_rate: float = 0.05
    min_clusters: float = 6.0
    smallest_ratio: float = 1.1
    smallest_percent: float = 5.0
    smallest_change: float = 0.02
    smallest_points: float = 1.0
    smallest_index: float = 0.001
    smallest: dict[str, float] = msgspec.field(default_factory=dict)

    def rules(self) -> list[Rule]:
        """Return the rules on error rates and smallest effects."""
        rate, ratio = self.error_rate, self.smallest_ratio
        positive = ("min_clusters", "smallest_percent", "smallest_change", "smallest_points")
        return [
            (0 < rate < 1, "findings.error_rate", rate, "above 0 and below 1"),
            (ratio > 1, "findings.smallest_ratio", ratio, "above 1"),
            *(
                (getattr(self, name) > 0, f"findings.{name}", getattr(self, name), "above 0")
                for name in (*positive, "smallest_index")
            ),
        ]


class Run(Section, frozen=True):
    """``[run]``: the seed, the engine and what it may use.

    `memory` and `spill` bound either engine; `threads` are DuckDB's and the kernels';
    `master` is Spark's master URL or the address of Spark Connect (``sc://host:15002``), by
    default all cores of this machine. `storage` is the address of a copy of the corpus that
    the engine reads instead, such as ``s3a://bucket/corpus``; Spark keeps shared tables there too.
    `pair_memory_mb` bounds the venue pairs that novelty holds at a time beside its
    references; beyond it they go to files in `spill`, by default in the results.
    `csv` writes the largest tables as CSV too, which are Parquet alone otherwise.
    """

    section: ClassVar[str] = "run"

    seed: int = 1
    engine: EngineName = "duckdb"
    memory: str | None = None
    threads: int | None = None
    spill: str | None = None
    pair_memory_mb: int = 1024
    master: str | None = None
    storage: str | None = None
    csv: bool = False

    def rules(self) -> list[Rule]:
        """Return the rules on the seed and on memory."""
        return self.at_least({"seed": 0, "pair_memory_mb": 1})


class OwnClaim(Section, frozen=True):
    """``[claims.NAME]``: a claim of the user's own, decided from a result table.

    It holds when in every row of `table` whose columns have the values in
    `where`, `column` lies above or below a number or equals a value. `low` and
    `high` name the columns of its interval, if the table has one.
    """

    section: ClassVar[str] = "claims.NAME"

    statement: str
    table: str
    column: str
    where: dict[str, int | str] = msgspec.field(default_factory=dict)
    above: float | None = None
    below: float | None = None
    equals: int | str | None = None
    low: str | None = None
    high: str | None = None

    def rules(self) -> list[Rule]:
        """Return the rule that a claim says what it compares with."""
        told = any(test is not None for test in (self.above, self.below, self.equals))
        return [(told, self.section, self.statement, "given `above`, `below` or `equals`")]


class Comparison(Section, frozen=True):
    """``[comparisons.NAME]``: counts of works by year and country that somebody else publishes.

    They are shown beside the study's own on the page on coverage, under this
    name (OECD, NCSES, CSET, ...). `file` is a CSV file with a header, relative to
    the study file; `year`, `country` and `value` name its columns. Countries are
    ISO 3166-1 alpha-2 or alpha-3 codes or English names. `where` keeps the rows
    whose columns have the given values. `counting` says how the file counts joint
    works, and so which of the study's counts stands beside it; it has no default,
    because the two differ most for the countries that cooperate most.
    """

    section: ClassVar[str] = "comparisons.NAME"

    file: str
    counting: Counting
    year: str = "year"
    country: str = "country"
    value: str = "value"
    where: dict[str, int | str] = msgspec.field(default_factory=dict)

    def rules(self) -> list[Rule]:
        """Return the rules on the file and its columns."""
        columns = [self.year, self.country, self.value]
        differ = len(set(columns)) == len(columns)
        return [
            (differ, self.section, columns, "three different columns"),
            (bool(self.file), f"{self.section}.file", self.file, "the name of a file"),
        ]


def _rising(key: str, cuts: tuple[int, ...]) -> Rule:
    return cuts == tuple(sorted(set(cuts))), key, list(cuts), "numbers in rising order"


#: Sections of entries that a user names, and what each entry is.
NAMED: dict[str, type[Section]] = {"claims": OwnClaim, "comparisons": Comparison}


class Study(Section, frozen=True):
    """A whole study: the sections of its file, with defaults filled in."""

    section: ClassVar[str] = ""

    study: About
    field: Field = Field()
    countries: Countries = Countries()
    corrections: Corrections = Corrections()
    impact: Impact = Impact()
    novelty: Novelty = Novelty()
    scientists: Scientists = Scientists()
    mobility: Mobility = Mobility()
    teaming: Teaming = Teaming()
    poles: Poles = Poles()
    findings: Findings = Findings()
    run: Run = Run()
    claims: dict[str, OwnClaim] = msgspec.field(default_factory=dict)
    comparisons: dict[str, Comparison] = msgspec.field(default_factory=dict)
    folder: Path = Path()

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """Read and check a study file.

        Raises
        ------
        StudyError
            The file is missing, is not TOML, or holds a key or value that is
            not allowed; the message says which, and what is.
        """
        path = Path(path)
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StudyError(
                f"There is no study file at {path}. `isthmus demo` writes one to start from."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise StudyError(f"Cannot read the study file {path}: {error}.") from None
        except tomllib.TOMLDecodeError as error:
            raise StudyError(f"{path} is not valid TOML: {error}.") from None
        return cls.parse(document, folder=path.parent)

    @classmethod
    def parse(cls, document: dict[str, Any], *, folder: Path | None = None) -> Study:
        """Check a study given as nested dictionaries, as ``tomllib`` reads them.

        Examples
        --------
        >>> Study.parse({"study": {"corpus": "c", "years": [2000, 2020]}}).impact.window
        2
        >>> Study.parse({"study": {"corpus": "c", "yaers": [2000, 2020]}})
        Traceback (most recent call last):
            ...
        isthmus.errors.StudyError: Unknown key `yaers` in [study]; did you mean `years`? \
Allowed: corpus, title, years.
        """
        _refuse_unknown(document)
        try:
            study = msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            raise misfit(error) from None
        return msgspec.structs.replace(study, folder=folder or Path())

    @property
    def years(self) -> tuple[int, int]:
        """First and last year of the study, both included."""
        return self.study.years

    def with_run(self, **settings: Any) -> Study:
        """Give the study with settings of ``[run]`` replaced; only `seed` changes numbers."""
        return msgspec.structs.replace(self, run=msgspec.structs.replace(self.run, **settings))

    def path(self, name: str) -> Path:
        """Resolve a path named in the study against the folder of its file."""
        return (self.folder / Path(name).expanduser()).resolve()

    def settings(self) -> dict[str, Any]:
        """Every setting with its value, as plain types, without folders of this machine."""
        names = [*_sections(), *NAMED]
        return {name: msgspec.to_builtins(getattr(self, name)) for name in names}

    def fingerprint(self) -> str:
        """Digest of all settings that can change a number.

        Where the work runs (engine, memory, threads, spill), the title and the
        user's own claims cannot.
        """
        plain = self.settings()
        plain.pop("claims")
        plain["run"] = {"seed": self.run.seed}
        plain["study"].pop("title")
        plain["study"].pop("corpus")
        if self.field.works is not None:
            plain["field"]["works"] = _content(self.path(self.field.works), "field.works")
        for key, name in plain["corrections"].items():
            if name is not None:
                plain["corrections"][key] = _content(self.path(name), f"corrections.{key}")
        for name, other in self.comparisons.items():
            read = _content(self.path(other.file), f"comparisons.{name}.file")
            plain["comparisons"][name]["file"] = read
        if not self.comparisons:
            del plain["comparisons"]
        return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


def entity_id(value: int | str) -> int:
    """Give the number behind an id written as a number, ``C154945302`` or an address.

    Examples
    --------
    >>> entity_id("https://openalex.org/C154945302"), entity_id(1702)
    (154945302, 1702)
    """
    if isinstance(value, int):
        return value
    match = re.fullmatch(r"(?:https?://\S*/)?[A-Za-z]?(\d{1,18})", value.strip())
    if match is None:
        raise StudyError(
            f"`{value}` is not an identifier. Write the number, the OpenAlex id "
            "(like C154945302) or its address."
        )
    return int(match[1])


def _content(path: Path, key: str) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise StudyError(f"There is no file at {path}, which the study names as `{key}`.") from None


def _sections() -> dict[str, type[msgspec.Struct]]:
    hints = {f.name: f.type for f in msgspec.structs.fields(Study)}
    return {
        name: kind
        for name, kind in hints.items()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    }


def _refuse_unknown(document: dict[str, Any]) -> None:
    sections = _sections()
    for name, content in document.items():
        if name in NAMED:
            _refuse_unknown_named(name, content)
            continue
        if name not in sections:
            raise StudyError(_unknown(name, "the study", [*sections, *NAMED]))
        if not isinstance(content, dict):
            raise StudyError(f"`{name}` must be a table: write [{name}] on a line of its own.")
        allowed = [f.name for f in msgspec.structs.fields(sections[name])]
        for key in content:
            if key not in allowed:
                raise StudyError(_unknown(key, f"[{name}]", allowed))


def _refuse_unknown_named(section: str, entries: Any) -> None:
    allowed = [f.name for f in msgspec.structs.fields(NAMED[section])]
    if not isinstance(entries, dict):
        raise StudyError(_without_name(section, section))
    for name, content in entries.items():
        if not isinstance(content, dict):
            raise StudyError(_without_name(f"{section}.{name}", section))
        for key in content:
            if key not in allowed:
                raise StudyError(_unknown(key, f"[{section}.{name}]", allowed))
        try:
            msgspec.convert(content, NAMED[section])
        except msgspec.ValidationError:
            continue  # the study as a whole says where it does not fit
        except StudyError as error:
            raise StudyError(str(error).replace(f"{section}.NAME", f"{section}.{name}")) from None


def _without_name(key: str, section: str) -> str:
    return (
        f"`{key}` must be a table with a name of your own: write [{section}.NAME] on a line of its "
        "own, and its keys below."
    )


def _unknown(key: str, where: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(key, allowed, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else "."
    return f"Unknown key `{key}` in {where}{hint} Allowed: {', '.join(sorted(allowed))}."
