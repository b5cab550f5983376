"""What a batch must look like, what makes two the same, and what its hash covers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.core.errors import HutongError
from hutong.core.money import Money
from hutong.ledger import errors, refusals
from hutong.ledger.accounts import AccountKind, kind_of, party_path, receivable_path, wallet_path
from hutong.ledger.batches import CHAIN_START, KEY_CHARS_MAX, LEGS_MAX, Batch, Leg, Link
from hutong.ledger.errors import MalformedBatch, UnbalancedBatch

AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
GOOD = Batch(
    idempotency_key="sale:1",
    kind="sale",
    subject_kind="order",
    subject_id=UUID(int=1),
    event_at=AT,
    legs=(Leg("wallet:wechatpay:1", Money(5)), Leg("revenue:sales", Money(-5))),
)


def changed(**fields):
    return msgspec.structs.replace(GOOD, **fields)


def test_a_good_batch_passes():
    GOOD.verify()


@pytest.mark.parametrize(
    "broken",
    [
        changed(legs=()),
        changed(legs=GOOD.legs[:1]),
        changed(legs=GOOD.legs * (LEGS_MAX // 2) + GOOD.legs),
        changed(legs=(*GOOD.legs, Leg("revenue:sales", Money(0)))),
        changed(legs=(Leg("wallet", Money(5)), GOOD.legs[1])),
        changed(legs=(Leg("bank:icbc", Money(5)), GOOD.legs[1])),
        changed(legs=(Leg("wallet:a b", Money(5)), GOOD.legs[1])),
        changed(legs=(Leg("wallet:" + "a" * 300, Money(5)), GOOD.legs[1])),
        changed(idempotency_key=""),
        changed(idempotency_key="k" * (KEY_CHARS_MAX + 1)),
        changed(kind=""),
        changed(subject_kind=""),
        changed(event_at=AT.replace(tzinfo=None)),
    ],
)
def test_a_malformed_batch_is_refused(broken):
    with pytest.raises(MalformedBatch):
        broken.verify()


@given(st.lists(st.tuples(st.sampled_from(["CNY", "GBP", "USD"]), st.integers(-1000, 1000).filter(bool)), min_size=2))
def test_each_currency_balances_by_itself(legs):
    legs = legs[:LEGS_MAX]
    batch = changed(legs=tuple(Leg("suspense:payments", Money(minor, currency)) for currency, minor in legs))
    sums = {}
    for currency, minor in legs:
        sums[currency] = sums.get(currency, 0) + minor
    if any(sums.values()):
        with pytest.raises(UnbalancedBatch) as refused:
            batch.verify()
        assert sums[refused.value.details["currency"]] == refused.value.details["difference_minor"]
    else:
        batch.verify()


@pytest.mark.parametrize(
    "other",
    [
        changed(kind="refund"),
        changed(subject_kind="payment"),
        changed(subject_id=UUID(int=2)),
        changed(legs=(Leg("wallet:wechatpay:2", Money(5)), GOOD.legs[1])),
        changed(legs=(Leg("wallet:wechatpay:1", Money(6)), Leg("revenue:sales", Money(-6)))),
        changed(legs=tuple(Leg(leg.path, Money(leg.amount.amount_minor, "GBP")) for leg in GOOD.legs)),
        changed(legs=GOOD.legs[::-1]),
    ],
)
def test_another_content_has_another_digest(other):
    assert other.payload_hash() != GOOD.payload_hash()


def test_the_time_of_a_report_is_no_part_of_the_digest():
    assert changed(event_at=AT + timedelta(seconds=3)).payload_hash() == GOOD.payload_hash()


LINK = Link(
    sequence=1, batch_id=UUID(int=9), idempotency_key="sale:1", payload_hash=b"p" * 32, event_at=AT, recorded_at=AT
)


@pytest.mark.parametrize(
    "fields",
    [
        {"sequence": 2},
        {"batch_id": UUID(int=8)},
        {"idempotency_key": "sale:2"},
        {"payload_hash": b"q" * 32},
        {"event_at": AT + timedelta(microseconds=1)},
        {"recorded_at": AT + timedelta(microseconds=1)},
    ],
)
def test_a_link_covers_every_field(fields):
    assert msgspec.structs.replace(LINK, **fields).after(CHAIN_START) != LINK.after(CHAIN_START)


def test_a_link_covers_the_one_before_and_not_the_zone_of_a_time():
    assert LINK.after(b"x" * 32) != LINK.after(CHAIN_START)
    shanghai = AT.astimezone(timezone(timedelta(hours=8)))
    assert msgspec.structs.replace(LINK, event_at=shanghai).after(CHAIN_START) == LINK.after(CHAIN_START)


def test_the_first_word_of_a_path_says_what_kind_of_account_it_is():
    connection = UUID(int=3)
    assert kind_of(wallet_path("wechatpay", connection)) is AccountKind.ASSET
    assert kind_of(receivable_path("taobao", connection)) is AccountKind.ASSET
    assert kind_of(party_path(connection)) is AccountKind.LIABILITY
    assert kind_of("revenue:sales") is AccountKind.INCOME
    assert kind_of("expense:wallet_fee") is AccountKind.EXPENSE
    assert kind_of("suspense:payments") is AccountKind.LIABILITY
    assert kind_of("gold:bar") is None


@pytest.mark.parametrize("room", [errors, refusals])
def test_every_refusal_speaks_both_languages(room):
    classes = [c for c in vars(room).values() if isinstance(c, type) and issubclass(c, HutongError)]
    own = [c for c in classes if c.__module__ == room.__name__]
    assert own
    assert len({c.code for c in own}) == len(own)
    for c in own:
        assert 400 <= c.status < 500 or c in (errors.BooksBusy, errors.PostingUnclear)
        for locale in ("zh-Hans", "en"):
            assert all(msgspec.structs.astuple(c().text(locale)))
