"""Carries messages to endpoints, apart from the jobs: a dead address costs nobody else a place or a connection.

A message is claimed in a short transaction, sent with none open, and what came of it written in another. Endpoints that
fail have places of their own, and one message at a time: however many are dead, the others go on (ADR 0020).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import Final
from uuid import UUID

from hutong.core.clock import Clock
from hutong.core.crashpoints import reach
from hutong.db.engine import Database
from hutong.db.vault import Vault
from hutong.transport.outward import OutwardSender
from hutong.webhooks.deliveries import Claimed, claim
from hutong.webhooks.outcomes import Sent, record
from hutong.webhooks.service import SECRET
from hutong.webhooks.signing import headers_of

log = logging.getLogger("hutong.webhooks")

#: How soon a message that is due is seen.
POLL_S: Final = 0.5
#: Endpoints served side by side: those that answer, and those that failed last time.
HEALTHY_AT_ONCE_MAX: Final = 16
FAILING_AT_ONCE_MAX: Final = 16
#: Messages under way to one endpoint that answers; one that fails gets one.
SENDS_PER_ENDPOINT_MAX: Final = 8
#: Claims of one turn; then the endpoint stands in line again.
ROUNDS_MAX: Final = 25
#: Looks of :meth:`Courier.drain`.
DRAIN_ROUNDS_MAX: Final = 1_000

#: Endpoints of any merchant with something due, the longest waiting first.
_DUE: Final = (
    "SELECT e.merchant_id, e.endpoint_id FROM webhook_endpoint e CROSS JOIN LATERAL ("
    "SELECT d.next_try_at FROM webhook_delivery d WHERE d.merchant_id = e.merchant_id "
    "AND d.endpoint_id = e.endpoint_id AND d.state = 'waiting' ORDER BY d.next_try_at LIMIT 1) first "
    "WHERE e.state = 'active' AND (e.failing_since_at IS NOT NULL) = $2 AND first.next_try_at <= $1 "
    "ORDER BY first.next_try_at LIMIT $3"
)

Key = tuple[UUID, UUID]


class Courier:
    """Serves every endpoint that something waits for, until it is told to stop."""

    def __init__(self, database: Database, clock: Clock, vault: Vault, sender: OutwardSender) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._sender = sender
        self._turns: dict[bool, dict[Key, asyncio.Task[None]]] = {False: {}, True: {}}  # by whether they fail

    async def run(self, stop: asyncio.Event) -> None:
        """Carry until ``stop``; what is under way then is sent again by the next process."""
        try:
            while not stop.is_set():
                try:
                    await self.look()
                except Exception:
                    log.exception("the courier could not look for messages")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), POLL_S)
        finally:
            tasks = self._under_way()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._sender.close()

    async def look(self) -> int:
        """Begin a turn for each endpoint that waits and finds a place; how many turns are under way."""
        for failing, most in ((False, HEALTHY_AT_ONCE_MAX), (True, FAILING_AT_ONCE_MAX)):
            turns = self._turns[failing]
            if len(turns) >= most:
                continue
            busy = self._turns[True].keys() | self._turns[False].keys()
            rows = await self._database.glance("system", _DUE, self._clock.now(), failing, most + len(busy))
            for row in rows:
                key = (row["merchant_id"], row["endpoint_id"])
                if key not in busy and len(turns) < most:
                    task = asyncio.create_task(self._turn(*key, failing=failing), name="webhook")
                    turns[key] = task
                    task.add_done_callback(partial(_forget, turns, key))
        return len(self._under_way())

    async def drain(self) -> None:
        """Carry what is due now and wait for its end (tests and trials); bounded by DRAIN_ROUNDS_MAX."""
        for _ in range(DRAIN_ROUNDS_MAX):
            if not await self.look():
                return
            await asyncio.gather(*self._under_way())

    def _under_way(self) -> list[asyncio.Task[None]]:
        return [task for turns in self._turns.values() for task in turns.values()]

    async def _turn(self, merchant_id: UUID, endpoint_id: UUID, *, failing: bool) -> None:
        """Send what is due to one endpoint. One that stops answering gives its place up."""
        try:
            for _ in range(1 if failing else ROUNDS_MAX):
                if not await self._round(merchant_id, endpoint_id, 1 if failing else SENDS_PER_ENDPOINT_MAX):
                    return
        except Exception:
            log.exception("messages to an endpoint could not be carried; they are tried again")

    async def _round(self, merchant_id: UUID, endpoint_id: UUID, most: int) -> bool:
        """One claim and its sends; whether all of them arrived, so that more may follow at once."""
        async with self._database.unit(merchant_id, "webhook.claim") as unit:
            sending = await claim(unit, endpoint_id, most)
        if sending is None:
            return False
        secrets = [(await self._vault.open(merchant_id, SECRET, sealed)).decode() for sealed in sending.sealed_secrets]
        sent = await asyncio.gather(*(self._send(sending.url, secrets, claimed) for claimed in sending.claimed))
        async with self._database.unit(merchant_id, "webhook.record") as unit:
            await record(unit, endpoint_id, sent)
        return all(one.arrived for one in sent)

    async def _send(self, url: str, secrets: list[str], claimed: Claimed) -> Sent:
        if claimed.body is None:
            return Sent(claimed=claimed, told=None)
        headers = headers_of(claimed.event_id, self._clock.now(), claimed.body, secrets)
        reach("send:webhook:POST:before")
        told = await self._sender.post(url, headers, claimed.body)
        reach("send:webhook:POST:after")
        return Sent(claimed=claimed, told=told)


def _forget(turns: dict[Key, asyncio.Task[None]], key: Key, _done: asyncio.Task[None]) -> None:
    del turns[key]
