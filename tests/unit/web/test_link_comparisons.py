"""A comparison as its page shows it: what state it is in, who won, and bars on one scale."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from hutong.links.rules.model import Rule, Variant
from hutong.links.rules.winner import WEEKS_MAX
from hutong.web.console.link_comparisons import comparison_view
from hutong.workflows.commands.link_winners import Standing, VariantStanding

AT = datetime(2026, 11, 20, tzinfo=UTC)
TAOBAO = "https://item.taobao.com/item.htm?id=657"


def variant(number, clicks=400, orders=20, weight=1, high_bps=800):
    return VariantStanding(
        choice=f"r1.v{number}", clicks=clicks, orders=orders, chance_bps=5_000, low_bps=300, high_bps=high_bps,
        weight=weight, money=(),
    )  # fmt: skip


def view(*variants, **more):
    plain = {"rule": 1, "weeks": 1, "winner": None, "named_at": None, "is_over": False}
    rule = Rule(
        key="r1", variants=tuple(Variant(key=one.choice[3:], weight=one.weight, url=TAOBAO) for one in variants)
    )
    running, paused = [one for one in variants if one.weight], [one for one in variants if not one.weight]
    standing = Standing(**{**plain, **more}, variants=tuple(running), paused=tuple(paused))
    return comparison_view(standing, rule, {})


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "running"),
        ({"weeks": WEEKS_MAX}, "even"),
        ({"weeks": WEEKS_MAX, "winner": "r1.v1"}, "running"),
        ({"winner": "r1.v1", "named_at": AT}, "continued"),
        ({"winner": "r1.v1", "named_at": AT, "is_over": True}, "over"),
    ],
)
def test_its_state_says_how_far_it_is(more, state):
    made = view(variant(1), variant(2), **more)
    assert made.state == state
    assert made.winner == (1 if "named_at" in more else None), "nobody has won before it was said"


def test_without_a_click_it_is_quiet():
    nobody = replace(variant(1), clicks=0, orders=0)
    assert view(nobody, replace(nobody, choice="r1.v2")).state == "quiet"


def test_bars_stand_on_the_scale_of_the_highest_and_shares_make_a_whole():
    made = view(variant(1), variant(2, orders=40, weight=3, high_bps=1_600), variant(3, weight=0))
    first, second, third = made.variants
    assert (second.high, first.high, second.bar, first.bar) == (1_000, 500, 625, 312)
    assert [row.share_bps for row in made.variants] == [2_500, 7_500, 0]
    assert [row.is_paused for row in made.variants] == [False, False, True]
    assert all(row.low <= row.bar <= row.high for row in (first, second, third))
