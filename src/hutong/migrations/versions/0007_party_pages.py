"""party pages

Why: whoever earns shares sees his own figures on his phone, by a link that the merchant makes and can take back.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Links to parties' pages, and the browsers that came in by them."""
    op.create_table(
        "party_page_link",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("page_link_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "page_link_id", name=op.f("pk_party_page_link")),
        sa.UniqueConstraint("merchant_id", "token_hash", name=op.f("uq_party_page_link_token")),
    )
    op.create_index(
        "uq_party_page_link_alive",
        "party_page_link",
        ["merchant_id", "party_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "party_page_visit",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("page_link_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "token_hash", name=op.f("pk_party_page_visit")),
    )
    op.create_index("ix_party_page_visit_link", "party_page_visit", ["merchant_id", "page_link_id", "created_at"])
    for statement in rights():
        op.execute(statement)


def rights() -> Iterator[str]:
    """Row-level security and grants."""
    for table in ("party_page_link", "party_page_visit"):
        yield from protect(table)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
