"""Tie orders to links: by what their remarks say, by what is told of them, by the time they were placed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import ErrorText, HutongError, InvalidInput
from hutong.db.unit import Unit
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.queries import clicks_on, exact_channels, links_to
from hutong.links.attribution.service import (
    OrderTie,
    Told,
    arrive,
    keep_told,
    know_person,
    tie_orders,
    tie_to_click,
    ties_of_words,
    told_of,
)
from hutong.links.attribution.window import HISTORY, Placed, guess
from hutong.links.promotions.orders import claim_orders, follow_shop, gather_orders, hold_orders, unclaimed
from hutong.links.tokens import read_carried_token
from hutong.shops.events import OrderPaid
from hutong.shops.orders import OWN
from hutong.shops.placements import OrderRef, numbers_of_goods, orders_by_number, placements
from hutong.shops.queries import order_sources
from hutong.workflows.runtime import Runtime

#: Purpose of the blind index that tells one person's clicks from another's.
PERSON_MARK: Final = "links.person"
#: Ids of visitors that the merchant's own mini-program or page gives.
OWN_ID: Final = "own"


class ClickUnknown(HutongError):
    """A click id that none of this merchant's links gave out."""

    code = "click_unknown"
    status = 400
    zh = ErrorText(
        "点击编号不是这家店的链接发出的。", "编号被改动、不完整，或属于另一家店。", "请原样传回链接带来的编号。"
    )
    en = ErrorText(
        "No link of this merchant gave out that click id.",
        "It was changed, is incomplete, or is another merchant's.",
        "Send the id back as the link brought it.",
    )


class WordUnknown(HutongError):
    """A word or coupon that names no link of this merchant."""

    code = "word_unknown"
    status = 400
    zh = ErrorText("暗号或优惠码不对应任何链接。", "没有链接登记过它，或写错了。", "请先给链接登记这个暗号或优惠码。")
    en = ErrorText(
        "The word or coupon names no link.",
        "No link has it, or it is misspelt.",
        "Give it to a link first.",
    )


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
#: Evidence that is neither a tie nor a touch of its order yet: it was told while a long import wrote the order down.
_TOLD_MEANWHILE: Final = """
SELECT DISTINCT o.order_no, o.order_id, o.placed_at
FROM told_evidence t
CROSS JOIN LATERAL (SELECT s.order_no, s.order_id, s.placed_at FROM sales_order s
  WHERE s.merchant_id = t.merchant_id AND s.source = t.source AND s.order_no = t.order_no
  ORDER BY s.created_at DESC LIMIT 1) o
WHERE t.merchant_id = $1 AND t.source = $2 AND NOT EXISTS (SELECT FROM order_touch touch
  WHERE touch.merchant_id = t.merchant_id AND touch.order_id = o.order_id AND touch.touch_id = t.touch_id)
LIMIT $3
"""


