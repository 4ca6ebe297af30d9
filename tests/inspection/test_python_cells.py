"""How cells are read, where facts point, and what must not become a fact."""

from __future__ import annotations

import pytest

from jupyter_tos_guard.inspection.facts import Fact, Kind
from jupyter_tos_guard.inspection.python.cell import cell_magic, parse
from jupyter_tos_guard.inspection.python.evaluation import lookup_text, run_cell
from jupyter_tos_guard.inspection.state import Budget, OutOfBudget, State

REPOSITORY = "github.com/iperov/deepfacelab"
CLONE = "git clone https://github.com/iperov/DeepFaceLab"


def inspect(*cells: str) -> list[list[Fact]]:
    state = State()
    found = []
    for cell in cells:
        state.budget = Budget(seconds=20)
        state.facts = []
        run_cell(cell, state)
        found.append(list(state.facts))
        state.sources.append(cell)
    return found


def repositories(*cells: str) -> list[Fact]:
    return [fact for facts in inspect(*cells) for fact in facts if fact.kind is Kind.REPOSITORY]


@pytest.mark.parametrize(
    "source",
    [
        f"# !{CLONE}",
        f"print('{CLONE}')",
        f"'''\n!{CLONE}\n'''",
        f"x = '''\n%%bash\n{CLONE}\n'''",
        f"commands = {{'bad': '{CLONE}'}}",
        f"def never_called():\n    '''{CLONE}'''\n    import os\n    os.system('{CLONE}')",
        f"assert '{CLONE}'.startswith('git')",
        f"import pandas as pd\npd.DataFrame({{'url': ['{CLONE.split()[2]}']}})",
        f"import logging\nlogging.info('see %s', '{CLONE.split()[2]}')",
        f"from IPython.display import Markdown\nMarkdown('{CLONE}')",
        f"%%markdown\n{CLONE}",
        f"if False:\n    import os\n    os.system('{CLONE}')",
        f"import re\nre.findall('clone', '{CLONE}')",
        f"from urllib.parse import urlparse\nurlparse('{CLONE.split()[2]}').netloc",
        f"lambda: __import__('os').system('{CLONE}')",
    ],
)
def test_mention_is_not_use(source: str) -> None:
    assert repositories(source) == []


def test_span_is_that_of_the_call_in_characters() -> None:
    (fact, *_) = repositories(f"x = 'é'; import os\n\n'ö'; os.system('{CLONE}')")
    assert (fact.span.line, fact.span.column) == (3, 5)


def test_span_of_a_shell_line_lies_in_the_line() -> None:
    (fact, *_) = repositories(f"x = 1\nif x:\n    !{CLONE}")
    assert fact.span.line == 3
    assert fact.span.column >= 5


def test_call_of_a_function_from_an_earlier_cell_points_at_the_call() -> None:
    (fact, *_) = repositories("import os\ndef go(c):\n    os.system(c)", f"y = 2\ngo('{CLONE}')")
    assert fact.span.line == 2
    assert "cell 1" in fact.provenance


def test_provenance_names_decoding_and_variable() -> None:
    source = "import base64, os\ncmd = base64.b64decode('Z2l0IGNsb25lIGh0dHBzOi8vZ2l0aHViLmNvbS9pcGVyb3YvRGVlcEZhY2VMYWI=').decode()\nos.system(cmd)"
    (fact, *_) = repositories(source)
    assert "base64" in fact.provenance
    assert "variable cmd" in fact.provenance


def test_cell_magic_after_a_form_title_is_found() -> None:
    magic = cell_magic("#@title Install\n\n%%bash -e\nls\n")
    assert magic is not None
    assert (magic.name, magic.line, magic.first_line) == ("bash", "-e", 4)


def test_escapes_inside_brackets_and_strings_are_left_alone() -> None:
    source = "x = (1\n% 2)\ny = '''\n!ls\n%cd /\n'''\n"
    assert parse(source).lines == []


def test_line_numbers_survive_a_continued_magic() -> None:
    parsed = parse("!ls \\\n  -l\nx = 1\n")
    assert parsed.body[-1].lineno == 3
    assert parsed.lines[0].text == "ls    -l"


def test_python_2_cell_still_gives_its_calls() -> None:
    assert repositories(f"print 'hello'\nimport os\nos.system('{CLONE}')")


def test_unregistering_an_own_callback_is_not_reported() -> None:
    own = "def f(i): pass\nget_ipython().events.register('pre_run_cell', f)\nget_ipython().events.unregister('pre_run_cell', f)"
    other = "ip = get_ipython()\nfor c in list(ip.events.callbacks['pre_run_cell']):\n    ip.events.unregister('pre_run_cell', c)"
    assert not any(fact.value == "get_ipython.events.unregister" for fact in inspect(own)[0])
    assert any(fact.value == "get_ipython.events.unregister" for fact in inspect(other)[0])


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("exec(input())", "exec-unknown"),
        ("import requests\nexec(requests.get('https://example.org/a.py').text)", "download-run"),
        ("import os, sys\nos.system(sys.argv[1])", "unresolved-command"),
    ],
)
def test_what_cannot_be_seen_through_is_opaque(source: str, word: str) -> None:
    assert word in {fact.value for fact in inspect(source)[0] if fact.kind is Kind.OPAQUE}


def test_lookup_gives_text_of_a_kernel_name() -> None:
    state = State()
    run_cell("name = 'a' + 'b'", state)
    assert lookup_text("name", state) == "ab"
    assert lookup_text("missing", state) is None


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "x = " + "+".join(["'a'"] * 5000),
        "x = 'a'" + ".strip()" * 3000,
        "x = '\ud800'\nprint(x)",
        "x = 1\0\nprint(x)",
        "x = 9**9**9\ny = 'a' * 10**10\nz = [0] * 10**9\nw = 1 << 10**9",
        "x = '{:1000000000}'.format(1)\ny = '%1000000000d' % 1\nz = f'{1:>1000000000}'",
        "*a, = range(10**9)\nmax(range(10**12))",
        "import re\nre.sub('(a+)+$', '', 'a' * 60000 + 'b')",
        "s = 'exec(s)'\nexec(s)",
        "def f(n): return f(n + 1) + f(n + 2)\nf(0)",
        "while True: pass",
        "l = [1]\nfor x in l: l.append(x)",
        "a = []\na.append(a)\nprint(str(a))\n!echo {a}",
        "import zlib\nzlib.decompress(zlib.compress(b'a' * 1000000) * 5)",
        "open()\nexec()\neval()\ngetattr()\n__import__()\nimport os\nos.system()\nos.execvp()\nos.spawnl()",
    ],
)
def test_hostile_cell_neither_crashes_nor_hangs(source: str) -> None:
    state = State()
    state.budget = Budget(seconds=2)
    try:
        run_cell(source, state)
    except OutOfBudget:
        assert state.budget.remaining() < 2


@pytest.mark.parametrize(
    "before",
    [
        "for i in range(10**30):\n    break",
        "list(range(10**30))",
        "import numpy\nnumpy.array(range(10**30))",
        "import json, transformers\njson.dump({transformers.x: 1}, open('a.json', 'w'))",
        "import collections\ncollections.Counter([[1], [2]])",
        "x = []\nx.append(x)\nstr(x)",
        "'abc'.decode('utf-8')\nb'abc'.encode()",
        "import itertools\nlist(map(str, itertools.chain.from_iterable([f(), 'ab'])))",
    ],
)
def test_odd_values_do_not_end_inspection(before: str) -> None:
    """Nothing goes wrong with them, and the line after them is read."""
    state = State()
    run_cell(f"{before}\n!{CLONE}", state)
    assert not state.defect
    assert [fact.kind for fact in state.facts].count(Kind.REPOSITORY) == 1


def test_branch_behind_a_switch_of_another_cell_is_seen() -> None:
    (fact,) = repositories("wanted = False", f"if wanted:\n    !{CLONE}")
    assert fact.provenance == ("other branch",)


def test_branch_behind_a_form_field_is_seen() -> None:
    cell = f"kind = 'a' #@param ['a', 'b']\nif kind == 'a':\n    !ls\nelse:\n    !{CLONE}"
    assert len(repositories(cell)) == 1


def test_branch_that_the_cell_rules_out_is_not_seen() -> None:
    assert repositories(f"wanted = False\nif wanted:\n    !{CLONE}") == []


def test_glance_at_a_branch_leaves_no_trace() -> None:
    cell = "if wanted:\n    name = 'b'\n    %cd /tmp\n!echo $name > $PWD/{name}.txt"
    (facts,) = inspect("wanted = False", "name = 'a'", cell)[2:]
    assert {fact.value for fact in facts if fact.kind is Kind.FILE} == {"a.txt"}


def test_names_of_a_star_import_are_followed_into_later_cells() -> None:
    facts = inspect("from scapy.all import *", "send(IP(src=RandIP()) / TCP())")[1]
    assert {fact.value for fact in facts} >= {"scapy.all.send", "scapy.all.RandIP"}


@pytest.mark.parametrize(
    "source",
    [
        "import insightface\ninsightface.model_zoo.get_model('./models/Swap.onnx', download=False)",
        "from onnxruntime import InferenceSession\nname = 'Swap'\nInferenceSession(f'./models/{name}.onnx')",
    ],
)
def test_file_of_a_network_that_is_used_is_a_fact(source: str) -> None:
    assert "models/swap.onnx" in {fact.value.removeprefix("./") for fact in inspect(source)[0]}


def test_process_is_started_by_way_of_a_package() -> None:
    source = f"import asyncio\nawait asyncio.subprocess.create_subprocess_exec(*{CLONE.split()!r})"
    assert len(repositories(source)) == 1
