"""What a report of strikes may be, version 1; described for people in ``docs/protocol.md``.

Everything in a report comes from a process in which user code runs, so everything is bounded
and nothing in it says who the user is. A report that is not one is refused whole; a record in it
that is none is refused alone, since what the client cannot mend must not keep it from
sending the rest.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from jupyter_tos_guard.strikes.strike import MAX_EVIDENCE, MAX_FACTS, MAX_STEPS, MAX_TEXT

VERSION: Final = 1
#: Largest report, compressed and not, in bytes.
MAX_COMPRESSED: Final = 1 << 20
MAX_PLAIN: Final = 8 << 20
MAX_RECORDS: Final = 1000
MAX_STREAMS: Final = 1000
MAX_GUARDS: Final = 200
#: Largest number that all JSON readers agree on.
MAX_NUMBER: Final = 2**53 - 1
_MAX_INT: Final = 2**31 - 1
#: Year 5138: no clock is that wrong, and every database takes it.
_MAX_TIME: Final = 1e11


class ReportError(Exception):
    """A body that is no report; the text says where and why.

    Attributes
    ----------
    status : int
        400 not readable, 413 too large, 415 not an encoding that is taken, 422 not as the protocol says.
    """

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.hint = status, code, message, hint


#: How JSON may spell what PostgreSQL's text cannot hold: escapes of NUL and surrogates, other encodings than
#: UTF-8, and surrogates in it. Nearly no report has any.
_ODD: Final = re.compile(rb"[\0\xed]|\\u(?:0000|[dD][89a-fA-F])")


def _storable(value: Any) -> Any:
    """Write out what PostgreSQL's text cannot hold, in all texts: NUL and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    return value


Text = Annotated[str, Field(max_length=MAX_TEXT)]
Word = Annotated[str, Field(max_length=20)]
Name = Annotated[str, Field(max_length=100)]
Number = Annotated[int, Field(ge=0, le=_MAX_INT)]
Time = Annotated[FiniteFloat, Field(ge=0, le=_MAX_TIME)]
StreamName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]


class _Model(BaseModel):
    # Unknown keys are left out: a newer client may say more.
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class StrikeIn(_Model):
    """A strike as a client sends it: :meth:`jupyter_tos_guard.strikes.strike.Strike.to_json`."""

    id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
    time: Time
    server: Text = ""
    kernel: Text = ""
    notebook: Text = ""
    request: Text = ""
    rule: Annotated[str, Field(min_length=1, max_length=100)]
    clause: Name
    level: Word = ""
    policy_version: Name
    severe: bool
    action: Literal["observe", "warn", "acknowledge", "block"]
    sensor: Word
    cell_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{0,64}$")]
    line: Number
    column: Number
    end_line: Number = 0
    end_column: Number = 0
    evidence: Annotated[str, Field(max_length=4 * MAX_EVIDENCE)] = ""
    verdict: Word = ""
    decoded: Text = ""
    provenance: Annotated[list[Text], Field(max_length=MAX_STEPS)] = []
    facts: Annotated[
        list[Annotated[list[Text], Field(min_length=2, max_length=2)]], Field(max_length=MAX_FACTS)
    ] = []


class RecordIn(_Model):
    """One line of a client's record."""

    stream: StreamName
    seq: Annotated[int, Field(ge=1, le=MAX_NUMBER)]
    strike: dict[Any, Any] = Field(description="A strike; one that is none is refused alone.")


class StreamIn(_Model):
    """How many records the client knows to have been written to one file."""

    stream: StreamName
    announced: Annotated[int, Field(ge=0, le=MAX_NUMBER)]


class GuardIn(_Model):
    """One kernel and whether it is guarded."""

    kernel: Name
    name: Name = ""
    state: Annotated[str, Field(max_length=40)] = ""
    detail: Text = ""


class Report(_Model):
    """What a client sends."""

    v: Literal[1]
    client: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    server: Annotated[str, Field(max_length=255)] = ""
    sent: Time
    policy_version: Name = ""
    mode: Word = ""
    serial: Annotated[int, Field(ge=0, le=MAX_NUMBER)] = 0
    guards: Annotated[list[GuardIn], Field(max_length=MAX_GUARDS)] = []
    streams: Annotated[list[StreamIn], Field(max_length=MAX_STREAMS)] = []
    records: Annotated[list[RecordIn], Field(max_length=MAX_RECORDS)] = []


_STRIKE: Final = TypeAdapter(StrikeIn)


def unpack(body: bytes, encoding: str) -> bytes:
    """Return the body in plain, never more than :data:`MAX_PLAIN` bytes of it in memory.

    Raises
    ------
    ReportError
    """
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise ReportError(415, "encoding", "this Content-Encoding is not taken", "Send gzip, or no encoding.")
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(body, MAX_PLAIN + 1)
    except zlib.error:
        raise ReportError(400, "not-gzip", "the body is not gzip, though its header says so") from None
    if len(plain) > MAX_PLAIN:
        raise ReportError(
            413,
            "too-large",
            f"the body unpacks to more than {MAX_PLAIN} bytes",
            f"Send fewer records at once, at most {MAX_RECORDS}.",
        )
    if not reader.eof or reader.unused_data:
        raise ReportError(400, "not-gzip", "the gzip body does not end where the body ends")
    return plain


def parse(plain: bytes) -> Report:
    """Return the report.

    Raises
    ------
    ReportError
    """
    try:
        # Not pydantic's own reader: code may hold half a surrogate pair, which that one refuses.
        data = json.loads(plain)
        if _ODD.search(plain):
            data = _storable(data)
    except (ValueError, RecursionError) as error:
        where = (
            f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        )
        raise ReportError(400, "not-json", "the body is not JSON", where) from None
    try:
        return Report.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["loc"] == ("v",):
            raise ReportError(
                422,
                "version",
                f"v: this service speaks version {VERSION} of the protocol",
                "Update the client, or the service.",
            ) from None
        raise ReportError(422, "not-a-report", problem_of(error)) from None


def strike_of(record: RecordIn) -> StrikeIn | str:
    """Return the strike of a record, or what is wrong with it."""
    try:
        return _STRIKE.validate_python(record.strike)
    except ValidationError as error:
        return problem_of(error)


def problem_of(error: ValidationError) -> str:
    """Return the first problem in words, without what the sender wrote."""
    errors: Sequence[Any] = error.errors(include_url=False, include_context=False, include_input=False)
    where = ".".join(str(part)[:60] for part in errors[0]["loc"])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where or 'the body'}: {errors[0]['msg'][:200]}{more}"


def schema() -> dict[str, Any]:
    """Return the JSON schema of a report, a strike in place."""
    made: dict[str, Any] = Report.model_json_schema(ref_template="#/components/schemas/{model}")
    return made
