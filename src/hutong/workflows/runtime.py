"""What commands, reactions and the web need of this process, handed in by the app."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from hutong.config import AGENT_RATE_BPS_DEFAULT
from hutong.core.clock import Clock
from hutong.core.crashpoints import reach
from hutong.crypto.digests import sha256
from hutong.db.engine import Database
from hutong.db.gathering import Gatherings
from hutong.db.unit import Unit
from hutong.db.vault import Vault
from hutong.ledger.books import Books
from hutong.links.jumps.ways import Ways
from hutong.merchants.connections import CALLS_PER_S, ConnectionView, get_connection, open_credentials, open_earlier
from hutong.merchants.directory import CALLBACK, OWNERS_QUERY
from hutong.platforms.account import Account
from hutong.platforms.contract import Connector
from hutong.platforms.registry import Registry
from hutong.transport.client import HttpPool
from hutong.transport.messages import HttpClient, Request, Response
from hutong.transport.outward import OutwardSender
from hutong.transport.pacing import Buckets, Pace
from hutong.workflows.carriers import Carriers
from hutong.workflows.pushes import Pushes

#: Reading a connection and opening its secrets costs more than the signature they are for. A change is seen after this.
ACCOUNT_KNOWN_FOR: Final = timedelta(seconds=3)
#: Used after this it is read anew beside the work, so that in a rush nobody waits for that.
ACCOUNT_READ_AHEAD: Final = timedelta(seconds=2)
ACCOUNTS_KNOWN_MAX: Final = 1_000
#: Owners of checkouts, links, codes and connections that are remembered; about 200 bytes each.
OWNERS_KNOWN_MAX: Final = 50_000
#: Whose look-ups gather before a merchant is known.
NOBODY: Final = UUID(int=0)


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
    earlier: Account | None = None  # with the credentials before the last change: for what comes in


class KnownAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that was opened a moment ago."""

    merchant_id: UUID
    read_at: datetime
    opened: OpenedAccount


async def find_owners(
    database: Database, _nobody: UUID, asked: Sequence[tuple[str, str]]
) -> list[UUID | Exception | None]:
    """The merchants of directory keys that were asked for at the same time, with one statement."""
    hashes = [sha256(key.encode()) for _, key in asked]
    rows = await database.glance("app", OWNERS_QUERY, [kind for kind, _ in asked], hashes)
    found = {(row["kind"], row["key_hash"]): row["merchant_id"] for row in rows}
    return [found.get((kind, key_hash)) for (kind, _), key_hash in zip(asked, hashes, strict=True)]


