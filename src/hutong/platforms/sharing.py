"""What a wallet takes that can share a paid order's money with others (WeChat 分账, Alipay settle)."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from hutong.core.money import Money
from hutong.platforms.account import Account


class ReceiverKind(StrEnum):
    """What a receiver's account at the wallet is."""

    MERCHANT = "merchant"
    PERSON = "person"  # a personal account: shares to it can not be taken back


class ShareReceiver(msgspec.Struct, frozen=True, kw_only=True):
    """Who may receive shares. ``account_ref``: mchid, openid, or the wallet's user id; a name where it is asked for."""

    kind: ReceiverKind
    account_ref: str
    name: str = ""
    relation: str = ""  # the wallet's own word for the relation, e.g. DISTRIBUTOR; empty: the connector's default

    def __repr__(self) -> str:
        return f"ShareReceiver({self.kind.value})"


class ShareLine(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver's part of one request."""

    receiver: ShareReceiver
    amount: Money
    description: str


class ShareOut(msgspec.Struct, frozen=True, kw_only=True):
    """Share an order's money. The same ``out_share_no`` is the same request; each new step needs a new number."""

    out_trade_no: str
    transaction_id: str
    out_share_no: str
    lines: tuple[ShareLine, ...]
    finish: bool  # give the merchant what is left at once; nothing can be shared afterwards


class ShareStatus(StrEnum):
    """A share or a return in our words. What the connector does not know is PENDING, never final."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the money went back to the payer of the share
    NOT_FOUND = "not_found"


class ShareLineReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one receiver's part; a request that is finished may hold failed ones."""

    account_ref: str
    amount: Money
    status: ShareStatus
    reason: str = ""  # the wallet's code
    detail_id: str = ""


class ShareReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the wallet says of a request. PENDING until it has decided on every line."""

    out_share_no: str
    status: ShareStatus
    raw_status: str
    lines: tuple[ShareLineReport, ...] = ()
    share_id: str | None = None


class FinishSharing(msgspec.Struct, frozen=True, kw_only=True):
    """End the freeze of an order: what was not shared is the merchant's."""

    out_trade_no: str
    transaction_id: str
    out_share_no: str
    reason: str


class TakeBack(msgspec.Struct, frozen=True, kw_only=True):
    """Take a share back before a refund. The same ``out_return_no`` is the same request."""

    out_trade_no: str
    out_share_no: str
    out_return_no: str
    receiver: ShareReceiver
    amount: Money
    reason: str


class TakeBackReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a return."""

    out_return_no: str
    status: ShareStatus
    raw_status: str
    amount: Money | None = None
    reason: str = ""


class ShareLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a wallet carries of an order; the rest stands as payable outside it."""

    ratio_bps_max: int  # of the whole order, all requests together, unless the account was granted more
    receivers_per_request_max: int
    requests_per_order_max: int
    delay_s_min: int  # after the payment, before the first request
    window_days: int  # after that the freeze ends by itself
    takes_back_from_persons: bool


class ShareReceivers(Protocol):
    """Capability: who may receive shares. Nobody receives any before being added."""

    async def add(self, account: Account, receiver: ShareReceiver) -> None:
        """Allow a receiver; one that is allowed already is no error."""
        ...

    async def remove(self, account: Account, receiver: ShareReceiver) -> None:
        """Allow no more; one that is not there is no error."""
        ...


class ProfitSharing(Protocol):
    """Capability: share a paid order's money. Unclear outcomes raise ``PlatformUnknown``; query, never assume."""

    @property
    def limits(self) -> ShareLimits:
        """What the wallet's documents say it carries."""
        ...

    async def share(self, account: Account, command: ShareOut) -> ShareReport:
        """Ask for a share; repeating the same numbers is safe."""
        ...

    async def query(self, account: Account, command: ShareOut) -> ShareReport:
        """Ask what became of it."""
        ...

    async def finish(self, account: Account, command: FinishSharing) -> ShareReport:
        """End the freeze."""
        ...

    async def take_back(self, account: Account, command: TakeBack) -> TakeBackReport:
        """Take back a share, or ask what became of it by asking again with the same numbers."""
        ...
