"""clicks

Why: what flagged a click as a machine's is shown beside it; of clicks before this nobody knows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The kind of machine that clicked."""
    op.add_column("click", sa.Column("machine", sa.Text(), nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
