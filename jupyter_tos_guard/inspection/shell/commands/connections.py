"""Programs that connect to a host: ssh, its kin, and copies over it."""

from __future__ import annotations

import re

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.shell.options import first_operand, split, value_of, values_of
from jupyter_tos_guard.inspection.shell.process import (
    Handler,
    Process,
    Stream,
)
from jupyter_tos_guard.inspection.shell.wrappers import (
    copy_file,
)

_SSH_LETTERS = "BbcDEeFIiJLlmOoPpQRSWw"


def _ssh(process: Process) -> str:
    """``ssh``, ``autossh``, ``mosh``, ``dropbear``'s ``dbclient``, ``et``, ``sshpass … ssh``."""
    arguments = process.arguments
    letters = _SSH_LETTERS + ("M" if process.name == "autossh" else "")
    at, options = first_operand(arguments, letters, ("ssh", "port", "server", "client", "predict"))
    # ssh takes options after the host, too.
    host = arguments[at] if at < len(arguments) else ""
    after, more = first_operand(arguments[at + 1 :], letters, ())
    options += more
    process.announce()
    command = arguments[at + 1 + after :]
    config = _ssh_config(process, host, value_of(options, "F"))
    for name, value in [*options, *config]:
        _ssh_option(process, name, value)
    flags = {c for a in arguments[: at + 1 + after] if re.fullmatch(r"-[A-Za-z]+", a) for c in a[1:]}
    for flag in sorted(flags):
        process.emit(Kind.ARGUMENT, f"{process.name} -{flag}")
    target = next((value for name, value in config if name == "hostname"), "") or host
    if target:
        _connected(process, "ssh", target)
    if command:
        process.shell(" ".join(command), f"{process.name} {host}")
    elif (text := process.stdin.rest()).replace(HOLE, "").strip():
        process.shell(text, f"piped to {process.name} {host}")
    return HOLE


def _connected(process: Process, scheme: str, target: str) -> None:
    """Report the host of ``user@host``, ``host:port`` or an address."""
    if "://" in target:
        process.fetch(target)
        return
    process.fetch(f"{scheme}://" + target.rpartition("@")[2])


_FORWARDINGS = {"remoteforward": "R", "localforward": "L", "dynamicforward": "D", "tunnel": "w"}


def _ssh_option(process: Process, name: str, value: str) -> None:
    if name in "RLDwNJW" and len(name) == 1:
        process.emit(Kind.ARGUMENT, f"{process.name} -{name}")
        if value:
            process.emit(Kind.ARGUMENT, f"{process.name} {value}")
        if name == "J" and value:
            for hop in value.split(","):
                _connected(process, "ssh", hop)
        return
    key, _, text = (
        re.sub(r"\s*=\s*|\s+", "=", value.strip(), count=1).partition("=")
        if name == "o"
        else (name, "", value)
    )
    key = key.lower()
    if key in _FORWARDINGS:
        if text.lower() not in ("no", ""):
            process.emit(Kind.ARGUMENT, f"{process.name} -{_FORWARDINGS[key]}")
            process.emit(Kind.ARGUMENT, f"{process.name} {':'.join(text.split())}")
    elif key == "proxyjump" and text.lower() != "none":
        _connected(process, "ssh", text.split(",")[0])
    elif key in ("proxycommand", "localcommand", "knownhostscommand") and text.lower() != "none":
        process.shell(text.replace("%h", "localhost").replace("%p", "22"), f"{process.name} {key}")
    elif key == "remotecommand":
        process.shell(text, f"{process.name} remote command")


def _ssh_config(process: Process, host: str, path: str | None) -> list[tuple[str, str]]:
    """Options that a configuration written by the session gives ``host``."""
    from jupyter_tos_guard.inspection.shell.expansion import Pattern

    if not process.state.files:
        return []
    text = process.read(path or "~/.ssh/config")
    found: list[tuple[str, str]] = []
    applies = True
    for line in (text or "").splitlines()[:1000]:
        match = re.match(r"\s*(\w+)\s*[=\s]\s*\"?(.*?)\"?\s*$", line)
        if match is None:
            continue
        key, value = match.group(1).lower(), match.group(2)
        if key == "host":
            applies = any(Pattern(p).matches(host.rpartition("@")[2]) for p in value.split())
        elif applies:
            found.append((key, value))
    return found


