"""Read a shop's changed orders, window by window and page by page; the cursor moves with what was read."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import InvalidInput
from hutong.db.unit import Unit
from hutong.platforms.contract import Connector
from hutong.platforms.shops import OrderPage, Orders
from hutong.shops.platform_orders import ShopRef, merge_order
from hutong.shops.pulls import move_cursor, read_until
from hutong.workflows.commands.standing_jobs import keep_standing
from hutong.workflows.commands.tie_orders import tie_by_remarks
from hutong.workflows.jobs import PULL_GAP, PULL_ORDERS, ConnectionKey
from hutong.workflows.runtime import OpenedAccount, Runtime

RECEIVER: Final = "order.receiver"
#: A new connection starts with this much of its past.
FIRST_REACH: Final = timedelta(days=7)
#: Windows overlap, because a platform's list may lag behind its clock (three minutes on Pinduoduo).
OVERLAP: Final = timedelta(minutes=5)
WINDOWS_MAX: Final = 400
PAGES_PER_WINDOW_MAX: Final = 10_000


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """What one pull did."""

    orders_read: int
    orders_changed: int
    read_until_at: datetime


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
    read = changed = 0
    for _ in range(WINDOWS_MAX):
        until = min(end, start + orders.window_max)
        window = await _pull_window(runtime, merchant_id, opened, orders, start, until)
        read, changed = read + window[0], changed + window[1]
        start = until
        if until >= end:
            break
    return Pulled(orders_read=read, orders_changed=changed, read_until_at=start)


def _orders_of(connector: Connector) -> Orders:
    if connector.orders is None:
        raise InvalidInput(field="connection", problem=connector.name)
    return connector.orders


async def _pull_window(
    runtime: Runtime, merchant_id: UUID, opened: OpenedAccount, orders: Orders, start: datetime, until: datetime
) -> tuple[int, int]:
    """Orders read and changed in one window. Each page is one transaction; the last one moves the cursor."""
    read = changed = 0
    cursor: str | None = None
    for _ in range(PAGES_PER_WINDOW_MAX):
        page = await orders.changed(opened.account, start, until, cursor)
        async with runtime.unit(merchant_id, "pull.page") as unit:
            changed += await _merge_page(runtime, unit, opened, page)
            if page.next_cursor is None:
                await move_cursor(unit, opened.connection.connection_id, until)
        read += len(page.orders)
        cursor = page.next_cursor
        if cursor is None:
            break
    return read, changed


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
