"""Platform accounts entered by an owner: looked at, tried, sealed; by form and by API the same."""

from __future__ import annotations

import asyncio
import os
import re
from unittest import mock
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hutong.core.errors import Forbidden, InvalidSignature
from hutong.db.engine import Database
from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.vault import Vault
from hutong.ledger.books import Books
from hutong.merchants.actors import HOME, last_deed, staff_actor
from hutong.merchants.connections import EARLIER_LIFE, get_connection
from hutong.merchants.keys import SCOPES, create_key
from hutong.merchants.service import create_merchant
from hutong.merchants.staff import Role, Session, add_staff, open_session
from hutong.merchants.staffing import switch_off
from hutong.platforms.credentials import Flaw
from hutong.platforms.registry import Registry
from hutong.transport.client import HttpPool
from hutong.web.api import connections
from hutong.web.app import build_web
from hutong.web.console.credential_words import FLAWS, GROUPS, Kind
from hutong.web.session import SESSION_COOKIE, csrf_token
from hutong.workflows.commands.connect import change_account, keep_account, switch_account
from hutong.workflows.commands.take_notice import take_notice
from hutong.workflows.runtime import Runtime
from hutong_sandbox.server import Sandbox
from hutong_sandbox.wechatpay import signing

SECRETS = ("private_key", "api_v3_key", "app_secret", "mini_app_secret", "api_key")


def shown_in(text, credentials):
    """Which secrets a text shows; of a key any line of it."""
    return [name for name in SECRETS for line in credentials[name].splitlines() if "-----" not in line and line in text]


def new_key(bits=2048):
    key = rsa.generate_private_key(65537, bits)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def public_of(pem):
    key = serialization.load_pem_private_key(pem.encode(), None).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


class Owner:
    """A browser and a key of one merchant, before hub and sandbox in this process."""

    def __init__(self, runtime, merchant_id, wallet, base_url):
        self.runtime, self.merchant_id, self.wallet, self.base_url = runtime, merchant_id, wallet, base_url
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=build_web(runtime)), base_url="http://hub")

    def unit(self):
        return self.runtime.unit(self.merchant_id, "test")

    async def open(self):
        async with self.unit() as unit:
            await create_merchant(unit, "店")
            _, secret = await create_key(unit, "服务商", list(SCOPES))
        self.key = {"authorization": f"Bearer {secret}"}
        self.cookies = {}
        for role in (Role.OWNER, Role.MANAGER, Role.CLERK):
            async with self.unit() as unit:
                staff_id = await add_staff(unit, uuid4().hex, role.value, uuid4().hex, role)
                self.cookies[role] = await open_session(unit, staff_id)

    def told(self, merchant="default"):
        return {
            **self.wallet.credentials(merchant),
            **{k: v for k, v in self.wallet.more_credentials(merchant).items() if not k.startswith("sub_")},
        }

    async def api(self, method, path, body=None, key=None):
        headers = {**self.key, **({"idempotency-key": key} if key else {})}
        answer = await self.client.request(method, f"/api/v1{path}", json=body, headers=headers)
        return answer.status_code, answer.json()

    async def connect(self, mode="sandbox", key=None, **changes):
        given = {name: text for name, text in {**self.told(), **changes}.items() if text}
        body = {"platform": "wechatpay", "mode": mode, "credentials": given}
        return await self.api("POST", "/connections", body, key)

    async def page(self, path, role=Role.OWNER):
        return await self.client.get(path, headers={"cookie": f"{SESSION_COOKIE}={self.cookies[role]}"})

    async def send(self, path, fields=None, files=None, role=Role.OWNER):
        cookie = self.cookies[role]
        parts = {name: (None, text) for name, text in {**(fields or {}), "_csrf_token": csrf_token(cookie)}.items()}
        headers = {"cookie": f"{SESSION_COOKIE}={cookie}"}
        return await self.client.post(path, files={**parts, **(files or {})}, headers=headers)

    async def rows(self):
        async with self.unit() as unit:
            statement = "SELECT told::text, settings::text, credentials FROM connection"
            return (await unit.connection.exec_driver_sql(statement)).all()


