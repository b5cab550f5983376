"""attempts

Why: several accounts for each wallet, payment codes, and what a refund needs when it cannot reach the buyer.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.alter_column("checkout", "sku_id", nullable=True)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
