"""Sample pages of the books beside the balance sheet: one account, a reserve, the seals of days."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from browser_money import BATCH, BATCHES, PARTIES, WALLET
from browser_samples import NONE, NOW, SINGLE, fen

from hutong.core.money import Money
from hutong.web.console.book_views import AccountView, DayRow, DaysView, HeldRow, PastBalance, StandingAccount
from hutong.web.console.book_words import account_name

SEALED = DayRow(day=date(2026, 11, 22), last_sequence=1_290, root=bytes(range(200, 232)).hex())
HELD_BATCH = msgspec.structs.replace(
    BATCH, batch=msgspec.structs.replace(BATCHES[1], kind="external", phase="held", order_id=""), day=SEALED
)
ACCOUNT = AccountView(
    account=account_name("external:points:customer.42", {}),
    standing=(
        StandingAccount(
            balance=fen(50_000),
            coming=fen(1_200),
            going=fen(30_000),
            guard="floor",
            headroom=fen(20_000),
            set_by="李明",
            set_at=NOW,
        ),
        StandingAccount(
            balance=Money(-700, "USD"),
            coming=Money(0, "USD"),
            going=Money(0, "USD"),
            guard="",
            headroom=None,
            above=Money(-700, "USD"),
            below=Money(700, "USD"),
        ),
    ),
    day="2026-11-01",
    today=date(2026, 11, 23),
    past=(PastBalance(happened=fen(48_000), known=fen(47_500)),),
    holds=(
        HeldRow(
            key="external:room-12-2026-11-23-a-long-number-of-somebody-elses-system",
            held_at=NOW,
            expires_at=NOW + timedelta(minutes=15),
            changes=(fen(-30_000),),
        ),
        HeldRow(key="external:gift", held_at=NOW, expires_at=None, changes=(fen(1_200), Money(500, "USD"))),
    ),
    holds_total=3,
    is_external=True,
    may_guard=True,
)
PLAIN_ACCOUNT = AccountView(
    account=account_name(WALLET, PARTIES),
    standing=(StandingAccount(balance=fen(992_740), coming=fen(0), going=fen(0), guard="", headroom=None),),
    day="",
    today=date(2026, 11, 23),
    past=(),
    holds=(),
    holds_total=0,
)
DAYS = DaysView(
    rows=(SEALED, DayRow(day=date(2026, 11, 21), last_sequence=0, root=bytes(range(100, 132)).hex())),
    paging=SINGLE,
    batches=1_301,
)
NO_DAYS = DaysView(rows=(), paging=NONE, batches=3)
NO_BOOKS_TO_SEAL = DaysView(rows=(), paging=NONE, batches=0)

BOOKS_GALLERY: dict[str, tuple[str, str, object]] = {
    "batch-held": ("/books/batches/1283", "console/batch.html", HELD_BATCH),
    "account": ("/books/account", "console/account.html", ACCOUNT),
    "account-guard-refused": (
        "/books/account",
        "console/account.html",
        msgspec.structs.replace(ACCOUNT, standing=ACCOUNT.standing[1:], refused="USD"),
    ),
    "account-guard-closed": (
        "/books/account",
        "console/account.html",
        msgspec.structs.replace(ACCOUNT, may_guard=False),
    ),
    "account-plain": ("/books/account", "console/account.html", PLAIN_ACCOUNT),
    "days": ("/books/days", "console/days.html", DAYS),
    "days-none": ("/books/days", "console/days.html", NO_DAYS),
    "days-empty": ("/books/days", "console/days.html", NO_BOOKS_TO_SEAL),
}
