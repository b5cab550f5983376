"""Tie orders to links: by what their remarks say, and by what is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import ErrorText, HutongError, InvalidInput
from hutong.db.unit import Unit
from hutong.links.attribution.evidence import Tie
from hutong.links.attribution.service import arrive, know_person, tie_orders, tie_to_click, ties_of_words, told_tie
from hutong.links.attribution.told import Told, keep_told, supersede, told_of
from hutong.links.promotions.orders import follow_shop, gather_orders, hold_orders, unclaimed
from hutong.links.tokens import read_carried_token
from hutong.shops.orders import OWN
from hutong.shops.placements import OrderRef, orders_by_number
from hutong.shops.queries import order_sources
from hutong.workflows.commands.shop_ties import claim, ids_of, settle
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


class Visited(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a told visit."""

    click_id: UUID
    link_id: UUID
    is_new: bool


async def tie_by_remarks(
    unit: Unit, source: str, remarks: Mapping[str, Sequence[str]], *, claims: bool = True
) -> set[UUID]:
    """Tie a source's orders, by number, to the links whose words stand in what buyer or seller wrote, and by what was
    told of them before they were known; the orders that are tied otherwise than before.

    ``claims``: what an alliance told of them counts as theirs from now on, and where a remark names another
    link now, what stood there before is no evidence; one without any word changes nothing, for a list may leave remarks
    out. Others who tell of promoted orders wait until this transaction ends: one that is long leaves it to
    :func:`claim_shops_orders` afterwards.
    """
    if claims:
        await hold_orders(unit)
        if promoted := await unclaimed(unit, source, remarks):
            await claim(unit, source, await orders_by_number(unit, source, promoted))
    told = await told_of(unit, source, list(remarks))
    written = {number: texts for number, texts in remarks.items() if any(texts)}
    if not written and not told:
        return set()
    orders = await orders_by_number(unit, source, {*written, *(one.order_no for one in told)})
    by_words = await ties_of_words(
        unit, {ref.order_id: written[number] for number, ref in orders.items() if number in written}
    )
    spoken = [
        Told(source=source, order_no=number, tie=tie)
        for number, ref in orders.items()
        for tie in by_words.get(ref.order_id, ())
    ]
    speaking = [number for number, ref in orders.items() if ref.order_id in by_words]
    before = await supersede(unit, source, speaking, spoken) if claims else []
    await keep_told(unit, spoken, is_remark=True)
    if before:
        told = await told_of(unit, source, list(remarks))
        await _tell_anew(unit, source, orders, before)
    ties = [(orders[one.order_no], one.tie) for one in (*told, *spoken) if one.order_no in orders]
    tied = await tie_orders(unit, [told_tie(ref.order_id, ref.placed_at, tie) for ref, tie in ties])
    if claims:
        await follow_shop(unit, source, ids_of(orders))
    return tied


async def _tell_anew(unit: Unit, source: str, orders: Mapping[str, OrderRef], before: Sequence[Told]) -> None:
    """Make the ties of those orders anew whose remarks named another link before."""
    gone: dict[str, list[Tie]] = {}
    for one in before:
        gone.setdefault(one.order_no, []).append(one.tie)
    theirs = {number: ref for number, ref in orders.items() if number in gone}
    gathered = await gather_orders(unit, source, list(theirs), ids_of(theirs))
    await settle(unit, source, theirs, gathered, gone)


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
    if await unclaimed(unit, source, [order_no]):
        await claim(unit, source, {order_no: ref})
    await tie_orders(unit, [told_tie(ref.order_id, ref.placed_at, tie)])
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
    found = (await ties_of_words(unit, {unit.merchant_id: [word]})).get(unit.merchant_id)
    if not found:
        raise WordUnknown
    return found[0]
