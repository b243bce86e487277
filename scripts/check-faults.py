"""Break the code, one fault at a time, and see that a test notices.

    python scripts/check-faults.py            # all; prints the table of docs/contributing/tests.md
    python scripts/check-faults.py role seed  # those whose words hold one of these

Each fault is written into a copy of ``src``, and the tests that should notice it run on the copy. A
fault that no test notices, or a line that is no longer in the code, makes the command end with 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Fault(NamedTuple):
    """What is broken: words, file below src/isthmus, what stands there, what instead, the tests."""

    words: str
    file: str
    right: str
    wrong: str
    tests: str


FAULTS = (
    Fault("works that have a country already may get it again", "leadership/bounds.py",
          'free = totals[missing] - known["open"]', "free = totals[missing]",
          "tests/leadership/test_bounds.py"),
    Fault("nobody is abroad unseen between two papers", "mobility/unseen_stays.py",
          "both, never, 1.0", "both, 1.0, 1.0",
          "tests/mobility/test_cohorts.py"),
    Fault("a concept's score must exceed its threshold", "selection/field.py",
          "of_scheme.score >= concept.min_score", "of_scheme.score > concept.min_score",
          "tests/selection/test_field.py"),
    Fault("no continuity correction in trend signs", "stats/trends/theil_sen.py",
          "np.maximum(np.abs(score) - 1, 0)", "np.abs(score)",
          "tests/stats/trends"),
    Fault("roles look at the first pole only", "poles/observation.py",
          "for pole, group in zip(poles, groups, strict=True) if group == 1",
          "for pole, group in list(zip(poles, groups, strict=True))[:1] if group == 1",
          "tests/poles/test_statistics.py tests/poles/test_analysis.py"),
    Fault("a placebo p without the study among the replays", "poles/statistics.py",
          "(1 + hits) / (1 + len(drawn))", "hits / max(len(drawn), 1)",
          "tests/poles/test_statistics.py"),
    Fault("a panel's sizes are of all years", "poles/layers.py",
          'pc.greater(output["year"], int(years[-1]) - last)',
          'pc.greater(output["year"], int(years[0]) - 1)',
          "tests/poles/test_panel_rules.py"),
    Fault("a place exactly as large as the limit is pooled", "selection/places.py",
          "if works < least and code not in named", "if works <= least and code not in named",
          "tests/selection/test_places.py"),
    Fault("false discoveries are counted among linked pairs alone",
          "stats/nulls/linked_pairs.py",
          "_false_discovery(own, others, active * (active - 1) // 2)",
          "_false_discovery(own, others, len(own))",
          "tests/stats/nulls/test_linked_pairs.py"),
    Fault("gaps one year longer are filled", "poles/trajectories.py",
          "1 < after - before <= max_gap + 1", "1 < after - before <= max_gap + 2",
          "tests/poles/test_panel_rules.py tests/poles/test_analysis.py"),
    Fault("references of the same year count as later", "selection/field.py",
          "(dated.cited_year > dated.citing_year).sum()",
          "(dated.cited_year >= dated.citing_year).sum()",
          "tests/selection/test_field.py"),
    Fault("stability ignores its seed", "poles/archetypes.py",
          "random = np.random.default_rng(seed)\n    quick",
          "random = np.random.default_rng(0)\n    quick",
          "tests/poles/test_worlds.py"),
    Fault("ties of one direction", "poles/observation.py",
          "both = (mean[place] + mean[:, place]) / 2", "both = mean[place]",
          "tests/poles/test_statistics.py"),
    Fault("team sizes are cut on the other side", "teaming/matched_papers.py",
          "np.searchsorted(np.array(rules.team_cuts), units.team_size)",
          'np.searchsorted(np.array(rules.team_cuts), units.team_size, side="right")',
          "tests/teaming/test_matched_papers.py tests/teaming/test_joint_papers.py"),
    Fault("totals in the order of rows", "leadership/totals.py",
          "math.fsum(totals[country])", "sum(totals[country])",
          "tests/leadership/test_totals.py"),
    Fault("a citation window one year longer", "leadership/impact.py",
          "citations.citing_year <= citations.cited_year + window",
          "citations.citing_year <= citations.cited_year + window + 1",
          "tests/pipeline/test_runner.py -k self_citations"),
    Fault("moves with a longer gap stay", "mobility/moves.py",
          "moves.gap_years <= max_gap_years", "moves.gap_years <= max_gap_years + 1",
          "tests/mobility/test_movers.py"),
    Fault("a share's countries of both sides count", "poles/statistics.py",
          "alone = one ^ other", "alone = one | other",
          "tests/poles/test_statistics.py"),
    Fault("an interval from few units", "stats/shares.py", "FEWEST = 6", "FEWEST = 2",
          "tests/findings/test_estimates.py tests/poles/test_statistics.py"),
    Fault("false discoveries are not controlled", "findings/decide.py",
          "rates = false_discovery_control([p[row] for row in rows])",
          "rates = [p[row] for row in rows]",
          "tests/findings/test_decide.py"),
    Fault("too few clusters have an interval", "stats/resampling/cluster_bootstrap.py",
          "if worth < max(least, 2.0):", "if worth < 2.0:",
          "tests/stats/resampling/test_bootstrap.py tests/teaming/test_matched_papers.py"),
    Fault("a matrix drawn from a null model is not symmetric", "stats/nulls/models.py",
          "network += network.T.copy()", "network += network.copy()",
          "tests/stats/nulls"),
    Fault("polarisation without the sign of the correlation", "poles/polarisation.py",
          "found[0] = r * abs(r)", "found[0] = r * r",
          "tests/poles/test_polarisation.py"),
    Fault("matched labels follow the least overlap", "stats/partitions.py",
          "linear_sum_assignment(-overlap", "linear_sum_assignment(overlap",
          "tests/stats/test_partitions.py tests/stats/dtw"),
    Fault("the explorer answers any host", "report/server.py",
          "len(hosts) == 1 and hosts[0].lower() in", "len(hosts) == 1 or hosts[0].lower() in",
          "tests/report/test_server.py"),
    Fault("a link leads out of the site", "report/server.py",
          "return inside and file.is_file()", "return file.is_file()",
          "tests/report/test_server.py"),
    Fault("text that begins with a minus runs in a spreadsheet", "results/csv_files.py",
          r"[=+\-@＝＋－＠]", "[=+@＝＋－＠]",
          "tests/results/test_csv_files.py"),
    Fault("the terminal obeys escape sequences", "cli/terminal.py",
          r"\x0b-\x1f", r"\x0b-\x1a",
          "tests/test_hostile_names.py"),
    Fault("a package's hashes are of other bytes", "report/crate.py",
          '"sha256": part.sha256', '"sha256": part.sha256[::-1]',
          "tests/report/test_share.py"),
)  # fmt: skip


def noticed(fault: Fault) -> str:
    """Return the test that failed, or an empty text."""
    with tempfile.TemporaryDirectory(prefix="isthmus-fault-") as folder:
        copy = Path(folder) / "src"
        shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
        path = copy / "isthmus" / fault.file
        text = path.read_text(encoding="utf-8")
        if text.count(fault.right) != 1:
            sys.exit(f"{fault.file} holds {text.count(fault.right)} times: {fault.right}")
        path.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *fault.tests.split()],
            cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(copy)},
        )  # fmt: skip
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED")]
    return failed[0] if done.returncode == 1 and failed else ""


def main() -> None:
    """Print every fault and the test that notices it."""
    wanted = sys.argv[1:]
    missed = 0
    print("| fault | file | noticed by |\n| --- | --- | --- |")
    for fault in FAULTS:
        if wanted and not any(word in fault.words for word in wanted):
            continue
        test = noticed(fault)
        missed += not test
        print(f"| {fault.words} | `{fault.file}` | {f'`{test}`' if test else '**nothing**'} |",
              flush=True)  # fmt: skip
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
