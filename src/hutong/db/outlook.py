"""When waiting work is due: for people who ask what happens next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import func, select

from hutong.db.tables import job
from hutong.db.unit import Unit

PAYLOADS_MAX: Final = 200


async def next_due(unit: Unit, payloads: Sequence[msgspec.Struct]) -> dict[msgspec.Struct, datetime]:
    """The next moment at which an open job works on each of these payloads; those that nothing waits for are left out.

    A moment that has passed means: as soon as the worker comes to it.
    """
    by_bytes = {msgspec.json.encode(payload): payload for payload in payloads[:PAYLOADS_MAX]}
    if not by_bytes:
        return {}
    statement = (
        select(job.c.payload, func.min(job.c.due_at).label("due_at"))
        .where(job.c.merchant_id == unit.merchant_id, job.c.finished_at.is_(None))
        .where(job.c.payload.in_(list(by_bytes)))
        .group_by(job.c.payload)
        .limit(PAYLOADS_MAX)
    )
    return {by_bytes[bytes(row.payload)]: row.due_at for row in await unit.all(statement)}
