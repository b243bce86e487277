"""Build the explorer of a large results folder; print its build time, sizes and first paint.

The folder is synthetic: every table a run may make, with drawn numbers, for as many
countries and years as asked. Times are CPU time of this process. With Chromium and
chromedriver at hand each page is opened over HTTP; its weight is the bytes of everything
it loaded, its first paint what the browser measured, the median of several visits.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from isthmus.report.page import write_report
from isthmus.report.site import build_site

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from browser.browsers import Browser, served, start
from report.synthetic import write_results

WEIGHT = """
    return performance.getEntriesByType('resource').concat(
      performance.getEntriesByType('navigation')).reduce((sum, e) => sum + e.decodedBodySize, 0);
"""
PAINT = "return performance.getEntriesByName('first-contentful-paint')[0].startTime"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--countries", type=int, default=200)
    parser.add_argument("--years", type=int, nargs=2, default=(2000, 2021))
    parser.add_argument("--visits", type=int, default=5, help="visits of each page")
    parser.add_argument("--pages", nargs="+", help="pages to visit; all by default")
    parser.add_argument("--no-report", action="store_true", help="build the explorer only")
    parser.add_argument("--no-browser", action="store_true", help="build only")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    folder = Path(tempfile.mkdtemp(prefix="isthmus-site-"))
    try:
        results = write_results(folder / "results", given.countries, tuple(given.years))
        began = time.process_time()
        site = build_site(results, folder / "site").parent
        built = time.process_time() - began
        print(f"{given.countries} countries, {results.record['tables']['links']:,} rows of links")
        print(f"explorer built in {built:.1f} s (CPU)")
        if not given.no_report:
            began = time.process_time()
            write_report(results)
            print(f"report written in {time.process_time() - began:.1f} s (CPU)")
        sizes = [path.stat().st_size for path in site.rglob("*") if path.is_file()]
        print(f"{len(sizes):,} files, {sum(sizes) / 1e6:.1f} MB, largest {max(sizes) / 1e6:.2f} MB")
        if not given.no_browser:
            visit(site, folder, given.visits, given.pages)
    finally:
        shutil.rmtree(folder)


def visit(site: Path, folder: Path, visits: int, pages: list[str] | None) -> None:
    (folder / "downloads").mkdir()
    driver = start(folder / "profile")
    browser = Browser(driver, folder / "downloads")
    browser.do("Network.enable")
    browser.do("Network.setCacheDisabled", cacheDisabled=True)
    print(f"{'page':10} {'weight, MB':>10} {'first paint, s':>14}")
    with served(site) as address:
        for page in pages or sorted(path.stem for path in site.glob("*.html")):
            paints, weights = [], []
            for _ in range(visits):
                browser.open(f"{address}/{page}.html")
                paints.append(browser.script(PAINT) / 1000)
                weights.append(browser.script(WEIGHT) / 1e6)
            print(f"{page:10} {max(weights):10.2f} {statistics.median(paints):14.2f}")
    driver.quit()


if __name__ == "__main__":
    main()
