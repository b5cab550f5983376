"""Single clicks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.openapi.spec import Example, Operation
from litestar.params import Parameter

from hutong.analytics.clicks import PAGE_ROWS_MAX, Became, ClickFilter, ClickItem, Who, clicks_slice
from hutong.links.containers import CONTAINERS, SYSTEMS
from hutong.links.visitors import REFERRERS
from hutong.merchants.keys import ApiKey
from hutong.web.moments import aware
from hutong.workflows.runtime import Runtime


def _one_of(values: tuple[str, ...], description: str) -> Any:  # noqa: ANN401 (a parameter's description)
    return Parameter(pattern=f"^({'|'.join(values)}|)$", default="", description=description)


ClicksMax = Annotated[int, Parameter(ge=1, le=PAGE_ROWS_MAX, default=100)]
Cursor = Annotated[UUID | None, Parameter(default=None, description="`next` of the page before")]
Since = Annotated[datetime | None, Parameter(default=None, description="From this moment on, with its time zone")]
Until = Annotated[datetime | None, Parameter(default=None, description="Before this moment")]
EXAMPLE: Final[Mapping[str, Any]] = {
    "items": [
        {
            "click_id": "019aa5f0-7c00-7c3e-9d52-4f2f0b6f6a11",
            "clicked_at": "2026-11-27T12:00:00.250000Z",
            "link_id": "019aa5ef-1b00-7a11-8c40-0d9d1f1c2b3a",
            "code": "k7Qx1mP",
            "channel_id": "019aa5ef-1a00-7b22-9e31-1e8e2f2d3c4b",
            "container": "xiaohongshu",
            "os": "android",
            "language": "zh-CN",
            "referrer": "social",
            "visitor": "5f1d7a84db1dd3d61af0b8f1c2a2e0aa",
            "is_bot": False,
            "machine": "",
            "outcome": "ordered",
            "tries": [{"form": "taobao_page_scheme", "outcome": "left"}],
            "order_id": "019aa5f1-9d00-7d10-a0b1-52a3b4c5d6e7",
            "promoted_order_no": "",
        }
    ],
    "next": "019aa5f0-7c00-7c3e-9d52-4f2f0b6f6a11",
}


@dataclass
class ClicksOperation(Operation):
    """Adds an example to the answer: Litestar makes none of structs."""

    def __post_init__(self) -> None:
        """Add it."""
        answer = (self.responses or {})["200"]
        for content in (getattr(answer, "content", None) or {}).values():
            content.examples = {"example": Example(summary="One click, and more to come", value=EXAMPLE)}


class TryItem(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to leave for an app: the jump matrix's name of the way; `left` or `stayed`."""

    form: str
    outcome: str


class Click(msgspec.Struct, frozen=True, kw_only=True):
    """A click. `visitor` tells visitors of one day apart and nothing more; it is another one the next day.

    `machine`: preview, spider, monitor, headless, library, prefetch, head, nameless, other, limited, locked (asked for
    the link's password, maybe a person), or closed (the link was over, off or not begun); empty for a person, and for
    machines whose kind was not kept. `outcome`: ordered, desk (the cash desk was opened), left (for another app),
    stayed, locked (asked for the password and led nowhere), closed (led nowhere, as the link was closed), or straight
    (sent on at once, or nothing told since). Language is empty where the visitor names none. `promoted_order_no`: the
    number of an order that only an alliance tells, as in `/promoted-orders`.
    """

    click_id: UUID
    clicked_at: datetime
    link_id: UUID
    code: str
    channel_id: UUID
    container: str
    os: str
    language: str
    referrer: str
    visitor: str
    is_bot: bool
    machine: str
    outcome: Became
    tries: tuple[TryItem, ...]
    order_id: UUID | None
    promoted_order_no: str


class ClicksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Some clicks, the latest first; `next` is null at the end."""

    items: tuple[Click, ...]
    next: UUID | None


class ClicksApi(Controller):
    """Single clicks."""

    path = "/api/v1"
    tags = ["Links"]

    @get(
        "/clicks",
        opt={"scope": "links:read"},
        summary="Single clicks and what became of them",
        operation_class=ClicksOperation,
    )
    async def clicks(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: ClicksMax,
        cursor: Cursor,
        since: Since,
        until: Until,
        link_id: UUID | None = None,
        channel_id: UUID | None = None,
        container: Annotated[str, _one_of(CONTAINERS, "The app it was opened in")] = "",
        os: Annotated[str, _one_of(SYSTEMS, "The operating system")] = "",
        referrer: Annotated[str, _one_of(REFERRERS, "The class of the page before")] = "",
        who: Annotated[Who, Parameter(default=Who.ALL, description="Whose clicks")] = Who.ALL,
        outcome: Annotated[str, _one_of(tuple(Became), "What became of it")] = "",
    ) -> ClicksAnswer:
        """Every click that was kept, bots flagged and never dropped, the latest first.

        Pages follow each other by `cursor`, the `next` of the page before, with the same filters: what is clicked
        meanwhile shifts nothing. A click is there within a second.
        """
        wanted = ClickFilter(
            since=aware(since, "since"),
            until=aware(until, "until"),
            who=who,
            link_id=link_id,
            channel_id=channel_id,
            container=container,
            os=os,
            referrer=referrer,
            became=Became(outcome) if outcome else None,
        )
        async with runtime.unit(caller.merchant_id, "api.clicks") as unit:
            found = await clicks_slice(unit, wanted, below=cursor, limit=limit)
        return ClicksAnswer(items=tuple(_click(row) for row in found.rows), next=found.following)


def _click(row: ClickItem) -> Click:
    return Click(
        click_id=row.click_id,
        clicked_at=row.clicked_at,
        link_id=row.link_id,
        code=row.link_code,
        channel_id=row.channel_id,
        container=row.container,
        os=row.os,
        language=row.language,
        referrer=row.referrer,
        visitor=row.visitor.hex(),
        is_bot=row.is_bot,
        machine=row.machine,
        outcome=row.became,
        tries=tuple(TryItem(form=one.form, outcome=one.outcome) for one in row.tries),
        order_id=row.order_id,
        promoted_order_no=row.promoted_no,
    )
