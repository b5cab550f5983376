"""credentials

Why: an owner changes the credentials of an account himself. Secrets are never shown again, so that their fingerprints
and dates stand beside them; and what was signed or sealed with the ones before still has to be believed for a while.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is told of credentials, and the ones before."""
    told = sa.Column("told", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    op.add_column("connection", told)
    op.add_column("connection", sa.Column("earlier_credentials", sa.LargeBinary(), nullable=True))
    op.add_column("connection", sa.Column("earlier_ends_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
