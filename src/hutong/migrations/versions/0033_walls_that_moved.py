"""walls that moved

Why: a wall that is measured for the first time and stands as the matrix says has not moved, and filled the list of
recent changes. What moved before this revision is not known here; its tickets tell.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """When each wall, or its app's own way, last became another than was known."""
    op.add_column("wall", sa.Column("moved_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
