"""``jupyter tos-guard central init``: makes keys and the policy repository."""

from __future__ import annotations

from pathlib import Path

from securesystemslib.signer import Signer
from traitlets import Bool, Int, Unicode

from jupyter_tos_guard.central.publishing.document import document_of, write_document
from jupyter_tos_guard.central.publishing.keys import ONLINE
from jupyter_tos_guard.central.publishing.repository import LIFE, create
from jupyter_tos_guard.central.publishing.setup import DEFAULT_BUNDLE, DEFAULT_FOLDER, own_or_new
from jupyter_tos_guard.cli.central.checking import checked_policy
from jupyter_tos_guard.cli.central.verb import PublishingVerb, ask_passphrase, new_passphrase, say
from jupyter_tos_guard.cli.verb import Exit, Refusal
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.rules import Policy, load_policy


class InitApp(PublishingVerb):
    """Make keys and the policy repository."""

    name = "jupyter-tos-guard-central-init"
    description = """Make keys and the policy repository, with a first policy published to everybody.

    Keys that are in the folders already are used, so that others can bring theirs. The service does all of
    this by itself at its first start, with every key on its machine; use this verb to have the offline
    keys elsewhere, encrypted, or more than one.

    Exit codes: 0 made, 2 wrong usage, 3 something is there already or cannot be written, 4 the folder has
    errors."""
    examples = """
    jupyter tos-guard central init --state=/srv/tos-guard
    jupyter tos-guard central init --repository=repository --keys=keys --online=online --encrypt
    """
    policy = Unicode(
        help="Folder with policy.yml and rules to begin with. Default: the policy of the package."
    ).tag(config=True)
    encrypt = Bool(False, help="Encrypt the offline keys with a passphrase, which is asked for.").tag(
        config=True
    )
    root_keys = Int(1, min=1, max=20, help="How many root keys to make.").tag(config=True)
    root_threshold = Int(1, min=1, max=20, help="How many of the root keys a new root needs.").tag(
        config=True
    )
    poll_seconds = Int(300, min=15, max=86_400, help="How often clients look for news.").tag(config=True)

    aliases = {
        **PublishingVerb.aliases,
        "policy": "InitApp.policy",
        "root-keys": "InitApp.root_keys",
        "root-threshold": "InitApp.root_threshold",
        "poll-seconds": "InitApp.poll_seconds",
    }
    flags = {
        **PublishingVerb.flags,
        "encrypt": ({"InitApp": {"encrypt": True}}, "Encrypt the offline keys with a passphrase."),
    }

    def work(self) -> Exit:
        """Make everything, or nothing of the repository."""
        self.no_arguments()
        if self.repository.exists():
            raise Refusal(
                f"there is a repository at {self.places.repository} already. Publish to it: "
                "jupyter tos-guard central publish FOLDER",
                Exit.UNREADABLE,
            )
        policy, bundle = self._policy()
        if self.root_threshold > self.root_keys:
            raise Refusal(
                f"--root-threshold {self.root_threshold} of --root-keys {self.root_keys} cannot be met."
            )
        passphrase = new_passphrase("the offline keys") if self.encrypt else ""
        root_keys, made = self._keys("root", self.root_keys, passphrase)
        targets_keys, more = self._keys("targets", 1, passphrase)
        for role in ONLINE:
            own_or_new(self.places.online, role)
        create(
            self.places.repository,
            bundle,
            root_keys=root_keys,
            targets_keys=targets_keys,
            online_keys=self.places.online,
            root_threshold=self.root_threshold,
            poll_seconds=self.poll_seconds,
        )
        if policy is not None:
            self._write_document(policy)
        recorded = self.record()
        pin = self.repository.root_pin()
        if self.as_json:
            self.print_json(
                {
                    "repository": str(self.places.repository),
                    "root": pin,
                    "version": self.repository.approved()[0].version,
                    "keys": [str(path) for path in [*made, *more]],
                }
            )
        else:
            say([*self._advice(pin), *recorded])
        return Exit.OK

    def _policy(self) -> tuple[Policy | None, bytes]:
        if self.policy:
            policy = checked_policy(Path(self.policy).expanduser())
            return policy, encode(policy)
        if not DEFAULT_BUNDLE.is_file():
            raise Refusal("the default policy is missing: this package was not built. Give --policy FOLDER.")
        policy_, _ = load_policy(DEFAULT_FOLDER) if DEFAULT_FOLDER.is_dir() else (None, [])
        bundle = DEFAULT_BUNDLE.read_bytes()
        return policy_, bundle

    def _keys(self, role: str, count: int, passphrase: str) -> tuple[list[Signer], list[Path]]:
        return own_or_new(self.places.offline, role, count, ask_passphrase, passphrase)

    def _write_document(self, policy: Policy) -> None:
        try:
            write_document(self.places.documents, document_of(policy))
        except OSError as error:
            raise Refusal(
                f"{self.places.documents} cannot be written: {error.strerror}.", Exit.UNREADABLE
            ) from None

    def _advice(self, pin: str) -> list[str]:
        places = self.places
        version = self.repository.approved()[0].version
        locked = "encrypted" if self.encrypt else "not encrypted: whoever reads the files has the keys"
        return [
            f"Made the policy repository {places.repository}, with version {version} for everybody.",
            "",
            "What to keep where:",
            f"  {places.offline}  root and targets ({locked})",
            "    root says which other keys count; needed once in two years, and when a key is replaced.",
            "    targets approves each version of the policy. Whoever has these two decides what is stopped",
            "    on your hub. Keep them off the hub if you can, and a copy in a safe place: without them no",
            "    policy can be published any more.",
            f"  {places.online}  snapshot, timestamp, release",
            f"    They sign every day (the timestamp ends after {LIFE['timestamp']} days) and belong where",
            "    the service runs. A thief can choose among approved versions and soften rules, no more.",
            f"  {places.documents}  readable rules: for the service's pages, never for users.",
            f"  {places.repository}  no secret in it: any web server may carry it.",
            "",
            "Clients trust this root; the Hub's configuration sets it by itself when the service is here:",
            f"  {pin}",
        ]
