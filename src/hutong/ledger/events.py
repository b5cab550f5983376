"""What the books tell."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from hutong.core.events import Event


class PostedLeg(msgspec.Struct, frozen=True):
    """A leg as told outside: debit positive, credit negative."""

    path: str
    amount_minor: int
    currency: str


class BatchPosted(Event, frozen=True, kw_only=True):
    """A batch stands in the books."""

    name: ClassVar[str] = "ledger.batch_posted"

    batch_id: UUID
    kind: str
    subject_kind: str
    subject_id: UUID
    event_at: datetime
    legs: tuple[PostedLeg, ...]


class BatchesPosted(Event, frozen=True, kw_only=True):
    """Many batches were posted at once (history, an import): one event for all of them."""

    name: ClassVar[str] = "ledger.batches_posted"

    batches_count: int
    first_sequence: int
    last_sequence: int


class MoneyHeld(Event, frozen=True, kw_only=True):
    """Money is reserved: it does not count yet and cannot be spent otherwise."""

    name: ClassVar[str] = "ledger.money_held"

    hold_id: UUID
    kind: str
    subject_kind: str
    subject_id: UUID
    expires_at: datetime | None
    legs: tuple[PostedLeg, ...]


class HoldEnded(Event, frozen=True, kw_only=True):
    """A reserve was posted, voided or has expired (``outcome``); ``batch_id`` is the batch that says so."""

    name: ClassVar[str] = "ledger.hold_ended"

    hold_id: UUID
    batch_id: UUID
    outcome: str


class DaySealed(Event, frozen=True, kw_only=True):
    """A day of the books is sealed; its root (hexadecimal) never changes."""

    name: ClassVar[str] = "ledger.day_sealed"

    day: date
    last_sequence: int
    root: str


class StatementDrawn(Event, frozen=True, kw_only=True):
    """A party's statement was drawn; its figures do not change any more."""

    name: ClassVar[str] = "ledger.statement_drawn"

    statement_id: UUID
    party_id: UUID
    period_start_at: datetime
    period_end_at: datetime
    currency: str
    earned_minor: int
    reversed_minor: int
    net_minor: int
    lines_count: int


EVENTS: list[type[Event]] = [BatchPosted, BatchesPosted, MoneyHeld, HoldEnded, DaySealed, StatementDrawn]
