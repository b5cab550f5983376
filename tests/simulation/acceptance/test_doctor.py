"""The doctor: clean after honest trade, and every rule finds a break that somebody plants by SQL."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

import hutong
from hutong.cli.doctor import doctor
from hutong.cli.doctor_words import MEANINGS
from hutong.db.checks import BREACHES_PER_RULE_MAX, MORE, Breach
from hutong.db.clock import SystemClock
from hutong.db.unit import Unit
from hutong.db.walls import breaches_of_walls
from hutong.ledger.split_terms import SplitTerms
from hutong.workflows.commands.examine import CHECKS

pytestmark = pytest.mark.slow

#: PostgreSQL's class 40; the shop and its courier work on while breaks are planted.
SERIALIZATION_FAILURE = "40001"
TRIES_MAX = 10

ONE = "ctid = (SELECT ctid FROM {0} WHERE {1} LIMIT 1)"


def one(table: str, condition: str = "true") -> str:
    return ONE.format(table, condition)


#: An attempt that no other test has made a case of.
NO_CASE = (
    "NOT EXISTS (SELECT FROM ticket t WHERE t.details ->> 'out_trade_no' = attempt.out_trade_no) "
    "AND NOT EXISTS (SELECT FROM suspense s WHERE s.attempt_id = attempt.attempt_id)"
)


def revenue(kind: str, change: str) -> str:
    """Changes a leg of a sale or a refund."""
    return (
        f"UPDATE posting SET {change} WHERE (batch_id, leg_no) IN (SELECT p.batch_id, p.leg_no FROM posting p "
        "JOIN ledger_batch b USING (merchant_id, batch_id) JOIN ledger_account a USING (merchant_id, account_id) "
        f"WHERE b.kind = '{kind}' AND a.path = 'revenue:sales' LIMIT 1)"
    )


def in_suspense(state: str, **further: str) -> str:
    """Plants a sum in suspense that nobody told of."""
    values = {"actor": "'staff:1'", "reason": "'x'", "is_proved": "true", "decided_at": "now()"} | further
    return (
        "INSERT INTO suspense (merchant_id, suspense_id, ticket_id, connection_id, platform, number, field, "
        f"amount_minor, currency, state, opened_at, {', '.join(values)}) SELECT merchant_id, gen_random_uuid(), "
        "gen_random_uuid(), connection_id, platform, 'planted', 'amount', 7, 'CNY', "
        f"'{state}', now(), {', '.join(values.values())} FROM attempt LIMIT 1"
    )


PAID = one("sales_order", "state = 'paid' AND source = 'own'")
#: A line of our own checkout: what other platforms and files say of a line may not add up.
OWN_LINE = one("order_line", "order_id IN (SELECT order_id FROM sales_order WHERE origin = 'checkout')")
NOT_REVERSED = one("commission", "reversed_minor = 0 AND amount_minor > 0")
REQUESTED = one("refund", "cause = 'requested'")
COMBINED = (
    "INSERT INTO combined_payment SELECT merchant_id, gen_random_uuid(), 'open', 'wechatpay', 'native', 2, 1, 'CNY', "
    "now() FROM connection LIMIT 1"
)
#: Rule -> statements that break it. The owner may drop what stands in the way; everything is rolled back.
PLANTS = {
    "ledger.batch_balances": [f"UPDATE posting SET amount_minor = amount_minor + 1 WHERE {one('posting')}"],
    "ledger.books_balance": [f"UPDATE posting SET amount_minor = amount_minor + 1 WHERE {one('posting')}"],
    "ledger.posting_belongs": [f"UPDATE posting SET batch_id = gen_random_uuid() WHERE {one('posting')}"],
    "ledger.balance_is_fold": ["UPDATE account_balance SET balance_minor = balance_minor + 1"],
    "ledger.refunded_order_is_zero": [  # of every refund: some give back only a part, and the rule is silent on them
        (
            "UPDATE posting SET amount_minor = amount_minor - 1 WHERE (batch_id, leg_no) IN (SELECT p.batch_id, "
            "p.leg_no FROM posting p JOIN ledger_batch b USING (merchant_id, batch_id) JOIN ledger_account a "
            "USING (merchant_id, account_id) WHERE b.kind = 'refund' AND a.path LIKE 'wallet:%')"
        )
    ],
    "ledger.statement_is_fold": [f"UPDATE statement SET net_minor = net_minor + 1 WHERE {one('statement')}"],
    "ledger.chain_holds": [f"UPDATE ledger_batch SET payload_hash = '\\x00' WHERE {one('ledger_batch')}"],
    "ledger.account_is_of_its_kind": ["UPDATE ledger_account SET kind = 'expense' WHERE path = 'revenue:sales'"],
    "ledger.end_has_last_time": ["UPDATE ledger_chain SET recorded_at = recorded_at + interval '1 second'"],
    "ledger.external_apart": [f"UPDATE ledger_batch SET kind = 'external' WHERE {one('ledger_batch')}"],
    "ledger.commission_is_booked": [f"UPDATE commission SET amount_minor = amount_minor + 1 WHERE {one('commission')}"],
    "ledger.settlement_is_booked": [f"UPDATE commission SET settled_minor = 1 WHERE {one('commission')}"],
    "ledger.settled_is_fold": [f"UPDATE commission SET settled_minor = 1 WHERE {one('commission')}"],
    "ledger.payout_is_its_moves": [
        (
            "INSERT INTO outside_payment (merchant_id, outside_payment_id, party_id, amount_minor, currency, paid_by, "
            "reference, paid_at, recorded_at) SELECT merchant_id, gen_random_uuid(), party_id, 100, 'CNY', 'x', "
            f"'planted', created_at, created_at FROM party WHERE {one('party')}"
        )
    ],
    "ledger.split_within_sale": [
        f"UPDATE commission SET amount_minor = gross_minor WHERE {one('commission', 'reversed_minor = 0')}"
    ],
    "ledger.commission_is_in_proportion": [
        "UPDATE commission SET reversed_minor = reversed_minor - 1 WHERE reversed_minor > 0"
    ],
    "ledger.commission_state_is_its_sums": [f"UPDATE commission SET state = 'reversed' WHERE {NOT_REVERSED}"],
    "ledger.statement_is_of_its_party": ["UPDATE statement SET party_id = gen_random_uuid()"],
    "ledger.statement_is_sealed": ["UPDATE statement SET chain_hash = '\\x01'"],
    "ledger.commission_levels": ["UPDATE commission SET level = 3"],
    "webhooks.event_is_queued": [
        "UPDATE webhook_endpoint SET subscribed_at = '2020-01-01', state = 'active'",
        "UPDATE outbox SET occurred_at = occurred_at - interval '3 hours'",
        "DELETE FROM webhook_delivery",
    ],
    "webhooks.state_is_its_times": ["UPDATE webhook_delivery SET ended_at = NULL, next_try_at = NULL"],
    "webhooks.arrival_has_attempt": [
        "UPDATE webhook_delivery SET state = 'delivered', ended_at = created_at, next_try_at = NULL"
    ],
    "shops.refund_within_paid": [f"UPDATE sales_order SET refunded_minor = paid_minor + 1 WHERE {PAID}"],
    "shops.state_is_its_sums": [f"UPDATE sales_order SET state = 'refunded' WHERE {PAID}"],
    "shops.reservation_has_unpaid_order": ["UPDATE sales_order SET state = 'closed' WHERE state = 'unpaid'"],
    "shops.short_order_is_flagged": [f"UPDATE order_line SET short_quantity = 1 WHERE {one('order_line')}"],
    "shops.flagged_order_is_short": [f"UPDATE sales_order SET is_short = true WHERE {PAID}"],
    "shops.line_refund_fits": [f"UPDATE order_line SET refunded_minor = 1 WHERE {OWN_LINE}"],
    "shops.total_is_lines": [f"UPDATE sales_order SET total_minor = total_minor + 1 WHERE {PAID}"],
    "shops.line_is_price_times_pieces": [f"UPDATE order_line SET quantity = quantity + 1 WHERE {OWN_LINE}"],
    "shops.journal_is_lines": ["UPDATE order_line SET quantity = quantity + 1"],
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
    "payments.bill_is_its_rows": [
        (
            "INSERT INTO bill (merchant_id, connection_id, day, platform, state, rows_count, currency, created_at) "
            "SELECT merchant_id, connection_id, '2026-01-01', platform, 'read', 1, 'CNY', now() FROM connection LIMIT 1"
        )
    ],
    "payments.odd_row_has_difference": [
        (
            "INSERT INTO bill_row SELECT merchant_id, connection_id, '2026-01-01', 2, 'trade', 'planted', 'planted', "
            "'', 1, 0, 'CNY', 'SUCCESS', true, 'unknown_to_us', now() FROM connection LIMIT 1"
        )
    ],
    "payments.bill_wait_ends": [
        (
            "INSERT INTO bill (merchant_id, connection_id, day, platform, state, awaited_count, currency, created_at) "
            "SELECT merchant_id, connection_id, date '2026-01-01' + days, platform, 'empty', 1, 'CNY', now() "
            "FROM connection, generate_series(0, 1) days"
        )
    ],
    "payments.expected_bill_has_job": [
        (
            "INSERT INTO bill (merchant_id, connection_id, day, platform, state, currency, created_at) "
            "SELECT merchant_id, connection_id, '2026-01-01', platform, 'expected', 'CNY', now() "
            "FROM connection LIMIT 1"
        )
    ],
    "payments.state_is_its_sums": ["UPDATE payment SET state = 'partly_refunded' WHERE state = 'paid'"],
    "payments.capture_is_its_attempt": ["DELETE FROM attempt"],
    "payments.refund_is_of_a_paid_attempt": ["DELETE FROM attempt"],
    "payments.open_payment_ends": [
        (
            "INSERT INTO payment SELECT (jsonb_populate_record(p, jsonb_build_object('payment_id', gen_random_uuid(), "
            "'order_id', gen_random_uuid()))).* FROM payment p WHERE state = 'open' LIMIT 1"
        )
    ],
    "payments.combined_is_its_parts": [COMBINED],
    "payments.combined_state_is_its_tries": [COMBINED],
    "payments.combined_try_is_whole": [
        COMBINED,
        (
            "INSERT INTO combined_try SELECT merchant_id, gen_random_uuid(), combined_id, gen_random_uuid(), now(), "
            "now() FROM combined_payment LIMIT 1"
        ),
    ],
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
    "links.promoted_order_of_lines": [
        (
            "INSERT INTO promoted_order (merchant_id, source, order_no, order_id, evidence, word, link_id, channel_id, "
            "currency, paid_minor, is_sold, was_sold, placed_at, paid_at) SELECT merchant_id, 'jd', 'X', "
            "gen_random_uuid(), 'carried', '', gen_random_uuid(), gen_random_uuid(), 'CNY', 100, true, true, now(), "
            "now() FROM attempt LIMIT 1"
        )
    ],
    "all.paid_order_is_booked": ["UPDATE ledger_batch SET idempotency_key = 'x' || idempotency_key"],
    "all.books_are_the_orders": [revenue("sale", "amount_minor = amount_minor - 1")],
    "all.captured_payment_has_paid_order": [f"UPDATE sales_order SET state = 'unpaid' WHERE {PAID}"],
    "all.refund_reached_order": ["UPDATE sales_order SET refunded_minor = refunded_minor - 1 WHERE state = 'refunded'"],
    "all.order_is_what_was_captured": [f"UPDATE sales_order SET paid_minor = paid_minor + 100 WHERE {PAID}"],
    "payments.open_suspense_has_ticket": [in_suspense("open")],
    "payments.mismatched_try_is_a_case": [f"UPDATE attempt SET state = 'mismatched' WHERE {one('attempt', NO_CASE)}"],
    "payments.decision_says_who": [in_suspense("taken", actor="''")],
    "payments.sent_back_is_its_refund": [in_suspense("returning")],
    "payments.taken_is_captured": [in_suspense("taken")],
    "all.suspense_is_booked": [in_suspense("written_off")],
    "all.paid_order_is_counted": [f"DELETE FROM sale_fact WHERE {one('sale_fact')}"],
    "all.figures_are_the_orders": ["UPDATE sale_fact SET gross_minor = gross_minor * 10"],
    "all.figures_have_the_lines": [f"UPDATE sale_line_fact SET quantity = quantity + 1 WHERE {one('sale_line_fact')}"],
    "all.customers_orders_are_the_orders": ["UPDATE customer_order SET amount_minor = amount_minor + 1"],
    "tenancy.rows_are_walled": ["ALTER TABLE stock DISABLE ROW LEVEL SECURITY"],
    "tenancy.policy_is_ours": ["CREATE POLICY everybody ON stock USING (true)"],
    "jobs.none_failed": [f"UPDATE job SET state = 'failed' WHERE {one('job', 'finished_at IS NOT NULL')}"],
}


#: Other ways to break some of them.
FURTHER_PLANTS = [
    ("payments.capture_is_its_attempt", ["UPDATE attempt SET state = 'open' WHERE state = 'paid'"]),
    ("payments.capture_is_its_attempt", ["UPDATE attempt SET amount_minor = amount_minor - 1 WHERE state = 'paid'"]),
    ("payments.capture_is_its_attempt", ["UPDATE attempt SET currency = 'USD' WHERE state = 'paid'"]),
    ("payments.capture_is_its_attempt", ["UPDATE attempt SET payment_id = gen_random_uuid() WHERE state = 'paid'"]),
    ("payments.refund_is_of_a_paid_attempt", ["UPDATE attempt SET state = 'open'"]),
    ("ledger.end_has_last_time", ["UPDATE ledger_chain SET recorded_at = recorded_at - interval '1 second'"]),
    ("ledger.account_is_of_its_kind", ["UPDATE ledger_account SET kind = 'external' WHERE path LIKE 'wallet:%'"]),
    ("all.figures_are_the_orders", ["UPDATE sale_fact SET customer_id = gen_random_uuid()"]),
    ("all.figures_are_the_orders", ["UPDATE sale_fact SET customer_id = NULL"]),
    (
        "all.figures_are_the_orders",
        [f"UPDATE {table} SET paid_at = paid_at - interval '1 day'" for table in ("sale_fact", "sale_line_fact")],
    ),
    ("all.figures_have_the_lines", ["UPDATE sale_line_fact SET sku_id = gen_random_uuid()"]),
    ("all.figures_have_the_lines", ["UPDATE sale_line_fact SET sku_id = NULL"]),
    ("all.books_are_the_orders", [revenue("refund", "amount_minor = amount_minor - 1")]),
    ("all.books_are_the_orders", [revenue("sale", "currency = 'USD'")]),
    ("all.books_are_the_orders", ["UPDATE ledger_batch SET kind = 'external' WHERE kind = 'refund'"]),
    ("payments.state_is_its_sums", ["UPDATE payment SET state = 'paid' WHERE state = 'refunded'"]),
    ("payments.state_is_its_sums", ["UPDATE payment SET state = 'refunded' WHERE state = 'paid'"]),
    ("shops.state_is_its_sums", ["UPDATE sales_order SET state = 'paid' WHERE state = 'refunded'"]),
    ("shops.state_is_its_sums", ["UPDATE sales_order SET paid_at = NULL"]),
    ("shops.state_is_its_sums", ["UPDATE sales_order SET paid_at = now() WHERE state = 'unpaid'"]),
    ("ledger.commission_state_is_its_sums", ["UPDATE commission SET state = 'confirmed' WHERE state = 'reversed'"]),
    ("ledger.commission_is_booked", [f"DELETE FROM commission WHERE {NOT_REVERSED}"]),
    (
        "ledger.statement_is_fold",
        ["UPDATE statement SET earned_minor = earned_minor + 1, reversed_minor = reversed_minor + 1"],
    ),
    ("ledger.statement_is_of_its_party", ["UPDATE statement SET currency = 'USD'"]),
    ("ledger.statement_is_of_its_party", ["DELETE FROM statement"]),
    (
        "ledger.statement_is_sealed",
        ["UPDATE statement SET chain_hash = b.hash FROM ledger_batch b WHERE b.sequence = 1"],
    ),
]

#: Only a superuser can break these: tests/integration/tenancy/test_walls.py does.
ROLE_RULES = {"tenancy.role_is_bound"}
#: The story reserves nothing and is younger than a day: these are broken where books hold such things.
LEDGER_TESTS = Path(__file__).parents[2] / "integration" / "ledger"
BROKEN_THERE = ("test_holds.py", "test_history.py", "test_roots.py")


def ledger_rules() -> set[str]:
    """Rules of the books' engine that those tests name."""
    text = "".join((LEDGER_TESTS / name).read_text("utf-8") for name in BROKEN_THERE)
    named = set(re.findall(r'"(?:ledger\.)?([a-z_]+)"', text))
    return {rule for rule in known_rules() - {*PLANTS} if rule.partition(".")[2] in named}


