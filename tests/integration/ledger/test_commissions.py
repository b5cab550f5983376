"""Commissions on a real database: rules refused with their reason, and every fen from estimated to settled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_splits import BOSS, CLERK, breaches, figures, give_back, paid, party_with_rule, sell

from hutong.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from hutong.core.money import Money
from hutong.ledger import service
from hutong.ledger.account_queries import balances
from hutong.ledger.commission_queries import commission_totals, commissions_of, moves_of, totals_by_party
from hutong.ledger.commissions import commission_rows, confirm, due_at_of, month_of, restart_window
from hutong.ledger.parties import channels_of, give_channel, introduce, know_customer
from hutong.ledger.payout_queries import due_outside_minor, outside_payments
from hutong.ledger.payouts import (
    net_debts,
    record_outside_payment,
    record_shared,
    record_taken_back,
    stand_outside,
)
from hutong.ledger.refusals import (
    IntroducerRefused,
    OutsidePaymentTooLarge,
    PartyCapExceeded,
    PaysForRecruiting,
    RuleRefused,
    TooManyLevels,
    TotalCapExceeded,
)
from hutong.ledger.rule_terms import RuleKind, RuleScope, RuleTerms, TierBy, TierStep
from hutong.ledger.split_models import commission
from hutong.ledger.split_rules import NewRule, end_rule, make_rule, replace_rule, rules_page
from hutong.ledger.split_terms import SplitTerms, get_terms, set_terms
from hutong.links.service import ChannelKind, create_channel, create_link
from hutong.merchants.service import create_merchant
from hutong.workflows.commands.split_rule import make_split_rule, replace_split_rule


def test_a_commission_goes_from_estimated_to_paid_outside(room):
    async def first(unit):
        party = await party_with_rule(unit)
        return party, await sell(unit), await figures(unit, party)

    party, order_id, estimated = room.do(first)
    assert estimated == {
        "estimated": 1_000, "confirmed": 0, "outside": 0, "settled": 0, "reversed": 0, "owed_back": 0,
    }  # fmt: skip
    assert room.do(lambda unit: confirm(unit, order_id)) is False, "the window is not over"
    room.clock.advance(days=7)

    async def second(unit):
        confirmed = await confirm(unit, order_id), await confirm(unit, order_id)
        rows = await commission_rows(unit, order_id)
        waiting = await figures(unit, party)
        await stand_outside(unit, [row.commission_id for row in rows], "no_receiver")
        outside = await figures(unit, party)
        with pytest.raises(OutsidePaymentTooLarge):
            await record_outside_payment(
                unit, BOSS, party_id=party, amount=Money(1_001), paid_by="李", paid_at=unit.now(), reference="b-1"
            )
        terms = {"party_id": party, "paid_by": "李", "paid_at": unit.now()}
        with pytest.raises(Forbidden):
            await record_outside_payment(unit, CLERK, amount=Money(1), reference="b-0", **terms)
        await record_outside_payment(unit, BOSS, amount=Money(400), reference="b-1", **terms)
        with pytest.raises(Conflict):
            await record_outside_payment(unit, BOSS, amount=Money(1), reference="b-1", **terms)
        part = await figures(unit, party), (await commission_rows(unit, order_id))[0].state
        await record_outside_payment(unit, BOSS, amount=Money(600), reference="b-2", **terms)
        listed = [payment.reference for payment in await outside_payments(unit, party, limit=9)]
        assert sorted(listed) == ["b-1", "b-2"]
        moves = await moves_of(unit, rows[0].commission_id)
        last = (await commissions_of(unit, party, limit=9)).rows[0]
        return confirmed, waiting, outside, part, await figures(unit, party), moves, last, await breaches(unit)

    confirmed, waiting, outside, part, done, moves, last, broken = room.do(second)
    assert confirmed == (True, False)
    assert (waiting["confirmed"], waiting["outside"], waiting["estimated"]) == (1_000, 0, 0)
    assert (outside["confirmed"], outside["outside"]) == (0, 1_000)
    assert (part[0]["outside"], part[0]["settled"], part[1]) == (600, 400, "confirmed")
    assert (done["outside"], done["settled"]) == (0, 1_000)
    assert sorted((move.kind, move.amount_minor) for move in moves) == [("outside", 400), ("outside", 600)]
    assert (last.state, last.outside_reason, last.owed, last.party_name) == ("settled", None, Money(0), "小林")
    assert broken == []


def test_a_shipment_begins_the_window_anew(room):
    async def work(unit):
        await party_with_rule(unit)
        order_id = await sell(unit)
        before = await due_at_of(unit, order_id)
        room.clock.advance(days=3)
        await restart_window(unit, order_id, unit.now())
        return before, await due_at_of(unit, order_id), await due_at_of(unit, uuid4())

    before, after, nothing = room.do(work)
    assert after - before == timedelta(days=3)
    assert nothing is None


@pytest.mark.parametrize("state", ["estimated", "confirmed", "shared", "outside"])
def test_refunds_claw_back_in_proportion_at_every_state(room, state):
    async def work(unit):
        party = await party_with_rule(unit)
        order_id = await sell(unit)
        if state != "estimated":
            room.clock.advance(days=7)
            await confirm(unit, order_id)
        if state == "shared":
            await record_shared(unit, paid("s1", party, order_id, 1_000))
        if state == "outside":
            await stand_outside(unit, [row.commission_id for row in await commission_rows(unit, order_id)], "ratio")
            await record_outside_payment(
                unit, BOSS, party_id=party, amount=Money(1_000), paid_by="李", paid_at=unit.now(), reference="x"
            )
        await give_back(unit, order_id, 3_333)
        some = await figures(unit, party)
        await give_back(unit, order_id, 6_667, before=3_333)
        rows = await commission_rows(unit, order_id)
        return some, await figures(unit, party), rows[0].state, await breaches(unit)

    some, all_back, last, broken = room.do(work)
    assert (some["reversed"], all_back["reversed"], last) == (333, 1_000, "reversed")
    was_paid = state in ("shared", "outside")
    assert (some["owed_back"], all_back["owed_back"]) == ((333, 1_000) if was_paid else (0, 0))
    assert broken == []


def test_what_is_owed_back_is_netted_with_the_next_payment(room):
    async def work(unit):
        party = await party_with_rule(unit)
        first = await sell(unit)
        room.clock.advance(days=8)
        await confirm(unit, first)
        await record_shared(unit, paid("s1", party, first, 1_000))
        await give_back(unit, first, 4_000)
        second = await sell(unit)
        room.clock.advance(days=8)
        await confirm(unit, second)
        await stand_outside(unit, [row.commission_id for row in await commission_rows(unit, second)], "no_receiver")
        due = await due_outside_minor(unit, party, "CNY")
        with pytest.raises(OutsidePaymentTooLarge):
            await record_outside_payment(
                unit, BOSS, party_id=party, amount=Money(601), paid_by="李", paid_at=unit.now(), reference="x"
            )
        await record_outside_payment(
            unit, BOSS, party_id=party, amount=Money(600), paid_by="李", paid_at=unit.now(), reference="x"
        )
        rows = [*await commission_rows(unit, first), *await commission_rows(unit, second)]
        moves = [sorted((m.kind, m.amount_minor) for m in await moves_of(unit, row.commission_id)) for row in rows]
        return due, moves, [row.state for row in rows], await figures(unit, party), await breaches(unit)

    due, moves, states, totals, broken = room.do(work)
    assert due == 600
    assert moves == [[("netted", -400), ("shared", 1_000)], [("netted", 400), ("outside", 600)]]
    assert states == ["settled", "settled"]
    assert (totals["settled"], totals["owed_back"], totals["outside"]) == (1_600, 0, 0)
    assert broken == []


def test_what_the_wallet_took_back_leaves_no_debt(room):
    async def work(unit):
        party = await party_with_rule(unit)
        order_id = await sell(unit)
        room.clock.advance(days=8)
        await confirm(unit, order_id)
        await record_shared(unit, paid("s1", party, order_id, 1_000))
        await record_taken_back(unit, paid("r1", party, order_id, 500))
        between = await figures(unit, party)
        await give_back(unit, order_id, 4_000)
        reopened = (await commission_rows(unit, order_id))[0]
        return between, await figures(unit, party), reopened, await breaches(unit)

    between, totals, row, broken = room.do(work)
    assert (between["settled"], between["outside"]) == (500, 500)
    assert (totals["settled"], totals["reversed"], totals["outside"], totals["owed_back"]) == (500, 400, 100, 0)
    assert (row.state, row.outside_reason) == ("confirmed", "taken_back")
    assert broken == []


def test_each_refusal_has_its_reason(room):
    async def refused(unit, error, **fields):
        with pytest.raises(error) as told:
            await make_rule(unit, NewRule(**fields))
        assert "?" not in told.value.text("en").sentence + told.value.text("zh").sentence

    async def work(unit):
        ling, wu, mei = [await service.create_party(unit, name=name) for name in "林吴梅"]
        weibo, douyin = uuid4(), uuid4()
        await introduce(unit, ling, wu)
        await introduce(unit, wu, mei)
        await give_channel(unit, ling, weibo)
        with pytest.raises(Conflict):
            await give_channel(unit, wu, weibo)
        for below, above in ((wu, mei), (mei, ling), (mei, mei)):
            with pytest.raises(IntroducerRefused):
                await introduce(unit, below, above)
        percent = RuleTerms(rate_bps=1_000)
        await refused(unit, PaysForRecruiting, party_id=ling, terms=percent, paid_for="recruiting")
        await refused(unit, RuleRefused, party_id=ling, terms=RuleTerms())
        await refused(unit, TooManyLevels, party_id=ling, terms=percent, level=3)
        await refused(unit, TooManyLevels, party_id=mei, terms=percent, scope=RuleScope(person_id=ling))
        await refused(unit, TooManyLevels, party_id=mei, terms=percent, scope=RuleScope(channel_id=weibo))
        await refused(unit, NotFound, party_id=ling, terms=percent, scope=RuleScope(person_id=uuid4()))
        second = await make_rule(unit, NewRule(party_id=wu, terms=percent, scope=RuleScope(channel_id=weibo)))
        await make_rule(unit, NewRule(party_id=ling, terms=RuleTerms(rate_bps=3_500), scope=RuleScope(person_id=ling)))
        await refused(unit, TotalCapExceeded, party_id=ling, terms=percent, scope=RuleScope(channel_id=weibo))
        await make_rule(unit, NewRule(party_id=ling, terms=percent, scope=RuleScope(channel_id=douyin)))
        cap = NewRule(party_id=ling, kind=RuleKind.CAP, terms=RuleTerms(order_max_bps=1_500))
        await make_rule(unit, cap)
        await refused(unit, PartyCapExceeded, party_id=ling, terms=percent, scope=RuleScope(channel_id=douyin))
        rules = {row.rule.rule_id: row.rule for row in (await rules_page(unit, limit=50, offset=0)).rows}
        return rules[second].level, await channels_of(unit, ling) == (weibo,)

    assert room.do(work) == (2, True)


def test_what_rules_promise_together_is_refused_in_whatever_order_they_come(room):
    """A sale of a channel's SKU meets the rule of the channel, of the SKU, and of every sale; two links never meet."""

    async def work(unit):
        ling, wu, mei = [await service.create_party(unit, name=name) for name in "林吴梅"]
        channels = [await create_channel(unit, ChannelKind.POST, "weibo", name) for name in ("微博", "微博二号")]
        links = [(await create_link(unit, one, "杯", url="https://weibo.com/1")).link_id for one in channels]
        sku = uuid4()

        async def make(party, rate_bps, **scope):
            terms = RuleTerms(rate_bps=rate_bps)
            return await make_split_rule(unit, NewRule(party_id=party, terms=terms, scope=RuleScope(**scope)))

        await make(ling, 2_000, channel_id=channels[0])
        await make(wu, 2_000, sku_id=sku)
        with pytest.raises(TotalCapExceeded):
            await make(mei, 2_000)
        await make(mei, 1_000)
        await make(wu, 2_000, link_id=links[1])
        with pytest.raises(TotalCapExceeded):
            await make(mei, 2_000, link_id=links[0])
        with pytest.raises(TotalCapExceeded):
            await make(mei, 100, live_session_id=channels[0])
        return len((await rules_page(unit, limit=9, offset=0)).rows)

    assert room.do(work) == 4


