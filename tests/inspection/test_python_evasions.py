"""Each case hides one shell command; the same cell with a harmless command must name nothing prohibited."""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import gzip
import json
import lzma
import marshal
import pickle
import pickletools
import zlib
from collections.abc import Callable

import pytest

from jupyter_tos_guard.inspection.facts import Fact, Kind
from jupyter_tos_guard.inspection.python.evaluation import run_cell
from jupyter_tos_guard.inspection.state import Budget, State

BAD = "git clone https://github.com/iperov/DeepFaceLab"
GOOD = "git clone https://github.com/fastai/fastbook"
BAD_REPOSITORY = "github.com/iperov/deepfacelab"
GOOD_REPOSITORY = "github.com/fastai/fastbook"


def facts_of(*cells: str) -> list[Fact]:
    state = State()
    found: list[Fact] = []
    for cell in cells:
        state.budget = Budget(seconds=20)
        state.facts = []
        run_cell(cell, state)
        found += state.facts
        state.sources.append(cell)
    return found


def repositories(cells: list[str]) -> set[str]:
    return {fact.value for fact in facts_of(*cells) if fact.kind is Kind.REPOSITORY}


Case = Callable[[str], list[str]]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _program(command: str) -> str:
    return f"import os; os.system({command!r})"


def _url(command: str) -> str:
    return command.split(" ")[2]


# -- strings put together -------------------------------------------------------------------------


@case
def string_template(c: str) -> list[str]:
    return [
        f"import os\nfrom string import Template\nos.system(Template('git $a {_url(c)}').substitute(a='clone'))"
    ]


@case
def format_with_attribute(c: str) -> list[str]:
    return [f"import os\nclass K: u = {_url(c)!r}\nos.system('git clone {{0.u}}'.format(K))"]


@case
def format_map_of_dict(c: str) -> list[str]:
    return [
        f"import os\nos.system('{{verb}} clone {{url}}'.format_map({{'verb': 'git', 'url': {_url(c)!r}}}))"
    ]


@case
def percent_with_mapping(c: str) -> list[str]:
    return [f"import os\nos.system('%(a)s clone %(b)s' % dict(a='git', b={_url(c)!r}))"]


@case
def interleaved_halves(c: str) -> list[str]:
    return [
        f"import os\na, b = {c[::2]!r}, {c[1::2]!r}\nos.system(''.join(x + y for x, y in zip(a, b + ' ')).strip())"
    ]


@case
def sorted_by_index(c: str) -> list[str]:
    pieces = [(index, c[index : index + 5]) for index in range(0, len(c), 5)][::-1]
    return [f"import os\np = {pieces!r}\np.sort(key=lambda t: t[0])\nos.system(''.join(t[1] for t in p))"]


@case
def every_third_character(c: str) -> list[str]:
    return [f"import os\nos.system({''.join(each + 'zq' for each in c)!r}[::3])"]


@case
def reduce_over_codes(c: str) -> list[str]:
    return [
        f"import os\nfrom functools import reduce\nos.system(reduce(lambda a, n: a + chr(n), {[*map(ord, c)]}, ''))"
    ]


@case
def dictionary_of_letters(c: str) -> list[str]:
    table = {letter: index for index, letter in enumerate(sorted(set(c)))}
    return [
        f"d = { ({v: k for k, v in table.items()})!r}\ns = ''\nfor i in {[table[x] for x in c]}:\n    s += d[i]\n!{{s}}"
    ]


@case
def insertion_and_pop(c: str) -> list[str]:
    return [
        f"import os\nl = list({c[1:]!r})\nl.insert(0, {c[0]!r})\ns = ''\nwhile l:\n    s += l.pop(0)\nos.system(s)"
    ]


@case
def bytearray_assignment(c: str) -> list[str]:
    return [
        f"import os\nb = bytearray({len(c)})\nfor i, n in enumerate({[*c.encode()]}):\n    b[i] = n\nos.system(b.decode())"
    ]


@case
def big_integer_to_bytes(c: str) -> list[str]:
    number = int.from_bytes(c.encode(), "big")
    return [f"import os\nos.system(({number}).to_bytes({len(c)}, 'big').decode())"]


