"""The door for platforms: raw bytes in, verified and stored before they are acknowledged."""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

from hutong.core.asgi import Application, Receive, Scope, Send
from hutong.core.crashpoints import reach
from hutong.core.errors import HutongError, PlatformNotThere
from hutong.db.outages import log_trouble
from hutong.platforms.payments import Acknowledgement, Callbacks
from hutong.workflows.commands.take_notice import take_notice
from hutong.workflows.runtime import Runtime

log = logging.getLogger("hutong.callbacks")

PREFIX: Final = "/callbacks/"
CALLBACK_BYTES_MAX: Final = 64 * 1024
WRONG_METHOD: Final = 405
TOO_LARGE: Final = 413
STORE_FAILED: Final = 500


class CallbackDoor:
    """Raw ASGI in front of the application: the web framework took longer over a callback than its signature does
    (``make bench-payments``). Whatever is no callback of a connection goes on to the application, which says so.
    """

    def __init__(self, behind: Application, runtime: Runtime) -> None:
        self._behind = behind
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """``POST /callbacks/{platform}/{connection}``.

        401: the bytes do not verify. 404: no such connection. 405: not ``POST``. 413: too long for a callback. 500:
        it could not be stored; the platform sends it again.
        """
        named = _named(scope)
        if named is None:
            await self._behind(scope, receive, send)
            return
        platform, connection_id = named
        try:
            merchant_id = await self._runtime.merchant_of_connection(connection_id)
        except Exception as error:  # noqa: BLE001 (told, and sent again)
            log_trouble(log, error, "nobody knows whose callback of %s this is; it is not acknowledged", platform)
            await _answer(send, Acknowledgement(status=STORE_FAILED), STORE_FAILED)
            return
        callbacks = self._callbacks(platform)
        if merchant_id is None or callbacks is None:
            await self._behind(scope, receive, send)
            return
        if scope["method"] != "POST":
            await _answer(send, callbacks.refuse("method not allowed"), WRONG_METHOD, (b"allow", b"POST"))
            return
        body = await _body(receive)
        if body is None:
            await _answer(send, callbacks.refuse("too large"), TOO_LARGE)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            told = await take_notice(self._runtime, merchant_id, platform, connection_id, headers, body)
        except HutongError as error:
            await _answer(send, callbacks.refuse(error.code), error.status)
        except Exception as error:  # noqa: BLE001 (told, and sent again)
            log_trouble(log, error, "a callback of %s could not be stored; it is not acknowledged", platform)
            await _answer(send, callbacks.refuse("not stored"), STORE_FAILED)
        else:
            reach("ack:callback:leaves")
            await _answer(send, told, told.status)

    def _callbacks(self, platform: str) -> Callbacks | None:
        try:
            return self._runtime.registry.get(platform).callbacks
        except PlatformNotThere:
            return None


def _named(scope: Scope) -> tuple[str, UUID] | None:
    """The platform and the connection that the address names."""
    if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
        return None
    platform, _, number = scope["path"][len(PREFIX) :].partition("/")
    try:
        connection_id = UUID(number)
    except ValueError:
        return None
    return (platform, connection_id) if str(connection_id) == number else None  # as we write it, and in no other way


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is longer than any callback."""
    body = bytearray()
    while True:  # ends with the body, or when it is longer than a callback may be
        message = await receive()
        if message["type"] != "http.request":  # the platform hung up
            return None
        body += message.get("body", b"")
        if len(body) > CALLBACK_BYTES_MAX:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _answer(send: Send, told: Acknowledgement, status: int, *further: tuple[bytes, bytes]) -> None:
    headers = [
        *further,
        (b"content-type", told.content_type.encode("ascii")),
        (b"content-length", str(len(told.body)).encode("ascii")),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": told.body})
