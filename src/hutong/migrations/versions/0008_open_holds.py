"""open holds

Why: service providers and the console list the reserves that are open; their number is small, that of all reserves
grows for ever.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Find what is open without reading what has ended."""
    op.create_index(
        "ix_ledger_hold_open",
        "ledger_hold",
        ["merchant_id", "hold_id"],
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
