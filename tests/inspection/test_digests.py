"""The same cell is found again, at three depths, and a copied part of one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_tos_guard.inspection.digests import (
    GRAM,
    WINDOW,
    exact_digest,
    fingerprint,
    shape_digest,
    token_digest,
)

CELL = "for name in names:\n    total += price[name] * 2  # sum\nprint(total, 'done')\n"


def test_exact_digest_is_that_of_the_utf8_text() -> None:
    assert exact_digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert exact_digest(CELL) != exact_digest(CELL + " ")


def test_token_digest_ignores_white_space_and_comments() -> None:
    reformatted = "for name in names :\n  total+=price[ name ]*2\n\n# other\nprint(total,'done')"
    assert token_digest(CELL) == token_digest(reformatted)
    assert token_digest(CELL) != token_digest(CELL.replace("total", "amount"))


def test_shape_digest_ignores_names_and_literals_too() -> None:
    renamed = CELL.replace("total", "amount").replace("2", "17").replace("'done'", '"ready, really"')
    assert shape_digest(CELL) == shape_digest(renamed)
    assert shape_digest(CELL) != shape_digest(CELL.replace("*", "/"))


def test_comment_sign_in_a_string_is_no_comment() -> None:
    assert token_digest("print('a # b')") != token_digest("print('a # c')")


def test_fingerprint_follows_a_copied_part() -> None:
    part = "\n".join(f"step_{i} = load(path_{i}, mode='fast', size={i})" for i in range(20))
    inside = "import other\nx = other.thing()\n" + part + "\nplot(step_3, other)\n"
    copied = fingerprint(part)
    assert len(copied & fingerprint(inside)) >= 0.9 * len(copied)
    stranger = "\n".join(f"table.column_{i}.apply(lambda v: v + {i})" for i in range(20))
    assert not copied & fingerprint(stranger)


def test_short_cell_has_no_fingerprint() -> None:
    assert fingerprint("x = 1") == frozenset()
    assert fingerprint(" ".join("abcdefghijklmnopqrstuvwxyz"[: GRAM + WINDOW]))


@given(st.text(max_size=300))
def test_any_text_has_digests(text: str) -> None:
    for digest in (exact_digest, token_digest, shape_digest):
        assert len(digest(text)) == 64
    fingerprint(text)


def test_lone_surrogates_have_digests() -> None:
    assert len(exact_digest("\ud800")) == 64
