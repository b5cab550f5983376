"""Named points where a crash would matter: before and after every commit, send and acknowledgement.

Nothing happens at them in production. The crash proof installs a hook that records the points of one run,
then kills the process at each of them in turn and checks that the final figures are the same.
"""

from __future__ import annotations

from collections.abc import Callable

_hooks: list[Callable[[str], None]] = []


def install(hook: Callable[[str], None]) -> None:
    """Call ``hook`` with the name of every point that is reached from now on."""
    _hooks.append(hook)


def reach(point: str) -> None:
    """Say that a point was reached, e.g. ``commit:checkout:before``."""
    for hook in _hooks:
        hook(point)
