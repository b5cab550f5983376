"""Looks whether a host shows the proof that it is the merchant's, now or when the time has come."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import NotFound
from hutong.db.jobs import Postpone
from hutong.links.hosts import CHECK_GAP, MISSING, WRONG, HostKey, OwnHost, get_host, settle_check
from hutong.transport.outward import Told
from hutong.workflows.runtime import Runtime

STATUS_OK: Final = 200
HEADERS: Final = {"user-agent": "hutong-hosts", "accept": "text/plain"}
#: Pressing the button again and again asks the host once in so long.
ASKED_AGAIN: Final = timedelta(seconds=5)


async def check_now(runtime: Runtime, merchant_id: UUID, host_id: UUID) -> OwnHost:
    """Look at a host once; what came of it.

    Raises:
        NotFound: not this merchant's, or removed meanwhile.
    """
    async with runtime.unit(merchant_id, "host.look") as unit:
        host = await get_host(unit, host_id)
        if host.checked_at is not None and unit.now() - host.checked_at < ASKED_AGAIN:
            return host
    told = await runtime.outward.fetch(host.proof_url, HEADERS)
    async with runtime.unit(merchant_id, "host.settle") as unit:
        settled = await settle_check(unit, host_id, trouble_of(told, host.proof_line))
    if settled is None:
        raise NotFound(what="host", key=str(host_id))
    return settled


async def check_due_host(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """The job: look, and again after CHECK_GAP, as long as the host is on the list."""
    host_id = msgspec.json.decode(payload, type=HostKey).host_id
    try:
        await check_now(runtime, merchant_id, host_id)
    except NotFound:
        return
    raise Postpone(CHECK_GAP)


def trouble_of(told: Told, line: str) -> str:
    """Why an answer is no proof; empty where it is. Another merchant's line may stand beside ours."""
    if told.trouble is not None:
        return told.trouble.value
    if told.status != STATUS_OK:
        return MISSING
    return "" if line in (text.strip() for text in told.answer.splitlines()) else WRONG
