"""Commissions of an order: estimated when it is paid, sure after the return window, clawed back by every refund."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, Row, func, select, true, update

from hutong.db.bulk import insert_rows
from hutong.db.unit import Unit
from hutong.ledger.commission_states import COMMISSION, CommissionEvent, CommissionState
from hutong.ledger.parties import owners_of, people
from hutong.ledger.posting import lock_chain
from hutong.ledger.rule_terms import Rule, RuleKind, TierBy
from hutong.ledger.rules import Person, Sold, Split, SplitLine, Standing, fits, work_out
from hutong.ledger.sales import Refunded
from hutong.ledger.split_events import (
    CommissionPart,
    CommissionsConfirmed,
    CommissionsEstimated,
    CommissionsReversed,
)
from hutong.ledger.split_models import commission
from hutong.ledger.split_rules import rules_for
from hutong.ledger.split_terms import SplitTerms, get_terms
from hutong.merchants.service import get_merchant

#: Job: the return window of an order may be over.
CONFIRM_COMMISSIONS: Final = "ledger.confirm_commissions"
#: Commissions of one order: one for each rule that fits it.
PER_ORDER_MAX: Final = 200
MONTHS: Final = 12


class OrderKey(msgspec.Struct, frozen=True):
    """Payload of the jobs about an order's commissions."""

    order_id: UUID


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A paid order as its commissions remember it."""

    order_id: UUID
    connection_id: UUID
    platform: str
    paid_at: datetime


async def preview(unit: Unit, sold: Sold, at: datetime | None = None, order_id: UUID | None = None) -> Split:
    """What every rule open now would give of a sale paid at ``at`` (now), each line explained. Nothing is written.

    ``order_id``: of an order that may be booked already; its month is taken as it stood before it.
    """
    rules = await rules_for(unit, sold.channel_id)
    return await split_by(unit, rules, sold, at or unit.now(), order_id=order_id)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What rules need to know of a merchant, read once for many sales."""

    terms: SplitTerms
    owners: Mapping[UUID, UUID]  # channel -> the party that brings its sales
    people: Mapping[UUID, Person]


async def read_known(unit: Unit, rules: Iterable[Rule], channel_ids: Iterable[UUID | None]) -> Known:
    """What these rules need to know for sales of these channels."""
    channels = {channel_id for channel_id in channel_ids if channel_id is not None}
    owners = await owners_of(unit, channels) if channels else {}
    wanted = {rule.party_id for rule in rules} | set(owners.values())
    return Known(terms=await get_terms(unit), owners=owners, people=await people(unit, wanted) if wanted else {})


async def split_by(
    unit: Unit,
    rules: Sequence[Rule],
    sold: Sold,
    at: datetime,
    known: Known | None = None,
    *,
    order_id: UUID | None = None,
) -> Split:
    """What these rules give of a sale that is paid at a moment. ``order_id``: it may be booked already."""
    if not rules:
        return Split(lines=(), total_minor=0, limit_minor=0, currency=sold.gross.currency)
    if known is None:
        known = await read_known(unit, rules, [sold.channel_id])
    if sold.person_id is None and sold.channel_id is not None:
        sold = msgspec.structs.replace(sold, person_id=known.owners.get(sold.channel_id))
    everybody = known.people
    if sold.person_id is not None and sold.person_id not in everybody:
        everybody = {**everybody, **await people(unit, [sold.person_id])}
    fitting = [rule for rule in rules if fits(rule, sold, everybody)]
    standing = await _standing(unit, fitting, sold.gross.currency, at, order_id)
    return work_out(sold, fitting, everybody, standing, total_cap_bps=known.terms.total_cap_bps)


class Estimate(msgspec.Struct, frozen=True):
    """What a paid order's parties earn if it stays."""

    booked: Booked
    sold: Sold
    split: Split


async def estimate(unit: Unit, estimates: Sequence[Estimate], terms: SplitTerms) -> None:
    """Write down what parties earn of paid orders; the jobs that confirm it are left behind.

    A line of nothing is kept where it counts for a tier: the sale still belongs to the party's turnover.
    """
    rows: list[dict[str, Any]] = []
    for one in estimates:
        lines = [line for line in one.split.lines if line.amount_minor or line.kind is RuleKind.TIER]
        if not lines:
            continue
        due_at = one.booked.paid_at + terms.return_window
        ids = sorted(unit.new_id() for _ in lines)  # in the order of the lines: who is served first stays first
        rows += [_new_row(i, one.booked, one.sold, line, due_at) for i, line in zip(ids, lines, strict=True)]
        unit.emit(
            CommissionsEstimated(
                order_id=one.booked.order_id,
                currency=one.split.currency,
                due_at=due_at,
                parts=tuple(
                    CommissionPart(
                        commission_id=commission_id,
                        party_id=line.party_id,
                        rule_id=line.rule_id,
                        amount_minor=line.amount_minor,
                    )
                    for commission_id, line in zip(ids, lines, strict=True)
                ),
            )
        )
        delay = max(due_at - unit.now(), timedelta(0))
        unit.schedule(CONFIRM_COMMISSIONS, OrderKey(one.booked.order_id), delay=delay)
    if rows:
        await insert_rows(unit, commission, {name: [row[name] for row in rows] for name in rows[0]})


