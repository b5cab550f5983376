"""Pages beside the balance sheet: one account with its guard, reserves and past, and the seals of days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.account_queries import AccountState, account_states
from hutong.ledger.accounts import EXTERNAL_ROOT, PATH_CHARS_MAX
from hutong.ledger.chain_queries import sealed_days
from hutong.ledger.equation import owners_view
from hutong.ledger.errors import AccountOverdrawn
from hutong.ledger.guarding import last_guarded, set_guard
from hutong.ledger.guards import Guard
from hutong.ledger.hold_queries import HoldRow, open_holds
from hutong.ledger.queries import chain_end
from hutong.ledger.service import balance_at, balance_known_at
from hutong.merchants.actors import staff_actor
from hutong.merchants.queries import staff_names, this_merchant
from hutong.merchants.staff import GUARD_ROLES
from hutong.web.console.book_views import AccountView, DayRow, DaysView, HeldRow, PastBalance, StandingAccount
from hutong.web.console.book_words import account_name, names_in_books
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.periods import day_of, days_between
from hutong.web.console.typed import ChoiceUnknown
from hutong.web.format import zone_of
from hutong.web.labels import mark
from hutong.web.told import Told

#: Reserves that a page shows; the rest is counted.
HOLDS_SHOWN: Final = 20
CURRENCIES_MAX: Final = 20
CURRENCY_CHARS: Final = 3
#: Accounts of callers are shown as they are booked: debit is more.
SIDES: Final = {"floor": Guard.DEBIT, "ceiling": Guard.CREDIT}
#: Before the first moment of the next day: the books keep microseconds.
INSTANT: Final = timedelta(microseconds=1)


class GuardForm(msgspec.Struct, frozen=True, kw_only=True):
    """Which side an account must not leave: ``floor``, ``ceiling``, or neither."""

    path: str
    currency: str
    side: str = ""


class BookPagesController(Controller):
    """An account by itself, and what the days were sealed with."""

    path = "/books"
    include_in_schema = False

    @get("/account")
    async def account(
        self,
        request: ConsoleRequest,
        desk: Desk,
        path: Annotated[str, Parameter(max_length=PATH_CHARS_MAX, default="")],
        day: str = "",
        refused: Annotated[str, Parameter(max_length=CURRENCY_CHARS, default="")] = "",
    ) -> Response[str]:
        """One account in each of its currencies: now, what is reserved, its guard, and the end of a past day.

        Raises:
            NotFound: no such account.
        """
        async with desk.unit(request, "console.account") as unit:
            zone = zone_of((await this_merchant(unit)).timezone)
            today = unit.now().astimezone(zone).date()
            states = await account_states(unit, path=path, limit=CURRENCIES_MAX) if path else ()
            if not states:
                raise NotFound(what="account", key=path)
            chosen = day_of(day)
            _, until = days_between("", day, zone) if chosen is not None and chosen < today else (None, None)
            held = await open_holds(unit, path, limit=HOLDS_SHOWN)
            view = AccountView(
                account=account_name(path, await names_in_books(unit)),
                standing=await _all_standing(unit, states),
                day="" if until is None else day,
                today=today,
                past=await _past(unit, states, until),
                holds=tuple(held_row(row, path) for row in held.rows),
                holds_total=held.total,
                is_external=path.partition(":")[0] == EXTERNAL_ROOT,
                may_guard=session_of(request).role in GUARD_ROLES,
                refused=refused,
            )
            return await desk.page(request, unit, "console/account.html", view)

    @post("/account/guard")
    async def guard(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[GuardForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Set an account's guard or lift it. Where it is off that side by now the page says so.

        Raises:
            ChoiceUnknown: no such side.
            NotFound: no such account.
            Forbidden: not this person's to do.
            AccountNotExternal: one of the hub's own.
        """
        if data.side and data.side not in SIDES:
            raise ChoiceUnknown(label=Told(mark("防透支")))
        told = {"path": data.path}
        try:
            async with desk.unit(request, "console.guard") as unit:
                if not await account_states(unit, path=data.path, currency=data.currency, limit=1):
                    raise NotFound(what="account", key=data.path)
                await set_guard(unit, staff_actor(session_of(request)), data.path, data.currency, SIDES.get(data.side))
        except AccountOverdrawn:
            told["refused"] = data.currency
        return go_to(f"/books/account?{urlencode(told)}#guard")

    @get("/days")
    async def days(self, request: ConsoleRequest, desk: Desk, page: int = 1) -> Response[str]:
        """The seals of days, the latest first."""
        async with desk.unit(request, "console.days") as unit:
            found = await sealed_days(unit, limit=PAGE_ROWS, offset=page_offset(page))
            view = DaysView(
                rows=tuple(
                    DayRow(day=row.day, last_sequence=row.last_sequence, root=row.root.hex()) for row in found.rows
                ),
                paging=paging("/books/days", {}, page=page, total=found.total, shown=len(found.rows)),
                batches=(await chain_end(unit)).batches_count,
            )
            return await desk.page(request, unit, "console/days.html", view)


async def _past(unit: Unit, states: Sequence[AccountState], until: datetime | None) -> tuple[PastBalance, ...]:
    """Balances at the end of a day: by what had happened, and as the books showed them then."""
    if until is None:
        return ()
    found = []
    for state in states:
        path, currency = state.path, state.balance.currency
        happened = await balance_at(unit, path, currency, until - INSTANT)
        known = await balance_known_at(unit, path, currency, until - INSTANT)
        found.append(PastBalance(happened=owners_view(path, happened), known=owners_view(path, known)))
    return tuple(found)


async def _all_standing(unit: Unit, states: Sequence[AccountState]) -> tuple[StandingAccount, ...]:
    """An account in each of its currencies, with who set its guard last."""
    staff = await staff_names(unit)
    found = []
    for state in states:
        deed = await last_guarded(unit, state.path, state.balance.currency)
        one = _standing(state)
        if deed is not None:
            one = msgspec.structs.replace(one, set_by=staff.get(deed.actor, deed.actor), set_at=deed.happened_at)
        found.append(one)
    return tuple(found)


def _standing(state: AccountState) -> StandingAccount:
    """An account as an owner says it: more and less of what it is about."""
    more, less = state.pending_debit, -state.pending_credit
    is_turned = owners_view(state.path, Money(1)) != Money(1)
    return StandingAccount(
        balance=owners_view(state.path, state.balance),
        coming=less if is_turned else more,
        going=more if is_turned else less,
        guard="" if state.guard is None else "floor" if (state.guard is Guard.CREDIT) is is_turned else "ceiling",
        headroom=state.headroom,
        above=owners_view(state.path, state.balance) - (more if is_turned else less),
        below=-owners_view(state.path, state.balance) - (less if is_turned else more),
    )


def held_row(row: HoldRow, path: str) -> HeldRow:
    """What a reserve would do to the account of the page."""
    sums: dict[str, Money] = {}
    for leg in row.legs:
        if leg.path == path:
            currency = leg.amount.currency
            sums[currency] = sums.get(currency, Money(0, currency)) + owners_view(path, leg.amount)
    return HeldRow(key=row.key, held_at=row.held_at, expires_at=row.expires_at, changes=tuple(sums.values()))
