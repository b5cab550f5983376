"""counter

Why: a QR that hangs in the shop takes an amount without goods, within the limits of a day.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "shop_code",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payment_max_minor", sa.BigInteger(), nullable=False),
        sa.Column("buyer_day_max_minor", sa.BigInteger(), nullable=False),
        sa.Column("code_day_max_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0 AND amount_minor <= payment_max_minor", name=op.f("ck_shop_code_amount")),
        sa.CheckConstraint(
            "payment_max_minor > 0 AND buyer_day_max_minor > 0 AND code_day_max_minor > 0",
            name=op.f("ck_shop_code_limits"),
        ),
        sa.PrimaryKeyConstraint("merchant_id", "code_id", name=op.f("pk_shop_code")),
        sa.UniqueConstraint("merchant_id", "code", name=op.f("uq_shop_code_merchant_id")),
    )
    op.create_table(
        "shop_code_use",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("browser_mark", sa.LargeBinary(), nullable=True),
        sa.Column("payer_mark", sa.LargeBinary(), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "checkout_id", name=op.f("pk_shop_code_use")),
    )
    op.create_index("ix_shop_code_use_day", "shop_code_use", ["merchant_id", "code_id", "counted_at"], unique=False)
    op.create_index(
        "ix_checkout_till",
        "checkout",
        ["merchant_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("sku_id IS NULL"),
    )
    for table in ("shop_code", "shop_code_use"):
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
