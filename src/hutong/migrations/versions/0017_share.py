"""share

Why: a link that is shared is a card with a title, a text and a picture of ours; a profile has a page of links; WeChat
believes a page that is signed with a ticket, which is lent to the merchant's account and kept for all processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

PROTECTED: Final = ("page_grant", "picture", "link_card", "shop_logo", "bio", "bio_entry")


def _key(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Grants of accounts, cards and pictures of links, pages of links."""
    op.create_table(
        "page_grant",
        _key("merchant_id"),
        _key("connection_id"),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        _moment("ticket_ends_at", nullable=True),
        _moment("leased_until_at", nullable=True),
        _moment("retry_at", nullable=True),
        _text("problem", nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "connection_id", name=op.f("pk_page_grant")),
    )
    _create_cards()
    _create_bios()
    for statement in rights():
        op.execute(statement)


def _create_cards() -> None:
    op.create_table(
        "picture",
        _key("merchant_id"),
        _key("picture_id"),
        _text("name"),
        _text("content_type"),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("merchant_id", "picture_id", name=op.f("pk_picture")),
        sa.UniqueConstraint("merchant_id", "name", name=op.f("uq_picture_merchant_id")),
    )
    op.create_table(
        "link_card",
        _key("merchant_id"),
        _key("link_id"),
        _text("title"),
        _text("about"),
        _key("picture_id", nullable=True),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("merchant_id", "link_id", name=op.f("pk_link_card")),
    )
    op.create_table(
        "shop_logo",
        _key("merchant_id"),
        _key("picture_id"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_shop_logo")),
    )


def _create_bios() -> None:
    op.create_table(
        "bio",
        _key("merchant_id"),
        _key("bio_id"),
        _text("name"),
        _key("channel_id"),
        _text("title"),
        _text("about"),
        _key("picture_id", nullable=True),
        _text("theme"),
        _text("state"),
        _moment("created_at"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("merchant_id", "bio_id", name=op.f("pk_bio")),
        sa.UniqueConstraint("merchant_id", "name", name=op.f("uq_bio_merchant_id")),
    )
    op.create_table(
        "bio_entry",
        _key("merchant_id"),
        _key("bio_id"),
        _key("entry_id"),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        _text("label"),
        _key("link_id"),
        sa.PrimaryKeyConstraint("merchant_id", "bio_id", "entry_id", name=op.f("pk_bio_entry")),
    )


def rights() -> Iterator[str]:
    """Row-level security and grants."""
    for table in PROTECTED:
        yield from protect(table)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
