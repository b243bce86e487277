"""The words in which a study is spoken of: its poles by name, its field, its years.

Reports, findings and the terminal take their names from here, so that a study of
fossils in Germany and India says so. The sentences of the papers on the US, China
and AI may stand beside them only where :attr:`StudyWords.is_original_study`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from isthmus.corpus.countries import countries
from isthmus.results import Results

#: Title of a study that gave itself none.
UNTITLED = "Untitled study"

#: Poles of the studies by AlShebli et al. and Gallo et al., in their order.
ORIGINAL_POLES = ("US", "CN")

#: Codes of countries that English names with an article.
_WITH_ARTICLE = frozenset(
    re.findall("..", "AEAXBQBSCCCFCKDOFKFOGBGMIMKMKYMHMPMVNLPHSBSCTCUMUSVGVI")
)

#: How the field of AI is named in a study file: OpenAlex subfield, and concepts (also fields
#: of study of MAG) artificial intelligence, machine learning, computer vision, natural
#: language processing, pattern recognition.
_AI_SUBFIELD = "1702"
_AI_CONCEPTS = frozenset({"154945302", "119857082", "31972630", "204321447", "153180895"})
_AI_TITLE = re.compile(r"\b(A\.?I\.?|(?i:artificial intelligence))(?!\w)")


@dataclass(frozen=True)
class StudyWords:
    """Names for the sentences about one study.

    Parameters
    ----------
    poles
        Codes of the poles, in the study's order.
    names
        Their English names, in the same order; a code that is no country is its own name.
    field
        Title of the study, "the field" where it has none.
    years
        First and last year.
    is_original_study
        Whether the poles are the US and China, in this order, and the field is AI.

    Examples
    --------
    >>> words = StudyWords.of({"countries": {"poles": ["DE", "NL"]}}, "Fossils")
    >>> words.first, words.second, words.the_poles, words.is_original_study
    ('Germany', 'the Netherlands', 'Germany and the Netherlands', False)
    """

    poles: tuple[str, ...]
    names: tuple[str, ...]
    field: str
    years: tuple[int, int]
    is_original_study: bool

    @classmethod
    def of(cls, settings: Mapping[str, Any], title: str) -> Self:
        """Take the words from a study's settings, as a results record holds them, and its title."""
        poles = tuple(settings.get("countries", {}).get("poles", ()))
        first, last = settings.get("study", {}).get("years", (0, 0))
        return cls(
            poles=poles,
            names=tuple(country_name(code) for code in poles),
            field="the field" if title in ("", UNTITLED) else title,
            years=(first, last),
            is_original_study=poles == ORIGINAL_POLES and _is_about_ai(settings, title),
        )

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """Take the words from the record of a run (``run.json``)."""
        return cls.of(record["settings"], str(record["title"]))

    @property
    def first(self) -> str:
        """The first pole as a sentence names it, with its article."""
        return in_sentence(self.poles[0]) if self.poles else "the first pole"

    @property
    def second(self) -> str:
        """The second pole as a sentence names it, with its article."""
        return in_sentence(self.poles[1]) if len(self.poles) > 1 else "the second pole"

    @property
    def the_poles(self) -> str:
        """All poles in a row, with their articles."""
        return listed(self.poles) if self.poles else "the poles"

    @property
    def span(self) -> str:
        """The years as a label: ``1998-2021``, one year alone as ``1998``."""
        first, last = self.years
        return str(first) if first == last else f"{first}-{last}"


@dataclass(frozen=True)
class Place:
    """A place that is no country: its name, and where it is (None where not known)."""

    name: str
    longitude: float | None
    latitude: float | None


#: Places that are no country, by code, of the results read so far.
_OTHER_PLACES: dict[str, Place] = {}


def know_places(results: Results) -> None:
    """Remember the institutions, cities and blocs that results count for, if they do.

    Codes are the same in all studies of one source, so a name holds beyond its results.
    """
    if results.record["tables"].get("places"):
        for row in results.table("places").to_pylist():
            place = Place(row["name"], row["longitude"], row["latitude"])
            _OTHER_PLACES[row["country"]] = place


def other_place(code: str) -> Place | None:
    """Return a place that is no country, None where no results that were read have it."""
    return _OTHER_PLACES.get(code)


def country_name(code: str) -> str:
    """Return the English name of a country, or the name of another place that is known.

    Anything else is its own name.

    Examples
    --------
    >>> country_name("CN"), country_name("EU27")
    ('China', 'EU27')
    """
    known = countries()
    if code in known:
        return known[code].name
    return _OTHER_PLACES[code].name if code in _OTHER_PLACES else code


def in_sentence(code: str) -> str:
    """Return a country's name with the article that English gives it.

    Examples
    --------
    >>> in_sentence("US"), in_sentence("IN")
    ('the US', 'India')
    """
    return f"the {country_name(code)}" if code in _WITH_ARTICLE else country_name(code)


def listed(codes: Sequence[str]) -> str:
    """Write countries by name, with their articles, in a row for a sentence.

    Examples
    --------
    >>> listed(["US", "CN", "NL"])
    'the US, China and the Netherlands'
    """
    return joined([in_sentence(code) for code in codes])


def joined(words: Sequence[str]) -> str:
    """Write words in a row: commas between them, "and" before the last.

    Examples
    --------
    >>> joined(["one"]), joined(["one", "two", "three"])
    ('one', 'one, two and three')
    """
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def capital(sentence: str) -> str:
    """Begin a sentence with a capital letter and leave the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def _is_about_ai(settings: Mapping[str, Any], title: str) -> bool:
    """Whether the title or one of the field's identifiers names AI."""
    field = settings.get("field", {})
    subfields = {_digits(one) for one in field.get("subfields", ())}
    concepts = {
        _digits(one["id"] if isinstance(one, Mapping) else one)
        for one in (*field.get("concepts", ()), *field.get("mag_fos", ()))
    }
    named = _AI_SUBFIELD in subfields or bool(concepts & _AI_CONCEPTS)
    return named or _AI_TITLE.search(title) is not None


def _digits(identifier: int | str) -> str:
    """Return the number at the end of an identifier: ``C154945302``, or its full address."""
    found = re.search(r"\d+$", str(identifier).strip())
    return found[0] if found else ""
