"""Programs that expand macros: m4 and C's preprocessor."""

from __future__ import annotations

import re

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.shell.languages.macros import M4, expand_macros
from jupyter_tos_guard.inspection.shell.options import split, values_of
from jupyter_tos_guard.inspection.shell.process import Handler, Process


def definitions(options: list[tuple[str, str]]) -> dict[str, str]:
    """Read ``-D name=value`` and ``-D name``."""
    pairs = (each.partition("=") for each in values_of(options, "D", "define"))
    return {name: value if equals else "1" for name, equals, value in pairs}


def preprocessed(process: Process, options: list[tuple[str, str]], operands: list[str]) -> str:
    """Give what the preprocessor prints: empty lines and marks of lines left out."""
    path = next((each for each in operands if each != "-"), "-")
    text = process.read(path)
    if text is None:
        return HOLE
    found = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"[^\n]*$', re.MULTILINE)
    text = found.sub(lambda each: process.read(each.group(1)) or "", text)
    expanded = expand_macros(text, process.state.budget, definitions(options))
    lines = [line for line in expanded.split("\n") if line.strip()]
    return "".join(line + "\n" for line in lines)


def _cpp(process: Process) -> str:
    process.announce(data=True)
    options, operands = split(process.arguments, "DUIoxMA", ("include", "isystem", "std"))
    text = preprocessed(process, options, operands)
    for target in [*values_of(options, "o"), *operands[1:]][:1]:
        process.write(target, text)
        return ""
    return text


def _m4(process: Process) -> str:
    process.announce(data=True)
    options, operands = split(process.arguments, "DUILFRB", ("define", "undefine", "include"))
    macros = M4(process.state.budget, process.shell, process.read)
    for name, value in definitions(options).items():
        macros.define(name, value)
    texts = [process.read(each) for each in operands or ["-"]]
    return macros.run("".join(HOLE if each is None else each for each in texts))


HANDLERS: dict[str, Handler] = {"cpp": _cpp, "m4": _m4}
