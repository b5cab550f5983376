"""A sale shared out, as a drawing: who gets which piece of the price, and which limit cut whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from hutong.core.money import Money
from hutong.ledger.rules import SplitLine
from hutong.ledger.sales import Refunded
from hutong.shops.names import OrderName
from hutong.web.console.split_views import CutItem, Picture, Piece
from hutong.workflows.commands.sold import Tried

#: Colours of parties; the merchant's own piece and the wallet's fee have theirs.
PARTY_TONES: Final = (2, 3, 5, 6)
YOURS_TONE: Final = 1
FEE_TONE: Final = 4
REFUNDED_TONE: Final = 0


def picture_of(tried: Tried, parties: Mapping[UUID, str], order: OrderName) -> Picture:
    """The pieces in the order they are taken: the wallet's fee, the parties, what went back, what stays.

    A refund takes its part of the fee and of every share, by the books' own arithmetic: a piece is what is left.
    """
    gross, currency = tried.sold.gross, tried.sold.gross.currency
    step = Refunded(before_minor=0, now_minor=tried.refunded.amount_minor, gross_minor=gross.amount_minor)
    pieces: list[Piece] = []

    def add(kind: str, whole_minor: int, tone: int, line: SplitLine | None = None) -> int:
        """The next piece; what is left of it."""
        back_minor = step.part_of(whole_minor) if kind in ("fee", "party") else 0
        start = sum(piece.width for piece in pieces)
        amount = Money(whole_minor - back_minor, currency)
        pieces.append(
            Piece(
                kind=kind,
                name="" if line is None else parties.get(line.party_id, ""),
                rule_kind="" if line is None else line.kind.value,
                amount=amount,
                cuts=() if line is None else _cuts(line, currency),
                back=Money(back_minor, currency),
                tone=tone,
                start=start,
                width=max(0, amount.amount_minor),
            )
        )
        return amount.amount_minor

    fee_minor = add("fee", tried.sold.fee.amount_minor, FEE_TONE) if tried.sold.fee.amount_minor else 0
    shared_minor = sum(
        add("party", line.amount_minor, PARTY_TONES[number % len(PARTY_TONES)], line)
        for number, line in enumerate(tried.split.lines)
    )
    if tried.refunded.amount_minor:
        add("refunded", tried.refunded.amount_minor, REFUNDED_TONE)
    net_minor = gross.amount_minor - tried.refunded.amount_minor - fee_minor - shared_minor
    add("yours", net_minor, YOURS_TONE)
    return Picture(
        order=order,
        gross=gross,
        pieces=tuple(pieces),
        limit=Money(tried.split.limit_minor, currency),
        fee=Money(fee_minor, currency),
        shared=Money(shared_minor, currency),
        refunded=tried.refunded,
        net=Money(net_minor, currency),
    )


def _cuts(line: SplitLine, currency: str) -> tuple[CutItem, ...]:
    return tuple(CutItem(reason=cut.reason.value, amount=Money(cut.amount_minor, currency)) for cut in line.cuts)
