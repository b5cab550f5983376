"""Who works here: added with a password that is told once, given another role, switched off and on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.status_codes import HTTP_200_OK, HTTP_422_UNPROCESSABLE_ENTITY

from hutong.core.errors import HutongError
from hutong.db.unit import Unit
from hutong.merchants.actors import staff_actor
from hutong.merchants.queries import staff_names
from hutong.merchants.staff import Role
from hutong.merchants.staffing import (
    acts_about,
    give_role,
    hire,
    member,
    members,
    renew_password,
    switch_off,
    switch_on,
)
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.staff_views import MemberView, StaffView
from hutong.web.console.typed import ChoiceUnknown, FieldBlank
from hutong.web.errors import text_for
from hutong.web.labels import mark
from hutong.web.languages import locale_of
from hutong.web.session import LOGIN_PATH
from hutong.web.told import Told

_LABELS: Final = {"name": mark("姓名"), "login": mark("登录名"), "role": mark("角色")}
_PLACE: Final = "/settings/staff"


class MemberForm(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody new."""

    name: str = ""
    login: str = ""
    role: str = ""


class RoleForm(msgspec.Struct, frozen=True, kw_only=True):
    """Another role."""

    role: str = ""


class StaffController(Controller):
    """The staff pages; the doorkeeper lets owners in only, and each act asks again."""

    path = _PLACE
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """Everybody, and the form for one more."""
        async with desk.unit(request, "console.staff") as unit:
            return await desk.page(request, unit, "console/staff.html", StaffView(members=await members(unit)))

    @post("/", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def add(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[MemberForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[str]:
        """Somebody new; the password stands on this answer and never again."""
        try:
            for name in ("name", "login"):
                if not getattr(data, name).strip():
                    raise FieldBlank(label=Told(_LABELS[name]))
            role = _role(data.role)
            async with desk.unit(request, "console.staff_add") as unit:
                actor = staff_actor(session_of(request))
                made = await hire(unit, actor, login=data.login, name=data.name, role=role)
                view = await _member_view(unit, desk, request, made.staff_id)
                view = msgspec.structs.replace(view, made=made, is_new=True)
                return await desk.page(request, unit, "console/staff_member.html", view)
        except HutongError as refusal:
            return await self._refused(request, desk, data, refusal)

    @get("/{staff_id:uuid}")
    async def one(self, request: ConsoleRequest, desk: Desk, staff_id: UUID) -> Response[str]:
        """One person."""
        async with desk.unit(request, "console.staff_member") as unit:
            view = await _member_view(unit, desk, request, staff_id)
            return await desk.page(request, unit, "console/staff_member.html", view)

    @post("/{staff_id:uuid}/role", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def change_role(
        self,
        request: ConsoleRequest,
        desk: Desk,
        staff_id: UUID,
        data: Annotated[RoleForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[Any]:
        """Another role."""

        async def work(unit: Unit) -> object:
            return await give_role(unit, staff_actor(session_of(request)), staff_id, _role(data.role))

        return await self._done(request, desk, staff_id, work, data.role)

    @post("/{staff_id:uuid}/disable", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def disable(self, request: ConsoleRequest, desk: Desk, staff_id: UUID) -> Response[Any]:
        """Out, at once and everywhere."""

        async def work(unit: Unit) -> object:
            return await switch_off(unit, staff_actor(session_of(request)), staff_id)

        return await self._done(request, desk, staff_id, work)

    @post("/{staff_id:uuid}/enable", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def enable(self, request: ConsoleRequest, desk: Desk, staff_id: UUID) -> Response[Any]:
        """In again."""

        async def work(unit: Unit) -> object:
            return await switch_on(unit, staff_actor(session_of(request)), staff_id)

        return await self._done(request, desk, staff_id, work)

    @post("/{staff_id:uuid}/password", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def reset(self, request: ConsoleRequest, desk: Desk, staff_id: UUID) -> Response[str]:
        """Another password, on this answer and never again."""
        async with desk.unit(request, "console.staff_password") as unit:
            made = await renew_password(unit, staff_actor(session_of(request)), staff_id)
            view = await _member_view(unit, desk, request, staff_id)
            view = msgspec.structs.replace(view, made=made)
            return await desk.page(request, unit, "console/staff_member.html", view)

    async def _done(
        self,
        request: ConsoleRequest,
        desk: Desk,
        staff_id: UUID,
        work: Callable[[Unit], Awaitable[object]],
        role: str = "",
    ) -> Response[Any]:
        """Do it and show the person; a refusal stands on the page with what was chosen."""
        try:
            async with desk.unit(request, "console.staff_change") as unit:
                await work(unit)
        except HutongError as refusal:
            text = text_for(refusal, locale_of(request), desk.renderer.catalogues)
            async with desk.unit(request, "console.staff_refused") as unit:
                view = await _member_view(unit, desk, request, staff_id)
                view = msgspec.structs.replace(view, refusal=text, role=role or view.role)
                answer = await desk.page(request, unit, "console/staff_member.html", view)
            answer.status_code = HTTP_422_UNPROCESSABLE_ENTITY
            return answer
        return go_to(f"{_PLACE}/{staff_id}")

    async def _refused(
        self, request: ConsoleRequest, desk: Desk, data: MemberForm, refusal: HutongError
    ) -> Response[str]:
        """The form as it was sent, and why not."""
        text = text_for(refusal, locale_of(request), desk.renderer.catalogues)
        async with desk.unit(request, "console.staff_refused") as unit:
            view = StaffView(
                members=await members(unit), login=data.login, name=data.name, role=data.role, refusal=text
            )
            answer = await desk.page(request, unit, "console/staff.html", view)
        answer.status_code = HTTP_422_UNPROCESSABLE_ENTITY
        return answer


def _role(text: str) -> Role:
    """What was chosen.

    Raises:
        ChoiceUnknown: no role of ours.
    """
    if text not in set(Role):
        raise ChoiceUnknown(label=Told(_LABELS["role"]))
    return Role(text)


async def _member_view(unit: Unit, desk: Desk, request: ConsoleRequest, staff_id: UUID) -> MemberView:
    """One person as they stand now.

    Raises:
        NotFound: nobody of this id here.
    """
    one = await member(unit, staff_id)
    return MemberView(
        member=one,
        is_self=staff_id == session_of(request).staff_id,
        acts=await acts_about(unit, staff_id),
        staff=await staff_names(unit),
        role=one.role.value,
        sign_in_at=f"{desk.runtime.public_url}{LOGIN_PATH}",
    )
