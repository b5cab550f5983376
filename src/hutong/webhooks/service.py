"""Endpoints: where a merchant's own systems hear events, and the secrets that say it is us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select, text, update

from hutong.core.errors import ErrorText, HutongError, InvalidInput, NotFound
from hutong.db.unit import Unit
from hutong.db.vault import Vault
from hutong.merchants.actors import Actor, write_down
from hutong.transport.addresses import read_target
from hutong.webhooks.models import webhook_delivery, webhook_endpoint
from hutong.webhooks.public import read_types
from hutong.webhooks.signing import new_secret
from hutong.webhooks.states import ENDPOINT, DeliveryState, DisabledBecause, EndpointEvent, EndpointState

#: What a secret is sealed for.
SECRET: Final = "webhook.secret"  # noqa: S105 (a purpose)
ENDPOINTS_MAX: Final = 20
#: Two that are made at the same time are counted one after the other.
ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('webhooks.create:' || :merchant_id, 0))")
TITLE_CHARS_MAX: Final = 80
#: How long a replaced secret signs beside the new one, where nobody says otherwise; and the longest.
OVERLAP_DEFAULT: Final = timedelta(hours=24)
OVERLAP_MAX: Final = timedelta(days=14)
#: What is held against an endpoint that begins anew: nothing.
_UNTRIED: Final = {"failing_since_at": None, "rests_until_at": None, "is_slow": False}


class TooManyEndpoints(HutongError):
    """A merchant has as many endpoints as one may have."""

    code = "too_many_endpoints"
    status = 409
    zh = ErrorText("接收地址最多 {most} 个。", "每个事件要发给每个地址。", "请改用已有的地址，或在自己的系统里转发。")
    en = ErrorText(
        "There can be {most} endpoints at most.",
        "Each event is sent to each of them.",
        "Change one that you have, or pass events on in your own system.",
    )


class EndpointDisabled(HutongError):
    """Something was to be sent to an endpoint that nothing is sent to."""

    code = "endpoint_disabled"
    status = 409
    zh = ErrorText("推送地址“{title}”已停用。", "停用期间什么都不发送。", "请先启用，再试发或补发。")
    en = ErrorText(
        "The webhook “{title}” is disabled.",
        "Nothing is sent while it is.",
        "Enable it first, then test or replay.",
    )


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint without its secrets. ``failing_since_at``: nothing has arrived since then."""

    endpoint_id: UUID
    title: str
    url: str
    event_types: tuple[str, ...]
    state: EndpointState
    disabled_because: DisabledBecause | None
    created_at: datetime
    old_secret_until_at: datetime | None
    last_success_at: datetime | None
    failing_since_at: datetime | None


class MadeEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint or a new secret of one; ``secret`` is told this once."""

    endpoint_id: UUID
    secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"MadeEndpoint({self.endpoint_id})"


async def create_endpoint(
    unit: Unit, vault: Vault, actor: Actor, *, url: str, title: str, event_types: Sequence[str], trial: bool
) -> MadeEndpoint:
    """Begin to send events to an address.

    Raises:
        TargetRefused: the address is not a public one. InvalidInput: title or types. TooManyEndpoints.
    """
    read_target(url, trial=trial)
    types = read_types(event_types)
    await unit.run(ONE_AT_A_TIME, {"merchant_id": str(unit.merchant_id)})
    if await unit.scalar(select(func.count()).where(_mine(unit))) >= ENDPOINTS_MAX:
        raise TooManyEndpoints(most=ENDPOINTS_MAX)
    endpoint_id, secret = unit.new_id(), new_secret()
    await unit.insert(
        webhook_endpoint,
        endpoint_id=endpoint_id,
        title=_title(title),
        url=url,
        event_types=types,
        state=EndpointState.ACTIVE.value,
        secret=await vault.seal(unit.merchant_id, SECRET, secret.encode()),
        created_at=unit.now(),
        subscribed_at=unit.now(),
    )
    await write_down(unit, actor, "webhook.create", f"webhook:{endpoint_id}")
    return MadeEndpoint(endpoint_id=endpoint_id, secret=secret)


async def change_endpoint(
    unit: Unit,
    actor: Actor,
    endpoint_id: UUID,
    *,
    url: str | None = None,
    title: str | None = None,
    event_types: Sequence[str] | None = None,
    trial: bool,
) -> None:
    """Change what is given. What waits goes to the new address, at once; nothing is held against that one.

    Raises:
        NotFound, TargetRefused, InvalidInput.
    """
    changes: dict[str, Any] = {}
    if url is not None:
        changes["url"] = read_target(url, trial=trial).url
    if title is not None:
        changes["title"] = _title(title)
    if event_types is not None:
        changes |= {"event_types": read_types(event_types), "subscribed_at": unit.now()}
    before = await get_endpoint(unit, endpoint_id)
    if not changes:
        return
    moves = changes.get("url", before.url) != before.url
    if moves:
        changes |= _UNTRIED
    await unit.run(update(webhook_endpoint).where(_one(unit, endpoint_id)).values(**changes))
    if moves:
        await _let_go(unit, endpoint_id)
    await write_down(unit, actor, "webhook.change", f"webhook:{endpoint_id}")


async def rotate_secret(
    unit: Unit, vault: Vault, actor: Actor, endpoint_id: UUID, overlap: timedelta = OVERLAP_DEFAULT
) -> MadeEndpoint:
    """A new secret. For the time of ``overlap`` messages carry a signature of the old one, too; zero: none any more.

    Raises:
        NotFound. InvalidInput: the overlap is too long.
    """
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise InvalidInput(field="overlap", problem=f"0–{OVERLAP_MAX.days} d")
    row = await unit.one(select(webhook_endpoint.c.secret).where(_one(unit, endpoint_id)).with_for_update())
    if row is None:
        raise NotFound(what="webhook", key=str(endpoint_id))
    secret = new_secret()
    await unit.run(
        update(webhook_endpoint)
        .where(_one(unit, endpoint_id))
        .values(
            secret=await vault.seal(unit.merchant_id, SECRET, secret.encode()),
            old_secret=row.secret if overlap else None,
            old_secret_until_at=unit.now() + overlap if overlap else None,
        )
    )
    await write_down(unit, actor, "webhook.rotate", f"webhook:{endpoint_id}")
    return MadeEndpoint(endpoint_id=endpoint_id, secret=secret)


async def disable_endpoint(unit: Unit, actor: Actor, endpoint_id: UUID) -> bool:
    """Send nothing any more until it is enabled; what waits waits on. False where it was disabled already.

    Raises:
        NotFound.
    """
    await get_endpoint(unit, endpoint_id)
    done = await close_endpoint(unit, endpoint_id, DisabledBecause.BY_HAND)
    if done:
        await write_down(unit, actor, "webhook.disable", f"webhook:{endpoint_id}")
    return done


async def close_endpoint(unit: Unit, endpoint_id: UUID, because: DisabledBecause) -> bool:
    """The step itself, whoever takes it."""
    return await unit.transition(
        webhook_endpoint,
        {"endpoint_id": endpoint_id},
        ENDPOINT,
        EndpointEvent.DISABLE,
        disabled_because=because.value,
    )


async def enable_endpoint(unit: Unit, actor: Actor, endpoint_id: UUID) -> bool:
    """Send again; what waits leaves at once. What happened meanwhile was not kept for it: a replay fetches that.

    Raises:
        NotFound.
    """
    await get_endpoint(unit, endpoint_id)
    done = await unit.transition(
        webhook_endpoint,
        {"endpoint_id": endpoint_id},
        ENDPOINT,
        EndpointEvent.ENABLE,
        disabled_because=None,
        subscribed_at=unit.now(),
        **_UNTRIED,
    )
    if done:
        await _let_go(unit, endpoint_id)
        await write_down(unit, actor, "webhook.enable", f"webhook:{endpoint_id}")
    return done


async def get_endpoint(unit: Unit, endpoint_id: UUID) -> Endpoint:
    """One endpoint.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(select(webhook_endpoint).where(_one(unit, endpoint_id)))
    if row is None:
        raise NotFound(what="webhook", key=str(endpoint_id))
    return _view(row)


async def require_active(unit: Unit, endpoint_id: UUID) -> Endpoint:
    """The endpoint, to which something is to be sent now.

    Raises:
        NotFound: not this merchant's. EndpointDisabled.
    """
    endpoint = await get_endpoint(unit, endpoint_id)
    if endpoint.state is not EndpointState.ACTIVE:
        raise EndpointDisabled(title=endpoint.title)
    return endpoint


async def list_endpoints(unit: Unit) -> tuple[Endpoint, ...]:
    """All endpoints, oldest first."""
    statement = select(webhook_endpoint).where(_mine(unit)).order_by(webhook_endpoint.c.endpoint_id)
    return tuple(_view(row) for row in await unit.all(statement.limit(ENDPOINTS_MAX)))


async def _let_go(unit: Unit, endpoint_id: UUID) -> None:
    """What waits for an endpoint begins its schedule anew and leaves now; once more, where it is under way in vain."""
    waiting = webhook_delivery.c
    await unit.run(
        update(webhook_delivery)
        .where(
            waiting.merchant_id == unit.merchant_id,
            waiting.endpoint_id == endpoint_id,
            waiting.state == DeliveryState.WAITING.value,
        )
        .values(tries_count=0, next_try_at=func.least(waiting.next_try_at, unit.now()))
    )


def _view(row: Row[Any]) -> Endpoint:
    return Endpoint(
        endpoint_id=row.endpoint_id,
        title=row.title,
        url=row.url,
        event_types=tuple(row.event_types),
        state=EndpointState(row.state),
        disabled_because=None if row.disabled_because is None else DisabledBecause(row.disabled_because),
        created_at=row.created_at,
        old_secret_until_at=row.old_secret_until_at,
        last_success_at=row.last_success_at,
        failing_since_at=row.failing_since_at,
    )


def _title(title: str) -> str:
    title = title.strip()
    if not title or len(title) > TITLE_CHARS_MAX:
        raise InvalidInput(field="title", problem=f"1–{TITLE_CHARS_MAX}")
    return title


def _mine(unit: Unit) -> Any:  # noqa: ANN401 (a condition)
    return webhook_endpoint.c.merchant_id == unit.merchant_id


def _one(unit: Unit, endpoint_id: UUID) -> Any:  # noqa: ANN401
    return _mine(unit) & (webhook_endpoint.c.endpoint_id == endpoint_id)
