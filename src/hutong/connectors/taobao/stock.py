"""Capability Stock: find listings by the seller's code, read and set the figure.

Source: https://developer.alibaba.com/docs/api.htm?apiId=164 (skus.custom.get), 30 (item.skus.get), 38499
(skus.quantity.update: type 1 sets, type 2 adds; only 1 is safe to repeat).
"""

from __future__ import annotations

from typing import Final

import msgspec

from hutong.connectors.taobao.gateway import call
from hutong.core.errors import InvalidInput
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.shops import StockTarget

FIND: Final = "taobao.skus.custom.get"
READ: Final = "taobao.item.skus.get"
WRITE: Final = "taobao.skus.quantity.update"
SKU_FIELDS: Final = "sku_id,num_iid,outer_id,quantity"
SET_FULL: Final = "1"
#: What the platform takes for one SKU.
QUANTITY_MAX: Final = 100_000_000

Id = int | str


class WireSku(msgspec.Struct, frozen=True):
    """A SKU of a listing."""

    sku_id: Id
    num_iid: Id = ""
    outer_id: str = ""
    quantity: int | None = None


class _Skus(msgspec.Struct, frozen=True):
    sku: list[WireSku] = []


class _Found(msgspec.Struct, frozen=True):
    skus: _Skus = _Skus()


class _Item(msgspec.Struct, frozen=True):
    num_iid: Id


class _Written(msgspec.Struct, frozen=True):
    item: _Item


class TaobaoStock:
    """``hutong.platforms.shops.Stock`` for Taobao and Tmall shops; listings without SKUs are not covered."""

    async def find(self, account: Account, seller_code: str) -> tuple[StockTarget, ...]:
        """Every SKU that carries the code, over all listings; none is no error."""
        return tuple(
            StockTarget(listing_id=str(sku.num_iid), platform_sku_id=str(sku.sku_id), seller_code=seller_code)
            for sku in await _skus(account, seller_code)
        )

    async def read(self, account: Account, target: StockTarget) -> int:
        """The figure of one SKU."""
        business = {"fields": SKU_FIELDS, "num_iids": _ids(target)["num_iid"]}
        for sku in (await call(account, READ, business, _Found)).skus.sku:
            if str(sku.sku_id) == target.platform_sku_id and sku.quantity is not None:
                return sku.quantity
        raise _missing(account, target)

    async def write(self, account: Account, target: StockTarget, quantity: int) -> None:
        """Set the figure of one SKU."""
        if not 0 <= quantity <= QUANTITY_MAX:
            raise InvalidInput(field="quantity", problem="0 - 100 000 000")
        ids = _ids(target)
        business = {
            "num_iid": ids["num_iid"],
            "skuid_quantities": f"{ids['sku_id']}:{quantity}",
            "type": SET_FULL,
        }
        await call(account, WRITE, business, _Written)


async def _skus(account: Account, seller_code: str) -> list[WireSku]:
    if not seller_code:
        raise InvalidInput(field="seller_code", problem="1+")
    try:
        return (await call(account, FIND, {"fields": SKU_FIELDS, "outer_id": seller_code}, _Found)).skus.sku
    except PlatformRefused as refused:
        if refused.word is ErrorWord.NOT_FOUND:
            return []
        raise


def _ids(target: StockTarget) -> dict[str, str]:
    for text in (target.listing_id, target.platform_sku_id):
        if not (text.isascii() and text.isdigit()):
            raise InvalidInput(field="listing_id, platform_sku_id", problem="0-9")
    return {"num_iid": target.listing_id, "sku_id": target.platform_sku_id}


def _missing(account: Account, target: StockTarget) -> PlatformRefused:
    return PlatformRefused(
        platform=account.platform,
        platform_code="sku",
        message=target.platform_sku_id,
        word=ErrorWord.NOT_FOUND,
    )
