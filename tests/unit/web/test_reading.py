"""What the buyer's page says of a checkout, and whose browser may go on with it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest

from hutong.core.money import Money
from hutong.payments.checkouts import CheckoutView, Goods
from hutong.payments.queries import AttemptRow, PaymentRow
from hutong.payments.states import AttemptState, CheckoutState
from hutong.web.buyer.desk import (
    BUYER_COOKIE,
    CHECKOUTS_PACE,
    BuyerDesk,
    TooManyCheckouts,
    hand_over_mark,
    is_forwarded,
    is_handed_over,
)
from hutong.web.buyer.reading import shown_state

AT = datetime(2026, 11, 23, tzinfo=UTC)
KEY = b"k" * 32
CHECKOUT = UUID(int=7)


def filled(kind, **known):
    """A row of which a test says only what matters to it."""
    return kind(**{**dict.fromkeys(kind.__struct_fields__), **known})


def payment(state: str, *attempts: AttemptState) -> PaymentRow:
    rows = tuple(filled(AttemptRow, platform="wechatpay", state=attempt.value, created_at=AT) for attempt in attempts)
    return filled(PaymentRow, state=state, amount=Money.fen(100), attempts=rows, refunds=())


@pytest.mark.parametrize(
    ("state", "found", "shown"),
    [
        (CheckoutState.OPEN, None, "open"),
        (CheckoutState.PAYING, payment("open", AttemptState.OPEN), "waiting"),
        (CheckoutState.PAYING, payment("open", AttemptState.CLOSED, AttemptState.UNKNOWN), "unknown"),
        (CheckoutState.PAYING, payment("open", AttemptState.REVERSING), "unknown"),
        (CheckoutState.PAID, payment("paid", AttemptState.PAID), "paid"),
        (CheckoutState.PAID, payment("partly_refunded", AttemptState.PAID), "paid"),
        (CheckoutState.PAID, payment("refunded", AttemptState.PAID), "refunded"),
        (CheckoutState.EXPIRED, payment("closed", AttemptState.CLOSED), "closed"),
    ],
)
def test_the_page_says_where_a_checkout_stands(state, found, shown):
    assert shown_state(state, found) == shown


def test_the_mark_of_a_hand_over_belongs_to_one_checkout_and_one_hub():
    mark = hand_over_mark(KEY, CHECKOUT)
    assert is_handed_over(KEY, CHECKOUT, mark)
    assert not is_handed_over(KEY, UUID(int=8), mark)
    assert not is_handed_over(b"x" * 32, CHECKOUT, mark)
    for wrong in ("", mark[:-1], mark.upper() if mark != mark.upper() else "0" * 24, "码" * 24):
        assert not is_handed_over(KEY, CHECKOUT, wrong)


def view(container: str, payer_kind: str | None) -> CheckoutView:
    goods = Goods(sku_id=None, title="x", quantity=1, amount=Money.fen(1))
    return filled(
        CheckoutView,
        checkout_id=CHECKOUT,
        state=CheckoutState.OPEN,
        goods=goods,
        container=container,
        payer_kind=payer_kind,
    )


@pytest.mark.parametrize(
    ("made_in", "payer_kind", "opened_in", "has_cookie", "forwarded"),
    [
        ("wechat", None, "wechat", False, False),  # the buyer's first look
        ("wechat", "wechat_openid", "wechat", False, True),  # a friend's
        ("wechat", "wechat_openid", "wechat", True, False),
        ("wechat", None, "mobile", False, True),
        ("mobile", None, "alipay", True, False),  # gone on in another app with the mark
        ("desktop", None, "wechat", False, False),  # the phone reads the computer's QR
        ("desktop", "wechat_openid", "wechat", False, True),  # a second phone does
        ("store", None, "alipay", False, False),
    ],
)
def test_somebody_elses_checkout_is_not_gone_on_with(made_in, payer_kind, opened_in, has_cookie, forwarded):
    request = SimpleNamespace(cookies={BUYER_COOKIE: "1"} if has_cookie else {})
    assert is_forwarded(request, opened_in, view(made_in, payer_kind)) is forwarded


def test_a_shop_code_opens_no_flood_of_checkouts_for_one_address():
    desk = BuyerDesk(runtime=None, pages=None)
    request = SimpleNamespace(client=SimpleNamespace(host="192.0.2.7"))
    admitted = 0
    with suppress(TooManyCheckouts):
        while admitted <= 2 * CHECKOUTS_PACE.calls:  # tokens that come back meanwhile are few
            desk.admit(request, "CODE")
            admitted += 1
    assert CHECKOUTS_PACE.calls <= admitted < CHECKOUTS_PACE.calls * 1.5
    desk.admit(request, "OTHER")
    desk.admit(SimpleNamespace(client=SimpleNamespace(host="192.0.2.8")), "CODE")
