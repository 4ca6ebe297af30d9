"""Markup and packed data: XML, mail, texts in images and streams that are decompressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords
from jupyter_tos_guard.inspection.python.carriers.given import content, file_content, native
from jupyter_tos_guard.inspection.python.values import UNKNOWN, Namespace, Native, Path, Symbol, Value

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def element_tree(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``xml.etree.ElementTree.fromstring(text)`` and ``parse(file)``."""
    first = arguments[0] if arguments else keywords.get("text", UNKNOWN)
    whole = symbol.name.endswith(".parse")
    text = file_content(self, first) if whole else content(self, first)
    if text is None or "<!" in text:  # entities can grow without bound
        return Symbol(symbol.name, True, (arguments, keywords))
    self.budget.spend(len(text) // 16 + 1)
    try:
        root = library.stdlib("xml.etree.ElementTree").fromstring(text)
    except Exception:
        return UNKNOWN
    made = _element(root, [2000])
    return Namespace("tree", {"getroot": native(lambda given: made), **made.attributes}) if whole else made


def _element(node: Any, left: list[int], depth: int = 24) -> Namespace:
    left[0] -= 1
    children = [_element(each, left, depth - 1) for each in list(node) if left[0] > 0 and depth > 0]
    below = [each for child in children for each in (child, *child.attributes["\0below"])]
    attributes = dict(node.attrib)

    def matching(given: Arguments) -> list[Namespace]:
        path = given[0] if given and type(given[0]) is str else "*"
        name = path.rpartition("/")[2].partition("[")[0]
        pool = children if "/" not in path else below
        return [each for each in pool if name in ("*", "", ".") or each.attributes["tag"] == name]

    def find(given: Arguments) -> Value:
        return next(iter(matching(given)), None)

    def find_text(given: Arguments) -> Value:
        found = find(given)
        return found.attributes["text"] if found is not None else None

    def every(given: Arguments) -> Value:
        name = given[0] if given and type(given[0]) is str else "*"
        whole = [made, *below]
        return [each for each in whole if name == "*" or each.attributes["tag"] == name]

    def child(given: Arguments) -> Value:
        index = given[0] if given else None
        return children[index] if type(index) is int and -len(children) <= index < len(children) else UNKNOWN

    made = Namespace(
        "element",
        {
            "tag": node.tag,
            "text": node.text,
            "tail": node.tail,
            "attrib": attributes,
            "get": native(lambda given: attributes.get(given[0], given[1] if len(given) > 1 else None)),
            "items": native(lambda given: list(attributes.items())),
            "find": native(find),
            "findtext": native(find_text),
            "findall": native(matching),
            "iterfind": native(matching),
            "iter": native(every),
            "itertext": native(lambda given: list(node.itertext())),
            "__getitem__": native(child),
            "__iter__": native(lambda given: list(children)),
            "\0below": below,
        },
    )
    return made


def mail(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``email.message_from_string(text)`` and ``message_from_bytes``."""
    text = content(self, arguments[0] if arguments else UNKNOWN)
    if text is None:
        return Symbol(symbol.name, True, (arguments, keywords))
    self.budget.spend(len(text) // 16 + 1)
    try:
        return _part(library.stdlib("email").message_from_string(text), 4)
    except Exception:
        return UNKNOWN


def _part(message: Any, depth: int) -> Namespace:
    several = message.is_multipart()
    parts = [_part(each, depth - 1) for each in message.get_payload()[:64]] if several and depth else []

    def payload(given: Arguments, named: Keywords) -> Value:
        if several:
            return parts[given[0]] if given and type(given[0]) is int and given[0] < len(parts) else parts
        decode = named.get("decode", given[1] if len(given) > 1 else False)
        return message.get_payload(decode=decode is True or decode == 1)

    def content(given: Arguments) -> Value:
        data = message.get_payload(decode=True)
        return data.decode("utf-8", "replace") if type(data) is bytes else UNKNOWN

    def header(given: Arguments) -> Value:
        found = message.get(given[0]) if given and type(given[0]) is str else None
        return None if found is None else str(found)

    made = Namespace("message", {})
    below = [each for part in parts for each in part.attributes["\0parts"]]
    made.attributes.update(
        {
            "get_payload": Native(payload),
            "get_content": native(content),
            "get": native(header),
            "__getitem__": native(header),
            "items": native(lambda given: [(name, str(value)) for name, value in message.items()]),
            "get_content_type": native(lambda given: message.get_content_type()),
            "get_filename": native(lambda given: message.get_filename()),
            "is_multipart": native(lambda given: several),
            "walk": native(lambda given: [made, *below]),
            "\0parts": [made, *below],
        }
    )
    return made


def decompressor(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``zlib.decompressobj()`` and its kin."""
    module = symbol.name.partition(".")[0]

    def decompress(given: Arguments) -> Value:
        data: Any = given[0] if given else None
        if type(data) not in (bytes, bytearray):
            return UNKNOWN
        extra = arguments[:1] if module == "zlib" and arguments and type(arguments[0]) is int else []
        try:
            made = library.inflate(self.current(), module, bytes(data), *extra)
        except Exception:
            return UNKNOWN
        self.current().note(made, module, bytes(data))
        return made

    return Namespace(
        "decompressor",
        {
            "decompress": native(decompress),
            "flush": native(lambda given: b""),
            "unused_data": b"",
            "eof": True,
        },
    )


def image_text(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``PIL.PngImagePlugin.PngInfo()``: texts that go into an image."""
    texts: dict[Value, Value] = {}

    def add(given: Arguments) -> Value:
        if len(given) > 1 and type(given[0]) is str and len(texts) < 64:
            texts[given[0]] = content(self.current(), given[1]) or UNKNOWN
        return None

    return Namespace("png texts", {"add_text": native(add), "add_itxt": native(add), "\0texts": texts})


def save_image(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``image.save(path, pnginfo=texts)``: only the texts matter."""
    texts = keywords.get("pnginfo")
    kept = self.session.patched
    if arguments and type(texts) is Namespace and len(kept) < 256:
        kept[f"image {self.text(arguments[0])}"] = texts.attributes.get("\0texts")
    return None


def open_image(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``PIL.Image.open(path)`` with the texts that it was saved with."""
    path = arguments[0] if arguments else keywords.get("fp")
    if type(path) in (str, Path):
        file_content(self, path)  # what waits may write it
    texts = self.session.patched.get(f"image {self.text(path)}")
    if texts is None:
        return Symbol(symbol.name, True, (arguments, keywords))
    made: dict[str, Value] = {"text": texts, "info": texts, "load": native(lambda given: UNKNOWN)}
    return Namespace("image", made)


HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        "xml.etree.ElementTree.fromstring xml.etree.ElementTree.XML xml.etree.ElementTree.parse "
        "xml.etree.cElementTree.fromstring lxml.etree.fromstring defusedxml.ElementTree.fromstring".split(),
        element_tree,
    ),
    **dict.fromkeys(
        "email.message_from_string email.message_from_bytes email.message_from_file "
        "email.message_from_binary_file".split(),
        mail,
    ),
    "PIL.PngImagePlugin.PngInfo": image_text,
    "PIL.Image.open": open_image,
    **dict.fromkeys(
        [f"PIL.Image.{each}.save" for each in ("new", "open", "fromarray", "open.convert", "open.copy")],
        save_image,
    ),
    "zlib.decompressobj": decompressor,
    "bz2.BZ2Decompressor": decompressor,
    "lzma.LZMADecompressor": decompressor,
}
