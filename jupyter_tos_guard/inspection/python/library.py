"""The functions of other people that evaluation may call, and how their cost is bounded.

One table: qualified names of pure functions of the standard library, called on
plain bounded arguments only. What has an effect on the world is in
:mod:`.sinks`, decoders that are not in the standard library in :mod:`.decoding`.
"""

from __future__ import annotations

import ast
import importlib.util
import itertools
import re
import string
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python.cell import nodes
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Array,
    Bound,
    Choice,
    Class,
    Generator,
    Instance,
    Lines,
    Method,
    Path,
    Stream,
    Symbol,
    Value,
    either,
    has_hole,
    is_plain,
)
from jupyter_tos_guard.inspection.state import Budget

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

_MAX: Final = Budget.MAX_SIZE

#: Pure functions by module. Anything here terminates quickly on arguments of bounded size,
#: or has its guard in :data:`_GUARDS`.
_PURE: Final[dict[str, frozenset[str]]] = {
    module: frozenset(names.split())
    for module, names in {
        "builtins": "abs all any ascii bin bool bytearray bytes chr complex dict divmod float frozenset hash "
        "hex int len list max min oct ord pow range repr reversed round set slice sorted str sum "
        "tuple zip enumerate",
        "builtins.bytes": "fromhex maketrans",
        "builtins.bytearray": "fromhex maketrans",
        "builtins.str": "maketrans",
        "builtins.int": "from_bytes",
        "builtins.float": "fromhex",
        "builtins.dict": "fromkeys",
        "base64": "a85decode a85encode b16decode b16encode b32decode b32encode b32hexdecode b32hexencode "
        "b64decode b64encode b85decode b85encode decodebytes decodestring encodebytes "
        "standard_b64decode standard_b64encode urlsafe_b64decode urlsafe_b64encode z85decode "
        "z85encode",
        "binascii": "a2b_base64 a2b_hex a2b_qp a2b_uu b2a_base64 b2a_hex b2a_qp b2a_uu crc32 hexlify "
        "unhexlify crc_hqx",
        "codecs": "encode decode escape_decode escape_encode unicode_escape_decode raw_unicode_escape_decode "
        "utf_8_decode utf_7_decode utf_16_decode utf_16_le_decode utf_16_be_decode utf_32_decode "
        "latin_1_decode ascii_decode charmap_decode",
        "zlib": "compress decompress crc32 adler32",
        "gzip": "compress decompress",
        "bz2": "compress decompress",
        "lzma": "compress decompress",
        "quopri": "decodestring encodestring",
        "urllib.parse": "quote quote_plus unquote unquote_plus unquote_to_bytes urlencode urljoin urlparse "
        "urlsplit urlunparse urlunsplit parse_qs parse_qsl quote_from_bytes urldefrag",
        "html": "escape unescape",
        "json": "dumps loads",
        "ast": "literal_eval",
        "struct": "pack unpack calcsize unpack_from",
        "hashlib": "md5 sha1 sha224 sha256 sha384 sha512 blake2b blake2s sha3_256 sha3_512 new",
        "shlex": "split join quote",
        "textwrap": "dedent indent fill wrap shorten",
        "unicodedata": "normalize lookup name category decimal digit numeric bidirectional combining",
        "string": "capwords",
        "math": "ceil floor sqrt log log2 log10 exp sin cos tan atan atan2 gcd lcm fabs fmod pow trunc isqrt "
        "prod factorial comb perm fsum hypot radians degrees",
        "cmath": "exp sqrt",
        "operator": "add sub mul truediv floordiv mod xor and_ or_ not_ neg concat getitem eq ne lt le gt ge "
        "lshift rshift pow invert contains index abs pos truth is_ is_not countOf indexOf",
        "itertools.chain": "from_iterable",
        "itertools": "chain islice cycle repeat zip_longest product permutations "
        "combinations combinations_with_replacement count compress pairwise batched",
        "os.path": "join basename dirname split splitext normpath commonprefix isabs relpath splitdrive "
        "normcase",
        "posixpath": "join basename dirname split splitext normpath commonprefix isabs",
        "re": "sub subn split findall escape compile match search fullmatch finditer",
        "fractions": "Fraction",
        "decimal": "Decimal",
        "uuid": "UUID uuid3 uuid5",
        "ipaddress": "ip_address IPv4Address",
        "datetime": "timedelta date datetime time",
        "datetime.date": "fromisoformat fromordinal fromisocalendar",
        "datetime.datetime": "fromisoformat fromordinal fromisocalendar combine strptime",
        "datetime.time": "fromisoformat",
        "time": "strftime gmtime",
        "difflib": "restore",  # comparing is cubic
        "colorsys": "rgb_to_hsv hsv_to_rgb",
        "email.header": "decode_header make_header",
        "email.base64mime": "decode body_decode",
        "email.quoprimime": "decode unquote body_decode",
        "email.utils": "unquote parseaddr",
        "encodings.idna": "ToASCII ToUnicode",
        "fnmatch": "translate",
        "string.Template": "",
        "stringprep": "",
        "plistlib": "loads dumps",
        "tomllib": "loads",
        "configparser": "",
        "pprint": "pformat",
        "reprlib": "repr",
        "keyword": "iskeyword",
        "locale": "format_string",
        "secrets": "compare_digest",
        "hmac": "compare_digest digest",
        "copy": "copy deepcopy",
        "heapq": "nsmallest nlargest",
        "bisect": "bisect bisect_left bisect_right",
        "statistics": "mean median mode",
        "array": "array",
        "calendar": "month_name",
        "ntpath": "join basename dirname split splitext normpath",
        "os": "fsdecode fsencode fspath",
        "sys": "intern",
    }.items()
}

