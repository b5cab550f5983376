"""The wallet's part in paying commissions: frozen orders, requests to share them, and shares that are taken back.

Only what was asked and told is kept here; asking the wallet is the work of ``workflows``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, update

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.commission_states import SHARE, SHARING, ShareEvent, ShareState, SharingEvent, SharingState
from hutong.ledger.commissions import preview
from hutong.ledger.rules import Sold
from hutong.ledger.split_models import share_line, share_request, sharing, take_back

LINES_MAX: Final = 2_000


class SharingView(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet order whose money was frozen."""

    attempt_id: UUID
    order_id: UUID
    connection_id: UUID
    platform: str
    out_trade_no: str
    finish_no: str
    state: SharingState


class PlannedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one party is to get in one request."""

    party_id: UUID
    amount: Money
    receiver: bytes  # sealed
    takes_back: bool


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """One party's line of a request, and what became of it."""

    out_share_no: str
    party_id: UUID
    amount: Money
    receiver: bytes
    takes_back: bool
    state: ShareState
    reason: str


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """A request with its lines."""

    out_share_no: str
    state: ShareState
    is_sent: bool
    lines: tuple[LineView, ...]


class TakeBackView(msgspec.Struct, frozen=True, kw_only=True):
    """A share on its way back."""

    out_return_no: str
    out_share_no: str
    party_id: UUID
    refund_id: UUID
    order_id: UUID
    amount: Money
    state: ShareState
    reason: str
    created_at: datetime


async def needs_sharing(unit: Unit, sold: Sold, able: Collection[UUID]) -> bool:
    """Whether a sale's money has to be frozen: somebody who would earn of it is ``able`` to receive at the wallet."""
    split = await preview(unit, sold)
    return any(line.amount_minor and line.party_id in able for line in split.lines)


async def open_sharing(
    unit: Unit, *, attempt_id: UUID, order_id: UUID, connection_id: UUID, platform: str, out_trade_no: str
) -> None:
    """A wallet order is opened with its money frozen; asked again, it stays so."""
    await unit.insert_once(
        sharing,
        attempt_id=attempt_id,
        order_id=order_id,
        connection_id=connection_id,
        platform=platform,
        out_trade_no=out_trade_no,
        finish_no=unit.new_id().hex,
        state=SharingState.OPENED.value,
        created_at=unit.now(),
    )


async def sharing_of(unit: Unit, attempt_id: UUID, *, lock: bool = False) -> SharingView | None:
    """The freeze of an attempt, or None."""
    statement = select(sharing).where(sharing.c.merchant_id == unit.merchant_id, sharing.c.attempt_id == attempt_id)
    row = await unit.one(statement.with_for_update() if lock else statement)
    if row is None:
        return None
    return SharingView(
        attempt_id=row.attempt_id,
        order_id=row.order_id,
        connection_id=row.connection_id,
        platform=row.platform,
        out_trade_no=row.out_trade_no,
        finish_no=row.finish_no,
        state=SharingState(row.state),
    )


async def end_sharing(unit: Unit, attempt_id: UUID, event: SharingEvent) -> bool:
    """The freeze is over."""
    return await unit.transition(sharing, {"attempt_id": attempt_id}, SHARING, event, ended_at=unit.now())


async def add_request(unit: Unit, frozen: SharingView, lines: Sequence[PlannedLine]) -> str:
    """Write a request down before it is sent; its number."""
    number = unit.new_id().hex
    await unit.insert(
        share_request,
        out_share_no=number,
        attempt_id=frozen.attempt_id,
        order_id=frozen.order_id,
        state=ShareState.WAITING.value,
        created_at=unit.now(),
    )
    for line in lines:
        await unit.insert(
            share_line,
            out_share_no=number,
            party_id=line.party_id,
            amount_minor=line.amount.amount_minor,
            currency=line.amount.currency,
            receiver=line.receiver,
            takes_back=line.takes_back,
            state=ShareState.WAITING.value,
        )
    return number


async def mark_sent(unit: Unit, out_share_no: str) -> None:
    """From now on the wallet may know the request: ask for it before sending it again."""
    await unit.run(
        update(share_request)
        .where(share_request.c.merchant_id == unit.merchant_id, share_request.c.out_share_no == out_share_no)
        .where(share_request.c.sent_at.is_(None))
        .values(sent_at=unit.now())
    )


