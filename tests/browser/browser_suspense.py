"""Samples of a ticket about money in suspense: to be decided, to be confirmed, refused by the wallet, decided."""

from __future__ import annotations

from datetime import timedelta

from browser_samples import NOW, uid
from msgspec import structs

from hutong.core.errors import ErrorText
from hutong.core.money import Money
from hutong.merchants.queries import TicketRow
from hutong.payments.states import SuspenseState
from hutong.payments.suspense import Decision, SuspenseView
from hutong.payments.suspense_decisions import Refusal
from hutong.shops.names import OrderName
from hutong.web.console.suspense_texts import choice, place_of
from hutong.web.console.ticket_items import ticket_items
from hutong.web.console.ticket_views import SuspenseBox, TicketView
from hutong.web.format import Formats
from hutong.web.i18n import Catalogues, Locale
from hutong.workflows.commands.decide import MoneyUnclear

CAME = SuspenseView(
    suspense_id=uid(71),
    ticket_id=uid(72),
    connection_id=uid(73),
    platform="wechatpay",
    number="018f3c2a9d7e7b3ca1f20b7d5e6c4f11",
    transaction_id="4200002026031244444444444444",
    round_no=0,
    field="amount",
    attempt_id=uid(74),
    payment_id=uid(75),
    order_id=uid(1),
    amount=Money.fen(4_690),
    expected=Money.fen(4_990),
    state=SuspenseState.OPEN,
    is_proved=None,
    actor="",
    reason="",
    refund_id=None,
    opened_at=NOW,
    decided_at=None,
    ended_at=None,
)
OPEN = {Decision.TAKE: None, Decision.SEND_BACK: None, Decision.WRITE_OFF: None}
PAID = {**OPEN, Decision.TAKE: Refusal.ORDER_PAID}
FOREIGN = {Decision.TAKE: Refusal.NOT_OURS, Decision.SEND_BACK: Refusal.NOT_OURS, Decision.WRITE_OFF: None}
RETURNED = structs.replace(
    CAME,
    state=SuspenseState.RETURNED,
    is_proved=True,
    actor="staff:1",
    reason="买家少付了三元，已电话联系，让他重新付一次",
    refund_id=uid(76),
    decided_at=NOW + timedelta(minutes=4),
    ended_at=NOW + timedelta(minutes=6),
)


def ticket_page(
    locale: Locale, view: SuspenseView, offers, chosen: str = "", *, is_paid: bool = False, **changes: object
) -> TicketView:
    translate, formats = Catalogues().of(locale).ugettext, Formats(locale)
    row = TicketRow(
        ticket_id=view.ticket_id,
        kind="notice_mismatched",
        severity="urgent",
        subject_kind="order",
        subject_id=str(uid(1)),
        details={
            "platform": view.platform,
            "field": view.field,
            "out_trade_no": view.number,
            "amount_minor": view.amount.amount_minor,
            "currency": view.amount.currency,
            "suspense_id": str(view.suspense_id),
        },
        state="open" if view.state is SuspenseState.OPEN else "resolved",
        opened_at=NOW,
        resolved_at=view.decided_at,
    )
    choices = tuple(
        choice(view, decision, refusal, 60, is_paid=is_paid, translate=translate, formats=formats)
        for decision, refusal in offers.items()
    )
    values: dict[str, object] = {
        "item": ticket_items([row], translate, formats, [row.ticket_id] if is_paid else [])[0],
        "box": SuspenseBox(
            suspense=view,
            account="微信商户号 1900000109",
            order=OrderName(order_no="HT20260312001", title="手工陶瓷马克杯 釉下彩"),
            place=place_of(view, translate),
            choices=choices,
        ),
        "chosen": next((one for one in choices if one.name == chosen), None),
        "may_decide": True,
        "reason": "",
        "trouble": None,
        "staff": {"staff:1": "李明"},
    }
    return TicketView(**{**values, **changes})  # type: ignore[arg-type]


def unclear(locale: Locale) -> ErrorText:
    text = MoneyUnclear().text(locale)
    translate = Catalogues().of(locale).ugettext
    return ErrorText(*(translate(part) for part in (text.sentence, text.cause, text.fix)))


def _not_ours(locale: Locale) -> TicketView:
    bare = structs.replace(
        CAME, field="out_trade_no", attempt_id=None, payment_id=None, order_id=None, expected=None, transaction_id=""
    )
    return ticket_page(locale, bare, FOREIGN, may_decide=False)


SUSPENSE_GALLERY = {
    "ticket-money": ("/tickets/1", "console/ticket.html", lambda locale: ticket_page(locale, CAME, OPEN)),
    "ticket-money-confirm": (
        "/tickets/1",
        "console/ticket.html",
        lambda locale: ticket_page(
            locale, CAME, PAID, "send_back", is_paid=True, reason="买家少付了三元", trouble=unclear(locale)
        ),
    ),
    "ticket-money-not-ours": ("/tickets/1", "console/ticket.html", _not_ours),
    "ticket-money-decided": ("/tickets/1", "console/ticket.html", lambda locale: ticket_page(locale, RETURNED, {})),
}