#: Pure functions that carry holes along instead of tripping over them.
_HOLES: Final = frozenset(
    "builtins.str builtins.list builtins.tuple builtins.reversed builtins.zip builtins.enumerate "
    "builtins.dict builtins.set builtins.repr builtins.sorted builtins.any builtins.max builtins.min "
    "os.path.join os.path.basename os.path.dirname os.path.split os.path.splitext os.path.normpath "
    "posixpath.join shlex.split shlex.join shlex.quote textwrap.dedent textwrap.indent urllib.parse.quote "
    "urllib.parse.unquote urllib.parse.urljoin urllib.parse.urlparse urllib.parse.urlsplit "
    "urllib.parse.urlencode html.unescape html.escape json.dumps re.sub re.split copy.copy copy.deepcopy "
    "itertools.chain itertools.chain.from_iterable itertools.zip_longest itertools.islice itertools.repeat "
    "itertools.cycle itertools.count itertools.product itertools.pairwise itertools.permutations "
    "string.capwords builtins.len operator.add operator.concat operator.getitem os.fspath os.fsdecode "
    "sys.intern pprint.pformat urllib.parse.quote_plus urllib.parse.unquote_plus re.findall re.search "
    "re.match".split()
)

#: What a function does to a text, in a word for people.
STEPS: Final[dict[str, str]] = {
    **dict.fromkeys(
        "b64decode standard_b64decode urlsafe_b64decode decodebytes a2b_base64".split(), "base64"
    ),
    **dict.fromkeys("fromhex unhexlify a2b_hex b16decode".split(), "hex"),
    **dict.fromkeys("b85decode a85decode z85decode".split(), "base85"),
    "b32decode": "base32",
    "b32hexdecode": "base32",
    "a2b_uu": "uu",
    "a2b_qp": "quoted-printable",
    "unquote": "percent",
    "unquote_plus": "percent",
    "unescape": "html",
    "literal_eval": "literal",
    "normalize": "normalised",
    "dedent": "",
    "translate": "translated",
    "b58decode": "base58",
}
_STEP_MODULES: Final = {
    "zlib": "zlib",
    "gzip": "gzip",
    "bz2": "bz2",
    "lzma": "lzma",
    "json": "json",
    "quopri": "quoted-printable",
}

#: Attributes of modules that are constants, as they are on a hub.
CONSTANTS: Final[dict[str, Value]] = {
    "string.ascii_letters": string.ascii_letters,
    "string.ascii_lowercase": string.ascii_lowercase,
    "string.ascii_uppercase": string.ascii_uppercase,
    "string.digits": string.digits,
    "string.hexdigits": string.hexdigits,
    "string.octdigits": string.octdigits,
    "string.punctuation": string.punctuation,
    "string.printable": string.printable,
    "string.whitespace": string.whitespace,
    "sys.executable": "python3",
    "sys.platform": "linux",
    "sys.byteorder": "little",
    "sys.maxsize": sys.maxsize,
    "sys.maxunicode": sys.maxunicode,
    "os.name": "posix",
    "os.sep": "/",
    "os.curdir": ".",
    "os.pardir": "..",
    "os.extsep": ".",
    "os.linesep": "\n",
    "os.pathsep": ":",
    "os.devnull": "/dev/null",
    "os.path.sep": "/",
    "posixpath.sep": "/",
    "os.path.extsep": ".",
    "os.path.curdir": ".",
    "subprocess.PIPE": -1,
    "subprocess.STDOUT": -2,
    "subprocess.DEVNULL": -3,
    "typing.TYPE_CHECKING": False,
    "math.pi": 3.141592653589793,
    "math.e": 2.718281828459045,
    "math.inf": float("inf"),
    "builtins.__debug__": True,
    "re.I": 2,
    "re.IGNORECASE": 2,
    "re.M": 8,
    "re.MULTILINE": 8,
    "re.S": 16,
    "re.DOTALL": 16,
    "re.X": 64,
    "re.VERBOSE": 64,
    "re.A": 256,
    "re.ASCII": 256,
    "this.s": None,
}
del CONSTANTS["this.s"]

