"""Which variant of a comparison sells best, and when that may be said.

A variant's orders per click have a beta belief with the flat prior Beta(1, 1); the chance to be the best is that of its
rate to lie above all others' (Bayesian A/B testing as in Miller, "Formulas for Bayesian A/B Testing", 2015; here by
numerical integration, for any number of variants). A winner is named when that chance reaches ``CHANCE_MIN`` with
enough clicks and orders, and only at the end of whole weeks, ``WEEKS_MAX`` of them at most: who looks after each click
and stops at the first high chance errs with every look. What this rule errs by is simulated in
``tests/unit/links/test_winner.py``.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final

import msgspec

CHANCE_MIN: Final = 0.993
#: Of each variant, so that none is judged by its first visitors.
CLICKS_MIN: Final = 200
#: Of all variants together.
ORDERS_MIN: Final = 30
WEEK: Final = timedelta(days=7)
WEEKS_MAX: Final = 4
#: How much of a belief its interval holds.
INTERVAL_SHARE: Final = 0.95
_PRIOR: Final = 1.0
_POINTS: Final = 600
#: Standard deviations beyond which a belief holds nothing.
_REACH: Final = 8.0


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """People's clicks that a variant led, and how many of them became an order."""

    choice: str
    clicks: int
    orders: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Each variant's chance to be the best, in the order of the counts; ``winner`` where it may be named."""

    chances: tuple[float, ...]
    winner: str | None


def weeks_of(began_at: datetime, now: datetime) -> int:
    """Whole weeks that a comparison has run."""
    return max(0, (now - began_at) // WEEK)


def verdict(counts: Sequence[Count], weeks: int) -> Verdict:
    """What may be said after so many whole weeks; ``counts`` are those of that moment."""
    chances = chances_of(counts)
    best = max(range(len(counts)), key=lambda place: chances[place])
    enough = (
        len(counts) > 1
        and 0 < weeks <= WEEKS_MAX
        and min(one.clicks for one in counts) >= CLICKS_MIN
        and sum(one.orders for one in counts) >= ORDERS_MIN
    )
    return Verdict(chances=chances, winner=counts[best].choice if enough and chances[best] >= CHANCE_MIN else None)


def chances_of(counts: Sequence[Count]) -> tuple[float, ...]:
    """Each variant's chance that its rate is the highest; they make 1."""
    beliefs = [(_PRIOR + one.orders, _PRIOR + max(0, one.clicks - one.orders)) for one in counts]
    spans = [_span(a, b) for a, b in beliefs]
    low, high = max(0.0, min(low for low, _ in spans)), min(1.0, max(high for _, high in spans))
    step = (high - low) / _POINTS
    points = [low + step * (place + 0.5) for place in range(_POINTS)]
    densities = [_density(a, b, points) for a, b in beliefs]
    below = [[total - part / 2 for total, part in zip(accumulate(d), d, strict=True)] for d in densities]
    raw = [
        sum(
            part * math.prod(other[place] for rival, other in enumerate(below) if rival != own)
            for place, part in enumerate(densities[own])
        )
        for own in range(len(beliefs))
    ]
    return tuple(one / sum(raw) for one in raw)


def interval_of(count: Count) -> tuple[float, float]:
    """Between what a variant's rate lies with ``INTERVAL_SHARE`` of its belief, the outer parts cut off alike."""
    a, b = _PRIOR + count.orders, _PRIOR + max(0, count.clicks - count.orders)
    low, high = _span(a, b)
    low, high = max(0.0, low), min(1.0, high)
    step = (high - low) / _POINTS
    below = list(accumulate(_density(a, b, [low + step * (place + 0.5) for place in range(_POINTS)])))
    first, last = (bisect_left(below, part) for part in ((1 - INTERVAL_SHARE) / 2, (1 + INTERVAL_SHARE) / 2))
    return low + step * (first + 0.5), low + step * (min(last, _POINTS - 1) + 0.5)


def _span(a: float, b: float) -> tuple[float, float]:
    mean, deviation = a / (a + b), math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
    return mean - _REACH * deviation, mean + _REACH * deviation


def _density(a: float, b: float, points: Sequence[float]) -> list[float]:
    """The belief at each point; they make 1."""
    logs = [(a - 1) * math.log(point) + (b - 1) * math.log1p(-point) for point in points]
    peak = max(logs)
    heights = [math.exp(one - peak) for one in logs]
    total = sum(heights)
    return [one / total for one in heights]
