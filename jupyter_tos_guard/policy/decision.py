"""What was decided about a cell, and on what grounds. Data only."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from jupyter_tos_guard.inspection.facts import Fact
from jupyter_tos_guard.policy.model import Mode, Verdict


class Reason(str, Enum):
    """Why the decision is what it is."""

    CLEAR = "clear"
    RULE = "rule"
    EXEMPT = "exempt"
    FAILSAFE = "failsafe"
    ACKNOWLEDGED = "acknowledged"
    RESTRICTED = "restricted"  #: running code is paused for this person; nothing was looked at
    NO_POLICY = "no-policy"
    STALE_POLICY = "stale-policy"
    EXPIRED_POLICY = "expired-policy"
    CORRUPT_POLICY = "corrupt-policy"
    INSPECTION_FAILED = "inspection-failed"
    TIME_LIMIT = "time-limit"

    __str__ = str.__str__


class Finding(NamedTuple):
    """A rule that matched.

    Attributes
    ----------
    rule : str
        The rule's id (a UUID).
    title, message : str
        Neutral text for people: never names what the rule looks for.
    clause : str
        Id of the clause that it enforces.
    verdict : Verdict
        What this rule asks for: its action, bounded by its maturity.
    level : str
        Sigma's ``low``, ``medium``, ``high`` or ``critical``.
    facts : tuple of Fact
        The facts that made it match, the first being the one to show.
    """

    rule: str
    title: str
    message: str
    clause: str
    verdict: Verdict
    level: str
    facts: tuple[Fact, ...]


class Decision(NamedTuple):
    """The outcome for one cell.

    Attributes
    ----------
    verdict : Verdict
        What the policy says, mode aside.
    effect : Verdict
        What is to be done: ``verdict`` under enforce, at most ``OBSERVE``
        under monitor.
    findings : tuple of Finding
        Strictest first.
    reason : Reason
    mode : Mode
    policy_version : str
        Empty when there is none.
    cell_digest : str
        SHA-256 of the cell's exact UTF-8 text, hex.
    detail : str
        One sentence for logs when the reason is a failure.
    """

    verdict: Verdict
    effect: Verdict
    findings: tuple[Finding, ...]
    reason: Reason
    mode: Mode
    policy_version: str
    cell_digest: str
    detail: str = ""
