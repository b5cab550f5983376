"""Which account takes a payment of a merchant's own app, and what becomes of one that cannot be opened."""

from __future__ import annotations

import msgspec
import pytest

from hutong.core.errors import InvalidInput
from hutong.core.money import Money
from hutong.merchants.connections import Mode, change_settings
from hutong.payments.checkouts import Goods, Visit, know_payer, open_checkout
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import PaymentCreated, PayMethod
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.registry import Registry
from hutong.workflows.commands.open_payment import Wanted, lay_out, open_payment
from hutong.workflows.commands.open_shop import connect_in
from hutong.workflows.commands.pay import PayerUnknown, pay
from hutong.workflows.commands.wallets import MINI_SCOPE, NoWallet

PRICE = Money.fen(1_500)
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
ASKED = Wanted(platform="wechatpay", method=PayMethod.MINI, amount=PRICE, title="停车费", payer_id=OPENID)


class MiniWallet:
    """A wallet for mini-programs that remembers for whom it was asked; accounts in ``refuse`` refuse."""

    def __init__(self):
        self.asked = []
        self.refuse = set()

    async def create(self, account, command):
        mini_appid = account.credentials.get("mini_appid", "")
        self.asked.append((mini_appid, command.payer_id))
        if not mini_appid:
            raise InvalidInput(field="mini_appid", problem="credentials")
        if mini_appid in self.refuse:
            raise PlatformRefused(
                platform="wechatpay", platform_code="NO_AUTH", message="", word=ErrorWord.NOT_PERMITTED
            )
        return PaymentCreated(invoke={"package": f"prepay_id={command.out_trade_no}"})


class MiniShop:
    """The shop of a test, with accounts of mini-programs."""

    def __init__(self, till):
        self.wallet = MiniWallet()
        sheet = Registry.from_entry_points().get("wechatpay")
        methods = (PayMethod.MINI, PayMethod.JSAPI)
        self.connector = msgspec.structs.replace(sheet, pay_methods=methods, payments=self.wallet)
        till.runtime = msgspec.structs.replace(till.runtime, registry=Registry({sheet.name: self.connector}))
        self.till, self.runtime, self.merchant_id = till, till.runtime, till.merchant_id

    async def close_the_first(self):
        """The account that every test's shop has."""
        async with self.till.unit() as unit:
            await change_settings(unit, self.till.connection_id, is_active=0)

    async def connect(self, mini_appid, appid="wx1"):
        credentials = {**dict.fromkeys(self.connector.credential_fields, "x"), "mini_appid": mini_appid, "appid": appid}
        async with self.till.unit() as unit:
            return await connect_in(
                unit, self.runtime.vault, self.connector, mode=Mode.SANDBOX, base_url="", credentials=credentials
            )

    async def open(self, wanted=ASKED):
        async with self.till.unit() as unit:
            checkout_id = await lay_out(self.runtime, unit, wanted)
        return await open_payment(self.runtime, self.merchant_id, checkout_id, wanted)

    async def attempts(self):
        return [attempt.state for attempt in (await self.till.payment()).attempts]


def in_a_shop(at_the_till, work):
    async def opened(till):
        shop = MiniShop(till)
        await shop.close_the_first()
        await work(shop)

    at_the_till(opened)


def test_only_accounts_of_the_same_mini_program_take_over(at_the_till):
    async def work(shop):
        await shop.connect("wxmini1")
        await shop.connect("wxmini2")
        await shop.connect("wxmini1", appid="wx2")
        shop.wallet.refuse = {"wxmini1"}
        with pytest.raises(PlatformRefused):
            await shop.open()
        assert shop.wallet.asked == [("wxmini1", OPENID)] * 2, "wxmini2 does not know this buyer"

    in_a_shop(at_the_till, work)


def test_an_account_without_a_mini_program_is_passed_over(at_the_till):
    async def work(shop):
        await shop.connect("")
        with pytest.raises(NoWallet):
            await shop.open()
        await shop.connect("wxmini1")
        opened = await shop.open()
        assert shop.wallet.asked == [("wxmini1", OPENID)]
        assert opened.created.invoke == {"package": f"prepay_id={opened.out_trade_no}"}

    in_a_shop(at_the_till, work)


def test_the_account_that_is_named_takes_it_and_no_other(at_the_till):
    async def work(shop):
        await shop.connect("wxmini1")
        named = await shop.connect("wxmini2")
        await shop.open(msgspec.structs.replace(ASKED, connection_id=named))
        assert shop.wallet.asked == [("wxmini2", OPENID)]
        shop.wallet.refuse = {"wxmini2"}
        with pytest.raises(PlatformRefused):
            await shop.open(msgspec.structs.replace(ASKED, connection_id=named))
        assert shop.wallet.asked == [("wxmini2", OPENID)] * 2

    in_a_shop(at_the_till, work)


def test_what_an_account_lacks_leaves_no_open_attempt(at_the_till):
    """Of an account that was connected before anybody noted mini-programs only its connector knows."""

    async def work(shop):
        old = await shop.connect("")
        async with shop.till.unit() as unit:
            await unit.connection.exec_driver_sql(f"UPDATE connection SET settings = settings - '{MINI_SCOPE}'")
        with pytest.raises(InvalidInput):
            await shop.open(msgspec.structs.replace(ASKED, connection_id=old))
        assert await shop.attempts() == ["refused"]

    in_a_shop(at_the_till, work)


def test_a_buyer_known_from_a_page_is_nobody_in_the_mini_program(at_the_till):
    async def work(shop):
        await shop.connect("wxmini1")
        async with shop.till.unit() as unit:
            goods = Goods(sku_id=None, title="现场收款", quantity=1, amount=PRICE)
            checkout_id = await open_checkout(unit, goods, Visit(container="wechat"))
            await know_payer(unit, shop.runtime.vault, checkout_id, "wechat_openid", OPENID, "wx1")
        way = {"platform": None, "client_ip": ""}
        with pytest.raises(PayerUnknown):
            await pay(shop.runtime, shop.merchant_id, checkout_id, method=PayMethod.MINI, **way)
        await pay(shop.runtime, shop.merchant_id, checkout_id, method=PayMethod.JSAPI, **way)
        assert shop.wallet.asked == [("wxmini1", OPENID)]

    in_a_shop(at_the_till, work)
