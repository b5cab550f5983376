"""A hub without its web: a migrated database, a vault, and a merchant for each test."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text

from hutong.analytics import checks as analytics_checks
from hutong.customers import checks as customers_checks
from hutong.db.engine import Database
from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.roles import ensure_roles
from hutong.db.vault import Vault
from hutong.ledger.books import Books
from hutong.merchants.service import create_merchant
from hutong.migrations.runner import migrate
from hutong.platforms.registry import Registry
from hutong.shops import checks as shops_checks
from hutong.transport.client import HttpPool
from hutong.workflows.commands.import_orders import import_orders
from hutong.workflows.runtime import Runtime

TABLES = (
    "sales_order", "order_line", "customer", "identity", "customer_order", "customer_total", "sale_fact",
    "sale_line_fact", "outbox", "import_run", "stock_move",
)  # fmt: skip


class HandClock:
    def __init__(self):
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self):
        self.at += timedelta(milliseconds=1)
        return self.at


class Hub:
    """One merchant; each call opens the database anew, so that tests stay plain functions."""

    def __init__(self, address, folder):
        self.address = address
        self.folder = folder
        self.clock = HandClock()
        self.merchant_id = uuid4()
        self.ring = Keyring.create(folder / "vault.key")
        self.do(lambda unit: create_merchant(unit, "铺子"))

    def run(self, work):
        async def main():
            database = Database(self.address, self.clock)
            try:
                async with HttpPool() as http:
                    runtime = Runtime(
                        database=database,
                        books=Books(database),
                        clock=self.clock,
                        vault=Vault(self.ring, DatabaseKeyStore(database), self.clock),
                        registry=Registry.from_entry_points(),
                        http=http,
                        public_url="",
                        link_key=b"",
                    )
                    return await work(runtime)
            finally:
                await database.close()

        return asyncio.run(main())

    def do(self, work):
        async def main(runtime):
            async with runtime.unit(self.merchant_id, "test") as unit:
                return await work(unit)

        return self.run(main)

    def load(self, *paths, platform="taobao", currency="CNY", dry_run=False, report=None, progress=lambda _: None):
        async def main(runtime):
            return await import_orders(
                runtime, self.merchant_id, list(paths), platform, currency, dry_run, progress, report=report
            )

        return self.run(main)

    def rows(self, sql):
        async def main(unit):
            return [row._asdict() for row in await unit.all(text(sql), {"m": self.merchant_id})]

        return self.do(main)

    def order(self, order_no):
        (row,) = self.rows(f"SELECT * FROM sales_order WHERE merchant_id = :m AND order_no = '{order_no}'")
        return row

    def contents(self):
        """Every row of every table that an import writes, the log of imports aside."""
        tables = [name for name in TABLES if name not in {"import_run", "outbox"}]
        return {name: sorted(map(str, self.rows(f"SELECT * FROM {name} WHERE merchant_id = :m"))) for name in tables}

    def counts(self):
        return {name: self.rows(f"SELECT count(*) AS n FROM {name} WHERE merchant_id = :m")[0]["n"] for name in TABLES}

    def breaches(self):
        async def main(unit):
            rooms = (shops_checks, analytics_checks, customers_checks)
            return [breach for room in rooms for breach in await room.check(unit)]

        return self.do(main)

    def write(self, name, content, encoding="utf-8"):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path


@pytest.fixture(scope="session")
def hub_address(server, database_template):
    async def make():
        name = f"files_{os.urandom(5).hex()}"
        address = await ensure_roles(server.url("postgres"), name, template=database_template)
        await migrate(address)
        return address

    return asyncio.run(make())


@pytest.fixture
def hub(hub_address, tmp_path: Path):
    return Hub(hub_address, tmp_path)


def accounted(summary):
    """Figures that a re-import must repeat, after the sum of rows was checked."""
    assert summary.imported + summary.rejected + summary.merged == summary.rows_read
    figures = msgspec.to_builtins(summary)
    for name in ("imported", "merged", "seconds", "orders_new", "orders_changed", "dry_run"):
        del figures[name]
    return figures


@pytest.fixture
def check_accounts():
    return accounted
