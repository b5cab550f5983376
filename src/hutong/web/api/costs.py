"""What channels took of their sales, and how much of the shop hangs on one platform."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, get

from hutong.analytics.costs import ChannelCost, channel_costs, cost_total, held_against_agent, sale_currencies
from hutong.analytics.dependence import Dependence, shop_dependence, traffic_dependence
from hutong.links.queries import channel_names
from hutong.merchants.keys import ApiKey
from hutong.merchants.service import get_merchant
from hutong.web.moments import aware
from hutong.workflows.runtime import Runtime


class CostItem(msgspec.Struct, frozen=True, kw_only=True):
    """Sales and their costs in minor units. ``source`` names the shop where no channel brought the sale.

    ``unbilled_minor``: what of the kept sales was sold by platforms whose own fee is not known; ``unbilled``: that is
    all of them. ``rate_bps``: cost of the sales whose costs are known, null where there are none.
    """

    channel_id: UUID | None
    name: str
    source: str
    orders: int
    gross_minor: int
    refunded_minor: int
    kept_minor: int
    wallet_fee_minor: int
    commission_minor: int
    platform_fee_minor: int
    cost_minor: int
    net_minor: int
    rate_bps: int | None
    unbilled: bool
    unbilled_minor: int


class CostsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All channels in one currency, the one that sold most first, and an agent's price of the sales that are billed."""

    currency: str
    currencies: tuple[str, ...]
    items: tuple[CostItem, ...]
    total: CostItem
    agent_rate_bps: int
    agent_would_take_minor: int
    saved_minor: int


class PartItem(msgspec.Struct, frozen=True, kw_only=True):
    """What one platform carries; ``direct`` and the like are the merchant's own and no platform."""

    key: str
    is_platform: bool
    orders: int
    kept_minor: int
    share_bps: int


class DependenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the kept sales; ``hhi`` over platforms only, 0 to 10000; ``level``: low, medium or high."""

    total_minor: int
    parts: tuple[PartItem, ...]
    hhi: int
    level: str


class DependenceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """By the platform that brought the buyer, and by the shop that closed the sale."""

    currency: str
    traffic: DependenceItem
    shops: DependenceItem


class CostsApi(Controller):
    """Channel cost and dependence."""

    path = "/api/v1"
    tags = ["Figures"]

    @get("/channel-costs", opt={"scope": "figures:read"}, summary="What each channel took of its sales")
    async def costs(
        self,
        runtime: Runtime,
        caller: ApiKey,
        currency: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> CostsAnswer:
        """Sales paid in a period and their costs so far; without a currency, the one with the most sales."""
        async with runtime.unit(caller.merchant_id, "api.costs") as unit:
            currencies = await sale_currencies(unit) or ((await get_merchant(unit)).currency,)
            currency = currency or currencies[0]
            rows = await channel_costs(unit, currency, aware(since, "since"), aware(until, "until"))
            names = await channel_names(unit, [row.channel_id for row in rows if row.channel_id is not None])
        agent = held_against_agent(rows, currency, runtime.agent_rate_bps)
        return CostsAnswer(
            currency=currency,
            currencies=currencies,
            items=tuple(_item(row, names) for row in rows),
            total=_item(cost_total(rows, currency), names),
            agent_rate_bps=agent.rate_bps,
            agent_would_take_minor=agent.would_take.amount_minor,
            saved_minor=agent.saved.amount_minor,
        )

    @get("/dependence", opt={"scope": "figures:read"}, summary="How much of the shop hangs on one platform")
    async def dependence(
        self,
        runtime: Runtime,
        caller: ApiKey,
        currency: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> DependenceAnswer:
        """Shares of the sales of a period that did not go back."""
        async with runtime.unit(caller.merchant_id, "api.dependence") as unit:
            currencies = await sale_currencies(unit) or ((await get_merchant(unit)).currency,)
            currency = currency or currencies[0]
            since, until = aware(since, "since"), aware(until, "until")
            traffic = await traffic_dependence(unit, currency, since, until)
            shops = await shop_dependence(unit, currency, since, until)
        return DependenceAnswer(currency=currency, traffic=_dependence(traffic), shops=_dependence(shops))


def _item(row: ChannelCost, names: dict[UUID, str]) -> CostItem:
    return CostItem(
        channel_id=row.channel_id,
        name="" if row.channel_id is None else names.get(row.channel_id, ""),
        source=row.source,
        orders=row.orders_count,
        gross_minor=row.gross.amount_minor,
        refunded_minor=row.refunded.amount_minor,
        kept_minor=row.kept.amount_minor,
        wallet_fee_minor=row.wallet_fee.amount_minor,
        commission_minor=row.commission.amount_minor,
        platform_fee_minor=row.platform_fee.amount_minor,
        cost_minor=row.cost.amount_minor,
        net_minor=row.net.amount_minor,
        rate_bps=row.rate_bps,
        unbilled=row.is_unbilled,
        unbilled_minor=row.unbilled.amount_minor,
    )


def _dependence(figures: Dependence) -> DependenceItem:
    return DependenceItem(
        total_minor=figures.total.amount_minor,
        parts=tuple(
            PartItem(
                key=part.key,
                is_platform=part.is_platform,
                orders=part.orders_count,
                kept_minor=part.kept.amount_minor,
                share_bps=part.share_bps,
            )
            for part in figures.parts
        ),
        hhi=figures.hhi,
        level=figures.level.value,
    )
