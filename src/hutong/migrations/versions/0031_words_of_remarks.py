"""words of remarks

Why: a remark that is corrected names another link: the word that stood there before is no evidence any more, while one
that was told by the API stays. What is known so far counts as told.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whether evidence stands in a remark only."""
    is_remark: sa.Column[bool] = sa.Column("is_remark", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("told_evidence", is_remark)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
