"""Combined payments when something goes wrong: lost words, wrong sums, failing accounts, deaths half-way."""

from __future__ import annotations

import os

import msgspec
import pytest

from hutong.connectors.wechatpay.combined import WechatCombined
from hutong.core import crashpoints
from hutong.merchants.connections import change_settings
from hutong.payments.states import AttemptState
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused

TWO = {
    "platform": "wechatpay",
    "method": "native",
    "parts": [{"amount_fen": 4990, "title": "青瓷饭碗"}, {"amount_fen": 1200, "title": "同城配送"}],
}
#: A lost callback is repaired within this time of the payment.
REPAIR_S_MAX = 60
ORDER_HAS_ENDED = PlatformRefused(
    platform="wechatpay", platform_code="ORDER_CLOSED", message="", word=ErrorWord.ALREADY_DONE
)


async def attempts(shop, opened):
    return [part["attempt_state"] for part in (await shop.combined(opened))["parts"]]


def test_a_lost_notice_is_repaired_for_every_part(in_a_shop):
    async def work(shop):
        opened = await shop.post(TWO)
        await shop.advance(30)
        shop.fault("callback_lost")
        await shop.pay(opened)
        assert await shop.states(opened) == ("open", ["open", "open"])
        await shop.advance(REPAIR_S_MAX)
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        assert await shop.breaches() == []

    in_a_shop(work)


def test_a_lost_answer_is_unknown_at_its_account_and_asking_again_finds_the_same(in_a_shop):
    async def work(shop):
        await shop.connect("other", priority=200)
        shop.fault("create_timeout")
        assert await shop.refused(TWO, "k") == (504, "platform_unknown")
        shop.no_fault()
        assert await shop.values("SELECT DISTINCT state FROM attempt") == [AttemptState.UNKNOWN.value]
        assert len(shop.open_there()) == 2, "no other account was asked"
        assert await shop.breaches() == []
        opened = await shop.post(TWO, "k")
        assert shop.open_there() == sorted(part["out_trade_no"] for part in opened["combined"]["parts"])
        assert opened["combined"]["connection_id"] == str(shop.connection_id)
        await shop.pay(opened)
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        assert len(shop.books()) == 2

    in_a_shop(work)


def test_the_same_payments_in_another_order_are_the_same_order_there(in_a_shop):
    async def work(shop):
        other = await shop.connect("other", priority=200)
        single = {"platform": "wechatpay", "method": "native"}
        bowl, way = [await shop.post({**single, **part}, path="/payments") for part in TWO["parts"]]
        parts = [
            {"payment_id": bowl["payment_id"]},
            {"payment_id": way["payment_id"], "connection_id": str(other)},
        ]
        shop.fault("create_timeout")
        assert await shop.refused({**TWO, "parts": parts}) == (504, "platform_unknown")
        shop.no_fault()
        opened = await shop.post({**TWO, "parts": parts[::-1]})
        assert [part["payment_id"] for part in opened["combined"]["parts"]] == [one["payment_id"] for one in parts]
        assert await attempts(shop, opened) == ["open", "open"]
        assert len(shop.open_there()) == 2
        await shop.pay(opened)
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        taken = sorted((row.merchant, row.amount_fen) for row in shop.wallet.wechat.books())
        assert taken == [("default", 4990), ("other", 1200)]
        assert await shop.breaches() == []

    in_a_shop(work)


def test_a_lost_answer_that_nobody_repeats_is_found_out(in_a_shop):
    async def work(shop):
        shop.fault("create_timeout")
        assert (await shop.refused(TWO))[0] == 504
        shop.no_fault()
        await shop.advance(20)
        assert await shop.values("SELECT DISTINCT state FROM attempt") == [AttemptState.OPEN.value]
        shop.fault("server_error")
        assert (await shop.refused(TWO))[0] in (502, 504)
        shop.no_fault()
        await shop.advance(1_900, step_s=950)
        assert await shop.values("SELECT DISTINCT state FROM payment") == ["closed"]
        assert await shop.values("SELECT DISTINCT state FROM combined_payment") == ["closed"]
        assert shop.open_there() == []
        assert await shop.breaches() == []

    in_a_shop(work)


