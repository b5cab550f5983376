"""Products, SKUs, stock."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.merchants.keys import ApiKey
from hutong.shops.catalogue import create_product, create_sku
from hutong.shops.queries import SEARCH_CHARS_MAX, stock_page
from hutong.shops.stock import receive
from hutong.web.api.bodies import Line, Pieces, Price, RequestBody
from hutong.web.api.callers import once
from hutong.workflows.runtime import Runtime

PAGE_MAX: Final = 200
Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX, default=50)]
Offset = Annotated[int, Parameter(ge=0, le=1_000_000, default=0)]
Search = Annotated[str, Parameter(max_length=SEARCH_CHARS_MAX, default="", description="Part of a code or title")]


class NewProduct(RequestBody, frozen=True, kw_only=True):
    """A product to make."""

    title: Line


class ProductMade(msgspec.Struct, frozen=True, kw_only=True):
    """The product's id."""

    product_id: UUID


class NewSku(RequestBody, frozen=True, kw_only=True):
    """A SKU to make; ``stock`` pieces are counted in at once."""

    product_id: UUID
    seller_code: Line
    price_fen: Price
    variant: Line = ""
    stock: Pieces = 0


class SkuMade(msgspec.Struct, frozen=True, kw_only=True):
    """The SKU's id."""

    sku_id: UUID


class PublishedStock(msgspec.Struct, frozen=True, kw_only=True):
    """The figure last published on one listing; null before the first time."""

    platform: str
    platform_listing_id: str
    quantity: int | None


class StockLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What is there of a SKU, what is held for unpaid orders, and what can be sold."""

    sku_id: UUID
    seller_code: str
    title: str
    variant: str
    price_fen: int
    currency: str
    on_hand: int
    reserved: int
    available: int
    listings: tuple[PublishedStock, ...]


class StockAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of stock levels."""

    items: tuple[StockLevel, ...]
    total: int


class CatalogueApi(Controller):
    """Products, SKUs, stock."""

    path = "/api/v1"
    tags = ["Catalogue"]

    @post("/products", opt={"scope": "catalogue:write"}, summary="Make a product")
    async def make_product(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewProduct
    ) -> Response[bytes]:
        """Make a product; its SKUs come after."""
        return await once(runtime, caller, request, "api.product", lambda unit: _product(unit, data))

    @post("/skus", opt={"scope": "catalogue:write"}, summary="Make a SKU")
    async def make_sku(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewSku
    ) -> Response[bytes]:
        """Make a SKU of a product, with its first stock."""
        return await once(runtime, caller, request, "api.sku", lambda unit: _sku(unit, data))

    @get("/stock", opt={"scope": "catalogue:read"}, summary="Stock levels")
    async def stock(
        self, runtime: Runtime, caller: ApiKey, limit: Limit, offset: Offset, search: Search
    ) -> StockAnswer:
        """What can be sold, SKU by SKU, and what each platform was told."""
        async with runtime.unit(caller.merchant_id, "api.stock") as unit:
            page = await stock_page(unit, search=search, limit=limit, offset=offset)
        items = tuple(
            StockLevel(
                sku_id=row.sku_id,
                seller_code=row.seller_code,
                title=row.title,
                variant=row.variant,
                price_fen=row.price.amount_minor,
                currency=row.price.currency,
                on_hand=row.on_hand,
                reserved=row.reserved,
                available=row.on_hand - row.reserved,
                listings=tuple(
                    PublishedStock(
                        platform=listing.platform,
                        platform_listing_id=listing.platform_listing_id,
                        quantity=listing.pushed_quantity,
                    )
                    for listing in row.listings
                ),
            )
            for row in page.rows
        )
        return StockAnswer(items=items, total=page.total)


async def _product(unit: Unit, data: NewProduct) -> ProductMade:
    return ProductMade(product_id=await create_product(unit, data.title))


async def _sku(unit: Unit, data: NewSku) -> SkuMade:
    sku_id = await create_sku(unit, data.product_id, data.seller_code, Money.fen(data.price_fen), data.variant)
    if data.stock:
        await receive(unit, sku_id, data.stock, f"first:{sku_id}")
    return SkuMade(sku_id=sku_id)