@pytest.fixture
def owning(room_address, tmp_path, recwarn):
    """Run ``work(owner)``."""

    def run(work):
        keys = tmp_path / f"{os.urandom(4).hex()}.key"
        Keyring.create(keys)

        async def main():
            sandbox = Sandbox(20261127, None)
            await sandbox.open(0)
            clock = sandbox.world.clock
            database = Database(room_address, clock)
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
                    sandbox_url=sandbox.control.url,
                )
                wallet = sandbox.platforms["wechatpay"]
                owner = Owner(runtime, uuid4(), wallet, sandbox.control.urls["wechatpay"])
                try:
                    await owner.open()
                    return await work(owner)
                finally:
                    await owner.client.aclose()
                    await books.close()
                    await database.close()
                    await sandbox.close()

        return asyncio.run(main())

    return run


async def by_api(owner):
    """Every check at the API, and what is told of what was kept."""
    stranger = new_key()
    refusals = [
        ({"private_key": "-----BEGIN nothing"}, "private_key: no_key"),
        ({"private_key": stranger}, "client_certificate: no_pair"),
        ({"private_key": new_key(1024)}, "private_key: short_key"),
        ({"api_v3_key": "short"}, "api_v3_key: length"),
        ({"serial_no": "AB" * 20}, "serial_no: other_serial"),
        ({"client_certificate": ""}, "client_certificate: together"),
        ({"public_key_id": ""}, "public_key_id: together"),
        ({"mchid": "x"}, "mchid: form"),
        ({"nonsense": "x"}, "nonsense: unknown"),
        ({"line_url": "https://127.0.0.1:1"}, "line_url: sandbox_only"),
    ]
    for changes, told in refusals:
        status, problem = await owner.connect(**changes)
        assert (status, problem["code"]) == (400, "credentials_refused"), problem
        assert told in problem["details"]["flaws"]
        assert not shown_in(str(problem), owner.told())
        assert "BEGIN" not in str(problem)
    assert "line_url: sandbox_only" in (await owner.connect(mode="live"))[1]["details"]["flaws"]
    other = owner.told("another")
    status, problem = await owner.connect(
        private_key=other["private_key"], client_certificate="", api_key="", line_url="", line_authority=""
    )
    assert (status, problem["code"]) == (409, "trial_refused"), "the platform was asked"
    body = {"platform": "wechatpay", "credentials": owner.told()}
    elsewhere = "https://pay.example"
    for mode, address in (("live", elsewhere), ("live", owner.base_url), ("sandbox", elsewhere)):
        status, problem = await owner.api("POST", "/connections", {**body, "mode": mode, "base_url": address})
        assert (status, problem["code"]) == (400, "address_refused"), address
    no_key = {"public_key": "", "public_key_id": "", "platform_certificates": ""}
    for changes, told in (
        ({"public_key": public_of(stranger)}, "public_key"),
        ({"public_key_id": "PUB_KEY_ID_0" * 2, "platform_certificates": ""}, "public_key_id"),
        ({**no_key, "api_v3_key": "n" * 32}, "api_v3_key"),
    ):
        status, problem = await owner.connect(**changes)
        assert (status, problem["code"]) == (400, "credentials_refused"), told
        assert problem["details"]["flaws"] == f"{told}: unfit"
    assert await owner.rows() == []
    status, made = await owner.connect(key="once")
    assert (status, made["trial"]) == (201, "agreed"), made
    with mock.patch.object(connections, "prepare_account", side_effect=AssertionError("asked again")):
        assert await owner.connect(key="once") == (201, made)
        assert (await owner.connect(key="once", api_v3_key="n" * 32))[1]["code"] == "idempotency_key_reused"
    _, listed = await owner.api("GET", "/connections")
    [item] = listed["items"]
    shown = {one["field"]: one for one in item["credentials"]}
    assert shown["client_certificate"]["until"].startswith("2053")
    assert not shown_in(str(listed), owner.told())
    [(told, settings, sealed)] = await owner.rows()
    assert not shown_in(told + settings + sealed.decode("latin-1"), owner.told())
    return made["connection_id"]


