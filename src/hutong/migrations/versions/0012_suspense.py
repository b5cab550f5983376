"""suspense

Why: money that fits no payment is a thing of its own, on which a person decides once: who, when and why are kept. What
was told before lies in the books' suspense as well: it gets its row, and the ticket of it asks for the decision, also
where it was only marked as done.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from uuid import UUID, uuid5

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Sums that lie in suspense, and what was decided on each."""
    op.create_table(
        "suspense",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("suspense_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("round_no", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expected_minor", sa.BigInteger(), nullable=True),
        sa.Column("expected_currency", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_proved", sa.Boolean(), nullable=True),
        sa.Column("actor", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "suspense_id", name=op.f("pk_suspense")),
        sa.UniqueConstraint(
            "merchant_id",
            "connection_id",
            "number",
            "amount_minor",
            "currency",
            "transaction_id",
            "round_no",
            name=op.f("uq_suspense_merchant_id"),
        ),
    )
    op.create_index("ix_suspense_ticket", "suspense", ["merchant_id", "ticket_id"])
    for column in ("attempt_id", "refund_id"):
        where = sa.text(f"{column} IS NOT NULL")
        name = f"ix_suspense_{column.removesuffix('_id')}"
        op.create_index(name, "suspense", ["merchant_id", column], postgresql_where=where)
    _tell_of_earlier()
    for statement in rights():
        op.execute(statement)


def _tell_of_earlier() -> None:
    """One row for each sum that was told before, under the id that the books know it by; its ticket points to it."""
    walled = ("ticket", "attempt", "payment")  # every merchant's are meant
    for table in walled:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    connection = op.get_bind()
    rounds: Counter[tuple[object, ...]] = Counter()
    for row in connection.execute(sa.text(_EARLIER)).mappings().all():
        account, _, notice_id = row["dedupe_key"].partition(":")
        same = (row["merchant_id"], account, row["number"], row["amount_minor"], row["currency"])
        suspense_id = uuid5(UUID(hex=account), notice_id)
        values = {**row, "suspense_id": suspense_id, "connection_id": UUID(hex=account), "round_no": rounds[same]}
        connection.execute(sa.text(_PUT), values | {"told": json.dumps({"suspense_id": str(suspense_id)})})
        rounds[same] += 1
    for table in walled:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


_EARLIER = """
SELECT t.merchant_id, t.ticket_id, t.dedupe_key, t.opened_at, t.details ->> 'platform' AS platform,
  t.details ->> 'out_trade_no' AS number, t.details ->> 'field' AS field,
  (t.details ->> 'amount_minor')::bigint AS amount_minor, t.details ->> 'currency' AS currency,
  a.attempt_id, a.payment_id, p.order_id, a.amount_minor AS expected_minor, a.currency AS expected_currency
FROM ticket t
LEFT JOIN attempt a ON a.merchant_id = t.merchant_id AND a.out_trade_no = t.details ->> 'out_trade_no'
  AND replace(a.connection_id::text, '-', '') = split_part(t.dedupe_key, ':', 1)
LEFT JOIN payment p ON p.merchant_id = a.merchant_id AND p.payment_id = a.payment_id
WHERE t.kind = 'notice_mismatched' AND (t.details ->> 'amount_minor')::bigint > 0
ORDER BY t.merchant_id, t.ticket_id
"""

_PUT = """
WITH put AS (
  INSERT INTO suspense (merchant_id, suspense_id, ticket_id, connection_id, platform, number, round_no, field,
    attempt_id, payment_id, order_id, amount_minor, currency, expected_minor, expected_currency, state, opened_at)
  VALUES (:merchant_id, :suspense_id, :ticket_id, :connection_id, :platform, :number, :round_no, :field,
    :attempt_id, :payment_id, :order_id, :amount_minor, :currency, :expected_minor, :expected_currency, 'open',
    :opened_at)
)
UPDATE ticket SET state = 'open', resolved_at = NULL, details = details || CAST(:told AS jsonb)
WHERE merchant_id = :merchant_id AND ticket_id = :ticket_id AND state IN ('open', 'resolved')
"""


def rights() -> Iterator[str]:
    """Row-level security and grants."""
    yield from protect("suspense")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
