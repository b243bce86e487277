"""Atypicality of venue pairs.

References: full enumeration of all permutations on tiny cases, where mean and
variance must agree to 1e-12 (both are exact sums of a few hundred terms of order
one); sampled permutations, with tolerances of about four Monte-Carlo standard
errors; numpy's percentiles; and scores pySciSci 0.92 gave on the same references
(``pyscisci_novelty.npz``, made by ``benchmarks/novelty/pyscisci_reference.py``).
"""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from isthmus.errors import InputError
from isthmus.stats import Atypicality, atypicality

SHARED = Path(__file__).parents[4] / "shared" / "data" / "nlp-citations"
References = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def references(papers: int, *, size: int = 8, venues: int = 60, seed: int = 0) -> References:
    """One citing year; papers lean to the venues of one of six communities."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, 2 * size - 1, papers)
    paper = np.repeat(np.arange(papers), lengths)
    community = np.repeat(rng.integers(0, 6, papers), lengths)
    popular = np.minimum(rng.geometric(0.06, paper.size) - 1, venues - 1)
    venue = np.where(rng.random(paper.size) < 0.5, popular // 6 * 6 + community, popular) % venues
    age = np.minimum(rng.geometric(0.2, paper.size), 25)
    return paper, np.full(paper.size, 2010), venue + 100, 2010 - age


def pair_counts(paper: list[int], venue: tuple[int, ...]) -> Counter[tuple[int, int]]:
    counts: Counter[tuple[int, int]] = Counter()
    for a, b in itertools.combinations(range(len(paper)), 2):
        if paper[a] == paper[b]:
            counts[min(venue[a], venue[b]), max(venue[a], venue[b])] += 1
    return counts


def enumerate_null(
    paper: list[int], venue: list[int], cited: list[int]
) -> dict[tuple[int, int], tuple[float, float]]:
    """Mean and variance of every pair over all permutations within cited years."""
    strata = [[k for k, c in enumerate(cited) if c == year] for year in sorted(set(cited))]
    first, second, n = Counter(), Counter(), 0
    for chosen in itertools.product(
        *(itertools.permutations([venue[k] for k in stratum]) for stratum in strata)
    ):
        drawn = [0] * len(venue)
        for stratum, held in zip(strata, chosen, strict=True):
            for slot, value in zip(stratum, held, strict=True):
                drawn[slot] = value
        for pair, count in pair_counts(paper, tuple(drawn)).items():
            first[pair] += count
            second[pair] += count**2
        n += 1
    return {pair: (first[pair] / n, second[pair] / n - (first[pair] / n) ** 2) for pair in first}


slots = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=7
)


@settings(max_examples=60, deadline=None)
@given(slots)
@example([(0, 0, 0), (0, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)])  # a variance of 0 by cancelling
def test_law_equals_enumeration(refs: list[tuple[int, int, int]]) -> None:
    paper, venue, cited = (list(column) for column in zip(*refs, strict=True))
    null = enumerate_null(paper, venue, cited)
    observed = pair_counts(paper, tuple(venue))
    result = atypicality(paper, [2000] * len(paper), venue, cited, variance_tolerance=0)
    pairs = list(zip(result.venue_a.tolist(), result.venue_b.tolist(), strict=True))
    assert dict(zip(pairs, result.observed.tolist(), strict=True)) == dict(observed)
    assert pairs == sorted(observed)
    mean, variance = np.array([null[pair] for pair in pairs]).reshape(-1, 2).T
    np.testing.assert_allclose(result.expected, mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.variance, variance, rtol=0, atol=1e-12)
    still = variance < 1e-13
    assert np.all(result.z[still] == 0)
    z = (result.observed - mean)[~still] / np.sqrt(variance[~still])
    np.testing.assert_allclose(result.z[~still], z, rtol=0, atol=1e-11)


@pytest.mark.parametrize("seed", range(3))
def test_law_equals_enumeration_of_ten_references(seed: int) -> None:
    rng = np.random.default_rng(seed)
    paper, venue = rng.integers(0, 3, 10).tolist(), rng.integers(0, 3, 10).tolist()
    cited = [1, 1, 1, 1, 1, 1, 2, 2, 2, 2]
    null = enumerate_null(paper, venue, cited)
    result = atypicality(paper, [2000] * 10, venue, cited, variance_tolerance=0)
    pairs = zip(result.venue_a.tolist(), result.venue_b.tolist(), strict=True)
    mean, variance = np.array([null[pair] for pair in pairs]).T
    np.testing.assert_allclose(result.expected, mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.variance, variance, rtol=0, atol=1e-12)


def test_variances_stay_within_the_tolerance_asked_for() -> None:
    data = references(600)
    exact = atypicality(*data, variance_tolerance=0)
    for tolerance in (1e-3, 1e-1):
        quick = atypicality(*data, variance_tolerance=tolerance)
        error = np.abs(quick.variance / exact.variance - 1)
        assert error.max() <= tolerance / (1 - tolerance)
        np.testing.assert_array_equal(quick.expected, exact.expected)
    assert error.max() > 0


def agreement(data: References, draws: int) -> tuple[float, float, Atypicality]:
    """Ratio of summed variances, and sd of the means' standardised error, for E >= 0.5."""
    law, sampled = atypicality(*data), atypicality(*data, draws=draws, seed=5)
    np.testing.assert_array_equal(law.venue_a, sampled.venue_a)
    wanted = law.expected >= 0.5
    error = (sampled.expected - law.expected)[wanted] / np.sqrt(law.variance[wanted] / draws)
    return sampled.variance[wanted].sum() / law.variance[wanted].sum(), error.std(), sampled


