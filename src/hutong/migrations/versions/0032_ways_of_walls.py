"""ways of walls

Why: a wall may be half open whatever becomes of the app's own way, because a web page leads on or a tap more is needed.
Whether that way was lost or won is news by itself, and told once.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

#: As far as is known: closed where the wall is, or where nearly nobody of the last visitors arrived.
_BEFORE = """
UPDATE wall SET way = CASE WHEN state = 'closed' OR tries_count >= 12 AND left_count * 10 <= tries_count
  THEN 'closed' ELSE 'open' END
"""


def upgrade() -> None:
    """What was told of each wall's own way last."""
    op.add_column("wall", sa.Column("way", sa.Text()))
    op.execute("ALTER TABLE wall NO FORCE ROW LEVEL SECURITY")
    op.execute(_BEFORE)
    op.execute("ALTER TABLE wall FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
