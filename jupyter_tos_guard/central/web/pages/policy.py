"""Pages about rules and versions of the policy: what they did, and what is released of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import charts, releases, review, rulebook
from jupyter_tos_guard.central.casework.config import DAY
from jupyter_tos_guard.central.casework.errors import InvalidError, NotFoundError
from jupyter_tos_guard.central.publishing import release as steps
from jupyter_tos_guard.central.publishing.compare import compare, condition_lines
from jupyter_tos_guard.central.publishing.recorded import recorded
from jupyter_tos_guard.central.publishing.replay import Replay, replay_strikes
from jupyter_tos_guard.central.publishing.repository import Repository
from jupyter_tos_guard.central.publishing.store import RepositoryError
from jupyter_tos_guard.central.web.callers import ADMIN, PUBLISH, READ
from jupyter_tos_guard.central.web.pages.base import PageHandler
from jupyter_tos_guard.central.web.pages.drawing import share_bar, stacked_bars
from jupyter_tos_guard.central.web.pages.rendering import path
from jupyter_tos_guard.central.web.pages.strikes import said
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.model import Mode, Verdict
from jupyter_tos_guard.policy.release import Release
from jupyter_tos_guard.strikes.strike import Strike

#: What numbers of rules look back on, and what a replay does.
DAYS = 30
REPLAY_DAYS = 7
MAX_REPLAYED = 3000


class ReleasePage(PageHandler):
    """What pages about the policy share."""

    access: ClassVar[str] = READ
    write_access: ClassVar[str] = PUBLISH
    part: ClassVar[str] = "rules"

    async def release(self) -> Release | None:
        """Return what is released; None when this replica has no repository."""
        repository = self.context.repository
        if repository is None:
            return None
        try:
            return await self.in_thread(repository.release)
        except RepositoryError as error:
            self.context.log.warning("the repository cannot be read: %s", error)
            return None

    async def change(
        self, make: Callable[[Release], Release], action: str, target: str, **detail: Any
    ) -> Release:
        """Publish the next release, recorded."""
        name, now = self.caller.name, self.now
        return await self.with_repository(
            lambda repository: releases.change(
                self.context.database,
                repository,
                make,
                actor=name,
                action=action,
                target=target,
                detail=detail,
                now=now,
            )
        )

    async def reverse(self, what: str, back: str, **which: str) -> None:
        """Reverse everything that a rule or a version did, after asking."""
        self.require(ADMIN)
        strikes, whose = await self.reading(lambda session: review.would_reverse(session, **which))
        if not self.confirmed():
            count = f"{strikes} strike{'' if strikes == 1 else 's'}"
            self.ask(
                f"Reverse everything that {what} did?",
                [
                    f"{count} of {whose} {'person' if whose == 1 else 'people'} will be overturned, "
                    "also those that were upheld.",
                    "Standings are computed anew: restrictions that rested on them end. Everybody is told.",
                    "Open appeals against them are granted.",
                    "New strikes are not stopped by this: soften the rule, or go back to another version.",
                ],
                f"Reverse {count}",
                back=back,
                asks_reason="The people read it.",
            )
            return
        name, config, reason, now = self.caller.name, self.context.casework, self.field("reason"), self.now
        outcome = await self.in_transaction(
            lambda session: review.reverse(
                session, actor=name, reason=reason, now=now, config=config, **which
            )
        )
        self.say_and_go(said("reverse", outcome), back)


class Rules(ReleasePage):
    """What each rule did, and the mode of the whole hub."""

    metrics_name = "rules"

    async def get(self) -> None:
        """Show them."""
        now = self.now

        def read(session: Session) -> dict[str, Any]:
            return {"book": rulebook.current(session), "numbers": charts.by_rule(session, now, DAYS)}

        values = await self.reading(read)
        numbers = {each.rule: each for each in values["numbers"]}
        book = values["book"]
        order = sorted(
            {*book.rules, *numbers}, key=lambda rule: (-(numbers[rule].hits if rule in numbers else 0), rule)
        )
        self.show(
            "rules.html",
            book=book,
            order=order,
            by_rule=numbers,
            release=await self.release(),
            days=DAYS,
            bar=lambda rule: share_bar(
                numbers[rule].overturn_rate, f"{100 * (numbers[rule].overturn_rate or 0):.0f} % overturned"
            ),
        )

    async def post(self) -> None:
        """Set the mode of the whole hub."""
        wanted = self.field("mode")
        if wanted not in ("monitor", "as-published"):
            raise InvalidError("no mode was chosen", "Choose monitor, or as published.")
        mode = Mode.MONITOR if wanted == "monitor" else None
        if not self.confirmed():
            self.ask(
                "Switch the whole hub to monitor?" if mode else "Let the policy set the mode again?",
                [
                    "No cell is stopped or warned about any more, anywhere; everything is still recorded."
                    if mode
                    else "Rules stop and warn again as the published policy says.",
                    "Running kernels follow within seconds to one poll interval.",
                ],
                "Switch to monitor" if mode else "As published",
                back="rules",
            )
            return
        await self.change(lambda release: steps.in_mode(release, mode), "mode", "hub", mode=wanted)
        self.say_and_go("The hub is in monitor mode." if mode else "The mode is as published again.", "rules")


class RulePage(ReleasePage):
    """One rule."""

    metrics_name = "rule"

    async def get(self, rule: str) -> None:
        """Show it."""
        now = self.now

        def read(session: Session) -> dict[str, Any]:
            book = rulebook.current(session)
            found = {each.rule: each for each in charts.by_rule(session, now, DAYS)}
            return {
                "book": book,
                "numbers": found.get(rule),
                "by_day": charts.by_day(session, now, DAYS, rule=rule),
                "reversible": review.would_reverse(session, rule=rule),
            }

        values = await self.reading(read)
        book = values["book"]
        if rule not in book.rules and not values["numbers"] and not values["reversible"][0]:
            raise NotFoundError("there is no such rule", "It may be of a version that is not in force.")
        labels = {clause: book.clause_label(clause) for clause in book.clauses}
        self.show(
            "rule.html",
            id=rule,
            rule=book.rules.get(rule),
            condition=condition_lines((book.rules.get(rule) or {}).get("condition")),
            release=await self.release(),
            chart=stacked_bars(values["by_day"], labels, f"Strikes by day, the last {DAYS} days"),
            labels=labels,
            days=DAYS,
            **values,
        )

    async def post(self, rule: str) -> None:
        """Soften it, restore it, or reverse what it did."""
        act, back = self.field("act"), f"rules/{path(rule)}"
        if act == "reverse":
            title = await self.reading(lambda session: rulebook.current(session).title_of(rule))
            await self.reverse(f"the rule “{title}”", back, rule=rule)
        elif act in ("observe", "allow"):
            to = Verdict[act.upper()]
            await self.change(
                lambda release: steps.softened(release, rule, to), "soften", f"rule:{rule}", to=act
            )
            what = "only observes" if act == "observe" else "is off"
            self.say_and_go(
                f"The rule {what} now. Running kernels follow within seconds to a poll interval.", back
            )
        elif act == "restore":
            if not self.confirmed():
                self.ask(
                    "Let this rule act as published again?",
                    ["It warns or blocks again as its version of the policy says, for everybody."],
                    "Restore",
                    back=back,
                )
                return
            await self.change(lambda release: steps.restored(release, rule), "restore", f"rule:{rule}")
            self.say_and_go("The rule acts as published again.", back)
        else:
            raise InvalidError("no action was chosen", "Choose observe, allow, restore or reverse.")


class Policies(ReleasePage):
    """Versions of the policy, and which is for whom."""

    part: ClassVar[str] = "policies"
    metrics_name = "policies"

    async def get(self) -> None:
        """Show them."""
        versions = await self.reading(rulebook.versions)
        self.show("policies.html", versions=versions, release=await self.release())

    async def post(self) -> None:
        """Roll a version out, further out, back, or to everybody."""
        act, version = self.field("act"), self.field("version")
        bundle = await self.reading(lambda session: _bundle_of(session, version)) if version else ""
        target = f"policy:{version}" if version else "policy"
        share = self._share()
        if act == "candidate":
            await self.change(
                lambda release: steps.with_candidate(release, bundle, share), "candidate", target, share=share
            )
            text = f"Version {version} goes to {share:g} % of servers now."
        elif act == "share":
            await self.change(lambda release: steps.with_share(release, share), "share", target, share=share)
            text = f"The candidate goes to {share:g} % of servers now."
        elif act in ("promote", "withdraw", "current"):
            if not self.confirmed():
                titles = {
                    "promote": "Give the candidate to everybody?",
                    "withdraw": "Withdraw the candidate?",
                    "current": f"Make version {version} the policy of everybody?",
                }
                effects = {
                    "promote": "Every server gets it within seconds to one poll interval.",
                    "withdraw": "Its servers return to the version in force.",
                    "current": "Every server gets it within seconds to one poll interval. This is also the "
                    "way back to an earlier version.",
                }
                self.ask(titles[act], [effects[act]], titles[act].rstrip("?"), back="policies")
                return
            make: dict[str, Callable[[Release], Release]] = {
                "promote": steps.promoted,
                "withdraw": steps.withdrawn,
                "current": lambda release: steps.with_current(release, bundle),
            }
            await self.change(make[act], act, target)
            text = "Done. Running kernels follow within seconds to a poll interval."
        elif act == "reverse" and version:
            await self.reverse(f"version {version}", "policies", policy_version=version)
            return
        else:
            raise InvalidError("no action was chosen")
        self.say_and_go(text, "policies")

    def _share(self) -> float:
        text = self.field("share", "0").strip() or "0"
        try:
            return min(max(float(text), 0.0), 100.0)
        except ValueError:
            raise InvalidError(f"{text[:20]!r} is no share", "Write a number from 0 to 100.") from None


class PolicyPage(ReleasePage):
    """One version against another: differences, and what it would have done last week."""

    part: ClassVar[str] = "policies"
    metrics_name = "policy"

    async def get(self, version: str) -> None:
        """Show it."""
        other = self.parameter("with")

        def read(session: Session) -> dict[str, Any]:
            found = rulebook.version(session, version)
            if found is None:
                raise NotFoundError("there is no such version")
            versions = rulebook.versions(session)
            names = [each.version for each in versions]
            against = other or rulebook.current_version(session)
            if against == version:
                place = names.index(version) + 1
                against = names[place] if place < len(names) else ""
            before = rulebook.version(session, against) if against else None
            if before is None and against:
                raise NotFoundError("there is no such version to compare with")
            return {
                "book": found,
                "versions": names,
                "against": against,
                "comparison": compare(before.document, found.document) if before else None,
                "reversible": review.would_reverse(session, policy_version=version),
            }

        values = await self.reading(read)
        replayed = None
        if self.parameter("replay") == "yes" and values["against"]:
            replayed = await self.with_repository(
                lambda repository: self._replay(repository, values["against"], version)
            )
        self.show(
            "policy.html",
            version=version,
            replay=replayed,
            replay_days=REPLAY_DAYS,
            release=await self.release(),
            **values,
        )

    def _replay(self, repository: Repository, old: str, new: str) -> Replay:
        def read(session: Session) -> tuple[str, str, list[Strike]]:
            strikes = list(recorded(session, self.now - REPLAY_DAYS * DAY, MAX_REPLAYED))
            return _bundle_of(session, old), _bundle_of(session, new), strikes

        was, now, strikes = self.context.database.read(read)
        return replay_strikes(
            strikes, Bundle.from_bytes(repository.read(was)), Bundle.from_bytes(repository.read(now))
        )


def _bundle_of(session: Session, version: str) -> str:
    found = next((each.bundle for each in rulebook.versions(session) if each.version == version), None)
    if found is None:
        raise NotFoundError("there is no such version")
    return str(found)
