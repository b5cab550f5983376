"""What the parts of a payment cycle cost by themselves: the ceiling that ``bench/payments.py`` holds the cycle against.

The parts are one RSA signature (the request), two verifications (the wallet's answer, its callback), and one durable
commit into which 64 cycles put every row that a cycle leaves: order, payment, callback, stock, books, figures, outbox,
jobs. The rows are those of the cycles before, copied within the server into tables of the same columns, keys and
indexes: nobody builds, sends or looks up anything. Rows that a cycle changes or takes away again are not counted, nor
is any request, so the ceiling is rather too high than too low.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from uuid import uuid4

import asyncpg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from processes import cpu_s
from restartable import World

#: A callback's body has about so many bytes.
BODY = b"x" * 2048
SIGNATURES = 400
COMMITS = 40
CYCLES_PER_COMMIT = 64
#: Tables that get fewer rows than this for each cycle are no part of one (marks, snapshots, accounts).
ROWS_PER_CYCLE_MIN = 0.2

_TABLES = (
    "SELECT table_name FROM information_schema.columns "
    "WHERE table_schema = 'public' AND column_name = 'merchant_id' ORDER BY 1"
)
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 "
    "AND is_generated = 'NEVER' AND column_name <> 'merchant_id' ORDER BY ordinal_position"
)


def spent_by(world: World) -> dict[str, float]:
    """Processor seconds of hub and PostgreSQL so far, by the name of the program."""
    assert world.hub is not None
    return cpu_s(world.hub.process.pid)


def spent_s(world: World) -> float:
    """Both together."""
    return sum(spent_by(world).values())


def signing_s() -> float:
    """Processor seconds of one signature and two verifications."""
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key()
    started = time.process_time()
    for _ in range(SIGNATURES):
        signature = key.sign(BODY, padding.PKCS1v15(), hashes.SHA256())
        for _ in range(2):
            public.verify(signature, BODY, padding.PKCS1v15(), hashes.SHA256())
    return (time.process_time() - started) / SIGNATURES


def rows_of(world: World) -> dict[str, int]:
    """How many rows the merchant has in each table."""

    async def ask() -> dict[str, int]:
        connection = await _connect(world)
        async with connection.transaction():
            await connection.execute("SELECT set_config('app.merchant_id', $1, true)", world.login["merchant"])
            names = [row["table_name"] for row in await connection.fetch(_TABLES)]
            found = {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in names}
        await connection.close()
        return found

    return asyncio.run(ask())


def rows_per_cycle(before: Mapping[str, int], after: Mapping[str, int], cycles: int) -> dict[str, float]:
    """Rows that each cycle has left, by table."""
    grown = {name: round((after[name] - before[name]) / cycles, 2) for name in after}
    return {name: rows for name, rows in grown.items() if rows >= ROWS_PER_CYCLE_MIN}


def commit_s(world: World, rows: Mapping[str, float]) -> float:
    """Processor seconds of one cycle's rows in a batched durable commit, client and server together."""

    async def work() -> float:
        connection = await _connect(world)
        inserts = await _mirror(connection, world.login["merchant"], rows)
        client, server = time.process_time(), spent_s(world)
        for _ in range(COMMITS):
            copy = uuid4()
            async with connection.transaction():
                for insert in inserts:
                    await connection.execute(insert, copy)
        spent = time.process_time() - client + spent_s(world) - server
        await connection.execute("DROP SCHEMA ceiling CASCADE")
        await connection.close()
        return spent / (COMMITS * CYCLES_PER_COMMIT)

    world.settle()
    return asyncio.run(work())


async def _mirror(connection: asyncpg.Connection, merchant: str, rows: Mapping[str, float]) -> list[str]:
    """Tables like the real ones beside them, and the statements that put a batch's rows there for another merchant."""
    inserts = []
    async with connection.transaction():
        await connection.execute("SELECT set_config('app.merchant_id', $1, true)", merchant)
        await connection.execute("CREATE SCHEMA ceiling")
        for name, per_cycle in rows.items():
            columns = ", ".join(f'"{row["column_name"]}"' for row in await connection.fetch(_COLUMNS, name))
            wanted = round(per_cycle * CYCLES_PER_COMMIT)
            await connection.execute(
                f"CREATE TABLE ceiling.{name} (LIKE public.{name} INCLUDING ALL);"
                f"CREATE TEMPORARY TABLE newest_{name} AS SELECT {columns} FROM public.{name} "
                f"ORDER BY ctid DESC LIMIT {wanted}"
            )
            inserts.append(
                f"INSERT INTO ceiling.{name} (merchant_id, {columns}) SELECT $1, {columns} FROM newest_{name}"
            )
    return inserts


async def _connect(world: World) -> asyncpg.Connection:
    return await asyncpg.connect(world.database_url(), server_settings={"role": "hutong_owner"})
