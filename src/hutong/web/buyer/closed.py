"""What a visitor finds behind a click, at a link that has been closed since: what ``/l`` would answer now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.response import Redirect
from litestar.status_codes import HTTP_302_FOUND, HTTP_410_GONE

from hutong.links.rules.compiled import compile_rules
from hutong.links.rules.service import rules_of
from hutong.links.service import LinkView
from hutong.links.standing import OVER, Standing
from hutong.web.buyer.desk import BuyerDesk
from hutong.web.buyer.pages import LINK_EARLY, LINK_OVER
from hutong.web.i18n.locales import Locale


async def closed(
    buyer: BuyerDesk, merchant_id: UUID, link: LinkView, locale: Locale, *, is_clicked: bool
) -> Response[Any]:
    """The friendly page; a link that is over leads where its rules say then, if that place needs no question.

    An address without its click goes back to the link first, which keeps one.

    ``link`` as :meth:`hutong.web.buyer.desk.BuyerDesk.link` gives it.
    """
    if link.state in OVER and link.lock_id is None:  # behind a password, where it leads then is asked for anew
        async with buyer.runtime.unit(merchant_id, "buyer.link_over") as unit:
            rules = (await rules_of(unit, link.link_id)).rules
        over = compile_rules(rules, link.url, link.sku_id).over
        if over is not None and over.url is not None and await buyer.leads_on(merchant_id, over.url):
            if not is_clicked:
                return Redirect(f"/l/{link.code}", status_code=HTTP_302_FOUND)
            return Redirect(over.url, status_code=HTTP_302_FOUND)
    return closed_page(buyer, link.state, locale)


def closed_page(buyer: BuyerDesk, standing: str, locale: Locale) -> Response[str]:
    """The friendly page: that it is too early, or over."""
    page = LINK_EARLY if standing == Standing.EARLY.value else LINK_OVER
    return buyer.pages.message(page, locale, HTTP_410_GONE)
