"""Platforms: what each connector can do and how far that is proved, and the merchant's accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK

from hutong.core.errors import Forbidden, HutongError, NotFound
from hutong.merchants.actors import CONNECTIONS, staff_actor
from hutong.merchants.connections import (
    ConnectionView,
    CredentialTold,
    Mode,
    get_connection,
    list_connections,
    open_credentials,
)
from hutong.merchants.staff import CONNECTION_ROLES
from hutong.platforms.contract import Connector, Proof
from hutong.platforms.credentials import CredentialsRefused
from hutong.web.console.account_forms import FORGETS, MODE, TITLE, UNTRIED, form_view, typed_in
from hutong.web.console.account_views import AccountFormView
from hutong.web.console.credential_words import GROUPS
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.views import AccountLine, CapabilityRow, ConnectionsView, PlatformCard
from hutong.web.errors import text_for
from hutong.web.languages import locale_of
from hutong.workflows.commands.connect import (
    AddressRefused,
    NewAccount,
    TrialRefused,
    change_account,
    in_order,
    keep_account,
    move_up,
    prepare_account,
    switch_account,
)

#: Every field of a form with a file of its own.
FORM_BYTES_MAX: Final = 1_000_000
REFUSALS: Final = (CredentialsRefused, AddressRefused, TrialRefused)
UNPROCESSABLE: Final = 422
NEW_PLACE: Final = "/connections/new/"


class PlatformsController(Controller):
    """The platforms page, and the forms of accounts; those are the owner's alone."""

    path = "/connections"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """Every installed platform."""
        chinese = locale_of(request).startswith("zh")
        may_change = session_of(request).role in CONNECTION_ROLES
        async with desk.unit(request, "console.connections") as unit:
            views = await list_connections(unit)
            cards = tuple(
                platform_card(connector, views, chinese=chinese, may_change=may_change)
                for connector in desk.runtime.registry.all()
            )
            view = ConnectionsView(platforms=cards)
            return await desk.page(request, unit, "console/connections.html", view)

    @get("/new/{platform:str}")
    async def new(self, request: ConsoleRequest, desk: Desk, platform: str) -> Response[str]:
        """An empty form."""
        _require_owner(request)
        return await self._form(request, desk, _empty(request, desk, platform))

    @post("/new/{platform:str}", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def create(self, request: ConsoleRequest, desk: Desk, platform: str) -> Response[Any]:
        """Connect an account; where something is wrong the form comes back with what was typed, without secrets."""
        _require_owner(request)
        form, connector = await request.form(), _connector(desk, platform)
        values: dict[str, str | None] = {}
        mode = Mode.SANDBOX if form.get(MODE) == Mode.SANDBOX.value else Mode.LIVE
        title = str(form.get(TITLE, ""))
        try:
            values = await typed_in(form, connector)
            new = NewAccount(
                platform=platform,
                mode=mode,
                credentials={name: text or "" for name, text in values.items()},
                title=title,
            )
            made = await prepare_account(desk.runtime, new, is_tried=form.get(UNTRIED) != "yes")
        except REFUSALS as error:
            view = _made(request, desk, connector, values, {}, f"{NEW_PLACE}{platform}", error)
            view = msgspec.structs.replace(view, title=title, mode=mode.value, has_sandbox=desk.runtime.trial)
            return await self._form(request, desk, _refused(request, desk, view, error), UNPROCESSABLE)
        async with desk.unit(request, "console.connection_add") as unit:
            connection_id = await keep_account(desk.runtime, unit, staff_actor(session_of(request)), made)
        return go_to(f"/connections/{connection_id}?saved={made.trial.value}")

    @get("/{connection_id:uuid}")
    async def one(self, request: ConsoleRequest, desk: Desk, connection_id: UUID, saved: str = "") -> Response[str]:
        """An account: what stands in it, of secrets the fingerprint alone."""
        _require_owner(request)
        kept, values = await self._kept(request, desk, connection_id)
        view = _filled(request, desk, kept, values, None)
        return await self._form(request, desk, msgspec.structs.replace(view, saved=saved))

    @post("/{connection_id:uuid}", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def change(self, request: ConsoleRequest, desk: Desk, connection_id: UUID) -> Response[Any]:
        """Other credentials for an account."""
        _require_owner(request)
        form = await request.form()
        kept, _ = await self._kept(request, desk, connection_id)
        values: dict[str, str | None] = {}
        title = str(form.get(TITLE, ""))
        try:
            values = await typed_in(form, _connector(desk, kept.platform))
            session = session_of(request)
            trial = await change_account(
                desk.runtime,
                session.merchant_id,
                staff_actor(session),
                connection_id,
                title=title,
                typed=values,
                is_tried=form.get(UNTRIED) != "yes",
                forgets=form.get(FORGETS) == "yes",
            )
        except REFUSALS as error:
            view = msgspec.structs.replace(_filled(request, desk, kept, values, error), title=title or kept.title)
            view = msgspec.structs.replace(view, forgets=form.get(FORGETS) == "yes")
            return await self._form(request, desk, _refused(request, desk, view, error), UNPROCESSABLE)
        return go_to(f"/connections/{connection_id}?saved={trial.value}")

    @post("/{connection_id:uuid}/up")
    async def up(self, request: ConsoleRequest, desk: Desk, connection_id: UUID) -> Redirect:
        """One place further to the front: payments try it earlier."""
        async with desk.unit(request, "console.connection_up") as unit:
            await move_up(unit, staff_actor(session_of(request)), connection_id)
        return go_to("/connections")

    @post("/{connection_id:uuid}/off")
    async def off(self, request: ConsoleRequest, desk: Desk, connection_id: UUID) -> Redirect:
        """No new payments here; what is open is followed to its end."""
        return await self._switch(request, desk, connection_id, is_active=False)

    @post("/{connection_id:uuid}/on")
    async def on(self, request: ConsoleRequest, desk: Desk, connection_id: UUID) -> Redirect:
        """Payments again."""
        return await self._switch(request, desk, connection_id, is_active=True)

    async def _switch(self, request: ConsoleRequest, desk: Desk, connection_id: UUID, *, is_active: bool) -> Redirect:
        async with desk.unit(request, "console.connection_switch") as unit:
            await switch_account(unit, staff_actor(session_of(request)), connection_id, is_active=is_active)
        return go_to("/connections")

    async def _kept(
        self, request: ConsoleRequest, desk: Desk, connection_id: UUID
    ) -> tuple[ConnectionView, dict[str, str]]:
        """An account with what may be shown of its credentials."""
        async with desk.unit(request, "console.connection") as unit:
            kept = await get_connection(unit, connection_id)
            credentials = await open_credentials(unit, desk.runtime.vault, connection_id)
        secret = _connector(desk, kept.platform).secret_fields
        return kept, {name: text for name, text in credentials.items() if name not in secret}

    async def _form(
        self, request: ConsoleRequest, desk: Desk, view: AccountFormView, status: int = HTTP_200_OK
    ) -> Response[str]:
        async with desk.unit(request, "console.connection_form") as unit:
            page = await desk.page(request, unit, "console/account_form.html", view)
        page.status_code = status
        page.headers["cache-control"] = "no-store"
        return page


def platform_card(
    connector: Connector,
    views: Iterable[ConnectionView],
    *,
    chinese: bool,
    may_change: bool,
) -> PlatformCard:
    """A platform with its accounts in the order in which payments try them."""
    has_form = may_change and connector.name in GROUPS
    accounts = in_order(view for view in views if view.platform == connector.name)
    return PlatformCard(
        platform=connector.name,
        title=connector.title_zh if chinese else connector.title_en,
        capabilities=tuple(_capability(connector, name) for name in connector.capabilities()),
        needs_account=bool(connector.credential_fields),
        may_add=has_form,
        takes_payments=connector.payments is not None,
        signs_pages=connector.page_kit is not None,
        promotes=connector.jump_links is not None,
        accounts=tuple(
            AccountLine(
                connection_id=str(view.connection_id),
                title=view.title,
                mode=view.mode.value,
                is_active=view.is_active,
                since=view.created_at,
                until=_until(view),
                is_first=at == 0,
                may_change=has_form,
            )
            for at, view in enumerate(accounts)
        ),
    )


def _until(view: ConnectionView) -> datetime | None:
    """When the first of its certificates ends."""
    return min((one.until for one in view.told.values() if one.until is not None), default=None)


def _capability(connector: Connector, name: str) -> CapabilityRow:
    proof = connector.proofs.get(name, Proof.UNVERIFIED)
    judges = connector.judges(name) if proof is Proof.JUDGED else ()
    return CapabilityRow(name=name, proof=proof.value, judges=judges)


def _require_owner(request: ConsoleRequest) -> None:
    if session_of(request).role not in CONNECTION_ROLES:
        raise Forbidden(scope=CONNECTIONS)


def _connector(desk: Desk, platform: str) -> Connector:
    """A platform whose accounts have a form.

    Raises:
        NotFound: there is none of that name.
    """
    connector = desk.runtime.registry.get(platform)
    if platform not in GROUPS:
        raise NotFound(what="connection", key=platform)
    return connector


def _made(
    request: ConsoleRequest,
    desk: Desk,
    connector: Connector,
    values: Mapping[str, str | None],
    told: Mapping[str, CredentialTold],
    action: str,
    error: HutongError | None,
) -> AccountFormView:
    translate = desk.renderer.catalogues.of(locale_of(request)).ugettext
    now = desk.runtime.clock.now()
    is_kept = not action.startswith(NEW_PLACE)
    return form_view(connector, values, told, now, action=action, is_kept=is_kept, translate=translate, error=error)


def _empty(request: ConsoleRequest, desk: Desk, platform: str) -> AccountFormView:
    connector = _connector(desk, platform)
    view = _made(request, desk, connector, {}, {}, f"{NEW_PLACE}{platform}", None)
    return msgspec.structs.replace(view, has_sandbox=desk.runtime.trial)


def _filled(
    request: ConsoleRequest,
    desk: Desk,
    kept: ConnectionView,
    values: Mapping[str, str | None],
    error: HutongError | None,
) -> AccountFormView:
    connector = _connector(desk, kept.platform)
    action = f"/connections/{kept.connection_id}"
    view = _made(request, desk, connector, values, kept.told, action, error)
    return msgspec.structs.replace(
        view,
        title=kept.title,
        mode=kept.mode.value,
        connection_id=str(kept.connection_id),
        earlier_ends_at=kept.earlier_ends_at if _still(desk, kept) else None,
        callback_url=desk.runtime.callback_url(kept.platform, kept.connection_id) if connector.callbacks else "",
    )


def _still(desk: Desk, kept: ConnectionView) -> bool:
    """Whether the credentials before the present ones are believed still."""
    return kept.earlier_ends_at is not None and kept.earlier_ends_at > desk.runtime.clock.now()


def _refused(request: ConsoleRequest, desk: Desk, view: AccountFormView, error: HutongError) -> AccountFormView:
    """The form with what is wrong on top; of single fields the form says it at the field."""
    text = text_for(error, locale_of(request), desk.renderer.catalogues)
    sentence = "" if isinstance(error, CredentialsRefused) else text.sentence
    return msgspec.structs.replace(
        view,
        sentence=sentence,
        cause="" if not sentence else text.cause,
        fix="" if not sentence else text.fix,
        may_skip=isinstance(error, TrialRefused),
        has_flaws=isinstance(error, CredentialsRefused),
    )
