"""``jupyter tos-guard policy``: hands over to one verb."""

from __future__ import annotations

from jupyter_tos_guard.cli.verb import Verbs

_VERBS = "jupyter_tos_guard.cli.policy"


class PolicyApp(Verbs):
    """Write, test, compile and explain policies."""

    name = "jupyter-tos-guard-policy"
    description = "Write, test, compile and explain policies."
    subcommands = {
        "new": (f"{_VERBS}.new.NewApp", "Start a rule: a file with everything that it must hold."),
        "lint": (f"{_VERBS}.lint.LintApp", "Tell what is wrong in a folder of rules, by file and line."),
        "test": (f"{_VERBS}.test.TestApp", "Run the examples of every rule, on both sides."),
        "compile": (f"{_VERBS}.compile.CompileApp", "Make the bundle that clients get."),
        "explain": (f"{_VERBS}.explain.ExplainApp", "Say what a policy or one of its rules does."),
        "docs": (f"{_VERBS}.docs.DocsApp", "Write a page for each clause, from its rules."),
        "fingerprint": (
            f"{_VERBS}.fingerprint.FingerprintApp",
            "Print a program's digests, as rules take them.",
        ),
    }
