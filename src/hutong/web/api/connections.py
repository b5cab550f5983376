"""Platform accounts: connected, changed, pulled from. The checks are those of the console's forms."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post, put

from hutong.db.unit import Unit
from hutong.merchants.actors import key_actor
from hutong.merchants.connections import ConnectionView, Mode, list_connections
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import Line, RequestBody, Secret, Url, Word
from hutong.web.api.callers import answered, once
from hutong.workflows.commands.connect import NewAccount, Trial, change_account, keep_account, prepare_account
from hutong.workflows.commands.pull_now import pull_now
from hutong.workflows.commands.pull_windows import Pulled
from hutong.workflows.runtime import Runtime


class NewConnection(RequestBody, frozen=True, kw_only=True):
    """A platform account to connect; sandbox or live for ever.

    ``base_url``: nothing, or the platform's own address; a sandbox account speaks to this installation's sandbox.
    ``is_tried``: a harmless question is put to the platform first, and an account that it refuses is not kept.
    """

    platform: Word
    mode: Mode
    credentials: dict[Word, Secret]
    base_url: Url = ""
    title: Line = ""
    is_tried: bool = True

    def __repr__(self) -> str:
        return "NewConnection(…)"


class ChangedCredentials(RequestBody, frozen=True, kw_only=True):
    """Credentials to put in place of others. A secret that is left out or empty stays; one that is null goes, and so
    does what else is empty. ``forgets``: callbacks for the ones before are not believed any more, as after a leak.
    """

    credentials: dict[Word, Secret | None]
    title: Line = ""
    is_tried: bool = True
    forgets: bool = False

    def __repr__(self) -> str:
        return "ChangedCredentials(…)"


class ConnectionMade(msgspec.Struct, frozen=True, kw_only=True):
    """The connection's id, where the platform shall send its callbacks, and how the trial went."""

    connection_id: UUID
    callback_url: str
    trial: Trial


class ConnectionChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The connection whose credentials are others now, and how the trial went."""

    connection_id: UUID
    trial: Trial


class CredentialItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a credential: never more than a fingerprint of this installation's own, and dates."""

    field: str
    fingerprint: str
    since: datetime
    until: datetime | None


class ConnectionItem(msgspec.Struct, frozen=True, kw_only=True):
    """A connected account, without its secrets."""

    connection_id: UUID
    platform: str
    mode: Mode
    title: str
    is_active: bool
    priority: int
    credentials: tuple[CredentialItem, ...]


class ConnectionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All connections."""

    items: tuple[ConnectionItem, ...]


class ConnectionsApi(Controller):
    """Platform accounts."""

    path = "/api/v1"
    tags = ["Connections"]

    @get("/connections", opt={"scope": "orders:read"}, summary="Connected accounts")
    async def connections(self, runtime: Runtime, caller: ApiKey) -> ConnectionsAnswer:
        """Connections, oldest first; secrets never leave."""
        async with runtime.unit(caller.merchant_id, "api.connections") as unit:
            views = await list_connections(unit)
        return ConnectionsAnswer(items=tuple(_item(view) for view in views))

    @post("/connections", opt={"scope": "connections:write"}, summary="Connect a platform account")
    async def make_connection(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewConnection
    ) -> Response[bytes]:
        """Connect an account; its credentials are looked at, tried, sealed at once and never shown again."""
        before = await answered(runtime, caller, request, "connection.add")
        if before is not None:
            return before
        new = NewAccount(
            platform=data.platform,
            mode=data.mode,
            credentials=data.credentials,
            title=data.title,
            base_url=data.base_url,
        )
        made = await prepare_account(runtime, new, is_tried=data.is_tried)

        async def work(unit: Unit) -> ConnectionMade:
            connection_id = await keep_account(runtime, unit, key_actor(caller), made)
            return ConnectionMade(
                connection_id=connection_id,
                callback_url=runtime.callback_url(data.platform, connection_id),
                trial=made.trial,
            )

        return await once(runtime, caller, request, "connection.add", work)

    @put("/connections/{connection_id:uuid}/credentials", opt={"scope": "connections:write"}, summary="Change keys")
    async def change_credentials(
        self, runtime: Runtime, caller: ApiKey, connection_id: UUID, data: ChangedCredentials
    ) -> ConnectionChanged:
        """Other keys and certificates for the same account; callbacks for the ones before are believed for two days."""
        trial = await change_account(
            runtime,
            caller.merchant_id,
            key_actor(caller),
            connection_id,
            title=data.title,
            typed=data.credentials,
            is_tried=data.is_tried,
            forgets=data.forgets,
        )
        return ConnectionChanged(connection_id=connection_id, trial=trial)

    @post("/connections/{connection_id:uuid}/pull", opt={"scope": "orders:write"}, summary="Pull orders now")
    async def pull(self, runtime: Runtime, caller: ApiKey, connection_id: UUID) -> Pulled:
        """Read what changed in a shop since the last pull, or what an alliance told of orders since then; pulling twice
        changes nothing twice.
        """
        return await pull_now(runtime, caller.merchant_id, connection_id)


def _item(view: ConnectionView) -> ConnectionItem:
    return ConnectionItem(
        connection_id=view.connection_id,
        platform=view.platform,
        mode=view.mode,
        title=view.title,
        is_active=view.is_active,
        priority=view.priority,
        credentials=tuple(
            CredentialItem(field=name, fingerprint=one.fingerprint, since=one.since, until=one.until)
            for name, one in sorted(view.told.items())
        ),
    )
