"""How the pages are made: `sphinx-build -W docs docs/_build`, with the extra `docs` installed."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
# Rooms in the order in which a reader meets them.
ROOMS = ("tl", "pl", "get", "graphs", "nn", "metrics", "datasets")

project = "gsr_sc"
author = "The gsr_sc authors"
version = release = importlib.import_module("gsr_sc").__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
html_theme = "sphinx_book_theme"
html_title = "gsr_sc"
html_theme_options = {"show_navbar_depth": 2}

autosummary_generate = True
autodoc_member_order = "bysource"
# Types stand in signatures alone; the pages repeat them beside each parameter.
autodoc_typehints = "both"
autodoc_typehints_description_target = "documented"
templates_path = ["_templates"]
napoleon_google_docstring = False
# Notebooks are committed with what they gave; making the pages runs nothing.
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = [
    # The README links to files of the repository that are no pages here.
    "myst.xref_missing",
    # "(n_obs, n_neurons)" in a `Returns` section is no reference to an attribute of that name.
    "ref.python",
]


def _write_if_changed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # An untouched file is not read again.
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _api_pages() -> None:
    """One page for each room, with what its `__all__` says: no list is kept by hand."""
    for room in ROOMS:
        module = importlib.import_module(f"gsr_sc.{room}")
        names = "\n".join(module.__all__)
        # An empty line in the first docstring ends the sentence that titles the page.
        title = (module.__doc__ or "").strip().splitlines()[0]
        page = f"# gsr_sc.{room}\n\n{title}\n\n```{{eval-rst}}\n.. currentmodule:: gsr_sc.{room}\n\n.. autosummary::\n   :toctree: {room}\n\n"
        _write_if_changed(
            HERE / "api" / f"{room}.md", page + "".join(f"   {name}\n" for name in names.split()) + "```\n"
        )


def _copied_pages() -> None:
    """Notebooks lie where users look for them, so they are copied into the tree that sphinx reads."""
    (HERE / "tutorials").mkdir(exist_ok=True)
    for notebook in sorted((ROOT / "tutorials").glob("*.ipynb")):
        shutil.copy(notebook, HERE / "tutorials")


_api_pages()
_copied_pages()
