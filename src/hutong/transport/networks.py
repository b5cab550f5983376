"""Which visitors' addresses count as one, for limits."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

#: Addresses that were looked at; one takes longer than all the rest of a limit does.
NETWORKS_CACHED_MAX: Final = 20_000
#: Providers give a home a network of this size: its addresses are one.
_HOME_V6: Final = 64


@lru_cache(maxsize=NETWORKS_CACHED_MAX)
def network_of(address: str) -> str | None:
    """What counts as one address; None for one that is no visitor's: a proxy nobody declared stands for all of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if not found.is_global:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((found, _HOME_V6), strict=False))
    return str(found)
