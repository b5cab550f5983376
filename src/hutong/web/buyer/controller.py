"""Buyers' addresses: the landing of a link, the cash desk, its status."""

from __future__ import annotations

import logging
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import Controller, HttpMethod, MediaType, Request, Response, get, post, route
from litestar.datastructures import Cookie
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_302_FOUND, HTTP_404_NOT_FOUND, HTTP_410_GONE

from hutong.core.errors import Forbidden, HutongError, NotFound
from hutong.links.containers import classify
from hutong.links.queries import LinkSummary, links_page
from hutong.links.service import get_link
from hutong.links.tokens import read_click_token
from hutong.merchants.directory import CHECKOUT, LINK, look_up
from hutong.merchants.queries import this_merchant
from hutong.payments.checkouts import CHECKOUT_LIFE, CheckoutView, get_checkout
from hutong.payments.states import CheckoutState
from hutong.platforms.payments import PayMethod
from hutong.shops.catalogue import get_sku
from hutong.shops.queries import order_detail
from hutong.web.buyer.pages import CHECKOUT_UNKNOWN, LINK_OVER, LINK_UNKNOWN, BuyerPages, CheckoutPage
from hutong.web.languages import locale_of
from hutong.web.qr import qr_svg
from hutong.workflows.commands.check_out import identify_url, learn_payer, start_checkout, watch_checkout
from hutong.workflows.commands.pay import pay
from hutong.workflows.commands.wallets import wallet_choices
from hutong.workflows.runtime import Runtime

LOG: Final = logging.getLogger(__name__)
BuyerRequest = Request[Any, Any, Any]

BUYER_COOKIE: Final = "hutong_buyer"
_CODE_CHARS_MAX: Final = 64
_OAUTH_CODE_CHARS_MAX: Final = 512
_STATES: Final[dict[CheckoutState, str]] = {
    CheckoutState.OPEN: "open",
    CheckoutState.PAYING: "waiting",
    CheckoutState.PAID: "paid",
    CheckoutState.EXPIRED: "closed",
}


class PayRequest(msgspec.Struct, frozen=True):
    """The buyer pressed "pay", for a wallet or for the first that knows the method."""

    method: PayMethod
    platform: str | None = None


class PayAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the buyer's page does next; exactly one is set."""

    invoke: dict[str, str] | None = None
    redirect_url: str | None = None
    code_svg: str | None = None
    code_url: str | None = None


class StatusAnswer(msgspec.Struct, frozen=True):
    """Where the checkout stands: open, paying, paid or expired."""

    state: str


class BuyerDesk:
    """What the buyers' handlers have in hand."""

    def __init__(self, runtime: Runtime, pages: BuyerPages) -> None:
        self.runtime = runtime
        self.pages = pages

    async def merchant_of(self, kind: str, key: str) -> UUID | None:
        """Whose link or checkout it is."""
        async with self.runtime.database.plain("app") as connection:
            return await look_up(connection, kind, key)

    async def link(self, merchant_id: UUID, code: str) -> LinkSummary | None:
        """A link by its code."""
        async with self.runtime.unit(merchant_id, "buyer.link") as unit:
            found = await links_page(unit, code=code, limit=1, offset=0)
        return found.rows[0] if found.rows else None


