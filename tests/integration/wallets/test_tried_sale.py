"""What a sale is tried to give is what the books post when it is paid, to the fen: gross, fee, shares, what stays."""

from __future__ import annotations

import pytest

from hutong.core.money import Money
from hutong.ledger.account_queries import balances
from hutong.ledger.accounts import party_path
from hutong.ledger.parties import create_party
from hutong.ledger.queries import party_names
from hutong.ledger.rule_terms import RuleTerms
from hutong.ledger.split_rules import NewRule, make_rule
from hutong.platforms.payments import PayMethod
from hutong.shops.events import OrderPaid
from hutong.web.console.split_reading import tried
from hutong.web.console.split_views import TryForm
from hutong.workflows.commands.pay import pay
from hutong.workflows.commands.sold import expected_wallet
from hutong.workflows.reactions.books import book_sales


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
        (order_id,) = await till.values("SELECT order_id FROM sales_order")
        (order_no,) = await till.values("SELECT order_no FROM sales_order")
        async with till.unit() as unit:
            wallet = await expected_wallet(till.runtime, unit)
            names = await party_names(unit)
            by_order = await tried(unit, TryForm(order=order_no), "CNY", names, wallet)
            amount = Money(gross).decimal_text()
            by_amount = await tried(unit, TryForm(amount=str(amount)), "CNY", names, wallet)
        async with till.unit() as unit:
            event = OrderPaid(
                order_id=order_id,
                source="own",
                order_no=order_no,
                connection_id=till.connection_id,
                platform="wechatpay",
                channel_id=None,
                link_id=None,
                click_id=None,
                container="mobile",
                customer_id=None,
                gross_minor=gross,
                currency="CNY",
                paid_at=unit.now(),
                lines=(),
            )
            await book_sales(till.runtime, unit, [event])
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
