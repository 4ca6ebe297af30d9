"""AES decryption in Python, for payloads whose key stands beside them.

Slow, bounded by its caller, not for secrets.
"""

from __future__ import annotations

from collections.abc import Callable


def _tables() -> tuple[bytes, bytes]:
    """S-box and its inverse."""
    box = bytearray(256)
    one = other = 1
    while True:
        one ^= (one << 1) & 0xFF ^ (0x1B if one & 0x80 else 0)
        other ^= other << 1
        other ^= other << 2
        other ^= other << 4
        other &= 0xFF
        if other & 0x80:
            other ^= 0x09
        turned = other ^ (other << 1 | other >> 7) ^ (other << 2 | other >> 6) ^ (other << 3 | other >> 5)
        box[one] = (turned ^ (other << 4 | other >> 4) ^ 0x63) & 0xFF
        if one == 1:
            break
    box[0] = 0x63
    inverse = bytearray(256)
    for index, value in enumerate(box):
        inverse[value] = index
    return bytes(box), bytes(inverse)


_BOX, _INVERSE = b"", b""
_SHIFT = [0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3]


def _multiply(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left = (left << 1) ^ (0x11B if left & 0x80 else 0)
        right >>= 1
    return product & 0xFF


_PRODUCTS: dict[int, bytes] = {}


def _expand(key: bytes) -> list[bytes]:
    """Round keys."""
    global _BOX, _INVERSE
    if not _BOX:
        _BOX, _INVERSE = _tables()
        for factor in (9, 11, 13, 14):
            _PRODUCTS[factor] = bytes(_multiply(value, factor) for value in range(256))
    words = [key[at : at + 4] for at in range(0, len(key), 4)]
    size = len(words)
    constant = 1
    for index in range(size, 4 * (size + 7)):
        word = words[-1]
        if index % size == 0:
            word = bytes(_BOX[each] for each in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = _multiply(constant, 2)
        elif size > 6 and index % size == 4:
            word = bytes(_BOX[each] for each in word)
        words.append(bytes(one ^ other for one, other in zip(words[-size], word, strict=False)))
    return [b"".join(words[at : at + 4]) for at in range(0, len(words), 4)]


def _decrypt_block(keys: list[bytes], block: bytes) -> bytes:
    nine, eleven, thirteen, fourteen = _PRODUCTS[9], _PRODUCTS[11], _PRODUCTS[13], _PRODUCTS[14]
    state = bytes(one ^ other for one, other in zip(block, keys[-1], strict=False))
    for number in range(len(keys) - 2, -1, -1):
        state = bytes(_INVERSE[state[at]] for at in _SHIFT)
        state = bytes(one ^ other for one, other in zip(state, keys[number], strict=False))
        if number:
            mixed = bytearray()
            for at in range(0, 16, 4):
                a, b, c, d = state[at : at + 4]
                mixed += bytes(
                    (
                        fourteen[a] ^ eleven[b] ^ thirteen[c] ^ nine[d],
                        nine[a] ^ fourteen[b] ^ eleven[c] ^ thirteen[d],
                        thirteen[a] ^ nine[b] ^ fourteen[c] ^ eleven[d],
                        eleven[a] ^ thirteen[b] ^ nine[c] ^ fourteen[d],
                    )
                )
            state = bytes(mixed)
    return state


def decrypt_ecb(key: bytes, data: bytes, spend: Callable[[int], None]) -> bytes:
    """Decrypt ``data``, a multiple of 16 bytes, block by block."""
    keys = _expand(key)
    made = bytearray()
    for at in range(0, len(data), 16):
        spend(64)
        made += _decrypt_block(keys, data[at : at + 16])
    return bytes(made)


def decrypt_cbc(key: bytes, start: bytes, data: bytes, spend: Callable[[int], None]) -> bytes:
    """Decrypt ``data`` in CBC mode; padding stays on."""
    plain = decrypt_ecb(key, data[: len(data) // 16 * 16], spend)
    before = start + data
    return bytes(one ^ other for one, other in zip(plain, before, strict=False))
