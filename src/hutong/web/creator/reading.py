"""Reads a creator's page: every figure is one of the books' or of the links' own queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.commission_queries import CommissionTotals, commission_totals, commissions_of
from hutong.ledger.parties import get_party
from hutong.ledger.party_figures import ChannelEarned, earned_by_channel, earned_by_day, own_channels
from hutong.ledger.queries import statements_page
from hutong.links.hosts import link_base
from hutong.links.queries import channels_by_id, clicks_by_channel, links_page
from hutong.links.standing import Standing
from hutong.merchants.queries import this_merchant
from hutong.shops.names import OrderName, order_names
from hutong.web.creator.views import CreatorPage, DayEarned, Earned, Lately, Others, Post, StatementItem
from hutong.web.format import zone_of

#: The page has to stay under 20 kB.
POSTS_SHOWN: Final = 8
LATELY_SHOWN: Final = 6
STATEMENTS_SHOWN: Final = 5
LINKS_READ: Final = 200
DAYS_SHOWN: Final = 30


async def read_creator_page(unit: Unit, party_id: UUID, public_url: str) -> CreatorPage:
    """Everything on a party's page.

    Raises:
        NotFound: no such party.
    """
    party, merchant = await get_party(unit, party_id), await this_merchant(unit)
    own = await own_channels(unit, party_id)
    earned = await earned_by_channel(unit, party_id)
    clicks = await clicks_by_channel(unit, own) if own else {}
    posts = await _posts(unit, own, clicks, earned, await link_base(unit, public_url))
    drawn = await statements_page(unit, party_id, limit=STATEMENTS_SHOWN, offset=0)
    orders_count = sum(row.orders_count for row in earned)
    all_clicks = sum(clicks.values())
    return CreatorPage(
        merchant=merchant.name,
        timezone=merchant.timezone,
        party_id=party_id,
        name=party.name,
        sums=tuple(_sums(row) for row in await commission_totals(unit, party_id)),
        clicks=all_clicks,
        orders_count=orders_count,
        posts=posts[:POSTS_SHOWN],
        others=_others(posts[:POSTS_SHOWN], len(posts), all_clicks, earned),
        days=await _days(unit, party_id, merchant.currency, merchant.timezone),
        lately=await _lately(unit, party_id),
        statements=tuple(
            StatementItem(
                statement_id=row.statement_id,
                period_start_at=row.period_start_at,
                period_end_at=row.period_end_at,
                net=row.net,
            )
            for row in drawn.rows
        ),
        statements_count=drawn.total,
    )


async def _posts(
    unit: Unit, own: frozenset[UUID], clicks: Mapping[UUID, int], earned: Sequence[ChannelEarned], base: str
) -> tuple[Post, ...]:
    """The creator's channels, what earned most first."""
    if not own:
        return ()
    codes: dict[UUID, str] = {}
    for link in (await links_page(unit, channel_ids=own, limit=LINKS_READ, offset=0)).rows:
        if link.standing is Standing.ACTIVE:
            codes.setdefault(link.channel_id, link.code)
    by_channel: dict[UUID | None, list[ChannelEarned]] = {}
    for row in earned:
        by_channel.setdefault(row.channel_id, []).append(row)
    posts = [
        Post(
            channel_id=channel.channel_id,
            name=channel.name,
            kind=channel.kind,
            platform=channel.platform,
            clicks=clicks.get(channel.channel_id, 0),
            orders_count=sum(row.orders_count for row in by_channel.get(channel.channel_id, ())),
            earned=_added_up(row.earned for row in by_channel.get(channel.channel_id, ())),
            address=f"{base}/l/{codes[channel.channel_id]}" if channel.channel_id in codes else "",
        )
        for channel in await channels_by_id(unit, own)
    ]
    return tuple(sorted(posts, key=lambda post: (-sum(m.amount_minor for m in post.earned), -post.clicks)))


def _others(shown: Sequence[Post], posts_count: int, clicks: int, earned: Sequence[ChannelEarned]) -> Others | None:
    """What the listed posts leave of all; None where they leave nothing."""
    listed = {post.channel_id for post in shown}
    rest = [row for row in earned if row.channel_id not in listed]
    others = Others(
        posts_count=posts_count - len(shown),
        clicks=clicks - sum(post.clicks for post in shown),
        orders_count=sum(row.orders_count for row in rest),
        earned=_added_up(row.earned for row in rest),
    )
    return others if others.posts_count or others.clicks or rest else None


def _sums(row: CommissionTotals) -> Earned:
    due = row.due
    return Earned(
        currency=row.currency,
        earned=row.estimated + due + row.settled - row.owed_back,
        estimated=row.estimated,
        due=due,
        paid=row.settled,
        owed_back=row.owed_back,
    )


async def _days(unit: Unit, party_id: UUID, currency: str, timezone: str) -> tuple[DayEarned, ...]:
    zone = zone_of(timezone)
    today = unit.now().astimezone(zone).date()
    first = today - timedelta(days=DAYS_SHOWN - 1)
    since = datetime.combine(first, datetime.min.time(), zone)
    found = await earned_by_day(unit, party_id, currency, since, zone.key)
    days = [first + timedelta(days=number) for number in range(DAYS_SHOWN)]
    return tuple(DayEarned(day=day, amount=Money(found.get(day, 0), currency)) for day in days)


async def _lately(unit: Unit, party_id: UUID) -> tuple[Lately, ...]:
    rows = (await commissions_of(unit, party_id, limit=LATELY_SHOWN)).rows
    names = await order_names(unit, [row.order_id for row in rows])
    return tuple(
        Lately(
            at=row.paid_at,
            title=names.get(row.order_id, OrderName()).title,
            state=row.state,
            amount=row.amount - row.reversed,
        )
        for row in rows
    )


def _added_up(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """One amount for each currency."""
    sums: dict[str, Money] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, Money(0, amount.currency)) + amount
    return tuple(sums.values())