def test_law_agrees_with_sampling() -> None:
    ratio, spread, sampled = agreement(references(400), 1500)
    assert ratio == pytest.approx(1, abs=0.02)
    assert spread == pytest.approx(1, abs=0.08)
    law = atypicality(*references(400))
    wanted = law.expected >= 2
    error = (sampled.variance - law.variance)[wanted] / sampled.variance_error[wanted]
    assert error.std() == pytest.approx(1, abs=0.15)
    np.testing.assert_allclose(sampled.expected_error, np.sqrt(sampled.variance / 1500))


@pytest.mark.slow
def test_law_agrees_with_20000_draws_on_2000_papers() -> None:
    ratio, spread, _ = agreement(references(2000, size=6), 20_000)
    assert ratio == pytest.approx(1, abs=0.01)
    assert spread == pytest.approx(1, abs=0.03)


def test_draws_are_seeded() -> None:
    data = references(60)
    one, two = (atypicality(*data, draws=5, seed=1) for _ in range(2))
    other = atypicality(*data, draws=5, seed=2)
    np.testing.assert_array_equal(one.z, two.z)
    assert not np.array_equal(one.z, other.z)


@pytest.mark.parametrize("quantile", [0.0, 0.1, 0.45, 0.5, 0.9, 1.0])
def test_scores_are_the_quantiles_of_the_pairs(quantile: float) -> None:
    paper, year, venue, cited = references(150)
    result = atypicality(paper, year, venue, cited, quantile=quantile)
    pairs = zip(result.venue_a.tolist(), result.venue_b.tolist(), strict=True)
    z = dict(zip(pairs, result.z, strict=True))
    for at, one in enumerate(result.paper_id):
        mine = venue[paper == one].tolist()
        of_paper = [z[min(p), max(p)] for p in itertools.combinations(mine, 2)]
        assert result.n_pairs[at] == len(of_paper)
        assert result.tail[at] == pytest.approx(np.quantile(of_paper, quantile), abs=1e-12)
        assert result.median[at] == pytest.approx(np.median(of_paper), abs=1e-12)


def years(papers: int) -> References:
    parts = [references(papers, seed=seed) for seed in range(4)]
    return tuple(
        np.concatenate([part[k] + shift * step for step, part in enumerate(parts)])
        for k, shift in enumerate((10_000, 1, 0, 1))
    )


