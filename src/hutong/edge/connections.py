"""How many connections the hub holds open at a time."""

from __future__ import annotations

import resource
from typing import Final

#: Phones keep a connection open while they show a page. Granian's embedded server would stop to accept at 128: a
#: hundred buyers who look at their cash desk would keep the wallets' callbacks out.
CONNECTIONS_MAX: Final = 10_000
#: Those that knock while the loop is busy; the kernel takes the smaller of this and its own ``somaxconn``.
BACKLOG: Final = 1_024
#: Files that the process needs for anything else: database connections, platforms, logs.
FILES_RESERVED: Final = 256
_CONNECTIONS_MIN: Final = 128


def allow_connections() -> int:
    """Raise this process's limit of open files as far as it may be, and say how many connections that leaves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + FILES_RESERVED
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(_CONNECTIONS_MIN, allowed - FILES_RESERVED)
