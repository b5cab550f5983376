"""Orders that alliances told before orders stood in a table of their own count after the upgrade, too."""

from __future__ import annotations

import importlib
from functools import partial

import asyncpg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alliance_account import Alliance
from sqlalchemy.ext.asyncio import create_async_engine
from tied_orders import Shop, clicked, link_to

from hutong.core.money import Money
from hutong.links.checks import check
from hutong.platforms.jump_links import PromotedStatus
from hutong.platforms.registry import Registry

BEFORE = (
    "DROP TABLE promoted_order",
    "ALTER TABLE promoted_line DROP CONSTRAINT pk_promoted_line",
    (
        "ALTER TABLE promoted_line ADD CONSTRAINT pk_promoted_line "
        "PRIMARY KEY (merchant_id, connection_id, order_no, line_id)"
    ),
    # Another account of the alliance told a line of T2 before, and knew nobody by its mark.
    "ALTER TABLE promoted_line NO FORCE ROW LEVEL SECURITY",
    "CREATE TEMPORARY TABLE other AS SELECT * FROM promoted_line WHERE order_no = 'T2' AND line_id = '1'",
    (
        "UPDATE other SET connection_id = gen_random_uuid(), mark = '', link_id = NULL, channel_id = NULL, "
        "click_id = NULL, paid_minor = 7, changed_at = changed_at - interval '1 minute'"
    ),
    "INSERT INTO promoted_line SELECT * FROM other",
    "UPDATE other SET connection_id = gen_random_uuid(), paid_minor = 70, changed_at = changed_at + interval '1 hour'",
    "INSERT INTO promoted_line SELECT * FROM other",
    "ALTER TABLE promoted_line FORCE ROW LEVEL SECURITY",
)


@pytest.fixture
def registry():
    return Registry.from_entry_points()


def _again(connection):
    with Operations.context(MigrationContext.configure(connection)):
        for revision in ("0028_promoted_orders", "0030_sums_of_whole_orders"):
            importlib.import_module(f"hutong.migrations.versions.{revision}").upgrade()


async def upgraded(caller):
    """Leave the database as the revision before left it, and upgrade."""
    dsn, settings = caller.runtime.database.address.url_for("owner")
    connect = partial(asyncpg.connect, dsn, server_settings=settings)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    async with engine.begin() as connection:
        for statement in BEFORE:
            await connection.exec_driver_sql(statement)
        await connection.run_sync(_again)
    await engine.dispose()


def test_what_was_told_before_counts_after_the_upgrade(calling):
    async def work(caller):
        shop, alliance, link = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        _, token = await clicked(caller, link)
        await shop.sells("T1")
        await alliance.tells(
            alliance.line("T1", token),
            alliance.line("T2", token, line_id="1", paid=Money(70)),
            alliance.line("T2", token, line_id="2", paid=Money(30)),
            alliance.line("T2", token, line_id="3", status=PromotedStatus.VOID),
            alliance.line("T3", token, status=PromotedStatus.UNPAID),
            alliance.line("T4", "nobody"),
            alliance.line("T5", token, line_id="1", paid=Money(70)),
            alliance.line("T5", "", line_id="2", paid=Money(30)),
            alliance.line("T6", token, line_id="1", status=PromotedStatus.VOID),
            alliance.line("T6", "", line_id="2", paid=Money(30)),
        )

        async def rows():
            async with caller.room.unit() as unit:
                found = await unit.fetch(
                    "SELECT order_no, shop_order_id, evidence, word, was_sold, "
                    "link_id, channel_id, click_id, currency, paid_minor, is_sold, "
                    "placed_at, paid_at FROM promoted_order WHERE merchant_id = $1 ORDER BY order_no",
                    unit.merchant_id,
                )
            return [tuple(row.values()) for row in found]

        before = await rows()
        assert [(row[0], row[9], row[10]) for row in before] == [
            ("T1", 4_990, True),
            ("T2", 100, True),
            ("T3", 0, False),
            ("T5", 100, True),
        ]
        await upgraded(caller)
        assert [row for row in await rows() if row[0] != "T6"] == before
        assert [row[4:5] + row[9:11] for row in await rows() if row[0] == "T6"] == [(False, 0, False)], "names nobody"
        async with caller.room.unit() as unit:
            assert await check(unit) == []
        await alliance.tells(alliance.line("T3", token, paid=Money(5)))
        assert (await rows())[2][9:11] == (5, True), "and go on from there"

    calling(work)
