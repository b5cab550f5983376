"""Tables of the ledger. Debit is positive, credit is negative, in minor units."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
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

#: One row a merchant: the end of the hash chain, and the lock that puts his postings in one order. `recorded_at` is
#: that of the last batch: it never goes back, so that what the books knew at a moment is a beginning of the chain.
ledger_chain: Final = Table(
    "ledger_chain",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("batches_count", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    moment("recorded_at", server_default=text("'epoch'")),
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

#: A record of the chain: a balanced set of postings (`posted`), one that is only reserved (`held`), or the end of a
#: reserve (`settled` with postings; `voided` and `expired` without), which names it in `resolves_id`.
#: `event_at`: when it happened; `recorded_at`: when the books learned of it.
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
    Column("phase", Text, nullable=False, server_default=text("'posted'")),
    Column("resolves_id", Uuid),
    PrimaryKeyConstraint("merchant_id", "batch_id"),
    UniqueConstraint("merchant_id", "idempotency_key", name="uq_ledger_batch_key"),
    UniqueConstraint("merchant_id", "sequence", name="uq_ledger_batch_sequence"),
    Index("ix_ledger_batch_subject", "merchant_id", "subject_kind", "subject_id"),
    Index("ix_ledger_batch_event", "merchant_id", "event_at"),
    Index(
        "uq_ledger_batch_resolves",
        "merchant_id",
        "resolves_id",
        unique=True,
        postgresql_where=text("resolves_id IS NOT NULL"),
    ),
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

#: The fold of an account's postings, beside it the two folds of what is reserved (debits above, credits below zero).
#: `guard`: the side the account must not leave, whatever of the reserves is posted.
account_balance: Final = Table(
    "account_balance",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("balance_minor", BigInteger, nullable=False),
    Column("postings_count", BigInteger, nullable=False),
    moment("updated_at"),
    Column("pending_debit_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("pending_credit_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("guard", Text),
    PrimaryKeyConstraint("merchant_id", "account_id"),
    CheckConstraint(
        "guard IS NULL OR (guard = 'debit' AND balance_minor + pending_credit_minor >= 0)"
        " OR (guard = 'credit' AND balance_minor + pending_debit_minor <= 0)",
        name="guard",
    ),
    CheckConstraint("pending_debit_minor >= 0 AND pending_credit_minor <= 0", name="pending"),
    Index("ix_account_balance_guarded", "merchant_id", "account_id", postgresql_where=text("guard IS NOT NULL")),
)

#: Money that is reserved; `hold_id` is the id of its batch. The state moves once, by `states.HOLD`.
ledger_hold: Final = Table(
    "ledger_hold",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("hold_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    moment("expires_at", nullable=True),
    moment("resolved_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "hold_id"),
    Index("ix_ledger_hold_open", "merchant_id", "hold_id", postgresql_where=text("state = 'pending'")),
)

#: One leg of a reserve, like a posting that does not count yet.
ledger_hold_leg: Final = Table(
    "ledger_hold_leg",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("hold_id", Uuid, nullable=False),
    Column("leg_no", SmallInteger, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    PrimaryKeyConstraint("merchant_id", "hold_id", "leg_no"),
)

#: Up to which batch the snapshots go. Between two marks lie at most `snapshots.MARK_BATCHES` batches.
ledger_mark: Final = Table(
    "ledger_mark",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    moment("recorded_at"),
    PrimaryKeyConstraint("merchant_id", "sequence"),
)

#: Balance of an account after the batch of a mark; one for each mark that found it changed.
account_snapshot: Final = Table(
    "account_snapshot",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("balance_minor", BigInteger, nullable=False),
    Column("postings_count", BigInteger, nullable=False),
    PrimaryKeyConstraint("merchant_id", "account_id", "sequence"),
)

#: What moved on an account in a day or hour (UTC, by `event_at`), of the batches up to the last mark.
account_flow: Final = Table(
    "account_flow",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("span", Text, nullable=False),
    moment("start_at"),
    Column("moved_minor", BigInteger, nullable=False),
    Column("postings_count", BigInteger, nullable=False),
    PrimaryKeyConstraint("merchant_id", "account_id", "span", "start_at"),
)

#: The seal of a day in the merchant's zone: the last batch that was recorded in it, and the root over the days before.
ledger_day: Final = Table(
    "ledger_day",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("zone", Text, nullable=False),
    moment("ends_at"),
    Column("last_sequence", BigInteger, nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    moment("sealed_at"),
    PrimaryKeyConstraint("merchant_id", "day"),
)

#: Somebody who is owed a share: a poster, a creator, an agent. `introduced_by` never changes once set; `customer_id`
#: is the party as a buyer, so that its own purchases earn it nothing.
party: Final = Table(
    "party",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    moment("created_at"),
    Column("introduced_by", Uuid),
    Column("customer_id", Uuid),
    PrimaryKeyConstraint("merchant_id", "party_id"),
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
    "ledger_hold",
    "ledger_hold_leg",
    "ledger_mark",
    "account_snapshot",
    "account_flow",
    "ledger_day",
    "party",
    "statement",
    "statement_line",
)
#: Those of them that the app role may only add to (`tenancy.make_append_only`).
APPEND_ONLY_TABLES: Final = (
    "ledger_account",
    "ledger_batch",
    "posting",
    "ledger_hold_leg",
    "ledger_mark",
    "account_snapshot",
    "ledger_day",
    "statement",
    "statement_line",
)
