from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.platforms.tables.cells import (
    CHINA,
    CellRefused,
    code,
    is_foot,
    moment,
    money,
    order_number,
    quantity,
    words,
)
from hutong.platforms.tables.sheets import cell_text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ('="5000000000000000001"', "5000000000000000001"),
        ("'13800000000", "13800000000"),
        ("'1112223334445556667'", "1112223334445556667"),
        ("`4200000000202601050000000001", "4200000000202601050000000001"),
        ("\t6900000000000000001\t", "6900000000000000001"),
        ("\xa0 12.30 \u3000", "12.30"),
        ("无退款申请", ""),
        ("NULL", ""),
        ("--", ""),
        ("—", ""),
        ("/", ""),
        ("\ufeff订单", "订单"),
    ],
)
def test_a_code_is_freed_of_what_exports_put_around_it(raw, clean):
    assert code(raw) == clean


def test_running_text_keeps_its_apostrophe():
    assert words("'tis the season") == "'tis the season"
    assert words("a\x00b\nc") == "a b c"


@pytest.mark.parametrize(
    "damaged", ["2.3E+18", "2.30000000000000E+18", "5e18", "5000000000000000000", "123456789012.0"]
)
def test_an_order_number_that_a_spreadsheet_damaged_is_refused(damaged):
    with pytest.raises(CellRefused) as refused:
        order_number(damaged, "订单编号", is_long=True)
    assert refused.value.reason == "order_no_damaged"


@pytest.mark.parametrize(
    "wide",
    ["５１２３０００００００００００００００", "'５１２３０００００００００００００００", "5123000000000００００００"],
)
def test_full_width_digits_are_the_same_order_number(wide):
    assert order_number(wide, "订单编号", is_long=True) == "5123000000000000000"


@pytest.mark.parametrize("kept", ['="5000000000000000000"', "'5000000000000000000", "5000000000000000000\t"])
def test_zeros_at_the_end_are_no_damage_where_the_file_says_that_the_cell_is_text(kept):
    assert order_number(kept, "订单编号", is_long=True) == "5000000000000000000"


def test_a_short_number_loses_the_point_zero_that_a_data_frame_gave_it():
    assert order_number("536365.0", "InvoiceNo", is_long=False) == "536365"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2300000000000000000, "2.300000000000000000E+18"),
        (2.3e18, "2.300000E+18"),
        (536365, "536365"),
        (536365.0, "536365"),
        (0.1 + 0.2, "0.3"),
        (2.5499999999999998, "2.55"),
        (1e-7, "0.0000001"),
        ("5000000000000000001", "'5000000000000000001"),
        (datetime(2026, 1, 5, 10, 0, 1, tzinfo=CHINA), "2026-01-05 10:00:01"),
        (None, ""),
        (True, "TRUE"),
    ],
)
def test_cells_of_workbooks_read_as_a_person_would_type_them(value, text):
    assert cell_text(value) == text


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("¥1,299.90", "1299.90"), ("￥ 5", "5"), ("12.30元", "12.30"), ("1,234,567.8", "1234567.8"), ("-12.5", "-12.5"),
        ("(12.30)", "-12.30"), ("１２．３", "12.3"), ("£2.55", "2.55"), (".5", "0.5"), ("12.", "12"), ("+3", "3"),
    ],
)  # fmt: skip
def test_money_is_read_exactly(raw, value):
    assert money(raw, "x") == Decimal(value)


@pytest.mark.parametrize("raw", ["1,2", "1.2.3", "1e5", "abc", "12 fen", "NaN5", "9" * 20, "1,23.4", "∞", "٣"])
def test_what_is_no_money_is_refused(raw):
    with pytest.raises(CellRefused):
        money(raw, "x")


def test_blanks_are_no_money():
    assert money("-", "x") is None
    assert money("无退款申请", "x") is None


@pytest.mark.parametrize(("raw", "value"), [("6", 6), ("-6", -6), ("6.0", 6), ("1,200", 1200), ("2\t", 2)])
def test_counts(raw, value):
    assert quantity(raw, "x") == value


@pytest.mark.parametrize("raw", ["1.5", "two", "9999999999", "²"])
def test_what_is_no_count_is_refused(raw):
    with pytest.raises(CellRefused):
        quantity(raw, "x")


@pytest.mark.parametrize(
    ("raw", "moment_utc"),
    [
        ("2026-01-05 10:00:30", datetime(2026, 1, 5, 2, 0, 30, tzinfo=UTC)),
        ("2026/9/3 8:00", datetime(2026, 9, 3, 0, 0, tzinfo=UTC)),
        ("12/1/10 8:26", datetime(2010, 12, 1, 0, 26, tzinfo=UTC)),
        ("12/31/2010 8:26 PM", datetime(2010, 12, 31, 12, 26, tzinfo=UTC)),
        ("19970101", datetime(1996, 12, 31, 16, 0, tzinfo=UTC)),
        ("2026年1月5日 10:00", datetime(2026, 1, 5, 2, 0, tzinfo=UTC)),
        ("2026-01-05T10:00:30Z", datetime(2026, 1, 5, 10, 0, 30, tzinfo=UTC)),
        ("2026-01-05 10:00:30+08:00", datetime(2026, 1, 5, 2, 0, 30, tzinfo=UTC)),
        ("2026-01-05", datetime(2026, 1, 4, 16, 0, tzinfo=UTC)),
    ],
)
def test_moments(raw, moment_utc):
    assert moment(raw, "x", CHINA) == moment_utc


@pytest.mark.parametrize("raw", ["2026-13-01", "2026-02-30 10:00", "13/13/10", "yesterday", "0001-01-01", "99999999"])
def test_what_is_no_moment_is_refused(raw):
    with pytest.raises(CellRefused):
        moment(raw, "x", CHINA)


def test_day_first_is_read_as_told():
    assert moment("5/12/10", "x", UTC, day_first=True) == datetime(2010, 12, 5, tzinfo=UTC)


def test_rows_at_the_foot():
    assert is_foot(["", "总计", "12.00"])
    assert is_foot(["合计：", "3"])
    assert is_foot(["#导出时间：[2026年01月06日 09:00:00]", "", ""])
    assert not is_foot(["#1001", "Mug"])
    assert not is_foot(["536365", "Total"])
    assert not is_foot(["", ""])


@given(st.text())
def test_no_cell_content_ever_crashes(raw):
    words(raw)
    code(raw)
    is_foot([raw])
    for read in (
        lambda: money(raw, "x"),
        lambda: quantity(raw, "x"),
        lambda: moment(raw, "x", CHINA),
        lambda: order_number(raw, "x", is_long=True),
    ):
        with suppress(CellRefused):
            read()


@given(st.text(alphabet="0123456789.,-+eE/:() ¥元", max_size=24))
def test_no_number_like_content_ever_crashes(raw):
    test_no_cell_content_ever_crashes.hypothesis.inner_test(raw)
