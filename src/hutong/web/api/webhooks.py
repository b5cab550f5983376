"""Endpoints that hear events, for programs: make, change, try out, look at what arrived, send again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, patch, post

from hutong.db.unit import Unit
from hutong.merchants.actors import key_actor
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import Line, RequestBody, Url, Word
from hutong.web.api.callers import CREATED, once
from hutong.web.api.catalogue import Limit, Offset
from hutong.web.api.examples import with_example
from hutong.webhooks.deliveries import queue_test
from hutong.webhooks.public import PUBLIC, TYPES_MAX
from hutong.webhooks.queries import Delivery, counts_by_state, counts_of, deliveries_page, one_delivery
from hutong.webhooks.replays import Replayed, replay_one, replay_since
from hutong.webhooks.service import (
    OVERLAP_DEFAULT,
    OVERLAP_MAX,
    Endpoint,
    MadeEndpoint,
    change_endpoint,
    create_endpoint,
    disable_endpoint,
    enable_endpoint,
    get_endpoint,
    list_endpoints,
    rotate_secret,
)
from hutong.webhooks.states import DeliveryState
from hutong.workflows.runtime import Runtime

EventTypes = Annotated[tuple[Word, ...], msgspec.Meta(min_length=1, max_length=TYPES_MAX)]
OVERLAP_S_DEFAULT: Final = int(OVERLAP_DEFAULT.total_seconds())
OVERLAP_S_MAX: Final = int(OVERLAP_MAX.total_seconds())
NEW_EXAMPLE: Final = {
    "url": "https://erp.example.com/hooks",
    "title": "ERP",
    "event_types": ["payment.*", "order.paid"],
}
CHANGE_EXAMPLE: Final = {"event_types": ["*"]}
ROTATE_EXAMPLE: Final = {"overlap_s": 3600}
REPLAY_EXAMPLE: Final = {"since": "2026-11-20T00:00:00+08:00"}


class NewWebhook(RequestBody, frozen=True, kw_only=True):
    """``event_types``: names, groups such as ``payment.*``, or ``*`` for all."""

    url: Url
    title: Line
    event_types: EventTypes = ("*",)


class WebhookChange(RequestBody, frozen=True, kw_only=True):
    """What is given changes."""

    url: Url | None = None
    title: Line | None = None
    event_types: EventTypes | None = None


class Rotation(RequestBody, frozen=True, kw_only=True):
    """``overlap_s``: for how many seconds the old secret signs beside the new one."""

    overlap_s: Annotated[int, msgspec.Meta(ge=0, le=OVERLAP_S_MAX)] = OVERLAP_S_DEFAULT


class Since(RequestBody, frozen=True, kw_only=True):
    """From which moment on."""

    since: datetime


class SecretTold(msgspec.Struct, frozen=True, kw_only=True):
    """``secret`` is told once: a repeated request (the same Idempotency-Key) gets null instead."""

    endpoint_id: UUID
    secret: str | None = None


class WebhookItem(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint and how it fares. ``failing_since_at``: nothing has arrived since then."""

    endpoint: Endpoint
    waiting: int
    delivered: int
    failed: int


class WebhooksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All endpoints, oldest first."""

    items: tuple[WebhookItem, ...]


class DeliveriesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Messages to one endpoint, newest first."""

    items: tuple[Delivery, ...]
    total: int


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of event that can be heard; ``fields`` are those of a message's ``data``."""

    name: str
    version: int
    fields: tuple[str, ...]


class EventTypesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All kinds of events that are told."""

    items: tuple[EventType, ...]


class EndpointMoved(msgspec.Struct, frozen=True, kw_only=True):
    """``changed`` is false where it was so already."""

    endpoint_id: UUID
    changed: bool


class MessageQueued(msgspec.Struct, frozen=True, kw_only=True):
    """The message is on its way; its id is ``webhook-id`` and ``id`` of what arrives."""

    event_id: UUID


class WebhooksApi(Controller):
    """Webhooks, as Standard Webhooks 1.0.0 describes them."""

    path = "/api/v1/webhooks"
    tags = ["Webhooks"]

    @post(
        opt={"scope": "webhooks:write"},
        summary="Make an endpoint",
        operation_class=with_example("Payments and paid orders", NEW_EXAMPLE),
    )
    async def make(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewWebhook
    ) -> Response[bytes]:
        """Events are sent to it from now on. Answers `SecretTold`."""

        async def work(unit: Unit) -> MadeEndpoint:
            return await create_endpoint(
                unit,
                runtime.vault,
                key_actor(caller),
                url=data.url,
                title=data.title,
                event_types=data.event_types,
                trial=runtime.trial,
            )

        return await _secret(runtime, caller, request, "api.webhook", work)

    @get(opt={"scope": "webhooks:read"}, summary="Endpoints")
    async def all(self, runtime: Runtime, caller: ApiKey) -> WebhooksAnswer:
        """What they hear, since when they fail, and how much waits for them."""
        async with runtime.unit(caller.merchant_id, "api.webhooks") as unit:
            counts = await counts_by_state(unit)
            found = [_item(one, counts.get(one.endpoint_id, {})) for one in await list_endpoints(unit)]
        return WebhooksAnswer(items=tuple(found))

    @get("/event-types", opt={"scope": "webhooks:read"}, summary="Kinds of events")
    async def types(self, caller: ApiKey) -> EventTypesAnswer:  # noqa: ARG002 (who asks is looked at)
        """Names and fields of everything that can be heard."""
        items = [
            EventType(
                name=public.name,
                version=public.event.version,
                fields=tuple(name for name in public.event.__struct_fields__ if name not in public.without),
            )
            for public in PUBLIC
        ]
        return EventTypesAnswer(items=tuple(items))

    @get("/{endpoint_id:uuid}", opt={"scope": "webhooks:read"}, summary="One endpoint")
    async def one(self, runtime: Runtime, caller: ApiKey, endpoint_id: UUID) -> WebhookItem:
        """One endpoint and how it fares."""
        async with runtime.unit(caller.merchant_id, "api.webhook_one") as unit:
            endpoint = await get_endpoint(unit, endpoint_id)
            return _item(endpoint, await counts_of(unit, endpoint_id))

    @patch(
        "/{endpoint_id:uuid}",
        opt={"scope": "webhooks:write"},
        summary="Change an endpoint",
        operation_class=with_example("Hear everything", CHANGE_EXAMPLE),
    )
    async def change(self, runtime: Runtime, caller: ApiKey, endpoint_id: UUID, data: WebhookChange) -> Endpoint:
        """What waits goes to the new address, at once."""
        async with runtime.unit(caller.merchant_id, "api.webhook_change") as unit:
            await change_endpoint(
                unit,
                key_actor(caller),
                endpoint_id,
                url=data.url,
                title=data.title,
                event_types=data.event_types,
                trial=runtime.trial,
            )
            return await get_endpoint(unit, endpoint_id)

    @post(
        "/{endpoint_id:uuid}/secret",
        opt={"scope": "webhooks:write"},
        summary="Replace the secret",
        operation_class=with_example("An hour of both", ROTATE_EXAMPLE),
    )
    async def rotate(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, endpoint_id: UUID, data: Rotation
    ) -> Response[bytes]:
        """For a while messages carry signatures of both. Answers `SecretTold`."""

        async def work(unit: Unit) -> MadeEndpoint:
            overlap = timedelta(seconds=data.overlap_s)
            return await rotate_secret(unit, runtime.vault, key_actor(caller), endpoint_id, overlap)

        return await _secret(runtime, caller, request, "api.webhook_secret", work)

    @post("/{endpoint_id:uuid}/disable", opt={"scope": "webhooks:write"}, summary="Disable an endpoint")
    async def disable(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, endpoint_id: UUID
    ) -> Response[bytes]:
        """Nothing is sent any more; what waits is kept. Answers `EndpointMoved`."""

        async def work(unit: Unit) -> EndpointMoved:
            changed = await disable_endpoint(unit, key_actor(caller), endpoint_id)
            return EndpointMoved(endpoint_id=endpoint_id, changed=changed)

        return await once(runtime, caller, request, "api.webhook_disable", work)

    @post("/{endpoint_id:uuid}/enable", opt={"scope": "webhooks:write"}, summary="Enable an endpoint")
    async def enable(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, endpoint_id: UUID
    ) -> Response[bytes]:
        """What waits leaves at once; what happened meanwhile is fetched by a replay. Answers `EndpointMoved`."""

        async def work(unit: Unit) -> EndpointMoved:
            changed = await enable_endpoint(unit, key_actor(caller), endpoint_id)
            return EndpointMoved(endpoint_id=endpoint_id, changed=changed)

        return await once(runtime, caller, request, "api.webhook_enable", work)

    @post("/{endpoint_id:uuid}/test", opt={"scope": "webhooks:write"}, summary="Send a message to try it out")
    async def test(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, endpoint_id: UUID
    ) -> Response[bytes]:
        """A signed message of the type `webhook.test`, once. Answers `MessageQueued`."""

        async def work(unit: Unit) -> MessageQueued:
            await get_endpoint(unit, endpoint_id)
            return MessageQueued(event_id=await queue_test(unit, endpoint_id))

        return await once(runtime, caller, request, "api.webhook_test", work)

    @get("/{endpoint_id:uuid}/deliveries", opt={"scope": "webhooks:read"}, summary="What was sent")
    async def deliveries(
        self,
        runtime: Runtime,
        caller: ApiKey,
        endpoint_id: UUID,
        limit: Limit,
        offset: Offset,
        delivery_state: DeliveryState | None = None,
    ) -> DeliveriesAnswer:
        """Messages with every attempt and the beginning of each answer."""
        async with runtime.unit(caller.merchant_id, "api.webhook_deliveries") as unit:
            await get_endpoint(unit, endpoint_id)
            page = await deliveries_page(unit, endpoint_id, state=delivery_state, limit=limit, offset=offset)
        return DeliveriesAnswer(items=page.rows, total=page.total)

    @get("/{endpoint_id:uuid}/deliveries/{event_id:uuid}", opt={"scope": "webhooks:read"}, summary="One message")
    async def delivery(self, runtime: Runtime, caller: ApiKey, endpoint_id: UUID, event_id: UUID) -> Delivery:
        """Where it stands, and what was answered each time."""
        async with runtime.unit(caller.merchant_id, "api.webhook_delivery") as unit:
            return await one_delivery(unit, endpoint_id, event_id)

    @post(
        "/{endpoint_id:uuid}/deliveries/{event_id:uuid}/replay",
        opt={"scope": "webhooks:write"},
        summary="Send one message again",
    )
    async def replay(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, endpoint_id: UUID, event_id: UUID
    ) -> Response[bytes]:
        """With the same id, whether it arrived or not. Answers `MessageQueued`."""

        async def work(unit: Unit) -> MessageQueued:
            await replay_one(unit, key_actor(caller), endpoint_id, event_id)
            return MessageQueued(event_id=event_id)

        return await once(runtime, caller, request, "api.webhook_replay", work)

    @post(
        "/{endpoint_id:uuid}/replay",
        opt={"scope": "webhooks:write"},
        summary="Send again what did not arrive",
        operation_class=with_example("Since a day", REPLAY_EXAMPLE),
    )
    async def replay_all(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, endpoint_id: UUID, data: Since
    ) -> Response[bytes]:
        """What was given up, and what happened while nothing was kept for the endpoint. Answers `Replayed`."""

        async def work(unit: Unit) -> Replayed:
            return await replay_since(unit, key_actor(caller), endpoint_id, data.since)

        return await once(runtime, caller, request, "api.webhook_replay_since", work)


def _item(endpoint: Endpoint, counts: dict[DeliveryState, int]) -> WebhookItem:
    return WebhookItem(
        endpoint=endpoint,
        waiting=counts.get(DeliveryState.WAITING, 0),
        delivered=counts.get(DeliveryState.DELIVERED, 0),
        failed=counts.get(DeliveryState.FAILED, 0),
    )


async def _secret(
    runtime: Runtime,
    caller: ApiKey,
    request: Request[Any, Any, Any],
    label: str,
    work: Callable[[Unit], Awaitable[MadeEndpoint]],
) -> Response[bytes]:
    """The answer with a secret; what is kept for a repeated request has none."""
    told: list[MadeEndpoint] = []

    async def silent(unit: Unit) -> SecretTold:
        told.append(await work(unit))
        return SecretTold(endpoint_id=told[-1].endpoint_id)

    answer = await once(runtime, caller, request, label, silent)
    if not told:
        return answer
    made = SecretTold(endpoint_id=told[-1].endpoint_id, secret=told[-1].secret)
    return Response(
        content=msgspec.json.encode(made),
        status_code=CREATED,
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )
