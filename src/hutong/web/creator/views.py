"""What a creator's page shows; the API tells the same."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from hutong.core.money import Money


class Earned(msgspec.Struct, frozen=True, kw_only=True):
    """Sums in one currency: ``earned`` = ``estimated`` + ``due`` + ``paid`` − ``owed_back``.

    ``estimated`` may still be refunded; ``due`` is sure and not paid yet; ``owed_back`` was paid and clawed back since.
    """

    currency: str
    earned: Money
    estimated: Money
    due: Money
    paid: Money
    owed_back: Money


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of the creator's own. ``clicks`` leave machines out; ``address`` is that of its newest open link."""

    channel_id: UUID
    name: str
    kind: str
    platform: str
    clicks: int
    orders_count: int
    earned: tuple[Money, ...]
    address: str


class Others(msgspec.Struct, frozen=True, kw_only=True):
    """All the rest together, so that the columns add up: own posts that are not listed, and sales by other ways."""

    posts_count: int
    clicks: int
    orders_count: int
    earned: tuple[Money, ...]


class DayEarned(msgspec.Struct, frozen=True, kw_only=True):
    """What was earned of the sales of one day."""

    day: date
    amount: Money


class Lately(msgspec.Struct, frozen=True, kw_only=True):
    """A share of one of the latest orders, less what refunds took back."""

    at: datetime
    title: str
    state: str
    amount: Money


class StatementItem(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that can be taken along."""

    statement_id: UUID
    period_start_at: datetime
    period_end_at: datetime
    net: Money


class CreatorPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page. ``days`` are the last thirty in the merchant's zone, in his currency."""

    merchant: str
    timezone: str
    party_id: UUID
    name: str
    sums: tuple[Earned, ...]
    clicks: int
    orders_count: int
    posts: tuple[Post, ...]
    others: Others | None
    days: tuple[DayEarned, ...]
    lately: tuple[Lately, ...]
    statements: tuple[StatementItem, ...]
    statements_count: int
