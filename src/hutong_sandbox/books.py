"""The sandbox's own record of money: what the hub's ledger is compared with."""

from __future__ import annotations

from typing import Final

import msgspec

from hutong.core.money import round_half_up, share_bps

#: The wallet's fee, in hundredths of a per cent, rounded half-up to the fen.
WALLET_FEE_BPS: Final = 60


class BookRow(msgspec.Struct, frozen=True, kw_only=True):
    """One paid order. ``refunding_fen`` is asked for but not yet with the buyer; it is not part of ``refunded_fen``.

    ``shared_fen`` went to receivers of shares (those that failed are not in it), ``returned_fen`` of that came back.
    ``merchant`` opened the order; ``seller`` is whose money it is, where a service provider opened it for another.
    """

    platform: str
    merchant: str
    order_no: str
    amount_fen: int
    refunded_fen: int
    status: str
    fee_fen: int
    refunded_fee_fen: int
    refunding_fen: int = 0
    shared_fen: int = 0
    returned_fen: int = 0
    seller: str = ""


def fee_of(amount_fen: int) -> int:
    """The wallet's fee on a payment."""
    return share_bps(amount_fen, WALLET_FEE_BPS)


def fee_back(amount_fen: int, refunded_fen: int) -> int:
    """The part of the fee that has come back: pro rata to all refunds so far, so that a full refund returns it all."""
    return round_half_up(fee_of(amount_fen) * refunded_fen, amount_fen) if amount_fen else 0
