"""The lines of a statement in full: which sale, by which rule, what became of the share since, and how it was paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.commission_states import CommissionState
from hutong.ledger.joins import ON_BATCH, ON_LINE
from hutong.ledger.models import ledger_batch, posting, statement_line
from hutong.ledger.payout_queries import MoveKind
from hutong.ledger.queries import StatementRow
from hutong.ledger.sales import SALE
from hutong.ledger.split_models import commission, commission_move

#: Lines of one answer. A party with more in one period takes the lines in several.
LINES_MAX: Final = 100_000
#: Orders whose shares are read at once.
ORDERS_AT_ONCE: Final = 400
#: Shares of so many orders: each order has at most `commissions.PER_ORDER_MAX`.
SHARES_AT_ONCE_MAX: Final = ORDERS_AT_ONCE * 200


class ShareNow(msgspec.Struct, frozen=True, kw_only=True):
    """A share of an order as it stands now.

    ``amount`` = ``reversed`` + ``estimated`` + ``due`` + ``by_wallet`` + ``outside`` + ``netted``. ``due`` is sure and
    not paid yet; below zero the party owes it back. ``netted`` was set off against what the party owed back.
    """

    commission_id: UUID
    rule_id: UUID
    level: int
    state: str
    gross: Money
    base: Money
    amount: Money
    reversed: Money
    estimated: Money
    due: Money
    by_wallet: Money
    outside: Money
    netted: Money
    channel_id: UUID | None
    platform: str
    outside_reason: str | None


class DetailedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a statement: ``earned`` below zero where a refund took it back.

    ``share`` is None where the books have the posting alone (it was told without a rule), or where a refund was so
    small that its parts cannot be told apart.
    """

    sequence: int
    kind: str
    subject_kind: str
    order_id: UUID
    event_at: datetime
    earned: Money
    share: ShareNow | None

    @property
    def is_sale(self) -> bool:
        """Whether the party earned here; else it gave back."""
        return self.kind == SALE


async def detailed_lines(
    unit: Unit, statement: StatementRow, *, limit: int = LINES_MAX, offset: int = 0
) -> tuple[DetailedLine, ...]:
    """A page of a statement's lines in the order they were posted, or all of them. The cost grows with the lines."""
    batch = (statement_line.c.merchant_id, statement_line.c.batch_id)
    lines = (
        select(
            ledger_batch.c.sequence,
            ledger_batch.c.kind,
            ledger_batch.c.subject_kind,
            ledger_batch.c.subject_id,
            ledger_batch.c.event_at,
            posting.c.amount_minor,
            posting.c.currency,
            func.row_number().over(partition_by=batch, order_by=statement_line.c.leg_no).label("place"),
            func.count().over(partition_by=batch).label("places"),
        )
        .select_from(statement_line.join(posting, ON_LINE).join(ledger_batch, ON_BATCH))
        .where(
            statement_line.c.merchant_id == unit.merchant_id, statement_line.c.statement_id == statement.statement_id
        )
        .order_by(ledger_batch.c.sequence, statement_line.c.leg_no)
        .limit(min(limit, LINES_MAX))
        .offset(offset)
    )
    rows = await unit.all(lines)
    orders = list(dict.fromkeys(row.subject_id for row in rows))
    shares: dict[UUID, list[ShareNow]] = {}
    for start in range(0, len(orders), ORDERS_AT_ONCE):
        shares |= await _shares(unit, statement.party_id, orders[start : start + ORDERS_AT_ONCE])
    return tuple(_line(row, shares.get(row.subject_id, [])) for row in rows)


def _line(row: Row[Any], shares: Sequence[ShareNow]) -> DetailedLine:
    """A share is a leg of its sale, in the order of the shares; so is each part that a refund takes back."""
    earned = Money(-row.amount_minor, row.currency)
    share = shares[row.place - 1] if len(shares) == row.places else None
    if share is not None and row.kind == SALE and share.amount != earned:
        share = None
    return DetailedLine(
        sequence=row.sequence,
        kind=row.kind,
        subject_kind=row.subject_kind,
        order_id=row.subject_id,
        event_at=row.event_at,
        earned=earned,
        share=share,
    )


async def _shares(unit: Unit, party_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, list[ShareNow]]:
    """A party's shares of these orders, in the order of the legs of their sales."""
    rows = await unit.all(
        select(commission)
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.party_id == party_id)
        .where(commission.c.order_id.in_(order_ids), commission.c.amount_minor > 0)
        .order_by(commission.c.order_id, commission.c.commission_id)
        .limit(SHARES_AT_ONCE_MAX)
    )
    paid = await _paid(unit, [row.commission_id for row in rows if row.settled_minor or row.state != "estimated"])
    found: dict[UUID, list[ShareNow]] = {}
    for row in rows:
        found.setdefault(row.order_id, []).append(_share(row, paid.get(row.commission_id, {})))
    return found


async def _paid(unit: Unit, commission_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """What moved of each share, by how."""
    if not commission_ids:
        return {}
    rows = await unit.all(
        select(
            commission_move.c.commission_id,
            commission_move.c.kind,
            func.sum(commission_move.c.amount_minor).label("moved_minor"),
        )
        .where(commission_move.c.merchant_id == unit.merchant_id)
        .where(commission_move.c.commission_id.in_(commission_ids))
        .group_by(commission_move.c.commission_id, commission_move.c.kind)
        .limit(SHARES_AT_ONCE_MAX * len(MoveKind))
    )
    found: dict[UUID, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.commission_id, {})[row.kind] = int(row.moved_minor)
    return found


def _share(row: Row[Any], paid: dict[str, int]) -> ShareNow:
    estimated = row.state == CommissionState.ESTIMATED.value
    left_minor = row.amount_minor - row.reversed_minor - row.settled_minor

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, row.currency)

    return ShareNow(
        commission_id=row.commission_id,
        rule_id=row.rule_id,
        level=row.level,
        state=row.state,
        gross=money(row.gross_minor),
        base=money(row.base_minor),
        amount=money(row.amount_minor),
        reversed=money(row.reversed_minor),
        estimated=money(left_minor if estimated else 0),
        due=money(0 if estimated else left_minor),
        by_wallet=money(paid.get(MoveKind.SHARED, 0) + paid.get(MoveKind.TAKEN_BACK, 0)),
        outside=money(paid.get(MoveKind.OUTSIDE, 0) + paid.get(MoveKind.UNDONE, 0)),
        netted=money(paid.get(MoveKind.NETTED, 0)),
        channel_id=row.channel_id,
        platform=row.platform,
        outside_reason=row.outside_reason,
    )
