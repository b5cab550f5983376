"""An order that nothing ties, placed after clicks on what leads to its goods: who brought it, how surely? Pure.

The model: orders of the goods come by themselves at a steady rate, and each click brings an order with some chance,
after a while that is drawn from an exponential distribution. Then the chance that click i brought an order placed at t

    p_i = c_i · f(t − t_i) / (r + Σ_j c_j · f(t − t_j)),    f(d) = e^(−d/m) / (m · (1 − e^(−W/m))),  0 < d ≤ W

with r orders a second that no click explains, c the chance that a click of its channel brings an order, m the mean
delay, and W the window. A channel's confidence is the sum over its clicks. This is the stochastic declustering of
Zhuang, Ogata and Vere-Jones (Journal of the American Statistical Association 97, 2002) without descendants.

r, c and m are what the shop's own last weeks say, by expectation and maximisation over its orders and clicks, each
begun with a prior that stands for a few observations, so that a new shop is not believed too soon. An order that
something exact ties counts as brought by that channel. Below ``FLOOR_BPS`` nothing is said; above ``CEILING_BPS`` no
guess goes.

What it does not know: people who clicked and would have bought anyway, clicks on platforms' own pages, sales at
festivals (r is steady), and channels whose visitors wait longer than W.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.money import BPS_WHOLE

#: How long after a click an order may be its doing.
REACH: Final = timedelta(hours=48)
#: What the rates are learned from.
HISTORY: Final = timedelta(days=28)
FLOOR_BPS: Final = 5_000
CEILING_BPS: Final = 9_500
#: One order in a hundred clicks, believed like a hundred clicks; a channel keeps to its shop's like fifty.
CHANCE_PRIOR: Final = (1.0, 100.0)
CHANNEL_PRIOR_CLICKS: Final = 50.0
#: One order a day that no click explains, believed like a day.
RATE_PRIOR: Final = (1.0, 86_400.0)
#: A mean delay of two hours, believed like four orders.
DELAY_PRIOR: Final = (4.0, 7_200.0)
DELAY_S_MIN: Final = 60.0
ROUNDS: Final = 12
#: Pairs of order and click that are weighed; the latest orders count where there are more.
PAIRS_MAX: Final = 2_000


class Click(msgspec.Struct, frozen=True):
    """A click on what leads to the goods."""

    channel_id: UUID
    link_id: UUID
    at: datetime


class Placed(msgspec.Struct, frozen=True):
    """An order of the goods; ``channel_id`` where something exact ties it."""

    at: datetime
    channel_id: UUID | None = None


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """The channel that most likely brought an order, its link with most of that, and the confidence."""

    channel_id: UUID
    link_id: UUID
    confidence_bps: int


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What the shop's weeks say: orders a second without a click, the chance of a click by channel, the mean delay."""

    base_per_s: float
    chances: dict[UUID, float]
    delay_s: float

    def pulls(self, candidates: Sequence[tuple[UUID, float]]) -> list[float]:
        """How many orders a second each click (channel, seconds ago) brings so long after it."""
        exp, delay_s, chances = math.exp, self.delay_s, self.chances
        norm = delay_s * -math.expm1(-REACH.total_seconds() / delay_s)
        return [chances[channel_id] * exp(-ago_s / delay_s) / norm for channel_id, ago_s in candidates]


def guess(at: datetime, clicks: Sequence[Click], orders: Sequence[Placed]) -> Guess | None:
    """Who brought the order placed at ``at``; None below the floor.

    ``clicks`` and ``orders`` (this one too) of :data:`HISTORY` until ``at``, both in order of time.
    """
    near = _within(clicks, at)
    if not near:
        return None
    rates = learn(clicks, orders, at - HISTORY, at)
    shares, links = shares_of(at, near, rates)
    channel_id = max(shares, key=lambda one: (shares[one], one))
    confidence_bps = min(int(shares[channel_id] * BPS_WHOLE), CEILING_BPS)
    if confidence_bps < FLOOR_BPS:
        return None
    of_links = links[channel_id]
    link_id = max(of_links, key=lambda one: (of_links[one], one))
    return Guess(channel_id=channel_id, link_id=link_id, confidence_bps=confidence_bps)


