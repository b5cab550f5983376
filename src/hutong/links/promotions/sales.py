"""Orders that came by addresses of alliances: whom their marks name, and each line as the alliance told it last."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from msgspec import structs
from sqlalchemy import ARRAY, Text, any_, func, literal, select

from hutong.core.money import SUM_MINOR_MAX
from hutong.db.unit import Unit
from hutong.links.attribution.evidence import Evidence, Tie, stronger
from hutong.links.models import link
from hutong.links.promotions.models import promoted_mark
from hutong.links.tokens import read_carried_token
from hutong.platforms.jump_links import PromotedLine, PromotedStatus, is_plain, plain_text

log = logging.getLogger("hutong.links")

#: A line at its platform: the order's number and its own.
LineKey: TypeAlias = tuple[str, str]

#: Pieces of one line; a number beyond is no number of pieces.
QUANTITY_MAX: Final = 2**31 - 1
#: What an order of a later word may not fall behind, of two of one moment. VOID comes last: money that went back.
RANK: Final = {
    PromotedStatus.PENDING: 0,
    PromotedStatus.UNPAID: 1,
    PromotedStatus.PAID: 2,
    PromotedStatus.RECEIVED: 3,
    PromotedStatus.SETTLED: 4,
    PromotedStatus.VOID: 5,
}
#: The buyer has paid: the order is one that somebody brought.
SOLD: Final = frozenset({PromotedStatus.PAID, PromotedStatus.RECEIVED, PromotedStatus.SETTLED})
#: How long before the platform saw the address open our click was made, and how far two clocks may differ.
CLICKED_BEFORE: Final = timedelta(minutes=2)
CLICKED_AFTER: Final = timedelta(seconds=5)
_ONLY_CLICK: Final = """
SELECT given.order_no, given.line_id, near.click_id
FROM unnest($2::text[], $3::text[], $4::uuid[], $5::timestamptz[]) AS given (order_no, line_id, link_id, clicked_at)
CROSS JOIN LATERAL (
  SELECT few.click_id, count(*) OVER () AS clicks
  FROM (SELECT c.click_id FROM click c
    WHERE c.merchant_id = $1 AND c.link_id = given.link_id AND NOT c.is_bot
      AND c.clicked_at BETWEEN given.clicked_at - $6::interval AND given.clicked_at + $7::interval
    LIMIT 2) few
) near
WHERE near.clicks = 1
"""
_COLUMNS: Final = (
    *("order_no", "line_id", "platform", "source", "mark", "goods_id", "title", "quantity", "currency"),
    *("paid_minor", "commission_minor", "status", "rank", "raw_status", "link_id", "channel_id", "click_id"),
    *("placed_at", "paid_at", "clicked_at", "changed_at"),
)
_KEY: Final = ("source", "order_no", "line_id")
_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_COLUMNS, "text"),
    **dict.fromkeys(("quantity", "rank"), "integer"),
    **dict.fromkeys(("paid_minor", "commission_minor"), "bigint"),
    **dict.fromkeys(("link_id", "channel_id", "click_id"), "uuid"),
    **dict.fromkeys(("placed_at", "paid_at", "clicked_at", "changed_at"), "timestamptz"),
}
_NAMES: Final = ", ".join(_COLUMNS)
_GIVEN: Final = ", ".join(f"${number}::{_KINDS[name]}[]" for number, name in enumerate(_COLUMNS, 4))
_TIE: Final = ("mark", "link_id", "channel_id", "click_id")
_SET: Final = ", ".join(
    f"{name} = excluded.{name}" for name in (*_COLUMNS, "connection_id", "seen_at") if name not in (*_KEY, *_TIE)
)
#: Whether a later word names the link, or the same link and less of it than was known: alliances hide marks where they
#: take a permission back, and another application of one account knows none. What is known stays known.
_NAMES_LESS: Final = "(excluded.link_id IS NULL OR excluded.link_id = line.link_id AND excluded.click_id IS NULL)"
_SET_TIE: Final = ", ".join(
    f"{name} = CASE WHEN line.link_id IS NOT NULL AND {_NAMES_LESS} THEN line.{name} ELSE excluded.{name} END"
    for name in _TIE
)
#: An older word, or one that this hub does not understand, changes nothing of what is known.
_KEEP: Final = f"""
INSERT INTO promoted_line AS line (merchant_id, connection_id, seen_at, {_NAMES})
SELECT $1, $2, $3, given.* FROM unnest({_GIVEN}) AS given ({_NAMES})
ORDER BY source, order_no, line_id
ON CONFLICT (merchant_id, source, order_no, line_id) DO UPDATE SET {_SET}, {_SET_TIE}
WHERE excluded.status <> 'pending'
  AND (line.status = 'pending' OR (excluded.changed_at, excluded.rank) > (line.changed_at, line.rank))