@case
def struct_pack(c: str) -> list[str]:
    return [f"import os, struct\nos.system(struct.pack('{len(c)}B', *{[*c.encode()]}).decode())"]


@case
def regular_expression_extracts(c: str) -> list[str]:
    noisy = "".join(f"<{each}>" for each in c)
    return [f"import os, re\nos.system(''.join(re.findall('<(.)>', {noisy!r})))"]


@case
def walrus_in_comprehension(c: str) -> list[str]:
    return [f"import os\n[s := '', [s := s + chr(n ^ 7) for n in {[ord(x) ^ 7 for x in c]}]]\nos.system(s)"]


@case
def numpy_exclusive_or(c: str) -> list[str]:
    return [
        f"import os, numpy as np\na = np.array({[ord(x) ^ 21 for x in c]}, dtype=np.uint8)\nos.system(bytes(a ^ 21).decode())"
    ]


@case
def numpy_join_of_chr(c: str) -> list[str]:
    return [
        f"import os, numpy as np\na = np.array({[ord(x) + 3 for x in c]}) - 3\nos.system(''.join(map(chr, a)))"
    ]


@case
def unicode_names(c: str) -> list[str]:
    import unicodedata

    names = [unicodedata.name(each) for each in c]
    return [f"import os, unicodedata as u\nos.system(''.join(u.lookup(n) for n in {names!r}))"]


@case
def recursion_builds(c: str) -> list[str]:
    return [
        f"import os\ndef r(s):\n    return s if len(s) < 2 else r(s[1:]) + s[0]\nos.system(r({c[::-1]!r}))"
    ]


@case
def generator_yields_letters(c: str) -> list[str]:
    return [
        f"import os\ndef g(s):\n    for x in s:\n        yield chr(ord(x) - 1)\nos.system(''.join(g({''.join(chr(ord(x) + 1) for x in c)!r})))"
    ]


@case
def class_with_add_operator(c: str) -> list[str]:
    return [
        "import os\nclass S:\n    def __init__(self, v): self.v = v\n    def __add__(self, o): return S(self.v + o.v)\n"
        f"os.system((S({c[:20]!r}) + S({c[20:]!r})).v)"
    ]


@case
def match_statement(c: str) -> list[str]:
    return [
        f"import os\nk = 2\nmatch k:\n    case 1:\n        s = 'ls'\n    case 2:\n        s = {c!r}\nos.system(s)"
    ]


@case
def choice_of_unknown_branch(c: str) -> list[str]:
    return [
        f"import os, sys\nif len(sys.argv) > 3:\n    u = 'x'\nelse:\n    u = {_url(c)!r}\nos.system('git clone ' + u)"
    ]


@case
def random_choice_of_commands(c: str) -> list[str]:
    return [f"import os, random\nos.system(random.choice(['ls', {c!r}]))"]


@case
def seeded_shuffle(c: str) -> list[str]:
    import random

    order = list(range(len(c)))
    random.Random(5).shuffle(order)
    mixed = "".join(c[index] for index in order)
    return [
        f"import os, random\nm = {mixed!r}\no = list(range(len(m)))\nrandom.seed(5)\nrandom.shuffle(o)\n"
        "r = [''] * len(m)\nfor i, n in enumerate(o):\n    r[n] = m[i]\nos.system(''.join(r))"
    ]


# -- encodings ------------------------------------------------------------------------------------------


@case
def base64_in_pieces_with_padding_added(c: str) -> list[str]:
    text = _b64(c).rstrip("=")
    return [
        f"import base64, os\ns = {text[:9]!r} + {text[9:]!r}\nos.system(base64.b64decode(s + '=' * (-len(s) % 4)).decode())"
    ]


@case
def codec_chain(c: str) -> list[str]:
    return [f"import codecs, os\nos.system(codecs.decode({codecs.encode(c, 'rot13').encode().hex().encode()!r}, 'hex').decode().translate("
            "str.maketrans('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', 'nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM')))"]  # fmt: skip


@case
def bzip2_then_base85(c: str) -> list[str]:
    return [
        f"import bz2, base64, os\nos.system(bz2.decompress(base64.b85decode({base64.b85encode(bz2.compress(c.encode()))!r})).decode())"
    ]


