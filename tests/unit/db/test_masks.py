"""Personal data as it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.db.masks import mask_address, mask_name, mask_phone


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812345678", "138****5678"),
        ("+86 138-1234-5678", "138****5678"),
        ("008613812345678", "138****5678"),
        ("010-12345678", "010****5678"),
        ("95588", "****88"),
        ("1234", "****"),
        ("138****5678", "138****5678"),
        ("", ""),
    ],
)
def test_phone(phone, shown):
    assert mask_phone(phone) == shown


@given(st.text(alphabet="0123456789 -+", min_size=0, max_size=24))
def test_a_masked_phone_never_shows_more_than_seven_digits_and_stays_as_it_is(phone):
    shown = mask_phone(phone)
    assert sum(letter.isdigit() for letter in shown) <= 7
    assert mask_phone(shown) == shown


@pytest.mark.parametrize(
    ("name", "shown"), [("王小明", "王**"), ("李雷", "李**"), (" John Smith", "J**"), ("张", "张**"), ("", "")]
)
def test_name(name, shown):
    assert mask_name(name) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("浙江省杭州市西湖区文三路 90 号 3 幢 201", "浙江省杭州市西湖区****"),
        ("北京市朝阳区建国路 1 号", "北京市朝阳区****"),
        ("上海市 浦东新区 世纪大道 100 号", "上海市 浦东新区****"),
        ("内蒙古自治区锡林郭勒盟苏尼特左旗某路", "内蒙古自治区锡林郭勒盟苏尼特左旗****"),
        ("广东省东莞市虎门镇 5 号", "广东省东莞市****"),
        ("12 Main Street, Springfield", "****"),
        ("", ""),
    ],
)
def test_address(address, shown):
    assert mask_address(address) == shown


@given(st.text(max_size=60))
def test_a_masked_address_is_masked_into_itself(address):
    assert mask_address(mask_address(address)) == mask_address(address)
