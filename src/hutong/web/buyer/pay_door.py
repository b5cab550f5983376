"""The way of a buyer who presses "pay", past the web framework, which took longer over it than the database does
(``make bench-payments``).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response

from hutong.core.asgi import Application, Receive, Scope, Send
from hutong.web.buyer.checkout import PayRequest, press_pay
from hutong.web.buyer.desk import BuyerDesk, BuyerRequest
from hutong.web.reading import ReadableRequest

PREFIX: Final = "/c/"
SUFFIX: Final = "/pay"
#: Our own page sends some fifty bytes.
BODY_BYTES_MAX: Final = 4096
#: From here on an answer is packed for whoever can open it, as the application packs its own.
PACKED_BYTES_MIN: Final = 1000
PACKING_LEVEL: Final = 5

_READ: Final = msgspec.json.Decoder(PayRequest)
_HEADERS: Final = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))

#: An exception as the answer that the application gives.
ErrorAnswer = Callable[[BuyerRequest, Exception], Response[Any]]


class PayDoor:
    """Takes ``POST /c/{checkout}/pay`` as our own page sends it. Whatever comes in another form goes on to the
    application with every byte of it, and the application says what is wrong.
    """

    def __init__(self, behind: Application, buyer: BuyerDesk, error_answer: ErrorAnswer) -> None:
        self._behind = behind
        self._buyer = buyer
        self._error_answer = error_answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        checkout_id = _named(scope)
        if checkout_id is None:
            await self._behind(scope, receive, send)
            return
        message = await receive()
        pressed = _pressed(message)
        if pressed is None:
            await self._behind(scope, _beginning_with(message, receive), send)
            return
        request: BuyerRequest = ReadableRequest(scope)
        try:
            answer = await press_pay(request, self._buyer, checkout_id, pressed)
        except Exception as error:  # noqa: BLE001 (every error has its answer)
            await _send_whole(self._error_answer(request, error), request, scope, receive, send)
            return
        if isinstance(answer, Response):
            await _send_whole(answer, request, scope, receive, send)
            return
        await _send(msgspec.json.encode(answer), request, send)


def _named(scope: Scope) -> UUID | None:
    """The checkout that the address names, written as we write it."""
    path = scope.get("path", "")
    if not path.startswith(PREFIX) or not path.endswith(SUFFIX) or scope["type"] != "http" or scope["method"] != "POST":
        return None
    number = path[len(PREFIX) : -len(SUFFIX)]
    try:
        checkout_id = UUID(number)
    except ValueError:
        return None
    return checkout_id if str(checkout_id) == number else None


def _pressed(message: dict[str, Any] | Any) -> PayRequest | None:  # noqa: ANN401 (a message of ASGI)
    """What the page asks for; None where it comes in pieces, is too long or is not what our page sends."""
    body = message.get("body", b"")
    if message["type"] != "http.request" or message.get("more_body", False) or len(body) > BODY_BYTES_MAX:
        return None
    try:
        return _READ.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _beginning_with(message: Any, receive: Receive) -> Receive:  # noqa: ANN401 (a message of ASGI)
    """The same messages again, the one that was taken first."""
    taken = [message]

    async def again() -> Any:  # noqa: ANN401
        return taken.pop() if taken else await receive()

    return again


async def _send(body: bytes, request: Request[Any, Any, Any], send: Send) -> None:
    """An answer as JSON; a long one packed."""
    headers = list(_HEADERS)
    if len(body) >= PACKED_BYTES_MIN and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, PACKING_LEVEL)
        headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    headers.append((b"content-length", str(len(body)).encode("ascii")))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_whole(
    answer: Response[Any], request: Request[Any, Any, Any], scope: Scope, receive: Receive, send: Send
) -> None:
    """An answer of the framework's sort, with its cookies."""
    whole: Any = answer.to_asgi_response(app=None, request=request)
    await whole(scope, receive, send)
