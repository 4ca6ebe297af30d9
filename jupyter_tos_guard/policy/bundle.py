"""The compiled policy as clients hold it: a mapped file and how to ask it.

Opening costs the same for ten indicators and ten million: the header is checked,
the rest is paged in as it is asked for, shared between kernels, and never
trusted: what is out of bounds raises :class:`BundleError`. Judging facts is
:mod:`.matching`; checking who signed the file is the refresher's business.
"""

from __future__ import annotations

import json
import mmap
import re
import sys
from array import array
from bisect import bisect_left
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, NoReturn

from jupyter_tos_guard.inspection.facts import Kind
from jupyter_tos_guard.policy import layout
from jupyter_tos_guard.policy.indicators import (
    MAX_VALUE,
    MAX_WORDS,
    Modifier,
    Present,
    fact_keys,
    fold,
)
from jupyter_tos_guard.policy.layout import Section
from jupyter_tos_guard.policy.model import Clause, Ladder, Mode, Terms, Verdict
from jupyter_tos_guard.policy.patterns import (
    MAX_SEARCHED,
    MAX_TOTAL_WAYS,
    PatternError,
    compile_pattern,
    pattern_ways,
)

#: Answers that are remembered, and the longest values that they are for. With the
#: median value of 25 characters this is half a megabyte.
MEMORY: Final = 4_096
MEMORABLE: Final = 256


class BundleError(Exception):
    """A bundle cannot be used.

    Attributes
    ----------
    state : str
        ``"corrupt"``, or ``"unsupported"`` for a format of another version.
    """

    def __init__(self, state: str, detail: str) -> None:
        super().__init__(detail)
        self.state = state


class RuleInfo(NamedTuple):
    """What a client knows of a rule: enough to tell people, nothing to evade it by."""

    id: str
    title: str
    message: str
    clause: str
    action: Verdict
    verdict: Verdict
    level: str
    window: str
    scope: tuple[str, ...]
    rollout: int
    status: str


