"""Errors under the addresses of buyers and creators: a small page in their style, with no way into the console."""

from __future__ import annotations

from typing import Final

from litestar import Response
from litestar.status_codes import (
    HTTP_405_METHOD_NOT_ALLOWED,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_500_INTERNAL_SERVER_ERROR,
)

from hutong.web.buyer.pages import (
    ADDRESS_UNKNOWN,
    TOO_FAST,
    TOO_MUCH,
    TROUBLE,
    WRONG_WAY_IN,
    BuyerPages,
    MessagePage,
)
from hutong.web.console.views import ErrorView
from hutong.web.errors import ErrorPages
from hutong.web.render import Renderer
from hutong.web.scene import Scene

#: First parts of the addresses that people outside the shop open: links, landings, ways out, pages that ask first,
#: reports, cards and their pictures, pages of links, cash desks, shop codes, and the way into a creator's page and the
#: page itself.
OUTSIDERS: Final = frozenset({"l", "b", "j", "x", "r", "card", "pictures", "u", "c", "s", "m", "me"})
_BY_STATUS: Final[dict[int, MessagePage]] = {
    HTTP_405_METHOD_NOT_ALLOWED: WRONG_WAY_IN,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE: TOO_MUCH,
    HTTP_429_TOO_MANY_REQUESTS: TOO_FAST,
}


class DoorErrorPages(ErrorPages):
    """The merchant's staff are led back to the overview; everybody else is told what to ask the merchant for."""

    def __init__(self, renderer: Renderer, buyers: BuyerPages) -> None:
        super().__init__(renderer)
        self._buyers = buyers

    def page(self, view: ErrorView, scene: Scene) -> Response[str]:
        """The page for a person at this address."""
        if not is_outsiders(scene.path):
            return super().page(view, scene)
        usual = TROUBLE if view.status >= HTTP_500_INTERNAL_SERVER_ERROR else ADDRESS_UNKNOWN
        return self._buyers.message(_BY_STATUS.get(view.status, usual), scene.locale, view.status)


def is_outsiders(path: str) -> bool:
    """Whether an address belongs to people outside the shop, also where it was typed or scanned in capitals."""
    return path.lstrip("/").split("/", 1)[0].lower() in OUTSIDERS
