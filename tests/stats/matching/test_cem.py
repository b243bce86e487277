"""Coarsened exact matching against published runs, R's MatchIt and a count by hand.

Weights are ratios of whole numbers: they agree to 1e-12 with whoever computes them from the
same strata. Figures printed with fewer digits are compared to the digits printed.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import InputError
from isthmus.stats import Matching, cem
from isthmus.stats.matching.cem import att_weights
from isthmus.stats.matching.effects import satt
from stats.r_reference import need_r, run_r


def read(path):
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: np.array([row[name] for row in rows], dtype=object) for name in rows[0]}


def numbers(column):
    return np.array([float(value) if value else math.nan for value in column])


def lalonde(folder, name="LL"):
    table = {key: numbers(column) for key, column in read(folder / f"{name}.csv").items()}
    treated, outcome = table.pop("treated") == 1, table.pop("re78")
    return table, treated, outcome


def weights_by_hand(keys, treated):
    """Strata and weights of Iacus, King and Porro, counted one unit at a time."""
    members = defaultdict(lambda: [0, 0])
    for key, is_treated in zip(keys, treated, strict=True):
        members[key][int(is_treated)] += 1
    kept = {key: n for key, n in members.items() if n[0] and n[1]}
    m_c, m_t = (sum(n[side] for n in kept.values()) for side in (0, 1))
    weights = []
    for key, is_treated in zip(keys, treated, strict=True):
        if key not in kept:
            weights.append(0.0)
        elif is_treated:
            weights.append(1.0)
        else:
            weights.append(kept[key][1] / kept[key][0] * m_c / m_t)
    return weights, len(members), len(kept)


class TestPublished:
    """LaLonde's data; figures of the published analysis and of R cem 1.1.31, MatchIt 4.5.1."""

    @pytest.mark.shared_data
    def test_ll_as_published(self, shared_data):
        covariates, treated, outcome = lalonde(shared_data / "lalonde")
        published = read(shared_data / "lalonde" / "published_results.csv")
        matching = cem(covariates, treated)
        counts = matching.counts
        for name, found in (
            ("n_treated_all", counts.treated),
            ("n_control_all", counts.control),
            ("n_treated_matched", counts.treated_matched),
            ("n_control_matched", counts.control_matched),
        ):
            assert found == int(published[name][0])
        assert (counts.strata, counts.strata_matched) == (371, 69)
        effect = satt(outcome, treated, matching.weight)
        assert effect.difference == pytest.approx(550.962564, abs=5e-7)
        assert effect.se == pytest.approx(611.61, abs=5e-3)
        low = effect.difference - 1.96 * effect.se
        assert low == pytest.approx(-647.777701, abs=0.5)  # printed with 1.96 to more digits

    @pytest.mark.shared_data
    @pytest.mark.parametrize(
        ("rule", "strata", "matched", "l1_after", "effect"),
        [
            ("sturges", (371, 69), (163, 222), 0.431544, 550.9626),
            ("fd", (524, 59), (105, 125), 0.111111, 1047.665),
            ("scott", (454, 59), (123, 162), 0.274661, 572.187),
        ],
    )
    def test_ll_by_rule(self, shared_data, rule, strata, matched, l1_after, effect):
        covariates, treated, outcome = lalonde(shared_data / "lalonde")
        matching = cem(covariates, treated, coarsening=rule)
        counts = matching.counts
        assert (counts.strata, counts.strata_matched) == strata
        assert (counts.treated_matched, counts.control_matched) == matched
        assert matching.l1_before == pytest.approx(0.734569, abs=5e-7)
        assert matching.l1_after == pytest.approx(l1_after, abs=5e-7)
        found = satt(outcome, treated, matching.weight).difference
        assert found == pytest.approx(effect, abs=5e-4)

    @pytest.mark.shared_data
    @pytest.mark.parametrize(
        ("convention", "rule", "matched", "effect"),
        [
            ("matchit", "sturges", (65, 75), 1070.907),
            ("matchit", "scott", None, 398.520),
            ("matchit", "fd", None, 495.531),
            ("cem", "sturges", (68, 78), None),
        ],
    )
    def test_the_two_conventions_differ(self, shared_data, convention, rule, matched, effect):
        raw = (shared_data / "lalonde" / "matchit_lalonde.tab").read_text().splitlines()
        names = raw[0].replace('"', "").split()
        cells = np.array([line.replace('"', "").split()[1:] for line in raw[1:]], dtype=object)
        table = {
            name: cells[:, k] if name == "race" else cells[:, k].astype(float)
            for k, name in enumerate(names)
        }
        treated, outcome = table.pop("treat") == 1, table.pop("re78")
        matching = cem(table, treated, convention=convention, coarsening=rule)
        if matched:
            counts = matching.counts
            assert (counts.treated_matched, counts.control_matched) == matched
        if effect:
            found = satt(outcome, treated, matching.weight).difference
            assert found == pytest.approx(effect, abs=5e-4)
        if convention == "matchit" and rule == "sturges":
            assert matching.l1_before == pytest.approx(0.895949, abs=5e-7)
            assert matching.l1_after == pytest.approx(0.487973, abs=5e-7)

    @pytest.mark.shared_data
    @pytest.mark.parametrize("name", ["LeLonde", "DW"])
    def test_cut_points_groups_and_missing_values(self, shared_data, name):
        table = read(shared_data / "lalonde" / f"{name}.csv")
        treated = table["treated"].astype(float) == 1
        cuts = [-math.inf, 20.5, 25.5, 30.5, 35.5, 40.5, math.inf]
        age, school = numbers(table["age"]), numbers(table["education"])
        answers = table.get("q1", np.where(school > 10, "agree", "disagree").astype(object))
        answers = np.array([value or None for value in answers], dtype=object)
        groups = [["strongly agree", "agree"], ["strongly disagree", "disagree"]]
        matching = cem(
            {"age": age, "school": school, "q1": answers, "black": table["black"]},
            treated,
            cutpoints={"age": cuts, "school": [0, 6.5, 8.5, 12.5, 17]},
            groupings={"q1": groups},
        )
        assert matching.note == ""
        leader = {member: group[0] for group in groups for member in group}

        def interval(value, breaks):
            return "?" if math.isnan(value) else sum(edge < value for edge in breaks)

        keys = [
            (
                interval(age[i], cuts),
                interval(school[i], [6.5, 8.5, 12.5]),
                leader.get(answers[i], answers[i]),
                table["black"][i],
            )
            for i in range(treated.size)
        ]
        weights, strata, kept = weights_by_hand(keys, treated)
        assert (matching.counts.strata, matching.counts.strata_matched) == (strata, kept)
        assert kept > 10
        np.testing.assert_allclose(matching.weight, weights, rtol=1e-12)


