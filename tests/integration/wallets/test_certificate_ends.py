"""A certificate that ends soon is told of once, while there is time; one that was renewed no more."""

from __future__ import annotations

import os
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from sqlalchemy import update

from hutong import app
from hutong.db.housekeeping import Housekeeper
from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.vault import Vault
from hutong.merchants.actors import Actor
from hutong.merchants.connections import Mode, add_connection, list_connections
from hutong.merchants.models import connection, ticket
from hutong.merchants.service import create_merchant
from hutong.merchants.tickets import list_tickets
from hutong.platforms.registry import Registry
from hutong.workflows.commands.connect import change_account
from hutong.workflows.commands.watch_certificates import watch_certificates

SERIAL = 0x5157F09EFDC096DE15EBE81A47057A7232F1B8E1
#: Forty days after the first of March, where the room's clock begins.
ENDS_ON = "2026-04-10"
OWNER = Actor(name="test", may_refund=False, may_connect=True)
REGISTRY = Registry.from_entry_points()


def pem(key):
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def public(key):
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form).decode()


@pytest.fixture(scope="module")
def keys():
    return [rsa.generate_private_key(65537, 2048) for _ in range(2)]


class Shop:
    """Accounts of two merchants, and the looking after both."""

    def __init__(self, room, keys, path):
        self.room, self.keys = room, keys
        self.others = uuid4()
        Keyring.create(path)
        self.vault = Vault(Keyring.load(path), DatabaseKeyStore(room.database), room.clock)
        self.runtime = SimpleNamespace(
            unit=room.database.unit,
            database=room.database,
            vault=self.vault,
            registry=REGISTRY,
            clock=room.clock,
            link_key=b"x" * 32,
            http=SimpleNamespace(account=lambda *_: None),
            accounts={},
        )

    def certificate(self, days, key=0, name="root", issuer=None, serial=SERIAL):
        now = self.room.clock.now().replace(microsecond=0)
        names = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in ("root", name))
        made = x509.CertificateBuilder(
            *names, self.keys[key].public_key(), serial, now - timedelta(days=400), now + timedelta(days=days)
        )
        signed = made.sign(self.keys[key if issuer is None else issuer], hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def wechat(self, days, **changes):
        return {
            "mchid": "1900000109",
            "appid": "wx8888888888888888",
            "app_secret": "0" * 32,
            "serial_no": f"{SERIAL:X}",
            "private_key": pem(self.keys[0]),
            "api_v3_key": "k" * 32,
            "api_key": "o" * 32,
            "client_certificate": self.certificate(days),
            "public_key_id": "PUB_KEY_ID_0119000001092024",
            "public_key": public(self.keys[1]),
            **changes,
        }

    def alipay(self, app, leaf, root):
        return {
            "app_id": "2021000000000001",
            "private_key_pkcs8": pem(self.keys[0]),
            "app_cert": self.certificate(app),
            "alipay_cert": self.certificate(leaf, key=1, name="alipay", serial=2),
            "alipay_root_cert": self.certificate(root, key=1),
        }

    async def connect(self, platform, credentials, title="总店", merchant_id=None):
        async with self.room.database.unit(merchant_id or self.room.merchant_id, "test") as unit:
            if not await list_connections(unit):
                await create_merchant(unit, "店")
            return await add_connection(
                unit,
                self.vault,
                REGISTRY.get(platform),
                mode=Mode.LIVE,
                title=title,
                base_url="",
                credentials=credentials,
                settings={},
            )

    async def look(self):
        await watch_certificates(self.runtime, self.room.merchant_id)
        return await self.told()

    async def renew(self, connection_id, **typed):
        await change_account(
            self.runtime, self.room.merchant_id, OWNER, connection_id, title="", typed=typed, is_tried=False
        )

    async def told(self, state="open", merchant_id=None):
        async with self.room.database.unit(merchant_id or self.room.merchant_id, "test") as unit:
            rows = await list_tickets(unit, state=state, limit=9)
            return [row for row in rows if row.kind == "certificate_ending"]


@pytest.fixture
def keeping(room, keys, tmp_path):
    """Run ``work(shop)``."""

    def run(work):
        async def main():
            return await work(Shop(room, keys, tmp_path / f"{os.urandom(4).hex()}.key"))

        return room.run(main)

    return run


def test_forty_days_are_nothing_and_twenty_are_told_once(keeping):
    async def work(shop):
        connection_id = await shop.connect("wechatpay", shop.wechat(40))
        assert await shop.look() == []
        shop.room.clock.advance(days=20)
        for _ in range(3):
            (told,) = await shop.look()
        shop.room.clock.advance(days=1)
        assert len(await shop.look()) == 1
        return connection_id, told

    connection_id, told = keeping(work)
    assert (told.subject_kind, told.subject_id, told.severity) == ("connection", str(connection_id), "normal")
    assert told.details == {
        "platform": "wechatpay",
        "title": "总店",
        "certificate": "client_certificate",
        "ends_on": ENDS_ON,
    }


def test_what_was_dealt_with_is_not_told_again(keeping):
    async def work(shop):
        await shop.connect("wechatpay", shop.wechat(20))
        (told,) = await shop.look()
        async with shop.room.unit() as unit:
            await unit.run(update(ticket).where(ticket.c.ticket_id == told.ticket_id).values(state="resolved"))
        return await shop.look()

    assert keeping(work) == []


def test_a_new_certificate_ends_it_at_once_and_none_comes_again(keeping):
    async def work(shop):
        connection_id = await shop.connect("wechatpay", shop.wechat(20))
        assert len(await shop.look()) == 1
        await shop.renew(connection_id, client_certificate=shop.certificate(365))
        assert await shop.told() == []
        assert await shop.look() == []
        return len(await shop.told("resolved"))

    assert keeping(work) == 1


def test_a_new_one_that_ends_soon_as_well_takes_the_place_of_the_first(keeping):
    async def work(shop):
        connection_id = await shop.connect("wechatpay", shop.wechat(5))
        (first,) = await shop.look()
        await shop.renew(connection_id, client_certificate=shop.certificate(25))
        (second,) = await shop.look()
        return first.details["ends_on"] < second.details["ends_on"], len(await shop.told("resolved"))

    assert keeping(work) == (True, 1)


@pytest.mark.parametrize(
    ("days", "field"),
    [((20, 300, 900), "app_cert"), ((300, 20, 900), "alipay_cert"), ((300, 200, 20), "alipay_root_cert")],
)
def test_each_of_alipays_three_is_looked_at(keeping, days, field):
    async def work(shop):
        await shop.connect("alipay", shop.alipay(*days))
        (told,) = await shop.look()
        return told.details["certificate"]

    assert keeping(work) == field


def test_one_that_ended_is_urgent(keeping):
    async def work(shop):
        await shop.connect("alipay", shop.alipay(-1, 300, 900))
        (told,) = await shop.look()
        return told.severity

    assert keeping(work) == "urgent"


def test_what_cannot_be_read_or_opened_keeps_no_other_account_from_being_told_of(keeping):
    async def work(shop):
        broken = await shop.connect("wechatpay", shop.wechat(20), "打不开")
        async with shop.room.unit() as unit:
            await unit.run(
                update(connection)
                .where(connection.c.merchant_id == unit.merchant_id, connection.c.connection_id == broken)
                .values(credentials=b"\x01nothing")
            )
        unread = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----"
        await shop.connect("wechatpay", shop.wechat(20, client_certificate=unread), "读不出")
        await shop.connect("alipay", {**shop.alipay(300, 300, 900), "app_cert": "x"}, "乱写的")
        await shop.connect("alipay", shop.alipay(20, 300, 900), "能读的")
        return [told.details["title"] for told in await shop.look()]

    assert keeping(work) == ["能读的"]


def test_housekeeping_looks_for_everybody_and_each_is_told_of_ones_own(keeping):
    async def work(shop):
        await shop.connect("wechatpay", shop.wechat(20))
        theirs = await shop.connect("wechatpay", shop.wechat(20), "别家", shop.others)
        await shop.look()
        assert await shop.told(merchant_id=shop.others) == []
        nobody = UUID(int=0)

        async def look(merchant_id):
            if merchant_id == nobody:
                raise RuntimeError("this one cannot be looked after")
            await watch_certificates(shop.runtime, merchant_id)

        async def merchants():
            return [nobody, shop.room.merchant_id, shop.others]

        await Housekeeper(shop.room.database, merchants, chores=[look]).round()
        mine, other = await shop.told(), await shop.told(merchant_id=shop.others)
        return [len(mine), len(other)], other[0].subject_id == str(theirs)

    assert keeping(work) == ([1, 1], True)


def test_the_hubs_own_housekeeper_looks_after_them(keeping, monkeypatch):
    async def work(shop):
        await shop.connect("alipay", shop.alipay(300, 300, 20))

        async def merchants(_database):
            return [shop.room.merchant_id]

        monkeypatch.setattr(app, "merchant_ids", merchants)
        await app.housekeeper_of(shop.runtime).round()
        return len(await shop.told())

    assert keeping(work) == 1
