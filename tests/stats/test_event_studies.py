"""Event study of a pair: coefficients of the same regression with one column per effect.

That regression is solved by Newton steps; either solver stops far below the 1e-6 asked for.
On directed panels the regression is the one that pyfixest runs as
``fepois("y ~ post | source^year + target^year + pair")``.
"""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats.event_studies import event_study, judged

AT, YEARS, TOLERANCE = 4, 8, 1e-6


def panel(n=6, mean=30.0, seed=1, directed=False, years=YEARS):
    """Counts of log-normal sizes that grow unevenly; no shock."""
    random = np.random.default_rng(seed)
    size = random.normal(0, 0.6, n) + random.normal(0, 0.1, (years, n)).cumsum(axis=0)
    rate = mean * np.exp(size[:, :, None] + size[:, None] + random.normal(0, 0.5, (n, n)))
    counts = random.poisson(rate).astype(float)
    if not directed:
        counts = np.triu(counts) + np.triu(counts, 1).transpose(0, 2, 1)
    counts[:, np.arange(n), np.arange(n)] = 0
    return counts


def by_columns(counts, directed, regressors):
    """Coefficients of `regressors` (t, n, n) beside a column per country-year and pair."""
    t, n, _ = counts.shape
    use = ~np.eye(n, dtype=bool) if directed else np.triu(np.ones((n, n), dtype=bool), 1)
    i, j = np.nonzero(use)
    year = np.repeat(np.arange(t), len(i))
    first, second = np.tile(i, t) * t + year, np.tile(j, t) * t + year
    effects = np.zeros((len(year), n * t * (1 + directed) + len(i)))
    rows = np.arange(len(year))
    effects[rows, first] = 1
    effects[rows, second + n * t * directed] = 1
    effects[rows, n * t * (1 + directed) + np.tile(np.arange(len(i)), t)] = 1
    y = counts[:, use].ravel()
    x = np.column_stack([*(one[:, use].ravel() for one in regressors), effects])
    some = 1e-8 * np.eye(x.shape[1])  # effects are known up to constants; steps, not their end
    b = np.linalg.solve(x.T @ x + some, x.T @ np.log(y + 0.5))
    for _ in range(20):
        mu = np.exp(x @ b)
        b = b + np.linalg.solve(x.T @ (x * mu[:, None]) + some, x.T @ (y - mu))
    return b[: len(regressors)]


def dummy(shape, pair, years, directed):
    found = np.zeros(shape)
    found[years, pair[0], pair[1]] = 1
    if not directed:
        found[years, pair[1], pair[0]] = 1
    return found


@pytest.mark.parametrize("directed", [False, True])
def test_effects_are_those_of_the_regression(directed):
    counts = panel(directed=directed)
    treated = [(0, 1), (2, 4)]
    found = event_study(counts, treated, AT, window=4, directed=directed)
    after = [dummy(counts.shape, pair, slice(AT, None), directed) for pair in treated]
    wanted = by_columns(counts, directed, after)
    np.testing.assert_allclose([one.after.estimate for one in found.pairs], wanted, atol=TOLERANCE)
    untreated = 30 - 2 if directed else 15 - 2
    assert [one.after.placebos for one in found.pairs] == [untreated] * 2
    others = [k for k in range(YEARS) if k != AT - 1]
    own = [dummy(counts.shape, treated[0], k, directed) for k in others]
    wanted = by_columns(counts, directed, [*own, after[1]])
    path = found.pairs[0].path
    np.testing.assert_allclose(
        [path[k].estimate for k in others], wanted[: len(others)], atol=TOLERANCE
    )
    assert path[AT - 1].estimate == 0


