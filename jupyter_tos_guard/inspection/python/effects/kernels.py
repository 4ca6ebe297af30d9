"""Other kernels, notebooks and front ends."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python import library, methods
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.effects.files import as_plain, open_file, save
from jupyter_tos_guard.inspection.python.effects.processes import decoded
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Namespace,
    Path,
    Stream,
    Symbol,
    Value,
    is_plain,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def kernel_execute(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``client.execute(code)``: another kernel runs it."""
    from jupyter_tos_guard.inspection.python import magics

    text = argument(arguments, keywords, 0, "code", "source")
    if text is not None:
        made = self.text(decoded(text))
        if made.replace(HOLE, "").strip():
            magics.run_nested(self, made, (symbol.name.partition(".")[0],), fresh=True)
        elif made:
            self.opaque("exec-unknown", self.node, symbol.name.partition(".")[0])
    return Symbol(symbol.name, True)


def _new_notebook(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    cells = keywords.get("cells", [])
    return Namespace(
        "notebook",
        {
            "cells": cells if type(cells) is list else self.items(cells),
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
    )


def _new_cell(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    kind = "code" if "code" in symbol.name else "markdown"
    source = argument(arguments, keywords, 0, "source", "input") or ""
    return Namespace(
        "cell", {"cell_type": kind, "source": source, "metadata": keywords.get("metadata", {}), "outputs": []}
    )


def _write_notebook(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    notebook, target = argument(arguments, keywords, 0, "nb"), argument(arguments, keywords, 1, "fp")
    text = json.dumps(as_plain(notebook), default=self.text)
    if symbol.name.endswith("writes"):
        return text
    if type(target) is Stream:
        methods.write(self, target, text)
    elif target is not None:
        save(self, self.text(target), text)
    return None


def _read_notebook(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    value = first_argument(arguments)
    if symbol.name.endswith(("reads", "from_dict")):
        data: Value = value
    else:
        stream = value if type(value) is Stream else open_file(self, symbol, [value], {})
        data = library.stream_read(stream) if type(stream) is Stream else UNKNOWN
    if type(data) in (str, bytes):
        data = library.pure(self, "json.loads", [data], {})
    return _as_namespace(data) if type(data) is dict else UNKNOWN


def _as_namespace(value: Value) -> Value:
    if type(value) is dict:
        return Namespace("node", {key: _as_namespace(each) for key, each in value.items()})
    if type(value) is list:
        return [_as_namespace(each) for each in value]
    return value


def _execute_notebook(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """nbclient, nbconvert and papermill run a notebook."""
    given: Value = argument(arguments, keywords, 2, "parameters") if "papermill" in symbol.name else None
    for each in [*(symbol.details[0] if symbol.details else []), *arguments, *keywords.values()]:
        if type(each) is Stream:
            each = library.stream_read(each)
        if type(each) in (str, Path) and self.text(each).endswith(".ipynb"):
            from jupyter_tos_guard.inspection.shell import process

            file = process.find_file(self.text(each), self.state)
            if file is not None and file.content is not None:
                each = _as_namespace(library.pure(self, "json.loads", [file.content], {}))
            elif file is not None and file.source:
                self.opaque("download-run", self.node)
        if type(each) is dict:
            each = _as_namespace(each)
        if type(each) is Namespace and type(each.attributes.get("cells")) is list:
            run_notebook(self, _with_parameters(self, each.attributes["cells"], given))
    return Symbol(symbol.name, True)


def _with_parameters(self: Evaluator, cells: list[Value], parameters: Value) -> list[Value]:
    """Cells with assignments behind the one that is tagged for them, else before the first."""
    if type(parameters) is not dict:
        return cells
    lines = [f"{self.text(name)} = {each!r}\n" for name, each in parameters.items() if is_plain(each)]
    metadata = [as_plain(each).get("metadata") if type(each) in (dict, Namespace) else None for each in cells]
    tags = [each.get("tags", ()) if type(each) is dict else () for each in metadata]
    index = next((number for number, each in enumerate(tags, 1) if "parameters" in each), 0)
    return [*cells[:index], {"cell_type": "code", "source": "".join(lines)}, *cells[index:]]


def run_notebook(self: Evaluator, cells: list[Value]) -> None:
    """Run the code cells of a notebook in a kernel of their own."""
    from jupyter_tos_guard.inspection.python import magics

    names: dict[str, Value] = {}
    for cell in cells[:500]:
        node = cell.attributes if type(cell) is Namespace else cell if type(cell) is dict else {}
        if node.get("cell_type") != "code":
            continue
        source = node.get("source", "")
        text = (
            "".join(self.text(each) for each in source)
            if type(source) in (list, tuple)
            else self.text(source)
        )
        magics.run_nested(self, text, ("notebook",), names=names)


def _front_end(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """JavaScript that makes the notebook run code: ``IPython.notebook.kernel.execute("…")``."""
    text = self.text(argument(arguments, keywords, 0, "data"))
    for match in re.finditer(r"\.execute\(\s*(['\"`])(.{1,4000}?)(?<!\\)\1", text[:20_000], re.S):
        from jupyter_tos_guard.inspection.python import magics

        try:
            code = ast.literal_eval(
                match.group(1).replace("`", '"""') + match.group(2) + match.group(1).replace("`", '"""')
            )
        except (SyntaxError, ValueError):
            code = match.group(2)
        magics.run_nested(self, code, ("javascript",))
    for match in _INVOKED.finditer(text[:20_000]):
        function = self.session.patched.get(f"\0{match.group(2)}.{_INVOKE}")
        if function is not None:
            self.defer(function, _literal(match.group(3), []), _literal(match.group(4), {}))
    return Symbol(symbol.name, True)


_INVOKE: Final = "invokeFunction"
_INVOKED: Final = re.compile(
    _INVOKE
    + r"\(\s*(['\"`])([^'\"`\n]{1,200})\1(?:\s*,\s*(\[[^\]]{0,2000}\]))?(?:\s*,\s*(\{[^}]{0,2000}\}))?"
)


def _literal(text: str | None, usual: Any) -> Any:
    """Value of a list or object of JavaScript's that Python writes alike."""
    try:
        made = ast.literal_eval(text or repr(usual))
    except (SyntaxError, ValueError):
        return usual
    return made if type(made) is type(usual) else usual


def _register_callback(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``google.colab.output.register_callback(name, function)``: a page may call it."""
    name = self.text(argument(arguments, keywords, 0, "function_name"))
    function = argument(arguments, keywords, 1, "callback")
    if len(self.session.patched) < 256:
        self.session.patched[f"\0{name}.{_INVOKE}"] = function  # its last word is one to look out for
    self.escape(function, [], {})
    return None


HANDLERS: Final[dict[str, Any]] = {
    "code.interact": _execute_notebook,
    "nbformat.v4.new_notebook": _new_notebook,
    "nbformat.v4.new_code_cell": _new_cell,
    "nbformat.v4.new_markdown_cell": _new_cell,
    "nbformat.write": _write_notebook,
    "nbformat.writes": _write_notebook,
    "nbformat.v4.writes": _write_notebook,
    "nbformat.read": _read_notebook,
    "nbformat.reads": _read_notebook,
    "nbformat.from_dict": _read_notebook,
    **dict.fromkeys(
        "nbclient.execute nbclient.NotebookClient.execute nbclient.NotebookClient.async_execute "
        "nbclient.client.NotebookClient.execute papermill.execute_notebook "
        "nbconvert.preprocessors.ExecutePreprocessor.preprocess "
        "papermill.execute.execute_notebook "
        "nbconvert.preprocessors.execute.ExecutePreprocessor.preprocess".split(),
        _execute_notebook,
    ),
    "IPython.display.Javascript": _front_end,
    "IPython.core.display.Javascript": _front_end,
    "IPython.display.HTML": _front_end,
    "IPython.core.display.HTML": _front_end,
    "IPython.display.display_javascript": _front_end,
    "IPython.display.display_html": _front_end,
    "google.colab.output.eval_js": _front_end,
    "google.colab.output.register_callback": _register_callback,
}
