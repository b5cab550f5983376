"""Who the visitor is behind a proxy of ours: the proxy says so, and only one that was declared is believed."""

from __future__ import annotations

import ipaddress
from typing import Final, TypeAlias

from hutong.core.asgi import Application, Receive, Scope, Send

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Hops that are read from the end; a longer chain is no proxy's of ours.
HOPS_MAX: Final = 10
_HEADER: Final = b"x-forwarded-for"


class BehindProxies:
    """Puts the visitor's address in the place of a declared proxy's, for everything behind."""

    def __init__(self, behind: Application, trusted: tuple[Network, ...]) -> None:
        self._behind = behind
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        client = scope.get("client")
        if self._trusted and client and self._is_trusted(client[0]):
            said = [value for name, value in scope.get("headers", ()) if name == _HEADER]
            visitor = self._visitor(b",".join(said).decode("latin-1"))
            if visitor is not None:
                scope = {**scope, "client": (visitor, 0)}
        await self._behind(scope, receive, send)

    def _visitor(self, header: str) -> str | None:
        """The last address that is no proxy of ours: what stands before it anybody may have written."""
        for part in reversed(header.split(",")[-HOPS_MAX:]):
            address = part.strip()
            if not _is_address(address):
                return None
            if not self._is_trusted(address):
                return address
        return None

    def _is_trusted(self, address: str) -> bool:
        if not _is_address(address):
            return False
        found = ipaddress.ip_address(address)
        return any(found.version == network.version and found in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
