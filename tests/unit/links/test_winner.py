"""Which variant sells best: what the rule says, and how often it errs, simulated week by week."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from hutong.links.rules.winner import WEEKS_MAX, Count, chances_of, interval_of, verdict, weeks_of

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
COMPARISONS = 400
#: Three standard deviations of a share of 5 % in so many comparisons.
WRONG_MAX = 0.05 + 0.033


def drawn(chance, rates, weekly):
    """What a comparison says in the end: the winner that is named in its weeks, or None."""
    orders = [0] * len(rates)
    for week in range(1, WEEKS_MAX + 1):
        for place, rate in enumerate(rates):
            orders[place] += sum(chance.random() < rate for _ in range(weekly))
        counts = [Count(choice=str(place), clicks=week * weekly, orders=made) for place, made in enumerate(orders)]
        said = verdict(counts, week)
        if said.winner is not None:
            return said.winner
    return None


@pytest.mark.parametrize(("rates", "weekly"), [((0.05, 0.05), 500), ((0.04, 0.04, 0.04), 300)])
def test_of_equals_a_winner_is_rarely_named(rates, weekly):
    chance = random.Random(7)
    named = sum(drawn(chance, rates, weekly) is not None for _ in range(COMPARISONS))
    assert named / COMPARISONS <= WRONG_MAX


def test_a_clearly_better_one_is_found():
    chance = random.Random(11)
    said = [drawn(chance, (0.04, 0.08), 500) for _ in range(COMPARISONS // 2)]
    assert said.count("1") / len(said) >= 0.95
    assert said.count("0") == 0


def test_the_chance_is_that_of_a_rate_to_be_the_highest():
    counts = [Count(choice="a", clicks=120, orders=9), Count(choice="b", clicks=90, orders=11)]
    chance = random.Random(3)
    draws = 20_000
    above = sum(chance.betavariate(12, 80) > chance.betavariate(10, 112) for _ in range(draws))
    assert chances_of(counts)[1] == pytest.approx(above / draws, abs=0.015)
    assert sum(chances_of(counts)) == pytest.approx(1)


def test_equals_have_equal_chances_also_before_anybody_came():
    for clicks, orders in ((0, 0), (1_000, 50), (5, 5)):
        counts = [Count(choice=name, clicks=clicks, orders=orders) for name in "abc"]
        assert chances_of(counts) == pytest.approx((1 / 3,) * 3)


@pytest.mark.parametrize(
    ("clicks", "orders", "weeks"),
    [(150, (2, 60), 1), (400, (0, 29), 1), (1_000, (10, 90), 0), (1_000, (10, 90), WEEKS_MAX + 1)],
)
def test_nothing_is_named_too_early_too_late_or_by_too_few(clicks, orders, weeks):
    counts = [Count(choice=name, clicks=clicks, orders=made) for name, made in zip("ab", orders, strict=True)]
    assert verdict(counts, weeks).winner is None
    enough = [Count(choice=name, clicks=1_000, orders=made) for name, made in zip("ab", (10, 90), strict=True)]
    assert verdict(enough, 1).winner == "b"


def test_weeks_are_whole():
    assert [weeks_of(NOON, NOON + timedelta(days=days)) for days in (-1, 0, 6, 7, 13, 14)] == [0, 0, 0, 1, 1, 2]


@pytest.mark.parametrize(("clicks", "orders"), [(0, 0), (40, 0), (40, 40), (400, 40), (20_000, 9)])
def test_an_interval_holds_nineteen_of_twenty_draws_of_its_belief(clicks, orders):
    low, high = interval_of(Count(choice="a", clicks=clicks, orders=orders))
    dice = random.Random(7)
    draws = sorted(dice.betavariate(1 + orders, 1 + clicks - orders) for _ in range(20_000))
    assert 0 <= low < high <= 1
    assert abs(sum(draw < low for draw in draws) / len(draws) - 0.025) < 0.006
    assert abs(sum(draw > high for draw in draws) / len(draws) - 0.025) < 0.006
