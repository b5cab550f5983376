"""initial

Why: the first schema. Every table but the directory belongs to one merchant at a time (row-level security); the
journals take no UPDATE and no DELETE; the queue's own tables come from pgqueuer.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.util import await_only

from hutong.db.queue import QUEUE_TABLES, install_sql
from hutong.db.tenancy import let_ingest_insert, let_system_update, make_append_only, open_directory, protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PROTECTED = (
    "account_balance",
    "api_key",
    "attempt",
    "audit",
    "channel",
    "checkout",
    "click",
    "connection",
    "customer",
    "customer_order",
    "customer_total",
    "idempotency",
    "identity",
    "import_run",
    "inbound",
    "inbox",
    "job",
    "ledger_account",
    "ledger_batch",
    "ledger_chain",
    "link",
    "listing",
    "merchant",
    "merchant_key",
    "order_line",
    "outbox",
    "party",
    "payment",
    "posting",
    "product",
    "pull_cursor",
    "refund",
    "sale_fact",
    "sale_line_fact",
    "sales_order",
    "sku",
    "split_rule",
    "staff",
    "staff_session",
    "statement",
    "statement_line",
    "stock",
    "stock_move",
    "ticket",
)
APPEND_ONLY = (
    "posting",
    "ledger_batch",
    "ledger_account",
    "statement",
    "statement_line",
    "stock_move",
    "outbox",
    "click",
    "audit",
)


def upgrade() -> None:
    """Change the schema."""
    make_tables()
    make_queue()
    for statement in rights():
        op.execute(statement)


def make_tables() -> None:
    """Tables, keys and indexes."""
    op.create_table(
        "account_balance",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("postings_count", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "account_id", name=op.f("pk_account_balance")),
    )
    op.create_table(
        "api_key",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "key_id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("merchant_id", "key_hash", name=op.f("uq_api_key_merchant_id")),
    )
    op.create_table(
        "attempt",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("out_trade_no", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=True),
        sa.Column("queries_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "attempt_id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("merchant_id", "out_trade_no", name=op.f("uq_attempt_merchant_id")),
    )
    op.create_index("ix_attempt_payment", "attempt", ["merchant_id", "payment_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "audit_id", name=op.f("pk_audit")),
    )
    op.create_table(
        "channel",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "channel_id", name=op.f("pk_channel")),
    )
    op.create_table(
        "checkout",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("click_id", sa.Uuid(), nullable=True),
        sa.Column("container", sa.Text(), nullable=False),
        sa.Column("payer_kind", sa.Text(), nullable=True),
        sa.Column("payer_ref", sa.LargeBinary(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "checkout_id", name=op.f("pk_checkout")),
        sa.UniqueConstraint("merchant_id", "click_id", name=op.f("uq_checkout_merchant_id")),
    )
    op.create_table(
        "click",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("container", sa.Text(), nullable=False),
        sa.Column("os", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("referrer", sa.Text(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("is_bot", sa.Boolean(), nullable=False),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "click_id", name=op.f("pk_click")),
    )
    op.create_index("ix_click_channel", "click", ["merchant_id", "channel_id", "clicked_at"], unique=False)
    op.create_index("ix_click_link", "click", ["merchant_id", "link_id", "clicked_at"], unique=False)
    op.create_table(
        "connection",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "connection_id", name=op.f("pk_connection")),
    )
    op.create_table(
        "customer",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name_masked", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "customer_id", name=op.f("pk_customer")),
    )
    op.create_index("ix_customer_last_seen", "customer", ["merchant_id", "last_seen_at"], unique=False)
    op.create_table(
        "customer_order",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("is_refund", sa.Boolean(), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "order_id", name=op.f("pk_customer_order")),
    )
    op.create_index(
        "ix_customer_order_customer", "customer_order", ["merchant_id", "customer_id", "ordered_at"], unique=False
    )
    op.create_table(
        "customer_total",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("orders_count", sa.BigInteger(), nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "customer_id", "currency", name=op.f("pk_customer_total")),
    )
    op.create_table(
        "directory",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key_hash", name=op.f("pk_directory")),
    )
    op.create_table(
        "idempotency",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "identity",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(), nullable=False),
        sa.Column("value_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "kind", "value_index", name=op.f("pk_identity")),
    )
    op.create_index("ix_identity_customer", "identity", ["merchant_id", "customer_id"], unique=False)
    op.create_table(
        "import_run",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("file_names", sa.Text(), nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "import_id", name=op.f("pk_import_run")),
    )
    op.create_table(
        "inbound",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("inbound_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("notice", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "connection_id", "external_id", name=op.f("pk_inbound")),
    )
    op.create_table(
        "inbox",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "handler", "event_id", name=op.f("pk_inbox")),
    )
    op.create_table(
        "job",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "job_id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_due", "job", ["due_at"], unique=False, postgresql_where=sa.text("state = 'waiting'"))
    op.create_index(
        "ix_job_open",
        "job",
        ["merchant_id", "kind", "dedupe_key"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "ledger_account",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "account_id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint("merchant_id", "path", "currency", name="uq_ledger_account_path"),
    )
    op.create_table(
        "ledger_batch",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "batch_id", name=op.f("pk_ledger_batch")),
        sa.UniqueConstraint("merchant_id", "idempotency_key", name="uq_ledger_batch_key"),
        sa.UniqueConstraint("merchant_id", "sequence", name="uq_ledger_batch_sequence"),
    )
    op.create_index(
        "ix_ledger_batch_subject", "ledger_batch", ["merchant_id", "subject_kind", "subject_id"], unique=False
    )
    op.create_table(
        "ledger_chain",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("batches_count", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_ledger_chain")),
    )
    op.create_table(
        "link",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "link_id", name=op.f("pk_link")),
        sa.UniqueConstraint("merchant_id", "code", name=op.f("uq_link_merchant_id")),
    )
    op.create_index("ix_link_changed", "link", ["changed_at"], unique=False)
    op.create_table(
        "listing",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("platform_listing_id", sa.Text(), nullable=False),
        sa.Column("platform_sku_id", sa.Text(), nullable=False),
        sa.Column("pushed_quantity", sa.Integer(), nullable=True),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "listing_id", name=op.f("pk_listing")),
        sa.UniqueConstraint(
            "merchant_id",
            "connection_id",
            "platform_listing_id",
            "platform_sku_id",
            name=op.f("uq_listing_merchant_id"),
        ),
    )
    op.create_index("ix_listing_sku", "listing", ["merchant_id", "sku_id"], unique=False)
    op.create_table(
        "merchant",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_merchant")),
    )
    op.create_table(
        "merchant_key",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "key_id", name=op.f("pk_merchant_key")),
    )
    op.create_table(
        "order_line",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_key", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=True),
        sa.Column("seller_code", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("short_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "order_id", "line_key", name=op.f("pk_order_line")),
    )
    op.create_index("ix_order_line_sku", "order_line", ["merchant_id", "sku_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "event_id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "party",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "party_id", name=op.f("pk_party")),
    )
    op.create_table(
        "payment",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("captured_attempt_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("refunded_minor >= 0 AND refunded_minor <= amount_minor", name=op.f("ck_payment_refunded")),
        sa.PrimaryKeyConstraint("merchant_id", "payment_id", name=op.f("pk_payment")),
        sa.UniqueConstraint("merchant_id", "order_id", name=op.f("uq_payment_merchant_id")),
    )
    op.create_table(
        "posting",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("leg_no", sa.SmallInteger(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "batch_id", "leg_no", name=op.f("pk_posting")),
    )
    op.create_index("ix_posting_account", "posting", ["merchant_id", "account_id", "batch_id"], unique=False)
    op.create_table(
        "product",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "product_id", name=op.f("pk_product")),
    )
    op.create_table(
        "pull_cursor",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("read_until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pulled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "connection_id", name=op.f("pk_pull_cursor")),
    )
    op.create_table(
        "refund",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("out_refund_no", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("platform_refund_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "refund_id", name=op.f("pk_refund")),
        sa.UniqueConstraint("merchant_id", "out_refund_no", name=op.f("uq_refund_merchant_id")),
    )
    op.create_index("ix_refund_payment", "refund", ["merchant_id", "payment_id"], unique=False)
    op.create_table(
        "sale_fact",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("click_id", sa.Uuid(), nullable=True),
        sa.Column("container", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("is_refund", sa.Boolean(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "order_id", name=op.f("pk_sale_fact")),
    )
    op.create_index("ix_sale_fact_channel", "sale_fact", ["merchant_id", "channel_id"], unique=False)
    op.create_index("ix_sale_fact_click", "sale_fact", ["merchant_id", "click_id"], unique=False)
    op.create_index("ix_sale_fact_customer", "sale_fact", ["merchant_id", "customer_id"], unique=False)
    op.create_index("ix_sale_fact_link", "sale_fact", ["merchant_id", "link_id"], unique=False)
    op.create_index("ix_sale_fact_paid", "sale_fact", ["merchant_id", "paid_at"], unique=False)
    op.create_table(
        "sale_line_fact",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "order_id", "line_no", name=op.f("pk_sale_line_fact")),
    )
    op.create_index("ix_sale_line_fact_paid", "sale_line_fact", ["merchant_id", "paid_at"], unique=False)
    op.create_index("ix_sale_line_fact_sku", "sale_line_fact", ["merchant_id", "sku_id"], unique=False)
    op.create_table(
        "sales_order",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("shop_ref", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("raw_status", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("is_refund", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_short", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("freight_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("click_id", sa.Uuid(), nullable=True),
        sa.Column("container", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("receiver", sa.LargeBinary(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "order_id", name=op.f("pk_sales_order")),
        sa.UniqueConstraint("merchant_id", "source", "shop_ref", "order_no", name=op.f("uq_sales_order_merchant_id")),
    )
    op.create_index("ix_sales_order_placed", "sales_order", ["merchant_id", "placed_at"], unique=False)
    op.create_table(
        "sku",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("seller_code", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "sku_id", name=op.f("pk_sku")),
        sa.UniqueConstraint("merchant_id", "seller_code", name=op.f("uq_sku_merchant_id")),
    )
    op.create_table(
        "split_rule",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("rate_bps", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "rule_id", name=op.f("pk_split_rule")),
    )
    op.create_index(
        "ix_split_rule_open",
        "split_rule",
        ["merchant_id", "channel_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "staff",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "staff_id", name=op.f("pk_staff")),
    )
    op.create_table(
        "staff_session",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "token_hash", name=op.f("pk_staff_session")),
    )
    op.create_table(
        "statement",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("period_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("earned_minor", sa.BigInteger(), nullable=False),
        sa.Column("reversed_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("lines_count", sa.Integer(), nullable=False),
        sa.Column("chain_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "statement_id", name=op.f("pk_statement")),
        sa.UniqueConstraint(
            "merchant_id", "party_id", "currency", "period_start_at", "period_end_at", name="uq_statement_period"
        ),
    )
    op.create_table(
        "statement_line",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("leg_no", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "batch_id", "leg_no", name=op.f("pk_statement_line")),
    )
    op.create_index("ix_statement_line_statement", "statement_line", ["merchant_id", "statement_id"], unique=False)
    op.create_table(
        "stock",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reserved >= 0 AND on_hand >= reserved", name=op.f("ck_stock_available")),
        sa.PrimaryKeyConstraint("merchant_id", "sku_id", name=op.f("pk_stock")),
    )
    op.create_table(
        "stock_move",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("move_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("on_hand_delta", sa.Integer(), nullable=False),
        sa.Column("reserved_delta", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "move_id", name=op.f("pk_stock_move")),
        sa.UniqueConstraint("merchant_id", "subject", "kind", "sku_id", name=op.f("uq_stock_move_merchant_id")),
    )
    op.create_index("ix_stock_move_sku", "stock_move", ["merchant_id", "sku_id", "moved_at"], unique=False)
    op.create_table(
        "ticket",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "ticket_id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("merchant_id", "kind", "dedupe_key", name=op.f("uq_ticket_merchant_id")),
    )
    op.create_index(
        "ix_ticket_open",
        "ticket",
        ["merchant_id", "opened_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )


def make_queue() -> None:
    """The queue's tables; several commands in one text, so they go to the driver itself."""
    bind = op.get_bind()
    driver = bind.connection.driver_connection
    assert driver is not None, "migrations run on a live connection"
    await_only(driver.execute(install_sql()))
    for table in sorted(QUEUE_TABLES):
        for role in ("hutong_app", "hutong_system"):
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}")
    for role in ("hutong_app", "hutong_system"):
        op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")


def rights() -> Iterator[str]:
    """Row-level security and grants."""
    for table in PROTECTED:
        yield from protect(table)
    for table in APPEND_ONLY:
        yield from make_append_only(table)
    yield from let_system_update("job", "state")
    yield from let_ingest_insert("click")
    yield from open_directory()


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
