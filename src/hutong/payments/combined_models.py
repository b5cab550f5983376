"""Tables of combined payments."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint, Uuid

from hutong.db.tables import METADATA, moment

#: What a buyer pays with one tap: several payments, each of its own order.
combined_payment: Final = Table(
    "combined_payment",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("combined_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("parts_count", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "combined_id"),
)

#: Which payments those are, in the order in which they were named, and what each owed then.
combined_part: Final = Table(
    "combined_part",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("combined_id", Uuid, nullable=False),
    Column("part_no", Integer, nullable=False),
    Column("payment_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("merchant_id", "combined_id", "part_no"),
    UniqueConstraint("merchant_id", "combined_id", "payment_id", name="uq_combined_part_once"),
    Index("ix_combined_part_payment", "merchant_id", "payment_id"),
)

#: One account's try to take them together, under a number of its own at the wallet; attempts name it.
combined_try: Final = Table(
    "combined_try",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("try_id", Uuid, nullable=False),
    Column("combined_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    moment("created_at"),
    moment("expires_at"),
    PrimaryKeyConstraint("merchant_id", "try_id"),
    Index("ix_combined_try_payment", "merchant_id", "combined_id"),
)
