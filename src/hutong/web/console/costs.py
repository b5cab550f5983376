"""The channel cost page: what each channel took, held against an agent; how much hangs on one platform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.analytics.costs import (
    ChannelCost,
    channel_costs,
    cost_total,
    held_against_agent,
    sale_currencies,
)
from hutong.analytics.dependence import Dependence, shop_dependence, traffic_dependence
from hutong.analytics.queries import last_sale_at
from hutong.core.money import BPS_WHOLE, Money
from hutong.db.unit import Unit
from hutong.links.queries import channel_names
from hutong.merchants.connections import PLATFORM_FEE_BPS, UNKNOWN, change_settings, get_connection, list_connections
from hutong.merchants.queries import this_merchant
from hutong.web.charts import RateChart, RateSeries
from hutong.web.console.cost_views import CostRow, CostsView, FeeRate, Reliance, Share
from hutong.web.console.desk import ConsoleRequest, Desk, go_to
from hutong.web.console.periods import PERIOD_DEFAULT, PERIODS, Period, named_period
from hutong.web.console.typed import ChoiceUnknown, typed_rate
from hutong.web.format import Formats, zone_of
from hutong.web.i18n import Catalogues
from hutong.web.labels import label_of, mark
from hutong.web.languages import locale_of
from hutong.web.told import Told

#: Channels that one drawing can hold and a person can read.
ROWS_DRAWN_MAX: Final = 12
#: Colours of shares; whatever comes after the last is grey.
TONES: Final = 5
OWN_TONE: Final = 0
REST_TONE: Final = 6
_BARS: Final = (("wallet_fee", "--ht-tone-4"), ("commission", "--ht-tone-1"), ("platform_fee", "--ht-tone-3"))
_AGENT: Final = mark("代理 %(rate)s")
_UNKNOWN: Final = mark("未知")


class FeeForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform keeps of each sale: a number of per cent; empty where nobody knows."""

    rate: str = ""

    def setting(self) -> str | int:
        """The rate as a connection keeps it.

        Raises:
            RateUnreadable.
        """
        return typed_rate(self.rate, mark("平台服务费")) if self.rate.strip() else UNKNOWN


