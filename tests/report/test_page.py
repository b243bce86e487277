from __future__ import annotations

import csv
import html
import re
import shutil
from pathlib import Path

import pytest

from isthmus.report.page import write_report
from isthmus.report.source import Source
from isthmus.results import Results, open_results
from report.synthetic import HOSTILE


@pytest.fixture(scope="module")
def written(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "results"
    shutil.copytree(results.path, folder)
    return write_report(open_results(folder)).parent


def test_the_page_is_self_contained(written: Path) -> None:
    text = (written / "index.html").read_text()
    assert re.findall(r'src="(?!data:)', text) == []
    assert "<script" not in text
    assert "default-src 'none'" in html.unescape(text)
    drawn = list((written / "figures").glob("*.svg"))
    assert len(drawn) > 20
    assert text.count("data:image/svg+xml;base64,") == len(drawn)


def test_links_lead_to_files(written: Path) -> None:
    links = set(re.findall(r'href="([^"]+)"', (written / "index.html").read_text())) - {"data:,"}
    assert len(links) > 60
    for link in links:
        assert link.startswith("#") or (written / link).is_file(), link


def test_findings_and_methods_stand_beside_it(written: Path) -> None:
    with (written / "findings.csv").open(newline="") as lines:
        found = list(csv.DictReader(lines))
    text = (written / "index.html").read_text()
    assert len(found) > 30
    verdicts = ("supported", "contradicted", "undecided", "not testable here")
    assert sum(text.count(f"{verdict}</td>") for verdict in verdicts) == len(found)
    assert (written / "methods.md").read_text().startswith("# Methods")


def test_the_run_record_is_left_alone(written: Path, results: Results) -> None:
    assert (written / "run.json").read_bytes() == (results.path / "run.json").read_bytes()


def test_hostile_names_are_text(written: Path) -> None:
    text = (written / "index.html").read_text()
    assert HOSTILE not in text
    assert "<script>alert" not in text


def test_writing_again_changes_nothing(written: Path) -> None:
    before = (written / "index.html").read_bytes()
    write_report(open_results(written))
    assert (written / "index.html").read_bytes() == before


def test_results_with_one_table_make_a_report(bare: Source) -> None:
    text = write_report(bare.results).read_text()
    assert "Figure archetypes: These results hold no table" in text