def test_a_close_of_what_has_ended_already_closes_nothing_before_the_wallet_says_how(in_a_shop, monkeypatch):
    async def work(shop):
        opened = await shop.post(TWO)
        shop.fault("callback_lost")
        await shop.pay(opened)

        async def lagging(self, account, number):
            return ()

        with monkeypatch.context() as patch:
            patch.setattr(WechatCombined, "query", lagging)
            closing = f"/payments/{opened['combined']['parts'][0]['payment_id']}/close"
            assert (await shop.send({}, path=closing)).is_success
            await shop.settle()
            assert await shop.states(opened) == ("open", ["open", "open"])
        await shop.advance(REPAIR_S_MAX)
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        assert await shop.breaches() == []

    in_a_shop(work)


@pytest.mark.parametrize("end", ["closed", "paid"])
def test_an_order_that_ended_before_it_was_asked_for_again_is_opened_anew_or_told_as_paid(in_a_shop, end, monkeypatch):
    async def work(shop):
        first = await shop.post(TWO, "k")
        shop.fault("callback_lost")
        if end == "paid":
            await shop.pay(first)
        else:
            for trade in shop.wallet.wechat.trades.all():
                trade.state = type(trade.state).CLOSED
        create, refusals = WechatCombined.create, [ORDER_HAS_ENDED]

        async def refusing(self, account, command):
            if refusals:
                raise refusals.pop()
            return await create(self, account, command)

        with monkeypatch.context() as patch:
            patch.setattr(WechatCombined, "create", refusing)
            again = await shop.post(TWO, "k")
        assert again["combined"]["combined_id"] == first["combined"]["combined_id"]
        assert (again["combined"]["state"], again["code_url"] is None) == (
            ("paid", True) if end == "paid" else ("open", False)
        )
        if end == "closed":
            shop.no_fault()
            await shop.pay(again)
        assert await shop.states(again) == ("paid", ["paid", "paid"])
        assert await shop.breaches() == []

    in_a_shop(work)


def test_a_refused_opening_holds_no_part(in_a_shop):
    async def work(shop):
        shop.fault("rate_limited")
        assert not (await shop.send(TWO, "k")).is_success
        shop.no_fault()
        assert await shop.values("SELECT DISTINCT state FROM attempt") == [AttemptState.REFUSED.value]
        assert await shop.values("SELECT DISTINCT state FROM combined_payment") == ["closed"]
        assert await shop.breaches() == []
        checkout_id = (await shop.values("SELECT checkout_id FROM checkout ORDER BY checkout_id"))[0]
        await shop.press(checkout_id)
        assert len(shop.open_there()) == 1, "the part can be paid by itself"
        opened = await shop.post(TWO, "k")
        assert opened["combined"]["state"] == "open"
        await shop.pay(opened)
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        assert await shop.breaches() == []

    in_a_shop(work)


def test_another_account_takes_over_from_one_that_refuses(in_a_shop):
    async def work(shop):
        broken = await shop.connect(priority=1, serial_no="0" * 40)
        opened = await shop.post(TWO)
        assert opened["combined"]["connection_id"] == str(shop.connection_id)
        assert await shop.tickets() == ["wallet_down"]
        again = await shop.post(TWO)
        assert again["combined"]["connection_id"] == str(shop.connection_id)
        down = f"SELECT count(*) FROM combined_try WHERE connection_id = '{broken}'"
        assert await shop.values(down) == [1], "it stands back"
        await shop.pay(opened)
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        assert await shop.breaches() == []

    in_a_shop(work)


