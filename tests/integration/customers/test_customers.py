"""One identity, one customer; totals that are folds; nothing personal in the clear."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from hutong.core.errors import CurrencyMismatch, InvalidInput, NotFound
from hutong.core.money import Money
from hutong.customers import service
from hutong.customers.checks import check
from hutong.customers.identities import purpose_of
from hutong.customers.models import customer, identity
from hutong.customers.queries import customers_page, orders_of
from hutong.customers.service import CustomerOrder, Sighting
from hutong.db.keyring import Keyring
from hutong.db.tables import outbox
from hutong.db.vault import Vault

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


class MemoryStore:
    """Keeps wrapped keys the way the contract says; the real store is tested with the vault."""

    def __init__(self):
        self.rows = {}

    async def load(self, merchant_id):
        return [key for (owner, _), key in self.rows.items() if owner == merchant_id]

    async def add(self, merchant_id, key):
        self.rows.setdefault((merchant_id, key.key_id), key)

    async def replace(self, merchant_id, key, previous):
        raise NotImplementedError


@pytest.fixture
def vault(room, tmp_path):
    return Vault(Keyring.create(tmp_path / "vault.key"), MemoryStore(), room.clock)


async def told(unit):
    rows = await unit.all(select(outbox.c.name, outbox.c.body).where(outbox.c.merchant_id == unit.merchant_id))
    return [(row.name, row.body) for row in rows]


def test_a_person_is_made_once_and_told_once(room, vault):
    async def work():
        async with room.unit() as unit:
            first = await service.remember(unit, vault, "wechat_openid", OPENID, AT, name="李小明")
        async with room.unit() as unit:
            again = await service.remember(unit, vault, "wechat_openid", OPENID, AT + timedelta(days=2), name="王五")
        async with room.unit() as unit:
            early = await service.remember(unit, vault, "wechat_openid", OPENID, AT - timedelta(days=2))
            other = await service.remember(unit, vault, "taobao_buyer", OPENID, AT)
        async with room.unit() as unit:
            page = await customers_page(unit, limit=10, offset=0)
            return first, again, early, other, page, await told(unit), await check(unit)

    first, again, early, other, page, events, breaches = room.run(work)
    assert first == again == early
    assert other != first, "the same text on another platform is another identity"
    assert page.total == 2
    row = next(row for row in page.rows if row.customer_id == first)
    assert row.name_masked == "李**"
    assert (row.first_seen_at, row.last_seen_at) == (AT - timedelta(days=2), AT + timedelta(days=2))
    assert row.identity_kinds == ("wechat_openid",)
    assert [name for name, _ in events] == ["customers.customer_seen"] * 2
    assert breaches == []


def test_nothing_personal_is_stored_or_told_in_the_clear(room, vault):
    async def work():
        async with room.unit() as unit:
            await service.remember(unit, vault, "wechat_openid", OPENID, AT, name="李小明")
        async with room.unit() as unit:
            row = await unit.one(select(identity).where(identity.c.merchant_id == unit.merchant_id))
            opened = await vault.open(room.merchant_id, purpose_of("wechat_openid"), row.value_sealed)
            return row, opened, await told(unit)

    row, opened, events = room.run(work)
    assert opened == OPENID.encode()
    for stored in (row.value_index, row.value_sealed, *(body for _, body in events)):
        assert OPENID.encode() not in stored
        assert "李小明".encode() not in stored


def test_twenty_at_once_are_one_person(room, vault):
    async def one(no):
        async with room.unit() as unit:
            return await service.remember(unit, vault, "wechat_openid", OPENID, AT + timedelta(minutes=no))

    async def work():
        found = await asyncio.gather(*(one(no) for no in range(20)))
        async with room.unit() as unit:
            people = await unit.scalar(select(func.count()).where(customer.c.merchant_id == unit.merchant_id))
            return set(found), people, await told(unit), await check(unit)

    found, people, events, breaches = room.run(work)
    assert len(found) == people == len(events) == 1
    assert breaches == []


def test_many_at_once_from_two_imports_that_overlap(room, vault):
    def sightings(numbers):
        return [Sighting(value=f"c{no}", seen_at=AT + timedelta(hours=no), name="张三") for no in numbers]

    async def one(numbers):
        async with room.unit() as unit:
            return await service.remember_many(unit, vault, "generic", sightings(numbers))

    async def work():
        left, right = await asyncio.gather(one(range(3_000)), one(range(2_999, 999, -1)))
        twice = await one([7, 7, 8])
        async with room.unit() as unit:
            return (
                left,
                right,
                twice,
                await customers_page(unit, limit=1, offset=0),
                await told(unit),
                await check(unit),
            )

    left, right, twice, page, events, breaches = room.run(work)
    assert page.total == len(set(left.values())) == 3_000
    assert all(left[value] == customer_id for value, customer_id in right.items())
    assert twice == {"c7": left["c7"], "c8": left["c8"]}
    assert {name for name, _ in events} == {"customers.customers_seen"}
    assert breaches == []


@pytest.mark.parametrize(
    ("kind", "value", "at"),
    [
        ("", "x", AT),
        ("k" * 41, "x", AT),
        ("generic", "", AT),
        ("generic", "字" * 200, AT),
        ("generic", "x", AT.replace(tzinfo=None)),
    ],
)
def test_what_cannot_be_an_identity_is_refused(room, vault, kind, value, at):
    async def work(unit):
        with pytest.raises(InvalidInput):
            await service.remember(unit, vault, kind, value, at)

    room.do(work)


def test_orders_and_refunds_count_once_in_their_currency(room, vault):
    async def work():
        order, pounds = uuid4(), uuid4()
        async with room.unit() as unit:
            who = await service.remember(unit, vault, "generic", "c1", AT)
            with pytest.raises(NotFound):
                await service.record_refund(unit, who, order_id=order, refunded_total=Money(1))
            counted = [await service.record_order(unit, who, order_id=order, amount=Money(500), at=AT) for _ in "ab"]
            await service.record_order(unit, who, order_id=pounds, amount=Money(70, "GBP"), at=AT + timedelta(days=1))
            refunds = [
                await service.record_refund(unit, who, order_id=order, refunded_total=Money(minor))
                for minor in (200, 200, 500, 200)
            ]
            with pytest.raises(CurrencyMismatch):
                await service.record_refund(unit, who, order_id=order, refunded_total=Money(501, "GBP"))
            page = await customers_page(unit, limit=10, offset=0)
            orders = await orders_of(unit, who, limit=10)
            with pytest.raises(NotFound):
                await orders_of(unit, uuid4(), limit=10)
            return (
                counted,
                refunds,
                page.rows[0].money,
                [row.order_id for row in orders] == [pounds, order],
                await check(unit),
            )

    counted, refunds, money, in_order, breaches = room.run(work)
    assert counted == [True, False]
    assert refunds == [True, False, True, False]
    assert [(m.orders_count, m.spent, m.refunded) for m in money] == [
        (1, Money(500), Money(500)),
        (1, Money(70, "GBP"), Money(0, "GBP")),
    ]
    assert in_order
    assert breaches == []


def test_many_orders_at_once_with_return_documents(room, vault):
    async def work(unit):
        who = await service.remember_many(unit, vault, "generic", [Sighting(value=v, seen_at=AT) for v in "abc"])
        orders = [
            CustomerOrder(order_id=uuid4(), customer_id=who["abc"[no % 3]], amount=Money(no, "GBP"), at=AT)
            for no in range(1, 301)
        ]
        document = CustomerOrder(
            order_id=uuid4(),
            customer_id=who["a"],
            amount=Money(0, "GBP"),
            refunded=Money(40, "GBP"),
            is_refund=True,
            at=AT,
        )
        first = await service.record_orders_many(unit, [*orders, document])
        again = await service.record_orders_many(unit, [*orders, document])
        page = await customers_page(unit, limit=10, offset=0)
        return first, again, {row.customer_id: row.money for row in page.rows}, who, await check(unit)

    first, again, money, who, breaches = room.do(work)
    assert (first, again) == (301, 0)
    assert sum(entry[0].spent.amount_minor for entry in money.values()) == sum(range(1, 301))
    assert money[who["a"]][0].orders_count == 100
    assert money[who["a"]][0].refunded == Money(40, "GBP")
    assert breaches == []


TAMPERING = {
    "a total": ("UPDATE customer_total SET spent_minor = spent_minor + 1", "total_is_fold"),
    "an order": ("UPDATE customer_order SET amount_minor = amount_minor + 1", "total_is_fold"),
    "a total is gone": ("DELETE FROM customer_total", "total_is_fold"),
    "a customer is gone": ("DELETE FROM customer", "identity_leads_to_one"),
    "an identity is gone": ("DELETE FROM identity", "identity_leads_to_one"),
    "a refund": ("UPDATE customer_order SET refunded_minor = 501", "refund_within_order"),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found(room, vault, name):
    statement, rule = TAMPERING[name]

    async def fill(unit):
        who = await service.remember(unit, vault, "generic", "c1", AT)
        await service.record_order(unit, who, order_id=uuid4(), amount=Money(500), at=AT)

    room.do(fill)
    assert room.do(check) == []
    room.as_owner(statement)
    assert f"customers.{rule}" in {breach.rule for breach in room.do(check)}
