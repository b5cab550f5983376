"""An owner enters a platform account or changes its credentials: looked at, tried at the platform, then sealed.

The same for the console's forms and the API. Secrets come from what was sent and from the vault, and go to the vault.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from hutong.core.errors import (
    ErrorText,
    HutongError,
    InvalidInput,
    InvalidSignature,
    PlatformFailure,
    PlatformUnknown,
)
from hutong.crypto.digests import hmac_sha256
from hutong.db.unit import Unit
from hutong.links.promotions.places import switch_off_places
from hutong.merchants.actors import CONNECTIONS, Actor, hold_role, write_down
from hutong.merchants.connections import (
    IS_ACTIVE,
    PRIORITY,
    ConnectionView,
    CredentialTold,
    Mode,
    change_settings,
    get_connection,
    hold_connections,
    list_connections,
    open_credentials,
    replace_credentials,
    sealed_credentials,
)
from hutong.merchants.staff import CONNECTION_ROLES
from hutong.platforms.account import Account
from hutong.platforms.contract import Connector, ErrorWord
from hutong.platforms.credentials import (
    CREDENTIAL_CHARS_MAX,
    PRIVATE_KEY,
    CredentialFlaw,
    CredentialsRefused,
    Examined,
    Flaw,
)
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.pacing import Pace
from hutong.workflows.commands.connected_twice import refuse_twice
from hutong.workflows.commands.open_shop import connect_in, sandbox_platforms
from hutong.workflows.commands.wallets import IDENTITY_SCOPE, MINI_SCOPE
from hutong.workflows.commands.watch_certificates import tell_certificate_end
from hutong.workflows.runtime import Runtime

FINGERPRINT_BYTES: Final = 4
TITLE_CHARS_MAX: Final = 80
#: Between the places of accounts, so that one can be put between two others.
PLACE_STEP: Final = 10
#: What a shop is asked for when its credentials are tried.
TRIAL_WINDOW: Final = timedelta(minutes=1)
TRIAL_PREFIX: Final = "HTTRY"
TRIAL_BYTES: Final = 8
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class AddressRefused(InvalidInput):
    """Another address than the platform's own, or than this installation's sandbox, was named."""

    code = "address_refused"
    zh = ErrorText(
        "接口地址不对：{told}。",
        "正式账号只连平台自己的地址，沙盒账号只连本机安装的沙盒；密钥不会发到别处。",
        "请把接口地址留空，由程序填写。",
    )
    en = ErrorText(
        "The address cannot be used: {told}.",
        "A live account speaks to the platform's own address, a sandbox one to this installation's sandbox only.",
        "Leave the address empty: it is filled in.",
    )


class TrialRefused(HutongError):
    """The platform refused the credentials when they were tried."""

    code = "trial_refused"
    status = 409
    zh = ErrorText(
        "平台不认这套资料：{platform_code} {message}。",
        "编号、证书序列号或密钥与平台登记的不一致，或者产品还没有开通。",
        "请核对后再提交；确认无误也可以选择不试连，直接保存。",
    )
    en = ErrorText(
        "The platform refuses these credentials: {platform_code} {message}.",
        "Number, serial or key differ from what the platform has on file, or the product is not open yet.",
        "Check them and send the form again; or keep them without the trial.",
    )


class Trial(StrEnum):
    """How a trial at the platform went."""

    AGREED = "agreed"
    SILENT = "silent"  # nobody answered: nothing is known
    NONE = "none"  # there is no harmless call, or none was wanted


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account to connect, as it was typed."""

    platform: str
    mode: Mode
    credentials: Mapping[str, str]
    title: str = ""
    base_url: str = ""

    def __repr__(self) -> str:
        return f"NewAccount({self.platform})"


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """An account that was looked at and tried, and may be kept."""

    connector: Connector
    mode: Mode
    title: str
    base_url: str
    credentials: Mapping[str, str]
    told: Mapping[str, CredentialTold]
    trial: Trial

    def __repr__(self) -> str:
        return f"Prepared({self.connector.name})"


