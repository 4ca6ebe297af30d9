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
    # classes and the objects that hold each other
    "mixins around one base": lambda c: [
        "import os\nclass Root:\n    def words(self): return []\nclass A(Root):\n"
        f"    def words(self): return [*super().words(), {c.split()[0]!r}]\nclass B(Root):\n"
        f"    def words(self): return super().words() + {c.split()[1:]!r}",
        "class Both(B, A): pass",
        "os.system(' '.join(Both().words()))",
    ],
    "order of the bases": lambda c: [
        f"import os\nclass A: word = 'git'\nclass B: word = {c[4:]!r}\nclass C(A, B): pass",
        "os.system(' '.join(k.word for k in C.__mro__[1:-1]))",
    ],
    "subclasses that nobody names": lambda c: [
        "import os\nclass Step: pass",
        f"class First(Step):\n    def go(self): os.environ['WHAT'] = {c!r}",
        "class Second(Step):\n    def go(self): os.system('$WHAT')",
        "for kind in Step.__subclasses__(): kind().go()",
    ],
    "function registered by a decorator of an object": lambda c: [
        "import os\nclass App:\n    def __init__(self): self.routes = {}\n"
        "    def route(self, path):\n        return lambda f: self.routes.setdefault(path, f)\napp = App()",
        f"@app.route('/what')\ndef what(): return {c!r}",
        "@app.route('/run')\ndef run(): return os.system(app.routes['/what']())",
        "app.routes['/run']()",
    ],
    "linked nodes": lambda c: [
        "import os\nclass Node:\n    def __init__(self, of, then=None): self.of, self.then = of, then\n"
        "    def go(self, x): return self.then.go(self.of(x)) if self.then else self.of(x)\nrun = lambda x: os.system(x)",
        "first = Node(str.strip, Node(str.lstrip, Node(lambda x: 'git' + x, Node(str.rstrip, Node(run)))))",
        f"first.go({c[3:]!r})",
    ],
    "objects in a list of an object": lambda c: [
        "import os\nclass Do:\n    def __init__(self, what): self.what = what\n    def now(self): os.system(self.what)\n"
        "class Plan:\n    def __init__(self): self.steps = []\nplan = Plan()",
        f"plan.steps.append(('clone', [Do({c!r})]))",
        "for _, steps in plan.steps:\n    for each in steps: each.now()",
    ],
    "observers that are held weakly": lambda c: [
        "import os\nfrom weakref import WeakSet\nwatching = WeakSet()\nclass Eye:\n"
        "    def see(self, what): os.system(what)\neye = Eye()\nwatching.add(eye)",
        f"for each in watching: each.see({c!r})",
    ],
    "attributes of all objects in one dictionary": lambda c: [
        "import os\nheld = {}\nclass One:\n    def __init__(self): self.__dict__ = held",
        f"One().what = {c!r}",
        "os.system(One().what)",
    ],
    "dictionary with attributes": lambda c: [
        "import os\nclass Dot(dict):\n    def __init__(self, *a, **k):\n        super().__init__(*a, **k)\n"
        "        self.__dict__ = self",
        f"settings = Dot(run=Dot(what={c!r}))",
        "os.system(settings.run.what)",
    ],
    "items as attributes": lambda c: [
        "import os\nclass Dot(dict):\n    __getattr__ = dict.get\n    __setattr__ = dict.__setitem__",
        f"box = Dot(verb='git')\nbox.rest = {c[4:]!r}",
        "os.system(f'{box.verb} {box.rest}')",
    ],
    "dictionary that makes what is missing": lambda c: [
        f"from collections import defaultdict\nwords = defaultdict(list)\nfor w in {c.split()!r}: words['all'].append(w)",
        "import os\nos.system(' '.join(words['all']))",
    ],
    "dictionary of dictionaries that makes itself": lambda c: [
        "from collections import defaultdict\ntree = lambda: defaultdict(tree)\nt = tree()",
        f"t['a']['b']['c'] = {c!r}",
        "import os\nos.system(t['a']['b']['c'])",
    ],
    "classes that a metaclass collects": lambda c: [
        "import os\nclass Meta(type):\n    made = []\n    def __new__(meta, name, bases, body):\n"
        "        cls = super().__new__(meta, name, bases, body)\n        meta.made.append(cls)\n        return cls",
        "class Base(metaclass=Meta): what = 'true'",
        f"class Other(Base): what = {c!r}",
        "for cls in Meta.made: os.system(cls.what)",
    ],
    "class that knows the classes of its classes": lambda c: [
        "import os\nclass Root:\n    kinds = {}\n    def __init_subclass__(cls): Root.kinds[cls.__name__] = cls",
        "class Half(Root): verb = 'git clone '",
        f"class Whole(Half): of = {c.split()[2]!r}",
        "k = Root.kinds['Whole']\nos.system(k.verb + k.of)",
    ],
    "attribute of the class that is None at first": lambda c: [
        "import os\nclass Only:\n    one = None\n    def __new__(cls):\n        if cls.one is None:\n"
        "            cls.one = object.__new__(cls)\n            cls.one.words = []\n        return cls.one",
        f"for each in {c.split()!r}: Only().words.append(each)",
        "os.system(' '.join(Only().words))",
    ],
    "data class made by a call": lambda c: [
        "import os, dataclasses\nJob = dataclasses.make_dataclass('Job', ['verb', ('of', str), ('to', str, 'x')])",
        f"job = Job('git clone', of={c.split()[2]!r})",
        "os.system(f'{job.verb} {job.of} {job.to}')",
    ],
    "class that a library fills": lambda c: [
        "import os\nfrom attrs import define, field\n@define\nclass Job:\n    verb: str\n    words: list = field(factory=list)",
        f"job = Job('git clone')\njob.words.append({c.split()[2]!r})",
        "os.system(' '.join([job.verb, *job.words]))",
    ],
    "method that is held weakly": lambda c: [
        "import os, weakref\nclass Eye:\n    def see(self, what): os.system(what)\neye = Eye()\nheld = weakref.WeakMethod(eye.see)",
        f"held()({c!r})",
    ],
    # data classes and enumerations
    "default of a data class that a function makes": lambda c: [
        f"import os\nfrom dataclasses import dataclass, field\nparts = lambda: {c.split()[:2]!r}\n@dataclass(slots=True)\n"
        "class Job:\n    id: int = field(init=False, default=0)\n    words: list[str] = field(default_factory=parts)\n"
        "    where: str = ''\n    def line(self): return ' '.join(self.words + [self.where])",
        f"job = Job(where={c.split()[2]!r})",
        "os.system(job.line())",
    ],
    "data class of a data class": lambda c: [
        "import os\nfrom dataclasses import dataclass\nimport typing\n@dataclass\nclass Base:\n    kind: typing.ClassVar = 'x'\n    verb: str\n"
        "@dataclass\nclass Clone(Base):\n    of: str",
        f"one = Clone('git clone', {c.split()[2]!r})",
        "os.system(f'{one.verb} {one.of}')",
    ],
    "members of an enumeration made of several values": lambda c: [
        "import os\nfrom enum import Enum\nclass Do(Enum):\n"
        f"    SHOW = (1, 'ls', '.')\n    GET = (2, {c[:9]!r}, {c[9:]!r})\n"
        "    def __new__(cls, number, verb, rest):\n        made = object.__new__(cls)\n        made._value_ = number\n"
        "        made.line = verb + rest\n        return made",
        "os.system(Do(2).line)",
    ],
    "objects in an order of their own": lambda c: [
        "import os\nfrom dataclasses import dataclass, field\n@dataclass(order=True)\nclass Part:\n    rank: int\n"
        "    text: str = field(compare=False)",
        f"parts = [Part(3, {c.split()[2]!r}), Part(1, 'git'), Part(2, 'clone')]",
        "os.system(' '.join(each.text for each in sorted(parts)))",
    ],
    "heap of functions with their ranks": lambda c: [
        f"import os\nfrom heapq import heappush, heappop\nheld, heap = {{}}, []\ndef a(): held['x'] = {c!r}\n"
        "def b(): os.system(held['x'])\nheappush(heap, (2, b))\nheappush(heap, (1, a))",
        "while heap: heappop(heap)[1]()",
    ],
    # what is called for what comes
    "function for the type of what comes": lambda c: [
        "import os\nfrom functools import singledispatch\n@singledispatch\ndef show(x): raise TypeError(x)",
        "@show.register\ndef _(x: str): return x\n@show.register(list)\n@show.register(tuple)\n"
        "def _(x): return ' '.join(map(show, x))",
        f"os.system(show([{c.split()[0]!r}, ({c.split()[1]!r}, [{c.split()[2]!r}])]))",
    ],
    "method for the type of what comes": lambda c: [
        "import os, functools\nclass Sh:\n    @functools.singledispatchmethod\n    def do(self, x): pass\n    @do.register\n"
        "    def _(self, x: dict):\n        for each in x.values(): self.do(each)\n    @do.register\n"
        "    def _(self, x: str): os.system(x)",
        f"Sh().do({{'a': {{'b': {c!r}}}}})",
    ],
    "message that an adapter completes": lambda c: [
        "import logging, os\nclass Hear(logging.Handler):\n    def handle(self, record): os.system(record.getMessage())\n"
        "class Say(logging.LoggerAdapter):\n"
        "    def process(self, msg, kwargs): return '%s %s' % (self.extra['verb'], msg), kwargs",
        "logging.getLogger().addHandler(Hear())",
        f"Say(logging.getLogger(), dict(verb='git clone')).error({c.split()[2]!r})",
    ],
    # before and after a body
    "words collected in the body of a with": lambda c: [
        "import os, contextlib\n@contextlib.contextmanager\ndef line():\n    words = []\n    try:\n        yield words\n"
        "    finally:\n        os.system(' '.join(words))",
        f"with line() as w:\n    w += {c.split()!r}",
    ],
    "two bodies, one inside the other": lambda c: [
        "import os\nfrom contextlib import contextmanager\nclass Run:\n    what = 'true'\n    @contextmanager\n"
        "    def then(self, name):\n        yield self\n        os.system(getattr(self, name))",
        f"r = Run()\nwith r.then('what') as a, r.then('what') as b:\n    a.what = b.what = {c!r}",
    ],
    "steps in the order of what they need": lambda c: [
        f"import os, graphlib\nheld = {{}}\ndef a(): held['x'] = {c!r}\ndef b(): os.system(held['x'])",
        "order = graphlib.TopologicalSorter()\norder.add(b, a)\norder.prepare()",
        "while order.is_active():\n    for step in order.get_ready():\n        step()\n        order.done(step)",
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
