"""A wallet's callback: verified on raw bytes, stored, acknowledged after the commit, then worked from the inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from hutong.core.crashpoints import reach
from hutong.core.errors import InvalidSignature, NotFound
from hutong.core.money import Money
from hutong.db.tables import inbound
from hutong.db.unit import Unit
from hutong.payments.events import NoticeMismatched
from hutong.payments.refunds import find_refund
from hutong.payments.service import AttemptView, find_attempt
from hutong.payments.states import AttemptState
from hutong.platforms.payments import Acknowledgement, Notice, RefundReport, TradeReport, TradeStatus
from hutong.workflows.commands.follow_refund import apply_refund_report
from hutong.workflows.commands.settle import apply_trade_report
from hutong.workflows.jobs import QUERY_ATTEMPT, WORK_INBOUND, AttemptKey, InboundKey
from hutong.workflows.runtime import OpenedAccount, Runtime

NOTICE: Final = "inbound.notice"
BODY_BYTES_MAX: Final = 64 * 1024
PAID: Final = frozenset({TradeStatus.PAID, TradeStatus.REFUNDED})


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
    await callbacks.prepare(opened.account, headers)  # a key that was rotated in is fetched first
    notice = callbacks.verify(opened.account, headers, body)
    sealed = await runtime.vault.seal(merchant_id, NOTICE, msgspec.json.encode(notice))
    async with runtime.unit(merchant_id, "notice.store") as unit:
        fresh = await unit.insert_once(
            inbound,
            connection_id=connection_id,
            external_id=notice.notice_id,
            inbound_id=unit.new_id(),
            body=body,
            notice=sealed,
            received_at=unit.now(),
        )
        if fresh:
            unit.schedule(WORK_INBOUND, InboundKey(connection_id, notice.notice_id))
    reach("ack:callback:before")
    return callbacks.acknowledge()


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
        if notice.trade is not None:
            await _work_trade(unit, opened, notice.notice_id, notice.trade)
        elif notice.refund is not None:
            await _work_refund(unit, opened, notice.notice_id, notice.refund)
        for part in notice.parts:  # of a combined order
            await _work_trade(unit, opened, notice.notice_id, part)


def _foreign_owner(opened: OpenedAccount, owner: Mapping[str, str]) -> str | None:
    """The first account id of the notice that is not ours, or None; an id the account may leave out is not compared."""
    for name, value in sorted(owner.items()):
        ours = opened.account.credentials.get(name)
        if ours != value and not (not ours and name in opened.connector.optional_fields):
            return name
    return None


async def _work_trade(unit: Unit, opened: OpenedAccount, notice_id: str, trade: TradeReport) -> None:
    attempt = await find_attempt(unit, trade.out_trade_no)
    field = _foreign_owner(opened, trade.owner)
    if field is None and (attempt is None or attempt.connection_id != opened.connection.connection_id):
        field = "out_trade_no"
    if field is None and attempt is not None:
        field = _foreign_content(trade, attempt)
    if field is not None or attempt is None:
        _tell_mismatch(unit, opened, notice_id, trade.out_trade_no, field or "out_trade_no", trade.amount)
        return
    if trade.status in PAID and attempt.state in (AttemptState.REVERSING, AttemptState.REVERSED):
        unit.schedule(QUERY_ATTEMPT, AttemptKey(attempt.attempt_id), dedupe_key=attempt.attempt_id.hex)
        return
    await apply_trade_report(unit, attempt, trade)


def _foreign_content(trade: TradeReport, attempt: AttemptView) -> str | None:
    """What of a notice does not fit the attempt it names, or None.

    The mark tells an order from any other of the same amount; a wallet takes one order's money once, so a second
    transaction number belongs to something else.
    """
    if trade.attach and trade.attach != attempt.payment_id.hex:
        return "out_trade_no"
    if trade.status not in PAID:
        return None
    if attempt.transaction_id and trade.transaction_id != attempt.transaction_id:
        return "transaction_id"
    return _wrong_money(trade.amount, attempt.amount)


async def _work_refund(unit: Unit, opened: OpenedAccount, notice_id: str, report: RefundReport) -> None:
    refund = await find_refund(unit, report.out_refund_no)
    field = _foreign_owner(opened, report.owner)
    if field is None and (refund is None or refund.connection_id != opened.connection.connection_id):
        field = "out_refund_no"
    if field is None and refund is not None and report.amount is not None:
        field = _wrong_money(report.amount, refund.amount)
    if field is not None or refund is None:
        _tell_mismatch(unit, opened, notice_id, report.out_refund_no, field or "out_refund_no", report.amount)
        return
    await apply_refund_report(unit, refund, report)


def _wrong_money(told: Money | None, expected: Money) -> str | None:
    if told is None or told.currency != expected.currency:
        return "currency"
    return None if told == expected else "amount"


def _tell_mismatch(
    unit: Unit, opened: OpenedAccount, notice_id: str, number: str, field: str, amount: Money | None
) -> None:
    """Nothing is paid by it: a ticket and a suspense entry follow, and a person decides."""
    unit.emit(
        NoticeMismatched(
            notice_id=notice_id,
            connection_id=opened.connection.connection_id,
            platform=opened.connection.platform,
            out_trade_no=number,
            field=field,
            amount_minor=0 if amount is None else amount.amount_minor,
            currency="CNY" if amount is None else amount.currency,
            received_at=unit.now(),
        )
    )
