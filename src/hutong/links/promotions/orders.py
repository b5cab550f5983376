"""Orders of alliances, each once: what brought them and what was paid, until a connected shop tells them too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, and_, any_, literal, select

from hutong.db.unit import Unit
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.service import OrderTie, touch_orders
from hutong.links.promotions.models import promoted_order
from hutong.links.promotions.sales import SOLD

#: A sale that no other table of ours knows: paid, and told by no connected shop.
COUNTED: Final = and_(promoted_order.c.is_sold, promoted_order.c.shop_order_id.is_(None))

#: All lines of these orders anew: whose link, of several the latest click, and the sum of what is paid. Lines of one
#: order are in one currency. An order whose marks name no link of ours is left out.
_GATHER: Final = """
INSERT INTO promoted_order AS known (merchant_id, source, order_no, order_id, shop_order_id, link_id, channel_id,
  click_id, currency, paid_minor, is_sold, placed_at, paid_at)
SELECT $1, $2, given.order_no, given.order_id, given.shop_order_id,
  (array_agg(line.link_id ORDER BY line.click_id DESC NULLS LAST, line.link_id))[1],
  (array_agg(line.channel_id ORDER BY line.click_id DESC NULLS LAST, line.link_id))[1],
  (array_agg(line.click_id ORDER BY line.click_id DESC NULLS LAST, line.link_id))[1],
  min(line.currency),
  coalesce(sum(line.paid_minor) FILTER (WHERE line.status = ANY ($6::text[])), 0)::bigint,
  bool_or(line.status = ANY ($6::text[])),
  min(line.placed_at), coalesce(min(line.paid_at), min(line.placed_at))
FROM unnest($3::text[], $4::uuid[], $5::uuid[]) AS given (order_no, order_id, shop_order_id)
JOIN promoted_line line ON line.merchant_id = $1 AND line.source = $2 AND line.order_no = given.order_no
GROUP BY given.order_no, given.order_id, given.shop_order_id
HAVING count(line.link_id) > 0
ORDER BY given.order_no
ON CONFLICT (merchant_id, source, order_no) DO UPDATE SET
  shop_order_id = coalesce(excluded.shop_order_id, known.shop_order_id),
  link_id = excluded.link_id, channel_id = excluded.channel_id, click_id = excluded.click_id,
  currency = excluded.currency, paid_minor = excluded.paid_minor, is_sold = excluded.is_sold,
  placed_at = excluded.placed_at, paid_at = excluded.paid_at
RETURNING order_id, link_id, channel_id, click_id, placed_at, is_sold
"""

#: A shop tells these orders from now on.
_CLAIM: Final = """
UPDATE promoted_order AS known SET shop_order_id = given.shop_order_id
FROM unnest($3::text[], $4::uuid[]) AS given (order_no, shop_order_id)
WHERE known.merchant_id = $1 AND known.source = $2 AND known.order_no = given.order_no
"""


async def gather_orders(unit: Unit, source: str, numbers: Collection[str], shop_orders: Mapping[str, UUID]) -> None:
    """Make these orders of their lines, and keep what the buyers of the paid ones touched before.

    ``shop_orders``: those of them that a connected shop tells, too.
    """
    if not numbers:
        return
    wanted = sorted(numbers)
    rows = await unit.fetch(
        _GATHER,
        unit.merchant_id,
        source,
        wanted,
        [unit.new_id() for _ in wanted],
        [shop_orders.get(number) for number in wanted],
        sorted(status.value for status in SOLD),
    )
    ties = [
        OrderTie(
            order_id=row.order_id,
            order_at=row.placed_at,
            tie=Tie(evidence=Evidence.CARRIED, channel_id=row.channel_id, link_id=row.link_id, click_id=row.click_id),
        )
        for row in rows
        if row.is_sold
    ]
    await touch_orders(unit, ties, keep_single=True)


async def unclaimed(unit: Unit, source: str, numbers: Collection[str]) -> list[str]:
    """Those of a source's orders that an alliance told and no shop has told yet."""
    wanted = promoted_order.c.order_no == any_(literal(list(numbers), ARRAY(Text)))
    statement = select(promoted_order.c.order_no).where(
        promoted_order.c.merchant_id == unit.merchant_id,
        promoted_order.c.source == source,
        wanted,
        promoted_order.c.shop_order_id.is_(None),
    )
    return [row.order_no for row in await unit.all(statement.limit(len(numbers)))]


async def claim_orders(unit: Unit, source: str, shop_orders: Mapping[str, UUID]) -> None:
    """A connected shop tells these orders: they count as its own from now on, and not once more."""
    if shop_orders:
        await unit.fetch(_CLAIM, unit.merchant_id, source, list(shop_orders), list(shop_orders.values()))
