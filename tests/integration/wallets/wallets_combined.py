"""A shop at the simulated WeChat Pay, all in this process: its API, its jobs, signed notices, the wallet's books."""

from __future__ import annotations

import asyncio
import os
import warnings
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from hutong.db.checks import Breach
from hutong.db.engine import Database
from hutong.db.jobs import Postpone
from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.vault import Vault
from hutong.ledger.books import Books
from hutong.merchants.connections import Mode, change_settings
from hutong.merchants.keys import SCOPES, create_key
from hutong.merchants.service import create_merchant
from hutong.platforms.payments import PayMethod
from hutong.platforms.registry import Registry
from hutong.transport.client import HttpPool
from hutong.web.app import build_web
from hutong.web.callbacks import CallbackDoor
from hutong.workflows.commands.examine import examine
from hutong.workflows.commands.open_shop import connect_in
from hutong.workflows.commands.pay import pay
from hutong.workflows.delivery import EFFECTS
from hutong.workflows.dispatcher import deliver_waiting
from hutong.workflows.runtime import Runtime
from hutong_sandbox.faults import FaultRule
from hutong_sandbox.http import Listener
from hutong_sandbox.sender import Delivery, Sender
from hutong_sandbox.wechatpay import WechatPay
from hutong_sandbox.world import World

STEP_S = 10
ROUNDS_MAX = 60
DUE = text("SELECT job_id, kind, payload FROM job WHERE finished_at IS NULL AND due_at <= :now ORDER BY due_at, job_id")
CLAIM = text("UPDATE job SET dedupe_key = NULL WHERE job_id = :job_id")
AGAIN = text("UPDATE job SET due_at = :due_at WHERE job_id = :job_id")
DONE = text("UPDATE job SET state = 'done', finished_at = :now WHERE job_id = :job_id")


class Wallet:
    """The simulated platform; its keys are made once, its orders are forgotten between tests."""

    def __init__(self):
        self.world = World(20261127, Sender(None))
        self.wechat = WechatPay(self.world)
        self.world.faults.declare(self.wechat.name, self.wechat.fault_kinds)
        self.wechat.credentials("default")
        self.wechat.credentials("other")

    def reset(self):
        self.wechat.reset()
        self.world.reset()


class Doorstep(Sender):
    """Carries notices to the application in this process."""

    def __init__(self, client):
        super().__init__(None)
        self.client = client

    async def post(self, url, headers, body):
        answer = await self.client.post(urlsplit(url).path, content=body, headers=dict(headers))
        return Delivery(status=answer.status_code, body=answer.text)


class Town:
    """One application beside one wallet for all tests of a module, in one loop; each test has a shop of its own."""

    def __init__(self, address, folder):
        self.address, self.folder, self.wallet = address, folder, Wallet()
        self.runner = asyncio.Runner()
        self.runner.run(self._open())

    async def _open(self):
        keys = self.folder / "town.key"
        Keyring.create(keys)
        clock = self.wallet.world.clock
        self.database = Database(self.address, clock)
        self.listener = Listener(self.wallet.wechat.handle)
        await self.listener.open(0)
        self.wallet.wechat.place(self.listener.url)
        self.http = await HttpPool().__aenter__()
        self.runtime = Runtime(
            database=self.database,
            books=Books(self.database),
            clock=clock,
            vault=Vault(Keyring.load(keys), DatabaseKeyStore(self.database), clock),
            registry=Registry.from_entry_points(),
            http=self.http,
            public_url="http://127.0.0.1",
            link_key=b"x" * 32,
        )
        with warnings.catch_warnings():  # Litestar has some about its next major version
            warnings.simplefilter("ignore", DeprecationWarning)
            self.app = CallbackDoor(build_web(self.runtime), self.runtime)

    def run(self, work):
        """Run ``work(shop)`` for a fresh shop."""

        async def main():
            shop = Shop(self)
            await shop.open()
            try:
                await work(shop)
            finally:
                await shop.client.aclose()
                self.wallet.reset()

        self.runner.run(main())

    def close(self):
        self.runner.run(self._close())
        self.runner.close()

    async def _close(self):
        await self.runtime.books.close()
        await self.http.__aexit__(None, None, None)
        await self.database.close()
        await self.listener.close()


