"""The cash desk's addresses: the page, its state, and "pay"."""

from __future__ import annotations

import logging
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, HttpMethod, MediaType, Response, get, post, route
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_302_FOUND, HTTP_404_NOT_FOUND

from hutong.core.errors import HutongError, NotFound
from hutong.links.containers import Agent
from hutong.links.service import get_link
from hutong.merchants.directory import CHECKOUT
from hutong.payments.checkouts import CheckoutView, get_checkout
from hutong.payments.states import CheckoutState
from hutong.platforms.payments import PayMethod
from hutong.web.buyer.desk import (
    BUYER_COOKIE,
    BuyerDesk,
    BuyerRequest,
    agent_at,
    asking_of,
    is_forwarded,
    is_handed_over,
    may_say_who_pays,
    new_mark,
    refuse_other_sites,
)
from hutong.web.buyer.forwards import link_again
from hutong.web.buyer.pages import CHECKOUT_UNKNOWN, CheckoutPage
from hutong.web.buyer.reading import DeskReading, buttons_for, layout_of, read_desk, receipt_of, shown_state
from hutong.web.languages import locale_of
from hutong.web.qr import qr_svg
from hutong.workflows.commands.check_out import identify_url, learn_payer, watch_checkout
from hutong.workflows.commands.pay import PayerUnknown, pay
from hutong.workflows.commands.wallets import wallet_accounts

LOG: Final = logging.getLogger(__name__)
_OAUTH_CODE_CHARS_MAX: Final = 512
_UNPAID: Final = (CheckoutState.OPEN, CheckoutState.PAYING)


class PayRequest(msgspec.Struct, frozen=True):
    """The buyer pressed "pay", for a wallet or for the first that knows the method."""

    method: PayMethod
    platform: str | None = None


class PayAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the buyer's page does next; exactly one is set, ``code_svg`` beside ``code_url``."""

    invoke: dict[str, str] | None = None
    redirect_url: str | None = None
    identify_url: str | None = None  # another app of the wallet has to learn who pays; then the buyer presses again
    code_svg: str | None = None
    code_url: str | None = None


class StatusAnswer(msgspec.Struct, frozen=True):
    """Where the checkout stands (open, paying, paid, expired), and what its page shows for it."""

    state: str
    shown: str


