"""guards

Why: a link may lead to a merchant's own host once it is proven to be his; links can be switched off at once, one or all
of a merchant; visitors can report a link; and it is kept whether the page a link leads to answers.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

PROTECTED = ("own_host", "link_switch", "link_report", "link_health")


def upgrade() -> None:
    """Own hosts, the switch of all links, reports, and the health of destinations."""
    _own_host()
    op.create_table(
        "link_switch",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("is_off", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_link_switch")),
    )
    op.create_index("ix_link_switch_off", "link_switch", ["merchant_id"], postgresql_where=sa.text("is_off"))
    op.create_table(
        "link_report",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "report_id", name=op.f("pk_link_report")),
    )
    op.create_index("ix_link_report_link", "link_report", ["merchant_id", "link_id", "reported_at"])
    op.create_table(
        "link_health",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("answer", sa.SmallInteger(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("broken_since_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "link_id", name=op.f("pk_link_health")),
    )
    op.create_index("ix_link_health_checked", "link_health", ["merchant_id", "checked_at"])
    for table in PROTECTED:
        for statement in protect(table):
            op.execute(statement)


def _own_host() -> None:
    op.create_table(
        "own_host",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("host_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("trouble", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("is_shown", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "host_id", name=op.f("pk_own_host")),
        sa.UniqueConstraint("merchant_id", "host", name=op.f("uq_own_host_merchant_id")),
    )
    op.create_index("ix_own_host_changed", "own_host", ["changed_at"])


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
