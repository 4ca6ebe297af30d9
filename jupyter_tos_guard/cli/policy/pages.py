"""Pages about rules, in Markdown. Text only: see :mod:`.docs` for the files and the verb."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_tos_guard.policy.indicators import Modifier
from jupyter_tos_guard.policy.model import Clause, Status
from jupyter_tos_guard.policy.rules import And, Expression, Not, Policy, Predicate, Rule

_VERBS = {
    Modifier.EXACT: "is",
    Modifier.STARTSWITH: "starts with",
    Modifier.ENDSWITH: "ends with",
    Modifier.CONTAINS: "contains",
    Modifier.PATTERN: "matches the pattern",
}

#: A rule with thousands of indicators is told by its first.
MAX_VALUES = 60


def index_page(policy: Policy) -> str:
    """Return the page that lists the clauses."""
    rows = [
        f"| [{clause.number} {clause.title}]({clause.id}.md) | `{clause.id}` | {len(_rules(policy, clause))} "
        f"| {'on' if clause.enabled else 'off'} |"
        for clause in policy.terms.clauses
    ]
    pages = "\n".join(clause.id for clause in policy.terms.clauses)
    return (
        f"# Rules of the policy “{policy.name}”\n\n"
        f"Version {policy.version}. Made from the rules' files by `jupyter tos-guard policy docs`.\n\n"
        "| clause | id | rules | unless the operator says otherwise |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + f"\n\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"
    )


def clause_page(policy: Policy, clause: Clause) -> str:
    """Return the page of a clause: its text, then a section for each rule."""
    rules = sorted(_rules(policy, clause), key=lambda rule: (-rule.verdict, rule.name))
    switched = "" if clause.enabled else f" Off by default: `--enable {clause.id}` switches it on."
    head = f"# {clause.number} {clause.title}\n\n{_flat(clause.text)}\n\nClause `{clause.id}`.{switched}\n"
    return "\n".join([head, *(rule_section(rule) for rule in rules)])


def rule_section(rule: Rule) -> str:
    """Return what there is to say about a rule."""
    lines = [
        f"## {rule.name}",
        "",
        f"{rule.title}. {_flat(rule.description)}",
        "",
        f"- asks for **{rule.verdict.label}**{_maturity(rule)}, level {rule.level}, id `{rule.id}`",
    ]
    if rule.scope:
        lines.append(f"- only in {', '.join(f'`{entry}`' for entry in rule.scope)}")
    if rule.rollout < 100:
        lines.append(f"- rolled out to {rule.rollout} % of servers")
    if rule.window == "kernel":
        lines.append("- may be completed by earlier cells of the same kernel")
    lines += ["", f"The user reads: “{rule.message}”", "", "Matches when", ""]
    lines += _condition(rule.condition)
    lines += ["", "Known false positives: " + "; ".join(map(_flat, rule.falsepositives)), ""]
    lines += ["Sources: " + ", ".join(_link(reference) for reference in rule.references), ""]
    for heading, sessions in (("Matches", rule.examples.match), ("Does not match", rule.examples.no_match)):
        lines += [f"{heading}:", ""]
        for session in sessions:
            lines += _code("\n\n# next cell\n".join(session))
    return "\n".join(lines)


def _rules(policy: Policy, clause: Clause) -> list[Rule]:
    return [rule for rule in policy.rules if rule.clause == clause.id]


def _maturity(rule: Rule) -> str:
    if rule.status is Status.STABLE:
        return ""
    return f" (its action is {rule.action.label}; `{rule.status}` rules reach no further)"


def _condition(expression: Expression, depth: int = 0) -> Iterator[str]:
    """One bullet for each part, indented by nesting."""
    indent = "  " * depth
    if isinstance(expression, Predicate):
        values = expression.written or expression.values
        shown = ", ".join(f"`{_code_span(value)}`" for value in values[:MAX_VALUES])
        more = f" and {len(values) - MAX_VALUES} more" if len(values) > MAX_VALUES else ""
        verb = _VERBS[expression.modifier]
        article = "an" if expression.kind.value[0] in "aeiou" else "a"
        which = "one of " if len(values) > 1 else ""
        yield f"{indent}- {article} `{expression.kind}` {verb} {which}{shown}{more}"
    elif isinstance(expression, Not):
        yield f"{indent}- none of this holds:"
        yield from _condition(expression.part, depth + 1)
    else:
        yield f"{indent}- {'all' if isinstance(expression, And) else 'any'} of this holds:"
        for part in expression.parts:
            yield from _condition(part, depth + 1)


def _code(text: str) -> list[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}text", text.rstrip("\n"), fence, ""]


def _code_span(text: str) -> str:
    return text.replace("`", "'").replace("|", "\\|")


def _link(reference: str) -> str:
    return f"<{reference}>" if reference.startswith(("http://", "https://")) else reference


def _flat(text: str) -> str:
    return " ".join(text.split())
