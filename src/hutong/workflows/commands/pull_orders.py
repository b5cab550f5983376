"""Read a shop's changed orders, and tie them by what their remarks say."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import InvalidInput
from hutong.db.unit import Unit
from hutong.platforms.contract import Connector
from hutong.platforms.shops import OrderPage, Orders
from hutong.shops.platform_orders import ShopRef, merge_order
from hutong.shops.pulls import read_until
from hutong.workflows.commands.pull_windows import Pulled, Source, pull_windows
from hutong.workflows.commands.standing_jobs import keep_standing
from hutong.workflows.commands.tie_orders import tie_by_remarks
from hutong.workflows.jobs import PULL_GAP, PULL_ORDERS, ConnectionKey
from hutong.workflows.runtime import OpenedAccount, Runtime

RECEIVER: Final = "order.receiver"
#: A new connection starts with this much of its past.
FIRST_REACH: Final = timedelta(days=7)
#: Windows overlap, because a platform's list may lag behind its clock (three minutes on Pinduoduo).
OVERLAP: Final = timedelta(minutes=5)


async def pull_orders(runtime: Runtime, merchant_id: UUID, connection_id: UUID) -> Pulled:
    """Read all that changed since the last pull.

    Raises:
        InvalidInput: the connection is no shop.
        PlatformFailure, PlatformUnknown: what was read stays; the next pull goes on from there.
    """
    opened = await runtime.open_account(merchant_id, connection_id)
    orders = _orders_of(opened.connector)
    end = runtime.clock.now()
    async with runtime.unit(merchant_id, "pull.cursor") as unit:
        start = await read_until(unit, connection_id)
    start = end - FIRST_REACH if start is None else min(start, end) - OVERLAP
    source = Source(connection_id=connection_id, window_max=orders.window_max, label="pull.page")

    async def take(unit: Unit, page: OrderPage) -> tuple[int, int]:
        return len(page.orders), await _merge_page(runtime, unit, opened, page)

    return await pull_windows(runtime, merchant_id, source, start, end, partial(orders.changed, opened.account), take)


def _orders_of(connector: Connector) -> Orders:
    if connector.orders is None:
        raise InvalidInput(field="connection", problem=connector.name)
    return connector.orders


async def _merge_page(runtime: Runtime, unit: Unit, opened: OpenedAccount, page: OrderPage) -> int:
    shop = ShopRef(
        connection_id=opened.connection.connection_id,
        platform=opened.connection.platform,
        shop_ref=opened.account.credentials.get("shop_id", ""),
    )
    changed = 0
    for order in page.orders:
        receiver = None
        if order.receiver is not None:
            receiver = await runtime.vault.seal(unit.merchant_id, RECEIVER, msgspec.json.encode(order.receiver))
        changed += await merge_order(unit, shop, order, receiver, origin="pull")
    await tie_by_remarks(unit, shop.platform, {order.platform_order_id: order.remarks for order in page.orders})
    return changed


async def pull_due(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """The standing job of a shop connection: pull, then leave the next one behind."""
    connection_id = msgspec.json.decode(payload, type=ConnectionKey).connection_id
    await keep_standing(
        runtime,
        merchant_id,
        connection_id,
        PULL_ORDERS,
        PULL_GAP,
        partial(pull_orders, runtime, merchant_id, connection_id),
    )
