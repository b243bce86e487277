"""Flows under every combination of settings, each against its own recount."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

import recount_mobility as recount
from isthmus.mobility.multiverse import ALTERNATIVES, variants
from isthmus.study import Mobility
from mobility_worlds import FIELD, Truth, movers_of, rows
from recount_mobility import Rules


def as_rules(row: dict) -> Rules:
    """Read a row of the table of variants, where everything is text."""
    kinds = {f.name: type(f.default) for f in dataclasses.fields(Rules)}
    values: dict = {name: row[name] for name in ALTERNATIVES}
    gap = values.pop("max_gap_years")
    values["max_gap_years"] = None if gap == "any" else int(gap)
    for name, text in values.items():
        if kinds[name] is bool:
            values[name] = text == "true"
        elif kinds[name] is int:
            values[name] = int(text)
    return Rules(**values)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return Truth(tmp_path_factory.mktemp("truth"), 1)


def test_every_variant_equals_its_recount(truth: Truth, tmp_path: Path) -> None:
    movers = movers_of(truth.corpus, tmp_path, field=FIELD)
    made = movers.multiverse()
    listed = {row["variant"]: row for row in made["mobility_variants"].to_pylist()}
    assert len(listed) == 2 ** len(ALTERNATIVES)
    flows: dict = {number: {} for number in listed}
    for row in made["flow_variants"].to_pylist():
        flows[row["variant"]][row["origin"], row["destination"]] = row["scientists"]
    expected = {number: recounted(truth, as_rules(row)) for number, row in listed.items()}
    assert flows == expected
    totals = {
        (r["origin"], r["destination"]): r["scientists"] for r in rows(movers, movers.flow_totals())
    }
    assert flows[0] == totals
    assert_ranges(made["flow_ranges"].to_pylist(), listed, expected)


def recounted(truth: Truth, rules: Rules) -> dict:
    moves = recount.all_moves(truth.histories(rules), rules)
    return dict(Counter((m.origin, m.destination) for m in moves))


def assert_ranges(ranges: list[dict], listed: dict, flows: dict) -> None:
    pairs = {pair for counted in flows.values() for pair in counted}
    assert {(r["origin"], r["destination"]) for r in ranges} == pairs
    single = [n for n, row in sorted(listed.items()) if row["changed"] == 1]
    turned = 0
    for row in ranges:
        pair = (row["origin"], row["destination"])
        values = [counted.get(pair, 0) for counted in flows.values()]
        own = flows[0].get(pair, 0)
        assert (row["smallest"], row["largest"], row["default"]) == (min(values), max(values), own)
        changes = [abs(flows[n].get(pair, 0) - own) for n in single]
        if not any(changes):
            assert row["setting"] is None
            continue
        turned += 1
        variant = single[changes.index(max(changes))]
        assert row["with_setting"] == flows[variant].get(pair, 0)
        assert listed[variant][row["setting"]] == row["value"] != listed[0][row["setting"]]
    assert turned > 5


def test_the_studys_own_rules_come_first() -> None:
    own = Mobility(max_gap_years=7, min_stay_years=2)
    listed = variants(own, orcids_known=False)
    assert listed[0].rules == own
    assert not listed[0].changed
    assert len(listed) == 2 * 2 * 3 * 2 * 1 * 2 * 2
    assert {v.rules.max_gap_years for v in listed} == {7, None, 2}
    assert {v.rules.orcid_only for v in listed} == {False}
    assert len({v.rules for v in listed}) == len(listed)
