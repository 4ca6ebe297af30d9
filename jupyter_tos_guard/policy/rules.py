"""Reading a policy folder: ``policy.yml`` and one Sigma file per rule.

``pysigma`` reads the rule's metadata and its condition; values and our own keys
are read here, with their lines. All problems of all files are collected. What is
well formed but unwise is the business of :mod:`.lint`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import sigma.exceptions
from pyparsing import ParseException
from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionItem,
    ConditionNOT,
    ConditionSelector,
)
from sigma.conditions import condition as condition_grammar
from sigma.rule import SigmaRule

from jupyter_tos_guard.inspection.facts import Kind
from jupyter_tos_guard.policy.document import Node, PolicyError, Problem, read_document
from jupyter_tos_guard.policy.indicators import BOUNDARIES, MAX_VALUE, MAX_WORDS, Modifier, rule_key, words
from jupyter_tos_guard.policy.model import Clause, Ladder, Mode, Status, Terms, Verdict
from jupyter_tos_guard.policy.patterns import PatternError, compile_pattern

__all__ = [
    "And",
    "Examples",
    "Expression",
    "Not",
    "Or",
    "Policy",
    "PolicyError",
    "Predicate",
    "Problem",
    "Rule",
    "load_policy",
    "predicates_of",
]


@dataclass(frozen=True, slots=True)
class Predicate:
    """A question about the facts: whether any of this kind has any of these values.

    ``values`` are the keys of :func:`.indicators.rule_key`, or patterns.
    ``lines`` and ``written`` say where each stands in the file and how.
    """

    kind: Kind
    modifier: Modifier
    values: tuple[str, ...]
    lines: tuple[int, ...] = field(default=(), compare=False)
    written: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when its part does not."""

    part: Expression


@dataclass(frozen=True, slots=True)
class And:
    """Holds when all parts do."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Holds when any part does."""

    parts: tuple[Expression, ...]


Expression = Predicate | Not | And | Or


@dataclass(frozen=True, slots=True)
class Examples:
    """Sessions (tuples of cells in execution order) on both sides of a rule."""

    match: tuple[tuple[str, ...], ...] = ()
    no_match: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as its author wrote it.

    ``path`` is relative to the policy folder; ``lines`` maps top-level keys to
    where they stand.
    """

    id: str
    name: str
    title: str
    message: str
    clause: str
    action: Verdict
    status: Status
    level: str
    condition: Expression
    examples: Examples
    description: str = ""
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    window: str = "cell"
    scope: tuple[str, ...] = ()
    rollout: int = 100
    path: str = field(default="", compare=False)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def verdict(self) -> Verdict:
        """What a match asks for: the action, bounded by the maturity."""
        return min(self.action, self.status.ceiling)


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy folder.

    ``expires`` is in seconds since the epoch, ``refresh_days`` the age at which
    the compiled file counts as stale; 0: never.
    """

    id: str
    name: str
    version: str
    salt: bytes
    mode: Mode
    terms: Terms
    ladder: Ladder
    rules: tuple[Rule, ...]
    expires: float = 0.0
    refresh_days: int = 0
    clause_lines: Mapping[str, int] = field(default_factory=dict, compare=False)


def predicates_of(expression: Expression) -> Iterator[Predicate]:
    """All predicates of a condition, negated or not."""
    if isinstance(expression, Predicate):
        yield expression
    elif isinstance(expression, Not):
        yield from predicates_of(expression.part)
    else:
        for part in expression.parts:
            yield from predicates_of(part)


def load_policy(folder: Path) -> tuple[Policy | None, list[Problem]]:
    """Read a policy folder.

    Returns
    -------
    policy : Policy or None
        None when ``policy.yml`` is unusable. Rules with errors are left out.
    problems : list of Problem
        In the order of files and lines.
    """
    problems: list[Problem] = []
    document = read_document(folder / POLICY_FILE, POLICY_FILE, problems)
    policy = _read_policy(_Section(document, POLICY_FILE, problems)) if document else None
    rules: list[Rule] = []
    for path in sorted((folder / "rules").rglob("*.y*ml")):
        name = path.relative_to(folder).as_posix()
        rule_document = read_document(path, name, problems)
        rule = _read_rule(_Section(rule_document, name, problems)) if rule_document else None
        if rule:
            rules.append(rule)
    problems.sort()
    if policy is None:
        return None, problems
    rules.sort(key=lambda rule: rule.id)
    return (
        Policy(**{f.name: getattr(policy, f.name) for f in fields(Policy)} | {"rules": tuple(rules)}),
        problems,
    )


