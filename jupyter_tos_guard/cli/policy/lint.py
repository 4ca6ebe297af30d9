"""``jupyter tos-guard policy lint``: tells what is wrong in a folder of rules."""

from __future__ import annotations

from jupyter_tos_guard.cli.policy.folder import FolderVerb
from jupyter_tos_guard.cli.verb import Exit
from jupyter_tos_guard.policy.lint import lint_policy


class LintApp(FolderVerb):
    """Tell what is wrong in a folder of rules."""

    name = "jupyter-tos-guard-policy-lint"
    description = """Tell what is wrong in a folder of rules, by file and line, and how to mend it. Runs no
    example.

    Exit codes: 0 no errors (warnings do not count), 1 errors, 3 no such policy."""
    examples = "jupyter tos-guard policy lint examples/policy"

    def run(self) -> Exit:
        """Lint the folder."""
        return self.report(lint_policy(self.folder()), "no problems")
