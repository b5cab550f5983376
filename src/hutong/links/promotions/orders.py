"""Orders of alliances, each once: what brought them and what was paid, until a connected shop tells them too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import structs
from sqlalchemy import ARRAY, ColumnElement, Text, Uuid, and_, any_, delete, literal, select, text, update

from hutong.db.unit import Unit
from hutong.links.attribution.evidence import Evidence, Tie, touched_at
from hutong.links.attribution.models import order_touch
from hutong.links.attribution.queries import exact_ties
from hutong.links.attribution.service import OrderTie, touch_orders
from hutong.links.attribution.told import told_of
from hutong.links.promotions.models import promoted_line, promoted_order
from hutong.links.promotions.sales import SOLD
from hutong.platforms.jump_links import PromotedStatus

#: A sale that no other table of ours knows: paid, and told by no connected shop.
COUNTED: Final = and_(promoted_order.c.is_sold, promoted_order.c.shop_order_id.is_(None))
#: Lines of the orders of one page.
ROWS_MAX: Final = 50_000
#: An alliance and a shop that tell one order at the same time must see each other; so must two accounts.
_ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('links.promoted:' || :merchant_id, 0))")

_KEEP: Final = """
INSERT INTO promoted_order AS known (merchant_id, source, order_no, order_id, shop_order_id, evidence, word, link_id,
  channel_id, click_id, currency, paid_minor, is_sold, was_sold, placed_at, paid_at)
SELECT $1, $2, given.* FROM unnest($3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::uuid[],
  $10::uuid[], $11::text[], $12::bigint[], $13::boolean[], $14::boolean[], $15::timestamptz[], $16::timestamptz[])
  AS given
ON CONFLICT (merchant_id, source, order_no) DO UPDATE SET
  shop_order_id = coalesce(excluded.shop_order_id, known.shop_order_id),
  evidence = excluded.evidence, word = excluded.word, link_id = excluded.link_id, channel_id = excluded.channel_id,
  click_id = excluded.click_id, currency = excluded.currency, paid_minor = excluded.paid_minor,
  is_named = true, is_sold = excluded.is_sold, was_sold = known.was_sold OR excluded.was_sold,
  placed_at = excluded.placed_at,
  paid_at = CASE WHEN known.was_sold THEN least(known.paid_at, excluded.paid_at) ELSE excluded.paid_at END
RETURNING order_no, order_id
"""

#: A shop tells these orders from now on.
_CLAIM: Final = """
UPDATE promoted_order AS known SET shop_order_id = given.shop_order_id
FROM unnest($3::text[], $4::uuid[]) AS given (order_no, shop_order_id)
WHERE known.merchant_id = $1 AND known.source = $2 AND known.order_no = given.order_no
"""


#: Ties and when the buyer touched what each names.
Touches: TypeAlias = tuple[tuple[Tie, datetime], ...]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What counts of a line. ``tie``: whom its mark names; ``clicked_at``: when its address was opened, where known."""

    status: PromotedStatus
    currency: str
    paid_minor: int
    placed_at: datetime
    paid_at: datetime | None
    clicked_at: datetime | None
    tie: Tie | None

    @property
    def is_sold(self) -> bool:
        """Paid, and not taken back."""
        return self.status in SOLD

    @property
    def touched_at(self) -> datetime:
        """When the buyer touched what it names: before he ordered, whatever a platform's clock says."""
        return self.placed_at if self.clicked_at is None else min(self.clicked_at, self.placed_at)


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """An order of its lines. ``touched``: every tie that is exact, of what counts of it, and when that was, where it is
    sold; ``marked``: those that the lines name, sold or not.
    """

    tie: Tie
    touched: Touches
    marked: Touches
    currency: str
    paid_minor: int
    is_sold: bool
    placed_at: datetime
    paid_at: datetime


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Orders by number: those that something ties, what was told of any otherwise, and what only lines name that are
    not paid (any more).
    """

    orders: dict[str, Whole]
    told: dict[str, list[Tie]]
    withdrawn: dict[str, tuple[Tie, ...]]


async def hold_orders(unit: Unit) -> None:
    """Nobody else tells of this merchant's promoted orders until this transaction ends."""
    await unit.run(_ONE_AT_A_TIME, {"merchant_id": str(unit.merchant_id)})


async def named_before(unit: Unit, source: str, numbers: Collection[str]) -> dict[str, set[Tie]]:
    """What the lines of these orders name, before a word is taken that may name another link."""
    lines = await _lines(unit, source, numbers) if numbers else {}
    return {number: _ties(its) for number, its in lines.items()}


