"""What all verbs of the command line share: options, output, exit codes.

Not a verb itself. Verbs subclass :class:`Verb`, those that judge cells
:class:`DecidingVerb`, groups of verbs :class:`Verbs`; they return an :class:`Exit` from ``run``.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterable
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_core.application import JupyterApp
from traitlets import Bool, Enum, List, Unicode, default
from traitlets.config.loader import KVArgParseConfigLoader

from jupyter_tos_guard.cli.judging import Bench
from jupyter_tos_guard.gate.ruling import place
from jupyter_tos_guard.gate.settings import Configuration, configuration
from jupyter_tos_guard.guard import DEFAULT_POLICY, Settings
from jupyter_tos_guard.policy.bundle import Bundle, BundleError
from jupyter_tos_guard.policy.decision import Reason
from jupyter_tos_guard.policy.model import Clause, Exemption, Mode


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

    aliases = {
        "config": "JupyterApp.config_file",
        "log-level": "JupyterApp.log_level",
    }
    flags = {
        "json": ({"Verb": {"as_json": True}}, "Print data as JSON."),
        "debug": ({"Application": {"log_level": 10}}, "Log everything."),
    }

    @default("raise_config_file_errors")
    def _no_config_is_passed_over(self) -> bool:
        return True

    @default("log_level")
    def _quiet(self) -> int:
        return logging.WARNING

    def initialize(self, argv: list[str] | None = None) -> None:
        """Read options and configuration; wrong ones end the program with :attr:`Exit.USAGE`."""
        try:
            super().initialize(argv)
        except SystemExit as stop:
            # traitlets says 1 for a bad value, which for us means "something was flagged".
            raise SystemExit(Exit.USAGE if stop.code == 1 else stop.code) from None
        except ModuleNotFoundError as error:
            missing = error.name or str(error)
            if missing.startswith("jupyter_tos_guard"):
                raise
            print(
                f"{missing} is not installed. If it is the central server that you want: "
                "pip install 'jupyter_tos_guard[central]'; else a configuration file needs it.",
                file=sys.stderr,
            )
            raise SystemExit(Exit.USAGE) from None
        except Exception as error:
            # A configuration file is Python: anything may be wrong with it.
            name, where = type(error).__name__, getattr(error, "filename", None) or self.config_file_name
            print(
                f"The configuration cannot be read: {name} in {where}: {error}\n"
                f"Mend the file or take it away; the folders are those of `jupyter --paths`.",
                file=sys.stderr,
            )
            raise SystemExit(Exit.USAGE) from None

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


class Verbs(Verb):
    """A group of verbs, which hands over to one of them."""

    def run(self) -> Exit:
        """Say which verbs there are: a group does nothing by itself."""
        if self.extra_args:
            verbs = ", ".join(self.subcommands)
            raise Refusal(f"there is no verb {self.extra_args[0]!r}. There are: {verbs}.")
        self.print_help()
        return Exit.USAGE


class PolicyVerb(Verb):
    """A verb that reads a policy: the one in force in this environment, unless another is named."""

    policy = Unicode(
        "",
        help="A compiled bundle, or a folder of rules. Default: the policy in force here.",
    ).tag(config=True)

    aliases = {**Verb.aliases, "policy": "PolicyVerb.policy"}

    @cached_property
    def environment(self) -> Configuration:
        """What the operator has set for the kernels of this environment."""
        found = configuration()
        for problem in found.problems:
            self.log.warning("%s", problem)
        return found

    @cached_property
    def bundle_path(self) -> Path:
        """The bundle to use; a folder of rules is compiled for this run."""
        path = Path(self.policy).expanduser() if self.policy else self.environment.policy_path
        if path is None:
            if not DEFAULT_POLICY.is_file():
                raise Refusal(
                    f"the default policy {DEFAULT_POLICY} is missing: this package was not built. "
                    "Install it with pip, or give --policy.",
                    Exit.POLICY,
                )
            return DEFAULT_POLICY
        return self._compiled(path) if path.is_dir() else path

    @cached_property
    def bundle(self) -> Bundle:
        """The policy."""
        return open_bundle(self.bundle_path)

    @cached_property
    def clauses(self) -> dict[str, Clause]:
        """Clauses of the terms by id."""
        return {clause.id: clause for clause in self.bundle.terms.clauses}

    def _compiled(self, folder: Path) -> Path:
        # Kept until the process ends: workers map the file.
        self._temporary = tempfile.TemporaryDirectory(prefix="tos-guard-policy-")
        path = Path(self._temporary.name) / "policy.bundle"
        path.write_bytes(compile_folder(folder))
        return path


class DecidingVerb(PolicyVerb):
    """A verb that judges cells, by the settings of this environment unless options say otherwise."""

    mode = Enum(
        [mode.value for mode in Mode],
        default_value=None,
        allow_none=True,
        help="enforce: verdicts take effect; monitor: nothing is worse than observe. Default: as set here, "
        "else as the policy says.",
    ).tag(config=True)
    enable = List(
        Unicode(),
        help="Clauses to switch on beside those that are on: ids, comma-separated or repeated, or all.",
    ).tag(config=True)

    aliases = {
        **PolicyVerb.aliases,
        "mode": "DecidingVerb.mode",
        "enable": "DecidingVerb.enable",
    }

    def bench(self) -> Bench:
        """Return what guards are made of, after refusing clauses that the policy does not have."""
        asked = split_words(self.enable)
        unknown = sorted(asked - self.clauses.keys() - {"all"})
        if unknown:
            known = ", ".join([*sorted(self.clauses), "all"])
            raise Refusal(f"--enable {unknown[0]}: the policy has no such clause. It has: {known}.")
        traits = self.environment.traits
        mode = self.mode or traits.mode
        settings = Settings(
            mode=Mode(mode) if mode else None,
            enable=asked | frozenset(traits.enable),
            disable=frozenset(traits.disable) - asked if "all" not in asked else frozenset(),
            time_limit=traits.time_limit,
            fail_closed=frozenset(Reason(value) for value in traits.fail_closed),
            exemptions=tuple(Exemption(**each) for each in traits.exemptions),
        )
        return Bench(self.bundle_path, settings, place(os.environ))


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
