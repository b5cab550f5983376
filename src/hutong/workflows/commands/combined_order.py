"""The parts of a combined payment are ordered, all or none, and only when nothing has to end before."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from hutong.core.errors import ErrorText
from hutong.db.unit import Unit
from hutong.payments.checkouts import CheckoutView
from hutong.payments.combined_attempts import attempts_of_many, payments_owed
from hutong.payments.service import AttemptView, PaymentOpened
from hutong.payments.shop_codes import count_code_use
from hutong.payments.states import UNSETTLED
from hutong.shops.stock import OutOfStock
from hutong.workflows.commands.order import CheckoutOver, orders_at_desk, payable

#: A wallet opens no order that is over at once: a part must be payable for so long.
PART_LEFT_MIN: Final = timedelta(minutes=1)


class PartOver(CheckoutOver):
    """One of the parts is paid or expired."""

    code = "part_over"
    zh = ErrorText(
        "第 {part} 笔已经付过，或已过期。", "合单里的每一笔都要还能付款。", "请去掉这一笔，或重新下单后再合并付款。"
    )
    en = ErrorText(
        "Part {part} is paid, or it has expired.",
        "Each part of a combined payment must still be payable.",
        "Leave that part out, or order it anew.",
    )


def payable_part(views: Mapping[UUID, CheckoutView], number: int, checkout_id: UUID) -> CheckoutView:
    """The part's desk among those held. Raises PartOver, NotFound."""
    try:
        return payable(views, checkout_id)
    except CheckoutOver:
        raise PartOver(part=number) from None


class _Tried(Exception):
    """It could be ordered; nothing of that stays."""


async def before_the_order(unit: Unit, desks: Sequence[CheckoutView]) -> tuple[AttemptView, ...]:
    """What must end before anything is ordered: goods that nobody can pay for yet are not taken from others.

    Raises:
        OutOfStock, PartOver: it cannot be ordered, or not be paid any more: then nothing has to end.
    """
    owed = {number: view.payment_id for number, view in enumerate(desks, start=1) if view.payment_id is not None}
    if not owed or len(owed) == len(desks):
        return ()
    unsettled = [one for one in await attempts_of_many(unit, list(owed.values())) if one.state in UNSETTLED]
    if unsettled:
        with contextlib.suppress(_Tried):
            async with unit.savepoint():
                await order_parts(unit, desks)
                await parts_owed(unit, owed)
                raise _Tried
    return one_of_each(unsettled)


def one_of_each(unsettled: Sequence[AttemptView]) -> tuple[AttemptView, ...]:
    """One attempt of each order at a wallet: all parts of a try end together."""
    return tuple({one.combined_try_id or one.attempt_id: one for one in reversed(unsettled)}.values())


async def order_parts(unit: Unit, desks: Sequence[CheckoutView]) -> None:
    """The orders of those that have none yet, all or none."""
    fresh = [view for view in desks if view.payment_id is None]
    for view in fresh:
        if view.goods.sku_id is None:
            await count_code_use(unit, view.checkout_id)
    if fresh and None in await orders_at_desk(unit, fresh):
        raise OutOfStock


async def parts_owed(unit: Unit, parts: Mapping[int, UUID]) -> dict[UUID, PaymentOpened]:
    """What each part owes (number → payment), in their order. Raises PartOver for one that is over almost."""
    found = await payments_owed(unit, list(parts.values()))
    for number, payment_id in parts.items():
        if found[payment_id].expires_at - unit.now() < PART_LEFT_MIN:
            raise PartOver(part=number)
    return {payment_id: found[payment_id] for payment_id in parts.values()}
