"""Ties of shops' own orders, made of all that was told of them: by alliances, by the API, in remarks; else a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from hutong.db.unit import Unit
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.queries import clicks_on, exact_channels, links_to
from hutong.links.attribution.service import OrderTie, tie_orders, told_tie, withdraw_ties
from hutong.links.attribution.told import told_of
from hutong.links.attribution.window import HISTORY, Placed, guess
from hutong.links.promotions.orders import Gathered, claim_orders, follow_shop, hold_orders
from hutong.shops.placements import GoodsSold, OrderRef, goods_sold, numbers_of_goods, placements

#: Orders of one round, and rounds of one import.
CLAIMED_AT_ONCE_MAX: Final = 1_000
CLAIM_ROUNDS_MAX: Final = 1_000
_TOLD_BY_BOTH: Final = """
SELECT DISTINCT ON (o.order_no) o.order_no, o.order_id, o.placed_at
FROM promoted_order p
JOIN sales_order o ON o.merchant_id = p.merchant_id AND o.source = p.source AND o.order_no = p.order_no
WHERE p.merchant_id = $1 AND p.source = $2 AND p.shop_order_id IS NULL
ORDER BY o.order_no, o.created_at DESC
LIMIT $3
"""
#: The order that a row ``given`` means by its number: of a number in two shops the later one.
_ITS_ORDER: Final = """
CROSS JOIN LATERAL (SELECT s.order_no, s.order_id, s.placed_at FROM sales_order s
  WHERE s.merchant_id = given.merchant_id AND s.source = given.source AND s.order_no = given.order_no
  ORDER BY s.created_at DESC LIMIT 1) o
"""
#: Evidence that is neither a tie nor a touch of its order yet: it was told while a long import wrote the order down.
_TOLD_MEANWHILE: Final = f"""
SELECT DISTINCT o.order_no, o.order_id, o.placed_at
FROM told_evidence given {_ITS_ORDER}
WHERE given.merchant_id = $1 AND given.source = $2 AND NOT EXISTS (SELECT FROM order_touch touch
  WHERE touch.merchant_id = given.merchant_id AND touch.order_id = o.order_id AND touch.touch_id = given.touch_id)
LIMIT $3
"""  # noqa: S608 (text of our own)
#: Orders of an alliance that show something else than what ties the shop's order for certain.
_SHOWN_OTHERWISE: Final = f"""
SELECT DISTINCT o.order_no, o.order_id, o.placed_at
FROM promoted_line given {_ITS_ORDER}
JOIN order_tie t ON t.merchant_id = given.merchant_id AND t.order_id = o.order_id AND t.evidence <> 'window'
LEFT JOIN promoted_order p
  ON p.merchant_id = given.merchant_id AND p.source = given.source AND p.order_no = given.order_no
WHERE given.merchant_id = $1 AND given.source = $2
  AND (p.shop_order_id, p.evidence, p.link_id, coalesce(p.click_id, p.link_id), p.word, p.is_named)
    IS DISTINCT FROM (o.order_id, t.evidence, t.link_id, coalesce(t.click_id, t.link_id), t.word, true)
LIMIT $3
"""  # noqa: S608 (text of our own)


def ids_of(orders: Mapping[str, OrderRef]) -> dict[str, UUID]:
    """Their ids, by number."""
    return {number: ref.order_id for number, ref in orders.items()}


async def claim_shops_orders(unit: Unit, source: str) -> None:
    """What was told of orders of a shop that are known by now, by alliances or otherwise, counts as the shop's."""
    await hold_orders(unit)
    for query, take in (
        (_TOLD_BY_BOTH, claim),
        (_TOLD_MEANWHILE, _take_told),
        (_SHOWN_OTHERWISE, _show),
    ):
        for _ in range(CLAIM_ROUNDS_MAX):
            rows = await unit.fetch(query, unit.merchant_id, source, CLAIMED_AT_ONCE_MAX)
            if not rows:
                break
            await take(unit, source, {row.order_no: row for row in rows})


async def _take_told(unit: Unit, source: str, orders: Mapping[str, OrderRef]) -> None:
    told = await told_of(unit, source, list(orders))
    ties = [told_tie(orders[one.order_no].order_id, orders[one.order_no].placed_at, one.tie) for one in told]
    await tie_orders(unit, ties)
    await follow_shop(unit, source, ids_of(orders))


async def claim(unit: Unit, source: str, orders: Mapping[str, OrderRef]) -> None:
    """What alliances told of these orders, which a shop has told by now, counts as the shop's."""
    said = await claim_orders(unit, source, ids_of(orders))
    await tie_orders(
        unit,
        [
            OrderTie(order_id=orders[number].order_id, touched_at=at, tie=tie)
            for number, its in said.items()
            for tie, at in its
        ],
    )
    await follow_shop(unit, source, ids_of(orders))


async def _show(unit: Unit, source: str, orders: Mapping[str, OrderRef]) -> None:
    await follow_shop(unit, source, ids_of(orders))


async def settle(
    unit: Unit,
    source: str,
    orders: Mapping[str, OrderRef],
    gathered: Gathered,
    gone: Mapping[str, Sequence[Tie]] = MappingProxyType({}),
) -> None:
    """Tie these orders of a shop by all that counts of them; what a line or a remark named that counts no more goes,
    and where nothing certain is left their time is asked.

    ``gone``: what stood in remarks before, by number.
    """
    lost = {
        ref.order_id: (*gathered.withdrawn.get(number, ()), *gone.get(number, ())) for number, ref in orders.items()
    }
    await withdraw_ties(unit, lost)
    counted = [
        told_tie(ref.order_id, ref.placed_at, tie)
        for number, ref in orders.items()
        for tie in gathered.told.get(number, ())
    ]
    counted += [
        OrderTie(order_id=ref.order_id, touched_at=at, tie=tie)
        for number, ref in orders.items()
        if number in gathered.orders
        for tie, at in gathered.orders[number].marked
    ]
    await tie_orders(unit, counted)
    await follow_shop(unit, source, ids_of(orders))
    for sold in await goods_sold(unit, [order_id for order_id, ties in lost.items() if ties]):
        await guess_tie(unit, sold)


async def guess_tie(unit: Unit, sold: GoodsSold) -> None:
    """Tie a paid order that nothing ties to the channel that most likely brought it, if one does."""
    if not sold.sku_ids or sold.order_id in await exact_channels(unit, [sold.order_id]):
        return
    numbers = await numbers_of_goods(unit, sold.connection_id, sold.sku_ids)
    links = await links_to(unit, sold.source, numbers)
    if not links:
        return
    since = sold.placed_at - HISTORY
    orders = await placements(unit, sold.connection_id, sold.sku_ids, since, sold.placed_at)
    exact = await exact_channels(unit, [order.order_id for order in orders])
    clicks = await clicks_on(unit, links, since, sold.placed_at)
    said = guess(sold.placed_at, clicks, [Placed(order.placed_at, exact.get(order.order_id)) for order in orders])
    if said is None:
        return
    tie = Tie(
        evidence=Evidence.WINDOW,
        channel_id=said.channel_id,
        link_id=said.link_id,
        confidence_bps=said.confidence_bps,
    )
    await tie_orders(unit, [OrderTie(order_id=sold.order_id, touched_at=sold.placed_at, tie=tie)])
