"""Report a link: anybody may, without an account; the merchant gets one ticket for each link."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Controller, HttpMethod, MediaType, Response, post, route
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.status_codes import HTTP_200_OK, HTTP_404_NOT_FOUND, HTTP_429_TOO_MANY_REQUESTS

from hutong.crypto.digests import hmac_sha256
from hutong.links.hosts import link_base
from hutong.links.reports import WORDS_CHARS_MAX, ReportReason, report_link
from hutong.merchants.queries import this_merchant
from hutong.web.buyer.desk import BuyerDesk, BuyerRequest, refuse_other_sites
from hutong.web.buyer.pages import LINK_UNKNOWN, REPORTED, REPORTS_FULL, ReportPage
from hutong.web.languages import locale_of

#: The form with its longest words, each sign as nine characters, and nothing more.
BODY_BYTES_MAX: Final = 4_000
_ADDRESS_HASH_BYTES: Final = 16
_PURPOSE: Final = b"report:"


class ReportForm(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, and what else there is to say. Pages send a reason always; without one it is another one."""

    reason: ReportReason = ReportReason.OTHER
    words: str = ""


class ReportController(Controller):
    """The page and what it sends."""

    include_in_schema = False

    @route("/r/{code:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def show(self, request: BuyerRequest, code: str, buyer: BuyerDesk) -> Response[str]:
        """The form; of a link that was switched off, too."""
        locale = locale_of(request)
        found = await buyer.link(code)
        if found is None:
            return buyer.pages.message(LINK_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        merchant_id, link = found
        async with buyer.runtime.unit(merchant_id, "buyer.report_form") as unit:
            shop = (await this_merchant(unit)).name
            base = await link_base(unit, buyer.runtime.public_url)
        page = ReportPage(
            shop=shop,
            link=f"{base}/l/{link.code}",
            address=f"/r/{link.code}",
            reasons=tuple(reason.value for reason in ReportReason),
            words_chars_max=WORDS_CHARS_MAX,
        )
        return buyer.pages.report(page, locale)

    @post("/r/{code:str}", media_type=MediaType.HTML, status_code=HTTP_200_OK, request_max_body_size=BODY_BYTES_MAX)
    async def send(
        self,
        request: BuyerRequest,
        code: str,
        buyer: BuyerDesk,
        data: Annotated[ReportForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[str]:
        """Take it; nobody is told more than that it came."""
        locale = locale_of(request)
        refuse_other_sites(request, buyer.runtime.public_url)
        found = await buyer.link(code)
        if found is None:
            return buyer.pages.message(LINK_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        if not buyer.admit_report(request, code):
            return buyer.pages.message(REPORTS_FULL, locale, HTTP_429_TOO_MANY_REQUESTS)
        merchant_id, link = found
        address = request.client.host if request.client else ""
        told_by = hmac_sha256(buyer.runtime.link_key, _PURPOSE + address.encode())[:_ADDRESS_HASH_BYTES]
        async with buyer.runtime.unit(merchant_id, "buyer.report") as unit:
            await report_link(unit, link, data.reason, data.words, told_by)
        return buyer.pages.message(REPORTED, locale, HTTP_200_OK)
