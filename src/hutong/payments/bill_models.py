"""Tables of the wallets' bills: the days, their rows, and where they differ from what we know."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from hutong.db.tables import METADATA, moment

#: The bill of one wallet account and one day in China, from the moment on at which it is waited for.
bill: Final = Table(
    "bill",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("platform", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries_count", Integer, nullable=False, server_default=text("0")),  # without a bill that could be used
    Column("problem", Text),  # code of the last error, where the last try ended with one
    Column("digest", LargeBinary),  # SHA-256 of the file
    Column("rows_count", Integer, nullable=False, server_default=text("0")),
    Column("matched_count", Integer, nullable=False, server_default=text("0")),
    Column("awaited_count", Integer, nullable=False, server_default=text("0")),  # ours, looked for in the next bill
    Column("traded_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("refunded_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("fees_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("currency", Text, nullable=False),
    moment("created_at"),
    moment("read_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "connection_id", "day"),
    Index("ix_bill_day", "merchant_id", "day"),
    Index("ix_bill_expected", "merchant_id", "connection_id", "day", postgresql_where=text("state = 'expected'")),
)

#: A row of a bill, with what became of it. Read again, a day's rows are written anew.
bill_row: Final = Table(
    "bill_row",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", Text, nullable=False),  # ours, of the trade or the refund
    Column("trade_no", Text, nullable=False),
    Column("wallet_no", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("raw_state", Text, nullable=False),
    Column("is_final", Boolean, nullable=False),  # the wallet has done it; of a refund on its way a later row tells
    Column("verdict", Text, nullable=False),
    moment("happened_at"),
    PrimaryKeyConstraint("merchant_id", "connection_id", "day", "row_no"),
    Index("ix_bill_row_number", "merchant_id", "connection_id", "number", "kind"),
)

#: One thing that bill and hub say differently. It is the same one however often the day is read.
bill_difference: Final = Table(
    "bill_difference",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("difference_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("row_kind", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("wallet_no", Text, nullable=False),
    Column("payment_id", Uuid),
    Column("ours_minor", BigInteger),  # amounts, or fees where the fee differs; none: that side has nothing
    Column("bill_minor", BigInteger),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=text("''")),
    Column("actor", Text, nullable=False, server_default=text("''")),
    moment("opened_at"),
    moment("confirmed_at"),  # the last reading that found it
    moment("ended_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "difference_id"),
    UniqueConstraint(
        "merchant_id", "connection_id", "day", "kind", "row_kind", "number", name="uq_bill_difference_once"
    ),
    Index("ix_bill_difference_open", "merchant_id", "connection_id", "day", postgresql_where=text("state = 'open'")),
)