def known_rules() -> set[str]:
    """Every rule that the source names."""
    source = Path(hutong.__file__).parent
    files = [*source.glob("*/*checks.py"), source / "db" / "walls.py", source / "workflows" / "commands" / "examine.py"]
    names = "|".join({name.partition(".")[0] for name in PLANTS})
    return {found for file in files for found in re.findall(rf'"((?:{names})\.[a-z_]+)"', file.read_text("utf-8"))}


@pytest.fixture(scope="module")
def traded(world, market_of, until):
    """Sales with a commission: one refunded, two paid, one unpaid; and a statement. Every test leaves them as found."""
    world.sandbox.put("/faults", json=[])
    market = market_of(world)
    market.post("/webhooks", {"url": "http://127.0.0.1:9/", "title": "nobody listens there"})
    goods = market.goods(price_fen=10_000, stock=9)
    party = market.post("/parties", {"name": "小周", "kind": "poster"})["party_id"]
    market.post("/split-terms", {"total_cap_bps": 10_000})  # rules of other tests stand beside this one
    market.post("/split-rules", {"party_id": party, "rate_bps": 1000, "channel_id": goods.link["channel_id"]})
    sales = [market.buyer_of(goods, buyer).paid() for buyer in (1, 2, 3)]
    market.buyer_of(goods, 4)
    market.post(f"/orders/{sales[0].order_id}/refunds", {"reason": "x"})
    until("refunded", lambda: sales[0].order()["state"] == "refunded")
    now = datetime.now(UTC)
    period = {"start_at": (now - timedelta(days=9)).isoformat(), "end_at": (now + timedelta(days=9)).isoformat()}
    market.post("/statements", {"party_id": party, **period})
    market.world.settle()
    yield market
    market.post("/split-terms", {"total_cap_bps": SplitTerms().total_cap_bps})
    market.close()