def looks_back(rules: Iterable[Rule]) -> bool:
    """Whether a sale's shares depend on what the month held before it: then sales have to follow each other."""
    return any(
        (rule.kind is RuleKind.TIER and rule.terms.by is TierBy.TURNOVER) or rule.terms.period_max_minor is not None
        for rule in rules
    )


def _new_row(commission_id: UUID, booked: Booked, sold: Sold, line: SplitLine, due_at: datetime) -> dict[str, Any]:
    return {
        "commission_id": commission_id,
        "order_id": booked.order_id,
        "party_id": line.party_id,
        "rule_id": line.rule_id,
        "level": line.level,
        "state": CommissionState.ESTIMATED.value,
        "currency": sold.gross.currency,
        "gross_minor": sold.gross.amount_minor,
        "base_minor": line.base_minor,
        "amount_minor": line.amount_minor,
        "channel_id": sold.channel_id,
        "connection_id": booked.connection_id,
        "platform": booked.platform,
        "paid_at": booked.paid_at,
        "due_at": due_at,
    }


async def restart_window(unit: Unit, order_id: UUID, shipped_at: datetime) -> None:
    """Goods left the house: the return window begins anew, for what is not sure yet."""
    due_at = shipped_at + (await get_terms(unit)).return_window
    statement = (
        update(commission)
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.order_id == order_id)
        .where(commission.c.state == CommissionState.ESTIMATED.value, commission.c.due_at < due_at)
        .values(due_at=due_at)
    )
    await unit.run(statement)


async def commission_rows(unit: Unit, order_id: UUID, *, lock: bool = False) -> Sequence[Row[Any]]:
    """The commissions of an order, oldest first."""
    statement = (
        select(commission)
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.order_id == order_id)
        .order_by(commission.c.commission_id)
        .limit(PER_ORDER_MAX)
    )
    return await unit.all(statement.with_for_update() if lock else statement)


async def due_at_of(unit: Unit, order_id: UUID) -> datetime | None:
    """When the last estimated commission of an order becomes sure; None when there is none."""
    found: datetime | None = await unit.scalar(
        select(func.max(commission.c.due_at)).where(
            commission.c.merchant_id == unit.merchant_id,
            commission.c.order_id == order_id,
            commission.c.state == CommissionState.ESTIMATED.value,
        )
    )
    return found


async def confirm(unit: Unit, order_id: UUID) -> bool:
    """The return window is over: what refunds left of the order's commissions is due. True when that was news."""
    now = unit.now()
    parts: list[CommissionPart] = []
    rows = await commission_rows(unit, order_id, lock=True)
    for row in rows:
        if row.state == CommissionState.ESTIMATED.value and row.due_at <= now:
            await unit.transition(
                commission,
                {"commission_id": row.commission_id},
                COMMISSION,
                CommissionEvent.CONFIRM,
                confirmed_at=now,
            )
            if row.amount_minor == row.reversed_minor + row.settled_minor:
                await mark_settled(unit, row.commission_id)
            parts.append(_part(row, row.amount_minor - row.reversed_minor))
    if parts:
        unit.emit(
            CommissionsConfirmed(order_id=order_id, currency=rows[0].currency, confirmed_at=now, parts=tuple(parts))
        )
    return bool(parts)


async def mark_settled(unit: Unit, commission_id: UUID) -> bool:
    """All that is due of a commission was paid."""
    return await unit.transition(
        commission,
        {"commission_id": commission_id},
        COMMISSION,
        CommissionEvent.SETTLE,
        settled_at=unit.now(),
        outside_reason=None,
    )


