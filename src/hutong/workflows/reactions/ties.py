"""What a paid order means for the links: what its buyer touched, and what could have brought it."""

from __future__ import annotations

from collections.abc import Sequence

from hutong.db.unit import Unit
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.service import OrderTie, tie_orders, told_tie, touch_orders
from hutong.links.attribution.told import told_of
from hutong.links.promotions.orders import claim_orders, follow_shop, hold_orders
from hutong.shops.events import OrderPaid, OrdersImported
from hutong.shops.orders import OWN
from hutong.shops.placements import goods_sold, orders_by_number
from hutong.workflows.commands.shop_ties import claim_shops_orders, guess_tie
from hutong.workflows.runtime import Runtime


async def tie_sales(_runtime: Runtime, unit: Unit, events: Sequence[OrderPaid]) -> None:
    """Our own orders stand behind their click already: what was touched before it is kept beside it.

    Orders of other shops take the evidence that waited for them, and the place of what alliances told of them; of what
    is left the time of the order is asked.
    """
    await touch_orders(unit, [tie for event in events if (tie := _own(event)) is not None])
    others = [event for event in events if event.source != OWN]
    if others:
        await hold_orders(unit)
    for source in sorted({event.source for event in others}):
        theirs = {event.order_no: event for event in others if event.source == source}
        said = await claim_orders(unit, source, {number: event.order_id for number, event in theirs.items()})
        known = await orders_by_number(unit, source, theirs)
        ties = [
            told_tie(theirs[one.order_no].order_id, known[one.order_no].placed_at, one.tie)
            for one in await told_of(unit, source, list(theirs))
        ]
        ties += [
            OrderTie(order_id=theirs[number].order_id, touched_at=at, tie=tie)
            for number, its in said.items()
            for tie, at in its
        ]
        await tie_orders(unit, ties)
        await follow_shop(unit, source, {number: event.order_id for number, event in theirs.items()})
        tied = {one.order_id for one in ties}
        lonely = [event.order_id for event in theirs.values() if event.order_id not in tied]
        for sold in await goods_sold(unit, lonely):
            await guess_tie(unit, sold)


async def claim_imported(_runtime: Runtime, unit: Unit, event: OrdersImported) -> None:
    """Orders that came in from files take the place of what alliances told of them."""
    await claim_shops_orders(unit, event.source)


def _own(event: OrderPaid) -> OrderTie | None:
    """The click behind an order of our own; None where it came by none, or by one whose link is not known here."""
    if event.source != OWN or event.click_id is None or event.channel_id is None or event.link_id is None:
        return None
    tie = Tie(evidence=Evidence.CLICK, channel_id=event.channel_id, link_id=event.link_id, click_id=event.click_id)
    return OrderTie(order_id=event.order_id, touched_at=event.paid_at, tie=tie)
