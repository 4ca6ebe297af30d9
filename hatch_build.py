"""Build hook: compiles the default policy, so that a wheel carries digests and no readable rules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "jupyter_tos_guard/policy/default"
BUNDLE = "jupyter_tos_guard/policy/default.bundle"


class DefaultPolicyHook(BuildHookInterface[Any]):
    """Makes ``default.bundle`` from the default pack, for wheels and editable installs.

    A wheel without a policy would guard nothing, so its build fails when the pack
    does. An editable install of a pack under work only warns, and keeps the last
    bundle that compiled.
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the files of the build are chosen."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root))
        try:
            from jupyter_tos_guard.policy.compile import compile_policy
            from jupyter_tos_guard.policy.document import PolicyError

            try:
                data = compile_policy(root / FOLDER)
            except PolicyError as error:
                message = f"the default policy does not compile:\n{error}"
                if version != "editable":
                    self.app.abort(message)
                self.app.display_warning(message)
                return
            (root / BUNDLE).write_bytes(data)
        finally:
            sys.path.remove(str(root))

    def clean(self, versions: list[str]) -> None:
        """Remove what was built."""
        (Path(self.root) / BUNDLE).unlink(missing_ok=True)
