"""What splits say happened to commissions."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from hutong.core.events import Event


class CommissionPart(msgspec.Struct, frozen=True, kw_only=True):
    """One party's part of an order by one rule, in minor units."""

    commission_id: UUID
    party_id: UUID
    rule_id: UUID
    amount_minor: int


class CommissionsEstimated(Event, frozen=True, kw_only=True):
    """An order was paid, and this is what its parties earn if it stays."""

    name: ClassVar[str] = "ledger.commissions_estimated"

    order_id: UUID
    currency: str
    due_at: datetime
    parts: tuple[CommissionPart, ...]


class CommissionsConfirmed(Event, frozen=True, kw_only=True):
    """The return window of an order is over: what is left of its commissions is due."""

    name: ClassVar[str] = "ledger.commissions_confirmed"

    order_id: UUID
    currency: str
    confirmed_at: datetime
    parts: tuple[CommissionPart, ...]


class CommissionSettled(Event, frozen=True, kw_only=True):
    """A party was paid: ``how`` is shared (by the wallet), outside, netted, taken_back or undone (then below zero)."""

    name: ClassVar[str] = "ledger.commission_settled"

    commission_id: UUID
    order_id: UUID
    party_id: UUID
    how: str
    amount_minor: int
    currency: str
    settled_at: datetime


class CommissionsReversed(Event, frozen=True, kw_only=True):
    """A refund clawed this much of each commission back."""

    name: ClassVar[str] = "ledger.commissions_reversed"

    order_id: UUID
    currency: str
    reversed_at: datetime
    parts: tuple[CommissionPart, ...]


EVENTS: list[type[Event]] = [CommissionsEstimated, CommissionsConfirmed, CommissionSettled, CommissionsReversed]
