"""orders of links

Why: what alliances sold by a link is asked by its orders, no more by its lines; nothing reads the lines by link.
"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One index less to write."""
    op.drop_index("ix_promoted_line_link", "promoted_line")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
