"""The jobs of the hub by kind; one of them hands a single event over that a batch of the dispatcher could not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from hutong.db.jobs import JobHandler
from hutong.db.tables import outbox
from hutong.db.unit import DELIVER, EventKey
from hutong.events import CATALOGUE
from hutong.ledger.commissions import CONFIRM_COMMISSIONS
from hutong.ledger.jobs import EXPIRE_HOLD, MAKE_MARKS, SEAL_DAYS
from hutong.links.health import CHECK_DESTINATIONS
from hutong.links.hosts import CHECK_HOST
from hutong.merchants.service import all_merchants
from hutong.merchants.tickets import Severity, TicketKind, open_ticket
from hutong.payments.refunds import SEND_REFUND
from hutong.workflows.commands.charge_code import follow_due_charge
from hutong.workflows.commands.check_destinations import check_destinations
from hutong.workflows.commands.check_host import check_due_host
from hutong.workflows.commands.confirm_commissions import confirm_commissions
from hutong.workflows.commands.follow_refund import query_refund, send_refund
from hutong.workflows.commands.frozen import unfreeze
from hutong.workflows.commands.keep_books import expire_due_hold, make_marks, seal_ended_days
from hutong.workflows.commands.promote_links import promote_due
from hutong.workflows.commands.pull_orders import pull_due
from hutong.workflows.commands.pull_promoted import pull_promoted_due
from hutong.workflows.commands.push_stock import push_stock
from hutong.workflows.commands.read_bill import check_told, read_due_bill
from hutong.workflows.commands.settle import (
    check_closed,
    close_due_payment,
    look_at_attempt,
    query_attempt,
    query_combined,
)
from hutong.workflows.commands.share_out import share_out
from hutong.workflows.commands.take_back import follow_take_backs
from hutong.workflows.commands.take_notice import work_inbound
from hutong.workflows.jobs import (
    CHECK_CLOSED,
    CHECK_PAID,
    CLOSE_PAYMENT,
    FOLLOW_CHARGE,
    LOOK_AT_ATTEMPT,
    PROMOTE_LINKS,
    PULL_ORDERS,
    PULL_PROMOTED,
    PUSH_STOCK,
    QUERY_ATTEMPT,
    QUERY_COMBINED,
    QUERY_REFUND,
    READ_BILL,
    SHARE_OUT,
    TAKE_BACK,
    UNFREEZE,
    WORK_INBOUND,
)
from hutong.workflows.reactions.catalogue import reactions_to
from hutong.workflows.runtime import Runtime

ERROR_CHARS_MAX: Final = 300

Effect = Callable[[Runtime, UUID, bytes], Awaitable[None]]


async def deliver_event(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Hand an event to every handler that has not taken it. One that fails is tried again with the others done."""
    event_id = msgspec.json.decode(payload, type=EventKey).event_id
    async with runtime.unit(merchant_id, "outbox.read") as unit:
        row = await unit.one(select(outbox).where(outbox.c.merchant_id == merchant_id, outbox.c.event_id == event_id))
    if row is None:
        return
    event = CATALOGUE.decode(row.name, row.version, row.body)
    failures: list[Exception] = []
    for reaction in reactions_to(event.name):  # the name of today
        try:
            async with runtime.unit(merchant_id, f"react.{reaction.name}") as unit:
                if reaction.keeps_ids or await unit.take(reaction.name, event_id):
                    await reaction.run(runtime, unit, [(event_id, event)])
        except Exception as error:  # noqa: BLE001 (one handler's trouble must not keep the event from the others)
            failures.append(error)
    if failures:
        raise failures[0]


EFFECTS: Final[dict[str, Effect]] = {
    DELIVER: deliver_event,
    QUERY_ATTEMPT: query_attempt,
    QUERY_COMBINED: query_combined,
    LOOK_AT_ATTEMPT: look_at_attempt,
    CHECK_CLOSED: check_closed,
    CHECK_PAID: check_told,
    CLOSE_PAYMENT: close_due_payment,
    FOLLOW_CHARGE: follow_due_charge,
    WORK_INBOUND: work_inbound,
    SEND_REFUND: send_refund,
    QUERY_REFUND: query_refund,
    PULL_ORDERS: pull_due,
    PROMOTE_LINKS: promote_due,
    PULL_PROMOTED: pull_promoted_due,
    PUSH_STOCK: push_stock,
    MAKE_MARKS: make_marks,
    SEAL_DAYS: seal_ended_days,
    EXPIRE_HOLD: expire_due_hold,
    CONFIRM_COMMISSIONS: confirm_commissions,
    READ_BILL: read_due_bill,
    SHARE_OUT: share_out,
    UNFREEZE: unfreeze,
    TAKE_BACK: follow_take_backs,
    CHECK_HOST: check_due_host,
    CHECK_DESTINATIONS: check_destinations,
}


def job_handlers(runtime: Runtime) -> dict[str, JobHandler]:
    """Every kind of job, bound to this process."""

    def bind(effect: Effect) -> JobHandler:
        async def run(merchant_id: UUID, payload: bytes) -> None:
            await effect(runtime, merchant_id, payload)

        return run

    return {kind: bind(effect) for kind, effect in EFFECTS.items()}


async def report_failed_job(runtime: Runtime, merchant_id: UUID, job_id: UUID, kind: str, error: str) -> None:
    """A job used up its attempts: somebody must look."""
    async with runtime.unit(merchant_id, "job.ticket") as unit:
        await open_ticket(
            unit,
            TicketKind.JOB_FAILED,
            Severity.URGENT,
            subject=("job", str(job_id)),
            details={"kind": kind, "error": error[:ERROR_CHARS_MAX]},
            dedupe_key=job_id.hex,
        )


async def report_lost_clicks(runtime: Runtime, count: int) -> None:
    """Clicks could not be kept, nobody knows whose: every shop of this hub is told the number."""
    async with runtime.database.plain("system") as connection:
        merchants = await all_merchants(connection)
    for merchant in merchants:
        async with runtime.unit(merchant.merchant_id, "clicks.ticket") as unit:
            await open_ticket(
                unit,
                TicketKind.CLICKS_LOST,
                Severity.NORMAL,
                subject=("clicks", str(count)),
                details={"count": count},
                dedupe_key=unit.new_id().hex,
            )
