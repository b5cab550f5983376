"""Checks of what only some wallets can do: payment codes, rescued refunds, sharing; and of ways to pay they lack."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from hutong.core.errors import InvalidInput
from hutong.platforms.conformance.behaviour import NEVER_SEEN_STATUS, forged, outcome_of, sent_by
from hutong.platforms.conformance.calls import SHARE, TAKE_BACK, Call, calls, charge_of, order_of
from hutong.platforms.conformance.case import OUT_REFUND_NO, OUT_TRADE_NO, Case
from hutong.platforms.conformance.doubles import silence
from hutong.platforms.payments import PaymentCreated, PayMethod, RefundStatus, RescueRefund, TradeStatus
from hutong.platforms.sharing import ShareStatus
from hutong.transport.transcript import written_forms

#: Nobody's payment codes: too short, too long, no digits, digits of another script, spaces around.
NO_CODES: Final = (
    "",
    "0",
    "1" * 9,
    "1" * 40,
    "abcdefghijklmnopqr",
    "\uff11" * 18,
    " 134567890123456789",
    "13456789012345678\n",
)
BASIS_POINTS: Final = 10_000


def other_ways_to_pay_are_refused(case: Case) -> None:
    """A way to pay that the sheet does not name is InvalidInput, and nothing is sent."""
    payments = case.connector.payments
    if payments is None:
        return
    assert case.connector.pay_methods, "payments, but no way to open one"
    for method in set(PayMethod) - set(case.connector.pay_methods):
        account, http = case.account(silence)
        call = Call(name=method.value, run=partial(payments.create, command=order_of(case, method)))
        refused = isinstance(outcome_of(call, account), InvalidInput)
        assert refused, f"{method.value} is not offered, but was not refused"
        assert not http.sent, f"{method.value} is not offered, but was sent"


def signed_ways_to_pay_send_nothing(case: Case) -> None:
    """What only signs gives the same for the same input, sends nothing, stays at its address and needs its key."""
    payments, sheet = case.connector.payments, case.connector
    assert set(sheet.signed_methods) <= set(sheet.pay_methods), "a signed way to pay is not offered"
    if payments is None:
        return
    for method in sheet.signed_methods:
        call = Call(name=method.value, run=partial(payments.create, command=order_of(case, method)))
        made: list[PaymentCreated] = []
        for _ in range(2):
            account, http = case.account(silence)
            outcome = outcome_of(call, account)
            assert isinstance(outcome, PaymentCreated), f"{method.value}: gave {outcome!r}"
            assert not http.sent, f"{method.value}: sent something"
            made.append(outcome)
        first, second = made
        assert first == second, f"{method.value}: the same input gave two results"
        given = [part for part in (first.invoke, first.code_url, first.redirect_url) if part is not None]
        assert len(given) == 1, f"{method.value}: not exactly one of the three is set"
        same = first.redirect_url is None or urlsplit(first.redirect_url)[:2] == urlsplit(case.base_url)[:2]
        assert same, f"{method.value}: leads to another address than the connection's"
        shown = f"{first.redirect_url} {first.invoke}"
        forms = [form for secret in case.secrets() for form in written_forms(secret)]
        assert not [form for form in forms if form in shown], f"{method.value}: shows a secret to the buyer"


def payment_codes_are_told_apart(case: Case) -> None:
    """A code is this wallet's by its published form alone; whatever is none is nobody's, and is not sent."""
    codes = case.connector.codes
    if codes is None:
        return
    assert case.own_codes, "the case brings no payment code of this wallet"
    assert case.other_codes, "the case brings no payment code of another wallet"
    for code in case.own_codes:
        assert codes.takes(code), f"did not take its own code {code[:2]}…"
    for code in (*case.other_codes, *NO_CODES):
        assert not codes.takes(code), f"took {code!r}"


def a_charge_is_sent_once(case: Case) -> None:
    """A code is good for one charge: after an unclear outcome the caller asks, transport does not send it again."""
    for call in calls(case):
        if call.name == "charge":
            requests = sent_by(case, call)
            assert requests, "a charge sends nothing"
            assert not [request for request in requests if request.repeatable and request.method != "GET"], (
                "transport may send a charge twice"
            )


def unknown_outcomes_of_the_till_are_pending(case: Case) -> None:
    """A charge or a rescued refund in a state that nobody has heard of moves nothing."""
    codes, rescue = case.connector.codes, case.connector.refund_rescue
    if codes is not None:
        forge = forged(case, "charge")
        account, _ = case.account(lambda _: forge(NEVER_SEEN_STATUS))
        trade = asyncio.run(codes.charge(account, charge_of(case)))
        assert trade.status is TradeStatus.PENDING, f"unknown charge status became {trade.status}"
        assert trade.out_trade_no == OUT_TRADE_NO, "a charge reported as another one"
    if rescue is not None:
        forge = forged(case, "rescue")
        account, _ = case.account(lambda _: forge(NEVER_SEEN_STATUS))
        command = RescueRefund(out_refund_no=OUT_REFUND_NO, refund_id="50000000382019052709732678859")
        refund = asyncio.run(rescue.rescue(account, command))
        assert refund.status is RefundStatus.PENDING, f"unknown refund status became {refund.status}"


def unknown_outcomes_of_shares_are_pending(case: Case) -> None:
    """A share, its line or a return in a state that nobody has heard of is neither done nor failed."""
    sharing = case.connector.sharing
    if sharing is None:
        return
    forge = forged(case, "share")
    account, _ = case.account(lambda _: forge(NEVER_SEEN_STATUS))
    report = asyncio.run(sharing.query(account, SHARE))
    assert report.status is ShareStatus.PENDING, f"unknown share status became {report.status}"
    assert {line.status for line in report.lines} <= {ShareStatus.PENDING}, "an unknown line was decided"
    forge_return = forged(case, "take_back")
    account, _ = case.account(lambda _: forge_return(NEVER_SEEN_STATUS))
    returned = asyncio.run(sharing.take_back(account, TAKE_BACK))
    assert returned.status is ShareStatus.PENDING, f"unknown return status became {returned.status}"


def share_limits_are_limits(case: Case) -> None:
    """What the wallet carries is told in figures that can be kept."""
    sharing = case.connector.sharing
    if sharing is None:
        return
    limits = sharing.limits
    assert 0 < limits.ratio_bps_max <= BASIS_POINTS, "ratio_bps_max is no share"
    assert limits.receivers_per_request_max > 0, "no receiver at all"
    assert limits.requests_per_order_max > 0, "no request at all"
    assert limits.delay_s_min >= 0, "a delay before the payment"
    assert limits.window_days > 0, "a window that is never open"