def planted(world, plants: Iterable[list[str]]) -> list[set[Breach]]:
    """What is broken after each of these plants, as the owner of the tables; after each as if nothing had been."""

    async def work() -> list[set[Breach]]:
        url = world.database_url().replace("postgresql://", "postgresql+asyncpg://", 1)
        settings = {"role": "hutong_owner"}
        # One moment, as the doctor's own: the shop works on meanwhile.
        engine = create_async_engine(url, isolation_level="REPEATABLE READ", connect_args={"server_settings": settings})
        try:
            async with engine.connect() as connection:
                return [await broken_by(connection, world.login["merchant"], statements) for statements in plants]
        finally:
            await engine.dispose()

    return asyncio.run(work())


async def broken_by(connection: AsyncConnection, merchant: str, statements: list[str]) -> set[Breach]:
    """In a transaction of its own, which is rolled back; tried again where the shop changed the same rows just then."""
    for _ in range(TRIES_MAX - 1):
        try:
            return await _broken_by(connection, merchant, statements)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != SERIALIZATION_FAILURE:
                raise
    return await _broken_by(connection, merchant, statements)


async def _broken_by(connection: AsyncConnection, merchant: str, statements: list[str]) -> set[Breach]:
    async with connection.begin() as transaction:
        await connection.execute(text("SELECT set_config('app.merchant_id', :m, true)"), {"m": merchant})
        for statement in statements:
            await connection.exec_driver_sql(statement)
        driver = (await connection.get_raw_connection()).driver_connection
        unit = Unit(connection, driver, UUID(merchant), SystemClock())
        found = {breach for check in CHECKS for breach in await check(unit)}
        found |= set(await breaches_of_walls(connection))
        await transaction.rollback()
        return found


