"""What each channel is credited with: first touch, last touch, and each touch its share; guesses stand apart.

A touch is exact evidence: a click of the buyer's or of who brought him, or a word he gave. A word, or a place of an
alliance, is no second touch of the link whose click was the touch before it. What stands in the order itself is a
touch, too: its own click, at the time that its id begins with (RFC 9562 §5.7), or the channel of a shop code. Without
any an order has none. Linear shares of one order add up to it, to the minor unit. Orders that only an alliance tells
are among them (brought.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.money import BPS_WHOLE, Money
from hutong.db.unit import Unit

GROUPS_MAX: Final = 10_000


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """What one channel is credited with in one currency, less what went back. ``channel_id`` None: no touch is known.

    ``linear_orders_bps``: parts of orders, in ten-thousandths of an order. ``guessed``: of orders without any touch,
    those whose time makes this channel likely; they are in no other figure of a channel.
    """

    channel_id: UUID | None
    first_orders: int
    first: Money
    last_orders: int
    last: Money
    linear_orders_bps: int
    linear: Money
    guessed_orders: int
    guessed: Money

    @property
    def currency(self) -> str:
        """The currency of all."""
        return self.last.currency


#: Sales, touches and guesses are put together by a sort, not by joins: of a merchant whose rows the planner has not
#: counted yet it expects one, and would compare each sale with every touch. Shares are the differences of running
#: quotients, so that they add up.
_CREDIT: Final = """
WITH known AS (
  SELECT order_id, touch_id, touched_at, channel_id, link_id, false AS is_own FROM order_touch WHERE merchant_id = $1
  UNION ALL
  SELECT order_id, coalesce(click_id, order_id), coalesce(to_timestamp(
    ('x' || left(replace(click_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0), paid_at), channel_id, link_id, true
  FROM sale_fact WHERE merchant_id = $1 AND channel_id IS NOT NULL
), once AS (
  SELECT DISTINCT ON (order_id, touch_id) * FROM known ORDER BY order_id, touch_id, is_own
), touched AS (
  SELECT order_id, touch_id, touched_at, channel_id
  FROM (SELECT once.*, array_agg(link_id) OVER (PARTITION BY order_id ORDER BY touched_at
    GROUPS BETWEEN 1 PRECEDING AND 1 PRECEDING) AS before_ids FROM once) touch
  WHERE touch_id IS DISTINCT FROM link_id OR (link_id = ANY(before_ids)) IS NOT TRUE
), told (order_id, currency, is_order, net_minor, own_id, touch_id, touched_at, touched_channel_id, guessed_id) AS (
  SELECT order_id, currency, NOT is_refund, gross_minor - refunded_minor, channel_id, NULL::uuid, NULL::timestamptz,
    NULL::uuid, NULL::uuid
  FROM sale_fact WHERE merchant_id = $1
  UNION ALL
  SELECT order_id, currency, true, paid_minor, channel_id, NULL, NULL, NULL, NULL
  FROM promoted_order WHERE merchant_id = $1 AND is_sold AND shop_order_id IS NULL
  UNION ALL
  SELECT order_id, NULL, NULL, NULL, NULL, touch_id, touched_at, channel_id, NULL
  FROM touched
  UNION ALL
  SELECT order_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, channel_id
  FROM order_tie WHERE merchant_id = $1 AND evidence = 'window'
), sale AS (
  SELECT min(currency) AS currency, bool_or(is_order) AS is_order, min(net_minor) AS net_minor,
    coalesce(array_agg(touched_channel_id ORDER BY touched_at, touch_id) FILTER (WHERE touch_id IS NOT NULL),
      array_agg(own_id) FILTER (WHERE currency IS NOT NULL)) AS channel_ids,
    (array_agg(guessed_id) FILTER (WHERE guessed_id IS NOT NULL))[1] AS guessed_id
  FROM told GROUP BY order_id HAVING count(currency) > 0
), credited AS (
  SELECT touch.channel_id, sale.currency, sale.is_order, sale.net_minor, touch.place,
    cardinality(channel_ids) AS touches,
    CASE WHEN touch.channel_id IS NULL THEN sale.guessed_id END AS guessed_id
  FROM sale CROSS JOIN LATERAL unnest(channel_ids) WITH ORDINALITY AS touch (channel_id, place)
)
SELECT channel_id, currency, guessed_id,
  count(*) FILTER (WHERE place = 1 AND is_order) AS first_orders,
  coalesce(sum(net_minor) FILTER (WHERE place = 1), 0)::bigint AS first_minor,
  count(*) FILTER (WHERE place = touches AND is_order) AS last_orders,
  coalesce(sum(net_minor) FILTER (WHERE place = touches), 0)::bigint AS last_minor,
  coalesce(sum(div($2::numeric * place, touches) - div($2::numeric * (place - 1), touches))
    FILTER (WHERE is_order), 0)::bigint AS linear_orders_bps,
  sum(div(net_minor::numeric * place, touches) - div(net_minor::numeric * (place - 1), touches))::bigint AS linear_minor
FROM credited
GROUP BY channel_id, currency, guessed_id
ORDER BY channel_id, currency
LIMIT $3
"""


async def channel_credit(unit: Unit) -> tuple[Credit, ...]:
    """Every channel with a touch or a guess, in each currency; sales of no channel too, guessed ones among them."""
    found: dict[tuple[UUID | None, str], Credit] = {}
    for row in await unit.fetch(_CREDIT, unit.merchant_id, BPS_WHOLE, GROUPS_MAX):
        last = Money(row.last_minor, row.currency)
        none = Money(0, row.currency)
        credit = Credit(
            channel_id=row.channel_id,
            first_orders=row.first_orders,
            first=Money(row.first_minor, row.currency),
            last_orders=row.last_orders,
            last=last,
            linear_orders_bps=row.linear_orders_bps,
            linear=Money(row.linear_minor, row.currency),
            guessed_orders=0,
            guessed=none,
        )
        _add(found, credit)
        if row.guessed_id is not None:
            guessed = Credit(
                channel_id=row.guessed_id,
                first_orders=0,
                first=none,
                last_orders=0,
                last=none,
                linear_orders_bps=0,
                linear=none,
                guessed_orders=row.last_orders,
                guessed=last,
            )
            _add(found, guessed)
    return tuple(found.values())


def by_channel(credit: Sequence[Credit]) -> dict[UUID | None, tuple[Credit, ...]]:
    """Each channel's entries, one for each currency."""
    found: dict[UUID | None, tuple[Credit, ...]] = {}
    for one in credit:
        found[one.channel_id] = (*found.get(one.channel_id, ()), one)
    return found


def _add(found: dict[tuple[UUID | None, str], Credit], more: Credit) -> None:
    key = (more.channel_id, more.currency)
    known = found.get(key)
    if known is None:
        found[key] = more
        return
    found[key] = Credit(
        channel_id=more.channel_id,
        first_orders=known.first_orders + more.first_orders,
        first=known.first + more.first,
        last_orders=known.last_orders + more.last_orders,
        last=known.last + more.last,
        linear_orders_bps=known.linear_orders_bps + more.linear_orders_bps,
        linear=known.linear + more.linear,
        guessed_orders=known.guessed_orders + more.guessed_orders,
        guessed=known.guessed + more.guessed,
    )
