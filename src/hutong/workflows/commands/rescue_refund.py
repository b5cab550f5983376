"""A refund could not reach the buyer: apply again, to a card of his, or back to the merchant's own account."""

from __future__ import annotations

from uuid import UUID

from hutong.core.errors import Conflict, ErrorText, HutongError
from hutong.merchants.actors import Actor, write_down
from hutong.payments.refunds import SEND_REFUND, RefundKey, get_refund, mark_refund
from hutong.payments.states import RefundEvent, RefundState
from hutong.platforms.payments import RefundStatus, RescueRefund
from hutong.workflows.commands.follow_refund import apply_refund_report
from hutong.workflows.commands.mismatch import foreign_refund
from hutong.workflows.jobs import QUERY_REFUND, REFUND_QUERY_GAPS
from hutong.workflows.runtime import Runtime


class NoRescue(HutongError):
    """The wallet has no second way for refunds."""

    code = "no_rescue"
    status = 409
    zh = ErrorText("这个钱包不支持异常退款重办。", "钱包没有提供这项接口。", "请在钱包的商户后台处理。")
    en = ErrorText("This wallet has no second way for refunds.", "It offers no such call.", "Use the wallet's console.")


async def rescue_refund(
    runtime: Runtime,
    merchant_id: UUID,
    refund_id: UUID,
    actor: Actor,
    *,
    card_bank: str = "",
    card_number: str = "",
    card_holder: str = "",
) -> RefundState:
    """Apply again for an abnormal refund, under the same number; where it stands then. Card data is not kept.

    Raises:
        Forbidden: a role is needed. Conflict: the refund is not abnormal. NoRescue.
        PlatformUnknown, PlatformFailure: nothing changed here; applying again is safe.
    """
    actor.require_refunds()
    async with runtime.unit(merchant_id, "refund.read") as unit:
        refund = await get_refund(unit, refund_id)
        if refund.state is not RefundState.ABNORMAL:
            raise Conflict(what="refund")
        await write_down(unit, actor, "refund.rescue", f"refund:{refund_id}")
    opened = await runtime.open_account(merchant_id, refund.connection_id)
    if opened.connector.refund_rescue is None:
        raise NoRescue
    report = await opened.connector.refund_rescue.rescue(
        opened.account,
        RescueRefund(
            out_refund_no=refund.out_refund_no,
            refund_id=refund.platform_refund_id or "",
            card_bank=card_bank,
            card_number=card_number,
            card_holder=card_holder,
        ),
    )
    async with runtime.unit(merchant_id, "refund.rescued") as unit:
        if foreign_refund(opened, refund, report) is None and report.status is RefundStatus.PENDING:
            if await mark_refund(unit, refund_id, RefundEvent.RESCUE, tries_count=0):
                unit.schedule(QUERY_REFUND, RefundKey(refund_id), delay=REFUND_QUERY_GAPS[0])
        else:
            await apply_refund_report(unit, opened, refund, report)
        return (await get_refund(unit, refund_id)).state


async def ask_again(runtime: Runtime, merchant_id: UUID, refund_id: UUID, actor: Actor) -> None:
    """Send, or ask about, a refund that nobody follows any more; the number stays the same.

    Raises:
        Forbidden: a role is needed. Conflict: it has ended, or needs :func:`rescue_refund`.
    """
    actor.require_refunds()
    async with runtime.unit(merchant_id, "refund.again") as unit:
        refund = await get_refund(unit, refund_id)
        jobs = {RefundState.SENT: QUERY_REFUND, RefundState.CREATED: SEND_REFUND, RefundState.UNKNOWN: SEND_REFUND}
        if refund.state not in jobs:
            raise Conflict(what="refund")
        unit.schedule(jobs[refund.state], RefundKey(refund_id), dedupe_key=refund_id.hex)
        await write_down(unit, actor, "refund.again", f"refund:{refund_id}")
