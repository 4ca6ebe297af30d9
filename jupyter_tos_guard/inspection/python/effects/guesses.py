"""Calls of names that are in no table, judged by the name and by what they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, first_argument
from jupyter_tos_guard.inspection.python.effects.addresses import (
    SHOWING,
    VERB,
    addresses,
    fetch,
    hugging_face,
    protocol_send,
    terminal_send,
)
from jupyter_tos_guard.inspection.python.effects.kernels import kernel_execute
from jupyter_tos_guard.inspection.python.effects.processes import (
    PROGRAMS,
    absorb,
    argv,
    decoded,
    libc,
    looks_like_command,
    plumbum,
    sh,
    shell,
)
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Process,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

_PROCESS_VERBS: Final = frozenset(
    "run system popen spawn getoutput check_output check_call shell local sudo bash sh exec_command execute "
    "call cmd command exec run_command execute_command runcmd launch start submit process popen2 pipe "
    "chain_command send_line sendline send_keys send invoke spawn_process qx do eval terminal start_process "
    "async_run run_async capture execute_cmd shell_exec exec_run invoke_shell run_shell create_process "
    "sh_exec startDetached execlp getstatusoutput".split()
)


def guess(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a name that is in no table, judged by the name and by what it is given."""
    name = symbol.name
    word = name.rpartition(".")[2]
    root = name.partition(".")[0]
    if root in ("ctypes", "cffi"):
        if word in ("system", "popen") or word.startswith(("exec", "posix_spawn", "PyRun_")):
            return libc(self, name, arguments)
        return Symbol(name, True, (arguments, keywords))
    if root == "sh" and "." in name:
        return sh(self, symbol, arguments, keywords)
    if root == "plumbum":
        return plumbum(self, symbol, arguments, keywords)
    if word in (
        "send",
        "write_message",
        "send_text",
        "send_json",
        "send_str",
        "sendall",
        "write",
        "put",
        "sendto",
    ) and (terminal_send(self, arguments) or protocol_send(self, symbol, arguments)):
        return UNKNOWN
    lower = word.lower()
    values = [*arguments, *keywords.values()]
    if word in ("startswith", "endswith", "find", "__contains__") and type(first_argument(arguments)) is str:
        from jupyter_tos_guard.inspection.python import attributes

        attributes.picks_guard(self, arguments[0], symbol)
    if lower in _PROCESS_VERBS or HOLE in name:
        for each in values:
            each = decoded(each)
            if type(each) is str and looks_like_command(each):
                shell(self, each)
                return Process("", True)
            if (
                type(each) in (list, tuple)
                and each
                and type(each[0]) is str
                and each[0] in PROGRAMS
                and len(each) > 1
            ):
                argv(self, each)
                return Process("", True)
    if word in ("from_pretrained", "from_hub", "load_dataset") or lower.endswith("_from_hub"):
        return hugging_face(self, symbol, arguments, keywords)
    if (
        word in ("execute", "execute_interactive", "run_cell", "run_code", "runcode", "runsource", "push")
        and root in _KERNELS
    ):
        return kernel_execute(self, symbol, arguments, keywords)
    found = [
        address for each in values for address in (addresses(each, 1) if type(each) is not Symbol else [])
    ]
    if found and VERB.search(lower) and not SHOWING.search(name):
        for address in found[:32]:
            fetch(self, address)
    elif found and not SHOWING.search(name) and root not in _DATA_ROOTS:
        constructor = word[:1].isupper()
        if not constructor:
            for address in found[:32]:
                fetch(self, address)
    kept = absorb(symbol, values) if symbol.called else []
    if arguments or keywords or symbol.details is None:
        before = [each for each in symbol.details[0] if type(each) is str] if symbol.details else []
        carried = [each for each in before if each not in kept and absorb(Symbol(""), [each])]
        return Symbol(name, True, ([*arguments, *kept, *carried], keywords))
    return Symbol(name, True, symbol.details)


_KERNELS: Final = frozenset(
    "jupyter_client ipykernel nbclient code IPython qtconsole jupyter_console ipyparallel".split()
)
_DATA_ROOTS: Final = frozenset(
    "builtins pandas numpy matplotlib seaborn plotly logging IPython ipywidgets re json collections typing "
    "warnings unittest pytest bs4 lxml html streamlit gradio polars networkx rdflib textwrap dataclasses "
    "pydantic string".split()
)