def mixed_rows(n, seed):
    rng = np.random.default_rng(seed)
    covariates = {
        "age": np.round(rng.normal(40, 12, n), 1),
        "cites": np.floor(rng.exponential(6, n)),
        "team": rng.integers(1, 12, n).astype(float),
        "place": np.array([f"i{k}" for k in rng.zipf(1.8, n) % 60], dtype=object),
        "open": rng.random(n) < 0.4,
    }
    chance = 0.1 + 0.2 * (covariates["age"] > 40) + 0.1 * covariates["open"]
    return covariates, rng.random(n) < chance


class TestMatchIt:
    """100,000 random rows with mixed covariates, bins by each package's own rule."""

    N = 100_000

    def weights(self, folder, covariates, treated, call):
        need_r("MatchIt")
        with (folder / "rows.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["treated", *covariates])
            columns = [
                column.tolist() if column.dtype != bool else column.astype(int).tolist()
                for column in covariates.values()
            ]
            writer.writerows(zip(treated.astype(int).tolist(), *columns, strict=True))
        run_r(
            f"""
            library(MatchIt)
            d <- read.csv("rows.csv")
            {call}
            con <- file("weights.bin", "wb")
            writeBin(as.numeric(m$weights), con)
            close(con)
            """,
            folder,
        )
        return np.fromfile(folder / "weights.bin")

    def test_automatic_bins(self, tmp_path):
        covariates, treated = mixed_rows(self.N, seed=1)
        call = (
            'm <- matchit(treated ~ age + cites + team + place + open, d, method = "cem",'
            " cutpoints = list(open = 0))"
        )
        wanted = self.weights(tmp_path, covariates, treated, call)
        found = cem(covariates, treated, convention="matchit")
        np.testing.assert_allclose(found.weight, wanted, rtol=1e-9)
        assert 0 < np.count_nonzero(wanted) < self.N

    def test_given_cut_points_closed_on_the_right(self, tmp_path):
        covariates, treated = mixed_rows(self.N, seed=2)
        cuts = {"age": [-20, 25, 35, 45, 120], "cites": [0, 2, 5, 20, 500], "team": [1, 3, 6, 11]}
        as_r = {name: f"c({', '.join(map(str, points))})" for name, points in cuts.items()}
        call = "".join(
            f"d${name} <- cut(d${name}, {points}, include.lowest = TRUE)\n"
            for name, points in as_r.items()
        )
        call += 'm <- matchit(treated ~ age + cites + team + place + open, d, method = "exact")'
        wanted = self.weights(tmp_path, covariates, treated, call)
        found = cem(covariates, treated, cutpoints=cuts)
        np.testing.assert_allclose(found.weight, wanted, rtol=1e-9)

    def test_balance(self, tmp_path):
        covariates, treated = mixed_rows(5_000, seed=3)
        call = """
            m <- matchit(treated ~ age + cites + team + place + open, d, method = "cem",
                         cutpoints = list(open = 0))
            s <- summary(m)
            both <- cbind(s$sum.all[, 3:4], s$sum.matched[, 3:4])
            write.table(both[c("age", "cites", "team"), ], "balance.txt",
                        col.names = FALSE, row.names = FALSE)
        """
        self.weights(tmp_path, covariates, treated, call)
        wanted = np.loadtxt(tmp_path / "balance.txt")
        found = cem(covariates, treated, convention="matchit").balance[:3]
        for balance, row in zip(found, wanted, strict=True):
            assert balance.before == pytest.approx(row[0], rel=1e-9)
            assert balance.variance_ratio_before == pytest.approx(row[1], rel=1e-9)
            assert balance.after == pytest.approx(row[2], rel=1e-9)
            assert balance.variance_ratio_after == pytest.approx(row[3], rel=1e-9)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.booleans()), min_size=1, max_size=40
    )
)
@settings(max_examples=150, deadline=None)
def test_weights_are_those_counted_by_hand(rows):
    letters, values, treated = (np.array(column) for column in zip(*rows, strict=True))
    covariates = {"letter": letters, "value": values}
    matching = cem(covariates, treated, exact=["value"])
    weights, strata, kept = weights_by_hand(list(zip(letters, values, strict=True)), treated)
    np.testing.assert_allclose(matching.weight, weights, rtol=1e-12)
    assert (matching.counts.strata, matching.counts.strata_matched) == (strata, kept)
    np.testing.assert_array_equal(matching.weight, att_weights(matching.stratum, treated))
    if kept:
        controls = matching.weight[~treated]
        assert controls.sum() == pytest.approx(matching.counts.control_matched)


