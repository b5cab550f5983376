"""What the pages of payments outside the wallet show."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from hutong.core.money import Money
from hutong.ledger.payout_queries import OutsidePayment
from hutong.web.console.paging import Paging
from hutong.web.console.views import View


class PayoutForm(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as it was typed. ``key`` is the form's own: sent twice, it is one payment."""

    key: str = ""
    currency: str = "CNY"
    whole: str = "yes"  # all that is payable; else ``amount``
    amount: str = ""
    paid_on: str = ""
    method: str = ""
    reference: str = ""
    note: str = ""


class Refusal(View, frozen=True, kw_only=True):
    """Why a form was not taken."""

    sentence: str
    cause: str
    fix: str


class PayableSum(View, frozen=True, kw_only=True):
    """What is payable outside the wallet in one currency: due there, less what the party owes back."""

    outside: Money
    owed_back: Money
    payable: Money


class PayoutsView(View, frozen=True, kw_only=True):
    """A party's payments outside the wallet, what is payable, and the form for another one."""

    party_id: UUID
    name: str
    sums: tuple[PayableSum, ...]
    payments: tuple[OutsidePayment, ...]
    staff: dict[str, str]
    paging: Paging
    form: PayoutForm
    methods: tuple[str, ...]
    today: date
    may_record: bool
    refusal: Refusal | None = None


class PayoutCheckView(View, frozen=True, kw_only=True):
    """A payment before it is written down: to be read once more."""

    party_id: UUID
    name: str
    form: PayoutForm
    amount: Money
    left: Money
    paid_on: date


class PayoutUndoView(View, frozen=True, kw_only=True):
    """A payment that is about to be undone; ``is_relied_on``: it cannot be."""

    party_id: UUID
    name: str
    payment: OutsidePayment
    is_relied_on: bool
    may_undo: bool
    reason: str = ""
    refusal: Refusal | None = None
