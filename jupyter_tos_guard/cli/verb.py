"""What all verbs of the command line share: options, output, exit codes.

Not a verb itself. Verbs subclass :class:`Verb`, those that judge cells
:class:`DecidingVerb`, and return an :class:`Exit` from ``run``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Any, ClassVar

from jupyter_core.application import JupyterApp
from traitlets import Bool, Enum, List, Unicode
from traitlets.config.loader import KVArgParseConfigLoader

from jupyter_tos_guard.guard import DEFAULT_POLICY, Guard, Settings
from jupyter_tos_guard.policy.bundle import Bundle, BundleError
from jupyter_tos_guard.policy.model import Mode, Where


class Exit(IntEnum):
    """Exit codes, the same for every verb; documented in ``docs/cli.md``."""

    OK = 0
    FLAGGED = 1
    USAGE = 2
    UNREADABLE = 3
    POLICY = 4
    INTERRUPTED = 130


class Refusal(Exception):
    """The verb cannot do what was asked; the text says what, where and how to mend it."""

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(message)
        self.code = code


class _StrictLoader(KVArgParseConfigLoader):
    """Refuses misspelt options: a ``--mod=enforce`` without effect would be a guard that is off."""

    def _handle_unrecognized_alias(self, arg: str) -> None:
        self.parser.error(f"there is no option --{arg}")


class Verb(JupyterApp):
    """One verb: reads its options from the command line and from ``jupyter_tos_guard_config``."""

    config_file_name = Unicode("jupyter_tos_guard_config")
    as_json = Bool(False, help="Print data as JSON.").tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {
        "config": "JupyterApp.config_file",
        "log-level": "JupyterApp.log_level",
    }
    flags: ClassVar[dict[str, Any]] = {
        "json": ({"Verb": {"as_json": True}}, "Print data as JSON."),
        "debug": ({"Application": {"log_level": 10}}, "Log everything."),
    }

    def initialize(self, argv: list[str] | None = None) -> None:
        """Read options and configuration; wrong ones end the program with :attr:`Exit.USAGE`."""
        try:
            super().initialize(argv)
        except SystemExit as stop:
            # traitlets says 1 for a bad value, which for us means "something was flagged".
            raise SystemExit(Exit.USAGE if stop.code == 1 else stop.code) from None

    def migrate_config(self) -> None:
        """Leave the files of IPython before Jupyter alone: nothing of ours is among them."""

    def start(self) -> None:
        """Run the verb and exit with its code."""
        super().start()
        try:
            code = self.run()
            sys.stdout.flush()
        except Refusal as refusal:
            print(f"{self.name}: {refusal}", file=sys.stderr)
            code = refusal.code
        except BrokenPipeError:
            # The reader (head, less) has seen enough. Python would complain again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = Exit.OK
        except KeyboardInterrupt:
            code = Exit.INTERRUPTED
        self.exit(int(code))

    def run(self) -> Exit:
        """Do the work; overridden by every verb."""
        raise NotImplementedError

    def print_json(self, data: object) -> None:
        """Print one JSON document."""
        print(json.dumps(data, indent=2, ensure_ascii=False, default=str))

    def one_argument(self, what: str) -> str:
        """Return the only positional argument, or refuse."""
        if len(self.extra_args) != 1:
            raise Refusal(f"give exactly one {what}; got {len(self.extra_args)}. Try --help.")
        return self.extra_args[0]

    def no_arguments(self) -> None:
        """Refuse positional arguments, which are most often misspelt options."""
        if self.extra_args:
            raise Refusal(f"unexpected argument {self.extra_args[0]!r}. Try --help.")

    def _create_loader(self, argv: Any, aliases: Any, flags: Any, classes: Any) -> KVArgParseConfigLoader:
        return _StrictLoader(
            argv, aliases, flags, classes=classes, log=self.log, subcommands=self.subcommands
        )


class PolicyVerb(Verb):
    """A verb that reads a policy."""

    policy = Unicode(
        "",
        help="A compiled bundle, or a folder with policy.yml and rules; default: the pack in this package.",
    ).tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {**Verb.aliases, "policy": "PolicyVerb.policy"}

    def bundle_path(self) -> Path:
        """Return the bundle to use; a folder of rules is compiled for this run."""
        if not self.policy:
            if not DEFAULT_POLICY.is_file():
                raise Refusal(
                    f"the default policy {DEFAULT_POLICY} is missing: this package was not built. "
                    "Install it with pip, or give --policy.",
                    Exit.POLICY,
                )
            return DEFAULT_POLICY
        path = Path(self.policy).expanduser()
        return self._compiled(path) if path.is_dir() else path

    def bundle(self) -> Bundle:
        """Open the policy."""
        return open_bundle(self.bundle_path())

    def _compiled(self, folder: Path) -> Path:
        temporary = tempfile.TemporaryDirectory(prefix="tos-guard-policy-")
        self._kept = temporary  # until the process ends: workers map the file
        path = Path(temporary.name) / "policy.bundle"
        path.write_bytes(compile_folder(folder))
        return path


class DecidingVerb(PolicyVerb):
    """A verb that judges cells."""

    mode = Enum(
        [mode.value for mode in Mode],
        default_value=None,
        allow_none=True,
        help="enforce: verdicts take effect; monitor: nothing is worse than observe. Default: the policy's.",
    ).tag(config=True)
    enable = List(
        Unicode(),
        help="Clauses to switch on beside those that the policy has on: ids, comma-separated or repeated, or all.",
    ).tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {
        **PolicyVerb.aliases,
        "mode": "DecidingVerb.mode",
        "enable": "DecidingVerb.enable",
    }

    def settings(self, bundle: Bundle) -> Settings:
        """Return the guard's settings, after refusing clauses that the policy does not have."""
        enable = split_words(self.enable)
        known = {clause.id for clause in bundle.terms.clauses} | {"all"}
        unknown = sorted(enable - known)
        if unknown:
            raise Refusal(
                f"--enable {unknown[0]}: the policy has no such clause. It has: {', '.join(sorted(known))}."
            )
        return Settings(mode=Mode(self.mode) if self.mode else None, enable=enable)

    def guard(self) -> Guard:
        """Return a guard over the chosen policy, for one session."""
        path = self.bundle_path()
        return Guard.load(path, self.settings(open_bundle(path)), Where())


def split_words(values: Iterable[str]) -> frozenset[str]:
    """Words of options that may be repeated and comma-separated."""
    return frozenset(word.strip() for value in values for word in value.split(",") if word.strip())


def open_bundle(path: Path) -> Bundle:
    """Open a bundle; refuse with what to do about it."""
    try:
        return Bundle.open(path)
    except FileNotFoundError:
        raise Refusal(
            f"there is no policy at {path}. Give a bundle or a folder of rules.", Exit.POLICY
        ) from None
    except (OSError, BundleError) as error:
        raise Refusal(f"the policy {path} cannot be used: {error}", Exit.POLICY) from None


def compile_folder(folder: Path) -> bytes:
    """Compile a folder of rules; refuse with the compiler's complaints."""
    from jupyter_tos_guard.policy.compile import compile_policy

    try:
        return compile_policy(folder)
    except (OSError, ValueError) as error:
        raise Refusal(
            f"the policy in {folder} does not compile:\n{error}\nSee: jupyter tos-guard policy lint {folder}",
            Exit.POLICY,
        ) from None
