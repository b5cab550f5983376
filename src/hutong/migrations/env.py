"""Alembic's door: it runs on the connection that the runner hands over."""

from __future__ import annotations

from alembic import context

from hutong.db.queue import QUEUE_TABLES
from hutong.migrations.tables import all_tables


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and name in QUEUE_TABLES)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    include_name=_is_ours,
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
