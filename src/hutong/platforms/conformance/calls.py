"""Every call that a connector's capabilities allow, with commands that name the case's own numbers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Final

import msgspec

from hutong.core.money import Money
from hutong.platforms.account import Account
from hutong.platforms.bills import bill_day
from hutong.platforms.codes import ChargeCode
from hutong.platforms.combined import CombinedPart, CreateCombined
from hutong.platforms.conformance.case import (
    COMBINED_NO,
    NOTIFY_URL,
    ORDER_ID,
    OUT_REFUND_NO,
    OUT_RETURN_NO,
    OUT_SHARE_NO,
    OUT_TRADE_NO,
    TRANSACTION_ID,
    Case,
)
from hutong.platforms.payments import CreatePayment, PayMethod, RequestRefund, RescueRefund
from hutong.platforms.sharing import FinishSharing, ReceiverKind, ShareLine, ShareOut, ShareReceiver, TakeBack
from hutong.platforms.shops import Shipment, StockTarget

#: What must never be shown, although it is no credential: it belongs to a buyer or to a receiver.
CARD_NUMBER: Final = "6225760012345678"
CARD_HOLDER: Final = "测试持卡人"
#: Lent by the platform for hours: a secret, and no credential.
PAGE_TOKEN: Final = "88_made-at-run-time-token-of-a-page"  # noqa: S105 (worth nothing)
PRIVATE_DETAILS: Final = (CARD_NUMBER, CARD_HOLDER, PAGE_TOKEN)
PARTS: Final = tuple(
    CombinedPart(
        merchant_ref=f"190000000{n}", out_trade_no=f"CFP2026010100000{n}", amount=Money.fen(n * 100), description="互通"
    )
    for n in (1, 2)
)
MERCHANT: Final = ShareReceiver(kind=ReceiverKind.MERCHANT, account_ref="1900000109", name="互通测试商户")
PERSON: Final = ShareReceiver(kind=ReceiverKind.PERSON, account_ref="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")
SHARE: Final = ShareOut(
    out_trade_no=OUT_TRADE_NO,
    transaction_id=TRANSACTION_ID,
    out_share_no=OUT_SHARE_NO,
    lines=(ShareLine(receiver=MERCHANT, amount=Money.fen(100), description="分账"),),
    finish=False,
)
TAKE_BACK: Final = TakeBack(
    out_trade_no=OUT_TRADE_NO,
    out_share_no=OUT_SHARE_NO,
    out_return_no=OUT_RETURN_NO,
    receiver=MERCHANT,
    amount=Money.fen(100),
    reason="退款",
)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One way to use the connector."""

    name: str
    run: Callable[[Account], Awaitable[object]]


def calls(case: Case) -> list[Call]:
    """Every call that this connector's capabilities allow."""
    return [
        *_payment_calls(case),
        *_till_calls(case),
        *_combined_calls(case),
        *_sharing_calls(case),
        *_bill_calls(case),
        *_identity_calls(case),
        *_page_calls(case),
        *_promotion_calls(case),
        *_shop_calls(case),
    ]


def _payment_calls(case: Case) -> list[Call]:
    payments = case.connector.payments
    if payments is None:
        return []

    def create(method: PayMethod) -> Call:
        return Call(name=f"create {method.value}", run=lambda account: payments.create(account, order_of(case, method)))

    return [
        *(create(method) for method in case.connector.pay_methods if method not in case.connector.signed_methods),
        Call(name="query", run=lambda account: payments.query(account, OUT_TRADE_NO)),
        Call(name="close", run=lambda account: payments.close(account, OUT_TRADE_NO)),
        Call(name="refund", run=lambda account: payments.refund(account, _refund())),
        Call(name="query_refund", run=lambda account: payments.query_refund(account, OUT_REFUND_NO, OUT_TRADE_NO)),
    ]


def _till_calls(case: Case) -> list[Call]:
    found: list[Call] = []
    codes, rescue = case.connector.codes, case.connector.refund_rescue
    if codes is not None:
        found += [
            Call(name="charge", run=lambda account: codes.charge(account, charge_of(case))),
            Call(name="reverse", run=lambda account: codes.reverse(account, OUT_TRADE_NO)),
        ]
    if rescue is not None:
        to_card = RescueRefund(
            out_refund_no=OUT_REFUND_NO,
            refund_id="50000000382019052709732678859",
            card_bank="CMB_DEBIT",
            card_number=CARD_NUMBER,
            card_holder=CARD_HOLDER,
        )
        to_merchant = RescueRefund(out_refund_no=OUT_REFUND_NO, refund_id="50000000382019052709732678859")
        found += [
            Call(name="rescue to a card", run=lambda account: rescue.rescue(account, to_card)),
            Call(name="rescue", run=lambda account: rescue.rescue(account, to_merchant)),
        ]
    return found


