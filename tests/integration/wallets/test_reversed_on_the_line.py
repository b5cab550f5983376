"""The till's charge by the older API, through hub and sandbox in this process: what stays unclear is undone on the line
on which the merchant shows its certificate, and money and books say the same on both sides.
"""

from __future__ import annotations

import asyncio
import os
from uuid import uuid4

import msgspec
import pytest

from hutong.core.money import Money
from hutong.db.engine import Database
from hutong.db.jobs import Postpone
from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.vault import Vault
from hutong.ledger.account_queries import balances
from hutong.ledger.books import Books
from hutong.merchants.connections import Mode
from hutong.merchants.service import create_merchant
from hutong.payments.checkouts import Goods, Visit, open_checkout
from hutong.payments.service import attempts_of
from hutong.platforms.registry import Registry
from hutong.transport.client import HttpPool
from hutong.workflows.commands.charge_code import (
    CODE_LIFE,
    ChargeRunning,
    ChargeState,
    charge_code,
    follow_charge,
    follow_due_charge,
)
from hutong.workflows.commands.open_shop import connect_in
from hutong.workflows.dispatcher import deliver_waiting
from hutong.workflows.jobs import CODE_QUERY_GAP, AttemptKey
from hutong.workflows.runtime import Runtime
from hutong_sandbox.faults import FaultRule
from hutong_sandbox.server import Sandbox

LATE_S = int(CODE_LIFE.total_seconds()) + 1


class Shop:
    """A shop with the simulated wallet's account in V2 mode."""

    def __init__(self, sandbox, runtime, merchant_id):
        self.sandbox, self.runtime, self.merchant_id = sandbox, runtime, merchant_id
        self.wallet = sandbox.platforms["wechatpay"]

    def unit(self):
        return self.runtime.unit(self.merchant_id, "test")

    async def open(self):
        told = self.wallet.credentials("default") | self.wallet.more_credentials("default")
        alone = {name: value for name, value in told.items() if not name.startswith("sub_")}
        async with self.unit() as unit:
            await create_merchant(unit, "店")
            await connect_in(
                unit,
                self.runtime.vault,
                self.runtime.registry.get("wechatpay"),
                mode=Mode.SANDBOX,
                base_url=self.sandbox.control.urls["wechatpay"],
                credentials=alone,
            )

    async def sale(self, fen=880):
        async with self.unit() as unit:
            goods = Goods(sku_id=None, title="现场收款", quantity=1, amount=Money.fen(fen))
            return await open_checkout(unit, goods, Visit(container="counter"))

    def faults(self, **kinds):
        self.sandbox.world.faults.replace(
            [FaultRule(platform="wechatpay", kind=kind, **more) for kind, more in kinds.items()]
        )

    async def scan(self, sale):
        code = self.wallet.show_code({"buyer": 1})["auth_code"]
        return await charge_code(self.runtime, self.merchant_id, sale, code)

    async def later(self, seconds):
        await self.sandbox.world.agenda.advance(seconds)

    async def attempt(self, sale):
        """The last one of a sale."""
        view = await follow_charge(self.runtime, self.merchant_id, sale)
        async with self.unit() as unit:
            return (await attempts_of(unit, view.payment_id))[-1]

    async def follow(self, sale):
        """Run the charge's job as it is due; whether it wants to run again."""
        payload = msgspec.json.encode(AttemptKey((await self.attempt(sale)).attempt_id))
        try:
            await follow_due_charge(self.runtime, self.merchant_id, payload)
        except Postpone as again:
            return again.delay == CODE_QUERY_GAP
        return False

    async def booked(self):
        """What the books say is at the wallet."""
        while await deliver_waiting(self.runtime, self.merchant_id):
            pass
        async with self.unit() as unit:
            rows = await balances(unit)
        return {row.path: row.balance.amount_minor for row in rows if row.balance.amount_minor}

    def at_wallet(self):
        """The wallet's own account of each order: what came in, and what went back."""
        return {row.order_no: (row.status, row.amount_fen - row.refunded_fen) for row in self.wallet.books()}

    def reversals(self):
        return [e for e in self.sandbox.world.events.since(0, "wechatpay") if e.kind == "order_reversed"]