@pytest.mark.parametrize("directed", [False, True])
def test_effects_on_rates_are_those_beside_the_number_at_risk(directed):
    """Exposure of countries and pairs drops out; what a treated pair's gains is no effect."""
    counts = panel(directed=directed)
    random = np.random.default_rng(2)
    factor = random.uniform(1, 3, (YEARS, 6, 1))
    risk = factor * (factor.transpose(0, 2, 1) if not directed else 1.0)
    risk = risk * np.ones_like(counts)
    ask = {"window": 4, "directed": directed}
    plain = event_study(counts, [(0, 1)], AT, **ask).pairs[0]
    found = event_study(counts, [(0, 1)], AT, exposure=risk, **ask).pairs[0]
    assert found.after.estimate == pytest.approx(plain.after.estimate, abs=TOLERANCE)
    risk[AT:, 0, 1] *= 2
    if not directed:
        risk[AT:, 1, 0] *= 2
    found = event_study(counts, [(0, 1)], AT, exposure=risk, **ask).pairs[0]
    wanted = plain.after.estimate - np.log(2)
    assert found.after.estimate == pytest.approx(wanted, abs=TOLERANCE)
    assert found.path[-1].estimate == pytest.approx(plain.path[-1].estimate - np.log(2), abs=1e-5)
    everyone = risk * np.linspace(1, 4, YEARS)[:, None, None]
    steps = [event_study(counts, [(0, 1)], AT, exposure=one, **ask) for one in (risk, everyone)]
    for one, other in zip(*(step.pairs[0].countries for step in steps), strict=True):
        assert one.estimate == pytest.approx(other.estimate, abs=TOLERANCE)


@pytest.mark.parametrize("change", ["shape", "nobody", "negative", "asymmetric"])
def test_exposure_that_cannot_be_is_refused(change):
    counts = panel()
    risk = np.ones_like(counts)
    if change == "shape":
        risk = risk[1:]
    else:
        risk[0, 0, 1] = {"nobody": 0, "negative": -1, "asymmetric": 2}[change]
    wanted = {"nobody": "nobody is at risk", "asymmetric": "directed=True"}
    with pytest.raises(InputError, match=wanted.get(change, "not negative")):
        event_study(counts, [(0, 1)], AT, exposure=risk)


def test_a_window_is_the_panel_of_its_years():
    counts = panel(years=12)
    found = event_study(counts, [(0, 1)], 6, window=3)
    alone = event_study(counts[3:9], [(0, 1)], 3, window=3)
    assert found.window == slice(3, 9)
    assert found.pairs[0].after == alone.pairs[0].after
    years = [
        event_study(counts, [(0, 1)], at, window=3).pairs[0].after for at in (3, 4, 5, 7, 8, 9)
    ]
    assert found.pairs[0].years.placebos == len(years)
    far = [abs(one.estimate) > abs(found.pairs[0].after.estimate) for one in years]
    assert found.pairs[0].years.p == pytest.approx((1 + sum(far)) / 7, abs=2 / 7)
    short = event_study(counts, [(0, 1)], 10, window=5)
    assert short.window == slice(5, 12)


def test_a_year_s_effect_is_the_pair_s_alone():
    counts = panel()
    more = counts.copy()
    more[6, [0, 1], [1, 0]] *= 2
    before, after = (event_study(w, [(0, 1)], AT).pairs[0].path for w in (counts, more))
    change = [b.estimate - a.estimate for a, b in zip(before, after, strict=True)]
    np.testing.assert_allclose(change, np.log(2) * (np.arange(YEARS) == 6), atol=1e-8)


def test_a_fall_of_one_pair_is_the_pair_s():
    counts = panel(30, seed=2)
    counts[AT:, [0, 1], [1, 0]] = np.round(counts[AT:, [0, 1], [1, 0]] * 0.4)
    found = event_study(counts, [(0, 1)], AT).pairs[0]
    assert found.after.p <= 0.05
    assert found.after.low < np.log(0.4) < found.after.high < 0
    assert found.after.placebos == 60
    assert min(step.p for step in found.countries) > 0.025
    assert np.mean([one.estimate for one in found.path[AT:]]) < -0.5