RETURNING order_no
"""  # noqa: S608 (names of our own columns)
#: The link, or the click on it, that an older or an unclear word is the first to name.
_NAME: Final = """
UPDATE promoted_line line SET mark = given.mark, link_id = given.link_id, channel_id = given.channel_id,
  click_id = given.click_id
FROM unnest($3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[])
  AS given (order_no, line_id, mark, link_id, channel_id, click_id)
WHERE line.merchant_id = $1 AND line.source = $2 AND line.order_no = given.order_no AND line.line_id = given.line_id
  AND (line.link_id IS NULL OR line.link_id = given.link_id AND line.click_id IS NULL AND given.click_id IS NOT NULL)
RETURNING line.order_no
"""


async def first_made_at(unit: Unit, connection_id: UUID) -> datetime | None:
    """When an account made its first address for a link: nothing can have come by one before. None: not yet."""
    moment: datetime | None = await unit.scalar(
        select(func.min(promoted_mark.c.made_at)).where(
            promoted_mark.c.merchant_id == unit.merchant_id, promoted_mark.c.connection_id == connection_id
        )
    )
    return moment


async def ties_of_marks(unit: Unit, key: bytes, connection_id: UUID, marks: Collection[str]) -> dict[str, Tie]:
    """Whom the marks of an account's orders name: the click that carried one, or the link whose address told it.

    A mark that none of this merchant's links gave out names nobody.
    """
    read = {mark: read_carried_token(key, unit.merchant_id, mark) for mark in marks}
    clicks = {mark: found for mark, found in read.items() if found is not None}
    ties = await _ties_of_clicks(unit, clicks)
    others = sorted(mark for mark, found in read.items() if found is None and mark and is_plain(mark))
    return ties | await _ties_of_places(unit, connection_id, others)


async def _ties_of_clicks(unit: Unit, clicks: Mapping[str, tuple[UUID, str]]) -> dict[str, Tie]:
    if not clicks:
        return {}
    codes = sorted({code for _, code in clicks.values()})
    statement = select(link.c.code, link.c.link_id, link.c.channel_id).where(
        link.c.merchant_id == unit.merchant_id, link.c.code == any_(literal(codes, ARRAY(Text)))
    )
    links = {row.code: row for row in await unit.all(statement.limit(len(codes)))}
    return {
        mark: Tie(
            evidence=Evidence.CARRIED,
            channel_id=links[code].channel_id,
            link_id=links[code].link_id,
            click_id=click_id,
        )
        for mark, (click_id, code) in clicks.items()
        if code in links
    }


async def _ties_of_places(unit: Unit, connection_id: UUID, marks: Sequence[str]) -> dict[str, Tie]:
    if not marks:
        return {}
    statement = (
        select(promoted_mark.c.told_as, link.c.link_id, link.c.channel_id)
        .join(link, (link.c.merchant_id == promoted_mark.c.merchant_id) & (link.c.link_id == promoted_mark.c.link_id))
        .where(
            promoted_mark.c.merchant_id == unit.merchant_id,
            promoted_mark.c.connection_id == connection_id,
            promoted_mark.c.told_as == any_(literal(list(marks), ARRAY(Text))),
        )
        .limit(len(marks))
    )
    return {
        row.told_as: Tie(evidence=Evidence.CARRIED, channel_id=row.channel_id, link_id=row.link_id)
        for row in await unit.all(statement)
    }


async def with_clicks(unit: Unit, lines: Sequence[PromotedLine], ties: Mapping[str, Tie]) -> dict[LineKey, Tie]:
    """The tie of each line by its own mark; with the click where a place's mark alone is known, but also when its
    address was opened: the one click of a person on the link just before. Where there are two, or none, it stays the
    link's. Of several words on one line the strongest tie holds.
    """
    found: dict[LineKey, Tie] = {}
    lines = [line for line in lines if is_readable(line)]
    for line in lines:
        if line.mark in ties:
            told = ties[line.mark]
            found[key_of(line)] = stronger(found.get(key_of(line), told), told)
    open_ = {
        key_of(line): line.clicked_at
        for line in lines
        if line.clicked_at is not None and key_of(line) in found and found[key_of(line)].click_id is None
    }
    if open_:
        keys = list(open_)
        rows = await unit.fetch(
            _ONLY_CLICK,
            unit.merchant_id,
            [order_no for order_no, _ in keys],
            [line_id for _, line_id in keys],
            [found[key].link_id for key in keys],
            [open_[key] for key in keys],
            CLICKED_BEFORE,
            CLICKED_AFTER,
        )
        for row in rows:
            key = (row.order_no, row.line_id)
            found[key] = structs.replace(found[key], click_id=row.click_id)
    return found


async def keep_lines(
    unit: Unit,
    connection_id: UUID,
    platform: str,
    source: str,
    lines: Sequence[PromotedLine],
    ties: Mapping[LineKey, Tie],
) -> set[str]:
    """Write down what an alliance told of these lines; the orders of which anything is new.

    A line that cannot be kept is left out and logged: it must not keep the others away.
    """
    latest: dict[LineKey, PromotedLine] = {}
    for line in lines:
        if not is_readable(line):
            log.warning(
                "%s of %s: the line %r of the order %r is unreadable",
                platform,
                connection_id,
                line.line_id,
                line.order_no,
            )
            continue
        known = latest.get(key_of(line))
        if known is None or _version(line) > _version(known):
            latest[key_of(line)] = line
    if not latest:
        return set()
    rows = [_row(line, platform, source, ties.get(key)) for key, line in latest.items()]
    columns = [[row[name] for row in rows] for name in _COLUMNS]
    kept = await unit.fetch(_KEEP, unit.merchant_id, connection_id, unit.now(), *columns)
    named = [row for row in rows if row["link_id"] is not None]
    names = ("order_no", "line_id", *_TIE)
    found = await unit.fetch(_NAME, unit.merchant_id, source, *([row[name] for row in named] for name in names))
    return {row.order_no for row in (*kept, *found)}


def key_of(line: PromotedLine) -> LineKey:
    """What names a line at its platform."""
    return line.order_no, line.line_id


def is_readable(line: PromotedLine) -> bool:
    """Whether a line can be kept: its numbers name one order, and its sums and pieces are no nonsense."""
    is_named = is_plain(line.order_no) and is_plain(line.line_id)
    sums = (line.paid.amount_minor, line.commission.amount_minor)
    return is_named and abs(line.quantity) <= QUANTITY_MAX and all(abs(sum_) <= SUM_MINOR_MAX for sum_ in sums)


def _version(line: PromotedLine) -> tuple[bool, datetime, int]:
    """What is not understood stands behind all that is."""
    return line.status is not PromotedStatus.PENDING, line.changed_at, RANK[line.status]


def _row(line: PromotedLine, platform: str, source: str, tie: Tie | None) -> dict[str, Any]:
    return {
        "order_no": line.order_no,
        "line_id": line.line_id,
        "platform": platform,
        "source": source,
        "mark": plain_text(line.mark),
        "goods_id": plain_text(line.goods_id),
        "title": plain_text(line.title),
        "quantity": line.quantity,
        "currency": line.paid.currency,
        "paid_minor": line.paid.amount_minor,
        "commission_minor": line.commission.amount_minor,
        "status": line.status.value,
        "rank": RANK[line.status],
        "raw_status": plain_text(line.raw_status),
        "link_id": tie.link_id if tie else None,
        "channel_id": tie.channel_id if tie else None,
        "click_id": tie.click_id if tie else None,
        "placed_at": line.placed_at,
        "paid_at": line.paid_at,
        "clicked_at": line.clicked_at,
        "changed_at": line.changed_at,
    }
