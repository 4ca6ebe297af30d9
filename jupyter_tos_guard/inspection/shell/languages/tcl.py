"""Tcl, in which all is words: commands, their substitution, and those that make texts or run programs."""

from __future__ import annotations

import binascii
import re
import shlex
from collections.abc import Callable

from jupyter_tos_guard.inspection.bounded_regex import affordable
from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.shell.filters import lenient_base64, to_text
from jupyter_tos_guard.inspection.shell.languages.library import MAX_ITEMS, MAX_TEXT, formatted, with_pairs
from jupyter_tos_guard.inspection.shell.process import Process, Stream
from jupyter_tos_guard.inspection.shell.syntax import ansi_c

_MAX_DEPTH = 24


class Tcl:
    """Evaluates one Tcl script; conditions are not followed, loops over lists are."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spend = process.state.budget.spend
        self._variables: dict[str, str] = {}
        self._procedures: dict[str, tuple[list[str], str]] = {}
        self._out: list[str] = []
        self._depth = 0
        self._returned: str | None = None

    def run(self, text: str) -> str:
        """Run a script; what it prints."""
        self._script(text[:MAX_TEXT])
        return "".join(self._out)

    # -- words --------------------------------------------------------------------------------

    def _script(self, text: str) -> str:
        """Run commands up to the end; what the last one gives."""
        result = ""
        at = 0
        if self._depth > _MAX_DEPTH:
            return HOLE
        self._depth += 1
        while at < len(text):
            self._spend()
            words, at = self._words(text, at)
            if words:
                result = self._command(words)
        self._depth -= 1
        return result

    def _words(self, text: str, at: int) -> tuple[list[str], int]:
        """Words of the command at ``at``, and where it ends."""
        words: list[str] = []
        while at < len(text):
            self._spend()
            if text.startswith("\\\n", at):
                at += 2
            elif text[at] in " \t\r":
                at += 1
            elif text[at] in "\n;":
                return words, at + 1
            elif text[at] == "#" and not words:
                end = text.find("\n", at)
                return [], len(text) if end < 0 else end + 1
            else:
                expands = text.startswith("{*}", at) and text[at + 3 : at + 4] not in ("", " ", "\n")
                word, at = self._word(text, at + 3 * expands)
                words += split_list(word) if expands else [word]
        return words[:MAX_ITEMS], at

    def _word(self, text: str, at: int) -> tuple[str, int]:
        if text[at] == "{":
            end = _closing(text, at, "{", "}")
            return text[at + 1 : end - 1], end
        if text[at] == '"':
            return self._substituted(text, at + 1, '"')
        return self._substituted(text, at, " \t\r\n;")

    def _substituted(self, text: str, at: int, ends: str) -> tuple[str, int]:
        """Text up to one of ``ends`` with its variables, commands and escapes put in."""
        out: list[str] = []
        while at < len(text):
            self._spend()
            char = text[at]
            if char in ends:
                return "".join(out)[:MAX_TEXT], at + (char == '"')
            if char == "\\":
                found = _ESCAPE.match(text, at)
                piece = found.group() if found else char
                out.append(ansi_c(piece) if piece[1:2].isalnum() else piece[1:])
                at += len(piece)
            elif char == "[":
                end = _closing(text, at, "[", "]")
                out.append(self._script(text[at + 1 : end - 1]))
                at = end
            elif char == "$" and (found := _VARIABLE.match(text, at)):
                at = found.end()
                out.append(self._value(found))
            else:
                found = _PLAIN.match(text, at)
                out.append(
                    found.group()
                    if found and found.end() > at and not set(found.group()) & set(ends)
                    else char
                )
                at += len(out[-1])
        return "".join(out)[:MAX_TEXT], at

    def _value(self, found: re.Match[str]) -> str:
        name, key = found.group(1) or found.group(2), found.group(3)
        if key is not None:
            name = f"{name}({self._substituted(key, 0, '')[0]})"
        return self._variables.get(name, HOLE)

    # -- commands -----------------------------------------------------------------------------

    def _command(self, words: list[str]) -> str:
        name, *rest = words
        name = name.removeprefix("::")
        if name in self._procedures:
            return self._procedure(*self._procedures[name], rest)
        pure = _PURE.get(name) or _PURE.get(" ".join([name, *rest[:1]]))
        try:
            if pure is not None:
                return pure(rest if name in _PURE else rest[1:])[:MAX_TEXT]
            effect = _EFFECTS.get(name.rsplit("::", 1)[-1])
            return effect(self, rest) if effect is not None else self._other(name, rest)
        except (ValueError, IndexError):
            return HOLE

    def _other(self, name: str, rest: list[str]) -> str:
        """Pass a command that nothing is known of: blocks among its words may be run."""
        for word in rest if name in _RUNNING else ():
            if re.search(r"\s", word.strip()) or name == "eval":
                self._script(word)
        return HOLE

    def _procedure(self, parameters: list[str], body: str, rest: list[str]) -> str:
        before, self._variables = self._variables, dict(self._variables)
        for i, name in enumerate(parameters):
            self._variables[name] = (
                join_list(rest[i:]) if name == "args" else rest[i] if i < len(rest) else HOLE
            )
        self._returned = None
        result = self._script(body)
        result = result if self._returned is None else self._returned
        self._variables, self._returned = before, None
        return result

    def _set(self, rest: list[str]) -> str:
        if len(rest) > 1:
            self._variables[rest[0]] = rest[1]
        return self._variables.get(rest[0], HOLE)

    def _append(self, rest: list[str]) -> str:
        self._variables[rest[0]] = (self._variables.get(rest[0], "") + "".join(rest[1:]))[:MAX_TEXT]
        return self._variables[rest[0]]

    def _lappend(self, rest: list[str]) -> str:
        return self._set([rest[0], join_list([*split_list(self._variables.get(rest[0], "")), *rest[1:]])])

    def _lassign(self, rest: list[str]) -> str:
        values = split_list(rest[0])
        for i, name in enumerate(rest[1:]):
            self._variables[name] = values[i] if i < len(values) else ""
        return ""

    def _array(self, rest: list[str]) -> str:
        if rest[0] != "set":
            return HOLE
        values = split_list(rest[2])
        for key, value in zip(values[::2], values[1::2], strict=False):
            self._variables[f"{rest[1]}({key})"] = value
        return ""

    def _dict_set(self, rest: list[str]) -> str:
        if rest[:1] == ["set"]:
            return self._set([rest[1], join_list([*split_list(self._variables.get(rest[1], "")), *rest[2:]])])
        return HOLE

    def _regsub(self, rest: list[str]) -> str:
        options = [each for each in rest if each[:1] == "-"]
        pattern, text, new, *name = [each for each in rest if each[:1] != "-"]
        expression = affordable(pattern, text)
        if expression is None:
            return HOLE
        new = re.sub(r"\\(\d)", r"\\g<\1>", new.replace("&", r"\g<0>"))
        result = expression.sub(new, text, 0 if "-all" in options else 1)
        return self._set([name[0], result]) if name else result

    def _foreach(self, rest: list[str]) -> str:
        names, values = split_list(rest[0]), split_list(rest[1])
        for i in range(0, len(values), max(len(names), 1)):
            self._spend(4)
            self._variables.update(zip(names, values[i : i + len(names)], strict=False))
            self._script(rest[-1])
        return ""

    def _define(self, rest: list[str]) -> str:
        self._procedures[rest[0]] = ([split_list(each)[0] for each in split_list(rest[1]) if each], rest[2])
        return ""

    def _return(self, rest: list[str]) -> str:
        if self._returned in (None, rest[-1] if rest else ""):
            self._returned = rest[-1] if rest else ""
        else:
            self._returned = HOLE  # another one before
        return self._returned or ""

    def _evaluate(self, rest: list[str]) -> str:
        return self._script(" ".join(rest))

    def _exec(self, rest: list[str]) -> str:
        words = [
            each for each in rest if not re.match(r"-(?:ignorestderr|keepnewline|-|noecho)$|\d?>+&?@", each)
        ]
        text = " ".join(
            each if re.fullmatch(r"[|&<>]+\d?|2>&1|2?>+.*", each) else shlex.quote(each) for each in words
        )
        return self._shell(text)

    def _shell(self, text: str) -> str:
        if not text.replace(HOLE, "").strip(" '"):
            return HOLE
        return self._process.shell(text, stdin=Stream(HOLE, piped=False)).rstrip("\n")

    def _open(self, rest: list[str]) -> str:
        return self._shell(rest[0][1:]) if rest[0].startswith("|") else HOLE

    def _send(self, rest: list[str]) -> str:
        """Do Expect's ``send``: what is typed into the program that was started."""
        return self._shell(rest[-1].replace("\r", "\n"))

    def _puts(self, rest: list[str]) -> str:
        self._out.append(rest[-1] + ("" if "-nonewline" in rest else "\n"))
        return ""

    def _geturl(self, rest: list[str]) -> str:
        self._process.fetch(rest[0])
        return HOLE

    def _package(self, rest: list[str]) -> str:
        if rest[:1] == ["require"]:
            self._process.emit(Kind.MODULE, rest[-1] if len(rest) == 2 else rest[1])
        return ""

    def _source(self, rest: list[str]) -> str:
        return self._script(self._process.read(rest[-1]) or "")


