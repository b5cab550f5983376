from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.platforms.tables.export import csv_lines, safe_cell
from hutong.platforms.tables.reasons import REASONS, reason_text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", " =", "\n"])
def test_formulas_are_neutralised(start):
    assert safe_cell(f"{start}cmd|' /C calc'!A0").startswith("'")


def test_numbers_stay_numbers():
    assert safe_cell(Decimal("-12.30")) == "-12.30"
    assert safe_cell(-3) == "-3"
    assert safe_cell(None) == ""
    assert safe_cell("杯子") == "杯子"


@given(st.lists(st.lists(st.text(alphabet=st.characters(exclude_characters="\x00")), min_size=2, max_size=2)))
def test_no_cell_of_an_export_begins_as_a_formula(rows):
    text = "".join(csv_lines(["a", "b"], rows))
    assert text.startswith("\ufeff")
    for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


def test_every_reason_has_words_in_both_languages():
    for reason in REASONS:
        for locale in ("zh-Hans", "en"):
            text = reason_text(reason, {"column": "订单编号", "value": "2.3E+18"}, locale)
            assert text
            assert "{" not in text


def test_digits_that_a_spreadsheet_would_round_stay_text():
    long, short = "2187654321098765432", "123456789012345"
    (_, line) = csv_lines(["订单号"], [[long, short, f"{long}A", 10**18]])
    assert line == f"{long}\t,{short},{long}A,{10**18}\r\n"
