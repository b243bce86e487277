"""Write the numbers of tslearn that the tests of DTW k-means compare with.

Only figures are kept: distances, labels and inertias for series that the test
makes again from the same seed.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from trajectories import trajectories


def reference() -> dict[str, object]:
    """Distances of a few pairs, and partitions from stated starting centroids."""
    from tslearn.clustering import TimeSeriesKMeans
    from tslearn.metrics import dtw

    series, _ = trajectories(400, seed=7)
    model = TimeSeriesKMeans(4, metric="dtw", init=series[:4].copy(), random_state=0).fit(series)
    restarts = TimeSeriesKMeans(4, metric="dtw", n_init=10, random_state=0).fit(series)
    ragged = [(series[i, i:], series[i + 10]) for i in range(10)]
    return {
        "distances": [dtw(series[i], series[i + 10]) for i in range(10)],
        "distances_window_3": [
            dtw(series[i], series[i + 10], global_constraint="sakoe_chiba", sakoe_chiba_radius=3)
            for i in range(10)
        ],
        "distances_ragged": [dtw(a, b) for a, b in ragged],
        "labels_from_first_four": model.labels_.tolist(),
        "inertia_from_first_four": model.inertia_ * len(series),
        "inertia_ten_restarts": restarts.inertia_ * len(series),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    np.seterr(all="ignore")
    options.target.write_text(json.dumps(reference()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