def plant(world, statements: list[str]) -> set[Breach]:
    return planted(world, [statements])[0]


def test_every_rule_finds_its_break(traded):
    assert {*PLANTS, *ROLE_RULES, *ledger_rules()} == known_rules()
    cases = [*PLANTS.items(), *FURTHER_PLANTS]
    before, *found, after = planted(traded.world, [[], *(statements for _, statements in cases), []])
    assert before == set()
    missed = [(*case, rules(seen)) for case, seen in zip(cases, found, strict=True) if case[0] not in rules(seen)]
    assert missed == []
    assert after == set()


#: A break, and what of it must be told: never two halves that are the same.
TOLD = [
    ("all.figures_are_the_orders", "UPDATE sale_fact SET channel_id = NULL", "channel "),
    ("all.figures_are_the_orders", "UPDATE sale_fact SET paid_at = paid_at - interval '1 day'", "paid at "),
    (
        "all.figures_are_the_orders",
        "UPDATE sales_order SET source = 'taobao' WHERE source = 'own'",
        "source taobao / own",
    ),
    ("all.books_are_the_orders", "UPDATE sales_order SET currency = 'USD'", "USD / CNY"),
    ("all.figures_have_the_lines", "UPDATE sale_line_fact SET sku_id = NULL", "/ - of "),
]


