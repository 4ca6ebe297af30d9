"""``jupyter tos-guard central release``: who gets which approved version, and what is taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial

from traitlets import Enum, Float, Int, List, Unicode

from jupyter_tos_guard.central.casework import releases
from jupyter_tos_guard.central.publishing import release as steps
from jupyter_tos_guard.central.publishing.document import read_document
from jupyter_tos_guard.cli.central.verb import PublishingVerb, actor, release_data, release_lines, say
from jupyter_tos_guard.cli.verb import Exit, Refusal, split_words
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.model import Mode, Verdict
from jupyter_tos_guard.policy.release import Release

Step = Callable[[Release], Release]


class ReleaseApp(PublishingVerb):
    """Hand out approved versions, and take back what does harm."""

    name = "jupyter-tos-guard-central-release"
    description = """Hand out approved versions, and take back what does harm. Without an option: show the
    release. Only versions that the targets key approved can be named, and rules can only become milder:
    for anything stricter, publish.

    Exit codes: 0 done or shown, 2 wrong usage, 3 the online keys or the repository cannot be used."""
    examples = """
    jupyter tos-guard central release
    jupyter tos-guard central release --share=25
    jupyter tos-guard central release --promote
    jupyter tos-guard central release --current=2026.11.23
    jupyter tos-guard central release --soften=xmrig=observe
    jupyter tos-guard central release --mode=monitor
    """
    candidate = Unicode(help="Make this approved version the candidate.").tag(config=True)
    share = Float(
        None,
        min=0.0,
        max=100.0,
        allow_none=True,
        help="Share of servers, in percent, that get the candidate.",
    ).tag(config=True)
    current = Unicode(
        help="Make this approved version that of everybody; the way back to an earlier one."
    ).tag(config=True)
    soften = List(Unicode(), help="RULE=observe or RULE=allow, by the rule's id or name; repeated.").tag(
        config=True
    )
    restore = List(Unicode(), help="Let a softened rule ask again for what the policy says.").tag(config=True)
    hub_mode = Enum(
        ["monitor", "as-published"],
        default_value=None,
        allow_none=True,
        help="monitor: nothing is stopped anywhere. as-published: as the policy says.",
    ).tag(config=True)
    assign = Unicode(help="Give --groups or --servers this version of a channel.").tag(config=True)
    unassign = Unicode(help="Let those who have a channel's policy have that of everybody.").tag(config=True)
    groups = List(Unicode(), help="Groups for --assign; comma-separated or repeated.").tag(config=True)
    servers = List(Unicode(), help="Named servers for --assign.").tag(config=True)
    poll_seconds = Int(
        None, min=15, max=86_400, allow_none=True, help="How often clients look for news."
    ).tag(config=True)
    step = Enum(["promote", "withdraw"], default_value=None, allow_none=True, help="See --promote.").tag(
        config=True
    )

    aliases = {
        **PublishingVerb.aliases,
        "candidate": "ReleaseApp.candidate",
        "share": "ReleaseApp.share",
        "current": "ReleaseApp.current",
        "soften": "ReleaseApp.soften",
        "restore": "ReleaseApp.restore",
        "mode": "ReleaseApp.hub_mode",
        "assign": "ReleaseApp.assign",
        "unassign": "ReleaseApp.unassign",
        "groups": "ReleaseApp.groups",
        "servers": "ReleaseApp.servers",
        "poll-seconds": "ReleaseApp.poll_seconds",
    }
    flags = {
        **PublishingVerb.flags,
        "promote": ({"ReleaseApp": {"step": "promote"}}, "Make the candidate the policy of everybody."),
        "withdraw": ({"ReleaseApp": {"step": "withdraw"}}, "Take the candidate back."),
    }

    def work(self) -> Exit:
        """Make the next release of the present one, or show it."""
        self.no_arguments()
        asked = self._asked()
        release = self._change(asked) if asked else self.repository.release()
        if self.as_json:
            self.print_json(release_data(release))
        else:
            say(release_lines(release, self._rule_name))
            if not asked:
                self._show_versions(release)
        return Exit.OK

    def _asked(self) -> list[tuple[str, Step]]:
        """Return what was asked for, each in words and as a step."""
        asked: list[tuple[str, Step]] = []
        if self.candidate:
            bundle = self.find(self.candidate).name
            share = self.share or 0.0
            asked.append((f"candidate {bundle} {share:g}", lambda r: steps.with_candidate(r, bundle, share)))
        elif self.share is not None:
            wanted = self.share
            asked.append((f"share {wanted:g}", lambda release: steps.with_share(release, wanted)))
        if self.step == "promote":
            asked.append(("promote", steps.promoted))
        elif self.step == "withdraw":
            asked.append(("withdraw", steps.withdrawn))
        if self.current:
            current = self.find(self.current).name
            asked.append((f"current {current}", lambda release: steps.with_current(release, current)))
        asked += [self._softening(entry) for entry in self.soften]
        for entry in self.restore:
            rule = self._rule_id(entry)
            asked.append((f"restore {rule}", partial(steps.restored, rule=rule)))
        if self.hub_mode:
            mode = Mode.MONITOR if self.hub_mode == "monitor" else None
            asked.append((f"mode {self.hub_mode}", lambda release: steps.in_mode(release, mode)))
        asked += self._assignments()
        if self.poll_seconds is not None:
            seconds = self.poll_seconds
            asked.append((f"poll {seconds}", lambda release: release._replace(poll_seconds=seconds)))
        return asked

    def _softening(self, entry: str) -> tuple[str, Step]:
        name, equals, word = entry.rpartition("=")
        if not equals or word not in ("observe", "allow"):
            raise Refusal(
                f"--soften {entry!r}: write RULE=observe or RULE=allow. A release cannot make a rule "
                "stricter; publish a version for that."
            )
        rule, verdict = self._rule_id(name), Verdict[word.upper()]
        return f"soften {rule} to {word}", lambda release: steps.softened(release, rule, verdict)

    def _assignments(self) -> list[tuple[str, Step]]:
        asked: list[tuple[str, Step]] = []
        if self.assign:
            bundle = self.find(self.assign).name
            if bundle.count("/") < 2:
                raise Refusal(
                    f"{self.assign} was published for everybody. For some groups only: jupyter tos-guard "
                    "central publish FOLDER --channel NAME"
                )
            groups, servers = (sorted(split_words(each)) for each in (self.groups, self.servers))
            asked.append((f"assign {bundle}", lambda r: steps.assigned(r, bundle, groups, servers)))
        elif self.groups or self.servers:
            raise Refusal("--groups and --servers belong to --assign: say which version they get.")
        if self.unassign:
            channel = self.unassign
            asked.append((f"unassign {channel}", lambda release: steps.unassigned(release, channel)))
        return asked

    # --- rules by name ---

    def _rule_id(self, name: str) -> str:
        """Return the id of a rule of any version that is handed out, by its id or its name."""
        known = self._rules
        if name in known or name in self.repository.release().softened:
            return name
        found = [id_ for id_, called in known.items() if called == name]
        if len(found) == 1:
            return found[0]
        names = [called for called in {*known, *known.values()} if called]
        close = get_close_matches(name, names, 1)
        hint = f" Did you mean {close[0]}?" if close else " See: jupyter tos-guard policy explain"
        raise Refusal(f"no version that is handed out has a rule {name!r:.120}.{hint}")

    def _rule_name(self, id_: str) -> str:
        name = self._rules.get(id_)
        return f"{name} ({id_})" if name else id_

    @property
    def _rules(self) -> dict[str, str]:
        """Ids and names of the rules that are handed out; names are known from the documents only."""
        rules: dict[str, str] = {}
        for bundle_name in self.repository.release().bundles:
            bundle = Bundle.from_bytes(self.repository.read(bundle_name))
            document = read_document(self.places.documents, bundle.version) or {"rules": []}
            rules |= {bundle.info(number).id: "" for number in range(bundle.rule_count)}
            rules |= {rule["id"]: rule["name"] for rule in document["rules"]}
        return rules

    # --- telling ---

    def _show_versions(self, release: Release) -> None:
        print("Approved, the newest first:")
        for each in self.repository.approved():
            mark = " (current)" if each.name == release.current else ""
            print(f"  {each.version}  {each.name}{mark}")

    def _change(self, asked: list[tuple[str, Step]]) -> Release:
        """Publish the next release, with an entry in the audit log if there is a database."""

        def make(release: Release) -> Release:
            for _, step in asked:
                release = step(release)
            return release

        database = self.open_if_there()
        if database is None:
            return self.repository.change_release(make)
        words = [word for word, _ in asked]
        try:
            return releases.change(
                database,
                self.repository,
                make,
                actor=actor(),
                action="release",
                target="release",
                detail={"steps": words},
                now=time.time(),
            )
        finally:
            database.close()