class LinkController(Controller):
    """Where a link leads. The edge has counted the click already; what it does not know comes here."""

    include_in_schema = False

    @route("/l/{code:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def dead_end(self, request: BuyerRequest, code: str, buyer: BuyerDesk) -> Response[str]:
        """A link that the edge could not follow: unknown, switched off or over."""
        locale = locale_of(request)
        if len(code) <= _CODE_CHARS_MAX and await buyer.merchant_of(LINK, code) is not None:
            return buyer.pages.message(LINK_OVER, locale, HTTP_410_GONE)
        return buyer.pages.message(LINK_UNKNOWN, locale, HTTP_404_NOT_FOUND)

    @get("/b/{code:str}", media_type=MediaType.HTML)
    async def landing(self, request: BuyerRequest, code: str, buyer: BuyerDesk, k: str = "") -> Response[Any]:
        """Behind the click: a phone goes on to the cash desk, a desktop shows the link as a QR."""
        locale = locale_of(request)
        merchant_id = await buyer.merchant_of(LINK, code[:_CODE_CHARS_MAX])
        link = None if merchant_id is None else await buyer.link(merchant_id, code)
        if merchant_id is None or link is None:
            return buyer.pages.message(LINK_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        if link.state != "active" or link.sku_id is None:
            return buyer.pages.message(LINK_OVER, locale, HTTP_410_GONE)
        container = classify(request.headers.get("user-agent", "")).container
        if container == "desktop":
            return await self._desktop(request, buyer, merchant_id, link)
        click_id = read_click_token(buyer.runtime.link_key, k, code)
        if click_id is None:  # an address without its click: count one first
            return Redirect(f"/l/{link.code}", status_code=HTTP_302_FOUND)
        checkout_id = await start_checkout(buyer.runtime, merchant_id, link.link_id, click_id, container)
        return Redirect(f"/c/{checkout_id}", status_code=HTTP_302_FOUND)

    async def _desktop(
        self, request: BuyerRequest, buyer: BuyerDesk, merchant_id: UUID, link: LinkSummary
    ) -> Response[str]:
        assert link.sku_id is not None, "the caller has looked"
        async with buyer.runtime.unit(merchant_id, "buyer.desktop") as unit:
            merchant = await this_merchant(unit)
            sku = await get_sku(unit, link.sku_id)
        return buyer.pages.desktop(
            shop=merchant.name,
            title=sku.title,
            price=sku.price,
            address=f"{buyer.runtime.public_url}/l/{link.code}",
            locale=locale_of(request),
        )


class CheckoutController(Controller):
    """The cash desk. Its id is a secret that only the buyer has."""

    path = "/c/{checkout_id:uuid}"
    include_in_schema = False

    @get("/", media_type=MediaType.HTML)
    async def show(
        self, request: BuyerRequest, checkout_id: UUID, buyer: BuyerDesk, code: str = "", auth_code: str = ""
    ) -> Response[Any]:
        """The cash desk itself; inside a wallet's own app it first learns, silently, who pays."""
        merchant_id = await buyer.merchant_of(CHECKOUT, checkout_id.hex)
        if merchant_id is None:
            return buyer.pages.message(CHECKOUT_UNKNOWN, locale_of(request), HTTP_404_NOT_FOUND)
        here = f"{buyer.runtime.public_url}/c/{checkout_id}"
        container = classify(request.headers.get("user-agent", "")).container
        problem, code = "", code or auth_code  # as WeChat and as Alipay name it
        if code and request.query_params.get("state") == checkout_id.hex:
            try:
                await learn_payer(buyer.runtime, merchant_id, checkout_id, container, code[:_OAUTH_CODE_CHARS_MAX])
            except HutongError as error:
                LOG.warning("the payer could not be learned: %s", error.code)
                problem = buyer.pages.sentence(error, locale_of(request))
            else:
                known = Redirect(f"/c/{checkout_id}", status_code=HTTP_302_FOUND)
                known.cookies.append(_buyer_cookie(checkout_id, secure=here.startswith("https://")))
                return known
        view, shop, order_no = await self._read(buyer, merchant_id, checkout_id)
        if view.state is CheckoutState.OPEN and _is_forwarded(request, view):
            link_path = await self._link_path(buyer, merchant_id, view)
            if link_path is not None:
                return Redirect(link_path, status_code=HTTP_302_FOUND)
        if not problem and view.state in (CheckoutState.OPEN, CheckoutState.PAYING):
            away = await identify_url(buyer.runtime, merchant_id, checkout_id, container, here)
            if away is not None:
                return Redirect(away, status_code=HTTP_302_FOUND)
        choices = await wallet_choices(buyer.runtime, merchant_id, container)
        method = choices[0].method if choices else PayMethod.H5
        page = CheckoutPage(
            checkout_id=str(checkout_id),
            shop=shop,
            title=view.goods.title,
            quantity=view.goods.quantity,
            amount=view.goods.amount,
            state=_STATES[view.state],
            method=method.value,
            order_no=order_no,
            problem=problem,
        )
        return buyer.pages.checkout(page, locale_of(request))

    async def _link_path(self, buyer: BuyerDesk, merchant_id: UUID, view: CheckoutView) -> str | None:
        """The link a checkout came from, for somebody it was forwarded to: a visit and a checkout of his own."""
        if view.link_id is None:
            return None
        async with buyer.runtime.unit(merchant_id, "buyer.forwarded") as unit:
            link = await get_link(unit, view.link_id)
        return f"/l/{link.code}" if link.state == "active" else None

    async def _read(self, buyer: BuyerDesk, merchant_id: UUID, checkout_id: UUID) -> tuple[CheckoutView, str, str]:
        async with buyer.runtime.unit(merchant_id, "buyer.checkout") as unit:
            view = await get_checkout(unit, checkout_id)
            shop = (await this_merchant(unit)).name
            order_no = "" if view.order_id is None else (await order_detail(unit, view.order_id)).order.order_no
        return view, shop, order_no

    @get("/status")
    async def status(self, checkout_id: UUID, buyer: BuyerDesk) -> Response[StatusAnswer]:
        """Asked by the waiting page."""
        merchant_id = await buyer.merchant_of(CHECKOUT, checkout_id.hex)
        if merchant_id is None:
            raise NotFound(what="checkout", key=str(checkout_id))
        state = await watch_checkout(buyer.runtime, merchant_id, checkout_id)
        return Response(StatusAnswer(state.value), headers={"cache-control": "no-store"})

    @post("/pay", status_code=HTTP_200_OK)
    async def pay(
        self, request: BuyerRequest, checkout_id: UUID, buyer: BuyerDesk, data: PayRequest
    ) -> Response[PayAnswer]:
        """Open the order at the wallet; pressed again it finds the same one."""
        _refuse_other_sites(request, buyer.runtime.public_url)
        merchant_id = await buyer.merchant_of(CHECKOUT, checkout_id.hex)
        if merchant_id is None:
            raise NotFound(what="checkout", key=str(checkout_id))
        client_ip = request.client.host if request.client else ""
        created = await pay(
            buyer.runtime,
            merchant_id,
            checkout_id,
            platform=data.platform,
            method=data.method,
            client_ip=client_ip,
        )
        drawn = None
        if created.code_url is not None:
            drawn = qr_svg(created.code_url, "QR")
        answer = PayAnswer(
            invoke=None if created.invoke is None else dict(created.invoke),
            redirect_url=created.redirect_url,
            code_svg=drawn,
            code_url=created.code_url,
        )
        return Response(answer, headers={"cache-control": "no-store"})


def _is_forwarded(request: BuyerRequest, view: CheckoutView) -> bool:
    """Whether this is somebody else's checkout, whose address was passed on: it is open in another app than it was
    made in, or its payer is known and this is not his browser.
    """
    if classify(request.headers.get("user-agent", "")).container != view.container:
        return True
    return view.payer_kind is not None and BUYER_COOKIE not in request.cookies


def _buyer_cookie(checkout_id: UUID, *, secure: bool) -> Cookie:
    """Tells the payer's browser from those the address is forwarded to."""
    return Cookie(
        key=BUYER_COOKIE,
        value="1",
        path=f"/c/{checkout_id}",
        max_age=int(CHECKOUT_LIFE.total_seconds()),
        httponly=True,
        secure=secure,
        samesite="lax",
    )


def _refuse_other_sites(request: BuyerRequest, public_url: str) -> None:
    """Another site's page may not press "pay" in the buyer's name.

    Raises:
        Forbidden: the browser names another origin.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = {urlsplit(public_url).netloc, request.headers.get("host", "")}
    if urlsplit(origin).netloc not in own:
        raise Forbidden(scope="same-origin")