class Visited(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a told visit."""

    click_id: UUID
    link_id: UUID
    is_new: bool


async def claim_shops_orders(unit: Unit, source: str) -> None:
    """What was told of orders of a shop that are known by now, by alliances or otherwise, counts as the shop's."""
    await hold_orders(unit)
    for query, take in ((_TOLD_BY_BOTH, _claim), (_TOLD_MEANWHILE, _take_told)):
        for _ in range(CLAIM_ROUNDS_MAX):
            rows = await unit.fetch(query, unit.merchant_id, source, CLAIMED_AT_ONCE_MAX)
            if not rows:
                break
            await take(unit, source, {row.order_no: row for row in rows})


async def _take_told(unit: Unit, source: str, orders: Mapping[str, OrderRef]) -> None:
    told = await told_of(unit, source, list(orders))
    ties = [(orders[one.order_no], one.tie) for one in told]
    await tie_orders(unit, [OrderTie(order_id=ref.order_id, touched_at=ref.placed_at, tie=tie) for ref, tie in ties])
    await follow_shop(unit, source, {number: ref.order_id for number, ref in orders.items()})


async def _claim(unit: Unit, source: str, orders: Mapping[str, OrderRef]) -> None:
    said = await claim_orders(unit, source, {number: ref.order_id for number, ref in orders.items()})
    await tie_orders(
        unit,
        [
            OrderTie(order_id=orders[number].order_id, touched_at=at, tie=tie)
            for number, its in said.items()
            for tie, at in its
        ],
    )
    await follow_shop(unit, source, {number: ref.order_id for number, ref in orders.items()})


async def tie_by_remarks(unit: Unit, source: str, remarks: Mapping[str, Sequence[str]], *, claims: bool = True) -> None:
    """Tie a source's orders, by number, to the links whose words stand in what buyer or seller wrote, and by what was
    told of them before they were known.

    ``claims``: what an alliance told of them counts as theirs from now on. Others who tell of promoted orders wait
    until this transaction ends: one that is long leaves it to :func:`claim_shops_orders` afterwards.
    """
    if claims:
        await hold_orders(unit)
        if promoted := await unclaimed(unit, source, remarks):
            await _claim(unit, source, await orders_by_number(unit, source, promoted))
    told = await told_of(unit, source, list(remarks))
    written = {number: texts for number, texts in remarks.items() if any(texts)}
    if not written and not told:
        return
    orders = await orders_by_number(unit, source, {*written, *(one.order_no for one in told)})
    by_words = await ties_of_words(
        unit, {ref.order_id: written[number] for number, ref in orders.items() if number in written}
    )
    ties = [(orders[one.order_no], one.tie) for one in told if one.order_no in orders]
    spoken = [(number, ref, by_words[ref.order_id]) for number, ref in orders.items() if ref.order_id in by_words]
    await keep_told(unit, [Told(source=source, order_no=number, tie=tie) for number, _, tie in spoken])
    ties += [(ref, tie) for _, ref, tie in spoken]
    await tie_orders(unit, [OrderTie(order_id=ref.order_id, touched_at=ref.placed_at, tie=tie) for ref, tie in ties])
    if claims:
        await follow_shop(unit, source, {number: ref.order_id for number, ref in orders.items()})


async def person_mark(runtime: Runtime, merchant_id: UUID, kind: str, value: str) -> bytes:
    """How a person's clicks are known by, and nothing else of him: a blind index of his id at a wallet or a shop."""
    return await runtime.vault.blind_index(merchant_id, PERSON_MARK, f"{kind}:{value}".encode())


async def tell_visit(runtime: Runtime, unit: Unit, token: str, visitor: str = "") -> Visited:
    """The destination tells that a click arrived, and whose it was by the merchant's own id of the visitor.

    Raises:
        ClickUnknown: not a click of this merchant.
    """
    tie = await _tie_of_token(runtime, unit, token)
    assert tie.click_id is not None, "a token names a click"
    is_new = await arrive(unit, tie.click_id, tie.link_id)
    if visitor:
        await know_person(unit, tie.click_id, await person_mark(runtime, unit.merchant_id, OWN_ID, visitor))
    return Visited(click_id=tie.click_id, link_id=tie.link_id, is_new=is_new)


async def tell_evidence(
    runtime: Runtime, unit: Unit, source: str, order_no: str, *, click: str = "", word: str = ""
) -> bool:
    """Somebody tells what an order came by: a click's id, or a word or coupon. False: the order is not known yet.

    Raises:
        ClickUnknown, WordUnknown: it names no link of this merchant.
        InvalidInput: both are given, or none; or no order can come from this source.
    """
    if bool(click) == bool(word):
        raise InvalidInput(field="cq", problem="cq | word")
    await _check_source(runtime, unit, source)
    tie = await _tie_of_token(runtime, unit, click) if click else await _tie_of_word(unit, word)
    await hold_orders(unit)
    ref = (await orders_by_number(unit, source, [order_no])).get(order_no)
    await keep_told(unit, [Told(source=source, order_no=order_no, tie=tie)])
    if ref is None:
        return bool((await gather_orders(unit, source, [order_no], {})).orders)  # maybe an alliance has told it
    await tie_orders(unit, [OrderTie(order_id=ref.order_id, touched_at=ref.placed_at, tie=tie)])
    await follow_shop(unit, source, {order_no: ref.order_id})
    return True


async def _check_source(runtime: Runtime, unit: Unit, source: str) -> None:
    """An order can come from our own desk, a platform that is installed here or whose alliance is, or one that orders
    came from before.
    """
    connectors = runtime.registry.all()
    sold_on = {one.jump_links.sells_on for one in connectors if one.jump_links is not None}
    known = {OWN, *(one.name for one in connectors if one.jump_links is None), *sold_on}
    if source not in known and source not in (before := await order_sources(unit)):
        raise InvalidInput(field="source", problem=", ".join(sorted({*known, *before})))


async def _tie_of_token(runtime: Runtime, unit: Unit, token: str) -> Tie:
    read = read_carried_token(runtime.link_key, unit.merchant_id, token)
    if read is None:
        raise ClickUnknown
    return await tie_to_click(unit, *read)


async def _tie_of_word(unit: Unit, word: str) -> Tie:
    found = await ties_of_words(unit, {unit.merchant_id: [word]})
    if not found:
        raise WordUnknown
    return found[unit.merchant_id]


async def infer_tie(unit: Unit, event: OrderPaid) -> None:
    """Tie an order that nothing ties to the channel that most likely brought it, if one does."""
    sku_ids = {line.sku_id for line in event.lines if line.sku_id is not None}
    if event.connection_id is None or not sku_ids:
        return
    numbers = await numbers_of_goods(unit, event.connection_id, sku_ids)
    links = await links_to(unit, event.platform, numbers)
    ref = (await orders_by_number(unit, event.source, [event.order_no])).get(event.order_no) if links else None
    if ref is None or ref.order_id != event.order_id:
        return
    since = ref.placed_at - HISTORY
    orders = await placements(unit, event.connection_id, sku_ids, since, ref.placed_at)
    exact = await exact_channels(unit, [order.order_id for order in orders])
    if ref.order_id in exact:
        return
    clicks = await clicks_on(unit, links, since, ref.placed_at)
    said = guess(ref.placed_at, clicks, [Placed(order.placed_at, exact.get(order.order_id)) for order in orders])
    if said is None:
        return
    tie = Tie(
        evidence=Evidence.WINDOW,
        channel_id=said.channel_id,
        link_id=said.link_id,
        confidence_bps=said.confidence_bps,
    )
    await tie_orders(unit, [OrderTie(order_id=ref.order_id, touched_at=ref.placed_at, tie=tie)])
