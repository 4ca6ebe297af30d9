"""Attacks on the whole way of a cell: cleared or not, left waiting or not, evaluated when something asks for it.

Each case hides one shell command; the same cells with a harmless command must name nothing prohibited.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jupyter_tos_guard.inspection import Budget, Cell, Fact, History, Kind, inspect

BAD = "git clone https://github.com/iperov/DeepFaceLab"
GOOD = "git clone https://github.com/fastai/fastbook"

CASES: dict[str, Callable[[str], list[str]]] = {
    # what shells and their tools read that Python or a magic has made
    "file that every shell line reads first": lambda c: [
        f"%%writefile start.sh\n[ -e done ] || {c}",
        "%env BASH_ENV=start.sh",
        "!date",
    ],
    "archive of Python's printed to a shell": lambda c: [
        f"import zipfile\nwith zipfile.ZipFile('b.zip', 'w') as z: z.writestr('x/a.sh', {c!r})",
        "!unzip -p b.zip x/a.sh | bash",
    ],
    "folder of scripts that Python wrote": lambda c: [
        f"import os\nos.makedirs('d')\nfor n, s in enumerate(['true', {c!r}]):\n"
        "    open(f'd/{n}', 'w').write('#!/bin/sh\\n' + s)\n",
        "!run-parts d",
    ],
    # text that objects carry
    "print into a text in memory": lambda c: [
        f"import io, os\nb = io.StringIO()\nb.write({c[:9]!r})\nprint({c[9:]!r}, file=b, end='')\nos.system(b.getvalue())"
    ],
    "standard output redirected": lambda c: [
        f"import io, os, contextlib\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n"
        f"    print('git', end=' ')\n    print(*{c.split()[1:]!r})\nos.system(b.getvalue())"
    ],
    # functions that others hold
    "decorated function": lambda c: [
        "import os, time\ndef timed(f):\n    def inner(*a, **k):\n        t = time.time()\n        try:\n"
        "            return f(*a, **k)\n        finally:\n            print(f.__name__, time.time() - t)\n    return inner\n"
        "@timed\ndef get(of):\n    return os.system('git clone ' + of)",
        f"get({c.split()[2]!r})",
    ],
    "function held by an object": lambda c: [
        "import os\nclass Step:\n    def __init__(self, do): self.do = do\n    def go(self, x): return self.do(x)\n"
        "step = Step(os.system)",
        f"step.go({c!r})",
    ],
    "one of two functions": lambda c: [
        "import os\ntry:\n    from google.colab import drive\n    here = False\nexcept ImportError:\n    here = True\n"
        "run = os.system if here else get_ipython().system",
        f"run({c!r})",
    ],
    "list that a function fills with functions": lambda c: [
        "import os\ndef sh(x): os.system(x)\njobs = []\ndef add(f, *a): jobs.append((f, a))",
        f"add(sh, {c!r})",
        "for f, a in jobs: f(*a)",
    ],
    "attribute of a function": lambda c: [
        "import os\ndef sh(x): os.system(x)\ndef tool(): pass\ntool.go = sh",
        f"tool.go({c!r})",
    ],
    # copies of the environment
    "copy of the environment": lambda c: [
        f"import os, subprocess\ne = os.environ.copy()\ne['U'] = {c.split()[2]!r}",
        "subprocess.run('git clone $U', shell=True, env=e)",
    ],
    "environment with more": lambda c: [
        f"import os, subprocess\nsubprocess.run('git clone $U', shell=True, env=dict(os.environ, U={c.split()[2]!r}))"
    ],
    "environment joined": lambda c: [
        f"import os, subprocess\nsubprocess.run('git clone $U', shell=True, env=os.environ | {{'U': {c.split()[2]!r}}})"
    ],
    "archive written by statements of their own": lambda c: [
        f"import zipfile\nz = zipfile.ZipFile('b.zip', 'w')\nz.writestr('run.sh', {c!r})\nz.close()",
        "zipfile.ZipFile('b.zip').extractall('.')\n!bash run.sh",
    ],
    # what a program is given on its command line
    "arguments of a script": lambda c: [
        "%%writefile f.py\nimport sys, os\nname, *rest = sys.argv[1:]\nos.system(name + ' ' + ' '.join(rest))",
        f"!python3 f.py {c}",
    ],
    "arguments of %run": lambda c: [
        "%%writefile f.py\nimport subprocess\nfrom sys import argv\n\ndef main(words):\n    subprocess.run(words)\n\n"
        "if __name__ == '__main__':\n    main(argv[1:])",
        f"%run f.py {c}",
    ],
    "arguments of python -c": lambda c: [
        f"!python -c 'import sys, os; os.system(\" \".join(sys.argv[1:]))' {c}",
    ],
    "arguments of a script on standard input": lambda c: [
        f"%%bash\npython3 - {c} <<'END'\nimport sys, os\nos.execvp(sys.argv[1], sys.argv[1:])\nEND",
    ],
    "sys.argv set for runpy": lambda c: [
        "%%writefile f.py\nimport sys, os\nos.system(sys.argv[1])",
        f"import runpy, sys\nsys.argv = ['f.py', {c!r}]\nrunpy.run_path('f.py')",
    ],
    "argparse": lambda c: [
        "%%writefile f.py\nimport argparse, os\np = argparse.ArgumentParser()\np.add_argument('verb')\n"
        "p.add_argument('--of')\na = p.parse_args()\nos.system(f'git {a.verb} {a.of}')",
        f"!python f.py clone --of {c.split()[2]}",
    ],
    "getopt": lambda c: [
        "%%writefile f.py\nimport getopt, os, sys\nfound, rest = getopt.getopt(sys.argv[1:], 'v:', ['of='])\n"
        "found = dict(found)\nos.system('git %s %s' % (found['-v'], found['--of']))",
        f"!python f.py -v clone --of={c.split()[2]}",
    ],
    "fire": lambda c: [
        "%%writefile f.py\nimport fire, os\nclass Tool:\n    def get(self, verb, of):\n        os.system(f'git {verb} {of}')\n"
        "fire.Fire(Tool)",
        f"!python f.py get clone --of={c.split()[2]}",
    ],
    "click": lambda c: [
        "%%writefile f.py\nimport click, os\n@click.command()\n@click.argument('verb')\n@click.option('-o', '--of')\n"
        "def main(verb, of):\n    os.system(f'git {verb} {of}')\nif __name__ == '__main__':\n    main()",
        f"!python f.py clone -o {c.split()[2]}",
    ],
    "typer": lambda c: [
        "%%writefile f.py\nimport typer, os\napp = typer.Typer()\n@app.command()\n"
        "def fetch(verb: str, of: str = ''):\n    os.system(f'git {verb} {of}')\napp()",
        f"!python f.py clone --of {c.split()[2]}",
    ],
    # what called functions do to outer names
    "function that appends": lambda c: [
        "parts = []\ndef add(x): parts.append(x)",
        f"add({c[:9]!r})\nadd({c[9:]!r})",
        "import os\nos.system(''.join(parts))",
    ],
    "function that adds to a global": lambda c: [
        "cmd = ''\ndef add(x):\n    global cmd\n    cmd += x",
        f"for x in {[c[:9], c[9:]]!r}: add(x)",
        "!{cmd}",
    ],
    "closure with a state": lambda c: [
        "def make():\n    s = ''\n    def add(x):\n        nonlocal s\n        s += x\n        return s\n    return add\na = make()",
        f"a({c[:9]!r})\nimport os\nos.system(a({c[9:]!r}))",
    ],
    "list of a class": lambda c: [
        "class C: parts = []\ndef add(x): C.parts.append(x)\ndef twice(x, y): add(x); add(y)",
        f"twice({c[:9]!r}, {c[9:]!r})",
        "import os\nos.system(''.join(C.parts))",
    ],
    "list that is passed in": lambda c: [
        f"def fill(x): x.extend({c.split()!r})\na = []\nfill(a)",
        "import subprocess; subprocess.run(a)",
    ],
    "attribute of a module": lambda c: [
        f"import sys\nsys.note = {c!r}",
        "import os, sys\nos.system(sys.note)",
    ],
    "heap": lambda c: [
        f"import heapq, os\nh = []\nfor p in [(3, {c[8:]!r}), (1, {c[:8]!r})]: heapq.heappush(h, p)\n"
        "os.system(''.join(heapq.heappop(h)[1] for _ in range(2)))"
    ],
    "values sent to a generator": lambda c: [
        "import os\ndef g():\n    while 1:\n        os.system((yield))\nx = g(); next(x)",
        f"x.send({c!r})",
    ],
    "else of a try": lambda c: [
        f"import os\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    u = {c!r}\nelse:\n    u = 'ls'\nos.system(u)"
    ],
    # objects of the standard library
    "enumeration gone through": lambda c: [
        f"from enum import Enum\nimport os\nclass R(Enum):\n    A = {c!r}\nfor r in R: os.system(r.value)"
    ],
    "enumeration of text": lambda c: [
        f"from enum import StrEnum\nimport os\nclass R(StrEnum):\n    A = {c!r}\nos.system(R['A'])"
    ],
    "data class taken apart": lambda c: [
        "from dataclasses import dataclass, asdict\nimport os\n@dataclass\nclass J:\n"
        f"    a: str = {c[:8]!r}\n    b: str = {c[8:]!r}\nos.system(''.join(asdict(J()).values()))"
    ],
    "tuple with names": lambda c: [
        f"from collections import namedtuple\nimport os\nj = namedtuple('J', 'a b')({c[:8]!r}, {c[8:]!r})\nos.system(''.join(j))"
    ],
    "result of a future": lambda c: [
        "from concurrent.futures import ThreadPoolExecutor as T\nimport os\n"
        f"T().submit(lambda: {c!r}).add_done_callback(lambda f: os.system(f.result()))"
    ],
    "connection": lambda c: [
        f"from multiprocessing import Pipe\nimport os\na, b = Pipe()\na.send({c!r})\nos.system(b.recv())"
    ],
    "pipe": lambda c: [
        f"import os\nr, w = os.pipe()\nos.write(w, {c.encode()!r}); os.close(w)\nos.system(os.read(r, 999))"
    ],
    "keyword arguments of a thread": lambda c: [
        "import threading, subprocess\n"
        f"threading.Thread(target=subprocess.run, kwargs={{'args': {c!r}, 'shell': True}}).start()"
    ],
    "single dispatch": lambda c: [
        "from functools import singledispatch\nimport os\n@singledispatch\ndef go(x): pass\n"
        "@go.register(str)\ndef _(x): os.system(x)",
        f"go({c!r})",
    ],
    "copied object": lambda c: [
        f"import os, copy\nclass V:\n    def __deepcopy__(s, m): os.system({c!r})\ncopy.deepcopy(V())"
    ],
    "logged message": lambda c: [
        "import logging, os\nclass H(logging.Handler):\n    def emit(s, r): os.system(r.getMessage())\n"
        "log = logging.getLogger('w'); log.addHandler(H())",
        f"log.warning('git %s', {c[4:]!r})",
    ],
    "warning shown": lambda c: [
        f"import warnings, os\nwarnings.showwarning = lambda m, *a, **k: os.system(str(m))\nwarnings.warn({c!r})"
    ],
    "rows of a table": lambda c: [
        f"import pandas as pd\nd = pd.DataFrame([[2, {c[10:]!r}], [1, 'git'], [1, 'clone']], columns=['n', 't'])\n"
        "d['t'] = d['t'].str.strip()",
        "import os\nos.system(' '.join(d.sort_values('n').t))",
    ],
    "groups of a table": lambda c: [
        f"import pandas as pd, os\nd = pd.DataFrame({{'k': list('abb'), 'v': ['git clone', {c[10:20]!r}, {c[20:]!r}]}})\n"
        "os.system(d.groupby('k').v.sum().str.cat(sep=' '))"
    ],
    "tables merged": lambda c: [
        f"import pandas as pd\na = pd.DataFrame({{'i': [7, 8], 'x': ['git', 'ls']}})\nb = pd.DataFrame({{'i': [8, 7], 'y': ['-l', {c[4:]!r}]}})",
        "import os\nd = pd.merge(a, b, on='i')\nd.loc[d.i == 7, ['x', 'y']].apply(' '.join, axis=1).map(os.system)",
    ],
    "parts of texts in a table": lambda c: [
        f"import pandas as pd, os\ns = pd.Series([{c[::-1]!r}, ''], index=['a', 'b'])\nos.system(s.str[::-1].loc['a'])"
    ],
    # modules, scripts and what they read
    "method of a class of an own module": lambda c: [
        "%%writefile lab.py\nimport subprocess as sp\nclass Lab:\n    tool = 'git'\n    def run(self, *a):\n"
        "        return sp.call([self.tool, *a])\n",
        "import lab\nwork = lab.Lab()\nstart = work.run",
        f"start(*{c.split()[1:]!r})",
    ],
    "module written anew and loaded again": lambda c: [
        "%%writefile where.py\nOF = 'true'",
        "import where as w, os\ndef go(): os.system(w.OF)",
        f"%%writefile where.py\nOF = {c!r}",
        "from importlib import reload\nreload(w)\ngo()",
    ],
    "options with commands, types and parents": lambda c: [
        "import argparse, os\ndef do(a): os.system(' '.join([a.tool, *a.words, *a.of]))\n"
        "base = argparse.ArgumentParser(add_help=False)\nbase.add_argument('-t', '--tool', type=str.lower)\n"
        "top = argparse.ArgumentParser()\nsub = top.add_subparsers(dest='what')\n"
        "one = sub.add_parser('get', parents=[base])\none.add_argument('words', nargs=1)\n"
        "one.add_argument('of', nargs='*')\none.set_defaults(do=do)\n"
        "two = sub.add_parser('show')\ntwo.set_defaults(do=print)",
        f"found = top.parse_args(['get', *{c.split()[1:]!r}, '-tGIT'])\nfound.do(found)",
    ],
    "magic of a class with a parser of its own": lambda c: [
        "from IPython.core.magic import Magics, magics_class, line_magic\nimport os\n"
        "from IPython.core import magic_arguments as ma\n@magics_class\nclass M(Magics):\n    @ma.magic_arguments()\n"
        "    @ma.argument('--to', '-t', default='here')\n    @ma.argument('words', nargs='+')\n    @line_magic\n"
        "    def fetch(self, line):\n        a = ma.parse_argstring(self.fetch, line)\n        os.system(' '.join(a.words))\n"
        "get_ipython().register_magics(M)",
        f"%fetch -t x {c}",
    ],
    "variables of a script's environment": lambda c: [
        "%%writefile job.py\nimport os\nparts = sorted((k, v) for k, v in os.environ.items() if k[:2] == 'J_')\n"
        "os.system(' '.join(v for _, v in parts))",
        "import os, subprocess\nenv = dict(os.environ)\nfor i, w in enumerate("
        f"{c.split()!r}): env[f'J_{{i}}'] = w",
        "subprocess.check_call('python job.py', env=env, shell=True)",
    ],
    "output of one process given to the next": lambda c: [
        "import subprocess\nfrom typing import NamedTuple\nclass Out(NamedTuple):\n    text: str\n"
        "def sh(*words): return Out(subprocess.run(words, capture_output=True).stdout.decode().splitlines()[0])",
        f"a = sh('echo', {c!r})",
        "subprocess.run(a.text.split(), check=True)",
    ],
    "data file of an own package": lambda c: [
        "import os\nos.makedirs('pack', exist_ok=True)\nopen('pack/__init__.py', 'w').write('')\n"
        f"import json\nopen('pack/job.json', 'w').write(json.dumps(dict(do={c!r})))",
        "import json, os\nfrom importlib import resources\n"
        "os.system(json.loads(resources.files('pack').joinpath('job.json').read_text())['do'])",
    ],
    "folder of notes that is walked through": lambda c: [
        "from pathlib import Path\ntop = Path('notes')\nfor i, w in enumerate("
        f"{c.split()!r}):\n    d = top / f'n{{i}}'\n    d.mkdir(parents=True)\n    (d / 'w.txt').write_text(w)",
        "import os\nos.system(' '.join(p.read_text() for p in sorted(top.rglob('*.txt'))))",
    ],
    "names of files in a folder": lambda c: [
        "import os\nos.mkdir('parts')\nfor i, w in enumerate("
        f"{c.split('/')!r}): open(f'parts/{{i}}-{{w}}', 'w').write('')",
        "os.system('/'.join(n.split('-', 1)[1] for n in sorted(os.listdir('parts'))))",
    ],
    # functions that look at functions
    "arguments chosen by the names of parameters": lambda c: [
        "import inspect, os\ndef job(tool, what, of): os.system(f'{tool} {what} {of}')",
        f"have = dict(zip(['tool', 'what', 'of', 'more'], [*{c.split()!r}, 1]))\n"
        "job(*[have[n] for n in inspect.getfullargspec(job).args])",
    ],
    "objects made by the types of their fields": lambda c: [
        "import os, typing\nclass Words:\n    text = " + repr(c) + "\nclass Job:\n    words: Words\n"
        "    def run(self): os.system(self.words.text)",
        "job = Job()\nfor name, kind in typing.get_type_hints(Job).items(): setattr(job, name, kind())\njob.run()",
    ],
    "variable of a context": lambda c: [
        "from contextvars import ContextVar, copy_context\nimport os\nline = ContextVar('line', default='true')\n"
        "def go(): os.system(line.get())",
        f"def prepare():\n    line.set({c!r})\n    go()",
        "copy_context().run(prepare)",
    ],
    "coroutines that send to each other": lambda c: [
        "import os\ndef last():\n    while True:\n        text = yield\n        os.system(text)\n"
        "def join(to, n):\n    while True:\n        found = []\n        for _ in range(n): found.append((yield))\n"
        "        to.send(' '.join(found))",
        "end = last(); end.send(None)\nfirst = join(end, 3); next(first)",
        f"for w in {c.split()!r}: first.send(w)",
    ],
    # classes of the library that a program extends
    "formatter with fields of its own": lambda c: [
        "import string, os\nclass F(string.Formatter):\n    def format_field(self, value, spec):\n"
        "        return value[::-1] if spec == 'r' else super().format_field(value, spec)",
        f"os.system(F().vformat('{{0:r}}{{b}}', [{c[:9][::-1]!r}], {{'b': {c[9:]!r}}}))",
    ],
    "template with a pattern of its own": lambda c: [
        "import string, os, re\nclass T(string.Template):\n    delimiter = '@'\n"
        "    pattern = r'@(?:(?P<escaped>@)|<(?P<named>[a-z]+)>|(?P<braced>x)y|(?P<invalid>))'",
        f"os.system(T('@<a> @<b>').safe_substitute(a={c[:9]!r}, b={c[10:]!r}))",
    ],
    "tasks of a TOML file": lambda c: [
        f"open('t.toml', 'w').write('[run]\\nneeds = [\"get\"]\\n[get]\\ndo = \"{c}\"\\n')",
        "import os\ntry: import tomllib\nexcept ImportError: import tomli as tomllib\n"
        "with open('t.toml', 'rb') as f: tasks = tomllib.load(f)",
        "def go(name):\n    for n in tasks[name].get('needs', []): go(n)\n    os.system(tasks[name].get('do', 'true'))",
        "go('run')",
    ],
}


def facts_of(cells: list[str]) -> list[Fact]:
    history = History(lambda name: False)
    return [fact for each in cells for fact in inspect(Cell(each), history, budget=Budget(seconds=20)).facts]


def repositories(cells: list[str]) -> set[str]:
    return {fact.value for fact in facts_of(cells) if fact.kind is Kind.REPOSITORY}


@pytest.mark.parametrize("name", CASES)
def test_hidden_command_is_found(name: str) -> None:
    assert "github.com/iperov/deepfacelab" in repositories(CASES[name](BAD))


@pytest.mark.parametrize("name", CASES)
def test_harmless_twin_names_only_its_own(name: str) -> None:
    assert repositories(CASES[name](GOOD)) <= {"github.com/fastai/fastbook"}


@pytest.mark.parametrize(
    ("attack", "twin", "want"),
    [
        (
            "import gc\nfor o in gc.get_objects():\n    if type(o).__module__.startswith('{}'): o.__dict__.clear()",
            "mylib",
            "call jupyter_tos_guard",
        ),
        (
            "import sys\nfor k in [m for m in sys.modules if '{}' in m]: del sys.modules[k]",
            "mylib",
            "call jupyter_tos_guard",
        ),
        (
            "from unittest import mock\nmock.patch('{}.guard.Guard.check').start()",
            "mylib",
            "call jupyter_tos_guard.guard.Guard.check",
        ),
        ("%env JUPYTER_{}_MODE=off", "allow", "argument export JUPYTER_jupyter_tos_guard_MODE=off"),
        (
            "open('/home/jovyan/.local/share/{}/strikes.db', 'wb').truncate(0)",
            "mylib",
            "file /home/jovyan/.local/share/jupyter_tos_guard/strikes.db",
        ),
    ],
)
def test_guard_picked_out_of_what_runs_is_reported(attack: str, twin: str, want: str) -> None:
    assert want in {f"{fact.kind} {fact.value}" for fact in facts_of([attack.format("jupyter_tos_guard")])}
    assert not [
        fact for fact in facts_of([attack.format(twin)]) if "guard" in fact.value and "tos" in fact.value
    ]


def test_settings_of_kernels_are_the_options_that_they_stand_for() -> None:
    cell = (
        "%%writefile ~/.ipython/profile_default/ipython_kernel_config.py\nc.IPKernelApp.kernel_class = 'x.Y'"
    )
    assert "jupyter --IPKernelApp.kernel_class=x.Y" in {fact.value for fact in facts_of([cell])}


def test_looking_at_the_hooks_is_not_changing_them() -> None:
    looking = "for name, hooks in get_ipython().events.callbacks.items(): print(name, len(hooks))"
    assert not [fact for fact in facts_of([looking]) if "callbacks" in fact.value]
    changing = "get_ipython().events.callbacks['pre_run_cell'].clear()"
    assert [fact for fact in facts_of([changing]) if "callbacks" in fact.value]


def test_first_words_of_a_pool_are_an_address() -> None:
    cell = (
        "import socket, json\ns = socket.socket()\ns.connect(('pool.example.org', 3333))\n"
        "s.sendall(json.dumps({'method': 'mining.subscribe', 'params': []}).encode())"
    )
    assert "stratum+tcp://pool.example.org:3333" in {fact.value for fact in facts_of([cell])}
    other = cell.replace("mining.subscribe", "rows.subscribe")
    assert not [fact for fact in facts_of([other]) if fact.value.startswith("stratum")]