def shares_of(
    at: datetime, near: Sequence[Click], rates: Rates
) -> tuple[dict[UUID, float], dict[UUID, dict[UUID, float]]]:
    """Each channel's chance to have brought the order, and its links' parts of it; the rest came by itself."""
    pulls = rates.pulls([(click.channel_id, (at - click.at).total_seconds()) for click in near])
    whole = rates.base_per_s + sum(pulls)
    shares: dict[UUID, float] = defaultdict(float)
    links: dict[UUID, dict[UUID, float]] = defaultdict(lambda: defaultdict(float))
    for click, pull in zip(near, pulls, strict=True):
        shares[click.channel_id] += pull / whole
        links[click.channel_id][click.link_id] += pull / whole
    return shares, links


def learn(clicks: Sequence[Click], orders: Sequence[Placed], since: datetime, until: datetime) -> Rates:
    """The rates that explain the orders best, begun at the priors."""
    free, tied, cut_at = _pairs(clicks, orders)
    since = since if cut_at is None else max(since, cut_at)
    counts: dict[UUID, int] = defaultdict(int)
    for click in clicks:
        counts[click.channel_id] += click.at >= since
    prior_sold, prior_clicks = CHANCE_PRIOR
    rates = Rates(
        base_per_s=RATE_PRIOR[0] / RATE_PRIOR[1],
        chances=dict.fromkeys(counts, prior_sold / prior_clicks),
        delay_s=DELAY_PRIOR[1],
    )
    span_s = (until - since).total_seconds()
    for _ in range(ROUNDS):
        rates = _round(rates, free, tied, counts, span_s)
    return rates


def _round(
    rates: Rates,
    free: Sequence[Sequence[tuple[UUID, float]]],
    tied: dict[UUID, int],
    counts: dict[UUID, int],
    span_s: float,
) -> Rates:
    """One expectation over all orders, and the rates that it gives."""
    sold: dict[UUID, float] = defaultdict(float, {channel_id: float(count) for channel_id, count in tied.items()})
    alone = brought = waited = 0.0
    for candidates in free:
        pulls = rates.pulls(candidates)
        whole = rates.base_per_s + sum(pulls)
        alone += rates.base_per_s / whole
        for (channel_id, delay), pull in zip(candidates, pulls, strict=True):
            share = pull / whole
            sold[channel_id] += share
            brought += share
            waited += share * delay
    prior_sold, prior_clicks = CHANCE_PRIOR
    shop = (prior_sold + sum(sold.values())) / (prior_clicks + sum(counts.values()))
    chances = {
        channel_id: (CHANNEL_PRIOR_CLICKS * shop + sold[channel_id]) / (CHANNEL_PRIOR_CLICKS + count)
        for channel_id, count in counts.items()
    }
    prior_orders, prior_s = DELAY_PRIOR
    delay_s = max((prior_orders * prior_s + waited) / (prior_orders + brought), DELAY_S_MIN)
    base_per_s = (RATE_PRIOR[0] + alone) / (RATE_PRIOR[1] + span_s)
    return Rates(base_per_s=base_per_s, chances=chances, delay_s=delay_s)


def _pairs(
    clicks: Sequence[Click], orders: Sequence[Placed]
) -> tuple[list[list[tuple[UUID, float]]], dict[UUID, int], datetime | None]:
    """For each order that nothing ties its candidates and their delays; of the others how many each channel brought;
    and the first order that was weighed, where there were too many.
    """
    free: list[list[tuple[UUID, float]]] = []
    tied: dict[UUID, int] = defaultdict(int)
    known = {click.channel_id for click in clicks}
    count = 0
    for order in reversed(orders):
        if order.channel_id is not None:
            if order.channel_id in known:
                tied[order.channel_id] += 1
            continue
        near = _within(clicks, order.at)
        count += len(near)
        if count > PAIRS_MAX and free:
            return free, tied, order.at
        free.append([(click.channel_id, (order.at - click.at).total_seconds()) for click in near])
    return free, tied, None


def _within(clicks: Sequence[Click], at: datetime) -> Sequence[Click]:
    """The clicks of the window before a moment."""
    first = bisect_right(clicks, at - REACH, key=lambda click: click.at)
    return clicks[first : bisect_left(clicks, at, key=lambda click: click.at)]
