"""What lies on the desk becomes an order: goods reserved, and a payment that is owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from hutong.core.errors import ErrorText, HutongError, NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.payments.checkouts import CheckoutView, Ordered, begin_paying, hold_checkouts
from hutong.payments.service import PaymentOpened, open_payments
from hutong.payments.shop_codes import count_code_use
from hutong.payments.states import CheckoutState
from hutong.shops.catalogue import SkuView, get_skus
from hutong.shops.orders import NewOrder, place_orders
from hutong.shops.stock import OutOfStock


class CheckoutOver(HutongError):
    """The checkout is paid or expired."""

    code = "checkout_over"
    status = 409
    zh = ErrorText("这次结账已结束。", "订单已支付，或页面停留太久已过期。", "请重新打开链接下单。")
    en = ErrorText("This checkout is over.", "It is paid, or it has expired.", "Open the link again.")


async def get_payable(unit: Unit, checkout_id: UUID) -> CheckoutView:
    """A checkout, held against a second tap until the transaction ends.

    Raises:
        NotFound: no such checkout.
        CheckoutOver: it is paid or expired.
    """
    return payable(await hold_checkouts(unit, [checkout_id]), checkout_id)


def payable(views: Mapping[UUID, CheckoutView], checkout_id: UUID) -> CheckoutView:
    """The checkout among those held; raises as :func:`get_payable` does."""
    view = views.get(checkout_id)
    if view is None:
        raise NotFound(what="checkout", key=str(checkout_id))
    if view.state not in (CheckoutState.OPEN, CheckoutState.PAYING):
        raise CheckoutOver
    return view


async def order_at_desk(unit: Unit, view: CheckoutView) -> UUID:
    """The order of one checkout, of goods or of an amount; the id of the payment it owes.

    Raises:
        OutOfStock: less is available.
        BuyerDayFull, CodeDayFull, PaymentTooLarge, ShopCodePaused: a shop code takes no more.
    """
    if view.goods.sku_id is None:
        await count_code_use(unit, view.checkout_id)
    opened = (await orders_at_desk(unit, [view]))[0]
    if opened is None:
        raise OutOfStock
    return opened.payment_id


async def orders_at_desk(unit: Unit, views: Sequence[CheckoutView]) -> list[PaymentOpened | None]:
    """The orders of checkouts, goods reserved, and what they owe; None where less is available."""
    skus = await get_skus(unit, {view.goods.sku_id for view in views if view.goods.sku_id is not None})
    placed = await place_orders(unit, [_new_order(view, skus) for view in views])
    ordered = [(view, order_id) for view, order_id in zip(views, placed, strict=True) if order_id is not None]
    if not ordered:
        return [None] * len(views)
    opened = await open_payments(unit, [(order_id, view.goods.amount) for view, order_id in ordered])
    await begin_paying(
        unit,
        [
            Ordered(view.checkout_id, one.order_id, one.payment_id)
            for (view, _), one in zip(ordered, opened, strict=True)
        ],
    )
    by_order = {one.order_id: one for one in opened}
    return [None if order_id is None else by_order[order_id] for order_id in placed]


def _new_order(view: CheckoutView, skus: Mapping[UUID, SkuView]) -> NewOrder:
    seller_code = ""
    if view.goods.sku_id is not None:
        sku = skus.get(view.goods.sku_id)
        if sku is None:
            raise NotFound(what="SKU", key=str(view.goods.sku_id))
        seller_code = sku.seller_code
    # The price that the buyer was shown, also where the SKU costs something else by now: order and payment are one sum.
    amount, quantity = view.goods.amount, view.goods.quantity
    unit_price = Money(amount.amount_minor // quantity, amount.currency)
    assert unit_price.times(quantity) == amount, "a desk holds whole pieces of one price"
    return NewOrder(
        sku_id=view.goods.sku_id,
        seller_code=seller_code,
        title=view.goods.title,
        quantity=view.goods.quantity,
        unit_price=unit_price,
        channel_id=view.channel_id,
        link_id=view.link_id,
        click_id=view.click_id,
        container=view.container,
    )
