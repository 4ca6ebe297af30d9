"""``jupyter tos-guard central publish``: from a folder of rules to what clients get, in stages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from traitlets import Bool, Float, Int, List, Unicode

from jupyter_tos_guard.central.publishing import release as steps
from jupyter_tos_guard.central.publishing.compare import Comparison, compare
from jupyter_tos_guard.central.publishing.document import (
    document_of,
    outline_of,
    read_document,
    write_document,
)
from jupyter_tos_guard.central.publishing.replay import Replay
from jupyter_tos_guard.central.publishing.repository import Approved
from jupyter_tos_guard.cli.central.checking import checked_policy, replay_lines, replayed
from jupyter_tos_guard.cli.central.verb import PublishingVerb, release_data, release_lines, say
from jupyter_tos_guard.cli.verb import Exit, Refusal, split_words
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.document import PolicyError
from jupyter_tos_guard.policy.release import Release
from jupyter_tos_guard.policy.rules import Policy


class PublishApp(PublishingVerb):
    """Approve a policy and hand it out, in stages."""

    name = "jupyter-tos-guard-central-publish"
    description = """Approve a folder of rules and hand it out, in stages: lint and examples; replay of what
    was recorded lately; a candidate for a share of servers; everybody.

    Without --share, --all or --emergency the version becomes a candidate that nobody has yet. Where the
    online keys are not, the version is approved, and handed out where they are.

    Exit codes: 0 published, 2 wrong usage, 3 a key, the repository or a record cannot be read or written,
    4 the folder has errors."""
    examples = """
    jupyter tos-guard central publish policy/ --share=10
    jupyter tos-guard central publish policy/ --dry-run --replay=sessions.jsonl
    jupyter tos-guard central publish policy/ --emergency
    jupyter tos-guard central publish lab-policy/ --channel=lab --groups=physics --all
    """
    share = Float(0.0, min=0.0, max=100.0, help="Share of servers, in percent, that get it already.").tag(
        config=True
    )
    everybody = Bool(False, help="Hand it to everybody.").tag(config=True)
    emergency = Bool(False, help="Hand it to everybody, without a replay.").tag(config=True)
    dry_run = Bool(False, help="Lint, try, replay and compare, and write nothing.").tag(config=True)
    channel = Unicode(
        help="Publish a policy for some groups or servers only, under this name; with --all they get it."
    ).tag(config=True)
    groups = List(Unicode(), help="Groups that the channel is for; comma-separated or repeated.").tag(
        config=True
    )
    servers = List(Unicode(), help="Named servers that the channel is for.").tag(config=True)
    replay = Unicode(
        help="What to replay: a folder of the local record, or a file of sessions in JSON lines. "
        "Default: the strikes in the database."
    ).tag(config=True)
    days = Int(7, min=1, max=3650, help="How many days of the database are replayed.").tag(config=True)

    aliases = {
        **PublishingVerb.aliases,
        "share": "PublishApp.share",
        "channel": "PublishApp.channel",
        "groups": "PublishApp.groups",
        "servers": "PublishApp.servers",
        "replay": "PublishApp.replay",
        "days": "PublishApp.days",
    }
    flags = {
        **PublishingVerb.flags,
        "all": ({"PublishApp": {"everybody": True}}, "Hand it to everybody."),
        "emergency": ({"PublishApp": {"emergency": True}}, "Hand it to everybody, without a replay."),
        "dry-run": ({"PublishApp": {"dry_run": True}}, "Do everything but write."),
    }

    def work(self) -> Exit:
        """Go through the stages."""
        folder = Path(self.one_argument("folder with policy.yml and rules")).expanduser()
        self._refuse_odd_options()
        before = self.repository.release()  # tells early that there is no repository
        policy = checked_policy(folder)
        try:
            bundle = encode(policy)
        except PolicyError as error:
            raise Refusal(f"the policy in {folder} does not compile:\n{error}", Exit.POLICY) from None
        self.repository.refuse_unpublishable(bundle, self.channel)
        document = document_of(policy)
        examples = sum(len(rule.examples.match) + len(rule.examples.no_match) for rule in policy.rules)
        self._tell(f"Stage 1, lint and examples: all {examples} examples of {len(policy.rules)} rules hold.")
        old = self._base(before)
        comparison = compare(self._document(old), document)
        self._tell(f"Against {old.version}: {summary(comparison)}.")
        outcome = self._replay(Bundle.from_bytes(self.repository.read(old.name)), bundle)
        if self.dry_run:
            self._tell("Nothing was written (--dry-run).")
            return self._end(None, comparison, outcome)
        keys = self.offline_keys("targets")
        online = self.repository.can_release()
        approved = self.repository.publish(
            bundle, keys, channel=self.channel, then=self._step() if online else None
        )
        self._write_document(policy, document)
        self._tell(f"Stage 3, approved: {approved.name}, {approved.length} bytes, sha256 {approved.sha256}.")
        self._tell_next(approved, online=online)
        if online:
            self._tell(*self.record())
        return self._end(approved, comparison, outcome)

    # --- stages ---

    def _refuse_odd_options(self) -> None:
        chosen = [
            name
            for name, is_set in (
                ("--share", self.share > 0),
                ("--all", self.everybody),
                ("--emergency", self.emergency),
            )
            if is_set
        ]
        if len(chosen) > 1:
            raise Refusal(f"{chosen[0]} and {chosen[1]} cannot be had together: choose one.")
        if self.channel and self.share:
            raise Refusal("a channel is for whole groups or servers: use --all, not --share.")
        if (self.groups or self.servers) and not self.channel:
            raise Refusal("--groups and --servers say for whom a --channel is: give it a name.")

    def _base(self, before: Release) -> Approved:
        """Return the version that the new one takes the place of."""
        names = [each.bundle for each in before.special if each.bundle.startswith(f"policy/{self.channel}/")]
        return self.find(names[0] if self.channel and names else before.current)

    def _document(self, approved: Approved) -> dict[str, Any]:
        found = read_document(self.places.documents, approved.version)
        return found or outline_of(Bundle.from_bytes(self.repository.read(approved.name)))

    def _replay(self, old: Bundle, raw: bytes) -> Replay | None:
        if self.emergency:
            self._tell("Stage 2, replay: left out (--emergency).")
            return None
        database = None if self.replay else self.open_if_there()
        try:
            outcome = replayed(self.replay, database, self.days, old, Bundle.from_bytes(raw))
        finally:
            if database:
                database.close()
        if outcome is None or not outcome.cells:
            self._tell(
                "Stage 2, replay: nothing is recorded here. --replay FILE takes sessions to try it on."
            )
        else:
            self._tell("Stage 2, replay:", *replay_lines(outcome))
        return outcome

    def _step(self) -> Callable[[Release, str], Release]:
        def step(release: Release, name: str) -> Release:
            if self.channel:
                if not (self.everybody or self.emergency):
                    return release
                groups, servers = (sorted(split_words(each)) for each in (self.groups, self.servers))
                return steps.assigned(release, name, groups, servers)
            if self.everybody or self.emergency:
                return steps.with_current(release, name)
            return steps.with_candidate(release, name, self.share)

        return step

    def _write_document(self, policy: Policy, document: dict[str, Any]) -> None:
        try:
            write_document(self.places.documents, document)
        except OSError as error:
            # The version is out; what is lost is that pages show its rules.
            self.log.warning(
                "%s cannot be written (%s): the pages will not show the rules of %s",
                self.places.documents,
                error.strerror,
                policy.version,
            )

    # --- telling ---

    def _tell(self, *lines: str) -> None:
        if not self.as_json:
            say(lines)

    def _tell_next(self, approved: Approved, *, online: bool) -> None:
        version = approved.version
        ask = "jupyter tos-guard central"
        if not online:
            self._tell(
                "The online keys are not here, so clients get nothing yet. Copy to where the service runs,",
                "first targets/, then metadata/*.targets.json (docs/publishing.md), and then there:",
                f"  {ask} release {self._wish(version)}",
            )
            return
        self._tell("Stage 4:", *(f"  {line}" for line in release_lines(self.repository.release())))
        if self.channel and not (self.everybody or self.emergency):
            self._tell(f"Next: {ask} release {self._wish(version)}")
        elif not (self.everybody or self.emergency):
            share = max(10, min(100, int(self.share) * 2))
            self._tell(
                f"Next: {ask} release --share {share}, look at what it hits, then {ask} release --promote; "
                f"back with {ask} release --withdraw"
            )

    def _wish(self, version: str) -> str:
        """Return the options of ``release`` that do what was asked of this verb."""
        if self.channel:
            names = sorted(split_words(self.groups))
            return f"--assign {version} --groups {','.join(names) or 'NAME'}"
        if self.everybody or self.emergency:
            return f"--current {version}"
        return f"--candidate {version} --share {self.share or 10:g}"

    def _end(self, approved: Approved | None, comparison: Comparison, outcome: Replay | None) -> Exit:
        if self.as_json:
            self.print_json(
                {
                    "approved": approved._asdict() if approved else None,
                    "release": release_data(self.repository.release()),
                    "comparison": _plain(comparison),
                    "replay": _plain(outcome) if outcome else None,
                }
            )
        return Exit.OK


def summary(comparison: Comparison) -> str:
    """Return the differences of two versions in one line."""
    if comparison.same:
        return "nothing differs" + ("" if comparison.conditions_known else " as far as is known")
    stricter = sum(change.stricter > 0 for change in comparison.changed)
    milder = sum(change.stricter < 0 for change in comparison.changed)
    parts = [
        f"{len(comparison.added)} rules added",
        f"{len(comparison.removed)} removed",
        f"{len(comparison.changed)} changed ({stricter} stricter, {milder} milder)",
    ]
    if comparison.clauses:
        parts.append(f"{len(comparison.clauses)} clauses changed")
    parts += [f"{each.field}: {each.was or 'none'} → {each.now or 'none'}" for each in comparison.settings]
    return ", ".join(parts)


def _plain(value: Any) -> Any:
    """Turn named tuples, nested, into what JSON takes."""
    if hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