def assert_same(one: Atypicality, two: Atypicality) -> None:
    for name in Atypicality.__slots__:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def test_order_threads_and_memory_change_nothing() -> None:
    data = years(80)
    whole = atypicality(*data)
    shuffled = np.random.default_rng(0).permutation(data[0].size)
    assert_same(whole, atypicality(*(column[shuffled] for column in data)))
    assert_same(whole, atypicality(*data, threads=3))
    assert_same(whole, atypicality(*data, memory_limit=4000))


def test_years_do_not_touch_each_other() -> None:
    data = years(40)
    whole = atypicality(*data)
    for year in np.unique(data[1]):
        alone = atypicality(*(column[data[1] == year] for column in data))
        np.testing.assert_array_equal(whole.z[whole.pair_year == year], alone.z)
        mine = np.isin(whole.paper_id, alone.paper_id)
        np.testing.assert_array_equal(whole.tail[mine], alone.tail)


def test_pairs_can_be_left_out() -> None:
    data = references(50)
    whole, scores = atypicality(*data), atypicality(*data, return_pairs=False)
    assert scores.venue_a.size == scores.z.size == scores.pair_year.size == 0
    np.testing.assert_array_equal(whole.tail, scores.tail)


def test_null_holds_means_and_totals() -> None:
    paper, year, venue, cited = references(300)
    result = atypicality(paper, year, venue, cited)
    lengths = np.bincount(paper)
    assert result.observed.sum() == (lengths * (lengths - 1) // 2).sum()
    rng = np.random.default_rng(3)
    for stratum in np.unique(cited):
        venue[cited == stratum] = rng.permutation(venue[cited == stratum])
    shuffled = atypicality(paper, year, venue, cited)
    wanted = shuffled.expected >= 2
    # z of a permuted world: sd 1; some 300 correlated pairs leave about 0.05 of noise.
    assert shuffled.z[wanted].std() == pytest.approx(1, abs=0.15)


def test_planted_papers_rank_above_the_rest() -> None:
    rng = np.random.default_rng(1)
    paper, year, _, cited = references(600, size=12, seed=4)
    community = rng.integers(0, 10, 600)
    venue = 10 * rng.integers(0, 10, paper.size) + community[paper]
    planted = rng.random(600) < 0.05
    half = planted[paper] & (np.arange(paper.size) % 2 == 0)
    venue[half] = venue[half] // 10 * 10 + (community[paper[half]] + 5) % 10
    tail = atypicality(paper, year, venue, cited).tail
    above = tail[planted][:, None] < tail[~planted]
    area = above.mean()
    print(f"area under the curve {area:.3f}")
    assert area > 0.9


def test_references_without_venue_or_year_are_counted() -> None:
    result = atypicality(
        paper=[1, 1, 1, 1, 2, 2, 3, 4, 4, 4, 4],
        citing_year=[2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000],
        venue=np.ma.masked_values([5, 6, 0, 5, 5, 6, 6, 5, 5, 5, 5], 0),
        cited_year=[1990, 1990, 1990, -1, 1990, -1, 1990, 1990, 1990, 1990, 1990],
        max_references=3,
    )
    assert result.left_out == {"no_venue": 1, "no_year": 2, "long_list": 4}
    assert result.paper_id.tolist() == [1, 2, 3, 4]
    assert result.n_pairs.tolist() == [1, 0, 0, 0]
    assert np.isnan(result.tail).tolist() == [False, True, True, True]
    # Four slots hold 5, 6, 5, 6; the one pair is {5, 6} with probability 4/6.
    assert result.expected.tolist() == [pytest.approx(2 / 3)]


def test_long_lists_are_kept_when_asked_for() -> None:
    paper, year, venue, cited = references(30)
    long = np.full(3000, 99)
    data = (
        np.concatenate([paper, long]),
        np.concatenate([year, np.full(3000, 2010)]),
        np.concatenate([venue, 100 + np.arange(3000) % 50]),
        np.concatenate([cited, 2009 - np.arange(3000) % 5]),
    )
    assert np.isnan(atypicality(*data).tail[-1])
    assert atypicality(*data, max_references=None).n_pairs[-1] == 3000 * 2999 // 2


def test_single_venue_and_nothing_at_all() -> None:
    one = atypicality([1, 1, 1, 2, 2], [2000] * 5, [7] * 5, [1990, 1990, 1991, 1990, 1991])
    assert one.expected.tolist() == [4.0] == one.observed.tolist()
    assert one.variance.tolist() == one.z.tolist() == [0.0]
    assert one.tail.tolist() == one.median.tolist() == [0.0, 0.0]
    nothing = atypicality([], [], [], [])
    assert nothing.paper_id.dtype == nothing.venue_a.dtype == np.int64
    assert nothing.tail.size == nothing.z.size == 0
    unusable = atypicality([1, 1], [2000, 2000], [-1, -1], [1990, 1990])
    assert unusable.paper_id.tolist() == [1]
    assert np.isnan(unusable.tail).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"venue": [1]}, "one entry per reference each"),
        ({"venue": [0.5, 1.0]}, "whole numbers"),
        ({"venue": [[1, 2]]}, "2 dimensions"),
        ({"citing_year": [2000, 2001]}, "more than one citing year"),
        ({"quantile": 1.5}, "`quantile` is 1.5"),
        ({"variance_tolerance": -1}, "`variance_tolerance` is -1"),
        ({"draws": 1}, "`draws` is 1"),
        ({"threads": 0}, "`threads` is 0"),
        ({"max_references": 1}, "`max_references` is 1"),
    ],
)
def test_bad_input_is_refused(change: dict, sentence: str) -> None:
    good = {"paper": [1, 1], "citing_year": [2000] * 2, "venue": [1, 2], "cited_year": [1990] * 2}
    with pytest.raises(InputError, match=sentence):
        atypicality(**(good | change))


