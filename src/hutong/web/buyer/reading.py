"""What a buyer's page shows of a checkout: where it stands, the ways to pay here, and the receipt."""

from __future__ import annotations

from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.merchants.queries import MerchantRow, this_merchant
from hutong.payments.checkouts import CheckoutView, get_checkout
from hutong.payments.queries import AttemptRow, PaymentRow, payment_of_order
from hutong.payments.refunds import AUTOMATIC, SENT_BACK
from hutong.payments.shop_codes import CodeRoom, code_of_checkout, code_room
from hutong.payments.states import AttemptState, CheckoutState, PaymentState, RefundState
from hutong.platforms.payments import PayMethod
from hutong.shops.queries import order_detail
from hutong.web.buyer.pages import PayButton, Receipt, ReceiptRefund
from hutong.web.format import zone_of
from hutong.workflows.commands.wallets import DESKTOP, WalletAccount, WalletChoice, choices_among

#: What the page shows while money may still come.
OPEN: Final = "open"
WAITING: Final = "waiting"
#: A wallet has not answered clearly: the page asks the buyer not to pay again.
UNKNOWN: Final = "unknown"
PAID: Final = "paid"
REFUNDED: Final = "refunded"
CLOSED: Final = "closed"
_UNCLEAR: Final = frozenset({AttemptState.UNKNOWN.value, AttemptState.REVERSING.value, AttemptState.MISMATCHED.value})
_GIVEN_UP: Final = frozenset({RefundState.FAILED.value})


class DeskReading(msgspec.Struct, frozen=True, kw_only=True):
    """A checkout with everything its page needs from the database."""

    view: CheckoutView
    merchant: MerchantRow
    order_no: str
    payment: PaymentRow | None
    room: CodeRoom | None = None

    @property
    def amount(self) -> Money:
        """What was paid, where the shop took another sum than it had asked for; else what is owed."""
        is_paid = self.payment is not None and self.payment.captured_attempt_id is not None
        return self.payment.amount if is_paid and self.payment is not None else self.view.goods.amount

    @property
    def zone(self) -> ZoneInfo:
        """Times of the receipt are the shop's."""
        return zone_of(self.merchant.timezone)


async def read_desk(unit: Unit, checkout_id: UUID) -> DeskReading:
    """Read a checkout for its page.

    Raises:
        NotFound: no such checkout.
    """
    view = await get_checkout(unit, checkout_id)
    order_no, payment = "", None
    if view.order_id is not None:
        order_no = (await order_detail(unit, view.order_id)).order.order_no
        payment = await payment_of_order(unit, view.order_id)
    return DeskReading(
        view=view,
        merchant=await this_merchant(unit),
        order_no=order_no,
        payment=payment,
        room=await _room(unit, view),
    )


async def _room(unit: Unit, view: CheckoutView) -> CodeRoom | None:
    """The limits of the shop code that opened a checkout; only before the buyer pays, and only an amount has one."""
    if view.state is not CheckoutState.OPEN or view.goods.sku_id is not None:
        return None
    code = await code_of_checkout(unit, view.checkout_id)
    return None if code is None else await code_room(unit, code)


def shown_state(state: CheckoutState, payment: PaymentRow | None) -> str:
    """The word of the page for where a checkout stands."""
    if state is CheckoutState.OPEN:
        return OPEN
    if state is CheckoutState.EXPIRED:
        return CLOSED
    if state is CheckoutState.PAID:
        return REFUNDED if payment is not None and payment.state == PaymentState.REFUNDED.value else PAID
    unclear = payment is not None and any(attempt.state in _UNCLEAR for attempt in payment.attempts)
    return UNKNOWN if unclear else WAITING


def receipt_of(reading: DeskReading) -> Receipt | None:
    """The receipt of a paid checkout; of a closed one only where money came late and went back by itself."""
    payment = reading.payment
    if payment is None:
        return None
    paid = _paid_attempt(payment)
    if paid is None:
        return None
    return Receipt(
        order_no=reading.order_no,
        platform=paid.platform,
        transaction_id=paid.transaction_id or "",
        paid_at=paid.paid_at,
        refunded=payment.refunded,
        refunds=tuple(
            ReceiptRefund(
                amount=refund.amount,
                state=refund.state,
                is_automatic=refund.cause == AUTOMATIC,
                at=refund.finished_at or refund.created_at,
            )
            for refund in payment.refunds
            if refund.state not in _GIVEN_UP and refund.cause != SENT_BACK
        ),
    )


def _paid_attempt(payment: PaymentRow) -> AttemptRow | None:
    """What the order was paid with, else what went back by itself; what a person decided on is no receipt."""
    paid = [attempt for attempt in payment.attempts if attempt.state == AttemptState.PAID.value]
    kept = [attempt for attempt in paid if attempt.attempt_id == payment.captured_attempt_id]
    if not kept and not any(refund.cause == AUTOMATIC for refund in payment.refunds):
        return None
    return min(kept or paid, key=lambda attempt: attempt.paid_at or attempt.created_at, default=None)


def buttons_for(accounts: list[WalletAccount], container: str) -> tuple[PayButton, ...]:
    """The ways to pay here, the fitting one first. On a computer: each wallet's own page, then its own QR."""
    choices = choices_among(accounts, container)
    if container != DESKTOP:
        return tuple(_button(choice, choice.method) for choice in choices)
    methods = {account.connector.name: account.connector.pay_methods for account in accounts}
    pages = [_button(choice, PayMethod.PAGE) for choice in choices if PayMethod.PAGE in methods[choice.platform]]
    codes = [_button(choice, PayMethod.NATIVE) for choice in choices if choice.method is PayMethod.NATIVE]
    return (*pages, *codes)


def _button(choice: WalletChoice, method: PayMethod) -> PayButton:
    return PayButton(platform=choice.platform, method=method.value, is_default=choice.is_default)


def layout_of(buttons: tuple[PayButton, ...], *, is_phone: bool) -> str:
    """How the page offers them: ``go`` straight to one, ``choose`` among several, ``scan`` with another screen.

    On a computer only the wallet's own app takes the money here; everything else begins at a phone.
    """
    on_screen = is_phone or (bool(buttons) and buttons[0].method == PayMethod.JSAPI.value)
    if not buttons or not on_screen:
        return "scan"
    return "go" if buttons[0].is_default else "choose"
