"""The word for what a study counts: country, institution, city or bloc."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Units that are no countries -> one, with its article, and many.
UNITS = {
    "institution": ("an institution", "institutions"),
    "city": ("a city", "cities"),
    "bloc": ("a bloc", "blocs"),
}

_COUNTRY = re.compile(r"(?<!\{)\b(?P<article>a )?(?P<word>[Cc]ountr(?:y|ies))\b(?! it is in)")


def in_unit(text: str, settings: Mapping[str, Any]) -> str:
    """Write the word of a study's unit for "country".

    Examples
    --------
    >>> in_unit("Countries; works with a country", {"places": {"unit": "institution"}})
    'Institutions; works with an institution'
    >>> in_unit("{country}: every country", {"places": {"unit": "city"}})
    '{country}: every city'
    """
    words = UNITS.get(settings.get("places", {}).get("unit", "country"))
    if words is None:
        return text

    def other(found: re.Match[str]) -> str:
        one, many = words
        article, _, bare = one.partition(" ")
        word = many if found["word"].endswith("ies") else bare
        word = word.capitalize() if found["word"][0] == "C" else word
        return f"{article} {word}" if found["article"] else word

    return _COUNTRY.sub(other, text)
