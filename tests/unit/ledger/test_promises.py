"""What rules promise together, against every sale that a small world has: none gives more, and one gives as much."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.core.money import Money
from hutong.ledger.promises import Facts, promises
from hutong.ledger.rule_terms import Rule, RuleKind, RuleScope, RuleTerms
from hutong.ledger.rules import Person, Sold, SoldLine, fits


def named(number: int) -> UUID:
    return UUID(int=number)


PARTIES = LING, WU, MEI = named(1), named(2), named(3)  # Mei introduced Ling
CHANNELS = WEIBO, DOUYIN, POSTER, CHAT = [named(10 + i) for i in range(4)]
LINKS = ON_WEIBO, ON_WEIBO_TOO, ON_DOUYIN = [named(20 + i) for i in range(3)]
SKUS = CUP, CUP_RED, PLATE = [named(30 + i) for i in range(3)]
PRODUCTS = CUPS, PLATES = named(40), named(41)
PEOPLE = {LING: Person(introduced_by=MEI), WU: Person(), MEI: Person()}
FACTS = Facts(
    owners={WEIBO: LING, DOUYIN: WU, CHAT: LING},
    people=PEOPLE,
    channels={ON_WEIBO: WEIBO, ON_WEIBO_TOO: WEIBO, ON_DOUYIN: DOUYIN},
    products={CUP: CUPS, CUP_RED: CUPS, PLATE: PLATES},
)


def every_sale() -> list[Sold]:
    """From each channel and link, of each SKU, of another of each product, and of something else."""
    origins = [
        (None, None),
        *((channel, None) for channel in CHANNELS),
        *((of, link) for link, of in FACTS.channels.items()),
    ]
    goods = [
        *FACTS.products.items(),
        *((named(90 + i), product) for i, product in enumerate(PRODUCTS)),
        (named(99), None),
    ]
    return [
        Sold(
            gross=Money(10_000, "CNY"),
            fee=Money(0, "CNY"),
            lines=(SoldLine(sku_id=sku, product_id=product, quantity=1, amount_minor=10_000),),
            channel_id=channel,
            live_session_id=channel,
            link_id=link,
            person_id=FACTS.owners.get(channel) if channel else None,
        )
        for channel, link in origins
        for sku, product in goods
    ]


SALES = every_sale()


def maybe(values):
    return st.none() | st.sampled_from(values)


@st.composite
def rules(draw, number: int) -> Rule:
    level = draw(st.sampled_from([1, 1, 1, 2]))
    kind = draw(st.sampled_from([RuleKind.PERCENT, RuleKind.PERCENT, RuleKind.REMAINDER]))
    return Rule(
        rule_id=named(100 + number),
        party_id=MEI if level == 2 else draw(st.sampled_from(PARTIES)),
        kind=kind,
        terms=RuleTerms(rate_bps=draw(st.integers(1, 3_000))),
        scope=RuleScope(
            channel_id=draw(maybe(CHANNELS)),
            link_id=draw(maybe(LINKS)),
            live_session_id=draw(maybe(CHANNELS)),
            sku_id=draw(maybe(SKUS)),
            product_id=draw(maybe(PRODUCTS)),
            person_id=draw(maybe((LING, WU))),
        ),
        level=level,
    )


def most_bps(sale: Sold, held: list[Rule]) -> int:
    paying = [rule for rule in held if fits(rule, sale, PEOPLE)]
    added = sum(rule.terms.rate_bps for rule in paying if rule.kind is RuleKind.PERCENT)
    return max([added, *(rule.terms.rate_bps for rule in paying if rule.kind is RuleKind.REMAINDER)])


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=9).flatmap(
        lambda ns: st.tuples(*(rules(i) for i in range(len(ns))))
    )
)
def test_the_most_that_is_promised_is_the_most_that_a_sale_can_give(held):
    new, *others = held
    about = [most_bps(sale, list(held)) for sale in SALES if fits(new, sale, PEOPLE)]
    told = promises(new, others, FACTS)
    assert max((one.total_bps for one in told), default=0) == max(about, default=0)


def share(number: int, rate_bps: int, **scope: UUID) -> Rule:
    return Rule(
        rule_id=named(100 + number),
        party_id=PARTIES[number % 3],
        kind=RuleKind.PERCENT,
        terms=RuleTerms(rate_bps=rate_bps),
        scope=RuleScope(**scope),
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_three_rules_that_meet_in_one_sale_are_seen_in_every_order(order):
    made = [share(0, 2_000, channel_id=WEIBO), share(1, 2_000, sku_id=CUP), share(2, 2_000)]
    first, second, last = (made[i] for i in order)
    assert max(one.total_bps for one in promises(last, [first, second], FACTS)) == 6_000


@pytest.mark.parametrize("other", [{"channel_id": DOUYIN}, {"live_session_id": DOUYIN}, {"link_id": ON_DOUYIN}])
def test_a_link_of_another_channel_never_meets(other):
    new, old = share(0, 3_000, link_id=ON_WEIBO), share(1, 3_000, **other)
    assert {one.total_bps for one in promises(new, [old], FACTS)} == {3_000}
    assert {one.total_bps for one in promises(old, [new], FACTS)} == {3_000}


def test_a_thousand_open_rules_are_looked_through_at_once():
    others = [share(i, 1, channel_id=named(1_000 + i)) for i in range(500)]
    others += [share(i, 1, sku_id=named(2_000 + i)) for i in range(499)]
    assert max(one.total_bps for one in promises(share(0, 1), others, FACTS)) == 3
