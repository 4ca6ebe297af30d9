"""From a policy folder to the bytes that clients map: deterministic, nothing readable left.

Values become salted digests, conditions become postfix codes, rules keep only
what is shown to people. ``python -m jupyter_tos_guard.policy.compile FOLDER FILE``
writes a bundle. Matching against it is :mod:`.matching`.
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from jupyter_tos_guard.inspection.facts import Kind
from jupyter_tos_guard.policy import layout
from jupyter_tos_guard.policy.document import PolicyError, Problem
from jupyter_tos_guard.policy.indicators import KINDS, Modifier, words
from jupyter_tos_guard.policy.layout import Section
from jupyter_tos_guard.policy.patterns import MAX_TOTAL_WAYS, pattern_ways
from jupyter_tos_guard.policy.rules import (
    And,
    Expression,
    Not,
    Or,
    Policy,
    Predicate,
    Rule,
    load_policy,
    predicates_of,
)

#: Share of a fingerprint's hashes that a cell must hold, and the least number.
FINGERPRINT_SHARE: Final = 0.6
FINGERPRINT_LEAST: Final = 8


def compile_policy(folder: Path) -> bytes:
    """Read, lint and compile a policy folder.

    Parameters
    ----------
    folder : Path
        Holds ``policy.yml`` and ``rules/``.

    Returns
    -------
    bytes
        The bundle; the same for the same input, on any machine.

    Raises
    ------
    PolicyError
        Something is wrong in the folder; warnings do not count.
    """
    from jupyter_tos_guard.policy.lint import lint

    policy, problems = load_policy(folder)
    if policy is not None:
        problems = sorted([*problems, *lint(policy)])
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or policy is None:
        raise PolicyError(errors)
    return encode(policy)


def encode(policy: Policy) -> bytes:
    """Write a policy as a bundle, without asking whether it is wise."""
    rules = sorted(policy.rules, key=lambda rule: rule.id)
    conditions = [_push_negations_down(rule.condition, negate=False) for rule in rules]
    numbers = _number_predicates(rules, conditions)
    windowed = sum(1 for window, _ in numbers.values() if window)
    ids = {predicate: number for predicate, (_, number) in numbers.items()}
    table = _Indicators(policy.salt)
    for predicate, number in ids.items():
        table.add(predicate, number)
    digests, targets = table.sorted()
    shift, buckets = _buckets(digests)
    anchors = _anchor_rules(rules, conditions, ids)
    infos = [_dump(_info(rule)) for rule in rules]
    codes = [_codes(condition, ids) for condition in conditions]
    _refuse_costly(rules, codes, infos, table.patterns)
    meta = {
        "id": policy.id,
        "name": policy.name,
        "version": policy.version,
        "mode": policy.mode.value,
        "expires": policy.expires,
        "refresh_days": policy.refresh_days,
        "terms": policy.terms.to_json(),
        "ladder": policy.ladder._asdict(),
        "present": {kind: table.present[kind] for kind in sorted(table.present)},
        "patterned": sorted({kind for kind, _, _ in table.patterns}),
        "any_root": table.any_root,
        "shift": shift,
        "windowed": windowed,
        "rules": len(rules),
        "predicates": len(ids),
    }
    return _assemble(
        policy.salt,
        {
            Section.META: _dump(meta),
            Section.BUCKETS: _u32(buckets),
            Section.DIGESTS: _bytes_of(array("Q", digests)),
            Section.TARGETS: _u32(targets),
            Section.GROUPS: _u32(table.groups),
            Section.ANCHOR_STARTS: _u32(_starts(anchors)),
            Section.ANCHORS: _u32(rule for group in anchors for rule in group),
            Section.CONDITION_STARTS: _u32(_starts(codes)),
            Section.CONDITIONS: _u32(code for group in codes for code in group),
            Section.INFO_STARTS: _u32(_starts(infos)),
            Section.INFOS: b"".join(infos),
            Section.PATTERNS: layout.mask(_dump(table.patterns), policy.salt) if table.patterns else b"",
        },
    )


class _Indicators:
    """Collects what is looked up: digests with their targets, groups and patterns."""

    def __init__(self, salt: bytes) -> None:
        self._hashers = {
            (kind, modifier): layout.hasher(salt, number, modifier)
            for number, kind in enumerate(KINDS)
            for modifier in Modifier
        }
        self._pairs: set[tuple[int, int]] = set()
        self._texts: dict[int, tuple[Kind, Modifier, str]] = {}
        self.groups: list[int] = []
        self.patterns: list[tuple[str, int, str]] = []
        #: kind: longest exact, startswith, endswith and contains, then the numbers of words
        self.present: dict[str, list[Any]] = {}
        self.any_root = False

    def add(self, predicate: Predicate, number: int) -> None:
        if predicate.modifier is Modifier.PATTERN:
            self.patterns.extend((predicate.kind.value, number, value) for value in sorted(predicate.values))
        elif predicate.kind is Kind.FINGERPRINT:
            for value in sorted(predicate.values):
                self._add_fingerprint(predicate, number, value.split(" "))
        else:
            for value in predicate.values:
                self._put(predicate.kind, predicate.modifier, value, number)
            self._note(predicate.kind, predicate.modifier, predicate.values)
        if predicate.kind in (Kind.MODULE, Kind.CALL):
            self._add_roots(predicate)

    def sorted(self) -> tuple[list[int], list[int]]:
        pairs = sorted(self._pairs)
        if any(count > layout.MAX_SHARED for count in Counter(digest for digest, _ in pairs).values()):
            raise PolicyError(
                [
                    Problem(
                        "rules",
                        1,
                        f"a value is asked for by more than {layout.MAX_SHARED} rules",
                        "Merge them",
                    )
                ]
            )
        return [digest for digest, _ in pairs], [target for _, target in pairs]

    def _add_fingerprint(self, predicate: Predicate, number: int, hashes: Sequence[str]) -> None:
        group = len(self.groups) // 2
        self.groups += number, max(FINGERPRINT_LEAST, math.ceil(FINGERPRINT_SHARE * len(hashes)))
        for each in hashes:
            self._put(Kind.FINGERPRINT, Modifier.EXACT, each, group)
        self._note(Kind.FINGERPRINT, Modifier.EXACT, hashes)

    def _add_roots(self, predicate: Predicate) -> None:
        if predicate.modifier not in (Modifier.EXACT, Modifier.STARTSWITH):
            self.any_root = True
            return
        for value in predicate.values:
            self._put(Kind.MODULE, Modifier.ROOT, value.split(".")[0], 0)

    def _put(self, kind: Kind, modifier: Modifier, text: str, target: int) -> None:
        state = self._hashers[kind, modifier].copy()
        state.update(text.encode("utf-8", "surrogatepass"))
        digest = int.from_bytes(state.digest(), "little")
        if self._texts.setdefault(digest, (kind, modifier, text)) != (kind, modifier, text):
            raise PolicyError(
                [Problem("policy.yml", 1, "two values have the same digest", "Change the salt")]
            )
        self._pairs.add((digest, target))

    def _note(self, kind: Kind, modifier: Modifier, values: Iterable[str]) -> None:
        entry = self.present.setdefault(kind.value, [0, 0, 0, 0, []])
        for value in values:
            entry[modifier] = max(entry[modifier], len(value))
            if modifier is Modifier.CONTAINS and len(words(value)) not in entry[4]:
                entry[4] = sorted([*entry[4], len(words(value))])


# --- conditions ---


def _push_negations_down(expression: Expression, *, negate: bool) -> Expression:
    """Negation normal form: only predicates are negated, as the codes have it."""
    if isinstance(expression, Predicate):
        return Not(expression) if negate else expression
    if isinstance(expression, Not):
        return _push_negations_down(expression.part, negate=not negate)
    parts = tuple(_push_negations_down(part, negate=negate) for part in expression.parts)
    return Or(parts) if isinstance(expression, And) is negate else And(parts)


def _identity(predicate: Predicate) -> Predicate:
    """Make equal questions of different rules one predicate."""
    return Predicate(predicate.kind, predicate.modifier, tuple(sorted(set(predicate.values))))


def _number_predicates(
    rules: Sequence[Rule], conditions: Sequence[Expression]
) -> dict[Predicate, tuple[bool, int]]:
    """Give all predicates numbers, those that later cells may need first.

    What a kernel has to remember of its past is then told by comparing numbers.
    """
    windowed: dict[Predicate, bool] = {}
    for rule, condition in zip(rules, conditions, strict=True):
        for predicate in map(_identity, predicates_of(condition)):
            windowed[predicate] = windowed.get(predicate, False) or rule.window == "kernel"
    order = sorted(
        windowed, key=lambda p: (not windowed[p], layout.KIND_NUMBERS[p.kind.value], p.modifier, p.values)
    )
    return {predicate: (windowed[predicate], number) for number, predicate in enumerate(order)}


def _codes(expression: Expression, ids: Mapping[Predicate, int]) -> list[int]:
    if isinstance(expression, Predicate):
        return [layout.HOLDS << layout.SHIFT | ids[_identity(expression)]]
    if isinstance(expression, Not):
        assert isinstance(expression.part, Predicate)
        return [layout.LACKS << layout.SHIFT | ids[_identity(expression.part)]]
    codes = [code for part in expression.parts for code in _codes(part, ids)]
    operator = layout.ALL if isinstance(expression, And) else layout.ANY
    return [*codes, operator << layout.SHIFT | len(expression.parts)]


def _anchor_rules(
    rules: Sequence[Rule], conditions: Sequence[Expression], ids: Mapping[Predicate, int]
) -> list[list[int]]:
    """For each predicate, the rules that are to be tried when it holds.

    A rule need not be tried for each of its predicates: for one side of an ``and``
    is enough, so the rarer one is taken. Where earlier cells may complete a
    condition any part can be the last.
    """
    anchored: list[list[int]] = [[] for _ in ids]
    cost = _costs(conditions)
    for number, (rule, condition) in enumerate(zip(rules, conditions, strict=True)):
        found = _anchors(condition, cost)
        if found is None:
            raise PolicyError(
                [Problem(rule.path, 1, "the condition holds for a cell that does nothing", "Require a fact")]
            )
        chosen = _positive(condition) if rule.window == "kernel" else found[1]
        for predicate in {ids[_identity(predicate)] for predicate in chosen}:
            anchored[predicate].append(number)
    return anchored


def _positive(expression: Expression) -> Iterator[Predicate]:
    if isinstance(expression, Predicate):
        yield expression
    elif not isinstance(expression, Not):
        for part in expression.parts:
            yield from _positive(part)


def _anchors(
    expression: Expression, cost: Callable[[Predicate], int]
) -> tuple[int, frozenset[Predicate]] | None:
    """Find predicates of which one must hold for the expression to hold, and their cost."""
    if isinstance(expression, Predicate):
        return cost(expression), frozenset((expression,))
    if isinstance(expression, Not):
        return None
    parts = [_anchors(part, cost) for part in expression.parts]
    found = [part for part in parts if part]
    if isinstance(expression, And):
        return min(found, key=lambda part: part[0], default=None)
    if len(found) < len(parts):
        return None
    return max(part[0] for part in found), frozenset().union(*(part[1] for part in found))


def _costs(conditions: Sequence[Expression]) -> Callable[[Predicate], int]:
    """Estimate how often a predicate makes its rules be tried in vain.

    That is how common facts of its kind are, times how many rules ask for its
    most asked value.
    """
    asked = Counter(
        (predicate.kind, predicate.modifier, value)
        for condition in conditions
        for predicate in predicates_of(condition)
        for value in predicate.values
    )

    def cost(predicate: Predicate) -> int:
        shared = max(asked[predicate.kind, predicate.modifier, value] for value in predicate.values)
        return shared * _COMMON.get(predicate.kind, 1) * (4 if predicate.modifier is Modifier.PATTERN else 1)

    return cost


#: How common facts of a kind are in honest cells, roughly.
_COMMON: Final = {
    Kind.CALL: 8,
    Kind.MODULE: 8,
    Kind.COMMAND: 7,
    Kind.ARGUMENT: 6,
    Kind.FILE: 5,
    Kind.PACKAGE: 4,
    Kind.HOST: 4,
    Kind.URL: 3,
    Kind.OPAQUE: 3,
    Kind.REPOSITORY: 2,
}


def _refuse_costly(
    rules: Sequence[Rule],
    codes: Sequence[Sequence[int]],
    infos: Sequence[bytes],
    patterns: Iterable[tuple[str, int, str]],
) -> None:
    """Refuse what a reader would refuse, while there is somebody to tell."""
    problems = []
    for rule, condition, info in zip(rules, codes, infos, strict=True):
        if len(condition) > layout.MAX_CODES or len(info) > layout.MAX_INFO:
            problems.append(Problem(rule.path, 1, "the condition or the scope is too long", "Split the rule"))
    if sum(pattern_ways(pattern) for _, _, pattern in patterns) > MAX_TOTAL_WAYS:
        problems.append(
            Problem(
                "rules",
                1,
                f"all patterns together have over {MAX_TOTAL_WAYS} ways",
                "Use fewer, or simpler ones",
            )
        )
    if problems:
        raise PolicyError(problems)


# --- bytes ---


def _info(rule: Rule) -> dict[str, Any]:
    """Keep what clients are told about a rule. Nothing here may name what it looks for."""
    return {
        "id": rule.id,
        "title": rule.title,
        "message": rule.message,
        "clause": rule.clause,
        "action": rule.action.label,
        "verdict": rule.verdict.label,
        "level": rule.level,
        "window": rule.window,
        "scope": list(rule.scope),
        "rollout": rule.rollout,
        "status": rule.status.value,
    }


def _buckets(digests: Sequence[int]) -> tuple[int, list[int]]:
    """Index the sorted digests by their top bits, about one digest to a bucket."""
    bits = max(1, min(28, (max(1, len(digests)) - 1).bit_length()))
    shift = 64 - bits
    starts = [0] * ((1 << bits) + 1)
    for digest in digests:
        starts[(digest >> shift) + 1] += 1
    for index in range(1, len(starts)):
        starts[index] += starts[index - 1]
    return shift, starts


def _assemble(salt: bytes, sections: Mapping[Section, bytes]) -> bytes:
    start = layout.HEADER.size + layout.SECTION.size * len(Section)
    table = b""
    parts = []
    offset = start
    for section in Section:
        data = sections[section]
        table += layout.SECTION.pack(offset, len(data))
        padded = data + bytes(-len(data) % 8)
        parts.append(padded)
        offset += len(padded)
    body = b"".join(parts)
    full = blake2b(body, digest_size=32).digest()
    header = layout.HEADER.pack(layout.MAGIC, layout.VERSION, len(Section), salt, offset, bytes(16), full)
    checksum = layout.header_checksum(header, table, sections[Section.META])
    header = header[: layout.HEADER_CHECKSUM.start] + checksum + header[layout.HEADER_CHECKSUM.stop :]
    return header + table + body


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _starts(groups: Sequence[Sequence[Any] | bytes]) -> list[int]:
    starts = [0]
    for group in groups:
        starts.append(starts[-1] + len(group))
    return starts


def _u32(values: Iterable[int]) -> bytes:
    return _bytes_of(array("I", values))


def _bytes_of(values: array[int]) -> bytes:
    if sys.byteorder == "big":  # pragma: no cover
        values.byteswap()
    return values.tobytes()


def main(arguments: Sequence[str]) -> int:
    """Compile a folder into a file; 1 when the folder has errors."""
    if len(arguments) != 2:
        print("usage: python -m jupyter_tos_guard.policy.compile FOLDER FILE", file=sys.stderr)
        return 2
    try:
        data = compile_policy(Path(arguments[0]))
    except PolicyError as error:
        print(error, file=sys.stderr)
        return 1
    Path(arguments[1]).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
