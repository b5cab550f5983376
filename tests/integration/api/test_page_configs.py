"""Pages signed for WeChat: one process asks, everybody signs; what goes wrong is told, and no page waits for it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from msgspec import structs
from sqlalchemy import select

from hutong.db.engine import Database
from hutong.links.hosts import settle_check
from hutong.merchants.connections import IS_ACTIVE, Mode, change_settings
from hutong.merchants.grant_models import page_grant
from hutong.merchants.grants import LEASE, keep_grants, kept_grants, lease
from hutong.platforms.pages import PageConfig
from hutong.platforms.registry import Registry
from hutong.workflows.commands.open_shop import connect_in
from hutong.workflows.commands.page_configs import SignedPage, page_account, signed_page
from hutong_sandbox.faults import FaultRule
from hutong_sandbox.server import Sandbox

PAGE = "http://127.0.0.1/u/shop?from=singlemessage"
CALLERS = 20


@pytest.fixture
def registry():
    return Registry.from_entry_points()


class Phone:
    """The sandbox with its phone, and the merchant's account there."""

    def __init__(self, sandbox, caller):
        self._sandbox, self._caller = sandbox, caller
        self.url = sandbox.control.urls["wechat_account"]
        self.faults = sandbox.world.faults

    async def connect(self):
        given = self._sandbox.platforms["wechat_account"].credentials(os.urandom(4).hex())
        runtime = self._caller.runtime
        async with self._caller.room.unit() as unit:
            return await connect_in(
                unit,
                runtime.vault,
                runtime.registry.get("wechat_account"),
                mode=Mode.SANDBOX,
                base_url=self.url,
                credentials=given,
            )

    async def sees(self, signed, url=PAGE):
        config = {
            "appId": signed.config.app_id,
            "timestamp": signed.config.timestamp,
            "nonceStr": signed.config.nonce,
            "signature": signed.config.signature,
            "jsApiList": ["updateAppMessageShareData"],
        }
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self.url}/phone/config", json={"config": config, "url": url})
        return answer.json()["errMsg"]

    def lent(self, what):
        events = self._sandbox.world.events.since(0, "wechat_account")
        return sum(1 for event in json.loads(msgspec.json.encode(events)) if event["kind"] == what)

    def break_down(self, kind, **more):
        self.faults.replace([msgspec.convert({"platform": "wechat_account", "kind": kind, **more}, FaultRule)])

    def mend(self):
        self.faults.replace([])


@asynccontextmanager
async def phone_of(caller):
    sandbox = Sandbox(7, None)
    await sandbox.open(0)
    try:
        sandbox.world.clock = caller.room.clock
        yield Phone(sandbox, caller)
    finally:
        await sandbox.close()


def test_many_pages_of_two_processes_ask_once_and_the_phone_believes_them(calling):
    async def work(caller):
        other = Database(caller.room.address, caller.room.clock)
        second = msgspec.structs.replace(caller.runtime, database=other, accounts={}, opening={})
        try:
            async with phone_of(caller) as phone:
                await phone.connect()
                asked = [
                    signed_page(runtime, caller.room.merchant_id, "wechat", PAGE)
                    for runtime in (caller.runtime, second)
                    for _ in range(CALLERS)
                ]
                pages = await asyncio.gather(*asked)
                assert (phone.lent("token_lent"), phone.lent("ticket_lent")) == (1, 1)
                assert {await phone.sees(page) for page in pages} == {"config:ok"}
                assert await phone.sees(pages[0], PAGE + "#top") == "config:ok"
                assert await phone.sees(pages[0], PAGE + "&x=1") == "config:fail, invalid signature"
                assert len({page.config.nonce for page in pages}) == len(pages)
        finally:
            await other.close()

    calling(work)


def test_a_card_is_signed_and_shared_under_the_name_that_it_is_open_under(calling):
    """WeChat checks the address that its browser shows, and shares no link under another name."""

    async def work(caller):
        own = f"shop-{uuid4().hex[:12]}.example.cn"
        added = await caller.post("/hosts", {"host": own}, key=uuid4().hex)
        async with caller.room.unit() as unit:
            await settle_check(unit, UUID(added["host_id"]), "")
        await caller.post(f"/hosts/{added['host_id']}/show", {"is_shown": True}, key=uuid4().hex)
        channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
        body = {"title": "茶", "channel": channel, "url": "https://weibo.com/1/a"}
        code = (await caller.post("/links", body, key=uuid4().hex))["code"]
        async with phone_of(caller) as phone:
            await phone.connect()
            for host, base in (
                ("127.0.0.1", "http://127.0.0.1"),
                (own, f"https://{own}"),
                ("evil.example", "http://127.0.0.1"),
            ):
                agent = "Mozilla/5.0 (Linux; Android 14; K) Chrome/120.0.0.0 Mobile MicroMessenger/8.0.46.2540"
                page = await caller.client.get(f"/card/{code}?from=x", headers={"user-agent": agent, "host": host})
                given, shared = (
                    json.loads(found)
                    for found in re.search(r"given = (\{.*?\}), card = (\{.*?\});", page.text).groups()
                )
                config = PageConfig(**given)
                signed = SignedPage(script_url="", config=config)
                assert await phone.sees(signed, f"{base}/card/{code}?from=x") == "config:ok"
                assert shared["url"] == f"{base}/l/{code}"
                assert f'property="og:url" content="https://{own}/l/{code}"' in page.text

    calling(work)


