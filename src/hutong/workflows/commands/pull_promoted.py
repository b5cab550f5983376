"""Read the orders that came by an alliance's addresses, and tie them to the clicks they carry."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from hutong.db.unit import Unit
from hutong.links.promotions.orders import gather_orders, hold_orders, named_before
from hutong.links.promotions.sales import first_made_at, is_readable, keep_lines, ties_of_marks, with_clicks
from hutong.platforms.jump_links import JumpLinks, PromotedPage
from hutong.shops.placements import orders_by_number
from hutong.shops.pulls import read_until
from hutong.workflows.commands.promote_links import jump_links_of
from hutong.workflows.commands.pull_windows import Pulled, Source, pull_windows
from hutong.workflows.commands.shop_ties import ids_of, settle
from hutong.workflows.commands.standing_jobs import keep_standing
from hutong.workflows.jobs import PULL_PROMOTED, PULL_PROMOTED_GAP, ConnectionKey
from hutong.workflows.runtime import OpenedAccount, Runtime

#: Alliances tell of an order minutes after it was paid, and of a change later still; windows overlap by that.
OVERLAP: Final = timedelta(minutes=20)


async def pull_promoted_due(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """The standing job of an alliance's account: pull, then leave the next one behind."""
    connection_id = msgspec.json.decode(payload, type=ConnectionKey).connection_id
    await keep_standing(
        runtime,
        merchant_id,
        connection_id,
        PULL_PROMOTED,
        PULL_PROMOTED_GAP,
        partial(pull_promoted, runtime, merchant_id, connection_id),
    )


async def pull_promoted(runtime: Runtime, merchant_id: UUID, connection_id: UUID) -> Pulled:
    """Read all that changed since the last pull; nothing as long as the account has made no address.

    Raises:
        InvalidInput: the connection is no alliance.
        PlatformFailure, PlatformUnknown: what was read stays; the next pull goes on from there.
    """
    opened = await runtime.open_account(merchant_id, connection_id)
    links = jump_links_of(opened)
    end = runtime.clock.now()
    async with runtime.unit(merchant_id, "promoted.cursor") as unit:
        begun_at = await first_made_at(unit, connection_id)
        if begun_at is None:
            return Pulled(orders_read=0, orders_changed=0, read_until_at=end)
        start = min(await read_until(unit, connection_id) or begun_at, end) - OVERLAP
    source = Source(connection_id=connection_id, window_max=links.window_max, label="promoted.page")

    async def take(unit: Unit, page: PromotedPage) -> tuple[int, int]:
        return len(page.lines), await take_page(runtime, unit, opened, links, page)

    return await pull_windows(runtime, merchant_id, source, start, end, partial(links.changed, opened.account), take)


async def take_page(runtime: Runtime, unit: Unit, opened: OpenedAccount, links: JumpLinks, page: PromotedPage) -> int:
    """Write down a page of lines, make their orders of them, and tie the shop's own orders of the same numbers; of how
    many orders it tells anything new.
    """
    connection_id = opened.connection.connection_id
    await hold_orders(unit)
    marks = await ties_of_marks(unit, runtime.link_key, connection_id, {line.mark for line in page.lines})
    ties = await with_clicks(unit, page.lines, marks)
    before = await named_before(unit, links.sells_on, {line.order_no for line in page.lines if is_readable(line)})
    changed = await keep_lines(unit, connection_id, opened.connection.platform, links.sells_on, page.lines, ties)
    known = await orders_by_number(unit, links.sells_on, changed)
    gathered = await gather_orders(unit, links.sells_on, changed, ids_of(known), before)
    await settle(unit, links.sells_on, known, gathered)
    return len(changed)
