"""``jupyter tos-guard policy docs``: writes a page for each clause, from its rules."""

from __future__ import annotations

from pathlib import Path

from traitlets import Unicode

from jupyter_tos_guard.cli.policy.folder import FolderVerb, read_folder
from jupyter_tos_guard.cli.policy.pages import clause_page, index_page
from jupyter_tos_guard.cli.verb import Exit, Refusal
from jupyter_tos_guard.policy.rules import Policy


class DocsApp(FolderVerb):
    """Write a page for each clause, from its rules."""

    name = "jupyter-tos-guard-policy-docs"
    description = """Write a Markdown page for each clause, from its rules, and an index. The pages name
    what rules look for:
    publish them only if that is meant.

    Exit codes: 0 written, 3 no such policy or a page cannot be written, 4 policy.yml cannot be used."""
    examples = "jupyter tos-guard policy docs examples/policy --output site/rules"
    output = Unicode("rules", help="The folder to write to.").tag(config=True)
    aliases = {**FolderVerb.aliases, "output": "DocsApp.output"}

    def run(self) -> Exit:
        """Write the pages."""
        policy = read_folder(self.folder())
        output = Path(self.output).expanduser()
        try:
            paths = write_pages(policy, output)
        except OSError as error:
            raise Refusal(f"{output} cannot be written: {error.strerror}", Exit.UNREADABLE) from None
        if self.as_json:
            self.print_json([str(path) for path in paths])
        else:
            print(f"{output}: {len(paths)} pages about {len(policy.rules)} rules")
        return Exit.OK


def write_pages(policy: Policy, output: Path) -> list[Path]:
    """Write the index and the clauses' pages; files that are the same stay untouched."""
    pages = {"index": index_page(policy)}
    pages |= {clause.id: clause_page(policy, clause) for clause in policy.terms.clauses}
    output.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in pages.items():
        path = output / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths
