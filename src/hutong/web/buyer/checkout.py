"""The cash desk's addresses: the page, its state, and "pay"."""

from __future__ import annotations

import logging
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_302_FOUND, HTTP_404_NOT_FOUND

from hutong.core.errors import HutongError, NotFound
from hutong.links.containers import Agent, classify
from hutong.links.service import get_link
from hutong.merchants.directory import CHECKOUT
from hutong.payments.states import CheckoutState
from hutong.platforms.payments import PayMethod
from hutong.web.buyer.desk import (
    BuyerDesk,
    BuyerRequest,
    is_forwarded,
    is_handed_over,
    refuse_other_sites,
)
from hutong.web.buyer.pages import CHECKOUT_UNKNOWN, CheckoutPage
from hutong.web.buyer.reading import DeskReading, buttons_for, layout_of, read_desk, receipt_of, shown_state
from hutong.web.languages import locale_of
from hutong.web.qr import qr_svg
from hutong.workflows.commands.check_out import identify_url, learn_payer, watch_checkout
from hutong.workflows.commands.pay import pay
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

    @get("/", media_type=MediaType.HTML)
    async def show(
        self,
        request: BuyerRequest,
        checkout_id: UUID,
        buyer: BuyerDesk,
        code: str = "",
        auth_code: str = "",
        h: str = "",
    ) -> Response[Any]:
        """The cash desk itself; inside a wallet's own app it first learns, silently, who pays."""
        merchant_id = await buyer.merchant_of(CHECKOUT, checkout_id.hex)
        if merchant_id is None:
            return buyer.pages.message(CHECKOUT_UNKNOWN, locale_of(request), HTTP_404_NOT_FOUND)
        if h and is_handed_over(buyer.runtime.link_key, checkout_id, h):
            return self._again(buyer, checkout_id)
        agent = classify(request.headers.get("user-agent", ""))
        problem, code = "", code or auth_code  # as WeChat and as Alipay name it
        if code and request.query_params.get("state") == checkout_id.hex:
            try:
                wanted = code[:_OAUTH_CODE_CHARS_MAX]
                await learn_payer(buyer.runtime, merchant_id, checkout_id, agent.container, wanted)
            except HutongError as error:
                LOG.warning("the payer could not be learned: %s", error.code)
                problem = buyer.pages.sentence(error, locale_of(request))
            else:
                return self._again(buyer, checkout_id)
        async with buyer.runtime.unit(merchant_id, "buyer.checkout", snapshot=True) as unit:
            reading = await read_desk(unit, checkout_id)
        view = reading.view
        if view.state is CheckoutState.OPEN and is_forwarded(request, agent.container, view):
            link_path = None if view.link_id is None else await self._link_path(buyer, merchant_id, view.link_id)
            if link_path is not None:
                return Redirect(link_path, status_code=HTTP_302_FOUND)
        if not problem and view.state in _UNPAID:
            here = f"{buyer.runtime.public_url}/c/{checkout_id}"
            away = await identify_url(buyer.runtime, merchant_id, checkout_id, agent.container, here)
            if away is not None:
                return Redirect(away, status_code=HTTP_302_FOUND)
        page = await self._page(buyer, merchant_id, reading, agent, problem)
        return buyer.pages.checkout(
            page, locale_of(request), zone=reading.zone, is_big=request.query_params.get("big") == "1"
        )

    def _again(self, buyer: BuyerDesk, checkout_id: UUID) -> Redirect:
        """The page by its plain address, in a browser that is now known as the buyer's."""
        answer = Redirect(f"/c/{checkout_id}", status_code=HTTP_302_FOUND)
        answer.cookies.append(buyer.cookie(checkout_id))
        return answer

    async def _link_path(self, buyer: BuyerDesk, merchant_id: UUID, link_id: UUID) -> str | None:
        """The link a checkout came from, for somebody it was forwarded to: a visit and a checkout of his own."""
        async with buyer.runtime.unit(merchant_id, "buyer.forwarded") as unit:
            link = await get_link(unit, link_id)
        return f"/l/{link.code}" if link.state == "active" else None

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
        """Open the order at the wallet; pressed again it finds the same one."""
        refuse_other_sites(request, buyer.runtime.public_url)
        merchant_id = await buyer.merchant_of(CHECKOUT, checkout_id.hex)
        if merchant_id is None:
            raise NotFound(what="checkout", key=str(checkout_id))
        created = await pay(
            buyer.runtime,
            merchant_id,
            checkout_id,
            platform=data.platform,
            method=data.method,
            client_ip=request.client.host if request.client else "",
        )
        answer = PayAnswer(
            invoke=None if created.invoke is None else dict(created.invoke),
            redirect_url=created.redirect_url,
            code_svg=None if created.code_url is None else qr_svg(created.code_url, "QR"),
            code_url=created.code_url,
        )
        return Response(answer, headers={"cache-control": "no-store"})
