"""What commands, reactions and the web need of this process, handed in by the app."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.config import AGENT_RATE_BPS_DEFAULT
from hutong.core.clock import Clock
from hutong.core.crashpoints import reach
from hutong.db.engine import Database
from hutong.db.gathering import Gatherings
from hutong.db.unit import Unit
from hutong.db.vault import Vault
from hutong.ledger.books import Books
from hutong.merchants.connections import ConnectionView, get_connection, open_credentials
from hutong.merchants.directory import CALLBACK, look_up
from hutong.platforms.account import Account
from hutong.platforms.contract import Connector
from hutong.platforms.registry import Registry
from hutong.transport.client import HttpPool
from hutong.transport.messages import HttpClient, Request, Response
from hutong.transport.pacing import Pace

#: Reading a connection and opening its secrets costs more than the signature they are for. A change is seen after this.
ACCOUNT_KNOWN_FOR: Final = timedelta(seconds=3)
ACCOUNTS_KNOWN_MAX: Final = 1_000


class WatchedClient:
    """An HTTP client that names the moment before and after each send for the crash proof."""

    def __init__(self, platform: str, inner: HttpClient) -> None:
        self._platform = platform
        self._inner = inner

    async def send(self, request: Request) -> Response:
        """Send; see :class:`hutong.transport.messages.HttpClient`."""
        reach(f"send:{self._platform}:{request.method}:before")
        response = await self._inner.send(request)
        reach(f"send:{self._platform}:{request.method}:after")
        return response


class OpenedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A connection, ready to talk."""

    connection: ConnectionView
    connector: Connector
    account: Account


class KnownAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that was opened a moment ago."""

    merchant_id: UUID
    read_at: datetime
    opened: OpenedAccount


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """Database, books, clock, vault, connectors and HTTP of this process.

    ``public_url`` is where the world reaches us.
    """

    database: Database
    books: Books
    clock: Clock
    vault: Vault
    registry: Registry
    http: HttpPool
    public_url: str
    link_key: bytes  # tags click ids in addresses
    sandbox_url: str | None = None
    agent_rate_bps: int = AGENT_RATE_BPS_DEFAULT  # what channel cost is held against
    gatherings: Gatherings = msgspec.field(default_factory=Gatherings)
    accounts: dict[UUID, KnownAccount] = msgspec.field(default_factory=dict)  # by connection, for a moment

    def unit(self, merchant_id: UUID, label: str) -> AbstractAsyncContextManager[Unit]:
        """One transaction of one merchant."""
        return self.database.unit(merchant_id, label)

    async def open_account(self, merchant_id: UUID, connection_id: UUID) -> OpenedAccount:
        """A connection with its credentials opened, for one call; as it was at most ACCOUNT_KNOWN_FOR ago.

        Raises:
            NotFound: not this merchant's.
        """
        now = self.clock.now()
        known = self.accounts.get(connection_id)
        if known is not None and known.merchant_id == merchant_id and now - ACCOUNT_KNOWN_FOR <= known.read_at <= now:
            return known.opened
        opened = await self._open_account(merchant_id, connection_id)
        if len(self.accounts) >= ACCOUNTS_KNOWN_MAX:
            self.accounts.clear()
        self.accounts[connection_id] = KnownAccount(merchant_id=merchant_id, read_at=now, opened=opened)
        return opened

    async def merchant_of_connection(self, connection_id: UUID) -> UUID | None:
        """Whose connection it is: that never changes."""
        known = self.accounts.get(connection_id)
        if known is not None:
            return known.merchant_id
        async with self.database.glance("app") as connection:
            return await look_up(connection, CALLBACK, connection_id.hex)

    async def _open_account(self, merchant_id: UUID, connection_id: UUID) -> OpenedAccount:
        async with self.unit(merchant_id, "account.open") as unit:
            view = await get_connection(unit, connection_id)
            credentials = await open_credentials(unit, self.vault, connection_id)
        connector = self.registry.get(view.platform)
        pace = Pace(calls=connector.rate_limit.calls, seconds=connector.rate_limit.seconds)
        client = WatchedClient(view.platform, self.http.account(view.platform, connection_id.hex, pace))
        account = Account(
            platform=view.platform,
            base_url=view.base_url or connector.base_url,
            credentials=credentials,
            http=client,
            clock=self.clock,
        )
        return OpenedAccount(connection=view, connector=connector, account=account)

    def callback_url(self, platform: str, connection_id: UUID) -> str:
        """Where a platform sends its callbacks for a connection."""
        return f"{self.public_url}/callbacks/{platform}/{connection_id}"