async def prepare_account(runtime: Runtime, new: NewAccount, *, is_tried: bool) -> Prepared:
    """Look at a new account and try it; nothing is kept, and no transaction is open meanwhile.

    Raises:
        PlatformNotThere, AddressRefused, CredentialsRefused, TrialRefused.
    """
    connector = runtime.registry.get(new.platform)
    told = await _sandbox_of(runtime, connector) if new.mode is Mode.SANDBOX else {}
    base_url = _address(connector, new.mode, new.base_url, told)
    credentials = {name: text.strip() for name, text in new.credentials.items() if text.strip()}
    examined = look_at(runtime, connector, credentials, new.mode, told)
    account = _account(runtime, connector, base_url, credentials)
    trial = await _try(connector, account) if is_tried else Trial.NONE
    return Prepared(
        connector=connector,
        mode=new.mode,
        title=new.title.strip()[:TITLE_CHARS_MAX],
        base_url=base_url,
        credentials=credentials,
        told=_told(runtime, credentials, {}, {}, examined),
        trial=trial,
    )


async def keep_account(runtime: Runtime, unit: Unit, actor: Actor, made: Prepared) -> UUID:
    """Connect a prepared account.

    Raises:
        Forbidden: neither role nor key allows it.
        AccountThere: it is an alliance's account that is connected already.
    """
    actor.require_connections()
    await hold_role(unit, actor, CONNECTION_ROLES, CONNECTIONS)
    await refuse_twice(runtime, unit, made.connector, made.mode, made.credentials)
    connection_id = await connect_in(
        unit,
        runtime.vault,
        made.connector,
        mode=made.mode,
        base_url=made.base_url,
        credentials=made.credentials,
        title=made.title,
        told=made.told,
    )
    await write_down(unit, actor, "connection.add", f"connection:{connection_id}")
    return connection_id


async def change_account(
    runtime: Runtime,
    merchant_id: UUID,
    actor: Actor,
    connection_id: UUID,
    *,
    title: str,
    typed: Mapping[str, str | None],
    is_tried: bool,
    forgets: bool = False,
) -> Trial:
    """Other credentials for an account. A secret that was left empty stays, one that is None is taken away, and so is
    anything else that is empty. ``forgets``: what comes in for the ones before is not believed, from now on.

    Raises:
        Forbidden, NotFound, AddressRefused, CredentialsRefused, TrialRefused, CredentialsMoved.
    """
    actor.require_connections()
    async with runtime.unit(merchant_id, "connection.read") as unit:
        view = await get_connection(unit, connection_id)
        known = await sealed_credentials(unit, connection_id)
        before = await open_credentials(unit, runtime.vault, connection_id)
    connector = runtime.registry.get(view.platform)
    credentials = merged(connector, before, typed)
    told = await _sandbox_of(runtime, connector) if view.mode is Mode.SANDBOX else {}
    base_url = _address(connector, view.mode, view.base_url, told)
    fixed = fixed_in(connector, before, credentials)
    examined = look_at(runtime, connector, credentials, view.mode, told, fixed=fixed, before=before)
    account = _account(runtime, connector, base_url, credentials)
    trial = await _try(connector, account) if is_tried else Trial.NONE
    async with runtime.unit(merchant_id, "connection.change") as unit:
        await hold_role(unit, actor, CONNECTION_ROLES, CONNECTIONS)
        await replace_credentials(
            unit,
            runtime.vault,
            connection_id,
            known=known,
            is_other={name: text.strip() for name, text in before.items()} != credentials,
            forgets=forgets,
            title=title.strip()[:TITLE_CHARS_MAX] or view.title,
            credentials=credentials,
            told=_told(runtime, credentials, before, view.told, examined),
        )
        kept = await get_connection(unit, connection_id)
        await tell_certificate_end(unit, kept, connector.certificate_end(credentials, unit.now()))
        if connector.mini_identity_fields:
            scope = ":".join(credentials.get(name, "") for name in connector.mini_identity_fields)
            await change_settings(unit, connection_id, **{MINI_SCOPE: scope})
        if connector.identity_fields:
            scope = ":".join(credentials.get(name, "") for name in connector.identity_fields)
            await change_settings(unit, connection_id, **{IDENTITY_SCOPE: scope})
        await write_down(unit, actor, "connection.change", f"connection:{connection_id}")
    runtime.accounts.pop(connection_id, None)
    return trial


