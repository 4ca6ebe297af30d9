"""What can be wrong with a request to casework, in words for the person who made it."""

from __future__ import annotations


class CaseworkError(Exception):
    """An act that cannot be done.

    Parameters
    ----------
    message : str
        What is wrong.
    hint : str, optional
        How to mend it.
    """

    code = "invalid"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidError(CaseworkError):
    """Something was written that does not make sense."""


class NotFoundError(CaseworkError):
    """It does not exist, or is somebody else's: the answer is the same."""

    code = "not-found"


class ConflictError(CaseworkError):
    """It was done already, or is not in a state in which it can be done."""

    code = "conflict"


class NotAllowedError(CaseworkError):
    """Somebody else has to do it."""

    code = "not-allowed"
