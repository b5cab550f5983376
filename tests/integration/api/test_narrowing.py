"""What lists of the API can be narrowed to, so that a caller finds its own among everybody's."""

from __future__ import annotations

from hutong.core.money import Money
from hutong.shops.orders import NewOrder, place_order


async def link_of(caller, code):
    """A link, in a channel of its own, to a new SKU."""
    product = await caller.post("/products", {"title": f"碗 {code}"}, key=f"product {code}")
    sku = {"product_id": product["product_id"], "seller_code": code, "price_fen": 3900, "stock": 10}
    sku_id = (await caller.post("/skus", sku, key=f"sku {code}"))["sku_id"]
    channel = {"kind": "post", "platform": "weibo", "name": code}
    return await caller.post("/links", {"title": code, "sku_id": sku_id, "channel": channel}, key=f"link {code}")


async def order_through(caller, link):
    new = NewOrder(
        sku_id=None,
        seller_code="",
        title="碗",
        quantity=1,
        unit_price=Money(3900),
        channel_id=link["channel_id"],
        link_id=link["link_id"],
        click_id=None,
        container="wechat",
    )
    async with caller.room.unit() as unit:
        return str(await place_order(unit, new))


def test_orders_of_one_channel_and_the_stock_of_one_code(calling):
    async def work(caller):
        mine, other = [await link_of(caller, code) for code in ("BOWL-01", "CUP-01")]
        order_id = await order_through(caller, mine)
        await order_through(caller, other)
        found = await caller.get("/orders", channel_id=mine["channel_id"])
        assert ([item["order_id"] for item in found["items"]], found["total"]) == ([order_id], 1)
        assert (await caller.get("/orders"))["total"] == 2
        stock = await caller.get("/stock", search="bowl")
        assert ([item["seller_code"] for item in stock["items"]], stock["total"]) == (["BOWL-01"], 1)

    calling(work)


def test_the_description_says_that_the_journal_is_paged_by_batches(calling):
    async def work(caller):
        described = (await caller.client.get("/api/openapi.json")).json()["paths"]["/api/v1/postings"]["get"]
        limit = next(one for one in described["parameters"] if one["name"] == "limit")
        assert "batches" in limit["description"].lower()

    calling(work)
