"""Checkouts: one buyer at the cash desk, with where the buyer came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, update

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.bulk import transition_rows
from hutong.db.fixed import Fixed, among, mine
from hutong.db.unit import Unit
from hutong.db.vault import Vault
from hutong.payments.models import checkout
from hutong.payments.states import CHECKOUT, CheckoutEvent, CheckoutState

#: How long a buyer may stand at the cash desk before the page says so.
CHECKOUT_LIFE: Final = timedelta(hours=2)
PAYER: Final = "checkout.payer"

_MINE: Final = select(*checkout.c).where(mine(checkout.c.merchant_id))
_HOLD: Final = Fixed(
    _MINE.where(among(checkout.c.checkout_id, "checkout_ids")).order_by(checkout.c.checkout_id).with_for_update()
)
_OF_ORDERS: Final = Fixed(_MINE.where(among(checkout.c.order_id, "order_ids")))
_OF_PAYMENTS: Final = Fixed(_MINE.where(among(checkout.c.payment_id, "payment_ids")))


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """Where a buyer came from; somebody who stands in the shop came by no link."""

    channel_id: UUID | None = None
    link_id: UUID | None = None
    click_id: UUID | None = None
    container: str


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """What lies on the desk. Without a SKU it is an amount somebody typed, and no stock is counted."""

    sku_id: UUID | None
    title: str
    quantity: int
    amount: Money


class CheckoutView(msgspec.Struct, frozen=True, kw_only=True):
    """A checkout as commands and pages see it."""

    checkout_id: UUID
    state: CheckoutState
    goods: Goods
    channel_id: UUID | None
    link_id: UUID | None
    click_id: UUID | None
    container: str
    payer_kind: str | None
    payer_sealed: bytes | None
    payer_scope: str
    order_id: UUID | None
    payment_id: UUID | None


async def open_checkout(unit: Unit, goods: Goods, visit: Visit) -> UUID:
    """A checkout for this visit; the same click finds the same checkout again (a page reloaded, a tap repeated)."""
    checkout_id = unit.new_id()
    now = unit.now()
    fresh = await unit.insert_once(
        checkout,
        checkout_id=checkout_id,
        state=CheckoutState.OPEN.value,
        sku_id=goods.sku_id,
        title=goods.title,
        quantity=goods.quantity,
        amount_minor=goods.amount.amount_minor,
        currency=goods.amount.currency,
        channel_id=visit.channel_id,
        link_id=visit.link_id,
        click_id=visit.click_id,
        container=visit.container,
        created_at=now,
        expires_at=now + CHECKOUT_LIFE,
    )
    if fresh:
        return checkout_id
    found: UUID = await unit.scalar(
        select(checkout.c.checkout_id).where(
            checkout.c.merchant_id == unit.merchant_id, checkout.c.click_id == visit.click_id
        )
    )
    return found


async def get_checkout(unit: Unit, checkout_id: UUID, *, lock: bool = False) -> CheckoutView:
    """One checkout; ``lock`` holds it against a second tap until the transaction ends.

    Raises:
        NotFound: no such checkout.
    """
    statement = select(checkout).where(
        checkout.c.merchant_id == unit.merchant_id, checkout.c.checkout_id == checkout_id
    )
    row = await unit.one(statement.with_for_update() if lock else statement)
    if row is None:
        raise NotFound(what="checkout", key=str(checkout_id))
    return _view(row)


async def hold_checkouts(unit: Unit, checkout_ids: Sequence[UUID]) -> dict[UUID, CheckoutView]:
    """Checkouts by id, held in id order until the transaction ends; unknown ones are missing."""
    return {row.checkout_id: _view(row) for row in await unit.ask(_HOLD, checkout_ids=list(checkout_ids))}


def _view(row: Row[Any]) -> CheckoutView:
    return CheckoutView(
        checkout_id=row.checkout_id,
        state=CheckoutState(row.state),
        goods=Goods(
            sku_id=row.sku_id,
            title=row.title,
            quantity=row.quantity,
            amount=Money(row.amount_minor, row.currency),
        ),
        channel_id=row.channel_id,
        link_id=row.link_id,
        click_id=row.click_id,
        container=row.container,
        payer_kind=row.payer_kind,
        payer_sealed=row.payer_ref,
        payer_scope=row.payer_scope or "",
        order_id=row.order_id,
        payment_id=row.payment_id,
    )


async def know_payer(unit: Unit, vault: Vault, checkout_id: UUID, kind: str, value: str, scope: str = "") -> None:
    """Keep who stands at the desk (a wallet's id of the buyer, and the app that knows him by it), sealed."""
    sealed = await vault.seal(unit.merchant_id, PAYER, value.encode())
    await unit.run(
        update(checkout)
        .where(checkout.c.merchant_id == unit.merchant_id, checkout.c.checkout_id == checkout_id)
        .values(payer_kind=kind, payer_ref=sealed, payer_scope=scope)
    )


async def payer_of(unit: Unit, vault: Vault, view: CheckoutView) -> str | None:
    """The wallet's id of the buyer, opened."""
    if view.payer_sealed is None:
        return None
    return (await vault.open(unit.merchant_id, PAYER, view.payer_sealed)).decode()


class Ordered(msgspec.Struct, frozen=True):
    """What a checkout led to when its buyer pressed "pay"."""

    checkout_id: UUID
    order_id: UUID
    payment_id: UUID


async def begin_paying(unit: Unit, ordered: Sequence[Ordered]) -> None:
    """The buyers pressed "pay" for the first time."""
    columns: dict[str, list[Any]] = {
        "checkout_id": [one.checkout_id for one in ordered],
        "order_id": [one.order_id for one in ordered],
        "payment_id": [one.payment_id for one in ordered],
    }
    await transition_rows(unit, checkout, "checkout_id", columns, CHECKOUT, CheckoutEvent.PAY)


async def expire_checkout(unit: Unit, payment_id: UUID) -> None:
    """The payment of this checkout was closed."""
    await unit.transition(checkout, {"payment_id": payment_id}, CHECKOUT, CheckoutEvent.EXPIRE)


async def give_up_checkout(unit: Unit, checkout_id: UUID) -> CheckoutView:
    """Nobody can pay at this checkout any more, unless somebody pressed "pay": its payment has to be closed then."""
    view = await get_checkout(unit, checkout_id, lock=True)
    if view.state is CheckoutState.OPEN:
        await unit.transition(checkout, {"checkout_id": checkout_id}, CHECKOUT, CheckoutEvent.EXPIRE)
    return view


async def checkouts_of_orders(unit: Unit, order_ids: Sequence[UUID]) -> dict[UUID, CheckoutView]:
    """The checkouts that orders were made at, by order; those made elsewhere are missing."""
    return {row.order_id: _view(row) for row in await unit.ask(_OF_ORDERS, order_ids=list(order_ids))}


async def checkouts_of_payments(unit: Unit, payment_ids: Sequence[UUID]) -> dict[UUID, CheckoutView]:
    """The checkouts of payments, by payment; unknown ones are missing."""
    return {row.payment_id: _view(row) for row in await unit.ask(_OF_PAYMENTS, payment_ids=list(payment_ids))}
