"""Templates, and how times, texts and code are shown in them.

Everything that a template writes is a user's until proven otherwise: it is made readable (no
control characters, nothing that reorders text) and cut, and then escaped. What is markup is made here
and nowhere else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from jupyter_tos_guard.central.casework.config import DAY
from jupyter_tos_guard.central.web.pages.drawing import fold
from jupyter_tos_guard.inspection.readable import readable

FOLDER: Final = Path(__file__).parent
STATIC: Final = FOLDER / "static"
#: Longest piece of text that stands anywhere, in characters.
MAX_SHOWN: Final = 4000
#: What ``time.gmtime`` takes everywhere: years 1 to 9999.
_EARLIEST, _LATEST = -62_000_000_000.0, 253_000_000_000.0
_UNITS: Final = (("day", DAY), ("hour", 3600.0), ("minute", 60.0))


def environment() -> Environment:
    """Return the templates."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    made.filters.update(
        prose=prose,
        exact=exact,
        link=link,
        path=path,
        short=short,
        day=day,
        percent=percent,
        raw=raw,
        fragment_of=fragment_of,
    )
    made.globals.update(query=query, static=_versions(), fold=fold)
    return made


def shown(value: Any) -> Any:
    """Make a value fit to be shown; markup stays."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return readable(value, MAX_SHOWN)
    return "" if value is None else value


def raw(value: str) -> Markup:
    """Return a text escaped and otherwise as it is: for what a form sends back."""
    return escape(value)


def short(value: str, limit: int = 60) -> str:
    """Return a text of at most about so many characters."""
    return readable(value, limit)


def path(value: str) -> Markup:
    """Return a text as one part of a path."""
    # A part that consists of dots only would be taken for a way up.
    quoted = quote(value, safe="")
    return escape(quoted.replace(".", "%2E") if not quoted.strip(".") else quoted)


def query(**parts: Any) -> Markup:
    """Return a query string, those left out that are empty."""
    return escape(urlencode({name: value for name, value in parts.items() if value not in ("", None)}))


def prose(value: str) -> Markup:
    """Return what somebody wrote, with its lines and paragraphs."""
    lines = value[:MAX_SHOWN].split("\n")[:200]
    return Markup("<br>").join(readable(line, MAX_SHOWN) for line in lines)


def link(value: str) -> Markup:
    """Return a reference as a link when it is one; the browser tells nobody where it came from."""
    text = readable(value, 300)
    if not value.startswith(("https://", "http://")):
        return escape(text)
    return Markup('<a href="{}" rel="noreferrer noopener external">{}</a>').format(value[:2000], text)


def percent(value: float | None) -> str:
    """Return a share as a percentage."""
    return "-" if value is None else f"{100 * value:.0f} %"


def day(value: float) -> str:
    """Return a day, UTC."""
    return time.strftime("%-d %b %Y", time.gmtime(_bounded(value)))


def exact(value: float | None, now: float) -> Markup:
    """Return a time relative to now, with the exact one in it."""
    if value is None:
        return Markup("-")
    parts = time.gmtime(_bounded(value))
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        time.strftime("%Y-%m-%dT%H:%M:%SZ", parts),
        time.strftime("%-d %B %Y, %H:%M:%S UTC", parts),
        relative(value, now),
    )


def moment(value: float | None, now: float) -> Markup:
    """Return a time as a date, with how far away it is in it: for "until …"."""
    if value is None:
        return Markup("-")
    parts = time.gmtime(_bounded(value))
    return Markup('<time class="moment" datetime="{}" title="{}">{}</time>').format(
        time.strftime("%Y-%m-%dT%H:%M:%SZ", parts),
        relative(value, now),
        time.strftime("%-d %b %Y, %H:%M UTC", parts),
    )


def relative(value: float, now: float) -> str:
    """Return how long ago, or how far ahead, a time is."""
    distance = abs(value - now)
    if distance > 60 * DAY:
        return day(value)
    for unit, seconds in _UNITS:
        if distance >= seconds:
            number = int(distance / seconds)
            span = f"{number} {unit}{'' if number == 1 else 's'}"
            return f"in {span}" if value > now else f"{span} ago"
    return "in less than a minute" if value > now else "just now"


def fragment_of(evidence: str, strike: Any) -> str:
    """Return what is to be shown of a strike's evidence in one line: the fragment, or where it begins."""
    lines = evidence.split("\n")
    if len(lines) > 1 and 1 <= strike.line <= len(lines):
        return readable(lines[strike.line - 1].strip() or lines[0], 120)
    return readable(evidence.strip(), 120)


def marked_code(
    source: str, first: tuple[int, int] | None = None, end: tuple[int, int] | None = None
) -> Markup:
    """Return code as numbered lines, a fragment of it marked.

    Parameters
    ----------
    source : str
    first, end : (int, int), optional
        Line (from 1) and column (from 0) where the fragment begins, and where it ends.
    """
    lines = source[:MAX_SHOWN].split("\n")[:400]
    made = []
    for number, text in enumerate(lines, 1):
        pieces: Iterable[str] = (text, "", "")
        if first and end and first[0] <= number <= max(end[0], first[0]):
            begin = first[1] if number == first[0] else 0
            stop = end[1] if number == end[0] and (number != first[0] or end[1] > begin) else len(text)
            if text[begin:stop].strip():
                pieces = (text[:begin], text[begin:stop], text[stop:])
        before, marked, after = (readable(piece, MAX_SHOWN) for piece in pieces)
        inside = Markup("{}<mark>{}</mark>{}").format(before, marked, after) if marked else escape(before)
        made.append(
            Markup('<span class="line"><span class="number">{}</span>{}</span>').format(number, inside)
        )
    return Markup('<pre class="code" tabindex="0"><code>{}</code></pre>').format(Markup("\n").join(made))


def _bounded(value: float) -> float:
    return min(max(value, _EARLIEST), _LATEST)


def _versions() -> Mapping[str, str]:
    """Names of static files with their content's digest, so that browsers may keep them."""
    return {
        each.name: f"static/{each.name}?v={hashlib.sha256(each.read_bytes()).hexdigest()[:12]}"
        for each in STATIC.iterdir()
        if each.is_file()
    }