def test_elsewhere_and_without_an_account_nothing_is_asked(calling):
    async def work(caller):
        async with phone_of(caller) as phone:
            assert await signed_page(caller.runtime, caller.room.merchant_id, "wechat", PAGE) is None
            await phone.connect()
            for container in ("mobile", "desktop", "weibo", "wechat_mini"):
                assert await signed_page(caller.runtime, caller.room.merchant_id, container, PAGE) is None
            assert phone.lent("token_lent") == 0

    calling(work)


def test_a_token_that_somebody_else_replaced_is_asked_for_anew(calling):
    async def work(caller):
        async with phone_of(caller) as phone:
            connection_id = await phone.connect()
            merchant_id, vault = caller.room.merchant_id, caller.runtime.vault
            await signed_page(caller.runtime, merchant_id, "wechat", PAGE)
            async with caller.room.unit() as unit:  # the ticket has ended, the token has not
                lent = (await kept_grants(unit, vault, connection_id)).lent
                await keep_grants(unit, vault, connection_id, structs.replace(lent, ticket_ends_at=unit.now()))
            phone.break_down("token_replaced", limit=1)
            again = await signed_page(caller.runtime, merchant_id, "wechat", PAGE)
            assert await phone.sees(again) == "config:ok"
            assert (phone.lent("refused"), phone.lent("token_lent"), phone.lent("ticket_lent")) == (1, 2, 2)

    calling(work)


def test_after_two_hours_there_is_a_new_ticket_and_the_old_one_is_refused(calling):
    async def work(caller):
        async with phone_of(caller) as phone:
            await phone.connect()
            first = await signed_page(caller.runtime, caller.room.merchant_id, "wechat", PAGE)
            caller.room.clock.advance(hours=2, seconds=1)
            again = await signed_page(caller.runtime, caller.room.merchant_id, "wechat", PAGE)
            assert await phone.sees(first) == "config:fail, invalid signature"
            assert await phone.sees(again) == "config:ok"
            assert (phone.lent("token_lent"), phone.lent("ticket_lent")) == (2, 2)

    calling(work)


def test_a_process_that_died_while_it_asked_keeps_nobody_waiting_for_ever(calling):
    async def work(caller):
        async with phone_of(caller) as phone:
            connection_id = await phone.connect()
            async with caller.room.unit() as unit:
                assert await lease(unit, connection_id)
                assert not await lease(unit, connection_id)
            caller.room.clock.advance(seconds=LEASE.total_seconds() + 1)
            assert await phone.sees(await signed_page(caller.runtime, caller.room.merchant_id, "wechat", PAGE)) == (
                "config:ok"
            )

    calling(work)


@pytest.mark.parametrize(("fault", "code"), [("ip_refused", "40164"), ("quota_used", "45009"), ("busy", "-1")])
def test_a_refusal_is_told_and_not_asked_about_with_every_page(calling, caplog, fault, code):
    async def work(caller):
        async with phone_of(caller) as phone:
            await phone.connect()
            merchant_id = caller.room.merchant_id
            phone.break_down(fault)
            with caplog.at_level(logging.WARNING, "hutong.pages"):
                for _ in range(5):
                    assert await signed_page(caller.runtime, merchant_id, "wechat", PAGE) is None
            assert phone.lent("refused") == 1
            assert (await page_account(caller.runtime, merchant_id)).problem == code
            assert len(caplog.records) == 1
            phone.mend()
            caller.room.clock.advance(minutes=11)
            assert await phone.sees(await signed_page(caller.runtime, merchant_id, "wechat", PAGE)) == "config:ok"
            assert (await page_account(caller.runtime, merchant_id)).problem is None

    calling(work)


def test_what_is_lent_is_sealed_and_in_no_log(calling, caplog):
    async def work(caller):
        async with phone_of(caller) as phone:
            await phone.connect()
            with caplog.at_level(logging.INFO, "hutong"):
                await signed_page(caller.runtime, caller.room.merchant_id, "wechat", PAGE)
            account = phone._sandbox.platforms["wechat_account"]._accounts.all()[-1]
            secrets = [account.app_secret, account._stable, account.ticket()[0]]
            async with caller.room.unit() as unit:
                row = await unit.one(select(page_grant).where(page_grant.c.merchant_id == unit.merchant_id))
            assert row.sealed
            assert row.leased_until_at is None
            for secret in secrets:
                assert secret not in caplog.text
                assert secret.encode() not in row.sealed

    calling(work)


def test_an_account_that_is_switched_off_signs_nothing(calling):
    async def work(caller):
        async with phone_of(caller) as phone:
            connection_id = await phone.connect()
            async with caller.room.unit() as unit:
                await change_settings(unit, connection_id, **{IS_ACTIVE: 0})
            assert await signed_page(caller.runtime, caller.room.merchant_id, "wechat", PAGE) is None
            assert phone.lent("token_lent") == 0

    calling(work)
