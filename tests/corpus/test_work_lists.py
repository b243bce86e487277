"""Lists of works: ids in the forms people have, and everything else refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.corpus.work_lists import read_work_ids
from isthmus.errors import StudyError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_ids_are_read_in_every_form_and_encoding(
    tmp_path: Path, encoding: str, ending: str
) -> None:
    lines = [
        "work_id",
        "W2741809807",
        "# from the site",
        "w12",
        "",
        "12",
        " https://openalex.org/W3 ",
        '"https://openalex.org/works/w4",',
        "https://api.openalex.org/works/W5",
        "http://openalex.org/W0000000006",
    ]
    path = tmp_path / "ids.txt"
    path.write_bytes(ending.join(lines).encode(encoding))
    assert read_work_ids(path) == [3, 4, 5, 6, 12, 2741809807]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("10.1038/s41586-020-2649-2", "is a DOI"),
        ("https://doi.org/10.1234/12345", "is a DOI"),
        ("doi:10.1234/W12345", "is a DOI"),
        ("https://pubmed.ncbi.nlm.nih.gov/12345", "is a PubMed identifier"),
        ("PMID:12345", "is a PubMed identifier"),
        ("PMC12345", "is a PubMed identifier"),
        ("https://arxiv.org/abs/2101.00001", "is an arXiv identifier"),
        ("https://orcid.org/0000-0002-1825-0097", "is an ORCID"),
        ("A5023888391", "is the id of an author"),
        ("https://openalex.org/A5023888391", "is the id of an author"),
        ("https://openalex.org/authors/A12", "is the id of an author"),
        ("https://openalex.org/I97018004", "is the id of an institution"),
        ("S137773608", "is the id of a source"),
        ("https://example.org/W12345", "is nothing that isthmus knows"),
        ("W12x", "is nothing that isthmus knows"),
        ("W", "is nothing that isthmus knows"),
        ("W0", "is nothing that isthmus knows"),
        ("-5", "is nothing that isthmus knows"),
        ("W1 W2", "holds more than one thing"),
        ("W1,2020,article", "holds more than one thing"),
        ("9" * 19, "is nothing that isthmus knows"),
    ],
)
def test_what_is_no_work_id_is_refused_by_line(tmp_path: Path, line: str, what: str) -> None:
    path = tmp_path / "ids.txt"
    path.write_text(f"W1\n{line}\nW2\n")
    with pytest.raises(StudyError, match=r"1 of 3 lines of .* no work ids: line 2 ") as caught:
        read_work_ids(path)
    assert what in str(caught.value)
    assert "W2741809807" in str(caught.value)


def test_many_faults_are_counted_and_some_shown(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("\n".join(f"10.1000/{n}" for n in range(2000)))
    with pytest.raises(StudyError, match=r"2,000 of 2,000 lines .*; and 1,995 more\.") as caught:
        read_work_ids(path)
    assert len(str(caught.value)) < 700


def test_files_that_hold_nothing_or_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    for content in (b"", b"id\n#\n", b"\xff\xfe"):
        path.write_bytes(content)
        assert read_work_ids(path) == []
    path.write_bytes(b"W\xff")
    with pytest.raises(StudyError, match="Cannot read"):
        read_work_ids(path)
    with pytest.raises(StudyError, match="Cannot read"):
        read_work_ids(tmp_path / "none.txt")