@pytest.mark.parametrize("named", ["link_id", "live_session_id"])
def test_rules_by_link_and_by_live_session_know_whose_they_are(room, named):
    """Who stands above the owner of the link's channel, or of the session, is paid as such or refused as such."""

    async def work(unit):
        ling, wu, mei = [await service.create_party(unit, name=name) for name in "林吴梅"]
        await introduce(unit, ling, wu)
        await introduce(unit, wu, mei)
        channel = await create_channel(unit, ChannelKind.LIVE, "douyin", "周六直播")
        other = await create_channel(unit, ChannelKind.POST, "weibo", "微博")
        await give_channel(unit, ling, channel)
        link = await create_link(unit, channel, "杯", url="https://weibo.com/1")
        wanted = {"link_id": link.link_id, "live_session_id": channel}[named]
        scope = RuleScope(**{named: wanted})

        async def make(party, rate_bps):
            return await make_split_rule(unit, NewRule(party_id=party, terms=RuleTerms(rate_bps=rate_bps), scope=scope))

        with pytest.raises(TooManyLevels) as told:
            await make(mei, 300)
        rules = [await make(ling, 1_000), await make(wu, 200)]
        await replace_split_rule(unit, rules[1], NewRule(party_id=wu, terms=RuleTerms(rate_bps=300), scope=scope))
        facts = {"channel_id": channel, "live_session_id": channel, "link_id": link.link_id}
        await sell(unit, **facts)
        await sell(unit, **facts | {named: uuid4()})
        await sell(unit, channel_id=other)
        totals = await totals_by_party(unit)
        levels = {row.rule.party_id: row.rule.level for row in (await rules_page(unit, limit=9, offset=0)).rows}
        earned = {party: rows[0].estimated.amount_minor for party, rows in totals.items()}
        third = NewRule(party_id=mei, terms=RuleTerms(rate_bps=300), scope=scope)
        with pytest.raises(TooManyLevels):
            await replace_split_rule(unit, rules[0], third)
        return told.value.text("zh").cause, levels == {ling: 1, wu: 2}, earned == {ling: 1_000, wu: 300}

    reason, levels, earned = room.do(work)
    assert reason
    assert (levels, earned) == (True, True)


