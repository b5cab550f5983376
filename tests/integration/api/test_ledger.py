"""Posting by API through the flusher: once, on disk, on external accounts only; balances of any moment; the chain."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from hutong.core.money import AMOUNT_MINOR_MAX, SUM_MINOR_MAX, Money
from hutong.ledger import jobs, service
from hutong.ledger.account_queries import balances
from hutong.ledger.checks import check
from hutong.ledger.equation import equations
from hutong.ledger.external import external_batch
from hutong.ledger.holds import hold
from hutong.ledger.models import ledger_batch
from hutong.ledger.queries import parties
from hutong.ledger.roots import seal_days
from hutong.ledger.service import Batch, Leg, Share
from hutong.ledger.snapshots import make_mark
from hutong.web.console.books import choices_of, sheets_of

ROOT = Path(__file__).resolve().parents[3]


def legs(amount, debit="external:a", credit="external:b", currency="CNY"):
    return [
        {"account": debit, "amount_minor": amount, "currency": currency},
        {"account": credit, "amount_minor": -amount, "currency": currency},
    ]


def test_a_batch_is_posted_once_and_other_content_is_refused(calling):
    async def work(caller):
        first = await caller.send("/ledger/batches", {"legs": legs(500)}, key="k1")
        again = await caller.send("/ledger/batches", {"legs": legs(500)}, key="k1")
        named = await caller.send("/ledger/batches", {"legs": legs(500), "key": "k1"})
        assert [answer.status_code for answer in (first, again, named)] == [201, 200, 200]
        assert first.json() == again.json() == named.json()
        assert first.json()["key"] == "external:k1"
        assert await caller.refused("/ledger/batches", {"legs": legs(501)}, key="k1") == (409, "ledger_key_reused")
        own = await caller.send("/ledger/batches", {"legs": legs(500), "key": "k1"}, key="another")
        assert (own.status_code, own.json()) == (200, first.json()), "a key of its own goes before the header"
        assert await caller.refused("/ledger/batches", {"legs": legs(1)}) == (400, "invalid_input")
        assert await caller.balance("external:a") == 500
        assert await caller.balance("external:b") == -500
        async with caller.room.unit() as unit:
            assert await check(unit) == []
            assert await unit.scalar(select(func.count()).where(ledger_batch.c.merchant_id == unit.merchant_id)) == 1

    calling(work)


def test_many_callers_at_once_share_flushes(calling):
    async def work(caller):
        bodies = [{"legs": legs(n + 1), "key": f"n{n % 40}"} for n in range(40)] * 2
        answers = await asyncio.gather(*(caller.send("/ledger/batches", body) for body in bodies))
        assert sorted(answer.status_code for answer in answers) == [200] * 40 + [201] * 40
        assert await caller.balance("external:a") == sum(range(1, 41))

    calling(work)


FORGED = [
    "wallet:wechatpay:018f0000-0000-7000-8000-000000000001",
    "receivable:taobao:1",
    "revenue:sales",
    "expense:commission",
    "payable:party:018f0000-0000-7000-8000-000000000001",
    "clearing:outside",
    "suspense:payments",
    "external",
    "externals:a",
    "External:a",
]


def test_no_account_of_the_hub_is_posted_to(calling):
    async def work(caller):
        for account in FORGED:
            for body in ({"legs": legs(5, debit=account)}, {"legs": legs(5, credit=account)}):
                found = await caller.refused("/ledger/batches", body, key=uuid4().hex)
                expected = (422, "ledger_malformed") if account == "external" else (403, "ledger_not_external")
                assert found == expected, account
        assert await caller.get("/accounts") == {"items": []}

    calling(work)


def test_a_caller_cannot_take_a_sales_key_nor_pass_for_one(calling):
    order = UUID(int=77)

    async def work(caller):
        body = {"legs": legs(5), "key": f"sale:{order}", "subject_kind": "order", "subject_id": str(order)}
        posted = await caller.post("/ledger/batches", body)
        async with caller.room.unit() as unit:
            sold = await service.post_sale(
                unit,
                order_id=order,
                wallet_path="wallet:wechatpay:1",
                gross=Money(1_000),
                fee=Money(6),
                party_shares=(),
                event_at=unit.now(),
            )
        assert sold.posted
        found = (await caller.get(f"/ledger/batches/{posted['batch_id']}"))["batch"]
        assert (found["kind"], found["subject_kind"]) == ("external", "external.order")
        async with caller.room.unit() as unit:
            (sums,) = equations(await balances(unit))
            assert (sums.sold, sums.cost, sums.assets, sums.off) == (Money(1_000), Money(6), Money(994), Money(0))
            assert await check(unit) == []

    calling(work)


BAD = [
    ({"legs": legs(5)[:1]}, 400),
    ({"legs": [*legs(5), {"account": "external:c", "amount_minor": 1}]}, 422),
    ({"legs": legs(0)}, 422),
    ({"legs": legs(SUM_MINOR_MAX + 1)}, 400),
    ({"legs": legs(5, currency="XXX")}, 400),
    ({"legs": legs(5, debit="external:坏")}, 422),
    ({"legs": legs(5, debit="external:" + "a" * 200)}, 400),
    ({"legs": legs(5), "event_at": "2026-01-01T00:00:00"}, 400),
    ({"legs": legs(5), "event_at": "0001-01-01T00:00:00+14:00"}, 400),
    ({"legs": legs(5), "event_at": "9999-12-31T23:59:59-12:00"}, 400),
    ({"legs": legs(5), "subject_kind": "Order 1"}, 422),
    ({"legs": legs(5), "key": "a\0b"}, 422),
    ({"legs": legs(5), "key": ""}, 400),
    ({"legs": legs(5), "key": "k" * 129}, 400),
    ({}, 400),
]


def test_what_must_not_stand_in_the_books_is_refused(calling):
    async def work(caller):
        for body, status in BAD:
            given = {"key": "k", **body}
            chinese = await caller.send("/ledger/batches", given, **{"accept-language": "zh-CN"})
            assert chinese.status_code == status, (body, chinese.text)
            english = await caller.send("/ledger/batches", given, **{"accept-language": "en"})
            assert chinese.json()["detail"] != english.json()["detail"]
        assert (await caller.get("/ledger/batches"))["chain_batches"] == 0

    calling(work)


def test_each_scope_opens_its_own_door(calling):
    async def work(caller):
        reader, writer = await caller.key("ledger:read"), await caller.key("ledger:write")
        body = {"legs": legs(5), "key": "k"}
        assert (await caller.send("/ledger/batches", body, **reader)).status_code == 403
        assert (await caller.send("/ledger/batches", body, **writer)).status_code == 201
        for path in ("batches", "days", "accounts", "balance?account=external:a"):
            found = [
                (await caller.client.get(f"/api/v1/ledger/{path}", headers=headers)).status_code
                for headers in (reader, writer)
            ]
            assert found == [200, 403]

    calling(work)


def test_a_balance_by_event_and_as_it_was_known(calling):
    async def work(caller):
        start = caller.room.clock.at
        await caller.post("/ledger/batches", {"legs": legs(100), "key": "1"})
        caller.room.clock.advance(days=2)
        late = (start + timedelta(hours=1)).isoformat()
        await caller.post("/ledger/batches", {"legs": legs(40), "key": "2", "event_at": late})

        then = (start + timedelta(hours=2)).isoformat()
        assert await caller.balance("external:a") == 140
        assert await caller.balance("external:a", at=then) == 140
        assert await caller.balance("external:a", known_at=then) == 100
        assert await caller.balance("external:a", at=start.isoformat()) == 100
        assert await caller.balance("external:a", at=(start - timedelta(seconds=1)).isoformat()) == 0
        assert await caller.balance("external:none") == 0
        assert await caller.balance("external:a", currency="USD") == 0
        for query in (
            {"at": then, "known_at": then},
            {"at": "2026-01-01T00:00:00"},
            {"at": "0001-01-01T00:00:00+14:00"},
            {"currency": "cny"},
            {"currency": "XXX"},
        ):
            answer = await caller.client.get("/api/v1/ledger/balance", params={"account": "external:a", **query})
            assert answer.status_code == 400, (query, answer.text)

    calling(work)


def test_other_merchants_see_nothing(calling):
    async def first(caller):
        posted = await caller.post("/ledger/batches", {"legs": legs(5), "key": "k"})
        return posted["batch_id"]

    batch_id = calling(first)

    async def second(caller):
        assert (await caller.client.get(f"/api/v1/ledger/batches/{batch_id}")).status_code == 404
        assert await caller.balance("external:a") == 0

    calling(second)


@pytest.mark.parametrize("kind", ["sale", "external"])
def test_the_doctor_finds_what_mixes_callers_accounts_with_the_hubs(room, kind):
    mixed = Batch(
        idempotency_key="mixed",
        kind=kind,
        subject_kind="order",
        subject_id=UUID(int=1),
        event_at=room.clock.at,
        legs=(Leg("external:a", Money(5)), Leg("wallet:wechatpay:1", Money(-5))),
    )

    async def work(unit):
        await service.post(unit, mixed)
        return await check(unit)

    assert [breach.rule for breach in room.do(work)] == ["ledger.external_apart"]


def test_the_api_describes_the_books_with_examples(calling):
    async def work(caller):
        told = (await caller.client.get("/api/openapi.json")).json()["paths"]
        for path in ("batches", "holds", "holds/{hold_id}/post", "guards"):
            body = told[f"/api/v1/ledger/{path}"]["post"]["requestBody"]["content"]["application/json"]
            assert body["examples"], path
        for path in (
            "batches",
            "batches/{batch_id}",
            "days",
            "accounts",
            "balance",
            "holds",
            "holds/{hold_id}",
            "guards",
        ):
            assert told[f"/api/v1/ledger/{path}"]["get"]["description"], path
        for path in ("batches", "guards", "holds"):
            content = told[f"/api/v1/ledger/{path}"]["post"]["requestBody"]["content"]["application/json"]
            for example in content["examples"].values():
                made = await caller.send(f"/ledger/{path}", example["value"])
                assert made.is_success, made.text
        part = told["/api/v1/ledger/holds/{hold_id}/post"]["post"]["requestBody"]["content"]["application/json"]
        ended = await caller.send(f"/ledger/holds/{made.json()['hold_id']}/post", part["examples"]["example"]["value"])
        assert ended.is_success, ended.text

    calling(work)


def test_callers_with_many_accounts_push_none_of_the_hubs_off_a_page(calling):
    async def work(caller):
        for number in range(6):
            many = [{"account": f"external:a:{number}.{n}", "amount_minor": 1} for n in range(199)]
            body = {"key": str(number), "legs": [*many, {"account": "external:a:sum", "amount_minor": -199}]}
            await caller.post("/ledger/batches", body)
        async with caller.room.unit() as unit:
            party = await service.create_party(unit, name="小林")
            await service.post_sale(
                unit,
                order_id=UUID(int=77),
                wallet_path="wallet:wechatpay:1",
                gross=Money(1_000),
                fee=Money(6),
                party_shares=[Share(party, Money(100))],
                event_at=unit.now(),
            )
            rows = await balances(unit)
            (owed,) = [row.owed for row in await parties(unit)]
        assert owed == (Money(100),)
        own = [row for row in rows if row.kind != "external"]
        assert rows[: len(own)] == tuple(own)
        assert len(own) == 6
        (sheet,) = sheets_of(rows, {})
        assert sheet.equation.off == Money(0)
        (group,) = [group for group in sheet.groups if group.kind == "external"]
        assert (len(group.rows), group.is_cut) == (50, True)
        assert choices_of(rows, "external:a:sum") == (*(row.path for row in own), "external", "external:a:sum")
        found = await caller.get("/ledger/accounts", under="external:a", limit=200, offset=1_000)
        assert len(found["items"]) == 6 * 199 + 1 - 1_000

    calling(work)


def verifier():
    """The script of the guide, as a module."""
    spec = importlib.util.spec_from_file_location("verify_books", ROOT / "examples/verify_books.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SPOILT = {
    "an amount": lambda batches, days: batches[1]["legs"][0].update(amount_minor=1),
    "an account": lambda batches, days: batches[0]["legs"][0].update(account="external:z"),
    "a time": lambda batches, days: batches[1].update(event_at=batches[0]["event_at"][:-7] + "1+00:00"),
    "an expiry": lambda batches, days: batches[2].update(expires_at=None),
    "a batch less": lambda batches, days: batches.pop(1),
    "the last one less": lambda batches, days: batches.pop(),
    "two that changed places": lambda batches, days: batches.insert(0, batches.pop(1)),
    "a day's place": lambda batches, days: days[0].update(last_sequence=1),
    "a root": lambda batches, days: days[0].update(root="00" * 32),
    "a day less": lambda batches, days: days.pop(0),
}


def test_an_outsider_can_hash_the_books_anew_and_finds_every_change(calling):
    async def work(caller):
        await caller.post("/ledger/batches", {"legs": legs(5), "key": "一"})
        posted = await caller.post("/ledger/batches", {"legs": legs(6, currency="USD"), "key": "2"})
        async with caller.room.unit() as unit:
            made = [
                await hold(unit, past(caller.room, n, unit.now(), 5), expires_at=unit.now() + timedelta(days=9))
                for n in range(3)
            ]
            await service.post_hold(unit, made[0].batch_id, event_at=unit.now(), legs=past(0, 0, unit.now(), 3).legs)
            await service.void_hold(unit, made[1].batch_id)
        caller.room.clock.advance(days=2)
        async with caller.room.unit() as unit:
            await seal_days(unit, ZoneInfo("Asia/Shanghai"))
        one = await caller.get(f"/ledger/batches/{posted['batch_id']}")
        days = (await caller.get("/ledger/days"))["items"][::-1]
        assert one["day"] == days[0]
        batches = (await caller.get("/ledger/batches", limit=4))["items"]
        page = await caller.get("/ledger/batches", after=4)
        batches += page["items"]
        assert page["chain_batches"] == len(batches) == 7
        assert [batch["phase"] for batch in batches[2:]] == ["held"] * 3 + ["settled", "voided"]
        assert (len(days), page["chain_hash"]) == (2, batches[-1]["hash"])
        script = verifier()
        kept = {days[1]["day"]: days[1]["root"]}
        assert script.problems(batches, days, kept) == []
        for name, spoil in SPOILT.items():
            other_batches, other_days = copy.deepcopy((batches, days))
            spoil(other_batches, other_days)
            assert script.problems(other_batches, other_days, kept), name
        assert script.problems(batches, days, {days[1]["day"]: "ff" * 32})
        assert script.problems(batches, days, {"2030-01-01": "ff" * 32})

    calling(work)


def past(room, number, event_at, amount):
    return Batch(
        idempotency_key=f"p{number}",
        kind="sale",
        subject_kind="order",
        subject_id=UUID(int=number + 1),
        event_at=event_at,
        legs=(Leg("wallet:wechatpay:1", Money(amount)), Leg("revenue:sales", Money(-amount))),
    )


async def grow(room, per_hour, hours):
    """Books of so many hours, every batch told in its own; all marks made."""
    async with room.unit() as unit:
        start = room.clock.at
        await service.post_many(
            unit,
            [
                past(room, hour * per_hour + n, start + timedelta(hours=hour, minutes=n * 59 // per_hour), 7)
                for hour in range(hours)
                for n in range(per_hour)
            ],
        )
    while True:
        async with room.unit() as unit:
            if not await make_mark(unit):
                break
    await analyse(room)


async def analyse(room):
    """What the server's housekeeping does some time after: without figures of the tables, plans are a guess."""
    owner = await room.database.connect_raw("owner")
    try:
        await owner.execute("ANALYZE ledger_batch, posting, account_flow, account_snapshot, ledger_mark")
    finally:
        await owner.close()


