"""``jupyter tos-guard policy new``: starts a rule."""

from __future__ import annotations

import re
from uuid import uuid4

from traitlets import Unicode

from jupyter_tos_guard.cli.policy.folder import FolderVerb, policy_folder
from jupyter_tos_guard.cli.verb import Exit, Refusal

_TEMPLATE = """\
title: Say what the cell does, without names
id: {id}
name: {name}
status: experimental
level: medium
description: >-
  What it looks for, and why that breaks the clause.
references:
  - https://example.org/where-this-is-known-from
falsepositives:
  - Who does the same for an honest reason
logsource: {{product: jupyter, category: execution}}
detection:
  fetched:
    repository:
      - github.com/owner/name
  condition: fetched
clause: {clause}
action: warn
message: This cell does something that the clause does not allow.
examples:
  match:
    - "!git clone https://github.com/owner/name"
  no_match:
    - "# git clone https://github.com/owner/name"
"""


class NewApp(FolderVerb):
    """Start a rule."""

    name = "jupyter-tos-guard-policy-new"
    description = """Start a rule: rules/CLAUSE/NAME.yml with everything that a rule must hold, to be filled
    in.

    Exit codes: 0 written, 2 not a name for a rule or it exists, 3 no such policy."""
    examples = "jupyter tos-guard policy new --policy examples/policy mining/new-miner-fetched"
    policy = Unicode(".", help="The folder with policy.yml.").tag(config=True)
    aliases = {**FolderVerb.aliases, "policy": "NewApp.policy"}

    def run(self) -> Exit:
        """Write the file."""
        wanted = self.one_argument("rule, as CLAUSE/NAME")
        match = re.fullmatch(r"([a-z0-9]+(?:-[a-z0-9]+)*)/([a-z0-9]+(?:-[a-z0-9]+)*)", wanted)
        if not match:
            raise Refusal(f"{wanted!r} is not CLAUSE/NAME: lower case letters, digits and - on both sides.")
        clause, name = match.groups()
        path = policy_folder(self.policy) / "rules" / clause / f"{name}.yml"
        if path.exists():
            raise Refusal(f"{path} exists.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_TEMPLATE.format(id=uuid4(), name=name, clause=clause), encoding="utf-8")
        print(path)
        return Exit.OK