PLAIN_TYPES: Final = frozenset(
    {"builtins.str", "builtins.bytes", "builtins.int", "builtins.float", "builtins.list", "builtins.dict",
     "builtins.tuple", "builtins.set", "collections.UserDict", "collections.UserList",
     "collections.UserString", "collections.OrderedDict", "collections.defaultdict", "collections.deque"}
)  # fmt: skip
IN_PLACE: Final = {
    ast.Add: "__iadd__",
    ast.Sub: "__isub__",
    ast.Mult: "__imul__",
    ast.BitOr: "__ior__",
    ast.BitXor: "__ixor__",
    ast.BitAnd: "__iand__",
    ast.LShift: "__ilshift__",
    ast.RShift: "__irshift__",
    ast.Div: "__itruediv__",
    ast.Mod: "__imod__",
}

#: Iterators of the standard library that evaluation makes and walks, a bounded number of steps.
ITERATORS: Final = frozenset(
    {itertools.chain, itertools.islice, itertools.cycle, itertools.repeat, itertools.zip_longest,
     itertools.product, itertools.permutations, itertools.combinations,
     itertools.combinations_with_replacement, itertools.count, itertools.compress, zip, enumerate, reversed,
     type(iter([])), type(iter(())), type(iter("")), type(iter(b"")), type(iter({})), type(iter(range(0))),
     type(reversed([])), type(reversed({})), type({}.items()), type({}.keys()), type({}.values())}
)  # fmt: skip

_FIELD_TYPES: list[type] = [re.Match, re.Pattern]
#: Characters of a text that says how a time is shown, and of a header.
MAX_FORMAT: Final = 1 << 10
#: Results of pure functions that have attributes of their own.
FIELDS: Final[set[type]] = set(_FIELD_TYPES)
#: Those among them that are shown as what they stand for: a day, a number, a header of mail.
SHOWN: Final[set[type]] = set()


