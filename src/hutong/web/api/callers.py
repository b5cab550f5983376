"""Who calls the API, what the key allows, and requests that are repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from sqlalchemy import select, update

from hutong.core.errors import ErrorText, Forbidden, HutongError, InvalidInput, Unauthorized
from hutong.crypto.digests import hmac_sha256, sha256
from hutong.db.tables import idempotency
from hutong.db.unit import Unit
from hutong.merchants.directory import API_KEY, look_up
from hutong.merchants.keys import ApiKey, find_key
from hutong.workflows.runtime import Runtime

BEARER: Final = "Bearer "
IDEMPOTENCY_HEADER: Final = "idempotency-key"
KEY_CHARS_MAX: Final = 128
CREATED: Final = 201

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)


class IdempotencyKeyReused(HutongError):
    """The same Idempotency-Key came with another request."""

    code = "idempotency_key_reused"
    status = 422
    zh = ErrorText("这个 Idempotency-Key 已用于另一个请求。", "同一个键只能重发同样的内容。", "新请求请换一个新的键。")
    en = ErrorText(
        "This Idempotency-Key was used for another request.",
        "One key repeats one request, byte for byte.",
        "Use a new key for a new request.",
    )


async def find_caller(runtime: Runtime, header: str | None) -> ApiKey:
    """The key in an Authorization header.

    Raises:
        Unauthorized: none, unknown or revoked.
    """
    if header is None or not header.startswith(BEARER):
        raise Unauthorized
    secret = header[len(BEARER) :].strip()
    async with runtime.database.plain("app") as connection:
        merchant_id = await look_up(connection, API_KEY, secret)
    if merchant_id is None:
        raise Unauthorized
    async with runtime.unit(merchant_id, "api.key") as unit:
        return await find_key(unit, secret)


async def provide_caller(request: Request[Any, Any, Any], runtime: Runtime) -> ApiKey:
    """Litestar dependency: the caller, allowed to do what the handler's ``scope`` says."""
    caller = await find_caller(runtime, request.headers.get("authorization"))
    scope = request.route_handler.opt.get("scope")
    if scope is not None and not caller.allows(str(scope)):
        raise Forbidden(scope=str(scope))
    return caller


async def once(
    runtime: Runtime,
    caller: ApiKey,
    request: Request[Any, Any, Any],
    label: str,
    work: Callable[[Unit], Awaitable[AnswerT]],
    *,
    has_secret: bool = False,
) -> Response[bytes]:
    """Run ``work`` in one transaction and keep its answer under the request's Idempotency-Key, if it has one.

    The same key with the same request gets the same answer; with another request it is refused. A second request
    that comes while the first still runs waits for it.
    """
    return _json(await once_kept(runtime, caller, request, label, work, has_secret=has_secret))


async def once_kept(
    runtime: Runtime,
    caller: ApiKey,
    request: Request[Any, Any, Any],
    label: str,
    work: Callable[[Unit], Awaitable[AnswerT]],
    *,
    has_secret: bool = False,
) -> bytes:
    """What :func:`once` answers, in JSON, for a caller that goes on with it. ``has_secret``: the request may hold
    a word that is short enough to be guessed, so the digest that is kept of it is keyed.
    """
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if key is not None and not 0 < len(key) <= KEY_CHARS_MAX:
        raise InvalidInput(field="Idempotency-Key", problem=f"1–{KEY_CHARS_MAX}")
    async with runtime.unit(caller.merchant_id, label) as unit:
        digest = sha256(f"{request.method} {request.url.path}\n".encode() + await request.body())
        if has_secret:
            digest = hmac_sha256(runtime.link_key, digest)
        if key is not None and not await _first(unit, key, digest):
            return await _kept(unit, key, digest)
        body = msgspec.json.encode(await work(unit))
        if key is not None:
            await unit.run(
                update(idempotency)
                .where(idempotency.c.merchant_id == unit.merchant_id, idempotency.c.key == key)
                .values(body=body)
            )
    return body


async def answered(
    runtime: Runtime, caller: ApiKey, request: Request[Any, Any, Any], label: str
) -> Response[bytes] | None:
    """What was answered to this request before, so that nothing is asked of a platform for it again.

    Raises:
        IdempotencyKeyReused: the key was given to another request.
    """
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if key is None or not 0 < len(key) <= KEY_CHARS_MAX:
        return None
    digest = sha256(f"{request.method} {request.url.path}\n".encode() + await request.body())
    statement = select(idempotency.c.key)
    async with runtime.unit(caller.merchant_id, label) as unit:
        known = await unit.one(statement.where(idempotency.c.merchant_id == unit.merchant_id, idempotency.c.key == key))
        return None if known is None else _json(await _kept(unit, key, digest))


async def _first(unit: Unit, key: str, digest: bytes) -> bool:
    return await unit.insert_once(
        idempotency, key=key, request_digest=digest, status=CREATED, body=b"", created_at=unit.now()
    )


async def _kept(unit: Unit, key: str, digest: bytes) -> bytes:
    row = await unit.one(
        select(idempotency).where(idempotency.c.merchant_id == unit.merchant_id, idempotency.c.key == key)
    )
    if row is None or row.request_digest != digest:
        raise IdempotencyKeyReused
    return bytes(row.body)


def _json(body: bytes) -> Response[bytes]:
    return Response(content=body, status_code=CREATED, media_type="application/json")


async def require_key(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Litestar guard: refuse early what carries no key at all."""
    if not connection.headers.get("authorization", "").startswith(BEARER):
        raise Unauthorized
