"""The doctor: clean after honest trade, and every rule finds a break that somebody plants by SQL."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

import hutong
from hutong.db.clock import SystemClock
from hutong.db.unit import Unit
from hutong.workflows.commands.examine import CHECKS

ONE = "ctid = (SELECT ctid FROM {0} WHERE {1} LIMIT 1)"


def one(table: str, condition: str = "true") -> str:
    return ONE.format(table, condition)


PAID = one("sales_order", "state = 'paid' AND source = 'own'")
REQUESTED = one("refund", "cause = 'requested'")
#: Rule -> statements that break it. The owner may drop what stands in the way; everything is rolled back.
PLANTS = {
    "ledger.batch_balances": [f"UPDATE posting SET amount_minor = amount_minor + 1 WHERE {one('posting')}"],
    "ledger.books_balance": [f"UPDATE posting SET amount_minor = amount_minor + 1 WHERE {one('posting')}"],
    "ledger.posting_belongs": [f"UPDATE posting SET batch_id = gen_random_uuid() WHERE {one('posting')}"],
    "ledger.balance_is_fold": ["UPDATE account_balance SET balance_minor = balance_minor + 1"],
    "ledger.refunded_order_is_zero": [
        (
            "UPDATE posting SET amount_minor = amount_minor - 1 WHERE (batch_id, leg_no) IN (SELECT p.batch_id, "
            "p.leg_no FROM posting p JOIN ledger_batch b USING (merchant_id, batch_id) JOIN ledger_account a "
            "USING (merchant_id, account_id) WHERE b.kind = 'refund' AND a.path LIKE 'wallet:%' LIMIT 1)"
        )
    ],
    "ledger.statement_is_fold": [f"UPDATE statement SET net_minor = net_minor + 1 WHERE {one('statement')}"],
    "ledger.chain_holds": [f"UPDATE ledger_batch SET payload_hash = '\\x00' WHERE {one('ledger_batch')}"],
    "ledger.commission_is_booked": [f"UPDATE commission SET amount_minor = amount_minor + 1 WHERE {one('commission')}"],
    "ledger.settlement_is_booked": [f"UPDATE commission SET settled_minor = 1 WHERE {one('commission')}"],
    "ledger.settled_is_fold": [f"UPDATE commission SET settled_minor = 1 WHERE {one('commission')}"],
    "ledger.split_within_sale": [
        f"UPDATE commission SET amount_minor = gross_minor WHERE {one('commission', 'reversed_minor = 0')}"
    ],
    "ledger.commission_is_in_proportion": [
        "UPDATE commission SET reversed_minor = reversed_minor - 1 WHERE reversed_minor > 0"
    ],
    "ledger.commission_levels": ["UPDATE commission SET level = 3"],
    "shops.refund_within_paid": [f"UPDATE sales_order SET refunded_minor = paid_minor + 1 WHERE {PAID}"],
    "shops.reservation_has_unpaid_order": ["UPDATE sales_order SET state = 'closed' WHERE state = 'unpaid'"],
    "shops.short_order_is_flagged": [f"UPDATE order_line SET short_quantity = 1 WHERE {one('order_line')}"],
    "shops.stock_is_fold": [f"UPDATE stock SET on_hand = on_hand + 1 WHERE {one('stock')}"],
    "shops.stock_not_oversold": [
        "ALTER TABLE stock DROP CONSTRAINT ck_stock_available",
        f"UPDATE stock SET reserved = on_hand + 1 WHERE {one('stock')}",
    ],
    "payments.one_capture_stays": [
        (
            "INSERT INTO attempt SELECT (jsonb_populate_record(a, jsonb_build_object('attempt_id', gen_random_uuid(), "
            "'out_trade_no', 'planted'))).* FROM attempt a WHERE state = 'paid' LIMIT 1"
        )
    ],
    "payments.surplus_goes_back_once": [f"UPDATE refund SET cause = 'automatic' WHERE {REQUESTED}"],
    "payments.refunds_within_capture": ["UPDATE refund SET amount_minor = amount_minor + 1 WHERE cause = 'requested'"],
    "payments.refunded_is_fold": ["UPDATE payment SET refunded_minor = 1 WHERE state = 'paid'"],
    "payments.paid_has_capture": ["UPDATE payment SET captured_attempt_id = NULL WHERE state = 'paid'"],
    "customers.identity_leads_to_one": [f"DELETE FROM customer WHERE {one('customer')}"],
    "customers.refund_within_order": [
        "UPDATE customer_order SET refunded_minor = amount_minor + 1 WHERE NOT is_refund"
    ],
    "customers.total_is_fold": ["UPDATE customer_total SET spent_minor = spent_minor + 1"],
    "analytics.refund_within_sale": ["UPDATE sale_fact SET refunded_minor = gross_minor + 1 WHERE NOT is_refund"],
    "analytics.line_of_sale": ["UPDATE sale_line_fact SET paid_at = paid_at + interval '1 second'"],
    "analytics.click_of_one_link": [
        (
            "UPDATE sale_fact SET click_id = (SELECT click_id FROM click LIMIT 1), link_id = gen_random_uuid() "
            "WHERE NOT is_refund"
        )
    ],
    "all.paid_order_is_booked": ["UPDATE ledger_batch SET idempotency_key = 'x' || idempotency_key"],
    "all.captured_payment_has_paid_order": [f"UPDATE sales_order SET state = 'unpaid' WHERE {PAID}"],
    "all.refund_reached_order": ["UPDATE sales_order SET refunded_minor = refunded_minor - 1 WHERE state = 'refunded'"],
    "all.paid_order_is_counted": [f"DELETE FROM sale_fact WHERE {one('sale_fact')}"],
    "jobs.none_failed": [f"UPDATE job SET state = 'failed' WHERE {one('job', 'finished_at IS NOT NULL')}"],
}


def known_rules() -> set[str]:
    """Every rule that the source names."""
    source = Path(hutong.__file__).parent
    files = [*source.glob("*/*checks.py"), source / "workflows" / "commands" / "examine.py"]
    names = "|".join({name.partition(".")[0] for name in PLANTS})
    return {found for file in files for found in re.findall(rf'"((?:{names})\.[a-z_]+)"', file.read_text("utf-8"))}


@pytest.fixture
def traded(market, until):
    """Sales with a commission: one refunded, two paid, one unpaid; and a statement."""
    goods = market.goods(price_fen=10_000, stock=9)
    party = market.post("/parties", {"name": "小周", "kind": "poster"})["party_id"]
    market.post("/split-rules", {"party_id": party, "rate_bps": 1000, "channel_id": goods.link["channel_id"]})
    sales = [market.buyer_of(goods, buyer).paid() for buyer in (1, 2, 3)]
    market.buyer_of(goods, 4)
    market.post(f"/orders/{sales[0].order_id}/refunds", {"reason": "x"})
    until("refunded", lambda: sales[0].order()["state"] == "refunded")
    now = datetime.now(UTC)
    period = {"start_at": (now - timedelta(days=9)).isoformat(), "end_at": (now + timedelta(days=9)).isoformat()}
    market.post("/statements", {"party_id": party, **period})
    market.world.settle()
    return market


def plant(world, statements: list[str]) -> set[str]:
    """Rules that are broken after these statements, as the owner of the tables; then as if nothing had been."""

    async def work() -> set[str]:
        url = world.database_url().replace("postgresql://", "postgresql+asyncpg://", 1)
        engine = create_async_engine(url, connect_args={"server_settings": {"role": "hutong_owner"}})
        merchant = world.login["merchant"]
        try:
            async with engine.connect() as connection, connection.begin() as transaction:
                await connection.execute(text("SELECT set_config('app.merchant_id', :m, true)"), {"m": merchant})
                for statement in statements:
                    await connection.exec_driver_sql(statement)
                unit = Unit(connection, UUID(merchant), SystemClock())
                found = {breach.rule for check in CHECKS for breach in await check(unit)}
                await transaction.rollback()
                return found
        finally:
            await engine.dispose()

    return asyncio.run(work())


def test_every_rule_finds_its_break(traded):
    assert set(PLANTS) == known_rules()
    assert plant(traded.world, []) == set()
    seen = {rule: plant(traded.world, statements) for rule, statements in PLANTS.items()}
    missed = {rule: found for rule, found in seen.items() if rule not in found}
    assert missed == {}
    assert plant(traded.world, []) == set()


def test_the_command_says_so_with_its_exit_code(traded):
    clean = traded.world.run("doctor", "--json")
    assert (clean.returncode, json.loads(clean.stdout)["breaches"]) == (0, [])
    sku = traded.items("/stock")[0]["sku_id"]
    change = "UPDATE stock SET on_hand = on_hand + $2 WHERE sku_id = $1::text::uuid"
    traded.world.sql(change, sku, 1, role="app")
    try:
        broken = traded.world.run("doctor", "--json")
    finally:
        traded.world.sql(change, sku, -1, role="app")
    told = json.loads(broken.stdout)
    assert broken.returncode == 1
    assert [(breach["rule"], breach["subject"]) for breach in told["breaches"]] == [("shops.stock_is_fold", sku)]
