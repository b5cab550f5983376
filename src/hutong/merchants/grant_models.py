"""The table of what platforms lend to accounts for hours."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid

from hutong.db.tables import METADATA, moment

#: What an account was lent (token and ticket of a page kit), sealed. `leased_until`: one process is asking meanwhile.
page_grant: Final = Table(
    "page_grant",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("sealed", LargeBinary),
    moment("ticket_ends_at", nullable=True),
    moment("leased_until_at", nullable=True),
    moment("retry_at", nullable=True),  # after a failure nobody asks before
    Column("problem", Text),  # the platform's code of the last failure
    PrimaryKeyConstraint("merchant_id", "connection_id"),
)