@case
def lzma_by_file_object(c: str) -> list[str]:
    return [
        f"import lzma, io, os\nos.system(lzma.open(io.BytesIO({lzma.compress(c.encode())!r})).read().decode())"
    ]


@case
def gzip_file_object(c: str) -> list[str]:
    return [
        f"import gzip, io, os\nwith gzip.GzipFile(fileobj=io.BytesIO({gzip.compress(c.encode())!r})) as f:\n    os.system(f.read().decode())"
    ]


@case
def zlib_decompressor_object(c: str) -> list[str]:
    return [
        f"import zlib, os\nd = zlib.decompressobj()\nos.system(d.decompress({zlib.compress(c.encode())!r}).decode())"
    ]


@case
def codecs_zip(c: str) -> list[str]:
    return [f"import codecs, os\nos.system(codecs.decode({zlib.compress(c.encode())!r}, 'zlib').decode())"]


@case
def json_escapes(c: str) -> list[str]:
    text = json.dumps({"cmd": "".join(f"\\u{ord(x):04x}" for x in c)}).replace("\\\\", "\\")
    return [f"import json, os\nos.system(json.loads({text!r})['cmd'])"]


@case
def html_entities(c: str) -> list[str]:
    return [f"import html, os\nos.system(html.unescape({''.join(f'&#{ord(x)};' for x in c)!r}))"]


@case
def quoted_printable(c: str) -> list[str]:
    return [
        f"import quopri, os\nos.system(quopri.decodestring({''.join(f'={ord(x):02X}' for x in c).encode()!r}).decode())"
    ]


@case
def utf16_bytes(c: str) -> list[str]:
    return [f"import os\nos.system({c.encode('utf-16-le')!r}.decode('utf-16-le'))"]


@case
def unicode_escape_codec(c: str) -> list[str]:
    return [
        f"import os\nos.system({''.join(f'{chr(92)}x{ord(x):02x}' for x in c).encode()!r}.decode('unicode_escape'))"
    ]


@case
def morse_like_table(c: str) -> list[str]:
    table = {letter: format(index, "06b") for index, letter in enumerate(sorted(set(c)))}
    coded = " ".join(table[each] for each in c)
    return [
        f"T = { ({v: k for k, v in table.items()})!r}\ncmd = ''.join(T[w] for w in {coded!r}.split(' '))\n!{{cmd}}"
    ]


@case
def binary_digits(c: str) -> list[str]:
    bits = "".join(format(ord(x), "08b") for x in c)
    return [
        f"import os\nb = {bits!r}\nos.system(''.join(chr(int(b[i:i+8], 2)) for i in range(0, len(b), 8)))"
    ]


@case
def keystream_of_hash(c: str) -> list[str]:
    import hashlib

    stream = hashlib.sha512(b"seed").digest()
    secret = bytes(a ^ b for a, b in zip(c.encode(), stream, strict=False))
    return [
        f"import os, hashlib\nk = hashlib.sha512(b'seed').digest()\nos.system(bytes(a ^ b for a, b in zip({secret!r}, k)).decode())"
    ]


@case
def linear_congruential_keystream(c: str) -> list[str]:
    state, secret = 7, []
    for each in c.encode():
        state = (state * 1103515245 + 12345) % 2**31
        secret.append(each ^ (state & 255))
    return [
        f"import os\ns, o = 7, []\nfor x in {secret}:\n    s = (s * 1103515245 + 12345) % 2**31\n    o.append(x ^ (s & 255))\nos.system(bytes(o).decode())"
    ]


@case
def vigenere(c: str) -> list[str]:
    key = "lemon"
    secret = "".join(chr((ord(x) + ord(key[i % 5])) % 128) for i, x in enumerate(c))
    return [
        f"import os\nfrom itertools import cycle\nos.system(''.join(chr((ord(a) - ord(k)) % 128) for a, k in zip({secret!r}, cycle('lemon'))))"
    ]


@case
def zip_archive_in_memory(c: str) -> list[str]:
    import io
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as bundle:
        bundle.writestr("a.sh", c)
    return [
        f"import zipfile, io, os, base64\nz = zipfile.ZipFile(io.BytesIO(base64.b64decode({base64.b64encode(made.getvalue())!r})))\nos.system(z.read('a.sh').decode())"
    ]


