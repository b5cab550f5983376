"""The edge on the real database: switches and own hosts are in force after its next look, whatever happened to them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text

from hutong.core.ids import new_id
from hutong.db.engine import Database
from hutong.edge.front import LinkFront
from hutong.edge.guards import LOOKS_BETWEEN_MAX
from hutong.edge.table import LinkTable
from hutong.links.guard_models import own_host
from hutong.links.hosts import FAILURES_MAX, add_host, remove_host, settle_check
from hutong.links.jumps.ways import Ways
from hutong.links.leaving import read_leaving_token
from hutong.links.models import channel, link
from hutong.links.switches import switch_all, switch_link
from hutong.merchants.actors import HOME

KEY = b"k" * 32
HOST = "shop.example.cn"
PHONE = b"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.46"
BOT = b"Mozilla/5.0 (compatible; Baiduspider/2.0)"


class Clock:
    """Moves by hand."""

    def __init__(self):
        self.at = datetime(2026, 11, 27, 12, tzinfo=UTC)

    def now(self):
        self.at += timedelta(milliseconds=5)
        return self.at


class Edge:
    """A link server, and merchants with links."""

    def __init__(self, database, clock):
        self.database, self.clock, self.clicks = database, clock, []
        self.table = LinkTable(database, clock)
        sink = SimpleNamespace(add=self.clicks.append)
        self.front = LinkFront(self._behind, self.table, sink, Ways(), clock, KEY, self.table.guards)

    async def _behind(self, _scope, _receive, send):
        await send({"type": "http.response.start", "status": 410, "headers": []})

    def unit(self, merchant_id):
        return self.database.unit(merchant_id, "test")

    async def link(self, merchant_id, url):
        """A link as `create_link` leaves it, whatever the address."""
        code = uuid4().hex[:7]
        async with self.unit(merchant_id) as unit:
            channel_id, now = unit.new_id(), unit.now()
            await unit.insert(channel, channel_id=channel_id, kind="post", platform="weibo", name="帖", created_at=now)
            await unit.run(
                insert(link).values(
                    merchant_id=merchant_id,
                    link_id=unit.new_id(),
                    code=code,
                    channel_id=channel_id,
                    title="茶",
                    destination="url",
                    url=url,
                    state="active",
                    created_at=now,
                    changed_at=now,
                )
            )
        return code

    async def ask(self, code, agent=PHONE):
        """Where the next visitor is sent, after the edge's next look."""
        await self.table.refresh()
        sent = []

        async def send(message):
            sent.append(message)

        heads = [(b"user-agent", agent), (b"host", b"127.0.0.1")]
        await self.front({"type": "http", "path": f"/l/{code}", "method": "GET", "headers": heads}, None, send)
        return sent[0]["status"], dict(sent[0]["headers"]).get(b"location", b"").decode()


@pytest.fixture
def edge(address):
    def run(work):
        async def main():
            clock = Clock()
            database = Database(address, clock)
            try:
                await work(Edge(database, clock))
            finally:
                await database.close()

        asyncio.run(main())

    return run


def test_a_link_follows_what_becomes_of_its_host(edge):
    async def work(hub):
        me, url = uuid4(), f"https://{HOST}/tea"
        code = await hub.link(me, url)

        async def asks_first(agent=PHONE):
            status, location = await hub.ask(code, agent)
            assert status == 302
            path, _, token = location.partition("?k=")
            if path != f"/x/{code}":
                return False
            return read_leaving_token(KEY, token, code, hub.clock.now()) == hub.clicks[-1].click_id

        assert await asks_first(), "nobody's host"
        assert await asks_first(BOT), "a machine is shown the page, too"
        async with hub.unit(me) as unit:
            host_id = (await add_host(unit, HOME, HOST, trial=False)).host_id
        assert await asks_first()

        async def settle(*troubles):
            async with hub.unit(me) as unit:
                for trouble in troubles:
                    await settle_check(unit, host_id, trouble)

        await settle("")
        assert await hub.ask(code) == (302, url)
        assert await hub.ask(code, BOT) == (302, url)
        await settle("tls")
        assert await hub.ask(code) == (302, url), "once is no loss"
        await settle(*["tls"] * FAILURES_MAX)
        assert await asks_first()
        await settle("")
        assert await hub.ask(code) == (302, url)
        async with hub.unit(me) as unit:
            await remove_host(unit, HOME, host_id)
        assert await asks_first()

    edge(work)


