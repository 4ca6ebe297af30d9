"""What an operator sets, read from files and the environment.

The order, the strongest first; a value set higher up cannot be changed further down:

1. ``jupyter_tos_guard_config.json`` in the system's Jupyter configuration
   folders (``/etc/jupyter``, then ``/usr/local/etc/jupyter``),
2. the same file in ``{sys.prefix}/etc/jupyter``,
3. environment variables ``JUPYTER_TOS_GUARD_…``,
4. the same file in the user's Jupyter configuration folder (``~/.jupyter``).

A value that cannot be used is left out, said in :attr:`Configuration.problems`
and never raised: the next one in the order holds. Nothing here decides.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jupyter_core.paths import ENV_CONFIG_PATH, SYSTEM_CONFIG_PATH, jupyter_config_dir, jupyter_data_dir
from traitlets import Bool, CaselessStrEnum, Dict, Enum, Float, Int, List, TraitError, Unicode
from traitlets.config import Configurable

FILE_NAME = "jupyter_tos_guard_config.json"
SECTION = "TosGuard"
PREFIX = "JUPYTER_TOS_GUARD_"
_MAX_FILE = 1 << 20

#: Values of :class:`jupyter_tos_guard.policy.decision.Reason` that can be closed on; a test
#: keeps the two in step. Written out so that reading the settings imports nothing that may be broken.
FAILURES = (
    "no-policy",
    "stale-policy",
    "expired-policy",
    "corrupt-policy",
    "inspection-failed",
    "time-limit",
)


class Address(Unicode):  # type: ignore[type-arg]  # traitlets' parameters say which types a trait takes
    """An http or https URL without a trailing slash, or nothing."""

    info_text = "an http:// or https:// URL, or empty"

    def validate(self, obj: Any, value: Any) -> str:
        """Refuse what no request could be sent to."""
        text = str(super().validate(obj, value))
        if text and not text.startswith(("http://", "https://")):
            self.error(obj, value)
        return text.rstrip("/")


class TosGuard(Configurable):
    """Settings of the guard."""

    mode = CaselessStrEnum(
        ["monitor", "enforce"],
        default_value=None,
        allow_none=True,
        help="monitor: record, show nothing. enforce: warn and block. Unset: as the policy says.",
    ).tag(config=True)
    enable = List(Unicode(), help='Clauses to switch on beside those of the policy; "all" for all.').tag(
        config=True
    )
    disable = List(Unicode(), help="Clauses to switch off.").tag(config=True)
    policy = Unicode(help="Path of a compiled policy; empty: the one that comes with the package.").tag(
        config=True
    )
    time_limit = Float(0.05, min=0.001, max=10.0, help="Seconds that deciding about one cell may take.").tag(
        config=True
    )
    fail_closed = List(
        Enum(FAILURES), help="Failures on which cells are stopped (in enforce mode) instead of let through."
    ).tag(config=True)
    exemptions = List(
        Dict(),
        help="Vetted uses: {subject: user:NAME, target: rule:ID | clause:ID | *, until: epoch seconds}.",
    ).tag(config=True)
    evidence = CaselessStrEnum(
        ["none", "span", "cell"], "span", help="How much of the user's code a strike carries."
    ).tag(config=True)
    strikes = Unicode(
        help="Folder of the local record; empty: tos_guard/strikes in the Jupyter data folder."
    ).tag(config=True)
    retention_days = Int(90, min=1, max=3650, help="Days after which local records are deleted.").tag(
        config=True
    )
    central = Address(
        help="URL of the central server: the policy comes from there, strikes go there. Empty: there is none."
    ).tag(config=True)
    root = Unicode(
        help="What the policy's first TUF root is trusted by: a root.json's path, or sha256:HEX of version 1."
    ).tag(config=True)
    mirror = Address(help="URL of another copy of the policy repository; empty: the central server's.").tag(
        config=True
    )
    token = Unicode(
        help="Token for the central server of a hub without JupyterHub; else JUPYTERHUB_API_TOKEN."
    ).tag(config=True)
    ca_bundle = Unicode(help="File of CA certificates to trust; empty: the system's.").tag(config=True)
    proxy = Address(help="URL of an HTTP proxy; empty: by the usual variables (https_proxy, no_proxy).").tag(
        config=True
    )
    cache = Unicode(
        help="Folder of what comes from the central server; empty: tos_guard/cache in Jupyter's data folder."
    ).tag(config=True)
    poll_seconds = Float(
        0.0, min=0.0, max=86_400.0, help="Seconds between two looks for a new policy; 0: as the hub says."
    ).tag(config=True)
    allow_check = Bool(
        True, help="Whether a front end may ask about a cell that is not run (Jupyter server)."
    ).tag(config=True)
    check_notebooks = Bool(
        True, help="Whether it may ask about all cells of a notebook that is opened, before anything runs."
    ).tag(config=True)
    checks_per_minute = Int(60, min=1, max=6000, help="How often it may ask.").tag(config=True)
    watch_seconds = Float(
        60.0,
        min=1.0,
        max=86400.0,
        help="Seconds between two looks at kernels and configuration (Jupyter server).",
    ).tag(config=True)


class Configuration(NamedTuple):
    """The settings in force.

    Attributes
    ----------
    traits : TosGuard
    origins : Mapping
        For each trait that is set, the file or variable that set it.
    problems : tuple of str
        One sentence for each value that was left out: what, where, how to mend.
    server : str
        JupyterHub's name of this server; empty for the default one.
    """

    traits: TosGuard
    origins: Mapping[str, str]
    problems: tuple[str, ...]
    server: str = ""

    @property
    def closes_on_defects(self) -> bool:
        """Whether cells are to be stopped when the guard itself does not work."""
        return self.traits.mode == "enforce" and "inspection-failed" in self.traits.fail_closed

    @property
    def strikes_folder(self) -> Path:
        """Folder of the local record."""
        chosen = self.traits.strikes
        return Path(chosen).expanduser() if chosen else Path(jupyter_data_dir(), "tos_guard", "strikes")

    @property
    def cache_folder(self) -> Path:
        """Folder of what comes from the central server."""
        chosen = self.traits.cache
        folder = Path(chosen).expanduser() if chosen else Path(jupyter_data_dir(), "tos_guard", "cache")
        # Named servers share a home, but a release may have another policy for each.
        return folder / f"server-{quote(self.server, safe='')[:100]}" if self.server else folder

    @property
    def policy_path(self) -> Path | None:
        """The compiled policy, None for the one that comes with the package."""
        return Path(self.traits.policy).expanduser() if self.traits.policy else None


def configuration(environ: Mapping[str, str] | None = None) -> Configuration:
    """Read the settings.

    Parameters
    ----------
    environ : Mapping, optional
        Instead of ``os.environ``.

    Returns
    -------
    Configuration
        Always; what is wrong is in its ``problems``.
    """
    environ = os.environ if environ is None else environ
    traits = TosGuard()
    origins: dict[str, str] = {}
    problems: list[str] = []
    own = [str(path) for path in ENV_CONFIG_PATH if path not in SYSTEM_CONFIG_PATH]
    for folder in (jupyter_config_dir(), None, *own, *SYSTEM_CONFIG_PATH):  # the later the stronger
        values = _variables(environ) if folder is None else _file(Path(folder, FILE_NAME), problems)
        for name, value, origin in values:
            problem = _set(traits, name, value)
            if problem:
                problems.append(f"{origin}: {problem}; this value is left out")
            else:
                origins[name] = origin
    return Configuration(traits, origins, tuple(problems), environ.get("JUPYTERHUB_SERVER_NAME", ""))


def _set(traits: TosGuard, name: str, value: object) -> str:
    """Set one value; return what is wrong with it, if anything."""
    trait = TosGuard.class_own_traits(config=True).get(name)
    if trait is None:
        return f"there is no setting {name!r}{_similar(name)}"
    try:
        setattr(traits, name, value)
    except TraitError:
        allowed = getattr(trait, "values", None) or getattr(getattr(trait, "_trait", None), "values", None)
        wanted = f"one of {', '.join(allowed)}" if allowed else trait.info()
        return f"{name} is {_short(value)}, but must be {wanted}"
    return ""


def _similar(name: str) -> str:
    from difflib import get_close_matches  # only on a mistake

    close = get_close_matches(name, TosGuard.class_own_traits(config=True), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, object, str]]:
    for name, trait in TosGuard.class_own_traits(config=True).items():
        text = environ.get(PREFIX + name.upper())
        if text:
            yield name, _parse(text, trait), f"environment variable {PREFIX}{name.upper()}"


def _parse(text: str, trait: Any) -> object:
    """Turn a variable's text into what the trait takes; the trait refuses what it cannot be."""
    if isinstance(trait, List) and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(trait, (Bool, Float, Int, List)):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _file(path: Path, problems: list[str]) -> Iterator[tuple[str, object, str]]:
    try:
        with open(path, encoding="utf-8") as file:
            data = json.loads(file.read(_MAX_FILE))
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(f"{path}: cannot be read ({error.strerror}); the whole file is left out")
        return
    except (ValueError, RecursionError) as error:
        problems.append(f"{path}: is not JSON ({error}); the whole file is left out")
        return
    section = data.get(SECTION) if isinstance(data, dict) else None
    if section is None and isinstance(data, dict):
        return  # the file is shared with the server's part
    if not isinstance(section, dict):
        problems.append(f'{path}: must hold {{"{SECTION}": {{…}}}}; the whole file is left out')
        return
    for name, value in section.items():
        yield name, value, str(path)
