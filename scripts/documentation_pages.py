"""Notebooks and the Python reference as pages: a hook of MkDocs (`hooks` in mkdocs.yml).

Every notebook is run from top to bottom in an empty folder while the documentation is built, so
that its page shows what it gives today. A cell that fails fails the build. In pages,
`{{ names of MODULE }}` stands for the docstrings of all that the module exports.
"""

from __future__ import annotations

import importlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import MarkdownExporter

#: The page as Markdown. Styles that data frames bring are left out; tables look as others do.
_STYLE = re.compile(r"<style.*?</style>\n*", re.DOTALL)

#: Where a page lists what a module exports.
_NAMES = re.compile(r"^\{\{ names of ([\w.]+) \}\}$", re.MULTILINE)

#: Seconds a cell may take before the build fails.
_TIMEOUT = 300


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put a page in the place of every notebook."""
    for file in list(files):
        if file.src_uri.endswith(".ipynb"):
            files.remove(file)
            page = Path(file.src_uri).with_suffix(".md").as_posix()
            content = executed(Path(config.docs_dir) / file.src_uri)
            files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the exported names of a module, with where each is defined, in their place."""
    return _NAMES.sub(lambda found: "\n\n".join(_documented(found[1])), markdown)


def _documented(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    for exported in module.__all__:
        value = getattr(module, exported)
        if not isinstance(value, ModuleType):
            home = f"{value.__module__}.{value.__qualname__}"
            yield f"::: {home}\n    options:\n      heading: {name}.{exported}"


def executed(path: Path) -> str:
    """Run a notebook, and return it with its outputs as Markdown.

    Raises
    ------
    PluginError
        A cell failed; the message names the notebook and shows the cell.
    """
    notebook = nbformat.read(path, as_version=4)
    os.environ["PYTHONWARNINGS"] = "ignore::DeprecationWarning"
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=_TIMEOUT, resources={"metadata": {"path": folder}}
        )
        try:
            client.execute()
        except CellExecutionError as error:
            raise PluginError(f"{path.name} fails when it is run: {error}") from None
    text, _ = MarkdownExporter().from_notebook_node(notebook)
    return _STYLE.sub("", text)
