"""What is told outside: one name for one event, no field that says who a person is, and messages that stay small."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.core.errors import InvalidInput, InvalidTransition
from hutong.events import CATALOGUE
from hutong.shops.events import OrderLine, OrderPaid
from hutong.web.labels import LABELS
from hutong.webhooks.public import (
    BY_EVENT,
    MESSAGE_BYTES_MAX,
    PATTERNS,
    PUBLIC,
    TEST_TYPE,
    heard_by,
    message_of,
    patterns_of,
    read_types,
)
from hutong.webhooks.states import DELIVERY, ENDPOINT, DeliveryEvent, DeliveryState

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "src" / "hutong" / "webhooks" / "README.md").read_text("utf-8")
#: Parts of a field's name that would say who somebody is.
PERSONAL = ("phone", "mobile", "address", "openid", "unionid", "email", "real_name", "buyer", "receiver", "nick", "ip")
#: What is not told outside, each with its reason; a new event must be put here or into the list.
INSIDE = {
    "customers.customers_seen": "a count of an import",
    "ledger.batch_posted": "the books are read by API",
    "ledger.batches_posted": "the books are read by API",
    "ledger.money_held": "the books are read by API",
    "ledger.hold_ended": "the books are read by API",
    "ledger.day_sealed": "the books are read by API",
    "ledger.commissions_estimated": "shares are read by API",
    "ledger.commissions_confirmed": "shares are read by API",
    "ledger.commission_settled": "shares are read by API",
    "ledger.commissions_reversed": "shares are read by API",
}


def test_each_event_is_told_under_one_name_or_has_a_reason_to_stay_inside():
    assert {*BY_EVENT, *INSIDE} == {*CATALOGUE.names()}
    assert not {*BY_EVENT} & {*INSIDE}
    assert all(public.event.name in CATALOGUE.names() for public in PUBLIC)
    payments = [name for name in CATALOGUE.names() if name.startswith("payment.")]
    assert sorted(public.name for public in PUBLIC if public.name.startswith("payment.")) == payments


def test_no_field_that_is_told_says_who_somebody_is():
    for public in PUBLIC:
        fields = [name for name in public.event.__struct_fields__ if name not in public.without]
        assert set(public.without) <= set(public.event.__struct_fields__), public.name
        parts = {part for name in fields for part in name.split("_")} | set(fields)
        assert not parts & set(PERSONAL), public.name


def test_each_name_and_group_has_words_on_the_page():
    assert {*LABELS["webhook_event"]} == {*(public.name for public in PUBLIC), TEST_TYPE}
    assert {*LABELS["webhook_group"]} == {pattern for pattern in PATTERNS if pattern.endswith("*")}


@pytest.mark.parametrize("given", [[], ["payment"], ["payment.*", "x"], ["webhook.test"], ["*.paid"], ["PAYMENT.PAID"]])
def test_what_cannot_be_heard_cannot_be_asked_for(given):
    with pytest.raises(InvalidInput):
        read_types(given)


@given(st.sets(st.sampled_from(sorted(PATTERNS)), min_size=1))
def test_an_endpoint_hears_what_one_of_its_patterns_names(patterns):
    chosen = {public.name for public in heard_by(patterns)}
    assert chosen == {
        public.name
        for public in PUBLIC
        if "*" in patterns or public.name in patterns or f"{public.name.split('.')[0]}.*" in patterns
    }
    assert all(patterns & set(patterns_of(name)) for name in chosen)


@given(
    count=st.integers(0, 300),
    title=st.text(max_size=400),
    amount_minor=st.integers(-(10**12), 10**12),
)
def test_a_message_is_small_and_tells_money_as_whole_minor_units(count, title, amount_minor):
    line = OrderLine(line_key="1", sku_id=None, title=title, quantity=1, amount_minor=amount_minor)
    nothing = dict.fromkeys(("connection_id", "channel_id", "link_id", "click_id", "customer_id"))
    now = datetime(2026, 11, 26, tzinfo=UTC)
    paid = OrderPaid(
        **nothing,
        order_id=UUID(int=1),
        source="own",
        order_no="1",
        platform="wechatpay",
        container="wechat",
        gross_minor=amount_minor,
        currency="CNY",
        paid_at=now,
        lines=(line,) * count,
    )
    body = message_of(BY_EVENT[paid.name], paid, event_id=UUID(int=2), occurred_at=now, merchant_id=UUID(int=3))
    told = msgspec.json.decode(body)
    assert len(body) <= MESSAGE_BYTES_MAX
    assert told["data"]["lines_count"] == count
    assert len(told["data"]["lines"]) <= count
    assert count == 0 or told["data"]["lines"]
    assert told["data"]["gross_minor"] == amount_minor
    assert {"click_id", "container"}.isdisjoint(told["data"])


def test_the_readme_draws_the_state_tables():
    for table in (ENDPOINT, DELIVERY):
        assert f"```mermaid\n{table.mermaid()}\n```" in README


@given(st.lists(st.sampled_from(list(DeliveryEvent)), max_size=30))
def test_only_a_replay_leaves_an_end_and_only_what_waits_ends(events):
    state = DeliveryState.WAITING
    for event in events:
        if not DELIVERY.allows(state, event):
            with pytest.raises(InvalidTransition):
                DELIVERY.next(state, event)
            assert (state is DeliveryState.WAITING) == (event is DeliveryEvent.REPLAY)
            continue
        state = DELIVERY.next(state, event)
        assert (state is DeliveryState.WAITING) == (event is DeliveryEvent.REPLAY)
