"""Sample views of the pages of payments outside the wallet."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from browser_samples import NONE, NOW, fen, uid

from hutong.ledger.payout_queries import OutsidePayment
from hutong.web.console.paging import paging
from hutong.web.console.payout_reading import METHODS
from hutong.web.console.payout_views import (
    PayableSum,
    PayoutCheckView,
    PayoutForm,
    PayoutsView,
    PayoutUndoView,
    Refusal,
)
from hutong.web.console.typed import FieldBlank
from hutong.web.errors import text_for
from hutong.web.i18n import Catalogues, Locale
from hutong.web.told import Told

NAME = "小王（抖音探店，粉丝三十万）"
PAID = OutsidePayment(
    outside_payment_id=uid(1),
    party_id=uid(1),
    amount=fen(123_450),
    paid_by="李明",
    method="bank",
    reference="ICBC20261123000000012345678901234567890",
    note="十月和十一月上半月的佣金，扣掉两单退货",
    paid_at=NOW - timedelta(days=2),
    recorded_at=NOW - timedelta(days=1),
    undone_at=None,
    undone_by=None,
    undo_reason=None,
)
UNDONE = msgspec.structs.replace(
    PAID,
    outside_payment_id=uid(2),
    method="",
    reference="收据 017",
    note="",
    undone_at=NOW,
    undone_by="staff:1",
    undo_reason="金额记错了，多记了一个零",
)
TYPED = PayoutForm(
    key=str(uid(3)),
    whole="no",
    amount="300.00",
    paid_on="2026-11-23",
    method="wechat",
    reference="1000107301202611230000000000000001",
    note="微信转给他本人",
)
PAYOUTS = PayoutsView(
    party_id=uid(1),
    name=NAME,
    sums=(PayableSum(outside=fen(65_429), owed_back=fen(5_000), payable=fen(60_429)),),
    payments=(PAID, UNDONE),
    staff={"staff:1": "李明"},
    paging=paging("/splits", {}, page=1, total=2, shown=2),
    form=PayoutForm(key=str(uid(3)), paid_on="2026-11-23"),
    methods=METHODS,
    today=date(2026, 11, 23),
    may_record=True,
)


def refused(locale: Locale) -> PayoutsView:
    """The form after a refusal, in the reader's language."""
    text = text_for(FieldBlank(label=Told("凭证号")), locale, Catalogues())
    told = Refusal(sentence=text.sentence, cause=text.cause, fix=text.fix)
    form = msgspec.structs.replace(TYPED, reference="")
    return msgspec.structs.replace(PAYOUTS, form=form, refusal=told)


NO_PAYOUTS = msgspec.structs.replace(PAYOUTS, sums=(), payments=(), paging=NONE)
CHECK = PayoutCheckView(
    party_id=uid(1), name=NAME, form=TYPED, amount=fen(30_000), left=fen(30_429), paid_on=date(2026, 11, 23)
)
UNDO = PayoutUndoView(party_id=uid(1), name=NAME, payment=PAID, is_relied_on=False, may_undo=True)

PAYOUTS_GALLERY: dict[str, tuple[str, str, object]] = {
    "payouts": ("/splits", "console/payouts.html", PAYOUTS),
    "payouts-refused": ("/splits", "console/payouts.html", refused),
    "payouts-empty": ("/splits", "console/payouts.html", NO_PAYOUTS),
    "payouts-closed": ("/splits", "console/payouts.html", msgspec.structs.replace(PAYOUTS, may_record=False)),
    "payout-check": ("/splits", "console/payout_check.html", CHECK),
    "payout-undo": ("/splits", "console/payout_undo.html", UNDO),
    "payout-undo-relied": (
        "/splits",
        "console/payout_undo.html",
        msgspec.structs.replace(UNDO, is_relied_on=True),
    ),
    "payout-undo-done": ("/splits", "console/payout_undo.html", msgspec.structs.replace(UNDO, payment=UNDONE)),
}
