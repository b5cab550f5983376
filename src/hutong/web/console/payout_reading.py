"""Reads the pages and forms of payments outside the wallet."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from uuid import UUID, uuid4

import msgspec

from hutong.core.errors import HutongError, NotFound
from hutong.core.money import MINOR_DIGITS, Money
from hutong.db.unit import Unit
from hutong.ledger.commission_queries import commission_totals
from hutong.ledger.parties import get_party
from hutong.ledger.payout_queries import (
    OutsidePayment,
    PayoutMethod,
    due_outside_minor,
    is_relied_on,
    one_outside_payment,
    outside_payment_count,
    outside_payments,
)
from hutong.ledger.payouts import NOTE_CHARS_MAX, REFERENCE_CHARS_MAX
from hutong.ledger.refusals import OutsidePaymentTooLarge
from hutong.merchants.queries import staff_names, this_merchant
from hutong.merchants.staff import PAYOUT_ROLES
from hutong.web.console.desk import ConsoleRequest, session_of
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.payout_views import PayableSum, PayoutForm, PayoutsView, PayoutUndoView
from hutong.web.console.typed import (
    ChoiceUnknown,
    amount_outside,
    money_text,
    typed_amount,
    typed_day,
    typed_words,
)
from hutong.web.format import zone_of
from hutong.web.labels import mark
from hutong.web.told import Told

#: Payments are written down within two years.
DAYS_BACK_MAX: Final = 731
METHODS: Final = tuple(method.value for method in PayoutMethod)


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """A form that can be meant. ``payable``: what stands there before the payment."""

    payment_id: UUID
    amount: Money
    payable: Money
    paid_on: date
    method: str


async def read_form(unit: Unit, party_id: UUID, form: PayoutForm) -> Typed:
    """A payment as it was typed.

    Raises:
        FieldBlank, AmountUnreadable, AmountOutside, DayUnreadable, TextTooLong, ChoiceUnknown: with the field's name.
    """
    label, currency = mark("付了多少"), form.currency
    if currency not in MINOR_DIGITS:
        raise ChoiceUnknown(label=Told(label))
    payable = Money(await due_outside_minor(unit, party_id, currency), currency)
    is_whole = form.whole == "yes"
    amount = payable if is_whole else typed_amount(form.amount, label, currency)
    payment_id = key_of(form)
    is_known = await one_outside_payment(unit, payment_id) is not None  # the form was sent before
    if not is_known and (amount.amount_minor > payable.amount_minor or (is_whole and not amount.amount_minor)):
        reason = Told(mark("现在钱包外可付 %(payable)s"), payable=money_text(payable))
        raise amount_outside(label, mark("不能超过 %(bound)s"), payable, reason)
    today = unit.now().astimezone(zone_of((await this_merchant(unit)).timezone)).date()
    paid_on = typed_day(form.paid_on, mark("哪天付的"), today - timedelta(days=DAYS_BACK_MAX), today)
    if form.method not in METHODS:
        raise ChoiceUnknown(label=Told(mark("怎么付的")))
    typed_words(form.reference, mark("凭证号"), REFERENCE_CHARS_MAX)
    typed_words(form.note, mark("备注"), NOTE_CHARS_MAX, may_be_blank=True)
    return Typed(payment_id=payment_id, amount=amount, payable=payable, paid_on=paid_on, method=form.method)


def key_of(form: PayoutForm) -> UUID:
    """The form's own key.

    Raises:
        ChoiceUnknown: somebody made it up.
    """
    try:
        return UUID(form.key)
    except ValueError:
        raise ChoiceUnknown(label=Told(mark("付了多少"))) from None


async def payouts_view(
    unit: Unit, request: ConsoleRequest, party_id: UUID, form: PayoutForm | None = None, *, page: int = 1
) -> PayoutsView:
    """A party's payments and the form; a new form has a key of its own.

    Raises:
        NotFound: no such party.
    """
    party, merchant = await get_party(unit, party_id), await this_merchant(unit)
    today = unit.now().astimezone(zone_of(merchant.timezone)).date()
    sums = tuple(
        PayableSum(outside=row.outside, owed_back=row.owed_back, payable=row.payable_outside)
        for row in await commission_totals(unit, party_id)
    )
    if form is None:
        currency = next((one.payable.currency for one in sums if one.payable.amount_minor), merchant.currency)
        form = PayoutForm(key=str(uuid4()), currency=currency, paid_on=today.isoformat())
    payments = await outside_payments(unit, party_id, limit=PAGE_ROWS, offset=page_offset(page))
    total = await outside_payment_count(unit, party_id)
    return PayoutsView(
        party_id=party_id,
        name=party.name,
        sums=sums,
        payments=payments,
        staff=await staff_names(unit),
        paging=paging(address_of(party_id), {}, page=page, total=total, shown=len(payments)),
        form=form,
        methods=METHODS,
        today=today,
        may_record=session_of(request).role in PAYOUT_ROLES,
    )


async def undo_view(unit: Unit, request: ConsoleRequest, party_id: UUID, payment_id: UUID) -> PayoutUndoView:
    """A payment that somebody wants to undo.

    Raises:
        NotFound: no such payment of this party.
    """
    payment = await payment_of_party(unit, party_id, payment_id)
    return PayoutUndoView(
        party_id=party_id,
        name=(await get_party(unit, party_id)).name,
        payment=payment,
        is_relied_on=await is_relied_on(unit, payment),
        may_undo=session_of(request).role in PAYOUT_ROLES,
    )


async def payment_of_party(unit: Unit, party_id: UUID, payment_id: UUID) -> OutsidePayment:
    """A payment that is this party's.

    Raises:
        NotFound: it is not, or there is none.
    """
    payment = await one_outside_payment(unit, payment_id)
    if payment is None or payment.party_id != party_id:
        raise NotFound(what="payout", key=str(payment_id))
    return payment


def in_money(refusal: HutongError, form: PayoutForm) -> HutongError:
    """A refusal of the books in the words of the form: somebody else recorded a payment meanwhile."""
    if not isinstance(refusal, OutsidePaymentTooLarge) or form.currency not in MINOR_DIGITS:
        return refusal
    payable = Money(int(refusal.details["due_minor"]), form.currency)
    reason = Told(mark("现在钱包外可付 %(payable)s"), payable=money_text(payable))
    return amount_outside(mark("付了多少"), mark("不能超过 %(bound)s"), payable, reason)


def address_of(party_id: UUID) -> str:
    """The page of a party's payments."""
    return f"/splits/parties/{party_id}/payouts"
