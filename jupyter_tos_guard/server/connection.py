"""The websocket connection of a client to a kernel, with the gate in it.

:func:`guarded` puts :class:`Gating` in front of whatever connection class is
configured (jupyter_server's own, the one for gateways, another package's), so
that those keep working. Everything but execute requests goes through byte for byte;
what is done with those is the :mod:`.kernel_gate`'s part.

For servers that load no extensions (Kernel Gateway), two ready-made classes::

    c.KernelGatewayApp.kernel_websocket_connection_class = (
        "jupyter_tos_guard.server.connection.GuardedZMQChannelsWebsocketConnection"
    )
"""

from __future__ import annotations

import contextlib
import inspect
import uuid
from collections.abc import Callable
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import zmq
from jupyter_server.gateway.connections import GatewayWebSocketConnection
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.websocket import WebSocketClosedError

from jupyter_tos_guard.server import answers
from jupyter_tos_guard.server.encoding import V1, Malformed, Message, Raw, encode, execute_request

if TYPE_CHECKING:
    from jupyter_server.services.kernels.connection.base import BaseKernelWebsocketConnection as _Base

    from jupyter_tos_guard.server.kernel_gate import KernelGate
else:
    _Base = object


class _PassedText(str):
    """A message that has been through the gate."""


class _PassedBytes(bytes):
    """A message that has been through the gate."""


_PASSED = (_PassedText, _PassedBytes)


