"""A study file to edit: every section and key, commented, with its default and what it means.

All of it is read from the sections themselves: names, types and defaults from their fields,
meanings from their docstrings.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from isthmus.errors import StudyError, TargetError
from isthmus.files import write_text
from isthmus.study.document import NAMED, Study

#: Columns of a comment.
_WIDTH = 98

_HEAD = """\
# A study for isthmus, to be edited. Every key is here with its default: take the `#` away from
# a line to change it. `isthmus plan FILE` says what the study would take, and
# `isthmus run FILE --to RESULTS` answers every question.
"""

#: Keys of ``[field]`` that ``--field`` may name, and the letter their OpenAlex ids begin with.
FIELD_KINDS = {
    "subfields": "",
    "fields": "",
    "topics": "T",
    "concepts": "C",
    "venues": "S",
    "mag_fos": "",
}

#: Years of a study that names none, as an example to change.
_YEARS = (2000, 2020)


def new_study(
    path: str | Path,
    *,
    corpus: str | Path | None = None,
    field: Sequence[str] = (),
    poles: Sequence[str] = (),
    years: tuple[int, int] | None = None,
    overwrite: bool = False,
) -> Study:
    """Write a commented study file and return the study it holds.

    Parameters
    ----------
    path
        The file.
    corpus
        Folder of the corpus, relative to where the command runs; written relative to the file.
    field
        What the field is: ``subfields/1702``, or an OpenAlex id that says what it is, such as
        ``T10028`` (a topic) or ``C154945302`` (a concept).
    poles, years
        Codes of the poles; first and last year.
    overwrite
        Whether a file that is there is replaced.

    Raises
    ------
    TargetError
        The file is there already, or cannot be written.
    StudyError
        A value is none that a study allows.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise TargetError(
            f"{path} is there already and was left as it is. Choose another name, or replace it "
            "with `--overwrite`."
        )
    folder = _as_seen_from(path.parent, Path(corpus)) if corpus is not None else "corpus"
    about = {"corpus": folder, "years": list(years or _YEARS)}
    given: dict[str, dict[str, Any]] = {"study": about, "field": field_named(field)}
    if poles:
        given["countries"] = {"poles": list(poles)}
    text = study_text(given)
    study = Study.parse(tomllib.loads(text), folder=path.parent)
    write_text(path, text)
    return study


def _as_seen_from(folder: Path, corpus: Path) -> str:
    given = corpus.expanduser()
    return str(given) if given.is_absolute() else Path(os.path.relpath(given, folder)).as_posix()


def field_named(names: Sequence[str]) -> dict[str, list[int | str]]:
    """Sort what names a field by the key of ``[field]`` it belongs to.

    Raises
    ------
    StudyError
        It is not clear what kind of thing a name is.

    Examples
    --------
    >>> field_named(["subfields/1702", "T10028", "https://openalex.org/C154945302"])
    {'subfields': [1702], 'topics': ['T10028'], 'concepts': ['C154945302']}
    """
    found: dict[str, list[int | str]] = {}
    letters = {letter: kind for kind, letter in FIELD_KINDS.items() if letter}
    for name in names:
        match = re.fullmatch(r"(?:\S*?/)??(?:(\w+)[/=])?([A-Z]?)(\d{1,18})", name.strip())
        kind = match and (match[1] if match[1] in FIELD_KINDS else letters.get(match[2]))
        if not match or not kind:
            raise StudyError(
                f"`{name}` does not say what it is. Write the kind and the id, as in "
                f"subfields/1702 (kinds: {', '.join(FIELD_KINDS)}), or an OpenAlex id that begins "
                f"with {', '.join(f'{letter} ({kind})' for letter, kind in letters.items())}."
            )
        one = match[2] + match[3]
        found.setdefault(kind, []).append(one if match[2] else int(one))
    return found


def study_text(given: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a study as TOML: `given` values as they are, all other keys commented."""
    sections = [
        (one.name, one.type, dict(given.get(one.name, {})))
        for one in msgspec.structs.fields(Study)
        if isinstance(one.type, type) and issubclass(one.type, msgspec.Struct)
    ]
    parts = [_HEAD, *(_section(*section) for section in sections)]
    for name, kind in NAMED.items():
        parts.append(_entry(name, kind))
        parts += [_own(name, own, values) for own, values in given.get(name, {}).items()]
    return "\n".join(parts)


def _section(name: str, kind: type[msgspec.Struct], given: Mapping[str, Any]) -> str:
    lines = [*_comment(_purpose(kind)), f"[{name}]", *_keys(kind, given)]
    return "\n".join(lines) + "\n"


def _entry(name: str, kind: type[msgspec.Struct]) -> str:
    lines = [*_comment(_purpose(kind)), f"#[{name}.NAME]", *_keys(kind, {})]
    return "\n".join(lines) + "\n"


def _own(name: str, own: str, values: Mapping[str, Any]) -> str:
    lines = [f"{key} = {toml(value)}" for key, value in values.items() if value is not None]
    return "\n".join([f"[{name}.{_key(own)}]", *lines]) + "\n"


def _purpose(kind: type[msgspec.Struct]) -> str:
    first = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0]
    said = first.partition(": ")[2]
    return said[:1].upper() + said[1:]


def _keys(kind: type[msgspec.Struct], given: Mapping[str, Any]) -> Iterator[str]:
    """Write keys in the order in which the section's docstring explains them."""
    fields = {one.name: one for one in msgspec.structs.fields(kind)}
    for names, meaning in meanings(kind).items():
        yield from _comment(meaning)
        for name in names:
            if name in given:
                yield f"{name} = {toml(given[name])}"
            else:
                yield _default(fields[name])


def meanings(kind: type[msgspec.Struct]) -> dict[tuple[str, ...], str]:
    """Read keys and the first sentence on each from a section's docstring.

    Examples
    --------
    >>> from isthmus.study import Corrections
    >>> list(meanings(Corrections))
    [('affiliations',), ('exclude_works',)]
    """
    _, _, listed = inspect.cleandoc(kind.__doc__ or "").partition("Attributes\n----------\n")
    found = re.findall(r"^(\S.*)\n((?:    .*\n?)+)", listed, re.MULTILINE)
    return {tuple(names.split(", ")): _first_sentence(text) for names, text in found}


def _first_sentence(text: str) -> str:
    plain = " ".join(text.split()).replace("``", "`")
    return re.split(r"(?<=[.])\s+(?=[A-Z0-9`])", plain)[0]


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _default(one: msgspec.structs.FieldInfo) -> str:
    if one.required:
        return f"#{one.name} = {_example(one.type)}  # needed"
    made = one.default_factory is not msgspec.NODEFAULT
    value = one.default_factory() if made else one.default
    if value is None:
        return f"#{one.name} = {_example(one.type)}  # not set by default"
    return f"#{one.name} = {toml(value)}"


def _example(kind: Any) -> str:
    """Write a value of a type that has no default: a number or text to be replaced."""
    named = str(kind)
    number = "int" in named or "float" in named
    return "0" if number or kind in (int, float) else '"..."'


def toml(value: Any) -> str:
    r"""Write a value of a study as TOML.

    Examples
    --------
    >>> print(toml({"a b": [1, 0.5, True, 'say "x"\n']}))
    { "a b" = [1, 0.5, true, "say \"x\"\n"] }
    """
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)} = {toml(one)}" for key, one in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(one) for one in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml(name)
