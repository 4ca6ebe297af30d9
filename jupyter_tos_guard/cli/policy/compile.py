"""``jupyter tos-guard policy compile``: makes the bundle that clients get."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from traitlets import Unicode

from jupyter_tos_guard.cli.policy.folder import FolderVerb
from jupyter_tos_guard.cli.verb import Exit, Refusal, compile_folder
from jupyter_tos_guard.policy.bundle import Bundle


class CompileApp(FolderVerb):
    """Make the bundle that clients get."""

    name = "jupyter-tos-guard-policy-compile"
    description = """Make the bundle that clients get: salted digests and conditions, nothing readable of
    what rules look for.
    The same folder gives the same bytes. The file is replaced in one step: kernels that have it open keep
    the old one
    until they look again.

    Exit codes: 0 written, 3 no such policy or the file cannot be written, 4 the folder has errors."""
    examples = "jupyter tos-guard policy compile examples/policy --output policy.bundle"
    output = Unicode("policy.bundle", help="The file to write.").tag(config=True)
    aliases = {**FolderVerb.aliases, "output": "CompileApp.output"}

    def run(self) -> Exit:
        """Compile the folder."""
        data = compile_folder(self.folder())
        output = Path(self.output).expanduser()
        try:
            replace_file(output, data)
        except OSError as error:
            raise Refusal(f"{output} cannot be written: {error.strerror}", Exit.UNREADABLE) from None
        bundle = Bundle.from_bytes(data)
        summary = {
            "output": str(output),
            "bytes": len(data),
            "version": bundle.version,
            "rules": bundle.rule_count,
            "indicators": bundle.indicator_count,
        }
        if self.as_json:
            self.print_json(summary)
        else:
            print(
                f"{output}: version {bundle.version}, {bundle.rule_count} rules, "
                f"{bundle.indicator_count} indicators, {len(data)} bytes"
            )
        return Exit.OK


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that whoever has the old one mapped keeps it whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)  # mkstemp's 0600 would hide a hub's policy from its users
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