def _pace_of(view: ConnectionView, connector: Connector) -> Pace:
    """What the platform has granted this account, else the connector's careful limit."""
    granted = int(view.settings.get(CALLS_PER_S, 0))
    if granted > 0:
        return Pace(calls=granted, seconds=1)
    return Pace(calls=connector.rate_limit.calls, seconds=connector.rate_limit.seconds)


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
    outward: OutwardSender = msgspec.field(default_factory=partial(OutwardSender, trial=False))  # no platform's address
    looks: Buckets = msgspec.field(default_factory=Buckets)  # at destinations, by host
    ways: Ways = msgspec.field(default_factory=Ways)  # to where links lead
    gatherings: Gatherings = msgspec.field(default_factory=Gatherings)
    pushes: Pushes = msgspec.field(default_factory=Pushes)
    carriers: Carriers = msgspec.field(default_factory=Carriers)
    owners: dict[tuple[str, str], UUID] = msgspec.field(default_factory=dict)  # by kind and key of the directory
    accounts: dict[UUID, KnownAccount] = msgspec.field(default_factory=dict)  # by connection, for a moment
    opening: dict[tuple[UUID, UUID], asyncio.Task[OpenedAccount]] = msgspec.field(default_factory=dict)

    @property
    def trial(self) -> bool:
        """Whether this home lives with a sandbox: then events may be sent to this machine, by plain http."""
        return self.sandbox_url is not None

    def unit(self, merchant_id: UUID, label: str, *, snapshot: bool = False) -> AbstractAsyncContextManager[Unit]:
        """One transaction of one merchant; with ``snapshot`` all that it reads is of one moment."""
        return self.database.unit(merchant_id, label, snapshot=snapshot)

    async def open_account(self, merchant_id: UUID, connection_id: UUID) -> OpenedAccount:
        """A connection with its credentials opened, for one call; as it was at most ACCOUNT_KNOWN_FOR ago.

        Raises:
            NotFound: not this merchant's.
        """
        now = self.clock.now()
        known = self.accounts.get(connection_id)
        if known is not None and known.merchant_id == merchant_id and now - ACCOUNT_KNOWN_FOR <= known.read_at <= now:
            if known.read_at < now - ACCOUNT_READ_AHEAD:
                self._reading(merchant_id, connection_id)
            return known.opened
        # In a rush many find the account forgotten at the same moment; who goes away takes only himself away.
        return await asyncio.shield(self._reading(merchant_id, connection_id))

    async def merchant_of_connection(self, connection_id: UUID) -> UUID | None:
        """Whose connection it is."""
        return await self.merchant_of(CALLBACK, connection_id.hex)

    async def merchant_of(self, kind: str, key: str) -> UUID | None:
        """Whose connection, checkout, link or shop code it is: that never changes, so it is read once."""
        known = self.owners.get((kind, key))
        if known is not None:
            return known
        looking = self.gatherings.of("owners", partial(find_owners, self.database))
        found = await looking.submit(NOBODY, (kind, key))
        if found is not None:
            if len(self.owners) >= OWNERS_KNOWN_MAX:
                self.owners.clear()
            self.owners[kind, key] = found
        return found

    def _reading(self, merchant_id: UUID, connection_id: UUID) -> asyncio.Task[OpenedAccount]:
        """The account is being read, once for all who ask meanwhile."""
        key = (merchant_id, connection_id)
        opening = self.opening.get(key)
        if opening is None:
            opening = asyncio.create_task(self._know_account(merchant_id, connection_id), name="account")
            self.opening[key] = opening
            opening.add_done_callback(lambda ended: self._has_read(key, ended))
        return opening

    def _has_read(self, key: tuple[UUID, UUID], ended: asyncio.Task[OpenedAccount]) -> None:
        del self.opening[key]
        if not ended.cancelled():
            ended.exception()  # whoever waited has it; read ahead, the next who asks meets it himself

    async def _know_account(self, merchant_id: UUID, connection_id: UUID) -> OpenedAccount:
        read_at = self.clock.now()
        opened = await self._open_account(merchant_id, connection_id)
        if len(self.accounts) >= ACCOUNTS_KNOWN_MAX:
            self.accounts.clear()
        self.accounts[connection_id] = KnownAccount(merchant_id=merchant_id, read_at=read_at, opened=opened)
        return opened

    async def _open_account(self, merchant_id: UUID, connection_id: UUID) -> OpenedAccount:
        async with self.unit(merchant_id, "account.open") as unit:
            view = await get_connection(unit, connection_id)
            credentials = await open_credentials(unit, self.vault, connection_id)
            earlier = None if view.earlier_ends_at is None else await open_earlier(unit, self.vault, connection_id)
        connector = self.registry.get(view.platform)
        pace = _pace_of(view, connector)
        client = WatchedClient(view.platform, self.http.account(view.platform, connection_id.hex, pace))
        account = Account(
            platform=view.platform,
            base_url=view.base_url or connector.base_url,
            credentials=credentials,
            http=client,
            clock=self.clock,
        )
        before = None if earlier is None else msgspec.structs.replace(account, credentials=earlier)
        return OpenedAccount(connection=view, connector=connector, account=account, earlier=before)

    def turn_wait_s(self, opened: OpenedAccount) -> float:
        """How long an account's next call would wait, so that it stays below its platform's rate."""
        view = opened.connection
        return self.http.wait_s(view.platform, view.connection_id.hex, _pace_of(view, opened.connector))

    def callback_url(self, platform: str, connection_id: UUID) -> str:
        """Where a platform sends its callbacks for a connection."""
        return f"{self.public_url}/callbacks/{platform}/{connection_id}"
