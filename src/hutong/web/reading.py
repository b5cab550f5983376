"""What a request carries, read so that bytes nobody can read are the sender's mistake."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.datastructures import FormMultiDict
from litestar.exceptions import SerializationException

from hutong.web.errors import BodyMalformed, BodyUnreadable


class ReadableRequest(Request[Any, Any, Any]):
    """The application's request. Litestar takes what its decoders raise on broken UTF-8 and on deep nesting for a fault
    of the program; around the decoding itself it never is.
    """

    async def json(self) -> Any:  # noqa: ANN401 (whatever JSON can say)
        """The body as JSON.

        Raises:
            BodyUnreadable: it is not UTF-8, or nested too deeply.
            BodyMalformed: it is no JSON.
        """
        await self.body()
        try:
            return await super().json()
        except SerializationException:
            raise BodyMalformed from None
        except (UnicodeError, RecursionError):
            raise BodyUnreadable from None

    async def form(self) -> FormMultiDict:
        """The body as a form.

        Raises:
            BodyUnreadable: a name or a value is no text.
        """
        await self.body()
        try:
            return await super().form()
        except (UnicodeError, RecursionError):
            raise BodyUnreadable from None
