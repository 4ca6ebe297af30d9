"""What README and docs show is what the command line takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.utils.importstring import import_item

from jupyter_tos_guard.cli.app import TosGuardApp
from jupyter_tos_guard.gate.settings import TosGuard
from jupyter_tos_guard.guard import ANSWERS
from jupyter_tos_guard.inspection.facts import Kind

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def verbs(app: type[Any] = TosGuardApp, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb by its words, with its class."""
    yield path, app
    for name, (target, _) in vars(app).get("subcommands", {}).items():
        yield from verbs(import_item(target), (*path, name))


VERBS = dict(verbs())


def commands() -> Iterator[Any]:
    """Every command line of ours in a code block, from its verb on."""
    for page in PAGES:
        for block in re.findall(r"^```bash\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
            for words in (words for line in block.splitlines() for words in shell_commands(line)):
                if len(words) > 2 and words[0].endswith("jupyter") and words[1] == "tos-guard":
                    yield pytest.param(words[2:], id=f"{page.name}: {' '.join(words[2:])}")


def shell_commands(line: str) -> Iterator[list[str]]:
    """Words of each command of a line, without what is redirected."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    redirected = False
    for token in lexer:
        if token in ("|", "&&", ";"):
            yield words
            words, redirected = [], False
        elif token in ("<", ">"):
            redirected = True
        elif not redirected:
            words.append(token)
    yield words


def option_names(app: Any) -> set[str]:
    names = set()
    for table in (app.aliases, app.flags):
        for key in table:
            names |= set(key) if isinstance(key, tuple) else {key}
    return names | {"help", "help-all", "version"}


@pytest.mark.parametrize("words", list(commands()))
def test_commands_in_the_documentation_name_verbs_and_options_that_exist(words: list[str]) -> None:
    words = list(words)
    path: tuple[str, ...] = ()
    while words and (*path, words[0]) in VERBS:
        path = (*path, words.pop(0))
    assert path, f"there is no verb {words[0]!r}"
    app = VERBS[path]
    for word in words:
        if word.startswith("--"):
            assert word[2:].partition("=")[0] in option_names(app)
    parsed = app()
    parsed.parse_command_line(words)
    assert "help" not in parsed.extra_args
    app.clear_instance()


@pytest.mark.parametrize("path", sorted(VERBS), ids=" ".join)
def test_every_verb_and_option_is_in_the_reference(path: tuple[str, ...]) -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert all(re.search(rf"\b{re.escape(word)}\b", text) for word in path)
    shown = option_names(VERBS[path]) - {"help", "help-all", "version", "y", "generate-config"}
    missing = sorted(name for name in shown if f"--{name}" not in text)
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_and_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" in target or target.startswith(("mailto:", "rules/")):
            continue
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_table_of_failures_is_that_of_the_guard() -> None:
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    for reason, answer in ANSWERS.items():
        row = f"| `{reason}` | {answer.opened.label} | {answer.closed.label} | {answer.meaning} |"
        assert row in text


def test_the_table_of_settings_is_that_of_the_kernel() -> None:
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    for name in TosGuard.class_own_traits(config=True):
        assert re.search(rf"^\|.*`{name}`.*\|", text, re.M), name


def test_every_kind_of_fact_is_described() -> None:
    text = (ROOT / "docs" / "facts.md").read_text(encoding="utf-8")
    for kind in Kind:
        assert f"\n| `{kind}` |" in text
