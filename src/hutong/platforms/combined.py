"""What a wallet takes that lets one tap pay several merchants' orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from hutong.core.money import Money
from hutong.platforms.account import Account
from hutong.platforms.payments import PaymentCreated, PayMethod, TradeReport


class CombinedPart(msgspec.Struct, frozen=True, kw_only=True):
    """One merchant's order within a combined one; ``merchant_ref`` is his account at the wallet (mchid)."""

    merchant_ref: str
    out_trade_no: str
    amount: Money
    description: str
    attach: str = ""
    shared: bool = False


class CreateCombined(msgspec.Struct, frozen=True, kw_only=True):
    """Open several orders that are paid together or not at all."""

    combine_out_trade_no: str
    parts: tuple[CombinedPart, ...]
    method: PayMethod
    notify_url: str
    expires_at: datetime
    payer_id: str | None = None
    client_ip: str | None = None


class CombinedPayments(Protocol):
    """Capability: one payment over several merchants' orders. Refunds go by each part's own number."""

    @property
    def methods(self) -> tuple[PayMethod, ...]:
        """Ways to open a combined order."""
        ...

    def receivers(self, account: Account, sellers: Sequence[Account]) -> tuple[str, ...]:
        """How ``account`` names who gets each part's money; nothing is asked.

        Raises:
            InvalidInput: it combines fewer or more parts, or not those of one of these accounts.
        """
        ...

    async def create(self, account: Account, command: CreateCombined) -> PaymentCreated:
        """Open the combined order."""
        ...

    async def query(self, account: Account, combine_out_trade_no: str) -> tuple[TradeReport, ...]:
        """What the wallet knows of each part; empty when it does not know the order."""
        ...

    async def close(self, account: Account, combine_out_trade_no: str, parts: tuple[CombinedPart, ...]) -> None:
        """Close the whole combined order, unpaid."""
        ...