@case
def pickle_protocol_4(c: str) -> list[str]:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return eval, (f"__import__('os').system({c!r})",)

    return [f"import pickle\npickle.loads({pickletools.optimize(pickle.dumps(Payload(), 4))!r})"]


@case
def marshalled_function(c: str) -> list[str]:
    code = compile(f"import subprocess\nsubprocess.call({c!r}, shell=True)", "<m>", "exec")
    return [f"import marshal\neval(marshal.loads({marshal.dumps(code)!r}))"]


@case
def uuencode_by_codecs(c: str) -> list[str]:
    lines = b"".join(binascii.b2a_uu(c.encode()[at : at + 45]) for at in range(0, len(c), 45))
    return [
        f"import binascii, os\nos.system(b''.join(binascii.a2b_uu(l) for l in {lines!r}.splitlines()).decode())"
    ]


# -- ways to the sink ------------------------------------------------------------------------------------


@case
def attrgetter(c: str) -> list[str]:
    return [f"import operator, os\noperator.attrgetter('sys' + 'tem')(os)({c!r})"]


@case
def methodcaller(c: str) -> list[str]:
    return [f"import operator, os\noperator.methodcaller('popen', {c!r})(os)"]


@case
def globals_of_a_class(c: str) -> list[str]:
    return [
        f"[k for k in ().__class__.__base__.__subclasses__() if k.__name__ == '_wrap_close'][0].__init__.__globals__['system']({c!r})"
    ]


@case
def builtins_dictionary(c: str) -> list[str]:
    return [f"__builtins__.__dict__['__imp' + 'ort__']('os').system({c!r})"]


@case
def print_self(c: str) -> list[str]:
    return [f"print.__self__.__dict__['ex' + 'ec']({_program(c)!r})"]


@case
def module_inside_a_module(c: str) -> list[str]:
    return [f"import random\nrandom._os.system({c!r})"]


@case
def partial_then_map(c: str) -> list[str]:
    return [
        f"import subprocess\nfrom functools import partial\nrun = partial(subprocess.run, shell=True)\nlist(map(run, [{c!r}]))"
    ]


@case
def dispatch_table(c: str) -> list[str]:
    return [f"import os\nt = {{'a': print, 'b': os.system}}\nt['b']({c!r})"]


@case
def replaced_print(c: str) -> list[str]:
    return ["import builtins, os\nbuiltins.print = os.system", f"print({c!r})"]


@case
def context_manager(c: str) -> list[str]:
    return [
        f"import os\nclass M:\n    def __enter__(self): os.system({c!r})\n    def __exit__(self, *a): pass\nwith M(): pass"
    ]


@case
def contextlib_generator(c: str) -> list[str]:
    return [
        f"import os, contextlib\n@contextlib.contextmanager\ndef m(x):\n    os.system(x)\n    yield\nwith m({c!r}): pass"
    ]


@case
def property_getter(c: str) -> list[str]:
    return [f"import os\nclass P:\n    @property\n    def go(self): return os.system({c!r})\nP().go"]


@case
def getattr_hook(c: str) -> list[str]:
    return [
        f"import os\nclass P:\n    def __getattr__(self, n): return getattr(os, n[::-1])\nP().metsys({c!r})"
    ]


@case
def getitem_and_call(c: str) -> list[str]:
    return [f"import os\nclass P:\n    def __getitem__(self, k): return os.system(k)\nP()[{c!r}]"]


@case
def class_decorator(c: str) -> list[str]:
    return [
        f"import os\ndef deco(cls):\n    os.system(cls.c)\n    return cls\n@deco\nclass A:\n    c = {c!r}"
    ]


@case
def metaclass_init(c: str) -> list[str]:
    return [
        f"import os\nclass M(type):\n    def __init__(cls, n, b, d): os.system(d['c'])\nclass A(metaclass=M):\n    c = {c!r}"
    ]


@case
def subclass_hook(c: str) -> list[str]:
    return [
        f"import os\nclass B:\n    def __init_subclass__(cls, **k): os.system(cls.c)\nclass A(B):\n    c = {c!r}"
    ]


@case
def descriptor_set_name(c: str) -> list[str]:
    return [
        f"import os\nclass D:\n    def __set_name__(self, o, n): os.system(n_[0])\nn_ = [{c!r}]\nclass A:\n    x = D()"
    ]


