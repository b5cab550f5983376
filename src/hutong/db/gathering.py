"""Group commit: what many callers ask for at the same time is done together, in one transaction of their merchant."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from hutong.core.errors import ErrorText, HutongError

log = logging.getLogger("hutong.db")

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

#: One round: a transaction stays short, and so does everybody's wait behind it.
ITEMS_PER_ROUND_MAX: Final = 64
#: Callers of one merchant that wait at most; more is answered with "busy" instead of growing without bound.
WAITING_MAX: Final = 5_000
#: Callers that go on in one turn of the event loop. Each may sign a request, a third of a millisecond: if all did at
#: once, whoever comes meanwhile, as a wallet with its callback, would wait for all of them.
ANSWERS_PER_TURN: Final = 4
#: Between two rounds of a merchant: a round costs the same few milliseconds for one item and for ten.
PAUSE_S: Final = 0.002
MERCHANTS_KNOWN_MAX: Final = 10_000


class TooBusy(HutongError):
    """More callers wait for the same work than can be served in time."""

    code = "too_busy"
    status = 503
    zh = ErrorText("现在太忙了。", "同时到来的请求太多，排队已满。", "请稍后重试。")
    en = ErrorText("Too busy right now.", "Too many requests came at once; the queue is full.", "Try again shortly.")


class Gathering(Generic[ItemT, ResultT]):
    """Calls ``work(merchant_id, items)`` with everything that came while the round before was under way.

    A caller who comes alone is served at once; in a rush rounds keep ``pause_s`` apart, so that more of them share a
    transaction. ``work`` returns one result or exception for
    each item; when it raises, each item is tried alone, so that one caller's trouble is his own.
    """

    def __init__(
        self,
        work: Callable[[UUID, Sequence[ItemT]], Awaitable[Sequence[ResultT | Exception]]],
        pause_s: float = PAUSE_S,
    ) -> None:
        self._work = work
        self._pause_s = pause_s
        self._ended_s: dict[UUID, float] = {}  # when the last round of a merchant ended, by the monotonic clock
        self._waiting: dict[UUID, deque[tuple[ItemT, asyncio.Future[ResultT]]]] = {}
        self._rounds: set[asyncio.Task[None]] = set()

    async def submit(self, merchant_id: UUID, item: ItemT) -> ResultT:
        """The result of the item, after the round that held it was committed.

        Raises:
            TooBusy: too many wait already.
        """
        return await self._join(merchant_id, item)

    def leave(self, merchant_id: UUID, item: ItemT) -> None:
        """Have the item worked with the next round and wait for nothing: for work that is also kept in the database,
        which is done from there where this fails or where too many wait.
        """
        with contextlib.suppress(TooBusy):
            self._join(merchant_id, item).add_done_callback(_log_failure)

    async def rest(self) -> None:
        """Wait until no round is under way and nobody waits for one."""
        while self._rounds:
            await asyncio.wait(self._rounds)

    def _join(self, merchant_id: UUID, item: ItemT) -> asyncio.Future[ResultT]:
        waiting = self._waiting.get(merchant_id)
        answer: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        if waiting is None:
            self._waiting[merchant_id] = deque([(item, answer)])
            task = asyncio.create_task(self._serve(merchant_id), name="gathering")
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        elif len(waiting) >= WAITING_MAX:
            raise TooBusy
        else:
            waiting.append((item, answer))
        return answer

    async def _serve(self, merchant_id: UUID) -> None:
        waiting = self._waiting[merchant_id]
        while waiting:
            if len(waiting) < ITEMS_PER_ROUND_MAX:
                await self._rest(merchant_id)
            taken = [waiting.popleft() for _ in range(min(len(waiting), ITEMS_PER_ROUND_MAX))]
            await self._round(merchant_id, [pair for pair in taken if not pair[1].cancelled()])
            self._ended_s[merchant_id] = time.monotonic()
        del self._waiting[merchant_id]
        if len(self._ended_s) > MERCHANTS_KNOWN_MAX:
            self._ended_s.clear()

    async def _rest(self, merchant_id: UUID) -> None:
        """Let company gather where the merchant's last round ended a moment ago; after a quiet time go at once."""
        left_s = self._ended_s.get(merchant_id, float("-inf")) + self._pause_s - time.monotonic()
        if left_s > 0:
            await asyncio.sleep(left_s)

    async def _round(self, merchant_id: UUID, taken: list[tuple[ItemT, asyncio.Future[ResultT]]]) -> None:
        if not taken:
            return
        results: Sequence[ResultT | Exception]
        try:
            results = await self._work(merchant_id, [item for item, _ in taken])
        except Exception as error:  # noqa: BLE001 (it is handed to whoever asked)
            if len(taken) > 1:
                for pair in taken:
                    await self._round(merchant_id, [pair])
                return
            results = [error]
        for place, ((_, answer), result) in enumerate(zip(taken, results, strict=True), start=1):
            _tell(answer, result)
            if place % ANSWERS_PER_TURN == 0:
                await asyncio.sleep(0)


def _log_failure(answer: asyncio.Future[Any]) -> None:
    if not answer.cancelled() and (error := answer.exception()) is not None:
        log.warning("what nobody waits for is done later: %s", type(error).__name__)


def _tell(answer: asyncio.Future[Any], result: object) -> None:
    if answer.done():  # the caller went away
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)


class Gatherings:
    """The gatherings of a process, one for each kind of work."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Gathering[Any, Any]] = {}

    def of(
        self,
        kind: str,
        work: Callable[[UUID, Sequence[ItemT]], Awaitable[Sequence[ResultT | Exception]]],
        pause_s: float = PAUSE_S,
    ) -> Gathering[ItemT, ResultT]:
        """The gathering of a kind, made on first use with ``work``."""
        if kind not in self._by_kind:
            self._by_kind[kind] = Gathering(work, pause_s)
        return self._by_kind[kind]

    async def rest(self) -> None:
        """Wait until none has anything left to do."""
        for gathering in tuple(self._by_kind.values()):
            await gathering.rest()
