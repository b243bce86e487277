"""Many fields in one study: which they are, and which of them is held against the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from isthmus.errors import StudyError
from isthmus.study.field import Field, entity_id
from isthmus.study.sections import Rule, Section

#: How a study asks for all subfields of a field, as in ``fields = "every subfield of 17"``.
EVERY = re.compile(r"every subfield of (\S+)")

#: Names of fields are names of folders too.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")

#: Subfields of OpenAlex are numbered within their field: 1702 is one of field 17.
SUBFIELDS_OF_A_FIELD = 100


class Contrasts(Section, frozen=True):
    """``[contrasts]``: which of several fields is held against the others.

    Attributes
    ----------
    focus
        Name of the field that is compared with the others; the first one when not set.
    least_others
        Other fields with a number from which they are compared. 3: with fewer their spread
        is not known.
    least_regression
        Fields from which a regression says how much of a difference goes with size, age of
        references and international share. 8: four more than its coefficients.
    most_shared
        Part of the smaller field's works, shared with the focus, beyond which a field counts as
        another definition of the focus and not as another field. Half.
    """

    section: ClassVar[str] = "contrasts"

    focus: str | None = None
    least_others: int = 3
    least_regression: int = 8
    most_shared: float = 0.5

    def rules(self) -> list[Rule]:
        """Return the rules on numbers of fields."""
        shared = self.most_shared
        return [
            *self.at_least({"least_others": 2, "least_regression": 6}),
            (0 <= shared <= 1, "contrasts.most_shared", shared, "0 to 1"),
        ]


def field_rules(fields: Mapping[str, Field] | str, default: Field, focus: str | None) -> list[Rule]:
    """Return the rules on the names of fields, on ``[field]`` beside them, and on the focus."""
    if not fields:
        return [(focus is None, "contrasts.focus", focus, "left out in a study of one field")]
    alone = "left without subjects, venues and works where [fields.NAME] or `fields` name them"
    rules: list[Rule] = [(default.is_everything, "field", "a field of its own", alone)]
    if isinstance(fields, str):
        parent_field(fields)
        return rules
    folder = "a name of at most 60 letters, digits, - and _ (it names a folder)"
    rules += [(bool(NAME.fullmatch(name)), "fields", name, folder) for name in fields]
    small = [name.lower() for name in fields]
    rules.append((len(set(small)) == len(small), "fields", list(fields), "different names"))
    known = focus is None or focus in fields
    rules.append((known, "contrasts.focus", focus, f"one of {', '.join(fields)}"))
    return rules


def parent_field(wish: str) -> int:
    """Return the field whose subfields a study asks for.

    Examples
    --------
    >>> parent_field("every subfield of 17")
    17
    """
    found = EVERY.fullmatch(wish.strip())
    if found is None:
        raise StudyError(
            f'`fields` is {wish!r}; it must be "every subfield of ID", with the OpenAlex id of a '
            "field like 17, or tables [fields.NAME]."
        )
    return entity_id(found[1])
