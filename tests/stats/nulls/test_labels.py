"""Labels of a data frame come back on what a null model expects and tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from isthmus.errors import InputError
from isthmus.stats import fit_null, fit_panel, link_test

CODES = ["US", "CN", "DE"]
WEIGHTS = np.array([[0, 4, 1], [4, 0, 2], [1, 2, 0]])
FRAME = pd.DataFrame(WEIGHTS, index=CODES, columns=CODES)


@pytest.mark.parametrize("model", ["multiedge", "ecm"])
def test_what_is_expected_carries_the_labels(model: str) -> None:
    fit, plain = (fit_null(w, model, directed=False) for w in (FRAME, WEIGHTS))
    expected = fit.labelled("expected")
    assert list(expected.index) == list(expected.columns) == CODES
    np.testing.assert_array_equal(expected.to_numpy(), plain.expected)
    assert fit.labelled("sd").loc["US", "CN"] == plain.sd[0, 1]
    z = link_test(FRAME, fit).labelled("z")
    assert z.loc["CN", "DE"] == link_test(WEIGHTS, plain).z[1, 2]


@pytest.mark.parametrize("model", ["multiedge", "ecm"])
def test_panels_keep_labels_too(model: str) -> None:
    fits = fit_panel([FRAME, FRAME * 2], model, directed=False)
    assert [fit.labels.names for fit in fits] == [tuple(CODES)] * 2


def test_an_array_has_no_labels() -> None:
    with pytest.raises(InputError, match="had no labels"):
        fit_null(WEIGHTS, "multiedge", directed=False).labelled()


def test_rows_and_columns_must_agree() -> None:
    with pytest.raises(InputError, match="same nodes in the same order"):
        fit_null(FRAME[["CN", "US", "DE"]], "multiedge", directed=True)


def test_a_test_of_nodes_in_another_order_is_refused() -> None:
    fit = fit_null(FRAME, "multiedge", directed=False)
    turned = FRAME.loc[CODES[::-1], CODES[::-1]]
    with pytest.raises(InputError, match="in another order"):
        link_test(turned, fit)
