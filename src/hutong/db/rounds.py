"""Work that is done again and again while a process lives: followed tables, sweeps, looks at a clock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from hutong.db.outages import log_trouble


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until ``stop``."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def repeat(
    work: Callable[[], Awaitable[object]],
    stop: asyncio.Event,
    gap_s: float,
    log: logging.Logger,
    trouble: str,
    *about: Callable[[], object],
) -> None:
    """Do the work until ``stop``, with ``gap_s`` seconds after each round.

    A round that fails is told as ``trouble`` and tried again with the next one: what such work keeps up to date stays
    as it was, and a process outlives a database that is away. ``about`` gives the values that ``trouble`` names.
    """
    while not stop.is_set():
        try:
            await work()
        except Exception as error:  # noqa: BLE001 (told, and tried again)
            log_trouble(log, error, trouble, *(value() for value in about))
        await pause(stop, gap_s)
