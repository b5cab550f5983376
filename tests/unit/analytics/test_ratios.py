"""Ratios are whole hundredths of a per cent, half up, and nothing is divided by nothing."""

from __future__ import annotations

import pytest

from hutong.analytics.figures import ClickFigures, Overview, RepeatFigures


@pytest.mark.parametrize(
    ("part", "whole", "bps"), [(0, 0, 0), (0, 9, 0), (1, 3, 3_333), (2, 3, 6_667), (1, 8, 1_250), (5, 5, 10_000)]
)
def test_ratios(part, whole, bps):
    assert ClickFigures(clicks=whole, converted_clicks=part).conversion_bps == bps
    assert Overview(orders_count=0, money=(), visits=whole, converted_visits=part).conversion_bps == bps
    repeat = RepeatFigures(customers_count=whole, repeat_customers_count=part, orders_without_customer=4)
    assert repeat.repeat_bps == bps
