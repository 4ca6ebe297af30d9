"""Folders: which of the session's files are in them, by name, by pattern, by package."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.carriers.given import native
from jupyter_tos_guard.inspection.python.effects.files import open_file
from jupyter_tos_guard.inspection.python.values import UNKNOWN, Namespace, Path, Stream, Symbol, Value

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator
    from jupyter_tos_guard.inspection.shell.expansion import Pattern

#: Known files that are looked through.
_MAX_FILES: Final = 2000
_MAGIC: Final = re.compile(r"[*?\[]")


def _below(self: Evaluator, folder: str) -> dict[str, bool]:
    """Paths below ``folder`` of which the session knows, and whether each is a folder."""
    base = resolve(folder or ".", self.state.cwd)
    start = "" if base == "." else base.rstrip("/") + "/"
    found: dict[str, bool] = {}
    if HOLE in folder:
        return found
    for key in list(self.state.files)[:_MAX_FILES]:
        rest = key[len(start) :]
        if not key.startswith(start or rest) or not rest or "*" in rest or rest.startswith(("/", "~")):
            continue
        parts = rest.split("/")
        for depth in range(1, min(len(parts), 16)):
            found["/".join(parts[:depth])] = True
        if parts[-1]:
            found.setdefault(rest, False)
    self.budget.spend(len(self.state.files) // 8 + 1)
    # What the session did not make may hold more.
    if found and f"{base}/" not in self.state.files:
        found[HOLE] = False
    return found


def _chosen(self: Evaluator, folder: str, pattern: str, *, hidden: bool = True) -> list[str]:
    """Paths below ``folder`` that a pattern fits."""
    from jupyter_tos_guard.inspection.shell.expansion import Pattern

    wanted = [each for each in pattern.split("/") if each][:32]
    steps = [(each, Pattern(each)) for each in wanted]
    found = _below(self, folder)
    self.budget.spend(len(found) * (1 + len(pattern) // 16))
    return sorted(each for each in found if each == HOLE or _fits(each.split("/"), steps, hidden))


def _fits(parts: list[str], steps: list[tuple[str, Pattern]], hidden: bool) -> bool:
    places = {0}
    for text, pattern in steps:
        if text == "**":
            places = set(range(min(places), len(parts) + 1)) if places else places
            continue
        places = {
            at + 1
            for at in places
            if at < len(parts)
            and (hidden or parts[at][:1] != "." or text[:1] == ".")
            and pattern.matches(parts[at])
        }
    return len(parts) in places


def entries(self: Evaluator, folder: Path, name: str, pattern: Value = "*") -> Value:
    """``folder.iterdir()``, ``folder.glob(pattern)``, ``folder.rglob(pattern)``."""
    text = self.text(pattern)
    found = _chosen(self, folder.text, f"**/{text}" if name == "rglob" else text)
    return [library.path_join([folder.text, each]) for each in found or [HOLE]]


def is_kind(self: Evaluator, path: str, folder: bool) -> Value:
    """Whether a path is a folder, or a file; known of what the session made."""
    key = resolve(path, self.state.cwd)
    file = self.state.files.get(key)
    if file is not None and file.content is not None:
        return not folder
    self.budget.spend(len(self.state.files) // 8 + 1)
    known = any(each.startswith(f"{key}/") for each in list(self.state.files)[:_MAX_FILES])
    return folder if known and HOLE not in path else UNKNOWN


def _is_kind(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return is_kind(self, self.text(first_argument(arguments)), symbol.name.endswith("isdir"))


def _list(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``os.listdir(folder)`` and ``os.scandir``."""
    folder = self.text(argument(arguments, keywords, 0, "path") or ".")
    found = _chosen(self, folder, "*")
    if not found:
        return Symbol(symbol.name, True, (arguments, keywords))
    if symbol.name.endswith("listdir"):
        return found
    return [_entry(self, folder, each) for each in found]


