"""payout undo

Why: a payment outside the wallet says how it was paid, and one that was recorded by mistake is undone by a row beside
it; its reference is free again then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import make_append_only, protect

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

REFERENCE = "uq_outside_payment_reference"


def upgrade() -> None:
    """How it was paid, and what was undone."""
    op.add_column("outside_payment", sa.Column("method", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("outside_payment", sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column(
        "outside_payment", sa.Column("undone_before", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.drop_constraint(REFERENCE, "outside_payment", type_="unique")
    op.create_unique_constraint(REFERENCE, "outside_payment", ["merchant_id", "party_id", "reference", "undone_before"])
    op.create_table(
        "outside_payment_undo",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("outside_payment_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("undone_by", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "outside_payment_id", name=op.f("pk_outside_payment_undo")),
    )
    for statement in (*protect("outside_payment_undo"), *make_append_only("outside_payment_undo")):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
