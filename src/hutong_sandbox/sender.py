"""Sends callbacks to the merchant, on this machine only unless another host was named at start."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import time
from collections import deque
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

import h11
import msgspec

#: The platforms wait this long for an acknowledgement (WeChat Pay: five seconds).
ACK_S_MAX: Final = 5.0
#: Of an answer only the beginning is read: platforms look at the status.
ANSWER_BYTES_MAX: Final = 65_536
CONNECTIONS_MAX: Final = 64
#: Times of deliveries that are kept for whoever measures.
ANSWERS_KEPT_MAX: Final = 100_000
_TEXT_CHARS_KEPT: Final = 2000
_READ_BYTES: Final = 16_384


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What the merchant answered; status 0 when nothing came, ``body`` says why then."""

    status: int
    body: str = ""

    @property
    def problem(self) -> str:
        """Why nothing came: ``TimeoutError`` where the merchant was too slow; empty where he answered."""
        return "" if self.status else self.body


class Sender:
    """One request, one connection: no proxy, no redirect, nothing kept."""

    def __init__(self, hub_url: str | None) -> None:
        self._hub_host = urlsplit(hub_url).hostname if hub_url else None
        self._places = asyncio.Semaphore(CONNECTIONS_MAX)
        self._took_ms: deque[float] = deque(maxlen=ANSWERS_KEPT_MAX)

    def take_times(self) -> list[float]:
        """How long each answered delivery took, in milliseconds, since this was asked last."""
        told = list(self._took_ms)
        self._took_ms.clear()
        return told

    def may_reach(self, url: str) -> bool:
        """Whether callbacks may go there: loopback, or the host named at start."""
        host = urlsplit(url).hostname or ""
        if host in ("localhost", self._hub_host):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Deliver; no answer in time, and an address that may not be reached, give status 0."""
        if not self.may_reach(url):
            return Delivery(status=0, body="not a loopback address")
        async with self._places:
            try:
                async with asyncio.timeout(ACK_S_MAX):
                    delivery, took_s = await _exchange(urlsplit(url), headers, body)
                self._took_ms.append(round(took_s * 1000, 3))
                return delivery
            except (OSError, TimeoutError, ValueError, h11.ProtocolError) as error:
                return Delivery(status=0, body=type(error).__name__)


async def _exchange(url: SplitResult, headers: Mapping[str, str], body: bytes) -> tuple[Delivery, float]:
    """The answer, and the seconds from the first byte of the request to it."""
    tls = _any_certificate() if url.scheme == "https" else None
    port = url.port or (443 if tls else 80)
    reader, writer = await asyncio.open_connection(url.hostname, port, ssl=tls)
    try:
        connection = h11.Connection(h11.CLIENT)
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        fixed = {"Host": url.netloc, "Content-Length": str(len(body)), "Connection": "close"}
        request = h11.Request(method="POST", target=target, headers=list({**headers, **fixed}.items()))
        events = (request, h11.Data(data=body), h11.EndOfMessage())
        sent = b"".join(connection.send(event) or b"" for event in events)
        started_s = time.perf_counter()
        writer.write(sent)  # in one piece: in two the merchant wakes twice
        await writer.drain()
        return await _answer(connection, reader), time.perf_counter() - started_s
    finally:
        writer.close()


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> Delivery:
    status, text = 0, b""
    while len(text) < ANSWER_BYTES_MAX:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            text += event.data
        elif not isinstance(event, h11.InformationalResponse):
            break
    return Delivery(status=status, body=text.decode("utf-8", "replace")[:_TEXT_CHARS_KEPT])


def _any_certificate() -> ssl.SSLContext:
    """A hub on this machine may show any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