async def claw_back(unit: Unit, order_id: UUID, step: Refunded, reversed_at: datetime) -> None:
    """A refund takes its part of every commission of the order, whatever their state.

    The same arithmetic as the books': each commission is one leg of the sale, and goes back by cumulative rounding.
    What was settled already becomes a debt of the party, unless the wallet took it back before.
    """
    step.verify()
    parts: list[CommissionPart] = []
    rows = await commission_rows(unit, order_id, lock=True)
    for row in rows:
        back_minor = step.part_of(row.amount_minor)
        reversed_minor = row.reversed_minor + back_minor
        await unit.run(
            update(commission)
            .where(commission.c.merchant_id == unit.merchant_id, commission.c.commission_id == row.commission_id)
            .values(reversed_minor=reversed_minor, refunded_minor=commission.c.refunded_minor + step.now_minor)
        )
        if back_minor:
            parts.append(_part(row, back_minor))
        await _follow_figures(unit, row, reversed_minor, reversed_at)
    if parts:
        unit.emit(
            CommissionsReversed(
                order_id=order_id, currency=rows[0].currency, reversed_at=reversed_at, parts=tuple(parts)
            )
        )


async def _follow_figures(unit: Unit, row: Row[Any], reversed_minor: int, reversed_at: datetime) -> None:
    """Bring a commission's state to what its new figures mean."""
    key = {"commission_id": row.commission_id}
    owed_minor = row.amount_minor - reversed_minor - row.settled_minor
    if reversed_minor == row.amount_minor:
        await unit.transition(commission, key, COMMISSION, CommissionEvent.REVERSE, reversed_at=reversed_at)
    elif owed_minor <= 0 and row.state == CommissionState.CONFIRMED.value:
        await mark_settled(unit, row.commission_id)
    elif owed_minor > 0 and row.state == CommissionState.SETTLED.value:
        await unit.transition(commission, key, COMMISSION, CommissionEvent.REOPEN, outside_reason="taken_back")


def _part(row: Row[Any], amount_minor: int) -> CommissionPart:
    return CommissionPart(
        commission_id=row.commission_id, party_id=row.party_id, rule_id=row.rule_id, amount_minor=amount_minor
    )


async def _before(unit: Unit, order_id: UUID, at: datetime) -> ColumnElement[bool]:
    """Which commissions stood before those of an order: sales that look back follow each other, and so do their ids."""
    first = (
        select(commission.c.commission_id)
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.order_id == order_id)
        .order_by(commission.c.commission_id)
        .limit(1)
    )
    first_id = await unit.scalar(first)
    return commission.c.paid_at < at if first_id is None else commission.c.commission_id < first_id


async def _standing(
    unit: Unit, rules: Sequence[Rule], currency: str, at: datetime, order_id: UUID | None = None
) -> Standing:
    """What the month held before this sale, where a rule asks for it; sales of one merchant then follow each other."""
    if not looks_back(rules):
        return Standing()
    await lock_chain(unit)
    start, end = month_of(at, (await get_merchant(unit)).timezone)
    parties = {rule.party_id for rule in rules}
    net = commission.c.amount_minor - commission.c.reversed_minor
    statement = (
        select(
            commission.c.party_id,
            commission.c.rule_id,
            commission.c.order_id,
            (func.max(commission.c.gross_minor) - func.max(commission.c.refunded_minor)).label("turnover_minor"),
            func.sum(net).label("earned_minor"),
        )
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.party_id.in_(parties))
        .where(commission.c.paid_at >= start, commission.c.paid_at < end, commission.c.currency == currency)
        .where(true() if order_id is None else await _before(unit, order_id, at))
        .group_by(commission.c.party_id, commission.c.rule_id, commission.c.order_id)
        .subquery()
    )
    of_orders = (
        select(statement.c.party_id, statement.c.order_id, func.max(statement.c.turnover_minor).label("turnover_minor"))
        .group_by(statement.c.party_id, statement.c.order_id)
        .subquery()
    )
    turnover = select(of_orders.c.party_id, func.sum(of_orders.c.turnover_minor)).group_by(of_orders.c.party_id)
    earned = select(statement.c.party_id, statement.c.rule_id, func.sum(statement.c.earned_minor))
    by_rule = [tuple(row) for row in await unit.all(earned.group_by(statement.c.party_id, statement.c.rule_id))]
    by_party: dict[UUID, int] = {}
    for party_id, _, earned_minor in by_rule:
        by_party[party_id] = by_party.get(party_id, 0) + int(earned_minor)
    return Standing(
        turnover_minor={party_id: int(total) for party_id, total in map(tuple, await unit.all(turnover))},
        earned_by_rule_minor={rule_id: int(earned_minor) for _, rule_id, earned_minor in by_rule},
        earned_by_party_minor=by_party,
    )


def month_of(at: datetime, timezone: str) -> tuple[datetime, datetime]:
    """The calendar month of a moment in a merchant's time zone: its start, and the start of the next one."""
    local = at.astimezone(ZoneInfo(timezone))
    start = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    year, month = (start.year + 1, 1) if start.month == MONTHS else (start.year, start.month + 1)
    return start, start.replace(year=year, month=month)
