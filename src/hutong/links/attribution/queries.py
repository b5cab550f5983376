"""Reads of ties: what ties an order, and what could have brought one that nothing ties."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import and_, or_, select

from hutong.core.money import BPS_WHOLE
from hutong.db.unit import Unit
from hutong.links.attribution.evidence import EXACT, Evidence, Tie, moment_of
from hutong.links.attribution.models import link_word, order_tie
from hutong.links.attribution.window import Click
from hutong.links.destinations import SIBLINGS, target_and_host
from hutong.links.models import channel, click, link

#: Goods of one order that links are looked for.
GOODS_MAX: Final = 50
LINKS_MAX: Final = 1_000
#: Clicks that rates are learned from; the latest count where there are more.
CLICKS_MAX: Final = 20_000
ORDERS_MAX: Final = 10_000
WORDS_MAX: Final = 200
TOUCHES_MAX: Final = 200
#: What addresses call goods.
GOODS_NAMES: Final = ("item", "goods")


class TieRow(msgspec.Struct, frozen=True, kw_only=True):
    """What ties an order, by name."""

    evidence: str
    confidence_bps: int
    channel_id: UUID
    channel_name: str
    link_id: UUID
    link_code: str
    link_title: str
    click_id: UUID | None
    word: str


class LeadingLink(msgspec.Struct, frozen=True):
    """A link that leads to some goods."""

    link_id: UUID
    channel_id: UUID


async def ties_of(unit: Unit, order_ids: Collection[UUID]) -> dict[UUID, TieRow]:
    """The ties that are kept of these orders."""
    if not order_ids:
        return {}
    statement = (
        select(order_tie, channel.c.name, link.c.code, link.c.title)
        .join(
            channel,
            and_(channel.c.merchant_id == order_tie.c.merchant_id, channel.c.channel_id == order_tie.c.channel_id),
        )
        .join(link, and_(link.c.merchant_id == order_tie.c.merchant_id, link.c.link_id == order_tie.c.link_id))
        .where(order_tie.c.merchant_id == unit.merchant_id, order_tie.c.order_id.in_(order_ids))
        .limit(len(order_ids))
    )
    return {
        row.order_id: TieRow(
            evidence=row.evidence,
            confidence_bps=row.confidence_bps,
            channel_id=row.channel_id,
            channel_name=row.name,
            link_id=row.link_id,
            link_code=row.code,
            link_title=row.title,
            click_id=row.click_id,
            word=row.word,
        )
        for row in await unit.all(statement)
    }


async def exact_channels(unit: Unit, order_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The channels of those orders that something exact ties."""
    return {order_id: tie.channel_id for order_id, tie in (await exact_ties(unit, order_ids)).items()}


async def exact_ties(unit: Unit, order_ids: Collection[UUID]) -> dict[UUID, Tie]:
    """The ties of those orders that something exact ties."""
    if not order_ids:
        return {}
    statement = select(order_tie).where(
        order_tie.c.merchant_id == unit.merchant_id,
        order_tie.c.order_id.in_(order_ids),
        order_tie.c.evidence.in_([evidence.value for evidence in Evidence if evidence in EXACT]),
    )
    return {
        row.order_id: Tie(
            evidence=Evidence(row.evidence),
            channel_id=row.channel_id,
            link_id=row.link_id,
            click_id=row.click_id,
            word=row.word,
        )
        for row in await unit.all(statement.limit(ORDERS_MAX))
    }


async def links_to(unit: Unit, platform: str, goods: Sequence[str]) -> tuple[LeadingLink, ...]:
    """Links that lead to these goods of a platform, by its own numbers of them."""
    numbers = {number for number in goods[:GOODS_MAX] if number.isascii() and number.isalnum()}
    if not numbers:
        return ()
    likely = or_(*(link.c.url.contains(number, autoescape=True) for number in sorted(numbers)))
    statement = (
        select(link.c.link_id, link.c.channel_id, link.c.url)
        .where(link.c.merchant_id == unit.merchant_id, link.c.destination == "url", likely)
        .order_by(link.c.created_at.desc())
        .limit(LINKS_MAX)
    )
    rows = await unit.all(statement)
    return tuple(LeadingLink(row.link_id, row.channel_id) for row in rows if _names(row.url, platform, numbers))


def _names(url: str, platform: str, numbers: set[str]) -> bool:
    """Whether an address really names one of them, and does not only have its digits in it."""
    target, _ = target_and_host(url)
    if target is None:
        return False
    named = {target.names.get(name, "") for name in GOODS_NAMES}
    return target.destination in SIBLINGS.get(platform, (platform,)) and bool(named & numbers)


