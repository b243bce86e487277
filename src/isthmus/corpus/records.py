"""OpenAlex records as typed structs: only the fields that are used, whatever the release.

Well-formed records go through a typed decoder that skips every other field
without building it. A record whose known fields have other types than expected
is decoded again without types and salvaged field by field.
"""

from __future__ import annotations

import json
import types
import typing
from functools import cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class _Struct(msgspec.Struct, gc=False):
    """Base of all record structs; every field may be absent or null."""


class Named(_Struct):
    """A thing of which only the id matters: an author, a subfield, a field."""

    id: str | int | None = None


class Institution(_Struct):
    """An institution as a work names it."""

    id: str | None = None
    display_name: str | None = None
    ror: str | None = None
    country_code: str | None = None
    type: str | None = None


class Authorship(_Struct):
    """An author on a work with the affiliations given there."""

    author: Named | None = None
    institutions: list[Institution | None] | None = None
    countries: list[str | None] | None = None
    is_corresponding: bool | None = None


class Concept(_Struct):
    """A concept with its score, a number or (in 2023) a string."""

    id: str | None = None
    score: float | str | None = None


class Topic(_Struct):
    """A topic with the subfield and field it belongs to."""

    id: str | None = None
    score: float | str | None = None
    subfield: Named | None = None
    field: Named | None = None


class Venue(_Struct):
    """A venue as a work names it."""

    id: str | None = None
    display_name: str | None = None
    type: str | None = None
    issn_l: str | None = None


class Location(_Struct):
    """Where a work was published."""

    source: Venue | None = None


class Work(_Struct):
    """A work of any release since 2021."""

    id: str | None = None
    publication_year: int | None = None
    publication_date: str | None = None
    updated_date: str | None = None
    type: str | None = None
    language: str | None = None
    title: str | None = None
    display_name: str | None = None
    doi: str | None = None
    cited_by_count: int | None = None
    is_retracted: bool | None = None
    is_authors_truncated: bool | None = None
    authors_count: int | None = None
    primary_location: Location | None = None
    host_venue: Venue | None = None
    authorships: list[Authorship | None] | None = None
    referenced_works: msgspec.Raw = msgspec.Raw()
    concepts: list[Concept | None] | None = None
    topics: list[Topic | None] | None = None
    primary_topic: Topic | None = None


class Geo(_Struct):
    """Where an institution is."""

    latitude: float | None = None
    longitude: float | None = None


class InstitutionEntity(_Struct):
    """An institution of the institutions entity."""

    id: str | None = None
    display_name: str | None = None
    ror: str | None = None
    country_code: str | None = None
    type: str | None = None
    geo: Geo | None = None
    updated_date: str | None = None


class VenueEntity(_Struct):
    """A venue of the sources (earlier: venues) entity."""

    id: str | None = None
    display_name: str | None = None
    type: str | None = None
    issn_l: str | None = None
    updated_date: str | None = None


class AuthorEntity(_Struct):
    """An author of the authors entity."""

    id: str | None = None
    display_name: str | None = None
    orcid: str | None = None
    works_count: int | None = None
    updated_date: str | None = None


class NotJSONError(ValueError):
    """A record is not a JSON object."""


class Decoder(typing.Generic[T]):
    """Decodes records of one kind, fast when they are well-formed and kindly otherwise.

    Attributes
    ----------
    repaired
        Values of a wrong type that were dropped so far.
    """

    def __init__(self, kind: type[T]) -> None:
        self.repaired = 0
        self._kind = kind
        self._typed = msgspec.json.Decoder(kind)

    def decode(self, line: bytes) -> T:
        """Decode one record.

        Raises
        ------
        NotJSONError
            The line is not a JSON object.
        """
        try:
            return self._typed.decode(line)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return self._salvage(line)

    def _salvage(self, line: bytes) -> T:
        try:
            record = json.loads(line.decode("utf-8", "strict"))
        except (ValueError, RecursionError):
            raise NotJSONError from None
        if not isinstance(record, dict):
            raise NotJSONError
        return typing.cast(T, self._convert(record, self._kind))

    def _convert(self, value: Any, wanted: Any) -> Any:
        """Make `value` what `wanted` asks for, or None where that cannot be."""
        if wanted is msgspec.Raw:
            return msgspec.Raw(json.dumps(value).encode())
        if value is None:
            return None
        if isinstance(value, str) and value[:1] in ("[", "{") and not _plain(wanted):
            value = _parsed(value)
        if isinstance(wanted, type) and issubclass(wanted, _Struct) and isinstance(value, dict):
            fields = _fields(wanted)
            return wanted(**{name: self._convert(value.get(name), fields[name]) for name in fields})
        if typing.get_origin(wanted) is list and isinstance(value, list):
            (inner,) = typing.get_args(wanted)
            return [self._convert(item, _bare(inner)) for item in value]
        return self._scalar(value, wanted)

    def _scalar(self, value: Any, wanted: Any) -> Any:
        if isinstance(value, str):
            value = value.encode("utf-8", "replace").decode()
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if wanted is str and isinstance(value, int):
            value = str(value)
        try:
            return msgspec.convert(value, type=wanted, strict=False)
        except (msgspec.MsgspecError, OverflowError):
            self.repaired += 1
            return None


@cache
def _fields(struct: type[_Struct]) -> dict[str, Any]:
    return {name: _bare(hint) for name, hint in typing.get_type_hints(struct).items()}


def _bare(hint: Any) -> Any:
    """Take ``None`` out of a union; a union of several types stays one."""
    if not isinstance(hint, types.UnionType):
        return hint
    inner = [item for item in typing.get_args(hint) if item is not type(None)]
    return inner[0] if len(inner) == 1 else typing.Union[tuple(inner)]  # noqa: UP007


def _plain(wanted: Any) -> bool:
    return wanted is str or str in typing.get_args(wanted)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
