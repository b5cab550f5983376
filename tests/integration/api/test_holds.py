"""Reserves and guards by API: put aside, posted whole or in part, released, run out; never overdrawn."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hutong.core.money import Money
from hutong.ledger.checks import check
from hutong.ledger.holds import expire_hold, hold
from hutong.ledger.service import Batch, Leg
from hutong.merchants.models import audit

HOLDS = "/ledger/holds"


def legs(amount, debit="external:a", credit="external:b", currency="CNY"):
    return [
        {"account": debit, "amount_minor": amount, "currency": currency},
        {"account": credit, "amount_minor": -amount, "currency": currency},
    ]


async def state(caller, account="external:a"):
    (found,) = (await caller.get("/ledger/accounts", under=account))["items"]
    return found["balance_minor"], found["pending_debit_minor"], found["pending_credit_minor"]


async def sound(caller):
    async with caller.room.unit() as unit:
        assert await check(unit) == []


def test_a_reserve_is_posted_in_part_and_the_rest_is_free(calling):
    async def work(caller):
        body = {"legs": legs(500), "key": "h", "subject_kind": "deposit", "expires_in_s": 900}
        first, again = await caller.send(HOLDS, body), await caller.send(HOLDS, body)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        hold_id = first.json()["hold_id"]
        assert await state(caller) == (0, 500, 0)
        assert await state(caller, "external:b") == (0, 0, -500)
        assert (await caller.get("/postings"))["items"] == [], "what is reserved is not posted"
        (item,) = (await caller.get(HOLDS))["items"]
        assert (item["hold_id"], item["state"], item["subject_kind"]) == (hold_id, "pending", "external.deposit")
        assert item["expires_at"] == (caller.room.clock.at + timedelta(seconds=900)).isoformat().replace("+00:00", "Z")
        assert await caller.refused(f"{HOLDS}/{hold_id}/post", {"legs": legs(501)}) == (422, "ledger_hold_exceeded")
        turned = {"legs": legs(5, "external:b", "external:a")}
        assert await caller.refused(f"{HOLDS}/{hold_id}/post", turned) == (422, "ledger_hold_exceeded")
        done = await caller.post(f"{HOLDS}/{hold_id}/post", {"legs": legs(200)})
        assert await caller.post(f"{HOLDS}/{hold_id}/post", {"legs": legs(200)}) == done
        assert await state(caller) == (200, 0, 0)
        assert await caller.refused(f"{HOLDS}/{hold_id}/post", {}) == (409, "ledger_hold_resolved")
        assert await caller.refused(f"{HOLDS}/{hold_id}/void") == (409, "ledger_hold_resolved")
        assert (await caller.get(f"{HOLDS}/{hold_id}"))["state"] == "posted"
        assert (await caller.get(HOLDS))["total"] == 0
        await sound(caller)

    calling(work)


def test_a_reserve_is_released_or_runs_out_and_a_late_repeat_learns_no_new_one(calling):
    async def work(caller):
        made = [(await caller.post(HOLDS, {"legs": legs(5), "expires_in_s": 60}, key=f"k{n}"))["hold_id"] for n in "ab"]
        await caller.post(f"{HOLDS}/{made[0]}/void")
        await caller.post(f"{HOLDS}/{made[0]}/void")
        caller.room.clock.advance(minutes=2)
        assert await caller.refused(f"{HOLDS}/{made[1]}/post", {}) == (409, "ledger_hold_resolved")
        async with caller.room.unit() as unit:
            assert await expire_hold(unit, UUID(made[1]))
        assert await state(caller) == (0, 0, 0)
        states = [(await caller.get(f"{HOLDS}/{hold_id}"))["state"] for hold_id in made]
        assert states == ["voided", "expired"]
        late = await caller.send(HOLDS, {"legs": legs(5), "expires_in_s": 60}, key="kb")
        assert (late.status_code, late.json()["hold_id"]) == (200, made[1])
        assert await caller.refused(HOLDS, {"legs": legs(6)}, key="kb") == (409, "ledger_key_reused")
        assert await caller.refused("/ledger/batches", {"legs": legs(5)}, key="kb") == (409, "ledger_key_reused")
        await sound(caller)

    calling(work)


def test_only_external_accounts_are_reserved_and_guarded(calling):
    own = Batch(
        idempotency_key="own",
        kind="share",
        subject_kind="order",
        subject_id=UUID(int=1),
        event_at=datetime(2026, 3, 1, tzinfo=UTC),
        legs=(Leg("wallet:wechatpay:1", Money(5)), Leg("revenue:sales", Money(-5))),
    )

    async def work(caller):
        for account in ("wallet:wechatpay:1", "revenue:sales", "payable:party:1"):
            found = await caller.refused(HOLDS, {"legs": legs(5, account), "key": "k"})
            assert found == (403, "ledger_not_external")
            body = {"account": account, "guard": "debit"}
            assert await caller.refused("/ledger/guards", body) == (403, "ledger_not_external")
        async with caller.room.unit() as unit:
            made = await hold(unit, own)
        for end in ("post", "void"):
            found = await caller.refused(f"{HOLDS}/{made.batch_id}/{end}", {})
            assert found == (403, "ledger_not_external")
            assert await caller.refused(f"{HOLDS}/{uuid4()}/{end}", {}) == (404, "not_found")
        assert await caller.refused("/ledger/guards", {"account": "external", "guard": "debit"}) == (
            422,
            "ledger_malformed",
        )
        bad = {"account": "external:a", "guard": "debit", "currency": "XXX"}
        assert await caller.refused("/ledger/guards", bad) == (400, "invalid_amount")
        for body in ({"account": "external:a", "guard": "both"}, {"account": "external:a"}):
            assert (await caller.send("/ledger/guards", body)).status_code == 400
        for life in (0, -1, 366 * 24 * 3600 + 1):
            answer = await caller.send(HOLDS, {"legs": legs(5), "key": "k", "expires_in_s": life})
            assert answer.status_code == 400
        reader = await caller.key("ledger:read")
        assert (await caller.send(HOLDS, {"legs": legs(5), "key": "k"}, **reader)).status_code == 403
        assert (
            await caller.send("/ledger/guards", {"account": "external:a", "guard": None}, **reader)
        ).status_code == 403
        await sound(caller)

    calling(work)


def test_a_guard_is_set_read_and_lifted(calling):
    async def work(caller):
        guarded = await caller.post("/ledger/guards", {"account": "external:a", "guard": "debit"})
        assert (guarded["guard"], guarded["headroom_minor"]) == ("debit", 0)
        less = {"legs": legs(-1), "key": "less"}
        assert await caller.refused("/ledger/batches", less) == (409, "ledger_overdrawn")
        await caller.post("/ledger/batches", {"legs": legs(100), "key": "more"})
        await caller.post(HOLDS, {"legs": legs(-70), "key": "held"})
        (item,) = (await caller.get("/ledger/guards"))["items"]
        assert (item["account"], item["headroom_minor"], item["pending_credit_minor"]) == ("external:a", 30, -70)
        assert await caller.refused("/ledger/batches", {"legs": legs(-31), "key": "less"}) == (409, "ledger_overdrawn")
        other = {"account": "external:a", "guard": "credit"}
        assert await caller.refused("/ledger/guards", other) == (409, "ledger_overdrawn")
        lifted = await caller.post("/ledger/guards", {"account": "external:a", "guard": None})
        assert (lifted["guard"], lifted["headroom_minor"]) == (None, None)
        assert (await caller.get("/ledger/guards"))["items"] == []
        await caller.post("/ledger/batches", {"legs": legs(-131), "key": "less"})
        async with caller.room.unit() as unit:
            rows = await unit.all(select(audit.c.action).where(audit.c.merchant_id == unit.merchant_id))
        assert sorted(row.action for row in rows) == ["guard.debit", "guard.lift"]
        await sound(caller)

    calling(work)


def test_twenty_reserves_at_once_never_overdraw_a_guarded_account(calling):
    async def work(caller):
        await caller.post("/ledger/batches", {"legs": legs(1_000), "key": "in"})
        await caller.post("/ledger/guards", {"account": "external:a", "guard": "debit"})
        bodies = [{"legs": legs(-150), "key": f"h{n}"} for n in range(20)]
        batches = [{"legs": legs(-150), "key": f"b{n}"} for n in range(5)]
        sent = [caller.send(HOLDS, body) for body in bodies]
        sent[10:10] = [caller.send("/ledger/batches", body) for body in batches]
        answers = await asyncio.gather(*sent)
        told = sorted(answer.status_code for answer in answers)
        assert told == [201] * 6 + [409] * 19
        balance, debit, credit = await state(caller)
        assert balance + credit == 1_000 - 6 * 150
        assert debit == 0
        open_now = (await caller.get(HOLDS, limit=200))["items"]
        assert credit == -150 * len(open_now)
        ends = [caller.send(f"{HOLDS}/{item['hold_id']}/{end}", {}) for item in open_now for end in ("post", "void")]
        ended = await asyncio.gather(*ends)
        assert sorted(answer.status_code for answer in ended) == [201] * len(open_now) + [409] * len(open_now)
        balance, debit, credit = await state(caller)
        assert (balance >= 0, debit, credit) == (True, 0, 0)
        await sound(caller)

    calling(work)


accounts = st.sampled_from(["external:a", "external:b", "external:c"])
amounts = st.integers(1, 300)
steps = st.one_of(
    st.tuples(st.just("batch"), accounts, accounts, amounts),
    st.tuples(st.just("hold"), accounts, accounts, amounts, st.sampled_from([None, 60, 3_600])),
    st.tuples(st.just("post"), st.integers(0, 30), st.sampled_from([None, 1, 2, 3])),
    st.tuples(st.just("void"), st.integers(0, 30)),
    st.tuples(st.just("expire"), st.integers(1, 90)),
)
#: Steps of a group are sent at the same time.
groups = st.lists(st.lists(steps, min_size=1, max_size=8), min_size=1, max_size=6)


class Trade:
    """What the answers say has happened."""

    def __init__(self, caller):
        self.caller, self.numbers = caller, itertools.count()
        self.posted = []  # (account, minor)
        self.held = {}  # id -> (debit, credit, minor); in the order they were made
        self.open = set()

    async def do(self, step):
        await getattr(self, f"_{step[0]}")(*step[1:])

    async def _batch(self, debit, credit, amount):
        if debit == credit:
            return
        answer = await self.caller.send("/ledger/batches", {"legs": legs(amount, debit, credit)}, key=self._key())
        if self._went(answer, "ledger_overdrawn"):
            self.posted += [(debit, amount), (credit, -amount)]

    async def _hold(self, debit, credit, amount, life):
        if debit == credit:
            return
        body = {"legs": legs(amount, debit, credit), "expires_in_s": life}
        answer = await self.caller.send(HOLDS, body, key=self._key())
        if self._went(answer, "ledger_overdrawn"):
            hold_id = answer.json()["hold_id"]
            self.held[hold_id] = (debit, credit, amount)
            self.open.add(hold_id)

    async def _post(self, number, part):
        if not self.held:
            return
        hold_id, (debit, credit, amount) = list(self.held.items())[number % len(self.held)]
        posted = amount if part is None else max(1, amount // part)
        body = {} if part is None else {"legs": legs(posted, debit, credit)}
        answer = await self.caller.send(f"{HOLDS}/{hold_id}/post", body)
        if self._went(answer, "ledger_hold_resolved") and hold_id in self.open:
            self.open.discard(hold_id)
            self.posted += [(debit, posted), (credit, -posted)]

    async def _void(self, number):
        if not self.held:
            return
        hold_id = list(self.held)[number % len(self.held)]
        answer = await self.caller.send(f"{HOLDS}/{hold_id}/void")
        if self._went(answer, "ledger_hold_resolved"):
            self.open.discard(hold_id)

    async def _expire(self, minutes):
        self.caller.room.clock.advance(minutes=minutes)
        for hold_id in list(self.held):
            async with self.caller.room.unit() as unit:
                if await expire_hold(unit, UUID(hold_id)):
                    self.open.discard(hold_id)

    def _key(self):
        return f"n{next(self.numbers)}"

    @staticmethod
    def _went(answer, refusal):
        """Whether it was done; only the one refusal is allowed."""
        if answer.status_code == 201:
            return True
        assert (answer.status_code, answer.json()["code"]) == (409, refusal), answer.text
        return False

    async def agrees(self):
        """The books say what the answers said."""
        found = {row["account"]: row for row in (await self.caller.get("/ledger/accounts", under="external"))["items"]}
        assert sum(row["balance_minor"] for row in found.values()) == 0
        for account, row in found.items():
            assert row["balance_minor"] == sum(minor for path, minor in self.posted if path == account)
            held = [self.held[hold_id] for hold_id in self.open]
            assert row["pending_debit_minor"] == sum(minor for debit, _, minor in held if debit == account)
            assert row["pending_credit_minor"] == -sum(minor for _, credit, minor in held if credit == account)
            assert row["headroom_minor"] is None or row["headroom_minor"] >= 0
        listed = (await self.caller.get(HOLDS, limit=200))["items"]
        assert {item["hold_id"] for item in listed} == self.open


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=groups)
def test_whatever_is_sent_at_once_the_books_agree_with_the_answers(calling, groups):
    async def work(caller):
        trade = Trade(caller)
        await caller.post("/ledger/guards", {"account": "external:a", "guard": "debit"})
        await caller.post("/ledger/guards", {"account": "external:c", "guard": "credit"})
        await trade.do(("batch", "external:a", "external:c", 400))
        for group in groups:
            await asyncio.gather(*(trade.do(step) for step in group))
            await trade.agrees()
        await sound(caller)

    calling(work)
