"""What programs in other languages than Python and shell do, as far as one reader can tell.

One small evaluator reads them all from left to right: strings, their joining and the usual
decoders, plain variables, calls. A table per language says which calls start programs, fetch,
install or import. Control flow is not followed (both branches count, loops run once);
comments and strings that reach no such call are nothing.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Union
from urllib.parse import unquote

from jupyter_tos_guard.inspection import naming
from jupyter_tos_guard.inspection.bounded_regex import MAX_FILLED, fill_in
from jupyter_tos_guard.inspection.facts import HOLE, Kind, Span
from jupyter_tos_guard.inspection.shell.filters import lenient_base64, printf, to_text, tr_set
from jupyter_tos_guard.inspection.shell.process import (
    Handler,
    Process,
    Stream,
    emit_source,
    mention_addresses,
    nested,
    program_name,
    text_of,
)
from jupyter_tos_guard.inspection.shell.syntax import ansi_c
from jupyter_tos_guard.inspection.state import Origin as _Origin
from jupyter_tos_guard.inspection.state import OutOfBudget, State

Value = Union[str, int, "list[Value]", None]
#: Longest program that is read.
_MAX_TEXT = 1 << 17
_MAX_ITEMS = 500


class Language(NamedTuple):
    """How a language is read, and what its calls do; names are last segments, lower case."""

    comment: str  # regular expression of comments
    system: str = ""  # a string is shell text; several arguments are an argument vector
    argv: str = ""  # program and arguments
    code: str = ""  # program text in the same language
    fetch: str = ""  # an address in the first argument
    clone: str = ""  # an address of a repository
    install: str = ""  # names of packages
    ecosystem: str = ""
    github: str = ""  # `owner/name`
    imports: str = ""  # words before a module's name
    prints: str = "print puts println printf echo say write log cat"
    backquote: str = "text"  # what `…` means: text, shell, command
    joining: str = ". + .. * ~ & <> ++ ^"
    python: str = ""  # a string is Python


_HASH = r"#[^\n]*"
_SLASHES = r"//[^\n]*|/\*.*?(?:\*/|$)"
LANGUAGES: dict[str, Language] = {
    "javascript": Language(
        _SLASHES,
        system="exec execsync shell $ execa execacommand",
        argv="spawn spawnsync execfile execfilesync fork command run execasync",
        code="eval function runinthiscontext runinnewcontext compilefunction",
        fetch="fetch get request download importscripts open axios got",
        imports="require import from",
    ),
    "r": Language(
        _HASH,
        system="system shell shell.exec",
        argv="system2 run exec_wait exec_background exec_internal process",
        code="eval parse source evalq",
        fetch=(
            "download.file url curl_download curl get git_clone read.csv readlines fread readrds source "
            "download getbinaryurl geturl curl_fetch_memory multi_download request"
        ),
        clone="clone git_clone",
        install="install.packages install pkg_install",
        ecosystem="cran",
        github=(
            "install_github install_gitlab install_bitbucket pak pkg_install install_git install_url "
            "install_svn install"
        ),
        imports="library require requirenamespace loadnamespace attachnamespace p_load",
        python="py_run_string py_eval",
        joining="+",
    ),
    "julia": Language(
        r"#=.*?=#|#[^\n]*",
        system="run success read readchomp pipeline readlines eachline open detach ignorestatus cmd",
        code="include_string parse eval",
        fetch="download urldownload get request",
        clone="clone",
        install="add develop",
        ecosystem="julia",
        imports="using import",
        backquote="command",
        joining="*",
    ),
    "perl": Language(
        r"(?:(?<=\s)|^)#[^\n]*|^=\w+.*?^=cut",
        system="system exec readpipe open qx capture",
        argv="open3 open2 run",
        code="eval",
        fetch="get getstore mirror getprint head request",
        imports="use require",
        backquote="shell",
    ),
    "ruby": Language(
        r"(?:(?<=\s)|^)#(?!\{)[^\n]*|^=begin.*?^=end",
        system=(
            "system exec spawn popen popen2 popen2e popen3 capture2 capture2e capture3 pipeline "
            "pipeline_r sh popen4 cmd run open %x"
        ),
        code="eval instance_eval class_eval module_eval",
        fetch="open get get_response urlopen parse download",
        clone="clone",
        imports="require load",
        backquote="shell",
    ),
    "php": Language(
        _SLASHES + r"|(?:(?<=\s)|^)#[^\n]*",
        system="system exec shell_exec passthru popen proc_open",
        argv="pcntl_exec",
        code="eval assert create_function",
        fetch="file_get_contents fopen copy curl_init readfile file get_headers include require",
        backquote="shell",
    ),
    "lua": Language(
        r"--\[\[.*?\]\]|--[^\n]*",
        system="execute popen",
        code="load loadstring dostring",
        fetch="request",
        imports="require",
        joining="..",
    ),
    "tcl": Language(
        r"(?:(?<=[\n;])|^)\s*#[^\n]*", argv="exec", system="open", fetch="geturl", imports="package"
    ),
    "awk": Language(r"#[^\n]*", system="system", prints="print printf", joining=""),
    "c": Language(
        _SLASHES,
        system="system popen _popen wordexp",
        argv="execl execlp execle execlpe execv execvp execvpe posix_spawn posix_spawnp",
        fetch="curl_easy_setopt",
    ),
    "go": Language(
        _SLASHES,
        argv="command commandcontext exec startprocess forkexec",
        fetch="get head post newrequest",
        clone="plainclone",
        prints="print println printf",
    ),
    "rust": Language(_SLASHES, argv="new", fetch="get"),
    "java": Language(
        _SLASHES,
        system="exec",
        argv="processbuilder command",
        fetch="url uri openstream create",
        code="eval evaluate",
        prints="print println printf",
    ),
    "scala": Language(
        _SLASHES, system="! !! lazylines exec", argv="process processbuilder", fetch="fromurl url"
    ),
    "groovy": Language(_SLASHES, system="execute exec", code="evaluate", fetch="url tourl"),
    "octave": Language(
        r"[%#][^\n]*",
        system="system unix dos shell_cmd",
        fetch="urlwrite websave urlread webread",
        code="eval evalc",
        install="install",
        ecosystem="octave",
        joining="",
    ),
    "elixir": Language(
        _HASH, system="shell cmd", argv="cmd open", code="eval_string", fetch="get get!", joining="<> ++"
    ),
    "haskell": Language(
        r"--[^\n]*|\{-.*?-\}",
        system="system callcommand shell readcreateprocess",
        argv="callprocess readprocess proc rawsystem spawnprocess",
        joining="++ <>",
    ),
    "csharp": Language(
        _SLASHES,
        argv="start processstartinfo",
        fetch="downloadfile downloadstring getstringasync getasync",
        joining="+",
    ),
    "ocaml": Language(
        r"\(\*.*?\*\)",
        system="command system open_process_in open_process",
        argv="execvp execv create_process",
        joining="^",
    ),
    "nim": Language(
        _HASH,
        system="execshellcmd execcmd execcmdex execprocess",
        argv="startprocess",
        fetch="getcontent downloadfile",
        joining="&",
    ),
    "lisp": Language(
        r";[^\n]*",
        system="run-program run-shell-command shell sh system shell-command call-process-shell-command",
        argv="call-process start-process",
        joining="",
    ),
    "python": Language(_HASH, system="", prints="print write", joining="+"),
    "other": Language(
        _HASH, system="system exec popen shell run_shell spawn", fetch="download fetch", backquote="text"
    ),
}
_NAMES = {
    "node": "javascript",
    "deno": "javascript",
    "bun": "javascript",
    "js": "javascript",
    "typescript": "javascript",
    "ts": "javascript",
    "ts-node": "javascript",
    "tsx": "javascript",
    "ir": "r",
    "rscript": "r",
    "irkernel": "r",
    "littler": "r",
    "jruby": "ruby",
    "irb": "ruby",
    "crystal": "ruby",
    "tclsh": "tcl",
    "wish": "tcl",
    "expect": "tcl",
    "gawk": "awk",
    "c++": "c",
    "cpp": "c",
    "c++11": "c",
    "c++14": "c",
    "c++17": "c",
    "kotlin": "java",
    "jshell": "java",
    "f#": "csharp",
    "c#": "csharp",
    "fsharp": "csharp",
    "matlab": "octave",
    "scilab": "octave",
    "iex": "elixir",
    "erlang": "elixir",
    "runghc": "haskell",
    "sbcl": "lisp",
    "clisp": "lisp",
    "emacs": "lisp",
    "scheme": "lisp",
    "racket": "lisp",
    "guile": "lisp",
    "clojure": "lisp",
    "evcxr": "rust",
    "gophernotes": "go",
    "gonb": "go",
    "lisp": "lisp",
    "osascript": "other",
}
_SHELL_LANGUAGES = frozenset(
    {"bash", "sh", "zsh", "ksh", "fish", "shell", "shellscript", "calysto_bash", "console", "ssh"}
)


def inspect_foreign(source: str, language: str, state: State) -> None:
    """Report what a whole cell of a kernel in ``language`` does.

    Parameters
    ----------
    source : str
    language : str
        As kernels name it: ``R``, ``julia``, ``bash``, ``javascript``, …
    state : State
    """
    from jupyter_tos_guard.inspection.shell.interpreter import run_shell

    name = language.strip().lower()
    lines = source.split("\n")
    origin = _Origin(Span(1, 0, len(lines), len(lines[-1])), True)
    if name in _SHELL_LANGUAGES:
        run_shell(source, state, origin)
        return
    if name in ("python", "python3", "sagemath", "xpython", "ipython"):
        from jupyter_tos_guard.inspection.python.evaluation import run_cell

        run_cell(source, state)
        return
    magic = re.match(r"%%(?:bash|sh|script\s+(?:ba)?sh)[^\n]*\n", source)
    if magic:
        run_shell(source[magic.end() :], state, origin._replace(verbatim=False))
        return
    process = Process([name or "other"], state, origin, Stream(""))
    spec = LANGUAGES.get(_NAMES.get(name, name), LANGUAGES["other"])
    _Reader(source, spec, process, verbatim=True).run()
    for found in (
        re.finditer(r"^\s*!(?!=)(.+)$", source, re.M)
        if name in ("octave", "matlab", "javascript", "typescript", "scala")
        else ()
    ):
        run_shell(found.group(1), state, _Origin(origin.locate(source, found.start(1), found.end(1))))


def run_foreign(process: Process, text: str, language: str, *steps: str) -> bool:
    """Run program text; False when the language is not known. Its output is not kept."""
    return foreign_output(process, text, language, *steps) is not None


def foreign_output(process: Process, text: str, language: str, *steps: str) -> str | None:
    """Run program text and return what it prints; None when the language is not known."""
    spec = LANGUAGES.get(_NAMES.get(language, language))
    if spec is None:
        return None
    origin = process.origin
    process.origin = _Origin(origin.span, False, origin.provenance + steps)
    try:
        with nested(process.state.budget) as allowed:
            if not allowed:
                process.emit(Kind.OPAQUE, "too-deep")
                return HOLE
            return _Reader(text, spec, process).run()
    finally:
        process.origin = origin


def printed_by_python(text: str, process: Process) -> str:
    """Tell what simple Python text prints; unknown where it takes more than strings."""
    try:
        return _Reader(text[:20_000], LANGUAGES["python"], process).run() or HOLE
    except OutOfBudget:
        raise
    except (ValueError, RecursionError):
        return HOLE


# -- reading ---------------------------------------------------------------------------------------

_PARTS = r"""
    (?P<blank>\s+|\\\n)
  | (?P<heredoc><<<?[~-]?\s*(?P<hq>["']?)(?P<hd>[A-Za-z_]\w*)(?P=hq);?[^\n]*\n(?P<hb>.*?)^\s*(?P=hd)\b)
  | (?P<raw>[rR]"(?P<dash>-*)\((?P<rawtext>.*?)\)(?P=dash)"
        | r(?P<hashes>\#+)"(?P<hashtext>.*?)"(?P=hashes)
        | \[\[(?P<long>.*?)\]\])
  | (?P<quote>\b(?:qq|qx|qw|q)\s*(?P<open>[({\[<|/!~]) | %(?:[xqQwW])(?P<ropen>[({\[<|!]))
  | (?P<triple>\"\"\"(?P<tripletext>.*?)\"\"\" | '''(?P<tripletext2>.*?)''')
  | (?P<double>[fbuBFU]?"(?P<dtext>(?:\\.|[^"\\])*)")
  | (?P<single>[fbuBFU]?'(?P<stext>(?:\\.|[^'\\])*)')
  | (?P<back>`(?P<btext>(?:\\.|[^`\\])*)`)
  | (?P<number>0x[0-9a-fA-F]+|\d+(?:\.\d+)?)
  | (?P<change>=~\s*(?:tr|y|s)(?P<delimiter>[/|!,\#])(?:\\.|(?!(?P=delimiter)).)*(?P=delimiter)
        (?:\\.|(?!(?P=delimiter)).)*(?P=delimiter)\w*)
  | (?P<name>[$@%&]*(?:[A-Za-z_][\w]*(?:(?:\.|::|->|:::)(?=[A-Za-z_!]))?)+!?(?<!\.)|\$\$?(?=\W)|[$@]\d)
  | (?P<operator>\.\.\.?|<-|<<-|->>?|=>|==|!=|<=|>=|&&|\|\||\+\+|<>|\+=|\.=|\*=|:=|::|=~|\|>|%>%|[^\s\w])
"""
_TOKENS: dict[str, re.Pattern[str]] = {}
_BARE_CHANGE = re.compile(r"(?:tr|y|s)([/|!,#])(?:\\.|(?!\1).)*\1(?:\\.|(?!\1).)*\1\w*", re.DOTALL)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def _token_pattern(spec: Language) -> re.Pattern[str]:
    pattern = _TOKENS.get(spec.comment)
    if pattern is None:
        comment = re.sub(r"([# ])", r"\\\1", spec.comment) if False else spec.comment
        pattern = re.compile(f"(?P<comment>{comment.replace('#', '[#]')})|{_PARTS}", re.S | re.X | re.M)
        _TOKENS[spec.comment] = pattern
    return pattern


_TCL_LINE = re.compile(r"(?:\$\{\w+\}|[^\n;\]}])*")
_CLOSING = {"(": ")", "{": "}", "[": "]", "<": ">"}
_KEYWORDS = frozenset(
    "if else elsif elif unless while until for foreach do end then begin def sub function fn func "
    "return my our local var let const in of new await async "
    "try catch finally rescue ensure class struct public private static void int char auto mut pub "
    "use match case switch when and or not yield go defer "
    "throw puts global scalar".split()
)


class _Name(str):
    """A call's name that was put into a variable or handed on."""

    __slots__ = ()


class _Reader:
    """Evaluates one program text.

    Every token is passed once: expressions are evaluated where they stand.
    """

    def __init__(self, text: str, spec: Language, process: Process, verbatim: bool = False) -> None:
        self.text = text
        self.spec = spec
        self.process = process
        self.verbatim = verbatim
        self.variables: dict[str, Value] = {}
        self.out: list[str] = []
        self.tokens = self._tokenize(text[:_MAX_TEXT])
        self.at = 0
        self.depth = 0
        self.joining = frozenset(spec.joining.split())
        self.names = {
            kind: frozenset(getattr(spec, kind).split())
            for kind in (
                "system",
                "argv",
                "code",
                "fetch",
                "clone",
                "install",
                "github",
                "imports",
                "prints",
                "python",
            )
        }

    def run(self) -> str:
        """Read to the end; what is printed."""
        if len(self.text) > _MAX_TEXT:
            self.process.emit(Kind.OPAQUE, "too-large")
        if self.spec is LANGUAGES["javascript"]:
            # `import {execSync as e}`, `const {execSync: e} = require(…)`
            for found in re.finditer(r"[{,]\s*(\w+)\s*(?:as\s+|:\s*)(\w+)(?=\s*[},])", self.text[:_MAX_TEXT]):
                if self._is_sink(found.group(1).lower()):
                    self.variables[found.group(2)] = _Name(found.group(1))
        while self.at < len(self.tokens):
            before = self.at
            self.process.state.budget.spend()
            self._statement()
            if self.at == before:
                self.at += 1
        return "".join(self.out)

    def _tokenize(self, text: str) -> list[_Token]:
        pattern = _token_pattern(self.spec)
        tokens: list[_Token] = []
        at = 0
        spend = self.process.state.budget.spend
        perl = self.spec is LANGUAGES["perl"]
        while at < len(text):
            # The longer ones of these look for their end through all that follows.
            spend(16 if text[at] in "<[rR\"'`" else 1)
            if perl and text[at] in "tys" and (not tokens or tokens[-1].text in ("\n", ";", "{", "(")):
                changed = _BARE_CHANGE.match(text, at)
                if changed is not None:  # `tr/a/b/;` changes $_
                    tokens.append(_Token("change", "=~ " + changed.group(), at, changed.end()))
                    at = changed.end()
                    continue
            found = pattern.match(text, at)
            if found is None:
                at += 1
                continue
            kind = found.lastgroup or ""
            group = found.groupdict()
            start, at = at, max(found.end(), at + 1)
            if group["comment"] is not None:
                continue
            if group["blank"]:
                if "\n" in group["blank"] and "\\" not in group["blank"]:
                    tokens.append(_Token("line", "\n", start, at))
                continue
            if group["quote"]:
                token, at = self._quoted(text, start, found)
                tokens.append(token)
                continue
            for kind, key in (
                ("heredoc", "hb"),
                ("raw", ""),
                ("triple", ""),
                ("double", "dtext"),
                ("single", "stext"),
                ("back", "btext"),
            ):
                if group[kind] is not None:
                    value = (
                        group[key]
                        if key
                        else next(
                            (
                                group[k]
                                for k in ("rawtext", "hashtext", "long", "tripletext", "tripletext2")
                                if group[k] is not None
                            ),
                            "",
                        )
                    )
                    name = {"heredoc": "double", "raw": "single-raw", "triple": "double"}.get(kind, kind)
                    if kind == "single" and self.spec is LANGUAGES["javascript"]:
                        name = "escaped"
                    tokens.append(_Token(name, value or "", start, at))
                    break
            else:
                if group["change"]:
                    tokens.append(_Token("change", group["change"], start, at))
                elif group["number"]:
                    tokens.append(_Token("number", group["number"], start, at))
                elif group["name"]:
                    tokens.append(_Token("name", group["name"], start, at))
                else:
                    tokens.append(_Token("operator", group["operator"] or "", start, at))
        return tokens

    def _quoted(self, text: str, start: int, found: re.Match[str]) -> tuple[_Token, int]:
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
            if letter in ("qw", "%w", "%W")
            else "single"
            if letter in ("q", "%q")
            else "double"
        )
        return _Token(kind, content, start, i), i

    # -- expressions -------------------------------------------------------------------------

    def _peek(self, ahead: int = 0) -> _Token:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else _END

    def _statement(self) -> None:
        token = self._peek()
        if token.kind == "line" or token.text in (";", "}", ")", "]", ","):
            self.at += 1
            return
        if token.kind == "name" and token.text.lower() in self.names["imports"] and self._import(token):
            return
        if token.kind == "change":
            self.at += 1
            self.variables["_"] = _changed(self.variables.get("_"), token.text)
            return
        self._expression()

    def _expression(self) -> Value:
        self.depth += 1
        try:
            if self.depth > 40:
                self.at += 1
                return HOLE
            return self._joined()
        finally:
            self.depth -= 1

    def _joined(self) -> Value:
        first = self._peek()
        value = self._primary()
        while True:
            token = self._peek()
            if token.text == "." and self._peek(1).text in ("!", "!!") and isinstance(value, (str, list)):
                self.at += 2  # Scala's "command".!
                return self._shell(value, token)
            if token.kind == "operator" and token.text in self.joining and self._peek(1).kind != "line":
                if (
                    token.text == "."
                    and self._peek(1).kind == "name"
                    and not self._peek(1).text.startswith(("$", "@"))
                    and self.spec is not LANGUAGES["perl"]
                    and self.spec is not LANGUAGES["php"]
                ):
                    value = self._method(value)
                    continue
                self.at += 1
                right = self._primary()
                value = _join(value, right, token.text)
            elif (
                token.kind == "operator"
                and token.text in (".", "->", "?.", "::")
                and self._peek(1).kind == "name"
            ):
                value = self._method(value)
            elif token.kind == "operator" and token.text == "|" and self.spec is LANGUAGES["awk"]:
                self._awk_pipe(value)
            elif token.kind == "change":
                self.at += 1
                value = _changed(value, token.text)
                if first.kind == "name":
                    self.variables[first.text.lstrip("$@%")] = value
            elif token.kind == "operator" and token.text == "[" and isinstance(value, (str, list)):
                value = self._index(value)
            elif token.kind == "operator" and token.text in ("|>", "%>%") and self._peek(1).kind == "name":
                self.at += 1
                name = self._peek().text
                self.at += 1
                arguments, named = self._arguments() if self._peek().text == "(" else ([], {})
                value = self._call(name, None, [value, *arguments], named, token)
            elif (
                self.spec is LANGUAGES["awk"]
                and token.kind in ("double", "name")
                and isinstance(value, str)
                and token.text not in _KEYWORDS
            ):
                value = _join(value, self._primary(), ".")  # awk joins what stands side by side
            else:
                return value

    def _awk_pipe(self, value: Value) -> None:
        """``cmd | getline`` and, after a print, ``| cmd``."""
        self.at += 1
        if self._peek().text == "getline":
            self.at += 1
            self._shell(value, self._peek())
            return
        text = _text(self._primary())
        if text:
            self.process.shell(text, stdin=Stream(_text(value)))

    def _primary(self) -> Value:
        token = self._peek()
        self.process.state.budget.spend()
        self.at += 1
        kind, text = token.kind, token.text
        if kind == "line":
            return None
        if kind in ("double", "escaped"):
            return self._interpolated(text) if kind == "double" else ansi_c(text)
        if kind == "single":
            return (
                text.replace("\\'", "'").replace("\\\\", "\\")
                if self.spec is not LANGUAGES["python"]
                else ansi_c(text)
            )
        if kind == "single-raw":
            return text
        if kind == "words":
            return list(text.split())
        if kind == "back-shell":
            return self._shell(self._interpolated(text), token)
        if kind == "back":
            inner = self._interpolated(text)
            if self.spec.backquote == "shell":
                return self._shell(inner, token)
            return inner
        if kind == "number":
            return int(text, 16) if text.startswith("0x") else int(float(text))
        if kind == "name":
            return self._name(token)
        if text in ("(", "[", "{"):
            return self._bracketed({"(": ")", "[": "]", "{": "}"}[text])
        if (
            text == ":"
            and self._peek().kind == "name"
            and self.spec in (LANGUAGES["ruby"], LANGUAGES["elixir"])
        ):
            self.at += 1
            return self.tokens[self.at - 1].text  # a symbol
        if text in ("-", "!", "+", "&", "*", "~", "\\", "@", ":", "?") and self._peek().kind != "line":
            return self._primary() if self.depth < 38 else None
        return None

    def _bracketed(self, closing: str) -> Value:
        items: list[Value] = []
        while self.at < len(self.tokens):
            self.process.state.budget.spend()
            token = self._peek()
            if token.text == closing and token.kind == "operator":
                self.at += 1
                break
            before = self.at
            if token.kind == "line" or token.text in (",", ";", "=>", ":"):
                self.at += 1
                continue
            if token.text in (")", "]", "}") and token.kind == "operator":
                break
            value = self._statement_value()
            if value is not None:
                items.append(value)
            if self.at == before:
                self.at += 1
        if closing == ")" and len(items) == 1:
            return items[0]
        return items

    def _statement_value(self) -> Value:
        token = self._peek()
        if token.kind == "name" and token.text.lower() in self.names["imports"] and self._import(token):
            return None
        return self._expression()

    def _name(self, token: _Token) -> Value:
        name = token.text
        lower = name.lower()
        following = self._peek()
        if self.spec is LANGUAGES["tcl"] and lower in ("exec", "spawn", "system"):
            return self._shell(self._rest_of_line(token), token)
        if self.spec is LANGUAGES["tcl"] and lower in ("set", "append"):
            self._tcl_set(token)
            return None
        if self.spec is LANGUAGES["tcl"] and lower in ("send", "exp_send"):
            typed = ansi_c(self._rest_of_line(token).strip().removeprefix("-- ").strip('"'))
            return self._shell(typed.replace("\r", "\n"), token)
        if lower in _KEYWORDS and lower not in self.names["prints"] and lower not in ("puts",):
            return (
                self._primary()
                if following.kind in ("double", "single", "name", "back", "escaped") and self.depth < 36
                else None
            )
        if following.text == "(" and following.kind == "operator":
            arguments, named = self._arguments()
            held = self.variables.get(name.lstrip("$@%"))
            if isinstance(held, _Name) or (isinstance(held, str) and name[0] == "$"):
                name = held  # a variable that holds a function's name
            return self._call(name, None, arguments, named, token)
        if following.text in ("=", "<-", ":=", "<<-", ".=", "+=", "*=") and following.kind == "operator":
            self.at += 1
            value = self._list_or_value()
            key = name.lstrip("$@%")
            if following.text in (".=", "+=", "*="):
                value = _join(self.variables.get(key), value, "+")
            self.variables[key] = value
            return value
        if lower == "$" and following.kind == "back":
            self.at += 1
            return self._shell(self._interpolated(following.text), token)
        if self._is_sink(lower) and following.kind in (
            "double",
            "single",
            "name",
            "escaped",
            "back",
            "single-raw",
            "words",
        ):
            # `system "…"`, `exec $cmd`, `puts x`: a call without parentheses.
            return self._call(name, None, self._bare_arguments(), {}, token)
        if (
            (self.spec is LANGUAGES["perl"] or self.spec is LANGUAGES["ruby"])
            and lower in _PURE
            and following.kind in ("double", "single", "name", "words")
        ):
            return self._call(name, None, self._bare_arguments(), {}, token)  # `reverse $x`
        key = name.lstrip("$@%")
        if following.text == "[" and key in self.variables:
            return self._index(self.variables[key])
        if key in self.variables:
            return self.variables[key]
        head, _, method = key.rpartition(".")
        if head in self.variables and method:
            return self._call(method, self.variables[head], [], {}, token)
        if name[:1] in "$@":
            return HOLE
        return _Name(name) if self._is_sink(lower) else None

    def _rest_of_line(self, token: _Token) -> str:
        """Tcl's bare words: take the rest of the line, with its variables put in."""
        end = _TCL_LINE.match(self.text, token.end)
        stop = end.end() if end else len(self.text)
        while self._peek().kind and self._peek().start < stop:
            self.at += 1
        return re.sub(
            r"\$\{?(\w+)\}?",
            lambda m: _text(self.variables.get(m.group(1), HOLE)),
            self.text[token.end : stop],
        )

    def _tcl_set(self, token: _Token) -> None:
        """``set name value``, ``append name value``; a value with commands in it is read as those."""
        found = re.compile(r"\s+(\w+)\s+(?![^\n;]*\[)").match(self.text, token.end)
        if found is None:
            return
        name, _, value = self._rest_of_line(token).strip().partition(" ")
        value = ansi_c(value.strip().strip('"{}'))
        before = _text(self.variables.get(name, "")) if token.text == "append" else ""
        self.variables[name] = (before + value)[:MAX_FILLED]

    def _list_or_value(self) -> Value:
        return self._expression()

    def _is_sink(self, lower: str) -> bool:
        last = re.split(r"::|->|\.", lower)[-1]
        return any(
            last in self.names[k] or lower in self.names[k]
            for k in ("system", "argv", "code", "prints", "fetch")
        )

    def _bare_arguments(self) -> list[Value]:
        arguments: list[Value] = []
        while self.at < len(self.tokens):
            value = self._expression()
            if value is not None:
                arguments.append(value)
            if self._peek().text != ",":
                if (
                    self.spec is LANGUAGES["tcl"]
                    and self._peek().kind in ("name", "double", "number", "operator")
                    and self._peek().text not in (";", "]", "}")
                ):
                    continue
                return arguments
            self.at += 1
            while self._peek().kind == "line":
                self.at += 1
        return arguments

    def _arguments(self) -> tuple[list[Value], dict[str, Value]]:
        """Arguments in parentheses; ``name = value`` ones also by name."""
        self.at += 1
        arguments: list[Value] = []
        named: dict[str, Value] = {}
        while self.at < len(self.tokens):
            token = self._peek()
            if token.text == ")" and token.kind == "operator":
                self.at += 1
                break
            if token.kind == "line" or token.text in (",", ";"):
                self.at += 1
                continue
            before = self.at
            if token.kind == "name" and self._peek(1).text in ("=", ":", "=>") and self._peek(2).text != "=":
                self.at += 2
                value = self._expression()
                named[token.text.lower()] = value
                if self.at == before:
                    self.at += 1
                continue
            value = self._expression()
            if value is not None:
                arguments.append(value)
            if self.at == before:
                self.at += 1
        return arguments, named

    def _method(self, receiver: Value) -> Value:
        self.at += 1
        token = self._peek()
        self.at += 1
        arguments: list[Value] = []
        named: dict[str, Value] = {}
        if self._peek().text == "(" and self._peek().kind == "operator":
            arguments, named = self._arguments()
        elif self.spec is LANGUAGES["javascript"] and self._is_sink(token.text.lower()):
            return _Name(token.text)
        return self._call(token.text, receiver, arguments, named, token)

    def _index(self, value: Value) -> Value:
        start = self.at
        self.at += 1
        sliced = [self._peek(i).text for i in range(4)]
        index = self._expression()
        while self._peek().text not in ("]",) and self.at < len(self.tokens) and self.at - start < 40:
            self.at += 1
        self.at += 1
        if "".join(sliced).startswith("::-1") and isinstance(value, (str, list)):
            return value[::-1]
        if (
            isinstance(index, int)
            and isinstance(value, (str, list))
            and ":" not in sliced
            and ".." not in sliced
        ):
            return value[index] if -len(value) <= index < len(value) else HOLE
        return HOLE

    def _interpolated(self, text: str) -> str:
        """Put its variables into a double-quoted string."""

        def put(found: re.Match[str]) -> str:
            inner = next((g for g in found.groups() if g is not None), "")
            if re.fullmatch(r"\w+", inner):
                return _text(self.variables.get(inner, HOLE))
            reader = _Reader(inner, self.spec, self.process)
            reader.variables = self.variables
            reader.depth = self.depth + 8
            return _text(reader._expression()) if self.depth < 24 else HOLE

        spec = self.spec
        if spec is LANGUAGES["ruby"] or spec is LANGUAGES["elixir"]:
            text = re.sub(r"#\{([^{}]*)\}", put, text)
        elif spec is LANGUAGES["javascript"]:
            text = re.sub(r"\$\{([^{}]*)\}", put, text)
        elif spec in (
            LANGUAGES["perl"],
            LANGUAGES["php"],
            LANGUAGES["julia"],
            LANGUAGES["tcl"],
            LANGUAGES["scala"],
            LANGUAGES["groovy"],
            LANGUAGES["java"],
        ):
            text = re.sub(
                r"(?<!\\)(?:[$@]\{\s*(?:\\\()?([^{}]*)\}|\{\$(\w+)\}|\$\(([^()]*)\)|[$](\w+))", put, text
            )
        text = re.sub(r"\\([#$@`/])", r"\1", text)
        if "\\x{" in text or "\\u{" in text:
            text = re.sub(
                r"\\[xu]\{([0-9a-fA-F]{1,6})\}", lambda m: chr(min(int(m.group(1), 16), 0x10FFFF)), text
            )
        return ansi_c(text)

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
            and self.at < len(self.tokens)
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

    def _placed(self, token: _Token) -> _Origin:
        """Point at the token while something is reported; the origin to be put back."""
        origin = self.process.origin
        if self.verbatim and token.end:
            end = self.text.find("\n", token.start)
            self.process.origin = _Origin(
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
        dots = r":::?|->" if self.spec is LANGUAGES["r"] else r"::|->|\.(?=[a-z_])"
        last = re.split(dots, name.lstrip("$&@"), flags=re.I)[-1].lower()
        whole = name.lstrip("$&@").lower()
        names = self.names
        back = self._placed(token)
        try:
            if (
                last
                in (
                    "send",
                    "__send__",
                    "public_send",
                    "do.call",
                    "call_user_func",
                    "match.fun",
                    "call_user_func_array",
                )
                and arguments
            ):
                return self._call(
                    _text(arguments[0]).lstrip(":"), receiver, _flat(arguments[1:]), named, token
                )
            if last in names["prints"] and not (receiver is not None and last == "get"):
                self._print(last, arguments)
                return None
            pure = _PURE.get(last)
            if pure is not None and last not in names["code"]:
                try:
                    value = pure(receiver, arguments, named)
                except (ValueError, IndexError, TypeError, OverflowError):
                    value = HOLE
                if value is not None:
                    return value
            if last in names["github"] or (
                last in names["install"] and any("/" in _text(a) for a in _flat(arguments))
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
                self._module(_text(arguments[0]), token)
                return HOLE
            if last in names["code"] or whole in names["code"]:
                return self._code(arguments, named)
            if last in names["python"]:
                self.process.python(_text(arguments[0]) if arguments else "", "python")
                return HOLE
            if last in names["system"] or whole in names["system"]:
                return self._program(last, receiver, arguments, named, token)
            if last in names["argv"] and not (self.spec is LANGUAGES["rust"] and "command" not in whole):
                return self._vector(last, arguments, named, token)
            if isinstance(receiver, list) and last in ("arg", "args"):
                receiver.extend(_flat(arguments))
                return receiver
            if (
                isinstance(receiver, list)
                and last in ("spawn", "output", "status", "start")
                and receiver
                and self.spec is LANGUAGES["rust"]
            ):
                self._run_vector([_text(v) for v in _flat(receiver)])
                return HOLE
            return receiver if isinstance(receiver, list) else HOLE
        finally:
            self.process.origin = back

    def _print(self, name: str, arguments: list[Value]) -> None:
        texts = [_text(a) for a in arguments]
        if name in ("printf", "sprintf"):
            self.out.append(printf(texts))
        else:
            end = (
                "\n"
                if name in ("puts", "println", "say", "log", "print")
                and not (
                    name == "print" and self.spec in (LANGUAGES["perl"], LANGUAGES["php"], LANGUAGES["ruby"])
                )
                else ""
            )
            self.out.append(
                (
                    " "
                    if self.spec
                    in (LANGUAGES["python"], LANGUAGES["javascript"], LANGUAGES["r"], LANGUAGES["awk"])
                    else ""
                ).join(texts)
                + end
            )

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
        texts = [_text(v) for v in _flat(values)]
        if name == "open":
            return self._open(texts, token)
        if isinstance(first, list) and len(values) == 1:
            return self._run_vector(texts)
        if (
            len(texts) > 1
            and self.spec in (LANGUAGES["perl"], LANGUAGES["ruby"], LANGUAGES["elixir"])
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
            _text(v)
            for v in _flat(
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
        if self.spec is LANGUAGES["rust"]:
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
        if (len(texts) == 2 and self.spec is LANGUAGES["csharp"]) or name == "system2":
            return self._shell(" ".join(texts), token)
        return self._run_vector(texts)

    def _run_vector(self, texts: list[str]) -> str:
        texts = [t for t in texts if t]
        if not texts or not texts[0].replace(HOLE, "").strip():
            return HOLE
        return self.process.run(texts, stdin=Stream(HOLE, piped=False)).rstrip("\n")

    def _shell(self, value: Value, token: _Token) -> str:
        text = _text(value) if not isinstance(value, list) else " ".join(_text(v) for v in value)
        if not text.replace(HOLE, "").strip():
            return HOLE
        return self.process.shell(text, stdin=Stream(HOLE, piped=False)).rstrip("\n")

    def _code(self, arguments: list[Value], named: dict[str, Value]) -> Value:
        text = _text(named.get("text") or (arguments[0] if arguments else None))
        if "://" in text and " " not in text:
            self.process.fetch(text)
            self.process.emit(Kind.OPAQUE, "download-run")
            return HOLE
        if not text.replace(HOLE, "").strip() or text == self.text or self.depth > 20:
            return HOLE
        reader = _Reader(text, self.spec, self.process)
        reader.variables = self.variables
        reader.depth = self.depth + 4
        with nested(self.process.state.budget) as allowed:
            if allowed:
                self.out.append(reader.run())
        return HOLE

    def _fetch(self, arguments: list[Value], named: dict[str, Value], cloned: bool) -> bool:
        from jupyter_tos_guard.inspection.shell.process import fetch

        done = False
        for value in _flat(
            [*arguments[:3], *(v for k, v in named.items() if k in ("url", "repo", "uri", "destfile"))]
        ):
            text = _text(value)
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
            self.process.write(arguments[1], None, source=naming.canonical_url(_text(arguments[0])))
        return done

    def _install(self, arguments: list[Value], named: dict[str, Value]) -> None:
        for value in _flat([*arguments[:1], *(v for k, v in named.items() if k in ("name", "pkgs", "url"))]):
            text = _text(value)
            if "://" in text:
                from jupyter_tos_guard.inspection.shell.process import fetch

                fetch(text, self.process.state, self.process.origin, cloned=True)
            elif text and HOLE not in text:
                self.process.package(self.spec.ecosystem, text.split("@")[0])

    def _install_located(self, arguments: list[Value], named: dict[str, Value]) -> None:
        from jupyter_tos_guard.inspection.shell.process import fetch

        for value in _flat([*arguments[:1], *(v for k, v in named.items() if k in ("repo", "url", "pkg"))]):
            text = re.sub(r"^(?:github|gh)::", "", _text(value))
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


_END = _Token("", "", 0, 0)


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(_text(v) for v in value)
    return str(value)


def _flat(values: Sequence[Value]) -> list[Value]:
    out: list[Value] = []
    for value in values:
        if isinstance(value, list):
            out.extend(_flat(value))
        else:
            out.append(value)
    return out[:_MAX_ITEMS]


def _join(left: Value, right: Value, operator: str) -> Value:
    if isinstance(left, list) and isinstance(right, list):
        return [*left, *right][:_MAX_ITEMS]
    if isinstance(left, int) and isinstance(right, int):
        if operator in ("+", "*"):
            return left + right if operator == "+" else min(left * right, 1 << 60)
        return f"{left}{right}"
    if left is None or right is None:
        left, right = (HOLE if left is None else left), (HOLE if right is None else right)
    if operator == "*" and isinstance(right, int):
        text = _text(left)
        return (text * min(right, 1000, _MAX_TEXT // max(len(text), 1) + 1))[:_MAX_TEXT]
    return (_text(left) + _text(right))[: 1 << 18]


def _changed(value: Value, change: str) -> Value:
    """Perl's ``=~ tr/a/b/`` and ``=~ s/a/b/``."""
    found = re.match(r"=~\s*(tr|y|s)(.)", change)
    if found is None or not isinstance(value, str):
        return HOLE
    kind, delimiter = found.groups()
    parts = re.split(rf"(?<!\\){re.escape(delimiter)}", change[found.end() :])
    if len(parts) < 2:
        return HOLE
    if kind == "s":
        from jupyter_tos_guard.inspection.bounded_regex import affordable

        expression = affordable(parts[0], value)
        if expression is None:
            return HOLE
        replacement = re.sub(r"[$\\](\d)", r"\\g<\1>", parts[1])
        return expression.sub(replacement, value, 0 if "g" in parts[-1] else 1)
    first = tr_set(parts[0])
    second = tr_set(parts[1]) or first
    return value.translate(
        {ord(a): second[min(i, len(second) - 1)] for i, a in reversed(list(enumerate(first)))}
    )


# -- pure functions --------------------------------------------------------------------------------

_Pure = Callable[[Value, "list[Value]", "dict[str, Value]"], Value]


def _subject(receiver: Value, arguments: list[Value]) -> tuple[Value, list[Value]]:
    return (
        (receiver, arguments)
        if receiver not in (None, HOLE)
        else (arguments[0] if arguments else HOLE, arguments[1:])
    )


def _reverse(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    subject, _ = _subject(receiver, arguments)
    return subject[::-1] if isinstance(subject, (str, list)) else HOLE


def _join_list(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    if isinstance(receiver, list):
        return (_text(arguments[0]) if arguments else "").join(_text(v) for v in receiver)
    lists = [a for a in arguments if isinstance(a, list)]
    if isinstance(receiver, str) and receiver != HOLE:
        return receiver.join(_text(v) for v in _flat(arguments))
    if lists:
        separator = next((_text(a) for a in arguments if not isinstance(a, list)), "")
        return separator.join(_text(v) for v in lists[0])
    return _text(arguments[0]).join(_text(v) for v in arguments[1:]) if arguments else HOLE


def _split_text(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    subject, rest = _subject(receiver, arguments)
    separator = _text(rest[0]) if rest else " "
    if (
        receiver in (None, HOLE)
        and len(arguments) == 2
        and len(_text(arguments[0])) <= 2 < len(_text(arguments[1]))
    ):
        subject, separator = arguments[1], _text(arguments[0])
    text = _text(subject)
    return list(text) if not separator else list(text.split(separator))


def _paste(receiver: Value, arguments: list[Value], named: dict[str, Value], separator: str = " ") -> Value:
    separator = _text(named["sep"]) if "sep" in named else separator
    if "collapse" in named:
        return _text(named["collapse"]).join(_text(v) for v in _flat(arguments))
    return separator.join(_text(v) for v in _flat(arguments))


def _paste0(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    return _paste(receiver, arguments, named, "")


def _concat(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    if isinstance(receiver, list):
        return [*receiver, *_flat(arguments)]
    return _text(receiver) + "".join(_text(v) for v in _flat(arguments))


def _vector_of(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    return _flat([*arguments, *named.values()])


def _from_base64(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    subject, _ = _subject(receiver, arguments)
    return to_text(lenient_base64(_text(arguments[0] if arguments else subject).encode("latin-1", "ignore")))


def _from_hex(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    subject = arguments[-1] if arguments else receiver
    return to_text(binascii.unhexlify(re.sub(r"[^0-9a-fA-F]", "", _text(subject))))


def _pack(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    template = _text(arguments[0]) if arguments else ""
    values = _flat([receiver] if isinstance(receiver, list) else arguments[1:])
    if template.startswith(("H", "h")):
        return to_text(binascii.unhexlify(_text(values[0])))
    if template.startswith(("C", "c", "U", "W")):
        return "".join(chr(int(_text(v))) for v in values)
    if template.startswith(("A", "a")):
        return "".join(_text(v) for v in values)
    return HOLE


def _unpack(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    template = _text(arguments[0]) if arguments else ""
    subject = _text(receiver if receiver not in (None, HOLE) else arguments[-1])
    if template.startswith("m"):
        return to_text(lenient_base64(subject.encode("latin-1", "ignore")))
    if template.startswith("u"):
        return to_text(b"".join(binascii.a2b_uu(line) for line in subject.splitlines() if line))
    return HOLE


def _buffer(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    kind = _text(arguments[1]) if len(arguments) > 1 else ""
    if kind.startswith("base64"):
        return _from_base64(None, arguments[:1], {})
    if kind == "hex":
        return _from_hex(None, arguments[:1], {})
    if arguments and isinstance(arguments[0], list):
        return "".join(chr(int(_text(v))) for v in arguments[0])
    return arguments[0] if arguments else HOLE


def _characters(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    values = _flat(arguments) or _flat([receiver])
    return "".join(chr(v) if isinstance(v, int) and 0 <= v < 0x110000 else HOLE for v in values)


def _same(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    return receiver if receiver not in (None, HOLE) else arguments[0] if arguments else HOLE


def _case(change: Callable[[str], str]) -> _Pure:
    def apply(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
        return change(_text(_subject(receiver, arguments)[0]))

    return apply


def _replace(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    values = [_text(a) for a in arguments]
    if receiver not in (None, HOLE) and len(values) >= 2:
        return _text(receiver).replace(values[0].strip("/"), values[1])
    if len(values) >= 3:  # gsub(pattern, replacement, text), str_replace(old, new, text)
        return values[2].replace(values[0], values[1])
    return HOLE


def _part(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    subject, rest = _subject(receiver, arguments)
    numbers = [v for v in rest if isinstance(v, int)]
    if not isinstance(subject, (str, list)) or not numbers:
        return HOLE
    return subject[numbers[0] :] if len(numbers) == 1 else subject[numbers[0] : numbers[1]]


def _format(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    values = [_text(a) for a in ([receiver] if receiver not in (None, HOLE) else []) + arguments]
    if not values:
        return HOLE
    if "%" in values[0]:
        return printf(values)
    rest = iter(values[1:])
    return re.sub(r"\{\d*\}", lambda _: next(rest, HOLE), values[0])


def _rot13(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    text = _text(_subject(receiver, arguments)[0])
    plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return text.translate(str.maketrans(plain, plain[13:26] + plain[:13] + plain[39:] + plain[26:39]))


def _unquoted(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    return unquote(_text(_subject(receiver, arguments)[0]))


_PURE: dict[str, _Pure] = {
    **dict.fromkeys(
        ("reverse", "strrev", "rev", "reversed", "stri_reverse", "str_reverse", "reverse!"), _reverse
    ),
    **dict.fromkeys(("join", "implode", "str_c", "stri_join", "mkstring"), _join_list),
    **dict.fromkeys(("split", "explode", "strsplit", "chars"), _split_text),
    "paste": _paste,
    "paste0": _paste0,
    "concat": _concat,
    "strcat": _concat,
    **dict.fromkeys(("c", "list", "array", "vec", "vec!", "seq", "tuple"), _vector_of),
    **dict.fromkeys(
        (
            "atob",
            "decode_base64",
            "base64_decode",
            "base64decode",
            "decode64",
            "urlsafe_decode64",
            "strict_decode64",
            "base64_dec",
            "b64decode",
            "decodestring",
            "fromBase64".lower(),
            "frombase64string",
            "b64_decode",
            "decode64!",
        ),
        _from_base64,
    ),
    **dict.fromkeys(("hex2bin", "hex2bytes", "unhexlify", "fromhex", "decodehex", "hex2raw"), _from_hex),
    "pack": _pack,
    "unpack": _unpack,
    "unpack1": _unpack,
    **dict.fromkeys(("chr", "fromcharcode", "fromcodepoint", "inttoutf8", "char", "rawtochar"), _characters),
    **dict.fromkeys(
        (
            "tostring",
            "string",
            "as.character",
            "to_s",
            "decode",
            "str",
            "trim",
            "trimws",
            "strip",
            "chomp",
            "unlist",
            "as_str",
            "to_string",
            "into",
            "noquote",
            "shellquote",
            "string.new",
            "utf8decode",
            "collect",
            "escapeshellarg",
            "identity",
            "invisible",
            "ignorestatus",
            "shqoute",
        ),
        _same,
    ),
    **dict.fromkeys(
        ("tolower", "lowercase", "lower", "downcase", "tolowercase", "strtolower", "lc"), _case(str.lower)
    ),
    **dict.fromkeys(
        ("toupper", "uppercase", "upper", "upcase", "touppercase", "strtoupper", "uc"), _case(str.upper)
    ),
    **dict.fromkeys(
        (
            "replace",
            "replaceall",
            "gsub",
            "sub",
            "str_replace",
            "str_replace_all",
            "preg_replace",
            "tr",
            "delete",
        ),
        _replace,
    ),
    **dict.fromkeys(("slice", "substring"), _part),
    **dict.fromkeys(("sprintf", "format", "glue", "format!", "vsprintf"), _format),
    "str_rot13": _rot13,
    "rot13": _rot13,
    **dict.fromkeys(
        (
            "decodeuricomponent",
            "decodeuri",
            "unescape",
            "urldecode",
            "rawurldecode",
            "unquote",
            "cgi.unescape",
            "uri_decode",
            "decode_www_form_component",
        ),
        _unquoted,
    ),
    "frombuffer": _buffer,
}


def _from(receiver: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
    """``Buffer.from(x, kind)``, ``String::from(x)``, ``Array.from(x)``."""
    return _buffer(receiver, arguments, named)


_PURE["from"] = _from


# -- interpreters ----------------------------------------------------------------------------------

#: Interpreters: language; one-letter and long options with program text; other letters with a value.
_INTERPRETERS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "perl": ("perl", "eE", (), "ImMxCdD0"),
    "ruby": ("ruby", "e", (), "IrCEKWF"),
    "node": ("javascript", "ep", ("eval", "print"), "rC"),
    "deno": ("javascript", "", (), "r"),
    "bun": ("javascript", "e", ("eval", "print"), "r"),
    "ts-node": ("javascript", "ep", ("eval",), "rP"),
    "tsx": ("javascript", "ep", ("eval",), "r"),
    "php": ("php", "rBRE", ("run",), "cdfztS"),
    "lua": ("lua", "e", (), "l"),
    "r": ("r", "e", ("expression", "file"), "fg"),
    "rscript": ("r", "e", (), ""),
    "littler": ("r", "e", (), "lL"),
    "julia": ("julia", "eE", ("eval", "print", "project", "threads"), "JLptCgO"),
    "tclsh": ("tcl", "", (), ""),
    "expect": ("tcl", "c", (), "f"),
    "octave": ("octave", "", ("eval",), ""),
    "octave-cli": ("octave", "", ("eval",), ""),
    "matlab": ("octave", "r", (), ""),
    "elixir": ("elixir", "e", (), "rS"),
    "groovy": ("groovy", "e", (), ""),
    "scala": ("scala", "e", (), ""),
    "runghc": ("haskell", "e", (), ""),
    "ghc": ("haskell", "e", (), "o"),
    "emacs": ("lisp", "", ("eval",), "l"),
    "sbcl": ("lisp", "", ("eval", "load"), ""),
    "guile": ("lisp", "c", (), "l"),
    "racket": ("lisp", "e", (), ""),
    "nim": ("nim", "", ("eval",), ""),
    "crystal": ("ruby", "", (), ""),
}


def _interpreter(process: Process) -> str:
    """Run the program text, the file or the standard input of an interpreter."""
    name = process.name
    language, text_letters, text_longs, value_letters = _INTERPRETERS[name]
    texts: list[str] = []
    rest: list[str] = []
    arguments = process.arguments
    i = 0
    while i < len(arguments):
        argument = arguments[i]
        i += 1
        if argument.startswith("--"):
            option, equals, value = argument[2:].partition("=")
            if option in text_longs:
                if not equals and i < len(arguments):
                    value = arguments[i]
                    i += 1
                if option not in ("project", "threads", "load", "file"):
                    texts.append(value)
            continue
        if argument.startswith("-") and len(argument) > 1:
            for j, letter in enumerate(argument[1:], 2):
                if letter in text_letters:
                    value = argument[j:] if name not in ("perl", "node") else ""
                    if not value and i < len(arguments):
                        value = arguments[i]
                        i += 1
                    texts.append(value)
                    break
                if letter in value_letters:
                    i += 0 if argument[j:] or name == "perl" else 1
                    break
            continue
        rest = arguments[i - 1 :]
        break
    if name == "deno" and rest[:1] == ["eval"]:
        texts, rest = rest[1:2], []
    process.announce(hide=texts)
    if name == "deno" and rest[:1] == ["task"]:
        from jupyter_tos_guard.inspection.shell.wrappers import task_runner

        return task_runner(process)
    if name in ("deno", "bun", "crystal", "nim") and rest[:1] == ["run"]:
        rest = [a for a in rest[1:] if not a.startswith("-")]
    if texts:
        extra = _line_mode(process, "\n".join(texts)) if name in ("perl", "ruby") else None
        if extra is not None:
            return extra
        return foreign_output(process, "\n".join(texts), language, f"{name} -e") or ""
    if name == "r" and (path := next((a.split("=", 1)[1] for a in arguments if a.startswith("--file=")), "")):
        rest = [path]
    if rest and rest[0] not in ("-", "CMD", "/dev/stdin"):
        return run_source_file(process, rest[0], language)
    if rest[:1] == ["CMD"] and "INSTALL" in rest:
        for path in rest[2:]:
            file = process.file(path)
            if file is not None:
                emit_source(file.source, process.state, process.origin, path)
            process.package("cran", path.rsplit("/", 1)[-1].split("_")[0])
        return HOLE
    text = process.stdin.rest()
    if text.replace(HOLE, "").strip():
        return foreign_output(process, text, language, *process.stdin.steps, f"piped to {name}") or ""
    if process.stdin.piped and HOLE in text:
        process.emit(Kind.OPAQUE, "download-run" if process.stdin.source else "exec-unknown")
    return HOLE


def run_source_file(process: Process, path: str, language: str) -> str:
    """Run a source file of the session, or say where it is from."""
    from jupyter_tos_guard.inspection.paths import resolve

    if "://" in path:
        process.fetch(path)
        process.emit(Kind.OPAQUE, "download-run")
        return HOLE
    process.emit(Kind.FILE, resolve(path, process.state.cwd).lower())
    file = process.file(path)
    if file is None:
        return HOLE
    emit_source(file.source, process.state, process.origin, path)
    if file.content is None:
        if process.downloaded(path):
            process.emit(Kind.OPAQUE, "download-run")
        return HOLE
    return foreign_output(process, text_of(file.content), language, f"file {path}") or ""


def _line_mode(process: Process, text: str) -> str | None:
    """``perl -pe 's/a/b/'``, ``ruby -ne 'puts $_'``: text filters."""
    if not any(re.fullmatch(r"-[a-zA-Z0]*[pn][a-zA-Z0]*", a) for a in process.arguments):
        return None
    printing = any(re.fullmatch(r"-[a-zA-Z0]*p[a-zA-Z0]*", a) for a in process.arguments)
    source = process.stdin.rest()
    if not printing:
        if foreign_output(process, text, process.name, f"{process.name} -n") is None:
            return HOLE
        return source if re.search(r"\bprint\b|\bputs\b", text) else HOLE
    lines = source.removesuffix("\n").split("\n")
    statements = [s.strip() for s in text.split(";") if s.strip()]
    out = []
    for line in lines[:4000]:
        value: Value = line
        for statement in statements:
            if re.match(r"(?:tr|y|s)\W", statement):
                value = _changed(value, "=~ " + statement)
            elif re.fullmatch(r"\$_\s*=\s*(?:scalar\s+)?reverse\s*\(?\$?_?\)?", statement):
                value = _text(value)[::-1]
            else:
                return HOLE
        out.append(_text(value) + "\n")
    return "".join(out)


class _Console(NamedTuple):
    """A program with commands of its own, of which some start others."""

    commands: str  # options that give a command
    files: str  # options that give a file of commands
    shell: str  # regular expression of what stands before shell text


_VIM = _Console(
    "c cmd",
    "S s u",
    r"(?:sil\w*!?\s+|exe\w*\s+[\"']:?|r\w*\s*|w\w*\s*|te\w*\s*|[%.$,\d]+)*!|te(?:rm\w*)?\s+",
)
_CONSOLES = {
    **dict.fromkeys(("vim", "nvim", "vi", "view", "gvim", "ex", "rvim", "vimdiff"), _VIM),
    "gdb": _Console(
        "ex iex eval-command init-eval-command", "x ix command init-command", r"(?:shell|!|make|pipe)\s*"
    ),
    "lldb": _Console("o O one-line one-line-before-file", "s source", r"(?:platform\s+)?shell\s+"),
    "psql": _Console("c command", "f file", r"\\!\s*"),
    **dict.fromkeys(("mysql", "mariadb"), _Console("e execute", "", r"(?:system\s|\\!)\s*")),
    "gnuplot": _Console("e", "", r"!"),
}
_INNER_PYTHON = re.compile(r":?\s*py(?:3|thon3?|x)?\s+(.+)", re.DOTALL)


def _console(process: Process) -> str:
    """Run what the commands of an editor, a debugger or a database client start."""
    mention_addresses(process)
    spec = _CONSOLES[process.name]
    commands, files = spec.commands.split(), spec.files.split()
    texts: list[str] = []
    words = iter(process.arguments)
    for word in words:
        option, equals, value = word.lstrip("-").partition("=")
        if word[:1] != "-":
            texts.append(word.removeprefix("+"))
        elif option in commands:
            texts.append(value if equals else next(words, ""))
        elif option in files:
            texts += (process.read(value if equals else next(words, "")) or "").splitlines()[:500]
    process.announce(hide=[word for word in process.arguments if word in texts or " " in word])
    texts += process.stdin.rest().splitlines()[:500]
    for text in texts:
        if found := re.match(rf"[:\s]*(?:{spec.shell})(.+)", text, re.DOTALL):
            command = found.group(1)
            process.shell(command.rstrip("\"'") if "exe" in found.group()[:6] else command, process.name)
        elif found := _INNER_PYTHON.match(text):
            process.python(found.group(1), process.name)
        elif "system" in text:
            foreign_output(process, text, "other", process.name)
    return HOLE


_POWERSHELL_JOINED = re.compile(r"\(?\s*((?:'[^']*'|\"[^\"]*\")(?:\s*\+\s*(?:'[^']*'|\"[^\"]*\"))+)\s*\)?")
_POWERSHELL_VARIABLE = re.compile(r"(?<!^)\$\{?(\w+)\}?(?!\s*=)")
_POWERSHELL_FETCH = re.compile(
    r"\b(?:iwr|irm|invoke-(?:webrequest|restmethod)|downloadstring|downloadfile)\b", re.I
)


def _powershell(process: Process) -> str:
    """``pwsh -Command text``: variables, joined strings, programs and downloads."""
    arguments = process.arguments
    at = next((i for i, each in enumerate(arguments) if each[:2].lower() in ("-c", "-e", "-f")), None)
    if at is None or at + 1 >= len(arguments):
        text = process.stdin.rest()
    elif arguments[at][:2].lower() == "-c":
        text = " ".join(arguments[at + 1 :])
    elif arguments[at][:2].lower() == "-f":
        text = process.read(arguments[at + 1]) or ""
    else:
        text = lenient_base64(arguments[at + 1].encode("ascii", "replace")).decode("utf-16-le", "replace")
    process.announce(hide=[each for each in arguments if len(each) > 40 or " " in each])
    known: dict[str, str] = {}
    for statement in re.split(r"[\n;]", text)[:500]:
        statement = fill_in(_POWERSHELL_VARIABLE, " " + statement, lambda name: known.get(name.lower()))
        process.state.budget.spend(4 + len(statement) // 64)
        statement = _POWERSHELL_JOINED.sub(
            lambda found: (
                "'" + "".join(a or b for a, b in re.findall(r"'([^']*)'|\"([^\"]*)\"", found.group(1))) + "'"
            ),
            statement,
        ).strip()
        if assigned := re.match(r"\$(\w+)\s*=\s*(.*)", statement):
            known[assigned.group(1).lower()] = assigned.group(2).strip("'\"")[:MAX_FILLED]
        elif _POWERSHELL_FETCH.search(statement):
            for url in re.findall(r"https?://[^\s'\"()|]+", statement):
                process.fetch(url)
        elif evaluated := re.match(r"(?:iex|invoke-expression)\s+['\"]?(.*?)['\"]?$", statement, re.I):
            process.shell(evaluated.group(1), process.name)
        elif statement:
            process.shell(statement.removeprefix("&").removeprefix("."), process.name)
    return HOLE


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_INTERPRETERS, _interpreter),
    **dict.fromkeys(_CONSOLES, _console),
    **dict.fromkeys(("pwsh", "powershell"), _powershell),
}