@case
def type_with_three_arguments(c: str) -> list[str]:
    return [f"import os\nT = type('T', (), {{'go': lambda self, c: os.system(c)}})\nT().go({c!r})"]


@case
def comparison_operator(c: str) -> list[str]:
    return [f"import os\nclass A:\n    def __eq__(self, o): return os.system(o)\nA() == {c!r}"]


@case
def exception_carries_it(c: str) -> list[str]:
    return [
        f"import os\ntry:\n    raise ValueError({c!r})\nexcept ValueError as e:\n    os.system(e.args[0])"
    ]


@case
def default_argument(c: str) -> list[str]:
    return [f"import os\ndef f(x={c!r}, r=os.system): r(x)", "f()"]


@case
def generator_send(c: str) -> list[str]:
    return [
        f"import os\ndef g():\n    while True:\n        c = yield\n        os.system(c)\nw = g()\nnext(w)\nw.send({c!r})"
    ]


@case
def ctypes_libc(c: str) -> list[str]:
    return [f"import ctypes\nctypes.CDLL(None).system({c.encode()!r})"]


@case
def exec_of_unparsed_tree(c: str) -> list[str]:
    return [
        "import ast\nt = ast.Expression(ast.Call(func=ast.Attribute(ast.Call(ast.Name('__import__', ast.Load()), [ast.Constant('os')], []), "
        f"'system', ast.Load()), args=[ast.Constant({c!r})], keywords=[]))\neval(compile(ast.fix_missing_locations(t), '', 'eval'))"
    ]


@case
def replaced_code_object(c: str) -> list[str]:
    return [f"import os\ndef f(): pass\ndef g(): os.system({c!r})\nf.__code__ = g.__code__\nf()"]


@case
def function_from_code(c: str) -> list[str]:
    return [f"import types\nc = compile({_program(c)!r}, '', 'exec')\ntypes.FunctionType(c, globals())()"]


@case
def nested_exec(c: str) -> list[str]:
    inner = f"import os\nos.system({c!r})"
    return [f"exec({f'exec({inner!r})'!r})"]


@case
def exec_defines_then_call(c: str) -> list[str]:
    return [f"n = {{}}\nexec('def f(c):\\n import os\\n os.system(c)', n)\nn['f']({c!r})"]


@case
def own_line_magic_of_a_class(c: str) -> list[str]:
    return [
        "from IPython.core.magic import Magics, magics_class, line_magic\n@magics_class\nclass M(Magics):\n    @line_magic\n"
        "    def fetchit(self, line):\n        self.shell.system(line)\nget_ipython().register_magics(M)",
        f"%fetchit {c}",
    ]


@case
def input_transformer(c: str) -> list[str]:
    return [
        "def t(lines):\n    return [l.replace('@@', '!git clone ') for l in lines]\nget_ipython().input_transformers_cleanup.append(t)",
        f"@@{_url(c)}",
    ]


@case
def autocall_line(c: str) -> list[str]:
    return ["import os", f";os.system {c}"]


@case
def macro_of_earlier_cell(c: str) -> list[str]:
    return [
        f"if 0:\n    import os\n    os.system({c!r})",
        f"cmd = {c!r}\n",
        "!echo {cmd}",
        "%macro -q m 2\n",
        "get_ipython().system(cmd)",
    ]


@case
def rerun_of_history_text(c: str) -> list[str]:
    return [
        f"exec({'import os; os.system(' + repr(c) + ')'!r}) if 0 else None\n# {c}",
        "get_ipython().system(In[1].split('# ')[1])",
    ]


@case
def alias_api(c: str) -> list[str]:
    return [f"get_ipython().alias_manager.define_alias('gg', {c!r})", "%gg"]


@case
def popen_standard_input(c: str) -> list[str]:
    return [
        f"import subprocess\np = subprocess.Popen(['bash'], stdin=subprocess.PIPE, text=True)\np.communicate({c!r})"
    ]


@case
def run_with_input(c: str) -> list[str]:
    return [f"import subprocess\nsubprocess.run('sh', input={c.encode()!r})"]


@case
def pexpect_sendline(c: str) -> list[str]:
    return [f"import pexpect\np = pexpect.spawn('bash')\np.sendline({c!r})"]


