"""Tickets: what needs somebody now comes first; how one ended is kept with it."""

from __future__ import annotations

import pytest

from hutong.core.errors import InvalidInput, NotFound
from hutong.merchants.queries import tickets_about, tickets_page
from hutong.merchants.tickets import NOTE_CHARS_MAX, Severity, TicketKind, open_ticket, resolve_ticket


async def put(unit, severity, key, subject="1"):
    await open_ticket(
        unit, TicketKind.JOB_FAILED, severity, subject=("order", subject), details={"count": 1}, dedupe_key=key
    )


def test_urgent_ones_come_first_whatever_their_age(room):
    async def work():
        async with room.unit() as unit:
            await put(unit, Severity.URGENT, "old")
        room.clock.advance(hours=1)
        async with room.unit() as unit:
            await put(unit, Severity.NORMAL, "new", "2")
            page = await tickets_page(unit, state="open", limit=9, offset=0)
            return page, await tickets_about(unit, "order", "2")

    page, about = room.run(work)
    assert [row.severity for row in page.rows] == ["urgent", "normal"]
    assert about == page.rows[1:]


def test_a_ticket_keeps_how_it_ended_and_ends_once(room):
    async def work(unit):
        await put(unit, Severity.NORMAL, "a")
        ticket_id = (await tickets_page(unit, state="open", limit=1, offset=0)).rows[0].ticket_id
        with pytest.raises(InvalidInput):
            await resolve_ticket(unit, ticket_id, note="x" * (NOTE_CHARS_MAX + 1))
        await resolve_ticket(unit, ticket_id, note="  已补货 ", actor="staff:1")
        with pytest.raises(NotFound):
            await resolve_ticket(unit, ticket_id, note="again")
        return (await tickets_page(unit, state="resolved", limit=1, offset=0)).rows[0]

    row = room.do(work)
    assert row.details == {"count": 1, "note": "已补货", "resolved_by": "staff:1"}
    assert row.resolved_at == room.clock.now()
