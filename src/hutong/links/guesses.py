"""Guesses at a link's password: how many there may be, and how many are looked at at the same moment.

A guess is taken from its address's and its link's budget before anything is compared, and given back when it was right:
many at once get no further than one after the other, and a hall of people behind one address who all know the password
are not stopped. A hash is slow on purpose. So it is made aside, in as many threads as ``HASHES_AT_ONCE``, behind other
work and with a short queue; who comes when that is full is told to come again, and nobody uses the machine up. After a
first right guess the password's keyed digest is known here, and every further guess costs next to nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Final
from uuid import UUID

from hutong.crypto.digests import hmac_sha256, same
from hutong.links.locks import PASSWORD_CHARS_MAX, Lock, plain_password
from hutong.transport.networks import network_of
from hutong.transport.pacing import Bucket, Buckets, Pace

#: Wrong guesses of one address at one link: ten at once, then one a minute. An address may be a shop's whole network.
ADDRESS_PACE: Final = Pace(calls=10, seconds=600)
#: Wrong guesses at one link from everywhere: two hundred at once, then two hundred an hour. Four digits take two days.
LINK_PACE: Final = Pace(calls=200, seconds=3600)
#: What who is over it is told to wait; one more guess is there by then, from his address.
RETRY_AFTER_S: Final = 60
#: Each takes several cores (Argon2 works in four lanes) and 64 MiB for some tens of milliseconds.
HASHES_AT_ONCE: Final = 1
#: The threads that hash stand behind everything else that the machine does.
NICENESS: Final = 5
#: Guesses that wait for their turn; the last one waits about a second.
WAITING_MAX: Final = 30
BUSY_AFTER_S: Final = 5
#: Passwords whose digest is known here.
KNOWN_MAX: Final = 5_000
_SECRET_BYTES: Final = 32


class Guess(StrEnum):
    """What became of a guess."""

    RIGHT = "right"
    WRONG = "wrong"
    LIMITED = "limited"  # not looked at
    BUSY = "busy"  # not looked at


class Doorkeeper:
    """Compares guesses for one process; ``verify`` says whether a hash is a password's."""

    def __init__(self, verify: Callable[[str, str], bool]) -> None:
        self._verify = verify
        self._buckets = Buckets()
        self._hashers = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="passwords", initializer=_step_back)
        self._waiting = 0
        self._known: OrderedDict[UUID, bytes] = OrderedDict()
        self._secret = secrets.token_bytes(_SECRET_BYTES)

    async def judge(self, code: str, lock: Lock, typed: str, address: str, now_s: float) -> Guess:
        """What becomes of a guess at a link's password; ``now_s`` of a clock that only goes on."""
        taken = self._taken(code, address, now_s)
        if taken is None:
            return Guess.LIMITED
        plain = plain_password(typed)
        if not 0 < len(plain) <= PASSWORD_CHARS_MAX:
            return Guess.WRONG
        guess = await self._compare(lock, plain)
        if guess is not Guess.WRONG:
            for bucket in taken:
                bucket.give_back()
        return guess

    def _taken(self, code: str, address: str, now_s: float) -> tuple[Bucket, ...] | None:
        """One guess of each budget; None, and nothing taken, where one of them is used up."""
        network = network_of(address)
        # The address first: who is over his own budget must not use up the link's for everybody else.
        asked = [] if network is None else [self._buckets.of("address", f"{network} {code}", ADDRESS_PACE)]
        asked.append(self._buckets.of("link", code, LINK_PACE))
        for place, bucket in enumerate(asked):
            if bucket.reserve(now_s, 0) is None:
                for before in asked[:place]:
                    before.give_back()
                return None
        return tuple(asked)

    async def _compare(self, lock: Lock, plain: str) -> Guess:
        digest = hmac_sha256(self._secret, lock.lock_id.bytes + plain.encode())
        known = self._known.get(lock.lock_id)
        if known is not None:
            self._known.move_to_end(lock.lock_id)
            return Guess.RIGHT if same(known, digest) else Guess.WRONG
        if self._waiting >= HASHES_AT_ONCE + WAITING_MAX:
            return Guess.BUSY
        self._waiting += 1
        # Also of a visitor who went away meanwhile the hash is made to its end: it counts until then.
        hashing = asyncio.get_running_loop().run_in_executor(self._hashers, self._verify, lock.password_hash, plain)
        hashing.add_done_callback(self._one_less)
        if not await asyncio.shield(hashing):
            return Guess.WRONG
        self._known[lock.lock_id] = digest
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return Guess.RIGHT

    def _one_less(self, _done: object) -> None:
        self._waiting -= 1


def _step_back() -> None:
    """Of the calling thread alone, which Linux can; elsewhere it stays as it is."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