class CheckoutController(Controller):
    """The cash desk. Its id is a secret that only the buyer has."""

    path = "/c/{checkout_id:uuid}"
    include_in_schema = False

    @route("/", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def show(
        self,
        request: BuyerRequest,
        checkout_id: UUID,
        buyer: BuyerDesk,
        code: str = "",
        auth_code: str = "",
        h: str = "",
    ) -> Response[Any]:
        """The cash desk itself; inside a wallet's own app it first learns, silently, who pays.

        Whoever asks for the head alone proves nothing: his code is left for the buyer.
        """
        merchant_id = await buyer.merchant_of(CHECKOUT, checkout_id.hex)
        if merchant_id is None:
            return buyer.pages.message(CHECKOUT_UNKNOWN, locale_of(request), HTTP_404_NOT_FOUND)
        if h and is_handed_over(buyer.runtime.link_key, checkout_id, h):
            return self._again(buyer, checkout_id)
        agent = agent_at(request)
        problem = ""
        code = "" if request.method == HttpMethod.HEAD else code or auth_code  # as WeChat and as Alipay name it
        is_stray = False
        if code:
            try:
                if await self._learn(request, buyer, merchant_id, checkout_id, agent.container, code):
                    return self._again(buyer, checkout_id)
                is_stray = True  # this browser was not sent to fetch a code: it followed somebody's address
            except HutongError as error:
                LOG.warning("the payer could not be learned: %s", error.code)
                problem = buyer.pages.sentence(error, locale_of(request))
        async with buyer.runtime.unit(merchant_id, "buyer.checkout", snapshot=True) as unit:
            reading = await read_desk(unit, checkout_id)
        view = reading.view
        is_passed_on = is_stray and BUYER_COOKIE not in request.cookies
        if view.state is CheckoutState.OPEN and (is_passed_on or is_forwarded(request, agent.container, view)):
            link_path = None if view.link_id is None else await self._link_path(buyer, merchant_id, view)
            if link_path is not None:
                return Redirect(link_path, status_code=HTTP_302_FOUND)
        if not problem and not is_passed_on and view.state in _UNPAID and may_say_who_pays(request, view):
            asking = asking_of(request) or new_mark()
            here = f"{buyer.runtime.public_url}/c/{checkout_id}"
            away = await identify_url(buyer.runtime, merchant_id, checkout_id, agent.container, here, asking=asking)
            if away is not None:
                answer = Redirect(away, status_code=HTTP_302_FOUND)
                answer.cookies.append(buyer.asking(checkout_id, asking))
                return answer
        page = await self._page(buyer, merchant_id, reading, agent, problem)
        return buyer.pages.checkout(
            page, locale_of(request), zone=reading.zone, is_big=request.query_params.get("big") == "1"
        )

    def _again(self, buyer: BuyerDesk, checkout_id: UUID) -> Redirect:
        """The page by its plain address, in a browser that is now known as the buyer's."""
        answer = Redirect(f"/c/{checkout_id}", status_code=HTTP_302_FOUND)
        answer.cookies += [buyer.cookie(checkout_id), buyer.asking(checkout_id, "")]
        return answer

    async def _learn(
        self, request: BuyerRequest, buyer: BuyerDesk, merchant_id: UUID, checkout_id: UUID, container: str, code: str
    ) -> bool:
        """Take the wallet's word for who pays, in the browser that was sent to ask; False in any other."""
        async with buyer.runtime.unit(merchant_id, "buyer.asked") as unit:
            view = await get_checkout(unit, checkout_id)
        if view.state not in _UNPAID or not may_say_who_pays(request, view):
            return False
        return await learn_payer(
            buyer.runtime,
            merchant_id,
            checkout_id,
            container,
            code[:_OAUTH_CODE_CHARS_MAX],
            state=request.query_params.get("state", ""),
            asking=asking_of(request),
        )

    async def _link_path(self, buyer: BuyerDesk, merchant_id: UUID, view: CheckoutView) -> str | None:
        """The link a checkout came from, for somebody it was forwarded to: a visit and a checkout of his own, with who
        brought him.
        """
        assert view.link_id is not None, "the caller has looked"
        async with buyer.runtime.unit(merchant_id, "buyer.forwarded") as unit:
            link = await get_link(unit, view.link_id)
        if link.state != "active":
            return None
        return f"/l/{link.code}" if view.click_id is None else link_again(buyer.runtime, link.code, view.click_id)

    async def _page(
        self, buyer: BuyerDesk, merchant_id: UUID, reading: DeskReading, agent: Agent, problem: str
    ) -> CheckoutPage:
        view = reading.view
        async with buyer.runtime.unit(merchant_id, "buyer.wallets") as unit:
            buttons = buttons_for(await wallet_accounts(buyer.runtime, unit), agent.container)
        return CheckoutPage(
            checkout_id=str(view.checkout_id),
            shop=reading.merchant.name,
            title=view.goods.title,
            quantity=view.goods.quantity if view.goods.sku_id is not None else 0,
            amount=reading.amount,
            state=shown_state(view.state, reading.payment),
            container=agent.container,
            layout=layout_of(buttons, is_phone=agent.is_phone),
            buttons=buttons,
            address=buyer.hand_over(view.checkout_id),
            room=reading.room,
            receipt=receipt_of(reading),
            problem=problem,
        )

    @get("/status")
    async def status(self, checkout_id: UUID, buyer: BuyerDesk) -> Response[StatusAnswer]:
        """Asked by the waiting page."""
        merchant_id = await buyer.merchant_of(CHECKOUT, checkout_id.hex)
        if merchant_id is None:
            raise NotFound(what="checkout", key=str(checkout_id))
        await watch_checkout(buyer.runtime, merchant_id, checkout_id)
        async with buyer.runtime.unit(merchant_id, "buyer.status") as unit:
            reading = await read_desk(unit, checkout_id)
        state = reading.view.state
        answer = StatusAnswer(state.value, shown_state(state, reading.payment))
        return Response(answer, headers={"cache-control": "no-store"})

    @post("/pay", status_code=HTTP_200_OK)
    async def pay(
        self, request: BuyerRequest, checkout_id: UUID, buyer: BuyerDesk, data: PayRequest
    ) -> Response[PayAnswer]:
        """Open the order at the wallet; pressed again it finds the same one. Mostly :class:`PayDoor` is first."""
        return whole_answer(await press_pay(request, buyer, checkout_id, data))


def whole_answer(answer: PayAnswer | Response[Any]) -> Response[Any]:
    """The answer to "pay" as the framework sends it."""
    return answer if isinstance(answer, Response) else Response(answer, headers={"cache-control": "no-store"})


async def press_pay(
    request: BuyerRequest, buyer: BuyerDesk, checkout_id: UUID, pressed: PayRequest
) -> PayAnswer | Response[PayAnswer]:
    """What the buyer's page does after "pay"; an answer of its own where the buyer's browser is to remember something.

    Raises:
        Forbidden: another site's page pressed. NotFound: no such checkout.
        HutongError: as :func:`hutong.workflows.commands.pay.pay`.
    """
    refuse_other_sites(request, buyer.runtime.public_url)
    merchant_id = await buyer.merchant_of(CHECKOUT, checkout_id.hex)
    if merchant_id is None:
        raise NotFound(what="checkout", key=str(checkout_id))
    try:
        created = await pay(
            buyer.runtime,
            merchant_id,
            checkout_id,
            platform=pressed.platform,
            method=pressed.method,
            client_ip=request.client.host if request.client else "",
        )
    except PayerUnknown as unknown:
        return await _ask_again(request, buyer, merchant_id, checkout_id, unknown)
    return PayAnswer(
        invoke=None if created.invoke is None else dict(created.invoke),
        redirect_url=created.redirect_url,
        code_svg=None if created.code_url is None else qr_svg(created.code_url, "QR"),
        code_url=created.code_url,
    )


async def _ask_again(
    request: BuyerRequest, buyer: BuyerDesk, merchant_id: UUID, checkout_id: UUID, unknown: PayerUnknown
) -> Response[PayAnswer]:
    """Another app's account takes over: its wallet is asked who pays, in the buyer's own browser.

    Raises:
        PayerUnknown: this is not his browser, or it cannot be learned here.
    """
    container = agent_at(request).container
    if BUYER_COOKIE not in request.cookies or unknown.connection_id is None:
        raise unknown
    asking = asking_of(request) or new_mark()
    away = await identify_url(
        buyer.runtime,
        merchant_id,
        checkout_id,
        container,
        f"{buyer.runtime.public_url}/c/{checkout_id}",
        asking=asking,
        connection_id=unknown.connection_id,
    )
    if away is None:
        raise unknown
    answer = Response(PayAnswer(identify_url=away), headers={"cache-control": "no-store"})
    answer.cookies.append(buyer.asking(checkout_id, asking))
    return answer
