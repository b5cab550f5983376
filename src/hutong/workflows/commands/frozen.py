"""A wallet order whose money is frozen, so that it can be shared; and the end of that.

The last request of an order, the unfreezing, tells the wallet that what is left is the merchant's. Money that is kept
for no order is never shared: its unfreezing is the only request.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import PlatformFailure
from hutong.db.jobs import Postpone
from hutong.db.unit import Unit
from hutong.ledger.commission_states import SharingEvent, SharingState
from hutong.ledger.sharing import SharingView, end_sharing, sharing_of
from hutong.payments.service import AttemptView, get_attempt
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.sharing import FinishSharing, ProfitSharing, ShareStatus
from hutong.workflows.jobs import UNFREEZE, AttemptKey
from hutong.workflows.runtime import OpenedAccount, Runtime

#: How soon to ask again while the wallet works on a request.
LOOK_GAP: Final = timedelta(seconds=15)
#: Refusals that pass by themselves: the job is tried again. Any other refusal is the wallet's last word.
PASSING_WORDS: Final = frozenset({ErrorWord.THROTTLED, ErrorWord.UNAVAILABLE, ErrorWord.UNKNOWN})
#: Payments are told in whole seconds, by another clock than ours.
CLOCKS_APART: Final = timedelta(seconds=3)
#: A wallet that still works on a payment refuses to share it with the code of a wrong request; believed only later.
YOUNG: Final = timedelta(minutes=10)
FINISH_REASON: Final = "分账完成"


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """A paid wallet order whose money is frozen, and the account it lies on."""

    sharing: SharingView
    attempt: AttemptView
    opened: OpenedAccount

    @property
    def wallet(self) -> ProfitSharing:
        """What the wallet can do with it."""
        assert self.opened.connector.sharing is not None, "only wallets that share are asked to freeze"
        return self.opened.connector.sharing


async def wait_for_the_wallet(runtime: Runtime, frozen: Frozen) -> None:
    """No wallet shares in the first moments after a payment.

    Raises:
        Postpone: it is too early.
    """
    assert frozen.attempt.paid_at is not None, "its money came"
    first_at = frozen.attempt.paid_at + timedelta(seconds=frozen.wallet.limits.delay_s_min) + CLOCKS_APART
    early = first_at - runtime.clock.now()
    if early > timedelta(0):
        raise Postpone(early)


async def end_freeze(runtime: Runtime, frozen: Frozen) -> SharingEvent:
    """Tell the wallet that nothing more is shared; how the freeze ended.

    Raises:
        Postpone: the wallet is at it.
    """
    command = FinishSharing(
        out_trade_no=frozen.sharing.out_trade_no,
        transaction_id=frozen.attempt.transaction_id or "",
        out_share_no=frozen.sharing.finish_no,
        reason=FINISH_REASON,
    )
    try:
        report = await frozen.wallet.finish(frozen.opened.account, command)
    except PlatformFailure as refusal:
        last_word(runtime, frozen, refusal)  # nothing is left to unfreeze: it was refunded whole, or it is over
        return SharingEvent.LAPSE
    if report.status is ShareStatus.PENDING:
        raise Postpone(LOOK_GAP)
    return SharingEvent.FINISH


def final_code(refusal: PlatformFailure) -> str:
    """The wallet's code of a refusal that will not pass by itself; any other is raised again."""
    if isinstance(refusal, PlatformRefused) and refusal.word in PASSING_WORDS:
        raise refusal
    return str(refusal.details.get("platform_code", refusal.code))


def last_word(runtime: Runtime, frozen: Frozen, refusal: PlatformFailure) -> str:
    """The code of a refusal to share this payment that will not pass by itself; any other is raised again.

    Raises:
        Postpone: the payment is young, and the wallet may only not be ready.
    """
    code = final_code(refusal)
    assert frozen.attempt.paid_at is not None, "its money came"
    is_young = runtime.clock.now() < frozen.attempt.paid_at + YOUNG
    if is_young and isinstance(refusal, PlatformRefused) and refusal.word is ErrorWord.INVALID_REQUEST:
        raise Postpone(LOOK_GAP)
    return code


async def leave_unshared(unit: Unit, attempt_id: UUID) -> None:
    """The money of an attempt is kept and pays no commissions: where it was frozen, that ends."""
    sharing = await sharing_of(unit, attempt_id)
    if sharing is not None and sharing.state is SharingState.OPENED:
        unit.schedule(UNFREEZE, AttemptKey(attempt_id), dedupe_key=attempt_id.hex)


async def unfreeze(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """End the freeze of an attempt whose money is not shared."""
    attempt_id = msgspec.json.decode(payload, type=AttemptKey).attempt_id
    async with runtime.unit(merchant_id, "unfreeze.read") as unit:
        sharing, attempt = await sharing_of(unit, attempt_id), await get_attempt(unit, attempt_id)
    if sharing is None or sharing.state is not SharingState.OPENED:
        return
    opened = await runtime.open_account(merchant_id, attempt.connection_id)
    frozen = Frozen(sharing=sharing, attempt=attempt, opened=opened)
    await wait_for_the_wallet(runtime, frozen)
    event = await end_freeze(runtime, frozen)
    async with runtime.unit(merchant_id, "unfreeze.done") as unit:
        await end_sharing(unit, attempt_id, event)
