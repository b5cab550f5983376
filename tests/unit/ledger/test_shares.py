"""Sharing a sale and taking it back: exact to the minor unit, whatever the rates and however many partial refunds."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.core.errors import CurrencyMismatch
from hutong.core.money import Money, share_bps
from hutong.ledger.errors import RefundBeyondSale, ShareTooLarge
from hutong.ledger.rule_terms import Rule, RuleKind, RuleTerms
from hutong.ledger.rules import Sold, Standing, work_out
from hutong.ledger.sales import Share, platform_fee_back, platform_sale_batch, refund_batch, sale_batch

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
ORDER = UUID(int=7)
WALLET = "wallet:wechatpay:1"


NO_FEE = Money(0)


def shares_of(gross, rates, fee=NO_FEE):
    """Shares by percent rules on every sale; rates are (party number, hundredths of a per cent)."""
    rules = [
        Rule(rule_id=UUID(int=no), party_id=UUID(int=party), kind=RuleKind.PERCENT, terms=RuleTerms(rate_bps=rate))
        for no, (party, rate) in enumerate(rates)
    ]
    return work_out(Sold(gross=gross, fee=fee), rules, {}, Standing(), total_cap_bps=10_000).shares()


def sums(*batches):
    totals = {}
    for batch in batches:
        for leg in batch.legs if batch else ():
            key = (leg.path, leg.amount.currency)
            totals[key] = totals.get(key, 0) + leg.amount.amount_minor
    return totals


def sale(gross, fee, shares):
    return sale_batch(order_id=ORDER, wallet_path=WALLET, gross=gross, fee=fee, party_shares=shares, event_at=AT)


def refund(no, gross, before, now, fee, shares):
    return refund_batch(
        refund_id=UUID(int=no),
        order_id=ORDER,
        wallet_path=WALLET,
        refunded=Money(now),
        gross=gross,
        refunded_before=Money(before),
        fee=fee,
        party_shares=shares,
        event_at=AT,
    )


def test_a_sale_explains_where_every_fen_went():
    ling, wu = UUID(int=1), UUID(int=2)
    shares = shares_of(Money(9_999), [(1, 1_000), (2, 333)])
    # 13.33 % of 99.99 is 13.328… → 1333; by largest remainder 10 % takes 1000 and 3.33 % takes 333.
    assert shares == [Share(ling, Money(1_000)), Share(wu, Money(333))]
    batch = sale(Money(9_999), Money(60), shares)
    assert batch is not None
    batch.verify()
    assert [(leg.path, leg.amount.amount_minor) for leg in batch.legs] == [
        ("clearing:orders", 9_999),
        ("revenue:sales", -9_999),
        (WALLET, 9_999),
        ("clearing:orders", -9_999),
        ("expense:wallet_fee", 60),
        (WALLET, -60),
        ("expense:commission", 1_333),
        (f"payable:party:{ling}", -1_000),
        (f"payable:party:{wu}", -333),
    ]


def test_several_rules_of_one_party_are_shares_of_their_own():
    party = UUID(int=1)
    assert shares_of(Money(1_000), [(1, 500), (1, 250)]) == [Share(party, Money(50)), Share(party, Money(25))]


def test_no_rule_no_share():
    assert shares_of(Money(1_000), []) == []
    assert shares_of(Money(1), [(1, 100)]) == []


def test_an_order_of_nothing_leaves_no_batch():
    assert (
        platform_sale_batch(order_id=ORDER, receivable_path="receivable:taobao:1", gross=Money(0), event_at=AT) is None
    )


@pytest.mark.parametrize("steps", [[100], [33, 33, 34], [1] * 100, [99, 1], [60, 60], [150], [100, 5]])
@pytest.mark.parametrize("fee", [0, 1, 7, 100])
def test_a_platforms_fee_comes_back_to_the_fen_and_never_more(steps, fee):
    """Also where the platform gives the buyer more than the price that we booked."""
    before, back = 0, []
    for now in steps:
        terms = {"refunded_before": Money(before), "refunded": Money(now)}
        back.append(platform_fee_back(gross=Money(100), fee=Money(fee), **terms).amount_minor)
        before += now
    assert sum(back) == fee
    assert all(part >= 0 for part in back)


def test_of_a_sale_that_is_not_in_the_books_no_fee_comes_back():
    terms = {"refunded_before": Money(0), "refunded": Money(5)}
    assert platform_fee_back(gross=Money(0), fee=Money(0), **terms) == Money(0)


@pytest.mark.parametrize("fee", [Money(-1), Money(101)])
def test_a_platform_keeps_no_more_than_the_sale(fee):
    with pytest.raises(ShareTooLarge):
        platform_sale_batch(
            order_id=ORDER, receivable_path="receivable:taobao:1", gross=Money(100), fee=fee, event_at=AT
        )


@pytest.mark.parametrize(
    ("fee", "share"), [(Money(-1), Money(0)), (Money(60), Money(-5)), (Money(60), Money(101)), (Money(101), Money(0))]
)
def test_more_than_the_sale_is_never_given_away(fee, share):
    with pytest.raises(ShareTooLarge):
        sale(Money(100), fee, [Share(UUID(int=1), share)])


def test_currencies_are_never_mixed():
    with pytest.raises(CurrencyMismatch):
        sale(Money(100), Money(1, "GBP"), [])
    with pytest.raises(CurrencyMismatch):
        refund(1, Money(100), 0, 10, Money(1, "GBP"), [])


@pytest.mark.parametrize(("before", "now"), [(0, 0), (0, -1), (0, 101), (60, 41), (-1, 5), (100, 1)])
def test_a_refund_outside_the_sale_is_refused(before, now):
    with pytest.raises(RefundBeyondSale):
        refund(1, Money(100), before, now, Money(1), [])


def test_a_fee_of_one_fen_goes_back_with_the_half_that_rounds_up():
    gross, fee = Money(100), Money(1)
    first = refund(1, gross, 0, 49, fee, [])
    second = refund(2, gross, 49, 1, fee, [])
    assert ("expense:wallet_fee", "CNY") not in sums(first)
    assert sums(second)["expense:wallet_fee", "CNY"] == -1


rates = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 2_000)), max_size=5)


@st.composite
def sales_in_parts(draw):
    gross = draw(st.integers(1, 10_000_000))
    cuts = draw(st.lists(st.integers(1, gross), max_size=12))
    edges = sorted({0, gross, *cuts})
    parts = list(pairwise(edges))
    return gross, draw(rates), draw(st.integers(0, 100)), draw(st.permutations(parts))


@given(sales_in_parts())
def test_any_number_of_partial_refunds_in_any_order_brings_every_account_to_zero(case):
    gross_minor, rules, fee_bps, parts = case
    gross, fee = Money(gross_minor), Money(share_bps(gross_minor, fee_bps))
    shares = shares_of(gross, rules, fee)
    batches = [sale(gross, fee, shares)]
    for no, (start, end) in enumerate(parts):
        batches.append(refund(no, gross, start, end - start, fee, shares))
        batches[-1].verify()
        totals = sums(*batches)
        for party in {share.party_id for share in shares}:
            assert totals[f"payable:party:{party}", "CNY"] <= 0, "a refund never takes back more than was earned"
    assert set(sums(*batches).values()) == {0}


@given(st.integers(0, 10**12), rates)
def test_shares_add_up_to_the_rounded_sum_of_all_rates(gross_minor, rules):
    shares = shares_of(Money(gross_minor), rules)
    total = share_bps(gross_minor, sum(rate for _, rate in rules))
    assert sum(share.amount.amount_minor for share in shares) == total


@given(st.integers(1, 10**9), rates, st.integers(0, 60))
def test_a_sale_always_balances(gross_minor, rules, fee_bps):
    gross = Money(gross_minor)
    fee = Money(share_bps(gross_minor, fee_bps))
    shares = shares_of(gross, rules, fee)
    sale(gross, fee, shares).verify()


def test_the_whole_price_may_be_promised_and_the_fee_is_still_owed():
    gross, share = Money(100), Share(UUID(int=1), Money(100))
    sale(gross, Money(1), [share]).verify()
