"""The disruption index against sets of works counted in plain Python; counts must be equal."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats.novelty.disruption_index import disruption


def brute_force(
    edges: set[tuple[int, int]], years: dict[int, int], paper: int, window: int
) -> tuple[int, int, int]:
    references = {cited for citing, cited in edges if citing == paper}
    span = range(years[paper], years[paper] + window + 1)
    later = {work for work, year in years.items() if year in span and work != paper}
    of_paper = {citing for citing, cited in edges if cited == paper} & later
    of_references = {citing for citing, cited in edges if cited in references} & later
    return (
        len(of_paper - of_references),
        len(of_paper & of_references),
        len(of_references - of_paper),
    )


def network(seed: int, works: int = 60, edges: int = 400) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    paper = rng.choice(1000, works, replace=False)
    year = rng.integers(1990, 2010, works)
    citing, cited = rng.choice(paper, (2, edges))
    cited[:20] = 5000 + rng.integers(0, 5, 20)
    return citing, cited, paper, year


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("window", [0, 5, 30])
def test_counts_equal_brute_force(seed: int, window: int) -> None:
    citing, cited, paper, year = network(seed)
    result = disruption(citing, cited, paper, year, window=window, threads=1 + seed % 3)
    pairs = zip(citing.tolist(), cited.tolist(), strict=True)
    edges = {(one, other) for one, other in pairs if one != other}
    years = dict(zip(paper.tolist(), year.tolist(), strict=True))
    assert result.paper_id.tolist() == sorted(years)
    for at, one in enumerate(result.paper_id.tolist()):
        only, both, others = brute_force(edges, years, one, window)
        found = (result.only_paper[at], result.both[at], result.only_references[at])
        assert found == (only, both, others)
        if any(c == one for c, _ in edges) and only + both + others:
            assert result.index[at] == (only - both) / (only + both + others)
        else:
            assert np.isnan(result.index[at])


def test_extremes() -> None:
    # 10 cites 1; 11 and 12 cite 10 alone, 21 and 22 cite 20 and what it cites, 2.
    citing = [10, 11, 12, 20, 21, 21, 22, 22]
    cited = [1, 10, 10, 2, 20, 2, 20, 2]
    paper = [1, 2, 10, 11, 12, 20, 21, 22]
    result = disruption(citing, cited, paper, [2000] * 8, focal=[10, 20])
    assert result.index.tolist() == [1.0, -1.0]


def test_order_repeats_and_unknown_works_change_nothing_but_the_tally() -> None:
    citing, cited, paper, year = network(1)
    whole = disruption(citing, cited, paper, year)
    rng = np.random.default_rng(0)
    edge, work = rng.permutation(citing.size), rng.permutation(paper.size)
    again = disruption(
        np.append(citing[edge], [citing[0], 9999]),
        np.append(cited[edge], [cited[0], cited[0]]),
        paper[work],
        year[work],
    )
    np.testing.assert_array_equal(whole.index, again.index)
    assert again.left_out == whole.left_out + 2


def test_nothing_gives_nothing() -> None:
    nothing = disruption([], [], [], [])
    assert nothing.paper_id.size == nothing.index.size == 0
    alone = disruption([], [], [7], [2000])
    assert alone.only_paper.tolist() == [0]
    assert np.isnan(alone.index).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"cited": [1]}, "belong together"),
        ({"year": [2000.0, 2001.0]}, "whole numbers"),
        ({"paper": [1, 1]}, "more than once"),
        ({"focal": [5]}, "Focal paper 5"),
        ({"window": -1}, "`window` is -1"),
    ],
)
def test_bad_input_is_refused(change: dict, sentence: str) -> None:
    good = {"citing": [2, 2], "cited": [1, 1], "paper": [1, 2], "year": [2000, 2001]}
    with pytest.raises(InputError, match=sentence):
        disruption(**(good | change))


def test_the_package_gives_the_function_again_and_again() -> None:
    from isthmus import stats

    assert stats.disruption is stats.disruption is disruption
