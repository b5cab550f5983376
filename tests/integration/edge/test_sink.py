"""Clicks on their way to the database: each stored once, whatever happens on the way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from hutong.db.clock import SystemClock
from hutong.db.engine import Database
from hutong.edge.journal import Click, ClickJournal
from hutong.edge.sink import ClickSink


def make_click(number: int) -> Click:
    return Click(
        merchant_id=uuid4(),
        click_id=uuid4(),
        link_id=uuid4(),
        channel_id=uuid4(),
        container="wechat",
        os="ios",
        language="zh-CN",
        referrer="none",
        address_hash=b"\x01" * 16,
        is_bot=number % 2 == 1,
        clicked_at=datetime.now(UTC),
    )


async def stored(database) -> list:
    async with database.plain("system") as connection:
        return list((await connection.exec_driver_sql("SELECT click_id, is_bot FROM click")).all())


class Broken(ClickJournal):
    """Dies between the commit and the mark."""

    def mark_stored(self, count):
        raise RuntimeError("killed here")


def test_clicks_of_a_killed_process_are_stored_once(address, tmp_path):
    clicks = [make_click(number) for number in range(7)]

    async def main():
        database = Database(address, SystemClock())
        broken = Broken(tmp_path / "journal")
        first = ClickSink(database, broken)
        for click in clicks:
            first.add(click)
        with pytest.raises(RuntimeError, match="killed here"):
            await first.flush()
        assert len(await stored(database)) == 7
        journal = ClickJournal(tmp_path / "journal")
        second = ClickSink(database, journal)
        assert second.recovered == 7
        await second.drain()
        rows = await stored(database)
        assert {row.click_id: row.is_bot for row in rows} == {click.click_id: click.is_bot for click in clicks}
        assert len(rows) == 7
        assert (journal.answered, journal.stored, journal.lost) == (7, 7, 0)
        await database.close()
        journal.close()
        broken.close()

    asyncio.run(main())


def test_clicks_wait_while_the_database_is_away(address, tmp_path):
    async def main():
        database = Database(address, SystemClock())
        journal = ClickJournal(tmp_path / "journal", slots=3)
        sink = ClickSink(database, journal)
        owner = await database.connect_raw("owner")
        await owner.execute("ALTER TABLE click RENAME TO away")
        for number in range(5):
            sink.add(make_click(number))
        with pytest.raises(Exception, match="click"):
            await sink.flush()
        await owner.execute("ALTER TABLE away RENAME TO click")
        await owner.close()
        await sink.drain()
        assert len(await stored(database)) == 3
        assert (journal.answered, journal.stored, journal.lost) == (5, 3, 2)
        await database.close()
        journal.close()

    asyncio.run(main())
