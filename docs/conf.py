"""Sphinx configuration. Needs no network; the pages about rules are made from the default policy."""

from __future__ import annotations

from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

project = "jupyter_tos_guard"
copyright = "jupyter_tos_guard contributors"  # noqa: A001 - Sphinx's name for it
release = version_of("jupyter_tos_guard")

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "jupyter_tos_guard"
html_static_path = ["_static"]


def setup(app: Sphinx) -> None:
    """Have the rules' pages written before Sphinx looks for pages."""
    app.connect("config-inited", write_rule_pages)


def write_rule_pages(app: Sphinx, config: object) -> None:
    """Write ``docs/rules`` from the default policy."""
    from jupyter_tos_guard.cli.policy.docs import write_pages
    from jupyter_tos_guard.cli.policy.folder import read_folder

    docs = Path(__file__).parent
    policy = read_folder(docs.parent / "jupyter_tos_guard" / "policy" / "default")
    write_pages(policy, docs / "rules")
