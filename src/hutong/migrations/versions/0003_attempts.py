"""attempts

Why: several accounts for each wallet, payment codes, and what a refund needs when it cannot reach the buyer.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.alter_column("checkout", "sku_id", nullable=True)
    op.add_column("checkout", sa.Column("payer_scope", sa.Text()))
    op.add_column("payment", _count("closes_count"))
    op.add_column("attempt", sa.Column("refusal", sa.Text()))
    op.add_column("attempt", sa.Column("asked_at", sa.DateTime(timezone=True)))
    op.add_column("refund", sa.Column("actor", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("refund", sa.Column("problem", sa.Text()))
    op.add_column("refund", _count("tries_count"))
    op.create_table(
        "wallet_health",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("failures_count", sa.Integer(), nullable=False),
        sa.Column("last_word", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("down_until_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("merchant_id", "connection_id", name=op.f("pk_wallet_health")),
    )
    for statement in protect("wallet_health"):
        op.execute(statement)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
