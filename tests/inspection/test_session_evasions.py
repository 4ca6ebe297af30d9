"""Attacks on the whole way of a cell: cleared or not, left waiting or not, evaluated when something asks for it.

Each case hides one shell command; the same cells with a harmless command must name nothing prohibited.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable

import pytest

from jupyter_tos_guard.inspection import Budget, Cell, Fact, History, Kind, inspect

BAD = "git clone https://github.com/iperov/DeepFaceLab"
GOOD = "git clone https://github.com/fastai/fastbook"

CASES: dict[str, Callable[[str], list[str]]] = {
    # text that objects carry
    "print into a text in memory": lambda c: [
        f"import io, os\nb = io.StringIO()\nb.write({c[:9]!r})\nprint({c[9:]!r}, file=b, end='')\nos.system(b.getvalue())"
    ],
    "standard output redirected": lambda c: [
        f"import io, os, contextlib\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n"
        f"    print('git', end=' ')\n    print(*{c.split()[1:]!r})\nos.system(b.getvalue())"
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
    "environment by default": lambda c: [f"import os\nos.environ.setdefault('Z', {c!r})", '!sh -c "$Z"'],
    "line of a file": lambda c: [
        f"%%writefile l.txt\n{c}",
        "import os, linecache\nos.system(linecache.getline('l.txt', 1))",
    ],
    # files
    "printed piece by piece": lambda c: [
        f"f = open('b.sh', 'w')\nfor w in {c.split()!r}: print(w, end=' ', file=f)\nf.close()",
        "!sh b.sh",
    ],
    "series as a script": lambda c: [
        f"import pandas as pd\npd.Series([{c!r}]).to_csv('b.sh', index=False, header=False)",
        "!sh b.sh",
    ],
    "array as a script": lambda c: [f"import numpy as np\nnp.savetxt('b.sh', [{c!r}], fmt='%s')", "!sh b.sh"],
    "module imported anew": lambda c: [
        "%%writefile h.py\nx = 1",
        "import h",
        f"%%writefile h.py\nimport os\nos.system({c!r})",
        "import importlib; importlib.reload(h)",
    ],
    "relative import": lambda c: [
        "%%writefile w/__init__.py\nfrom .b import *",
        f"%%writefile w/b.py\nimport os\nos.system({c!r})",
        "import w",
    ],
    # decoders
    "address that holds its content": lambda c: [
        f"from urllib.request import urlopen\nimport os\nos.system(urlopen('data:,{c.replace(' ', '%20')}').read())"
    ],
    "body of a mail": lambda c: [
        "import email, os\n"
        f"m = email.message_from_string('Content-Transfer-Encoding: base64\\n\\n{base64.b64encode(c.encode()).decode()}')\n"
        "os.system(m.get_payload(decode=True))"
    ],
    "codec of the session's own": lambda c: [
        "import codecs, os\ncodecs.register(lambda n: codecs.CodecInfo(None, lambda b, e='': (bytes(b).decode()[::-1], len(b))) if n == 'lab' else None)",
        f"os.system({c[::-1].encode()!r}.decode('lab'))",
    ],
    "bits packed": lambda c: [
        "import numpy as np, os\n"
        f"os.system(np.packbits(np.array(list({''.join(f'{each:08b}' for each in c.encode())!r}), dtype=np.uint8)).tobytes())"
    ],
    "columns of an array": lambda c: [
        "import numpy as np, os\nt = "
        f"{c.ljust(len(c) + len(c) % 2)[::2] + c.ljust(len(c) + len(c) % 2)[1::2]!r}\n"
        "os.system(''.join(np.array(list(t)).reshape(2, -1).T.ravel()))"
    ],
    "settings": lambda c: [
        f"import configparser\nc = configparser.ConfigParser()\nc.read_string('''[job]\nverb = git\nrest = {c[4:]}\n''')",
        "import os\nos.system(c['job']['verb'] + ' ' + c.get('job', 'rest'))",
    ],
    "settings that refer to settings": lambda c: [
        f"import configparser, os\nc = configparser.ConfigParser()\nc.read_string('[a]\\nx = {c[4:]}\\ny = git %(x)s\\n')\n"
        "os.system(c.get('a', 'y'))"
    ],
    "default of an option": lambda c: [
        f"import argparse, os\np = argparse.ArgumentParser()\np.add_argument('--run', default={c!r})\n"
        "os.system(p.parse_args([]).run)"
    ],
    "arguments parsed": lambda c: [
        f"import argparse, os\np = argparse.ArgumentParser()\np.add_argument('--run', '-r')\n"
        f"a = p.parse_args(['--run', {c!r}])\nos.system(a.run)"
    ],
    "markup": lambda c: [
        f"import xml.etree.ElementTree as ET, os\nr = ET.fromstring('<j><s run=\"{c[:8]}\">{c[8:]}</s></j>')\n"
        "os.system(r.find('s').get('run') + r.find('s').text)"
    ],
    "database": lambda c: [
        f"import sqlite3, os\nc = sqlite3.connect(':memory:')\nc.execute('create table t(c text)')\n"
        f"c.execute('insert into t values (?)', ({c!r},))\nos.system(c.execute('select c from t').fetchone()[0])"
    ],
    "shelf": lambda c: [
        f"import shelve\nwith shelve.open('st') as s: s['k'] = {c!r}",
        "import shelve, os\nwith shelve.open('st') as s: os.system(s['k'])",
    ],
    "object hook of JSON": lambda c: [
        "import json, os\nfrom types import SimpleNamespace\n"
        f'o = json.loads(\'{{"c": "{c}"}}\', object_hook=lambda d: SimpleNamespace(**d))\nos.system(o.c)'
    ],
    "decompressor object": lambda c: [
        f"import zlib, os\nz = zlib.decompressobj()\nos.system((z.decompress({zlib.compress(c.encode())!r}) + z.flush()).decode())"
    ],
    "table of text": lambda c: [
        f"import pandas as pd, io, os\ndf = pd.read_csv(io.StringIO('k,v\\nrun,{c}\\n'))\nos.system(df['v'][0])"
    ],
    "series concatenated": lambda c: [
        f"import pandas as pd, os\ns = pd.Series({[c[:9], c[9:]]!r})\nos.system(s.str.cat())"
    ],
    "substitution by a function": lambda c: [
        f"import re, os\nos.system(re.sub(r'<(\\d+)>', lambda m: chr(int(m.group(1))), {'<103>' + c[1:]!r}))"
    ],
    "interleaved halves": lambda c: [
        "import os\nfrom itertools import zip_longest, chain\n"
        f"os.system(''.join(chain.from_iterable(zip_longest({c[::2]!r}, {c[1::2]!r}, fillvalue=''))))"
    ],
    "unsafe YAML": lambda c: [
        f"import yaml\nyaml.load('!!python/object/apply:os.system [\"{c}\"]', Loader=yaml.UnsafeLoader)"
    ],
    "printed into a file": lambda c: [f"with open('r.sh', 'w') as f: print({c!r}, file=f)", "!sh r.sh"],
    "codec looked up": lambda c: [
        f"import codecs, os\nos.system(codecs.lookup('hex').decode({c.encode().hex().encode()!r})[0].decode())"
    ],
    "part of a view": lambda c: [
        f"import os\nm = memoryview({('##' + c).encode()!r})\nos.system(m[2:].tobytes().decode())"
    ],
    # Python's own hooks
    "subclass of a process": lambda c: [
        f"import subprocess\nclass P(subprocess.Popen): pass\nP({c!r}, shell=True)"
    ],
    "members of a module": lambda c: [f"import inspect, os\ndict(inspect.getmembers(os))['system']({c!r})"],
    "length": lambda c: [f"import os\nclass A:\n    def __len__(s): return os.system({c!r})\nlen(A())"],
    "text shown by print": lambda c: [
        f"import os\nclass A:\n    def __str__(s): os.system({c!r}); return ''\nprint(A())"
    ],
    "layer of a network": lambda c: [
        "import os, torch\nclass M(torch.nn.Module):\n"
        f"    def forward(s, x): os.system({c!r}); return x\nM()(1)"
    ],
    "missing key": lambda c: [
        f"import os\nclass D(dict):\n    def __missing__(s, k): return os.system(k)\nD()[{c!r}]"
    ],
    "missing field of a template": lambda c: [
        f"import os\nclass D(dict):\n    def __missing__(s, k): return {c!r}\nos.system('{{x}}'.format_map(D()))"
    ],
    "text that shows as another": lambda c: [
        f"import os\nclass K(str):\n    def __str__(self): return {c!r}\nos.system(str(K('echo hi')))"
    ],
    "setter of a property": lambda c: [
        "import os\nclass P:\n    @property\n    def v(s): return 1\n    @v.setter\n    def v(s, x): os.system(x)",
        f"P().v = {c!r}",
    ],
    "observer of a trait": lambda c: [
        "import traitlets, os\nclass C(traitlets.HasTraits):\n    c = traitlets.Unicode('')\n"
        "    @traitlets.observe('c')\n    def _o(self, change): os.system(change['new'])\no = C()",
        f"o.c = {c!r}",
    ],
    "constants of a code object": lambda c: [
        f"import os\ndef f(): os.system('echo')\nf.__code__ = f.__code__.replace(co_consts=(None, {c!r}))\nf()"
    ],
    "replaced builtin": lambda c: ["import builtins, os\nbuiltins.print = os.system", f"print({c!r})"],
    "replaced function of a library": lambda c: [
        "import os, json\njson.dumps = os.system",
        f"json.dumps({c!r})",
    ],
    "replaced display hook": lambda c: [f"import sys, os\nsys.displayhook = lambda v: os.system(v)\n{c!r}"],
    "module put among the loaded ones": lambda c: [
        "import types, sys\nm = types.ModuleType('hlp')\n"
        f"exec('import os\\ndef go(): os.system(\"{c}\")', m.__dict__)\nsys.modules['hlp'] = m",
        "import hlp\nhlp.go()",
    ],
    "module in an archive": lambda c: [
        "import zipfile\nwith zipfile.ZipFile('m.zip', 'w') as z:\n"
        f"    z.writestr('mm.py', 'import os\\nos.system(\"{c}\")')",
        "import sys\nsys.path.insert(0, 'm.zip')\nimport mm",
    ],
    "set-up of a measurement": lambda c: [
        f"import timeit\ntimeit.timeit('os.system(\"{c}\")', setup='import os', number=1)"
    ],
    "callback of a future": lambda c: [
        "from concurrent.futures import ThreadPoolExecutor as E\nimport os\n"
        f"E().submit(lambda: 1).add_done_callback(lambda f: os.system({c!r}))"
    ],
    "test case": lambda c: [
        f"import unittest, os\nclass T(unittest.TestCase):\n    def test_a(self): os.system({c!r})\nunittest.main(argv=['x'])"
    ],
    "terminal of a child": lambda c: [
        "import pty, os\npid, fd = pty.fork()\nif pid == 0: os.execvp('bash', ['bash'])\n"
        f"os.write(fd, {(c + chr(10)).encode()!r})"
    ],
    "pager": lambda c: [f"import pydoc\npydoc.pipepager('', {c!r})"],
    # IPython
    "renamed magic": lambda c: [f"q = {c!r}\n%alias_magic w sx\n%w $q"],
    "magic as a function": lambda c: [f"get_ipython().find_line_magic('sx')({c!r})"],
    "magic out of the manager": lambda c: [f"get_ipython().magics_manager.magics['line']['system']({c!r})"],
    "loaded file": lambda c: [f"%%writefile p.py\n!{c}", "%load p.py"],
    "stored value": lambda c: [f"x = {c!r}\n%store x >job.sh", "!sh job.sh"],
    "IPython started": lambda c: [f"import IPython\nIPython.start_ipython(argv=['-c', '!{c}'])"],
    "transformed cell": lambda c: [
        "def tr(lines): return [each.replace('set_up()', 'get_ipython().system(\""
        + c
        + "\")') for each in lines]\n"
        "get_ipython().input_transformers_cleanup.append(tr)",
        "set_up()",
    ],
    "transformed syntax tree": lambda c: [
        "import ast\nclass X(ast.NodeTransformer):\n    def visit_Constant(self, n):\n"
        f"        return ast.copy_location(ast.Constant({c!r}), n) if n.value == 'go' else n\n"
        "get_ipython().ast_transformers.append(X())"
    ],
    "name bound after the hook": lambda c: [
        "import os\ndef h(*a): os.system(J)\nget_ipython().events.register('pre_execute', h)",
        f"J = {c!r}",
    ],
    "choices of a widget": lambda c: [
        f"import ipywidgets as w, os\n@w.interact(c=[{c!r}, 'ls'])\ndef go(c): os.system(c)"
    ],
    "value of a widget": lambda c: [
        f"import ipywidgets as w\nd = w.Dropdown(options=['ls', {c!r}])",
        "import os\nw.Button().on_click(lambda b: os.system(d.value))",
    ],
    # other programs
    "kernel specification": lambda c: [
        "%%writefile /home/jovyan/.local/share/jupyter/kernels/x/kernel.json\n"
        f'{{"argv": ["bash", "-c", "{c}"], "display_name": "x", "language": "python"}}'
    ],
    "awk in braces": lambda c: [f"!awk 'BEGIN{{system(\"{c}\")}}'"],
    "sed runs a command": lambda c: [f"!echo x | sed '1e {c}'"],
    "command that is not found": lambda c: [f"%%bash\ncommand_not_found_handle() {{ {c}; }}\nnosuchthing"],
    "start-up file of an interpreter": lambda c: [
        f"open('st.py', 'w').write('import os; os.system(\"{c}\")')",
        "!PYTHONSTARTUP=st.py python -i < /dev/null",
    ],
    "task runner": lambda c: [f"%%writefile justfile\ngo:\n    {c}\n", "!just go"],
    # IPython's lines and cells
    "arguments of a cell of bash": lambda c: [
        f"u = {c.split()[2]!r}",
        '%%bash --out o -s clone "$u"\ngit $1 "$2"',
    ],
    "arguments of any script": lambda c: [f"%%script bash -s {c[10:]}\ngit clone $1"],
    "captured output": lambda c: [f"%%capture --no-stderr o\nprint({c!r})", "import os\nos.system(o.stdout)"],
    "captured output of a program": lambda c: [f"%%capture o\n!echo {c}", "!{o.stdout}"],
    "alias without its escape": lambda c: [f"%alias gc git clone {c[10:40]}%l", f"gc {c[40:]}"],
    "programs as aliases": lambda c: ["%rehashx", c],
    "macro defined by a call": lambda c: [
        f"get_ipython().define_macro('m', \"get_ipython().system({c!r})\")",
        "m",
    ],
    "import for reloading": lambda c: [f"%%writefile w.py\nimport os\nos.system({c!r})", "%aimport w"],
    "environment file": lambda c: [
        f"%%writefile .env\nexport Z='{c}'",
        "from dotenv import load_dotenv; load_dotenv()",
        "!$Z",
    ],
    "environment file by magic": lambda c: [f"%%writefile .env\nZ={c}", "%dotenv", "!$Z"],
    "written in two cells": lambda c: [
        f"%%writefile r.sh\n{c[:9]} \\",
        f"%%writefile -a r.sh\n{c[9:]}",
        "!sh r.sh",
    ],
    "copied without an escape": lambda c: [f"%%writefile a.txt\n{c}", "cp a.txt b.sh", "!sh b.sh"],
    # files that run as what they are part of
    "folder that runs": lambda c: [
        f"%%writefile app/__main__.py\nimport os\nos.system({c!r})",
        "!python app",
    ],
    "archive that runs": lambda c: [
        f"%%writefile app/__main__.py\nimport os\nos.system({c!r})",
        "!python -m zipapp app -o x.pyz && python x.pyz",
    ],
    "archive made in Python": lambda c: [
        f"%%writefile m.py\nimport os\nos.system({c!r})",
        "import zipfile\nwith zipfile.ZipFile('x.zip', 'w') as z: z.write('m.py', '__main__.py')",
        "!python x.zip",
    ],
    "packed and unpacked": lambda c: [
        f"%%writefile d/r.sh\n{c}",
        "!tar czf x.tgz d; rm -r d",
        "!tar xzf x.tgz -C /tmp; sh /tmp/d/r.sh",
    ],
    # runners
    "test of a file": lambda c: [
        "%%writefile t/test_a.py\nimport os, pytest\n@pytest.fixture\n"
        f"def u(): return {c!r}\ndef test_x(u): os.system(u)",
        "import pytest; pytest.main(['-q', 't'])",
    ],
    "hook of the tests": lambda c: [
        f"%%writefile conftest.py\nimport os\ndef pytest_configure(config): os.system({c!r})",
        "!python -m pytest -q",
    ],
    "test class of a file": lambda c: [
        "%%writefile test_a.py\nimport os, unittest\nclass T(unittest.TestCase):\n"
        f"    def setUp(self): self.c = {c!r}\n    def test_x(self): os.system(self.c)",
        "!python -m unittest",
    ],
    "cell of tests": lambda c: [f"%%ipytest\nimport os\ndef test_x(): os.system({c!r})"],
    "examples": lambda c: [
        f'import doctest\ndef f():\n    """\n    >>> import os\n    >>> os.system({c!r})\n    """\ndoctest.testmod()'
    ],
    "task with arguments": lambda c: [
        "%%writefile tasks.py\nfrom invoke import task\n@task\ndef get(c, url): c.run('git clone ' + url)",
        f"!inv get --url {c[10:]}",
    ],
    "session of a runner": lambda c: [
        f"%%writefile noxfile.py\nimport nox\n@nox.session\ndef go(s): s.run(*{c.split()!r}, external=True)",
        "!nox -s go",
    ],
    "script of a build": lambda c: [
        f"%%writefile g.cmake\nset(u {c[10:]})\nexecute_process(COMMAND git clone ${{u}})",
        "!cmake -P g.cmake",
    ],
    "rule of a build": lambda c: [
        f"%%writefile build.ninja\nu = {c[10:]}\nrule r\n  command = git clone $u\nbuild out: r",
        "!ninja",
    ],
    "rule on the command line": lambda c: [f"!make --eval='x: ; {c}' x"],
    "hook of a commit": lambda c: [
        f"%%writefile .pre-commit-config.yaml\nrepos:\n- repo: local\n  hooks:\n  - {{id: a, entry: {c}, language: system}}",
        "!pre-commit run -a",
    ],
    "rules included": lambda c: [
        "%%writefile Makefile\ninclude x.mk\nall:\n\t$(R)\n",
        f"%%writefile x.mk\ndefine R\n{c}\nendef\n",
        "!make",
    ],
    "rules of a folder": lambda c: [
        "%%writefile Makefile\nx:\n\t${MAKE} -C d\n",
        f"%%writefile d/Makefile\nall:\n\t{c}\n",
        "!make",
    ],
    "build list included": lambda c: [
        "%%writefile CMakeLists.txt\ninclude(g.cmake)",
        f"%%writefile g.cmake\nexecute_process(COMMAND {c})",
        "!cmake -S . -B b",
    ],
    "command in a list": lambda c: [
        f"%%writefile meson.build\nproject('a')\nrun_command({', '.join(map(repr, c.split()))})",
        "!meson setup b",
    ],
    "actions of a task": lambda c: [
        f"%%writefile dodo.py\ndef task_a(): return {{'actions': [{c!r}]}}",
        "!doit",
    ],
    "script of a project": lambda c: [
        f"%%writefile pyproject.toml\n[tool.pdm.scripts]\nx = '{c}'",
        "!pdm run x",
    ],
    "task in JSON": lambda c: [f'%%writefile deno.json\n{{"tasks": {{"x": "{c}"}}}}', "!deno task x"],
    "workflow": lambda c: [
        f"%%writefile .github/workflows/a.yml\njobs:\n  a:\n    steps:\n    - run: |\n        {c}",
        "!act",
    ],
    "module of a folder": lambda c: [
        "%%writefile w/a.py\nx = 1",
        f"%%writefile w/b.py\nimport os\ndef go(): os.system({c!r})",
        "import w.b\nimport w.a\nw.b.go()",
    ],
    "package": lambda c: [
        f"%%writefile w/__init__.py\nimport os\ndef go(): os.system({c!r})",
        "from w import go\ngo()",
    ],
    "module out of a folder": lambda c: [
        f"%%writefile w/a.py\nimport os\ndef go(): os.system({c!r})",
        "from w import a\na.go()",
    ],
    "file in memory": lambda c: [
        f"import os\nfd = os.memfd_create('a')\nos.write(fd, {c.encode()!r})\nos.system(f'sh /proc/{{os.getpid()}}/fd/{{fd}}')"
    ],
    # what is called later, for what comes
    "finder of imports": lambda c: [
        "import sys, os\nclass Finder:\n    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == 'my_course': os.system({c!r})\nsys.meta_path.insert(0, Finder())",
        "import my_course",
    ],
    "loader of imports": lambda c: [
        "import sys, os\nfrom importlib.util import spec_from_loader\nclass Loader:\n"
        "    def find_spec(self, name, path, target=None): return spec_from_loader(name, self)\n"
        "    def create_module(self, spec): return None\n"
        "    def exec_module(self, module): module.go = lambda: os.system(TABLE[module.__name__])\n"
        f"TABLE = {{'my_course': {c!r}}}\nsys.meta_path += [Loader()]",
        "from my_course import go\ngo()",
    ],
    "__import__ put in its place": lambda c: [
        "import builtins, os\nusual = builtins.__import__\ndef other(name, *rest):\n"
        "    os.system(TABLE.get(name, ''))\n    return usual(name, *rest)\nbuiltins.__import__ = other",
        f"TABLE = {{'colorsys': {c!r}}}",
        "import colorsys",
    ],
    "function that calls what it replaced": lambda c: [
        "import os\nusual = os.system\nos.system = lambda words: usual(' '.join(words))",
        f"os.system({c.split()!r})",
    ],
    "handler of exceptions": lambda c: [
        "def handler(shell, kind, error, trace, tb_offset=None):\n    shell.system('git ' + str(error))\n"
        "ip = get_ipython()\nip.set_custom_exc((LookupError, KeyError), handler)",
        f"raise KeyError({c[4:]!r})",
    ],
    "event of a cell": lambda c: [
        "import os\ndef look(info):\n    for line in info.raw_cell.splitlines():\n"
        "        if line.startswith('#do '): os.system(line[4:])\n"
        "get_ipython().events.register('pre_run_cell', look)",
        f"#do {c}\nx = 1",
    ],
    "call from a page": lambda c: [
        "from google.colab import output\nimport os\noutput.register_callback('start', lambda a, b: os.system(a + b))",
        f'from IPython.display import HTML\nHTML(\'<script>google.colab.kernel.invokeFunction("start", '
        f'["{c[:9]}", "{c[9:]}"], {{}})</script>\')',
    ],
    "transformer of trees, by what it is given": lambda c: [
        "import ast\nclass T(ast.NodeTransformer):\n    def visit_Call(self, node):\n"
        "        if isinstance(node.func, ast.Name) and node.func.id == 'note':\n"
        "            node.func = ast.parse('__import__(\"os\").system').body[0].value\n        return node\n"
        "get_ipython().ast_transformers.append(T())",
        f"note({c!r})",
    ],
    "transformer of trees, used by itself": lambda c: [
        "import ast, os\nclass T(ast.NodeTransformer):\n    def visit_Constant(self, node):\n"
        f"        return ast.Constant({c!r}) if node.value == 'x' else node\n"
        "exec(compile(T().visit(ast.parse(\"os.system('x')\")), 'a', 'exec'))"
    ],
    "descriptor that is set": lambda c: [
        "import subprocess\nclass Field:\n    def __set__(self, owner, value): subprocess.run(value, shell=True)\n"
        "class Settings:\n    source = Field()",
        f"settings = Settings()\nsettings.source = {c!r}",
    ],
    "task that waits": lambda c: [
        "import asyncio, os\nasync def work(jobs):\n    while True:\n        os.system(await jobs.get())\n"
        "async def main():\n    jobs = asyncio.Queue()\n    asyncio.ensure_future(work(jobs))\n"
        f"    await jobs.put({c!r})\n    await jobs.join()",
        "await main()",
    ],
    "data that comes after the timer": lambda c: [
        "import threading, os\nwords = []\ndef go(): os.system(' '.join(words))\nthreading.Timer(3, go).start()\n"
        f"words += {c.split()!r}"
    ],
    "functions registered by a decorator": lambda c: [
        "import os\nHOOKS = {}\ndef on(name):\n    return lambda f: HOOKS.setdefault(name, []).append(f) or f\n"
        "@on('a')\ndef run(words): os.system(words)\ndef fire(name, *given):\n    for f in HOOKS[name]: f(*given)",
        f"fire('a', {c!r})",
    ],
    "widget that is observed": lambda c: [
        "import ipywidgets as w, os\nmenu = w.Select(options={'nothing': ''})\n"
        "menu.observe(lambda change: os.system(change['new']), 'value')",
        f"menu.options = {{'nothing': '', 'get': {c!r}}}",
        "menu.label = 'get'",
    ],
    "button that gives itself": lambda c: [
        f"import ipywidgets as w, os\nb = w.Button(description='get')\nb.words = {c!r}\n"
        "b.on_click(lambda button: os.system(button.words))"
    ],
    "linked widgets": lambda c: [
        f"import ipywidgets as w, os\na, b = w.Text({c!r}), w.Text()\n"
        "b.observe(lambda change: os.system(change.new), 'value')\nw.dlink((a, 'value'), (b, 'value'))"
    ],
    "observer of traits": lambda c: [
        "import traitlets, os\nclass Model(traitlets.HasTraits):\n    words = traitlets.Unicode()\nmodel = Model()\n"
        "model.observe(lambda change: os.system(change.new), names=['words'])",
        f"model.words = {c!r}",
    ],
    "gradio": lambda c: [
        f"import gradio as gr, os\ngr.Interface(os.system, gr.Dropdown(choices=['ls', {c!r}]), 'text').launch()"
    ],
    "function of SQL": lambda c: [
        "import sqlite3, subprocess\nwith sqlite3.connect(':memory:') as db:\n    db.execute('create table t (x)')\n"
        f"    db.execute('insert into t values (?)', [{c!r}])\n"
        "db.create_function('note', 1, lambda x: subprocess.getoutput(x))",
        "db.execute('select note(x) from t')",
    ],
    "function of SQL that gives a text": lambda c: [
        "import sqlite3, os\ndb = sqlite3.connect(':memory:')\ndb.create_function('turn', 1, lambda x: x[::-1])\n"
        f"for (x,) in db.execute('select turn(?)', [{c[::-1]!r}]): os.system(x)"
    ],
    "function of SQL over rows": lambda c: [
        "import sqlite3, os\nclass Join:\n    def __init__(self): self.parts = []\n"
        "    def step(self, x): self.parts.append(x)\n    def finalize(self): return os.system(' '.join(self.parts))\n"
        "db = sqlite3.connect(':memory:')\ndb.create_aggregate('j', 1, Join)\ndb.execute('create table t (x)')",
        f"db.executemany('insert into t values (?)', [(x,) for x in {c.split()!r}])\ndb.execute('select j(x) from t')",
    ],
    # files that libraries and magics write
    "log": lambda c: [
        "import logging\nlogging.basicConfig(filename='a.log', format='%(message)s', force=True)\n"
        f"logging.warning('%s %s', {c[:9]!r}, {c[10:]!r})",
        "!sh a.log",
    ],
    "log of a logger": lambda c: [
        "import logging\nlog = logging.getLogger('a')\nto = logging.FileHandler('a.log', 'w')\n"
        "to.setFormatter(logging.Formatter('%(levelname)s: %(message)s'))\nlog.addHandler(to)",
        f"log.error({c!r})",
        "!cut -d' ' -f2- a.log | bash",
    ],
    "cells that are saved": lambda c: [f"x = {c!r}", "%save -f part 1", "import part, os\nos.system(part.x)"],
    "history with numbers": lambda c: [f"# {c}", "%hist -nf h 1", "!cut -d'#' -f2 h | sh"],
    "array": lambda c: [
        f"import numpy as np\nnp.savez('a', x=np.array({list(c.encode())!r}, dtype='uint8'))",
        "import os\nos.system(np.load('a.npz')['x'].tobytes().decode())",
    ],
    "text in an image": lambda c: [
        f"from PIL import Image, PngImagePlugin as P\ninfo = P.PngInfo()\ninfo.add_itxt('x', {c!r})\n"
        "Image.new('1', (1, 1)).save('a.png', pnginfo=info)",
        "import os\nos.system(Image.open('a.png').info['x'])",
    ],
    "page": lambda c: [
        f'page = \'<ul id="a"><li><b class="x y">{c[:9]}</b><a rel=z href="{c[10:]}">it</a></ul>\'',
        "import bs4, os\nsoup = bs4.BeautifulSoup(page, 'lxml')\n"
        "os.system(soup.ul.find('b', {'class': 'y'}).string + ' ' + soup.select('#a > li a[rel=z]')[0]['href'])",
    ],
    "module of an archive": lambda c: [
        "import zipfile\nwith zipfile.ZipFile('m.zip', 'w') as z:\n"
        f"    z.writestr('inner.py', {f'import os{chr(10)}def go(): os.system({c!r})'!r})",
        "import sys\nsys.path += ['m.zip']\nfrom inner import go\ngo()",
    ],
    "coding line": lambda c: [
        f"text = b'# -*- coding: utf-7 -*-\\nimport os\\nos.system(+ACI-{c}+ACI-)\\n'\nopen('k.py', 'wb').write(text)",
        "!python k.py",
    ],
    "parameters of a notebook": lambda c: [
        "import nbformat as n\ncell = n.v4.new_code_cell\nbook = n.v4.new_notebook(cells=["
        "cell('a = b = \"\"', metadata={'tags': ['parameters']}), cell('!{a} {b}')])\nn.write(book, 'p.ipynb')",
        f"!papermill p.ipynb q.ipynb -p a '{c[:9]}' -r b {c[10:]}",
    ],
    "parameters from Python": lambda c: [
        '%%writefile p.ipynb\n{"cells": [{"cell_type": "code", "metadata": {}, "source": "!$words"}]}',
        f"import papermill\npapermill.execute_notebook('p.ipynb', 'q.ipynb', {{'words': {c!r}}})",
    ],
    "fixture": lambda c: [
        f"%%writefile conftest.py\nimport pytest\n@pytest.fixture\ndef words():\n    yield {c!r}",
        "%%writefile test_a.py\nimport os\n@__import__('pytest').fixture(autouse=True)\n"
        "def prepare(words): os.system(words)\ndef test_a(): pass",
        "!pytest -q test_a.py",
    ],
    "parameters of a test": lambda c: [
        f"%%writefile test_a.py\nimport os, pytest\n@pytest.mark.parametrize('a, b', [({c[:9]!r}, {c[9:]!r})])\n"
        "def test_a(a, b): assert not os.system(a + b)",
        "!pytest -q test_a.py",
    ],
    "command of a project": lambda c: [
        "%%writefile setup.py\nimport os, setuptools\nfrom setuptools.command.build_py import build_py\n"
        f"class Build(build_py):\n    def run(self):\n        super().run()\n        os.system({c!r})\n"
        "setuptools.setup(name='a', cmdclass={'build_py': Build})",
        "!pip install -q .",
    ],
    "comment of a class": lambda c: [
        f"%%writefile k.py\nclass Net:\n    # {c}\n    layers = 3",
        "import inspect, os, k\nos.system(inspect.getsourcelines(k.Net)[0][1].strip('# \\n'))",
    ],
    "settings that configparser writes": lambda c: [
        "import configparser\np = configparser.RawConfigParser()\np.add_section('alias')\n"
        f"p['alias']['up'] = '\"!f() {{ git $1 {c[10:]}; }}; f\"'\n"
        "with open('/root/.gitconfig', 'w') as f: p.write(f)",
        "!git up clone",
    ],
    # settings of git
    "setting read back": lambda c: [f"!git config --global a.url {c[10:]}", "!git clone $(git config a.url)"],
    "setting of a file": lambda c: [
        f"!git config -f x a.url {c[10:]}",
        "!git clone $(git config -f x a.url)",
    ],
    "settings included": lambda c: [
        f"%%writefile g.cfg\n[alias]\n\tup = {c[4:]}",
        "!git -c include.path=g.cfg up",
    ],
    "settings named by a variable": lambda c: [
        f"%%writefile g\n[alias]\n\tup = {c[4:]}",
        "!GIT_CONFIG_GLOBAL=g git up",
    ],
    # consoles and languages
    "console of an editor": lambda c: [f"!vim -es +'sil !{c}' +q"],
    "function of an editor": lambda c: [f"!vim -c 'call system(\"{c}\")' -c q"],
    "console of a debugger": lambda c: [f"!gdb -batch -ex 'shell {c}'"],
    "console of a database": lambda c: [f"!echo '.system {c}' | sqlite3"],
    "variables of expect": lambda c: [f"!expect -c 'set r {c[10:]}; spawn git clone $r; expect eof'"],
    "Perl without parentheses": lambda c: [
        f"%%perl\nmy $c = join ' ', qw({c});\nexec scalar reverse reverse $c;"
    ],
    "Perl's own variable": lambda c: [f"%%perl\n$_ = '{c.swapcase()}'; tr/a-zA-Z/A-Za-z/; system $_"],
    "PowerShell": lambda c: [
        f"%%writefile a.ps1\n$u = '{c[10:20]}' + '{c[20:]}'\ngit clone $u\n",
        "!pwsh -File a.ps1",
    ],
    "bytes swapped": lambda c: [
        f"!printf %s '{''.join(b + a for a, b in zip(c[::2], c[1::2] + ' ', strict=False))}' | dd conv=swab | sh"
    ],
    "date of a form": lambda c: [f"!$(date +'{c[:12]}%%{c[12:]}' | tr -d %)"],
    "message to a kernel": lambda c: [
        "import requests\n"
        f"requests.post('http://localhost:8888/api/kernels/1/execute', json={{'code': {'!' + c!r}}})"
    ],
    "build lists": lambda c: [f"%%writefile CMakeLists.txt\nexecute_process(COMMAND {c})", "!cmake ."],
    "request by hand": lambda c: [
        "import socket, ssl\n"
        "s = ssl.create_default_context().wrap_socket(socket.create_connection(('codeload.github.com', 443)))\n"
        f"s.sendall(b'GET /{'/'.join(c.split('/')[3:])}/zip/refs/heads/main HTTP/1.1\\r\\nHost: codeload.github.com\\r\\n\\r\\n')"
    ],
    "client with a base address": lambda c: [
        "import aiohttp\nasync with aiohttp.ClientSession('https://github.com') as s:\n"
        f"    async with s.get('/{'/'.join(c.split('/')[3:])}') as r: d = await r.read()"
    ],
    "browser": lambda c: [f"from selenium import webdriver\nd = webdriver.Chrome()\nd.get({c.split()[2]!r})"],
    "remote of a repository": lambda c: [
        f"import git\nr = git.Repo.init('w')\nr.create_remote('o', {c.split()[2]!r}).fetch()"
    ],
    "file system of a forge": lambda c: [
        "import fsspec\n"
        f"fs = fsspec.filesystem('github', org={c.split('/')[3]!r}, repo={c.split('/')[4]!r})\nfs.get('/', 'w')"
    ],
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
    "arguments of perl": lambda c: [f"!perl -e 'system(\"$ARGV[0] $ARGV[1] $ARGV[2]\")' {c}"],
    "arguments of a script of node": lambda c: [
        "%%writefile f.js\nconst { execSync } = require('child_process')\nexecSync('git clone ' + process.argv[2])",
        f"!node f.js {c.split()[2]}",
    ],
    "arguments of a script of R": lambda c: [
        "%%writefile f.R\ngiven <- commandArgs(trailingOnly = TRUE)\nsystem(paste('git clone', given[1]))",
        f"!Rscript f.R {c.split()[2]}",
    ],
    "arguments of awk": lambda c: [f"!awk 'BEGIN {{ system(\"git clone \" ARGV[1]) }}' {c.split()[2]}"],
    # loops in which something unknown decides
    "fifth of a list of downloads": lambda c: [
        f"import os, subprocess\njobs = [('a', 'ls'), ('b', 'pwd'), ('c', 'date'), ('d', 'df'), ('e', {c!r})]",
        "from tqdm.auto import tqdm\nended = {}\nfor name, job in tqdm(jobs, desc='jobs'):\n    if os.path.exists(name):\n"
        "        continue\n    try:\n        ended[name] = subprocess.run(job, shell=True).returncode\n"
        "        if ended[name] != 0:\n            print('failed', name)\n    except Exception as error:\n        print(error)",
    ],
    "last of a list that is emptied": lambda c: [
        f"import os\njobs = [{c!r}, 'ls', 'pwd', 'date', 'df']\nwhile jobs:\n    job = jobs.pop()\n"
        "    if os.system(job) != 0:\n        print('failed')",
    ],
    "flags": lambda c: [
        "import enum, os\nclass Want(enum.Flag):\n    A = enum.auto()\n    B = enum.auto()\n"
        f"jobs = {{Want.A: 'ls', Want.B: {c!r}}}",
        "for each in [job for want, job in jobs.items() if want & Want.B]: os.system(each)",
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


def test_what_the_flags_leave_out_is_not_run() -> None:
    cells = [
        "import enum, os\nclass Want(enum.Flag):\n    A = enum.auto()\n    B = enum.auto()\n    C = enum.auto()\n"
        f"jobs = {{Want.A: 'ls', Want.B: {BAD!r}, Want.C: 'pwd'}}",
        "want = Want.A | Want.C\nfor each in [job for key, job in jobs.items() if key & want]: os.system(each)",
    ]
    assert not [fact for fact in facts_of(cells) if "deepfacelab" in fact.value.lower()]


def test_options_about_torrents_do_not_make_a_torrent_of_a_list_of_files() -> None:
    command = "!aria2c --seed-time=0 --input-file=list.txt"
    for listed, wanted in [("https://example.org/data.zip", False), ("https://example.org/x.torrent", True)]:
        facts = facts_of([f"%%writefile list.txt\n{listed}\n  dir=/tmp", command])
        assert wanted == any("--seed-time" in fact.value for fact in facts)