class Gating(_Base):
    """A connection that asks before it passes on; to be put in front of a connection class."""

    _tos_gate: KernelGate | None = None
    _tos_may_wait = True
    _tos_closed = ""
    _tos_left = False
    _tos_session = uuid.uuid4().hex
    _tos_write: Callable[[Raw, bool], Any]

    @cached_property
    def client_id(self) -> str:
        """Which client it is; the same after a reconnection."""
        return str(self.session_id)  # jupyter_server has no types

    @cached_property
    def subprotocol(self) -> str | None:
        """The encoding's name if it has one; also when the websocket has closed and lets go what is held."""
        no_property = object()
        known = getattr(super(), "subprotocol", no_property)
        if known is no_property:
            known = getattr(self.websocket_handler, "selected_subprotocol", None)
            return V1 if V1 in (self.kernel_ws_protocol, known) else None
        return V1 if known == V1 else None

    @cached_property
    def v1(self) -> bool:
        """Whether client and server speak the encoding with a name."""
        return self.subprotocol == V1

    async def connect(self) -> None:
        """Have the gate ready before the first message, then connect."""
        try:
            v1 = self.v1  # a websocket that has closed no longer says
            from jupyter_tos_guard.server.gates import gate_of

            gate = gate_of(self)
            await gate.open()
            if self._tos_left:
                return
            self._tos_gate = gate
            self._watch_what_goes_out(gate, v1)
            gate.join(self)
        except Exception as error:
            self._without_gate(error)
        connected: Any = super().connect()  # type: ignore[no-untyped-call]  # jupyter_server has no types
        if inspect.isawaitable(connected):
            await connected

    def disconnect(self) -> Any:
        """Let go what is still here, then disconnect."""
        self._tos_left = True
        if self._tos_gate is not None:
            try:
                self._tos_gate.leave(self)
                for stream in getattr(self, "channels", {}).values():
                    stream.flush(zmq.POLLOUT)  # else what has just been let go is lost when they are closed
            except Exception as error:
                self.log.error("jupyter_tos_guard: a client could not be let go", exc_info=error)
        return super().disconnect()  # type: ignore[no-untyped-call]  # jupyter_server has no types

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Pass on what is no execute request as it is; ask about the rest."""
        gate = self._tos_gate
        if isinstance(incoming_msg, _PASSED):
            self.forward(incoming_msg)
            return
        try:
            message = execute_request(incoming_msg, self.v1)
        except Malformed as error:
            self.log.warning("jupyter_tos_guard: a message was dropped: %s", error)
            return
        except Exception as error:
            self.log.error("jupyter_tos_guard: a message could not be looked at", exc_info=error)
            if self._closes(error):
                return
            message = None
        if message is not None and gate is None and self._tos_closed:
            self._refuse(message, self._tos_closed)
            return
        taken = False
        if gate is not None:
            try:
                taken = gate.take(self, incoming_msg, message)
            except Exception as error:
                self.log.error("jupyter_tos_guard: a message could not be taken", exc_info=error)
                if message is not None and (why := self._closes(error)):
                    self._refuse(message, why)
                    return
        if not taken:
            self.forward(incoming_msg)

    def forward(self, raw: Raw) -> None:
        """Hand a message on to the kernel."""
        if self._tos_may_wait and getattr(self, "ws", self) is None:
            # A gateway that is not connected yet: its class will call handle_incoming_message again.
            raw = _PassedText(raw) if isinstance(raw, str) else _PassedBytes(raw)
        super().handle_incoming_message(raw)  # type: ignore[arg-type]  # it takes bytes, too

    def send(self, raw: Raw) -> None:
        """Hand a message to the client."""
        with contextlib.suppress(WebSocketClosedError):
            self._tos_write(raw, isinstance(raw, bytes))

    def _watch_what_goes_out(self, gate: KernelGate, v1: bool) -> None:
        """Look at each message to the client, whichever way its class takes to send it."""
        handler: Any = self.websocket_handler
        write = self._tos_write = handler.write_message  # our own answers are not looked at

        def write_message(message: Any, binary: bool = False) -> Any:
            written = write(message, binary)
            try:
                if v1 or isinstance(message, str):  # else it has buffers: no reply to what matters here
                    gate.note(message)
            except Exception as error:
                self.log.error(
                    "jupyter_tos_guard: a message to a client could not be looked at", exc_info=error
                )
            return written

        handler.write_message = wraps(write)(write_message)

    def _refuse(self, message: Message, why: str) -> None:
        """Answer a request that nobody can decide about; a client would wait for ever."""
        self.log.error("jupyter_tos_guard: a request was refused: %s", why)
        value, traceback = answers.unguarded(why)
        for each in answers.refusal(message, None, value, traceback, 0):
            raw = encode(
                each.kind,
                each.content,
                message.header,
                channel="iopub" if each.everyone else message.channel,
                session=self._tos_session,
                metadata=each.metadata,
                v1=message.v1,
            )
            with contextlib.suppress(WebSocketClosedError):
                self.websocket_handler.write_message(raw, isinstance(raw, bytes))

    def _without_gate(self, error: Exception) -> None:
        """Say that the gate is missing, and do what the operator wants then."""
        self.log.error("jupyter_tos_guard is not active on this connection", exc_info=error)
        self._tos_closed = self._closes(error)

    def _closes(self, error: Exception) -> str:
        """Return why nothing is to run after a defect of ours; empty where the operator lets it run."""
        try:
            from jupyter_tos_guard.gate.settings import configuration

            return f"{type(error).__name__}: {error}"[:300] if configuration().closes_on_defects else ""
        except Exception as second:
            self.log.error("jupyter_tos_guard: the settings cannot be read", exc_info=second)
            return ""


def guarded(connection_class: type) -> type:
    """Return a connection class with :class:`Gating` in front of it."""
    if issubclass(connection_class, Gating):
        return connection_class
    name = f"Guarded{connection_class.__name__}"
    may_wait = not issubclass(connection_class, ZMQChannelsWebsocketConnection)
    own = {"__doc__": connection_class.__doc__, "_tos_may_wait": may_wait}
    return type(name, (Gating, connection_class), own)


GuardedZMQChannelsWebsocketConnection = guarded(ZMQChannelsWebsocketConnection)
GuardedGatewayWebSocketConnection = guarded(GatewayWebSocketConnection)
