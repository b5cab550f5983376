"""A shop with a wallet that does what a test tells it, on a real database: races come in the order they are written."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec

from hutong.core.errors import PlatformUnknown
from hutong.core.money import Money
from hutong.db.jobs import Postpone
from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.vault import Vault
from hutong.ledger.books import Books
from hutong.merchants.actors import Actor
from hutong.merchants.connections import Mode
from hutong.merchants.service import create_merchant
from hutong.payments.checkouts import Goods, Visit, open_checkout
from hutong.payments.queries import payments_page
from hutong.platforms.bills import Bill, BillRow, BillStatus
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import (
    PaymentCreated,
    PayMethod,
    RefundReport,
    RefundStatus,
    TradeReport,
    TradeStatus,
)
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.registry import Registry
from hutong.workflows.commands.open_shop import connect_in
from hutong.workflows.commands.settle import check_closed
from hutong.workflows.runtime import Runtime

PRICE = Money.fen(880)
PREFIX = "99"


class HandClock:
    """A clock that moves by hand, and a millisecond each time it is read: ids come in the order they were made."""

    def __init__(self):
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self):
        self.at += timedelta(milliseconds=1)
        return self.at

    def advance(self, **span):
        self.at += timedelta(**span)


class HandWallet:
    """A wallet that keeps its own books and answers as it is told: Payments, CodePayments and RefundRescue at once."""

    def __init__(self):
        self.trades: dict[str, TradeStatus] = {}
        self.refunds: dict[str, RefundStatus] = {}
        self.sums: dict[str, Money | None] = {}  # by number, of trades and refunds: what it says if it says any
        self.asked: list[str] = []
        self.charged: Money | None = None  # what a charge or a refund takes instead of what it was asked for
        self.payers: list[str | None] = []  # whom each order was opened for
        self.script: dict[str, list] = {}  # call -> what it does next: an exception, a status or a coroutine function

    def will(self, call: str, *answers) -> None:
        self.script.setdefault(call, []).extend(answers)

    async def _next(self, call: str, number: str):
        self.asked.append(f"{call} {number}")
        answer = self.script[call].pop(0) if self.script.get(call) else None
        if isinstance(answer, Exception):
            raise answer
        return await answer(number) if callable(answer) else answer

    def _trade(self, number: str, status: TradeStatus | None = None) -> TradeReport:
        found = status or self.trades.get(number, TradeStatus.NOT_FOUND)
        paid = found is TradeStatus.PAID
        return TradeReport(
            out_trade_no=number,
            status=found,
            raw_status=found.value,
            amount=self.sums.get(number),
            transaction_id=f"T{number}" if paid else None,
        )

    async def create(self, _account, command):
        self.payers.append(command.payer_id)
        await self._next("create", command.out_trade_no)
        self.trades.setdefault(command.out_trade_no, TradeStatus.PENDING)
        self.sums.setdefault(command.out_trade_no, command.amount)
        return PaymentCreated(code_url=f"pay:{command.out_trade_no}")

    async def query(self, _account, out_trade_no):
        return self._trade(out_trade_no, await self._next("query", out_trade_no))

    async def close(self, _account, out_trade_no):
        told = await self._next("close", out_trade_no)
        if self.trades.get(out_trade_no) is TradeStatus.PENDING:
            self.trades[out_trade_no] = TradeStatus.CLOSED
        return self._trade(out_trade_no, told)

    def takes(self, auth_code):
        return auth_code.startswith(PREFIX)

    async def charge(self, _account, command):
        told = await self._next("charge", command.out_trade_no)
        self.trades[command.out_trade_no] = told or TradeStatus.PAID
        self.sums.setdefault(command.out_trade_no, self.charged or command.amount)
        return self._trade(command.out_trade_no)

    async def reverse(self, _account, out_trade_no):
        told = await self._next("reverse", out_trade_no)
        if told is None and out_trade_no in self.trades:
            self.trades[out_trade_no] = TradeStatus.CLOSED
        return self._trade(out_trade_no, told)

    def _refund(self, number: str, status: RefundStatus | None = None) -> RefundReport:
        found = status or self.refunds.get(number, RefundStatus.NOT_FOUND)
        return RefundReport(
            out_refund_no=number,
            status=found,
            raw_status=found.value.upper(),
            amount=self.sums.get(number),
            refund_id=f"R{number}",
        )

    async def refund(self, _account, command):
        told = await self._next("refund", command.out_refund_no)
        self.refunds[command.out_refund_no] = told or RefundStatus.SUCCEEDED
        self.sums.setdefault(command.out_refund_no, self.charged or command.amount)
        return self._refund(command.out_refund_no)

    async def query_refund(self, _account, out_refund_no, _out_trade_no):
        return self._refund(out_refund_no, await self._next("query_refund", out_refund_no))

    async def rescue(self, _account, command):
        return self._refund(command.out_refund_no, await self._next("rescue", command.out_refund_no))


class HandBills:
    """Bills that hold what a test puts into them. A day without an entry is not ready."""

    ready_time = time(10)
    kept_days = 89

    def __init__(self):
        self.days: dict[date, list[BillRow] | BillStatus | Exception] = {}
        self.asked: list[date] = []

    async def fetch(self, _account, day):
        self.asked.append(day)
        told = self.days.get(day, BillStatus.NOT_READY)
        if isinstance(told, Exception):
            raise told
        if isinstance(told, BillStatus):
            return Bill(day=day, status=told)

        async def pieces():
            for at in range(0, len(told), 2):
                yield tuple(told[at : at + 2])

        return Bill(day=day, status=BillStatus.READY, digest=b"x" * 32, pieces=pieces)


def silence() -> PlatformUnknown:
    return PlatformUnknown(platform="wechatpay")


def refusal(word: ErrorWord, code: str = "NO") -> PlatformRefused:
    return PlatformRefused(platform="wechatpay", platform_code=code, message="", word=word)


class Till:
    """One shop, its wallet and what a test does with them."""

    teller = Actor(name="staff:1", may_refund=True)
    clerk = Actor(name="staff:2", may_refund=False)

    def __init__(self, database, clock, http, folder: Path):
        keys = folder / f"{os.urandom(4).hex()}.key"
        Keyring.create(keys)
        self.clock, self.wallet, self.bills = clock, HandWallet(), HandBills()
        sheet = Registry.from_entry_points().get("wechatpay")
        self.connector = msgspec.structs.replace(
            sheet,
            pay_methods=(PayMethod.NATIVE, PayMethod.H5),
            payments=self.wallet,
            codes=self.wallet,
            refund_rescue=self.wallet,
            bills=self.bills,
        )
        self.runtime = Runtime(
            database=database,
            books=Books(database),
            clock=clock,
            vault=Vault(Keyring.load(keys), DatabaseKeyStore(database), clock),
            registry=Registry({self.connector.name: self.connector}),
            http=http,
            public_url="http://127.0.0.1",
            link_key=b"x" * 32,
        )

    def unit(self):
        return self.runtime.unit(self.merchant_id, "test")

    async def open(self, merchant_id) -> None:
        self.merchant_id = merchant_id
        async with self.unit() as unit:
            await create_merchant(unit, "店")
        self.connection_id = await self.connect()

    async def connect(self, title: str = "") -> object:
        credentials = dict.fromkeys(self.connector.credential_fields, "x")
        async with self.unit() as unit:
            return await connect_in(
                unit,
                self.runtime.vault,
                self.connector,
                mode=Mode.SANDBOX,
                base_url="",
                credentials=credentials,
                title=title,
            )

    async def sale(self, amount: Money = PRICE):
        """A checkout of an amount somebody typed."""
        async with self.unit() as unit:
            goods = Goods(sku_id=None, title="现场收款", quantity=1, amount=amount)
            return await open_checkout(unit, goods, Visit(container="counter"))

    async def job(self, effect, payload) -> timedelta | None:
        """Run a job once; when it wants to run again."""
        try:
            await effect(self.runtime, self.merchant_id, msgspec.json.encode(payload))
        except Postpone as later:
            return later.delay
        return None

    async def next_look(self) -> timedelta | None:
        """Let time pass until a closed attempt is due to be looked at, and look; how long that was, or None."""
        waiting = "FROM job WHERE kind = 'payments.check_closed' AND finished_at IS NULL"
        found = await self.values(f"SELECT due_at {waiting}")
        if not found:
            return None
        (due_at,), (payload,) = found, await self.values(f"SELECT payload {waiting}")
        wait, self.clock.at = due_at - self.clock.at, max(self.clock.at, due_at)
        async with self.unit() as unit:
            await unit.connection.exec_driver_sql(
                "UPDATE job SET finished_at = due_at, state = 'done' WHERE kind = 'payments.check_closed'"
            )
        await check_closed(self.runtime, self.merchant_id, payload)
        return wait

    async def payment(self):
        """The newest payment with its attempts and refunds."""
        async with self.unit() as unit:
            return (await payments_page(unit, limit=1, offset=0)).rows[0]

    async def values(self, statement: str) -> list:
        async with self.unit() as unit:
            return [row[0] for row in (await unit.connection.exec_driver_sql(statement)).all()]

    async def events(self) -> list[str]:
        return await self.values("SELECT name FROM outbox WHERE name LIKE 'payment.%' ORDER BY event_id")

    async def tickets(self) -> list[str]:
        return await self.values("SELECT kind FROM ticket ORDER BY ticket_id")
