"""What customers tell. No event carries a name or a platform's id of a person."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from hutong.core.events import Event


class CustomerSeen(Event, frozen=True, kw_only=True):
    """A person was seen for the first time."""

    name: ClassVar[str] = "customers.customer_seen"

    customer_id: UUID
    identity_kind: str
    seen_at: datetime


class CustomersSeen(Event, frozen=True, kw_only=True):
    """Many people were seen for the first time at once (an import): one event for all of them."""

    name: ClassVar[str] = "customers.customers_seen"

    customers_count: int
    identity_kind: str


EVENTS: list[type[Event]] = [CustomerSeen, CustomersSeen]