def test_a_rule_by_a_link_that_is_not_there(room):
    async def work(unit):
        party = await service.create_party(unit, name="林")
        new = NewRule(party_id=party, terms=RuleTerms(rate_bps=1), scope=RuleScope(link_id=uuid4()))
        with pytest.raises(NotFound):
            await make_split_rule(unit, new)

    room.do(work)


def test_a_change_of_a_rule_is_a_new_version(room):
    async def work(unit):
        party = await service.create_party(unit, name="林")
        old = await service.create_rule(unit, party_id=party, rate_bps=3_000)
        new = await replace_rule(unit, old, NewRule(party_id=party, terms=RuleTerms(rate_bps=5_000)))
        with pytest.raises(NotFound):
            await replace_rule(unit, old, NewRule(party_id=party, terms=RuleTerms(rate_bps=1)))
        listed = await rules_page(unit, limit=9, offset=0, with_ended=True)
        return old, new, listed, (await rules_page(unit, limit=9, offset=0)).total

    old, new, listed, still_open = room.do(work)
    assert (listed.total, still_open) == (2, 1)
    by_id = {row.rule.rule_id: row for row in listed.rows}
    assert by_id[new].replaces_rule_id == old
    assert by_id[old].ended_at is not None
    assert by_id[old].rule.terms.rate_bps == 3_000


