"""What a wallet takes that can charge the payment code (付款码) a buyer shows at the counter."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from hutong.core.money import Money
from hutong.platforms.account import Account
from hutong.platforms.payments import TradeReport


class ChargeCode(msgspec.Struct, frozen=True, kw_only=True):
    """Charge a payment code. A code is good for one minute and one charge; it is never stored or logged."""

    out_trade_no: str
    amount: Money
    description: str
    auth_code: str
    expires_at: datetime
    notify_url: str
    client_ip: str | None = None  # of the till
    attach: str = ""
    shared: bool = False

    def __repr__(self) -> str:
        return f"ChargeCode({self.out_trade_no})"


class CodePayments(Protocol):
    """Capability: charge payment codes. Unclear outcomes raise ``PlatformUnknown``; query, then reverse if unpaid."""

    def takes(self, auth_code: str) -> bool:
        """Whether a code is this wallet's, by its published prefix and length."""
        ...

    async def charge(self, account: Account, command: ChargeCode) -> TradeReport:
        """Charge at once. PENDING: the buyer types a password; query until it ends, then reverse.

        Raises:
            PlatformFailure: refused (balance, expired code, ...); nothing was taken.
        """
        ...

    async def reverse(self, account: Account, out_trade_no: str) -> TradeReport:
        """Undo the charge whatever became of it: CLOSED when no money stays taken. Repeating is safe."""
        ...
