"""Reading records one by one, where an engine cannot: into the fields that are read.

What can be made of a record comes out as one line of JSON that an engine reads, so what a
record means is said in one place. Values of a wrong type are dropped and counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from isthmus.ingest.openalex.fields import Spec

_SEPARATORS = re.compile(r"[|;,\s]+")
_DECODE = msgspec.json.Decoder()


class NotJSONError(ValueError):
    """A record is not a JSON object."""


class Salvage:
    """Makes records fit the fields of an entity.

    Attributes
    ----------
    dropped : int
        Values of a wrong type that were dropped so far.
    """

    def __init__(self, fields: Mapping[str, Spec]) -> None:
        self.dropped = 0
        self._fields = fields

    def line(self, text: bytes, constants: Mapping[str, str]) -> bytes:
        """Return a record as a line that an engine reads, `constants` where it lacks them.

        Raises
        ------
        NotJSONError
            The text is not a JSON object.
        """
        return self.record(_parsed(text), constants)

    def record(self, record: Any, constants: Mapping[str, str]) -> bytes:
        """Return a record that is decoded as a line that an engine reads.

        Raises
        ------
        NotJSONError
            The record is not an object.
        """
        if not isinstance(record, dict):
            raise NotJSONError
        missing = {name: value for name, value in constants.items() if record.get(name) is None}
        return msgspec.json.encode(self._fit({**record, **missing}, self._fields))

    def _fit(self, value: Any, spec: Spec) -> Any:
        if value is None:
            return None
        if isinstance(value, str) and not isinstance(spec, str):
            value = self._structure(value, spec)
        if isinstance(spec, dict) and isinstance(value, dict):
            return {
                name: self._fit(value[name], field) for name, field in spec.items() if name in value
            }
        if isinstance(spec, list) and isinstance(value, list):
            return [self._fit(entry, spec[0]) for entry in value]
        if isinstance(spec, str) and not isinstance(value, (dict, list)):
            return _text(value)
        self.dropped += value is not None
        return None

    def _structure(self, text: str, spec: Spec) -> Any:
        """Read the text form of a list or an object; the text itself where it is none."""
        stripped = text.strip()
        if stripped[:1] in ("[", "{"):
            try:
                return json.loads(stripped)
            except (ValueError, RecursionError):
                pass
        if isinstance(spec, list) and isinstance(spec[0], str):
            words = _SEPARATORS.split(stripped.strip("[](){}"))
            return [word.strip("\"'") for word in words if word]
        return text if stripped else None


def _parsed(text: bytes) -> Any:
    try:
        return _DECODE.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(text.decode("utf-8", "strict"))
    except (ValueError, RecursionError):
        raise NotJSONError from None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
