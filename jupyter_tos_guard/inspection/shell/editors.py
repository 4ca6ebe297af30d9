"""Programs that change files of the session by a script: ``ed`` and ``patch``."""

from __future__ import annotations

import re
from collections.abc import Callable

from jupyter_tos_guard.inspection.bounded_regex import affordable
from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.shell.filters import posix_regex, sed_script, sed_substitute
from jupyter_tos_guard.inspection.shell.options import options_of
from jupyter_tos_guard.inspection.shell.process import Handler, Process

_MAX_LINES = 4000


class _Unknown(Exception):
    """A command that is not known: neither is the text after it."""


# -- ed -------------------------------------------------------------------------------------------

_ADDRESS = r"(?:\d+|[.$]|/(?:\\.|[^/\\\n])*/|[-+]\d*)(?:[-+]\d*)*"
_COMMAND = re.compile(
    rf"\s*(?:(?P<all>[,%])|(?P<first>{_ADDRESS})(?:(?P<comma>,)(?P<last>{_ADDRESS}|))?)?\s*(?P<rest>.*)"
)


def _line_editor(process: Process) -> str:
    process.announce()
    _, operands = options_of(process.arguments, "p")
    text = process.read(operands[0]) if operands else ""
    editor = _Editor(process, operands[0] if operands else "", (text or "").splitlines())
    editor.known = text is not None and HOLE not in text
    editor.run(process.stdin.rest().split("\n"))
    return "".join(editor.out)


class _Editor:
    """The lines that ``ed`` holds."""

    def __init__(self, process: Process, path: str, lines: list[str]) -> None:
        self.process = process
        self.path = path
        self.lines = lines[:_MAX_LINES]
        self.current = len(self.lines)
        self.known = True
        self.out: list[str] = []

    def run(self, script: list[str]) -> None:
        """Run a script; after a command that is not known its text is not known."""
        script = [line for line in script[:_MAX_LINES] if not self._started(line)]
        while script:
            self.process.state.budget.spend(4)
            line = script.pop(0)
            found = _COMMAND.match(line)
            rest = found.group("rest") if found else ""
            if rest[:1] in ("q", "Q"):
                return
            try:
                if found is not None:
                    self._command(found, rest, script)
            except (_Unknown, ValueError, IndexError):
                self.known = False

    def _started(self, line: str) -> bool:
        """``!text`` is a command for the shell."""
        if not re.match(r":?!.", line):
            return False
        self.out.append(self.process.shell(line.lstrip(":")[1:], self.process.name))
        return True

    def _command(self, found: re.Match[str], rest: str, script: list[str]) -> None:
        begin, end = self._range(found)
        letter, argument = rest[:1], rest[1:]
        if letter in ("g", "v"):
            self._global(found, letter, argument)
        elif letter == "s":
            self._substitute(rest, begin, end)
        elif letter in ("a", "i", "c"):
            self._insert(letter, begin, end, script)
        elif letter == "d":
            del self.lines[begin - 1 : end]
            self.current = min(begin, len(self.lines))
        elif letter == "j":
            self.lines[begin - 1 : max(end, begin + 1)] = [
                "".join(self.lines[begin - 1 : max(end, begin + 1)])
            ]
        elif letter in ("m", "t"):
            self._move(letter, begin, end, argument)
        elif letter == "w" or rest.startswith("wq"):
            self._save(argument.lstrip("q").strip())
        elif letter == "r":
            added = (self.process.read(argument.strip()) or HOLE).splitlines()
            place = end if found.group("first") else len(self.lines)
            self.lines[place:place] = added
        elif letter in ("p", "n", "l"):
            self.out.extend(line + "\n" for line in self.lines[begin - 1 : end])
            self.current = end
        elif letter in ("H", "h", "k", "P", "u", "f", "="):
            pass
        elif not letter:
            self.current = end if found.group("first") else self.current + 1
        else:
            raise _Unknown

    def _range(self, found: re.Match[str]) -> tuple[int, int]:
        if found.group("all"):
            return 1, len(self.lines)
        if not found.group("first"):
            everything = found.group("rest")[:1] in ("g", "v", "w")
            return (1, len(self.lines)) if everything else (self.current, self.current)
        begin = self._address(found.group("first"))
        if not found.group("comma"):
            return begin, begin
        return begin, self._address(found.group("last")) if found.group("last") else len(self.lines)

    def _address(self, text: str) -> int:
        base = re.match(r"\d+|[.$]|/((?:\\.|[^/\\\n])*)/", text)
        if base is None:
            number = self.current
        elif base.group().isdigit():
            number = int(base.group())
        elif base.group() in (".", "$"):
            number = self.current if base.group() == "." else len(self.lines)
        else:
            number = self._find(str(base.group(1)))
        for sign, count in re.findall(r"([-+])(\d*)", text[base.end() if base else 0 :]):
            number += (1 if sign == "+" else -1) * int(count or 1)
        return number

    def _find(self, pattern: str) -> int:
        count = len(self.lines)
        for at in range(self.current, self.current + count):
            if self._matches(pattern, self.lines[at % count]):
                return at % count + 1
        raise _Unknown

    def _matches(self, pattern: str, line: str) -> bool:
        self.process.state.budget.spend(2)
        expression = affordable(posix_regex(pattern, extended=False), line)
        if expression is None or HOLE in line:
            raise _Unknown
        return expression.search(line) is not None

    def _global(self, found: re.Match[str], letter: str, argument: str) -> None:
        delimiter = argument[0]
        pattern, _, command = argument[1:].partition(delimiter)
        begin, end = self._range(found)
        chosen = [
            n for n in range(begin, end + 1) if self._matches(pattern, self.lines[n - 1]) == (letter == "g")
        ]
        for number in reversed(chosen):
            if command == "d":
                del self.lines[number - 1]
            elif command.startswith("s"):
                self._substitute(command, number, number)
            elif command not in ("p", ""):
                raise _Unknown

    def _substitute(self, text: str, begin: int, end: int) -> None:
        commands = sed_script(text)
        if not commands or len(commands) != 1:
            raise _Unknown
        for number in range(begin, end + 1):
            self.process.state.budget.spend(2)
            changed, hits = sed_substitute(commands[0], self.lines[number - 1], extended=False)
            if changed is None:
                raise _Unknown
            if hits:
                self.lines[number - 1] = changed
                self.current = number

    def _insert(self, letter: str, begin: int, end: int, script: list[str]) -> None:
        added = []
        while script and (line := script.pop(0)) != ".":
            added.append(line)
        if letter == "a":
            begin, end = end + 1, end
        elif letter == "i":
            begin, end = max(begin, 1), max(begin, 1) - 1
        self.lines[begin - 1 : end] = added
        self.current = begin - 1 + len(added)

    def _move(self, letter: str, begin: int, end: int, argument: str) -> None:
        place = self._address(argument) if argument else self.current
        taken = self.lines[begin - 1 : end]
        if letter == "m":
            del self.lines[begin - 1 : end]
            place -= len(taken) if place >= end else 0
        self.lines[place:place] = taken
        self.current = place + len(taken)

    def _save(self, path: str) -> None:
        text = "".join(line + "\n" for line in self.lines[:_MAX_LINES])
        if path.startswith("!"):
            from jupyter_tos_guard.inspection.shell.process import Stream

            self.out.append(self.process.shell(path[1:], "ed", stdin=Stream(text if self.known else HOLE)))
        elif path or self.path:
            self.process.write(path or self.path, text if self.known else HOLE)