def nlp_references() -> References:
    """References of the ACL Anthology Network, ids as numbers in the order of the file."""
    with (SHARED / "papers.csv").open(encoding="utf-8") as stream:
        papers = list(csv.DictReader(stream))
    number = {row["id"]: k for k, row in enumerate(papers)}
    venues = {name: k for k, name in enumerate(sorted({row["venue"] for row in papers}))}
    with (SHARED / "citations.csv").open(encoding="utf-8") as stream:
        ends = [
            (number[row["citing"]], number[row["cited"]])
            for row in csv.DictReader(stream)
            if row["citing"] in number and row["cited"] in number
        ]
    citing, cited = np.array(ends).T
    year = np.array([int(row["year"]) for row in papers])
    venue = np.array([venues[row["venue"]] for row in papers])
    return citing, year[citing], venue[cited], year[cited]


def test_scores_agree_with_pyscisci() -> None:
    with np.load(Path(__file__).with_name("pyscisci_novelty.npz")) as kept:
        reference = dict(kept)
    result = atypicality(
        *(reference[name] for name in ("ref_paper", "ref_year", "ref_venue", "ref_cited"))
    )
    np.testing.assert_array_equal(result.paper_id, reference["paper"])
    for ours, theirs in ((result.tail, "novelty"), (result.median, "conventionality")):
        known = np.isfinite(reference[theirs])
        assert known.mean() > 0.99
        assert spearmanr(ours[known], reference[theirs][known]).statistic >= 0.99


@pytest.mark.shared_data
def test_real_references_give_finite_scores() -> None:
    if not SHARED.exists():
        pytest.skip(f"There is no {SHARED}: the ACL Anthology Network is not part of the project.")
    result = atypicality(*nlp_references())
    scored = result.n_pairs > 0
    assert np.isfinite(result.tail[scored]).all()
    assert np.isnan(result.tail[~scored]).all()
    assert np.all(result.tail[scored] <= result.median[scored])
