"""Split rules: each kind by worked figures, and for any rules whatever: exact, within limits, in any order."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hutong.core.money import Money
from hutong.ledger.refusals import PaysForRecruiting, RuleRefused
from hutong.ledger.rule_terms import (
    FixedPer,
    Rule,
    RuleBase,
    RuleKind,
    RuleScope,
    RuleTerms,
    TierBy,
    TierMode,
    TierStep,
    verify_ground,
    verify_terms,
)
from hutong.ledger.rules import CutReason, Person, Sold, SoldLine, Standing, levels_above, work_out

LING, WU, MEI = (UUID(int=no) for no in (1, 2, 3))
CUP, TEA = UUID(int=101), UUID(int=102)
POTTERY = UUID(int=201)
WEIBO = UUID(int=301)
BUYER = UUID(int=401)
STEPS = (TierStep(0, 500), TierStep(10_000, 1_000), TierStep(50_000, 2_000))
EXAMPLES = 500


def rule(no, party=LING, kind=RuleKind.PERCENT, priority=100, level=1, base=RuleBase.GROSS, scope=None, **terms):
    made = RuleTerms(**terms)
    verify_terms(kind, made)
    return Rule(
        rule_id=UUID(int=1_000 + no),
        party_id=party,
        kind=kind,
        terms=made,
        scope=scope or RuleScope(),
        base=base,
        level=level,
        priority=priority,
    )


def sold(gross=10_000, fee=60, **facts):
    lines = facts.pop("lines", (SoldLine(sku_id=CUP, product_id=POTTERY, quantity=2, amount_minor=gross),))
    return Sold(gross=Money(gross), fee=Money(fee), lines=lines, **facts)


def amounts(split):
    return {line.rule_id.int - 1_000: line.amount_minor for line in split.lines}


def cuts(split):
    return {
        line.rule_id.int - 1_000: [(cut.reason, cut.amount_minor) for cut in line.cuts]
        for line in split.lines
        if line.cuts
    }


def split(sale, *rules, people=None, standing=None, cap=5_000):
    return work_out(sale, rules, people or {}, standing or Standing(), total_cap_bps=cap)


@pytest.mark.parametrize(
    ("made", "gives"),
    [
        (rule(1, rate_bps=1_000), 1_000),
        (rule(1, rate_bps=1_000, base=RuleBase.AFTER_FEE), 994),
        (rule(1, rate_bps=333), 333),
        (rule(1, kind=RuleKind.FIXED, amount_minor=150), 150),
        (rule(1, kind=RuleKind.FIXED, amount_minor=150, per=FixedPer.PIECE), 300),
        (rule(1, kind=RuleKind.REMAINDER, rate_bps=2_000), 2_000),
        (rule(1, rate_bps=1_000, order_max_minor=700), 700),
        (rule(1, rate_bps=1_000, scope=RuleScope(channel_id=WEIBO)), None),
        (rule(1, rate_bps=1_000, scope=RuleScope(product_id=POTTERY)), 1_000),
        (rule(1, rate_bps=1_000, scope=RuleScope(sku_id=TEA)), None),
    ],
)
def test_each_kind_alone(made, gives):
    assert amounts(split(sold(), made)).get(1) == gives


@pytest.mark.parametrize("named", ["channel_id", "link_id", "live_session_id", "person_id"])
def test_a_rule_is_about_what_it_names_and_nothing_else(named):
    made = rule(1, rate_bps=1_000, scope=RuleScope(**{named: WEIBO}))
    assert amounts(split(sold(**{named: WEIBO}), made)) == {1: 1_000}
    assert amounts(split(sold(**{named: POTTERY}), made)) == {}
    assert amounts(split(sold(), made)) == {}


def test_a_rule_that_names_two_things_wants_both():
    made = rule(1, rate_bps=1_000, scope=RuleScope(link_id=WEIBO, live_session_id=POTTERY))
    assert amounts(split(sold(link_id=WEIBO, live_session_id=POTTERY), made)) == {1: 1_000}
    assert amounts(split(sold(link_id=WEIBO), made)) == {}
    assert amounts(split(sold(live_session_id=POTTERY), made)) == {}


@pytest.mark.parametrize(
    ("gross", "mode", "gives"),
    [
        (9_999, TierMode.MARGINAL, 500),  # 5 % of 99.99 is 4.9995
        (10_000, TierMode.MARGINAL, 500),
        (60_000, TierMode.MARGINAL, 500 + 4_000 + 2_000),
        (9_999, TierMode.WHOLE, 500),
        (10_000, TierMode.WHOLE, 1_000),
        (60_000, TierMode.WHOLE, 12_000),
    ],
)
def test_a_tier_by_the_order(gross, mode, gives):
    made = rule(1, kind=RuleKind.TIER, steps=STEPS, mode=mode)
    assert amounts(split(sold(gross, 0), made)) == {1: gives}


def test_a_tier_by_turnover_goes_on_where_the_month_stands():
    standing = Standing(turnover_minor={LING: 45_000})
    marginal = rule(1, kind=RuleKind.TIER, steps=STEPS, by=TierBy.TURNOVER)
    whole = rule(2, party=WU, kind=RuleKind.TIER, steps=STEPS, by=TierBy.TURNOVER, mode=TierMode.WHOLE)
    told = split(sold(10_000, 0), marginal, whole, standing=standing)
    assert amounts(told) == {1: 500 + 1_000, 2: 1_000}


def test_goods_are_reckoned_on_their_part_of_the_price():
    lines = (
        SoldLine(sku_id=CUP, product_id=POTTERY, quantity=1, amount_minor=6_000),
        SoldLine(sku_id=TEA, quantity=3, amount_minor=6_000),  # a coupon took 20.00 off the whole
    )
    tea = rule(1, rate_bps=1_000, scope=RuleScope(sku_id=TEA))
    packs = rule(2, kind=RuleKind.FIXED, amount_minor=10, per=FixedPer.PIECE, scope=RuleScope(sku_id=TEA))
    assert amounts(split(sold(10_000, lines=lines), tea, packs)) == {1: 500, 2: 30}


def test_a_remainder_takes_what_the_others_leave_of_its_pot():
    told = split(
        sold(),
        rule(1, rate_bps=700),
        rule(2, party=WU, kind=RuleKind.FIXED, amount_minor=250),
        rule(3, party=MEI, kind=RuleKind.REMAINDER, rate_bps=2_000),
    )
    assert amounts(told) == {1: 700, 2: 250, 3: 1_050}
    full = split(sold(), rule(1, rate_bps=2_500), rule(3, party=MEI, kind=RuleKind.REMAINDER, rate_bps=2_000))
    assert amounts(full) == {1: 2_500, 3: 0}


def test_the_total_cap_serves_a_smaller_priority_first_and_equals_in_proportion():
    told = split(
        sold(),
        rule(1, rate_bps=3_000, priority=10),
        rule(2, party=WU, rate_bps=3_000),
        rule(3, party=MEI, rate_bps=1_000),
    )
    assert amounts(told) == {1: 3_000, 2: 1_500, 3: 500}
    assert cuts(told) == {2: [(CutReason.TOTAL_CAP, 1_500)], 3: [(CutReason.TOTAL_CAP, 500)]}
    assert told.total_minor == told.limit_minor == 5_000


def test_nobody_gets_more_than_the_price_without_its_fee():
    told = split(sold(100, 1), rule(1, kind=RuleKind.FIXED, amount_minor=500), cap=10_000)
    assert amounts(told) == {1: 99}
    assert cuts(told) == {1: [(CutReason.PRICE, 401)]}
    assert amounts(split(sold(10_000, refunded_minor=10_000), rule(1, rate_bps=1_000))) == {1: 0}


def test_a_cap_rule_limits_all_that_its_party_gets():
    standing = Standing(earned_by_party_minor={LING: 90})
    cap = rule(9, kind=RuleKind.CAP, order_max_bps=800, period_max_minor=500)
    told = split(sold(), rule(1, rate_bps=500), rule(2, rate_bps=500), rule(3, party=WU, rate_bps=500), cap)
    assert amounts(told) == {1: 250, 2: 250, 3: 500}
    told = split(sold(), rule(1, rate_bps=500), cap, standing=standing)
    assert amounts(told) == {1: 410}
    assert cuts(told) == {1: [(CutReason.PERIOD_LIMIT, 90)]}


def test_a_rule_of_its_own_month_limit():
    standing = Standing(earned_by_rule_minor={UUID(int=1_001): 900})
    assert amounts(split(sold(), rule(1, rate_bps=500, period_max_minor=1_000), standing=standing)) == {1: 100}


def test_the_introducer_earns_on_the_second_level_and_nobody_on_the_third():
    people = {LING: Person(introduced_by=WU), WU: Person(introduced_by=MEI), MEI: Person()}
    first = rule(1, rate_bps=1_000, scope=RuleScope(person_id=LING))
    second = rule(2, party=WU, rate_bps=300, level=2)
    third = rule(3, party=MEI, rate_bps=100)
    sale = sold(person_id=LING)
    told = split(sale, first, second, third, people=people)
    assert amounts(told) == {1: 1_000, 2: 300, 3: 0}
    assert cuts(told) == {3: [(CutReason.LEVELS, 100)]}
    assert [levels_above(party, LING, people) for party in (LING, WU, MEI, UUID(int=9))] == [0, 1, 2, 0]
    assert amounts(split(sold(person_id=WU), first, second, third, people=people)) == {3: 100}


def test_ones_own_purchase_earns_nothing_on_either_level():
    people = {LING: Person(introduced_by=WU, customer_id=BUYER), WU: Person()}
    rules = (rule(1, rate_bps=1_000), rule(2, party=WU, rate_bps=300, level=2))
    told = split(sold(person_id=LING, customer_id=BUYER), *rules, people=people)
    assert amounts(told) == {1: 0, 2: 0}
    assert {reason for line in cuts(told).values() for reason, _ in line} == {CutReason.SELF_PURCHASE}
    other = split(sold(person_id=LING, customer_id=UUID(int=402)), *rules, people=people)
    assert amounts(other) == {1: 1_000, 2: 300}


@pytest.mark.parametrize("ground", ["recruiting", "head_count", "entry_fee", "sharing"])
def test_nothing_is_paid_for_recruiting(ground):
    with pytest.raises(PaysForRecruiting) as refused:
        verify_ground(ground)
    assert ground in refused.value.text("en").sentence


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        (RuleKind.PERCENT, {}),
        (RuleKind.PERCENT, {"rate_bps": -1}),
        (RuleKind.PERCENT, {"rate_bps": 10_001}),
        (RuleKind.PERCENT, {"rate_bps": 1, "amount_minor": 1}),
        (RuleKind.FIXED, {"amount_minor": -5}),
        (RuleKind.FIXED, {"amount_minor": 5, "order_max_minor": -1}),
        (RuleKind.TIER, {}),
        (RuleKind.TIER, {"steps": (TierStep(5, 100),)}),
        (RuleKind.TIER, {"steps": (TierStep(0, 100), TierStep(0, 200))}),
        (RuleKind.TIER, {"steps": (TierStep(0, 10_001),)}),
        (RuleKind.TIER, {"steps": (TierStep(0, 0),)}),
        (RuleKind.CAP, {}),
        (RuleKind.CAP, {"rate_bps": 1, "order_max_minor": 1}),
        (RuleKind.REMAINDER, {"rate_bps": 1, "order_max_bps": 1}),
    ],
)
def test_terms_that_do_not_fit_are_refused(kind, terms):
    with pytest.raises(RuleRefused):
        verify_terms(kind, RuleTerms(**terms))


def test_an_unknown_ground_is_refused():
    with pytest.raises(RuleRefused):
        verify_ground("birthday")


PARTIES = [LING, WU, MEI]
limits = st.fixed_dictionaries(
    {}, optional={"order_max_minor": st.integers(0, 50_000), "period_max_minor": st.integers(0, 90_000)}
)


@st.composite
def rules_of_any_kind(draw):
    made = []
    for no in range(draw(st.integers(0, 7))):
        kind = draw(st.sampled_from(RuleKind))
        terms = draw(limits)
        if kind in (RuleKind.PERCENT, RuleKind.REMAINDER):
            terms["rate_bps"] = draw(st.integers(1, 10_000))
        elif kind is RuleKind.FIXED:
            terms |= {"amount_minor": draw(st.integers(1, 60_000)), "per": draw(st.sampled_from(FixedPer))}
        elif kind is RuleKind.TIER:
            edges = draw(st.lists(st.integers(1, 200_000), max_size=3, unique=True))
            steps = tuple(TierStep(edge, draw(st.integers(1, 10_000))) for edge in sorted([0, *edges]))
            terms |= {"steps": steps, "by": draw(st.sampled_from(TierBy)), "mode": draw(st.sampled_from(TierMode))}
        else:
            terms["order_max_bps"] = draw(st.integers(0, 10_000))
        scope = draw(st.sampled_from([RuleScope(), RuleScope(sku_id=CUP), RuleScope(sku_id=TEA)]))
        made.append(
            rule(
                no,
                party=draw(st.sampled_from(PARTIES)),
                kind=kind,
                priority=draw(st.integers(1, 3)),
                level=draw(st.sampled_from([1, 1, 2])),
                base=draw(st.sampled_from(RuleBase)),
                scope=scope,
                **terms,
            )
        )
    return made


@st.composite
def sales(draw):
    gross = draw(st.integers(0, 300_000))
    lines = tuple(
        SoldLine(sku_id=draw(st.sampled_from([CUP, TEA, None])), quantity=draw(st.integers(0, 9)), amount_minor=amount)
        for amount in draw(st.lists(st.integers(0, 300_000), max_size=3))
    )
    return sold(
        gross,
        draw(st.integers(0, gross)),
        lines=lines,
        refunded_minor=draw(st.integers(0, gross)),
        person_id=draw(st.sampled_from([None, LING, WU])),
        customer_id=draw(st.sampled_from([None, BUYER])),
    )


standings = st.builds(
    Standing,
    turnover_minor=st.dictionaries(st.sampled_from(PARTIES), st.integers(0, 400_000)),
    earned_by_party_minor=st.dictionaries(st.sampled_from(PARTIES), st.integers(0, 90_000)),
    earned_by_rule_minor=st.dictionaries(
        st.integers(1_000, 1_007).map(lambda no: UUID(int=no)), st.integers(0, 90_000)
    ),
)
PEOPLE = {LING: Person(introduced_by=WU), WU: Person(introduced_by=MEI, customer_id=BUYER), MEI: Person()}


@settings(max_examples=EXAMPLES, deadline=None)
@given(sales(), rules_of_any_kind(), standings, st.integers(0, 10_000), st.randoms())
def test_any_rules_on_any_sale(sale, made, standing, cap_bps, chance):
    told = work_out(sale, made, PEOPLE, standing, total_cap_bps=cap_bps)
    shuffled = list(made)
    chance.shuffle(shuffled)
    assert work_out(sale, shuffled, PEOPLE, standing, total_cap_bps=cap_bps) == told, "the order of rules matters"
    gross = sale.gross.amount_minor
    given = [line.amount_minor for line in told.lines]
    assert told.total_minor == sum(given)
    assert all(amount >= 0 for amount in given)
    assert told.total_minor <= max(0, gross - sale.fee.amount_minor - sale.refunded_minor)
    assert told.total_minor <= gross * cap_bps // 10_000
    by_id = {one.rule_id: one for one in made}
    for line in told.lines:
        assert line.wanted_minor - sum(cut.amount_minor for cut in line.cuts) == line.amount_minor, "an unexplained cut"
        assert all(cut.amount_minor > 0 for cut in line.cuts)
        terms = by_id[line.rule_id].terms
        if terms.order_max_minor is not None:
            assert line.amount_minor <= terms.order_max_minor
        if terms.period_max_minor is not None:
            earned = standing.earned_by_rule_minor.get(line.rule_id, 0)
            assert line.amount_minor <= max(0, terms.period_max_minor - earned)
    if told.total_minor < told.limit_minor:
        assert not any(cut.reason in (CutReason.TOTAL_CAP, CutReason.PRICE) for line in told.lines for cut in line.cuts)
    for one in made:
        if one.kind is RuleKind.CAP and not one.scope.chooses_lines() and one.level == 1:
            party_minor = sum(line.amount_minor for line in told.lines if line.party_id == one.party_id)
            assert party_minor <= gross * one.terms.order_max_bps // 10_000
    assert {line.level for line in told.lines if line.amount_minor} <= {1, 2}
    if sale.customer_id == BUYER:
        assert all(line.amount_minor == 0 for line in told.lines if line.party_id == WU)


@given(st.integers(1, 10**9), st.lists(st.integers(1, 2_000), min_size=1, max_size=5))
def test_percents_without_limits_are_exact_to_one_unit(gross, rates):
    told = split(sold(gross, 0), *(rule(no, rate_bps=rate) for no, rate in enumerate(rates)), cap=10_000)
    assert told.total_minor == (2 * gross * sum(rates) + 10_000) // 20_000
    for line in told.lines:
        exact = gross * rates[line.rule_id.int - 1_000]
        assert abs(line.amount_minor * 10_000 - exact) < 10_000
