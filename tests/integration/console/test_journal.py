"""What the pages of the books read: past balances, the journal by filter, statements and parties."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.ledger import queries, service
from hutong.ledger.equation import equations
from hutong.ledger.service import Share

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
WALLET = "wallet:wechatpay:1"
TAOBAO = "receivable:taobao:2"


async def sell(unit, at=AT, gross=1_000, party=None, order_id=None):
    order_id = order_id or uuid4()
    shares = [Share(party, Money(gross // 10))] if party else []
    await service.post_sale(
        unit,
        order_id=order_id,
        wallet_path=WALLET,
        gross=Money(gross),
        fee=Money(gross // 100),
        party_shares=shares,
        event_at=at,
    )
    return order_id


async def give_back(unit, order_id, at, refunded):
    await service.post_refund(
        unit,
        refund_id=uuid4(),
        order_id=order_id,
        wallet_path=WALLET,
        refunded=Money(refunded),
        gross=Money(1_000),
        refunded_before=Money(0),
        event_at=at,
    )


def test_balances_of_a_past_moment_are_the_sums_of_what_had_happened(room):
    """Random trade told in any order; every moment is held against the postings themselves."""
    dice = random.Random(7)

    async def work(unit):
        party = await service.create_party(unit, name="小王")
        moments = [AT + timedelta(hours=dice.randint(0, 500)) for _ in range(40)]
        for at in moments:
            await sell(unit, at, dice.randint(100, 9_999), party)
        journal = await queries.batches_page(unit, limit=200, offset=0)
        checked = []
        for at in (*dice.sample(moments, 5), AT - timedelta(days=1), AT + timedelta(days=99)):
            expected: dict[str, int] = {}
            for batch in journal.rows:
                for leg in batch.legs if batch.event_at < at else ():
                    expected[leg.path] = expected.get(leg.path, 0) + leg.amount.amount_minor
            told = {row.path: row.balance.amount_minor for row in await queries.balances(unit, at)}
            checked.append((told, expected))
        return checked, await queries.balances(unit)

    checked, now = room.do(work)
    for told, expected in checked:
        assert told == expected
    assert checked[-2][0] == {}
    assert checked[-1][0] == {row.path: row.balance.amount_minor for row in now}


def test_the_journal_is_narrowed(room):
    async def work(unit):
        order_id = await sell(unit)
        await give_back(unit, order_id, AT + timedelta(days=2), 100)
        await service.post_platform_sale(
            unit, order_id=uuid4(), receivable_path=TAOBAO, gross=Money(70), event_at=AT + timedelta(days=1)
        )

        async def numbers(**wanted):
            page = await queries.batches_page(unit, queries.JournalFilter(**wanted), limit=9, offset=0)
            assert page.total == len(page.rows)
            return [row.sequence for row in page.rows]

        return {
            "all": await numbers(),
            "sales": await numbers(kind="sale"),
            "wallet": await numbers(account=WALLET),
            "wallets": await numbers(account="wallet"),
            "wall": await numbers(account="wall"),
            "taobao": await numbers(account="receivable:taobao"),
            "days": await numbers(since=AT + timedelta(hours=1), until=AT + timedelta(days=1, hours=1)),
            "order": await numbers(subject_ids=(order_id,)),
            "no order": await numbers(subject_ids=()),
            "second": await numbers(sequence=2),
            "kinds": await queries.journal_kinds(unit),
            "about": [row.sequence for row in await queries.batches_about(unit, "order", order_id)],
        }

    assert room.do(work) == {
        "all": [3, 2, 1],
        "sales": [3, 1],
        "wallet": [2, 1],
        "wallets": [2, 1],
        "wall": [],
        "taobao": [3],
        "days": [3],
        "order": [2, 1],
        "no order": [],
        "second": [2],
        "kinds": ("refund", "sale"),
        "about": [1, 2],
    }


def test_a_batch_says_what_it_did_and_stands_in_the_chain(room):
    async def work(unit):
        await sell(unit)
        with pytest.raises(NotFound):
            await queries.one_batch(unit, 2)
        return await queries.one_batch(unit, 1), await queries.chain_end(unit)

    batch, end = room.do(work)
    effects = {leg.path: leg.amount for leg in batch.effects}
    assert effects == {"revenue:sales": Money(-1_000), WALLET: Money(990), "expense:wallet_fee": Money(10)}
    assert (end.batches_count, end.hash) == (1, batch.hash)
    assert batch.debits == (Money(2_010),)
    assert room.do(queries.chain_end) == end


def test_the_books_as_an_equation(room):
    async def work(unit):
        party = await service.create_party(unit, name="小王")
        order_id = await sell(unit, party=party)
        await give_back(unit, order_id, AT, 500)
        await service.post_platform_sale(unit, order_id=uuid4(), receivable_path=TAOBAO, gross=Money(70), event_at=AT)
        await service.post_suspense(
            unit,
            suspense_id=uuid4(),
            wallet_path=WALLET,
            amount=Money(33),
            subject_kind="order",
            subject_id=order_id,
            event_at=AT,
        )
        return equations(await queries.balances(unit)), await queries.parties(unit)

    (books,), (party,) = room.do(work)
    assert {group.kind: group.total.amount_minor for group in books.groups} == {
        "held": 495 + 33,
        "collecting": 70,
        "owed": 50,
        "unclear": 33,
        "sold": 570,
        "cost": 55,
    }
    assert (books.assets, books.sold, books.cost, books.owed) == (Money(598), Money(570), Money(55), Money(83))
    assert books.off == Money(0)
    assert (party.name, party.owed) == ("小王", (Money(50),))


def test_statements_of_one_party(room):
    async def work(unit):
        made = [await service.create_party(unit, name=name) for name in ("小王", "老李")]
        for party in made:
            await sell(unit, party=party)
            await service.draw_statement(unit, party, AT - timedelta(days=1), AT + timedelta(days=1))
        with pytest.raises(NotFound):
            await queries.one_statement(unit, uuid4())
        page = await queries.statements_page(unit, made[0], limit=9, offset=0)
        every = await queries.statements_page(unit, limit=1, offset=0)
        return page, every, await queries.one_statement(unit, page.rows[0].statement_id)

    page, every, one = room.do(work)
    assert (page.total, page.rows) == (1, (one,))
    assert (one.party_name, one.net, one.lines_count) == ("小王", Money(100), 1)
    assert (every.total, len(every.rows)) == (2, 1)