def test_a_fall_of_every_tie_is_the_country_s():
    counts = panel(30, seed=3)
    counts[AT:, 0] = counts[AT:, :, 0] = np.round(counts[AT:, 0] * 0.5)
    found = event_study(counts, [(0, 1)], AT).pairs[0]
    assert found.countries[0].p <= 0.05
    assert found.countries[0].estimate == pytest.approx(np.log(0.5), abs=0.3)
    assert abs(found.after.estimate) < 0.3
    assert found.countries[0].placebos == 28


def test_steps_leave_treated_pairs_out():
    counts = panel(30, seed=4)
    other = counts.copy()
    other[AT:, [0, 1], [1, 0]] *= 5
    steps = [event_study(w, [(0, 1)], AT).pairs[0].countries[0].estimate for w in (counts, other)]
    assert steps[0] == steps[1]


def test_counts_that_end_have_no_finite_effect():
    counts = panel(30)
    counts[AT:, [0, 1], [1, 0]] = 0
    ended = event_study(counts, [(0, 1)], AT).pairs[0].after
    assert ended.estimate == -np.inf
    assert ended.p == pytest.approx(1 / 61)
    counts[:, [0, 1], [1, 0]] = 0
    none = event_study(counts, [(0, 1)], AT).pairs[0].after
    assert np.isnan(none.estimate)
    assert np.isnan(none.p)


@pytest.mark.parametrize("number", [19, 30, 60])
@pytest.mark.parametrize("spread", [1.0, 4.0])
def test_an_interval_excludes_no_effect_where_p_is_small(number, spread):
    random = np.random.default_rng(number)
    variance = random.uniform(0.01, 0.5, number)
    placebos = np.column_stack([spread * np.sqrt(variance) * random.normal(size=number), variance])
    ps = []
    for estimate in np.linspace(-20, 20, 161):
        found = judged(np.array([estimate, 0.2]), placebos)
        assert (found.p <= 0.05) == (not found.low <= 0 <= found.high)
        assert found.low < estimate < found.high
        ps.append(found.p)
    assert min(ps) == pytest.approx(1 / (number + 1))
    assert max(ps) == 1.0


def test_errors_beside_counting_are_those_of_the_placebos():
    random = np.random.default_rng(5)
    variance = np.full(4000, 0.01)
    b = random.normal(0, np.sqrt(0.01 + 0.04), 4000)
    large = judged(np.array([0.0, 1e-6]), np.column_stack([b, variance]))
    assert large.high == pytest.approx(1.96 * 0.2, rel=0.06)
    exact = judged(np.array([0.0, 0.01]), np.column_stack([b * np.sqrt(0.2), variance]))
    assert exact.high == pytest.approx(1.96 * 0.1, rel=0.06)


def test_too_few_placebos_have_no_interval():
    found = judged(np.array([3.0, 0.1]), np.column_stack([np.zeros(18), np.ones(18)]))
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert found.p == pytest.approx(1 / 19)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"panel": np.zeros((4, 3))}, "shape"),
        ({"panel": -panel()}, "not negative"),
        ({"panel": panel() + np.eye(6)}, "diagonal"),
        ({"panel": panel(directed=True)}, "not symmetric"),
        ({"treated": [(0, 9)]}, "two different countries of 6"),
        ({"treated": [(1, 1)]}, "two different"),
        ({"treated": []}, "none"),
        ({"at": 1}, "two years before"),
        ({"at": 8}, "one after"),
        ({"at": 11}, "year 11"),
    ],
)
def test_what_cannot_be_estimated_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        event_study(**{"panel": panel(), "treated": [(0, 1)], "at": AT} | changes)


def test_two_countries_have_no_placebos():
    counts = panel(n=2)
    found = event_study(counts, [(0, 1)], AT).pairs[0]
    assert np.isnan([step.p for step in found.countries]).all()
    assert found.after.placebos == 0
