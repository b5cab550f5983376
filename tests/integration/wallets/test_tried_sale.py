"""What a sale is tried to give is what the books post when it is paid, to the fen: gross, fee, shares, what stays."""

from __future__ import annotations

from uuid import uuid4

import pytest

from hutong.core.money import Money
from hutong.ledger.account_queries import balances
from hutong.ledger.accounts import party_path
from hutong.ledger.parties import create_party
from hutong.ledger.queries import party_names
from hutong.ledger.rule_terms import RuleKind, RuleTerms, TierBy, TierStep
from hutong.ledger.split_rules import NewRule, end_rule, make_rule
from hutong.payments.events import PaymentRefunded
from hutong.platforms.payments import PayMethod
from hutong.shops.events import OrderPaid
from hutong.web.console.split_reading import tried
from hutong.web.console.split_views import TryForm
from hutong.workflows.commands.pay import pay
from hutong.workflows.commands.sold import expected_wallet, try_on_order
from hutong.workflows.reactions.books import book_refund, book_sales


@pytest.mark.parametrize(("gross", "fee_bps"), [(1_010, 38), (333, 60), (99_999, 60), (7, 100), (1_990, 0)])
def test_a_tried_order_is_shared_as_it_is_booked(at_the_till, gross, fee_bps):
    async def work(till):
        await till.values(
            f"UPDATE connection SET settings = settings || '{{\"fee_bps\": {fee_bps}}}'::jsonb RETURNING 1"
        )
        async with till.unit() as unit:
            for rate_bps in (1_234, 777, 333):  # fen are left over, and go to the largest remainders
                party = await create_party(unit, name="小王")
                await make_rule(unit, NewRule(party_id=party, terms=RuleTerms(rate_bps=rate_bps)))
        sale = await till.sale(Money(gross))
        way = {"platform": None, "method": PayMethod.NATIVE, "client_ip": "127.0.0.1"}
        await pay(till.runtime, till.merchant_id, sale, **way)
        async with till.unit() as unit:
            (order,) = (await unit.connection.exec_driver_sql("SELECT * FROM sales_order")).all()
            wallet = await expected_wallet(till.runtime, unit)
            names = await party_names(unit)
            by_order = await tried(unit, TryForm(order=order.order_no), "CNY", names, wallet)
            amount = Money(gross).decimal_text()
            by_amount = await tried(unit, TryForm(amount=str(amount)), "CNY", names, wallet)
        async with till.unit() as unit:
            await book_sales(till.runtime, unit, [paid(till, order, gross, unit.now())])
            booked = {row.path: row.balance.amount_minor for row in await balances(unit)}
        shares = sorted(-booked.get(party_path(party), 0) for party in names)
        wallet_minor = booked[f"wallet:wechatpay:{till.connection_id}"]
        for picture in (by_order, by_amount):
            parties = [piece.amount.amount_minor for piece in picture.pieces if piece.kind == "party"]
            assert sorted(parties + [0] * (len(names) - len(parties))) == shares
            assert picture.fee.amount_minor == booked.get("expense:wallet_fee", 0)
            assert picture.shared.amount_minor == booked.get("expense:commission", 0) == sum(shares)
            assert picture.net.amount_minor == wallet_minor - sum(shares)
            assert picture.gross.amount_minor == gross == -booked["revenue:sales"]

    at_the_till(work)


def paid(till, order, gross, at):
    return OrderPaid(
        order_id=order.order_id,
        source="own",
        order_no=order.order_no,
        connection_id=till.connection_id,
        platform="wechatpay",
        channel_id=None,
        link_id=None,
        click_id=None,
        container="mobile",
        customer_id=None,
        gross_minor=gross,
        currency="CNY",
        paid_at=at,
        lines=(),
    )


@pytest.mark.parametrize("refunds", [[5_072], [1, 2, 3_333], [9_999], [3_333, 6_666]])
def test_what_is_left_of_a_refunded_order_is_what_the_books_left(at_the_till, refunds):
    gross = 9_999

    async def work(till):
        async with till.unit() as unit:
            for rate_bps in (1_234, 777, 333):
                party = await create_party(unit, name="小王")
                await make_rule(unit, NewRule(party_id=party, terms=RuleTerms(rate_bps=rate_bps)))
        sale = await till.sale(Money(gross))
        way = {"platform": None, "method": PayMethod.NATIVE, "client_ip": "127.0.0.1"}
        await pay(till.runtime, till.merchant_id, sale, **way)
        async with till.unit() as unit:
            (order,) = (await unit.connection.exec_driver_sql("SELECT * FROM sales_order")).all()
            await book_sales(till.runtime, unit, [paid(till, order, gross, unit.now())])
            await unit.connection.exec_driver_sql(
                "UPDATE sales_order SET state = 'paid', paid_minor = $1, paid_at = $2, refunded_minor = $3, "
                "connection_id = $4",
                (gross, unit.now(), sum(refunds), till.connection_id),
            )
        before = 0
        for amount in refunds:
            async with till.unit() as unit:
                await book_refund(till.runtime, unit, refunded(till, order, gross, before, amount, unit.now()))
            before += amount
        async with till.unit() as unit:
            names = await party_names(unit)
            picture = await tried(unit, TryForm(order=order.order_no), "CNY", names)
            booked = {row.path: row.balance.amount_minor for row in await balances(unit)}
        left = [piece.amount.amount_minor for piece in picture.pieces if piece.kind == "party"]
        assert sorted(left) == sorted(-booked[party_path(party)] for party in names)
        assert picture.fee.amount_minor == booked["expense:wallet_fee"]
        assert picture.shared.amount_minor == booked["expense:commission"]
        assert picture.net.amount_minor == booked[f"wallet:wechatpay:{till.connection_id}"] - sum(left)
        assert sum(piece.amount.amount_minor for piece in picture.pieces) == gross

    at_the_till(work)


