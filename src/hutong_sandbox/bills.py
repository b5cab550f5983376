"""Bills of a day, made once from a wallet's own books, with what is planted in them. No wallet's wire format is here.

A bill's day is a day in China. It is made at nine o'clock of the next one and does not change afterwards, so that
whoever reads it twice reads the same; a row that comes late stands in the bill of the next day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import Final

import msgspec
from msgspec import structs

from hutong.core.errors import InvalidInput
from hutong_sandbox.books import fee_back
from hutong_sandbox.faults import FaultRule
from hutong_sandbox.world import World

CHINA: Final = timezone(timedelta(hours=8))
MADE_AT: Final = time(9)
LATE_S: Final = 86_400
#: Days of accounts that are kept with their rows.
BILLS_MAX: Final = 10_000
#: What a planted amount and a planted fee differ by: more than rounding can explain. A fee that comes back is planted
#: further below zero: of a fen that came back, three fen more would be two that were taken, and whoever goes by size
#: alone, as the sign in a refund's row is not documented, would take one for the other's rounding.
OTHER_AMOUNT_FEN: Final = 1
OTHER_FEE_FEN: Final = 3
FEN_PER_YUAN: Final = 100
TRADE, REFUND, REVERSAL = "trade", "refund", "reversal"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row. Amounts are never negative; ``fee_fen`` is below zero where a fee comes back."""

    kind: str
    number: str  # the merchant's, of the trade or of the refund
    trade_no: str
    wallet_no: str
    refund_id: str = ""
    amount_fen: int
    fee_fen: int
    at: datetime
    state: str
    title: str = ""
    trade_type: str = ""


Entries = Callable[[date], list[Entry]]


class MadeDay(msgspec.Struct, frozen=True):
    """What the bills say of one day's business, and what of it stands in the next day's bill."""

    own: tuple[Entry, ...]
    late: tuple[Entry, ...]


class BillBook:
    """Every bill of one platform."""

    def __init__(self, world: World, platform: str) -> None:
        self._world = world
        self._platform = platform
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._made: dict[tuple[str, date], MadeDay] = {}
        self._late_s: dict[tuple[str, date], int] = {}

    def is_ready(self, account: str, day: date) -> bool:
        """Whether the bill of a day can be there by now."""
        key = (account, day)
        if key not in self._late_s:
            rule = self._strike("bill_late", f"{account} {day}")
            self._late_s[key] = 0 if rule is None else LATE_S if rule.seconds is None else rule.seconds
        made_at = datetime.combine(day + timedelta(days=1), MADE_AT, CHINA) + timedelta(seconds=self._late_s[key])
        return self._world.clock.now() >= made_at

    def entries(self, account: str, day: date, of_day: Entries) -> list[Entry]:
        """The rows of an account's bill, in order of time. ``of_day``: what really happened on a day."""
        late = self._day(account, day - timedelta(days=1), of_day).late
        return sorted((*late, *self._day(account, day, of_day).own), key=lambda entry: entry.at)

    def has_wrong_digest(self, account: str, day: date) -> bool:
        """Whether the digest that is told is another file's this time."""
        return self._strike("bill_hash", f"{account} {day}") is not None

    def _day(self, account: str, day: date, of_day: Entries) -> MadeDay:
        key = (account, day)
        if key not in self._made:
            if len(self._made) >= BILLS_MAX:
                raise InvalidInput(field="bill", problem=f"> {BILLS_MAX}")
            self._made[key] = self._planted(of_day(day))
        return self._made[key]

    def _planted(self, entries: list[Entry]) -> MadeDay:
        own: list[Entry] = []
        late: list[Entry] = []
        for true in entries:
            if self._strike("bill_row_missing", true.number):
                continue
            more_fen = OTHER_AMOUNT_FEN if self._strike("bill_amount", true.number) else 0
            other_fee_fen = OTHER_FEE_FEN if true.fee_fen >= 0 else -OTHER_FEE_FEN
            more_fee_fen = other_fee_fen if self._strike("bill_fee", true.number) else 0
            entry = structs.replace(true, amount_fen=true.amount_fen + more_fen, fee_fen=true.fee_fen + more_fee_fen)
            if true.kind == TRADE and self._strike("bill_row_extra", true.number):
                made_up = f"{true.number[:-1]}X"
                own.append(structs.replace(true, number=made_up, trade_no=made_up, wallet_no=f"{true.wallet_no[:-1]}X"))
            (late if self._strike("bill_row_late", true.number) else own).append(entry)
        return MadeDay(tuple(own), tuple(late))

    def _strike(self, kind: str, subject: str) -> FaultRule | None:
        return self._world.faults.strike(self._platform, kind, subject)


def refund_fees(total_fen: int, refunds_fen: Sequence[int]) -> list[int]:
    """What of a payment's fee each of its refunds gives back, in their order; below zero."""
    given: list[int] = []
    before_fen = 0
    for refund_fen in refunds_fen:
        after_fen = before_fen + refund_fen
        given.append(fee_back(total_fen, before_fen) - fee_back(total_fen, after_fen))
        before_fen = after_fen
    return given


def china_day(moment: datetime) -> date:
    """The bill's day of a moment."""
    return moment.astimezone(CHINA).date()


def wire_time(moment: datetime) -> str:
    """As bills write it."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def yuan(amount_fen: int) -> str:
    """As bills write it, also below zero."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // FEN_PER_YUAN}.{abs(amount_fen) % FEN_PER_YUAN:02d}"
