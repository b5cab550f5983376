"""What the time window says with so many per cent is right so often, in shops whose truth is known."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from hutong.links.attribution.window import (
    CEILING_BPS,
    FLOOR_BPS,
    HISTORY,
    REACH,
    Click,
    Guess,
    Placed,
    guess,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 42
#: From this day on there are weeks to learn from.
JUDGED_AFTER = START + HISTORY
#: So far a group's stated confidence may lie from the share that was right.
TOLERANCE = 0.07
GROUPS = ((0.50, 0.60), (0.60, 0.70), (0.70, 0.80), (0.80, 0.90), (0.90, 0.951))
GROUP_ORDERS_MIN = 75


def moment(draw, span_s):
    return START + timedelta(seconds=draw.random() * span_s)


def shop(seed):
    """Clicks, and orders with the channel that really brought each (None: nobody). All rates are drawn."""
    draw = random.Random(seed)
    span_s = DAYS * 86_400
    clicks, orders = [], []
    delay_s = draw.choice([600, 1_800, 7_200, 21_600])
    for number in range(draw.randint(2, 4)):
        channel_id = UUID(int=number + 1)
        chance = draw.uniform(0.01, 0.10)
        posts = [moment(draw, span_s) for _ in range(draw.randint(3, 12))]
        for _ in range(draw.randint(60, 500)):
            # Half of the clicks come in the hours after a post, the others at any time.
            at = moment(draw, span_s)
            if draw.random() < 0.5:
                at = draw.choice(posts) + timedelta(seconds=draw.expovariate(1 / 10_000))
            clicks.append(Click(channel_id, UUID(int=100 + number), at))
            if draw.random() < chance:
                orders.append((at + timedelta(seconds=draw.expovariate(1 / delay_s)), channel_id))
    orders += [(moment(draw, span_s), None) for _ in range(int(draw.uniform(0.2, 3.0) * DAYS))]
    return sorted(clicks, key=lambda click: click.at), sorted(orders, key=lambda order: order[0])


def between(sorted_rows, first, last, *, key):
    """Those from ``first`` until ``last``, with it."""
    return sorted_rows[bisect_left(sorted_rows, first, key=key) : bisect_right(sorted_rows, last, key=key)]


def judged(rule, seeds):
    """Stated confidence and whether it was right, of every order that the rule tied."""
    told = []
    for seed in seeds:
        clicks, orders = shop(seed)
        for at, truth in orders:
            if not JUDGED_AFTER < at < START + timedelta(days=DAYS):
                continue
            seen = between(clicks, at - HISTORY, at, key=lambda click: click.at)
            before = [Placed(other) for other, _ in between(orders, at - HISTORY, at, key=lambda order: order[0])]
            said = rule(at, seen, before)
            if said is not None:
                told.append((said.confidence_bps / 10_000, said.channel_id == truth))
    return told


def misses(told):
    """Groups of confidence in which the share that was right lies too far from what was stated."""
    found = []
    for low, high in GROUPS:
        group = [(stated, right) for stated, right in told if low <= stated < high]
        if len(group) < GROUP_ORDERS_MIN:
            continue
        stated = sum(one for one, _ in group) / len(group)
        right = sum(one for _, one in group) / len(group)
        if abs(stated - right) > TOLERANCE:
            found.append((low, round(stated, 3), round(right, 3), len(group)))
    return found


def last_click(at, clicks, _orders):
    """The rule of other trackers: whoever was last before the order, by his share of the window's clicks."""
    near = clicks[bisect_right(clicks, at - REACH, key=lambda click: click.at) :]
    if not near:
        return None
    last = near[-1]
    share = sum(click.channel_id == last.channel_id for click in near) / len(near)
    bps = min(int(share * 10_000), CEILING_BPS)
    return None if bps < FLOOR_BPS else Guess(channel_id=last.channel_id, link_id=last.link_id, confidence_bps=bps)


@pytest.mark.long
def test_what_is_stated_is_what_is_right():
    told = judged(guess, range(45))
    full = sum(sum(low <= stated < high for stated, _ in told) >= GROUP_ORDERS_MIN for low, high in GROUPS)
    assert full >= 4, "too few orders to judge by"
    assert misses(told) == []


def test_the_judgement_can_fail():
    assert len(misses(judged(last_click, range(30)))) >= 2


@pytest.mark.parametrize("hours", [0, 49, 400])
def test_without_a_click_in_the_window_nothing_is_said(hours):
    at = START + HISTORY
    clicks = [Click(UUID(int=1), UUID(int=2), at - timedelta(hours=hours))] if hours else []
    assert guess(at, clicks, [Placed(at)]) is None


def test_many_orders_that_nobody_explains_keep_it_silent():
    """A shop that sells every ten minutes: one click before an order says nothing."""
    at = START + HISTORY
    orders = [Placed(at - timedelta(minutes=10 * back)) for back in range(4000)][::-1]
    assert guess(at, [Click(UUID(int=1), UUID(int=2), at - timedelta(minutes=20))], orders) is None


def test_a_click_a_minute_before_the_only_order_is_likely_and_never_certain():
    at = START + HISTORY
    said = guess(at, [Click(UUID(int=1), UUID(int=2), at - timedelta(minutes=1))], [Placed(at)])
    assert said is not None
    assert said.channel_id == UUID(int=1)
    assert FLOOR_BPS <= said.confidence_bps <= CEILING_BPS


def test_the_order_of_two_equal_channels_is_no_guess_at_all():
    at = START + HISTORY
    clicks = [Click(UUID(int=number), UUID(int=9), at - timedelta(minutes=1)) for number in (1, 2)]
    assert guess(at, clicks, [Placed(at)]) is None
