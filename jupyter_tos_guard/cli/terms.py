"""``jupyter tos-guard terms``: prints the terms of use."""

from __future__ import annotations

import textwrap

from jupyter_tos_guard.cli.verb import Exit, PolicyVerb
from jupyter_tos_guard.inspection.readable import readable


class TermsApp(PolicyVerb):
    """Print the terms of use."""

    name = "jupyter-tos-guard-terms"
    description = """Print the terms of use that the policy enforces, clause by clause.

    Exit codes: 0 printed, 4 the policy cannot be used."""
    examples = "jupyter tos-guard terms"

    def run(self) -> Exit:
        """Print the terms."""
        self.no_arguments()
        terms = self.bundle.terms
        if self.as_json:
            self.print_json(terms.to_json())
            return Exit.OK
        print(f"{readable(terms.title)} (version {readable(terms.version)})")
        for clause in terms.clauses:
            switched = "" if clause.enabled else " [not enforced unless switched on]"
            print(f"\n{readable(clause.number)} {readable(clause.title)}{switched}")
            text = readable(clause.text, 10_000).replace("⏎", " ")
            print(textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  "))
        for label, value in (("In full", terms.url), ("Questions", terms.contact)):
            if value:
                print(f"\n{label}: {readable(value)}")
        return Exit.OK
