"""Row-level security: who may see which rows, as SQL that migrations run and tests check."""

from __future__ import annotations

from typing import Final

#: The transaction's merchant; empty after an error on a pooled connection, hence nullif: then nothing is visible.
CURRENT_MERCHANT: Final = "nullif(current_setting('app.merchant_id', true), '')::uuid"


def protect(table: str) -> list[str]:
    """Statements that give a table to one merchant at a time, also for its owner; the system role only reads."""
    own = f"merchant_id = {CURRENT_MERCHANT}"
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant ON {table} TO hutong_app, hutong_owner USING ({own}) WITH CHECK ({own})",
        f"CREATE POLICY system_reads ON {table} FOR SELECT TO hutong_system USING (true)",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO hutong_app",
        f"GRANT SELECT ON {table} TO hutong_system",
    ]


def let_system_update(table: str, *columns: str) -> list[str]:
    """Statements that let the system role change these columns of any merchant's rows (the job ticker)."""
    return [
        f"CREATE POLICY system_updates ON {table} FOR UPDATE TO hutong_system USING (true) WITH CHECK (true)",
        f"GRANT UPDATE ({', '.join(columns)}) ON {table} TO hutong_system",
    ]


def let_ingest_insert(table: str) -> list[str]:
    """Statements that let the ingest role add rows of any merchant and do nothing else."""
    return [
        f"CREATE POLICY ingest_inserts ON {table} FOR INSERT TO hutong_ingest WITH CHECK (true)",
        f"GRANT INSERT ON {table} TO hutong_ingest",
    ]


def make_append_only(table: str) -> list[str]:
    """Statements that take away UPDATE and DELETE: journals are corrected by new rows only."""
    return [f"REVOKE UPDATE, DELETE ON {table} FROM hutong_app"]


def open_directory() -> list[str]:
    """Grants of the one table that is read before the merchant is known."""
    return [
        "GRANT SELECT, INSERT, DELETE ON directory TO hutong_app",
        "GRANT SELECT ON directory TO hutong_system",
    ]