def test_one_merchants_host_is_nothing_to_anothers_link(edge):
    async def work(hub):
        me, other = uuid4(), uuid4()
        mine, theirs = [await hub.link(whose, f"https://{HOST}/tea") for whose in (me, other)]
        async with hub.unit(me) as unit:
            await settle_check(unit, (await add_host(unit, HOME, HOST, trial=False)).host_id, "")
        assert (await hub.ask(mine))[1] == f"https://{HOST}/tea"
        assert (await hub.ask(theirs))[1].startswith("/x/")
        assert hub.table.guards.owner_of(HOST) == me

    edge(work)


def test_an_address_that_is_allowed_no_more_asks_first(edge):
    async def work(hub):
        for url in ("https://gone-platform.example/1", "http://plain.example/", "https://a@b.example/", "nonsense"):
            code = await hub.link(uuid4(), url)
            status, location = await hub.ask(code)
            assert (status, location.startswith(f"/x/{code}?k=")) == (302, True)

    edge(work)


def test_switches_are_in_force_after_the_next_look(edge):
    async def work(hub):
        me, other = uuid4(), uuid4()
        url = "https://weibo.com/1/a"
        one, two, theirs = await hub.link(me, url), await hub.link(me, url), await hub.link(other, url)

        async def open_ones():
            return [code for code in (one, two, theirs) if (await hub.ask(code))[0] == 302]

        async def switch(work, *given, on):
            async with hub.unit(me) as unit:
                assert await work(unit, HOME, *given, on=on)

        assert await open_ones() == [one, two, theirs]
        await switch(switch_link, one, on=False)
        assert await open_ones() == [two, theirs]
        await switch(switch_all, on=False)
        assert await open_ones() == [theirs]
        await switch(switch_link, one, on=True)
        assert await open_ones() == [theirs]
        await switch(switch_all, on=True)
        assert await open_ones() == [one, two, theirs]

    edge(work)


def test_a_change_that_was_committed_late_is_seen_all_the_same(edge):
    """Its time is earlier than one that was seen already, and the number of hosts is the same."""

    async def work(hub):
        me, url = uuid4(), f"https://{HOST}/tea"
        code = await hub.link(me, url)
        async with hub.unit(me) as unit:
            host_id = (await add_host(unit, HOME, HOST, trial=False)).host_id
        async with hub.unit(me) as unit:
            await settle_check(unit, host_id, "")
        async with hub.unit(uuid4()) as unit:
            await add_host(unit, HOME, "later.example.cn", trial=False)
        assert await hub.ask(code) == (302, url)
        owner = await hub.database.connect_raw("owner")
        await owner.execute("ALTER TABLE own_host NO FORCE ROW LEVEL SECURITY")
        await owner.execute("UPDATE own_host SET state = 'lost' WHERE host = $1", HOST)
        await owner.close()
        for _ in range(LOOKS_BETWEEN_MAX):
            _, location = await hub.ask(code)
        assert location.startswith("/x/")

    edge(work)


def test_the_system_role_reads_hosts_and_changes_none(edge):
    async def work(hub):
        async with hub.unit(uuid4()) as unit:
            await add_host(unit, HOME, HOST, trial=False)
        async with hub.database.plain("system") as connection:
            rows = (await connection.execute(own_host.select())).all()
        assert [row.host for row in rows] == [HOST]
        with pytest.raises(Exception, match="permission denied"):
            async with hub.database.plain("system") as connection:
                await connection.execute(text("UPDATE own_host SET state = 'verified'"))
        assert isinstance(rows[0].host_id, UUID)
        assert new_id(hub.clock.now()) > rows[0].host_id

    edge(work)
