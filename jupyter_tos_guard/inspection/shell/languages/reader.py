"""The evaluator of programs in other languages.

It reads from left to right and knows strings, lists and dictionaries, their joining and the usual
decoders, variables, functions of the program and loops over known lists. Conditions are not followed
(both branches count).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, cast

from jupyter_tos_guard.inspection import naming
from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.shell.filters import printf
from jupyter_tos_guard.inspection.shell.languages.library import (
    MAX_ITEMS,
    MAX_TEXT,
    METHODS,
    PURE,
    Call,
    Function,
    Name,
    Pattern,
    Value,
    as_text,
    at_index,
    changed,
    flat,
    items,
    join,
    multiply,
)
from jupyter_tos_guard.inspection.shell.languages.macros import expand_macros
from jupyter_tos_guard.inspection.shell.languages.table import LANGUAGES
from jupyter_tos_guard.inspection.shell.process import Process, Stream, fetch, nested, program_name
from jupyter_tos_guard.inspection.shell.syntax import ansi_c
from jupyter_tos_guard.inspection.state import Origin

_PARTS = r"""
    (?P<blank>\s+|\\\n)
  | (?P<heredoc><<<?[~-]?\s*(?P<hq>["']?)(?P<hd>[A-Za-z_]\w*)(?P=hq);?[^\n]*\n(?P<hb>.*?)^\s*(?P=hd)\b)
  | (?P<raw>[rR]"(?P<dash>-*)\((?P<rawtext>.*?)\)(?P=dash)"
        | r(?P<hashes>\#+)"(?P<hashtext>.*?)"(?P=hashes)
        | \[\[(?P<long>LONG)\]\])
  | (?P<quote>\b(?:qq|qx|qw|q)\s*(?P<open>[({\[<|/!~]) | %(?:[xqQwWi])(?P<ropen>[({\[<|!]))
  | (?P<triple>\"\"\"(?P<tripletext>.*?)\"\"\" | '''(?P<tripletext2>.*?)''')
  | (?P<double>[fbuBFU]?"(?P<dtext>(?:\\.|[^"\\])*)")
  | (?P<single>[fbuBFU]?'(?P<stext>(?:\\.|[^'\\])*)')
  | (?P<back>`(?P<btext>(?:\\.|[^`\\])*)`)
  | (?P<number>0x[0-9a-fA-F]+|\d+(?:\.\d+)?)
  | (?P<change>=~\s*(?:tr|y|s)(?P<delimiter>[/|!,\#])(?:\\.|(?!(?P=delimiter)).)*(?P=delimiter)
        (?:\\.|(?!(?P=delimiter)).)*(?P=delimiter)\w*)
  | (?P<name>[$@%&]*(?:[A-Za-z_][\w]*(?:(?:SEPARATOR)(?=[A-Za-z_!]))?)+!?(?<!\.)|\$\$?(?=\W)|[$@]\d)
  | (?P<operator>\.\.\.?|<-|<<-|->>?|=>|==|!=|<=|>=|&&|\|\||\+\+|<>|\+=|\.=|\*=|:=|::|=~|<<|\|>|%>%|[^\s\w])
"""
_TOKENS: dict[str, re.Pattern[str]] = {}
_BARE_CHANGE = re.compile(r"(?:tr|y|s)([/|!,#])(?:\\.|(?!\1).)*\1(?:\\.|(?!\1).)*\1\w*", re.DOTALL)
_EXPRESSION = re.compile(r"/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+)/([a-z]*)")


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


_END = _Token("", "", 0, 0)


class _Program:
    """The tokens of one text: where brackets and blocks close, where named functions end."""

    __slots__ = ("closers", "skips", "tokens")

    def __init__(self, tokens: list[_Token], closers: dict[int, int]) -> None:
        self.tokens = tokens
        self.closers = closers
        self.skips: dict[int, int] = {}

    def text(self, at: int) -> str:
        """Text of one token; empty beyond the end."""
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""


def _token_pattern(language: str) -> re.Pattern[str]:
    pattern = _TOKENS.get(language)
    if pattern is None:
        comment = LANGUAGES[language].comment.replace("#", "[#]")
        parts = _PARTS.replace("SEPARATOR", _SEPARATORS.get(language, r"\.|::|->|:::"))
        parts = parts.replace("LONG", ".*?" if language in _LONG_TEXTS else r"(?!)")
        pattern = re.compile(f"(?P<comment>{comment})|{parts}", re.S | re.X | re.M)
        _TOKENS[language] = pattern
    return pattern


#: What stands between the parts of a name; in the first two a dot joins texts.
_SEPARATORS = {"perl": "::|->", "php": "::|->", "lua": r"\."}
_LONG_TEXTS = frozenset({"lua", "other"})
_CLOSING = {"(": ")", "{": "}", "[": "]", "<": ">"}
_KEYWORDS = frozenset(
    "if else elsif elif unless while until for foreach do end then begin def sub function fn func "
    "return my our local var let const in of new await async "
    "try catch finally rescue ensure class struct public private static void int char auto mut pub "
    "use match case switch when and or not yield go defer "
    "throw puts global scalar".split()
)
#: What stands behind a call and is no argument of it.
_AFTERWARDS = frozenset("if unless while until for and or do then end else in of".split())
_DECLARING = frozenset("my our local var let const auto static final mut global".split())
_DEFINING = frozenset("sub def function func fn fun".split())
_LITERALS = frozenset({"double", "single", "name", "escaped", "back", "single-raw", "words"})
#: What a Go literal's type looks like: `[]string{…}`, `map[string]string{…}`, `...string`.
_GO_TYPE = re.compile(
    r"(?:\[\d*\]|map\[\w+\]|\[\.\.\.\]|\.\.\.)+\*?(?:string|byte|rune|u?int\d*|any|interface\{\})(?=[\s{()])"
)
_AFTER_VALUE = frozenset({"name", "number", "double", "single", "escaped", "back", "words", "single-raw"})
_BEFORE_PATTERN = frozenset("split match grep and or if unless return not x".split())
#: Functions that put something into what their first argument names: C's by where their text begins.
_STORING = {"sprintf": 1, "snprintf": 2, "asprintf": 1, "strcpy": 1, "strcat": 1, "strncpy": 1, "strncat": 1,
            "stpcpy": 1, "wcscpy": 1, "strlcpy": 1, "strlcat": 1, "memcpy": 1}  # fmt: skip
_PUSHING = frozenset("push push! array_push insert append! table.insert".split())
_ADDING = frozenset(
    "push append write_string writestring writebyte writerune push_back push_str add unshift prepend "
    "insert".split()
)
_FRONT = frozenset({"unshift", "prepend"})
_COMPARED = frozenset({"==", "!=", "<", ">", "<=", ">=", "eq", "ne", "lt", "gt"})
_INDIRECT = frozenset(
    "send __send__ public_send do.call call_user_func match.fun call_user_func_array".split()
)


class Reader:
    """Evaluates one program text.

    Parameters
    ----------
    text : str
    language : str
        A key of :data:`~.table.LANGUAGES`.
    process : Process
        Reports what is found.
    verbatim : bool
        Whether the text stands in the cell letter by letter.
    arguments : sequence of str
        What the program is given.
    """

    def __init__(
        self,
        text: str,
        language: str,
        process: Process,
        verbatim: bool = False,
        arguments: Sequence[str] = (),
    ) -> None:
        self.text = expand_macros(text, process.state.budget) if language == "c" else text
        self.language = language
        self.spec = spec = LANGUAGES[language]
        self.process = process
        self.verbatim = verbatim
        self.variables: dict[str, Value] = {spec.arguments: list(arguments)} if arguments else {}
        self.out: list[str] = []
        self.at = 0
        self.depth = 0
        self.place = ""
        self.returned: list[Value] = []
        self.defining = _DEFINING - ({"sub"} if language != "perl" else set())
        self.joining = frozenset(spec.joining.split())
        self.names = {
            kind: frozenset(getattr(spec, kind).split())
            for kind in "system argv code fetch clone install github imports prints python".split()
        }
        tokens = self._tokenize(self.text[:MAX_TEXT])
        self.program = _Program(tokens, _closers(tokens, frozenset(spec.blocks.split()), language))
        self.unused: dict[int, Function] = {}
        self._define()

    def run(self) -> str:
        """Read to the end; what is printed."""
        if len(self.text) > MAX_TEXT:
            self.process.emit(Kind.OPAQUE, "too-large")
        if self.language == "javascript":
            # `import {execSync as e}`, `const {execSync: e} = require(…)`
            for found in re.finditer(r"[{,]\s*(\w+)\s*(?:as\s+|:\s*)(\w+)(?=\s*[},])", self.text[:MAX_TEXT]):
                if self._is_sink(found.group(1).lower()):
                    self.variables[found.group(2)] = Name(found.group(1))
        self._read_until(len(self.program.tokens))
        while self.unused:  # what nothing has called: `main`, what a library calls back
            _, function = self.unused.popitem()
            self._apply(function, [])
        return "".join(self.out)

    def _read_until(self, end: int) -> Value:
        """Read statements; the value of the last."""
        value: Value = None
        while self.at < min(end, len(self.program.tokens)):
            before = self.at
            self.process.state.budget.spend()
            done = self._statement()
            value = value if done is None else done
            if self.at == before:
                self.at += 1
        return value

    # -- tokens ------------------------------------------------------------------------------

    def _tokenize(self, text: str) -> list[_Token]:
        pattern = _token_pattern(self.language)
        tokens: list[_Token] = []
        at = 0
        spend = self.process.state.budget.spend
        while at < len(text):
            # The longer ones of these look for their end through all that follows.
            spend(16 if text[at] in "<[rR\"'`" else 1)
            special = self._special(text, at, tokens[-1] if tokens else _END)
            if special is not None:
                at = special.end
                if special.kind:
                    tokens.append(special)
                continue
            found = pattern.match(text, at)
            if found is None:
                at += 1
                continue
            start, at = at, max(found.end(), at + 1)
            if found.group("comment") is not None:
                continue
            if blank := found.group("blank"):
                if "\n" in blank and "\\" not in blank:
                    tokens.append(_Token("line", "\n", start, at))
                continue
            token = self._quoted(text, start, found) if found.group("quote") else self._token(text, found)
            at = token.end
            tokens.append(token)
        return tokens

    def _special(self, text: str, at: int, last: _Token) -> _Token | None:
        """Tokens of one language only: bare changes and patterns, types of literals."""
        if self.language == "perl" and text[at] in "tys" and last.text in ("", "\n", ";", "{", "("):
            if found := _BARE_CHANGE.match(text, at):  # `tr/a/b/;` changes $_
                return _Token("change", "=~ " + found.group(), at, found.end())
        elif self.language == "go" and text[at] in "[m.":
            if found := _GO_TYPE.match(text, at):
                return _Token("", "", at, found.end())
        elif text[at] == "/" and self.spec.patterns:
            follows = (last.kind in _AFTER_VALUE and last.text not in _BEFORE_PATTERN) or last.text in (
                ")",
                "]",
                "}",
            )
            if not follows and (found := _EXPRESSION.match(text, at)):
                return _Token("pattern", f"{found.group(2)}/{found.group(1)}", at, found.end())
        return None

    def _token(self, text: str, found: re.Match[str]) -> _Token:
        group = found.groupdict()
        start, end = found.start(), max(found.end(), found.start() + 1)
        for kind, keys, name in _TEXTS:
            if group[kind] is None:
                continue
            value = next((group[key] for key in keys if group[key] is not None), "")
            if (
                kind in ("double", "back")
                and self.spec.places
                and value.count("{") + value.count("(") > value.count("}") + value.count(")")
            ):
                end = _text_end(text, found.start(kind))
                value = text[found.start(kind) + 1 : end - 1]
            if kind == "single" and self.language == "javascript":
                name = "escaped"
            return _Token(name, value, start, end)
        kind = next((each for each in ("change", "number", "name") if group[each]), "operator")
        return _Token(kind, group[kind] or "", start, end)

    def _quoted(self, text: str, start: int, found: re.Match[str]) -> _Token:
        """Perl's ``qx{…}``, Ruby's ``%x(…)`` and kin."""
        word = found.group("quote")
        opening = found.group("open") or found.group("ropen")
        closing = _CLOSING.get(opening, opening)
        depth, i = 1, found.end()
        while i < len(text) and depth:
            if text[i] == "\\":
                i += 1
            elif text[i] == closing:
                depth -= 1
            elif text[i] == opening:
                depth += 1
            i += 1
        content = text[found.end() : i - 1]
        letter = word[:2].rstrip(opening).strip()
        kind = (
            "back-shell"
            if letter in ("qx", "%x")
            else "words"
            if letter in ("qw", "%w", "%W", "%i")
            else "single"
            if letter in ("q", "%q")
            else "double"
        )
        return _Token(kind, content, start, i)

    def _define(self) -> None:
        """Find the functions that have names, wherever they stand."""
        program = self.program
        for i, token in enumerate(program.tokens):
            if token.kind != "name":
                continue
            at = i
            if (
                token.text in self.defining
                and program.tokens[i + 1 : i + 2]
                and program.tokens[i + 1].kind == "name"
            ):
                at = i + 1
            elif token.text == "func" and self.language == "go" and program.text(i + 1) == "(":
                at = program.closers.get(i + 1, i) + 1  # the receiver
            elif self.language not in _BRACED or token.text in _KEYWORDS or program.text(i + 1) != "(":
                continue
            body = self._body(i, at + 1)
            if body is not None:
                name = program.text(at)
                self.variables[re.split(r"\.|::", name)[-1]] = self.variables[name] = body
                program.skips[i] = max(body.end + 1, i + 1)
                self.unused[body.start] = body

    def _body(self, keyword: int, at: int) -> Function | None:
        """Parameters and body of a function, its parameters at ``at``; None where there is no body."""
        program = self.program
        start = at
        parameters: tuple[str, ...] = ()
        if program.text(at) == "(":
            end = program.closers.get(at)
            if end is None:
                return None
            parameters = self._parameters(at + 1, end)
            start = end + 1
        if keyword in program.closers and program.tokens[keyword].kind == "name":
            if program.text(at) != "(" and self.language == "ruby":  # `def url a, b`
                while program.text(start) not in ("\n", ";", ""):
                    start += 1
                parameters = self._parameters(at, start)
            return Function(program, start, program.closers[keyword], parameters)
        limit = start + (12 if self.language in ("go", "javascript", "rust", "php", "java", "c") else 2)
        while start < limit and program.text(start) not in ("{", ";", "", ",", ")", "="):
            if program.text(start) == "\n" and self.language == "go":
                return None
            start += 1
        if program.text(start) == "{" and start in program.closers and self.language != "python":
            return Function(program, start + 1, program.closers[start], parameters)
        return None

    def _parameters(self, start: int, end: int) -> tuple[str, ...]:
        names: list[str] = []
        piece: list[str] = []
        for token in [*self.program.tokens[start:end], _Token("operator", ",", 0, 0)]:
            if token.text == "," and piece:
                names.append(piece[-1 if self.language in ("c", "java", "csharp") else 0].lstrip("$@%&"))
                piece = []
            elif token.kind == "name" and token.text not in ("const", "mut", "local"):
                piece.append(token.text)
        return tuple(names[:32])

    def _apply(self, function: Value, arguments: list[Value]) -> Value:
        """Call a function of the program, or one that is known by name."""
        if not isinstance(function, Function):
            return self._call(str(function), None, arguments, {}, _END) if isinstance(function, str) else HOLE
        self.unused.pop(function.start, None)
        if self.depth > 28:
            return HOLE
        self.process.state.budget.spend(8)
        before = self.program, self.at, self.returned, self.depth
        names = function.parameters or ("_", "it", "_1")
        hidden = {name: self.variables.get(name) for name in names}
        if function.parameters:
            for i, name in enumerate(names):
                self.variables[name] = arguments[i] if i < len(arguments) else HOLE
        else:
            whole: Value = list(arguments)
            one = arguments[0] if arguments else HOLE
            self.variables.update({"_": whole if self.language == "perl" else one, "it": one, "_1": one})
        self.program, self.at, self.returned = cast("_Program", function.program), function.start, []
        self.depth += 4
        try:
            value = self._read_until(function.end)
            known = [each for each in self.returned if each not in (None, HOLE, "", 0)]
            if self.returned:
                value = known[0] if known and all(each == known[0] for each in known) else HOLE
            return HOLE if value is None else value
        finally:
            self.program, self.at, self.returned, self.depth = before
            for name, old in hidden.items():
                if old is None:
                    self.variables.pop(name, None)
                else:
                    self.variables[name] = old

    # -- expressions -------------------------------------------------------------------------

    def _peek(self, ahead: int = 0) -> _Token:
        tokens = self.program.tokens
        at = self.at + ahead
        return tokens[at] if at < len(tokens) else _END

    def _takes(self, *texts: str) -> bool:
        """Pass an operator or a keyword if it is the next token."""
        token = self._peek()
        if token.text in texts and token.kind in ("operator", "name"):
            self.at += 1
            return True
        return False

    def _statement(self) -> Value:
        token = self._peek()
        if token.kind == "line" or (token.text in (";", "}", ")", "]", ",") and token.kind == "operator"):
            self.at += 1
            return None
        if token.kind == "name" and token.text.lower() in self.names["imports"] and self._import(token):
            return None
        if token.kind == "change":
            self.at += 1
            self.variables["_"] = self._changed(self.variables.get("_"), token.text)
            return None
        names = self._targets()
        if names:
            return self._spread(names)
        return self._expression()

    def _targets(self) -> list[str]:
        """Names on the left of an assignment to several: ``a, b = …``, ``[a, b] = …``, ``{a, b} = …``."""
        at = self.at
        program = self.program
        while program.text(at) in _DECLARING:
            at += 1
        if program.text(at) == "list" and self.language == "php":
            at += 1
        opened = program.text(at) in ("(", "[", "{") and program.tokens[at].kind == "operator"
        end = program.closers.get(at, at) if opened else at + 64
        at += opened
        names: list[str] = []
        while at < end and at < len(program.tokens):
            token = program.tokens[at]
            if token.kind == "name" and (program.text(at + 1) in (",", "=", ":=", ":") or at + 1 == end):
                takes_rest = program.text(at - 1) in ("*", "...") or token.text[0] == "@"
                names.append("*" * takes_rest + token.text.lstrip("$@%"))
                at += 1
            elif token.text in (",", "*", "...", ":") and token.kind == "operator":
                at += 1
            else:
                break
        at = end + 1 if opened and at == end else at
        if len(names) < 2 - opened or program.text(at) not in ("=", ":=") or self.language == "r":
            return []
        self.at = at + 1
        return names

    def _spread(self, names: list[str]) -> Value:
        values = [self._expression()]
        while self._takes(","):
            values.append(self._expression())
        value = values[0] if len(values) == 1 else values
        if isinstance(value, dict) and self.language == "javascript":
            each_of: list[Value] = [value.get(name, HOLE) for name in names]
        else:
            each_of = [*items(value)] if isinstance(value, (list, dict)) else [value]
        for i, name in enumerate(names[:64]):
            if name[0] == "*":  # `first, *rest`
                self.variables[name[1:]] = each_of[i:]
            else:
                self.variables[name] = each_of[i] if i < len(each_of) else HOLE
        return value

    def _expression(self) -> Value:
        self.depth += 1
        try:
            if self.depth > 40:
                self.at += 1
                return HOLE
            return self._chosen()
        finally:
            self.depth -= 1

    def _chosen(self) -> Value:
        """Read ``a < b``, ``a and b or c``, ``a ? b : c``."""
        value = self._joined()
        while True:
            token = self._peek()
            if token.text in _COMPARED and token.kind in ("operator", "name"):
                self.at += 1
                self._takes("=")
                value = _compared(value, self._joined(), token.text)
            elif token.text in ("&&", "and", "||", "or", "//"):
                self.at += 1
                right = self._joined()
                if token.text in ("&&", "and"):
                    value = right if value not in (0, "", None, HOLE) else value
                else:
                    value = right if value in (0, "", None, HOLE) else value
            elif token.text == "?" and self._peek(1).text not in (";", ")", ".", "\n", ",", ""):
                self.at += 1
                first = self._expression()
                second = self._expression() if self._takes(":") else HOLE
                value = (first if value else second) if isinstance(value, int) else HOLE
            elif token.text in ("|>", "%>%") and self._peek(1).kind == "name":
                self.at += 1
                name = self._peek().text
                self.at += 1
                arguments, named = self._arguments() if self._peek().text == "(" else ([], {})
                value = self._call(name, None, [value, *arguments], named, token)
            elif token.text in ("->", "->>") and self.language == "r" and self._peek(1).kind == "name":
                self.variables[self._peek(1).text] = value
                self.at += 2
            else:
                return value

    def _joined(self) -> Value:
        value = self._multiplied()
        while True:
            token = self._peek()
            if (
                token.kind == "operator"
                and token.text in "+-^"
                and isinstance(value, int | str)
                and (isinstance(value, int) or token.text not in self.joining)
            ):
                if token.text == "-" and not isinstance(value, int) and len(value) != 1:
                    return value
                self.at += 1
                value = self._sum(value, self._multiplied(), token.text)
            elif (
                token.kind == "operator"
                and token.text in self.joining
                and token.text not in ("*", "^")
                and self._peek(1).kind != "line"
            ):
                self.at += 1
                value = join(value, self._multiplied(), token.text)
            elif token.kind == "operator" and token.text == "<<" and isinstance(value, str | list):
                self.at += 1
                place, right = self.place, self._multiplied()
                value = [*value, right] if isinstance(value, list) else join(value, right, "+")
                self.variables[place] = value
            else:
                return value

    def _sum(self, left: Value, right: Value, operator: str) -> Value:
        if self.language == "julia" and isinstance(left, str) and len(left) == 1 and isinstance(right, int):
            return chr(max(ord(left) + (right if operator == "+" else -right), 0)) if left != HOLE else HOLE
        if isinstance(left, int) and isinstance(right, int):
            return {"+": left + right, "-": left - right, "^": left ^ right}[operator]
        if operator == "+" and "+" in self.joining:
            return join(left, right, operator)
        return HOLE

    def _multiplied(self) -> Value:
        value = self._postfix()
        while True:
            token = self._peek()
            if (
                token.text in ("*", "%", "/") and token.kind == "operator" and self._peek(1).kind != "line"
            ) or (token.text in ("*", "^") and token.text in self.joining and isinstance(value, str)):
                self.at += 1
                value = multiply(value, self._postfix(), token.text)
            elif token.text == "x" and self.language == "perl" and isinstance(value, str):
                self.at += 1
                value = multiply(value, self._postfix(), "x")
            else:
                return value

    def _postfix(self) -> Value:
        """Read a value and what follows it at once: methods, items, Perl's changes."""
        self.place = ""
        value = self._primary()
        while True:
            token = self._peek()
            if token.kind == "change":
                self.at += 1
                value = self._changed(value, token.text)
                if self.place and not token.text.endswith("r"):
                    self.variables[self.place] = value
            elif token.kind != "operator":
                return value
            elif token.text == "." and self._peek(1).text in ("!", "!!") and isinstance(value, (str, list)):
                self.at += 2  # Scala's "command".!
                return self._shell(value, token)
            elif token.text == "[" and isinstance(value, (str, list, dict)):
                value = self._index(value)
            elif token.text == "->" and self._peek(1).text in ("[", "{"):
                self.at += 1
                value = self._index(value)
            elif (
                token.text == "{"
                and self.language == "perl"
                and self.place
                and token.start == self.program.tokens[self.at - 1].end
                and isinstance(value, (dict, list))
            ):
                value = self._index(value)
            elif (
                token.text in _METHOD_MARKS.get(self.language, _METHOD_MARKS[""])
                and self._peek(1).kind == "name"
                and not self._peek(1).text.startswith(("$", "@"))
            ):
                value = self._method(value)
            elif token.text == "$" and self.language == "r":
                return value
            else:
                return value

    def _primary(self) -> Value:
        token = self._peek()
        self.process.state.budget.spend()
        self.at += 1
        kind, text = token.kind, token.text
        if kind == "line":
            return None
        if kind in ("double", "escaped"):
            value = self._interpolated(text) if kind == "double" else ansi_c(text)
            while self.language == "c" and self._beside():
                value += ansi_c(self._peek().text)
                self.at += 1
            return value
        if kind == "single":
            return (
                text.replace("\\'", "'").replace("\\\\", "\\")
                if self.language not in _ESCAPING
                else ansi_c(text)
            )
        if kind == "single-raw":
            return text
        if kind == "pattern":
            return Pattern(text)
        if kind == "words":
            return list(text.split())
        if kind in ("back", "back-shell"):
            inner = self._interpolated(text)
            return (
                self._shell(inner, token) if kind == "back-shell" or self.spec.backquote == "shell" else inner
            )
        if kind == "number":
            return int(text, 16) if text.startswith("0x") else int(float(text))
        if kind == "name":
            return self._name(token)
        return self._operator(text)

    def _beside(self) -> bool:
        """Whether another string stands beside this one, maybe on the next line."""
        at = self.at
        while self.program.text(at) == "\n":
            at += 1
        if at < len(self.program.tokens) and self.program.tokens[at].kind == "double":
            self.at = at
            return True
        return False

    def _operator(self, text: str) -> Value:
        """Read a value that begins with an operator."""
        if text in ("(", "[", "{"):
            closer = self.program.closers.get(self.at - 1)
            arrow = self.program.text(closer + 1) if closer is not None and text == "(" else ""
            if closer is not None and arrow and arrow in _ARROWS.get(self.language, ()):
                parameters = self._parameters(self.at, closer)
                self.at = closer + 2
                return self._function(parameters)
            return self._bracketed({"(": ")", "[": "]", "{": "}"}[text])
        following = self._peek()
        if text == ":" and following.kind == "name" and self.language in ("ruby", "elixir"):
            self.at += 1
            return following.text  # a symbol
        if text == "&" and following.text == ":" and self._peek(1).kind == "name":
            self.at += 2
            return Name(self.program.text(self.at - 1))
        if (text == "->" and self.language == "ruby") or (text == "\\" and self.language == "r"):
            return self._anonymous(self.at - 1)
        if text == "-" and following.kind == "number":
            return -int(as_text(self._primary()) or "0")
        if text in ("-", "!", "+", "&", "*", "~", "\\", "@", ":", "?", "...") and following.kind != "line":
            return self._deeper()
        return None

    def _deeper(self) -> Value:
        """Read the value behind a sign or a keyword."""
        if self.depth > 38:
            return None
        self.depth += 1
        try:
            return self._primary()
        finally:
            self.depth -= 1

    def _anonymous(self, keyword: int) -> Value:
        """``function(a) …``, ``sub { … }``, ``->(a) { … }``: a function without a name."""
        body = self._body(keyword, self.at)
        if body is not None:
            self.at = body.end + 1
            self.unused[body.start] = body
            return body
        if self._peek().text != "(" or self.at not in self.program.closers:
            return None
        closer = self.program.closers[self.at]
        parameters = self._parameters(self.at + 1, closer)
        self.at = closer + 1
        self._takes("=>")
        return self._function(parameters)

    def _function(self, parameters: tuple[str, ...]) -> Value:
        """Read a function's body, which may be an expression only."""
        if self._peek().text == "{" and self.at in self.program.closers:
            start, self.at = self.at + 1, self.program.closers[self.at] + 1
            body = Function(self.program, start, self.at - 1, parameters)
            self.unused[start] = body
            return body
        start, before = self.at, dict(self.variables)
        self.variables.update(dict.fromkeys(parameters, HOLE))
        self._expression()
        self.variables = before
        return Function(self.program, start, self.at, parameters)

    def _block(self) -> Function | None:
        """Ruby's ``{ |x| … }`` and ``do |x| … end``."""
        if self._peek().text not in ("{", "do") or self.at not in self.program.closers:
            return None
        start, end = self.at + 1, self.program.closers[self.at]
        parameters: tuple[str, ...] = ()
        if self.program.text(start) == "|":
            last = start + 1
            while last < end and self.program.text(last) != "|":
                last += 1
            parameters = self._parameters(start + 1, last)
            start = last + 1
        self.at = end + 1
        return Function(self.program, start, end, parameters)

    def _bracketed(self, closing: str) -> Value:
        """Items in brackets, or statements; a dictionary where they are pairs only."""
        values: list[Value] = []
        pairs: dict[str, Value] = {}
        tokens = self.program.tokens
        while self.at < len(tokens):
            self.process.state.budget.spend()
            token = self._peek()
            if token.text == closing and token.kind == "operator":
                self.at += 1
                break
            before = self.at
            if token.kind == "line" or (token.text in (",", ";", "=>", ":") and token.kind == "operator"):
                self.at += 1
                continue
            if token.text in (")", "]", "}") and token.kind == "operator":
                break
            spread = token.text == "..." and self.language == "javascript"
            key = self._pair_key(closing)
            value = self._expression() if key is not None else self._statement()
            if key is not None:
                pairs[key] = value
            elif spread:
                values += list(value) if isinstance(value, str) and value != HOLE else items(value)
            elif value is not None:
                values.append(value)
            if self.at == before:
                self.at += 1
            if len(values) > MAX_ITEMS:
                del values[MAX_ITEMS:]
        if pairs and not values:
            return pairs
        if closing == ")" and len(values) == 1 and not pairs:
            return values[0]
        if self.language == "perl":
            values = flat(values)
        return values + [each for key, value in pairs.items() for each in (key, value)]

    def _pair_key(self, closing: str = "") -> str | None:
        """Pass ``key:``, ``key =>``, ``["key"] =``."""
        token, mark = self._peek(), self._peek(1).text
        if (
            token.kind == "name"
            and mark == "="
            and (self.language, closing) in (("lua", "}"), ("julia", ")"))
        ):
            self.at += 2
            return token.text
        if self.language == "lua":
            if token.text == "[" and self.program.text(self.program.closers.get(self.at, -9) + 1) == "=":
                end = self.program.closers[self.at]
                self.at += 1
                key = as_text(self._expression())
                self.at = end + 2
                return key
            return None
        if token.kind not in ("name", "double", "single", "escaped", "number") or mark not in (":", "=>"):
            return None
        if (mark == "=>" and self.language in ("javascript", "csharp")) or self._peek(1).kind != "operator":
            return None
        self.at += 2
        if token.kind == "name":
            name = token.text.lstrip("$@%")
            known = self.variables.get(name) if token.text[0] == "$" or self.language == "go" else None
            return as_text(known) if isinstance(known, str) else name
        return self._interpolated(token.text) if token.kind == "double" else ansi_c(token.text)

    def _name(self, token: _Token) -> Value:
        name = token.text
        lower = name.lower()
        following = self._peek()
        key = name.lstrip("$@%&")
        skip = self.program.skips.get(self.at - 1)
        if skip is not None:
            self.at = skip
            return None
        if lower in ("for", "foreach") and self._loop(self.at - 1):
            return None
        if lower in self.defining and name == lower and (following.text == "(" or self.language == "perl"):
            return self._anonymous(self.at - 1)
        calls = following.text == "(" and lower in PURE
        if (
            lower in _KEYWORDS
            and not calls
            and key not in self.variables
            and lower not in self.names["prints"]
        ):
            return self._keyword(lower, following)
        if name == "sizeof" and following.text != "(":
            self._primary()
            return 0
        arrows = _ARROWS.get(self.language, ())
        if following.text in arrows and following.kind == "operator":
            self.at += 1
            return self._function((key,))
        if following.kind == "operator" and following.text == "(":
            return self._called(token)
        if following.kind == "operator" and following.text in _ASSIGNING and self._peek(1).text != "=":
            return self._assigned(token)
        opens = following.text == "[" or (following.text == "{" and self.language == "perl")
        if opens and self._item_assigned(token):
            return self.variables[key]
        if lower == "$" and following.kind == "back":
            self.at += 1
            return self._shell(self._interpolated(following.text), token)
        if self.language == "perl" and lower in ("map", "grep", "sort", "first", "any"):
            return self._perl_map(lower)
        if self._called_bare(key, lower, following):
            return self._call(name, None, self._bare_arguments(lower), {}, token)
        self.place = key
        value = self._resolve(key)
        if value is not None:
            if self.language == "r":
                while self._peek().kind == "name" and self._peek().text[0] == "$":
                    value = at_index(value, self._peek().text[1:])
                    self.at += 1
            return value
        if self.language == "perl" and lower in PURE and name[0] not in "$@%":
            return self._call(name, None, [self.variables.get("_", HOLE)], {}, token)
        if self.language == "perl" and lower in ("shift", "pop"):
            return self._shifted()
        if self.language == "go" and following.text == "{" and self._peek(2).text == ":":
            return self._primary()  # a literal of a struct
        if self.language == "julia" and name[0].isupper() and following.text == "[":
            return self._primary()  # a list of that type
        if self.language == "julia" and following.text == "." and self._peek(1).text == "(":
            self.at += 1  # item by item
            arguments, _ = self._arguments()
            return [self._apply(Name(name), [each]) for each in flat(arguments)]
        if name[:1] in "$@":
            return HOLE
        return Name(name) if self._is_sink(lower) or re.split(r"::|\.", lower)[-1] in PURE else None

    def _keyword(self, lower: str, following: _Token) -> Value:
        if lower == "return":
            value = (
                self._expression()
                if following.kind not in ("line", "") and following.text not in (";", "}")
                else None
            )
            self.returned.append(value)
            return value
        plain = following.kind in _LITERALS or (following.text in ("(", "[") and lower in _DECLARING)
        return self._deeper() if plain else None

    def _called_bare(self, key: str, lower: str, following: _Token) -> bool:
        """Whether a call without parentheses follows: ``system "…"``, ``reverse $x``, ``url "a", "b"``."""
        if self.language == "lua" and following.kind == "name":
            return False
        literal = following.kind in _LITERALS and following.text not in _AFTERWARDS
        if isinstance(self.variables.get(key), Function):
            return literal and self.language in ("ruby", "lua", "perl")
        if self._is_sink(lower) and key not in self.variables:
            return literal
        simple = literal or following.kind in ("number", "pattern")
        return self.language in ("perl", "ruby") and lower in PURE and simple and key not in self.variables

    def _resolve(self, key: str) -> Value:
        """Find what a name with dots stands for; None where that is not known."""
        if key in self.variables:
            return self.variables[key]
        if self.language == "r":
            return None
        parts = re.split(r"::|->|\.", key[:200])
        for count in range(len(parts) - 1, 0, -1):
            value = self.variables.get(".".join(parts[:count]))
            if value is None:
                continue
            for part in parts[count:]:
                known = isinstance(value, dict) and part in value
                value = at_index(value, part) if known else self._call(part, value, [], {}, _END)
            return value
        return None

    def _called(self, token: _Token) -> Value:
        """``name(arguments)``."""
        name = token.text
        key = name.lstrip("$@%&")
        if name == "sizeof":
            self._arguments()
            return 0
        closer = self.program.closers.get(self.at, -9)
        if (
            self.language == "julia"
            and self.program.text(closer + 1) == "="
            and self.program.text(closer + 2) != "="
        ):
            parameters = self._parameters(self.at + 1, closer)
            self.at = closer + 2
            self.variables[key] = self._function(parameters)  # `url(a, b) = …`
            return None
        prefix = 1 + (self._peek(1).text in ("&", "*", "\\"))
        target, after = self._peek(prefix), self._peek(prefix + 1).text
        arguments, named = self._arguments()
        block = self._block() if self.language == "ruby" else None
        held = self.variables.get(key)
        if isinstance(held, Function):
            return self._apply(held, [*arguments, *named.values()])
        if isinstance(held, Name) or (isinstance(held, str) and name[0] == "$"):
            name = str(held)  # a variable that holds a function's name
        head, _, last = key.rpartition("." if "." in key else "->" if "->" in key else "::")
        receiver = self._resolve(head) if head and self.language != "r" else None
        if isinstance(receiver, (Function, Name)):
            receiver = None
        lower = last.lower()
        if lower in ("define", "assign") and len(arguments) > 1 and isinstance(arguments[0], str):
            self.variables[arguments[0]] = arguments[1]
        if target.kind == "name" and self._stored(lower, target.text.lstrip("$@%&"), arguments, after):
            return None
        if receiver is not None or lower in ("writestring", "write_string"):
            self._added(head, lower, receiver, arguments)
        return self._with_block(
            last if receiver is not None else name, receiver, arguments, named, token, block
        )

    def _with_block(
        self, name: str, receiver: Value, arguments: list[Value], named: dict[str, Value], token: _Token,
        block: Function | None,
    ) -> Value:  # fmt: skip
        if block is None:
            return self._call(name, receiver, arguments, named, token)
        if name.lower() in PURE:
            return self._call(name, receiver, [*arguments, block], named, token)
        value = self._call(name, receiver, arguments, named, token)
        self._apply(block, [HOLE])
        return value

    def _stored(self, name: str, key: str, arguments: list[Value], after: str) -> bool:
        """Do a call that puts something into its first argument; whether it is one."""
        if name in _PUSHING and arguments and self.language != "go":
            self.variables[key] = [*items(self.variables.get(key, [])), *flat(arguments[1:])][:MAX_ITEMS]
            return True
        if self.language != "c" or name not in _STORING:
            return False
        values = arguments[_STORING[name] :]
        if "printf" in name:
            value: Value = PURE["sprintf"](Call("sprintf", None, values, {}, "c", self._apply))
        else:
            value = values[0] if values else HOLE
            limit = values[1] if len(values) > 1 and name in ("strncat", "strncpy") else None
            value = value[:limit] if isinstance(value, str) and isinstance(limit, int) and limit else value
        old = self.variables.get(key, "")
        self.variables[key] = join(old, value, "+") if "cat" in name or after == "+" else value
        return True

    def _added(self, key: str, name: str, receiver: Value, arguments: list[Value]) -> None:
        """Change the variable that a method adds to."""
        if name not in _ADDING or not arguments:
            return
        if isinstance(receiver, list):
            new = flat(arguments) if name != "push" else arguments
            self.variables[key] = [*new, *receiver] if name in _FRONT else [*receiver, *new][:MAX_ITEMS]
        elif isinstance(receiver, str) or receiver is None:
            old, new_text = receiver or "", arguments[0] if arguments else ""
            self.variables[key] = join(new_text, old, "+") if name in _FRONT else join(old, new_text, "+")

    def _assigned(self, token: _Token) -> Value:
        """``name = value`` and the like."""
        key = token.text.lstrip("$@%&")
        operator = self._peek().text
        self.at += 1
        while self._peek().kind == "line" and self.at < len(self.program.tokens):
            self.at += 1
        value = self._expression()
        old = self.variables.get(key)
        if operator in (".=", "+=", "*=", "..="):
            value = (
                join(old, value, "+")
                if operator != "*=" or self.language == "julia"
                else multiply(old, value, "*")
            )
        elif token.text[0] == "%" and isinstance(value, list):
            value = {as_text(k): v for k, v in zip(value[::2], value[1::2], strict=False)}
        elif token.text[0] == "@" and self.language == "perl" and not isinstance(value, (list, dict)):
            value = [value]
        elif self.language == "c" and isinstance(value, list) and len(value) > 1:
            value = _characters(value)
        self.variables[key] = value
        self.place = key
        return value

    def _item_assigned(self, token: _Token) -> bool:
        """``name[key] = value``, C's ``char name[9] = value``; whether it is one."""
        end = self.program.closers.get(self.at, -9)
        key = token.text.lstrip("$@%")
        before = self.program.tokens[self.at - 2]
        declares = self.language == "c" and (before.kind == "name" or before.text == "*")
        if declares and end > 0 and self.program.text(end + 1) in ("=", ";", ","):
            self.at = end + 1
            self.variables[key] = ""
            if self._peek().text == "=":
                self._assigned(token)
            return True
        if end < 0 or self.program.text(end + 1) != "=" or self.program.text(end + 2) == "=":
            return False
        self.at += 1
        index = self._item_key(end)
        self.at = end + 2
        value = self._expression()
        held = self.variables.get(key)
        place = index - self.spec.first if isinstance(index, int) else -1
        if isinstance(held, list) and 0 <= place < len(held):
            held = [*held[:place], value, *held[place + 1 :]]
        elif isinstance(held, list) and place == len(held) < MAX_ITEMS:
            held = [*held, value]
        else:
            known = held if isinstance(held, dict) else {}
            held = {**known, as_text(index) or str(len(known)): value}
        self.variables[key] = held
        return True

    def _item_key(self, end: int) -> Value:
        """Read the key between brackets; a bare word in Perl's braces is itself."""
        token = self._peek()
        if (
            token.kind == "name"
            and self.at + 1 == end
            and token.text[0] not in "$@"
            and token.text not in self.variables
        ):
            self.at += 1
            return token.text
        return self._expression()

    def _index(self, value: Value) -> Value:
        """``value[key]``, ``value[a:b]``, Perl's ``value{key}``."""
        end = self.program.closers.get(self.at)
        double = self.language == "r" and self.program.text(self.at + 1) == "["
        self.at += 1 + double
        if end is None:
            return HOLE
        if "".join(self.program.text(self.at + i) for i in range(4)).startswith("::-1"):
            self.at = end + 1
            return value[::-1] if isinstance(value, (str, list)) else HOLE
        hidden = self.variables.get("end")
        if self.language == "julia" and isinstance(value, (str, list)):
            self.variables["end"] = len(value)
        start: Value = self.spec.first
        if self._peek().text != ":" or self.language == "ruby":
            start = self._item_key(end)
        mark = self._peek().text
        bound: Value = None
        if self.at < end and mark in (":", "..", "...", ","):
            self.at += 1
            bound = self._expression() if self.at < end else HOLE
            bound = (len(value) if isinstance(value, (str, list)) else HOLE) if bound == HOLE else bound
        self.variables.pop("end", None)
        if hidden is not None:
            self.variables["end"] = hidden
        self.at = end + 1
        if bound is not None:
            return self._slice(value, start, bound, mark)
        if isinstance(value, str) and self.language in ("perl", "r") and start in (self.spec.first, -1):
            return value
        return at_index(value, start, self.spec.first)

    def _slice(self, value: Value, start: Value, bound: Value, mark: str) -> Value:
        if not isinstance(value, (str, list)) or not isinstance(start, int) or not isinstance(bound, int):
            return HOLE
        first = start - self.spec.first if start >= 0 else max(len(value) + start, 0)
        if mark == ",":
            return value[first : first + bound] if bound >= 0 else HOLE
        end = bound if bound >= 0 else len(value) + bound
        inclusive = self.language == "ruby" and mark == ".."
        return value[first : end + inclusive]

    def _perl_map(self, name: str) -> Value:
        """``map { … } list``, ``map expression, list``; ``grep`` and ``sort`` leave the list as it is."""
        if self._peek().text == "{" and self.at in self.program.closers:
            start, end = self.at + 1, self.program.closers[self.at]
            self.at = end + 1
        else:
            start = self.at
            before = dict(self.variables)
            self._expression()
            self.variables = before
            end = self.at
        self._takes(",")
        function = Function(self.program, start, end, ("_",))
        given = flat(self._bare_arguments(name))
        return [self._apply(function, [each]) for each in given] if name == "map" else given

    def _shifted(self) -> Value:
        """Perl's ``shift``: the next argument of the function."""
        given = self.variables.get("_")
        if not isinstance(given, list) or not given:
            return HOLE
        self.variables["_"] = given[1:]
        return given[0]

    def _loop(self, keyword: int) -> bool:
        """Read a loop over a list, once for each item; False when it is another loop."""
        start = self.at
        opened = self._takes("(")
        names: list[str] = []
        values: Value = None
        if self.language == "php":
            values = self._expression() if opened else None
            found = self._takes("as")
        else:
            found = self.language == "perl" and opened and self._peek().text not in _DECLARING
        while not found or self.language == "php":
            token = self._peek()
            if token.text in ("in", "of", "range", ":", "=", ":=") or (
                token.kind not in ("name",) and token.text not in (",", "=>")
            ):
                break
            names += (
                [token.text.lstrip("$@")] if token.kind == "name" and token.text not in _DECLARING else []
            )
            self.at += 1
        if self.language != "php" and not found:
            marked = self._takes("in", "of", ":", ":=") and (self.language != "go" or self._takes("range"))
            found = marked or (self.language == "perl" and self._peek().text == "(")
            if (found and ((self.language == "perl" and not opened) or not opened)) or found:
                values = self._expression()
        elif found and self.language == "perl":
            self.at -= 1
            values, opened = self._expression(), False
        if not found:
            self.at = start
            return False
        if opened:
            self._takes(")")
        self._repeat(keyword, names or ["_"], values)
        return True

    def _repeat(self, keyword: int, names: list[str], values: Value) -> None:
        """Read the body that follows for each value."""
        closers = self.program.closers
        while self._peek().kind == "line":
            self.at += 1
        self._takes("do") if keyword in closers else None
        end: int | None = closers.get(keyword)
        start = self.at
        if self._peek().text in ("{", "do") and self.at in closers and end is None:
            start, end = self.at + 1, closers[self.at]
        given = (
            list(values.items())
            if isinstance(values, dict)
            else list(enumerate(items(values), self.spec.first))
        )
        for index, value in (given or [(HOLE, HOLE)])[:MAX_ITEMS]:
            self.process.state.budget.spend(4)
            self.variables[names[-1]] = value
            if len(names) > 1:
                self.variables[names[-2]] = index
            self.at = start
            if end is None:
                self._statement()
            else:
                self._read_until(end)
        if end is not None:
            self.at = end + 1

    def _is_sink(self, lower: str) -> bool:
        last = re.split(r"::|->|\.", lower)[-1]
        return any(
            last in self.names[k] or lower in self.names[k]
            for k in ("system", "argv", "code", "prints", "fetch")
        )

    def _bare_arguments(self, name: str = "") -> list[Value]:
        arguments: list[Value] = []
        while self.at < len(self.program.tokens):
            value = self._expression()
            if value is not None:
                arguments.append(value)
            if not self._takes(","):
                if name == "exec" and self.language == "perl" and self._peek().kind in ("words", "double"):
                    continue
                return arguments
            while self._peek().kind == "line":
                self.at += 1
        return arguments

    def _arguments(self) -> tuple[list[Value], dict[str, Value]]:
        """Arguments in parentheses; ``name = value`` ones also by name."""
        self.at += 1
        arguments: list[Value] = []
        named: dict[str, Value] = {}
        while self.at < len(self.program.tokens):
            token = self._peek()
            if token.text == ")" and token.kind == "operator":
                self.at += 1
                break
            if token.kind == "line" or (token.text in (",", ";") and token.kind == "operator"):
                self.at += 1
                continue
            before = self.at
            mark = self._peek(1).text if self._peek(1).kind == "operator" else ""
            if (
                token.kind == "name"
                and mark in ("=", ":", "=>")
                and self._peek(2).text != "="
                and self._names(mark)
            ):
                self.at += 2
                named[token.text.lower()] = self._expression()
            elif token.kind in ("double", "single", "escaped") and mark == "=>":
                key = self._pair_key() or ""
                arguments.append({key: self._expression()})
            else:
                value = self._expression()
                if value is None and self.language == "c" and token.text not in ("NULL", "nullptr"):
                    value = HOLE
                if value is not None:
                    arguments.append(value)
            if self.at == before:
                self.at += 1
        return arguments, named

    def _names(self, mark: str) -> bool:
        """Whether ``name mark value`` is an argument with a name."""
        if mark == "=>":
            return self.language not in ("javascript", "csharp", "scala")
        return mark == "=" or self.language not in ("javascript", "lua", "c", "go", "perl")

    def _method(self, receiver: Value) -> Value:
        self.at += 1
        token = self._peek()
        self.at += 1
        arguments: list[Value] = []
        named: dict[str, Value] = {}
        if isinstance(receiver, dict) and token.text in receiver and self._peek().text != "(":
            return receiver[token.text]
        dotted = token.text.split(".")
        for part in dotted[:-1]:
            receiver = self._call(part, receiver, [], {}, token)
        if self._peek().text == "(" and self._peek().kind == "operator":
            arguments, named = self._arguments()
        elif self.language == "javascript" and self._is_sink(token.text.lower()):
            return Name(token.text)
        elif self.language == "ruby" and self._is_sink(token.text.lower()) and self._peek().kind in _LITERALS:
            arguments = self._bare_arguments()
        block = self._block() if self.language == "ruby" else None
        return self._with_block(dotted[-1], receiver, arguments, named, token, block)

    def _changed(self, value: Value, change: str) -> Value:
        """Perl's ``=~ s/a/b/`` with the variables in it put in."""

        def put(found: re.Match[str]) -> str:
            known = self.variables.get(found.group(1))
            return as_text(known) if isinstance(known, (str, int)) else found.group()

        return changed(value, re.sub(r"\$\{?([A-Za-z]\w*)\}?", put, change))

    def _interpolated(self, text: str) -> str:
        """Put its variables into a double-quoted string."""

        def put(found: re.Match[str]) -> str:
            inner = next((each for each in found.groups() if each is not None), "").strip(" \\()")
            key = inner.lstrip("$@")
            if re.fullmatch(r"\w+", key):
                unknown = found.group() if inner[:1] == "@" else HOLE
                return as_text(self.variables.get(key, unknown))
            if (inner[:1] == "@" and re.split(r"\W", key)[0] not in self.variables) or self.depth >= 24:
                return found.group() if inner[:1] == "@" else HOLE
            reader = self._inner(inner)
            return as_text(reader._expression())

        if self.spec.places:
            text = re.sub(self.spec.places, put, text)
        text = re.sub(r"\\([#$@`/])", r"\1", text)
        if "\\x{" in text or "\\u{" in text:
            text = re.sub(
                r"\\[xu]\{([0-9a-fA-F]{1,6})\}", lambda m: chr(min(int(m.group(1), 16), 0x10FFFF)), text
            )
        return ansi_c(text)[:MAX_TEXT]

    def _inner(self, text: str) -> Reader:
        """Reader of a piece of program within this one."""
        reader = Reader(text, self.language, self.process)
        reader.variables = self.variables
        reader.depth = self.depth + 8
        return reader

    # -- calls -------------------------------------------------------------------------------------

    def _import(self, token: _Token) -> bool:
        """``library(x)``, ``using A, B``, ``require "x"``, ``import y from "z"``."""
        following = self._peek(1)
        if following.text == "(":
            inner = self._peek(2)
            if inner.kind == "name" and self._peek(3).text in (")", ","):
                self._module(inner.text, token)
                self.at += 2
                return True
            return False
        if following.kind in ("double", "single", "escaped") and token.text in (
            "require",
            "import",
            "from",
            "load",
        ):
            self._module(following.text, token)
            self.at += 2
            return True
        if following.kind != "name":
            return False
        self.at += 1
        while self._peek().kind == "name":
            name = self._peek()
            if name.text == "from":
                return True
            self._module(name.text.rstrip(".:"), name)
            self.at += 1
            if self._peek().text != "," or self._peek(1).kind != "name":
                break
            self.at += 1
        while (
            self._peek().kind not in ("line", "")
            and self._peek().text not in (";", "from")
            and self.at < len(self.program.tokens)
        ):
            self.at += 1
        return True

    def _module(self, name: str, token: _Token) -> None:
        self._emit(Kind.MODULE, name.removeprefix("node:"), token)

    def _emit(self, kind: Kind, value: str, token: _Token) -> None:
        with_place = self._placed(token)
        try:
            self.process.emit(kind, value)
        finally:
            self.process.origin = with_place

    def _placed(self, token: _Token) -> Origin:
        """Point at the token while something is reported; the origin to be put back."""
        origin = self.process.origin
        if self.verbatim and token.end:
            end = self.text.find("\n", token.start)
            self.process.origin = Origin(
                origin.locate(self.text, token.start, len(self.text) if end < 0 else end),
                False,
                origin.provenance,
            )
        return origin

    def _call(
        self, name: str, receiver: Value, arguments: list[Value], named: dict[str, Value], token: _Token
    ) -> Value:
        """Do what a call does; its value where that is known."""
        # R's dots are letters: `install.packages`.
        dots = r":::?|->" if self.language == "r" else r"::|->|\.(?=[a-z_])"
        whole = name.lstrip("$&@").lower()
        last = re.split(dots, whole)[-1]
        names = self.names
        back = self._placed(token)
        try:
            if last in _INDIRECT and arguments:
                indirect = str(arguments[0]) if isinstance(arguments[0], str) else HOLE
                return self._call(indirect.lstrip(":"), receiver, flat(arguments[1:]), named, token)
            if name == self.spec.arguments and name in self.variables:
                return self.variables[name]  # R's commandArgs(trailingOnly = TRUE)
            held = self.variables.get(re.split(dots, name)[-1])
            if isinstance(held, Function) and last not in PURE:
                return self._apply(held, arguments)
            if last in names["prints"] and not (receiver is not None and last == "get"):
                self._print(last, arguments)
                return None
            value = self._computed(whole, last, receiver, arguments, named)
            if value is not None:
                return value
            return self._effect(whole, last, receiver, arguments, named, token)
        finally:
            self.process.origin = back

    def _computed(
        self, whole: str, last: str, receiver: Value, arguments: list[Value], named: dict[str, Value]
    ) -> Value:
        """Give the value of a function that only computes; None when it is none of those."""
        if receiver == HOLE and last in METHODS:
            return HOLE  # a method of what is not known
        function = PURE.get(whole) or PURE.get(last)
        if function is None or last in self.names["code"]:
            return None
        if self.language == "lua" and last in ("sub", "char") and last == "sub":
            function = PURE["substr"]
        self.process.state.budget.spend(
            1 + sum(len(each) for each in arguments if isinstance(each, (str, list))) // 64
        )
        try:
            call = Call(
                whole if whole in PURE else last, receiver, arguments, named, self.language, self._apply
            )
            return function(call)
        except (ValueError, IndexError, TypeError, OverflowError):
            return HOLE

    def _effect(
        self,
        whole: str,
        last: str,
        receiver: Value,
        arguments: list[Value],
        named: dict[str, Value],
        token: _Token,
    ) -> Value:
        """Report what a call fetches, installs, imports or runs."""
        names = self.names
        if last in names["github"] or (
            last in names["install"] and any("/" in as_text(each) for each in flat(arguments))
        ):
            self._install_located(arguments, named)
            return HOLE
        if last in names["install"] and (self.spec.ecosystem != "julia" or whole.startswith("pkg")):
            self._install(arguments, named)
            return HOLE
        if last in names["clone"] and self._fetch(arguments, named, cloned=True):
            return HOLE
        if last in names["fetch"] and self._fetch(arguments, named, cloned=False):
            return HOLE
        if last in names["imports"] and arguments:
            self._module(as_text(arguments[0]), token)
            return HOLE
        if last in names["code"] or whole in names["code"]:
            return self._code(arguments, named)
        if last in names["python"]:
            self.process.python(as_text(arguments[0]) if arguments else "", "python")
            return HOLE
        if last in names["system"] or whole in names["system"]:
            return self._program(last, receiver, arguments, named, token)
        rust = self.language == "rust"
        if last in names["argv"] and not (rust and "command" not in whole):
            return self._vector(last, arguments, named, token)
        if isinstance(receiver, list) and last in ("arg", "args"):
            receiver.extend(flat(arguments))
            return receiver
        if (
            isinstance(receiver, list)
            and rust
            and receiver
            and last in ("spawn", "output", "status", "start")
        ):
            self._run_vector([as_text(each) for each in flat(receiver)])
            return HOLE
        return receiver if isinstance(receiver, list) else HOLE

    def _print(self, name: str, arguments: list[Value]) -> None:
        texts = [as_text(a) for a in arguments]
        if name in ("printf", "sprintf"):
            self.out.append(printf(texts))
        else:
            end = (
                "\n"
                if name in ("puts", "println", "say", "log", "print")
                and not (name == "print" and self.language in ("perl", "php", "ruby"))
                else ""
            )
            self.out.append((" " if self.language in ("python", "javascript", "r") else "").join(texts) + end)

    def _program(
        self, name: str, receiver: Value, arguments: list[Value], named: dict[str, Value], token: _Token
    ) -> Value:
        """Do a call that takes shell text, or, with several arguments, a vector."""
        values: list[Value] = [a for a in arguments if not isinstance(a, int)]
        if not values and named:
            values = [v for k, v in named.items() if k in ("command", "cmd", "args")]
        if not values:
            return self._shell(receiver, token) if isinstance(receiver, (str, list)) else HOLE
        first = values[0]
        texts = [as_text(v) for v in flat(values)]
        if name == "open":
            return self._open(texts, token)
        if isinstance(first, list) and len(values) == 1:
            return self._run_vector(texts)
        if (
            len(texts) > 1
            and self.language in ("perl", "ruby", "elixir")
            and not texts[1].startswith(("r", "w"))
        ):
            return self._run_vector(texts)
        return self._shell(first, token)

    def _open(self, texts: list[str], token: _Token) -> Value:
        """``open(F, "cmd |")``, ``open(F, "-|", "cmd")``, ``open("|cmd")``."""
        for i, text in enumerate(texts):
            stripped = text.strip()
            if stripped in ("-|", "|-") and i + 1 < len(texts):
                rest = texts[i + 1 :]
                return self._run_vector(rest) if len(rest) > 1 else self._shell(rest[0], token)
            if stripped.startswith("|") or stripped.endswith("|"):
                return self._shell(stripped.strip("|"), token)
            if "://" in text and " " not in stripped:
                self.process.fetch(stripped)
        return HOLE

    def _vector(self, name: str, arguments: list[Value], named: dict[str, Value], token: _Token) -> Value:
        texts = [
            as_text(v)
            for v in flat(
                [
                    *arguments,
                    *(
                        v
                        for k, v in named.items()
                        if k in ("args", "arguments", "filename", "command", "cmd")
                    ),
                ]
            )
        ]
        texts = [t for t in texts if t not in ("", "NULL", "nil", "null")]
        if self.language == "rust":
            return list(texts)
        if name in ("commandcontext", "open2", "open3") and texts and texts[0] == HOLE:
            texts = [t for t in texts if t != HOLE]
        if (
            name
            in ("execl", "execlp", "execle", "execlpe", "execv", "execvp", "startprocess", "exec", "forkexec")
            and len(texts) > 1
            and program_name(texts[0]) == program_name(texts[1])
        ):
            texts = texts[1:]
        if len(texts) == 1 and " " in texts[0]:
            return self._shell(texts[0], token)
        if (len(texts) == 2 and self.language == "csharp") or name == "system2":
            return self._shell(" ".join(texts), token)
        return self._run_vector(texts)

    def _run_vector(self, texts: list[str]) -> str:
        texts = [t for t in texts if t]
        if not texts or not texts[0].replace(HOLE, "").strip():
            return HOLE
        return self.process.run(texts, stdin=Stream(HOLE, piped=False)).rstrip("\n")

    def _shell(self, value: Value, token: _Token) -> str:
        text = as_text(value) if not isinstance(value, list) else " ".join(as_text(v) for v in value)
        if not text.replace(HOLE, "").strip():
            return HOLE
        return self.process.shell(text, stdin=Stream(HOLE, piped=False)).rstrip("\n")

    def _code(self, arguments: list[Value], named: dict[str, Value]) -> Value:
        text = as_text(named.get("text") or (arguments[0] if arguments else None))
        if "://" in text and " " not in text:
            self.process.fetch(text)
            self.process.emit(Kind.OPAQUE, "download-run")
            return HOLE
        if not text.replace(HOLE, "").strip() or text == self.text or self.depth > 20:
            return HOLE
        reader = self._inner(text)
        with nested(self.process.state.budget) as allowed:
            if allowed:
                self.out.append(reader.run())
        return HOLE

    def _fetch(self, arguments: list[Value], named: dict[str, Value], cloned: bool) -> bool:
        done = False
        for value in flat(
            [*arguments[:3], *(v for k, v in named.items() if k in ("url", "repo", "uri", "destfile"))]
        ):
            text = as_text(value)
            if "://" in text or text.startswith("git@"):
                fetch(
                    text.split()[0] if text.split() else text,
                    self.process.state,
                    self.process.origin,
                    cloned=cloned,
                )
                done = True
        if (
            done
            and len(arguments) > 1
            and not cloned
            and isinstance(arguments[1], str)
            and "://" not in arguments[1]
            and re.fullmatch(r"[\w./~\-]+", arguments[1])
        ):
            self.process.write(arguments[1], None, source=naming.canonical_url(as_text(arguments[0])))
        return done

    def _install(self, arguments: list[Value], named: dict[str, Value]) -> None:
        for value in flat([*arguments[:1], *(v for k, v in named.items() if k in ("name", "pkgs", "url"))]):
            text = as_text(value)
            if "://" in text:
                fetch(text, self.process.state, self.process.origin, cloned=True)
            elif text and HOLE not in text:
                self.process.package(self.spec.ecosystem, text.split("@")[0])

    def _install_located(self, arguments: list[Value], named: dict[str, Value]) -> None:
        for value in flat([*arguments[:1], *(v for k, v in named.items() if k in ("repo", "url", "pkg"))]):
            text = re.sub(r"^(?:github|gh)::", "", as_text(value))
            if "://" in text or text.startswith("git@"):
                fetch(text, self.process.state, self.process.origin, cloned=True)
            elif found := re.match(r"([\w.\-]+/[\w.\-]+)", text):
                fetch(
                    "https://github.com/" + found.group(1),
                    self.process.state,
                    self.process.origin,
                    cloned=True,
                )
            elif text and HOLE not in text:
                self.process.package(self.spec.ecosystem, text.split("@")[0])


def _closers(tokens: list[_Token], words: frozenset[str], language: str) -> dict[int, int]:
    """Where each bracket closes, and each word whose block ``end`` closes."""
    closers: dict[int, int] = {}
    stack: list[int] = []
    looping = False  # after `while x do`, whose `do` opens nothing further
    for i, token in enumerate(tokens):
        if token.kind == "line":
            looping = False
        elif token.kind == "operator" and token.text in ("(", "[", "{"):
            stack.append(i)
        elif token.kind == "operator" and token.text in (")", "]", "}"):
            opening = {")": "(", "]": "[", "}": "{"}[token.text]
            while stack and tokens[stack[-1]].text not in (opening, "(", "[", "{"):
                stack.pop()
            if stack and tokens[stack[-1]].text == opening:
                closers[stack.pop()] = i
        elif token.kind != "name" or not words:
            continue
        elif token.text == "end":
            if stack and tokens[stack[-1]].kind == "name":
                closers[stack.pop()] = i
        elif token.text in words:
            last = tokens[i - 1].text if i else "\n"
            modifies = language == "ruby" and token.text in _MODIFIERS and last not in _BEFORE_BLOCK
            inside = language == "julia" and stack and tokens[stack[-1]].text in ("(", "[")
            if (
                modifies
                or (inside and token.text in ("for", "if", "begin"))
                or (token.text == "do" and looping)
            ):
                looping = looping and token.text != "do"
                continue
            if token.text == "if" and last == "else" and language == "lua":
                pass
            looping = language == "ruby" and token.text in ("while", "until", "for")
            stack.append(i)
    return closers


_MODIFIERS = frozenset({"if", "unless", "while", "until"})
_BEFORE_BLOCK = frozenset(
    {"\n", ";", "=", "(", "{", "|", "do", "then", "else", "return", "begin", "", "||=", "<<"}
)
_TEXTS = (
    ("heredoc", ("hb",), "double"),
    ("raw", ("rawtext", "hashtext", "long"), "single-raw"),
    ("triple", ("tripletext", "tripletext2"), "double"),
    ("double", ("dtext",), "double"),
    ("single", ("stext",), "single"),
    ("back", ("btext",), "back"),
)
#: Languages with escapes in texts between single quotes.
_ESCAPING = frozenset({"python", "c", "go", "java", "julia"})
#: Languages where `name(…) {…}` is a function.
_BRACED = frozenset({"c", "java", "csharp", "javascript"})
_ARROWS = {"javascript": ("=>",), "csharp": ("=>",), "scala": ("=>",), "julia": ("->",), "java": ("->",)}
_ASSIGNING = frozenset({"=", "<-", ":=", "<<-", ".=", "+=", "*=", "..="})
#: What stands between a value and a method of it.
_METHOD_MARKS = {
    "perl": ("->", "::"),
    "php": ("->", "?->", "::"),
    "lua": (":", "."),
    "r": ("::",),
    "": (".", "->", "?.", "::"),
}


def _text_end(text: str, start: int) -> int:
    """Where a text in quotes ends that may hold code with texts of its own."""
    quote = text[start]
    depth = 0
    at = start + 1
    while at < len(text) and at - start < 20_000:
        if text[at] == "\\":
            at += 1
        elif text[at] in "{(" and (depth or text[at - 1] in "#$@{" or text[at + 1 : at + 2] == "$"):
            depth += 1
        elif text[at] in "})" and depth:
            depth -= 1
        elif text[at] == quote and not depth:
            break
        at += 1
    return at + 1


def _characters(values: list[Value]) -> Value:
    """C's ``{'a', 98, 0}`` as the text that it is."""
    if not all(isinstance(each, int) or (isinstance(each, str) and len(each) == 1) for each in values):
        return values
    letters = [
        chr(each) if isinstance(each, int) and 0 <= each < 0x110000 else as_text(each) for each in values
    ]
    return "".join(letters).split("\0")[0]


def _compared(left: Value, right: Value, operator: str) -> Value:
    same = isinstance(left, (str, int)) and type(left) is type(right) and HOLE not in (left, right)
    if not same:
        return HOLE
    low, high = (left, right), (right, left)
    return int(
        {
            "==": left == right, "eq": left == right, "!=": left != right, "ne": left != right,
            "<": low < high, "lt": low < high, ">": high < low, "gt": high < low,
            "<=": low <= high, ">=": high <= low,
        }[operator]
    )  # fmt: skip
