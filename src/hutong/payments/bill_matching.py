"""What a row of a bill and our own record of the same number say of each other. Pure.

Numbers match, not days: a payment of 23:59 may stand in the bill of either day, and is the same payment. A refund that
the wallet has not finished is no difference, and neither is a fen of a fee that comes back in several parts: wallet and
books round each part, and agree on the whole.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.money import Money
from hutong.platforms.bills import BillKind, BillRow

#: What rounding may put between the fee of one part of a refund here and there.
PART_FEE_ROUNDING_MINOR: Final = 1


class Standing(StrEnum):
    """Where our own record of a number stands."""

    DONE = "done"  # the money moved
    MOVING = "moving"  # asked for, and not clear yet
    UNDONE = "undone"  # a charge that was taken back
    NEVER = "never"  # no money, as far as we know


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """Our own record of a trade or a refund. ``fee`` is what the books took, below zero where it came back; None: no
    booking was found, so that nothing is said of the fee.
    """

    payment_id: UUID
    amount: Money
    standing: Standing
    fee: Money | None = None
    is_part: bool = False  # a refund of less than the whole payment


class Verdict(StrEnum):
    """What becomes of a row. All but the first are kinds of differences, as MISSING is one without a row."""

    MATCHED = "matched"
    UNKNOWN = "unknown_to_us"
    AMOUNT = "amount_differs"
    FEE = "fee_differs"
    MISSING = "missing_in_bill"


#: Differences that a row of a bill shows; the other one is that there is none.
OF_ROWS: Final = (Verdict.UNKNOWN, Verdict.AMOUNT, Verdict.FEE)


def judge(row: BillRow, ours: Ours | None, *, is_repeated: bool = False) -> Verdict:
    """What becomes of a row; ``is_repeated``: an earlier row told the same already."""
    if ours is None or is_repeated or not _is_known(row, ours):
        return Verdict.UNKNOWN
    if row.amount != ours.amount:
        return Verdict.AMOUNT
    if ours.fee is None or ours.standing is not Standing.DONE:
        return Verdict.MATCHED
    off_minor = abs((row.fee - ours.fee).amount_minor)
    return Verdict.FEE if off_minor > (PART_FEE_ROUNDING_MINOR if ours.is_part else 0) else Verdict.MATCHED


def _is_known(row: BillRow, ours: Ours) -> bool:
    """Whether we know of this money at all."""
    if row.kind is BillKind.REVERSAL:
        return ours.standing is Standing.UNDONE
    if row.kind is BillKind.TRADE:
        return ours.standing in (Standing.DONE, Standing.UNDONE)
    return ours.standing in (Standing.DONE, Standing.MOVING) or not row.is_final
