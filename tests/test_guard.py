"""One decision point: precedence, modes, and every row of the table of answers."""

from __future__ import annotations

from pathlib import Path

import pytest

import jupyter_tos_guard.guard as guard_module
from jupyter_tos_guard.guard import ANSWERS, BundleFile, Guard, Settings
from jupyter_tos_guard.inspection import Budget, Cell
from jupyter_tos_guard.policy.compile import compile_policy
from jupyter_tos_guard.policy.decision import Reason
from jupyter_tos_guard.policy.model import Account, Exemption, Mode, Pause, Verdict, Where

BAD = "!git clone https://github.com/made-up-owner/forbidden-thing"
FISHY = "!pip install made-up-fishy"
NEW = "!pip install made-up-new"
RESTING = "!pip install made-up-resting"

POLICY = """
id: test
name: Test policy
version: "1"
salt: 00112233445566778899aabbccddeeff
mode: enforce
terms:
  version: "1"
  title: Terms
  clauses:
    - {id: things, number: "1", title: Things, text: No forbidden things.}
    - {id: resting, number: "2", title: Resting, text: Only where switched on., enabled: false}
"""

RULE = """
title: Something is fetched
id: 00000000-0000-4000-8000-00000000000{number}
name: {name}
status: {status}
level: high
description: For tests.
references: [https://example.org]
falsepositives: [None known]
logsource: {{product: jupyter, category: execution}}
detection:
  it: {{{predicate}}}
  condition: it
clause: {clause}
action: {action}
message: This cell fetches something.
examples: {{match: ["!x"], no_match: ["x"]}}
"""


def write_policy(folder: Path, rules: list[dict[str, object]] | None = None, head: str = POLICY) -> Path:
    folder.mkdir()
    (folder / "policy.yml").write_text(head, encoding="utf-8")
    if rules is None:
        rules = [
            {"name": "bad", "predicate": "repository|endswith: /forbidden-thing"},
            {"name": "fishy", "predicate": 'package: "pypi:made-up-fishy"', "action": "warn"},
            {"name": "new", "predicate": 'package: "pypi:made-up-new"', "status": "experimental"},
            {"name": "resting", "predicate": 'package: "pypi:made-up-resting"', "clause": "resting"},
        ]
    for number, rule in enumerate(rules):
        filled = {"number": number, "status": "stable", "clause": "things", "action": "block"} | rule
        path = folder / "rules" / str(filled["clause"]) / f"{filled['name']}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RULE.format(**filled), encoding="utf-8")
    bundle = folder.with_suffix(".bundle")
    bundle.write_bytes(compile_policy(folder))
    return bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_policy(tmp_path_factory.mktemp("policy") / "pack")


def decide(
    bundle: Path, *cells: str, settings: Settings | None = None, where: Where | None = None, **rest: bool
):
    guard = Guard.load(bundle, settings, where)
    for cell in cells:
        decision = guard.check(Cell(cell), **rest)
    return decision


def test_honest_cell_is_allowed_for_a_clear_reason(bundle: Path) -> None:
    decision = decide(bundle, "x = 1 + 1")
    assert (decision.verdict, decision.effect, decision.reason) == (
        Verdict.ALLOW,
        Verdict.ALLOW,
        Reason.CLEAR,
    )
    assert decision.policy_version == "1"


def test_forbidden_cell_is_blocked_and_explained(bundle: Path) -> None:
    decision = decide(bundle, "x = 1\n" + BAD)
    assert (decision.verdict, decision.effect, decision.reason) == (Verdict.BLOCK, Verdict.BLOCK, Reason.RULE)
    (finding,) = decision.findings
    assert finding.clause == "things"
    assert finding.facts[0].value == "github.com/made-up-owner/forbidden-thing"
    assert finding.facts[0].span.line == 2


def test_monitor_mode_decides_the_same_and_stops_nothing(bundle: Path) -> None:
    decision = decide(bundle, BAD, settings=Settings(mode=Mode.MONITOR))
    assert (decision.verdict, decision.effect) == (Verdict.BLOCK, Verdict.OBSERVE)
    assert decision.findings


