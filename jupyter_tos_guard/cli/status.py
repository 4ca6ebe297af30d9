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
from jupyter_tos_guard.strikes.spool import SpoolState, read

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
        try:
            path = self.bundle_path
            bundle = self.bundle
        except Refusal as refusal:
            return {"problem": str(refusal)}
        return {
            "path": str(path),
            "id": bundle.id,
            "version": bundle.version,
            "age_seconds": round(max(0.0, time.time() - path.stat().st_mtime)),
            "rules": bundle.rule_count,
            "indicators": bundle.indicator_count,
            "mode": self.environment.traits.mode or bundle.mode.value,
            "clauses": {
                clause.id: "on" if self._is_on(clause.id, clause.enabled) else "off"
                for clause in bundle.terms.clauses
            },
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


def _age(seconds: int) -> str:
    if seconds < 2 * _DAY:
        return f"{seconds // 3600} hours old"
    return f"{seconds // _DAY} days old"
