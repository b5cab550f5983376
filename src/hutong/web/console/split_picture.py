"""A sale shared out, as a drawing: who gets which piece of the price, and which limit cut whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from hutong.core.money import Money
from hutong.ledger.rules import Sold, Split
from hutong.shops.names import OrderName
from hutong.web.console.split_views import CutItem, Picture, Piece

#: Colours of parties; the merchant's own piece and the wallet's fee have theirs.
PARTY_TONES: Final = (2, 3, 5, 6)
YOURS_TONE: Final = 1
FEE_TONE: Final = 4


def picture_of(sold: Sold, split: Split, parties: Mapping[UUID, str], order: OrderName) -> Picture:
    """The pieces in the order they are taken: the wallet's fee, the parties, what stays."""
    currency = sold.gross.currency
    pieces = []
    start = 0
    if sold.fee.amount_minor:
        pieces.append(_piece("fee", "", "", sold.fee, (), FEE_TONE, start))
        start += sold.fee.amount_minor
    for number, line in enumerate(split.lines):
        amount = Money(line.amount_minor, currency)
        cuts = tuple(CutItem(reason=cut.reason.value, amount=Money(cut.amount_minor, currency)) for cut in line.cuts)
        tone = PARTY_TONES[number % len(PARTY_TONES)]
        pieces.append(_piece("party", parties.get(line.party_id, ""), line.kind.value, amount, cuts, tone, start))
        start += line.amount_minor
    refunded = Money(sold.refunded_minor, currency)
    if refunded.amount_minor:
        pieces.append(_piece("refunded", "", "", refunded, (), 0, start))
        start += refunded.amount_minor
    pieces.append(_piece("yours", "", "", Money(sold.gross.amount_minor - start, currency), (), YOURS_TONE, start))
    return Picture(
        order=order,
        gross=sold.gross,
        pieces=tuple(pieces),
        limit=Money(split.limit_minor, currency),
        fee=sold.fee,
        shared=Money(sum(line.amount_minor for line in split.lines), currency),
        refunded=refunded,
        net=pieces[-1].amount,
    )


def _piece(
    kind: str, name: str, rule_kind: str, amount: Money, cuts: tuple[CutItem, ...], tone: int, start: int
) -> Piece:
    return Piece(
        kind=kind,
        name=name,
        rule_kind=rule_kind,
        amount=amount,
        cuts=cuts,
        tone=tone,
        start=start,
        width=max(0, amount.amount_minor),
    )
