"""Products, SKUs and their listings on platforms."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, bindparam, delete, select, update

from hutong.core.errors import Conflict, InvalidInput, NotFound
from hutong.core.money import SUM_MINOR_MAX, Money
from hutong.db.fixed import Fixed, among, mine
from hutong.db.unit import Unit
from hutong.platforms.shops import StockTarget
from hutong.shops.models import listing, product, sku, stock

TITLE_CHARS_MAX: Final = 200
SELLER_CODE_CHARS_MAX: Final = 64
VARIANT_CHARS_MAX: Final = 200
LISTINGS_PER_SKU_MAX: Final = 200

_LISTINGS: Final = Fixed(
    select(listing, sku.c.seller_code)
    .join(sku, (sku.c.merchant_id == listing.c.merchant_id) & (sku.c.sku_id == listing.c.sku_id))
    .where(mine(listing.c.merchant_id), listing.c.sku_id == bindparam("sku_id"))
    .order_by(listing.c.listing_id)
    .limit(LISTINGS_PER_SKU_MAX)
)
_SKUS: Final = Fixed(
    select(sku, product.c.title)
    .join(product, (product.c.merchant_id == sku.c.merchant_id) & (product.c.product_id == sku.c.product_id))
    .where(mine(sku.c.merchant_id), among(sku.c.sku_id, "sku_ids"))
)


class SkuView(msgspec.Struct, frozen=True, kw_only=True):
    """What is sold and counted."""

    sku_id: UUID
    product_id: UUID
    title: str
    seller_code: str
    variant: str
    price: Money


class ListingView(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU as listed on a platform."""

    listing_id: UUID
    connection_id: UUID
    platform: str
    target: StockTarget
    pushed_quantity: int | None


async def create_product(unit: Unit, title: str) -> UUID:
    """A new product."""
    title = title.strip()
    if not 0 < len(title) <= TITLE_CHARS_MAX:
        raise InvalidInput(field="title", problem=f"1–{TITLE_CHARS_MAX}")
    product_id = unit.new_id()
    await unit.insert(product, product_id=product_id, title=title, created_at=unit.now())
    return product_id


async def create_sku(unit: Unit, product_id: UUID, seller_code: str, price: Money, variant: str = "") -> UUID:
    """A new SKU with no stock. The seller's code is what ties listings on all platforms to it.

    Raises:
        Conflict: the seller's code is taken.
    """
    seller_code = seller_code.strip()
    if not 0 < len(seller_code) <= SELLER_CODE_CHARS_MAX:
        raise InvalidInput(field="seller_code", problem=f"1–{SELLER_CODE_CHARS_MAX}")
    if len(variant) > VARIANT_CHARS_MAX:
        raise InvalidInput(field="variant", problem=f"≤ {VARIANT_CHARS_MAX}")
    if not 0 < price.amount_minor <= SUM_MINOR_MAX:
        raise InvalidInput(field="price_fen", problem=f"1–{SUM_MINOR_MAX}")
    known = await unit.scalar(
        select(product.c.product_id).where(
            product.c.merchant_id == unit.merchant_id, product.c.product_id == product_id
        )
    )
    if known is None:
        raise NotFound(what="product", key=str(product_id))
    sku_id = unit.new_id()
    now = unit.now()
    fresh = await unit.insert_once(
        sku,
        sku_id=sku_id,
        product_id=product_id,
        seller_code=seller_code,
        variant=variant.strip(),
        price_minor=price.amount_minor,
        currency=price.currency,
        created_at=now,
    )
    if not fresh:
        raise Conflict(what="SKU")
    await unit.insert(stock, sku_id=sku_id, on_hand=0, reserved=0, changed_at=now)
    return sku_id


def _view(row: Row[Any]) -> SkuView:
    return SkuView(
        sku_id=row.sku_id,
        product_id=row.product_id,
        title=row.title,
        seller_code=row.seller_code,
        variant=row.variant,
        price=Money(row.price_minor, row.currency),
    )


async def get_sku(unit: Unit, sku_id: UUID) -> SkuView:
    """One SKU with its product's title.

    Raises:
        NotFound: not this merchant's.
    """
    found = await get_skus(unit, [sku_id])
    if sku_id not in found:
        raise NotFound(what="SKU", key=str(sku_id))
    return found[sku_id]


async def get_skus(unit: Unit, sku_ids: Collection[UUID]) -> dict[UUID, SkuView]:
    """SKUs with their products' titles, by id; those that are not this merchant's are missing."""
    return {row.sku_id: _view(row) for row in await unit.ask(_SKUS, sku_ids=list(sku_ids))}


async def skus_by_code(unit: Unit, seller_codes: Sequence[str]) -> dict[str, UUID]:
    """SKU ids by the seller's codes; unknown codes are absent."""
    rows = await unit.all(
        select(sku.c.seller_code, sku.c.sku_id).where(
            sku.c.merchant_id == unit.merchant_id, sku.c.seller_code.in_(seller_codes)
        )
    )
    return {row.seller_code: row.sku_id for row in rows}


async def products_of(unit: Unit, sku_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """SKU -> its product; unknown ids are absent."""
    if not sku_ids:
        return {}
    rows = await unit.all(
        select(sku.c.sku_id, sku.c.product_id).where(sku.c.merchant_id == unit.merchant_id, sku.c.sku_id.in_(sku_ids))
    )
    return {row.sku_id: row.product_id for row in rows}


async def keep_listing(unit: Unit, sku_id: UUID, connection_id: UUID, platform: str, target: StockTarget) -> None:
    """Remember that a platform lists this SKU."""
    await unit.insert_once(
        listing,
        listing_id=unit.new_id(),
        sku_id=sku_id,
        connection_id=connection_id,
        platform=platform,
        platform_listing_id=target.listing_id,
        platform_sku_id=target.platform_sku_id,
        created_at=unit.now(),
    )


async def listings_of(unit: Unit, sku_id: UUID) -> list[ListingView]:
    """Where a SKU is listed."""
    rows = await unit.ask(_LISTINGS, sku_id=sku_id)
    return [
        ListingView(
            listing_id=row.listing_id,
            connection_id=row.connection_id,
            platform=row.platform,
            target=StockTarget(
                listing_id=row.platform_listing_id, platform_sku_id=row.platform_sku_id, seller_code=row.seller_code
            ),
            pushed_quantity=row.pushed_quantity,
        )
        for row in rows
    ]


async def forget_listings(unit: Unit, connection_id: UUID) -> None:
    """Forget where a shop lists our SKUs; they are looked for again when there is a figure to publish."""
    await unit.run(
        delete(listing).where(listing.c.merchant_id == unit.merchant_id, listing.c.connection_id == connection_id)
    )


async def record_push(unit: Unit, listing_id: UUID, quantity: int, pushed_at: datetime) -> None:
    """The platform took our figure."""
    await unit.run(
        update(listing)
        .where(listing.c.merchant_id == unit.merchant_id, listing.c.listing_id == listing_id)
        .values(pushed_quantity=quantity, pushed_at=pushed_at)
    )