@case
def sh_module(c: str) -> list[str]:
    return [f"from sh import git\ngit.clone({_url(c)!r})"]


@case
def plumbum_bound(c: str) -> list[str]:
    return [f"from plumbum import local\nlocal['git']['clone', {_url(c)!r}]()"]


@case
def dulwich_porcelain(c: str) -> list[str]:
    return [f"from dulwich import porcelain\nporcelain.clone({_url(c)!r}, 'x')"]


@case
def git_command_object(c: str) -> list[str]:
    return [f"import git\ngit.Git('.').clone({_url(c)!r})"]


@case
def http_client_request(c: str) -> list[str]:
    path = _url(c).removeprefix("https://github.com")
    return [
        f"import http.client\nh = http.client.HTTPSConnection('github.com')\nh.request('GET', {path + '/archive/master.zip'!r})"
    ]


@case
def session_object(c: str) -> list[str]:
    return [f"import requests\ns = requests.Session()\ns.get({_url(c) + '/archive/master.zip'!r}).content"]


# -- staged and deferred -----------------------------------------------------------------------------------


@case
def tempfile_script(c: str) -> list[str]:
    return [
        f"import tempfile, os\nf = tempfile.NamedTemporaryFile('w', suffix='.sh', delete=False)\nf.write({c!r})\nf.close()\nos.system('bash ' + f.name)"
    ]


@case
def path_object_written_and_run(c: str) -> list[str]:
    return [
        f"from pathlib import Path\np = Path('a') / 'b.sh'\np.write_text({c!r})",
        "import subprocess\nsubprocess.run(['sh', str(p)])",
    ]


@case
def module_loaded_from_spec(c: str) -> list[str]:
    return [
        f"%%writefile /tmp/zz.py\nimport os\nos.system({c!r})",
        "import importlib.util as u\ns = u.spec_from_file_location('zz', '/tmp/zz.py')\nm = u.module_from_spec(s)\ns.loader.exec_module(m)",
    ]


@case
def package_with_function_imported(c: str) -> list[str]:
    return [
        "%%writefile helper.py\nimport os\ndef go(x):\n    os.system(x)",
        f"from helper import go\ngo({c!r})",
    ]


@case
def notebook_as_json(c: str) -> list[str]:
    return [
        f"import json\nnb = {{'cells': [{{'cell_type': 'code', 'source': ['!' + {c!r}]}}]}}\njson.dump(nb, open('n.ipynb', 'w'))",
        "import papermill as pm\npm.execute_notebook('n.ipynb', 'o.ipynb')",
    ]


@case
def timer_with_arguments(c: str) -> list[str]:
    return [f"import threading, os\nthreading.Timer(60, os.system, args=[{c!r}]).start()"]


@case
def thread_subclass(c: str) -> list[str]:
    return [
        f"import threading, os\nclass T(threading.Thread):\n    def run(self): os.system({c!r})\nT().start()"
    ]


@case
def executor_map(c: str) -> list[str]:
    return [f"import os\nfrom multiprocessing import Pool\nwith Pool(1) as p:\n    p.map(os.system, [{c!r}])"]


@case
def joblib_delayed(c: str) -> list[str]:
    return [
        f"import os\nfrom joblib import Parallel, delayed\nParallel(n_jobs=1)(delayed(os.system)(x) for x in [{c!r}])"
    ]


@case
def weakref_finalizer(c: str) -> list[str]:
    return [f"import weakref, os\nclass A: pass\na = A()\nweakref.finalize(a, os.system, {c!r})"]


@case
def signal_handler(c: str) -> list[str]:
    return [f"import signal, os\nsignal.signal(signal.SIGALRM, lambda *a: os.system({c!r}))\nsignal.alarm(1)"]


@case
def excepthook(c: str) -> list[str]:
    return [f"import sys, os\nsys.excepthook = lambda *a: os.system({c!r})\n1/0"]


@case
def widget_interact_decorator(c: str) -> list[str]:
    return [
        f"from ipywidgets import interact\nimport os\n@interact(x=['a'])\ndef f(x):\n    os.system({c!r})"
    ]