class Bundle:
    """A policy that facts can be matched against.

    Make one with :meth:`open` or :meth:`from_bytes`. The file must not be changed
    in place while it is open: replace it by renaming another over it.

    Attributes
    ----------
    id, name, version : str
        Of the policy.
    mode : Mode
        What the policy proposes for hubs that say nothing.
    terms : Terms
    expires : float
        Seconds since the epoch; 0 for never.
    refresh_days : int
        Age of the file, in days, at which it counts as stale; 0 for never.
    ladder : Ladder
    enabled : frozenset of str
        Ids of the clauses that are on unless the operator says otherwise.
    rule_count, indicator_count : int
    windowed : int
        Predicates below this number may be needed by later cells.
    """

    def __init__(self, data: memoryview, mapped: mmap.mmap | None = None) -> None:
        self._data = data
        self._mapped = mapped
        self._views: list[memoryview] = [data]
        self._read_header()
        try:
            self._read_meta()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            _corrupt(f"its description is malformed: {error!r:.200}")
        self._memory: dict[str, tuple[int, ...]] = {}
        self._roots: dict[str, bool] = {}
        self._infos: dict[int, RuleInfo] = {}
        self._compiled: dict[str, list[tuple[re.Pattern[str], int]]] | None = None

    @classmethod
    def open(cls, path: Path | str) -> Bundle:
        """Map a bundle.

        Raises
        ------
        BundleError
            The file is no bundle, is damaged in its header, or has another format.
        OSError
            The file cannot be read.
        """
        with open(path, "rb") as file:
            try:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError:
                _corrupt("the file is empty")
        return cls(memoryview(mapped), mapped)

    @classmethod
    def from_bytes(cls, data: bytes) -> Bundle:
        """Use a bundle that is in memory, such as one that was just compiled.

        Raises
        ------
        BundleError
        """
        return cls(memoryview(data))

    def close(self) -> None:
        """Unmap the file. The bundle cannot be asked any more."""
        for view in reversed(self._views):
            view.release()
        if self._mapped is not None:
            self._mapped.close()

    def __enter__(self) -> Bundle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def verify(self) -> None:
        """Check every byte; costs about a millisecond per megabyte.

        The refresher calls this once before it activates a bundle.

        Raises
        ------
        BundleError
        """
        start = layout.HEADER.size + layout.SECTION.size * len(Section)
        if blake2b(self._data[start:], digest_size=32).digest() != self._full_checksum:
            _corrupt("its content does not have the checksum that its header says")

    def has(self, kind: Kind | str) -> bool:
        """Whether any rule asks about facts of this kind."""
        return kind in self._present or kind in self._patterned

    def interesting_module(self, name: str) -> bool:
        """Whether any rule asks about a module, or a call, under this name's first part."""
        root = name.partition(".")[0].lower()
        known = self._roots.get(root)
        if known is None:
            known = self._any_root or bool(self._targets_of(self._root_hasher, root))
            if len(self._roots) >= MEMORY:
                self._roots.clear()
            if len(root) <= MEMORABLE:
                self._roots[root] = known
        return known

    def predicates(self, kind: Kind | str, value: str) -> tuple[int, ...]:
        """Numbers of the predicates that a fact makes hold, ascending.

        Raises
        ------
        BundleError
            The part of the file that was asked is damaged.
        """
        name = kind + value  # no kind is the beginning of another, so this is unique
        found = self._memory.get(name)
        if found is None:
            found = self._find(str(kind), value)
            if len(name) <= MEMORABLE:
                if len(self._memory) >= MEMORY:
                    self._memory.clear()
                self._memory[name] = found
        return found

    def rules_of(self, predicate: int) -> memoryview:
        """Numbers of the rules to try when a predicate holds."""
        return self._slice(self._anchor_starts, self._anchors, predicate)

    def condition(self, rule: int) -> memoryview:
        """Return a rule's condition as postfix codes, see :mod:`.layout`."""
        return self._slice(self._condition_starts, self._conditions, rule)

    def info(self, rule: int) -> RuleInfo:
        """Return what people are told about a rule."""
        known = self._infos.get(rule)
        if known is None:
            known = self._decode_info(rule)
            if len(self._infos) >= 1024:
                self._infos.clear()
            self._infos[rule] = known
        return known

    # --- looking up ---

    def _find(self, kind: str, value: str) -> tuple[int, ...]:
        found: set[int] = set()
        present = self._present.get(kind)
        if present is not None:
            hashers = self._hashers[kind]
            if kind in self._plain:
                if len(value) <= present.exact:
                    found.update(self._targets_of(hashers[0], value.lower()))
            elif kind == Kind.FINGERPRINT:
                found.update(self._find_fingerprints(value))
            else:
                for modifier, key in fact_keys(kind, value, present):
                    found.update(self._targets_of(hashers[modifier], key))
        if kind in self._patterned:
            folded = fold(kind, value[:MAX_SEARCHED])
            found.update(number for pattern, number in self._patterns_of(kind) if pattern.search(folded))
        return tuple(sorted(found)) if found else ()

    def _targets_of(self, hasher: Any, key: str) -> list[int] | tuple[()]:
        state = hasher.copy()
        state.update(key.encode("utf-8", "surrogatepass"))
        digest = int.from_bytes(state.digest(), "little")
        bucket = digest >> self._shift
        low, high = self._buckets[bucket], self._buckets[bucket + 1]
        if low == high:
            return ()
        digests = self._digests
        if low > high or high > len(digests):
            _corrupt("a bucket points outside the table")
        if high - low > 8:
            low = bisect_left(digests, digest, low, high)
        else:
            while low < high and digests[low] < digest:
                low += 1
        targets = []
        while low < high and digests[low] == digest:
            targets.append(self._targets[low])
            low += 1
            if len(targets) > layout.MAX_SHARED:
                _corrupt("a value has too many targets")
        return targets

    def _find_fingerprints(self, value: str) -> set[int]:
        hasher = self._hashers[Kind.FINGERPRINT.value][Modifier.EXACT]
        counts: dict[int, int] = {}
        for each in set(value.split()):
            for group in self._targets_of(hasher, each):
                counts[group] = counts.get(group, 0) + 1
        found = set()
        for group, count in counts.items():
            if group * 2 + 1 >= len(self._groups):
                _corrupt("a fingerprint has no group")
            if count >= self._groups[group * 2 + 1]:
                found.add(self._groups[group * 2])
        return found

    def _patterns_of(self, kind: str) -> list[tuple[re.Pattern[str], int]]:
        if self._compiled is None:
            compiled: dict[str, list[tuple[re.Pattern[str], int]]] = {}
            ways = 0
            try:
                for pattern_kind, number, pattern in json.loads(
                    layout.mask(bytes(self._pattern_bytes), self._salt)
                ):
                    ways += pattern_ways(pattern)
                    if ways > MAX_TOTAL_WAYS:
                        _corrupt("its patterns cost too much")
                    compiled.setdefault(str(pattern_kind), []).append((compile_pattern(pattern), int(number)))
            except (ValueError, TypeError, RecursionError, PatternError) as error:
                _corrupt(f"its patterns are malformed: {error!r:.200}")
            self._compiled = compiled
        return self._compiled.get(kind, [])

    def _slice(self, starts: memoryview, items: memoryview, number: int) -> memoryview:
        if not 0 <= number < len(starts) - 1:
            _corrupt("a number is outside its table")
        low, high = starts[number], starts[number + 1]
        if not low <= high <= len(items):
            _corrupt("an entry is outside its table")
        return items[low:high]

    def _decode_info(self, rule: int) -> RuleInfo:
        blob = self._slice(self._info_starts, self._info_bytes, rule)
        if len(blob) > layout.MAX_INFO:
            _corrupt("a rule's description is too long")
        try:
            raw = json.loads(bytes(blob))
            return RuleInfo(
                id=_typed(raw["id"], str),
                title=_typed(raw["title"], str),
                message=_typed(raw["message"], str),
                clause=_typed(raw["clause"], str),
                action=Verdict[_typed(raw["action"], str).upper()],
                verdict=Verdict[_typed(raw["verdict"], str).upper()],
                level=_typed(raw["level"], str),
                window=_typed(raw["window"], str),
                scope=tuple(_typed(entry, str) for entry in raw["scope"]),
                rollout=_typed(raw["rollout"], int),
                status=_typed(raw["status"], str),
            )
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            _corrupt(f"a rule's description is malformed: {error!r:.200}")

    # --- opening ---

    def _read_header(self) -> None:
        data = self._data
        table_end = layout.HEADER.size + layout.SECTION.size * len(Section)
        if len(data) < layout.HEADER.size or bytes(data[: len(layout.MAGIC)]) != layout.MAGIC:
            _corrupt("the file is no policy bundle")
        header = bytes(data[: layout.HEADER.size])
        _, version, sections, salt, length, checksum, full = layout.HEADER.unpack(header)
        if version != layout.VERSION:
            raise BundleError(
                "unsupported",
                f"the bundle has format {version}, this program reads {layout.VERSION}: upgrade one",
            )
        if sections != len(Section) or length != len(data) or length < table_end:
            _corrupt("the file is cut off or has something appended")
        table = bytes(data[layout.HEADER.size : table_end])
        self._salt, self._full_checksum = salt, full
        self._sections = self._read_table(table, table_end)
        meta = bytes(self._section(Section.META))
        if layout.header_checksum(header, table, meta) != checksum:
            _corrupt("its header does not have the checksum that it says")
        self._meta_bytes = meta

    def _read_table(self, table: bytes, table_end: int) -> list[tuple[int, int]]:
        places = []
        for section, (offset, size) in zip(Section, layout.SECTION.iter_unpack(table), strict=True):
            if (
                offset < table_end
                or offset % 8
                or offset + size > len(self._data)
                or size % layout.ELEMENT[section]
            ):
                _corrupt(f"the section {section.name.lower()} is outside the file")
            places.append((offset, size))
        if places[Section.META][1] > layout.MAX_META:
            _corrupt("its description is too long")
        return places

    def _read_meta(self) -> None:
        meta = json.loads(self._meta_bytes)
        del self._meta_bytes
        self.id = _typed(meta["id"], str)
        self.name = _typed(meta["name"], str)
        self.version = _typed(meta["version"], str)
        self.mode = Mode(meta["mode"])
        self.expires = _typed(meta["expires"], float)
        self.refresh_days = _typed(meta["refresh_days"], int)
        self.terms = _terms(meta["terms"])
        self.ladder = _ladder(meta["ladder"])
        self.enabled = frozenset(clause.id for clause in self.terms.clauses if clause.enabled)
        self.windowed = _typed(meta["windowed"], int)
        self._any_root = _typed(meta["any_root"], bool)
        self._patterned = frozenset(_typed(kind, str) for kind in meta["patterned"])
        self._present = {_typed(kind, str): _present(entry) for kind, entry in meta["present"].items()}
        if not self._present.keys() <= layout.KIND_NUMBERS.keys():
            _corrupt("it asks for unknown kinds of facts")
        # Kinds that have one key: most kinds of most policies.
        self._plain = frozenset(
            kind
            for kind, present in self._present.items()
            if present == Present(present.exact)
            and kind not in (Kind.MODULE, Kind.ARGUMENT, Kind.FINGERPRINT)
        )
        self._hashers = {
            kind: tuple(
                layout.hasher(self._salt, layout.KIND_NUMBERS[kind], modifier) for modifier in Modifier
            )
            for kind in self._present
        }
        self._root_hasher = layout.hasher(self._salt, layout.KIND_NUMBERS[Kind.MODULE.value], Modifier.ROOT)
        self._map_tables(
            _typed(meta["shift"], int), _typed(meta["predicates"], int), _typed(meta["rules"], int)
        )

    def _map_tables(self, shift: int, predicates: int, rules: int) -> None:
        self._shift = shift
        self._buckets = self._table(Section.BUCKETS)
        self._digests = self._table(Section.DIGESTS)
        self._targets = self._table(Section.TARGETS)
        self._groups = self._table(Section.GROUPS)
        self._anchor_starts = self._table(Section.ANCHOR_STARTS)
        self._anchors = self._table(Section.ANCHORS)
        self._condition_starts = self._table(Section.CONDITION_STARTS)
        self._conditions = self._table(Section.CONDITIONS)
        self._info_starts = self._table(Section.INFO_STARTS)
        self._info_bytes = self._section(Section.INFOS)
        self._pattern_bytes = self._section(Section.PATTERNS)
        self._views.extend((self._info_bytes, self._pattern_bytes))
        if (
            not 36 <= shift <= 63
            or len(self._buckets) != (1 << (64 - shift)) + 1
            or len(self._targets) != len(self._digests)
            or len(self._groups) % 2
            or len(self._anchor_starts) != predicates + 1
            or len(self._condition_starts) != rules + 1
            or len(self._info_starts) != rules + 1
            or len(self._pattern_bytes) > layout.MAX_META
        ):
            _corrupt("its tables do not fit one another")
        self.rule_count = rules
        self.indicator_count = len(self._digests)

    def _section(self, section: Section) -> memoryview:
        offset, size = self._sections[section]
        return self._data[offset : offset + size]

    def _table(self, section: Section) -> memoryview[int]:
        letter: Literal["Q", "I"] = "Q" if layout.ELEMENT[section] == 8 else "I"
        raw = self._section(section)
        if sys.byteorder == "big":  # pragma: no cover
            swapped = array(letter, bytes(raw))
            swapped.byteswap()
            return memoryview(swapped)
        view = raw.cast(letter)
        self._views.extend((raw, view))
        return view