def test_the_order_of_rows_does_not_matter():
    covariates, treated = mixed_rows(3_000, seed=4)
    order = np.random.default_rng(1).permutation(treated.size)
    first = cem(covariates, treated)
    second = cem({name: column[order] for name, column in covariates.items()}, treated[order])
    np.testing.assert_array_equal(second.stratum, first.stratum[order])
    np.testing.assert_array_equal(second.weight, first.weight[order])
    assert second.l1_after == pytest.approx(first.l1_after, rel=1e-12)


def test_l1_is_zero_after_matching_on_its_own_bins():
    covariates, treated = mixed_rows(3_000, seed=5)
    cuts = {"age": [-20, 30, 50, 120], "cites": [0, 3, 500], "team": [1, 4, 11]}
    matching = cem(covariates, treated, cutpoints=cuts, l1_breaks=cuts)
    assert matching.l1_before > 0.1
    assert matching.l1_after == pytest.approx(0, abs=1e-12)
    assert matching.common_support_after == 1
    assert matching.l1_breaks["team"].tolist() == [1, 4, 11]


def test_standardised_difference_of_two_categories_is_that_of_shares():
    flag = np.array([True] * 30 + [False] * 10 + [True] * 20 + [False] * 40)
    treated = np.arange(100) < 40
    balance = cem({"flag": flag}, treated).balance[0]
    p, q = 0.75, 1 / 3
    pooled = (p + q) / 2
    assert balance.before == pytest.approx((p - q) / math.sqrt(pooled * (1 - pooled)))
    assert balance.after == pytest.approx(0, abs=1e-12)


def test_masked_and_missing_values_are_a_category_of_their_own():
    values = [1.0, 1.0, math.nan, math.nan]
    treated = [1, 0, 1, 0]
    masked = np.ma.masked_invalid(np.array(values))
    for given_values in (values, masked, np.array([1.0, 1.0, None, None], dtype=object)):
        matching = cem({"x": given_values}, treated)
        assert matching.stratum.tolist() in ([1, 1, 0, 0], [0, 0, 1, 1])
        assert matching.weight.tolist() == [1, 1, 1, 1]