POLICY_FILE: Final = "policy.yml"
NO_TEXTS: Final[tuple[str, ...]] = ()
MAX_TEXT: Final = 400
MAX_EXAMPLE: Final = 1 << 20
_WORD_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_SCOPE = re.compile(r"(?:group|server|image|kernel):\S(?:.*\S)?\Z")
_LEVELS = ("informational", "low", "medium", "high", "critical")
_SIGMA_KEYS = {
    "title", "id", "name", "status", "level", "description", "references", "falsepositives", "tags", "author",
    "date", "modified", "license", "related", "logsource", "detection",
}  # fmt: skip
_OUR_KEYS = {"clause", "action", "message", "window", "scope", "rollout", "examples"}
_MODIFIERS = {
    "startswith": Modifier.STARTSWITH,
    "endswith": Modifier.ENDSWITH,
    "contains": Modifier.CONTAINS,
    "re": Modifier.PATTERN,
}

T = TypeVar("T")


class _Section:
    """A mapping of a document, read key by key; what is wrong goes to ``problems``."""

    def __init__(self, node: Node, path: str, problems: list[Problem], where: str = "") -> None:
        self.node, self.path, self.problems, self.where = node, path, problems, where
        self.failed = False

    def report(self, line: int, message: str, mend: str, severity: str = "error") -> None:
        self.failed = self.failed or severity == "error"
        self.problems.append(Problem(self.path, line, message, mend, severity))

    def line(self, key: str) -> int:
        found = self.node.mapping.get(key)
        return found.line if found else self.node.line

    def known(self, keys: set[str]) -> None:
        for key, node in self.node.mapping.items():
            if key not in keys:
                self.report(
                    node.line, f"unknown key `{self.where}{key}`", f"Use one of: {', '.join(sorted(keys))}"
                )

    def get(
        self, key: str, mend: str, check: Callable[[Any], T | None], default: T | None = None
    ) -> T | None:
        """Read one key; ``check`` returns None for what is wrong."""
        node = self.node.mapping.get(key)
        if node is None or node.value is None:
            if default is None:
                self.report(self.node.line, f"`{self.where}{key}` is missing", mend)
            return default
        value = check(node.plain())
        if value is None:
            shown = repr(node.plain())
            self.report(node.line, f"`{self.where}{key}` is {shown[:60]}", mend)
        return value

    def section(self, key: str, mend: str) -> _Section | None:
        node = self.node.mapping.get(key)
        if node is None or not isinstance(node.value, dict):
            self.report(
                self.line(key),
                f"`{self.where}{key}` is {'missing' if node is None else 'not a mapping'}",
                mend,
            )
            return None
        return _Section(node, self.path, self.problems, f"{self.where}{key}.")


# --- policy.yml ---


def _read_policy(top: _Section) -> Policy | None:
    top.known({"id", "name", "version", "salt", "mode", "expires", "refresh_days", "terms", "ladder"})
    id_ = top.get("id", "Write lower case letters, digits and `-`", _word_id)
    name = top.get("name", "Give the policy's name", _text)
    version = top.get("version", 'Write it in quotes, like "2026.11.23"', _text)
    salt = top.get("salt", "Write 32 hex digits in quotes: `openssl rand -hex 16`", _salt)
    mode = top.get("mode", "Write monitor or enforce", _one_of(Mode), Mode.MONITOR)
    terms_section = top.section("terms", "Write the terms, with `clauses`")
    lines: dict[str, int] = {}
    terms = _read_terms(terms_section, lines) if terms_section else None
    ladder = _read_ladder(top)
    expires = top.get("expires", "Write a day like 2027-06-30, or leave it out", _day, 0.0)
    refresh_days = top.get("refresh_days", "Write a whole number from 1 to 36500, or leave it out", _count, 0)
    if id_ is None or name is None or version is None or salt is None or mode is None:
        return None
    if terms is None or ladder is None or expires is None or refresh_days is None:
        return None
    return Policy(id_, name, version, salt, mode, terms, ladder, (), expires, refresh_days, lines)


