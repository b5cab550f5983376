"""Sends callbacks to the merchant, on this machine only unless another origin was named at start."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec

#: The platforms wait this long for an acknowledgement (WeChat Pay: five seconds).
ACK_S_MAX: Final = 5.0
#: A hub on this machine may show any certificate; loading the list of authorities would also slow the start.
_CERTIFICATES_CHECKED: Final = False
_BODY_CHARS_KEPT: Final = 2000
_CONNECTIONS_MAX: Final = 64


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What the merchant answered; status 0 when nothing came."""

    status: int
    body: str = ""


class Sender:
    """One pooled client without proxies."""

    def __init__(self, hub_url: str | None) -> None:
        self._hub_host = urlsplit(hub_url).hostname if hub_url else None
        self._client = httpx.AsyncClient(
            timeout=ACK_S_MAX,
            trust_env=False,
            verify=_CERTIFICATES_CHECKED,
            limits=httpx.Limits(max_connections=_CONNECTIONS_MAX),
        )

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
        try:
            response = await self._client.post(url, headers=dict(headers), content=body)
        except httpx.HTTPError as error:
            return Delivery(status=0, body=type(error).__name__)
        return Delivery(status=response.status_code, body=response.text[:_BODY_CHARS_KEPT])

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()
