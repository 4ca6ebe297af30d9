"""Charts as SVG, each with the same numbers as a table. No numbers of its own: see ``casework/charts.py``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from jupyter_tos_guard.central.casework.config import DAY

#: Colours there are; further kinds are drawn together as the last.
COLOURS: Final = 7
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 720, 220, 44, 24, 8


def stacked_bars(days: Mapping[int, Mapping[str, int]], labels: Mapping[str, str], title: str) -> Markup:
    """Return strikes for each day as bars, stacked by kind, and their legend.

    Parameters
    ----------
    days : mapping of int to mapping
        Day since the epoch to number by kind.
    labels : mapping of str to str
        What a kind is called.
    title : str
    """
    kinds = kinds_of(days)
    most = max((sum(each.values()) for each in days.values()), default=0)
    top = _round_up(most)
    step = (_WIDTH - _LEFT) / max(1, len(days))
    scale = (_HEIGHT - _BOTTOM - _TOP) / top
    shapes = [_gridline(top, value, scale) for value in (0, top // 2, top) if top > 1 or value != top // 2]
    for number, (day, counts) in enumerate(days.items()):
        height = 0.0
        left = _LEFT + number * step
        folded = fold(counts, kinds)
        for place, kind in enumerate(kinds):
            value = folded.get(kind, 0)
            if not value:
                continue
            size = value * scale
            height += size
            shapes.append(
                Markup('<rect class="kind-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">').format(
                    place, left + 1, _HEIGHT - _BOTTOM - height, max(1.0, step - 2), max(1.0, size)
                )
                + Markup("<title>{}: {} {}</title></rect>").format(_day(day), value, labels.get(kind, kind))
            )
        if number % max(1, len(days) // 6) == 0 and number <= len(days) - len(days) // 12:
            shapes.append(
                Markup('<text class="tick" x="{:.1f}" y="{}">{}</text>').format(left, _HEIGHT - 6, _day(day))
            )
    legend = Markup("").join(
        Markup('<li><span class="swatch kind-{}"></span>{}</li>').format(place, labels.get(kind, kind))
        for place, kind in enumerate(kinds)
    )
    drawn = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, _HEIGHT, title, Markup("").join(shapes)
    )
    return drawn + Markup('<ul class="legend" aria-hidden="true">{}</ul>').format(legend)


def share_bar(share: float | None, label: str) -> Markup:
    """Return a share as a bar."""
    if share is None:
        return Markup("")
    return Markup(
        '<svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="rest" width="100" height="8"/><rect class="part" width="{:.1f}" height="8"/></svg>'
    ).format(label, 100 * share)


def kinds_of(days: Mapping[int, Mapping[str, int]]) -> list[str]:
    """Return kinds in the order in which they are drawn: most first, the rest as ``other``."""
    sums: dict[str, int] = {}
    for counts in days.values():
        for kind, number in counts.items():
            sums[kind] = sums.get(kind, 0) + number
    kinds = sorted(sums, key=lambda kind: (-sums[kind], kind))
    return kinds if len(kinds) <= COLOURS else [*kinds[: COLOURS - 1], "other"]


def fold(counts: Mapping[str, int], kinds: Sequence[str]) -> dict[str, int]:
    """Return numbers by kind, those of kinds that have no place as ``other``."""
    folded: dict[str, int] = {}
    for kind, number in counts.items():
        name = kind if kind in kinds else "other"
        folded[name] = folded.get(name, 0) + number
    return folded


def _gridline(top: int, value: int, scale: float) -> Markup:
    height = _HEIGHT - _BOTTOM - value * scale
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
        '<text class="tick end" x="{}" y="{:.1f}">{}</text>'
    ).format(_LEFT, _WIDTH, height, height, _LEFT - 6, height + 4, value)


def _round_up(number: int) -> int:
    """Return a round number that is not less."""
    step = 1
    while True:
        for factor in (1, 2, 4, 6, 10):
            if number <= step * factor:
                return step * factor
        step *= 10


def _day(day: int) -> str:
    return time.strftime("%-d %b", time.gmtime(day * DAY))