async def nobody_types_the_password(shop):
    """USERPAYING until its time is over: reversed, nothing taken, and the next code pays."""
    shop.faults(code_userpaying={"seconds": 3600, "limit": 1})
    sale = await shop.sale()
    assert (await shop.scan(sale)).state is ChargeState.WAITING
    await shop.later(10)
    assert await shop.follow(sale), "asked, and still typing"
    with pytest.raises(ChargeRunning):
        await shop.scan(sale)
    await shop.later(LATE_S)
    assert not await shop.follow(sale)
    assert (await shop.attempt(sale)).state == "reversed"
    assert (await follow_charge(shop.runtime, shop.merchant_id, sale)).state is ChargeState.READY
    assert len(shop.reversals()) == 1
    assert (shop.at_wallet(), await shop.booked()) == ({}, {})
    await shop.later(3600)
    assert shop.at_wallet() == {}, "the password that is typed at last pays nothing"
    return sale


async def silence_then_a_reversal_without_an_answer(shop):
    """The wallet took the money and nobody here knows: it goes back, and the lost answer is asked for again."""
    before = await shop.booked()
    shop.faults(create_timeout={"limit": 1}, reverse_timeout={"limit": 1}, server_error={"rate": 0})
    sale = await shop.sale()
    assert (await shop.scan(sale)).state is ChargeState.WAITING
    number = (await shop.attempt(sale)).out_trade_no
    assert shop.at_wallet()[number] == ("SUCCESS", 880)
    shop.faults(server_error={}, reverse_timeout={"limit": 1})
    await shop.later(LATE_S)
    assert await shop.follow(sale), "again, says the platform as often as it is asked"
    assert (await shop.attempt(sale)).state == "reversing"
    assert shop.at_wallet()[number] == ("SUCCESS", 880)
    with pytest.raises(ChargeRunning):
        await shop.scan(sale)
    shop.faults()
    await shop.later(5)
    assert not await shop.follow(sale)
    assert (await shop.attempt(sale)).state == "reversed"
    assert shop.at_wallet()[number] == ("REVOKED", 0)
    assert await shop.booked() == before
    return sale


async def the_next_code_pays(shop, sale):
    shop.faults()
    reversed_before = len(shop.reversals())
    view = await shop.scan(sale)
    assert view.state is ChargeState.PAID
    number = (await shop.attempt(sale)).out_trade_no
    assert shop.at_wallet()[number] == ("SUCCESS", 880)
    assert not await shop.follow(sale)
    assert len(shop.reversals()) == reversed_before


def test_what_stays_unclear_is_reversed_and_the_books_agree(address, tmp_path):
    async def main():
        sandbox = Sandbox(20261127, None)
        await sandbox.open(0)
        keys = tmp_path / f"{os.urandom(4).hex()}.key"
        Keyring.create(keys)
        clock = sandbox.world.clock
        database = Database(address, clock)
        books = Books(database)
        async with HttpPool() as http:
            runtime = Runtime(
                database=database,
                books=books,
                clock=clock,
                vault=Vault(Keyring.load(keys), DatabaseKeyStore(database), clock),
                registry=Registry.from_entry_points(),
                http=http,
                public_url="http://127.0.0.1",
                link_key=b"x" * 32,
            )
            shop = Shop(sandbox, runtime, uuid4())
            try:
                await shop.open()
                first = await nobody_types_the_password(shop)
                second = await silence_then_a_reversal_without_an_answer(shop)
                for sale in (first, second):
                    await the_next_code_pays(shop, sale)
                booked = await shop.booked()
                kept = [row for row in shop.wallet.books() if row.status == "SUCCESS"]
                assert [row.amount_fen for row in kept] == [880, 880]
                assert booked.pop("revenue:sales") == -2 * 880
                assert booked.pop("expense:wallet_fee") == sum(row.fee_fen for row in kept)
                [(account, at_wallet_fen)] = booked.items()
                assert account.startswith("wallet:wechatpay:")
                assert at_wallet_fen == sum(row.amount_fen - row.fee_fen for row in kept)
            finally:
                await books.close()
                await database.close()
                await sandbox.close()

    asyncio.run(main())