class Shop:
    """One merchant of the hub with accounts at the wallet."""

    def __init__(self, town):
        self.runtime, self.wallet, self.app = town.runtime, town.wallet, town.app
        self.base_url, self.clock, self.merchant_id = town.listener.url, town.runtime.clock, uuid4()

    def unit(self):
        return self.runtime.unit(self.merchant_id, "test")

    async def open(self):
        async with self.unit() as unit:
            await create_merchant(unit, "店")
            _, secret = await create_key(unit, "自家应用", [SCOPES[0]])
        self.connection_id = await self.connect()
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),
            base_url="http://hub",
            headers={"authorization": f"Bearer {secret}"},
        )
        self.wallet.world.sender = Doorstep(self.client)

    async def connect(self, merchant="default", priority=100, **changes):
        credentials = {**self.wallet.wechat.credentials(merchant), **changes}
        connector = self.runtime.registry.get("wechatpay")
        async with self.unit() as unit:
            connection_id = await connect_in(
                unit,
                self.runtime.vault,
                connector,
                mode=Mode.SANDBOX,
                base_url=self.base_url,
                credentials=credentials,
            )
            await change_settings(unit, connection_id, priority=priority)
        return connection_id

    async def send(self, body, key=None, path="/payments/combined"):
        headers = {"idempotency-key": key or os.urandom(8).hex()}
        return await self.client.post(f"/api/v1{path}", json=body, headers=headers)

    async def post(self, body, key=None, path="/payments/combined"):
        answer = await self.send(body, key, path)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def press(self, checkout_id):
        """A buyer presses "pay" on the page of one part."""
        return await pay(
            self.runtime,
            self.merchant_id,
            UUID(str(checkout_id)),
            platform="wechatpay",
            method=PayMethod.NATIVE,
            client_ip="203.0.113.7",
        )

    async def refused(self, body, key=None, path="/payments/combined"):
        answer = await self.send(body, key, path)
        assert not answer.is_success, answer.text
        return answer.status_code, answer.json()["code"]

    async def get(self, path, **query):
        answer = await self.client.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def combined(self, opened):
        return await self.get(f"/payments/combined/{opened['combined']['combined_id']}")

    async def payment(self, part):
        return await self.get(f"/payments/{part['payment_id']}")

    async def states(self, opened):
        """Of the whole, and of each part's payment."""
        told = await self.combined(opened)
        return told["state"], [part["state"] for part in told["parts"]]

    async def pay(self, opened):
        """The buyer pays what was opened; the wallet tells the hub."""
        await self.wallet.wechat.pay({"out_trade_no": opened["combined"]["combine_out_trade_no"]})
        await self.settle()

    def fault(self, kind, **more):
        self.wallet.world.faults.replace([FaultRule(platform="wechatpay", kind=kind, **more)])

    def no_fault(self):
        self.wallet.world.faults.replace([])

    async def settle(self):
        """Everything that is due now, until nothing is."""
        for _ in range(ROUNDS_MAX):
            await self.runtime.gatherings.rest()
            delivered = await deliver_waiting(self.runtime, self.merchant_id)
            if not delivered and not await self._work():
                return
        raise AssertionError("it never comes to rest")

    async def _work(self):
        async with self.unit() as unit:
            due = (await unit.connection.execute(DUE, {"now": self.clock.now()})).all()
        for job in due:
            async with self.unit() as unit:
                await unit.connection.execute(CLAIM, {"job_id": job.job_id})
            try:
                await EFFECTS[job.kind](self.runtime, self.merchant_id, job.payload)
            except Postpone as later:
                statement, told = AGAIN, {"due_at": self.clock.now() + later.delay}
            else:
                statement, told = DONE, {"now": self.clock.now()}
            async with self.unit() as unit:
                await unit.connection.execute(statement, {"job_id": job.job_id, **told})
        return len(due)

    async def advance(self, seconds, step_s=STEP_S):
        """Time passes there and here, in steps."""
        for _ in range(0, seconds, step_s):
            await self.wallet.world.agenda.advance(step_s)
            await self.settle()

    async def values(self, statement):
        async with self.unit() as unit:
            return [row[0] for row in (await unit.connection.exec_driver_sql(statement)).all()]

    async def tickets(self):
        return await self.values("SELECT kind FROM ticket ORDER BY ticket_id")

    async def events(self, name):
        return await self.values(f"SELECT body FROM outbox WHERE name = '{name}' ORDER BY event_id")

    def books(self):
        """The wallet's own: what it took and gave back, by our numbers."""
        return {row.order_no: (row.amount_fen, row.refunded_fen) for row in self.wallet.wechat.books()}

    def open_there(self):
        """Numbers that a buyer could still pay."""
        trades = self.wallet.wechat.trades.all()
        return sorted(trade.order.out_trade_no for trade in trades if trade.state.value == "NOTPAY")

    async def breaches(self) -> list[Breach]:
        return await examine(self.runtime, self.merchant_id)
