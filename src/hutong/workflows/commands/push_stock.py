"""Publish what can be sold of a SKU to every shop that lists it; the latest figure wins."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from hutong.merchants.connections import list_connections
from hutong.shops.catalogue import ListingView, get_sku, keep_listing, listings_of, record_push
from hutong.shops.stock import available
from hutong.workflows.jobs import SkuKey
from hutong.workflows.runtime import Runtime

#: How often one job follows a figure that keeps changing under it; the next change brings the next job anyway.
ROUNDS_MAX: Final = 10


async def push_stock(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Bring every listing of a SKU to the present figure.

    Two of these may run at once and write in either order; so each looks again after it wrote, and the one that
    looks last has seen every change.
    """
    sku_id = msgspec.json.decode(payload, type=SkuKey).sku_id
    await _find_listings(runtime, merchant_id, sku_id)
    async with runtime.unit(merchant_id, "push.read") as unit:
        listings = await listings_of(unit, sku_id)
    for listing in listings:
        await _push(runtime, merchant_id, sku_id, listing)


async def _find_listings(runtime: Runtime, merchant_id: UUID, sku_id: UUID) -> None:
    """Ask shops that do not list this SKU yet, as far as we know, whether they do by the seller's code."""
    async with runtime.unit(merchant_id, "push.sku") as unit:
        sku = await get_sku(unit, sku_id)
        known = {listing.connection_id for listing in await listings_of(unit, sku_id)}
        connections = await list_connections(unit)
    for connection in connections:
        stock = runtime.registry.get(connection.platform).stock
        if stock is None or connection.connection_id in known:
            continue
        opened = await runtime.open_account(merchant_id, connection.connection_id)
        targets = await stock.find(opened.account, sku.seller_code)
        async with runtime.unit(merchant_id, "push.listing") as unit:
            for target in targets:
                await keep_listing(unit, sku_id, connection.connection_id, connection.platform, target)


async def _push(runtime: Runtime, merchant_id: UUID, sku_id: UUID, listing: ListingView) -> None:
    opened = await runtime.open_account(merchant_id, listing.connection_id)
    stock = opened.connector.stock
    if stock is None:
        return
    async with runtime.unit(merchant_id, "push.figure") as unit:
        figure = await available(unit, sku_id)
    for _ in range(ROUNDS_MAX):
        await stock.write(opened.account, listing.target, figure)
        async with runtime.unit(merchant_id, "push.record") as unit:
            await record_push(unit, listing.listing_id, figure, unit.now())
            now = await available(unit, sku_id)
        if now == figure:
            return
        figure = now