def test_the_introducer_and_ones_own_purchases(room):
    buyer, channel = uuid4(), uuid4()

    async def work(unit):
        wu = await service.create_party(unit, name="吴")
        ling = await service.create_party(unit, name="林", introduced_by=wu)
        await know_customer(unit, ling, buyer)
        await give_channel(unit, ling, channel)
        await make_rule(unit, NewRule(party_id=ling, terms=RuleTerms(rate_bps=1_000), scope=RuleScope(person_id=ling)))
        await make_rule(unit, NewRule(party_id=wu, terms=RuleTerms(rate_bps=200), level=2))
        await sell(unit, channel_id=channel)
        await sell(unit, channel_id=channel, customer_id=buyer)
        await sell(unit, channel_id=uuid4())
        totals = await totals_by_party(unit)
        return [totals[party][0].estimated.amount_minor for party in (ling, wu)], await breaches(unit)

    earned, broken = room.do(work)
    assert earned == [1_000, 200]
    assert broken == []


def test_a_month_fills_a_tier_and_a_limit_and_the_next_begins_anew(room):
    async def work(unit):
        await create_merchant(unit, "店")
        party = await service.create_party(unit, name="林")
        steps = (TierStep(0, 0), TierStep(15_000, 1_000))
        tier = RuleTerms(steps=steps, by=TierBy.TURNOVER)
        await make_rule(unit, NewRule(party_id=party, kind=RuleKind.TIER, terms=tier))
        limited = RuleTerms(rate_bps=100, period_max_minor=250)
        await make_rule(unit, NewRule(party_id=party, terms=limited))
        given = []
        for _ in range(3):
            order_id = await sell(unit)
            given.append(sorted(row.amount_minor for row in await commission_rows(unit, order_id)))
        await give_back(unit, order_id, 10_000)  # the last sale no longer counts
        order_id = await sell(unit)
        given.append(sorted(row.amount_minor for row in await commission_rows(unit, order_id)))
        room.clock.advance(days=31)
        order_id = await sell(unit)
        given.append(sorted(row.amount_minor for row in await commission_rows(unit, order_id)))
        return given, await breaches(unit)

    given, broken = room.do(work)
    assert given == [[0, 100], [100, 500], [50, 1_000], [50, 1_000], [0, 100]]
    assert broken == []


