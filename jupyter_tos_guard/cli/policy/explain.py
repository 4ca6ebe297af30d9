"""``jupyter tos-guard policy explain``: says what a policy or one of its rules does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from jupyter_tos_guard.cli.policy.folder import policy_folder, read_folder
from jupyter_tos_guard.cli.policy.pages import rule_section
from jupyter_tos_guard.cli.reporting import printable
from jupyter_tos_guard.cli.verb import Exit, PolicyVerb, Refusal
from jupyter_tos_guard.policy.bundle import Bundle, RuleInfo


class ExplainApp(PolicyVerb):
    """Say what a policy or one of its rules does."""

    name = "jupyter-tos-guard-policy-explain"
    description = """Say what a policy does; with a rule's id, name or file, what that rule does. A bundle
    tells what users are told,
    a folder of rules tells everything.

    Exit codes: 0 explained, 2 no such rule, 4 the policy cannot be used."""
    examples = """
    jupyter tos-guard policy explain
    jupyter tos-guard policy explain --policy examples/policy example-miner-fetched
    """

    def run(self) -> Exit:
        """Explain the policy, or the rule that the argument names."""
        if not self.extra_args:
            self._explain_policy()
            return Exit.OK
        wanted = self.one_argument("rule")
        if self.policy and Path(self.policy).expanduser().is_dir():
            self._explain_source(wanted)
        else:
            self._explain_info(wanted)
        return Exit.OK

    def _explain_policy(self) -> None:
        bundle = self.bundle
        infos = rule_infos(bundle)
        counts = {clause: sum(info.clause == clause for info in infos) for clause in self.clauses}
        if self.as_json:
            self.print_json(
                {
                    "id": bundle.id,
                    "name": bundle.name,
                    "version": bundle.version,
                    "mode": bundle.mode.value,
                    "rules": bundle.rule_count,
                    "indicators": bundle.indicator_count,
                    "ladder": bundle.ladder._asdict(),
                    "terms": bundle.terms.to_json(),
                    "rules_by_clause": counts,
                }
            )
            return
        console = Console(highlight=False)
        console.print(
            f"{printable(bundle.name)}, version {printable(bundle.version)}: {bundle.rule_count} rules, "
            f"{bundle.indicator_count} indicators, {bundle.mode} mode unless a hub says otherwise."
        )
        table = Table("clause", "id", "rules", "on", box=None, pad_edge=False, header_style="bold")
        for clause in bundle.terms.clauses:
            title = f"{clause.number} {clause.title}"
            on = ("yes" if clause.enabled else "no") + (", severe" if clause.severe else "")
            table.add_row(printable(title), printable(clause.id), str(counts[clause.id]), on)
        console.print(table)

    def _explain_source(self, wanted: str) -> None:
        policy = read_folder(policy_folder(self.policy))
        for rule in policy.rules:
            if wanted in (rule.id, rule.name, rule.path) or Path(wanted).name == f"{rule.name}.yml":
                if self.as_json:
                    self.print_json(asdict(rule))
                else:
                    Console().print(Markdown(rule_section(rule)))
                return
        raise Refusal(f"{self.policy} has no rule {wanted!r}.")

    def _explain_info(self, wanted: str) -> None:
        info = next((info for info in rule_infos(self.bundle) if info.id == wanted), None)
        if info is None:
            raise Refusal(
                f"{self.bundle_path} has no rule {wanted!r}. A bundle knows rules by their id only."
            )
        plain: dict[str, Any] = {**info._asdict(), "action": info.action.label, "verdict": info.verdict.label}
        if self.as_json:
            self.print_json(plain)
            return
        console = Console(highlight=False, soft_wrap=True)
        for key, value in plain.items():
            text = ", ".join(value) or "everywhere" if isinstance(value, tuple) else str(value)
            console.print(f"{key:8}  {printable(text, 400)}")


def rule_infos(bundle: Bundle) -> list[RuleInfo]:
    """Return what a bundle tells of each of its rules."""
    return [bundle.info(number) for number in range(bundle.rule_count)]
