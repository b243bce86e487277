"""Sections on what is counted and compared: impact, novelty, scientists, movers, teams."""

from __future__ import annotations

from typing import ClassVar, Literal

from isthmus.study.sections import (
    Rule,
    Section,
    country_pairs,
    ends,
)


class Impact(Section, frozen=True):
    """``[impact]``: citations within a window, and hits.

    Attributes
    ----------
    window
        The ``k`` of ``c_k``, which counts citing works published in calendar years
        ``y..y+k`` for a paper of year ``y`` (2 in AlShebli et al.).
    hit_percent
        Share of a year's papers called hits (1 in AlShebli et al.).
    corpus_end
        Last year whose citations count, by default the newest year of the corpus. ``c_k``
        is undefined where ``y + k`` lies after it, and where references of one of these
        years are absent or break off (`coverage` says which; a year set here overrides all
        but years with next to no reference).
    exclude_self_citations
        Whether citations are left out whose citing and cited work share an author.
    exclude_citing_countries
        Countries whose citations are left out.
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
        ]

    def named_places(self) -> list[tuple[str, str]]:
        """Return the excluded countries."""
        return [("impact.exclude_citing_countries", code) for code in self.exclude_citing_countries]


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

    Attributes
    ----------
    min_works
        Works a scientist has at least in the study's years (3 in AlShebli et al.).
    min_share
        Share of a scientist's works that lie in the field; it must be exceeded (the majority
        in AlShebli et al.).
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
        Which country a year belongs to: ``majority``, that of most of its affiliations, or
        ``tenure``, the previous one while it is still among them. Under ``tenure`` the
        previous year's country holds the year as long as it is among the year's affiliations
        at all, so that overlapping double affiliations delay a move.
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
        In the tenure view, years after which a country that is not the most frequent no longer
        holds the author, and years without a country that are filled. An honorary chair is not
        a residence. Up to `backfill_years` years without a country between two with it count
        as with it: papers appear late.
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

    def named_places(self) -> list[tuple[str, str]]:
        """Return the ends of the pairs."""
        return ends("mobility.pairs", self.pairs)


class Bounds(Section, frozen=True):
    """``[bounds]``: headline numbers under missing affiliations and missing references.

    Attributes
    ----------
    enabled
        Whether the tables ``bounds`` and ``reference_bounds`` are made.
    nearest_years
        How many years away an author's own papers may be that say where an author without an
        affiliation was. 3: in a simulated corpus with a third of affiliations missing, 94 % of
        last authors without one have a paper as near; in the same year 69 %, within six 96 %.
    least_known
        Fewest works with a country (with references) for which works of one year, venue and
        type are weighted by themselves. 5.
    """

    section: ClassVar[str] = "bounds"

    enabled: bool = True
    nearest_years: int = 3
    least_known: int = 5

    def rules(self) -> list[Rule]:
        """Return the rules on neighbouring years and cells."""
        return self.at_least({"nearest_years": 0, "least_known": 1})


class Cohorts(Section, frozen=True):
    """``[cohorts]``: who stays in the country of their first papers.

    Attributes
    ----------
    enabled
        Whether the table ``cohorts`` is made.
    years
        Years after the first papers that a cohort is followed.
    min_authors
        Smallest cohort, and smallest group of authors, that gets a row.
    top_percent
        Share of each year's new authors, by mean citations of their first papers, that are
        the upper tier of impact.
    """

    section: ClassVar[str] = "cohorts"

    enabled: bool = True
    years: int = 10
    min_authors: int = 20
    top_percent: float = 25.0

    def rules(self) -> list[Rule]:
        """Return the rules on cohorts."""
        top = self.top_percent
        return [
            *self.at_least({"years": 1, "min_authors": 1}),
            (0 < top < 100, "cohorts.top_percent", top, "above 0 and below 100"),
        ]


class Groups(Section, frozen=True):
    """``[groups]``: authors in groups of the user's own, such as origin or gender.

    Groups are shown as aggregates of at least ``cohorts.min_authors`` authors.

    Attributes
    ----------
    file
        CSV file with a header, or Parquet file, relative to the study file; not set: no groups.
    author
        Column of authors: the OpenAlex id (``A5023888391``) or its number.
    group
        Column of groups. An author may be in several.
    probability
        Column of probabilities, which add up to 1 at most for an author.
    draws
        Draws of who is in a group, behind the error of membership.
    """

    section: ClassVar[str] = "groups"

    file: str | None = None
    author: str = "author_id"
    group: str = "group"
    probability: str = "probability"
    draws: int = 20

    def rules(self) -> list[Rule]:
        """Return the rules on the columns and on draws of who is in a group."""
        columns = [self.author, self.group, self.probability]
        differ = len(set(columns)) == len(columns)
        return [
            (differ, "groups", columns, "three different columns"),
            *self.at_least({"draws": 2}),
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
        Citations that are compared: ``c_k``, those within ``impact.window``, from the
        references in the corpus, or ``cited_by_count``, all that the source states for a
        paper. The latter is for corpora without references. Papers match on the exact year, so
        that ages are equal; papers whose count is unknown are left out, and where citations
        came from is not known.
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

    def named_places(self) -> list[tuple[str, str]]:
        """Return the ends of the pairs."""
        return ends("teaming.pairs", self.pairs)


def _rising(key: str, cuts: tuple[int, ...]) -> Rule:
    return cuts == tuple(sorted(set(cuts))), key, list(cuts), "numbers in rising order"
