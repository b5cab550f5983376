from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.core.errors import CurrencyMismatch, InvalidAmount
from hutong.core.money import (
    AMOUNT_MINOR_MAX,
    DECIMAL_CHARS_MAX,
    Money,
    allocate,
    decimal_of,
    minor_half_up,
    round_half_up,
    share_bps,
)

AMOUNTS = st.integers(-(10**15), 10**15)
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


@given(AMOUNTS, WEIGHTS)
def test_parts_add_up_and_each_is_within_one_unit_of_its_share(amount, weights):
    parts = allocate(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Decimal(amount) * weight / sum(weights)) < 1


@given(AMOUNTS, WEIGHTS)
def test_a_refund_of_all_undoes_every_part(amount, weights):
    assert allocate(-amount, weights) == [-part for part in allocate(amount, weights)]


def test_left_over_units_go_to_the_largest_remainders_then_to_the_first():
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(10, [5, 3, 2]) == [5, 3, 2]
    assert allocate(7, [50, 49, 1]) == [4, 3, 0]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_weights_that_cannot_share_are_refused(weights):
    with pytest.raises(InvalidAmount):
        allocate(1, weights)


@given(AMOUNTS, st.integers(1, 10**9))
def test_half_up_is_symmetric_and_nearest(numerator, denominator):
    rounded = round_half_up(numerator, denominator)
    assert rounded == -round_half_up(-numerator, denominator)
    assert abs(2 * (rounded * denominator - numerator)) <= denominator


def test_wallet_fees_round_halves_up():
    assert share_bps(5900, 60) == 35  # 35.4
    assert share_bps(75, 60) == 0  # 0.45
    assert share_bps(25, 200) == 1  # 0.5
    assert share_bps(-25, 200) == -1


@given(st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX), st.sampled_from(["CNY", "JPY", "GBP"]))
def test_decimal_text_reads_back(amount, currency):
    money = Money(amount, currency)
    assert Money.parse(money.decimal_text(), currency) == money


@pytest.mark.parametrize("text", ["", "1e3", "2.3E+18", "NaN", "1,234.5", "12.345", "¥1", "--1", "1 2"])
def test_damaged_amounts_are_refused(text):
    with pytest.raises(InvalidAmount):
        Money.parse(text)


@pytest.mark.parametrize("value", [1.0, True, "1", AMOUNT_MINOR_MAX + 1])
def test_only_whole_minor_units_within_a_bigint_make_money(value):
    with pytest.raises(InvalidAmount):
        Money(value)


def test_currencies_do_not_mix():
    with pytest.raises(CurrencyMismatch):
        Money.fen(1) + Money(1, "GBP")
    with pytest.raises(InvalidAmount):
        Money(1, "XXX")


def test_sums_finer_than_a_minor_unit_round_half_up():
    assert minor_half_up(Decimal("0.005"), "GBP") == 1
    assert minor_half_up(Decimal("-0.005"), "GBP") == -1
    assert minor_half_up(Decimal("11.0449"), "GBP") == 1104
    assert decimal_of(" 0.001 ") == Decimal("0.001")


@pytest.mark.parametrize("length", [DECIMAL_CHARS_MAX + 1, 5_000, 200_000])
def test_a_number_of_thousands_of_digits_is_no_amount(length):
    for read in (decimal_of, Money.parse):
        with pytest.raises(InvalidAmount) as refused:
            read("9" * length)
        assert len(str(refused.value.details["value"])) <= DECIMAL_CHARS_MAX


def test_a_refusal_is_no_echo():
    with pytest.raises(InvalidAmount) as refused:
        Money(int("9" * 4_000))
    assert refused.value.details == {"value": "9" * 40 + "…"}
    with pytest.raises(InvalidAmount) as refused:
        Money.parse("12.345")
    assert refused.value.details == {"value": "12.345"}