def pure(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Return the result of a pure function, UNKNOWN where an argument is; None is a result like any other.

    Raises
    ------
    KeyError
        ``name`` is no pure function.
    """
    module, _, function = name.rpartition(".")
    if function not in _PURE[module]:
        raise KeyError(name)
    safe = name in _HOLES
    if name == "builtins.dict":
        arguments = [environment(self, each) for each in arguments]
    arguments = [_plain_argument(self, each, safe) for each in arguments]
    size = 0
    for each in itertools.chain(arguments, [keywords[key] for key in keywords if key != "object_hook"]):
        if not safe and (not _is_known(each) or has_hole(each)):
            return UNKNOWN
        if type(each) in (type(UNKNOWN), Symbol, Choice) and name not in ("builtins.str", "builtins.dict"):
            return UNKNOWN
        size += _extent(each)
    if size > _MAX:
        return UNKNOWN
    self.budget.spend(size // 32 + 1)
    try:
        guard = _GUARDS.get(name) or _GUARDS.get(module)
        if guard is not None:
            result = guard(self, name, arguments, keywords)
        else:
            result = _resolve(name)(*arguments, **keywords)
    except Exception:
        return UNKNOWN
    if type(result) in (str, bytes) and arguments:
        step = STEPS.get(function)
        if step is None:
            step = _STEP_MODULES.get(module, "") if "de" in function or function == "loads" else ""
        if module == "codecs" and len(arguments) > 1 and type(arguments[1]) is str:
            step = _codec_step(arguments[1])
        self.note(result, step, *arguments[:1])
    return checked(result)


def environment(self: Evaluator, value: Value) -> Value:
    """Return what is known of ``os.environ``, as a dictionary of its own; any other value as it is."""
    known = type(value) is Symbol and value.name == "os.environ" and not value.called
    return dict(self.state.environ) if known else value


def _extent(value: Value) -> int:
    if type(value) is range and value[_MAX:]:
        return _MAX + 1  # len() itself fails beyond the machine's words
    return len(value) if hasattr(value, "__len__") else 1


def _codec_step(name: str) -> str:
    name = name.lower().replace("-", "").replace("_", "").replace(" ", "")
    return name if name not in ("utf8", "ascii", "latin1", "utf16", "utf32") else ""


def _plain_argument(self: Evaluator, value: Value, safe: bool) -> Value:
    kind = type(value)
    if kind is Generator or kind is Stream or kind in ITERATORS:
        return list(bounded(self.iterate(value)))
    if kind is Path:
        return value.text
    if kind is Instance:
        if value.plain is not None:
            shown = type(value.plain) is str and value.cls.find("__str__") is not None
            return self.text(value) if shown else value.plain
        for name in ("__iter__", "__getitem__"):
            if value.cls.find(name) is not None:
                return self.items(value)
    if kind is Symbol and not value.called:
        return CONSTANTS.get(value.name, value)
    if kind is Lines:
        return list(value)
    if kind is Class and value.is_enumeration():
        return self.items(value)
    if kind is Symbol and value.details and safe and not is_exception(value):
        return self.items(value)
    return value


def _is_known(value: Value) -> bool:
    if is_plain(value) or type(value) in FIELDS or type(value) in (Array, slice):
        return True
    if type(value) in (list, tuple):
        return all(_is_known(each) for each in value)
    return type(value).__module__ in ("_hashlib", "datetime", "decimal", "fractions", "_blake2", "array")


def _resolve(name: str) -> Any:
    module, _, function = name.rpartition(".")
    if module.startswith(("builtins.", "datetime.")) or module == "itertools.chain":
        head, _, cls = module.rpartition(".")
        return getattr(getattr(stdlib(head), cls), function)
    return getattr(stdlib(module), function)


_ROOTS: Final = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})


def dependency(name: str) -> ModuleType:
    """Import a module that this package depends on, never one of the same name in the user's folder.

    Raises
    ------
    ImportError
        There is none where packages are installed.
    """
    return _module(name, lambda origin: origin.startswith(_PACKAGES))


def _module(name: str, trusts: Callable[[str], bool]) -> ModuleType:
    module = sys.modules.get(name)
    if module is None:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or not trusts(spec.origin):
            raise ImportError(name)
        module = importlib.import_module(name)
    return module


_PACKAGES: Final = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})


def stdlib(name: str) -> ModuleType:
    """Import a module of the standard library, never one of the same name in the user's folder.

    Raises
    ------
    ImportError
        The module is not the standard library's.
    """
    return _module(
        name,
        lambda origin: (
            origin in ("built-in", "frozen")
            or (origin.startswith(_ROOTS) and "site-packages" not in origin and "dist-packages" not in origin)
        ),
    )


# -- guards: functions whose cost is not bounded by the size of their arguments ----------------------


def _inflate(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Decompress at most the largest size that is looked at."""
    if not name.endswith("decompress"):
        return _resolve(name)(*arguments, **keywords) if len(arguments[0]) < 1 << 16 else UNKNOWN
    module = name.partition(".")[0]
    return inflate(self, module, bytes(arguments[0]), *arguments[1:], **keywords)


def inflate(self: Evaluator, module: str, data: bytes, *arguments: Value, **keywords: Value) -> Value:
    """At most ``Budget.MAX_SIZE`` bytes of compressed ``data``."""
    self.budget.spend(len(data) // 16 + 1)
    if module == "zlib":
        bits = arguments[0] if arguments else keywords.get("wbits", 15)
        made = stdlib("zlib").decompressobj(bits).decompress(data, _MAX)
    elif module == "gzip":
        made = stdlib("zlib").decompressobj(31).decompress(data, _MAX)
    elif module == "bz2":
        made = stdlib("bz2").BZ2Decompressor().decompress(data, _MAX)
    else:
        # A stream may ask for gigabytes of memory: the limit makes it an error.
        made = stdlib("lzma").LZMADecompressor(memlimit=64 << 20).decompress(data, _MAX)
    self.budget.spend(len(made) // 64 + 1)
    return made


def _codec(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """``codecs.encode``/``decode``."""
    codec = str(arguments[1] if len(arguments) > 1 else keywords.get("encoding", "utf-8"))
    decode = name.endswith("decode")
    try:
        return recode(self, decode, arguments[0], codec)
    except LookupError:
        return own_codec(self, decode, arguments[0], codec)


def own_codec(self: Evaluator, decode: bool, data: Value, codec: str) -> Value:
    """Encode or decode by a codec that the program has registered."""
    for search in self.session.codecs:
        found = self.call(search, [codec.lower().replace("-", "_").replace(" ", "_")])
        if found is None or found is UNKNOWN:
            continue
        made = self.call(self.attribute(found, "decode" if decode else "encode"), [data, "strict"])
        return made[0] if type(made) is tuple and made else UNKNOWN
    return UNKNOWN


def recode(self: Evaluator, decode: bool, data: Any, codec: str) -> Value:
    """Encode or decode by a codec's name, compressing codecs bounded."""
    plain = codec.lower().replace("-", "").replace("_", "").replace(" ", "").removesuffix("codec")
    if plain in ("zip", "zlib", "bz2"):
        if decode:
            return inflate(self, "bz2" if plain == "bz2" else "zlib", bytes(data))
        return stdlib("bz2" if plain == "bz2" else "zlib").compress(data)
    if plain in ("idna", "punycode") and len(data) > 512:
        return UNKNOWN
    codecs = stdlib("codecs")
    return codecs.decode(data, codec) if decode else codecs.encode(data, codec)


def _small_numbers(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    for each in arguments:
        if type(each) is int and abs(each) > 1 << 64 and name != "math.isqrt" and name != "math.gcd":
            return UNKNOWN
        if type(each) is int and abs(each) > 2000 and name in ("math.factorial", "math.comb", "math.perm"):
            return UNKNOWN
    return _resolve(name)(*arguments, **keywords)


def _power(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    if len(arguments) == 3:
        if all(type(each) is int and each.bit_length() < 4096 for each in arguments):
            self.budget.spend(256)
            return pow(*arguments)
        return UNKNOWN
    left, right = arguments
    if type(left) is int and type(right) is int and (right < 0 or left.bit_length() * right > 1 << 16):
        return UNKNOWN
    return pow(left, right)


def _make_bytes(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    if arguments and type(arguments[0]) is int and arguments[0] > _MAX:
        return UNKNOWN
    kind = bytearray if name.endswith("array") else bytes
    if arguments and type(arguments[0]) is str:
        return kind(str.encode(*arguments, **keywords))
    made = kind(*arguments, **keywords)
    if arguments and type(arguments[0]) is not bytes and kind is bytes:
        self.note(made, "bytes", *arguments)
    return made


def _chain(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Make iterators: kept lazy, walked boundedly; products are made no longer than is looked at."""
    return _resolve(name)(*arguments, **keywords)


def _range(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    return range(*arguments)


def _sequence(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    if arguments and type(arguments[0]) is range and len(arguments[0]) > 1 << 16:
        return UNKNOWN
    if name in ("builtins.reversed", "builtins.zip", "builtins.enumerate"):
        if any(type(each) is range and len(each) > 1 << 20 for each in arguments):
            return UNKNOWN
        made = list(_resolve(name)(*arguments, **keywords))
        return Generator(made)
    if name in (
        "builtins.sorted",
        "builtins.max",
        "builtins.min",
        "builtins.sum",
        "builtins.any",
        "builtins.all",
    ):
        first = arguments[0] if arguments else ()
        if type(first) in (list, tuple, set) and not all(is_plain(each) for each in first):
            return UNKNOWN
        if "key" in keywords:
            return UNKNOWN
    return _resolve(name)(*arguments, **keywords)


def _text(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    if not arguments:
        return ""
    if type(arguments[0]) in (bytes, bytearray) and (len(arguments) > 1 or keywords):
        return str(*arguments, **keywords)
    return self.text(arguments[0])


def _length(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    value = arguments[0]
    if type(value) is str and HOLE in value:
        return UNKNOWN
    if type(value) is Instance and (method := value.cls.find("__len__")) is not None:
        return self.call(Bound(method, value), [])
    return len(value) if type(value) is not Array or value.shape is None else value.shape[0]


def _integer(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    if arguments and type(arguments[0]) in (str, bytes) and len(arguments[0]) > 4000:
        base = arguments[1] if len(arguments) > 1 else keywords.get("base", 10)
        # Only power-of-two bases convert in linear time.
        if base not in (2, 4, 8, 16, 32, 0):
            return UNKNOWN
    return int(*arguments, **keywords)


def _regex(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Regular expressions that look linear, on texts of bounded size."""
    from jupyter_tos_guard.inspection.patterns import longest_text

    pattern = arguments[0]
    if type(pattern) is re.Pattern:
        limit = longest_text(pattern.pattern)
    else:
        limit = longest_text(pattern) if type(pattern) in (str, bytes) and name != "re.escape" else 1 << 16
    if any(type(each) in (str, bytes) and len(each) > limit for each in arguments[1:]):
        return UNKNOWN
    if name in ("re.sub", "re.subn") and type(arguments[1]) not in (str, bytes):
        return _substituted(self, name, arguments) if len(arguments) > 2 else UNKNOWN
    if (
        any(type(each) is re.Pattern for each in arguments)
        or name == "re.escape"
        or type(pattern) in (str, bytes)
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = getattr(re, name.partition(".")[2])(*arguments, **keywords)
        if name == "re.finditer":
            return Generator(list(itertools.islice(made, 10_000)))
        return made
    return UNKNOWN


def _substituted(self: Evaluator, name: str, arguments: list[Value]) -> Value:
    """``re.sub(pattern, function, text)``."""
    pattern, function, text = arguments[:3]
    if type(text) is not str:
        return UNKNOWN
    parts: list[str] = []
    done = count = 0
    for match in itertools.islice(re.finditer(pattern, text), 4096):
        self.tick()
        parts += (text[done : match.start()], self.text(self.call(function, [match])))
        done = match.end()
        count += 1
    made = checked("".join([*parts, text[done:]]))
    self.note(made, "substituted", text)
    return made if name == "re.sub" else (made, count)


def _struct(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    if type(arguments[0]) is str and any(len(run) > 5 for run in re.findall(r"\d+", arguments[0][:1000])):
        return UNKNOWN
    if len(arguments[0]) > 1000:
        return UNKNOWN
    return _resolve(name)(*arguments, **keywords)


def _literal(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    if type(arguments[0]) is not str or len(arguments[0]) > 1 << 17 or arguments[0].count("(") > 2000:
        return UNKNOWN
    return ast.literal_eval(arguments[0])


def _dumps(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    json = stdlib("json")
    if name.endswith("loads"):
        made = json.loads(*arguments[:1])
        hook = keywords.get("object_hook")
        return made if hook is None else _hooked(self, made, hook)
    allowed = {
        key: each for key, each in keywords.items() if key in ("ensure_ascii", "separators", "sort_keys")
    }
    return json.dumps(arguments[0], default=self.text, skipkeys=True, **allowed)


def _hooked(self: Evaluator, value: Value, hook: Value) -> Value:
    """Return what ``object_hook`` makes of a JSON document, innermost object first."""
    self.tick()
    if type(value) is dict:
        return self.call(hook, [{key: _hooked(self, each, hook) for key, each in value.items()}])
    if type(value) is list:
        return [_hooked(self, each, hook) for each in value]
    return value


def _deepcopy(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    value = arguments[0]
    if type(value) in (list, dict, set, Array):
        return value.copy() if type(value) is not Array else Array(value, value.kind)
    if type(value) is Instance:
        deep = name.endswith("deepcopy")
        method = value.cls.find("__deepcopy__" if deep else "__copy__")
        if method is not None:
            return self.call(Bound(method, value), [{}] if deep else [])
        made = Instance(value.cls)
        made.attributes, made.plain = dict(value.attributes), value.plain
        return made
    return value


def _hash(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    made = _resolve(name)(
        *arguments, **{key: each for key, each in keywords.items() if key != "usedforsecurity"}
    )
    FIELDS.add(type(made))
    return made


def _object(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Results that have attributes and methods of their own."""
    return kept(_resolve(name)(*arguments, **keywords))


def kept(made: Value) -> Value:
    """``made``, whose attributes and methods may be used from now on."""
    FIELDS.add(type(made))
    SHOWN.add(type(made))
    return made


def _fixed_time(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """``time.strftime(format, fields)``, ``time.gmtime(seconds)``: not what the clock says."""
    if len(arguments) < (2 if name.endswith("strftime") else 1) or len(str(arguments[0])) > MAX_FORMAT:
        return UNKNOWN
    made = _resolve(name)(*arguments)
    return made if type(made) is str else tuple(made)


def _header(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Headers of mail: the pattern that finds encoded words is not linear."""
    if len(arguments[0]) > MAX_FORMAT or any(len(each) > MAX_FORMAT for each in arguments[0]):
        return UNKNOWN
    made = _resolve(name)(*arguments, **keywords)
    return made if type(made) is list else kept(made)


def _fill(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    if len(arguments[0]) > 1 << 14 or any(type(each) is int and each > 1 << 16 for each in arguments):
        return UNKNOWN
    return _resolve(name)(*arguments, **keywords)


def _generated(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """``difflib.restore``: a generator."""
    return Generator(list(_resolve(name)(*arguments, **keywords)))


def _array(self: Evaluator, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    kind = {"b": "int8", "B": "uint8", "h": "int16", "H": "uint16", "i": "int32", "I": "uint32", "u": "U"}
    made = stdlib("array").array(*arguments)
    return Array(made.tolist(), kind.get(arguments[0], "int64"))


_GUARDS: Final[dict[str, Any]] = {
    "zlib.decompress": _inflate,
    "gzip.decompress": _inflate,
    "bz2.decompress": _inflate,
    "lzma.decompress": _inflate,
    "zlib.compress": _inflate,
    "gzip.compress": _inflate,
    "bz2.compress": _inflate,
    "lzma.compress": _inflate,
    "codecs.encode": _codec,
    "codecs.decode": _codec,
    "math": _small_numbers,
    "builtins.pow": _power,
    "operator.pow": _power,
    "builtins.bytes": _make_bytes,
    "builtins.bytearray": _make_bytes,
    "builtins.range": _range,
    "builtins.list": _sequence,
    "builtins.tuple": _sequence,
    "builtins.set": _sequence,
    "builtins.sorted": _sequence,
    "builtins.sum": _sequence,
    "builtins.max": _sequence,
    "builtins.min": _sequence,
    "builtins.any": _sequence,
    "builtins.all": _sequence,
    "builtins.reversed": _sequence,
    "builtins.zip": _sequence,
    "builtins.enumerate": _sequence,
    "builtins.str": _text,
    "builtins.len": _length,
    "builtins.int": _integer,
    "itertools": _chain,
    "re": _regex,
    "struct": _struct,
    "ast.literal_eval": _literal,
    "json.dumps": _dumps,
    "json.loads": _dumps,
    "copy": _deepcopy,
    "hashlib": _hash,
    "urllib.parse.urlparse": _object,
    "urllib.parse.urlsplit": _object,
    "fractions": _object,
    "decimal": _object,
    "uuid": _object,
    "ipaddress": _object,
    "datetime": _object,
    **dict.fromkeys(("datetime.date", "datetime.datetime", "datetime.time"), _object),
    "time": _fixed_time,
    "email.header": _header,
    "textwrap.fill": _fill,
    "textwrap.wrap": _fill,
    "textwrap.shorten": _fill,
    "array": _array,
    "difflib": _generated,
}
# Class methods are pure as they stand; their class's guard is for the constructor.
for _name in ("bytes.fromhex", "bytes.maketrans", "bytearray.fromhex", "bytearray.maketrans"):
    _GUARDS[f"builtins.{_name}"] = lambda self, name, arguments, keywords: _resolve(name)(
        *arguments, **keywords
    )
_GUARDS["builtins.int.from_bytes"] = _GUARDS["builtins.bytes.fromhex"]
_GUARDS["builtins.str.maketrans"] = _GUARDS["builtins.bytes.fromhex"]
for _name in ("operator.mul", "operator.lshift", "operator.concat", "operator.mod", "operator.add"):
    _GUARDS[_name] = lambda self, name, arguments, keywords: self.binary(
        {"mul": ast.Mult, "lshift": ast.LShift, "concat": ast.Add, "add": ast.Add, "mod": ast.Mod}[name[9:]],
        *arguments,
    )
_GUARDS["operator.getitem"] = lambda self, name, arguments, keywords: self.item(*arguments)


# -- small things that the evaluator asks for --------------------------------------------------------


def checked(value: Value) -> Value:
    """``value``, unless it is larger than anything that is looked at."""
    if type(value) in (str, bytes, list, tuple, bytearray) and len(value) > _MAX:
        return UNKNOWN
    return value


def is_hashable(value: Value) -> bool:
    """Whether ``value`` can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def bounded(values: Iterable[Value], limit: int = 1 << 16) -> Iterator[Value]:
    """At most ``limit`` of ``values``."""
    return itertools.islice(values, limit)


def bounded_text(value: Value) -> str:
    """``str(value)`` of a plain value."""
    kind = type(value)
    if kind is int and value.bit_length() > 12_000:
        return HOLE
    if kind in (list, dict, tuple, set) and len(value) > 20_000:
        return HOLE
    try:
        return str(value)
    except (ValueError, RecursionError):
        return HOLE


_WIDE: Final = re.compile(r"\d{6}")


def wide(text: str) -> bool:
    """Whether a format could ask for a field of a million characters."""
    return bool(_WIDE.search(text)) and any(len(run) > 5 for run in re.findall(r"%[^a-zA-Z]{0,3}(\d+)", text))


def formatted(value: Value, spec: str) -> str:
    """``format(value, spec)``."""
    if len(spec) > 64 or _WIDE.search(spec):
        return HOLE
    if type(value) is str and HOLE in value:
        return value
    try:
        return format(value, spec)
    except (ValueError, TypeError, OverflowError):
        return HOLE


_CONVERSION: Final = re.compile(r"%(\(\w*\))?[-#0 +]*\d{0,5}(?:\.\d{0,5})?[diouxXeEfFgGcrsa]")


def loosen(template: str) -> str:
    """``template`` with every conversion one that takes anything."""
    return _CONVERSION.sub(lambda match: f"%{match.group(1) or ''}s", template)


class Holes(dict[Any, Any]):
    """A mapping whose missing items are holes."""

    def __missing__(self, key: Any) -> str:
        return HOLE


def joined_choices(parts: list[Value]) -> Value:
    """Text of parts of which some may be one of several."""
    made = [""]
    for part in parts:
        ways = part.values if type(part) is Choice else (part,)
        made = [before + (way if type(way) is str else HOLE) for before in made for way in ways][: Choice.MAX]
    return either(made)


_YIELDS: dict[int, tuple[ast.AST, bool]] = {}


def has_yield(node: ast.AST) -> bool:
    """Whether a function's own body yields."""
    known = _YIELDS.get(id(node))
    if known is not None and known[0] is node:
        return known[1]
    kinds = set(map(type, nodes(node)))
    found = (ast.Yield in kinds or ast.YieldFrom in kinds) and _yields(node)
    if len(_YIELDS) > 512:
        _YIELDS.clear()
    _YIELDS[id(node)] = (node, found)
    return found


def receives(node: ast.AST) -> bool:
    """Whether a generator function uses what is sent to it."""
    found = nodes(node)
    ignored = {id(each.value) for each in found if type(each) is ast.Expr}
    return any(type(each) is ast.Yield and id(each) not in ignored for each in found)


def _yields(node: ast.AST) -> bool:
    waiting: list[ast.AST] = list(node.body)  # type: ignore[attr-defined]
    while waiting:
        each = waiting.pop()
        if isinstance(each, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting += ast.iter_child_nodes(each)
    return False


def catches(self: Evaluator, handler: Value, raised: Value) -> bool | None:
    """Whether ``except handler`` catches ``raised``; None if not known."""
    if type(handler) is tuple:
        outcomes = [catches(self, each, raised) for each in handler]
        return True if True in outcomes else None if None in outcomes else False
    if type(handler) is Symbol and handler.name in ("builtins.Exception", "builtins.BaseException"):
        return True
    if type(raised) is Instance:
        if type(handler) is Class:
            return handler in raised.cls.lineage()
        return None
    if type(raised) is Symbol and type(handler) is Symbol:
        return True if raised.name == handler.name else None
    return None


def is_exception(symbol: Symbol) -> bool:
    """Whether ``symbol`` is a built-in exception with its arguments."""
    return (
        symbol.called
        and symbol.details is not None
        and symbol.name[:9] == "builtins."
        and symbol.name[9:10].isupper()
    )


#: Bytes that a number of an array takes, by numpy's names of its type.
WIDTHS: Final = {"uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4}
_KINDS: Final = {
    **{
        f"{letter}{1 << power}": f"{word}int{8 << power}"
        for letter, word in (("u", "u"), ("i", ""))
        for power in range(4)
    },
    "B": "uint8",
    "ubyte": "uint8",
    "b": "int8",
    "byte": "int8",
    "int": "int64",
}


def number_kind(label: str) -> str:
    """Return numpy's full name of a type of numbers."""
    plain = label.lstrip("<=|")
    return _KINDS.get(plain, plain)


def from_buffer(data: bytes, kind: str) -> Array:
    """Numbers, or pieces of text, that bytes stand for."""
    text = re.fullmatch(r"S(\d{0,4})", kind)
    width = int(text.group(1) or 1) or 1 if text else WIDTHS.get(kind, 8)
    pieces = [data[at : at + width] for at in range(0, len(data), width)]
    signed = kind.startswith("int")
    return Array(pieces if text else [int.from_bytes(each, "little", signed=signed) for each in pieces], kind)


def wrapped(array: Array) -> Array:
    """Numbers of ``array`` cut to the width of their type, as numpy does."""
    width = {"uint8": 8, "uint16": 16, "uint32": 32}.get(array.kind)
    if width is not None:
        mask = (1 << width) - 1
        array[:] = [each & mask if type(each) is int else each for each in array]
    return array


# -- streams and paths -------------------------------------------------------------------------------


def stream_read(stream: Stream, size: Value = -1) -> Value:
    """``stream.read(size)``."""
    content = stream.content
    if content is None:
        return Symbol(stream.source, True) if stream.source else UNKNOWN
    if type(content) is str and stream.binary:
        content = content.encode("utf-8", "surrogatepass")
    elif type(content) is bytes and not stream.binary and stream.path:
        content = content.decode("utf-8", "replace")
    start = stream.position
    stop = len(content) if type(size) is not int or size < 0 else min(len(content), start + size)
    stream.position = stop
    return content[start:stop]


def stream_lines(stream: Stream) -> Iterator[Value]:
    """Lines of ``stream``; one unknown line if its content is not known."""
    content = stream_read(stream)
    if type(content) in (str, bytes):
        yield from content.splitlines(True)
    else:
        yield content


def path_join(parts: list[str]) -> Path:
    """``Path(*parts)``."""
    text = ""
    for part in parts:
        if part.startswith("/") or not text:
            text = part
        elif part:
            text = text.rstrip("/") + "/" + part
    while text.startswith("./"):
        text = text[2:]
    return Path(text[:4096])


def split_suffix(name: str) -> tuple[str, str]:
    """Stem and suffix of a file's name."""
    stem, _, suffix = name.rpartition(".")
    return (stem, f".{suffix}") if stem.strip(".") and suffix else (name, "")


def path_attribute(path: Path, name: str) -> Value:
    """Attribute of a ``pathlib`` path."""
    text = path.text
    head, _, tail = text.rstrip("/").rpartition("/")
    if name == "name":
        return tail
    if name == "parent":
        return Path(head or ("/" if text.startswith("/") else "."))
    if name == "parents":
        found: list[Value] = []
        while head and len(found) < 32:
            found.append(Path(head))
            head = head.rpartition("/")[0]
        return found
    if name in ("stem", "suffix"):
        return split_suffix(tail)[name == "suffix"]
    if name == "suffixes":
        return [f".{each}" for each in tail.lstrip(".").split(".")[1:]]
    if name == "parts":
        return tuple(part or "/" for part in text.split("/"))
    return Method(path, name)


def notebook_cells(text: str) -> list[Value]:
    """Cells of a notebook's JSON, empty if it is none."""
    try:
        data = stdlib("json").loads(text)
    except (ValueError, RecursionError):
        return []
    cells = data.get("cells") if isinstance(data, dict) else None
    return [each for each in cells if isinstance(each, dict)] if isinstance(cells, list) else []
