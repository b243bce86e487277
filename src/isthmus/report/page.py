"""The report: one self-contained page a person can open, with figures and methods beside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from isthmus.files import write_text
from isthmus.findings import write_findings
from isthmus.report import html
from isthmus.report.cards import cards, counts_text, plain
from isthmus.report.figure import Absent, Drawn, Figure
from isthmus.report.figures import FIGURES, draw_figures
from isthmus.report.glance import cannot_say, citation, data_line, verdict_key
from isthmus.report.glossary import metric
from isthmus.report.methods import methods_text
from isthmus.report.source import Source
from isthmus.report.words import in_words
from isthmus.results import Results, forms, write_record

#: Countries in the report's first table; the CSV beside it has all.
LEADERS = 20

#: What the report adds to the design that it shares with the explorer.
STYLE = """
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 16px; max-width: 1180px;
  background: var(--ground); color: var(--ink); }
a { color: var(--link); } a:focus-visible { outline: 3px solid var(--mark); }
h1, h2, h3, p, li, td, th { overflow-wrap: anywhere; } p, ul { max-width: 78ch; }
.figure { margin: 20px 0; background: #fff; color: #333; padding: 8px; }
.figure img { max-width: 100%; height: auto; display: block; }
.figure figcaption { font-size: 0.9rem; } .figure a { color: #0b5394; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.9rem; }
th, td { padding: 3px 8px; text-align: left; border-bottom: 1px solid var(--line); }
.missing { border-left: 4px solid var(--mark); padding-left: 12px; }
.data { color: var(--soft); } .key { list-style: none; padding: 0; }
td:first-child, th:first-child { overflow-wrap: normal; }
@media print {
  :root { font-size: 8.5pt; }
  body { font-size: 9.5pt; line-height: 1.35; padding: 0; max-width: none; }
  h2, h3 { break-after: avoid; }
  caption, thead, tr:first-child { break-after: avoid; }
  .figure, tr, .card { break-inside: avoid; } .figures, .methods { break-before: page; }
  .files { display: none; } .scroll { overflow: visible; }
  a { color: inherit; text-decoration: none; }
  .figure img { max-height: 110mm; } details { display: none; }
  .cards { display: block; columns: 2; } .card { margin-bottom: 8px; padding: 6px 10px; }
  .small-chart { max-width: 250px; } .card h2 { margin-bottom: 2px; }
}
"""


def write_report(results: Results) -> Path:
    """Write ``findings``, ``methods.md``, ``figures/`` and ``index.html`` into a folder of results.

    Figures come after all that is computed. One that cannot be drawn is a sentence on the
    page, and in ``run.json`` where an error is the reason.

    Parameters
    ----------
    results
        Results of a finished run; what is written depends on them alone.

    Returns
    -------
    Path
        The page.
    """
    source = Source(results)
    write_findings(results)
    write_text(results.path / "methods.md", methods_text(source))
    drawn = draw_figures(results)
    _record_lost(results, [figure for figure in drawn if isinstance(figure, Absent)])
    page = results.path / "index.html"
    write_text(page, report_html(source, drawn))
    return page


def _record_lost(results: Results, absent: list[Absent]) -> None:
    """Note in ``run.json`` which figures an error kept from being drawn, and why."""
    lost = {figure.name: figure.why for figure in absent if figure.lost}
    if lost != results.record.get("figures_lost", {}):
        rest = {key: value for key, value in results.record.items() if key != "figures_lost"}
        write_record(results.path, rest | ({"figures_lost": lost} if lost else {}))


def report_html(source: Source, drawn: list[Drawn]) -> str:
    """Write the page from the figures and tables."""
    style = _design() + STYLE
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'"
    first, last = source.years
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.text(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.text(source.title)}</title><style>{style}</style>"
        '<link rel="icon" href="data:,">'
    )
    body = html.tag("h1", html.text(f"{source.title}, {first}-{last}"), dir="auto")
    body += "".join(_sections(source, drawn))
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>'
        f"<body><main>{body}</main></body></html>\n"
    )


def _design() -> str:
    file = resources.files("isthmus.report").joinpath("static", "design.css")
    return file.read_text(encoding="utf-8")


def _sections(source: Source, drawn: list[Drawn]) -> Iterator[str]:
    yield html.tag("p", html.text(data_line(source)), class_="data")
    yield cards(source, site="#")
    yield html.tag("p", html.text(counts_text(source))) + verdict_key()
    yield cannot_say(source)
    yield citation(source)
    yield '<h2 class="figures">Figures</h2>'
    for figure in drawn:
        yield _figure(source, figure) if isinstance(figure, Figure) else ""
    yield _not_drawn([figure for figure in drawn if isinstance(figure, Absent)])
    yield _leaders(source)
    yield _findings(source)
    yield html.tag("div", "<h2>Tables</h2>" + _tables(source), class_="files")
    yield '<div class="methods"></div>'
    yield html.prose(
        methods_text(source).replace("\n## ", "\n### ").replace("# Methods", "## Methods", 1)
    )


def _leaders(source: Source) -> str:
    table = source.table("country_year")
    if table is None:
        return ""
    wanted = [source.papers, "papers_fractional", f"{source.impact}_sum", "hits"]
    names = [name for name in dict.fromkeys(wanted) if name in table.column_names]
    summed = table.group_by("country").aggregate([(name, "sum") for name in names])
    order = [(f"{names[0]}_sum", "descending"), ("country", "ascending")]
    rows = summed.sort_by(order).slice(0, LEADERS).to_pylist()
    heads = ["Country", *(metric(name, source.settings).label for name in names)]
    cells = [
        [source.names.get(row["country"], row["country"])]
        + [_amount(row[f"{name}_sum"]) for name in names]
        for row in rows
    ]
    first, last = source.years
    caption = f"The first {len(rows)} countries, sums over {first}-{last}. "
    caption += metric(names[0], source.settings).rule
    return "<h2>Who leads</h2>" + html.table(heads, cells, caption)


def _findings(source: Source) -> str:
    table = source.table("findings")
    shown = ["verdict", "statement", "why", "placebo"]
    rows = table.select(shown).to_pylist() if table is not None else []
    heads = [name.capitalize() for name in shown]
    cells = [[in_words(str(row[name] or ""), source.settings) for name in shown] for row in rows]
    caption = "Every claim with its verdict; findings.csv beside this page has all checks."
    return "<h2>Findings</h2>" + html.table(heads, cells, caption)


def _amount(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:,.1f}"


def _figure(source: Source, figure: Figure) -> str:
    drawn = source.results.path / FIGURES / f"{figure.name}.svg"
    encoded = base64.b64encode(drawn.read_bytes()).decode()
    alt = html.text(f"{figure.title}. {' '.join(figure.notes)}")
    image = f'<img alt="{alt}" src="data:image/svg+xml;base64,{encoded}">'
    files = " ".join(
        html.tag("a", ending.upper(), href=f"figures/{figure.name}.{suffix}")
        for ending, suffix in (("svg", "svg"), ("png", "png"), ("vega-lite", "vl.json"))
    )
    data = html.tag("a", f"<code>{figure.table}.csv</code>", href=f"{figure.table}.csv")
    caption = f"<figcaption>{html.text(figure.title)}. Data: {data}. {files}</figcaption>"
    return html.tag("figure", image + caption, id=figure.name, class_="figure")


def _not_drawn(absent: list[Absent]) -> str:
    """List the figures that these results do not have, and why, in one place."""
    items = "".join(
        html.tag("li", html.text(plain(f"Figure {one.name}: {one.why}"))) for one in absent
    )
    return html.tag("h3", "Figures not in this study") + html.tag("ul", items) if items else ""


def _tables(source: Source) -> str:
    items = ""
    results = source.results
    for name, rows in sorted(results.record["tables"].items()):
        endings = forms(results.path, name)
        links = " ".join(html.tag("a", ending, href=f"{name}.{ending}") for ending in endings)
        items += html.tag("li", f"<code>{html.text(name)}</code>: {rows:,} rows, {links}")
    return html.tag("ul", items)
