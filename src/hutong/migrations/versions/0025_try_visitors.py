"""the visitor of a try

Why: one visitor who opens a link again and again must not move a wall; his tries are told from others' by his mark of
the day.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tries of before stay without: each of their clicks counts as one visitor, as it did."""
    op.add_column("jump_try", sa.Column("visitor", sa.LargeBinary()))


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