@case
def traitlets_observe_method(c: str) -> list[str]:
    return [
        f"import ipywidgets as w, os\nclass App:\n    def __init__(self):\n        self.b = w.Button()\n        self.b.on_click(self.go)\n    def go(self, _):\n        os.system({c!r})\nApp()"
    ]


@case
def pandas_apply(c: str) -> list[str]:
    return [f"import pandas as pd, os\npd.Series([{c!r}]).apply(os.system)"]


@case
def progress_bar_loop(c: str) -> list[str]:
    return [f"import os\nfrom tqdm import tqdm\nfor x in tqdm([{c!r}]):\n    os.system(x)"]


@case
def queue_filled_by_a_later_cell(c: str) -> list[str]:
    return [
        "import threading, queue, subprocess\nq = queue.Queue()\ndef work():\n    while True:\n        subprocess.run(q.get(), shell=True)\n"
        "threading.Thread(target=work, daemon=True).start()",
        f"q.put({c!r})",
    ]


@case
def display_object_with_repr(c: str) -> list[str]:
    return [
        f"import os\nfrom IPython.display import display\nclass R:\n    def _repr_html_(self):\n        os.system({c!r})\n        return ''\ndisplay(R())"
    ]


@case
def result_displayed(c: str) -> list[str]:
    return [f"import os\nclass R:\n    def __repr__(self):\n        os.system({c!r})\n        return ''\nR()"]


@case
def child_interpreter(c: str) -> list[str]:
    return [f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_program(c)!r}])"]


@case
def runpy_of_text_file(c: str) -> list[str]:
    return [f"open('d.txt', 'w').write({_program(c)!r})", "import runpy\nrunpy.run_path('d.txt')"]


@case
def environment_by_update(c: str) -> list[str]:
    return [f"import os\nos.environ.update(Q={_url(c)!r})", "!git clone $Q"]


@case
def docstring_of_a_class(c: str) -> list[str]:
    return [f"class A:\n    '''{c}'''", "import os\nos.system(A.__doc__)"]


@case
def annotation_holds_it(c: str) -> list[str]:
    return [f"def f(x: {c!r}): pass", "import os\nos.system(f.__annotations__['x'])"]


@case
def constants_of_a_function(c: str) -> list[str]:
    return [f"def f():\n    return {c!r}", "import os\nos.system(f.__code__.co_consts[1])"]


@case
def output_cache(c: str) -> list[str]:
    return [f"{c!r}", "import os\nos.system(_)"]


@case
def enumeration_member(c: str) -> list[str]:
    return [f"import enum, os\nclass E(enum.Enum):\n    A = {c!r}\nos.system(E.A.value)"]


@case
def dataclass_field(c: str) -> list[str]:
    return [
        f"import os\nfrom dataclasses import dataclass\n@dataclass\nclass C:\n    a: str = 'x'\nos.system(C({c!r}).a)"
    ]


@case
def named_tuple(c: str) -> list[str]:
    return [
        f"import os\nfrom collections import namedtuple\nN = namedtuple('N', 'a b')\nos.system(N('x', {c!r}).b)"
    ]


@case
def async_gather(c: str) -> list[str]:
    return [
        f"import asyncio\nasync def f(c):\n    p = await asyncio.create_subprocess_shell(c)\nawait asyncio.gather(*[f(c) for c in [{c!r}]])"
    ]


@case
def star_import(c: str) -> list[str]:
    return [f"from os import *\nsystem({c!r})"]


@case
def non_ascii_identifier(c: str) -> list[str]:
    return [f"import os\nos.ſystem({c!r})"]


@case
def script_magic_from_variable(c: str) -> list[str]:
    return [f"body = {c!r}\nget_ipython().run_cell_magic('script', 'bash', body)"]


@case
def time_magic_around_a_shell_line(c: str) -> list[str]:
    return [f"%time !{c}"]


@case
def captured_cell(c: str) -> list[str]:
    return [f"%%capture out\nx = 1\n!{c}"]


@pytest.mark.parametrize("name", CASES)
def test_hidden_command_is_found(name: str) -> None:
    assert BAD_REPOSITORY in repositories(CASES[name](BAD))


@pytest.mark.parametrize("name", CASES)
def test_harmless_twin_names_only_its_own(name: str) -> None:
    assert repositories(CASES[name](GOOD)) <= {GOOD_REPOSITORY}
