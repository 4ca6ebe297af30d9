"""Which rules hold for a set of facts, and which of them count here.

Costs a few look-ups per fact, whatever the number of rules. Precedence is fixed,
most specific first: failsafe (the guard's, before any of this), exemption,
exact digest, normalised digest, fingerprint, other facts; the hub's mode comes
last and belongs to the guard. No clock: the time is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from hashlib import blake2b
from itertools import chain, islice
from typing import Final, NamedTuple

from jupyter_tos_guard.inspection.facts import Fact, Kind
from jupyter_tos_guard.policy import layout
from jupyter_tos_guard.policy.bundle import Bundle, BundleError, RuleInfo
from jupyter_tos_guard.policy.decision import Finding
from jupyter_tos_guard.policy.model import Exemption, Status, Verdict, Where

#: Facts that are kept for one predicate and for one finding: enough to explain.
MAX_FACTS: Final = 16


#: Steps that one cell's conditions may take, some 50 ms; only a forged bundle gets there.
MAX_WORK: Final = 1 << 18
_MATCH_WORK: Final = 256


class Matches(NamedTuple):
    """What the policy has to say about a set of facts.

    Attributes
    ----------
    findings : tuple of Finding
        One per rule, the strictest first. Verdicts are of the rules: mode is not applied.
    exempted : bool
        An exemption took at least one finding away.
    predicates : frozenset of int
        Give these, with those of earlier cells, as ``earlier`` for the kernel's next cell.
    vetted : str
        Id of the rule of action ``allow`` that took findings away, or empty.
    """

    findings: tuple[Finding, ...]
    exempted: bool
    predicates: frozenset[int]
    vetted: str = ""


def match(
    bundle: Bundle,
    facts: Iterable[Fact],
    *,
    earlier: Set[int] = frozenset(),
    where: Where,
    now: float,
    enabled: frozenset[str],
    exemptions: Sequence[Exemption] = (),
    blocked: frozenset[str] = frozenset(),
    softened: Mapping[str, Verdict] | None = None,
) -> Matches:
    """Match facts against a policy.

    Parameters
    ----------
    bundle : Bundle
    facts : iterable of Fact
        Of one cell.
    earlier : set of int
        Predicates that held in earlier cells of the same kernel.
    where : Where
        What scope, roll-out and exemptions look at.
    now : float
        Seconds since the epoch.
    enabled : frozenset of str
        Clauses that are on.
    exemptions : sequence of Exemption
    blocked : frozenset of str
        Clauses whose warnings block.
    softened : Mapping, optional
        Rules by id, and the strictest verdict that they still reach.

    Raises
    ------
    BundleError
        The part of the bundle that was asked is damaged.
    """
    current = _predicates(bundle, facts)
    if not current:
        return _NOTHING
    remembered = frozenset(number for number in current if number < bundle.windowed)
    matched = _matching_rules(bundle, current, earlier)
    if not matched:
        return Matches((), False, remembered) if remembered else _NOTHING
    findings: list[tuple[RuleInfo, Finding]] = []
    exempted = False
    for info, support in matched:
        if not _applies(info, where, enabled):
            continue
        if info.action is not Verdict.ALLOW and _is_exempt(info, where, now, exemptions):
            exempted = True
            continue
        verdict = _verdict(info, blocked, softened)
        if verdict is Verdict.ALLOW and info.action is not Verdict.ALLOW:
            continue  # taken back altogether
        findings.append((info, _finding(info, verdict, support, current)))
    kept, vetted = _override(findings)
    return Matches(tuple(sorted(kept, key=_strictest_first)), exempted, remembered, vetted)


_NOTHING: Final = Matches((), False, frozenset())


def _predicates(bundle: Bundle, facts: Iterable[Fact]) -> dict[int, list[Fact]]:
    current: dict[int, list[Fact]] = {}
    predicates = bundle.predicates
    for fact in facts:
        for number in predicates(fact.kind, fact.value):
            holders = current.setdefault(number, [])
            if len(holders) < MAX_FACTS:
                holders.append(fact)
    return current


def _matching_rules(
    bundle: Bundle, current: dict[int, list[Fact]], earlier: Set[int]
) -> list[tuple[RuleInfo, tuple[int, ...]]]:
    tried: set[int] = set()
    matched: list[tuple[RuleInfo, tuple[int, ...]]] = []
    work = 0
    for number in current:
        rules = bundle.rules_of(number)
        work += len(rules)
        for rule in rules:
            if rule in tried:
                continue
            tried.add(rule)
            # Only rules whose predicates are all below `windowed` look back.
            looks_back = earlier and number < bundle.windowed and bundle.info(rule).window == "kernel"
            codes = bundle.condition(rule)
            support = _support(codes, current, earlier if looks_back else frozenset())
            work += len(codes) + (_MATCH_WORK if support else 0)
            if work > MAX_WORK:
                raise BundleError("corrupt", "the bundle tries too many conditions for one cell")
            if support:
                matched.append((bundle.info(rule), support))
    return matched


def _support(codes: Sequence[int], current: dict[int, list[Fact]], earlier: Set[int]) -> tuple[int, ...]:
    """Evaluate a condition; return the current predicates that make it hold, none if it does not.

    A condition that holds by earlier cells alone was found there, so it counts
    as not holding. On the stack, None is false, and a tuple is true, thanks to
    these current predicates.
    """
    stack: list[tuple[int, ...] | None] = []
    for code in codes:
        operator, operand = code >> layout.SHIFT, code & layout.OPERAND
        if operator == layout.HOLDS:
            stack.append((operand,) if operand in current else () if operand in earlier else None)
        elif operator == layout.LACKS:
            stack.append(None if operand in current or operand in earlier else ())
        elif operator in (layout.ALL, layout.ANY) and 0 < operand <= len(stack):
            parts = stack[-operand:]
            del stack[-operand:]
            true = [part for part in parts if part is not None]
            holds = len(true) == operand if operator == layout.ALL else bool(true)
            stack.append(tuple(islice(chain.from_iterable(true), MAX_FACTS)) if holds else None)
        else:
            raise BundleError("corrupt", "the bundle is damaged: a condition is malformed")
    if len(stack) != 1:
        raise BundleError("corrupt", "the bundle is damaged: a condition is malformed")
    return stack[0] or ()


# --- does it count here? ---


def _applies(info: RuleInfo, where: Where, enabled: frozenset[str]) -> bool:
    """Clause, scope and roll-out. A vetting holds whichever clauses are on."""
    if info.action is not Verdict.ALLOW and info.clause not in enabled:
        return False
    if info.scope and not any(_in_scope(entry, where) for entry in info.scope):
        return False
    return info.rollout >= 100 or share_of(place_name(where), info.id) < info.rollout


def _in_scope(entry: str, where: Where) -> bool:
    field, _, pattern = entry.partition(":")
    if field == "group":
        return any(_fits(pattern, group) for group in where.groups)
    value = {"server": where.server, "image": where.image, "kernel": where.kernel}.get(field, "")
    return bool(value) and _fits(pattern, value)


def _fits(pattern: str, value: str) -> bool:
    """Whether ``*`` in the pattern can stand for text that makes it the value."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == value
    if not value.startswith(first):
        return False
    place = len(first)
    for part in rest[:-1]:
        place = value.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return len(value) - len(rest[-1]) >= place and value.endswith(rest[-1])


