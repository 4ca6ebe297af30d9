"""Files: what is written, read, moved, packed and unpacked, and the environment's variables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.python import library, methods
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.carriers import tables
from jupyter_tos_guard.inspection.python.effects.processes import argv, decoded, feed, report_variable
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Array,
    Namespace,
    Native,
    Path,
    Process,
    Stream,
    Symbol,
    Value,
    either,
)
from jupyter_tos_guard.inspection.state import File

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def save(
    self: Evaluator, path: str, content: str | bytes | None, source: str = "", append: bool = False
) -> None:
    """Write a file."""
    from jupyter_tos_guard.inspection.shell import process

    if HOLE in path:
        # The folder is not known, the name may be: sitecustomize.py in whatever site-packages.
        name = path.rpartition("/")[2]
        if not name or HOLE in name:
            return
        path = name if path.startswith(HOLE) else path
    text = content.decode("utf-8", "surrogateescape") if type(content) is bytes else content
    assert text is None or isinstance(text, str)
    process.write_file(path, text, self.state, self.origin_of(self.node), append=append, source=source)
    key = resolve(path, self.state.cwd)
    written = self.state.files.get(key)
    if type(content) is bytes and written is not None and not append:
        written.content = content


def open_file(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``open``."""
    from jupyter_tos_guard.inspection.shell import process

    target = argument(arguments, keywords, 0, "file", "path", "filename", "name")
    mode = argument(arguments, keywords, 1, "mode") or "r"
    if type(mode) is not str:
        mode = "r"
    path = self.text(target) if target is not None else HOLE
    file = process.find_file(path, self.state) if HOLE not in path else None
    if "w" in mode or "x" in mode:
        if path and HOLE not in path and not self.cold:
            self.emit(Kind.FILE, path.lower(), self.node)
        return Stream(path, mode, b"" if "b" in mode else "")
    if "a" in mode:
        content = (
            file.content if file is not None and file.content is not None else (b"" if "b" in mode else "")
        )
        stream = Stream(path, mode, content)
        stream.position = len(content)
        return stream
    if file is None:
        return Stream(path, mode, None)
    stream = Stream(path, mode, file.content, file.source)
    if file.content is None and file.source:
        return Symbol("urllib.request.urlopen", True, ([file.source], {}))
    return stream


