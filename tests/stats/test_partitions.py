"""Agreement of partitions and silhouettes against values counted by hand and plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats.partitions import adjusted_rand, silhouette


def test_adjusted_rand():
    # Hubert & Arabie's formula by hand: pairs together in both 2, in each 4 and 3, of 15
    assert adjusted_rand([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 2]) == pytest.approx(
        (2 - 16 / 15) / (4 - 16 / 15)
    )
    assert adjusted_rand([0, 1, 1], [7, 3, 3]) == 1
    assert adjusted_rand([0, 0], [0, 0]) == 1
    random = np.random.default_rng(1)
    chance = [adjusted_rand(*random.integers(3, size=(2, 200))) for _ in range(200)]
    assert np.mean(chance) == pytest.approx(0, abs=0.003)
    with pytest.raises(InputError, match="equal length"):
        adjusted_rand([0], [0, 1])


def test_silhouette_is_the_plain_definition():
    random = np.random.default_rng(2)
    points, labels = random.normal(size=(30, 2)), random.integers(3, size=30)
    labels[0] = 9
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    widths = []
    for i in range(30):
        own = (labels == labels[i]) & (np.arange(30) != i)
        if not own.any():
            widths.append(0)
            continue
        a = gaps[i, own].mean()
        b = min(gaps[i, labels == k].mean() for k in set(labels.tolist()) - {labels[i]})
        widths.append((b - a) / max(a, b))
    assert silhouette(gaps, labels) == pytest.approx(np.mean(widths))
    assert np.isnan(silhouette(gaps, np.zeros(30)))
    with pytest.raises(InputError, match="do not fit"):
        silhouette(gaps, labels[:3])
