"""Make many links at once; what they sell must be the shop's."""

from __future__ import annotations

from collections.abc import Sequence

from hutong.db.unit import Unit
from hutong.links.bulk import BulkRow, Fate, create_links
from hutong.merchants.queries import this_merchant
from hutong.shops.catalogue import get_skus


async def make_links(
    unit: Unit, rows: Sequence[BulkRow], *, is_dry: bool = False, whole: bool = False
) -> tuple[Fate, ...]:
    """What became of each row, in their order. With ``whole`` nothing is made where any row is wrong.

    Raises:
        InvalidInput: too many rows.
    """
    asked = {row.sku_id for row in rows if row.sku_id is not None}
    skus = frozenset(await get_skus(unit, asked)) if asked else frozenset()
    zone = (await this_merchant(unit)).timezone
    return await create_links(unit, rows, skus, zone=zone, is_dry=is_dry, whole=whole)
