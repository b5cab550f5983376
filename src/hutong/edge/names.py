"""Under which name a visitor came, and what is served there: the hub's own, or a merchant's for his codes alone."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from hutong.edge.guards import Guards

#: First parts of addresses that end in a link's code: itself, its landing, ways out, the page that asks, reports, and
#: what it is shared as.
CODE_PATHS: Final = frozenset({"l", "b", "j", "x", "r", "card"})
#: What those pages show: a name that holds the picture's digest is whoever's picture it is.
PICTURES_PREFIX: Final = "/pictures/"
HOST_CHARS_MAX: Final = 260


class Names:
    """The names of this hub. ``public_url``: a hub that was given no name of its own answers to every one."""

    def __init__(self, guards: Guards, public_url: str = "") -> None:
        self._guards = guards
        self.public_url = public_url
        self._own = urlsplit(public_url).hostname or ""
        self._is_named = not _is_nameless(self._own)

    def merchant_of(self, host: str) -> UUID | None:
        """Whose own host it is."""
        return None if host == self._own else self._guards.owner_of(host)

    def is_known(self, host: str) -> bool:
        """Whether this hub is to be reached by a name: its own, a merchant's, a number, or one of this network."""
        if not self._is_named or host == self._own or _is_nameless(host):
            return True
        return self._guards.owner_of(host) is not None


def host_in(headers: dict[bytes, bytes]) -> str:
    """The name a visitor asked for, in lower case, without its port and the dot that may end a full name."""
    host = headers.get(b"host", b"")[:HOST_CHARS_MAX].decode("latin-1").lower()
    name = host if host.endswith("]") else host.rsplit(":", 1)[0] if ":" in host else host
    return name.removesuffix(".")


def code_in(path: str) -> str | None:
    """The code that a path of :data:`CODE_PATHS` ends in; None for any other path."""
    _, first, *rest = (*path.split("/", 3), "")
    return rest[0] if first in CODE_PATHS and rest else None


def _is_nameless(host: str) -> bool:
    """No name of the public internet: a number, or a name without a dot."""
    if "." not in host:
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