async def gather_orders(
    unit: Unit,
    source: str,
    numbers: Collection[str],
    shop_orders: Mapping[str, UUID],
    before: Mapping[str, set[Tie]] = MappingProxyType({}),
) -> Gathered:
    """Make these orders anew of all that is known of them, and keep what the buyers of the paid ones touched before.

    ``shop_orders``: those of them that a connected shop tells, too; ``before``: what their lines named. Call
    :func:`hold_orders` before they are looked up, and :func:`follow_shop` when the shop's own are tied.
    """
    gathered = await _gathered(unit, source, numbers, before)
    await _forget(unit, source, set(numbers) - set(gathered.orders) - set(shop_orders))
    await _touch(unit, await _keep(unit, source, gathered.orders, shop_orders))
    return gathered


async def _keep(
    unit: Unit, source: str, wholes: Mapping[str, Whole], shop_orders: Mapping[str, UUID]
) -> dict[UUID, Whole]:
    if not wholes:
        return {}
    made = list(wholes.values())
    rows = await unit.fetch(
        _KEEP,
        unit.merchant_id,
        source,
        list(wholes),
        unit.new_ids(len(made)),
        [shop_orders.get(number) for number in wholes],
        [one.tie.evidence.value for one in made],
        [one.tie.word for one in made],
        [one.tie.link_id for one in made],
        [one.tie.channel_id for one in made],
        [one.tie.click_id for one in made],
        [one.currency for one in made],
        [one.paid_minor for one in made],
        [one.is_sold for one in made],
        [one.is_sold for one in made],
        [one.placed_at for one in made],
        [one.paid_at for one in made],
    )
    return {row.order_id: wholes[row.order_no] for row in rows}


async def _gathered(
    unit: Unit, source: str, numbers: Collection[str], before: Mapping[str, set[Tie]] = MappingProxyType({})
) -> Gathered:
    if not numbers:
        return Gathered(orders={}, told={}, withdrawn={})
    lines, told = await _lines(unit, source, numbers), await _told(unit, source, numbers)
    found = {number: whole(lines[number], told.get(number, ())) for number in sorted(lines)}
    return Gathered(
        orders={number: made for number, made in found.items() if made is not None},
        told=told,
        withdrawn={number: withdrawn(lines[number], told.get(number, ()), before.get(number, ())) for number in found},
    )


def whole(lines: Sequence[Line], told: Sequence[Tie]) -> Whole | None:
    """The order of these lines and of what was told of it otherwise; None where nothing names a link. Pure.

    What is paid decides: a line that was taken back, or never paid, names nobody while another one is paid. Where none
    is, all of them name who brought the order: it is no sale, but a shop may tell that it was one, or was given back.
    In whatever order lines come, the same order comes of them.
    """
    sold = _sold(lines)
    counted = sold or lines
    named = _ties(counted)
    ties = sorted({*told, *named}, key=lambda tie: (tie.weight, tie.word))
    if not lines or not ties:
        return None
    placed_at = min(line.placed_at for line in counted)
    marked = {tie: min(line.touched_at for line in counted if line.tie == tie) for tie in ties if tie in named}
    return Whole(
        tie=max(ties, key=lambda tie: tie.weight),
        touched=tuple((tie, marked.get(tie) or touched_at(tie, placed_at)) for tie in ties) if sold else (),
        marked=tuple(marked.items()),
        currency=min(line.currency for line in counted),
        paid_minor=sum(line.paid_minor for line in sold),
        is_sold=bool(sold),
        placed_at=placed_at,
        paid_at=min((line.paid_at for line in counted if line.paid_at is not None), default=placed_at),
    )


def withdrawn(lines: Sequence[Line], told: Sequence[Tie], before: Collection[Tie] = ()) -> tuple[Tie, ...]:
    """What lines name that count no more, or named ``before``, and nothing else names. Pure."""
    counted = _ties(_sold(lines) or lines)
    return tuple(sorted((_ties(lines) | set(before)) - counted - set(told), key=lambda tie: tie.weight))


def _sold(lines: Sequence[Line]) -> Sequence[Line]:
    return [line for line in lines if line.is_sold]


def _ties(lines: Sequence[Line]) -> set[Tie]:
    return {line.tie for line in lines if line.tie is not None}


