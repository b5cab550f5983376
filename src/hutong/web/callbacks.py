"""The door for platforms: raw bytes in, verified and stored before they are acknowledged."""

from __future__ import annotations

import logging
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, post
from litestar.datastructures import Headers

from hutong.core.crashpoints import reach
from hutong.core.errors import HutongError, NotFound
from hutong.platforms.payments import Acknowledgement
from hutong.workflows.commands.take_notice import take_notice
from hutong.workflows.runtime import Runtime

log = logging.getLogger("hutong.callbacks")

CALLBACK_BYTES_MAX: Final = 64 * 1024
STORE_FAILED: Final = 500


def _headers(headers: Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _answer(told: Acknowledgement, status: int | None = None) -> Response[bytes]:
    return Response(
        content=told.body, status_code=told.status if status is None else status, media_type=told.content_type
    )


@post(
    "/callbacks/{platform:str}/{connection_id:uuid}",
    include_in_schema=False,
    request_max_body_size=CALLBACK_BYTES_MAX,
)
async def take_callback(
    request: Request[Any, Any, Any], runtime: Runtime, platform: str, connection_id: UUID
) -> Response[bytes]:
    """A platform's callback for one connection.

    401: the bytes do not verify. 404: no such connection. 500: it could not be stored; the platform sends it again.
    """
    merchant_id = await runtime.merchant_of_connection(connection_id)
    callbacks = runtime.registry.get(platform).callbacks
    if merchant_id is None or callbacks is None:
        raise NotFound(what="callback", key=str(connection_id))
    body = await request.body()
    try:
        told = await take_notice(runtime, merchant_id, platform, connection_id, _headers(request.headers), body)
    except HutongError as error:
        return _answer(callbacks.refuse(error.code), error.status)
    except Exception:
        log.exception("a callback of %s could not be stored; it is not acknowledged", platform)
        return _answer(callbacks.refuse("not stored"), STORE_FAILED)
    reach("ack:callback:leaves")
    return _answer(told)
