"""Jobs that an account always has one of: each leaves the next one behind, whatever came of it.

Such a job is its own repetition. What the platform refuses or does not answer is not tried again beside it, or an
outage of a day would leave a thousand jobs that fail; and a person is told once, while it lasts.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from hutong.core.errors import PlatformFailure, PlatformUnknown
from hutong.db.unit import Unit
from hutong.merchants.connections import get_connection
from hutong.merchants.tickets import Severity, TicketKind, close_tickets, open_ticket
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.workflows.jobs import ConnectionKey
from hutong.workflows.runtime import Runtime

log = logging.getLogger("hutong.accounts")

#: What passes by itself; of everything else a person is told.
PASSING: Final = frozenset({ErrorWord.THROTTLED, ErrorWord.UNAVAILABLE})


async def keep_standing(
    runtime: Runtime,
    merchant_id: UUID,
    connection_id: UUID,
    kind: str,
    gap: timedelta,
    work: Callable[[], Awaitable[object]],
) -> None:
    """Do an account's standing job and leave the next one behind after ``gap``."""
    refused: PlatformRefused | None = None
    is_done = False
    try:
        await work()
        is_done = True
    except PlatformRefused as error:
        refused = None if error.word in PASSING else error
        log.warning("%s of %s: %s", kind, connection_id, error.text("en").sentence)
    except (PlatformFailure, PlatformUnknown) as error:
        log.warning("%s of %s: %s", kind, connection_id, error.text("en").sentence)
    finally:
        async with runtime.unit(merchant_id, "standing.next") as unit:
            unit.schedule(kind, ConnectionKey(connection_id), delay=gap, dedupe_key=connection_id.hex)
            if is_done:
                await close_tickets(unit, TicketKind.ACCOUNT_REFUSED, _subject(connection_id, kind))
            elif refused is not None:
                await _tell(unit, connection_id, kind, refused)


def _subject(connection_id: UUID, kind: str) -> str:
    return f"{connection_id}:{kind}"


async def _tell(unit: Unit, connection_id: UUID, kind: str, refused: PlatformRefused) -> None:
    """Put it on the desk, once a day while it lasts."""
    view = await get_connection(unit, connection_id)
    await open_ticket(
        unit,
        TicketKind.ACCOUNT_REFUSED,
        Severity.NORMAL,
        subject=("connection", _subject(connection_id, kind)),
        details={
            "platform": view.platform,
            "title": view.title,
            "code": str(refused.details["platform_code"]),
            "message": str(refused.details["message"]),
        },
        dedupe_key=f"{kind}:{connection_id.hex}:{unit.now():%Y%m%d}",
    )
