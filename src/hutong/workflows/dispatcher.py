"""Hands events from the outbox to their handlers, many of one merchant in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.events import Event
from hutong.db.outages import log_trouble
from hutong.db.outbox import mark_delivered, merchants_waiting, take_waiting
from hutong.db.unit import DELIVER, EventKey, Unit
from hutong.events import CATALOGUE
from hutong.workflows.reactions.catalogue import Reaction, Told, reactions_to
from hutong.workflows.runtime import Runtime

log = logging.getLogger("hutong.dispatcher")

#: One transaction: enough that its own cost does not count, few enough that nobody waits long for a row it holds. A
#: payment tells four events.
EVENTS_PER_BATCH_MAX: Final = 400
#: Merchants served side by side; each holds a connection.
MERCHANTS_AT_ONCE_MAX: Final = 4
#: Events of other processes and of a lost wake-up are found within this.
POLL_S: Final = 0.2
#: Between two rounds of a rush: a batch costs much the same for ten events and for fifty.
PAUSE_S: Final = 0.06

#: What reading an event ends with when its name, version or body is none of ours; msgspec passes broken UTF-8 and
#: endless nesting on.
_UNREADABLE: Final = (KeyError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError)


class Dispatcher:
    """Serves every merchant whose events wait, until it is told to stop."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._places = asyncio.Semaphore(MERCHANTS_AT_ONCE_MAX)

    async def run(self, stop: asyncio.Event) -> None:
        """Hand over until ``stop``; a database that is away for a moment is tried again."""
        told = self._runtime.database.events_told
        while not stop.is_set():
            told.clear()
            try:
                found = await self.round()
            except Exception as error:  # noqa: BLE001 (told, and tried again)
                log_trouble(log, error, "the dispatcher could not look for events")
                found = False
            if not found:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), POLL_S)
            else:
                await asyncio.sleep(PAUSE_S)

    async def round(self) -> bool:
        """Serve everybody who waits now, once; whether anything was handed over."""
        merchants = await merchants_waiting(self._runtime.database)
        counts = await asyncio.gather(*(self._serve(merchant_id) for merchant_id in merchants))
        return any(counts)

    async def _serve(self, merchant_id: UUID) -> int:
        async with self._places:
            return await deliver_waiting(self._runtime, merchant_id)


async def deliver_waiting(runtime: Runtime, merchant_id: UUID) -> int:
    """Hand the oldest waiting events of a merchant over, in one transaction; how many.

    Mostly nobody refuses anything. Where somebody does, all of it is rolled back and done again with a savepoint
    around each handler: what one refuses gets a job of its own, which tries again and at last opens a ticket.
    """
    trouble: Exception | None = None
    for way in (_hand_over_whole, _hand_over_apart):
        try:
            async with runtime.unit(merchant_id, "outbox.deliver") as unit:
                waiting = await _waiting(unit)
                await way(runtime, unit, waiting.told)
                _leave(unit, waiting.unknown)
                await mark_delivered(unit, waiting.event_ids)
                return len(waiting.event_ids)
        except Exception as error:  # noqa: BLE001 (one handler's trouble must not keep events from the others)
            trouble = error
            log.info("a batch of events was not handed over (%s)", error)
    assert trouble is not None, "both ways failed"
    log_trouble(log, trouble, "a batch of events could not be handed over; each gets a job of its own")
    async with runtime.unit(merchant_id, "outbox.leave") as unit:
        waiting = await _waiting(unit)
        _leave(unit, waiting.event_ids)
        await mark_delivered(unit, waiting.event_ids)
    return len(waiting.event_ids)


class Waiting(msgspec.Struct, frozen=True):
    """Events that wait: those that can be read, and the ids of those that this version does not know."""

    told: Told
    unknown: list[UUID]

    @property
    def event_ids(self) -> list[UUID]:
        """All of them."""
        return [event_id for event_id, _ in self.told] + self.unknown


async def _waiting(unit: Unit) -> Waiting:
    told: list[tuple[UUID, Event]] = []
    unknown: list[UUID] = []
    for row in await take_waiting(unit, EVENTS_PER_BATCH_MAX):
        try:
            told.append((row.event_id, CATALOGUE.decode(row.name, row.version, row.body)))
        except _UNREADABLE as error:  # a newer process told it; its job waits for a newer worker
            log.warning("the event %s, version %s, cannot be read (%s)", row.name, row.version, type(error).__name__)
            unknown.append(row.event_id)
    return Waiting(told, unknown)


def _by_kind(told: Told) -> dict[str, list[tuple[UUID, Event]]]:
    """The events of each kind, in the order of their first event."""
    kinds: dict[str, list[tuple[UUID, Event]]] = {}
    for event_id, event in told:
        kinds.setdefault(event.name, []).append((event_id, event))
    return kinds


async def _hand_over_whole(runtime: Runtime, unit: Unit, told: Told) -> None:
    """Give each kind of event to each of its handlers; one refusal is everybody's."""
    kinds = _by_kind(told)
    handlers = {name: reactions_to(name) for name in kinds}
    fresh = await unit.take_all(
        [
            (one.name, event_id)
            for name, events in kinds.items()
            for one in handlers[name]
            for event_id, _ in events
            if not one.keeps_ids
        ]
    )
    for name, events in kinds.items():
        for reaction in handlers[name]:
            chosen = [one for one in events if reaction.keeps_ids or (reaction.name, one[0]) in fresh]
            if chosen:
                await reaction.run(runtime, unit, chosen)


async def _hand_over_apart(runtime: Runtime, unit: Unit, told: Told) -> None:
    """The same, and what a handler refuses is left to jobs; the others go on."""
    for name, events in _by_kind(told).items():
        for reaction in reactions_to(name):
            try:
                async with unit.savepoint():
                    await _react(runtime, unit, reaction, events)
            except Exception as error:  # noqa: BLE001 (one handler's trouble must not keep events from the others)
                log.info("%s refuses a batch of %d (%s); each gets a job of its own", reaction.name, len(events), error)
                _leave(unit, [event_id for event_id, _ in events])


async def _react(runtime: Runtime, unit: Unit, reaction: Reaction, events: Told) -> None:
    if reaction.keeps_ids:
        await reaction.run(runtime, unit, events)
        return
    fresh = await unit.take_all([(reaction.name, event_id) for event_id, _ in events])
    chosen = [one for one in events if (reaction.name, one[0]) in fresh]
    if chosen:
        await reaction.run(runtime, unit, chosen)


def _leave(unit: Unit, event_ids: Sequence[UUID]) -> None:
    for event_id in event_ids:
        unit.schedule(DELIVER, EventKey(event_id), dedupe_key=event_id.hex)
