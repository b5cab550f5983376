"""Channels: which post, video, stream, person or poster really sold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from litestar import Controller, Response, get

from hutong.analytics.credit import Credit, by_channel, channel_credit
from hutong.analytics.figures import ChannelFigures, ClickFigures
from hutong.analytics.queries import channel_figures
from hutong.links.queries import ChannelDetail, channel_details
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.views import ChannelRow, ChannelsView, CreditRow

_WHOLE: Final = 100


class ChannelsController(Controller):
    """The channels page."""

    path = "/channels"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """All channels, the one that sold most first."""
        async with desk.unit(request, "console.channels") as unit:
            figures = {row.channel_id: row for row in await channel_figures(unit)}
            rest = figures.pop(None, None)
            channels = await channel_details(unit)
            busiest = max((row.traffic.clicks for row in figures.values()), default=0)
            rows = [_row(channel, figures.get(channel.channel_id), busiest) for channel in channels]
            rows.sort(key=lambda row: (-row.orders, -row.clicks, row.name))
            credit = await channel_credit(unit)
            view = ChannelsView(
                rows=tuple(rows),
                unattributed_orders=0 if rest is None else rest.orders_count,
                unattributed_revenue=() if rest is None else tuple(entry.net for entry in rest.money),
                credit=_credit_rows(credit, {channel.channel_id: channel.name for channel in channels}),
            )
            return await desk.page(request, unit, "console/channels.html", view)


def _row(channel: ChannelDetail, figures: ChannelFigures | None, busiest: int) -> ChannelRow:
    traffic = ClickFigures() if figures is None else figures.traffic
    money = () if figures is None else figures.money
    orders = 0 if figures is None else figures.orders_count
    return ChannelRow(
        channel_id=channel.channel_id,
        name=channel.name,
        kind=channel.kind,
        platform=channel.platform,
        links=channel.links,
        clicks=traffic.clicks,
        bot_clicks=traffic.bot_clicks,
        orders=orders,
        promoted_orders=sum(entry.promoted_count for entry in money),
        revenue=tuple(entry.net for entry in money),
        refunded=tuple(entry.refunded for entry in money if entry.refunded.amount_minor),
        click_share=_share(traffic.clicks, busiest),
        order_share=_share(orders, traffic.clicks),
        containers=tuple(sorted(traffic.clicks_by_container.items(), key=lambda item: (-item[1], item[0]))),
        conversion_bps=traffic.conversion_bps,
    )


def _credit_rows(credit: Sequence[Credit], names: Mapping[UUID, str]) -> tuple[CreditRow, ...]:
    """One row for each channel, the one with the largest linear share of the first currency first."""
    rows = [
        CreditRow(
            channel_id=channel_id,
            name=names[channel_id],
            first_orders=sum(one.first_orders for one in its),
            first=tuple(one.first for one in its),
            last_orders=sum(one.last_orders for one in its),
            last=tuple(one.last for one in its),
            linear=tuple(one.linear for one in its),
            guessed_orders=sum(one.guessed_orders for one in its),
            guessed=tuple(one.guessed for one in its),
        )
        for channel_id, its in by_channel(credit).items()
        if channel_id is not None and channel_id in names
    ]
    return tuple(sorted(rows, key=lambda row: (-row.linear[0].amount_minor, row.name)))


def _share(part: int, whole: int) -> int:
    """A bar's length in per cent; whatever exists is visible."""
    if not whole or not part:
        return 0
    return max(1, min(_WHOLE, _WHOLE * part // whole))
