"""Books and tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import Parameter

from hutong.db.unit import Unit
from hutong.ledger.account_queries import balances
from hutong.ledger.queries import batches_page
from hutong.merchants.keys import ApiKey
from hutong.merchants.queries import tickets_page
from hutong.merchants.tickets import resolve_ticket
from hutong.web.api.callers import once
from hutong.web.api.catalogue import PAGE_MAX, Limit, Offset
from hutong.web.moments import aware
from hutong.workflows.runtime import Runtime

BatchLimit = Annotated[
    int, Parameter(ge=1, le=PAGE_MAX, default=50, description="Batches, not postings: each has two or more")
]


class PostingItem(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of a batch: debit positive, credit negative."""

    batch_id: UUID
    kind: str
    subject_kind: str
    subject_id: UUID
    account: str
    amount_minor: int
    currency: str
    event_at: datetime


class PostingsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Postings of a page of batches; ``total`` counts batches."""

    items: tuple[PostingItem, ...]
    total: int


class AccountItem(msgspec.Struct, frozen=True, kw_only=True):
    """An account and its balance."""

    account: str
    kind: str
    balance_minor: int
    currency: str


class AccountsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All accounts; their sum is zero in each currency."""

    items: tuple[AccountItem, ...]


class TicketItem(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody has to look at."""

    ticket_id: UUID
    kind: str
    severity: str
    state: str
    subject_kind: str
    subject_id: str
    details: dict[str, Any]
    opened_at: datetime


class TicketsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of tickets."""

    items: tuple[TicketItem, ...]
    total: int


class TicketResolved(msgspec.Struct, frozen=True, kw_only=True):
    """Off the desk."""

    ticket_id: UUID


class BooksApi(Controller):
    """The journal and the accounts."""

    path = "/api/v1"
    tags = ["Books"]

    @get("/postings", opt={"scope": "ledger:read"}, summary="The journal")
    async def postings(self, runtime: Runtime, caller: ApiKey, limit: BatchLimit, offset: Offset) -> PostingsAnswer:
        """Postings, the latest batch first; what is only reserved is none. ``limit`` and ``total`` count batches."""
        async with runtime.unit(caller.merchant_id, "api.postings") as unit:
            page = await batches_page(unit, limit=limit, offset=offset)
        items = tuple(
            PostingItem(
                batch_id=batch.batch_id,
                kind=batch.kind,
                subject_kind=batch.subject_kind,
                subject_id=batch.subject_id,
                account=leg.path,
                amount_minor=leg.amount.amount_minor,
                currency=leg.amount.currency,
                event_at=batch.event_at,
            )
            for batch in page.rows
            for leg in batch.postings
        )
        return PostingsAnswer(items=items, total=page.total)

    @get("/accounts", opt={"scope": "ledger:read"}, summary="Accounts and balances")
    async def accounts(self, runtime: Runtime, caller: ApiKey, until: datetime | None = None) -> AccountsAnswer:
        """Every account with its balance: now, or after all that had happened before ``until``."""
        async with runtime.unit(caller.merchant_id, "api.accounts") as unit:
            rows = await balances(unit, aware(until, "until"))
        return AccountsAnswer(
            items=tuple(
                AccountItem(
                    account=row.path,
                    kind=row.kind,
                    balance_minor=row.balance.amount_minor,
                    currency=row.balance.currency,
                )
                for row in rows
            )
        )


class TicketsApi(Controller):
    """What somebody has to look at."""

    path = "/api/v1"
    tags = ["Tickets"]

    @get("/tickets", opt={"scope": "orders:read"}, summary="Tickets")
    async def tickets(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: Limit,
        offset: Offset,
        ticket_state: Annotated[str, Parameter(query="state", pattern="^(open|resolved|)$", default="open")],
    ) -> TicketsAnswer:
        """Tickets, newest first."""
        async with runtime.unit(caller.merchant_id, "api.tickets") as unit:
            page = await tickets_page(unit, state=ticket_state, limit=limit, offset=offset)
        items = tuple(
            TicketItem(
                ticket_id=row.ticket_id,
                kind=row.kind,
                severity=row.severity,
                state=row.state,
                subject_kind=row.subject_kind,
                subject_id=row.subject_id,
                details=row.details,
                opened_at=row.opened_at,
            )
            for row in page.rows
        )
        return TicketsAnswer(items=items, total=page.total)

    @post("/tickets/{ticket_id:uuid}/resolve", opt={"scope": "orders:write"}, summary="Take a ticket off the desk")
    async def resolve(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, ticket_id: UUID
    ) -> Response[bytes]:
        """Mark a ticket as done."""

        async def work(unit: Unit) -> TicketResolved:
            await resolve_ticket(unit, ticket_id)
            return TicketResolved(ticket_id=ticket_id)

        return await once(runtime, caller, request, "api.ticket", work)
