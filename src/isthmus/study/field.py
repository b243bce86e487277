"""Sections on what a study is about: works, countries, corrections."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

import msgspec

from isthmus.errors import StudyError
from isthmus.study.sections import (
    Rule,
    Section,
    country_codes,
)

Attribution = Literal["last_author", "first_author", "corresponding", "any"]
Counting = Literal["whole", "fractional"]

#: Years a work can plausibly carry, in studies, sources, edges and worlds: printing with movable
#: type starts the one end; the other leaves room for books announced long ahead.
EARLIEST_YEAR, LATEST_YEAR = 1450, 2050


class About(Section, frozen=True):
    """``[study]``: what is studied, on which corpus, in which years.

    Attributes
    ----------
    corpus
        Folder of the corpus, relative to the study file.
    years
        First and last year reported: publication years of works, citing years of
        citations.
    title
        What pages and tables are headed with.
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
    subfields, fields, topics
        OpenAlex ids of subfields (like 1702), fields (17) or topics (T10028) of the field.
    concepts
        OpenAlex ids of concepts, or tables with an id and the least score a work must have.
    mag_fos, venues
        Ids of fields of study of Microsoft Academic Graph, and of venues.
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

    Attributes
    ----------
    poles
        Countries whose leads, moves and ties are looked at most closely.
    attribution
        Whose countries a paper counts for: those of its ``last_author``, ``first_author``,
        ``corresponding`` authors, or ``any`` author.
    merge
        Countries folded into another before anything is counted, as in
        ``{ CN = ["HK", "MO"] }``.
    blocs
        Groups of countries, reported beside the countries; they change no country's
        numbers.
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
            *country_codes("countries.merge", [*self.merge, *members]),
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

    def named_places(self) -> list[tuple[str, str]]:
        """Return the poles and the members of blocs."""
        members = [code for group in self.blocs.values() for code in group]
        return [
            *(("countries.poles", code) for code in self.poles),
            *(("countries.blocs", code) for code in members),
        ]


class Corrections(Section, frozen=True):
    """``[corrections]``: files beside the study that set the corpus right, and are counted.

    Attributes
    ----------
    affiliations
        A CSV file with the columns ``institution`` (id) and ``country``: affiliations
        with that institution take that country, whatever the corpus says.
    exclude_works
        A file of work ids, one a line, that are left out altogether, as citing and as
        cited works too.
    """

    section: ClassVar[str] = "corrections"

    affiliations: str | None = None
    exclude_works: str | None = None


def entity_id(value: int | str) -> int:
    """Return the number behind an id written as a number, ``C154945302`` or an address.

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
