"""An app that the web-view names: click, landing and cash desk agree on it, and scripts cannot change it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from hutong.core.ids import new_id
from hutong.links.tokens import click_token

PLAIN = "Mozilla/5.0 (Linux; Android 13; K; wv) AppleWebKit/537.36 Version/4.0 Chrome/107 Mobile Safari/537.36"


async def link_to_desk(caller):
    product = await caller.post("/products", {"title": "碗"}, key=uuid4().hex)
    sku = {"product_id": product["product_id"], "seller_code": "B", "price_fen": 3900, "stock": 5}
    sku_id = (await caller.post("/skus", sku, key=uuid4().hex))["sku_id"]
    channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
    return (await caller.post("/links", {"title": "碗", "sku_id": sku_id, "channel": channel}, key=uuid4().hex))["code"]


async def ask(caller, path, app, **params):
    headers = {"user-agent": PLAIN, **({"x-requested-with": app} if app else {})}
    caller.client.cookies.clear()
    return await caller.client.get(path, params=params, headers=headers)


@pytest.mark.parametrize(("app", "container"), [("com.xunmeng.pinduoduo", "pinduoduo"), ("com.example", "mobile")])
def test_landing_and_desk_agree_also_without_cookies(calling, app, container):
    async def work(caller):
        code = await link_to_desk(caller)
        token = click_token(caller.runtime.link_key, new_id(caller.room.clock.now()), code)
        landed = await ask(caller, f"/b/{code}", app, k=token)
        desk = landed.headers["location"]
        assert (landed.status_code, desk[:3], landed.headers["cache-control"]) == (302, "/c/", "no-store")
        async with caller.room.unit() as unit:
            (row,) = await unit.fetch("SELECT container FROM checkout")
        assert row["container"] == container
        again = await ask(caller, f"/b/{code}", app)
        assert (again.headers["location"], again.headers["cache-control"]) == (f"/l/{code}", "no-store")
        assert (await ask(caller, desk, app)).status_code == 200
        elsewhere = await ask(caller, desk, "com.xingin.xhs")
        assert elsewhere.status_code == 302, "passed on to another app"
        assert elsewhere.headers["location"].startswith(f"/l/{code}?p=")

    calling(work)
