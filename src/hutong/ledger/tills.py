"""One merchant's posts that wait, and what is known of his chain and accounts: the memory of a flusher. No I/O."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec

from hutong.ledger.batches import Batch, PostResult
from hutong.ledger.errors import BooksBusy
from hutong.ledger.sheets import AccountKey, ChainEnd

#: Posts of one merchant that wait at most; more is answered with "busy" instead of growing without bound.
WAITING_MAX: Final = 20_000
#: Batches and legs of one flush: a transaction stays short, and so does everybody's wait behind it.
FLUSH_BATCHES_MAX: Final = 512
FLUSH_LEGS_MAX: Final = 8_192
#: Flushes of one merchant that are under way towards the database: one is written there while the next is laid out.
FLIGHTS_MAX: Final = 2
#: When nobody's answer is under way and so many wait, a flush takes half: from then on one half is written while the
#: other waits for the disk and comes back.
SPLIT_MIN: Final = 16
#: Account ids that are remembered for one merchant; beyond it the memory starts anew.
ACCOUNTS_KEPT_MAX: Final = 50_000


class Slip(msgspec.Struct, eq=False):
    """A caller's verified batch with the digest of its content, and where the caller waits for the answer."""

    batch: Batch
    digest: bytes
    answer: asyncio.Future[PostResult]
    #: Minted with the first try and kept for all of them: it tells whether an unclear try went through.
    batch_id: UUID | None = None
    #: Others with the same key: they hear of this one's end.
    followers: list[Slip] = []


class Till:
    """The memory for one merchant."""

    def __init__(self, merchant_id: UUID) -> None:
        self.merchant_id = merchant_id
        self.accounts: dict[AccountKey, UUID] = {}
        #: Accounts that were found guarded: a flush that touches one looks before it writes.
        self.guarded: set[UUID] = set()
        #: Where the chain ends with the last flush that was laid out; None: not known, look before writing.
        self.end: ChainEnd | None = None
        #: Counts the flushes that went wrong: whatever was laid out behind one of them does not fit any more.
        self.losses_count = 0
        #: One flush at a time is written, in the order in which they were laid out.
        self.turn = asyncio.Lock()
        #: Flushes that are laid out or written (those that wait for the disk are not).
        self.flights_count = 0
        #: Slips that were taken and not answered yet, those that wait for the disk included.
        self.unanswered_count = 0
        #: Flushes that look first and are under way: nothing is linked behind them.
        self.looking_count = 0
        self.is_called = False
        self._waiting: deque[Slip] = deque()
        self._by_key: dict[str, Slip] = {}

    def is_idle(self) -> bool:
        """Whether nobody waits and nothing is under way."""
        return not self._waiting and not self.unanswered_count

    def has_waiting(self) -> bool:
        """Whether somebody waits for a flush."""
        return bool(self._waiting)

    def put(self, slip: Slip) -> None:
        """Let a slip wait, or follow one with the same key that is ahead of it.

        Raises:
            BooksBusy: too many wait already.
        """
        key = slip.batch.idempotency_key
        leader = self._by_key.get(key)
        ahead = self._waiting if leader is None else leader.followers
        if len(ahead) >= WAITING_MAX:
            raise BooksBusy(waiting_count=len(ahead))
        if leader is not None:
            leader.followers.append(slip)
            return
        self._by_key[key] = slip
        self._waiting.append(slip)

    def may_fly(self) -> bool:
        """Whether a flush may start now. Where the chain's end is not known, they look one at a time."""
        flights_max = FLIGHTS_MAX if self.end is not None else 1
        return bool(self._waiting) and self.flights_count < flights_max and not self.looking_count

    def lose(self) -> None:
        """A flush went wrong: nobody knows where the chain ends."""
        self.end = None
        self.losses_count += 1

    def found(self, end: ChainEnd) -> None:
        """Whoever looked tells where the chain ends; an earlier sight of it is no news."""
        if self.end is None or self.end.batches_count < end.batches_count:
            self.end = end

    def take(self) -> list[Slip]:
        """The slips of the next flush. Those whose caller went away are dropped: nothing of them was sent."""
        waiting_count = len(self._waiting)
        split = not self.unanswered_count and self.end is not None and waiting_count >= SPLIT_MIN
        batches_max = min(FLUSH_BATCHES_MAX, (waiting_count + 1) // 2 if split else waiting_count)
        taken: list[Slip] = []
        legs_count = 0
        while self._waiting and len(taken) < batches_max and legs_count < FLUSH_LEGS_MAX:
            slip = self._waiting.popleft()
            if slip.answer.cancelled():
                self._leave(slip, None)
                continue
            taken.append(slip)
            legs_count += len(slip.batch.legs)
        self.unanswered_count += len(taken)
        return taken

    def tell(self, slip: Slip, answer: PostResult | BaseException) -> None:
        """Answer a slip and whoever followed it."""
        self.unanswered_count -= 1
        if not slip.answer.done():  # the caller may have gone away
            if isinstance(answer, BaseException):
                slip.answer.set_exception(answer)
            else:
                slip.answer.set_result(answer)
        self._leave(slip, answer if isinstance(answer, PostResult) else None)

    def _leave(self, slip: Slip, result: PostResult | None) -> None:
        """Take a slip off; its followers share its result where they say the same, else they go their own way."""
        self._by_key.pop(slip.batch.idempotency_key, None)
        for follower in slip.followers:
            if follower.answer.done():
                continue
            if result is not None and follower.digest == slip.digest:
                follower.answer.set_result(PostResult(posted=False, batch_id=result.batch_id))
                continue
            self._again(follower)
        slip.followers = []

    def _again(self, follower: Slip) -> None:
        try:
            self.put(follower)
        except BooksBusy as busy:
            follower.answer.set_exception(busy)

    def remember(self, accounts: dict[AccountKey, UUID]) -> None:
        """Keep account ids: an account never changes and is never removed."""
        if len(self.accounts) + len(accounts) > ACCOUNTS_KEPT_MAX:
            self.accounts.clear()
        self.accounts.update(accounts)

    def missing(self, slips: Iterable[Slip]) -> set[AccountKey]:
        """Accounts of the slips whose ids are not known."""
        known = self.accounts
        return {
            (leg.path, leg.amount.currency)
            for slip in slips
            for leg in slip.batch.legs
            if (leg.path, leg.amount.currency) not in known
        }