def _read_terms(section: _Section, lines: dict[str, int]) -> Terms | None:
    section.known({"version", "title", "url", "contact", "clauses"})
    version = section.get("version", 'Write it in quotes, like "1"', _text)
    title = section.get("title", "Give the document's title", _text)
    url = section.get("url", "Write a URL that starts with https:// or http://", _url, "")
    contact = section.get("contact", "Write an address or a URL", _text, "")
    clauses: list[Clause] = []
    node = section.node.mapping.get("clauses")
    if node is None or not isinstance(node.value, list) or not node.value:
        section.report(section.line("clauses"), "`terms.clauses` is not a list", "Write at least one clause")
        return None
    for item in node.value:
        clause = _read_clause(_Section(item, section.path, section.problems, "terms.clauses."))
        if clause is None:
            continue
        for other in clauses:
            if other.id == clause.id or other.number == clause.number:
                section.report(item.line, f"the clause {clause.id} repeats an id or a number", "Change one")
        lines[clause.id] = item.line
        clauses.append(clause)
    if version is None or title is None or url is None or contact is None:
        return None
    return Terms(version, title, tuple(clauses), url, contact)


def _read_clause(section: _Section) -> Clause | None:
    section.known({"id", "number", "title", "text", "enabled", "severe"})
    values = (
        section.get("id", "Write lower case letters, digits and `-`", _word_id),
        section.get("number", 'Write it in quotes, like "1"', _text),
        section.get("title", "Give the clause's title", _text),
        section.get("text", "Write what is not allowed", _long_text),
        section.get("enabled", "Write true or false", _bool, True),
        section.get("severe", "Write true or false", _bool, False),
    )
    return None if section.failed else Clause(*values)  # type: ignore[arg-type]


def _read_ladder(top: _Section) -> Ladder | None:
    if "ladder" not in top.node.mapping:
        return Ladder()
    section = top.section("ladder", "Write `expire_days: 90` and so on, or leave it out")
    if section is None:
        return None
    defaults = Ladder()
    section.known(set(Ladder._fields))
    values: dict[str, Any] = {}
    for name, default in defaults._asdict().items():
        if isinstance(default, bool):
            values[name] = section.get(name, "Write true or false", _bool, default)
        else:
            values[name] = section.get(name, "Write a whole number from 1 to 36500", _count, default)
    return None if section.failed else Ladder(**values)


# --- rules ---


def _read_rule(top: _Section) -> Rule | None:
    top.known(_SIGMA_KEYS | _OUR_KEYS)
    values = {
        "id": top.get("id", "Give it a UUID: `python -m uuid -u uuid4`, or uuidgen", _uuid),
        "name": top.get("name", "Write the file's name without .yml", _word_id),
        "title": top.get("title", "Write one line for people", _text),
        "message": top.get("message", "Write one neutral sentence for the user", _text),
        "clause": top.get("clause", "Name the clause of policy.yml that it enforces", _word_id),
        "action": top.get("action", "Write allow, observe, warn or block", _verdict),
        "status": top.get("status", "Write experimental, test or stable", _one_of(Status)),
        "level": top.get("level", f"Write one of: {', '.join(_LEVELS)}", _one_of_words(_LEVELS)),
        "description": top.get("description", "Say what it looks for and why", _long_text),
        "references": top.get("references", "List where the facts come from", _texts),
        "falsepositives": top.get(
            "falsepositives", "List what honest use looks alike, or `None known`", _texts
        ),
        "tags": top.get("tags", "Write a list of words", _texts, NO_TEXTS),
        "window": top.get("window", "Write cell or kernel", _one_of_words(("cell", "kernel")), "cell"),
        "scope": top.get("scope", "List group:x, server:x, image:x or kernel:x", _scope, NO_TEXTS),
        "rollout": top.get("rollout", "Write a whole number from 0 to 100", _percent, 100),
        "examples": _read_examples(top),
    }
    expression = _read_detection(top)
    _check_as_sigma(top)
    if top.failed or expression is None:
        return None
    lines = {key: node.line for key, node in top.node.mapping.items()}
    for side, sessions in top.node.mapping["examples"].mapping.items():
        lines |= {f"examples.{side}.{number}": node.line for number, node in enumerate(sessions.each())}
    return Rule(condition=expression, path=top.path, lines=lines, **values)  # type: ignore[arg-type]


def _read_examples(top: _Section) -> Examples | None:
    section = top.section("examples", "Write cells under `match` and under `no_match`")
    if section is None:
        return None
    section.known({"match", "no_match"})
    match = section.get("match", "List at least one cell that the rule must match", _sessions)
    no_match = section.get("no_match", "List at least one cell that it must not match", _sessions)
    top.failed = top.failed or section.failed
    return None if match is None or no_match is None else Examples(match, no_match)