def _corrupt(detail: str) -> NoReturn:
    raise BundleError("corrupt", f"the bundle is damaged: {detail}")


def _typed(value: Any, kind: type[Any]) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r:.80} is no {kind.__name__}")
    return value


def _terms(raw: dict[str, Any]) -> Terms:
    clauses = tuple(
        Clause(
            id=_typed(entry["id"], str),
            number=_typed(entry["number"], str),
            title=_typed(entry["title"], str),
            text=_typed(entry["text"], str),
            enabled=_typed(entry["enabled"], bool),
            severe=_typed(entry["severe"], bool),
        )
        for entry in raw["clauses"]
    )
    return Terms(
        version=_typed(raw["version"], str),
        title=_typed(raw["title"], str),
        clauses=clauses,
        url=_typed(raw["url"], str),
        contact=_typed(raw["contact"], str),
    )


def _ladder(raw: dict[str, Any]) -> Ladder:
    defaults = Ladder()
    return Ladder(**{name: _typed(value, type(getattr(defaults, name))) for name, value in raw.items()})


def _present(entry: list[Any]) -> Present:
    """Bound what a forged header may make us derive."""
    *lengths, counts = entry
    exact, startswith, endswith, contains = (
        max(0, min(MAX_VALUE, _typed(length, int))) for length in lengths
    )
    word_counts = tuple(sorted({_typed(count, int) for count in counts} & set(range(1, MAX_WORDS + 1))))
    return Present(exact, startswith, endswith, contains, word_counts)