def test_each_part_may_have_an_account_of_its_own(in_a_shop):
    async def work(shop):
        other = await shop.connect("other", priority=200)
        parts = [TWO["parts"][0], {**TWO["parts"][1], "connection_id": str(other)}]
        opened = await shop.post({**TWO, "parts": parts})
        assert [part["connection_id"] for part in opened["combined"]["parts"]] == [
            str(shop.connection_id),
            str(other),
        ]
        await shop.pay(opened)
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        sellers = {row.order_no: row.merchant for row in shop.wallet.wechat.books()}
        numbers = [part["out_trade_no"] for part in opened["combined"]["parts"]]
        assert [sellers[number] for number in numbers] == ["default", "other"]
        order_id = opened["combined"]["parts"][1]["order_id"]
        assert (await shop.send({"amount_fen": 200, "reason": "退"}, path=f"/orders/{order_id}/refunds")).is_success
        await shop.advance(120)
        assert shop.books()[numbers[1]] == (1200, 200)
        kept = "SELECT a.path FROM posting p JOIN ledger_account a USING (merchant_id, account_id) WHERE a.path LIKE "
        assert any(other.hex in path.replace("-", "") for path in await shop.values(kept + "'wallet:%%'"))
        assert await shop.breaches() == []

    in_a_shop(work)


@pytest.mark.parametrize("change", ["is_active", "mode"])
def test_no_part_is_paid_to_an_account_that_takes_no_such_money(in_a_shop, change):
    async def work(shop):
        other = await shop.connect("other", priority=200)
        parts = [TWO["parts"][0], {**TWO["parts"][1], "connection_id": str(other)}]
        async with shop.unit() as unit:
            if change == "is_active":
                await change_settings(unit, other, is_active=0)
            else:
                sql = f"UPDATE connection SET mode = 'live' WHERE connection_id = '{other}'"
                await unit.connection.exec_driver_sql(sql)
        here = {"connection_id": str(shop.connection_id)}  # the other one alone may well take both
        assert await shop.refused({**TWO, **here, "parts": parts}) == (400, "invalid_input")
        assert (await shop.get("/payments"))["total"] == 0
        assert shop.open_there() == []

    in_a_shop(work)


def test_closing_a_part_closes_all_of_it_there_first(in_a_shop):
    async def work(shop):
        opened = await shop.post(TWO)
        bowl, way = opened["combined"]["parts"]
        assert (await shop.send({}, path=f"/payments/{bowl['payment_id']}/close")).is_success
        await shop.settle()
        assert shop.open_there() == []
        assert await shop.states(opened) == ("closed", ["closed", "open"])
        await shop.advance(1_900, step_s=950)
        assert await shop.states(opened) == ("closed", ["closed", "closed"])
        assert (await shop.payment(way))["attempts"][0]["state"] == "closed"
        assert await shop.breaches() == []

    in_a_shop(work)


def test_money_after_the_close_goes_back_once_for_each_part(in_a_shop):
    async def work(shop):
        opened = await shop.post(TWO)
        shop.wallet.world.agenda.clear()  # the wallet's own expiry does not come
        trades = list(shop.wallet.wechat.trades.all())
        await shop.advance(1_900, step_s=950)
        assert await shop.states(opened) == ("closed", ["closed", "closed"])
        for trade in trades:  # the close crossed the buyer's password
            trade.state = type(trade.state).NOTPAY
        await shop.pay(opened)
        await shop.advance(120)
        assert await shop.states(opened) == ("paid", ["closed", "closed"])
        assert sorted(shop.books().values()) == [(1200, 1200), (4990, 4990)]
        assert len(await shop.events("payment.surplus")) == 2
        assert (await shop.tickets()).count("surplus_captured") == 2
        assert await shop.breaches() == []

    in_a_shop(work)


@pytest.mark.parametrize("by", ["notice", "query"])
def test_a_part_with_another_sum_waits_for_a_person_and_the_others_are_paid(in_a_shop, by):
    async def work(shop):
        opened = await shop.post(TWO)
        part = opened["combined"]["parts"][1]
        [trade] = shop.wallet.wechat.trades.numbered(part["out_trade_no"])
        trade.order = msgspec.structs.replace(trade.order, total_fen=1300)
        if by == "query":
            shop.fault("callback_lost")
        await shop.pay(opened)
        await shop.advance(REPAIR_S_MAX)
        assert await shop.states(opened) == ("partly_paid", ["paid", "open"])
        assert await attempts(shop, opened) == ["paid", "mismatched"]
        [ticket] = (await shop.get("/tickets"))["items"]
        assert (ticket["kind"], ticket["details"]["amount_minor"]) == ("notice_mismatched", 1300)
        assert ticket["subject_id"] == part["order_id"]
        assert await shop.values("SELECT amount_minor FROM suspense WHERE state = 'open'") == [1300]
        assert await shop.breaches() == []
        decision = {"decision": "take", "reason": "配送费改价"}
        answer = await shop.send(decision, path=f"/tickets/{ticket['ticket_id']}/decide")
        assert answer.is_success, answer.text
        await shop.settle()
        assert await shop.states(opened) == ("paid", ["paid", "paid"])
        assert await shop.breaches() == []

    in_a_shop(work)


