"""What a wallet connector takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from hutong.core.money import Money
from hutong.platforms.account import Account

YEAR_MIN: Final = 1970
YEAR_MAX: Final = 2100


class PayMethod(StrEnum):
    """How the buyer reaches the wallet."""

    JSAPI = "jsapi"  # inside the wallet's own app, needs the payer's id
    NATIVE = "native"  # a QR code scanned from another screen
    H5 = "h5"  # a phone browser that jumps into the wallet (Alipay: wap)
    PAGE = "page"  # a desktop browser that goes to the wallet's own cash desk
    APP = "app"  # a native app that calls the wallet's SDK
    MINI = "mini"  # a mini-program of the wallet, needs the payer's id for that mini-program
    CODE = "code"  # the buyer shows a payment code (付款码) and the shop scans it: see CodePayments


class TradeStatus(StrEnum):
    """A wallet's order in our words. A status the connector does not know is PENDING, never final."""

    PENDING = "pending"
    PAID = "paid"
    CLOSED = "closed"
    REFUNDED = "refunded"  # paid, and at least partly refunded since
    NOT_FOUND = "not_found"


class RefundStatus(StrEnum):
    """A wallet's refund in our words."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    CLOSED = "closed"
    ABNORMAL = "abnormal"  # the money could not reach the buyer; a person must act
    NOT_FOUND = "not_found"


class CreatePayment(msgspec.Struct, frozen=True, kw_only=True):
    """Open an order at the wallet. ``out_trade_no`` is ours; the same one with another amount is refused there."""

    out_trade_no: str
    amount: Money
    description: str
    method: PayMethod
    notify_url: str
    expires_at: datetime
    payer_id: str | None = None  # openid, for JSAPI and MINI
    client_ip: str | None = None  # for H5
    attach: str = ""  # a mark of ours that the wallet repeats in its reports, where it has such a field
    return_url: str = ""  # where the wallet's own page sends the buyer's browser afterwards (h5, page)
    shared: bool = False  # freeze the money so that it can be shared out (see ProfitSharing)


class PaymentCreated(msgspec.Struct, frozen=True, kw_only=True):
    """What the buyer's page needs to go on; exactly one of the three is set."""

    invoke: Mapping[str, str] | None = None  # parameters of the wallet's JavaScript bridge, or of its SDK in an app
    code_url: str | None = None  # text of the QR code
    redirect_url: str | None = None  # H5 page that opens the wallet


def _check_moment(moment: datetime | None) -> None:
    """At the ends of the calendar a time has no UTC, and no database keeps it."""
    if moment is not None and not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise ValueError(f"a time of the year {moment.year}")


class TradeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the wallet says of an order. ``owner`` holds its account ids (mchid, appid) to be checked against ours.

    ``is_all_back``: REFUNDED, and nothing of the money is left with the merchant.
    """

    out_trade_no: str
    status: TradeStatus
    raw_status: str
    owner: Mapping[str, str] = msgspec.field(default_factory=dict)
    amount: Money | None = None
    transaction_id: str | None = None
    payer_id: str | None = None
    paid_at: datetime | None = None
    attach: str | None = None  # our mark, where the wallet repeats it
    is_all_back: bool = False

    def __post_init__(self) -> None:
        """ValueError: the time is none in which anybody pays."""
        _check_moment(self.paid_at)


class RequestRefund(msgspec.Struct, frozen=True, kw_only=True):
    """Give money back. A retry carries the SAME ``out_refund_no``: a new one would refund twice."""

    out_trade_no: str
    out_refund_no: str
    amount: Money
    paid_amount: Money
    reason: str
    notify_url: str


class RefundReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the wallet says of a refund."""

    out_refund_no: str
    status: RefundStatus
    raw_status: str
    out_trade_no: str | None = None
    owner: Mapping[str, str] = msgspec.field(default_factory=dict)
    amount: Money | None = None
    refund_id: str | None = None
    refunded_at: datetime | None = None

    def __post_init__(self) -> None:
        """ValueError: the time is none in which anybody pays."""
        _check_moment(self.refunded_at)


class Payments(Protocol):
    """Capability: take payments. Unclear outcomes raise ``PlatformUnknown``; the caller queries, never assumes."""

    async def create(self, account: Account, command: CreatePayment) -> PaymentCreated:
        """Open the order at the wallet."""
        ...

    async def query(self, account: Account, out_trade_no: str) -> TradeReport:
        """Ask the wallet what it knows of the order; an order it does not know reports NOT_FOUND."""
        ...

    async def close(self, account: Account, out_trade_no: str) -> TradeReport:
        """Close an unpaid order. When it was paid meanwhile the report says PAID."""
        ...

    async def refund(self, account: Account, command: RequestRefund) -> RefundReport:
        """Ask for a refund; repeating the same numbers is safe."""
        ...

    async def query_refund(self, account: Account, out_refund_no: str, out_trade_no: str) -> RefundReport:
        """Ask what became of a refund; some wallets find it only together with its order."""
        ...


class RescueRefund(msgspec.Struct, frozen=True, kw_only=True):
    """Send an abnormal refund another way: to the buyer's own card, or (no card) to the merchant's account."""

    out_refund_no: str
    refund_id: str
    card_bank: str = ""  # the wallet's bank code
    card_number: str = ""
    card_holder: str = ""

    def __repr__(self) -> str:
        return f"RescueRefund({self.out_refund_no})"


class RefundRescue(Protocol):
    """Capability: what to do about a refund that could not reach the buyer."""

    async def rescue(self, account: Account, command: RescueRefund) -> RefundReport:
        """Apply again; the number stays the same."""
        ...


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A verified callback. ``notice_id`` is the platform's own id of it.

    Exactly one of ``trade``, ``refund`` and ``parts`` (of a combined order) is set, or none.
    """

    notice_id: str
    kind: str
    trade: TradeReport | None = None
    refund: RefundReport | None = None
    parts: tuple[TradeReport, ...] = ()


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """The answer a platform wants to its callback."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


class Callbacks(Protocol):
    """Capability: receive callbacks. Works on raw bytes; nothing unverified leaves ``verify``."""

    async def prepare(self, account: Account, headers: Mapping[str, str]) -> None:
        """Called before ``verify``: fetch what it needs and does not have yet, e.g. a rotated platform key.

        At most one bounded request, and none for what was asked a moment ago, for anybody can send headers. Never
        raises for what the headers hold; where nothing could be fetched ``verify`` refuses, and the platform repeats.
        """
        ...

    def verify(self, account: Account, headers: Mapping[str, str], body: bytes) -> Notice:
        """The verified, decrypted notice. Header names are lower-case.

        Raises:
            InvalidSignature: for every malformed, tampered, stale or foreign input; never any other error.
        """
        ...

    def acknowledge(self) -> Acknowledgement:
        """The answer after the notice was stored durably."""
        ...

    def refuse(self, reason: str) -> Acknowledgement:
        """The answer to bytes that did not verify, or that could not be stored."""
        ...


class Identity(Protocol):
    """Capability: learn who the visitor is inside this platform's app, silently where the platform allows it."""

    def authorise_url(self, account: Account, redirect_uri: str, state: str) -> str:
        """Where to send the visitor's browser; the platform sends it back with ``code`` and ``state``."""
        ...

    async def visitor_id(self, account: Account, code: str) -> str:
        """The visitor's stable id (openid) for a one-time code."""
        ...

    async def mini_visitor_id(self, account: Account, code: str) -> str:
        """The same in the account's mini-program, for the one-time code of its own login."""
        ...