def _entry(self: Evaluator, folder: str, name: str) -> Value:
    path = library.path_join([folder, name]).text
    return Namespace(
        "entry",
        {
            "name": name,
            "path": path,
            "is_dir": native(lambda given: is_kind(self.current(), path, True)),
            "is_file": native(lambda given: is_kind(self.current(), path, False)),
        },
    )


def _walk(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``os.walk(folder)``."""
    top = self.text(first_argument(arguments, keywords.get("top", ".")))
    found = _below(self, top)
    if not found:
        return Symbol(symbol.name, True, (arguments, keywords))
    rows: list[Value] = []
    for folder in ["", *sorted(each for each, is_folder in found.items() if is_folder)]:
        start = f"{folder}/" if folder else ""
        here = [
            each
            for each in sorted(found)
            if each.startswith(start) and "/" not in each[len(start) :] and each
        ]
        self.budget.spend(len(found) // 8 + 1)
        names: list[list[str]] = [[], []]
        for each in here:
            names[not found[each]].append(each[len(start) :])
        rows.append((library.path_join([top, folder]).text if folder else top, *names))
    return rows


def _glob(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``glob.glob(pattern)``: what stands before its first sign is a folder."""
    pattern = self.text(first_argument(arguments, keywords.get("pathname", UNKNOWN)))
    root = keywords.get("root_dir")
    head = _MAGIC.split(pattern, maxsplit=1)[0].rpartition("/")
    below = library.path_join([self.text(root), head[0]]).text if root is not None else head[0] + head[1]
    found = _chosen(self, below, pattern[len(head[0] + head[1]) :], hidden=False)
    if not found or HOLE in pattern:
        return Symbol(symbol.name, True, (arguments, keywords))
    return [head[0] + head[1] + each for each in found]


def make(self: Evaluator, path: str) -> None:
    """Make a folder."""
    from jupyter_tos_guard.inspection.shell.process import make_folder

    if HOLE not in path:
        make_folder(path, self.state)


def _make(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``os.makedirs(path)``."""
    return make(self, self.text(argument(arguments, keywords, 0, "name", "path") or HOLE))


def _package_folder(self: Evaluator, package: Value) -> str:
    """Folder of a package that the session wrote, empty if it wrote none."""
    name = package.name if type(package) is Namespace else package
    if type(name) is not str or not name:
        return ""
    tail = name.replace(".", "/")
    for path in list(self.state.files)[:_MAX_FILES]:
        for end in (f"{tail}/__init__.py", f"{tail}.py"):
            if path == end or path.endswith(f"/{end}"):
                return path.rpartition("/")[0] or "."
    return ""


def _resource(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pkgutil.get_data(package, name)``, ``importlib.resources.read_text`` and ``files``."""
    word = symbol.name.rpartition(".")[2]
    folder = _package_folder(self, argument(arguments, keywords, 0, "package", "anchor"))
    if not folder:
        return Symbol(symbol.name, True, (arguments, keywords))
    if word == "files":
        return Path(folder)
    names = [self.text(each) for each in (arguments[1:] or [keywords.get("resource", UNKNOWN)])]
    path = library.path_join([folder, *(names if word != "get_data" else names[:1])])
    if word == "path":
        return path
    stream = open_file(self, symbol, [path, "r" if word.endswith("text") else "rb"], {})
    if word.startswith("open") or type(stream) is not Stream:
        return stream
    content = library.stream_read(stream)
    return content.encode() if type(content) is str and stream.binary else content


HANDLERS: Final[dict[str, Any]] = {
    "os.listdir": _list,
    "os.scandir": _list,
    "os.walk": _walk,
    "glob.glob": _glob,
    "glob.iglob": _glob,
    **dict.fromkeys("os.mkdir os.makedirs".split(), _make),
    **dict.fromkeys("os.path.isdir os.path.isfile".split(), _is_kind),
    "pkgutil.get_data": _resource,
    **dict.fromkeys(
        [
            f"importlib.resources.{word}"
            for word in "files path read_text read_binary open_text open_binary".split()
        ],
        _resource,
    ),
}