@pytest.mark.parametrize(("rule", "statement", "words"), TOLD)
def test_a_break_tells_what_differs(traded, rule, statement, words):
    told = [breach.detail for breach in plant(traded.world, [statement]) if breach.rule == rule]
    assert any(words in detail for detail in told), told


def rules(found: set[Breach]) -> set[str]:
    return {breach.rule for breach in found}


def test_a_further_break_is_seen_where_much_is_broken_already(traded):
    """More breaks of one rule than are named: one more is seen by their number, one of another rule by its name."""
    many = [
        (
            "INSERT INTO stock SELECT (jsonb_populate_record(s, jsonb_build_object('sku_id', gen_random_uuid()))).* "
            f"FROM (SELECT s FROM stock s WHERE on_hand > 0 LIMIT 1), generate_series(1, {BREACHES_PER_RULE_MAX + 5})"
        )
    ]
    further = ["UPDATE stock SET on_hand = on_hand + 1 WHERE sku_id IN (SELECT sku_id FROM stock_move LIMIT 1)"]
    before = plant(traded.world, many)
    assert rules(before) == {"shops.stock_is_fold"}
    after = plant(traded.world, [*many, *further])
    assert rules(after) == {"shops.stock_is_fold"}
    assert [b.detail for b in after if b.subject == MORE] != [b.detail for b in before if b.subject == MORE]
    assert "payments.refunded_is_fold" in rules(plant(traded.world, [*many, *PLANTS["payments.refunded_is_fold"]]))