async def by_form(owner, connection_id):
    """The form: refusals at the field with what was typed but for secrets; secrets are never shown again."""
    given = owner.told()
    plain = {name: given[name] for name in ("mchid", "appid", "serial_no", "public_key_id")}
    typed = {**plain, "mode": "sandbox", "title": "总店", "app_secret": given["app_secret"], "api_v3_key": "short"}
    files = {"private_key_file": ("apiclient_key.pem", given["private_key"].encode())}
    answer = await owner.send("/connections/new/wechatpay", {**typed, "public_key": given["public_key"]}, files)
    assert answer.status_code == 422
    html = answer.text
    assert 'id="fault-api_v3_key"' in html
    assert html.count("fault-") == 2, "one field is marked"
    assert f'value="{given["mchid"]}"' in html
    assert "总店" in html
    assert not shown_in(html, given)
    answer = await owner.send(
        "/connections/new/wechatpay",
        {**typed, "api_v3_key": given["api_v3_key"], "public_key": given["public_key"]},
        files,
    )
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"]
    assert place.endswith("saved=agreed")
    kept = await owner.page(place)
    assert kept.headers["cache-control"] == "no-store"
    assert "指纹" in kept.text
    assert "沙盒" in kept.text
    assert not shown_in(kept.text, given)
    # Left empty, secrets stay; what says whose account it is does not change.
    same = {**plain, "title": "总店一号", "public_key": given["public_key"]}
    changed = await owner.send(place.split("?")[0], same)
    assert changed.status_code == 303, changed.text
    fixed = await owner.send(place.split("?")[0], {**same, "mchid": "1900000109"})
    assert fixed.status_code == 422
    assert 'id="fault-mchid"' in fixed.text
    first = [one["connection_id"] for one in (await owner.api("GET", "/connections"))[1]["items"]]
    assert first[0] == connection_id
    assert (await owner.send(f"/connections/{first[1]}/up")).status_code == 303
    assert (await owner.send(f"/connections/{first[0]}/off")).status_code == 303
    items = {one["connection_id"]: one for one in (await owner.api("GET", "/connections"))[1]["items"]}
    assert items[first[1]]["priority"] < items[first[0]]["priority"]
    assert (items[first[0]]["is_active"], items[first[1]]["is_active"]) == (False, True)
    overview = (await owner.page("/connections")).text
    places = [overview.index(f'data-account="{one}"') for one in (first[1], first[0])]
    assert places == sorted(places)
    assert "已停用" in overview
    return first[1]


async def only_the_owner(owner, connection_id):
    for role in (Role.MANAGER, Role.CLERK):
        assert (await owner.page("/connections", role)).status_code == 200
        assert f"/connections/{connection_id}" not in (await owner.page("/connections", role)).text
        assert (await owner.page(f"/connections/{connection_id}", role)).status_code == 403
        assert (await owner.page("/connections/new/wechatpay", role)).status_code == 403
        for path in ("", "/up", "/off", "/on"):
            assert (await owner.send(f"/connections/{connection_id}{path}", role=role)).status_code == 403, path
    async with owner.unit() as unit:
        _, secret = await create_key(unit, "只读", ["orders:read"])
    status, _ = await owner.api("PATCH", f"/connections/{connection_id}", {"priority": 7})
    assert status == 200
    async with owner.unit() as unit:
        deed = await last_deed(unit, f"connection:{connection_id}")
    assert (deed.action, deed.actor[:4]) == ("connection.settings", "key:")
    headers = {"authorization": f"Bearer {secret}"}
    answer = await owner.client.put(
        f"/api/v1/connections/{connection_id}/credentials", json={"credentials": {}}, headers=headers
    )
    assert answer.status_code == 403


async def an_owner_who_left(owner, connection_id):
    """Sent away between the sending of the form and the act: nothing is kept."""
    async with owner.unit() as unit:
        staff_id = await add_staff(unit, uuid4().hex, "x", uuid4().hex, Role.OWNER)
        actor = staff_actor(
            Session(merchant_id=unit.merchant_id, staff_id=staff_id, name="x", login="x", role=Role.OWNER)
        )
        await switch_off(unit, HOME, staff_id)
        with pytest.raises(Forbidden):
            await switch_account(unit, actor, UUID(connection_id), is_active=False)
        with pytest.raises(Forbidden):
            await keep_account(owner.runtime, unit, actor, None)
    with pytest.raises(Forbidden):
        await change_account(
            owner.runtime, owner.merchant_id, actor, UUID(connection_id), title="x", typed={}, is_tried=False
        )