COUNTED = (
    "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables "
    "WHERE relname = ANY($1::text[])"
)


async def rows_read(room, tables, read):
    """Rows of some tables that ``read(unit)`` reads, as the server counts them, and what it found."""
    async with room.unit() as unit:
        before = (await unit.fetch(COUNTED, tables))[0][0]
        found = await read(unit)
        after = (await unit.fetch(COUNTED, tables))[0][0]
    return int(after - before), found


def cost(room, per_hour, hours, tables, read, minutes=0):
    """The cost of a read of the books of a fresh merchant, which are so long and so dense."""
    room.merchant_id = uuid4()

    async def work():
        start = room.clock.at
        await grow(room, per_hour, hours)
        return await rows_read(
            room, tables, lambda unit: read(unit, start + timedelta(hours=hours - 20, minutes=minutes))
        )

    return room.run(work)


async def sheet(unit, until):
    return {row.path: row.balance.amount_minor for row in await balances(unit, until)}


def test_a_past_sheet_costs_the_same_in_ten_times_as_dense_books(room, monkeypatch):
    monkeypatch.setattr(jobs, "MARK_BATCHES", 50)
    tables = ["ledger_batch", "posting", "account_flow"]
    few, small = cost(room, 5, 60, tables, sheet)
    many, large = cost(room, 50, 60, tables, sheet)
    assert small == {"wallet:wechatpay:1": 40 * 5 * 7, "revenue:sales": -40 * 5 * 7}
    assert large == {path: 10 * balance for path, balance in small.items()}
    assert 0 < many <= few * 1.2 + 100, (few, many)


