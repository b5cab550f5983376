"""Names, payloads and schedules of what the books do by themselves: snapshots, seals, and the end of reserves."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.db.unit import Unit

EXPIRE_HOLD: Final = "ledger.expire_hold"
MAKE_MARKS: Final = "ledger.make_marks"
SEAL_DAYS: Final = "ledger.seal_days"

#: Batches from one mark to the next: what a past balance adds up by itself at most.
MARK_BATCHES: Final = 2_000
#: How often a post looks whether somebody seals the days: with the first batch, then whenever it passes so many.
SEAL_BATCHES: Final = 64
#: The seal knows the merchant's zone and settles its own hour; this is only its first look.
SEAL_FIRST: Final = timedelta(hours=1)


class HoldKey(msgspec.Struct, frozen=True):
    """Payload: which reserve."""

    hold_id: UUID


class BooksKey(msgspec.Struct, frozen=True):
    """Payload: the merchant's books, there is only one set."""


class Chore(msgspec.Struct, frozen=True):
    """A job that a post leaves behind; an open one of the same kind is not doubled."""

    kind: str
    delay: timedelta


def chores_between(before_count: int, after_count: int) -> list[Chore]:
    """What is to be done after the chain grew from ``before_count`` to ``after_count`` batches."""
    chores = []
    if before_count // MARK_BATCHES != after_count // MARK_BATCHES:
        chores.append(Chore(MAKE_MARKS, timedelta(0)))
    if before_count == 0 or before_count // SEAL_BATCHES != after_count // SEAL_BATCHES:
        chores.append(Chore(SEAL_DAYS, SEAL_FIRST))
    return chores


def keep_books(unit: Unit, before_count: int, after_count: int) -> None:
    """Leave the chores of a post behind."""
    for chore in chores_between(before_count, after_count):
        unit.schedule(chore.kind, BooksKey(), delay=chore.delay, dedupe_key=chore.kind)
