"""What is well formed in a policy folder but unwise, with the mend for each.

A noisy rule is a bug, and so is one that tells its readers what it looks for.
``python -m jupyter_tos_guard.policy.lint FOLDER`` prints the problems of a folder.
Whether the examples hold is asked of whoever can decide about cells
(:func:`check_examples`): nothing here inspects code.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from jupyter_tos_guard.inspection.facts import Kind
from jupyter_tos_guard.policy.indicators import (
    MAX_VALUE,
    MAX_WORDS,
    Modifier,
    Present,
    fact_keys,
    words,
)
from jupyter_tos_guard.policy.model import Status, Verdict
from jupyter_tos_guard.policy.patterns import compile_pattern, literals
from jupyter_tos_guard.policy.rules import (
    POLICY_FILE,
    And,
    Expression,
    Not,
    Policy,
    Predicate,
    Problem,
    Rule,
    load_policy,
    predicates_of,
)


def lint_policy(folder: Path) -> list[Problem]:
    """Read a policy folder and tell everything that is wrong in it, by file and line."""
    policy, problems = load_policy(folder)
    return sorted([*problems, *(lint(policy) if policy else ())])


def lint(policy: Policy) -> list[Problem]:
    """Tell what is unwise in a policy that was read."""
    secrets = _secrets(policy)
    problems = [*_lint_whole(policy), *_lint_terms(policy, secrets)]
    clauses = {clause.id for clause in policy.terms.clauses}
    for rule in policy.rules:
        if rule.clause not in clauses:
            problems.append(
                _at(
                    rule,
                    "clause",
                    f"the clause `{rule.clause}` is not in policy.yml",
                    "Add it there, or name another",
                )
            )
        problems += _lint_place(rule)
        problems += _lint_condition(rule)
        problems += _lint_values(rule)
        problems += _lint_patterns(rule, secrets)
        problems += _lint_secrecy(rule, secrets)
    return sorted(problems)


def check_examples(policy: Policy, decide: Callable[[tuple[str, ...]], Set[str]]) -> list[Problem]:
    """Tell which examples do not hold.

    Parameters
    ----------
    policy : Policy
    decide : callable
        Takes the cells of one session and returns the ids of all rules that match
        in any of them, with every clause on and scope, roll-out and mode aside.
    """
    problems = []
    for rule in policy.rules:
        for side, sessions, wanted in (
            ("match", rule.examples.match, True),
            ("no_match", rule.examples.no_match, False),
        ):
            for number, session in enumerate(sessions):
                if (rule.id in decide(session)) is not wanted:
                    problems.append(_broken_example(rule, side, number, session))
    return problems


def _broken_example(rule: Rule, side: str, number: int, session: tuple[str, ...]) -> Problem:
    shown = session[-1].strip().splitlines()[-1:] or [""]
    says = "does not match" if side == "match" else "matches"
    return _at(
        rule,
        f"examples.{side}.{number}",
        f"the rule {says} its example `{shown[0][:80]}`",
        "Mend the rule or the example; `jupyter tos-guard check` shows what the cell does",
    )


def _at(rule: Rule, key: str, message: str, mend: str, severity: str = "error") -> Problem:
    line = rule.lines.get(key) or rule.lines.get(key.partition(".")[0], 1)
    return Problem(rule.path, line, message, mend, severity)


# --- the whole policy ---


def _lint_whole(policy: Policy) -> Iterator[Problem]:
    if not policy.rules:
        yield Problem("rules", 1, "the policy has no rule that can be used", "Add rules/<clause>/<name>.yml")
    for what in ("id", "name"):
        first: dict[str, Rule] = {}
        for rule in policy.rules:
            other = first.setdefault(getattr(rule, what), rule)
            if other is not rule:
                mend = "Give this one a new UUID" if what == "id" else "Rename one of them"
                yield _at(rule, what, f"the {what} is that of {other.path} too", mend)


def _lint_terms(policy: Policy, secrets: dict[str, Rule]) -> Iterator[Problem]:
    for clause in policy.terms.clauses:
        for run in _runs(words(clause.text)):
            rule = secrets.get(run.replace(" ", ""))
            if rule:
                yield Problem(
                    POLICY_FILE,
                    policy.clause_lines.get(clause.id, 1),
                    f"the clause `{clause.id}` says `{run}`, which {rule.path} looks for",
                    "Use another word if it is a name",
                    "warning",
                )


def _lint_place(rule: Rule) -> Iterator[Problem]:
    path = PurePosixPath(rule.path)
    if path.suffix != ".yml" or path.stem != rule.name:
        yield _at(rule, "name", f"the file is not called {rule.name}.yml", "Rename the file or the rule")
    if path.parent != PurePosixPath("rules") / rule.clause:
        yield _at(
            rule,
            "clause",
            f"the file is not in rules/{rule.clause}",
            "Move the file, or name the folder's clause",
        )


# --- conditions ---


def _lint_condition(rule: Rule) -> Iterator[Problem]:
    if _holds(rule.condition, lambda _: False):
        yield _at(
            rule,
            "detection",
            "the condition holds for a cell that does nothing",
            "Require something besides `not`",
        )
    if rule.action is Verdict.ALLOW:
        yield from _lint_vetting(rule)
    elif rule.action > rule.status.ceiling:
        yield _at(
            rule,
            "action",
            f"a rule of status {rule.status} cannot {rule.action.label}, only {rule.status.ceiling.label}",
            "Leave it if the status will rise",
            "warning",
        )
    if rule.verdict is Verdict.BLOCK and _holds(rule.condition, lambda p: p.kind is Kind.OPAQUE):
        yield _at(
            rule,
            "detection",
            "the rule blocks what could not be resolved, and honest installers are so too",
            "Combine `opaque` with another field, or let the rule warn",
        )
    if _holds(rule.condition, lambda p: p.modifier is Modifier.PATTERN and p.kind not in _SHAPED):
        yield _at(
            rule,
            "detection",
            f"the rule stands on a pattern alone, on a field other than {', '.join(sorted(_SHAPED))}",
            "Require a predicate without `re` too",
        )


_SHAPED: Final = {Kind.ARGUMENT, Kind.URL, Kind.OPAQUE}


def _lint_vetting(rule: Rule) -> Iterator[Problem]:
    if any(
        predicate.kind not in (Kind.DIGEST, Kind.FINGERPRINT) for predicate in predicates_of(rule.condition)
    ):
        yield _at(
            rule,
            "action",
            "a rule that allows uses other facts than digests",
            "Use only digest and fingerprint",
        )
    if rule.status is not Status.STABLE or rule.window != "cell":
        yield _at(
            rule,
            "status",
            "a rule that allows is not stable and for one cell",
            "Use status stable, window cell",
        )


def _holds(expression: Expression, true: Callable[[Predicate], bool]) -> bool:
    if isinstance(expression, Predicate):
        return true(expression)
    if isinstance(expression, Not):
        return not _holds(expression.part, true)
    parts = (_holds(part, true) for part in expression.parts)
    return all(parts) if isinstance(expression, And) else any(parts)


# --- values ---


def _lint_values(rule: Rule) -> Iterator[Problem]:
    hits: dict[str, dict[Predicate, int]] = {}
    for predicate in predicates_of(rule.condition):
        for number, value in enumerate(predicate.values):
            short = predicate.modifier is Modifier.CONTAINS and len(value) < 4
            if short and rule.verdict > Verdict.OBSERVE:
                yield Problem(
                    rule.path,
                    _line(rule, predicate, number),
                    f"`contains: {value}` is shorter than 4 letters, so it would hit by chance",
                    "Use more words, or the whole value",
                )
            for fact in _common_hits(predicate, value):
                hits.setdefault(fact, {}).setdefault(predicate, number)
    if rule.verdict <= Verdict.OBSERVE:
        return
    told: set[tuple[int, str]] = set()
    for fact, predicates in sorted(hits.items()):
        if not _holds(rule.condition, predicates.__contains__):
            continue
        predicate, number = next(iter(predicates.items()))
        value = predicate.values[number]
        line = _line(rule, predicate, number)
        if (line, value) not in told:
            told.add((line, value))
            yield Problem(
                rule.path,
                line,
                f"`{value}` is so general that the rule would hit honest cells (such as {fact})",
                "Require a rarer fact with it, or let the rule observe",
            )


def _line(rule: Rule, predicate: Predicate, number: int) -> int:
    return predicate.lines[number] if number < len(predicate.lines) else rule.lines.get("detection", 1)


def _common_hits(predicate: Predicate, value: str) -> Iterable[str]:
    if predicate.modifier is Modifier.PATTERN:
        pattern = compile_pattern(value)
        return [
            f"{kind} {fact}" for kind, fact in _common() if kind == predicate.kind and pattern.search(fact)
        ]
    return _common_keys().get((predicate.kind.value, predicate.modifier, value), ())


@cache
def _common() -> tuple[tuple[str, str], ...]:
    lines = (Path(__file__).with_name("common.txt")).read_text(encoding="utf-8").splitlines()
    return tuple((kind, value) for kind, _, value in (line.partition(" ") for line in lines) if kind != "#")


@cache
def _common_keys() -> dict[tuple[str, Modifier, str], list[str]]:
    everything = Present(MAX_VALUE, MAX_VALUE, MAX_VALUE, MAX_VALUE, tuple(range(1, MAX_WORDS + 1)))
    keys: dict[tuple[str, Modifier, str], list[str]] = {}
    for kind, value in _common():
        if kind == "word":
            continue
        for modifier, key in fact_keys(kind, value, everything):
            keys.setdefault((kind, modifier, key), []).append(f"{kind} {value}")
    return keys


# --- secrecy: what is shipped must not name what is looked for ---


def names_of(predicate: Predicate) -> Iterator[str]:
    """Find the names in a predicate's values, each as its words in lower case.

    What everybody's values have in common (``github.com``, ``pypi``, options) is no
    name, nor is anything of fewer than four letters.
    """
    if predicate.kind in _NAMELESS or predicate.modifier is Modifier.PATTERN:
        return
    for written in predicate.written or predicate.values:
        whole = predicate.modifier is Modifier.CONTAINS
        for piece in [written] if whole else _pieces(predicate.kind, written.lower()):
            name = " ".join(words(piece))
            if sum(map(str.isalpha, name)) >= 4 and name.replace(" ", "") not in _public_names():
                yield name


_NAMELESS: Final = {Kind.DIGEST, Kind.FINGERPRINT, Kind.OPAQUE}


def _pieces(kind: Kind, value: str) -> list[str]:
    if kind in (Kind.MODULE, Kind.CALL):
        return value.split(".")[:1]
    if kind is Kind.ARGUMENT:  # options are words of every language; what they are set to may be a name
        parts = value.split(" ")
        value = " ".join(part.partition("=")[2] if part.startswith("-") else part for part in parts)
    pieces = re.split(r"[/:=@?&\s]+", value)
    hosts = [piece for piece in pieces if "." in piece]
    return [*pieces, *(label for host in hosts for label in host.split("."))]


@cache
def _public_names() -> Set[str]:
    names = {"https", "http", "pypi", "conda", "docker", "cargo", "snap", "brew", "cran", "stratum", "magnet"}
    for _, value in _common():
        names |= {"".join(words(piece)) for piece in re.split(r"[/:.\s]+", value)}
        names.add("".join(words(value)))
    return names


def _secrets(policy: Policy) -> dict[str, Rule]:
    """Names that no shipped text may hold, each with a rule that looks for it."""
    public = {
        run.replace(" ", "")
        for clause in policy.terms.clauses
        for text in (clause.id, clause.title)
        for run in _runs(words(text))
    }  # the terms say what a clause is about: those words give nothing away
    secrets: dict[str, Rule] = {}
    for rule in policy.rules:
        for predicate in predicates_of(rule.condition):
            for name in (name.replace(" ", "") for name in names_of(predicate)):
                if not {name, name + "s", name.removesuffix("s")} & public:
                    secrets.setdefault(name, rule)
    return secrets


def _runs(of: Sequence[str]) -> Iterator[str]:
    """Derive what may be a name written apart: ``deep face lab``, but not ``a list``."""
    for start in range(len(of)):
        for end in range(start + 1, min(len(of), start + MAX_WORDS) + 1):
            if end == start + 1 or min(map(len, of[start:end])) >= 3:
                yield " ".join(of[start:end])


def _lint_secrecy(rule: Rule, secrets: dict[str, Rule]) -> Iterator[Problem]:
    own = {
        name.replace(" ", "") for predicate in predicates_of(rule.condition) for name in names_of(predicate)
    }
    for key, text in (("title", rule.title), ("message", rule.message)):
        told = [run for run in _runs(words(text)) if run.replace(" ", "") in secrets]
        if not told:
            continue
        run = max(told, key=lambda run: (run.replace(" ", "") in own, len(run)))
        name = run.replace(" ", "")
        if name in own:
            message = f"the {key} says `{run}`, which the rule looks for, and clients can read it"
            yield _at(rule, key, message, "Say what it is for, not what it is called")
        else:
            message = f"the {key} says `{run}`, which {secrets[name].path} looks for"
            yield _at(rule, key, message, "Use another word if it is a name", "warning")


def _lint_patterns(rule: Rule, secrets: dict[str, Rule]) -> Iterator[Problem]:
    for predicate in predicates_of(rule.condition):
        if predicate.modifier is not Modifier.PATTERN:
            continue
        for number, pattern in enumerate(predicate.values):
            for run in literals(pattern):
                named = [word for word in words(run) if len(word) >= 4 and word in secrets]
                if named:
                    yield Problem(
                        rule.path,
                        _line(rule, predicate, number),
                        f"the pattern names `{named[0]}`, and patterns can be read from a bundle",
                        "Match the name with another modifier, and its shape with the pattern",
                    )


def main(arguments: Sequence[str]) -> int:
    """Print the problems of a folder; 1 when there are errors."""
    if len(arguments) != 1:
        print("usage: python -m jupyter_tos_guard.policy.lint FOLDER", file=sys.stderr)
        return 2
    problems = lint_policy(Path(arguments[0]))
    for problem in problems:
        print(problem)
    return int(any(problem.severity == "error" for problem in problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
