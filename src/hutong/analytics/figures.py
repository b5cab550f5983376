"""Figures as they are shown. Currencies are never added up: money comes as one entry for each currency."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

import msgspec

from hutong.core.money import BPS_WHOLE, Money, round_half_up


class MoneyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Sales in one currency. ``orders_count`` leaves return documents out; ``promoted_count``: how many of them an
    alliance tells and no connected shop.

    ``net`` = ``gross`` − ``refunded``: what stayed with the merchant, before fees and commissions.
    """

    orders_count: int
    gross: Money
    refunded: Money
    net: Money
    promoted_count: int = 0

    @property
    def currency(self) -> str:
        """The currency of all three."""
        return self.gross.currency


class ClickFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Clicks of people; bots apart. ``converted_clicks`` led to at least one paid order."""

    clicks: int = 0
    clicks_by_container: Mapping[str, int] = msgspec.field(default_factory=dict)
    bot_clicks: int = 0
    converted_clicks: int = 0

    @property
    def conversion_bps(self) -> int:
        """Converted clicks in hundredths of a per cent of all clicks of people."""
        return round_half_up(self.converted_clicks * BPS_WHOLE, self.clicks) if self.clicks else 0


class ChannelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A channel from click to money; ``channel_id`` None: sales that no channel is certain for."""

    channel_id: UUID | None
    traffic: ClickFigures
    orders_count: int
    money: tuple[MoneyFigures, ...]


class LinkFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one link sold."""

    link_id: UUID
    orders_count: int
    money: tuple[MoneyFigures, ...]


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """How trade goes. ``visits`` are clicks of people; ``converted_visits`` those that led to a paid order."""

    orders_count: int
    money: tuple[MoneyFigures, ...]
    visits: int
    converted_visits: int

    @property
    def conversion_bps(self) -> int:
        """Converted visits in hundredths of a per cent of all visits."""
        return round_half_up(self.converted_visits * BPS_WHOLE, self.visits) if self.visits else 0


class MonthFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Sales paid in a calendar month (``month``: its first day) of the merchant's time zone."""

    month: date
    money: MoneyFigures


class ProductFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How a product sold, less what came back: by return documents, and by refunds of its sales (each line's share).

    ``quantity`` loses the pieces of a sale once all of its money went back; of a part nobody says which pieces.
    """

    sku_id: UUID | None
    title: str
    quantity: int
    amount: Money
    lines_count: int


class RepeatFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Customers with at least one order, and those with two or more.

    Orders without a customer (guests) are in neither; ``orders_without_customer`` says how many these are.
    """

    customers_count: int
    repeat_customers_count: int
    orders_without_customer: int

    @property
    def repeat_bps(self) -> int:
        """Repeat customers in hundredths of a per cent of all customers."""
        if not self.customers_count:
            return 0
        return round_half_up(self.repeat_customers_count * BPS_WHOLE, self.customers_count)
