"""A shop at Taobao, links to its goods and clicks on them, for tests of what ties orders."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import insert

from hutong.core.ids import new_id
from hutong.core.money import Money
from hutong.links.models import click
from hutong.links.tokens import carried_token
from hutong.merchants.connections import Mode
from hutong.platforms.shops import ShopOrder, ShopOrderLine, ShopOrderStatus, StockTarget
from hutong.shops.catalogue import create_product, create_sku, keep_listing
from hutong.shops.platform_orders import ShopRef, merge_order
from hutong.workflows.commands.open_shop import connect_in
from hutong.workflows.commands.tie_orders import tie_by_remarks
from hutong.workflows.dispatcher import deliver_waiting

ITEM = "https://item.taobao.com/item.htm?id=657123"
PRICE = Money(4_990)


async def link_to(caller, url=ITEM, name="帖子"):
    channel = {"kind": "post", "platform": "weibo", "name": name}
    return await caller.post("/links", {"title": name, "channel": channel, "url": url}, key=uuid4().hex)


async def clicked(caller, link, *, ago=timedelta(minutes=5), address=b"a"):
    """A click as the edge keeps it, and the token that goes with it."""
    at = caller.room.clock.now() - ago
    click_id = new_id(at)
    async with caller.room.database.plain("ingest") as connection:
        await connection.execute(
            insert(click).values(
                merchant_id=caller.room.merchant_id,
                click_id=click_id,
                link_id=UUID(link["link_id"]),
                channel_id=UUID(link["channel_id"]),
                container="weibo",
                os="android",
                language="zh",
                referrer="none",
                address_hash=address,
                is_bot=False,
                clicked_at=at,
            )
        )
    return click_id, carried_token(caller.runtime.link_key, caller.room.merchant_id, click_id, link["code"])


async def connected(caller, unit, platform):
    """An account whose credentials nobody looks at."""
    connector = caller.runtime.registry.get(platform)
    needed = [name for name in connector.credential_fields if name not in connector.optional_fields]
    return await connect_in(
        unit,
        caller.runtime.vault,
        connector,
        mode=Mode.SANDBOX,
        base_url="",
        credentials=dict.fromkeys(needed, "x"),
    )


class Shop:
    """A shop at Taobao that lists one SKU under the number that ITEM names."""

    def __init__(self, caller, connection_id):
        self.caller = caller
        self.ref = ShopRef(connection_id=connection_id, platform="taobao", shop_ref="1")

    @classmethod
    async def open(cls, caller):
        async with caller.room.unit() as unit:
            connection_id = await connected(caller, unit, "taobao")
            sku_id = await create_sku(unit, await create_product(unit, "面包"), "BREAD-1", PRICE)
            target = StockTarget(listing_id="657123", platform_sku_id="1", seller_code="BREAD-1")
            await keep_listing(unit, sku_id, connection_id, "taobao", target)
        return cls(caller, connection_id)

    async def sells(self, number, *, remarks=(), status=ShopOrderStatus.PAID, ago=timedelta(0)):
        """An order as a pull brings it."""
        at = self.caller.room.clock.now() - ago
        line = ShopOrderLine(
            line_id="1", title="面包", quantity=1, unit_price=PRICE, amount=PRICE, seller_code="BREAD-1"
        )
        order = ShopOrder(
            platform_order_id=number,
            status=status,
            raw_status="",
            total=PRICE,
            freight=Money(0),
            created_at=at,
            modified_at=at,
            lines=(line,),
            paid=PRICE if status is ShopOrderStatus.PAID else None,
            paid_at=at if status is ShopOrderStatus.PAID else None,
            remarks=remarks,
        )
        async with self.caller.room.unit() as unit:
            await merge_order(unit, self.ref, order, None, "pull")
            await tie_by_remarks(unit, "taobao", {number: remarks})
        while await deliver_waiting(self.caller.runtime, self.caller.room.merchant_id):
            pass


async def tie_of(caller, number):
    items = (await caller.get("/orders"))["items"]
    return next(item["tie"] for item in items if item["order_no"] == number)