async def one_account(unit, at):
    """What an account's page reads of the past."""
    path = "wallet:wechatpay:1"
    return [
        (await read(unit, path, "CNY", at - timedelta(microseconds=1))).amount_minor
        for read in (service.balance_at, service.balance_known_at)
    ]


@pytest.mark.parametrize("read", [sheet, pytest.param(one_account, marks=pytest.mark.long)])
def test_the_past_reads_no_more_batches_in_ten_times_as_long_books(room, monkeypatch, read):
    monkeypatch.setattr(jobs, "MARK_BATCHES", 50)
    tables = ["ledger_batch", "posting"]
    # Some batches lie behind the last mark, and some in the hour that is asked about: both are read one by one.
    few, _ = cost(room, 5, 61, tables, read, minutes=30)
    many, _ = cost(room, 5, 601, tables, read, minutes=30)
    assert 0 < many <= few * 1.2, (few, many)


def test_an_account_never_leaves_what_the_books_hold_and_the_caller_is_told(calling):
    async def work(caller):
        full = [Leg(path, Money(sign * AMOUNT_MINOR_MAX)) for sign, path in ((1, "external:a"), (-1, "external:b"))]
        async with caller.room.unit() as unit:
            given = {"subject_kind": "points", "subject_id": UUID(int=1), "event_at": unit.now(), "legs": full}
            await service.post(unit, external_batch(key="full", **given))
            await hold(unit, external_batch(key="held", **given))
        more = {"key": "more", "legs": legs(1, debit="external:a", credit="external:b")}
        answers = [
            await caller.send(path, more, "k", **{"accept-language": language})
            for path in ("/ledger/batches", "/ledger/holds")
            for language in ("zh-CN", "zh-TW", "en")
        ]
        assert [answer.status_code for answer in answers] == [422] * 6, [answer.text for answer in answers]
        assert {answer.json()["code"] for answer in answers} == {"ledger_beyond_books"}
        assert len({answer.json()["detail"] for answer in answers}) == 3
        assert (await caller.get("/ledger/batches"))["chain_batches"] == 2
        async with caller.room.unit() as unit:
            assert await check(unit) == []

    calling(work)
