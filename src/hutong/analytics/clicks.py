"""The click explorer's reads: single clicks page by page, what became of each, and counts over time.

Click ids are ordered by time, so that the primary key finds a period and a page's end; no page is counted off from the
first. What became of a click is told by the tables that name it: attempts to jump, cash desks, sales, ties of orders.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, and_, exists, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from hutong.analytics.brought import came_back, orders_of_clicks, promoted_of_clicks
from hutong.analytics.models import sale_fact
from hutong.core.ids import first_id
from hutong.db.unit import Unit
from hutong.links.jumps.tries import Outcome
from hutong.links.machines import CLOSED, LOCKED, ending, read_kind
from hutong.links.models import channel, click, jump_try, link
from hutong.payments.models import checkout

PAGE_ROWS_MAX: Final = 500
#: Attempts of one click: the ways of one cell.
TRIES_MAX: Final = 16


class Who(StrEnum):
    """Whose clicks."""

    PEOPLE = "people"
    BOTS = "bots"
    ALL = "all"


class Became(StrEnum):
    """What became of a click; of several the first one counts."""

    ORDERED = "ordered"  # an order was made, or one of another shop came back with it, paid
    DESK = "desk"  # the cash desk was opened, nothing ordered
    LEFT = "left"  # the page went out of sight after an attempt: the other app opened
    STAYED = "stayed"  # every attempt that was told of failed
    LOCKED = "locked"  # asked for the link's password, and led nowhere
    CLOSED = "closed"  # the link was over, off or not begun, and led nowhere
    STRAIGHT = "straight"  # sent on at once, or nothing was told since


#: What became of clicks that the edge led nowhere, by the reason that they kept.
STOPPED: Final = {LOCKED: Became.LOCKED, CLOSED: Became.CLOSED}


class ClickFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which clicks; ``[since, until)``. ``visitor``: the whole mark of one day's visitor."""

    since: datetime | None = None
    until: datetime | None = None
    who: Who = Who.ALL
    link_id: UUID | None = None
    channel_id: UUID | None = None
    container: str = ""
    os: str = ""
    language: str | None = None
    referrer: str = ""
    became: Became | None = None
    visitor: bytes = b""


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to leave for an app: the matrix's name of the way, and whether he left."""

    form: str
    outcome: str


class ClickItem(msgspec.Struct, frozen=True, kw_only=True):
    """A click. ``machine``: its kind, empty for a person and where it was not kept; ``order_id`` where one is tied, or
    ``promoted_no``: the number of one that only an alliance tells, at the platform ``promoted_source``.
    """

    click_id: UUID
    clicked_at: datetime
    link_id: UUID
    link_code: str
    link_title: str
    channel_id: UUID
    channel_name: str
    container: str
    os: str
    language: str
    referrer: str
    visitor: bytes
    is_bot: bool
    machine: str
    became: Became
    tries: tuple[Try, ...]
    order_id: UUID | None
    promoted_no: str = ""
    promoted_source: str = ""


class ClickSlice(msgspec.Struct, frozen=True, kw_only=True):
    """Some clicks, the latest first; ``following``: what the next page begins below, None at the end."""

    rows: tuple[ClickItem, ...]
    following: UUID | None


async def clicks_slice(unit: Unit, wanted: ClickFilter, *, below: UUID | None, limit: int) -> ClickSlice:
    """The latest clicks of a filter, or those below one; ``limit`` of them, PAGE_ROWS_MAX at most."""
    limit = min(limit, PAGE_ROWS_MAX)
    statement = (
        select(click, link.c.code, link.c.title, channel.c.name)
        .outerjoin(link, and_(link.c.merchant_id == click.c.merchant_id, link.c.link_id == click.c.link_id))
        .outerjoin(
            channel, and_(channel.c.merchant_id == click.c.merchant_id, channel.c.channel_id == click.c.channel_id)
        )
        .where(*conditions(unit, wanted))
        .order_by(click.c.click_id.desc())
        .limit(limit + 1)
    )
    if below is not None:
        statement = statement.where(click.c.click_id < below)
    rows = await unit.all(statement)
    shown = rows[:limit]
    ids = [row.click_id for row in shown]
    tries, orders, promoted = await _tries(unit, ids), await _orders(unit, ids), await _promoted(unit, ids)
    return ClickSlice(
        rows=tuple(
            _item(row, tries.get(row.click_id, ()), orders, promoted.get(row.click_id, ("", ""))) for row in shown
        ),
        following=shown[-1].click_id if len(rows) > limit else None,
    )


def conditions(unit: Unit, wanted: ClickFilter) -> list[Any]:
    """The filter in SQL. A moment bounds the ids first, which the primary key finds, then the time itself."""
    columns = click.c
    found: list[Any] = [columns.merchant_id == unit.merchant_id]
    if wanted.since is not None:
        found += [columns.click_id >= first_id(wanted.since), columns.clicked_at >= wanted.since]
    if wanted.until is not None:
        found += [columns.click_id <= _last_id(wanted.until), columns.clicked_at < wanted.until]
    if wanted.who is not Who.ALL:
        found.append(columns.is_bot == (wanted.who is Who.BOTS))
    given = {
        columns.link_id: wanted.link_id,
        columns.channel_id: wanted.channel_id,
        columns.container: wanted.container or None,
        columns.os: wanted.os or None,
        columns.language: wanted.language,
        columns.referrer: wanted.referrer or None,
        columns.address_hash: wanted.visitor or None,
    }
    found += [column == value for column, value in given.items() if value is not None]
    return found if wanted.became is None else [*found, _became(wanted.became)]


