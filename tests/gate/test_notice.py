from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from jupyter_tos_guard.gate.notice import MIME_TYPE, PAUSED, SENTENCE, notice, summary
from jupyter_tos_guard.gate.ruling import Item, Ruling
from jupyter_tos_guard.inspection.facts import Fact, Kind, Span
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.policy.decision import Decision, Finding, Reason
from jupyter_tos_guard.policy.model import Clause, Mode, Pause, Terms, Verdict
from jupyter_tos_guard.strikes.standing import Level, Standing

TERMS = Terms(
    "7",
    "Terms of use",
    (Clause("mining", "3.1", "Mining", "Do not."),),
    "https://hub.example/terms",
    "abuse@hub",
)
FIRST = Standing(Level.WARNED, 1, 90 * 86400.0, Level.RESTRICTED, 2)
HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\u202egnp.exe",
    "pass\u200bword",
    "a\u2066b\u2069",
    "\x00\x08\x9b31m",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]></code></pre><style>*{display:none}</style>",
    "\ud800 lone",
    "\U000e0041 tag",
    "\u2028\u2029\x85",
    "z" + "\u0301" * 500,
    "\u3164 \u2800 \xa0",
]


def a_ruling(
    source: str = "x = 1\n!miner --go",
    span: Span = Span(2, 0, 2, 11),  # noqa: B008
    effect: Verdict = Verdict.BLOCK,
    provenance: tuple[str, ...] = (),
    text: str = "",
    label: str = "",
    findings: int = 1,
) -> Ruling:
    fact = Fact(Kind.COMMAND, "miner", span, provenance, text)
    finding = Finding("rule-1", "Title", "A miner is started.", "mining", effect, "high", (fact,))
    decision = Decision(effect, effect, (finding,) * findings, Reason.RULE, Mode.ENFORCE, "1", "d" * 64)
    return Ruling(effect, source, (Item(label, source, decision),))


def forms(ruling: Ruling, standing: Standing = FIRST, terms: Terms | None = TERMS) -> tuple[dict, str, str]:
    bundle = notice(ruling, terms, standing)
    return bundle[MIME_TYPE], bundle["text/html"], bundle["text/plain"]