_RUNNING = frozenset(
    "if while for catch try time after uplevel namespace switch expect else finally on trap".split()
)
_EFFECTS: dict[str, Callable[[Tcl, list[str]], str]] = {
    "set": Tcl._set,
    "append": Tcl._append,
    "lappend": Tcl._lappend,
    "lassign": Tcl._lassign,
    "array": Tcl._array,
    "dict": Tcl._dict_set,
    "regsub": Tcl._regsub,
    "foreach": Tcl._foreach,
    "proc": Tcl._define,
    "return": Tcl._return,
    "eval": Tcl._evaluate,
    "exec": Tcl._exec,
    "spawn": Tcl._exec,
    "system": lambda tcl, rest: tcl._shell(" ".join(rest)),
    "open": Tcl._open,
    "send": Tcl._send,
    "exp_send": Tcl._send,
    "puts": Tcl._puts,
    "geturl": Tcl._geturl,
    "package": Tcl._package,
    "source": Tcl._source,
}
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[0-7]{1,3}|\n[ \t]*|.)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{([^{}]*)\}|([\w:]+)(?:\(([^()]*)\))?)")
_PLAIN = re.compile(r"[\w./:@-]+")


def _closing(text: str, at: int, opening: str, closing: str) -> int:
    """Where what opens at ``at`` is closed, one further."""
    depth = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == opening:
            depth += 1
        elif char == closing:
            depth -= 1
            if not depth:
                return at + 1
        at += 1
    return len(text) + 1


