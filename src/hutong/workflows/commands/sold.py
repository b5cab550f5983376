"""An order as split rules see it, put together from the shop's rows and the wallet's terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from hutong.core.money import Money, share_bps
from hutong.db.unit import Unit
from hutong.ledger.commissions import preview
from hutong.ledger.rule_terms import Rule
from hutong.ledger.rules import Sold, SoldLine, Split
from hutong.merchants.connections import WALLET_FEE_BPS_DEFAULT, ConnectionView, get_connection
from hutong.shops.catalogue import products_of
from hutong.shops.events import OrderPaid
from hutong.shops.orders import OWN, get_order, lines_of
from hutong.workflows.commands.wallets import wallet_accounts
from hutong.workflows.runtime import Runtime


def wallet_fee(connection: ConnectionView, gross: Money) -> Money:
    """The wallet's fee by the connection's rate, half-up to the minor unit."""
    rate_bps = int(connection.settings.get("fee_bps", WALLET_FEE_BPS_DEFAULT))
    return Money(share_bps(gross.amount_minor, rate_bps), gross.currency)


def platform_fee(connection: ConnectionView, gross: Money) -> Money:
    """A shop platform's fee by the rate that staff entered, half-up to the minor unit; nothing where none was."""
    return Money(share_bps(gross.amount_minor, connection.platform_fee_bps or 0), gross.currency)


async def sold_by_event(unit: Unit, event: OrderPaid, fee: Money, rules: Sequence[Rule]) -> Sold:
    """A paid order from what was told of it; products are looked up where a rule asks for them.

    A live session is a channel of its own kind, so its channel's id is the session's.
    """
    by_product = any(rule.scope.product_id is not None for rule in rules)
    products = await products_of(unit, _skus(line.sku_id for line in event.lines) if by_product else ())
    return Sold(
        gross=Money(event.gross_minor, event.currency),
        fee=fee,
        lines=tuple(
            SoldLine(
                sku_id=line.sku_id,
                product_id=products.get(line.sku_id) if line.sku_id else None,
                quantity=line.quantity,
                amount_minor=line.amount_minor,
            )
            for line in event.lines
        ),
        channel_id=event.channel_id,
        link_id=event.link_id,
        live_session_id=event.channel_id,
        customer_id=event.customer_id,
    )


async def expected_wallet(runtime: Runtime, unit: Unit) -> ConnectionView | None:
    """The account that would take a payment now, where nobody has chosen one; None where no wallet is connected."""
    return next((account.connection for account in await wallet_accounts(runtime, unit)), None)


async def sold_by_order(unit: Unit, order_id: UUID, wallet: ConnectionView | None = None) -> Sold:
    """An order as it was (or will be) paid, with the fee of the wallet that took it; of ``wallet``, if none has yet.

    What went back since is no part of it: a refund takes its part of every share that the sale gave.

    Raises:
        NotFound: not this merchant's.
    """
    order = await get_order(unit, order_id)
    lines = await lines_of(unit, order_id)
    products = await products_of(unit, _skus(line.sku_id for line in lines))
    gross = Money(order.paid_minor or order.total_minor, order.currency)
    fee = Money(0, gross.currency)
    if order.source == OWN:
        taker = wallet if order.connection_id is None else await get_connection(unit, order.connection_id)
        fee = fee if taker is None else wallet_fee(taker, gross)
    return Sold(
        gross=gross,
        fee=fee,
        lines=tuple(
            SoldLine(
                sku_id=line.sku_id,
                product_id=products.get(line.sku_id) if line.sku_id else None,
                quantity=line.quantity,
                amount_minor=line.amount_minor,
            )
            for line in lines
        ),
        channel_id=order.channel_id,
        link_id=order.link_id,
        live_session_id=order.channel_id,
        customer_id=order.customer_id,
    )


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A sale and what the rules would give of it; ``refunded``: what went back of it since."""

    sold: Sold
    split: Split
    refunded: Money


async def try_on_order(unit: Unit, order_id: UUID, wallet: ConnectionView | None = None) -> Tried:
    """An order, and what the rules open now would give of it in its place: of the month only what was before it counts.

    Raises:
        NotFound: not this merchant's.
    """
    sold = await sold_by_order(unit, order_id, wallet)
    order = await get_order(unit, order_id)
    return Tried(
        sold=sold,
        split=await preview(unit, sold, order.paid_at, order_id),
        refunded=Money(min(order.refunded_minor, sold.gross.amount_minor), sold.gross.currency),
    )


def _skus(found: Iterable[UUID | None]) -> set[UUID]:
    return {sku_id for sku_id in found if sku_id is not None}