class CostsController(Controller):
    """The channel cost page."""

    path = "/costs"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, period: str = "", currency: str = "") -> Response[str]:
        """Costs and dependence of a period, in one currency."""
        locale = locale_of(request)
        async with desk.unit(request, "console.costs") as unit:
            merchant = await this_merchant(unit)
            zone = zone_of(merchant.timezone)
            currencies = await sale_currencies(unit) or (merchant.currency,)
            currency = currency if currency in currencies else currencies[0]
            chosen, costs = await open_costs(unit, period, currency, zone)
            is_quiet = period not in PERIODS and chosen.name != PERIOD_DEFAULT
            names = await channel_names(unit, [cost.channel_id for cost in costs if cost.channel_id is not None])
            rows = tuple(cost_row(cost, names) for cost in costs)
            agent_bps = desk.runtime.agent_rate_bps
            view = CostsView(
                period=chosen.name,
                quiet_since=await last_sale_at(unit, currency=currency) if is_quiet else None,
                periods=PERIODS,
                currency=currency,
                currencies=currencies,
                rows=rows,
                total=cost_total(costs, currency),
                agent=held_against_agent(costs, currency, agent_bps),
                chart=rate_chart(rows, agent_bps, Formats(locale, zone), desk.renderer.catalogues),
                reliances=(
                    reliance("traffic", await traffic_dependence(unit, currency, chosen.since, chosen.until), chosen),
                    reliance("shops", await shop_dependence(unit, currency, chosen.since, chosen.until), chosen),
                ),
                unbilled=tuple(sorted({row.source for row in costs if row.is_unbilled and row.source})),
                fees=await fee_rates(desk, unit),
            )
            return await desk.page(request, unit, "console/costs.html", view)

    @post("/fees/{connection_id:uuid}")
    async def set_fee(
        self,
        request: ConsoleRequest,
        desk: Desk,
        connection_id: UUID,
        data: Annotated[FeeForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """What a shop platform keeps of each new sale; sales that are booked stay as they are."""
        setting = data.setting()
        async with desk.unit(request, "console.platform_fee") as unit:
            account = await get_connection(unit, connection_id)
            if not is_shop(desk, account.platform):
                raise ChoiceUnknown(label=Told(mark("平台服务费")))
            await change_settings(unit, connection_id, **{PLATFORM_FEE_BPS: setting})
        return go_to("/costs#fees")


async def fee_rates(desk: Desk, unit: Unit) -> tuple[FeeRate, ...]:
    """The shops' accounts with what their platforms keep."""
    return tuple(
        FeeRate(
            connection_id=view.connection_id,
            platform=view.platform,
            title=view.title,
            rate_bps=view.platform_fee_bps,
            mode=view.mode.value,
        )
        for view in await list_connections(unit)
        if is_shop(desk, view.platform)
    )


def is_shop(desk: Desk, platform: str) -> bool:
    """Whether a platform sells and collects for the merchant, and so keeps a fee of its own."""
    return desk.runtime.registry.get(platform).orders is not None


async def open_costs(unit: Unit, asked: str, currency: str, zone: ZoneInfo) -> tuple[Period, tuple[ChannelCost, ...]]:
    """The costs of the period that was asked for; as on the overview, a shop with older sales alone opens on all."""
    chosen = named_period(asked, unit.now(), zone)
    costs = await channel_costs(unit, currency, chosen.since, chosen.until)
    if costs or asked in PERIODS:
        return chosen, costs
    whole = named_period("all", unit.now(), zone)
    ever = await channel_costs(unit, currency, whole.since, whole.until)
    return (whole, ever) if ever else (chosen, costs)


def cost_row(cost: ChannelCost, names: dict[UUID, str]) -> CostRow:
    """A channel with its name."""
    return CostRow(
        channel_id=cost.channel_id,
        name="" if cost.channel_id is None else names.get(cost.channel_id, ""),
        source=cost.source,
        cost=cost,
    )


def rate_chart(rows: Sequence[CostRow], agent_bps: int, formats: Formats, catalogues: Catalogues) -> RateChart | None:
    """The channels that sold most, each cost as a share of what was kept."""
    unknown = catalogues.text(formats.locale, _UNKNOWN)
    drawn = [row for row in rows if row.cost.rate_bps is not None or row.cost.is_unbilled][:ROWS_DRAWN_MAX]
    if not drawn:
        return None
    locale = formats.locale
    return RateChart(
        labels=tuple(row.name or catalogues.text(locale, label_of("carrier", row.source)) for row in drawn),
        series=tuple(
            RateSeries(
                name=catalogues.text(locale, label_of("account", kind)),
                colour=colour,
                values_bps=tuple(_rate(getattr(row.cost, kind), row.cost) for row in drawn),
            )
            for kind, colour in _BARS
        ),
        texts=tuple(unknown if row.cost.is_unbilled else formats.rate(row.cost.rate_bps or 0) for row in drawn),
        line_bps=agent_bps,
        line_text=catalogues.text(locale, _AGENT, rate=formats.basis_points(agent_bps)),
    )


def reliance(kind: str, figures: Dependence, period: Period) -> Reliance:
    """Shares side by side, and what the largest platform brings a day."""
    shares, start, tone = [], 0, 0
    for part in figures.parts:
        if not part.share_bps:
            continue
        tone += part.is_platform
        shares.append(
            Share(
                key=part.key,
                is_platform=part.is_platform,
                orders=part.orders_count,
                kept=part.kept,
                share_bps=part.share_bps,
                tone=OWN_TONE if not part.is_platform else tone if tone <= TONES else REST_TONE,
                start=start,
                width=min(part.share_bps, BPS_WHOLE - start),
            )
        )
        start = min(start + part.share_bps, BPS_WHOLE)
    largest = figures.largest
    a_day = None
    if largest is not None and period.days:
        a_day = Money(largest.kept.amount_minor // period.days, largest.kept.currency)
    return Reliance(kind=kind, figures=figures, shares=tuple(shares), a_day=a_day)


def _rate(part: Money, cost: ChannelCost) -> int:
    """A part of a cost in hundredths of a per cent of the sales it was taken of; below zero it draws nothing."""
    billed_minor = cost.billed.amount_minor
    return max(0, part.amount_minor) * BPS_WHOLE // billed_minor if billed_minor > 0 else 0
