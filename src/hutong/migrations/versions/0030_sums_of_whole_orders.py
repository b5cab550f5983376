"""sums of whole orders

Why: revision 0028 made orders of alliances of their marked lines alone; an order that one line names is its link's as a
whole, with every line that is paid and not taken back. One that nothing names any more is kept where comparisons have
counted it, and says so.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

#: Every merchant's are meant.
_WALLED = ("promoted_line", "promoted_order", "told_evidence")
_ANEW = """
WITH whole AS (
  SELECT merchant_id, source, order_no, coalesce(sum(paid_minor) FILTER (WHERE is_sold), 0)::bigint AS paid_minor,
    bool_or(is_sold) AS is_sold, bool_or(is_sold AND link_id IS NOT NULL) AS is_named
  FROM (SELECT *, status IN ('paid', 'received', 'settled') AS is_sold FROM promoted_line) line
  GROUP BY merchant_id, source, order_no
), anew AS (
  SELECT o.merchant_id, o.source, o.order_no, whole.paid_minor, whole.is_sold,
    NOT whole.is_sold OR whole.is_named OR o.shop_order_id IS NOT NULL OR EXISTS (SELECT FROM told_evidence t
      WHERE t.merchant_id = o.merchant_id AND t.source = o.source AND t.order_no = o.order_no) AS is_named
  FROM whole JOIN promoted_order o USING (merchant_id, source, order_no)
)
UPDATE promoted_order o SET is_named = anew.is_named, is_sold = anew.is_sold AND anew.is_named,
  paid_minor = CASE WHEN anew.is_named THEN anew.paid_minor ELSE 0 END,
  was_sold = o.was_sold OR anew.is_sold AND anew.is_named
FROM anew
WHERE anew.merchant_id = o.merchant_id AND anew.source = o.source AND anew.order_no = o.order_no
  AND (o.paid_minor, o.is_sold, true) IS DISTINCT FROM (anew.paid_minor, anew.is_sold, anew.is_named)
"""


def upgrade() -> None:
    """The sum of an order is that of all its paid lines."""
    named: sa.Column[bool] = sa.Column("is_named", sa.Boolean(), nullable=False, server_default=sa.true())
    op.add_column("promoted_order", named)
    for table in _WALLED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_ANEW)
    for table in _WALLED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
