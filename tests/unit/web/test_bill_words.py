"""A merchant reads why a bill did not come, not the code of an error."""

from __future__ import annotations

import inspect

import pytest

from hutong.platforms import bill_errors
from hutong.platforms.bill_errors import BillRefused
from hutong.web.console.bill_words import reason_of

CODES = sorted(
    {one.code for one in vars(bill_errors).values() if inspect.isclass(one) and issubclass(one, BillRefused)}
)


@pytest.mark.parametrize("code", CODES)
def test_every_refusal_of_a_bill_has_words(code):
    assert reason_of(code)


def test_a_code_without_words_is_told_as_it_is():
    assert reason_of("ACQ.SYSTEM_ERROR") == ""
