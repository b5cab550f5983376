"""Thin hold on pgqueuer: it carries keys of jobs that are due, enqueued inside our own transactions."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from pgqueuer import AsyncpgDriver, Queries
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel

#: Names are passed explicitly: pgqueuer would otherwise read them from whatever environment it is started in.
QUEUE_SETTINGS: Final = DBSettings(
    channel=Channel("hutong_queue"),
    queue_table="queue",
    queue_table_log="queue_log",
    statistics_table="queue_statistics",
    schedules_table="queue_schedules",
    queue_status_type="queue_status",
    function="queue_changed",
    trigger="queue_changed_trigger",
)
QUEUE_TABLES: Final = frozenset({"queue", "queue_log", "queue_statistics", "queue_schedules"})
ENTRYPOINT: Final = "job"

# Building these parses settings; once per process, not once per transaction.
_ENVIRONMENT: Final = QueryBuilderEnvironment(QUEUE_SETTINGS)
_QUEUE: Final = QueryQueueBuilder(QUEUE_SETTINGS)
_SCHEDULER: Final = QuerySchedulerBuilder(QUEUE_SETTINGS)


def queries(connection: Any) -> Queries:  # noqa: ANN401 (asyncpg ships no types)
    """pgqueuer's statements over one asyncpg connection."""
    return Queries(AsyncpgDriver(connection), qbe=_ENVIRONMENT, qbq=_QUEUE, qbs=_SCHEDULER)


def install_sql() -> str:
    """DDL of the queue, for the migration."""
    return _ENVIRONMENT.build_install_query(create_schema=False)


def pack(merchant_id: UUID, job_id: UUID) -> bytes:
    """The payload: 32 bytes, the two ids."""
    return merchant_id.bytes + job_id.bytes


def unpack(payload: bytes) -> tuple[UUID, UUID]:
    """The inverse of :func:`pack`."""
    return UUID(bytes=payload[:16]), UUID(bytes=payload[16:])


async def enqueue(connection: Any, keys: list[tuple[UUID, UUID]]) -> None:  # noqa: ANN401
    """Put job keys into the queue inside the transaction that is open on ``connection``.

    Raises:
        RuntimeError: no transaction is open; the entries would survive a rollback.
    """
    if not keys:
        return
    if not connection.is_in_transaction():
        raise RuntimeError("enqueue needs an open transaction")
    count = len(keys)
    await queries(connection).enqueue([ENTRYPOINT] * count, [pack(*key) for key in keys], [0] * count)
