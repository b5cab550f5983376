"""An order of an alliance is what its lines say together, in whatever order they were told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.promotions.orders import Line, whole
from hutong.links.promotions.sales import SOLD
from hutong.platforms.jump_links import PromotedStatus

AT = datetime(2026, 11, 1, tzinfo=UTC)
CLICKS = [None, UUID(int=1), UUID(int=2)]


def tie(number, click_id, evidence=Evidence.CARRIED):
    word = "" if evidence is Evidence.CARRIED else "K7Q2"
    return Tie(evidence=evidence, channel_id=UUID(int=number), link_id=UUID(int=number), click_id=click_id, word=word)


TIES = st.builds(tie, st.integers(1, 3), st.sampled_from(CLICKS))
LINES = st.lists(
    st.builds(
        Line,
        status=st.sampled_from(PromotedStatus),
        currency=st.just("CNY"),
        paid_minor=st.integers(0, 10_000),
        placed_at=st.integers(0, 9).map(lambda minute: AT + timedelta(minutes=minute)),
        paid_at=st.none() | st.just(AT),
        clicked_at=st.none() | st.integers(-9, 9).map(lambda minute: AT + timedelta(minutes=minute)),
        tie=st.none() | TIES,
    ),
    max_size=5,
)
TOLD = st.lists(st.builds(tie, st.integers(1, 3), st.none(), st.just(Evidence.CODE)), max_size=2)


@given(LINES, TOLD, st.randoms())
def test_the_order_of_lines_makes_no_difference(lines, told, dice):
    again = list(lines)
    dice.shuffle(again)
    assert whole(lines, told) == whole(again, told[::-1])


@given(LINES, TOLD)
def test_what_is_paid_is_what_counts(lines, told):
    made, sold = whole(lines, told), [line for line in lines if line.status in SOLD]
    ties = {*told, *(line.tie for line in sold or lines if line.tie)}
    if not lines or not ties:
        assert made is None
        return
    assert (made.paid_minor, made.is_sold) == (sum(line.paid_minor for line in sold), bool(sold))
    assert made.tie == max(ties, key=lambda one: one.weight)
    touched = dict(made.touched)
    assert set(touched) == (ties if sold else set())
    assert len(made.touched) == len(touched)
    assert {tie for tie, _ in made.marked} == {line.tie for line in sold or lines if line.tie}
    for tie, at in made.marked:
        opened = [min(line.clicked_at or line.placed_at, line.placed_at) for line in sold or lines if line.tie == tie]
        assert at == min(opened), "when its address was opened, and not after the order"