async def requests_of(unit: Unit, order_id: UUID) -> list[RequestView]:
    """Every request of an order, oldest first."""
    requests = await unit.all(
        select(share_request)
        .where(share_request.c.merchant_id == unit.merchant_id, share_request.c.order_id == order_id)
        .order_by(share_request.c.out_share_no)
        .limit(LINES_MAX)
    )
    if not requests:
        return []
    rows = await unit.all(
        select(share_line)
        .where(share_line.c.merchant_id == unit.merchant_id)
        .where(share_line.c.out_share_no.in_([row.out_share_no for row in requests]))
        .order_by(share_line.c.out_share_no, share_line.c.party_id)
        .limit(LINES_MAX)
    )
    return [
        RequestView(
            out_share_no=row.out_share_no,
            state=ShareState(row.state),
            is_sent=row.sent_at is not None,
            lines=tuple(_line(line) for line in rows if line.out_share_no == row.out_share_no),
        )
        for row in requests
    ]


async def tell_line(unit: Unit, line: LineView, event: ShareEvent, reason: str = "") -> bool:
    """What the wallet says of one party's line; True when that was news."""
    key = {"out_share_no": line.out_share_no, "party_id": line.party_id}
    return await unit.transition(share_line, key, SHARE, event, reason=reason)


async def end_request(unit: Unit, out_share_no: str, event: ShareEvent) -> bool:
    """The wallet has decided on every line, or refused the request whole."""
    return await unit.transition(share_request, {"out_share_no": out_share_no}, SHARE, event, ended_at=unit.now())


async def add_take_back(unit: Unit, line: LineView, refund_id: UUID, order_id: UUID, amount: Money) -> None:
    """Write a return down before it is asked for; once for each refund and line."""
    await unit.insert_once(
        take_back,
        out_return_no=unit.new_id().hex,
        out_share_no=line.out_share_no,
        party_id=line.party_id,
        refund_id=refund_id,
        order_id=order_id,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        state=ShareState.WAITING.value,
        created_at=unit.now(),
    )


async def is_take_back(unit: Unit, out_return_no: str) -> bool:
    """Whether a wallet that speaks of this number speaks of a share on its way back."""
    known = select(take_back.c.party_id).where(
        take_back.c.merchant_id == unit.merchant_id, take_back.c.out_return_no == out_return_no
    )
    return await unit.one(known.limit(1)) is not None


async def take_backs_of(
    unit: Unit, *, order_id: UUID | None = None, refund_id: UUID | None = None
) -> list[TakeBackView]:
    """The returns of an order or of one refund, oldest first."""
    conditions = [take_back.c.merchant_id == unit.merchant_id]
    if order_id is not None:
        conditions.append(take_back.c.order_id == order_id)
    if refund_id is not None:
        conditions.append(take_back.c.refund_id == refund_id)
    rows = await unit.all(select(take_back).where(*conditions).order_by(take_back.c.out_return_no).limit(LINES_MAX))
    return [
        TakeBackView(
            out_return_no=row.out_return_no,
            out_share_no=row.out_share_no,
            party_id=row.party_id,
            refund_id=row.refund_id,
            order_id=row.order_id,
            amount=Money(row.amount_minor, row.currency),
            state=ShareState(row.state),
            reason=row.reason,
            created_at=row.created_at,
        )
        for row in rows
    ]


async def tell_take_back(unit: Unit, out_return_no: str, event: ShareEvent, reason: str = "") -> bool:
    """What the wallet says of a return; True when that was news."""
    return await unit.transition(
        take_back, {"out_return_no": out_return_no}, SHARE, event, reason=reason, ended_at=unit.now()
    )


async def line_of(unit: Unit, out_share_no: str, party_id: UUID) -> LineView:
    """One line.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(
        select(share_line).where(
            share_line.c.merchant_id == unit.merchant_id,
            share_line.c.out_share_no == out_share_no,
            share_line.c.party_id == party_id,
        )
    )
    if row is None:
        raise NotFound(what="share", key=out_share_no)
    return _line(row)


def _line(row: Row[Any]) -> LineView:
    return LineView(
        out_share_no=row.out_share_no,
        party_id=row.party_id,
        amount=Money(row.amount_minor, row.currency),
        receiver=row.receiver,
        takes_back=row.takes_back,
        state=ShareState(row.state),
        reason=row.reason,
    )
