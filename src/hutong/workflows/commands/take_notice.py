"""A wallet's callback: verified on raw bytes, stored, acknowledged after the commit, then worked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from hutong.core.crashpoints import reach
from hutong.core.errors import InvalidSignature, NotFound
from hutong.db.bulk import insert_rows
from hutong.db.tables import inbound
from hutong.db.unit import Unit
from hutong.ledger.sharing import is_take_back
from hutong.payments.combined import settle_combined
from hutong.payments.refunds import find_refund
from hutong.payments.service import AttemptView, Capture, capture_many, find_attempts
from hutong.payments.states import AttemptState
from hutong.platforms.payments import Acknowledgement, Callbacks, Notice, RefundReport, TradeReport
from hutong.workflows.commands.follow_refund import apply_refund_report, tell_foreign_refund
from hutong.workflows.commands.mismatch import (
    PAID,
    Claim,
    at_receiver,
    foreign_refund,
    foreign_trade,
    tell_mismatch,
)
from hutong.workflows.commands.settle import apply_trade_report, forget_schedules
from hutong.workflows.jobs import QUERY_ATTEMPT, WORK_INBOUND, AttemptKey, InboundKey
from hutong.workflows.runtime import OpenedAccount, Runtime

NOTICE: Final = "inbound.notice"
BODY_BYTES_MAX: Final = 64 * 1024
NUL_IN_JSON: Final = b"\\u0000"
#: When what was stored is worked from the database, unless that was done at once: the process may be gone.
WORKED_LATER: Final = timedelta(seconds=20)
#: Between two rounds of work. No wallet waits for them, and a round costs little more for many than for one.
WORK_PAUSE_S: Final = 0.02


async def take_notice(
    runtime: Runtime,
    merchant_id: UUID,
    platform: str,
    connection_id: UUID,
    headers: Mapping[str, str],
    body: bytes,
) -> Acknowledgement:
    """Verify and store a callback; the answer is given only after the commit.

    A replay is acknowledged and has no second effect: its notice id is in the inbox.

    Raises:
        InvalidSignature: the bytes do not verify; nothing was stored.
        NotFound: the connection takes no callbacks.
    """
    opened = await runtime.open_account(merchant_id, connection_id)
    callbacks = opened.connector.callbacks
    if callbacks is None or opened.connection.platform != platform:
        raise NotFound(what="callback", key=str(connection_id))
    if len(body) > BODY_BYTES_MAX:
        raise InvalidSignature
    notice = await _verified(opened, callbacks, headers, body)
    if NUL_IN_JSON in msgspec.json.encode(notice):  # no platform writes it, no database keeps it
        raise InvalidSignature
    taken = Taken(opened=opened, notice=notice, body=body)
    await runtime.gatherings.of("notices", partial(store_notices, runtime)).submit(merchant_id, taken)
    reach("ack:callback:before")
    return callbacks.acknowledge()


async def _verified(opened: OpenedAccount, callbacks: Callbacks, headers: Mapping[str, str], body: bytes) -> Notice:
    """What the callback says; for a while after a change also by the credentials before.

    Raises:
        InvalidSignature: it verifies by neither.
    """
    await callbacks.prepare(opened.account, headers)  # a key that was rotated in is fetched first
    try:
        return callbacks.verify(opened.account, headers, body)
    except InvalidSignature:
        if opened.earlier is None:
            raise
    await callbacks.prepare(opened.earlier, headers)  # after a restart they are strangers, too
    return callbacks.verify(opened.earlier, headers, body)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A verified callback on its way into the database."""

    opened: OpenedAccount
    notice: Notice
    body: bytes  # raw, as it came

    @property
    def key(self) -> tuple[UUID, str]:
        """What makes it once: the connection and the platform's own id of the notice."""
        return (self.opened.connection.connection_id, self.notice.notice_id)

    @property
    def job_key(self) -> str:
        """What the job is found by that works it later."""
        connection_id, notice_id = self.key
        return f"{connection_id.hex}:{notice_id}"


async def store_notices(runtime: Runtime, merchant_id: UUID, taken: Sequence[Taken]) -> list[None]:
    """Store callbacks that came together, in one short transaction: it is all that their wallets wait for.

    Each new one leaves a job with it that works it later, tries again and at last opens a ticket. Mostly the round of
    work right after this one is faster and takes the job away.
    """
    by_key = {one.key: one for one in taken}
    sealed = [await runtime.vault.seal(merchant_id, NOTICE, msgspec.json.encode(one.notice)) for one in by_key.values()]
    async with runtime.unit(merchant_id, "notice.store") as unit:
        fresh = await _store(unit, by_key, sealed)
        for one in fresh:
            unit.schedule(WORK_INBOUND, InboundKey(*one.key), delay=WORKED_LATER, dedupe_key=one.job_key)
    working = runtime.gatherings.of("notices.work", partial(work_stored, runtime), WORK_PAUSE_S)
    for one in fresh:
        working.leave(merchant_id, one)
    return [None] * len(taken)