def _last_id(until: datetime) -> UUID:
    """No id of a moment before ``until`` is greater: ids know milliseconds, the time itself microseconds."""
    return UUID(int=first_id(until).int + (1 << 80) - 1)


def _became(wanted: Became) -> Any:  # noqa: ANN401 (an SQL condition)
    """Whether what became of a click is this: the first of ``Became`` that holds."""
    ordered = or_(
        _has(checkout, checkout.c.order_id.is_not(None)),
        _has(sale_fact, ~sale_fact.c.is_refund),
        came_back(click),
    )
    desk, left, tried = _has(checkout), _has(jump_try, jump_try.c.outcome == Outcome.LEFT.value), _has(jump_try)
    locked, closed = (or_(click.c.machine == reason, click.c.machine.endswith(ending(reason))) for reason in STOPPED)
    ways = {
        Became.ORDERED: ordered,
        Became.DESK: and_(desk, ~ordered),
        Became.LEFT: and_(left, ~ordered, ~desk),
        Became.STAYED: and_(tried, ~left, ~ordered, ~desk),
        Became.LOCKED: locked,
        Became.CLOSED: closed,
        Became.STRAIGHT: and_(~tried, ~ordered, ~desk, ~locked, ~closed),
    }
    return ways[wanted]


def _has(table: Any, *more: Any) -> Any:  # noqa: ANN401 (SQL)
    return exists(
        select(1).where(table.c.merchant_id == click.c.merchant_id, table.c.click_id == click.c.click_id, *more)
    ).correlate(click)


async def _tries(unit: Unit, click_ids: Collection[UUID]) -> dict[UUID, tuple[Try, ...]]:
    """Attempts by click, in the order in which they were told."""
    statement = (
        select(jump_try.c.click_id, jump_try.c.form, jump_try.c.outcome)
        .where(jump_try.c.merchant_id == unit.merchant_id, jump_try.c.click_id.in_(click_ids))
        .order_by(jump_try.c.tried_at, jump_try.c.form)
        .limit(PAGE_ROWS_MAX * TRIES_MAX)
    )
    found: dict[UUID, tuple[Try, ...]] = {}
    for row in await unit.all(statement):
        found[row.click_id] = (*found.get(row.click_id, ()), Try(form=row.form, outcome=row.outcome))
    return found


async def _orders(unit: Unit, click_ids: Collection[UUID]) -> dict[UUID, UUID | None]:
    """The order of each click that came to the cash desk or to a sale, here or elsewhere; None: the desk alone."""
    desks = (
        select(checkout.c.click_id, checkout.c.order_id)
        .where(checkout.c.merchant_id == unit.merchant_id, checkout.c.click_id.in_(click_ids))
        .limit(PAGE_ROWS_MAX)
    )
    sales = (
        select(sale_fact.c.click_id, sale_fact.c.order_id)
        .ext(distinct_on(sale_fact.c.click_id))  # of several orders of one click the first is shown
        .where(sale_fact.c.merchant_id == unit.merchant_id, sale_fact.c.click_id.in_(click_ids), ~sale_fact.c.is_refund)
        .order_by(sale_fact.c.click_id, sale_fact.c.paid_at)
        .limit(PAGE_ROWS_MAX)
    )
    found: dict[UUID, UUID | None] = {row.click_id: row.order_id for row in await unit.all(desks)}
    for statement in (sales, orders_of_clicks(unit, click_ids).limit(PAGE_ROWS_MAX)):
        found |= {row.click_id: row.order_id for row in await unit.all(statement) if found.get(row.click_id) is None}
    return found


async def _promoted(unit: Unit, click_ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """The number of the order that only an alliance tells and its platform, by click."""
    statement = promoted_of_clicks(unit, click_ids).limit(PAGE_ROWS_MAX)
    return {row.click_id: (row.order_no, row.source) for row in await unit.all(statement)}


def _item(
    row: Row[Any], tries: tuple[Try, ...], orders: dict[UUID, UUID | None], promoted: tuple[str, str]
) -> ClickItem:
    order_id = orders.get(row.click_id)
    kind, reason = read_kind(row.machine)
    return ClickItem(
        click_id=row.click_id,
        clicked_at=row.clicked_at,
        link_id=row.link_id,
        link_code=row.code or "",
        link_title=row.title or "",
        channel_id=row.channel_id,
        channel_name=row.name or "",
        container=row.container,
        os=row.os,
        language=row.language,
        referrer=row.referrer,
        visitor=bytes(row.address_hash),
        is_bot=row.is_bot,
        machine=kind,
        became=_first(
            tries, reason, came_to_desk=row.click_id in orders, ordered=order_id is not None or bool(promoted[0])
        ),
        tries=tries,
        order_id=order_id,
        promoted_no=promoted[0],
        promoted_source=promoted[1],
    )


def _first(tries: Sequence[Try], reason: str, *, came_to_desk: bool, ordered: bool) -> Became:
    if ordered:
        return Became.ORDERED
    if came_to_desk:
        return Became.DESK
    if not tries:
        return STOPPED.get(reason, Became.STRAIGHT)
    return Became.LEFT if any(one.outcome == Outcome.LEFT.value for one in tries) else Became.STAYED
