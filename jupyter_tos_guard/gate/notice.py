"""The notice: what a user sees when a cell was not run.

Pure: a ruling, terms, standing and the time in; a MIME bundle out. One mapping
(the JSON form, for the lab extension) is made first, and both texts are written
from it, so that they cannot disagree. The schema of the mapping is in
``docs/kernel.md``; it changes only together with :data:`MIME_TYPE`.
"""

from __future__ import annotations

import textwrap
import time
from html import escape
from typing import Any

from jupyter_tos_guard.gate.ruling import Item, Ruling, fragment
from jupyter_tos_guard.inspection.facts import Span
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.policy.decision import Finding
from jupyter_tos_guard.policy.model import Clause, Pause, Terms, Verdict
from jupyter_tos_guard.strikes.standing import Level, Standing
from jupyter_tos_guard.strikes.strike import Action

MIME_TYPE = "application/vnd.jupyter-tos-guard.notice.v1+json"
SENTENCE = (
    "You may be executing code that is disallowed, "
    "and this may restrict your ability to use this hub in the future."
)
#: In its place while running code is paused for the user: it is not about this cell.
PAUSED = "Running code is paused for your account on this hub; nothing is wrong with this cell."
#: Findings shown; the rest is counted.
MAX_SHOWN = 3
WIDTH = 79

Json = dict[str, Any]


def notice(ruling: Ruling, terms: Terms | None, standing: Standing) -> dict[str, Any]:
    """Return the MIME bundle that tells why nothing ran.

    Parameters
    ----------
    ruling : Ruling
        One that refuses.
    terms : Terms or None
        None when there is no policy to read them from.
    standing : Standing
        After this ruling's strikes.

    Returns
    -------
    dict
        :data:`MIME_TYPE`, ``text/html`` and ``text/plain``. Text from the cell is
        bounded and made readable in all three.
    """
    data = describe(ruling, terms, standing)
    return {MIME_TYPE: data, "text/html": html(data), "text/plain": plain(data)}


def describe(ruling: Ruling, terms: Terms | None, standing: Standing) -> Json:
    """Return the notice as data; see :func:`notice`."""
    clauses = {clause.id: clause for clause in terms.clauses} if terms else {}
    warned = ruling.effect is Verdict.WARN
    findings = [
        _finding(item, finding, clauses.get(finding.clause), ruling)
        for item in ruling.items
        for finding in item.decision.findings
        if min(item.decision.effect, finding.verdict) >= Verdict.WARN
    ]
    decision = ruling.items[0].decision
    return {
        "effect": ruling.effect.label,
        "headline": "This cell was not run" + (" yet." if warned else "."),
        "sentence": PAUSED if ruling.pause else SENTENCE,
        "pause": {"reason": readable(ruling.pause.reason, 500), "until": ruling.pause.until}
        if ruling.pause
        else None,
        "findings": findings[:MAX_SHOWN],
        "more": max(0, len(findings) - MAX_SHOWN),
        "failure": "" if findings or ruling.pause else readable(f"{decision.reason}: {decision.detail}", 300),
        "cell_digest": decision.cell_digest,
        "policy_version": readable(decision.policy_version, 60),
        "standing": {
            "level": standing.level.value,
            "live": standing.live,
            "until": standing.until,
            "next_level": standing.next_level.value if standing.next_level else None,
            "strikes_left": standing.strikes_left,
        },
        "next": _after(ruling.pause)
        if ruling.pause
        else _next(warned, bool(findings), ruling.recorded, standing),
        "run_anyway": {"magic": "%tos run", "acknowledge": decision.cell_digest} if warned else None,
        "terms": {
            "title": readable(terms.title, 120) if terms else "",
            "version": readable(terms.version, 40) if terms else "",
            "url": readable(terms.url, 300) if terms else "",
            "contact": readable(terms.contact, 200) if terms else "",
        },
    }


def summary(data: Json) -> str:
    """Return one line that says what was found: the error's value and its traceback."""
    if data["pause"]:
        return f"running code is paused for your account {_until(data['pause']['until'])}"
    if not data["findings"]:
        return f"the cell could not be checked ({data['failure']})"
    first = data["findings"][0]
    return f"{_clause(first)}, {_place(first)}"


