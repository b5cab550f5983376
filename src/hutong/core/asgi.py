"""The shapes of ASGI (https://asgi.readthedocs.io/en/latest/specs/main.html), for what answers without a framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    async def send(self, send: Send, **further: str) -> None:
        """Send it, with these headers besides (``_`` stands for ``-``)."""
        named = {**self.headers, **{name.replace("_", "-"): value for name, value in further.items()}}
        heads = [(name.encode("ascii"), value.encode("latin-1")) for name, value in named.items()]
        heads.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": heads})
        await send({"type": "http.response.body", "body": self.body})