class Outline(HTMLParser):
    """Tags, their attributes, and the text between."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_says_everything_that_a_user_needs() -> None:
    data, page, plain = forms(a_ruling(provenance=("exec", "base64"), text="miner --go"))
    for text in (plain, Outline(page).text):
        unfolded = " ".join(text.split())
        for part in (
            SENTENCE,
            "Clause 3.1 (Mining): A miner is started.",
            "line 2, column 1",
            "!miner --go",
            "found through exec, base64",
            "2 more may lead to a restriction",
            "https://hub.example/terms" if text is plain else "Terms of use, version 7",
            "abuse@hub",
        ):
            assert part in unfolded
    assert data["findings"][0]["clause"] == {"id": "mining", "number": "3.1", "title": "Mining"}


def test_a_strike_that_could_not_be_written_is_not_called_recorded() -> None:
    assert "is recorded as a strike" in forms(a_ruling())[0]["next"]
    for form in forms(a_ruling()._replace(recorded=False)):
        text = json.dumps(form)
        assert "is recorded" not in text
        assert "could not be recorded" in text


def test_the_json_form_is_json() -> None:
    data, _, _ = forms(a_ruling(source="\ud800", span=Span(1, 0, 1, 1)))
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert json.dumps(data).encode("utf-8")


def test_a_warning_says_how_to_run_anyway() -> None:
    data, page, plain = forms(a_ruling(effect=Verdict.WARN))
    assert data["run_anyway"] == {"magic": "%tos run", "acknowledge": "d" * 64}
    assert all("%tos run" in text and "%%tos run" in " ".join(text.split()) for text in (page, plain))


def test_a_block_does_not() -> None:
    data, page, plain = forms(a_ruling())
    assert data["run_anyway"] is None
    assert all("tos run" not in text for text in (page, plain))


def test_html_is_well_formed_and_holds_no_scripts_or_style_sheets() -> None:
    for effect in (Verdict.BLOCK, Verdict.WARN):
        outline = Outline(forms(a_ruling(effect=effect, provenance=("x",), text="y", findings=9))[1])
        assert outline.open == []
        assert {tag for tag, _ in outline.tags} <= {"section", "p", "strong", "pre", "code", "a"}
        names = {name for _, attributes in outline.tags for name in attributes}
        assert names <= {"role", "aria-label", "lang", "style", "href", "target", "rel"}


def test_html_is_announced_by_screen_readers() -> None:
    tag, attributes = Outline(forms(a_ruling())[1]).tags[0]
    assert (tag, attributes["role"], bool(attributes["aria-label"])) == ("section", "alert", True)


def test_text_takes_the_colours_of_the_page() -> None:
    styles = ";".join(attributes.get("style") or "" for _, attributes in Outline(forms(a_ruling())[1]).tags)
    text_colours = re.findall(r"(?<![-\w])color:([^;]+)", styles)
    assert set(text_colours) == {"inherit"}
    assert set(re.findall(r"background:([^;]+)", styles)) == {"transparent"}


def test_plain_fits_a_terminal() -> None:
    plain = forms(a_ruling(source="!miner " + "x" * 5000, span=Span(1, 0, 1, 5007), effect=Verdict.WARN))[2]
    assert all(len(line) <= 80 or line == SENTENCE for line in plain.splitlines())
    assert SENTENCE[:80].endswith("ability")  # where a terminal of 80 columns breaks it


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing(text: str) -> None:
    source = text.replace("\n", "")
    ruling = a_ruling(source, Span(1, 0, 1, len(source)), provenance=(text,), text=text, label=f"file {text}")
    data, page, plain = forms(ruling)
    outline = Outline(page)
    assert outline.open == []
    assert {tag for tag, _ in outline.tags} <= {"section", "p", "strong", "pre", "code", "a"}
    for shown in (
        plain.replace("\n", ""),
        outline.text.replace("\n", ""),
        json.dumps(data, ensure_ascii=False),
    ):
        assert shown.isprintable()
        assert shown.encode("utf-8")
        assert "\u0301" * 3 not in shown


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", 'https://x" onclick="y'])
def test_a_hostile_address_of_the_terms_is_no_link_out_of_its_attribute(url: str) -> None:
    page = forms(a_ruling(), terms=Terms("1", "T", (), url, ""))[1]
    for _, attributes in Outline(page).tags:
        assert "onclick" not in attributes
        assert (attributes.get("href") or "https:").startswith("https:")


def test_a_huge_cell_makes_a_small_notice() -> None:
    source = "y" * 10**7
    bundle = notice(
        a_ruling(source, Span(1, 0, 1, 10**7), provenance=("p",) * 99, text=source, findings=99), TERMS, FIRST
    )
    assert len(json.dumps(bundle)) < 20_000


@pytest.mark.parametrize(
    "span", [Span(99, 0, 99, 5), Span(0, 0, 0, 0), Span(1, 500, 1, 600), Span(1, 0, 9, 0)]
)
def test_a_span_outside_of_the_cell_is_no_error(span: Span) -> None:
    assert SENTENCE in forms(a_ruling(span=span))[2]


def test_without_a_policy_the_fault_is_not_the_users() -> None:
    decision = Decision(
        Verdict.BLOCK,
        Verdict.BLOCK,
        (),
        Reason.NO_POLICY,
        Mode.ENFORCE,
        "",
        "d" * 64,
        "there is no policy at /x",
    )
    ruling = Ruling(Verdict.BLOCK, "1", (Item("", "1", decision),))
    data, page, plain = forms(ruling, Standing(Level.GOOD, 0, None, Level.WARNED, 1), None)
    assert "no-policy" in data["failure"]
    assert all("nothing is held against you" in " ".join(text.split()) for text in (page, plain))


def test_readable_keeps_honest_text() -> None:
    text = "pip install naïve-日本語 émigré עברית 👩 #!$"
    assert readable(text) == text


def paused(reason: str, until: float | None) -> Ruling:
    block = Verdict.BLOCK
    decision = Decision(block, block, (), Reason.RESTRICTED, Mode.ENFORCE, "1", "d" * 64, reason)
    return Ruling(block, "x = 1", (Item("", "x = 1", decision),), pause=Pause(reason, until))


def test_a_pause_says_why_until_when_and_what_is_still_there() -> None:
    data, page, plain = forms(paused("Three strikes within a week.", 4e9))
    assert data["pause"] == {"reason": "Three strikes within a week.", "until": 4e9}
    assert (data["findings"], data["failure"], data["run_anyway"]) == ([], "", None)
    for text in (plain, Outline(page).text):
        unfolded = " ".join(text.split())
        for part in (
            PAUSED,
            "Three strikes within a week.",
            "2096-10-02 07:06 UTC",
            "yours to read",
            "Ask or appeal",
        ):
            assert part in unfolded
        assert SENTENCE not in unfolded
        assert "fault of the guard" not in unfolded
    assert summary(data) == "running code is paused for your account until 2096-10-02 07:06 UTC"


def test_a_pause_without_an_end_or_a_reason_still_says_what_to_do() -> None:
    data, _, plain = forms(paused("", None))
    assert "The reason given" not in plain
    assert "lift the pause" in " ".join(plain.split())
    assert summary(data) == "running code is paused for your account until it is lifted"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_reason_of_a_pause_acts_on_nothing(text: str) -> None:
    _, page, plain = forms(paused(text, 4e9))
    assert "<script" not in page
    assert "<img" not in page
    assert not set("\x1b\x00\u202e") & set(page + plain)


def test_an_ordinary_notice_has_no_pause() -> None:
    assert forms(a_ruling())[0]["pause"] is None
