"""tied sales

Why: orders of other shops that are tied for certain count with their link and click; those of one link or of a page of
clicks are found without reading the ties of all others.
"""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Ties by link, and by click."""
    op.create_index("ix_order_tie_link", "order_tie", ["merchant_id", "link_id"])
    op.create_index("ix_order_tie_click", "order_tie", ["merchant_id", "click_id"])


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
