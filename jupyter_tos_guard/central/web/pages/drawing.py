"""Charts as SVG, each with the same numbers as a table. No numbers of its own: see ``casework/charts.py``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from jupyter_tos_guard.central.casework.config import DAY

#: Colours there are; further kinds are drawn together as the last.
COLOURS: Final = 7
_WIDTH, _HEIGHT = 720, 200


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
    top = _round_up(max((sum(each.values()) for each in days.values()), default=0))
    step = _WIDTH / max(1, len(days))
    scale = _HEIGHT / top
    ticks = [top, top // 2, 0] if top % 2 == 0 else [top, 0]
    shapes = [
        Markup('<line class="grid" x1="0" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
            _WIDTH, y=_HEIGHT - value * scale
        )
        for value in ticks
    ]
    for number, (day, counts) in enumerate(days.items()):
        height = 0.0
        folded = fold(counts, kinds)
        for place, kind in enumerate(kinds):
            value = folded.get(kind, 0)
            if not value:
                continue
            height += value * scale
            shapes.append(
                Markup('<rect class="kind-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">').format(
                    place, number * step + step * 0.1, _HEIGHT - height, step * 0.8, value * scale
                )
                + Markup("<title>{}: {} {}</title></rect>").format(_day(day), value, labels.get(kind, kind))
            )
    legend = Markup("").join(
        Markup('<li><span class="swatch kind-{}"></span>{}</li>').format(place, labels.get(kind, kind))
        for place, kind in enumerate(kinds)
    )
    order = list(days)
    marks = [order[0], order[len(order) // 2], order[-1]] if len(order) > 2 else order
    return Markup(
        '<div class="plot"><div class="ticks" aria-hidden="true">{}</div>'
        '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        "{}</svg>"
        '<div class="days" aria-hidden="true">{}</div></div><ul class="legend" aria-hidden="true">{}</ul>'
    ).format(
        Markup("").join(Markup("<span>{}</span>").format(value) for value in ticks),
        _WIDTH,
        _HEIGHT,
        title,
        Markup("").join(shapes),
        Markup("").join(Markup("<span>{}</span>").format(_day(day)) for day in marks),
        legend,
    )


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
