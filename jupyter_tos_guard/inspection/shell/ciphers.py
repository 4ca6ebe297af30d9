"""What ``openssl`` makes of known text: base64, and AES whose key or password stands beside it."""

from __future__ import annotations

import base64
import hashlib
import re

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.shell.filters import decoded, encoded, lenient_base64
from jupyter_tos_guard.inspection.shell.process import Handler, Process

#: Rounds of hashing that are done for a key.
_MAX_ROUNDS = 100_000
_VALUES = frozenset("in out pass passin k kfile K iv S iter md connect saltlen".split())
_CIPHER = re.compile(r"aes-?(128|192|256)(?:-(cbc|ecb))?")


def _openssl(process: Process) -> str:
    process.announce()
    verb, *arguments = process.arguments or [""]
    options = _options(arguments)
    operands = [options["in"]] if options.get("in") else []
    cipher = next((each for each in (verb, *options) if _CIPHER.fullmatch(each)), "")
    known = verb in ("base64", "enc") or bool(cipher)
    other = any(o.startswith(("aes", "des", "camellia", "chacha", "bf", "rc")) for o in (verb, *options))
    as_base64 = verb == "base64" or "base64" in options or "a" in options
    output = HOLE
    if verb == "s_client" and options.get("connect"):
        process.fetch("tls://" + options["connect"])
    if known and as_base64 and not other:
        if "d" in options:
            output = decoded(process, lenient_base64, operands)
        else:
            output = encoded(process, base64.b64encode, operands, 0 if "A" in options else 64)
    elif "d" in options:
        if known and cipher:
            output = decoded(process, lambda data: _decrypt(process, cipher, options, data), operands)
        if output == HOLE:
            process.emit(Kind.OPAQUE, "encrypted-archive")
    if options.get("out"):
        process.write(options["out"], output)
        return ""
    return output


def _options(arguments: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        name = word[2:] if word.startswith("--") else word[1:] if word.startswith("-") else ""
        if name:
            options[name] = next(words, "") if name in _VALUES else ""
    return options


def _decrypt(process: Process, cipher: str, options: dict[str, str], data: bytes) -> bytes:
    """Decrypt; ``ValueError`` where key or password is not known or does not fit."""
    from jupyter_tos_guard.inspection.python.aes import decrypt_cbc, decrypt_ecb

    found = _CIPHER.fullmatch(cipher)
    assert found is not None
    size, mode = int(found.group(1)) // 8, found.group(2) or "cbc"
    if "a" in options or "base64" in options:
        data = lenient_base64(data)
    salt = bytes.fromhex(options.get("S", "")).ljust(8, b"\0") if "nosalt" not in options else b""
    if data.startswith(b"Salted__"):
        salt, data = data[8:16], data[16:]
    if "K" in options:
        key, start = bytes.fromhex(options["K"]).ljust(size, b"\0")[:size], b""
    else:
        made = _key(process, options, salt, size + 16)
        key, start = made[:size], made[size:]
    if "iv" in options:
        start = bytes.fromhex(options["iv"])
    spend = process.state.budget.spend
    if mode == "ecb":
        plain = decrypt_ecb(key, data[: len(data) // 16 * 16], spend)
    else:
        plain = decrypt_cbc(key, start.ljust(16, b"\0")[:16], data, spend)
    if "nopad" in options:
        return plain
    padding = plain[-1] if plain else 0
    if not 0 < padding <= 16 or plain[-padding:] != bytes([padding]) * padding:
        raise ValueError("another key")
    return plain[:-padding]


def _key(process: Process, options: dict[str, str], salt: bytes, size: int) -> bytes:
    """Derive a key, and a start, as ``openssl enc`` does."""
    password = _password(process, options).encode("utf-8", "surrogateescape")
    digest = options.get("md") or "sha256"
    if digest not in hashlib.algorithms_guaranteed or digest.startswith("shake"):
        raise ValueError("no such digest")
    if "pbkdf2" in options or "iter" in options:
        rounds = int(options.get("iter") or 10_000)
        if not 0 < rounds <= _MAX_ROUNDS:
            raise ValueError("too many rounds")
        process.state.budget.spend(rounds // 8)
        return hashlib.pbkdf2_hmac(digest, password, salt, rounds, size)
    made = block = b""
    while len(made) < size:
        block = hashlib.new(digest, block + password + salt).digest()
        made += block
    return made[:size]


def _password(process: Process, options: dict[str, str]) -> str:
    kind, _, value = (options.get("pass") or options.get("passin") or "").partition(":")
    if "k" in options:
        kind, value = "pass", options["k"]
    elif "kfile" in options:
        kind, value = "file", options["kfile"]
    text: str | None = None
    if kind == "pass":
        text = value
    elif kind == "env":
        text = process.environ.get(value)
    elif kind == "file":
        text = process.read(value)
    elif kind == "stdin":
        text = process.stdin.line()
    if text is None or HOLE in text:
        raise ValueError("no password")
    return text.split("\n")[0]


HANDLERS: dict[str, Handler] = {"openssl": _openssl}
