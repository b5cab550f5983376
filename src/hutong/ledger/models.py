"""Tables of the ledger. Debit is positive, credit is negative, in minor units."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from hutong.db.tables import METADATA, moment

#: One row a merchant: the end of the hash chain, and the lock that puts his postings in one order.
ledger_chain: Final = Table(
    "ledger_chain",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("batches_count", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("merchant_id"),
)

#: An account in one currency, made on first use. `path` and `currency` never change: the chain covers them.
ledger_account: Final = Table(
    "ledger_account",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("path", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("kind", Text, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "account_id"),
    UniqueConstraint("merchant_id", "path", "currency", name="uq_ledger_account_path"),
)

#: A balanced set of postings. `event_at`: when it happened; `recorded_at`: when the books learned of it.
ledger_batch: Final = Table(
    "ledger_batch",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    moment("event_at"),
    moment("recorded_at"),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("merchant_id", "batch_id"),
    UniqueConstraint("merchant_id", "idempotency_key", name="uq_ledger_batch_key"),
    UniqueConstraint("merchant_id", "sequence", name="uq_ledger_batch_sequence"),
    Index("ix_ledger_batch_subject", "merchant_id", "subject_kind", "subject_id"),
)

#: One leg of a batch; never changed, corrected by new batches only. No foreign keys: they would cost a lookup and a
#: row lock for every leg of a hot account, and `checks.py` proves the same.
posting: Final = Table(
    "posting",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("leg_no", SmallInteger, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    PrimaryKeyConstraint("merchant_id", "batch_id", "leg_no"),
    Index("ix_posting_account", "merchant_id", "account_id", "batch_id"),
)

#: The fold of an account's postings.
account_balance: Final = Table(
    "account_balance",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("balance_minor", BigInteger, nullable=False),
    Column("postings_count", BigInteger, nullable=False),
    moment("updated_at"),
    PrimaryKeyConstraint("merchant_id", "account_id"),
)

#: Somebody who is owed a share: a poster, a creator, an agent.
party: Final = Table(
    "party",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "party_id"),
)

#: A party's rate of the gross price, on one channel or (no channel) on all of them; ended, never changed.
split_rule: Final = Table(
    "split_rule",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("rule_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("channel_id", Uuid),
    Column("rate_bps", Integer, nullable=False),
    moment("created_at"),
    moment("ended_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "rule_id"),
    Index("ix_split_rule_open", "merchant_id", "channel_id", postgresql_where=text("ended_at IS NULL")),
)

#: What a party earned in `[period_start_at, period_end_at)`, sealed with the chain's hash at the time of drawing.
statement: Final = Table(
    "statement",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("statement_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    moment("period_start_at"),
    moment("period_end_at"),
    Column("currency", Text, nullable=False),
    Column("earned_minor", BigInteger, nullable=False),
    Column("reversed_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("lines_count", Integer, nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "statement_id"),
    UniqueConstraint(
        "merchant_id", "party_id", "currency", "period_start_at", "period_end_at", name="uq_statement_period"
    ),
)

#: Which posting stands on which statement: each on one at most, so that nothing is paid twice.
statement_line: Final = Table(
    "statement_line",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("statement_id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("leg_no", SmallInteger, nullable=False),
    PrimaryKeyConstraint("merchant_id", "batch_id", "leg_no"),
    Index("ix_statement_line_statement", "merchant_id", "statement_id"),
)

#: All tables of this room, for the migration's `tenancy.protect`.
PROTECTED_TABLES: Final = (
    "ledger_chain",
    "ledger_account",
    "ledger_batch",
    "posting",
    "account_balance",
    "party",
    "split_rule",
    "statement",
    "statement_line",
)
#: Those of them that the app role may only add to (`tenancy.make_append_only`).
APPEND_ONLY_TABLES: Final = ("ledger_account", "ledger_batch", "posting", "statement", "statement_line")