def _memory(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``io.StringIO`` and ``io.BytesIO``."""
    value = first_argument(arguments, b"" if symbol.name.endswith("BytesIO") else "")
    if type(value) in (str, bytes, bytearray):
        content = bytes(value) if type(value) is bytearray else value
        return Stream("", "w+b" if type(content) is bytes else "w+", content)
    if type(value) is Symbol:
        return value
    return Stream("", "w+", None)


def _compressed_open(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``gzip.open``, ``gzip.GzipFile(fileobj=…)`` and their kin."""
    source = keywords.get("fileobj", first_argument(arguments))
    if type(source) in (str, Path):
        source = open_file(self, symbol, [source, "rb"], {})
    mode = argument(arguments, keywords, 1, "mode") or "rb"
    if type(mode) is str and "w" in mode:
        return Stream("", "wb", b"")
    data = library.stream_read(source) if type(source) is Stream else source
    if type(data) is bytes:
        try:
            made = library.inflate(self, symbol.name.partition(".")[0], data)
        except Exception:
            return Stream("", "rb", None)
        self.note(made, symbol.name.partition(".")[0], data)
        return Stream("", mode if type(mode) is str else "rb", made)
    return source if type(source) is Symbol else Stream("", "rb", None)


def _dump(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``json.dump(value, file)`` and its kin."""
    if len(arguments) > 1:
        text = HOLE
        if symbol.name.startswith("json"):
            text = self.text(library.pure(self, "json.dumps", [as_plain(arguments[0])], {}))
        stream = arguments[1]
        if type(stream) is Stream:
            methods.write(self, stream, text)
        elif type(stream) in (str, Path):
            save(self, self.text(stream), text)
    return None


def _load(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``json.load(file)``, ``tomllib.load(file)``."""
    stream = first_argument(arguments)
    data = library.stream_read(stream) if type(stream) is Stream else UNKNOWN
    if type(data) in (str, bytes):
        return library.pure(self, f"{symbol.name}s", [decoded(data)], {})
    return data


def as_plain(value: Value) -> Value:
    """Return a notebook or namespace as dictionaries."""
    if type(value) is Namespace:
        return {str(key): as_plain(each) for key, each in value.attributes.items()}
    if type(value) in (list, tuple):
        return [as_plain(each) for each in value]
    if type(value) is dict:
        return {key: as_plain(each) for key, each in value.items()}
    return value


def _move(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Copy, move, link: what ``mv`` and its kin do."""
    word = symbol.name.rpartition(".")[2]
    program = {"copy": "cp", "copy2": "cp", "copyfile": "cp", "copytree": "cp", "move": "mv", "rename": "mv",
               "renames": "mv", "replace": "mv", "symlink": "ln", "link": "ln"}.get(word, "cp")  # fmt: skip
    options = ["-s"] if word == "symlink" else ["-r"] if word == "copytree" else []
    words = [self.text(each) for each in arguments[:2]]
    words += [self.text(keywords[name]) for name in ("src", "dst") if name in keywords]
    if len(words) == 2 and HOLE not in words[0]:
        argv(self, [program, *options, *words])
    return arguments[1] if len(arguments) > 1 else UNKNOWN


def _chmod(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    path = self.text(first_argument(arguments))
    mode = arguments[1] if len(arguments) > 1 else keywords.get("mode")
    if HOLE not in path and path:
        argv(self, ["chmod", format(mode, "o") if type(mode) is int else "+x", path])
    return None


def _remove(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    path = self.text(first_argument(arguments, keywords.get("path", UNKNOWN)))
    if HOLE not in path and path:
        argv(self, ["rm", "-rf", path])
    return None


def _chdir(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    path = self.text(first_argument(arguments))
    self.state.cwd = resolve(path, self.state.cwd) if HOLE not in path else ""
    return None


def _putenv(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) > 1:
        self.state.environ[self.text(arguments[0])] = self.text(arguments[1])
        report_variable(self, self.text(arguments[0]), self.text(arguments[1]))
    return None


def _environ_update(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    values = dict(arguments[0]) if arguments and type(arguments[0]) is dict else {}
    for key, each in {**values, **keywords}.items():
        self.state.environ[self.text(key)] = self.text(each)
        report_variable(self, self.text(key), self.text(each))
    return None


def load_dotenv(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``dotenv.load_dotenv(path)`` and ``dotenv_values``: lines ``NAME=value`` of a file."""
    from jupyter_tos_guard.inspection.shell import process

    path = self.text(argument(arguments, keywords, 0, "dotenv_path") or ".env")
    file = process.find_file(path, self.state)
    text = process.text_of(file.content) if file is not None and file.content else ""
    values: dict[Value, Value] = {}
    for line in text.splitlines()[:500]:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        value = value.strip()
        if equals and re.fullmatch(r"[\w.]+", name := name.strip()):
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            values[name] = value[1:-1] if quoted else value.partition(" #")[0].rstrip()
    if symbol.name.endswith("dotenv_values"):
        return values
    _environ_update(self, symbol, [values], {})
    return True


def _getenv(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    name = self.text(first_argument(arguments))
    if name in self.state.environ:
        return self.state.environ[name]
    if len(arguments) > 1 and arguments[1] is not None:
        return either([arguments[1], UNKNOWN]) if type(arguments[1]) is not str else arguments[1]
    return UNKNOWN


def _environ_default(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) > 1 and self.text(arguments[0]) not in self.state.environ:
        _putenv(self, symbol, arguments, keywords)
    return _getenv(self, symbol, arguments[:1], keywords)


def _environ_part(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``os.environ.items()``: the variables that are known."""
    word = symbol.name.rpartition(".")[2]
    known = list(getattr(self.state.environ, word)())
    return known or [(UNKNOWN, UNKNOWN) if word == "items" else UNKNOWN]


def _expand(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    text = self.text(first_argument(arguments))
    if symbol.name.endswith("expandvars"):
        environ = self.state.environ
        return re.sub(
            r"\$(?:(\w+)|\{(\w+)\})", lambda m: environ.get(m.group(1) or m.group(2), m.group()), text
        )
    return text


def _make_path(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if not arguments:
        return Path(".")
    return library.path_join([self.text(each) for each in arguments])


def _home(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return Path("~" if symbol.name.endswith("home") else self.state.cwd or ".")


def _path_hole(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Return a path that only running would tell: a temporary file, the site folder."""
    word = symbol.name.rpartition(".")[2]
    suffix = self.text(keywords.get("suffix", "")) if keywords.get("suffix") is not None else ""
    key = f"/tmp/{HOLE}{len(self.state.files)}{suffix}".replace(HOLE, "tmp")  # noqa: S108 - a name, not a file
    if word in ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile"):
        mode = argument(arguments, keywords, 0, "mode")
        mode = mode if type(mode) is str else "w+b"
        return Stream(key, mode, b"" if "b" in mode else "")
    if word == "mkstemp":
        return (Stream(key, "w", ""), key)
    return HOLE if word.startswith(("getsite", "getusersite", "get_path")) else key


def _getcwd(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return self.state.cwd or "."


def _os_open(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    path = self.text(first_argument(arguments))
    return Stream(path, "wb", b"")


def _memory_file(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``os.memfd_create``: a file that has a number only."""
    return Stream(f"/dev/fd/{100 + len(self.state.files)}", "wb", b"")


def _fd(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``os.write(fd, data)`` and ``os.fdopen(fd)``."""
    stream = first_argument(arguments)
    if type(stream) is Stream:
        if symbol.name.endswith("write") and len(arguments) > 1:
            methods.write(self, stream, arguments[1])
        elif symbol.name.endswith("fdopen"):
            return stream
        elif symbol.name.endswith("read"):
            return library.stream_read(stream)
    elif type(stream) is Process and len(arguments) > 1:
        feed(self, stream, self.text(decoded(arguments[1])))
    return UNKNOWN


def _pipe(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``os.pipe()``: what is written at one end is read at the other."""
    stream = Stream("", "pipe", b"")
    return (stream, stream)


def path_method(self: Evaluator, path: Path, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a method of a ``pathlib`` path."""
    from jupyter_tos_guard.inspection.python.effects import folders

    text = path.text
    if name in ("write_text", "write_bytes"):
        data = first_argument(arguments, keywords.get("data", UNKNOWN))
        stream = Stream(text, "wb" if name == "write_bytes" else "w", b"" if name == "write_bytes" else "")
        methods.write(self, stream, data)
        return UNKNOWN
    if name in ("read_text", "read_bytes"):
        stream = open_file(self, Symbol("builtins.open"), [text, "rb" if name == "read_bytes" else "r"], {})
        return library.stream_read(stream) if type(stream) is Stream else stream
    if name == "open":
        return open_file(self, Symbol("builtins.open"), [text, *arguments], keywords)
    if name in ("expanduser", "resolve", "absolute", "as_posix", "__str__", "__fspath__"):
        return text if name in ("as_posix", "__str__", "__fspath__") else path
    if name in ("joinpath", "__truediv__"):
        return library.path_join([text, *[self.text(each) for each in arguments]])
    if name in (
        "with_name",
        "with_suffix",
        "with_stem",
        "rename",
        "replace",
        "symlink_to",
        "hardlink_to",
        "link_to",
    ):
        other = self.text(first_argument(arguments))
        if name in ("rename", "replace"):
            _move(self, Symbol("os.rename"), [text, other], {})
            return Path(other)
        if name.endswith("_to"):
            _move(self, Symbol("os.symlink"), [other, text], {})
            return None
        head, _, tail = text.rpartition("/")
        stem, suffix = library.split_suffix(tail)
        made = {"with_suffix": stem + other, "with_stem": other + suffix}.get(name, other)
        return Path(f"{head}/{made}" if head else made)
    if name == "relative_to":
        return Path(text.removeprefix(self.text(first_argument(arguments)).rstrip("/") + "/"))
    if name == "chmod":
        return _chmod(self, Symbol("os.chmod"), [text, *arguments], keywords)
    if name in ("unlink", "rmdir"):
        return _remove(self, Symbol("os.remove"), [text], {})
    if name in ("is_file", "is_dir"):
        return folders.is_kind(self, text, name == "is_dir")
    if name in ("exists", "stat", "samefile"):
        return UNKNOWN
    if name in ("glob", "rglob", "iterdir"):
        return folders.entries(self, path, name, *arguments[:1])
    if name in ("split", "startswith", "endswith", "format", "replace", "strip"):
        return self.call(self.attribute(text, name), arguments, keywords)
    if name == "mkdir":
        return folders.make(self, text)
    if name == "touch":
        return None
    return UNKNOWN


def _archive(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``zipfile.ZipFile`` and ``tarfile.open``: made in memory, known, or a file of the session's."""
    from jupyter_tos_guard.inspection.python import decoding
    from jupyter_tos_guard.inspection.shell.wrappers import members_of

    members: dict[str, bytes] = {}
    source = keywords.get("fileobj", argument(arguments, keywords, 0, "file", "name"))
    mode = argument(arguments, keywords, 1, "mode") or "r"
    if type(source) in (str, Path):
        name = self.text(source)
        if type(mode) is str and "w" in mode:
            source = Stream(name, "wb", b"")
        else:
            source = open_file(self, Symbol("builtins.open"), [name, "rb"], {})
            if type(source) is Stream and source.content is None:  # the session packed it, member by member
                members = {
                    inner: text.encode() if isinstance(text := file.content, str) else text
                    for inner, file in members_of(name, self.state).items()
                    if file.content is not None
                }
                source.content = b"" if members else None
    if type(source) is Stream and source.content is not None:
        return decoding.archive(self, source, symbol.name.startswith("tarfile"), members)
    return Symbol(symbol.name, True, (arguments, keywords))


def _unpack(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``shutil.unpack_archive(file, folder)``; ``.extractall(folder, pwd=…)`` of an unknown archive."""
    from jupyter_tos_guard.inspection.shell import process

    if symbol.details and symbol.details[0]:
        name, folder = (
            self.text(symbol.details[0][0]),
            self.text(argument(arguments, keywords, 0, "path") or "."),
        )
        if keywords.get("pwd") is not None or (len(arguments) > 2 and arguments[2] is not None):
            self.opaque("encrypted-archive", self.node)
            self.state.files[resolve(folder, self.state.cwd)] = File(None, "encrypted-archive")
            return None
    else:
        name = self.text(first_argument(arguments))
        folder = self.text(argument(arguments, keywords, 1, "extract_dir") or ".")
    file = process.find_file(name, self.state)
    if file is not None and file.source and HOLE not in folder:
        self.state.files[resolve(folder, self.state.cwd)] = File(None, file.source)
    return None


def _shelf(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``shelve.open(path)``: a dictionary that another cell finds again."""
    path = self.text(first_argument(arguments, keywords.get("filename", "")))
    kept = self.session.patched
    if len(kept) < 256:
        return kept.setdefault(f"shelf {path}", {})
    return {}


def _csv_rows(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    lines = [self.text(each).rstrip("\r\n") for each in self.items(first_argument(arguments, []))]
    delimiter = keywords.get("delimiter", ",")
    if type(delimiter) is not str or len(delimiter) != 1:
        return UNKNOWN
    try:
        rows = list(library.stdlib("csv").reader(lines, delimiter=delimiter))
    except Exception:
        return UNKNOWN
    if symbol.name.endswith("DictReader") and rows:
        return [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
    return rows


def _write_rows(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``csv.writer(file)``."""
    stream = first_argument(arguments)
    delimiter, end = keywords.get("delimiter", ","), keywords.get("lineterminator", "\r\n")
    if type(stream) is not Stream:
        return Symbol(symbol.name, True)

    def write(rows: Sequence[Value]) -> None:
        now = self.current()
        for row in rows:
            methods.write(
                now, stream, now.text(delimiter).join(map(now.text, now.items(row))) + now.text(end)
            )

    return Namespace(
        "writer",
        {
            "writerow": Native(lambda given, named: write(given[:1])),
            "writerows": Native(lambda given, named: write(self.current().items(first_argument(given, [])))),
        },
    )


def _save_text(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``numpy.savetxt(path, rows)`` and ``table.to_csv(path)``."""
    if symbol.name.endswith("savetxt"):
        path, rows = first_argument(arguments), self.items(arguments[1]) if len(arguments) > 1 else []
    else:
        path = first_argument(arguments, keywords.get("path_or_buf", UNKNOWN))
        rows = tables.table_rows(self, symbol, keywords)
    between = keywords.get("sep", keywords.get("delimiter", "," if "csv" in symbol.name else " "))
    lines = [
        self.text(between).join(map(self.text, row if type(row) in (list, tuple, Array) else [row]))
        for row in rows
    ]
    text = "".join(f"{line}\n" for line in lines)
    if type(path) is Stream:
        methods.write(self, path, text)
    elif type(path) in (str, Path) and lines:
        save(self, self.text(path), text)
    return None if path is not UNKNOWN else text


HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        "shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move os.rename "
        "os.renames os.replace os.symlink os.link".split(),
        _move,
    ),
    "os.chmod": _chmod,
    "os.lchmod": _chmod,
    **dict.fromkeys("os.remove os.unlink shutil.rmtree os.rmdir".split(), _remove),
    "os.chdir": _chdir,
    "os.putenv": _putenv,
    "os.environ.update": _environ_update,
    "os.environ.setdefault": _environ_default,
    "os.environ.copy": lambda self, symbol, arguments, keywords: dict(self.state.environ),
    **dict.fromkeys([f"os.environ.{word}" for word in ("items", "keys", "values")], _environ_part),
    "os.environ.__setitem__": _putenv,
    "os.environ.get": _getenv,
    "os.environ.pop": _getenv,
    "os.getenv": _getenv,
    "os.path.expandvars": _expand,
    "os.path.expanduser": _expand,
    "os.path.abspath": _expand,
    "os.path.realpath": _expand,
    "builtins.open": open_file,
    "os.open": _os_open,
    "os.write": _fd,
    "os.read": _fd,
    "os.fdopen": _fd,
    "os.pipe": _pipe,
    "io.StringIO": _memory,
    "io.BytesIO": _memory,
    "io.TextIOWrapper": lambda self, symbol, arguments, keywords: first_argument(arguments),
    **dict.fromkeys(
        "gzip.open gzip.GzipFile bz2.open bz2.BZ2File lzma.open lzma.LZMAFile".split(), _compressed_open
    ),
    "json.dump": _dump,
    "json.load": _load,
    "tomllib.load": _load,
    "shutil.unpack_archive": _unpack,
    "zipfile.ZipFile.extractall": _unpack,
    "zipfile.ZipFile.extract": _unpack,
    "tarfile.open.extractall": _unpack,
    "zipfile.ZipFile": _archive,
    "tarfile.open": _archive,
    "tarfile.TarFile": _archive,
    **dict.fromkeys(
        "pathlib.Path pathlib.PosixPath pathlib.PurePath pathlib.PurePosixPath".split(), _make_path
    ),
    "pathlib.Path.home": _home,
    "pathlib.Path.cwd": _home,
    "os.getcwd": _getcwd,
    **dict.fromkeys(
        "tempfile.mkdtemp tempfile.mkstemp tempfile.mktemp tempfile.NamedTemporaryFile "
        "tempfile.gettempdir tempfile.TemporaryDirectory tempfile.TemporaryFile "
        "tempfile.SpooledTemporaryFile site.getusersitepackages "
        "sysconfig.get_path".split(),
        _path_hole,
    ),
    "shelve.open": _shelf,
    "dbm.open": _shelf,
    "csv.reader": _csv_rows,
    "csv.DictReader": _csv_rows,
    "csv.writer": _write_rows,
    "numpy.savetxt": _save_text,
    **dict.fromkeys([f"{each}.to_csv" for each in ("pandas.Series", *tables.TABLES)], _save_text),
    "os.memfd_create": _memory_file,
    "dotenv.load_dotenv": load_dotenv,
    "dotenv.main.load_dotenv": load_dotenv,
    "dotenv.dotenv_values": load_dotenv,
}