def plain(data: Json) -> str:
    """Return the notice for a terminal: 80 columns, no colours."""
    # The sentence stays on one line, to be found by whoever looks for it. A terminal of 80
    # columns breaks it after "ability".
    parts = [data["headline"].upper(), data["sentence"], ""]
    for finding in data["findings"]:
        parts.append(_wrap(f"{_clause(finding)}: {finding['message']}"))
        parts.append(f"  {_place(finding)}:")
        parts += [f"    {line}" for line in _cut(finding["fragment"])]
        if finding["decoded"]:
            parts.append(_wrap(f"which is ({_how(finding)}):", "  "))
            parts += [f"    {line}" for line in _cut(finding["decoded"])]
        parts.append("")
    if data["more"]:
        parts += [f"and {data['more']} more.", ""]
    if data["pause"] and data["pause"]["reason"]:
        parts += [_wrap(f"The reason given: {data['pause']['reason']}"), ""]
    if data["failure"]:
        parts += [_wrap(f"The cell could not be checked: {data['failure']}"), ""]
    parts.append(_wrap("What happens next: " + data["next"]))
    if data["run_anyway"]:
        parts.append(_wrap(_RUN_ANYWAY))
    parts.append(_wrap("Terms: " + _terms(data)))
    parts.append(_wrap("Wrong, or a question? " + _contact(data)))
    return "\n".join(parts)


def html(data: Json) -> str:
    """Return the notice as HTML: no scripts, no style sheet, colours that hold on light and on dark."""
    blocked = data["effect"] == Verdict.BLOCK.label
    # Everything but the bar takes the page's own colours, so that it reads in any theme.
    bar = "#d32f2f" if blocked else "#c77700"
    parts = [
        f'<section role="alert" aria-label="Terms of use" lang="en" style="border:1px solid {bar};'
        f"border-left:6px solid {bar};border-radius:3px;padding:0.6em 1em;margin:0.3em 0;max-width:60em;"
        'color:inherit;background:transparent;font-family:inherit;line-height:1.45">',
        f'<p style="margin:0 0 0.4em"><strong>{escape(data["headline"])}</strong></p>',
        f'<p style="margin:0 0 0.6em">{escape(data["sentence"])}</p>',
    ]
    for finding in data["findings"]:
        parts.append(
            f'<p style="margin:0.5em 0 0.2em"><strong>{escape(_clause(finding))}</strong>: '
            f"{escape(finding['message'])}</p>"
            f'<p style="margin:0.2em 0">{escape(_place(finding))}:</p>{_code(finding["fragment"])}'
        )
        if finding["decoded"]:
            how = escape(_how(finding))
            parts.append(f'<p style="margin:0.2em 0">which is ({how}):</p>{_code(finding["decoded"])}')
    if data["more"]:
        parts.append(f'<p style="margin:0.4em 0">and {data["more"]} more.</p>')
    if data["pause"] and data["pause"]["reason"]:
        reason = escape(data["pause"]["reason"])
        parts.append(f'<p style="margin:0.4em 0">The reason given: {reason}</p>')
    if data["failure"]:
        failure = escape(data["failure"])
        parts.append(f'<p style="margin:0.4em 0">The cell could not be checked: {failure}</p>')
    parts.append(
        '<p style="margin:0.6em 0 0.2em"><strong>What happens next:</strong> ' + escape(data["next"]) + "</p>"
    )
    if data["run_anyway"]:
        parts.append(f'<p style="margin:0.2em 0">{escape(_RUN_ANYWAY)}</p>')
    parts.append(
        f'<p style="margin:0.2em 0">Terms: {_link(_terms(data), data["terms"]["url"])}</p>'
        f'<p style="margin:0.2em 0">Wrong, or a question? {escape(_contact(data))}</p></section>'
    )
    return "\n".join(parts)


_RUN_ANYWAY = (
    "If you know that this is allowed: run it with %tos run in the next cell, or put %%tos run on top of "
    "this one. That is recorded with your name."
)


