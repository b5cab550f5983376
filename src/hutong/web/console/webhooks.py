"""Events that are pushed to the merchant's own systems: where to, how they fare, and sending them again."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK

from hutong.db.unit import Unit
from hutong.merchants.actors import staff_actor
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.payment_views import StateTab
from hutong.web.console.typed import FieldBlank
from hutong.web.console.webhook_views import EndpointItem, SecretShown, TypeChoice, WebhooksView, WebhookView
from hutong.web.labels import mark
from hutong.web.told import Told
from hutong.webhooks.deliveries import queue_test
from hutong.webhooks.public import PUBLIC
from hutong.webhooks.queries import counts_by_state, counts_of, deliveries_page
from hutong.webhooks.replays import replay_one, replay_since
from hutong.webhooks.service import (
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

#: How far back a replay may go, by the words of the form.
BACK: Final = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
#: Fields of the form -> what the form calls them.
_LABELS: Final = {"title": mark("名称，自己看"), "url": mark("接收地址"), "event_types": mark("要收哪些事件")}


class EndpointForm(msgspec.Struct, frozen=True, kw_only=True):
    """Where to. The events are checkboxes, which are read apart."""

    title: str
    url: str


class ReplayForm(msgspec.Struct, frozen=True, kw_only=True):
    """How far back."""

    back: str


class WebhooksController(Controller):
    """The pages of pushed events."""

    path = "/webhooks"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """All endpoints, and how they fare."""
        async with desk.unit(request, "console.webhooks") as unit:
            counts = await counts_by_state(unit)
            items = tuple(_item(one, counts.get(one.endpoint_id, {})) for one in await list_endpoints(unit))
            return await desk.page(
                request, unit, "console/webhooks.html", WebhooksView(items=items, choices=type_choices())
            )

    @post("/", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def create(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[EndpointForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[str]:
        """A new endpoint; its secret stands on this answer and never again."""
        types = await _types(request)
        _refuse_blank(data)
        async with desk.unit(request, "console.webhook_create") as unit:
            made = await create_endpoint(
                unit,
                desk.runtime.vault,
                staff_actor(session_of(request)),
                url=data.url.strip(),
                title=data.title,
                event_types=types,
                trial=desk.runtime.trial,
            )
            return await _told(request, desk, unit, made)

    @get("/{endpoint_id:uuid}")
    async def one(
        self,
        request: ConsoleRequest,
        desk: Desk,
        endpoint_id: UUID,
        show: str = "",
        page: int = 1,
        replayed: int = -1,
    ) -> Response[str]:
        """One endpoint with its latest messages."""
        async with desk.unit(request, "console.webhook") as unit:
            view = await webhook_view(unit, endpoint_id, show, page)
            view = msgspec.structs.replace(view, replayed=replayed)
            return await desk.page(request, unit, "console/webhook.html", view)

    @post("/{endpoint_id:uuid}")
    async def change(
        self,
        request: ConsoleRequest,
        desk: Desk,
        endpoint_id: UUID,
        data: Annotated[EndpointForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Another address, name or choice of events."""
        types = await _types(request)
        _refuse_blank(data)
        async with desk.unit(request, "console.webhook_change") as unit:
            await change_endpoint(
                unit,
                staff_actor(session_of(request)),
                endpoint_id,
                url=data.url.strip(),
                title=data.title,
                event_types=types,
                trial=desk.runtime.trial,
            )
        return go_to(f"/webhooks/{endpoint_id}")

    @post("/{endpoint_id:uuid}/secret", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def rotate(self, request: ConsoleRequest, desk: Desk, endpoint_id: UUID) -> Response[str]:
        """A new secret, on this answer and never again; the old one signs beside it for a day."""
        async with desk.unit(request, "console.webhook_secret") as unit:
            made = await rotate_secret(unit, desk.runtime.vault, staff_actor(session_of(request)), endpoint_id)
            return await _told(request, desk, unit, made)

    @post("/{endpoint_id:uuid}/disable")
    async def disable(self, request: ConsoleRequest, desk: Desk, endpoint_id: UUID) -> Redirect:
        """Nothing is sent any more."""
        async with desk.unit(request, "console.webhook_disable") as unit:
            await disable_endpoint(unit, staff_actor(session_of(request)), endpoint_id)
        return go_to(f"/webhooks/{endpoint_id}")

    @post("/{endpoint_id:uuid}/enable")
    async def enable(self, request: ConsoleRequest, desk: Desk, endpoint_id: UUID) -> Redirect:
        """What waits leaves at once."""
        async with desk.unit(request, "console.webhook_enable") as unit:
            await enable_endpoint(unit, staff_actor(session_of(request)), endpoint_id)
        return go_to(f"/webhooks/{endpoint_id}")

    @post("/{endpoint_id:uuid}/test")
    async def test(self, request: ConsoleRequest, desk: Desk, endpoint_id: UUID) -> Redirect:
        """A message to try it out."""
        async with desk.unit(request, "console.webhook_test") as unit:
            await get_endpoint(unit, endpoint_id)
            await queue_test(unit, endpoint_id)
        return go_to(f"/webhooks/{endpoint_id}?replayed=1")

    @post("/{endpoint_id:uuid}/replay")
    async def replay_all(
        self,
        request: ConsoleRequest,
        desk: Desk,
        endpoint_id: UUID,
        data: Annotated[ReplayForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """What did not arrive goes out again."""
        back = BACK.get(data.back, BACK["day"])
        async with desk.unit(request, "console.webhook_replay") as unit:
            found = await replay_since(unit, staff_actor(session_of(request)), endpoint_id, unit.now() - back)
        return go_to(f"/webhooks/{endpoint_id}?replayed={found.failed_count + found.missed_count}")

    @post("/{endpoint_id:uuid}/deliveries/{event_id:uuid}/replay")
    async def replay(self, request: ConsoleRequest, desk: Desk, endpoint_id: UUID, event_id: UUID) -> Redirect:
        """One message goes out again."""
        async with desk.unit(request, "console.webhook_replay_one") as unit:
            await replay_one(unit, staff_actor(session_of(request)), endpoint_id, event_id)
        return go_to(f"/webhooks/{endpoint_id}?replayed=1")


async def webhook_view(unit: Unit, endpoint_id: UUID, show: str, page: int) -> WebhookView:
    """Everything on the page of one endpoint; no secret is told.

    Raises:
        NotFound: no such endpoint.
    """
    endpoint = await get_endpoint(unit, endpoint_id)
    counts = await counts_of(unit, endpoint_id)
    state = DeliveryState(show) if show in set(DeliveryState) else None
    found = await deliveries_page(unit, endpoint_id, state=state, limit=PAGE_ROWS, offset=page_offset(page))
    path = f"/webhooks/{endpoint_id}"
    tabs = [StateTab(state="", count=sum(counts.values()), href=path)]
    tabs += [
        StateTab(state=one.value, count=counts.get(one, 0), href=f"{path}?show={one.value}") for one in DeliveryState
    ]
    kept = {"show": "" if state is None else state.value}
    return WebhookView(
        item=_item(endpoint, counts),
        choices=type_choices(),
        tabs=tuple(tabs),
        state=kept["show"],
        rows=found.rows,
        paging=paging(path, kept, page=page, total=found.total, shown=len(found.rows)),
    )


def type_choices() -> tuple[TypeChoice, ...]:
    """Groups of events in the order of the public list."""
    groups: dict[str, list[str]] = {}
    for public in PUBLIC:
        groups.setdefault(f"{public.name.partition('.')[0]}.*", []).append(public.name)
    return tuple(TypeChoice(group=group, names=tuple(names)) for group, names in groups.items())


async def _told(request: ConsoleRequest, desk: Desk, unit: Unit, made: MadeEndpoint) -> Response[str]:
    view = await webhook_view(unit, made.endpoint_id, "", 1)
    view = msgspec.structs.replace(view, shown=SecretShown(endpoint_id=made.endpoint_id, secret=made.secret))
    return await desk.page(request, unit, "console/webhook.html", view)


async def _types(request: ConsoleRequest) -> list[str]:
    """The events that were ticked; a group that is ticked stands for all in it."""
    form: Any = await request.form()
    ticked = [str(value) for value in form.getall("event_types", [])]
    groups = {one.partition(".")[0] for one in ticked if one.endswith(".*")}
    chosen = [one for one in ticked if one.endswith("*") or one.partition(".")[0] not in groups]
    if not chosen:
        raise FieldBlank(label=Told(_LABELS["event_types"]))
    return chosen


def _refuse_blank(data: EndpointForm) -> None:
    for name in ("title", "url"):
        if not getattr(data, name).strip():
            raise FieldBlank(label=Told(_LABELS[name]))


def _item(endpoint: Endpoint, counts: dict[DeliveryState, int]) -> EndpointItem:
    return EndpointItem(
        endpoint=endpoint,
        waiting=counts.get(DeliveryState.WAITING, 0),
        delivered=counts.get(DeliveryState.DELIVERED, 0),
        failed=counts.get(DeliveryState.FAILED, 0),
    )
