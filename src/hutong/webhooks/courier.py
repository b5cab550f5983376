"""Carries messages to endpoints, apart from the jobs: a dead address costs nobody else a place or a connection.

A message is claimed in a short transaction, sent with none open, and what came of it written in another. Endpoints that
fail or are slow have places of their own and get one message at a time; one merchant has some of the places only; who
was served longest ago is next. However many are dead, and however much waits for them, the others go on (ADR 0020).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from functools import partial
from typing import Final
from uuid import UUID

from hutong.core.clock import Clock
from hutong.core.crashpoints import reach
from hutong.db.engine import Database
from hutong.db.outages import log_trouble
from hutong.db.rounds import repeat
from hutong.db.vault import Vault
from hutong.transport.outward import OutwardSender
from hutong.webhooks.deliveries import Claimed, claim
from hutong.webhooks.outcomes import Sent, record
from hutong.webhooks.service import SECRET
from hutong.webhooks.signing import headers_of

log = logging.getLogger("hutong.webhooks")

#: How soon a message that is due is seen.
POLL_S: Final = 0.5
#: Endpoints served side by side: those that answer, and those in trouble, which failed or were slow last time.
HEALTHY_AT_ONCE_MAX: Final = 16
TROUBLED_AT_ONCE_MAX: Final = 16
#: Of those, endpoints of one merchant.
PLACES_PER_MERCHANT_MAX: Final = 4
#: Messages under way to one endpoint that answers; one in trouble gets one.
SENDS_PER_ENDPOINT_MAX: Final = 8
#: Claims of one turn, and after how long no other follows; then the endpoint stands in line again.
ROUNDS_MAX: Final = 25
TURN_S: Final = 2.0
#: Looks of :meth:`Courier.drain`.
DRAIN_ROUNDS_MAX: Final = 1_000

#: Endpoints of any merchant with something due, the longest unserved first; before them those with a message that
#: somebody has just asked for. One that fails has its rest, but where somebody asked.
_DUE: Final = (
    "WITH due AS (SELECT e.merchant_id, e.endpoint_id, e.served_at, asked.now AS asked FROM webhook_endpoint e "
    "CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM webhook_delivery d WHERE d.merchant_id = e.merchant_id "
    "AND d.endpoint_id = e.endpoint_id AND d.state = 'waiting' AND d.by_hand AND d.next_try_at <= $1) AS now) asked "
    "WHERE e.state = 'active' AND (e.failing_since_at IS NOT NULL OR e.is_slow) = $2 "
    "AND e.endpoint_id <> ALL($3::uuid[]) AND e.merchant_id <> ALL($4::uuid[]) "
    "AND (asked.now OR (e.rests_until_at IS NULL OR e.rests_until_at <= $1) "
    "AND EXISTS (SELECT FROM webhook_delivery d WHERE d.merchant_id = e.merchant_id "
    "AND d.endpoint_id = e.endpoint_id AND d.state = 'waiting' AND d.next_try_at <= $1))), "
    "line AS (SELECT *, row_number() OVER (PARTITION BY merchant_id "
    "ORDER BY asked DESC, served_at NULLS FIRST, endpoint_id) AS place FROM due) "
    "SELECT merchant_id, endpoint_id FROM line WHERE place <= $5 "
    "ORDER BY asked DESC, served_at NULLS FIRST, endpoint_id LIMIT $6"
)

Key = tuple[UUID, UUID]


class Courier:
    """Serves every endpoint that something waits for, until it is told to stop."""

    def __init__(self, database: Database, clock: Clock, vault: Vault, sender: OutwardSender) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._sender = sender
        self._turns: dict[bool, dict[Key, asyncio.Task[None]]] = {False: {}, True: {}}  # by trouble

    async def run(self, stop: asyncio.Event) -> None:
        """Carry until ``stop``; what is under way then is sent again by the next process."""
        try:
            await repeat(self.look, stop, POLL_S, log, "the courier could not look for messages")
        finally:
            tasks = self._under_way()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._sender.close()

    async def look(self) -> int:
        """Begin a turn for each endpoint that waits and finds a place; how many turns are under way."""
        for troubled, most in ((False, HEALTHY_AT_ONCE_MAX), (True, TROUBLED_AT_ONCE_MAX)):
            turns = self._turns[troubled]
            if len(turns) >= most:
                continue
            places = Counter(merchant_id for merchant_id, _ in turns)
            full = [merchant_id for merchant_id, taken in places.items() if taken >= PLACES_PER_MERCHANT_MAX]
            busy = [endpoint_id for lane in self._turns.values() for _, endpoint_id in lane]
            rows = await self._database.glance(
                "system", _DUE, self._clock.now(), troubled, busy, full, PLACES_PER_MERCHANT_MAX, most
            )
            for row in rows:
                key = (row["merchant_id"], row["endpoint_id"])
                if len(turns) < most and places[key[0]] < PLACES_PER_MERCHANT_MAX:
                    places[key[0]] += 1
                    task = asyncio.create_task(self._turn(*key, troubled=troubled), name="webhook")
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

    async def _turn(self, merchant_id: UUID, endpoint_id: UUID, *, troubled: bool) -> None:
        """Send what is due to one endpoint. One that gets into trouble gives its place up."""
        began_s = time.monotonic()
        try:
            for _ in range(1 if troubled else ROUNDS_MAX):
                if not await self._round(merchant_id, endpoint_id, 1 if troubled else SENDS_PER_ENDPOINT_MAX):
                    return
                if time.monotonic() - began_s >= TURN_S:
                    return
        except Exception as error:  # noqa: BLE001 (told, and tried again)
            log_trouble(log, error, "messages to an endpoint could not be carried; they are tried again")

    async def _round(self, merchant_id: UUID, endpoint_id: UUID, most: int) -> bool:
        """One claim and its sends; whether all of them arrived soon, so that more may follow at once."""
        async with self._database.unit(merchant_id, "webhook.claim") as unit:
            sending = await claim(unit, endpoint_id, most)
        if sending is None:
            return False
        secrets = [(await self._vault.open(merchant_id, SECRET, sealed)).decode() for sealed in sending.sealed_secrets]
        sent = await asyncio.gather(*(self._send(sending.url, secrets, claimed) for claimed in sending.claimed))
        async with self._database.unit(merchant_id, "webhook.record") as unit:
            await record(unit, endpoint_id, sent)
        return all(one.arrived and not one.slow for one in sent)

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
