"""``jupyter tos-guard policy fingerprint``: prints a program's digests, as rules take them."""

from __future__ import annotations

from pathlib import Path

from jupyter_tos_guard.cli.reading import UnreadableError, read_cells
from jupyter_tos_guard.cli.verb import Exit, Refusal, Verb
from jupyter_tos_guard.inspection.digests import exact_digest, fingerprint, shape_digest, token_digest


class FingerprintApp(Verb):
    """Print a program's digests, as rules take them."""

    name = "jupyter-tos-guard-policy-fingerprint"
    description = """Print the digests and the fingerprint of a program, as rules take them. A fingerprint
    still matches when parts were changed, added or removed, a shape digest when only names were.

    Exit codes: 0 printed, 1 too short for a fingerprint (the digests are printed), 3 the file cannot be
    read."""
    examples = "jupyter tos-guard policy fingerprint miner.py"

    def run(self) -> Exit:
        """Print what the file's text is known by."""
        path = Path(self.one_argument("file"))
        try:
            sources = [cell.source for cell in read_cells(path)]
        except UnreadableError as error:
            raise Refusal(f"{path} cannot be read: {error}", Exit.UNREADABLE) from None
        source = "\n".join(sources)
        grams = " ".join(f"{gram:016x}" for gram in sorted(fingerprint(source)))
        digests = [
            f"exact:{exact_digest(source)}",
            f"tokens:{token_digest(source)}",
            f"shape:{shape_digest(source)}",
        ]
        if self.as_json:
            self.print_json({"digest": digests, "fingerprint": grams})
        else:
            print("digest:", *(f"  - {digest}" for digest in digests), sep="\n")
            print("fingerprint:", f"  - {grams}" if grams else "  # too short for one", sep="\n")
        return Exit.OK if grams else Exit.FLAGGED
