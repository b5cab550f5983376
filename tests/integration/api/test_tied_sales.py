"""An order of another shop that is tied for certain counts as its link's sale, wherever sales of links are shown."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from tied_orders import Shop, clicked, link_to, tie_of

from hutong.platforms.registry import Registry
from hutong.platforms.shops import ShopOrderStatus


@pytest.fixture
def registry():
    return Registry.from_entry_points()


async def told(caller, number, token):
    await caller.post("/orders/evidence", {"source": "taobao", "order_no": number, "cq": token})


async def traded(caller):
    """Two orders of one link, by a click that came back and by a word; of another one a guess, and one unpaid."""
    shop, link, other = await Shop.open(caller), await link_to(caller), await link_to(caller, name="视频")
    click_id, token = await clicked(caller, link, ago=timedelta(days=3))
    _, unpaid = await clicked(caller, link, ago=timedelta(days=3))
    word = (await caller.post(f"/links/{link['link_id']}/words", {}))["word"]
    await clicked(caller, other, ago=timedelta(minutes=2))
    await told(caller, "T1", token)
    await shop.sells("T1")
    await shop.sells("T2", remarks=(word,))
    await shop.sells("T3")
    await told(caller, "T4", unpaid)
    await shop.sells("T4", status=ShopOrderStatus.UNPAID)
    evidence = [(await tie_of(caller, number) or {}).get("evidence") for number in ("T1", "T2", "T3")]
    assert evidence == ["carried", "code", "window"]
    return link, other, click_id


def test_channels_count_what_is_certain_and_paid(calling):
    async def work(caller):
        link, other, _ = await traded(caller)
        items = {item["channel_id"]: item for item in (await caller.get("/channels"))["items"]}
        shown = [items[key] for key in (link["channel_id"], other["channel_id"], None)]
        assert [one["orders"] for one in shown] == [2, 0, 1]
        assert [[money["net_minor"] for money in one["money"]] for one in shown] == [[9_980], [], [4_990]]
        assert [one["clicks_converted"] for one in shown] == [1, 0, 0]
        await caller.sign_in()
        page = (await caller.client.get("/channels", headers={"accept-language": "en"})).text
        assert "1 more orders did not come from a link" in page

    calling(work)


def test_a_click_says_which_order_came_back_with_it(calling):
    async def work(caller):
        link, _, click_id = await traded(caller)
        rows = {row["click_id"]: row for row in (await caller.get("/clicks", link_id=link["link_id"]))["items"]}
        orders = {item["order_no"]: item for item in (await caller.get("/orders"))["items"]}
        assert rows[str(click_id)]["outcome"] == "ordered"
        assert rows[str(click_id)]["order_id"] == orders["T1"]["order_id"]
        others = [row for key, row in rows.items() if key != str(click_id)]
        assert [(row["outcome"], row["order_id"]) for row in others] == [("straight", None)], "not paid, so not sold"

    calling(work)


def test_a_links_pages_show_what_it_sold_elsewhere(calling):
    async def work(caller):
        link, *_ = await traded(caller)
        await caller.sign_in()
        async with caller.room.unit() as unit:
            code = (await unit.fetch("SELECT code FROM link WHERE link_id = $1", link["link_id"]))[0].code
        for path in ("/links", f"/links/{code}"):
            page = (await caller.client.get(path, headers={"accept-language": "en"})).text
            assert re.search(r"99\.80", page), path

    calling(work)