# -- patch --------------------------------------------------------------------------------------------

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def _patch(process: Process) -> str:
    process.announce()
    options, operands = options_of(
        process.arguments,
        "piodDBFrVxYz",
        frozenset({"--strip", "--input", "--output", "--directory", "--fuzz", "--reject-file"}),
    )
    cwd = process.state.cwd
    diff = process.read(options.get("i") or options.get("input") or (operands[1] if operands[1:] else "-"))
    folder = options.get("d") or options.get("directory")
    if folder:
        process.state.cwd = resolve(folder, cwd)
    try:
        apply_diff(
            process,
            diff or "",
            path=operands[0] if operands else "",
            output=options.get("o") or options.get("output") or "",
            strip=options.get("p") or options.get("strip") or "",
            backwards="R" in options or "reverse" in options,
        )
    finally:
        process.state.cwd = cwd
    return ""


def apply_diff(
    process: Process, diff: str, *, path: str = "", output: str = "", strip: str = "", backwards: bool = False
) -> None:
    """Change files of the session as a unified diff says.

    Parameters
    ----------
    path : str, optional
        File to change; those that the diff names unless given.
    output : str, optional
        File that gets the result.
    strip : str, optional
        How many folders are taken off the names in the diff; all that are not there unless given.
    backwards : bool, optional
        Whether what the diff adds is taken away.
    """
    lines = diff.split("\n")[:_MAX_LINES]
    process.state.budget.spend(len(lines))
    starts = [
        i for i in range(len(lines) - 1) if lines[i].startswith("--- ") and lines[i + 1].startswith("+++ ")
    ]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        names = [re.split(r"[\t\r]| \d{4}-", lines[start + k][4:])[0].strip() for k in (1, 0)]
        target = path or _named(process, [n for n in names if n != "/dev/null"], strip)
        old = "" if "/dev/null" in names[1 - backwards] else process.read(target)
        changed = None if old is None else _applied(old, lines[start + 2 : end], backwards, process)
        process.write(output or target, changed)


def _named(process: Process, names: list[str], strip: str) -> str:
    if strip.isdigit():
        return "/".join(names[0].split("/")[int(strip) :]) if names else ""
    for name in names:
        if process.file(name) is not None:
            return name
    shorter = [name.rsplit("/", 1)[-1] for name in names]
    return next((name for name in shorter if process.file(name) is not None), (shorter or [""])[0])


def _applied(text: str, diff: list[str], backwards: bool, process: Process) -> str | None:
    lines = text.split("\n")
    moved = 0
    at = 0
    plus, minus = ("-", "+") if backwards else ("+", "-")
    while at < len(diff):
        found = _HUNK.match(diff[at])
        at += 1
        if found is None:
            continue
        counts = [int(found.group(k) or 1) for k in (2, 4)]
        before: list[str] = []
        after: list[str] = []
        while at < len(diff) and (counts[0] > 0 or counts[1] > 0):
            mark, line = diff[at][:1] or " ", diff[at][1:]
            at += 1
            if mark == "\\":
                continue
            counts[0] -= mark in " -"
            counts[1] -= mark in " +"
            before += [line] if mark in (" ", minus) else []
            after += [line] if mark in (" ", plus) else []
        wanted = int(found.group(3 if backwards else 1)) - (1 if before else 0) + moved
        place = _place(lines, before, wanted, process.state.budget.spend)
        if place is None:
            return None
        lines[place : place + len(before)] = after
        moved += len(after) - len(before) + place - wanted
    return "\n".join(lines)


def _place(lines: list[str], part: list[str], wanted: int, spend: Callable[[int], None]) -> int | None:
    """Where ``part`` stands in ``lines``, nearest to where it is said to be."""
    last = len(lines) - len(part)
    for at in sorted(range(max(last + 1, 0)), key=lambda at: abs(at - wanted)):
        spend(1 + len(part) // 16)
        if lines[at : at + len(part)] == part:
            return at
    return None


HANDLERS: dict[str, Handler] = {"ed": _line_editor, "patch": _patch}
