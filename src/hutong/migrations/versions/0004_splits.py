"""splits

Why: split rules of every kind, and commissions from estimated to settled.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from hutong.db.tenancy import make_append_only, protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PROTECTED = (
    "commission",
    "commission_move",
    "outside_payment",
    "party_channel",
    "party_receiver",
    "receiver_added",
    "share_line",
    "share_request",
    "sharing",
    "split_terms",
    "take_back",
)
APPEND_ONLY = ("commission_move", "outside_payment")


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "commission",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("commission_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("base_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reversed_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("settled_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("outside_reason", sa.Text(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reversed_minor >= 0 AND reversed_minor <= amount_minor", name=op.f("ck_commission_reversed")
        ),
        sa.CheckConstraint("settled_minor >= 0 AND settled_minor <= amount_minor", name=op.f("ck_commission_settled")),
        sa.PrimaryKeyConstraint("merchant_id", "commission_id", name=op.f("pk_commission")),
        sa.UniqueConstraint("merchant_id", "order_id", "party_id", "rule_id", name="uq_commission_order"),
    )
    op.create_index("ix_commission_party", "commission", ["merchant_id", "party_id", "paid_at"], unique=False)
    op.create_table(
        "commission_move",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("move_id", sa.Uuid(), nullable=False),
        sa.Column("commission_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "move_id", name=op.f("pk_commission_move")),
        sa.UniqueConstraint("merchant_id", "commission_id", "kind", "reference", name="uq_commission_move_once"),
    )
    op.create_table(
        "outside_payment",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("outside_payment_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_by", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "outside_payment_id", name=op.f("pk_outside_payment")),
        sa.UniqueConstraint("merchant_id", "party_id", "reference", name="uq_outside_payment_reference"),
    )
    op.create_table(
        "party_channel",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "channel_id", name=op.f("pk_party_channel")),
    )
    op.create_index("ix_party_channel_party", "party_channel", ["merchant_id", "party_id"], unique=False)
    op.create_table(
        "party_receiver",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("receiver", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "party_id", "platform", name=op.f("pk_party_receiver")),
    )
    op.create_table(
        "receiver_added",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "connection_id", "party_id", name=op.f("pk_receiver_added")),
    )
    op.create_table(
        "share_line",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("out_share_no", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("receiver", sa.LargeBinary(), nullable=False),
        sa.Column("takes_back", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "out_share_no", "party_id", name=op.f("pk_share_line")),
    )
    op.create_table(
        "share_request",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("out_share_no", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "out_share_no", name=op.f("pk_share_request")),
    )
    op.create_index("ix_share_request_order", "share_request", ["merchant_id", "order_id"], unique=False)
    op.create_table(
        "sharing",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("out_trade_no", sa.Text(), nullable=False),
        sa.Column("finish_no", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "attempt_id", name=op.f("pk_sharing")),
    )
    op.create_index("ix_sharing_order", "sharing", ["merchant_id", "order_id"], unique=False)
    op.create_table(
        "split_terms",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("total_cap_bps", sa.Integer(), nullable=False),
        sa.Column("return_window_days", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_split_terms")),
    )
    op.create_table(
        "take_back",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("out_return_no", sa.Text(), nullable=False),
        sa.Column("out_share_no", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "out_return_no", name=op.f("pk_take_back")),
        sa.UniqueConstraint("merchant_id", "refund_id", "out_share_no", "party_id", name="uq_take_back_once"),
    )
    op.add_column("party", sa.Column("introduced_by", sa.Uuid(), nullable=True))
    op.add_column("party", sa.Column("customer_id", sa.Uuid(), nullable=True))
    op.add_column("split_rule", sa.Column("kind", sa.Text(), server_default=sa.text("'percent'"), nullable=False))
    op.add_column(
        "split_rule",
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column(
        "split_rule",
        sa.Column("scope", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column("split_rule", sa.Column("base", sa.Text(), server_default=sa.text("'gross'"), nullable=False))
    op.add_column("split_rule", sa.Column("level", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("split_rule", sa.Column("priority", sa.Integer(), server_default=sa.text("100"), nullable=False))
    op.add_column("split_rule", sa.Column("currency", sa.Text(), server_default=sa.text("'CNY'"), nullable=False))
    op.add_column("split_rule", sa.Column("replaces_rule_id", sa.Uuid(), nullable=True))
    op.create_check_constraint(op.f("ck_split_rule_level"), "split_rule", "level BETWEEN 1 AND 2")
    for statement in rights():
        op.execute(statement)


def rights() -> Iterator[str]:
    """Row-level security and grants."""
    for table in PROTECTED:
        yield from protect(table)
    for table in APPEND_ONLY:
        yield from make_append_only(table)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
