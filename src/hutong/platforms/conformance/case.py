"""What a connector's author brings to the suite: the connector, credentials made at run time, and forged answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

import msgspec

from hutong.core.money import Money
from hutong.platforms.account import Account
from hutong.platforms.conformance.doubles import ScriptedHttp, StandingClock, account_of
from hutong.platforms.contract import Connector
from hutong.platforms.payments import CreatePayment, PayMethod, RequestRefund
from hutong.platforms.shops import Shipment, StockTarget
from hutong.transport.messages import Request, Response

OUT_TRADE_NO: Final = "CF20260101000001"
OUT_REFUND_NO: Final = "CFR20260101000001"
#: Beyond 2^53: whoever reads ids as floating numbers shows it here.
ORDER_ID: Final = "4392454506056436785"
NOTIFY_URL: Final = "https://shop.example/callbacks/x/1"

Answer: TypeAlias = Callable[[Request], Response | None]


class Forgery(msgspec.Struct, frozen=True, kw_only=True):
    """Answers as the platform would give them, signed where it signs. One per capability that the connector has.

    ``throttled`` says "too many calls" to any request, ``answered`` is a 200 with this body. ``trade`` and ``refund``
    answer a query for OUT_TRADE_NO and OUT_REFUND_NO, ``order`` one for ORDER_ID, each with the raw status it is given.
    ``notice`` is a callback of this moment (headers in lower case, body).
    """

    throttled: Answer
    answered: Callable[[bytes], Response]
    trade: Callable[[str], Response] | None = None
    refund: Callable[[str], Response] | None = None
    order: Callable[[str], Response] | None = None
    notice: Callable[[], tuple[Mapping[str, str], bytes]] | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One connector on the bench. ``credentials`` are complete, unlike each other, and made at run time.

    ``stranger`` holds another account's credentials of the same platform; its callbacks must not verify.
    ``forgery`` may be left out by a connector that talks to nobody (files only).
    """

    connector: Connector
    clock: StandingClock
    credentials: Mapping[str, str] = {}
    stranger: Mapping[str, str] = {}
    base_url: str = "https://platform.example"
    forgery: Forgery | None = None
    #: Secret fields that the platform wants to be sent as they are (a session, an app secret in a token exchange).
    sent_secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Case({self.connector.name})"

    def account(self, answer: Answer, credentials: Mapping[str, str] | None = None) -> tuple[Account, ScriptedHttp]:
        """An account of this case whose network is ``answer``."""
        chosen = self.credentials if credentials is None else credentials
        return account_of(self.connector.name, self.base_url, chosen, self.clock, answer)

    def secrets(self) -> list[str]:
        """The values that nobody may see."""
        return [self.credentials[field] for field in self.connector.secret_fields if self.credentials.get(field)]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One way to use the connector."""

    name: str
    run: Callable[[Account], Awaitable[object]]


def calls(case: Case) -> list[Call]:
    """Every call that this connector's capabilities allow."""
    return [*_payment_calls(case), *_identity_calls(case), *_shop_calls(case)]


def _payment_calls(case: Case) -> list[Call]:
    payments = case.connector.payments
    if payments is None:
        return []

    def create(method: PayMethod) -> Call:
        return Call(name=f"create {method.value}", run=lambda account: payments.create(account, _order(case, method)))

    return [
        *(create(method) for method in PayMethod),
        Call(name="query", run=lambda account: payments.query(account, OUT_TRADE_NO)),
        Call(name="close", run=lambda account: payments.close(account, OUT_TRADE_NO)),
        Call(name="refund", run=lambda account: payments.refund(account, _refund())),
        Call(name="query_refund", run=lambda account: payments.query_refund(account, OUT_REFUND_NO)),
    ]


def _identity_calls(case: Case) -> list[Call]:
    identity = case.connector.identity
    if identity is None:
        return []
    return [Call(name="visitor_id", run=lambda account: identity.visitor_id(account, "0123456789abcdef"))]


def _shop_calls(case: Case) -> list[Call]:
    found: list[Call] = []
    orders, stock = case.connector.orders, case.connector.stock
    if orders is not None:
        end = case.clock.now()
        start = end - min(orders.window_max, timedelta(hours=1))
        parcel = Shipment(platform_order_id=ORDER_ID, carrier_code="SF", tracking_no="SF1234567890123")
        found += [
            Call(name="changed", run=lambda account: orders.changed(account, start, end, None)),
            Call(name="one", run=lambda account: orders.one(account, ORDER_ID)),
            Call(name="ship", run=lambda account: orders.ship(account, parcel)),
        ]
    if stock is not None:
        target = StockTarget(listing_id="693622837474", platform_sku_id="5325972735275", seller_code="COKE-330")
        found += [
            Call(name="find", run=lambda account: stock.find(account, "COKE-330")),
            Call(name="read", run=lambda account: stock.read(account, target)),
            Call(name="write", run=lambda account: stock.write(account, target, 7)),
        ]
    return found


def _order(case: Case, method: PayMethod) -> CreatePayment:
    return CreatePayment(
        out_trade_no=OUT_TRADE_NO,
        amount=Money.fen(1234),
        description="互通 hutong",
        method=method,
        notify_url=NOTIFY_URL,
        expires_at=case.clock.now() + timedelta(minutes=30),
        payer_id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        client_ip="203.0.113.7",
    )


def _refund() -> RequestRefund:
    return RequestRefund(
        out_trade_no=OUT_TRADE_NO,
        out_refund_no=OUT_REFUND_NO,
        amount=Money.fen(234),
        paid_amount=Money.fen(1234),
        reason="互通",
        notify_url=NOTIFY_URL,
    )