def _finding(item: Item, finding: Finding, clause: Clause | None, ruling: Ruling) -> Json:
    fact = finding.facts[0] if finding.facts else None
    span = fact.span if fact else Span(1, 0, 1, 0)
    act = (finding.rule, item.decision.cell_digest)
    strikes = [strike.id for strike in ruling.strikes if (strike.rule, strike.cell_digest) == act]
    text = fact.text or fact.value if fact and fact.provenance else ""
    return {
        "rule": readable(finding.rule, 80),
        "title": readable(finding.title, 160),
        "message": readable(finding.message, 300),
        "level": readable(finding.level, 20),
        "verdict": finding.verdict.label,
        "clause": {
            "id": readable(finding.clause, 80),
            "number": readable(clause.number, 20) if clause else "",
            "title": readable(clause.title, 120) if clause else readable(finding.clause, 80),
        },
        "where": readable(item.label, 120),
        "line": span.line + item.first_line,
        "column": span.column,
        "end_line": span.end_line + item.first_line,
        "end_column": span.end_column,
        "fragment": readable(fragment(item.source, span)),
        "decoded": readable(text),
        "provenance": [readable(step, 60) for step in fact.provenance[:12]] if fact else [],
        "strike": strikes[0] if strikes else None,
    }


def _next(warned: bool, found: bool, recorded: bool, standing: Standing) -> str:
    if not found:
        return "nothing is held against you: this is a fault of the guard or its settings, not of your code."
    if warned:
        return "nothing, if you leave it at that: a warning that is heeded does not count."
    live = f"{standing.live} live strike{'s' if standing.live != 1 else ''}"
    date = time.strftime("%Y-%m-%d", time.gmtime(standing.until)) if standing.until else ""
    if standing.level is Level.SUSPENDED:
        return f"with {live} your access may be suspended until {date}."
    if standing.level is Level.RESTRICTED:
        return f"with {live} your access may be restricted until {date}; {_more(standing)}"
    act = (
        "is recorded as a strike" if recorded else "counts as a strike, though it could not be recorded here,"
    )
    return (
        f"this {act} and is a warning. You have {live}; {_more(standing)} "
        f"Without another, all have expired by {date}."
    )


def _after(pause: Pause) -> str:
    kept = "Your files are still yours to read, save and download."
    if pause.until is None:
        return f"code runs again when the people who run this hub lift the pause. {kept}"
    return f"the pause ends by itself on {_day_and_time(pause.until)}. {kept}"


def _until(until: float | None) -> str:
    return f"until {_day_and_time(until)}" if until is not None else "until it is lifted"


def _day_and_time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _more(standing: Standing) -> str:
    if standing.next_level is None:
        return ""
    left = standing.strikes_left
    word = {"warned": "a warning", "restricted": "a restriction", "suspended": "a suspension"}
    return f"{left} more may lead to {word[standing.next_level.value]}."


def _clause(finding: Json) -> str:
    number, title = finding["clause"]["number"], finding["clause"]["title"]
    return f"Clause {number} ({title})" if number else f"Clause {title}"


def _place(finding: Json) -> str:
    place = f"line {finding['line']}, column {finding['column'] + 1}"
    return f"{finding['where']}, {place}" if finding["where"] else place


def _how(finding: Json) -> str:
    return "found through " + ", ".join(finding["provenance"]) if finding["provenance"] else "decoded"


def _terms(data: Json) -> str:
    terms = data["terms"]
    named = terms["title"] or "the terms of use of this hub"
    version = f", version {terms['version']}" if terms["version"] else ""
    return f"{named}{version}: {terms['url'] or '%tos terms'}"


def _contact(data: Json) -> str:
    contact = data["terms"]["contact"]
    strike = next((finding["strike"] for finding in data["findings"] if finding["strike"]), None)
    return (
        f"Ask or appeal: {contact or 'the people who run this hub'}"
        + (f", quoting {strike}" if strike else "")
        + "."
    )


def _wrap(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )


def _cut(text: str) -> list[str]:
    """Lines of code for a terminal: cut anywhere, nothing added."""
    width = WIDTH - 4
    return [text[at : at + width] for at in range(0, len(text), width)]


def _code(text: str) -> str:
    return (
        '<pre style="margin:0.2em 0;padding:0.3em 0.6em;border:1px solid currentColor;border-radius:3px;'
        "color:inherit;background:transparent;white-space:pre-wrap;overflow-wrap:anywhere;direction:ltr;"
        f'unicode-bidi:isolate"><code>{escape(text)}</code></pre>'
    )


def _link(text: str, url: str) -> str:
    if not url.startswith(("https://", "http://")):
        return escape(text)
    return (
        f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer" style="color:inherit">'
        f"{escape(text)}</a>"
    )


def action_taken(action: Action) -> str:
    """Return what was done, in words, for lists of strikes."""
    return {
        Action.OBSERVE: "observed",
        Action.WARN: "warned, not run",
        Action.ACKNOWLEDGE: "run after a warning",
        Action.BLOCK: "not run",
    }[action]