async def switch_account(unit: Unit, actor: Actor, connection_id: UUID, *, is_active: bool) -> None:
    """Let an account take payments, or none any more; what is open there is still followed.

    Raises:
        Forbidden, NotFound.
    """
    actor.require_connections()
    await hold_role(unit, actor, CONNECTION_ROLES, CONNECTIONS)
    await change_settings(unit, connection_id, **{IS_ACTIVE: int(is_active)})
    if not is_active:
        await switch_off_places(unit, connection_id)
    await write_down(unit, actor, "connection.on" if is_active else "connection.off", f"connection:{connection_id}")


async def move_up(unit: Unit, actor: Actor, connection_id: UUID) -> None:
    """Put an account one place before the others of its platform.

    Raises:
        Forbidden, NotFound.
    """
    actor.require_connections()
    await hold_role(unit, actor, CONNECTION_ROLES, CONNECTIONS)
    await hold_connections(unit)
    view = await get_connection(unit, connection_id)
    order = in_order(await list_connections(unit, view.platform))
    at = [one.connection_id for one in order].index(connection_id)
    order.insert(max(0, at - 1), order.pop(at))
    for place, one in enumerate(order, start=1):
        if one.priority != place * PLACE_STEP:
            await change_settings(unit, one.connection_id, **{PRIORITY: place * PLACE_STEP})
    await write_down(unit, actor, "connection.up", f"connection:{connection_id}")


def in_order(views: Iterable[ConnectionView]) -> list[ConnectionView]:
    """Accounts of one platform as payments try them."""
    return sorted(views, key=lambda one: (one.priority, one.connection_id))


def fixed_in(connector: Connector, before: Mapping[str, str], credentials: Mapping[str, str]) -> list[str]:
    """What was changed though it says whose account it is; of what may be entered later, once it was."""
    held = (*connector.account_fields, *(name for name in connector.settled_fields if before.get(name, "").strip()))
    return [name for name in held if credentials.get(name, "") != before.get(name, "").strip()]


def merged(connector: Connector, before: Mapping[str, str], typed: Mapping[str, str | None]) -> dict[str, str]:
    """What was typed, with the secrets and the fields that no form shows as they were, but for what is None."""
    texts = {name: (text or "").strip() for name, text in typed.items()}
    gone = {name for name, text in typed.items() if text is None}
    if any(texts.get(name) for name in connector.either_fields):
        gone.update(connector.either_fields)
    kept = {
        name: before[name].strip()
        for name in before
        if name not in gone and (name not in texts or (name in connector.secret_fields and not texts[name]))
    }
    return kept | {name: text for name, text in texts.items() if text}


def look_at(
    runtime: Runtime,
    connector: Connector,
    credentials: Mapping[str, str],
    mode: Mode,
    sandbox: Mapping[str, Any],
    *,
    fixed: Sequence[str] = (),
    before: Mapping[str, str] = _NOTHING,
) -> Examined:
    """What the connector says of them, with what holds for every platform. What stays as it was ``before`` is not
    refused for its age, nor where no form shows it: it would keep everything else from being changed.

    Raises:
        CredentialsRefused: something is wrong.
    """
    same = {name for name in credentials if before.get(name, "").strip() == credentials[name].strip()}
    flaws = [CredentialFlaw(field=name, flaw=Flaw.FIXED) for name in fixed]
    offered = sandbox.get("more_credentials", {})
    for name, text in credentials.items():
        if name not in connector.credential_fields:
            flaws.append(CredentialFlaw(field=name[:TITLE_CHARS_MAX], flaw=Flaw.UNKNOWN))
        elif len(text) > CREDENTIAL_CHARS_MAX:
            flaws.append(CredentialFlaw(field=name, flaw=Flaw.TOO_LONG))
        elif name not in connector.secret_fields and PRIVATE_KEY in text:
            flaws.append(CredentialFlaw(field=name, flaw=Flaw.PRIVATE_KEY))
        elif name in same:
            continue
        elif name in connector.sandbox_fields and (mode is Mode.LIVE or text != str(offered.get(name, "")).strip()):
            flaws.append(CredentialFlaw(field=name, flaw=Flaw.SANDBOX_ONLY))
    examined = Examined()
    if connector.examine is not None:
        examined = connector.examine(credentials, runtime.clock.now())
    known = {one.field for one in flaws}
    flaws += [
        one
        for one in examined.flaws
        if one.field not in known and not (one.field in same and one.flaw in (Flaw.EXPIRED, Flaw.NOT_YET))
    ]
    if flaws:
        raise CredentialsRefused(tuple(flaws))
    return examined


