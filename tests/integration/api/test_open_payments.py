"""What the API refuses before anything is ordered or any wallet asked."""

from __future__ import annotations

from uuid import uuid4

import pytest

from hutong.core.money import SUM_MINOR_MAX
from hutong.merchants.connections import Mode
from hutong.platforms.registry import Registry
from hutong.workflows.commands.open_shop import connect_in

PAYMENTS = "/payments"
AMOUNT = {"platform": "wechatpay", "method": "app", "amount_fen": 100, "title": "停车费"}
PAYER = {"payer_id": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}


@pytest.fixture
def registry():
    return Registry.from_entry_points()


async def connected(caller, **credentials):
    """The shop takes WeChat Pay; nobody answers at its address."""
    connector = caller.runtime.registry.get("wechatpay")
    async with caller.room.unit() as unit:
        return await connect_in(
            unit,
            caller.runtime.vault,
            connector,
            mode=Mode.SANDBOX,
            base_url="http://127.0.0.1:9",
            credentials={**dict.fromkeys(connector.credential_fields, "x"), **credentials},
        )


async def sku(caller, price_fen=SUM_MINOR_MAX):
    product = await caller.post("/products", {"title": "碗"})
    body = {"product_id": product["product_id"], "seller_code": uuid4().hex, "price_fen": price_fen, "stock": 5}
    return (await caller.post("/skus", body))["sku_id"]


def test_what_is_asked_for_must_be_clear(calling):
    async def work(caller):
        await connected(caller)
        sku_id = await sku(caller)
        goods = {"platform": "wechatpay", "method": "app", "sku_id": sku_id}
        unclear = [
            {**AMOUNT, "sku_id": sku_id},
            {**AMOUNT, "title": " "},
            {**AMOUNT, "quantity": 2},
            {**AMOUNT, "amount_fen": 0},
            {**AMOUNT, "amount_fen": SUM_MINOR_MAX + 1},
            {"platform": "wechatpay", "method": "app"},
            {**goods, "quantity": 0},
            {**goods, "quantity": 2},  # more than any price may be
            {**AMOUNT, "method": "code"},
            {**AMOUNT, "method": "h5"},
            {**AMOUNT, "method": "mini"},
            {**AMOUNT, "method": "jsapi"},
            {**AMOUNT, "method": "mini", "login_code": "c", **PAYER},
            {**AMOUNT, **PAYER},
        ]
        for body in unclear:
            assert (await caller.refused(PAYMENTS, body))[0] == 400, body
        for name in ("sku_id", "link_id", "channel_id"):
            lost = {**(goods if name == "sku_id" else AMOUNT), name: str(uuid4())}
            assert await caller.refused(PAYMENTS, lost) == (404, "not_found"), name
        assert (await caller.get(PAYMENTS))["total"] == (await caller.get("/orders"))["total"] == 0

    calling(work)


def test_a_shop_without_such_an_account_says_so(calling):
    async def work(caller):
        assert await caller.refused(PAYMENTS, AMOUNT) == (409, "no_wallet")
        await connected(caller, mini_appid="")
        assert await caller.refused(PAYMENTS, {**AMOUNT, "method": "mini", **PAYER}) == (409, "no_wallet")
        assert await caller.refused(PAYMENTS, {**AMOUNT, "platform": "nobody"}) == (409, "no_wallet")
        assert await caller.refused(PAYMENTS, {**AMOUNT, "connection_id": str(uuid4())}) == (409, "no_wallet")

    calling(work)


def test_a_key_that_may_look_may_not_take_payments(calling):
    async def work(caller):
        headers = await caller.key("payments:read", "orders:write")
        answer = await caller.send(PAYMENTS, AMOUNT, **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    calling(work)


def test_a_sold_out_sku_is_refused_and_the_key_may_try_again(calling):
    async def work(caller):
        await connected(caller)
        body = {"platform": "wechatpay", "method": "app", "sku_id": await sku(caller, 100), "quantity": 6}
        assert await caller.refused(PAYMENTS, body, key="k") == (409, "out_of_stock")
        assert await caller.refused(PAYMENTS, body, key="k") == (409, "out_of_stock")
        assert (await caller.get("/orders"))["total"] == 0

    calling(work)


def test_the_description_tells_ways_payer_and_answer(calling):
    async def work(caller):
        told = (await caller.client.get("/api/openapi.json")).json()
        operation = told["paths"]["/api/v1/payments"]["post"]
        body = told["components"]["schemas"]["NewPayment"]
        assert body["properties"]["method"]["enum"] == ["app", "mini", "jsapi", "native"]
        assert body["required"] == ["method", "platform"]
        assert all(name in operation["description"] for name in ("login_code", "orderStr", "Idempotency-Key"))
        (content,) = operation["requestBody"]["content"].values()
        assert set(content["examples"]["example"]["value"]) <= set(body["properties"])
        answer = told["components"]["schemas"]["PaymentOpened"]
        assert {"invoke", "code_url", "payment_id", "state"} <= set(answer["properties"])

    calling(work)
