"""What every connector must prove, ours or anybody's.

A connector's author writes one :class:`Case` and runs every check on it, with pytest or without::

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_conformance(check, case):
        check(case)

A check returns nothing and raises AssertionError with a sentence. Checks of capabilities that the connector does not
have pass without work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hutong.platforms.conformance.behaviour import (
    missing_credentials_are_named,
    private_keys_never_travel,
    requests_stay_with_their_platform,
    secrets_stay_out_of_sight,
    throttling_is_named,
    unknown_statuses_are_pending,
    unreadable_answers_are_unknown,
    unreadable_refusals_stay_errors,
    what_is_sent_follows_from_what_is_given,
    windows_are_kept,
)
from hutong.platforms.conformance.bills import bills_are_read_again, bills_are_told_apart, days_that_last_have_no_bill
from hutong.platforms.conformance.case import (
    ORDER_ID,
    OUT_REFUND_NO,
    OUT_RETURN_NO,
    OUT_SHARE_NO,
    OUT_TRADE_NO,
    Case,
    Forgery,
)
from hutong.platforms.conformance.incoming import (
    answers_to_callbacks_are_plain,
    genuine_callbacks_verify,
    mutated_callbacks_never_verify,
    other_callbacks_do_not,
    preparing_is_bounded,
)
from hutong.platforms.conformance.promotions import (
    marks_come_back,
    odd_marks_are_refused,
    unknown_promoted_statuses_are_pending,
    windows_of_promoted_are_kept,
)
from hutong.platforms.conformance.sheet import (
    files_are_not_everybodys,
    sheet_calls_judged_what_was_judged,
    sheet_has_an_address,
    sheet_is_named,
    sheet_knows_its_secrets,
    sheet_maps_errors,
    sheet_proves_what_it_has,
)
from hutong.platforms.conformance.wallets import (
    a_charge_is_sent_once,
    other_ways_to_pay_are_refused,
    payment_codes_are_told_apart,
    share_limits_are_limits,
    signed_ways_to_pay_send_nothing,
    unknown_outcomes_of_shares_are_pending,
    unknown_outcomes_of_the_till_are_pending,
)

__all__ = [
    "CHECKS",
    "ORDER_ID",
    "OUT_REFUND_NO",
    "OUT_RETURN_NO",
    "OUT_SHARE_NO",
    "OUT_TRADE_NO",
    "Case",
    "Forgery",
]

CHECKS: Final[tuple[Callable[[Case], None], ...]] = (
    sheet_is_named,
    sheet_knows_its_secrets,
    sheet_proves_what_it_has,
    sheet_calls_judged_what_was_judged,
    sheet_maps_errors,
    sheet_has_an_address,
    files_are_not_everybodys,
    what_is_sent_follows_from_what_is_given,
    requests_stay_with_their_platform,
    private_keys_never_travel,
    secrets_stay_out_of_sight,
    unreadable_answers_are_unknown,
    unreadable_refusals_stay_errors,
    throttling_is_named,
    unknown_statuses_are_pending,
    missing_credentials_are_named,
    windows_are_kept,
    other_ways_to_pay_are_refused,
    signed_ways_to_pay_send_nothing,
    payment_codes_are_told_apart,
    a_charge_is_sent_once,
    unknown_outcomes_of_the_till_are_pending,
    unknown_outcomes_of_shares_are_pending,
    share_limits_are_limits,
    marks_come_back,
    odd_marks_are_refused,
    windows_of_promoted_are_kept,
    unknown_promoted_statuses_are_pending,
    bills_are_told_apart,
    bills_are_read_again,
    days_that_last_have_no_bill,
    genuine_callbacks_verify,
    other_callbacks_do_not,
    mutated_callbacks_never_verify,
    preparing_is_bounded,
    answers_to_callbacks_are_plain,
)