def _read_detection(top: _Section) -> Expression | None:
    section = top.section("detection", "Write selections and a `condition`")
    if section is None:
        return None
    selections: dict[str, Expression] = {}
    for name, node in section.node.mapping.items():
        if name == "condition":
            continue
        if not re.fullmatch(r"[A-Za-z0-9_]+", name) or name in {"and", "or", "not", "of", "them"}:
            section.report(
                node.line,
                f"the selection's name `{name}` cannot stand in a condition",
                "Use letters, digits and _",
            )
            continue
        expression = _read_selection(section, name, node)
        if expression is not None:
            selections[name] = expression
    condition = section.get("condition", "Combine the selections, as in `a and not b`", _long_text)
    top.failed = top.failed or section.failed
    if condition is None or section.failed:
        return None
    line = section.line("condition")
    if len(condition) > 4096 or condition.count("(") > 16 or len(re.findall(r"\bnot\b", condition)) > 50:
        top.report(line, "the condition is too long or nested too deep", "Split the rule")
        return None
    try:
        parsed = _parse_condition(condition)
        expression = _resolve(parsed, selections)
    except (sigma.exceptions.SigmaError, RecursionError) as error:
        top.report(
            line,
            f"the condition does not parse: {error}",
            "Use and, or, not, brackets, `1 of x*`, `all of them`",
        )
        return None
    except KeyError as error:
        top.report(
            line,
            f"the condition names {error}, which is no selection",
            f"There are: {', '.join(selections) or 'none'}",
        )
        return None
    unused = [name for name in selections if name not in _names_in(parsed, selections)]
    for name in unused:
        top.report(
            section.line(name),
            f"the condition does not use the selection `{name}`",
            "Use it or remove it",
            "warning",
        )
    return expression


def _read_selection(section: _Section, name: str, node: Node) -> Expression | None:
    maps = list(node.each())
    parts: list[Expression] = []
    for item in maps:
        if not isinstance(item.value, dict) or not item.value:
            section.report(
                item.line,
                f"the selection `{name}` holds something that is not `field: value`",
                "Name the field of each value",
            )
            return None
        together = [_read_field(section, key, value) for key, value in item.value.items()]
        if any(part is None for part in together):
            return None
        parts.append(_and([part for part in together if part is not None]))
    if not parts:
        section.report(node.line, f"the selection `{name}` is empty", "Write `field: value` lines")
        return None
    return _or(parts)


def _read_field(section: _Section, key: str, node: Node) -> Expression | None:
    field_name, *names = key.split("|")
    try:
        kind = Kind(field_name)
    except ValueError:
        section.report(
            node.line,
            f"unknown field `{field_name}`",
            f"Use one of: {', '.join(kind.value for kind in Kind)}",
        )
        return None
    every = "all" in names
    names = [name for name in names if name != "all"]
    if len(names) > 1 or any(name not in _MODIFIERS for name in names):
        section.report(
            node.line,
            f"unknown modifier in `{key}`",
            f"Use one of: {', '.join(_MODIFIERS)}, and `all` if each value must hold",
        )
        return None
    modifier = _MODIFIERS[names[0]] if names else Modifier.EXACT
    if kind in (Kind.DIGEST, Kind.FINGERPRINT) and modifier is not Modifier.EXACT:
        section.report(node.line, f"`{field_name}` takes no modifier", "Remove it")
        return None
    values: dict[str, tuple[int, str]] = {}
    for item in node.each():
        value = _read_value(section, kind, modifier, item)
        if value is None:
            return None
        values.setdefault(value, (item.line, str(item.value)))
    if not values:
        section.report(node.line, f"`{key}` has no value", "Give one or a list")
        return None
    if every:
        return _and(
            [Predicate(kind, modifier, (value,), (line,), (text,)) for value, (line, text) in values.items()]
        )
    lines, written = zip(*values.values(), strict=True)
    return Predicate(kind, modifier, tuple(values), lines, written)


