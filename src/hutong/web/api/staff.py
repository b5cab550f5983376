"""Who works here, for service providers: the same acts as the console's, by a key with the scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.db.unit import Unit
from hutong.merchants.actors import key_actor
from hutong.merchants.keys import ApiKey
from hutong.merchants.staff import Role
from hutong.merchants.staffing import (
    Member,
    NewMember,
    give_role,
    hire,
    member,
    members,
    renew_password,
    switch_off,
    switch_on,
)
from hutong.web.api.bodies import Line, RequestBody
from hutong.web.api.callers import CREATED, once
from hutong.web.api.examples import with_example
from hutong.workflows.runtime import Runtime

NEW_EXAMPLE: Final = {"login": "wang.fang", "name": "王芳", "role": "cashier"}
ROLE_EXAMPLE: Final = {"role": "manager"}


class NewStaff(RequestBody, frozen=True, kw_only=True):
    """Somebody who shall sign in to the console."""

    login: Line
    name: Line
    role: Role


class RoleChange(RequestBody, frozen=True, kw_only=True):
    """Another role."""

    role: Role


class PasswordTold(msgspec.Struct, frozen=True, kw_only=True):
    """``password`` is told once: a repeated request (the same Idempotency-Key) gets null instead."""

    staff_id: UUID
    login: str
    password: str | None = None


class MemberMoved(msgspec.Struct, frozen=True, kw_only=True):
    """``changed`` is false where it was so before."""

    staff_id: UUID
    changed: bool


class StaffAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody, those who are switched off included."""

    items: tuple[Member, ...]


class StaffApi(Controller):
    """People who sign in to the console. Keys belong to the merchant, not to a person, and outlive everybody."""

    path = "/api/v1/staff"
    tags = ["Staff"]

    @get(opt={"scope": "staff:read"}, summary="Staff")
    async def all(self, runtime: Runtime, caller: ApiKey) -> StaffAnswer:
        """Who may do what, and when they came in last."""
        async with runtime.unit(caller.merchant_id, "api.staff") as unit:
            return StaffAnswer(items=await members(unit))

    @post(opt={"scope": "staff:write"}, summary="Add somebody", operation_class=with_example("A cashier", NEW_EXAMPLE))
    async def add(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewStaff
    ) -> Response[bytes]:
        """With a random password. Answers `PasswordTold`."""

        async def work(unit: Unit) -> NewMember:
            return await hire(unit, key_actor(caller), login=data.login, name=data.name, role=data.role)

        return await _password(runtime, caller, request, "api.staff_add", work)

    @get("/{staff_id:uuid}", opt={"scope": "staff:read"}, summary="One person")
    async def one(self, runtime: Runtime, caller: ApiKey, staff_id: UUID) -> Member:
        """One person as they stand now."""
        async with runtime.unit(caller.merchant_id, "api.staff_one") as unit:
            return await member(unit, staff_id)

    @post(
        "/{staff_id:uuid}/role",
        opt={"scope": "staff:write"},
        summary="Give another role",
        operation_class=with_example("A manager", ROLE_EXAMPLE),
    )
    async def role(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, staff_id: UUID, data: RoleChange
    ) -> Response[bytes]:
        """Their sessions end. The last owner who can sign in stays one. Answers `MemberMoved`."""

        async def work(unit: Unit) -> MemberMoved:
            return MemberMoved(staff_id=staff_id, changed=await give_role(unit, key_actor(caller), staff_id, data.role))

        return await once(runtime, caller, request, "api.staff_role", work)

    @post("/{staff_id:uuid}/disable", opt={"scope": "staff:write"}, summary="Switch off")
    async def disable(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, staff_id: UUID
    ) -> Response[bytes]:
        """Out at once, wherever they are signed in. Answers `MemberMoved`."""

        async def work(unit: Unit) -> MemberMoved:
            return MemberMoved(staff_id=staff_id, changed=await switch_off(unit, key_actor(caller), staff_id))

        return await once(runtime, caller, request, "api.staff_disable", work)

    @post("/{staff_id:uuid}/enable", opt={"scope": "staff:write"}, summary="Switch on")
    async def enable(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, staff_id: UUID
    ) -> Response[bytes]:
        """With the password they had. Answers `MemberMoved`."""

        async def work(unit: Unit) -> MemberMoved:
            return MemberMoved(staff_id=staff_id, changed=await switch_on(unit, key_actor(caller), staff_id))

        return await once(runtime, caller, request, "api.staff_enable", work)

    @post("/{staff_id:uuid}/password", opt={"scope": "staff:write"}, summary="Replace the password")
    async def password(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, staff_id: UUID
    ) -> Response[bytes]:
        """A random one; their sessions end. Answers `PasswordTold`."""

        async def work(unit: Unit) -> NewMember:
            return await renew_password(unit, key_actor(caller), staff_id)

        return await _password(runtime, caller, request, "api.staff_password", work)


async def _password(
    runtime: Runtime,
    caller: ApiKey,
    request: Request[Any, Any, Any],
    label: str,
    work: Callable[[Unit], Awaitable[NewMember]],
) -> Response[bytes]:
    """The answer with a password; what is kept for a repeated request has none."""
    told: list[NewMember] = []

    async def silent(unit: Unit) -> PasswordTold:
        told.append(await work(unit))
        return PasswordTold(staff_id=told[-1].staff_id, login=told[-1].login)

    answer = await once(runtime, caller, request, label, silent)
    if not told:
        return answer
    made = PasswordTold(staff_id=told[-1].staff_id, login=told[-1].login, password=told[-1].password)
    return Response(
        content=msgspec.json.encode(made),
        status_code=CREATED,
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )
