"""The first pass may be too careful, never too careless."""

from __future__ import annotations

import pytest

from jupyter_tos_guard.inspection.screen import Screen


def screen(source: str, hot: set[str] | None = None, interesting: tuple[str, ...] = ()) -> bool:
    return Screen(lambda name: name in interesting)(source, hot or set()).clear


@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        "import numpy as np\nimport pandas as pd\ndf = pd.read_csv('data.csv')\ndf.head()",
        "import os\nos.path.join('a', 'b')\nos.makedirs('out', exist_ok=True)",
        "# !git clone https://github.com/owner/name\nprint('pip install it')",
        "print(7 % 3, not True != False)",
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()",
        "model.fit(x, y)\nplt.show();",
        "model.eval()\nmodel.compile(loss)\nre.compile('x')",
        "",
    ],
)
def test_honest_cell_is_cleared(source: str) -> None:
    assert screen(source)


@pytest.mark.parametrize(
    "source",
    [
        "!ls",
        "  !ls",
        "if x:\n    !ls",
        "files = !ls",
        "files = \\\n  !ls",
        "%pip install x",
        "%%bash\nls",
        "pip install x",
        "x = %env HOME",
        "exec(x)",
        "getattr(os, name)('x')",
        "__import__('o' + 's')",
        "from os import system as s",
        "import subprocess as s",
        "import importlib.util",
        "import json, subprocess",
        "import json, \\\n    subprocess",
        "get_ipython().events",
        "os.ｓｙｓｔｅｍ('x')",
        "ｅxec(x)",
        "urllib.request.urlopen(u)",
        "print(In[1])",
    ],
)
def test_cell_that_reaches_a_sink_is_not_cleared(source: str) -> None:
    assert not screen(source)


def test_name_of_the_session_that_leads_to_a_sink_is_not_cleared() -> None:
    assert screen("go('x')")
    assert not screen("go('x')", hot={"go"})


def test_import_of_a_module_that_a_rule_names_is_not_cleared() -> None:
    assert screen("from made_up.thing import f")
    assert not screen("from made_up.thing import f", interesting=("made_up",))
    assert not screen("import json, made_up", interesting=("made_up",))


def test_name_of_such_a_module_elsewhere_is_cleared() -> None:
    assert screen("made_up = 3  # an import of it would be looked at", interesting=("made_up",)) is False
    assert screen("made_up = 3", interesting=("made_up",))


def test_memory_of_harmless_modules_is_bounded() -> None:
    screen = Screen(lambda name: False)
    for n in range(Screen.MAX_KNOWN + 100):
        assert screen(f"import name_{n}", set()).clear
    assert len(screen._boring) <= Screen.MAX_KNOWN + 2
