"""The API of one fresh merchant, called in this process: the real application on a real database."""

from __future__ import annotations

import asyncio
import os
import sys
import warnings
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import pytest

from hutong.db.engine import Database
from hutong.db.keyring import Keyring
from hutong.db.keystore import DatabaseKeyStore
from hutong.db.vault import Vault
from hutong.ledger.books import Books
from hutong.merchants.keys import SCOPES, create_key
from hutong.merchants.service import create_merchant
from hutong.merchants.staff import Role, add_staff, open_session
from hutong.platforms.registry import Registry
from hutong.transport.client import HttpPool
from hutong.web.app import build_web
from hutong.web.session import SESSION_COOKIE, csrf_token
from hutong.workflows.runtime import Runtime

sys.path.insert(0, str(Path(__file__).parent))  # helpers beside the tests; pytest's importlib mode does not add it


class Caller:
    """A service provider with a key; ``room`` is the database behind it."""

    def __init__(self, room, runtime, client):
        self.room, self.runtime, self.client = room, runtime, client

    async def get(self, path, **query):
        answer = await self.client.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, path, body=None, key=None, **headers):
        given = {} if key is None else {"idempotency-key": key}
        return await self.client.post(f"/api/v1{path}", json=body, headers={**given, **headers})

    async def post(self, path, body=None, key=None):
        answer = await self.send(path, body, key)
        assert answer.is_success, answer.text
        return answer.json()

    async def refused(self, path, body=None, key=None):
        """Status and code of a problem."""
        answer = await self.send(path, body, key)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.status_code, answer.json()["code"]

    async def key(self, *scopes):
        """Headers of another key."""
        async with self.room.unit() as unit:
            _, secret = await create_key(unit, "其他", list(scopes))
        return {"authorization": f"Bearer {secret}"}

    async def sign_in(self, role=Role.OWNER):
        """From here on the caller is the owner, or somebody else, in a browser; the secret of their forms."""
        async with self.room.unit() as unit:
            staff_id = await add_staff(unit, uuid4().hex, "店主", uuid4().hex, role)
            cookie = await open_session(unit, staff_id)
        self.client.headers.pop("authorization", None)
        self.client.headers["cookie"] = f"{SESSION_COOKIE}={cookie}"
        return csrf_token(cookie)

    async def balance(self, account, **query):
        return (await self.get("/ledger/balance", account=account, **query))["balance_minor"]


class Stage:
    """The application, put together once for all tests of a process; each test plays on it with its own runtime.

    To put it together costs half a second, more than most tests do with it.
    """

    def __init__(self):
        self._plays = 0
        self._shared = self._app = self._clock = None

    def play(self, runtime):
        """The application, from here on with this runtime."""
        self._clock = runtime.clock
        self._plays += 1
        if self._shared is None:
            self._shared = msgspec.structs.replace(runtime, clock=self)
            with warnings.catch_warnings():  # pytest makes errors of them; Litestar warns of its next major version
                warnings.simplefilter("ignore", DeprecationWarning)
                self._app = build_web(self._shared)
        for name in runtime.__struct_fields__:
            msgspec.structs.force_setattr(self._shared, name, getattr(runtime, name))
        return self._app

    def now(self):
        """The clock of what lives as long as the application: a day later in each test, so that none meets the wrong
        passwords of another.
        """
        return self._clock.now() + timedelta(days=self._plays)


@pytest.fixture(scope="session")
def stage():
    return Stage()


@pytest.fixture
def registry():
    """The platforms that are there; a module of tests may have its own."""
    return Registry({})


@pytest.fixture
def calling(room, tmp_path, registry, stage):
    """Run ``work(caller)`` for a fresh merchant."""

    def run(work):
        room.merchant_id = uuid4()
        keys = tmp_path / f"{os.urandom(4).hex()}.key"
        Keyring.create(keys)

        async def main():
            room.database = database = Database(room.address, room.clock)
            books = Books(database)
            async with HttpPool() as http:
                runtime = Runtime(
                    database=database,
                    books=books,
                    clock=room.clock,
                    vault=Vault(Keyring.load(keys), DatabaseKeyStore(database), room.clock),
                    registry=registry,
                    http=http,
                    public_url="http://127.0.0.1",
                    link_key=b"x" * 32,
                )
                try:
                    async with room.unit() as unit:
                        await create_merchant(unit, "店")
                        _, secret = await create_key(unit, "服务商", [SCOPES[0]])
                    transport = httpx.ASGITransport(app=stage.play(runtime))
                    headers = {"authorization": f"Bearer {secret}"}
                    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers=headers) as client:
                        return await work(Caller(room, runtime, client))
                finally:
                    await books.close()
                    await database.close()

        return asyncio.run(main())

    return run
