"""How files are named between cells: one spelling for each path.

Nothing here looks at the disk; two names of one file by way of a link stay two.
"""

from __future__ import annotations

import posixpath

#: What a shell or ``expanduser`` makes of the home folder, as it is met on hubs.
_HOMES = ("/home/jovyan", "/root", "$HOME", "${HOME}")


def resolve(path: str, cwd: str = "") -> str:
    """Spelling under which ``State.files`` knows ``path``.

    ``./`` and ``..`` are folded, the usual home folders become ``~``, and a
    relative path is put behind ``cwd`` when that is known.
    """
    path = path.strip()
    for home in _HOMES:
        if path == home or path.startswith(home + "/"):
            path = "~" + path[len(home) :]
            break
    if cwd and not path.startswith(("/", "~")):
        path = cwd.rstrip("/") + "/" + path
    if not path:
        return ""
    return posixpath.normpath(path)
