"""What a wallet is asked about all parts of a combined order at once; nothing is written down here."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from hutong.payments.combined import CombinedTry, get_try
from hutong.payments.combined_attempts import attempts_of_try
from hutong.payments.service import AttemptView
from hutong.platforms.combined import CombinedPart, CombinedPayments
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import TradeReport, TradeStatus
from hutong.platforms.refusals import PlatformRefused
from hutong.workflows.runtime import OpenedAccount, Runtime


class CombinedTold(msgspec.Struct, frozen=True, kw_only=True):
    """What the wallet said of each part of a try, at the account that opened it."""

    try_id: UUID
    opened: OpenedAccount
    reports: tuple[TradeReport, ...]


def combining(opened: OpenedAccount) -> CombinedPayments:
    """The capability of an account that was chosen because it has it."""
    assert opened.connector.combined is not None, "a try is only opened where orders can be combined"
    return opened.connector.combined


async def query_combined_order(runtime: Runtime, merchant_id: UUID, try_id: UUID) -> CombinedTold:
    """Ask about every part; a part that the wallet does not name stays as it is.

    Raises:
        PlatformUnknown, PlatformFailure: nothing clear was heard.
    """
    made, parts, opened = await _read(runtime, merchant_id, try_id)
    return await _query(opened, made, parts)


async def close_combined(runtime: Runtime, merchant_id: UUID, try_id: UUID) -> CombinedTold:
    """Close the whole order at its wallet. Where it was paid meanwhile the reports say so.

    Raises:
        PlatformUnknown, PlatformFailure: nothing clear was heard.
    """
    made, parts, opened = await _read(runtime, merchant_id, try_id)
    named = await named_parts(runtime, merchant_id, opened, parts)
    try:
        await combining(opened).close(opened.account, made.number, named)
    except PlatformRefused as refused:
        if refused.word is ErrorWord.NOT_FOUND:
            return _all(opened, made, parts, TradeStatus.NOT_FOUND)
        if refused.word is ErrorWord.ALREADY_DONE:
            # It does not say how it ended: that it does not know the order would be no answer, so none closes nothing.
            reports = await combining(opened).query(opened.account, made.number)
            return CombinedTold(try_id=made.try_id, opened=opened, reports=reports)
        raise
    return _all(opened, made, parts, TradeStatus.CLOSED)


async def named_parts(
    runtime: Runtime, merchant_id: UUID, opened: OpenedAccount, parts: Sequence[AttemptView]
) -> tuple[CombinedPart, ...]:
    """The parts as the wallet knows them: whose money each is, and its number."""
    sellers = [(await runtime.open_account(merchant_id, part.connection_id)).account for part in parts]
    names = combining(opened).receivers(opened.account, sellers)
    return tuple(
        CombinedPart(
            merchant_ref=name,
            out_trade_no=part.out_trade_no,
            amount=part.amount,
            description="",
            attach=part.payment_id.hex,
        )
        for name, part in zip(names, parts, strict=True)
    )


async def _read(
    runtime: Runtime, merchant_id: UUID, try_id: UUID
) -> tuple[CombinedTry, list[AttemptView], OpenedAccount]:
    async with runtime.unit(merchant_id, "combined.read") as unit:
        made = await get_try(unit, try_id)
        parts = await attempts_of_try(unit, try_id)
    return made, parts, await runtime.open_account(merchant_id, made.connection_id)


async def _query(opened: OpenedAccount, made: CombinedTry, parts: Sequence[AttemptView]) -> CombinedTold:
    reports = await combining(opened).query(opened.account, made.number)
    if not reports:
        return _all(opened, made, parts, TradeStatus.NOT_FOUND)
    return CombinedTold(try_id=made.try_id, opened=opened, reports=reports)


def _all(opened: OpenedAccount, made: CombinedTry, parts: Sequence[AttemptView], status: TradeStatus) -> CombinedTold:
    reports = tuple(
        TradeReport(out_trade_no=part.out_trade_no, status=status, raw_status=status.value) for part in parts
    )
    return CombinedTold(try_id=made.try_id, opened=opened, reports=reports)