def test_a_month_is_the_merchants_own():
    start, end = month_of(datetime(2026, 12, 31, 16, 30, tzinfo=UTC), "Asia/Shanghai")
    assert (start.isoformat(), end.isoformat()) == ("2027-01-01T00:00:00+08:00", "2027-02-01T00:00:00+08:00")


def test_the_merchants_terms(room):
    async def work(unit):
        before = await get_terms(unit)
        await set_terms(unit, SplitTerms(total_cap_bps=2_000, return_window_days=15))
        for wrong in (SplitTerms(total_cap_bps=10_001), SplitTerms(return_window_days=-1)):
            with pytest.raises(InvalidInput):
                await set_terms(unit, wrong)
        party = await service.create_party(unit, name="林")
        with pytest.raises(TotalCapExceeded):
            await service.create_rule(unit, party_id=party, rate_bps=2_001)
        rule = await service.create_rule(unit, party_id=party, rate_bps=2_000)
        order_id = await sell(unit)
        await set_terms(unit, SplitTerms(total_cap_bps=500))
        cut = await commission_rows(unit, await sell(unit))
        await end_rule(unit, rule)
        return before, await due_at_of(unit, order_id) - unit.now(), cut[0].amount_minor

    before, window, cut = room.do(work)
    assert (before.total_cap_bps, before.return_window_days) == (5_000, 7)
    assert (window, cut) == (timedelta(days=15), 500)


