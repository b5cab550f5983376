"""What the pages of the books show."""

from __future__ import annotations

from datetime import date, datetime

from hutong.core.money import Money
from hutong.ledger.equation import Equation
from hutong.ledger.states import Phase
from hutong.web.console.paging import Paging
from hutong.web.console.views import View


class AccountName(View, frozen=True, kw_only=True):
    """An account in words: ``label`` is a word of the catalogue, ``platform`` and ``party`` tell which one."""

    path: str
    label: str
    platform: str = ""
    party: str = ""


class Effect(View, frozen=True, kw_only=True):
    """What something did to an account as an owner says it: more or less of what the account is about."""

    account: AccountName
    change: Money


class Leg(View, frozen=True, kw_only=True):
    """One posting; exactly one of the two sides is set."""

    account: AccountName
    debit: Money | None = None
    credit: Money | None = None


class Batch(View, frozen=True, kw_only=True):
    """Postings that belong together and balance. ``order_id`` is empty where they are about no order."""

    number: int
    kind: str
    event_at: datetime
    order_id: str
    effects: tuple[Effect, ...]
    legs: tuple[Leg, ...] = ()
    phase: str = Phase.POSTED  # of a reserve: `held` does not count yet, the others end one


class AccountRow(View, frozen=True, kw_only=True):
    """An account and its balance: as the books have it (debit positive), and as an owner says it."""

    account: AccountName
    balance: Money
    shown: Money


class Group(View, frozen=True, kw_only=True):
    """Accounts that mean the same to an owner; ``kind`` picks the heading; ``is_cut``: there are more."""

    kind: str
    rows: tuple[AccountRow, ...]
    total: Money
    is_cut: bool = False


class Sheet(View, frozen=True, kw_only=True):
    """The books of one currency: the sums of an equation, and the accounts below them."""

    equation: Equation
    groups: tuple[Group, ...]


class AccountsView(View, frozen=True, kw_only=True):
    """Balances, now or at the end of a past day (``day``, empty: now)."""

    sheets: tuple[Sheet, ...]
    day: str
    today: date
    batches: int
    chain_end: str  # the last hash, short; empty in empty books


class StandingAccount(View, frozen=True, kw_only=True):
    """An account in one currency as an owner says it. ``coming`` and ``going``: what is reserved, both positive.

    ``guard``: ``floor`` (it never falls below zero), ``ceiling`` (it never rises above), or empty.
    """

    balance: Money
    coming: Money
    going: Money
    guard: str
    headroom: Money | None
    above: Money | None = None  # what lies above zero at worst, reserves counted; below zero: no floor can be set
    below: Money | None = None  # the same of a ceiling
    set_by: str = ""  # who set or lifted the guard last; empty: nobody did
    set_at: datetime | None = None


class PastBalance(View, frozen=True, kw_only=True):
    """The end of a day: by all that had happened by then, and as the books showed it then."""

    happened: Money
    known: Money


class HeldRow(View, frozen=True, kw_only=True):
    """An open reserve and what it would do to the account."""

    key: str
    held_at: datetime
    expires_at: datetime | None
    changes: tuple[Money, ...]


class AccountView(View, frozen=True, kw_only=True):
    """One account; ``past`` is empty unless a past day (``day``) was picked."""

    account: AccountName
    standing: tuple[StandingAccount, ...]
    day: str
    today: date
    past: tuple[PastBalance, ...]
    holds: tuple[HeldRow, ...]
    holds_total: int
    is_external: bool = False  # one of callers of the API: the only ones that are guarded
    may_guard: bool = False
    refused: str = ""  # the currency of a guard that was refused


class DayRow(View, frozen=True, kw_only=True):
    """A sealed day: the last batch it covers, and its root."""

    day: date
    last_sequence: int
    root: str


class DaysView(View, frozen=True, kw_only=True):
    """The seals of days; ``batches``: how many the books have now."""

    rows: tuple[DayRow, ...]
    paging: Paging
    batches: int


class AccountChoice(View, frozen=True, kw_only=True):
    """An account that the journal can be narrowed to."""

    account: AccountName


class JournalFilters(View, frozen=True, kw_only=True):
    """What the form says, as it was typed."""

    kind: str = ""
    account: str = ""
    first: str = ""
    last: str = ""
    number: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is filtered by."""
        return bool(self.kind or self.account or self.first or self.last or self.number)


class JournalView(View, frozen=True, kw_only=True):
    """The journal."""

    batches: tuple[Batch, ...]
    paging: Paging
    filters: JournalFilters
    kinds: tuple[str, ...]
    accounts: tuple[AccountChoice, ...]
    export_href: str


class BatchView(View, frozen=True, kw_only=True):
    """One batch in full, with its place in the chain."""

    batch: Batch
    recorded_at: datetime
    hash: str
    totals: tuple[Money, ...]  # of each side, by currency
    previous: int  # 0: there is none
    next: int
    day: DayRow | None = None  # whose root covers it; None while it is not sealed