def _address(connector: Connector, mode: Mode, base_url: str, sandbox: Mapping[str, Any]) -> str:
    """Where the account speaks: the platform itself, or this installation's sandbox, and nobody else.

    Raises:
        AddressRefused: another address.
    """
    given = base_url.strip().rstrip("/")
    if mode is Mode.SANDBOX:
        own = str(sandbox["base_url"])
        if given not in ("", own.rstrip("/")):
            raise AddressRefused(field="base_url", problem="sandbox", told=own)
        return own
    if given and given not in (connector.base_url, *connector.other_base_urls):
        raise AddressRefused(field="base_url", problem="live", told=connector.base_url)
    return given


async def _sandbox_of(runtime: Runtime, connector: Connector) -> Mapping[str, Any]:
    """What this installation's sandbox says of a platform.

    Raises:
        AddressRefused: there is none, or it does not have the platform.
    """
    platforms = {} if runtime.sandbox_url is None else await sandbox_platforms(runtime, "default")
    if connector.name not in platforms:
        raise AddressRefused(field="mode", problem="sandbox", told="HUTONG_SANDBOX_URL")
    return platforms[connector.name]


def _account(runtime: Runtime, connector: Connector, base_url: str, credentials: Mapping[str, str]) -> Account:
    pace = Pace(calls=connector.rate_limit.calls, seconds=connector.rate_limit.seconds)
    return Account(
        platform=connector.name,
        base_url=base_url or connector.base_url,
        credentials=credentials,
        http=runtime.http.account(connector.name, "trial", pace),
        clock=runtime.clock,
    )


async def _try(connector: Connector, account: Account) -> Trial:
    """Ask for an order that nobody has: whoever may ask is told so. Nothing is changed by it.

    Raises:
        TrialRefused: the platform refuses the credentials.
        CredentialsRefused: it answered, but the answer does not fit them.
    """
    number = f"{TRIAL_PREFIX}{secrets.token_hex(TRIAL_BYTES).upper()}"
    try:
        if connector.trial is not None:
            await connector.trial(account, number)
        elif connector.payments is not None:
            await connector.payments.query(account, number)
        elif connector.orders is not None:
            now = account.clock.now()
            await connector.orders.changed(account, now - TRIAL_WINDOW, now, None)
        elif connector.jump_links is not None:
            now = account.clock.now()
            await connector.jump_links.changed(account, now - TRIAL_WINDOW, now, None)
        else:
            return Trial.NONE
    except PlatformRefused as error:
        if error.word is ErrorWord.THROTTLED:
            return Trial.SILENT
        code, message = str(error.details.get("platform_code", "")), str(error.details.get("message", ""))
        raise TrialRefused(platform_code=code, message=message) from error
    except (PlatformUnknown, PlatformFailure) as error:
        checked = [name for name in connector.answer_fields if account.credentials.get(name)]
        if checked and isinstance(error.__cause__, InvalidSignature):
            raise CredentialsRefused((CredentialFlaw(field=checked[0], flaw=Flaw.UNFIT),)) from error
        return Trial.SILENT
    return Trial.AGREED


def _told(
    runtime: Runtime,
    credentials: Mapping[str, str],
    before: Mapping[str, str],
    known: Mapping[str, CredentialTold],
    examined: Examined,
) -> dict[str, CredentialTold]:
    """Fingerprint, since when and until when, of each credential; one that stayed keeps its day."""
    now = runtime.clock.now()
    found = {}
    for name, text in credentials.items():
        same = name in known and before.get(name, "").strip() == text.strip()
        digest = hmac_sha256(runtime.link_key, f"credential\n{name}\n{text.strip()}".encode())
        found[name] = CredentialTold(
            fingerprint=digest[:FINGERPRINT_BYTES].hex(),
            since=known[name].since if same else now,
            until=examined.valid_until.get(name),
        )
    return found
