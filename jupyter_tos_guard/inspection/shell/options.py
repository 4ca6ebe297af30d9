"""Options and operands of a command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def split(
    arguments: Sequence[str], letters: str, longs: Iterable[str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Options in order, with their values, and operands; long names may be cut short as GNU allows.

    Parameters
    ----------
    arguments : sequence of str
    letters : str
        One-letter options that take a value.
    longs : iterable of str
        Long options that take a value, without dashes.
    """
    names = frozenset(longs)
    options: list[tuple[str, str]] = []
    operands: list[str] = []
    i = 0
    while i < len(arguments):
        argument = arguments[i]
        i += 1
        if argument == "--":
            operands.extend(arguments[i:])
            break
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            full = (
                name
                if name in names
                else min([n for n in names if n.startswith(name)], default="")
                if len(name) > 2
                else ""
            )
            if not equals and full and i < len(arguments):
                value = arguments[i]
                i += 1
            options.append((full or name, value))
        elif argument.startswith("-") and len(argument) > 1:
            if argument[1:] in names and len(argument) > 2 and i < len(arguments):  # single-dash long options
                options.append((argument[1:], arguments[i]))
                i += 1
                continue
            for j, letter in enumerate(argument[1:], 2):
                if letter in letters:
                    value = argument[j:]
                    if not value and i < len(arguments):
                        value = arguments[i]
                        i += 1
                    options.append((letter, value))
                    break
                options.append((letter, ""))
        else:
            operands.append(argument)
    return options, operands


def options_of(
    arguments: Sequence[str], with_value: str = "", long_value: frozenset[str] = frozenset()
) -> tuple[dict[str, str], list[str]]:
    """Split getopt-style arguments.

    Parameters
    ----------
    arguments : sequence of str
    with_value : str
        One-letter options that take a value.
    long_value : frozenset of str
        Long options (with their dashes) that take the next word when there is no ``=``.

    Returns
    -------
    options : dict
        Option without dashes to its value ("" when it has none); the last one wins.
    operands : list of str
    """
    options, operands = split(arguments, with_value, (name.lstrip("-") for name in long_value))
    return dict(options), operands


def value_of(options: list[tuple[str, str]], *names: str) -> str | None:
    """Value of the last of some options; None when there is none."""
    found = [value for name, value in options if name in names]
    return found[-1] if found else None


def values_of(options: list[tuple[str, str]], *names: str) -> list[str]:
    """Values of some options."""
    return [value for name, value in options if name in names]


def first_operand(
    arguments: Sequence[str], letters: str, longs: Iterable[str]
) -> tuple[int, list[tuple[str, str]]]:
    """Where the options end; the options."""
    i = 0
    names = frozenset(longs)
    options: list[tuple[str, str]] = []
    while i < len(arguments) and arguments[i].startswith("-") and arguments[i] != "-":
        argument = arguments[i]
        if argument == "--":
            i += 1
            break
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            if not equals and name in names and i + 1 < len(arguments):
                i += 1
                value = arguments[i]
            options.append((name, value))
        else:
            at = next((j for j, c in enumerate(argument[1:], 1) if c in letters), 0)
            if at:
                value = argument[at + 1 :]
                if not value and i + 1 < len(arguments):
                    i += 1
                    value = arguments[i]
                options.append((argument[at], value))
        i += 1
    return i, options