async def work_stored(runtime: Runtime, merchant_id: UUID, taken: Sequence[Taken]) -> list[None]:
    """Work callbacks that are stored, together; their jobs have nothing to do any more."""
    async with runtime.unit(merchant_id, "notice.work") as unit:
        await work_notices(unit, [(one.opened, one.notice) for one in taken])
        unit.drop_jobs([(WORK_INBOUND, one.job_key) for one in taken])
    return [None] * len(taken)


async def _store(unit: Unit, by_key: Mapping[tuple[UUID, str], Taken], sealed: list[bytes]) -> list[Taken]:
    """Keep callbacks, their notices sealed; those of them that were not known."""
    columns: dict[str, list[Any]] = {
        "connection_id": [connection_id for connection_id, _ in by_key],
        "external_id": [notice_id for _, notice_id in by_key],
        "inbound_id": unit.new_ids(len(by_key)),
        "body": [one.body for one in by_key.values()],
        "notice": sealed,
        "received_at": [unit.now()] * len(by_key),
    }
    rows = await insert_rows(unit, inbound, columns, once=True, returning=("connection_id", "external_id"))
    return [by_key[row.connection_id, row.external_id] for row in rows]


async def work_inbound(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Apply a stored callback."""
    key = msgspec.json.decode(payload, type=InboundKey)
    async with runtime.unit(merchant_id, "notice.read") as unit:
        sealed = await unit.scalar(
            select(inbound.c.notice).where(
                inbound.c.merchant_id == merchant_id,
                inbound.c.connection_id == key.connection_id,
                inbound.c.external_id == key.external_id,
            )
        )
    if sealed is None:
        return
    notice = msgspec.json.decode(await runtime.vault.open(merchant_id, NOTICE, sealed), type=Notice)
    opened = await runtime.open_account(merchant_id, key.connection_id)
    async with runtime.unit(merchant_id, "notice.work") as unit:
        await work_notices(unit, [(opened, notice)])


async def work_notices(unit: Unit, notices: Sequence[tuple[OpenedAccount, Notice]]) -> None:
    """Apply what callbacks say: payments together, whatever else one by one."""
    trades = [(opened, notice.notice_id, notice.trade) for opened, notice in notices if notice.trade is not None]
    for opened, notice in notices:  # each part of a combined order is told by itself
        trades += [(opened, f"{notice.notice_id}#{number}", part) for number, part in enumerate(notice.parts, start=1)]
    if trades:
        await _work_trades(unit, trades)
    for opened, notice in notices:
        if notice.refund is not None:
            await _work_refund(unit, opened, notice.notice_id, notice.refund)


async def _work_trades(unit: Unit, trades: Sequence[tuple[OpenedAccount, str, TradeReport]]) -> None:
    attempts = await find_attempts(unit, sorted({trade.out_trade_no for _, _, trade in trades}))
    captures: dict[UUID, Capture] = {}
    for opened, notice_id, trade in trades:
        attempt = attempts.get(trade.out_trade_no)
        field = _foreign_notice(opened, attempt, trade, captures)
        if field is not None or attempt is None:
            ours = attempt if field != "out_trade_no" else None
            claim = Claim(
                opened=at_receiver(opened, attempt),
                notice_id=notice_id,
                number=trade.out_trade_no,
                field=field or "out_trade_no",
                amount=trade.amount,
                transaction_id=trade.transaction_id or "",
                order_id=None if ours is None else ours.order_id,
            )
            await tell_mismatch(unit, claim)
        elif trade.status not in PAID:
            await apply_trade_report(unit, opened, attempt, trade)
        elif attempt.state in (AttemptState.REVERSING, AttemptState.REVERSED):
            unit.schedule(QUERY_ATTEMPT, AttemptKey(attempt.attempt_id), dedupe_key=attempt.attempt_id.hex)
        else:
            paid = Capture(attempt, trade.transaction_id or "", trade.paid_at or unit.now())
            captures.setdefault(attempt.attempt_id, paid)
    if captures:
        forget_schedules(unit, await capture_many(unit, list(captures.values())))
    told = {attempt.combined_try_id for attempt in attempts.values() if attempt.combined_try_id is not None}
    await settle_combined(unit, told)  # a part that was told as anything but paid


def _foreign_notice(
    opened: OpenedAccount, attempt: AttemptView | None, trade: TradeReport, captures: Mapping[UUID, Capture]
) -> str | None:
    """What of a notice does not fit, also beside one of the same batch; one that says paid has to name the sum."""
    earlier = None if attempt is None else captures.get(attempt.attempt_id)
    field = foreign_trade(opened, attempt, trade, "" if earlier is None else earlier.transaction_id)
    if field is None and trade.status in PAID and trade.amount is None:
        return "currency"
    return field


async def _work_refund(unit: Unit, opened: OpenedAccount, notice_id: str, report: RefundReport) -> None:
    refund = await find_refund(unit, report.out_refund_no)
    if refund is None and await is_take_back(unit, report.out_refund_no):
        return  # Alipay takes shares back by refunds of nothing; whoever asked for it has the answer
    field = foreign_refund(opened, refund, report)
    if field is not None or refund is None:
        await tell_foreign_refund(unit, opened, notice_id, report, field or "out_refund_no")
        return
    await apply_refund_report(unit, opened, refund, report)