def _read_value(section: _Section, kind: Kind, modifier: Modifier, node: Node) -> str | None:
    """Check one value and return the key that stands for it."""
    raw = node.value
    if isinstance(raw, bool) or not isinstance(raw, (str, int)):
        section.report(node.line, f"the value {str(raw)[:60]!r} is no text", "Quote it")
        return None
    value = str(raw)
    trouble = _value_trouble(kind, modifier, value)
    if trouble:
        section.report(node.line, *trouble)
        return None
    if kind is Kind.FINGERPRINT:
        return " ".join(sorted({part.lower().rjust(16, "0") for part in value.split()}))
    return value if modifier is Modifier.PATTERN else rule_key(kind, modifier, value)


def _value_trouble(kind: Kind, modifier: Modifier, value: str) -> tuple[str, str] | None:
    """Tell what is wrong with a value, and how to mend it."""
    if kind is Kind.FINGERPRINT:
        if not re.fullmatch(r"[0-9a-fA-F]{1,16}(?: [0-9a-fA-F]{1,16}){7,4095}", value.strip()):
            return (
                "the fingerprint is not 8 to 4,096 hashes",
                "Copy the line that `jupyter tos-guard policy fingerprint` prints",
            )
        return None
    if not value.strip() or len(value) > MAX_VALUE:
        return f"the value is empty or longer than {MAX_VALUE} characters", "Shorten it"
    if modifier is Modifier.PATTERN:
        try:
            compile_pattern(value)
        except PatternError as error:
            return str(error), "Use startswith, endswith or contains, or a simpler pattern"
        return None
    starred = kind is Kind.ARGUMENT and value.startswith("* ")
    if (
        "*" in (value[2:] if starred else value)
        and modifier is not Modifier.CONTAINS
        and kind is not Kind.ARGUMENT
    ):
        return (
            f"the value {value!r} has a wildcard",
            "Use startswith, endswith or contains; there are no wildcards",
        )
    if modifier is Modifier.CONTAINS:
        if not 1 <= len(words(value)) <= MAX_WORDS:
            return f"{value!r} is not 1 to {MAX_WORDS} words", "Split it, or use another modifier"
    elif modifier is Modifier.STARTSWITH and value[-1] not in BOUNDARIES:
        return f"{value!r} does not end at a boundary", f"End it with one of `{BOUNDARIES}`, or use contains"
    elif modifier is Modifier.ENDSWITH and value[0] not in BOUNDARIES:
        return (
            f"{value!r} does not start at a boundary",
            f"Start it with one of `{BOUNDARIES}`, or use contains",
        )
    elif modifier is Modifier.EXACT and value != value.strip():
        return f"{value!r} has spaces around it", "Remove them"
    elif kind is Kind.DIGEST and not re.fullmatch(r"(?:exact|tokens|shape):[0-9a-fA-F]{16,128}", value):
        return f"{value!r} is no digest", "Write exact:, tokens: or shape: and hex digits"
    return None


def _parse_condition(text: str) -> ConditionItem:
    try:
        parsed: ConditionItem = condition_grammar.parse_string(text, parse_all=True)[0]
    except ParseException as error:
        raise sigma.exceptions.SigmaConditionError(f"at column {error.column}") from None
    return parsed


def _resolve(item: Any, selections: Mapping[str, Expression]) -> Expression:
    if isinstance(item, ConditionIdentifier):
        return selections[item.identifier]
    if isinstance(item, ConditionSelector):
        chosen = [selections[name] for name in _selected(item, selections)]
        return _and(chosen) if item.cond_class is ConditionAND else _or(chosen)
    parts = [_resolve(part, selections) for part in item.args]
    if isinstance(item, ConditionNOT):
        return Not(parts[0])
    return _and(parts) if isinstance(item, ConditionAND) else _or(parts)


def _selected(item: ConditionSelector, selections: Mapping[str, Expression]) -> list[str]:
    pattern = "*" if item.pattern == "them" else item.pattern
    regex = re.compile(".*".join(map(re.escape, pattern.split("*"))))
    names = [name for name in selections if regex.fullmatch(name) and not name.startswith("_")]
    if not names:
        raise KeyError(f"{item.args[0]} of {item.pattern}")
    return names


def _names_in(item: Any, selections: Mapping[str, Expression]) -> set[str]:
    if isinstance(item, ConditionIdentifier):
        return {item.identifier}
    if isinstance(item, ConditionSelector):
        return set(_selected(item, selections))
    return set().union(*(_names_in(part, selections) for part in item.args))


