"""Inside WeChat another app's account takes over: the buyer is asked once more, in his own browser and in no other."""

from __future__ import annotations

import asyncio
import os
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from hutong.cli.buyers import WECHAT_AGENT
from hutong.core.money import Money
from hutong.db.engine import Database
from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.vault import Vault
from hutong.ledger.books import Books
from hutong.merchants.connections import Mode
from hutong.merchants.directory import CHECKOUT, register
from hutong.merchants.service import create_merchant
from hutong.payments.checkouts import Goods, Visit, get_checkout, open_checkout, payer_of
from hutong.platforms.registry import Registry
from hutong.transport.client import HttpPool
from hutong.web.app import build_doors
from hutong.workflows.commands.open_shop import connect_in
from hutong.workflows.runtime import Runtime
from hutong_sandbox.server import Sandbox

HUB = "http://hub"


class Phone:
    """A browser inside WeChat: cookies of its own, and a buyer who sits before it."""

    def __init__(self, app, buyer):
        headers = {"user-agent": WECHAT_AGENT}
        self.hub = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HUB, headers=headers)
        self.wechat = httpx.AsyncClient(headers={**headers, "x-sandbox-buyer": str(buyer)}, trust_env=False)

    async def open(self, url):
        """One address, at the hub or at WeChat; where it leads to."""
        client = self.hub if url.startswith(("/", HUB)) else self.wechat
        return await client.get(url.replace("#wechat_redirect", ""))

    async def follow(self, url):
        """Until a page stands there."""
        for _ in range(8):
            answer = await self.open(url)
            if not answer.has_redirect_location:
                return answer
            url = answer.headers["location"]
        raise AssertionError(f"going round in circles: {url}")

    async def press(self, checkout_id):
        pressed = {"method": "jsapi", "platform": "wechatpay"}
        headers = {"accept": "application/json"}
        answer = await self.hub.post(f"/c/{checkout_id}/pay", json=pressed, headers=headers)
        return answer.status_code, answer.json()

    async def close(self):
        await self.hub.aclose()
        await self.wechat.aclose()


class Shop:
    """Two accounts of two apps; the first one's key is wrong, so that it refuses for a reason of its own."""

    def __init__(self, runtime, wallet, base_url):
        self.runtime, self.wallet, self.base_url, self.merchant_id = runtime, wallet, base_url, uuid4()

    def unit(self):
        return self.runtime.unit(self.merchant_id, "test")

    async def open(self):
        async with self.unit() as unit:
            await create_merchant(unit, "店")
        first, second = self.wallet.credentials("default"), self.wallet.credentials("another")
        self.apps = first["appid"], second["appid"]
        for told in ({**first, "private_key": second["private_key"]}, second):
            async with self.unit() as unit:
                await connect_in(
                    unit,
                    self.runtime.vault,
                    self.runtime.registry.get("wechatpay"),
                    mode=Mode.SANDBOX,
                    base_url=self.base_url,
                    credentials=told,
                )

    async def checkout(self):
        async with self.unit() as unit:
            goods = Goods(sku_id=None, title="现场收款", quantity=1, amount=Money.fen(880))
            checkout_id = await open_checkout(unit, goods, Visit(container="wechat"))
            await register(unit, CHECKOUT, checkout_id.hex, checkout_id)
        return checkout_id

    async def payer(self, checkout_id):
        async with self.unit() as unit:
            view = await get_checkout(unit, checkout_id)
            return view.payer_scope, await payer_of(unit, self.runtime.vault, view)

    def openid(self, app, buyer):
        return self.wallet.keyring._world.buyers.openid(app, buyer)


@pytest.fixture
def in_wechat(room_address, tmp_path, recwarn):
    """Run ``work(shop, phone)`` before hub and sandbox in this process."""

    def run(work):
        keys = tmp_path / f"{os.urandom(4).hex()}.key"
        Keyring.create(keys)

        async def main():
            sandbox = Sandbox(20261127, None)
            await sandbox.open(0)
            clock = sandbox.world.clock
            database = Database(room_address, clock)
            books = Books(database)
            phones = []
            async with HttpPool() as http:
                runtime = Runtime(
                    database=database,
                    books=books,
                    clock=clock,
                    vault=Vault(Keyring.load(keys), DatabaseKeyStore(database), clock),
                    registry=Registry.from_entry_points(),
                    http=http,
                    public_url=HUB,
                    link_key=b"x" * 32,
                )
                shop, app = Shop(runtime, sandbox.platforms["wechatpay"], sandbox.control.urls["wechatpay"]), None
                app = build_doors(runtime)

                def phone(buyer):
                    phones.append(Phone(app, buyer))
                    return phones[-1]

                try:
                    await shop.open()
                    await work(shop, phone)
                finally:
                    for one in phones:
                        await one.close()
                    await books.close()
                    await database.close()
                    await sandbox.close()

        asyncio.run(main())

    return run


def app_asked(url):
    return parse_qs(urlsplit(url).query)["appid"][0]


async def back(phone, url):
    """Where WeChat sends this phone after it was asked."""
    return (await phone.open(url)).headers["location"]


async def refuses_what_was_passed_on(shop, phone, checkout_id, asked, known):
    """Somebody follows the address that the buyer was sent to, or the one he came back by; another forges the state."""
    stranger = phone(2)
    landed = await stranger.follow(await back(stranger, asked))
    assert landed.status_code == 200
    assert "hutong_buyer" not in stranger.hub.cookies
    assert await shop.payer(checkout_id) == known
    status, problem = await stranger.press(checkout_id)
    assert (status, problem["code"]) == (409, "payer_unknown"), "his browser is sent nowhere"
    assert await shop.payer(checkout_id) == known


def test_the_buyer_is_asked_once_more_and_nobody_else(in_wechat):
    async def work(shop, phone):
        first, second = shop.apps
        checkout_id = await shop.checkout()
        buyer = phone(1)
        away = (await buyer.open(f"/c/{checkout_id}")).headers["location"]
        assert app_asked(away) == first
        came = await back(buyer, away)
        forged = await phone(3).open(came)  # he came by the buyer's address, before the buyer did
        assert "hutong_buyer" not in forged.headers.get("set-cookie", "")
        assert await shop.payer(checkout_id) == ("", None)
        assert (await buyer.follow(came)).status_code == 200
        known = (first, shop.openid(first, 1))
        assert await shop.payer(checkout_id) == known

        status, answer = await buyer.press(checkout_id)
        assert status == 200, answer
        asked = answer["identify_url"]
        assert app_asked(asked) == second
        await refuses_what_was_passed_on(shop, phone, checkout_id, asked, known)
        came = await back(buyer, asked)
        state = parse_qs(urlsplit(came).query)["state"][0]
        for wrong in ("0" * len(state), checkout_id.hex, ""):
            await buyer.open(came.replace(state, wrong))
            assert await shop.payer(checkout_id) == known, "a state that was not given to this browser"
        assert (await buyer.follow(came)).status_code == 200
        assert await shop.payer(checkout_id) == (second, shop.openid(second, 1))

        status, answer = await buyer.press(checkout_id)
        assert (status, answer["invoke"]["appId"]) == (200, second)
        paid = await shop.wallet.pay({"invoke": answer["invoke"], "buyer": 1})
        assert (paid["trade_state"], paid["amount"]["total"]) == ("SUCCESS", 880)

    in_wechat(work)
