"""Builders for tests of the web."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from hutong.merchants.queries import TicketRow


@pytest.fixture
def make_ticket() -> Callable[[str, dict], TicketRow]:
    def make(kind: str, details: dict) -> TicketRow:
        return TicketRow(
            ticket_id=UUID(int=1),
            kind=kind,
            severity="normal",
            subject_kind="order",
            subject_id="1",
            details=details,
            state="open",
            opened_at=datetime(2026, 11, 23, tzinfo=UTC),
            resolved_at=None,
        )

    return make