def refunded(till, order, gross, before, amount, at):
    return PaymentRefunded(
        refund_id=uuid4(),
        payment_id=uuid4(),
        order_id=order.order_id,
        connection_id=till.connection_id,
        platform="wechatpay",
        amount_minor=amount,
        refunded_before_minor=before,
        payment_amount_minor=gross,
        currency="CNY",
        refunded_at=at,
    )


def test_an_order_that_is_booked_is_tried_in_its_place_of_the_month(at_the_till):
    """A tier by turnover and a limit of the month: neither the order itself nor what came after it is counted."""
    gross = 1_000

    async def work(till):
        async with till.unit() as unit:
            tier, capped = await create_party(unit, name="甲"), await create_party(unit, name="乙")
            steps = (TierStep(from_minor=0, rate_bps=1_000), TierStep(from_minor=gross, rate_bps=2_000))
            terms = RuleTerms(steps=steps, by=TierBy.TURNOVER)
            await make_rule(unit, NewRule(party_id=tier, kind=RuleKind.TIER, terms=terms))
            await make_rule(unit, NewRule(party_id=capped, terms=RuleTerms(rate_bps=1_000, period_max_minor=150)))
        for _ in range(2):
            sale = await till.sale(Money(gross))
            way = {"platform": None, "method": PayMethod.NATIVE, "client_ip": "127.0.0.1"}
            await pay(till.runtime, till.merchant_id, sale, **way)
        earned = [{tier: 100, capped: 100}, {tier: 200, capped: 50}]
        async with till.unit() as unit:
            orders = (await unit.connection.exec_driver_sql("SELECT * FROM sales_order ORDER BY order_id")).all()
        at = till.clock.now()
        for order, expected in zip(orders, earned, strict=True):
            assert await tried_on(till, order) == expected  # not paid yet
            async with till.unit() as unit:
                await unit.connection.exec_driver_sql(
                    "UPDATE sales_order SET state = 'paid', paid_minor = $1, paid_at = $2 WHERE order_id = $3",
                    (gross, at, order.order_id),
                )
                await book_sales(till.runtime, unit, [paid(till, order, gross, at)])
        till.clock.advance(days=40)  # another month
        assert [await tried_on(till, order) for order in orders] == earned

    at_the_till(work)


async def tried_on(till, order):
    async with till.unit() as unit:
        split = (await try_on_order(unit, order.order_id)).split
    return {line.party_id: line.amount_minor for line in split.lines}


@pytest.mark.parametrize(("told_after", "expected"), [(0, {"甲": 100, "乙": 0}), (600, {"甲": 100, "乙": 0})])
def test_a_sale_is_shared_by_the_rules_that_were_open_when_it_was_paid(at_the_till, told_after, expected):
    """However late we hear of the payment: a rule made since earns nothing, and one ended since has earned."""

    async def work(till):
        async with till.unit() as unit:
            first, second = await create_party(unit, name="甲"), await create_party(unit, name="乙")
            old = await make_rule(unit, NewRule(party_id=first, terms=RuleTerms(rate_bps=1_000)))
        sale = await till.sale(Money(1_000))
        way = {"platform": None, "method": PayMethod.NATIVE, "client_ip": "127.0.0.1"}
        await pay(till.runtime, till.merchant_id, sale, **way)
        async with till.unit() as unit:
            (order,) = (await unit.connection.exec_driver_sql("SELECT * FROM sales_order")).all()
            paid_at = unit.now()
        if told_after:
            till.clock.advance(seconds=told_after)
            async with till.unit() as unit:
                await end_rule(unit, old)
                await make_rule(unit, NewRule(party_id=second, terms=RuleTerms(rate_bps=2_000)))
        async with till.unit() as unit:
            await book_sales(till.runtime, unit, [paid(till, order, 1_000, paid_at)])
            booked = {row.path: -row.balance.amount_minor for row in await balances(unit)}
        assert {"甲": booked.get(party_path(first), 0), "乙": booked.get(party_path(second), 0)} == expected

    at_the_till(work)
