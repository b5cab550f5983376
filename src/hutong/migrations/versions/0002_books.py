"""books

Why: the books hold money that is reserved, refuse overdrafts, and tell any past balance.

Batches go in by one function (`ledger_write`; `ledger_flush` adds what is told), because a hot account has one row:
the shorter its lock is held, the more callers it serves. The functions run with the caller's rights, behind
row-level security like any statement. A change of theirs comes as a new function in a new revision.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import make_append_only, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PROTECTED: Final = (
    "ledger_hold",
    "ledger_hold_leg",
    "ledger_mark",
    "account_snapshot",
    "account_flow",
    "ledger_day",
)
APPEND_ONLY: Final = ("ledger_hold_leg", "ledger_mark", "account_snapshot", "ledger_day")

#: Room on a page for the next versions of its rows: they are updated all the time and indexed by their key only.
HOT_FILL_PERCENT: Final = 50

#: HL001: the end of the chain is not where the caller saw it. HL002: an account has no balance row.
#: The queue of a merchant is an advisory lock, because that one is fair: whoever waited first is served first. A row's
#: lock goes to whoever comes by when it is free.
#: A column whose values are all the same comes as an array of one. Answers how many of the accounts have a guard.
WRITE: Final = """
CREATE FUNCTION ledger_write(
    merchant uuid, recorded timestamptz, first_sequence bigint, prev_end bytea, new_end bytea,
    batch_ids uuid[], keys text[], digests bytea[], kinds text[], subject_kinds text[], subject_ids uuid[],
    events timestamptz[], prev_hashes bytea[], hashes bytea[], phases text[], resolves uuid[],
    leg_batches uuid[], leg_nos smallint[], leg_accounts uuid[], leg_amounts bigint[], leg_currencies text[],
    accounts uuid[], sums bigint[], counts bigint[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    touched_count bigint;
    guarded_count bigint;
BEGIN
    PERFORM ledger_queue(merchant);
    UPDATE ledger_chain
       SET batches_count = first_sequence - 1 + cardinality(batch_ids), hash = new_end, recorded_at = recorded
     WHERE merchant_id = merchant AND batches_count = first_sequence - 1 AND hash = prev_end
       AND recorded_at <= recorded;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the chain has moved' USING ERRCODE = 'HL001';
    END IF;
    INSERT INTO ledger_batch (merchant_id, batch_id, sequence, idempotency_key, payload_hash, kind, subject_kind,
                              subject_id, event_at, recorded_at, prev_hash, hash, phase, resolves_id)
    SELECT merchant, b.id, first_sequence - 1 + b.no, b.key, b.digest, coalesce(b.kind, kinds[1]),
           coalesce(b.subject_kind, subject_kinds[1]), b.subject_id, b.event, recorded, b.prev, b.hash,
           coalesce(b.phase, phases[1]), b.resolved
      FROM unnest(batch_ids, keys, digests, kinds, subject_kinds, subject_ids, events, prev_hashes, hashes, phases,
                  resolves) WITH ORDINALITY
           AS b (id, key, digest, kind, subject_kind, subject_id, event, prev, hash, phase, resolved, no);
    INSERT INTO posting (merchant_id, batch_id, leg_no, account_id, amount_minor, currency)
    SELECT merchant, l.batch, l.no, l.account, l.amount, coalesce(l.currency, leg_currencies[1])
      FROM unnest(leg_batches, leg_nos, leg_accounts, leg_amounts, leg_currencies)
           AS l (batch, no, account, amount, currency);
    WITH touched AS (
        UPDATE account_balance
           SET balance_minor = balance_minor + a.moved, postings_count = account_balance.postings_count + a.legs,
               updated_at = recorded
          FROM unnest(accounts, sums, counts) AS a (id, moved, legs)
         WHERE merchant_id = merchant AND account_id = a.id
        RETURNING guard
    )
    SELECT count(*), count(guard) INTO touched_count, guarded_count FROM touched;
    IF touched_count <> cardinality(accounts) THEN
        RAISE EXCEPTION 'an account has no balance' USING ERRCODE = 'HL002';
    END IF;
    RETURN guarded_count;
END $$
"""

#: The place in a merchant's queue of writers, kept until the end of the transaction.
QUEUE: Final = """
CREATE FUNCTION ledger_queue(merchant uuid) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(merchant::text, 7411970514))
$$
"""

#: The same in a transaction of its own, with the event that tells it and the jobs that follow. Its commit does not wait
#: for the disk, so that the next flush need not either: the caller makes a synchronous one (`db.disk`) before he
#: answers.
#: HL003: an account has a guard, so that the caller must look before it writes. (`undelivered` comes with 0007; a
#: function's tables are looked up when it runs.)
FLUSH: Final = """
CREATE FUNCTION ledger_flush(
    merchant uuid, recorded timestamptz, first_sequence bigint, prev_end bytea, new_end bytea,
    batch_ids uuid[], keys text[], digests bytea[], kinds text[], subject_kinds text[], subject_ids uuid[],
    events timestamptz[], prev_hashes bytea[], hashes bytea[], phases text[], resolves uuid[],
    leg_batches uuid[], leg_nos smallint[], leg_accounts uuid[], leg_amounts bigint[], leg_currencies text[],
    accounts uuid[], sums bigint[], counts bigint[],
    told_id uuid, told_name text, told_version smallint, told_body bytea,
    job_ids uuid[], job_kinds text[], job_payloads bytea[], job_keys text[], job_due timestamptz[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.merchant_id', merchant::text, true), set_config('synchronous_commit', 'off', true);
    IF ledger_write(merchant, recorded, first_sequence, prev_end, new_end, batch_ids, keys, digests, kinds,
                    subject_kinds, subject_ids, events, prev_hashes, hashes, phases, resolves, leg_batches,
                    leg_nos, leg_accounts, leg_amounts, leg_currencies, accounts, sums, counts) > 0 THEN
        RAISE EXCEPTION 'an account is guarded' USING ERRCODE = 'HL003';
    END IF;
    INSERT INTO outbox (merchant_id, event_id, name, version, body, occurred_at)
    VALUES (merchant, told_id, told_name, told_version, told_body, recorded);
    INSERT INTO undelivered (merchant_id, event_id) VALUES (merchant, told_id);
    IF cardinality(job_ids) > 0 THEN
        INSERT INTO job (merchant_id, job_id, kind, payload, state, dedupe_key, due_at, created_at)
        SELECT merchant, j.id, j.kind, j.payload, 'waiting', j.key, j.due, recorded
          FROM unnest(job_ids, job_kinds, job_payloads, job_keys, job_due) AS j (id, kind, payload, key, due)
            ON CONFLICT DO NOTHING;
    END IF;
END $$
"""
FUNCTIONS: Final = {"ledger_queue": QUEUE, "ledger_write": WRITE, "ledger_flush": FLUSH}


def upgrade() -> None:
    """Change the schema."""
    widen_books()
    make_holds()
    make_history()
    for table in PROTECTED:
        for statement in protect(table):
            op.execute(statement)
    for table in APPEND_ONLY:
        for statement in make_append_only(table):
            op.execute(statement)
    for name, source in FUNCTIONS.items():
        op.execute(source)
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO hutong_app")


def widen_books() -> None:
    """Phases in the chain, reserves and guards beside balances, an index by the time of the event."""
    op.add_column(
        "ledger_chain",
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("'epoch'")),
    )
    op.add_column("ledger_batch", sa.Column("phase", sa.Text(), nullable=False, server_default=sa.text("'posted'")))
    op.add_column("ledger_batch", sa.Column("resolves_id", sa.Uuid(), nullable=True))
    op.create_index("ix_ledger_batch_event", "ledger_batch", ["merchant_id", "event_at"])
    op.create_index(
        "uq_ledger_batch_resolves",
        "ledger_batch",
        ["merchant_id", "resolves_id"],
        unique=True,
        postgresql_where=sa.text("resolves_id IS NOT NULL"),
    )
    for name in ("pending_debit_minor", "pending_credit_minor"):
        op.add_column("account_balance", sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("account_balance", sa.Column("guard", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_account_balance_guard"),
        "account_balance",
        "guard IS NULL OR (guard = 'debit' AND balance_minor + pending_credit_minor >= 0)"
        " OR (guard = 'credit' AND balance_minor + pending_debit_minor <= 0)",
    )
    op.create_check_constraint(
        op.f("ck_account_balance_pending"),
        "account_balance",
        "pending_debit_minor >= 0 AND pending_credit_minor <= 0",
    )
    op.create_index(
        "ix_account_balance_guarded",
        "account_balance",
        ["merchant_id", "account_id"],
        postgresql_where=sa.text("guard IS NOT NULL"),
    )
    for table in ("account_balance", "ledger_chain"):
        op.execute(f"ALTER TABLE {table} SET (fillfactor = {HOT_FILL_PERCENT})")


def make_holds() -> None:
    """Reserves and their legs."""
    op.create_table(
        "ledger_hold",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "hold_id", name=op.f("pk_ledger_hold")),
    )
    op.create_table(
        "ledger_hold_leg",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("leg_no", sa.SmallInteger(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "hold_id", "leg_no", name=op.f("pk_ledger_hold_leg")),
    )


def make_history() -> None:
    """Marks, snapshots and flows for past balances; sealed days."""
    op.create_table(
        "ledger_mark",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "sequence", name=op.f("pk_ledger_mark")),
    )
    op.create_table(
        "account_snapshot",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("postings_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "account_id", "sequence", name=op.f("pk_account_snapshot")),
    )
    op.create_table(
        "account_flow",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_minor", sa.BigInteger(), nullable=False),
        sa.Column("postings_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "account_id", "span", "start_at", name=op.f("pk_account_flow")),
    )
    op.create_table(
        "ledger_day",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("chain_hash", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "day", name=op.f("pk_ledger_day")),
    )


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
