"""Every invariant of the books notices when somebody breaks it behind the app's back."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from hutong.core.money import Money
from hutong.ledger import service
from hutong.ledger.checks import check
from hutong.ledger.service import Batch, Leg, Share

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
WALLET = "wallet:wechatpay:1"
ORDER = UUID(int=5)
PARTY_NAME = "小林"


async def fill(unit):
    party = await service.create_party(unit, name=PARTY_NAME)
    terms = {"order_id": ORDER, "wallet_path": WALLET, "gross": Money(1_000), "event_at": AT}
    await service.post_sale(unit, fee=Money(6), party_shares=[Share(party, Money(100))], **terms)
    await service.post_refund(unit, refund_id=UUID(int=6), refunded=Money(1_000), refunded_before=Money(0), **terms)
    await service.post_platform_sale(
        unit, order_id=UUID(int=8), receivable_path="receivable:taobao:1", gross=Money(50), event_at=AT
    )
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    await service.draw_statement(unit, party, start, end)


def test_sound_books_have_no_breach(room):
    room.do(fill)
    assert room.do(check) == []


TAMPERING = {
    "one leg": (
        "UPDATE posting SET amount_minor = amount_minor + 1 WHERE leg_no = 1",
        {"batch_balances", "books_balance", "balance_is_fold", "refunded_order_is_zero", "chain_holds"},
    ),
    "both legs": (
        "UPDATE posting SET amount_minor = amount_minor * 2 WHERE abs(amount_minor) = 50",
        {"balance_is_fold", "chain_holds"},
    ),
    "a leg is gone": (
        "DELETE FROM posting WHERE leg_no = 2 AND abs(amount_minor) = 50",
        {"batch_balances", "books_balance", "balance_is_fold", "chain_holds"},
    ),
    "legs change places": (
        "UPDATE posting SET leg_no = 3 - leg_no + 100 WHERE abs(amount_minor) = 50",
        {"chain_holds"},
    ),
    "a balance": ("UPDATE account_balance SET balance_minor = balance_minor + 1", {"balance_is_fold"}),
    "a count": ("UPDATE account_balance SET postings_count = postings_count + 1", {"balance_is_fold"}),
    "an account's name": (
        "UPDATE ledger_account SET path = 'receivable:taobao:2' WHERE path = 'receivable:taobao:1'",
        {"chain_holds"},
    ),
    "an account's currency": (
        "UPDATE ledger_account SET currency = 'GBP' WHERE path = 'receivable:taobao:1'",
        {"posting_belongs"},
    ),
    "a batch's time": (
        "UPDATE ledger_batch SET event_at = event_at + interval '1 us' WHERE sequence = 2",
        {"chain_holds"},
    ),
    "a batch's subject": (
        "UPDATE ledger_batch SET subject_id = gen_random_uuid() WHERE sequence = 3",
        {"chain_holds"},
    ),
    "a batch's key": ("UPDATE ledger_batch SET idempotency_key = 'x' WHERE sequence = 1", {"chain_holds"}),
    "the first batch is gone": (
        "DELETE FROM ledger_batch WHERE sequence = 1",
        {"posting_belongs", "chain_holds"},
    ),
    "the last batch is gone": (
        "DELETE FROM ledger_batch WHERE sequence = 3",
        {"posting_belongs", "chain_holds"},
    ),
    "the end of the chain": ("UPDATE ledger_chain SET hash = sha256(hash)", {"chain_holds"}),
    "a statement's figure": ("UPDATE statement SET net_minor = net_minor + 1", {"statement_is_fold"}),
    "a statement's line": ("DELETE FROM statement_line WHERE leg_no > 5", {"statement_is_fold"}),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found(room, name):
    statement, rules = TAMPERING[name]
    room.do(fill)
    changed = room.as_owner(statement)
    assert not changed.endswith(" 0"), "the tampering must hit a row"
    found = {breach.rule.removeprefix("ledger.") for breach in room.do(check)}
    assert found == rules, found


def test_a_refund_that_keeps_the_fee_is_found(room):
    """Balanced, chained, and still wrong: all revenue went back and the fee did not."""

    async def keep_the_fee(unit):
        await service.post_sale(
            unit,
            order_id=ORDER,
            wallet_path=WALLET,
            gross=Money(1_000),
            fee=Money(6),
            party_shares=(),
            event_at=AT,
        )
        await service.post(
            unit,
            Batch(
                idempotency_key="refund:x",
                kind="refund",
                subject_kind="order",
                subject_id=ORDER,
                event_at=AT,
                legs=(Leg(WALLET, Money(-1_000)), Leg("revenue:sales", Money(1_000))),
            ),
        )
        return await check(unit)

    found = room.do(keep_the_fee)
    assert {breach.rule for breach in found} == {"ledger.refunded_order_is_zero"}
    assert len(found) == 2