_ITEM = re.compile(r'\s*(?:"((?:\\.|[^"\\])*)"|([^\s{][^\s]*))', re.DOTALL)


def split_list(text: str) -> list[str]:
    """Items of a Tcl list."""
    out: list[str] = []
    at = 0
    while at < len(text) and len(out) < MAX_ITEMS:
        if text[at].isspace():
            at += 1
        elif text[at] == "{":
            end = _closing(text, at, "{", "}")
            out.append(text[at + 1 : end - 1])
            at = end
        elif found := _ITEM.match(text, at):
            out.append(found.group(1) if found.group(1) is not None else found.group(2))
            at = found.end()
    return out


def join_list(values: list[str]) -> str:
    """Tcl list of texts."""
    return " ".join(each if each and not re.search(r'[\s{}"]', each) else "{" + each + "}" for each in values)


def _index(text: str, size: int) -> int:
    if text.startswith("end"):
        return size - 1 + int(text[3:] or 0)
    return int(text)


def _item(values: list[str]) -> str:
    held = split_list(values[0])
    return held[_index(values[1], len(held))]


def _range(values: list[str]) -> str:
    held = split_list(values[0])
    return join_list(held[_index(values[1], len(held)) : _index(values[2], len(held)) + 1])


def _part(values: list[str]) -> str:
    text = values[0]
    return text[_index(values[1], len(text)) : _index(values[-1], len(text)) + 1]


def _mapped(values: list[str]) -> str:
    pairs = split_list(values[-2])
    return with_pairs(values[-1], dict(zip(pairs[::2], pairs[1::2], strict=False)))


def _of_dict(values: list[str]) -> str:
    held = split_list(values[0])
    return dict(zip(held[::2], held[1::2], strict=False)).get(values[1], HOLE)


def _split(values: list[str]) -> str:
    separators = values[1] if len(values) > 1 else " \t\n"
    pieces = re.split("[" + re.escape(separators) + "]", values[0]) if separators else list(values[0])
    return join_list(pieces[:MAX_ITEMS])


def _formatted(values: list[str]) -> str:
    return formatted(
        [values[0], *(int(each) if each.isascii() and each.isdigit() else each for each in values[1:])]
    )


def _decoded(values: list[str]) -> str:
    if values[0].startswith("H"):
        return to_text(binascii.unhexlify(values[1]))
    return (
        "".join(chr(int(each)) for each in split_list(values[1])) if values[0].startswith("c") else values[-1]
    )


#: Commands that make a text of texts, some with their first word.
_PURE: dict[str, Callable[[list[str]], str]] = {
    "list": join_list,
    "concat": lambda values: " ".join(map(str.strip, values)),
    "join": lambda values: (values[1] if len(values) > 1 else " ").join(split_list(values[0])),
    "split": _split,
    "lindex": _item,
    "lrange": _range,
    "lreverse": lambda values: join_list(split_list(values[0])[::-1]),
    "format": _formatted,
    "subst": lambda values: values[-1],
    "string reverse": lambda values: values[0][::-1],
    "string map": _mapped,
    "string range": _part,
    "string index": _part,
    "string tolower": lambda values: values[0].lower(),
    "string toupper": lambda values: values[0].upper(),
    "string totitle": lambda values: values[0].capitalize(),
    "string cat": "".join,
    "string trim": lambda values: values[0].strip(values[1] if len(values) > 1 else None),
    "string repeat": lambda values: (values[0] * min(int(values[1]), 1000))[:MAX_TEXT],
    "dict create": join_list,
    "dict get": _of_dict,
    "binary format": _decoded,
    "binary decode": lambda values: (
        to_text(lenient_base64(values[1].encode("latin-1", "ignore")))
        if values[0] == "base64"
        else to_text(binascii.unhexlify(values[1]))
    ),
    "encoding convertfrom": lambda values: values[-1],
    "base64::decode": lambda values: to_text(lenient_base64(values[-1].encode("latin-1", "ignore"))),
}
