"""The explorer: a static site that works from any web host and from ``file://``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from isthmus.errors import TargetError
from isthmus.files import atomic_path
from isthmus.report import html
from isthmus.report.answers import answers
from isthmus.report.charts import COLOURS, VEGA_LITE
from isthmus.report.design import colour_places
from isthmus.report.glance import glance_body
from isthmus.report.glossary import metric
from isthmus.report.methods import methods_text
from isthmus.report.pages import pages
from isthmus.report.questions import questions_body
from isthmus.report.shards import SMALL_CELL, shards
from isthmus.report.source import Source
from isthmus.report.views import Page, View
from isthmus.report.words import words
from isthmus.results import RUN_FILE, Results, one_field

#: Scripts of a page, in the order they load.
SCRIPTS = (
    "static/theme-button.js",
    "static/data.js",
    "data/meta.js",
    "static/state.js",
    "static/format.js",
    "static/table.js",
    "static/charts.js",
    "static/app.js",
)

#: Title of the first page.
FIRST = "At a glance"

#: Marks a folder as a site of isthmus, which may be replaced.
SITE_MARK = "isthmus-site.json"


def build_site(results: Results, target: str | Path, *, small_cell: int = SMALL_CELL) -> Path:
    """Write the explorer of `results` to the folder `target`, whole or not at all.

    Parameters
    ----------
    results
        Results of a finished run; of many fields the focus is shown, beside the others.
    target
        Folder of the site; an older site there is replaced.
    small_cell
        Joint papers of a pair under which its row is greyed: too few to say much.

    Returns
    -------
    Path
        The site's first page.

    Raises
    ------
    TargetError
        The folder holds something that is no site of isthmus, or cannot be written.
    """
    target = Path(target)
    _refuse_strangers(target)
    source = Source(one_field(results))
    with atomic_path(target) as partial:
        partial.mkdir(parents=True)
        names = _write_shards(source, partial)
        _write_static(partial / "static")
        made = pages(source)
        meta = {**_meta(source, names), "small": small_cell, "words": words(source)}
        meta["colours"] = [COLOURS, colour_places(source)]
        _write(partial / "data" / "meta.js", f"isthmus.meta={html.data(meta)};\n")
        for page in made:
            _write(partial / f"{page.name}.html", page_html(source, page, made))
        theme = '<script src="static/theme-button.js"></script>'
        first = glance_body(source, made) + theme
        _write(partial / "index.html", frame(source, "index", FIRST, first, made))
        listed = questions_body(source) + theme + '<script src="static/findings.js"></script>'
        _write(partial / "findings.html", frame(source, "findings", "Findings", listed, made))
        _write(partial / "methods.html", methods_html(source, made))
        _write(partial / SITE_MARK, html.data({"title": source.title}) + "\n")
    return target / "index.html"


def _refuse_strangers(target: Path) -> None:
    if not target.exists():
        return
    if (target / RUN_FILE).exists():
        raise TargetError(
            f"{target} holds results, not a site. Choose another folder with `--to SITE`."
        )
    if not target.is_dir() or (any(target.iterdir()) and not (target / SITE_MARK).exists()):
        raise TargetError(f"{target} holds something that is no site of isthmus. Choose another.")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_shards(source: Source, target: Path) -> list[str]:
    names = []
    for name, sets in shards(source):
        given = msgspec.json.encode(sets, order="deterministic").decode()
        _write(target / "data" / f"{name}.js", f"isthmus.give({html.data(name)},{given});\n")
        names.append(name)
    return names


def _write_static(target: Path) -> None:
    folder = resources.files("isthmus.report").joinpath("static")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith((".js", ".css")):
            _write(target / file.name, file.read_text(encoding="utf-8"))
    _write(target / "vega.js", vega_script())
    licence = resources.files("isthmus.report").joinpath("shapes", "LICENSE")
    _write(target / "LICENSE-shapes.txt", licence.read_text(encoding="utf-8"))


@cache
def vega_script() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that sets ``vegaEmbed`` and nothing else."""
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;", vl_version=VEGA_LITE)
    return f"(function(){{{bundle}}})();\n"


def _meta(source: Source, names: Sequence[str]) -> dict[str, Any]:
    index: dict[str, list[str]] = {"": []}
    for name in names:
        folder, _, last = name.rpartition("/")
        index.setdefault(folder, []).append(last)
    return {"names": source.names, "shards": index, "poles": source.poles}