def test_maturity_bounds_the_action(bundle: Path) -> None:
    assert decide(bundle, FISHY).verdict is Verdict.WARN
    assert decide(bundle, NEW).verdict is Verdict.OBSERVE


def test_clause_that_rests_decides_only_when_it_is_enabled(bundle: Path) -> None:
    assert decide(bundle, RESTING).verdict is Verdict.ALLOW
    for enable in ("resting", "all"):
        assert decide(bundle, RESTING, settings=Settings(enable=frozenset({enable}))).verdict is Verdict.BLOCK


def test_clause_can_be_disabled(bundle: Path) -> None:
    assert decide(bundle, BAD, settings=Settings(disable=frozenset({"things"}))).verdict is Verdict.ALLOW


def test_mention_is_not_use(bundle: Path) -> None:
    for mention in ("# " + BAD, f"print({BAD!r})", f"cmd = {BAD[1:]!r}", f"'''\n{BAD}\n'''"):
        assert decide(bundle, mention).verdict is Verdict.ALLOW, mention


def test_string_made_in_an_earlier_cell_counts_where_it_is_used(bundle: Path) -> None:
    first = "part = 'forbidden-' + 'thing'"
    guard = Guard.load(bundle)
    assert guard.check(Cell(first)).verdict is Verdict.ALLOW
    assert guard.check(Cell("import math\nmath.pi")).verdict is Verdict.ALLOW
    assert guard.check(Cell("!git clone https://github.com/made-up-owner/$part")).verdict is Verdict.BLOCK


def test_string_changed_since_counts_as_it_is_now(bundle: Path) -> None:
    use = "!git clone https://github.com/made-up-owner/$part"
    assert decide(bundle, "part = 'forbidden-thing'", "part = 'honest'", use).verdict is Verdict.ALLOW
    assert decide(bundle, "part = 'honest'", use, "part = 'forbidden-thing'", use).verdict is Verdict.BLOCK


def test_forgetting_starts_a_new_session(bundle: Path) -> None:
    guard = Guard.load(bundle)
    guard.check(Cell("part = 'forbidden-thing'"))
    guard.forget()
    assert guard.check(Cell("!git clone https://github.com/made-up-owner/$part")).verdict is Verdict.ALLOW


def test_acknowledged_warning_runs_and_stays_a_finding(bundle: Path) -> None:
    decision = decide(bundle, FISHY, acknowledged=True)
    assert (decision.verdict, decision.effect) == (Verdict.WARN, Verdict.OBSERVE)
    assert decision.reason is Reason.ACKNOWLEDGED
    assert decision.findings


def test_block_cannot_be_acknowledged(bundle: Path) -> None:
    assert decide(bundle, BAD, acknowledged=True).effect is Verdict.BLOCK


def test_exempt_user_is_not_stopped_until_the_exemption_ends(bundle: Path) -> None:
    where = Where(user="ada", groups=("security",))
    for subject in ("user:ada", "group:security"):
        settings = Settings(exemptions=(Exemption(subject, "clause:things", until=1000.0),))
        guard = Guard(BundleFile(bundle), settings, where, clock=lambda: 999.0)
        assert guard.check(Cell(BAD)).reason is Reason.EXEMPT
        guard = Guard(BundleFile(bundle), settings, where, clock=lambda: 1001.0)
        assert guard.check(Cell(BAD)).verdict is Verdict.BLOCK


def test_exemption_of_somebody_else_does_not_help(bundle: Path) -> None:
    settings = Settings(exemptions=(Exemption("user:eve", "*", until=1e12),))
    assert decide(bundle, BAD, settings=settings, where=Where(user="ada")).verdict is Verdict.BLOCK


@pytest.mark.parametrize("cell", ["%tos status", "  %tos terms ", "%tos run", "%tos help"])
def test_own_magics_can_never_be_stopped(bundle: Path, cell: str) -> None:
    assert decide(bundle, cell).reason is Reason.FAILSAFE