async def _forget(unit: Unit, source: str, numbers: Collection[str]) -> None:
    """Nothing that counts of these orders names a link any more: they are no sales, and go unless they were one once,
    which comparisons have counted.
    """
    if not numbers:
        return
    order = promoted_order.c
    gone = (order.merchant_id == unit.merchant_id, order.source == source, _among(order.order_no, numbers))
    kept = update(promoted_order).where(*gone, order.was_sold).values(is_named=False, is_sold=False, paid_minor=0)
    lost = delete(promoted_order).where(*gone, ~order.was_sold)
    for statement in (kept, lost):
        await _untouch(unit, [row.order_id for row in await unit.all(statement.returning(order.order_id))])


async def _untouch(unit: Unit, order_ids: Collection[UUID]) -> None:
    touch = order_touch.c
    its = touch.order_id == any_(literal(list(order_ids), ARRAY(Uuid)))
    await unit.run(delete(order_touch).where(touch.merchant_id == unit.merchant_id, its))


async def _touch(unit: Unit, orders: Mapping[UUID, Whole]) -> None:
    """Touches of these orders anew: a line that was taken back was a touch before."""
    await _untouch(unit, orders)
    ties = [
        OrderTie(order_id=order_id, touched_at=at, tie=tie)
        for order_id, made in orders.items()
        for tie, at in made.touched
    ]
    await touch_orders(unit, ties, keep_single=True)


async def _lines(unit: Unit, source: str, numbers: Collection[str]) -> dict[str, list[Line]]:
    line = promoted_line.c
    statement = select(promoted_line).where(
        line.merchant_id == unit.merchant_id, line.source == source, _among(line.order_no, numbers)
    )
    found: dict[str, list[Line]] = {}
    for row in await unit.all(statement.limit(ROWS_MAX)):
        found.setdefault(row.order_no, []).append(
            Line(
                status=PromotedStatus(row.status),
                currency=row.currency,
                paid_minor=row.paid_minor,
                placed_at=row.placed_at,
                paid_at=row.paid_at,
                clicked_at=row.clicked_at,
                tie=None
                if row.link_id is None
                else Tie(
                    evidence=Evidence.CARRIED, channel_id=row.channel_id, link_id=row.link_id, click_id=row.click_id
                ),
            )
        )
    return found


async def _told(unit: Unit, source: str, numbers: Collection[str]) -> dict[str, list[Tie]]:
    """What was told of these orders by the API, or stood in their remarks."""
    found: dict[str, list[Tie]] = {}
    for one in await told_of(unit, source, sorted(numbers)):
        found.setdefault(one.order_no, []).append(one.tie)
    return found


def _among(column: Any, numbers: Collection[str]) -> ColumnElement[bool]:  # noqa: ANN401 (a column)
    wanted: ColumnElement[bool] = column == any_(literal(sorted(numbers), ARRAY(Text)))
    return wanted


async def claim_orders(unit: Unit, source: str, shop_orders: Mapping[str, UUID]) -> dict[str, Touches]:
    """A connected shop tells these orders: they count as its own from now on, and not once more.

    What their lines name, by number, for the shop's own orders. Call :func:`hold_orders` before.
    """
    numbers = await unclaimed(unit, source, shop_orders)
    if not numbers:
        return {}
    gathered = await _gathered(unit, source, numbers)
    await unit.fetch(_CLAIM, unit.merchant_id, source, numbers, [shop_orders[number] for number in numbers])
    return {number: made.marked for number, made in gathered.orders.items()}


async def follow_shop(unit: Unit, source: str, shop_orders: Mapping[str, UUID]) -> None:
    """What a shop's orders are tied to for certain is what their promoted orders show, whoever told it and when.

    ``shop_orders``: by number; those that no alliance tells are left alone.
    """
    lines = await _lines(unit, source, shop_orders)
    ties = await exact_ties(unit, [shop_orders[number] for number in lines])
    tied = {number: ties[shop_orders[number]] for number in lines if shop_orders[number] in ties}
    made = {number: whole(lines[number], [tie]) for number, tie in tied.items()}
    await _keep(
        unit,
        source,
        {number: structs.replace(one, tie=tied[number]) for number, one in made.items() if one is not None},
        shop_orders,
    )
    await _forget(unit, source, {number for number in lines if number not in tied and whole(lines[number], ()) is None})


async def unclaimed(unit: Unit, source: str, numbers: Collection[str]) -> list[str]:
    """Those of a source's orders that an alliance told and no shop has told yet."""
    statement = select(promoted_order.c.order_no).where(
        promoted_order.c.merchant_id == unit.merchant_id,
        promoted_order.c.source == source,
        _among(promoted_order.c.order_no, numbers),
        promoted_order.c.shop_order_id.is_(None),
    )
    return [row.order_no for row in await unit.all(statement.limit(max(1, len(numbers))))]
