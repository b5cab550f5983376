"""combined

Why: a buyer pays several orders with one tap. Each order keeps its own payment and attempt; what binds them, and at
which account the wallet is asked about them together, is written down beside.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Combined payments, their parts and their tries."""
    _payments()
    _parts()
    _tries()
    op.add_column("attempt", sa.Column("combined_try_id", sa.Uuid(), nullable=True))
    op.add_column("attempt", sa.Column("told_by_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_attempt_combined",
        "attempt",
        ["merchant_id", "combined_try_id"],
        postgresql_where=sa.text("combined_try_id IS NOT NULL"),
    )
    for statement in rights():
        op.execute(statement)


def rights() -> Iterator[str]:
    """Row-level security and grants."""
    for table in ("combined_payment", "combined_part", "combined_try"):
        yield from protect(table)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")


def _payments() -> None:
    op.create_table(
        "combined_payment",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("combined_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("parts_count", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "combined_id", name=op.f("pk_combined_payment")),
    )


def _parts() -> None:
    op.create_table(
        "combined_part",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("combined_id", sa.Uuid(), nullable=False),
        sa.Column("part_no", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "combined_id", "part_no", name=op.f("pk_combined_part")),
        sa.UniqueConstraint("merchant_id", "combined_id", "payment_id", name=op.f("uq_combined_part_once")),
    )
    op.create_index("ix_combined_part_payment", "combined_part", ["merchant_id", "payment_id"])


def _tries() -> None:
    op.create_table(
        "combined_try",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("try_id", sa.Uuid(), nullable=False),
        sa.Column("combined_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "try_id", name=op.f("pk_combined_try")),
    )
    op.create_index("ix_combined_try_payment", "combined_try", ["merchant_id", "combined_id"])
