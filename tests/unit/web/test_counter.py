"""Who may take money at the counter."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID

import pytest

from hutong.core.errors import Forbidden
from hutong.core.money import Money
from hutong.merchants.staff import CODE_ROLES, REFUND_ROLES, TILL_ROLES, Role, Session
from hutong.web.console.counter import CodeForm, cashier, typed_at_counter
from hutong.web.console.typed import AmountOutside


def asked_by(role: Role) -> SimpleNamespace:
    session = Session(merchant_id=UUID(int=1), staff_id=UUID(int=2), name="王", login="wang", role=role)
    return SimpleNamespace(state=SimpleNamespace(session=session))


@pytest.mark.parametrize("role", Role)
def test_the_till_is_for_those_who_may_take_money(role):
    if role in TILL_ROLES:
        assert cashier(asked_by(role)).role is role
    else:
        with pytest.raises(Forbidden):
            cashier(asked_by(role))


def test_cashiers_take_money_and_send_none_back():
    assert Role.CASHIER in TILL_ROLES - REFUND_ROLES - CODE_ROLES
    assert Role.CLERK not in TILL_ROLES | REFUND_ROLES | CODE_ROLES


def test_a_payment_code_is_not_in_what_a_log_could_print():
    assert "134567890123456789" not in repr(CodeForm(auth_code="134567890123456789"))


def test_an_amount_beyond_the_counters_limit_is_told_as_people_write_it():
    assert typed_at_counter("50000", "CNY") == Money(5_000_000, "CNY")
    with pytest.raises(AmountOutside) as told:
        typed_at_counter("50000.01", "CNY")
    assert "“金额”里的金额不能超过 ¥50,000.00" in told.value.text("zh-Hans").sentence