def test_a_lost_password_is_replaced_while_the_hub_runs(traded):
    old = traded.world.login
    told = json.loads(traded.world.run("staff", "reset-password", old["login"], "--json").stdout)
    with httpx.Client(base_url=traded.world.url, follow_redirects=False, trust_env=False) as client:

        def sign_in(password: str) -> int:
            token = re.search(r'name="_csrf_token" value="([^"]+)"', client.get("/login").text)
            assert token is not None
            form = {"_csrf_token": token[1], "login": old["login"], "password": password}
            return client.post("/login", data=form).status_code

        assert (sign_in(old["password"]), sign_in(told["password"])) == (401, 303)
    assert traded.world.run("staff", "reset-password", "nobody", "--json").returncode == 1


def test_the_command_says_so_with_its_exit_code(traded):
    clean = traded.world.run("doctor", "--json")
    assert (clean.returncode, json.loads(clean.stdout)["breaches"]) == (0, [])
    sku = traded.items("/stock")[0]["sku_id"]
    change = "UPDATE stock SET on_hand = on_hand + $2 WHERE sku_id = $1::text::uuid"
    traded.world.sql(change, sku, 1, role="app")
    try:
        broken = CliRunner().invoke(doctor, ["--json"], env={"HUTONG_HOME": str(traded.world.home)})
        plain = traded.world.run("doctor")
    finally:
        traded.world.sql(change, sku, -1, role="app")
    told = json.loads(broken.stdout)
    assert broken.exit_code == 1
    assert [(breach["rule"], breach["subject"]) for breach in told["breaches"]] == [("shops.stock_is_fold", sku)]
    assert set(told) == {"merchants", "checks", "waiting", "breaches"}
    assert told["checks"] == len(MEANINGS)
    assert set(told["breaches"][0]) == {"merchant", "rule", "subject", "detail"}
    assert plain.returncode == 1
    for words in (
        "库存等于库存流水之和",
        "stock is the sum of its journal",
        sku,
        f"规则 rules {len(MEANINGS)} ",
        "问题 breaches 1",
    ):
        assert words in plain.stdout
