"""A merchant's post: his endpoints and events, and a receiver on loopback that can be told how to behave."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace
from uuid import uuid4

from sqlalchemy import select, update

from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.vault import Vault
from hutong.merchants.actors import Actor
from hutong.merchants.models import ticket
from hutong.payments.events import AttemptUnclear
from hutong.transport.outward import OutwardSender
from hutong.webhooks.courier import Courier
from hutong.webhooks.models import webhook_attempt, webhook_delivery, webhook_endpoint
from hutong.webhooks.service import create_endpoint, get_endpoint
from hutong.workflows.dispatcher import deliver_waiting

BOSS = Actor(name="staff:1", may_refund=True)
#: Short, so that a silent receiver makes no slow test, and long enough for one that answers on a loaded machine.
TIMEOUT_S = 2.0
#: In time, but not soon.
LATE_S = 0.3


def signed_by(secret, headers, body):
    """Whether a message carries a signature of this secret: the specification's rule, written a second time."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


class Receiver:
    """Answers as ``behave(path)`` says: a status, or ``late``, ``slow``, ``cut``, ``redirect``, ``huge``."""

    def __init__(self):
        self.heard = []
        self.open_now = self.open_most = 0
        self.behave = lambda _path: 200
        self.port = 0
        self._server = None

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.port}{path}"

    def ids(self):
        return [headers["webhook-id"] for _, headers, _ in self.heard]

    def paths(self):
        return [path for path, _, _ in self.heard]

    async def up(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        self.open_now += 1
        self.open_most = max(self.open_most, self.open_now)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_now -= 1
            writer.close()

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        path = first.split(" ")[1]
        self.heard.append((path, headers, body))
        how = self.behave(path)
        if how == "cut":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab")
        elif how == "slow":
            await asyncio.sleep(4 * TIMEOUT_S)
        elif how == "late":
            await asyncio.sleep(LATE_S)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        elif how == "redirect":
            writer.write(
                f"HTTP/1.1 302 Found\r\nlocation: {self.url('/elsewhere')}\r\ncontent-length: 0\r\n\r\n".encode()
            )
        elif how == "huge":
            writer.write(b"HTTP/1.1 500 No\r\ncontent-length: 50000000\r\n\r\n" + b"x" * 1_000_000)
        else:
            writer.write(f"HTTP/1.1 {how} Status\r\ncontent-length: 2\r\n\r\nno".encode())
        await writer.drain()


class Neighbour:
    """Another merchant of the same hub."""

    def __init__(self, room):
        self.database, self.clock, self.merchant_id = room.database, room.clock, uuid4()

    @asynccontextmanager
    async def unit(self):
        async with self.database.unit(self.merchant_id, "test") as unit:
            yield unit


class Post:
    """The merchant's side: endpoints, events, a courier of our own clock."""

    def __init__(self, room, keys):
        self.room, self.clock, self.merchant_id = room, room.clock, room.merchant_id
        self.vault = Vault(Keyring.load(keys), DatabaseKeyStore(room.database), room.clock)
        self.courier = Courier(
            room.database, room.clock, self.vault, OutwardSender(trial=True, total_timeout_s=TIMEOUT_S)
        )
        self.receiver = Receiver()
        self.keys, self.neighbours = keys, []

    def neighbour(self):
        """Another merchant, whose messages go by the same courier to the same receiver."""
        other = Post(Neighbour(self.room), self.keys)
        other.courier, other.receiver = self.courier, self.receiver
        self.neighbours.append(other)
        return other

    def unit(self):
        return self.room.unit()

    async def rest(self):
        """Disable what there is: the courier of the next test looks at every merchant of the database."""
        for post in (self, *self.neighbours):
            async with post.unit() as unit:
                mine = webhook_endpoint.c.merchant_id == unit.merchant_id
                await unit.run(update(webhook_endpoint).where(mine).values(state="disabled"))

    async def endpoint(self, path="/hook", types=("*",)):
        async with self.unit() as unit:
            return await create_endpoint(
                unit, self.vault, BOSS, url=self.receiver.url(path), title="ERP", event_types=types, trial=True
            )

    async def tell(self, count=1, event=None):
        """Something happened, and the dispatcher has handed it over; the ids of the events."""
        async with self.unit() as unit:
            told = [unit.emit(event or unclear()) for _ in range(count)]
        runtime = SimpleNamespace(unit=self.room.database.unit)
        while await deliver_waiting(runtime, self.merchant_id):
            pass
        return [str(event_id) for event_id in told]

    async def carry(self):
        await self.courier.drain()

    async def carry_until(self, ready, most_s):
        """The courier looks again and again, as it does in a process; how many seconds until ``ready()``."""
        began_s = time.monotonic()
        async with asyncio.timeout(most_s):
            while not ready():
                await self.courier.look()
                await asyncio.sleep(0.02)
        return time.monotonic() - began_s

    async def stop(self):
        """What is under way comes to its end, and nothing else begins."""
        self.receiver.behave = lambda _path: 200
        await self.rest()
        await asyncio.gather(*self.courier._under_way())

    async def pass_time(self, step_s, until_s):
        """The clock goes on by steps, and the courier works at each."""
        for _ in range(0, until_s, step_s):
            self.clock.advance(seconds=step_s)
            await self.carry()

    async def states(self):
        async with self.unit() as unit:
            rows = await unit.all(select(webhook_delivery).where(webhook_delivery.c.merchant_id == unit.merchant_id))
        return sorted(row.state for row in rows)

    async def attempts(self):
        async with self.unit() as unit:
            return await unit.all(
                select(webhook_attempt)
                .where(webhook_attempt.c.merchant_id == unit.merchant_id)
                .order_by(webhook_attempt.c.attempted_at, webhook_attempt.c.attempt_no)
            )

    async def tickets(self):
        async with self.unit() as unit:
            rows = await unit.all(select(ticket).where(ticket.c.merchant_id == unit.merchant_id))
        return sorted(row.kind for row in rows)

    async def look_at(self, endpoint_id):
        async with self.unit() as unit:
            return await get_endpoint(unit, endpoint_id)


def unclear():
    ids = {name: uuid4() for name in ("payment_id", "order_id", "attempt_id", "connection_id")}
    return AttemptUnclear(**ids, platform="wechatpay", out_trade_no="T1", amount_minor=1234, currency="CNY")
