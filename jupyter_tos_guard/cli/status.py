"""``jupyter tos-guard status``: says whether the guard is on in this environment."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from rich.console import Console
from rich.table import Table
from traitlets import Bool, Float

from jupyter_tos_guard.cli.reporting import printable
from jupyter_tos_guard.cli.verb import Exit, PolicyVerb, Refusal
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.strikes.spool import SpoolState, read
from jupyter_tos_guard.sync.cache import PolicyCache

_DAY = 86400


class StatusApp(PolicyVerb):
    """Say whether the guard is on in this environment."""

    name = "jupyter-tos-guard-status"
    description = """Is the guard on, with which policy, and which kernels does it guard? Each Python
    kernel that front ends offer here is started and asked, which takes a second or two.

    Exit codes: 0 every Python kernel is guarded, 1 some kernel is not, 4 the policy cannot be used."""
    examples = "jupyter tos-guard status --json"
    ask_kernels = Bool(True, help="Start each kernel and ask it.").tag(config=True)
    timeout = Float(60.0, help="Seconds to wait for a kernel's answer.").tag(config=True)
    aliases = {**PolicyVerb.aliases, "timeout": "StatusApp.timeout"}
    flags = {
        **PolicyVerb.flags,
        "no-kernels": ({"StatusApp": {"ask_kernels": False}}, "Do not start kernels to ask them."),
    }

    def run(self) -> Exit:
        """Print the state of the policy, the settings, the record and the kernels."""
        self.no_arguments()
        policy, kernels = self._policy(), self._kernels()
        status = {
            "policy": policy,
            "central": self._central(),
            "settings": self._settings(),
            "record": self._record(),
            "kernels": kernels,
        }
        if self.as_json:
            self.print_json(status)
        else:
            show(status, Console(highlight=False, soft_wrap=True))
        if "problem" in policy:
            return Exit.POLICY
        states = {kernel["state"] for kernel in kernels if kernel["language"] == "python"}
        return Exit.OK if not self.ask_kernels or states == {"guarded"} else Exit.FLAGGED

    def _policy(self) -> dict[str, Any]:
        if self.environment.traits.central and not self.policy:
            return self._policy_of_the_hub()
        try:
            path = self.bundle_path
            bundle = self.bundle
        except Refusal as refusal:
            return {"problem": str(refusal)}
        return self._described(bundle, path, time.time() - path.stat().st_mtime)

    def _described(self, bundle: Bundle, path: Path, age: float) -> dict[str, Any]:
        return {
            "path": str(path),
            "id": bundle.id,
            "version": bundle.version,
            "age_seconds": round(max(0.0, age)),
            "rules": bundle.rule_count,
            "indicators": bundle.indicator_count,
            "mode": self.environment.traits.mode or bundle.mode.value,
            "clauses": {
                clause.id: "on" if self._is_on(clause.id, clause.enabled) else "off"
                for clause in bundle.terms.clauses
            },
        }

    def _policy_of_the_hub(self) -> dict[str, Any]:
        """Say which policy the central server has put in force here."""
        folder = self.environment.cache_folder
        source, now = PolicyCache(folder), time.time()
        bundle, problem, detail = source.current(now)
        active = source.active
        if bundle is None or active is None:
            return {"problem": f"{problem}: {detail}. Try: jupyter tos-guard sync"}
        found = self._described(bundle, folder / active.bundle, now - active.checked)
        if source.account.mode:
            found["mode"] = source.account.mode.value
        return {**found, "release": active.serial, "state": str(problem or "current"), "detail": detail}

    def _central(self) -> dict[str, Any] | None:
        traits = self.environment.traits
        if not traits.central:
            return None
        source = PolicyCache(self.environment.cache_folder)
        source.current(time.time())
        contact, person = source.contact(), source.person
        return {
            "url": traits.central,
            "last_answer": contact.last or None,
            "problem": contact.problem,
            "waiting": contact.waiting,
            "confirmed": contact.sent,
            "standing": person.seen.standing.level.value if person else None,
            "paused": bool(source.account.paused),
            "blocked_clauses": sorted(source.account.blocked_clauses),
            "until": source.account.until,
        }

    def _is_on(self, clause: str, enabled: bool) -> bool:
        traits = self.environment.traits
        return (enabled or bool({clause, "all"} & set(traits.enable))) and clause not in traits.disable

    def _settings(self) -> dict[str, Any]:
        origins = {name: str(origin) for name, origin in self.environment.origins.items()}
        return {"set_by": origins, "problems": list(self.environment.problems)}

    def _record(self) -> dict[str, Any]:
        folder = self.environment.strikes_folder
        return {
            "folder": str(folder),
            "state": spool_state(folder).value,
            "strikes": len({strike.id for strike in read(folder)}),
        }

    def _kernels(self) -> list[dict[str, Any]]:
        specs: Mapping[str, Any] = KernelSpecManager(parent=self).get_all_specs()
        kernels = []
        for name, found in sorted(specs.items()):
            spec: dict[str, Any] = found["spec"]
            kernels.append(
                {
                    "name": name,
                    "display_name": spec.get("display_name", ""),
                    "language": str(spec.get("language", "")).lower(),
                    "folder": found["resource_dir"],
                    "state": "not asked",
                    "detail": "",
                }
            )
        python = [kernel for kernel in kernels if kernel["language"] == "python"]
        for kernel in kernels:
            if kernel not in python:
                kernel.update(state="not guarded", detail="not a Python kernel")
        if self.ask_kernels:
            asyncio.run(_ask_all(python, self.timeout))
        return kernels


def spool_state(folder: Path) -> SpoolState:
    """Say whether strikes could be recorded there, without writing."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not os.access(existing, os.W_OK | os.X_OK):
        return SpoolState.DENIED
    if hasattr(os, "statvfs"):
        disk = os.statvfs(existing)
        if disk.f_flag & getattr(os, "ST_RDONLY", 0):
            return SpoolState.READ_ONLY
        if not disk.f_bavail:
            return SpoolState.FULL
    return SpoolState.READY


