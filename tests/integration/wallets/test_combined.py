"""Combined payments, from the API to the wallet's own books: opened, paid with one tap, refunded part by part."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from hutong.core.money import Money
from hutong.merchants.keys import create_key
from hutong.payments.checkouts import Goods, Visit, hold_checkouts, open_checkout
from hutong.payments.service import Capture, capture_many, open_attempt
from hutong.platforms.payments import PayMethod
from hutong.workflows.commands.combined_parts import CombinedWanted, know_who_pays
from hutong.workflows.commands.order import get_payable, order_at_desk
from hutong.workflows.commands.wallets import wallet_accounts

TWO = {
    "platform": "wechatpay",
    "method": "native",
    "parts": [{"amount_fen": 4990, "title": "青瓷饭碗"}, {"amount_fen": 1200, "title": "同城配送"}],
}


def test_one_tap_pays_every_order_and_a_part_goes_back(in_a_shop):
    async def work(shop):
        opened = await shop.post(TWO)
        bowl, way = opened["combined"]["parts"]
        assert opened["code_url"].startswith("weixin://")
        assert await shop.states(opened) == ("open", ["open", "open"])
        await shop.pay(opened)
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        assert len(await shop.events("payment.paid")) == 2
        orders = {row["order_id"]: row["state"] for row in (await shop.get("/orders"))["items"]}
        assert orders == {bowl["order_id"]: "completed", way["order_id"]: "completed"}  # nothing to ship
        refund = {"amount_fen": 1000, "reason": "少一只"}
        assert (await shop.send(refund, path=f"/orders/{bowl['order_id']}/refunds")).is_success
        await shop.advance(120)
        assert [(await shop.payment(part))["refunded_minor"] for part in (bowl, way)] == [1000, 0]
        assert shop.books() == {bowl["out_trade_no"]: (4990, 1000), way["out_trade_no"]: (1200, 0)}
        sold = "SELECT coalesce(sum(p.amount_minor), 0) FROM posting p JOIN ledger_account a "
        sold += "USING (merchant_id, account_id) WHERE a.path = 'revenue:sales'"
        assert await shop.values(sold) == [-(4990 + 1200 - 1000)]
        assert await shop.breaches() == []
        assert await shop.tickets() == []

    in_a_shop(work)


async def owed(shop, *titles):
    """Payments that are open already, each at a wallet of its own."""
    body = {"platform": "wechatpay", "method": "native"}
    return [
        await shop.post({**body, "amount_fen": 100 * (at + 1), "title": title}, path="/payments")
        for at, title in enumerate(titles)
    ]


def of(*payments, **more):
    return {**TWO, "parts": [{"payment_id": one["payment_id"]} for one in payments], **more}


def test_what_is_open_elsewhere_is_closed_there_first(in_a_shop):
    async def work(shop):
        one, two = await owed(shop, "碗", "盘")
        opened = await shop.post(of(one, two))
        parts = opened["combined"]["parts"]
        assert [part["payment_id"] for part in parts] == [one["payment_id"], two["payment_id"]]
        assert shop.open_there() == sorted(part["out_trade_no"] for part in parts)
        assert await shop.states(opened) == ("open", ["open", "open"])
        await shop.press(one["checkout_url"].rsplit("/", 1)[1])  # and back: one part by itself, all are closed before
        assert await shop.states(opened) == ("closed", ["open", "open"])
        assert len(shop.open_there()) == 1
        assert await shop.breaches() == []

    in_a_shop(work)


@pytest.mark.parametrize("by", ["capture", "payer"])
def test_desks_are_held_in_one_order_whoever_takes_them(in_a_shop, by):
    """Somebody holds the first desk and goes on to the second, as a tap on a combination does."""

    async def work(shop):
        goods = Goods(sku_id=None, title="碗", quantity=1, amount=Money.fen(100))
        async with shop.unit() as unit:
            desks = [await open_checkout(unit, goods, Visit(container="app")) for _ in range(2)]
            first, second = [await get_payable(unit, checkout_id) for checkout_id in sorted(desks)]
            payment_ids = sorted([await order_at_desk(unit, desk) for desk in (second, first)])  # the second's first
            accounts = await wallet_accounts(shop.runtime, unit)
            of = accounts[0].connection
            tries = [await open_attempt(unit, one, of.connection_id, of.platform, "jsapi") for one in payment_ids]
        wanted = CombinedWanted(platform="wechatpay", method=PayMethod.JSAPI, parts=(), payer_id="o-1")
        began = asyncio.get_running_loop().create_future()

        async def other():
            async with shop.unit() as unit:
                began.set_result((await unit.connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar())
                if by == "payer":
                    await know_who_pays(shop.runtime, unit, accounts[0], wanted, [second, first])
                else:
                    await capture_many(unit, [Capture(one, one.out_trade_no, unit.now()) for one in tries])

        async with shop.unit() as unit:
            await hold_checkouts(unit, [first.checkout_id])
            task = asyncio.create_task(other())
            waits = f"SELECT count(*) FROM pg_locks WHERE pid = {await began} AND NOT granted"
            while not task.done() and not (await unit.connection.exec_driver_sql(waits)).scalar():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await hold_checkouts(unit, [first.checkout_id, second.checkout_id])
        await task

    in_a_shop(work)


async def stocked(shop, pieces):
    product = await shop.post({"title": "碗"}, path="/products")
    body = {"product_id": product["product_id"], "seller_code": "w", "price_fen": 880, "stock": pieces}
    return (await shop.post(body, path="/skus"))["sku_id"]


async def available(shop):
    return [item["available"] for item in (await shop.get("/stock"))["items"]]


def test_a_part_that_was_paid_elsewhere_leaves_nothing_ordered(in_a_shop):
    async def work(shop):
        sku_id = await stocked(shop, 3)
        [bowl] = await owed(shop, "碗")
        [number] = shop.open_there()
        shop.fault("callback_lost")
        await shop.wallet.wechat.pay({"out_trade_no": number})
        body = {**TWO, "parts": [{"payment_id": bowl["payment_id"]}, {"sku_id": sku_id, "quantity": 3}]}
        assert await shop.refused(body) == (409, "already_paid")
        assert await available(shop) == [3], "nobody can pay for them"
        assert (await shop.get("/payments"))["total"] == 1
        assert await shop.breaches() == []

    in_a_shop(work)


def test_too_few_goods_leave_what_is_open_elsewhere_as_it_is(in_a_shop):
    async def work(shop):
        sku_id = await stocked(shop, 2)
        [bowl] = await owed(shop, "碗")
        there = shop.open_there()
        body = {**TWO, "parts": [{"payment_id": bowl["payment_id"]}, {"sku_id": sku_id, "quantity": 3}]}
        assert await shop.refused(body) == (409, "out_of_stock")
        assert shop.open_there() == there
        opened = await shop.post({**TWO, "parts": [body["parts"][0], {"sku_id": sku_id, "quantity": 2}]})
        assert await available(shop) == [0]
        await shop.pay(opened)
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        assert await shop.breaches() == []

    in_a_shop(work)


def test_a_payment_that_no_wallet_was_asked_for_is_told_and_can_be_closed(in_a_shop):
    """None is left behind any more; those of earlier versions have to go away."""

    async def work(shop):
        async with shop.unit() as unit:
            goods = Goods(sku_id=None, title="碗", quantity=1, amount=Money.fen(100))
            desk = await get_payable(unit, await open_checkout(unit, goods, Visit(container="app")))
            payment_id = await order_at_desk(unit, desk)
        assert [breach.rule for breach in await shop.breaches()] == ["payments.open_payment_ends"]
        assert (await shop.send({}, path=f"/payments/{payment_id}/close")).is_success
        assert await shop.breaches() == []
        await shop.settle()
        assert (await shop.payment({"payment_id": payment_id}))["state"] == "closed"
        assert [order["state"] for order in (await shop.get("/orders"))["items"]] == ["closed"]
        assert await shop.breaches() == []

    in_a_shop(work)


def test_two_who_combine_the_same_at_once_find_one(in_a_shop):
    async def work(shop):
        one, two = await owed(shop, "碗", "盘")
        answers = await asyncio.gather(*(shop.post(of(one, two)) for _ in range(5)))
        assert len({answer["combined"]["combined_id"] for answer in answers}) == 1
        assert len(shop.open_there()) == 2
        await shop.pay(answers[0])
        assert await shop.states(answers[0]) == ("paid", ["paid", "paid"])
        assert sum(amount - back for amount, back in shop.books().values()) == 300
        assert await shop.breaches() == []

    in_a_shop(work)


def test_two_that_share_a_part_leave_one_open_there(in_a_shop):
    async def work(shop):
        one, two, three = await owed(shop, "碗", "盘", "杯")
        answers = await asyncio.gather(shop.send(of(one, two)), shop.send(of(two, three)))
        await shop.advance(60)
        assert any(answer.is_success for answer in answers)
        live = "SELECT out_trade_no FROM attempt WHERE state IN ('created', 'open', 'unknown') ORDER BY out_trade_no"
        assert await shop.values(live) == shop.open_there(), "what can be paid there is what we know of"
        assert len(await shop.values("SELECT 1 FROM combined_payment WHERE state = 'open'")) <= 1
        assert await shop.breaches() == []

    in_a_shop(work)


def test_the_same_key_is_the_same_until_it_ended_and_no_other_request(in_a_shop):
    async def work(shop):
        first, second = await shop.post(TWO, "k"), await shop.post(TWO, "k")
        assert first["combined"] == second["combined"]
        other = {**TWO, "parts": [*TWO["parts"], {"amount_fen": 1, "title": "袋"}]}
        assert await shop.refused(other, "k") == (422, "idempotency_key_reused")
        await shop.pay(second)
        ended = await shop.post(TWO, "k")
        assert (ended["combined"]["state"], ended["code_url"]) == ("paid", None)
        assert ended["combined"]["combined_id"] == first["combined"]["combined_id"]
        parts = ended["combined"]["parts"]
        again = {"payment_id": parts[0]["payment_id"]}
        assert await shop.refused({**TWO, "parts": [again, TWO["parts"][1]]}) == (409, "part_over")

    in_a_shop(work)


def test_what_is_asked_for_must_be_clear(in_a_shop):
    async def work(shop):
        bowl = TWO["parts"][0]
        known = {"payment_id": (await owed(shop, "碗"))[0]["payment_id"]}
        unclear = [
            {**TWO, "parts": [bowl]},
            {**TWO, "parts": [bowl] * 51},
            {**TWO, "parts": [known, known]},
            {**TWO, "parts": [bowl, {**known, "amount_fen": 1}]},
            {**TWO, "parts": [bowl, {"amount_fen": 1}]},
            {**TWO, "parts": [bowl, {}]},
            {**TWO, "parts": [bowl] * 11},  # a merchant of WeChat Pay combines ten
            {**TWO, "method": "mini"},
            {**TWO, "method": "h5"},
            {**TWO, "method": "jsapi"},
            {**TWO, "payer_id": "o"},
        ]
        for body in unclear:
            assert (await shop.refused(body))[0] == 400, body
        lost = {"payment_id": "01a21a97-9051-7f13-99a8-4e0d52b6bd8e"}
        assert await shop.refused({**TWO, "parts": [bowl, lost]}) == (404, "not_found")
        assert await shop.refused({**TWO, "platform": "alipay"}) == (409, "no_wallet")
        assert (await shop.get("/payments"))["total"] == 1, "nothing was ordered"
        async with shop.unit() as unit:
            _, secret = await create_key(unit, "只看", ["payments:read"])
        headers = {"authorization": f"Bearer {secret}"}
        answer = await shop.client.post("/api/v1/payments/combined", json=TWO, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        other = "/api/v1/payments/combined/01a21a97-9051-7f13-99a8-4e0d52b6bd8e"
        assert (await shop.client.get(other, headers=headers)).status_code == 404

    in_a_shop(work)


def test_bills_agree_and_shares_go_out_part_by_part(in_a_shop):
    async def work(shop):
        await shop.post({"return_window_days": 0}, path="/split-terms")
        product = await shop.post({"title": "碗"}, path="/products")
        body = {"product_id": product["product_id"], "seller_code": "w", "price_fen": 10_000, "stock": 3}
        sku_id = (await shop.post(body, path="/skus"))["sku_id"]
        party_id = (await shop.post({"name": "代理"}, path="/parties"))["party_id"]
        await shop.post({"party_id": party_id, "rate_bps": 1_000, "sku_id": sku_id}, path="/split-rules")
        receiver = {"platform": "wechatpay", "kind": "merchant", "account_ref": "1900000109", "name": "代理公司"}
        await shop.post(receiver, path=f"/parties/{party_id}/receivers")
        opened = await shop.post({**TWO, "parts": [{"sku_id": sku_id}, TWO["parts"][1]]})
        await shop.pay(opened)
        await shop.advance(6_000, step_s=2_000)
        shared = {row.order_no: row.shared_fen for row in shop.wallet.wechat.books()}
        assert [shared[part["out_trade_no"]] for part in opened["combined"]["parts"]] == [1_000, 0]
        await shop.advance(2 * 86_400, step_s=43_200)
        assert await shop.values("SELECT rows_count FROM bill WHERE rows_count > 0") == [2]
        assert await shop.values("SELECT matched_count FROM bill WHERE rows_count > 0") == [2]
        assert await shop.values("SELECT kind FROM bill_difference") == []
        assert await shop.breaches() == []

    in_a_shop(work)


def test_an_account_that_cannot_combine_these_parts_leaves_them_to_the_next(in_a_shop):
    async def work(shop):
        more = shop.wallet.wechat.more_credentials("default")
        await shop.connect(priority=1, sub_mchid=more["sub_mchid"], sub_appid=more["sub_appid"])
        parts = [{**part, "connection_id": str(shop.connection_id)} for part in TWO["parts"]]
        opened = await shop.post({**TWO, "parts": parts})
        assert opened["combined"]["connection_id"] == str(shop.connection_id)
        await shop.pay(opened)
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        assert await shop.refused({**TWO, "parts": parts * 6}) == (400, "invalid_input")
        assert await shop.breaches() == []

    in_a_shop(work)


def test_one_wrong_mark_is_one_sum_in_suspense_where_its_money_is(in_a_shop):
    """Told by a notice and again by the answer to a question; the account that tells is not the one that was paid."""

    async def work(shop):
        other = await shop.connect("other", priority=200)
        parts = [TWO["parts"][0], {**TWO["parts"][1], "connection_id": str(other)}]
        opened = await shop.post({**TWO, "parts": parts})
        [trade] = shop.wallet.wechat.trades.numbered(opened["combined"]["parts"][1]["out_trade_no"])
        trade.order = msgspec.structs.replace(trade.order, attach="0" * 32)
        await shop.pay(opened)
        await shop.advance(60)
        assert await shop.states(opened) == ("partly_paid", ["paid", "open"])
        assert await shop.values("SELECT connection_id::text FROM suspense") == [str(other)]
        assert await shop.tickets() == ["notice_mismatched"]
        assert await shop.breaches() == []

    in_a_shop(work)


@pytest.mark.parametrize("method", ["app", "h5"])
def test_other_ways_to_pay(in_a_shop, method):
    async def work(shop):
        opened = await shop.post({**TWO, "method": method, **({"client_ip": "203.0.113.7"} if method == "h5" else {})})
        if method == "app":
            await shop.wallet.wechat.pay_invoked(opened["invoke"])
        else:
            await shop.wallet.wechat.pay({"h5_url": opened["redirect_url"]})
        await shop.settle()
        assert await shop.states(opened) == ("paid", ["paid", "paid"])

    in_a_shop(work)


def test_a_part_that_is_almost_over_is_refused(in_a_shop):
    async def work(shop):
        one, two = await owed(shop, "碗", "盘")
        await shop.advance(1_760, step_s=880)
        before = shop.open_there()
        assert await shop.refused(of(one, two)) == (409, "part_over")
        assert (len(before), shop.open_there()) == (2, before), "as they were"

    in_a_shop(work)


def test_the_description_tells_ways_limits_and_answer(in_a_shop):
    async def work(shop):
        told = (await shop.client.get("/api/openapi.json")).json()
        operation = told["paths"]["/api/v1/payments/combined"]["post"]
        assert all(name in operation["description"] for name in ("payer_id", "client_ip", "Idempotency-Key"))
        (content,) = operation["requestBody"]["content"].values()
        body = told["components"]["schemas"]["NewCombined"]["properties"]
        assert set(content["examples"]["example"]["value"]) <= set(body)
        assert (body["parts"]["minItems"], body["parts"]["maxItems"]) == (2, 50)
        assert "get" in told["paths"]["/api/v1/payments/combined/{combined_id}"]

    in_a_shop(work)