def _combined_calls(case: Case) -> list[Call]:
    combined = case.connector.combined
    if combined is None:
        return []

    def create(method: PayMethod) -> Call:
        command = CreateCombined(
            combine_out_trade_no=COMBINED_NO,
            parts=PARTS,
            method=method,
            notify_url=NOTIFY_URL,
            expires_at=case.clock.now() + timedelta(minutes=30),
            payer_id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
            client_ip="203.0.113.7",
        )
        return Call(name=f"combine {method.value}", run=lambda account: combined.create(account, command))

    return [
        *(create(method) for method in combined.methods),
        Call(name="query combined", run=lambda account: combined.query(account, COMBINED_NO)),
        Call(name="close combined", run=lambda account: combined.close(account, COMBINED_NO, PARTS)),
    ]


def _sharing_calls(case: Case) -> list[Call]:
    found: list[Call] = []
    receivers, sharing = case.connector.share_receivers, case.connector.sharing
    if receivers is not None:
        found += [
            Call(name="add receiver", run=lambda account: receivers.add(account, MERCHANT)),
            Call(name="add person", run=lambda account: receivers.add(account, PERSON)),
            Call(name="remove receiver", run=lambda account: receivers.remove(account, MERCHANT)),
        ]
    if sharing is not None:
        end = FinishSharing(
            out_trade_no=OUT_TRADE_NO, transaction_id=TRANSACTION_ID, out_share_no=OUT_SHARE_NO, reason="分账完结"
        )
        found += [
            Call(name="share", run=lambda account: sharing.share(account, SHARE)),
            Call(name="query share", run=lambda account: sharing.query(account, SHARE)),
            Call(name="finish sharing", run=lambda account: sharing.finish(account, end)),
            Call(name="take back", run=lambda account: sharing.take_back(account, TAKE_BACK)),
        ]
    return found


def ended_day(case: Case) -> date:
    """A day whose bill is there: the one before yesterday."""
    return bill_day(case.clock.now()) - timedelta(days=2)


def _bill_calls(case: Case) -> list[Call]:
    bills = case.connector.bills
    if bills is None:
        return []
    return [Call(name="bill", run=lambda account: bills.fetch(account, ended_day(case)))]


def charge_of(case: Case) -> ChargeCode:
    """A charge of the case's first payment code."""
    assert case.own_codes, "the case brings no payment code of this wallet"
    return ChargeCode(
        out_trade_no=OUT_TRADE_NO,
        amount=Money.fen(1234),
        description="互通 hutong",
        auth_code=case.own_codes[0],
        expires_at=case.clock.now() + timedelta(minutes=30),
        notify_url=NOTIFY_URL,
        client_ip="203.0.113.7",
    )


def _identity_calls(case: Case) -> list[Call]:
    identity = case.connector.identity
    if identity is None:
        return []
    return [
        Call(name="visitor_id", run=lambda account: identity.visitor_id(account, "0123456789abcdef")),
        Call(name="mini_visitor_id", run=lambda account: identity.mini_visitor_id(account, "0123456789abcdef")),
    ]


def _page_calls(case: Case) -> list[Call]:
    kit = case.connector.page_kit
    if kit is None:
        return []
    return [
        Call(name="page token", run=kit.token),
        Call(name="page ticket", run=lambda account: kit.ticket(account, PAGE_TOKEN)),
    ]


def _promotion_calls(case: Case) -> list[Call]:
    links = case.connector.jump_links
    if links is None:
        return []
    assert case.promotion is not None, "the case brings no item to promote"
    promotion = case.promotion
    end = case.clock.now()
    start = end - min(links.window_max, timedelta(hours=1))
    return [
        Call(name="make", run=lambda account: links.make(account, promotion)),
        Call(name="changed promoted", run=lambda account: links.changed(account, start, end, None)),
    ]


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


def order_of(case: Case, method: PayMethod) -> CreatePayment:
    """An order to be opened this way."""
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
