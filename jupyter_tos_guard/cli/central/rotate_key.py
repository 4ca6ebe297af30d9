"""``jupyter tos-guard central rotate-key``: puts new keys in the place of old ones."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from securesystemslib.signer import Signer
from traitlets import Bool, Int

from jupyter_tos_guard.central.publishing.keys import OFFLINE, ONLINE, is_encrypted, key_files, make_key
from jupyter_tos_guard.cli.central.verb import (
    PublishingVerb,
    new_passphrase,
    release_lines,
    say,
)
from jupyter_tos_guard.cli.verb import Exit, Refusal

_OLD = "old"


class RotateKeyApp(PublishingVerb):
    """Put new keys in the place of those of one role."""

    name = "jupyter-tos-guard-central-rotate-key"
    description = """Put new keys in the place of those of one role: root, targets, snapshot, timestamp or
    release. Clients follow by themselves: every new root is signed by the one before it.

    root, targets, snapshot and timestamp need the root keys; targets and release the targets keys. When
    keys of targets are lost, --lost goes on without them. The old files are moved into a folder `old`:
    destroy them.

    Exit codes: 0 done, 2 wrong usage, 3 keys or repository cannot be used."""
    examples = """
    jupyter tos-guard central rotate-key timestamp --keys=keys
    jupyter tos-guard central rotate-key root --keys=keys --count=3 --threshold=2
    """
    count = Int(1, min=1, max=20, help="How many new keys to make.").tag(config=True)
    threshold = Int(1, min=1, max=20, help="How many of them a signature needs.").tag(config=True)
    encrypt = Bool(
        False,
        help="Encrypt new offline keys with a passphrase, which is asked for. Always so when an old one was.",
    ).tag(config=True)
    lost = Bool(False, help="The old targets keys are gone: go on without them.").tag(config=True)
    aliases = {
        **PublishingVerb.aliases,
        "count": "RotateKeyApp.count",
        "threshold": "RotateKeyApp.threshold",
    }
    flags = {
        **PublishingVerb.flags,
        "encrypt": ({"RotateKeyApp": {"encrypt": True}}, "Encrypt new offline keys with a passphrase."),
        "lost": ({"RotateKeyApp": {"lost": True}}, "The old targets keys are gone: go on without them."),
    }

    def work(self) -> Exit:
        """Make the keys, sign with old and new, put the old aside."""
        role = self.one_argument("role")
        if role not in (*OFFLINE, *ONLINE):
            raise Refusal(f"there is no role {role!r}. There are: {', '.join((*OFFLINE, *ONLINE))}.")
        if self.threshold > self.count:
            raise Refusal(f"--threshold {self.threshold} of --count {self.count} keys cannot be met.")
        if role in ONLINE and self.count > 1:
            raise Refusal(f"{role} is signed by one machine: one key is enough.")
        if self.lost and role != "targets":
            raise Refusal(
                "--lost is for targets. A lost root cannot be replaced, an online key needs no old one."
            )
        before = set(next(each for each in self.repository.roles() if each.role == role).keys)
        root_keys = [] if role == "release" else self.offline_keys("root")
        targets_keys: list[Signer] = []
        if role == "release" or (role == "targets" and not self.lost):
            targets_keys = self.offline_keys("targets")
        folder = self.places.offline if role in OFFLINE else self.places.online
        old = key_files(folder, role)
        new, made = self._new_keys(folder, role, old)
        try:
            self.repository.replace_keys(
                role, new, root_keys=root_keys, targets_keys=targets_keys, threshold=self.threshold
            )
        except BaseException:
            for path in made:
                with contextlib.suppress(OSError):
                    path.unlink()  # it counts nowhere
            raise
        aside = self._set_aside(folder, old)
        if self.as_json:
            self.print_json({"role": role, "keys": [str(path) for path in made], "old": list(before)})
        else:
            say(self._advice(role, made, aside))
        return Exit.OK

    def _new_keys(self, folder: Path, role: str, old: list[Path]) -> tuple[list[Signer], list[Path]]:
        passphrase = ""
        if role in OFFLINE and (self.encrypt or any(map(is_encrypted, old))):
            passphrase = new_passphrase(f"the new {role} keys")
        day = time.strftime("%Y%m%d", time.gmtime())
        keys: list[Signer] = []
        made: list[Path] = []
        number = 0
        while len(made) < self.count:
            number += 1
            path = folder / f"{role}-{day}-{number}.pem"
            if not path.exists() and not (folder / _OLD / path.name).exists():
                keys.append(make_key(path, passphrase))
                made.append(path)
        return keys, made

    def _set_aside(self, folder: Path, old: list[Path]) -> list[Path]:
        aside = []
        for path in old:
            target = folder / _OLD / path.name
            try:
                target.parent.mkdir(mode=0o700, exist_ok=True)
                path.rename(target)
                aside.append(target)
            except OSError as error:
                self.log.warning("%s cannot be moved away (%s): do it by hand", path, error.strerror)
        return aside

    def _advice(self, role: str, made: list[Path], aside: list[Path]) -> list[str]:
        lines = [f"{role} is now signed by {', '.join(map(str, made))}."]
        if self.threshold > 1:
            lines.append(f"{self.threshold} of these {self.count} are needed: keep them apart.")
        if aside:
            lines.append(f"The old keys count no longer. Destroy them: shred -u {' '.join(map(str, aside))}")
        if role in ONLINE and not self.repository.can_release():
            lines.append(
                "The other online keys are not here. Copy the new key to the service's folder of online "
                "keys, then the repository's new files; the service signs with it when it next looks."
            )
        if role in ONLINE:
            lines.append("If the old key was stolen, replace all three online keys, and look at the release:")
            lines += [f"  {line}" for line in release_lines(self.repository.release())]
        return lines