def _and(parts: list[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _or(parts: list[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _check_as_sigma(top: _Section) -> None:
    """Let pysigma read the same rule, so that what we accept is Sigma."""
    plain = top.node.plain()
    source = {key: value for key, value in plain.items() if key in _SIGMA_KEYS | {"scope"}}
    source |= {key: value for key, value in plain.items() if key in _OUR_KEYS}
    try:
        rule = SigmaRule.from_dict(source, collect_errors=True)
        errors = list(rule.errors)
        if not errors and (rule.logsource.product, rule.logsource.category) != ("jupyter", "execution"):
            errors.append(sigma.exceptions.SigmaLogsourceError("it is for another product"))
    except sigma.exceptions.SigmaError as broken:
        errors = [broken]
    failed = top.failed
    for error in errors:
        key = _key_of(error)
        if (failed and key in ("detection", "title")) or any(
            problem.line == top.line(key) and problem.path == top.path for problem in top.problems
        ):
            continue  # ours says it better
        top.report(
            top.line(key),
            f"not valid Sigma: {_first_line(error)}",
            _MENDS.get(key, "See https://sigmahq.io/docs/basics/rules.html"),
        )


def _key_of(error: Exception) -> str:
    """Guess the key that pysigma minds: its errors do not say."""
    if "tag" in str(error).lower():
        return "tags"
    return next((key for name, key in _ERROR_KEYS.items() if name in type(error).__name__), "title")


_ERROR_KEYS = {
    "Logsource": "logsource",
    "Condition": "detection",
    "Detection": "detection",
    "Modifier": "detection",
    "Value": "detection",
    "Regular": "detection",
    "Tag": "tags",
    "Level": "level",
    "Status": "status",
    "Identifier": "id",
    "Date": "date",
    "Modified": "modified",
    "Reference": "references",
    "FalsePositive": "falsepositives",
    "Author": "author",
    "Related": "related",
    "License": "license",
    "Scope": "scope",
    "Name": "name",
    "Title": "title",
}
_MENDS = {
    "logsource": "Write `logsource: {product: jupyter, category: execution}`",
    "tags": "Write tags like `attack.t1496`",
    "date": "Write the date like 2026-11-23",
    "modified": "Write the date like 2026-11-23",
}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")


# --- checks of single values: the value to keep, or None ---


def _text(value: Any) -> str | None:
    if isinstance(value, str) and value.strip() and len(value) <= MAX_TEXT and "\n" not in value.strip():
        return value.strip()
    return None


def _long_text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() and len(value) <= 20_000 else None


def _texts(value: Any) -> tuple[str, ...] | None:
    items = value if isinstance(value, list) else [value]
    texts = tuple(item.strip() for item in items if isinstance(item, str) and item.strip())
    return texts if texts and len(texts) == len(items) else None


def _word_id(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= 100 and _WORD_ID.match(value) else None


def _uuid(value: Any) -> str | None:
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _salt(value: Any) -> bytes | None:
    return (
        bytes.fromhex(value) if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{32}", value) else None
    )


def _url(value: Any) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"https?://[^\s]{1,400}", value) else None


def _day(value: Any) -> float | None:
    """End of a day (UTC), seconds since the epoch."""
    try:
        day = datetime.date.fromisoformat(str(value))
    except ValueError:
        return None
    midnight = datetime.datetime.combine(day, datetime.time(), datetime.timezone.utc)
    return midnight.timestamp() + 86_400


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 36_500 else None


def _percent(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100 else None


def _verdict(value: Any) -> Verdict | None:
    return {verdict.label: verdict for verdict in Verdict}.get(value) if isinstance(value, str) else None


def _scope(value: Any) -> tuple[str, ...] | None:
    texts = _texts(value) if value != [] else ()
    return texts if texts is not None and all(_SCOPE.match(text) for text in texts) else None


def _sessions(value: Any) -> tuple[tuple[str, ...], ...] | None:
    if not isinstance(value, list) or not value:
        return None
    sessions = tuple(tuple(item) if isinstance(item, list) else (item,) for item in value)
    valid = all(
        session and all(isinstance(cell, str) and len(cell) <= MAX_EXAMPLE for cell in session)
        for session in sessions
    )
    return sessions if valid else None


def _one_of(values: type[T]) -> Callable[[Any], T | None]:
    def check(value: Any) -> T | None:
        try:
            return values(value)  # type: ignore[call-arg]
        except ValueError:
            return None

    return check


def _one_of_words(values: tuple[str, ...]) -> Callable[[Any], str | None]:
    return lambda value: value if value in values else None