def test_nobody_pays_and_the_goods_are_free_again(in_a_shop):
    async def work(shop):
        product = await shop.post({"title": "碗"}, path="/products")
        body = {"product_id": product["product_id"], "seller_code": "w", "price_fen": 880, "stock": 3}
        sku_id = (await shop.post(body, path="/skus"))["sku_id"]
        two = {"sku_id": sku_id, "quantity": 2}
        assert await shop.refused({**TWO, "parts": [two, two]}) == (409, "out_of_stock")
        assert (await shop.get("/orders"))["total"] == 0, "all parts or none"
        opened = await shop.post({**TWO, "parts": [two, {"sku_id": sku_id}]})
        assert [item["available"] for item in (await shop.get("/stock"))["items"]] == [0]
        await shop.advance(1_900, step_s=950)
        assert await shop.states(opened) == ("closed", ["closed", "closed"])
        assert [item["available"] for item in (await shop.get("/stock"))["items"]] == [3]
        assert await shop.breaches() == []

    in_a_shop(work)


def test_one_buyer_pays_all_of_it(in_a_shop):
    async def work(shop):
        appid = shop.wallet.wechat.credentials("default")["appid"]
        buyers = [shop.wallet.world.buyers.openid(appid, number) for number in (1, 2)]
        inside = {"platform": "wechatpay", "method": "jsapi", "amount_fen": 100, "title": "碗"}
        bowl = await shop.post({**inside, "payer_id": buyers[0]}, path="/payments")
        parts = [{"payment_id": bowl["payment_id"]}, TWO["parts"][1]]
        body = {**TWO, "method": "jsapi", "parts": parts}
        assert await shop.refused({**body, "payer_id": buyers[1]}) == (409, "payer_differs")
        opened = await shop.post({**body, "payer_id": buyers[0]})
        assert opened["invoke"]["package"].startswith("prepay_id=")
        await shop.wallet.wechat.pay_invoked(opened["invoke"])
        await shop.settle()
        assert await shop.states(opened) == ("paid", ["paid", "paid"])

    in_a_shop(work)


class Killed(BaseException):
    """The process dies here."""


async def dies_at(shop, key, at):
    """Send the request and die at the n-th commit or send; which that was, or None where there are fewer."""
    met = []

    def hook(point):
        if point.startswith(("commit:api.combined", "commit:combined", "send:")):
            met.append(point)
            if len(met) == at:
                raise Killed

    crashpoints.install(hook)
    try:
        await shop.send(TWO, key)
    except (Exception, Killed):  # noqa: BLE001 (whatever the death became on its way out)
        pass
    finally:
        crashpoints._hooks.remove(hook)
    return met[at - 1] if len(met) >= at else None


def test_killed_at_any_commit_or_send_the_same_request_ends_as_one_payment(in_a_shop):
    async def work(shop):
        points = []
        for at in range(1, 30):
            key = os.urandom(8).hex()
            point = await dies_at(shop, key, at)
            if point is None:
                break
            points.append(point)
            opened = await shop.post(TWO, key)
            await shop.pay(opened)
            assert await shop.states(opened) == ("paid", ["paid", "paid"]), point
        assert len(points) >= 6, points
        assert len(shop.books()) == 2 * len(points)
        await shop.advance(60)
        assert await shop.tickets() == []
        assert await shop.breaches() == []

    in_a_shop(work)