steps = st.one_of(
    st.tuples(st.just("sale"), st.integers(100, 50_000)),
    st.tuples(st.just("refund"), st.integers(0, 9), st.integers(1, 30_000)),
    st.tuples(st.just("passing"), st.integers(1, 9)),
    st.tuples(st.just("share"), st.integers(0, 9), st.integers(1, 9_999)),
    st.tuples(st.just("take_back"), st.integers(0, 9), st.integers(1, 9_999)),
    st.tuples(st.just("outside"), st.integers(1, 9_999)),
    st.tuples(
        st.just("net"),
    ),
)


class Life:
    """One party with two rules, and what happens to it."""

    def __init__(self, room):
        self.room = room
        self.party = None
        self.orders = []  # [order id, gross, refunded]

    async def begin(self, unit):
        self.party = await service.create_party(unit, name="林")
        await service.create_rule(unit, party_id=self.party, rate_bps=1_000)
        await service.create_rule(unit, party_id=self.party, rate_bps=333)

    def pick(self, which):
        return self.orders[which % len(self.orders)] if self.orders else [uuid4(), 0, 0]

    async def sale(self, unit, gross):
        self.orders.append([await sell(unit, gross, gross // 200), gross, 0])

    async def passing(self, unit, days):
        self.room.clock.advance(days=days)
        for order_id, _, _ in self.orders:
            await confirm(unit, order_id)

    async def outside(self, unit, wanted):
        rows = [row.commission_id for order, _, _ in self.orders for row in await commission_rows(unit, order)]
        await stand_outside(unit, rows, "ratio")
        amount = min(wanted, await due_outside_minor(unit, self.party, "CNY"))
        if amount:
            terms = {"paid_by": "李", "paid_at": unit.now(), "reference": uuid4().hex}
            await record_outside_payment(unit, BOSS, party_id=self.party, amount=Money(amount), **terms)

    async def net(self, unit):
        await net_debts(unit, self.party, "CNY", commission.c.state == "confirmed")

    async def refund(self, unit, which, wanted):
        order = self.pick(which)
        amount = min(wanted, order[1] - order[2])
        if amount:
            await give_back(unit, order[0], amount, before=order[2], gross=order[1])
            order[2] += amount

    async def share(self, unit, which, wanted):
        order = self.pick(which)
        rows = await commission_rows(unit, order[0])
        amount = min(wanted, sum(row.amount_minor - row.settled_minor for row in rows))
        if amount and all(row.state == "confirmed" for row in rows):
            await record_shared(unit, paid(uuid4().hex, self.party, order[0], amount))

    async def take_back(self, unit, which, wanted):
        order = self.pick(which)
        amount = min(wanted, sum(row.settled_minor for row in await commission_rows(unit, order[0])))
        if amount:
            await record_taken_back(unit, paid(uuid4().hex, self.party, order[0], amount))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=4, max_size=20))
def test_any_life_leaves_books_that_agree_with_the_commissions(room, steps_of_life):
    room.merchant_id = uuid4()
    life = Life(room)

    async def work():
        async with room.unit() as unit:
            await life.begin(unit)
        for kind, *args in steps_of_life:
            async with room.unit() as unit:
                await getattr(life, kind)(unit, *args)
        async with room.unit() as unit:
            return (
                await breaches(unit),
                await commission_totals(unit, life.party),
                await owed_by_books(unit, life.party),
            )

    broken, totals, owed = room.run(work)
    assert broken == []
    for total in totals:
        due = total.estimated.amount_minor + total.confirmed.amount_minor + total.outside.amount_minor
        assert due - total.owed_back.amount_minor == owed


async def owed_by_books(unit, party):
    """What the books say the party is owed."""
    path = service.party_path(party)
    return sum(-row.balance.amount_minor for row in await balances(unit) if row.path == path)