async def clicks_on(unit: Unit, links: Sequence[LeadingLink], since: datetime, until: datetime) -> list[Click]:
    """Clicks of people on these links, in order of time."""
    statement = (
        select(click.c.channel_id, click.c.link_id, click.c.clicked_at)
        .where(
            click.c.merchant_id == unit.merchant_id,
            click.c.link_id.in_([one.link_id for one in links]),
            click.c.clicked_at >= since,
            click.c.clicked_at < until,
            ~click.c.is_bot,
        )
        .order_by(click.c.clicked_at.desc())
        .limit(CLICKS_MAX)
    )
    return [Click(row.channel_id, row.link_id, row.clicked_at) for row in reversed(await unit.all(statement))]


async def words_of(unit: Unit, link_id: UUID) -> tuple[tuple[str, str], ...]:
    """The words of a link and their kinds, the oldest first."""
    statement = select(link_word.c.word, link_word.c.kind).where(
        link_word.c.merchant_id == unit.merchant_id, link_word.c.link_id == link_id
    )
    rows = await unit.all(statement.order_by(link_word.c.created_at, link_word.c.word).limit(WORDS_MAX))
    return tuple((row.word, row.kind) for row in rows)


class ShownTie(msgspec.Struct, frozen=True, kw_only=True):
    """What ties an order, as it is shown. ``evidence``: one of :class:`Evidence`, or ``desk``: it was paid at the
    channel's own shop code.
    """

    evidence: str
    confidence_bps: int
    channel_id: UUID
    link_id: UUID | None
    click_id: UUID | None
    word: str
    channel_name: str = ""  # empty for what stands in the order itself
    link_code: str = ""
    link_title: str = ""


#: Paid at a channel's own shop code: no link led there, and there is no doubt either.
DESK: Final = "desk"


def shown_tie(
    kept: TieRow | None, channel_id: UUID | None, link_id: UUID | None, click_id: UUID | None
) -> ShownTie | None:
    """What ties an order: its own click or shop code, else what is kept of it; None: nothing does."""
    if channel_id is not None:
        return ShownTie(
            evidence=DESK if click_id is None else Evidence.CLICK.value,
            confidence_bps=BPS_WHOLE,
            channel_id=channel_id,
            link_id=link_id,
            click_id=click_id,
            word="",
        )
    if kept is None:
        return None
    return ShownTie(
        evidence=kept.evidence,
        confidence_bps=kept.confidence_bps,
        channel_id=kept.channel_id,
        link_id=kept.link_id,
        click_id=kept.click_id,
        word=kept.word,
        channel_name=kept.channel_name,
        link_code=kept.link_code,
        link_title=kept.link_title,
    )


class Touch(msgspec.Struct, frozen=True, kw_only=True):
    """What an order's buyer touched before it, by name. ``link_code`` is empty where he paid at a shop code."""

    channel_name: str
    link_code: str
    link_title: str
    touched_at: datetime


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in an order of our own: its click, or the channel whose shop code it was paid at."""

    channel_id: UUID
    link_id: UUID | None
    click_id: UUID | None
    at: datetime  # of the order; a click has its own moment


_TOUCHES: Final = """
WITH known AS (
  SELECT touch_id, channel_id, link_id, touched_at, false AS is_own
  FROM order_touch WHERE merchant_id = $1 AND order_id = $2
  UNION ALL SELECT $3::uuid, $4::uuid, $5::uuid, $6::timestamptz, true WHERE $4::uuid IS NOT NULL
), once AS (
  SELECT DISTINCT ON (touch_id) * FROM known ORDER BY touch_id, is_own
), touch AS (
  SELECT once.*, array_agg(link_id) OVER (ORDER BY touched_at GROUPS BETWEEN 1 PRECEDING AND 1 PRECEDING) AS before_ids
  FROM once
)
SELECT touch.touched_at, channel.name, coalesce(link.code, '') AS code, coalesce(link.title, '') AS title
FROM touch JOIN channel ON channel.merchant_id = $1 AND channel.channel_id = touch.channel_id
LEFT JOIN link ON link.merchant_id = $1 AND link.link_id = touch.link_id
WHERE touch.touch_id IS DISTINCT FROM touch.link_id OR (touch.link_id = ANY(touch.before_ids)) IS NOT TRUE
ORDER BY touch.touched_at, touch.touch_id LIMIT $7
"""


async def touches_of(unit: Unit, order_id: UUID, own: Own | None = None) -> tuple[Touch, ...]:
    """All that is known of what was touched before an order, the first first; ``own``: what stands in it itself.

    What stands for a link without a click (its word, its place) is left out right after a click of that link.
    """
    at = None if own is None else own.at if own.click_id is None else moment_of(own.click_id)
    stands = (None,) * 3 if own is None else (own.click_id or order_id, own.channel_id, own.link_id)
    return tuple(
        Touch(channel_name=row.name, link_code=row.code, link_title=row.title, touched_at=row.touched_at)
        for row in await unit.fetch(_TOUCHES, unit.merchant_id, order_id, *stands, at, TOUCHES_MAX)
    )
