"""The study a user writes in TOML: read, checked, and refused with a reason.

Every threshold, window and rule that changes a result is a key here, with the
default it takes when the study says nothing. Unknown keys and impossible values
are refused with the key, what was found and what is allowed.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from isthmus.errors import StudyError
from isthmus.study.answers import Comparison, Findings, OwnClaim, Run
from isthmus.study.field import About, Corrections, Countries, Field
from isthmus.study.fields import Contrasts, field_rules
from isthmus.study.indicators import Indicators
from isthmus.study.places import Places
from isthmus.study.questions import (
    Bounds,
    Cohorts,
    Groups,
    Impact,
    Mobility,
    Novelty,
    Scientists,
    Teaming,
)
from isthmus.study.sections import (
    Poles,
    Rule,
    Section,
    misfit,
)
from isthmus.study.shocks import Shock

#: Sections of entries that a user names, and what each entry is.
NAMED: dict[str, type[Section]] = {
    "claims": OwnClaim,
    "comparisons": Comparison,
    "shocks": Shock,
    "fields": Field,
}


class Study(Section, frozen=True):
    """A whole study: the sections of its file, with defaults filled in."""

    section: ClassVar[str] = ""

    study: About
    field: Field = Field()
    countries: Countries = Countries()
    places: Places = Places()
    corrections: Corrections = Corrections()
    impact: Impact = Impact()
    novelty: Novelty = Novelty()
    scientists: Scientists = Scientists()
    mobility: Mobility = Mobility()
    cohorts: Cohorts = Cohorts()
    groups: Groups = Groups()
    bounds: Bounds = Bounds()
    teaming: Teaming = Teaming()
    poles: Poles = Poles()
    indicators: Indicators = Indicators()
    findings: Findings = Findings()
    contrasts: Contrasts = Contrasts()
    run: Run = Run()
    claims: dict[str, OwnClaim] = msgspec.field(default_factory=dict)
    comparisons: dict[str, Comparison] = msgspec.field(default_factory=dict)
    shocks: dict[str, Shock] = msgspec.field(default_factory=dict)
    fields: dict[str, Field] | str = msgspec.field(default_factory=dict)
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
                f"There is no study file at {path}. `isthmus init {path}` writes one to start from."
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

    def rules(self) -> list[Rule]:
        """Return the rules on places and fields, and that a shock has two years before it."""
        first, last = self.years
        allowed = f"from {first + 2} to {last}, the years of the study that have two before them"
        only = "left out: tables of others are of countries, and `places.unit` is not"
        of_countries = self.places.unit == "country" or not self.comparisons
        shocks = [
            (first + 2 <= shock.year <= last, f"shocks.{name}.year", shock.year, allowed)
            for name, shock in self.shocks.items()
        ]
        compared = (of_countries, "comparisons", sorted(self.comparisons), only)
        fields = field_rules(self.fields, self.field, self.contrasts.focus)
        return [*self.places.codes(self.place_codes()), compared, *fields, *shocks]

    def place_codes(self) -> list[tuple[str, str]]:
        """Return every place that the study names, beside the key that names it."""
        sections = [getattr(self, name) for name in _sections()]
        named = [code for one in sections for code in one.named_places()]
        for name, shock in self.shocks.items():
            named += [(key.replace("NAME", name), code) for key, code in shock.named_places()]
        return named

    @property
    def years(self) -> tuple[int, int]:
        """First and last year of the study, both included."""
        return self.study.years

    def of_field(self, name: str, field: Field) -> Study:
        """Return the study of one of its fields alone, under the field's name."""
        about = msgspec.structs.replace(self.study, title=f"{self.study.title}: {name}")
        return msgspec.structs.replace(
            self, study=about, field=field, fields={}, contrasts=Contrasts()
        )

    def with_run(self, **settings: Any) -> Study:
        """Return the study with settings of ``[run]`` replaced; only `seed` changes numbers."""
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
        for name in ("claims", "contrasts"):
            plain.pop(name)
        plain["run"] = {"seed": self.run.seed}
        plain["study"].pop("title")
        plain["study"].pop("corpus")
        if self.field.works is not None:
            plain["field"]["works"] = _content(self.path(self.field.works), "field.works")
        if self.groups.file is not None:
            plain["groups"]["file"] = _content(self.path(self.groups.file), "groups.file")
        if self.places == Places():
            del plain["places"]
        elif self.places.groups is not None:
            plain["places"]["groups"] = _content(self.path(self.places.groups), "places.groups")
        for key, name in plain["corrections"].items():
            if name is not None:
                plain["corrections"][key] = _content(self.path(name), f"corrections.{key}")
        for name, other in self.comparisons.items():
            read = _content(self.path(other.file), f"comparisons.{name}.file")
            plain["comparisons"][name]["file"] = read
        if isinstance(self.fields, dict):
            for name, field in self.fields.items():
                if field.works is not None:
                    read = _content(self.path(field.works), f"fields.{name}.works")
                    plain["fields"][name]["works"] = read
        for name in ("comparisons", "shocks", "fields"):
            if not plain[name]:
                del plain[name]
        return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


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
        if name == "fields" and isinstance(content, str):
            continue
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
            own = NAMED[section].section
            raise StudyError(str(error).replace(f"`{own}", f"`{section}.{name}")) from None


def _without_name(key: str, section: str) -> str:
    return (
        f"`{key}` must be a table with a name of your own: write [{section}.NAME] on a line of its "
        "own, and its keys below."
    )


def _unknown(key: str, where: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(key, allowed, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else "."
    return f"Unknown key `{key}` in {where}{hint} Allowed: {', '.join(sorted(allowed))}."
