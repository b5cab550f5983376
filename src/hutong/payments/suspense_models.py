"""Table of money that a wallet truly spoke of and that fits no payment: what was said, and how a person decided."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.schema import UniqueConstraint

from hutong.db.tables import METADATA, moment

#: One sum that lies in suspense. The same number, sum and wallet number is the same money, whichever door told it;
#: `round_no` counts on only where a sum that was written off as never come turns out to be there.
suspense: Final = Table(
    "suspense",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("suspense_id", Uuid, nullable=False),  # the books' batch has the same
    Column("ticket_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("platform", Text, nullable=False),
    Column("number", Text, nullable=False),  # ours, or what the wallet says is
    Column("transaction_id", Text, nullable=False, server_default=text("''")),  # the wallet's own, or ''
    Column("round_no", Integer, nullable=False, server_default=text("0")),
    Column("field", Text, nullable=False),  # what does not fit
    Column("attempt_id", Uuid),  # where the number is that of a try of ours, at this account
    Column("payment_id", Uuid),
    Column("order_id", Uuid),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("expected_minor", BigInteger),
    Column("expected_currency", Text),
    Column("state", Text, nullable=False),
    Column("is_proved", Boolean),  # with the decision: whether the wallet says that the money is there
    Column("actor", Text, nullable=False, server_default=text("''")),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("refund_id", Uuid),
    moment("opened_at"),
    moment("decided_at", nullable=True),
    moment("ended_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "suspense_id"),
    UniqueConstraint(
        "merchant_id", "connection_id", "number", "amount_minor", "currency", "transaction_id", "round_no"
    ),
    Index("ix_suspense_ticket", "merchant_id", "ticket_id"),
    Index("ix_suspense_attempt", "merchant_id", "attempt_id", postgresql_where=text("attempt_id IS NOT NULL")),
    Index("ix_suspense_refund", "merchant_id", "refund_id", postgresql_where=text("refund_id IS NOT NULL")),
)