class TestKToK:
    def test_as_many_controls_as_treated_in_every_stratum(self):
        covariates, treated = mixed_rows(4_000, seed=6)
        matching = cem(covariates, treated, k2k=True, seed=3)
        kept = matching.weight > 0
        assert set(matching.weight[kept]) == {1.0}
        n_treated = np.bincount(matching.stratum[kept & treated], minlength=4_000)
        n_control = np.bincount(matching.stratum[kept & ~treated], minlength=4_000)
        np.testing.assert_array_equal(n_treated, n_control)
        full = cem(covariates, treated)
        sizes = [np.bincount(full.stratum[side], minlength=4_000) for side in (treated, ~treated)]
        assert n_treated.sum() == np.minimum(*sizes).sum()

    def test_the_seed_decides(self):
        covariates, treated = mixed_rows(4_000, seed=6)
        one, again, other = (cem(covariates, treated, k2k=True, seed=s).weight for s in (1, 1, 2))
        np.testing.assert_array_equal(one, again)
        assert (one != other).any()


class TestNothingToMatch:
    @pytest.mark.parametrize(
        ("treated", "sentence"),
        [
            ([False] * 4, "no treated unit"),
            ([True] * 4, "no control unit"),
            ([True, True, False, False], "No stratum holds both"),
        ],
    )
    def test_a_sentence_and_zero_weights(self, treated, sentence):
        matching = cem({"x": ["a", "a", "b", "b"]}, treated)
        assert isinstance(matching, Matching)
        assert sentence in matching.note
        assert matching.weight.tolist() == [0, 0, 0, 0]
        assert matching.counts.strata_matched == 0
        assert math.isnan(matching.l1_after)

    def test_no_unit_at_all(self):
        matching = cem({"x": np.array([]), "y": np.array([], dtype=object)}, np.array([], bool))
        assert matching.weight.shape == matching.stratum.shape == (0,)
        assert "no treated unit" in matching.note
        assert math.isnan(matching.l1_before)

    def test_one_stratum(self):
        matching = cem({"x": [1, 1, 1, 1]}, [1, 0, 0, 0])
        assert matching.weight.tolist() == [1, 1, 1, 1]
        assert "one stratum" in matching.note

    def test_no_covariate(self):
        assert cem({}, [1, 0, 0]).counts.strata == 1

    @pytest.mark.parametrize("values", [[math.nan] * 4, [None] * 4])
    @pytest.mark.parametrize("convention", ["cem", "matchit"])
    def test_a_covariate_all_missing(self, values, convention):
        column = np.array(values, dtype=object if values[0] is None else float)
        matching = cem({"x": column, "y": [1, 2, 1, 2]}, [1, 1, 0, 0], convention=convention)
        assert "'x' is missing for every unit" in matching.note
        assert matching.weight.tolist() == [1, 1, 1, 1]
        assert math.isnan(matching.balance[0].before)

    def test_values_beyond_the_cut_points_are_said(self):
        matching = cem({"x": [1, 2, 30]}, [1, 0, 0], cutpoints={"x": [0, 5, 10]})
        assert "1 values of 'x' lie beyond" in matching.note
        assert matching.weight.tolist() == [1, 1, 0]


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"treated": [0, 1, 2]}, "only 0 and 1"),
            ({"treated": [0, 1, math.nan]}, "only 0 and 1"),
            ({"treated": ["a", "b", "c"]}, "only 0 and 1"),
            ({"treated": [[0, 1, 1]]}, "one-dimensional"),
            ({"treated": [0, 1]}, "one value per unit"),
            ({"cutpoints": {"agee": [1]}}, "agee, which is no covariate; the covariates are age"),
            ({"cutpoints": {"place": [1]}}, "matched by category"),
            ({"cutpoints": {"age": "quartiles"}}, "allowed are sturges, scott, fd"),
            ({"convention": "stata"}, "allowed are cem, matchit"),
            ({"coarsening": "rice"}, "allowed are sturges, scott, fd"),
        ],
    )
    def test_is_refused_with_what_is_allowed(self, arguments, sentence):
        settings_ = {"treated": [0, 1, 1], **arguments}
        with pytest.raises(InputError, match=sentence):
            cem({"age": [1.0, 2.0, 3.0], "place": ["x", "y", "z"]}, **settings_)


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e308])
@pytest.mark.parametrize("options", [{}, {"cutpoints": {"x": [0, 2]}}, {"convention": "matchit"}])
def test_values_without_end_are_refused(value, options):
    with pytest.raises(InputError, match="'x' holds 1 values that are infinite"):
        cem({"x": [1.0, 2.0, value, math.nan]}, [1, 0, 1, 0], **options)


def test_values_matched_one_by_one_may_be_anything():
    matching = cem({"x": [math.inf, math.inf, 1.0, 2.0]}, [1, 0, 1, 0], exact=("x",))
    assert matching.weight.tolist() == [1, 1, 0, 0]