def page_html(source: Source, page: Page, menu: Sequence[Page]) -> str:
    """Write a page: its skeleton in HTML, its controls and views as data."""
    views = [view.plain(source) for view in page.views]
    described = {"controls": list(page.controls), "views": views, "sentences": page.sentences}
    sections = "".join(_section(view, plain) for view, plain in zip(page.views, views, strict=True))
    body = html.tag("h1", html.text(page.title), data_title="") + _lead(source, page)
    body += html.tag("p", html.text(page.intro))
    body += '<div id="controls"></div>' + sections
    body += "<noscript><p>The tables need JavaScript; the CSV files of the results do not."
    body += "</p></noscript>"
    body += html.tag("script", html.data(described), type="application/json", id="page")
    scripts = "".join(f'<script src="{name}"></script>' for name in SCRIPTS)
    return frame(source, page.name, page.title, body + scripts, menu)


def _lead(source: Source, page: Page) -> str:
    """Begin a page with its answers; those of what is chosen are put in by the script."""
    said = [answer.sentence for answer in answers(source) if answer.name in page.answers]
    return html.tag("p", html.text(" ".join(said)), class_="lead", id="lead")


def _section(view: View, plain: Mapping[str, Any]) -> str:
    heading = html.tag("h2", html.text(plain.get("title", view.heading)), data_title="")
    if "missing" in plain:
        heading = html.tag("h2", html.text(_without_braces(view.heading)))
        return html.tag("section", heading + _missing(plain["missing"]), id=view.id)
    content = heading + (f'<p class="says" id="{view.id}-says"></p>' if view.says else "")
    content += html.tag("p", html.text(view.note), class_="note") if view.note else ""
    if view.folded:
        terms = "".join(
            html.tag("dt", html.text(term)) + html.tag("dd", html.text(meaning))
            for term, meaning in view.folded.items()
        )
        summary = html.tag("summary", "Which answers which question")
        content += html.tag("details", summary + html.tag("dl", terms), class_="folded")
    for kind in ("chart", "map"):
        if plain[kind]:
            content += f'<div id="{view.id}-{kind}" class="chart"></div>'
    content += f'<div id="{view.id}-view"></div>'
    return html.tag("section", content, id=view.id)


def _without_braces(heading: str) -> str:
    plain = re.sub("^{country}[:,] |{a} and {b}: ", "", heading).replace(" in {year}", "")
    plain = plain.replace(" of {country}'s data", "")
    plain = (
        plain.replace(" of {country}", "").replace(" to {country}", "").replace(" {country}", "")
    )
    return plain[:1].upper() + plain[1:]


def _missing(sentence: str) -> str:
    return html.tag("p", html.inline(sentence), class_="missing")


def frame(source: Source, name: str, title: str, body: str, menu: Sequence[Page]) -> str:
    """Put a page's body into the frame that all pages share."""
    entries = [("index", FIRST), ("findings", "Findings")]
    entries += [(page.name, page.title) for page in menu] + [("methods", "Methods")]
    links = "".join(
        html.tag(
            "li",
            html.tag(
                "a",
                html.text(label),
                href=f"{page}.html",
                aria_current="page" if page == name else None,
            ),
        )
        for page, label in entries
    )
    first, last = source.years
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.text(html.POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.text(title)} - {html.text(source.title)}</title>"
        '<link rel="icon" href="data:,">'
        '<script src="static/theme.js"></script>'
        '<link rel="stylesheet" href="static/design.css">'
        '<link rel="stylesheet" href="static/app.css">'
    )
    top = (
        '<a class="skip" href="#main">Skip to content</a><header>'
        f'<p class="study" dir="auto">{html.text(source.title)}, {first}-{last}</p>'
        '<button type="button" id="theme" aria-label="Switch light and dark">Theme</button>'
        f'<nav aria-label="Pages"><ul>{links}</ul></nav></header>'
    )
    end = (
        f"<footer><p>Written by isthmus {html.text(source.results.record['versions']['isthmus'])}. "
        "Country shapes: Natural Earth, public domain, through world-atlas. Borders are those of "
        "the source and state no opinion.</p></footer>"
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{top}'
        f'<main id="main">{body}</main>{end}</body></html>\n'
    )


def _coded(text: str) -> str:
    """Mark names of experiments as code."""
    return re.sub(r"\b((?:joint|movers):[A-Z]+\S*)", r"`\1`", text)


def methods_html(source: Source, menu: Sequence[Page]) -> str:
    """Write the methods page: the methods text, and every column explained."""
    body = html.tag("div", html.prose(methods_text(source)), class_="prose")
    shown = {c for page in menu for view in page.views for c, _ in view.columns}
    names = sorted(name for name in shown if not name.startswith("times_usual_"))
    terms = ""
    for name in names:
        meant = metric(name, source.settings)
        terms += html.tag("dt", f"{html.text(meant.label)} <code>{html.text(name)}</code>")
        terms += html.tag("dd", html.inline(_coded(f"{meant.meaning} Counting rule: {meant.rule}")))
    body += html.tag("h2", "Columns", id="columns")
    body += html.tag("div", html.tag("dl", terms), class_="prose")
    body += '<script src="static/theme-button.js"></script>'
    return frame(source, "methods", "Methods", body, menu)