def _copy_remote(process: Process) -> str:
    """``scp``, ``sftp``, ``rsync``: ``host:path`` operands."""
    process.announce()
    options, operands = split(
        process.arguments,
        "cFiJloPSXDTMeBfb",
        (
            "rsh",
            "exclude",
            "include",
            "filter",
            "bwlimit",
            "partial-dir",
            "port",
            "files-from",
            "password-file",
            "rsync-path",
        ),
    )
    for command in (
        values_of(options, "e", "rsh") if process.name == "rsync" else values_of(options, "S", "D")
    ):
        process.shell(
            command + " " + next((o.split(":")[0] for o in operands if ":" in o), ""), f"{process.name} -e"
        )
    for name, value in options:
        if name in ("o", "J") and process.name != "rsync":
            _ssh_option(process, name, value)
    remote = False
    for operand in operands:
        if "://" in operand:
            process.fetch(operand)
            remote = True
        elif found := re.match(
            r"(?:[^\s@:/]+@)?([\w.\-]+|\[[0-9a-f:]+\])::?(?!/)",
            operand + "x" if operand.endswith(":") else operand,
        ):
            process.fetch("ssh://" + found.group(1))
            remote = True
        elif found := re.match(r"(?:[^\s@:/]+@)([\w.\-]+)(?::.*)?$|([\w.\-]+):/", operand):
            process.fetch("ssh://" + (found.group(1) or found.group(2)))
            remote = True
        elif process.name == "sftp":
            _connected(process, "ssh", operand)
            remote = True
    if not remote and len(operands) > 1:
        for source in operands[:-1]:
            copy_file(source, operands[-1], process.state, process.origin)
    return HOLE


def _netcat(process: Process) -> str:
    """``nc``, ``ncat``, ``telnet``, ``socat``: hosts, ports, and the programs that they start."""
    if process.name == "socat":
        return _socat(process)
    process.announce()
    options, operands = split(
        process.arguments,
        "eciIGmMopqsTwWxXPVgS" if process.name == "nc" else "bceklnSXE",
        ("exec", "sh-exec", "lua-exec", "proxy", "proxy-type", "source-port", "source", "wait"),
    )
    for command in values_of(options, "e", "c", "exec", "sh-exec") if process.name == "nc" else []:
        if command:
            process.shell(command, f"{process.name} -e", stdin=Stream(HOLE, piped=False))
    for proxy in values_of(options, "x", "proxy"):
        process.fetch("tcp://" + proxy)
    listening = any(name in ("l", "listen") for name, _ in options)
    if operands and not listening:
        port = operands[1] if len(operands) > 1 else ""
        process.fetch(f"tcp://{operands[0]}" + (f":{port}" if port.isdigit() else ""))
    return HOLE


#: Addresses of socat that are on this computer only.
_SOCAT_LOCAL = frozenset(
    "- stdio stdin stdout stderr exec system shell fd file open create gopen pipe pty".split()
)


def _socat(process: Process) -> str:
    kinds = {
        each.partition(":")[0].partition(",")[0].lower() for each in process.arguments if each[:1] != "-"
    }
    process.announce(data=kinds <= _SOCAT_LOCAL)
    for address in process.arguments:
        kind, _, rest = address.partition(":")
        kind = kind.lower()
        if kind in ("exec", "system", "shell"):
            process.shell(rest.split(",")[0], "socat exec")
        elif (
            kind.startswith(("tcp", "udp", "openssl", "ssl", "socks", "proxy", "ws"))
            and "listen" not in kind
            and not kind.endswith("-l")
        ):
            host, _, port = rest.split(",")[0].partition(":")
            process.fetch(f"tcp://{host}" + (f":{port}" if port.isdigit() else ""))
    return HOLE


def _sshpass(process: Process) -> str:
    at, _ = first_operand(process.arguments, "pfdP", ())
    return process.run(process.arguments[at:]) if at < len(process.arguments) else ""


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("ssh", "autossh", "mosh", "dbclient", "et", "slogin"), _ssh),
    **dict.fromkeys(("scp", "sftp", "rsync"), _copy_remote),
    **dict.fromkeys(("nc", "telnet", "socat", "rlogin", "nc.traditional", "nc.openbsd"), _netcat),
    "sshpass": _sshpass,
}
