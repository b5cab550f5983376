"""Events reach their handlers in any order, more than once, from several workers: the end is the same."""

from __future__ import annotations

import itertools
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import func, select

from hutong.core.errors import HutongError
from hutong.core.money import Money
from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.tables import outbox
from hutong.db.unit import EventKey
from hutong.db.vault import Vault
from hutong.ledger.books import Books
from hutong.ledger.models import posting
from hutong.merchants.actors import Actor
from hutong.merchants.connections import Mode
from hutong.merchants.models import ticket
from hutong.merchants.service import create_merchant
from hutong.payments.checkouts import Goods, Ordered, Visit, begin_paying, open_checkout
from hutong.payments.models import refund
from hutong.payments.refunds import finish_refund, get_refund
from hutong.payments.service import capture, close_payment, get_attempt, mark_attempt, open_attempt, open_payment
from hutong.payments.states import AttemptEvent
from hutong.platforms.payments import TradeReport, TradeStatus
from hutong.platforms.registry import Registry
from hutong.shops.catalogue import create_product, create_sku
from hutong.shops.models import sales_order, stock
from hutong.shops.orders import NewOrder, place_order
from hutong.shops.stock import receive
from hutong.transport.client import HttpPool
from hutong.workflows.commands.examine import examine
from hutong.workflows.commands.follow_refund import refund_in
from hutong.workflows.commands.open_shop import connect_in
from hutong.workflows.commands.settle import apply_trade_report
from hutong.workflows.delivery import deliver_event
from hutong.workflows.runtime import Runtime

PRICE = Money.fen(5900)
TELLER = Actor(name="staff:x", may_refund=True)


class Shop:
    """One merchant with a wallet, one sale, and the events in the outbox, delivered by hand."""

    def __init__(self, floor, http, folder) -> None:
        self.floor = floor
        Keyring.create(folder / "vault.key")
        self.runtime = Runtime(
            database=floor.database,
            books=Books(floor.database),
            clock=floor.clock,
            vault=Vault(Keyring.load(folder / "vault.key"), DatabaseKeyStore(floor.database), floor.clock),
            registry=Registry.from_entry_points(),
            http=http,
            public_url="http://127.0.0.1",
            link_key=b"x" * 32,
        )
        self.merchant_id = floor.merchant_id

    def unit(self):
        return self.runtime.unit(self.merchant_id, "test")

    async def open(self) -> None:
        connector = self.runtime.registry.get("wechatpay")
        credentials = dict.fromkeys(connector.credential_fields, "x")
        async with self.unit() as unit:
            await create_merchant(unit, "店")
            self.connection_id = await connect_in(
                unit, self.runtime.vault, connector, mode=Mode.SANDBOX, base_url="", credentials=credentials
            )
            product_id = await create_product(unit, "杯")
            self.sku_id = await create_sku(unit, product_id, "CUP", PRICE)
            await receive(unit, self.sku_id, 10, "first")

    async def order(self) -> None:
        async with self.unit() as unit:
            visit = Visit(channel_id=unit.new_id(), link_id=unit.new_id(), click_id=unit.new_id(), container="wechat")
            goods = Goods(sku_id=self.sku_id, title="杯", quantity=1, amount=PRICE)
            checkout_id = await open_checkout(unit, goods, visit)
            new = NewOrder(
                sku_id=self.sku_id,
                seller_code="CUP",
                title="杯",
                quantity=1,
                unit_price=PRICE,
                channel_id=visit.channel_id,
                link_id=visit.link_id,
                click_id=visit.click_id,
                container="wechat",
            )
            self.order_id = await place_order(unit, new)
            self.payment_id = await open_payment(unit, self.order_id, PRICE)
            attempt = await open_attempt(unit, self.payment_id, self.connection_id, "wechatpay", "jsapi")
            self.attempt_id = attempt.attempt_id
            await begin_paying(unit, [Ordered(checkout_id, self.order_id, self.payment_id)])

    async def captured(self) -> bool:
        async with self.unit() as unit:
            attempt = await get_attempt(unit, self.attempt_id)
            return await capture(unit, attempt, "4200", unit.now())

    async def refunded(self, amount_fen: int = 5900) -> None:
        async with self.unit() as unit:
            refund_id = await refund_in(unit, self.order_id, amount_fen, "x", TELLER)
        async with self.unit() as unit:
            await finish_refund(unit, await get_refund(unit, refund_id), "5000", unit.now())

    async def closed(self) -> None:
        async with self.unit() as unit:
            await mark_attempt(unit, self.attempt_id, AttemptEvent.CLOSE)
            await close_payment(unit, self.payment_id)

    async def events(self) -> list:
        async with self.unit() as unit:
            return [row.event_id for row in await unit.all(select(outbox).order_by(outbox.c.event_id))]

    async def deliver(self, event_id) -> bool:
        """Whether every handler took it."""
        try:
            await deliver_event(self.runtime, self.merchant_id, msgspec.json.encode(EventKey(event_id)))
        except HutongError:
            return False
        return True

    async def deliver_all(self, choose) -> None:
        """Deliver what is there in the chosen order until nothing is refused; what follows joins in."""
        done: set = set()
        for _ in range(20):
            waiting = [event for event in await self.events() if event not in done]
            if not waiting:
                return
            for event in choose(waiting):
                if await self.deliver(event):
                    done.add(event)
        raise AssertionError("events were refused for ever")

    async def figures(self) -> dict:
        async with self.unit() as unit:
            order = await unit.one(select(sales_order))
            shelf = await unit.one(select(stock))
            return {
                "order": order.state,
                "refunded": order.refunded_minor,
                "on_hand": shelf.on_hand,
                "reserved": shelf.reserved,
                "books": await unit.scalar(select(func.coalesce(func.sum(posting.c.amount_minor), 0))),
                "postings": await unit.scalar(select(func.count()).select_from(posting)),
                "tickets": [row.kind for row in await unit.all(select(ticket))],
                "refunds": [row.cause for row in await unit.all(select(refund))],
            }