def test_expression_smuggled_into_an_own_magic_is_inspected(bundle: Path) -> None:
    cell = "%tos status {__import__('os').system('git clone https://github.com/x/forbidden-thing')}"
    assert decide(bundle, cell).verdict is Verdict.BLOCK


@pytest.mark.parametrize("ending", ["", "\n", "\n\n"])
@pytest.mark.parametrize("at", ["\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
def test_command_behind_a_line_break_that_only_ipython_sees_is_found(
    bundle: Path, at: str, ending: str
) -> None:
    assert decide(bundle, f"x = 1\n%pwd{at}{BAD}{ending}").verdict is Verdict.BLOCK


def test_repeated_cell_is_answered_from_the_cache_with_the_same_decision(bundle: Path) -> None:
    guard = Guard.load(bundle)
    for cell in (BAD, "x = 1"):
        assert guard.check(Cell(cell)) is guard.check(Cell(cell))


def test_cache_does_not_outlive_what_it_depended_on(bundle: Path) -> None:
    guard = Guard.load(bundle)
    use = "!git clone https://github.com/made-up-owner/$part"
    guard.check(Cell("part = 'honest'"))
    assert guard.check(Cell(use)).verdict is Verdict.ALLOW
    guard.check(Cell("part = 'forbidden-thing'"))
    assert guard.check(Cell(use)).verdict is Verdict.BLOCK
    assert guard.check(Cell("go(1)")).verdict is Verdict.ALLOW
    guard.check(Cell("import os\ngo = lambda n: os.system('git clone https://github.com/x/forbidden-thing')"))
    assert guard.check(Cell("go(1)")).verdict is Verdict.BLOCK


def test_cache_is_bounded(bundle: Path) -> None:
    guard = Guard.load(bundle)
    for n in range(2 * Guard.MAX_CACHED):
        guard.check(Cell(f"x = {n}"))
    assert len(guard._cache) <= Guard.MAX_CACHED


# -- the table of answers, row by row


def test_table_names_every_failure() -> None:
    decided = {
        Reason.CLEAR,
        Reason.RULE,
        Reason.EXEMPT,
        Reason.FAILSAFE,
        Reason.ACKNOWLEDGED,
        Reason.RESTRICTED,
    }
    assert set(ANSWERS) == set(Reason) - decided


def answers(reason: Reason, make_guard) -> None:
    """Check both answers of a row on an honest cell."""
    row = ANSWERS[reason]
    opened = make_guard(Settings(mode=Mode.ENFORCE)).check(Cell("x = 1"))
    closed = make_guard(Settings(mode=Mode.ENFORCE, fail_closed=frozenset({reason}))).check(Cell("x = 1"))
    assert (opened.reason, closed.reason) == (reason, reason)
    assert (opened.effect, closed.effect) == (row.opened, row.closed)
    assert opened.detail
    monitored = make_guard(Settings(mode=Mode.MONITOR, fail_closed=frozenset({reason}))).check(Cell("x = 1"))
    assert monitored.effect <= Verdict.OBSERVE


def test_answer_without_a_policy(tmp_path: Path) -> None:
    answers(Reason.NO_POLICY, lambda settings: Guard.load(tmp_path / "none.bundle", settings))


def test_answer_to_a_corrupt_policy(bundle: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.bundle"
    broken.write_bytes(bundle.read_bytes()[:100])
    answers(Reason.CORRUPT_POLICY, lambda settings: Guard.load(broken, settings))


def test_answer_to_a_defect_of_the_inspection(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(guard_module, "inspect", broken)
    answers(Reason.INSPECTION_FAILED, lambda settings: Guard.load(bundle, settings))


def test_defect_in_one_statement_hides_nothing_that_the_others_do(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_tos_guard.inspection.python import library

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(library, "pure", broken)
    cell = Cell("import os\nos.system(str(1))\n" + BAD)
    assert Guard.load(bundle).check(cell).verdict is Verdict.BLOCK
    row = ANSWERS[Reason.INSPECTION_FAILED]
    decision = Guard.load(bundle).check(Cell("import os\nos.system(str(1))"))
    assert (decision.reason, decision.effect) == (Reason.INSPECTION_FAILED, row.opened)


def test_answer_to_the_time_limit(bundle: Path) -> None:
    ticks = iter(range(10**9))

    def make(settings: Settings) -> Guard:
        return Guard(BundleFile(bundle), settings, timer=lambda: float(next(ticks)))

    row = ANSWERS[Reason.TIME_LIMIT]
    cell = Cell("exec('x = 1;' * 500)")
    opened = make(Settings(mode=Mode.ENFORCE)).check(cell)
    assert (opened.reason, opened.effect) == (Reason.TIME_LIMIT, row.opened)
    closed = make(Settings(mode=Mode.ENFORCE, fail_closed=frozenset({Reason.TIME_LIMIT}))).check(cell)
    assert closed.effect is row.closed


def test_what_was_found_before_the_time_limit_still_counts(bundle: Path) -> None:
    cell = BAD + "\n" + "x = [1]\n" * 40_000
    assert decide(bundle, cell).verdict is Verdict.BLOCK


@pytest.mark.parametrize(
    ("reason", "field"), [(Reason.EXPIRED_POLICY, "expires"), (Reason.STALE_POLICY, "stale")]
)
def test_answer_to_an_old_policy(tmp_path: Path, reason: Reason, field: str) -> None:
    head = POLICY + {"expires": "expires: 2026-01-01\n", "stale": "refresh_days: 7\n"}[field]
    bundle = write_policy(tmp_path / "pack", head=head)
    later = bundle.stat().st_mtime + 30 * 86400

    def make(settings: Settings) -> Guard:
        return Guard(BundleFile(bundle), settings, clock=lambda: later)

    answers(reason, make)
    assert make(Settings()).check(Cell(BAD)).effect is Verdict.BLOCK, "an old policy still counts"


def test_last_good_policy_stays_when_a_broken_one_replaces_it(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.bundle"
    path.write_bytes(bundle.read_bytes())
    now = [0.0]
    guard = Guard(BundleFile(path), clock=lambda: now[0])
    assert guard.check(Cell(BAD)).verdict is Verdict.BLOCK
    broken = tmp_path / "new"
    broken.write_bytes(b"\0" * 5000)
    broken.replace(path)
    now[0] += 10
    assert guard.check(Cell(BAD)).verdict is Verdict.BLOCK
    path.unlink()
    now[0] += 10
    assert guard.check(Cell(BAD)).verdict is Verdict.BLOCK


def test_replaced_policy_is_used_by_a_running_session(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.bundle"
    path.write_bytes(bundle.read_bytes())
    now = [0.0]
    guard = Guard(BundleFile(path), clock=lambda: now[0])
    guard.check(Cell("part = 'fresh'"))
    assert guard.check(Cell("!git clone https://github.com/x/$part")).verdict is Verdict.ALLOW
    new = write_policy(tmp_path / "new", [{"name": "fresh", "predicate": "repository|endswith: /fresh"}])
    new.replace(path)
    now[0] += 10
    assert guard.check(Cell("!git clone https://github.com/x/$part")).verdict is Verdict.BLOCK


# -- what the hub has laid down beside the policy


class Fixed:
    """A source with an account beside the policy."""

    def __init__(self, bundle: Path, account: Account) -> None:
        self._file = BundleFile(bundle)
        self.account = account

    def current(self, now: float):
        return self._file.current(now)


def under(bundle: Path, account: Account, clock=lambda: 1000.0, where: Where | None = None, **settings):
    return Guard(Fixed(bundle, account), Settings(**settings), where, clock=clock)


@pytest.mark.parametrize("cell", ["x = 1", BAD, "!ls", "%tos status {1}", "%pip list"])
def test_nothing_runs_while_a_person_is_paused(bundle: Path, cell: str) -> None:
    decision = under(bundle, Account(paused=Pause("after two strikes", 2000.0))).check(Cell(cell))
    assert (decision.effect, decision.reason) == (Verdict.BLOCK, Reason.RESTRICTED)
    assert decision.detail == "after two strikes"
    assert not decision.findings, "a pause is no breach"


@pytest.mark.parametrize("cell", ["%tos status", "%tos terms", "", " \n"])
def test_a_paused_person_can_still_ask_why(bundle: Path, cell: str) -> None:
    assert under(bundle, Account(paused=Pause("", None))).check(Cell(cell)).effect is Verdict.ALLOW


def test_a_pause_ends_by_itself(bundle: Path) -> None:
    now = [1000.0]
    guard = under(bundle, Account(paused=Pause("", 2000.0)), clock=lambda: now[0])
    assert guard.check(Cell("x = 1")).reason is Reason.RESTRICTED
    now[0] = 2000.0
    assert guard.check(Cell("x = 1")).reason is Reason.CLEAR
    assert guard.check(Cell(BAD)).reason is Reason.RULE


def test_what_was_not_run_during_a_pause_is_not_part_of_the_session(bundle: Path) -> None:
    guard = under(bundle, Account(paused=Pause()))
    guard.check(Cell("part = 'forbidden-thing'"))
    guard.source.account = Account()
    assert guard.check(Cell("!git clone https://github.com/x/$part")).verdict is Verdict.ALLOW


def test_a_question_during_a_pause_is_answered_by_the_policy(bundle: Path) -> None:
    guard = under(bundle, Account(paused=Pause()))
    assert guard.asked().check(Cell(BAD)).reason is Reason.RULE
    assert guard.check(Cell(BAD)).reason is Reason.RESTRICTED


def test_a_pause_holds_without_a_policy_when_the_operator_enforces(tmp_path: Path) -> None:
    guard = under(tmp_path / "none", Account(paused=Pause()), mode=Mode.ENFORCE)
    assert guard.check(Cell("x = 1")).reason is Reason.RESTRICTED


def test_monitor_mode_stops_nothing_for_a_pause_and_still_records(bundle: Path) -> None:
    decision = under(bundle, Account(paused=Pause()), mode=Mode.MONITOR).check(Cell(BAD))
    assert (decision.effect, decision.reason) == (Verdict.OBSERVE, Reason.RULE)


def test_warnings_under_a_blocked_clause_block_and_cannot_be_acknowledged(bundle: Path) -> None:
    account = Account(blocked_clauses=frozenset({"things"}), until=2000.0)
    for acknowledged in (False, True):
        decision = under(bundle, account).check(Cell(FISHY), acknowledged=acknowledged)
        assert (decision.verdict, decision.effect) == (Verdict.BLOCK, Verdict.BLOCK)
    assert under(bundle, account).check(Cell(NEW)).verdict is Verdict.OBSERVE, "rules on trial never block"
    other = Account(blocked_clauses=frozenset({"resting"}))
    assert under(bundle, other).check(Cell(FISHY)).verdict is Verdict.WARN


def test_a_blocked_clause_is_free_again_at_its_time(bundle: Path) -> None:
    now = [1000.0]
    account = Account(blocked_clauses=frozenset({"things"}), until=2000.0)
    guard = under(bundle, account, clock=lambda: now[0])
    assert guard.check(Cell(FISHY)).verdict is Verdict.BLOCK
    now[0] = 2000.0
    assert guard.check(Cell(FISHY)).verdict is Verdict.WARN


@pytest.mark.parametrize("to", [Verdict.OBSERVE, Verdict.ALLOW])
def test_a_softened_rule_reaches_no_further_even_under_a_blocked_clause(bundle: Path, to: Verdict) -> None:
    (finding,) = decide(bundle, BAD).findings
    account = Account(softened={finding.rule: to}, blocked_clauses=frozenset({"things"}))
    decision = under(bundle, account).check(Cell(BAD))
    assert decision.effect is to
    assert bool(decision.findings) is (to is Verdict.OBSERVE), "a rule taken back leaves no record"
    assert under(bundle, account).check(Cell(FISHY)).verdict is Verdict.BLOCK


def test_softening_never_makes_a_rule_stricter(bundle: Path) -> None:
    (finding,) = decide(bundle, NEW).findings
    account = Account(softened={finding.rule: Verdict.BLOCK})
    assert under(bundle, account).check(Cell(NEW)).verdict is Verdict.OBSERVE


def test_the_hubs_monitor_mode_beats_every_setting(bundle: Path) -> None:
    decision = under(bundle, Account(mode=Mode.MONITOR), mode=Mode.ENFORCE).check(Cell(BAD))
    assert (decision.effect, decision.mode) == (Verdict.OBSERVE, Mode.MONITOR)


def test_an_exemption_from_the_hub_holds_until_it_ends_also_for_a_cell_seen_before(bundle: Path) -> None:
    now = [1000.0]
    exempt = Account(exemptions=(Exemption("user:ada", "clause:things", 2000.0),))
    guard = under(bundle, exempt, clock=lambda: now[0], where=Where(user="ada"))
    assert guard.check(Cell(BAD)).reason is Reason.EXEMPT
    now[0] = 2001.0
    assert guard.check(Cell(BAD)).verdict is Verdict.BLOCK


def test_a_new_account_counts_from_the_next_cell_on_also_for_a_cell_seen_before(bundle: Path) -> None:
    guard = under(bundle, Account())
    assert guard.check(Cell(FISHY)).verdict is Verdict.WARN
    guard.source.account = Account(blocked_clauses=frozenset({"things"}))
    assert guard.check(Cell(FISHY)).verdict is Verdict.BLOCK
    guard.source.account = Account()
    assert guard.check(Cell(FISHY)).verdict is Verdict.WARN


# -- any cell returns in time


def monsters() -> dict[str, str]:
    return {
        "10 MB literal": "x = '" + "A" * 10_000_000 + "'",
        "10 MB of base64 for exec": "import base64\nexec(base64.b64decode('" + "QUFB" * 2_500_000 + "'))",
        "a million lines": "x = 1\n" * 1_000_000,
        "a million shell lines": "!ls\n" * 1_000_000,
        "brackets 10,000 deep": "(" * 10_000 + ")" * 10_000,
        "lists 10,000 deep in exec": "exec('" + "[" * 10_000 + "]" * 10_000 + "')",
        "operators 10,000 deep": "exec(" + "-" * 10_000 + "1)",
        "attributes 10,000 deep": "getattr" + ".a" * 10_000,
        "sums 10,000 deep": "exec(" + "+".join(["'a'"] * 10_000) + ")",
        "calls 5,000 deep": "exec(" + "f(" * 5_000 + ")" * 5_000 + ")",
        "shells 5,000 deep": "!" + "$(" * 5_000 + "ls" + ")" * 5_000,
        "quotes 5,000 deep": "!" + "bash -c '" * 5_000,
        "null bytes": "exec('\0')\0\0!ls\0",
        "surrogates": "exec('\ud800')\n!echo \udfff",
        "decoder bomb": "import zlib,base64\nexec(zlib.decompress(base64.b64decode('"
        + __import__("base64").b64encode(__import__("zlib").compress(b"#" * 50_000_000)).decode()
        + "')))",
        "endless loop": "import os\nwhile True:\n    os.system('ls')",
        "endless shell loop": "!while true; do ls; done",
        "doubling": "x = 'a'\nfor i in range(10**9): x += x\nexec(x)",
        "power": "exec(str(9**9**9))",
        "endless recursion": "def f(n): return f(n + 1)\nexec(f(0))",
        "two functions that call each other twice": "def f(n): return g(n) + g(n)\ndef g(n): return f(n) + f(n)\nexec(f(0))",
        "wide comprehension": "exec(str([a*b for a in range(10**6) for b in range(10**6)]))",
        "catastrophic pattern": "import re, os\nos.system(re.sub('(a+)+$', '', 'a' * 5000 + 'b'))",
        "brace bomb": "!echo " + "{a,b}" * 60,
        "bidi and zero width": "exec('\u202e\u200b')",
        "carriage returns": "!ls\r!ls\r\n" * 1000,
        "names that double in a build file": "%%bash\ncat >CMakeLists.txt <<'END'\nset(a \""
        + "${a}" * 240
        + '")\n'
        + "${a}" * 15_000
        + "\ninclude(CMakeLists.txt)\nEND\ncmake .",
        "a build file that includes itself": "%%bash\ncat >Makefile <<'END'\n"
        + "include Makefile\n" * 5000
        + "END\nmake",
        "settings that include themselves": "%%bash\ncat >~/.gitconfig <<'END'\n[include]\n"
        + "path = ~/.gitconfig\n" * 400
        + "END\ngit status",
        "an editor that doubles": "!printf 'a\\n' > f; printf '"
        + (",s/a/" + "a" * 30 + "/g\\n") * 8
        + "w\\n' | ed -s f; sh f",
        "very many words for a function": "import fire, os\ndef f(*a): os.system(str(a))\nfire.Fire(f, command=['x'] * 1000000)",
        "very many arguments for something unknown": "import os\nB = [['x y']] * 200000\nos.system(str(foo(*B)))",
        "very many words for getopt": "import getopt, os\nos.system(str(getopt.getopt(['-a'] * 100000, 'a')))",
        "very many options": "import argparse, os\np = argparse.ArgumentParser()\n"
        "for i in range(5000): p.add_argument('--x%d' % i)\nos.system(str(p.parse_args(['--x'] * 5000)))",
        "very many letters of an option": "import argparse, os\np = argparse.ArgumentParser()\n"
        "p.add_argument('-a', action='count')\nos.system(str(p.parse_args(['-' + 'a' * 1000000])))",
        "endless awk": "!awk 'BEGIN { while (1) x = x \"aaaaaaaa\"; system(x) }'",
        "endless jq": "!jq -nr '[range(1000) | [range(1000) | [range(1000)]]] | tostring' | sh",
        "crossed tables": "import sqlite3, os\nc = sqlite3.connect(':memory:')\nc.execute('create table t(a)')\n"
        "c.executemany('insert into t values (?)', [(i,) for i in range(500)])\n"
        "os.system(str(c.execute('select count(*) from t a, t b, t c, t d').fetchone()[0]))",
        "a document that holds itself many times": "import yaml, os\nx = yaml.safe_load('a: &a [x, x]\\n"
        + "".join(
            f"{n}: &{n} [*{p}, *{p}, *{p}, *{p}, *{p}, *{p}]\\n"
            for p, n in zip("abcdef", "bcdefg", strict=True)
        )
        + "')\nos.system(str(x))",
        "names that double in a console": '!pwsh -c \'$a = "xx"; ' + '$a = "$a$a"; ' * 400 + "'",
    }


@pytest.mark.parametrize("name", monsters())
def test_monster_returns_a_decision_within_the_time_limit(bundle: Path, name: str) -> None:
    import time

    cell = Cell(monsters()[name])
    guard = Guard.load(bundle, Settings(mode=Mode.ENFORCE))
    guard.check(Cell("!echo warm | cat; getattr(1, 'real')"))
    spent = []
    for _ in range(3):
        guard.forget()
        start = time.thread_time()  # a busy machine lets the test wait, not the guard work
        decision = guard.check(cell)
        spent.append(time.thread_time() - start)
    assert decision.reason is not Reason.INSPECTION_FAILED, decision.detail
    # The limit is 50 ms; the rest is slack for a slow machine, not for the guard.
    assert min(spent) < 0.25


def test_budget_that_is_not_spent_costs_nothing() -> None:
    budget = Budget(seconds=1.0, steps=10)
    budget.spend(10)
    assert budget.left == 0
