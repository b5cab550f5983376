"""Tickets: what a person has to look at, said once for each trouble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, cast, select, update
from sqlalchemy.dialects.postgresql import JSONB

from hutong.core.errors import ErrorText, HutongError, InvalidInput, NotFound
from hutong.db.unit import Unit
from hutong.merchants.models import ticket

TICKETS_PER_PAGE_MAX: Final = 200
NOTE_CHARS_MAX: Final = 500
#: Details that say how a ticket ended.
NOTE: Final = "note"
RESOLVED_BY: Final = "resolved_by"
#: A detail of tickets of :func:`count_up`.
COUNT: Final = "count"
#: A detail of tickets about money in suspense: a decision takes them off the desk, nothing else does.
SUSPENSE_ID: Final = "suspense_id"


class DecisionNeeded(HutongError):
    """A ticket about money in suspense was to be marked as done."""

    code = "decision_needed"
    status = 409
    zh = ErrorText("这件事要先决定钱怎么办。", "这笔钱还记在待查款项里。", "打开这条待办，选择收下、退回或核销。")
    en = ErrorText(
        "Decide first what becomes of the money.",
        "It still lies in suspense.",
        "Open the ticket and take it, send it back or write it off.",
    )


class TicketKind(StrEnum):
    """What went wrong; each has its sentence, cause and fix in the catalogues."""

    NOTICE_MISMATCHED = "notice_mismatched"
    SURPLUS_CAPTURED = "surplus_captured"
    REFUND_ABNORMAL = "refund_abnormal"
    REFUND_FAILED = "refund_failed"
    REFUND_WAITING = "refund_waiting"
    PAYMENT_UNCLEAR = "payment_unclear"
    WALLET_DOWN = "wallet_down"
    CERTIFICATE_ENDING = "certificate_ending"
    ACCOUNT_REFUSED = "account_refused"
    BILL_DIFFERS = "bill_differs"
    BILL_MISSING = "bill_missing"
    STOCK_SHORT = "stock_short"
    JOB_FAILED = "job_failed"
    CLICKS_LOST = "clicks_lost"
    WEBHOOK_FAILING = "webhook_failing"
    WEBHOOK_DISABLED = "webhook_disabled"
    WEBHOOK_FAILED = "webhook_failed"
    WALL_CLOSED = "wall_closed"
    WALL_OPENED = "wall_opened"
    LINK_WINNER = "link_winner"
    HOST_LOST = "host_lost"
    LINK_REPORTED = "link_reported"
    LINK_BROKEN = "link_broken"


class Severity(StrEnum):
    """How soon somebody should look."""

    URGENT = "urgent"  # money or goods are wrong now
    NORMAL = "normal"


async def open_ticket(
    unit: Unit,
    kind: TicketKind,
    severity: Severity,
    *,
    subject: tuple[str, str],
    details: Mapping[str, str | int],
    dedupe_key: str,
    ticket_id: UUID | None = None,
) -> bool:
    """Put a trouble on the desk. The same kind and key is put there once; details carry no personal data.

    False when it was put there before, also where somebody has dealt with it since.
    """
    return await unit.insert_once(
        ticket,
        ticket_id=ticket_id or unit.new_id(),
        kind=kind.value,
        severity=severity.value,
        subject_kind=subject[0],
        subject_id=subject[1],
        details=dict(details),
        dedupe_key=dedupe_key,
        opened_at=unit.now(),
    )


async def tell_again(unit: Unit, kind: TicketKind, dedupe_key: str, details: Mapping[str, str | int]) -> UUID:
    """The trouble that was put on the desk under this key is one (again), with these details besides; its ticket."""
    here = (ticket.c.merchant_id == unit.merchant_id) & (ticket.c.kind == kind.value)
    ticket_id: UUID = await unit.scalar(
        update(ticket)
        .where(here, ticket.c.dedupe_key == dedupe_key, ticket.c.state.in_(("open", "resolved")))
        .values(state="open", resolved_at=None, details=ticket.c.details + cast(dict(details), JSONB))
        .returning(ticket.c.ticket_id)
    )
    return ticket_id


async def count_up(
    unit: Unit,
    kind: TicketKind,
    severity: Severity,
    *,
    subject: tuple[str, str],
    details: Mapping[str, str | int],
    dedupe_key: str,
) -> int:
    """A trouble that many may tell of: one ticket with these details, and how often it was; it is open again."""
    told = {**details, COUNT: 1}
    if await open_ticket(unit, kind, severity, subject=subject, details=told, dedupe_key=dedupe_key):
        return 1
    here = (ticket.c.merchant_id == unit.merchant_id) & (ticket.c.kind == kind.value)
    held = select(ticket.c.details).where(here, ticket.c.dedupe_key == dedupe_key).with_for_update()
    before: dict[str, Any] = await unit.scalar(held)
    count = int(before[COUNT]) + 1
    await tell_again(unit, kind, dedupe_key, {**details, COUNT: count})
    return count


async def has_ticket(unit: Unit, kind: TicketKind, details: Mapping[str, str | int]) -> bool:
    """Whether a trouble of this kind with these details was ever put on the desk."""
    statement = select(ticket.c.ticket_id).where(
        ticket.c.merchant_id == unit.merchant_id, ticket.c.kind == kind.value, ticket.c.details.contains(dict(details))
    )
    return await unit.one(statement.limit(1)) is not None


async def tickets_opened(unit: Unit, kind: TicketKind, dedupe_keys: Sequence[str]) -> dict[str, datetime]:
    """When troubles were put on the desk, by their keys, also those that somebody has dealt with since."""
    statement = select(ticket.c.dedupe_key, ticket.c.opened_at).where(
        ticket.c.merchant_id == unit.merchant_id, ticket.c.kind == kind.value, ticket.c.dedupe_key.in_(dedupe_keys)
    )
    return {row.dedupe_key: row.opened_at for row in await unit.all(statement.limit(len(dedupe_keys)))}


async def has_open_ticket(unit: Unit, kind: TicketKind, subject_start: str) -> bool:
    """Whether a trouble of this kind, with a subject that begins so, is on the desk."""
    statement = select(ticket.c.ticket_id).where(
        ticket.c.merchant_id == unit.merchant_id,
        ticket.c.kind == kind.value,
        ticket.c.subject_id.startswith(subject_start, autoescape=True),
        ticket.c.state == "open",
    )
    return await unit.one(statement.limit(1)) is not None


async def close_tickets(unit: Unit, kind: TicketKind, subject_id: str, *, actor: str = "", but: str = "") -> None:
    """The trouble is over: take what is on the desk of it off; ``but``: the key of a ticket that stays."""
    told = {RESOLVED_BY: actor} if actor else {}
    await unit.run(
        update(ticket)
        .where(
            ticket.c.merchant_id == unit.merchant_id,
            ticket.c.kind == kind.value,
            ticket.c.subject_id == subject_id,
            ticket.c.state == "open",
            ticket.c.dedupe_key != but,
        )
        .values(state="resolved", resolved_at=unit.now(), details=ticket.c.details + cast(told, JSONB))
    )


async def list_tickets(unit: Unit, *, state: str | None, limit: int, before: UUID | None = None) -> Sequence[Row[Any]]:
    """Newest first; ``before`` is the last ticket of the page before."""
    statement = select(ticket).where(ticket.c.merchant_id == unit.merchant_id)
    if state is not None:
        statement = statement.where(ticket.c.state == state)
    if before is not None:
        statement = statement.where(ticket.c.ticket_id < before)
    return await unit.all(statement.order_by(ticket.c.ticket_id.desc()).limit(min(limit, TICKETS_PER_PAGE_MAX)))


async def resolve_ticket(unit: Unit, ticket_id: UUID, *, note: str = "", actor: str = "") -> None:
    """Take a ticket off the desk; ``note`` says how it was dealt with, ``actor`` by whom.

    Raises:
        NotFound: no such open ticket. InvalidInput: the note is too long. DecisionNeeded: it is about money that lies
            in suspense.
    """
    note = note.strip()
    if len(note) > NOTE_CHARS_MAX:
        raise InvalidInput(field="note", problem=f"≤ {NOTE_CHARS_MAX}")
    here = (ticket.c.merchant_id == unit.merchant_id) & (ticket.c.ticket_id == ticket_id)
    if await unit.one(select(ticket.c.ticket_id).where(here, ticket.c.details.has_key(SUSPENSE_ID))) is not None:
        raise DecisionNeeded
    if not await end_ticket(unit, ticket_id, note=note, actor=actor):
        raise NotFound(what="ticket", key=str(ticket_id))


async def end_ticket(unit: Unit, ticket_id: UUID, *, note: str, actor: str) -> bool:
    """Take a ticket off the desk, whatever it is about; False where it was not on it."""
    told = {name: value for name, value in ((NOTE, note), (RESOLVED_BY, actor)) if value}
    done = await unit.run(
        update(ticket)
        .where(ticket.c.merchant_id == unit.merchant_id, ticket.c.ticket_id == ticket_id, ticket.c.state == "open")
        .values(state="resolved", resolved_at=unit.now(), details=ticket.c.details + cast(told, JSONB))
    )
    return done.rowcount == 1


async def reopen_ticket(unit: Unit, ticket_id: UUID) -> None:
    """What was dealt with is a trouble again."""
    await unit.run(
        update(ticket)
        .where(ticket.c.merchant_id == unit.merchant_id, ticket.c.ticket_id == ticket_id, ticket.c.state == "resolved")
        .values(state="open", resolved_at=None)
    )
