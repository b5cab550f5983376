"""The way of a buyer who presses "pay", past the web framework, which took longer over it than the database does
(``make bench-payments``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from litestar import Response
from litestar.middleware.compression import CompressionMiddleware

from hutong.core.asgi import Application, Receive, Scope, Send
from hutong.web.buyer.checkout import PayRequest, press_pay, whole_answer
from hutong.web.buyer.desk import BuyerDesk, BuyerRequest
from hutong.web.packing import PACKED_BYTES_MIN, PACKING
from hutong.web.reading import ReadableRequest

PREFIX: Final = "/c/"
SUFFIX: Final = "/pay"
#: Our own page sends some fifty bytes.
BODY_BYTES_MAX: Final = 4096
#: Messages in which the server may hand it over.
PIECES_MAX: Final = 8

_READ: Final = msgspec.json.Decoder(PayRequest)
_HEADERS: Final = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))

#: A message of ASGI.
Message = MutableMapping[str, Any]
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
        taken = await _take(receive)
        pressed = _pressed(taken)
        if pressed is None:
            await self._behind(scope, _beginning_with(taken, receive), send)
            return
        request: BuyerRequest = ReadableRequest(cast(Any, scope))
        try:
            answer = await press_pay(request, self._buyer, checkout_id, pressed)
        except Exception as error:  # noqa: BLE001 (every error has its answer)
            answer = self._error_answer(request, error)
        body = b"" if isinstance(answer, Response) else msgspec.json.encode(answer)
        if isinstance(answer, Response) or len(body) >= PACKED_BYTES_MIN:
            await _send_whole(whole_answer(answer), request, receive, send)
            return
        headers = [*_HEADERS, (b"content-length", str(len(body)).encode("ascii"))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


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


async def _take(receive: Receive) -> list[Message]:
    """The messages of the body, as far as a body of our own page may go. Granian ends each one empty."""
    taken: list[Message] = []
    length = 0
    for _ in range(PIECES_MAX):
        message = await receive()
        taken.append(message)
        length += len(message.get("body", b""))
        if not message.get("more_body", False) or length > BODY_BYTES_MAX:
            break
    return taken


def _pressed(taken: Sequence[Message]) -> PayRequest | None:
    """What the page asks for; None where it hung up, sends more than it has to, or something else."""
    if taken[-1].get("more_body", False) or any(message["type"] != "http.request" for message in taken):
        return None
    body = b"".join(message.get("body", b"") for message in taken)
    try:
        return _READ.decode(body) if len(body) <= BODY_BYTES_MAX else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _beginning_with(taken: Sequence[Message], receive: Receive) -> Receive:
    """The same messages again, those that were taken first."""
    left = deque(taken)

    async def again() -> Message:
        return left.popleft() if left else await receive()

    return again


async def _send_whole(answer: Response[Any], request: BuyerRequest, receive: Receive, send: Send) -> None:
    """An answer of the framework's sort, with its cookies, packed where it is long."""
    whole = answer.to_asgi_response(app=None, request=request)
    packing: Any = CompressionMiddleware(whole, PACKING)
    await packing(request.scope, receive, send)