async def an_address_of_before(owner, connection_id):
    """An account that was kept with an address of its own gets no new keys: whoever is there would learn them."""
    statement = f"UPDATE connection SET base_url = '%s' WHERE connection_id = '{connection_id}'"
    for address, status in (("https://pay.example", 400), (owner.base_url, 200)):
        async with owner.unit() as unit:
            await unit.connection.exec_driver_sql(statement % address)
        told, problem = await owner.api(
            "PUT", f"/connections/{connection_id}/credentials", {"credentials": {}, "is_tried": False}
        )
        assert told == status
        assert problem.get("code", "address_refused") == "address_refused"


async def notices_of_the_old_key(owner, connection_id):
    """After a change a notice sealed with the key before is still believed; when the overlap is over, no more."""
    account_id = UUID(connection_id)
    async with owner.unit() as unit:
        assert (await get_connection(unit, account_id)).earlier_ends_at is None, "another title is no other key"
    body = {"credentials": {"api_v3_key": "n" * 32}, "is_tried": False}
    status, _ = await owner.api("PUT", f"/connections/{connection_id}/credentials", body)
    assert status == 200
    opened = await owner.runtime.open_account(owner.merchant_id, account_id)
    assert opened.account.credentials == {**opened.earlier.credentials, "api_v3_key": "n" * 32}

    body = {"credentials": {"api_v3_key": "m" * 32}, "is_tried": False}
    owner.runtime.clock.offset += EARLIER_LIFE / 2
    status, _ = await owner.api("PUT", f"/connections/{connection_id}/credentials", body)
    again = await owner.runtime.open_account(owner.merchant_id, account_id)
    assert again.earlier.credentials == opened.earlier.credentials, "what was mistyped takes no place"

    first_key = owner.wallet.keyring.account("default").api_v3_key
    first_key = first_key if isinstance(first_key, str) else first_key.decode()

    async def told():
        account = owner.wallet.keyring.account("default")
        sealed = signing.sealed(account.api_v3_key, b'{"mchid":"%s"}' % account.mchid.encode(), "transaction")
        resource = {**sealed, "original_type": "transaction"}
        notice = {"id": uuid4().hex, "event_type": "SOMETHING.NEW", "resource_type": "encrypt-resource"}
        raw = msgspec.json.encode({**notice, "create_time": "2026-11-27T09:00:00+08:00", "resource": resource})
        headers = {k.lower(): v for k, v in owner.wallet.keyring.headers(account, account.public_key_id, raw).items()}
        return await take_notice(owner.runtime, owner.merchant_id, "wechatpay", account_id, headers, raw)

    assert (await told()).status < 300
    page = await owner.page(f"/connections/{connection_id}")
    assert "换下来的密钥在" in page.text
    assert (await owner.api("PUT", f"/connections/{connection_id}/credentials", {**body, "forgets": True}))[0] == 200
    assert "换下来的密钥在" not in (await owner.page(f"/connections/{connection_id}")).text
    with pytest.raises(InvalidSignature):
        await told()
    body = {"credentials": {"api_v3_key": first_key}, "is_tried": False}
    for key in (first_key, "o" * 32):
        body["credentials"]["api_v3_key"] = key
        await owner.api("PUT", f"/connections/{connection_id}/credentials", {**body, "forgets": key == first_key})
    assert (await told()).status < 300
    owner.runtime.clock.offset += EARLIER_LIFE
    with pytest.raises(InvalidSignature):
        await told()


def test_an_owner_enters_and_changes_accounts(owning):
    async def work(owner):
        first = await by_api(owner)
        second = await by_form(owner, first)
        await only_the_owner(owner, second)
        await an_owner_who_left(owner, second)
        await an_address_of_before(owner, second)
        await notices_of_the_old_key(owner, second)

    owning(work)


def test_words_exist_for_every_field_of_every_form():
    """A connector's field that no form shows could never be entered; a form's field that it has not, never be read."""
    registry = Registry.from_entry_points()
    for connector in registry.all():
        if not connector.credential_fields:
            continue
        shown = {field.name: field for group in GROUPS[connector.name] for field in group.fields}
        assert set(shown) == set(connector.credential_fields) - set(connector.sandbox_fields)
        hidden = {name for name, field in shown.items() if field.kind in (Kind.SECRET, Kind.SECRET_FILE)}
        assert hidden == set(connector.secret_fields)
        for name, field in shown.items():
            assert not re.search(r"[A-Z]{3,}_", field.label), name
    assert set(FLAWS) == set(Flaw)