@pytest.fixture
def run_shop(run_floor, tmp_path):
    numbers = itertools.count()

    def run(work) -> None:
        async def main(floor) -> None:
            async with HttpPool() as http:
                folder = tmp_path / str(next(numbers))
                folder.mkdir()
                shop = Shop(floor, http, folder)
                await shop.open()
                await shop.order()
                await work(shop)

        run_floor(main)

    return run


@pytest.mark.parametrize("choose", [list, lambda events: events[::-1]], ids=["in order", "backwards"])
def test_a_refund_may_be_heard_of_before_its_payment(run_shop, choose):
    async def work(shop):
        assert await shop.captured()
        for amount_fen in (900, 5000):
            shop.floor.clock.advance(timedelta(seconds=1))
            await shop.refunded(amount_fen)
        await shop.deliver_all(choose)
        figures = await shop.figures()
        assert (figures["order"], figures["refunded"]) == ("refunded", 5900)
        assert (figures["on_hand"], figures["reserved"], figures["books"]) == (10, 0, 0)
        assert await examine(shop.runtime, shop.merchant_id) == []
        for event in await shop.events():
            assert await shop.deliver(event)
        assert await shop.figures() == figures

    run_shop(work)


@pytest.mark.parametrize("choose", [list, lambda events: events[::-1]], ids=["in order", "backwards"])
def test_money_after_the_close_goes_back_once(run_shop, choose):
    async def work(shop):
        await shop.closed()
        assert await shop.captured()
        assert not await shop.captured()
        await shop.deliver_all(choose)
        figures = await shop.figures()
        assert (figures["order"], figures["on_hand"], figures["reserved"]) == ("closed", 10, 0)
        assert figures["refunds"] == ["automatic"]
        assert figures["tickets"] == ["surplus_captured"]
        async with shop.unit() as unit:
            row = await unit.one(select(refund))
            await finish_refund(unit, await get_refund(unit, row.refund_id), "5000", unit.now())
        await shop.deliver_all(choose)
        figures = await shop.figures()
        assert (figures["books"], figures["postings"]) == (0, 6)  # the wallet's fee came and went, too
        assert await examine(shop.runtime, shop.merchant_id) == []

    run_shop(work)


@pytest.mark.parametrize("state", ["open", "paid", "closed"])
def test_a_status_that_nobody_knows_changes_nothing(run_shop, state):
    async def work(shop):
        async with shop.unit() as unit:
            await mark_attempt(unit, shop.attempt_id, AttemptEvent.OPENED)
        if state == "paid":
            await shop.captured()
        if state == "closed":
            await shop.closed()
        await shop.deliver_all(list)
        before, events = await shop.figures(), await shop.events()
        async with shop.unit() as unit:
            attempt = await get_attempt(unit, shop.attempt_id)
            report = TradeReport(
                out_trade_no=attempt.out_trade_no, status=TradeStatus.PENDING, raw_status="BRAND_NEW", amount=PRICE
            )
            opened = await shop.runtime.open_account(shop.merchant_id, attempt.connection_id)
            await apply_trade_report(unit, opened, attempt, report)
        assert (await shop.figures(), await shop.events()) == (before, events)
        async with shop.unit() as unit:
            assert (await get_attempt(unit, shop.attempt_id)).state == attempt.state == state

    run_shop(work)