def place_name(where: Where) -> str:
    """Name a server for roll-outs: by its user too, for on most hubs nearly all have the same name."""
    return f"{where.user}/{where.server}"


def share_of(server: str, rule: str) -> float:
    """Where a server stands in a rule's roll-out, from 0 to 100, the same each time."""
    digest = blake2b(f"{server}\0{rule}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64 * 100


def _is_exempt(info: RuleInfo, where: Where, now: float, exemptions: Sequence[Exemption]) -> bool:
    targets = (f"rule:{info.id}", f"clause:{info.clause}", "*")
    return any(
        exemption.until > now
        and exemption.target in targets
        and (
            (bool(where.user) and exemption.subject == f"user:{where.user}")
            or any(exemption.subject == f"group:{group}" for group in where.groups)
        )
        for exemption in exemptions
    )


# --- findings ---


def _verdict(info: RuleInfo, blocked: frozenset[str], softened: Mapping[str, Verdict] | None) -> Verdict:
    """Return what the rule asks for here: no more than its maturity, and what it was softened to, let it."""
    verdict = info.verdict
    if verdict is Verdict.WARN and info.clause in blocked and info.status == Status.STABLE:
        verdict = Verdict.BLOCK
    return min(verdict, softened.get(info.id, verdict)) if softened else verdict


def _finding(
    info: RuleInfo, verdict: Verdict, support: Sequence[int], current: dict[int, list[Fact]]
) -> Finding:
    facts = dict.fromkeys(fact for number in support for fact in current[number])
    telling = sorted(facts, key=lambda fact: (_TELLING.get(fact.kind, len(_TELLING)), fact.span, fact.value))
    return Finding(
        info.id, info.title, info.message, info.clause, verdict, info.level, tuple(telling[:MAX_FACTS])
    )


#: What tells a person most about what the cell does, first.
_TELLING: Final[dict[str, int]] = {
    kind: place
    for place, kind in enumerate(
        (
            Kind.REPOSITORY,
            Kind.PACKAGE,
            Kind.URL,
            Kind.COMMAND,
            Kind.CALL,
            Kind.MODULE,
            Kind.HOST,
            Kind.ARGUMENT,
            Kind.FILE,
            Kind.OPAQUE,
            Kind.DIGEST,
            Kind.FINGERPRINT,
        )
    )
}

_EXACT, _NORMALISED, _FINGERPRINT, _FACT = range(4)


def _specificity(finding: Finding) -> int:
    """How specific the ground of a finding is; 0 is the most specific."""
    return min(map(_fact_specificity, finding.facts))


def _fact_specificity(fact: Fact) -> int:
    if fact.kind == Kind.DIGEST:
        return _EXACT if fact.value.startswith("exact:") else _NORMALISED
    return _FINGERPRINT if fact.kind == Kind.FINGERPRINT else _FACT


def _override(findings: Iterable[tuple[RuleInfo, Finding]]) -> tuple[list[Finding], str]:
    """Let a vetting take away what stands on less specific ground than it does."""
    vettings: list[Finding] = []
    others: list[Finding] = []
    for info, finding in findings:
        (vettings if info.action is Verdict.ALLOW else others).append(finding)
    if not vettings:
        return others, ""
    best = min(vettings, key=lambda finding: (_specificity(finding), finding.rule))
    kept = [finding for finding in others if _specificity(finding) <= _specificity(best)]
    return kept, best.rule if len(kept) < len(others) else ""


_LEVELS: Final = {"critical": 0, "high": 1, "medium": 2, "low": 3, "informational": 4}


def _strictest_first(finding: Finding) -> tuple[int, int, int, str]:
    return (-finding.verdict, _specificity(finding), _LEVELS.get(finding.level, 5), finding.rule)
