"""A small HTTP/1.1 listener: raw target, raw body, and the power to leave a request without an answer."""

from __future__ import annotations

import asyncio
import ssl
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import h11
import msgspec

HOST: Final = "127.0.0.1"
HEAD_BYTES_MAX: Final = 65_536
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
_READ_BYTES: Final = 65_536
#: An idle or stalled connection is closed after this.
IDLE_S_MAX: Final = 120.0

Json = dict[str, Any]


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came. ``target`` is in origin form (path and query), byte for byte; header names lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    certificate: bytes = b""  # what the caller showed on an encrypted line, verified (DER)

    @property
    def path(self) -> str:
        """The path, unquoted."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


class Unanswered(Exception):
    """The request was worked on, but the line breaks before the answer."""


Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


def json_response(status: int, value: object, **headers: str) -> HttpResponse:
    """An answer in JSON."""
    body = msgspec.json.encode(value)
    return HttpResponse(status=status, body=body, headers={"Content-Type": "application/json", **headers})


def json_object(body: bytes) -> Json:
    """The JSON object in a body; an empty body counts as an empty object.

    Raises:
        msgspec.DecodeError: the body is no JSON object.
    """
    return msgspec.json.decode(body, type=dict[str, Any]) if body else {}


class Listener:
    """One port with its handler."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self.port = 0

    async def open(self, port: int) -> None:
        """Listen on the loopback address; 0 takes a free port."""
        self._server = await asyncio.start_server(self._accept, HOST, port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._conversations):
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    @property
    def url(self) -> str:
        """The root of this port."""
        return f"{'http' if self._tls is None else 'https'}://{HOST}:{self.port}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        try:
            await self._converse(reader, writer)
        except (h11.ProtocolError, ConnectionError, TimeoutError, Unanswered, asyncio.CancelledError):
            pass
        finally:
            self._conversations.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX)
        while True:  # ends when either side closes, or is idle too long
            request = await _receive(connection, reader, writer)
            if request is None:
                return
            writer.write(_encoded(connection, await self._answer(request)))
            await writer.drain()
            if connection.our_state is h11.MUST_CLOSE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            return await self._handler(request)
        except Unanswered:
            raise
        except Exception:  # noqa: BLE001 (a fault of the sandbox itself must be seen, and must not end it)
            traceback.print_exc(file=sys.stderr)
            return json_response(500, {"code": "SANDBOX_ERROR", "message": "the sandbox broke; see its standard error"})


async def _receive(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> HttpRequest | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:  # ends with the request, at a size limit or when idle too long
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                reply = h11.InformationalResponse(status_code=100, headers=[])
                writer.write(connection.send(reply) or b"")
            async with asyncio.timeout(IDLE_S_MAX):
                connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_BYTES_MAX:
                raise h11.RemoteProtocolError("body too large", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return HttpRequest(
                method=head.method.decode(),
                target=_origin_form(head.target.decode("latin-1")),
                headers={name.decode(): value.decode("latin-1") for name, value in head.headers},
                body=bytes(body),
                certificate=_shown(writer),
            )
        else:  # the peer hung up, or paused for good
            return None


def _shown(writer: asyncio.StreamWriter) -> bytes:
    line = writer.get_extra_info("ssl_object")
    return b"" if line is None else line.getpeercert(binary_form=True) or b""


def _origin_form(target: str) -> str:
    """Some SDKs send ``POST http://host/path``, as to a proxy; routers and signatures need ``/path``."""
    for scheme in ("http://", "https://"):
        if target.lower().startswith(scheme):
            return "/" + target[len(scheme) :].partition("/")[2]
    return target


def _encoded(connection: h11.Connection, response: HttpResponse) -> bytes:
    headers = [(name, value) for name, value in response.headers.items() if name.lower() != "content-length"]
    if response.status != 204:
        headers.append(("Content-Length", str(len(response.body))))
    sent = connection.send(h11.Response(status_code=response.status, headers=headers)) or b""
    if response.body and response.status != 204:
        sent += connection.send(h11.Data(data=response.body)) or b""
    return sent + (connection.send(h11.EndOfMessage()) or b"")
