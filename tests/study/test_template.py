"""The study file to edit: it loads, and says of every key what it means and its default."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import StudyError, TargetError
from isthmus.study import NAMED, Study
from isthmus.study.template import field_named, meanings, new_study, study_text, toml

SECTIONS = {
    one.name: one.type
    for one in msgspec.structs.fields(Study)
    if isinstance(one.type, type) and issubclass(one.type, msgspec.Struct)
}


@pytest.mark.parametrize(("name", "kind"), [*SECTIONS.items(), *NAMED.items()])
def test_every_key_has_one_sentence(name: str, kind: type[msgspec.Struct]) -> None:
    explained = [key for keys in meanings(kind) for key in keys]
    assert sorted(explained) == sorted(one.name for one in msgspec.structs.fields(kind)), (
        f"`Attributes` in the docstring of [{name}] must explain every key once"
    )
    for sentence in meanings(kind).values():
        assert re.fullmatch(r"[A-Z`].{15,}[.]", sentence), sentence
        assert "``" not in sentence


def test_the_file_written_loads_with_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    written = new_study(path)
    assert written == Study.load(path)
    assert written.years == (2000, 2020)
    settings = Study.parse({"study": {"corpus": "corpus", "years": [2000, 2020]}}).settings()
    assert written.settings() == settings


def test_every_default_stands_in_the_file_and_can_be_taken_as_it_is() -> None:
    text = study_text({"study": {"corpus": "c", "years": [2000, 2020]}})
    lines = [line for line in text.splitlines() if not re.search("# (needed|not set)", line)]
    uncommented = "\n".join(re.sub(r"^#(?=\w+ = )", "", line) for line in lines)
    uncommented = uncommented.split("#[claims")[0]
    found = tomllib.loads(uncommented)
    assert Study.parse(found).settings() == Study.parse(tomllib.loads(text)).settings()
    for name, kind in SECTIONS.items():
        for one in msgspec.structs.fields(kind):
            unset = re.search(rf"^#{one.name} = .*  # not set by default$", text, re.MULTILINE)
            assert one.name in found[name] or unset, f"{name}.{one.name}"
    for name in NAMED:
        assert f"\n#[{name}.NAME]\n" in text


def test_entries_of_ones_own_load_once_their_marks_are_taken_away() -> None:
    text = study_text({"study": {"corpus": "c", "years": [2000, 2020]}})
    own = re.sub(r"^#(?=\w+ = |\[)", "", text, flags=re.MULTILINE)
    claims = tomllib.loads(own)["claims"]["NAME"]
    assert sorted(claims) == sorted(one.name for one in msgspec.structs.fields(NAMED["claims"]))


def test_no_line_is_wider_than_a_hundred_columns(tmp_path: Path) -> None:
    new_study(tmp_path / "s.toml", corpus=tmp_path, field=["T1"])
    long = [x for x in (tmp_path / "s.toml").read_text().splitlines() if len(x) > 100]
    assert [line for line in long if not line.startswith("corpus")] == []


def test_what_is_given_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    field = ["subfields/1702", "https://openalex.org/C154945302", "T10028"]
    study = new_study(
        "studies/ai.toml", corpus="corpora/ai", field=field, poles=["JP", "KR"], years=(1990, 2001)
    )
    assert study == Study.load("studies/ai.toml")
    assert study.path(study.study.corpus) == tmp_path / "corpora" / "ai"
    assert (study.field.subfields, study.field.concepts) == ((1702,), ("C154945302",))
    assert (study.field.topics, study.countries.poles) == (("T10028",), ("JP", "KR"))
    assert study.years == (1990, 2001)


def test_a_file_that_is_there_stays_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text("mine")
    with pytest.raises(TargetError, match="--overwrite"):
        new_study(path)
    assert path.read_text() == "mine"
    new_study(path, overwrite=True)
    assert Study.load(path)


@pytest.mark.parametrize(
    "given", [{"poles": ["usa"]}, {"years": (2020, 2000)}, {"field": ["1702"]}, {"field": ["x/1"]}]
)
def test_what_no_study_allows_writes_nothing(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(StudyError):
        new_study(tmp_path / "study.toml", **given)
    assert list(tmp_path.iterdir()) == []


def test_a_bare_number_is_refused_with_what_to_write() -> None:
    with pytest.raises(StudyError, match=r"subfields/1702.*T \(topics\)"):
        field_named(["1702"])


plain = st.text(st.characters(exclude_categories=["Cs"])) | st.booleans() | st.integers(-9, 9)
values = st.recursive(
    plain | st.floats(-1e9, 1e9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(values)
def test_values_written_as_toml_are_read_again(value: Any) -> None:
    assert tomllib.loads(f"x = {toml(value)}")["x"] == value
