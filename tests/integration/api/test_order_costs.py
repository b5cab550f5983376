"""What a sale cost, by the API and on its page: wallet, parties, platform, refunds pro rata, what nobody knows."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import select

from hutong.core.money import Money
from hutong.ledger.account_queries import balances
from hutong.ledger.checks import check
from hutong.ledger.service import create_party, create_rule
from hutong.merchants.connections import Mode
from hutong.payments.events import PaymentRefunded
from hutong.platforms.registry import Registry
from hutong.platforms.shops import ShopOrder, ShopOrderLine, ShopOrderStatus
from hutong.shops.models import sales_order
from hutong.shops.orders import NewOrder, PaidOrder, mark_paid, place_order, record_refund
from hutong.shops.platform_orders import ShopRef, merge_order
from hutong.workflows.commands.open_shop import connect_in
from hutong.workflows.dispatcher import deliver_waiting


@pytest.fixture
def registry():
    return Registry.from_entry_points()


async def told(caller):
    """Everything that happened is booked and counted."""
    while await deliver_waiting(caller.runtime, caller.room.merchant_id):
        pass


async def connect(caller, platform):
    connector = caller.runtime.registry.get(platform)
    async with caller.room.unit() as unit:
        return await connect_in(
            unit,
            caller.runtime.vault,
            connector,
            mode=Mode.SANDBOX,
            base_url="",
            credentials=dict.fromkeys(connector.credential_fields, "x"),
        )


async def shop_sale(caller, shop, amount, number="T1"):
    """An order that Taobao sold and collected for; its id."""
    at, price = caller.room.clock.now(), Money(amount)
    line = ShopOrderLine(line_id="1", title="杯子", quantity=1, unit_price=price, amount=price)
    order = ShopOrder(
        platform_order_id=number,
        status=ShopOrderStatus.PAID,
        raw_status="WAIT_SELLER_SEND_GOODS",
        total=price,
        freight=Money(0),
        created_at=at,
        modified_at=at,
        lines=(line,),
        paid=price,
        paid_at=at,
    )
    async with caller.room.unit() as unit:
        await merge_order(unit, ShopRef(connection_id=shop, platform="taobao", shop_ref="1"), order, None, "pull")
        found = await unit.one(select(sales_order.c.order_id).where(sales_order.c.order_no == number))
    await told(caller)
    return found.order_id


async def shop_refund(caller, order_id, amount):
    async with caller.room.unit() as unit:
        await record_refund(unit, order_id, Money(amount), unit.now())
    await told(caller)


async def own_sale(caller, wallet, amount):
    """An order paid at our own checkout; its id."""
    new = NewOrder(
        sku_id=None,
        seller_code="",
        title="现场收款",
        quantity=1,
        unit_price=Money(amount),
        channel_id=None,
        link_id=None,
        click_id=None,
        container="wechat",
    )
    async with caller.room.unit() as unit:
        order_id = await place_order(unit, new)
        paid = PaidOrder(
            order_id=order_id,
            amount=Money(amount),
            customer_id=None,
            connection_id=wallet,
            platform="wechatpay",
            paid_at=unit.now(),
        )
        await mark_paid(unit, [paid])
    return order_id


async def own_refund(caller, wallet, order_id, amount, *, before=0, whole):
    async with caller.room.unit() as unit:
        unit.emit(
            PaymentRefunded(
                refund_id=uuid4(),
                payment_id=uuid4(),
                order_id=order_id,
                connection_id=wallet,
                platform="wechatpay",
                amount_minor=amount,
                refunded_before_minor=before,
                payment_amount_minor=whole,
                currency="CNY",
                refunded_at=unit.now(),
            )
        )
    await told(caller)


async def cost(caller, order_id):
    return (await caller.get(f"/orders/{order_id}"))["cost"]


async def books(caller):
    async with caller.room.unit() as unit:
        return {row.path: row.balance.amount_minor for row in await balances(unit)}, await check(unit)


async def set_rate(caller, shop, bps):
    answer = await caller.client.patch(f"/api/v1/connections/{shop}", json={"platform_fee_bps": bps})
    assert answer.status_code == 200, answer.text


def test_an_own_sale_costs_its_fee_and_its_commission_beside_the_agent(calling):
    async def work(caller):
        wallet = await connect(caller, "wechatpay")
        async with caller.room.unit() as unit:
            await create_rule(unit, party_id=await create_party(unit, name="小王"), rate_bps=1_000)
        order_id = await own_sale(caller, wallet, 10_000)
        assert await cost(caller, order_id) is None  # paid, and on its way into the books
        await told(caller)
        assert await cost(caller, order_id) == {
            "currency": "CNY",
            "kept_minor": 10_000,
            "wallet_fee_minor": 60,
            "wallet_fee_bps": 60,
            "commission_minor": 1_000,
            "commission_bps": 1_000,
            "platform_fee_minor": 0,
            "platform_fee_bps": 0,
            "cost_minor": 1_060,
            "cost_bps": 1_060,
            "net_minor": 8_940,
            "net_bps": 8_940,
            "agent_rate_bps": 3_500,
            "agent_would_take_minor": 3_500,
            "saved_minor": 2_440,
        }
        await own_refund(caller, wallet, order_id, 2_500, whole=10_000)
        part = await cost(caller, order_id)
        assert (part["kept_minor"], part["wallet_fee_minor"], part["commission_minor"]) == (7_500, 45, 750)
        assert (part["cost_bps"], part["net_minor"], part["saved_minor"]) == (1_060, 6_705, 2_625 - 795)
        await own_refund(caller, wallet, order_id, 7_500, before=2_500, whole=10_000)
        gone = await cost(caller, order_id)
        assert (gone["kept_minor"], gone["cost_minor"], gone["net_minor"], gone["saved_minor"]) == (0, 0, 0, 0)
        assert (gone["cost_bps"], gone["net_bps"], gone["agent_would_take_minor"]) == (None, None, 0)

    calling(work)


def test_an_unpaid_order_has_no_cost_and_another_merchants_is_not_there(calling):
    async def work(caller):
        new = NewOrder(
            sku_id=None,
            seller_code="",
            title="现场收款",
            quantity=1,
            unit_price=Money(100),
            channel_id=None,
            link_id=None,
            click_id=None,
            container="",
        )
        async with caller.room.unit() as unit:
            order_id = await place_order(unit, new)
        one = await caller.get(f"/orders/{order_id}")
        assert (one["order"]["order_id"], one["cost"]) == (str(order_id), None)
        assert (await caller.client.get(f"/api/v1/orders/{uuid4()}")).status_code == 404

    calling(work)


def test_a_platforms_fee_is_unknown_until_somebody_tells_it(calling):
    async def work(caller):
        shop = await connect(caller, "taobao")
        before = await shop_sale(caller, shop, 9_900, "T1")
        unknown = await cost(caller, before)
        assert (unknown["platform_fee_minor"], unknown["platform_fee_bps"], unknown["saved_minor"]) == (None,) * 3
        assert (unknown["kept_minor"], unknown["agent_would_take_minor"]) == (9_900, 3_465)
        await set_rate(caller, shop, 60)
        after = await shop_sale(caller, shop, 10_100, "T2")
        assert (await cost(caller, before))["platform_fee_minor"] is None  # what is booked stays as it is
        known = await cost(caller, after)
        assert (known["platform_fee_minor"], known["platform_fee_bps"]) == (61, 60)
        assert (known["net_minor"], known["saved_minor"]) == (10_039, 3_535 - 61)
        held, breaches = await books(caller)
        assert (held[f"receivable:taobao:{shop}"], held["expense:platform_fee"]) == (9_900 + 10_039, 61)
        assert breaches == []
        costs = await caller.get("/channel-costs", currency="CNY")
        [row] = costs["items"]
        assert (row["source"], row["platform_fee_minor"], row["unbilled_minor"], row["unbilled"]) == (
            "taobao",
            61,
            9_900,
            False,
        )
        assert (row["rate_bps"], costs["agent_would_take_minor"], costs["saved_minor"]) == (60, 3_535, 3_535 - 61)

    calling(work)


def test_a_platforms_fee_comes_back_pro_rata_to_the_fen(calling):
    """In three steps, at the rate of the sale, though another one is set meanwhile."""

    async def work(caller):
        shop = await connect(caller, "taobao")
        await set_rate(caller, shop, 500)
        order_id = await shop_sale(caller, shop, 999)
        assert (await cost(caller, order_id))["platform_fee_minor"] == 50
        await set_rate(caller, shop, 100)
        seen = []
        for amount in (333, 333, 333):
            caller.room.clock.advance(days=1)
            await shop_refund(caller, order_id, amount)
            one = await cost(caller, order_id)
            seen.append((one["kept_minor"], one["platform_fee_minor"], one["net_minor"]))
        assert seen == [(666, 33, 633), (333, 17, 316), (0, 0, 0)]
        held, breaches = await books(caller)
        assert set(held.values()) == {0}
        assert breaches == []

    calling(work)


def test_a_platform_that_keeps_nothing_is_known_and_free(calling):
    async def work(caller):
        shop = await connect(caller, "taobao")
        order_id = await shop_sale(caller, shop, 5_000)
        await set_rate(caller, shop, 0)
        one = await cost(caller, order_id)
        assert (one["platform_fee_minor"], one["cost_minor"], one["saved_minor"]) == (0, 0, 1_750)
        costs = await caller.get("/channel-costs", currency="CNY")
        assert (costs["items"][0]["unbilled_minor"], costs["items"][0]["rate_bps"]) == (0, 0)

    calling(work)


def test_the_rate_is_typed_on_the_cost_page_and_the_order_page_shows_it(calling):
    async def work(caller):
        shop, wallet = await connect(caller, "taobao"), await connect(caller, "wechatpay")
        first = await shop_sale(caller, shop, 9_900, "T1")
        csrf = await caller.sign_in()

        async def page(path):
            answer = await caller.client.get(path)
            assert answer.status_code == 200, answer.text
            return answer.text

        async def type_rate(connection, rate):
            form = {"_csrf_token": csrf, "rate": rate}
            return (await caller.client.post(f"/costs/fees/{connection}", data=form)).status_code

        text = await page(f"/orders/{first}")
        assert "未知" in text
        assert 'href="/costs#fees"' in text
        assert "这一单省下" not in text
        assert f'action="/costs/fees/{shop}"' in await page("/costs")
        assert f"/costs/fees/{wallet}" not in await page("/costs")
        assert await type_rate(shop, "2.5") == 303
        assert 'value="2.5' in await page("/costs")
        for connection, rate in ((shop, "101"), (shop, "much"), (wallet, "1")):
            assert 400 <= await type_rate(connection, rate) < 500
        assert await type_rate(uuid4(), "1") == 404
        second = await page(f"/orders/{await shop_sale(caller, shop, 10_000, 'T2')}")
        assert 'data-minor="250"' in second
        assert "这一单省下" in second
        assert "未知" not in second
        assert await type_rate(shop, "") == 303  # nobody knows it any more
        assert "未知" in await page(f"/orders/{await shop_sale(caller, shop, 10_000, 'T3')}")

    calling(work)


def test_an_own_order_leads_to_the_split_that_is_tried_on_it(calling):
    async def work(caller):
        wallet, shop = await connect(caller, "wechatpay"), await connect(caller, "taobao")
        own, theirs = await own_sale(caller, wallet, 10_000), await shop_sale(caller, shop, 500)
        await told(caller)
        number = (await caller.get(f"/orders/{own}"))["order"]["order_no"]
        await caller.sign_in()
        page = (await caller.client.get(f"/orders/{own}")).text
        assert f'href="/splits?order={number}"' in page
        tried = (await caller.client.get(f"/splits?order={number}")).text
        assert 'data-piece="yours"' in tried
        assert "/splits?order=" not in (await caller.client.get(f"/orders/{theirs}")).text  # a platform pays its own

    calling(work)