async def _ask_all(kernels: list[dict[str, Any]], timeout: float) -> None:
    # One after the other: a hub's login node has better things to do than start ten kernels at once.
    for kernel in kernels:
        kernel["state"], kernel["detail"] = await ask(kernel["name"], timeout)


async def ask(name: str, timeout: float) -> tuple[str, str]:
    """Start a kernel and read from its first reply whether it is guarded."""
    manager = AsyncKernelManager(kernel_name=name)
    try:
        await manager.start_kernel(stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=timeout)
            reply = await client.kernel_info(reply=True, timeout=timeout)
        finally:
            client.stop_channels()
    except Exception as error:  # a spec of another's making may fail in any way
        return "does not start", f"{type(error).__name__}: {error}".strip()
    finally:
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)
    guard = reply["content"].get("tos_guard")
    if not isinstance(guard, dict):
        return "not guarded", "jupyter_tos_guard is not installed in that kernel's environment, or is off"
    return str(guard.get("state")), str(guard.get("detail") or "")


def show(status: Mapping[str, Any], console: Console) -> None:
    """Print the status for people."""
    policy = status["policy"]
    if policy.get("problem"):
        console.print(f"[red]policy[/]    {printable(policy['problem'], 1000)}")
    else:
        off = ", ".join(clause for clause, state in policy["clauses"].items() if state == "off")
        console.print(f"mode      {policy['mode']}")
        version = f"{printable(policy['id'])} {printable(policy['version'])}, {_age(policy['age_seconds'])}"
        console.print(f"policy    {version}, {policy['rules']} rules, {policy['indicators']} indicators")
        console.print(f"          {printable(policy['path'], 500)}")
        console.print(f"off       {printable(off, 500) or 'no clause'}")
    if policy.get("detail"):
        console.print(f"[yellow]          {policy['state']}: {printable(policy['detail'], 500)}[/]")
    if status["central"]:
        _show_central(status["central"], console)
    record = status["record"]
    folder = printable(record["folder"], 500)
    console.print(f"record    {record['state']}, {record['strikes']} strikes in {folder}")
    for name, origin in status["settings"]["set_by"].items():
        console.print(f"setting   {printable(name)} by {printable(origin, 500)}")
    for problem in status["settings"]["problems"]:
        console.print(f"[red]setting[/]   {printable(problem, 500)}")
    table = Table("kernel", "language", "guard", "", box=None, pad_edge=False, header_style="bold")
    for kernel in status["kernels"]:
        style = "green" if kernel["state"] == "guarded" else "yellow"
        table.add_row(
            printable(kernel["name"]),
            printable(kernel["language"]),
            f"[{style}]{printable(kernel['state'])}[/]",
            printable(kernel["detail"], 400),
        )
    if status["kernels"]:
        console.print(table)
    else:
        console.print(f"no kernels are installed for {sys.prefix}")


def _show_central(central: Mapping[str, Any], console: Console) -> None:
    console.print(f"central   {printable(central['url'], 300)}")
    answered = f"last answer {_day(central['last_answer'])}" if central["last_answer"] else "no answer yet"
    console.print(
        f"          {answered}, {central['confirmed']} records confirmed, {central['waiting']} waiting"
    )
    if central["problem"]:
        console.print(f"[red]          {printable(central['problem'], 600)}[/]")
    if central["standing"]:
        until = f" until {_day(central['until'])}" if central["until"] else ""
        held = [
            *(["no code runs"] if central["paused"] else []),
            *(f"no warning can be passed over under {clause}" for clause in central["blocked_clauses"]),
        ]
        effects = f": {printable('; '.join(held), 500)}{until}" if held else ""
        console.print(f"standing  {central['standing']}{effects}")


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _age(seconds: int) -> str:
    if seconds < 2 * _DAY:
        return f"{seconds // 3600} hours old"
    return f"{seconds // _DAY} days old"
