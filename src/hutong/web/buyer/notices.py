"""What the link server says by itself, as small pages: too fast, and no such link here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

from hutong.core.asgi import Answer
from hutong.web.buyer.pages import LINK_BUSY, LINK_UNKNOWN, BuyerPages, MessagePage
from hutong.web.i18n.locales import choose_locale
from hutong.web.render import Renderer

_PAGES: Final[dict[int, MessagePage]] = {404: LINK_UNKNOWN, 429: LINK_BUSY}
LANGUAGE_CHARS_MAX: Final = 200


class Notices:
    """Pages by status; the templates are read when the first is needed."""

    @cached_property
    def _pages(self) -> BuyerPages:
        return BuyerPages(Renderer())

    def answer(self, status: int, headers: Mapping[bytes, bytes]) -> Answer:
        """The page of a status, in the visitor's language."""
        language = headers.get(b"accept-language", b"")[:LANGUAGE_CHARS_MAX].decode("latin-1")
        locale = choose_locale(asked=None, remembered=None, accept_language=language)
        page = self._pages.message(_PAGES[status], locale, status)
        heads = {
            "content-type": "text/html; charset=utf-8",
            **{name: str(value) for name, value in page.headers.items()},
        }
        return Answer(status=status, headers=heads, body=page.content.encode())
