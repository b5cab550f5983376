"""suspense

Why: money that fits no payment is a thing of its own, on which a person decides once: who, when and why are kept.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    for statement in rights():
        op.execute(statement)


def rights() -> Iterator[str]:
    """Row-level security and grants."""
    yield from protect("suspense")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
