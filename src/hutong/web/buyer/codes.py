"""A shop code's page: what it takes, the keypad, and on to the cash desk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, HttpMethod, MediaType, Response, post, route
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_302_FOUND, HTTP_404_NOT_FOUND, HTTP_410_GONE

from hutong.core.errors import NotFound
from hutong.core.money import Money
from hutong.merchants.directory import SHOP_CODE
from hutong.merchants.queries import MerchantRow, this_merchant
from hutong.payments.shop_codes import CodeRoom, ShopCode, code_room, find_shop_code
from hutong.payments.states import ShopCodeState
from hutong.web.buyer.desk import (
    CODE_CHARS_MAX,
    BuyerDesk,
    BuyerRequest,
    agent_at,
    browser_cookie,
    browser_of,
    is_ahead,
    refuse_other_sites,
)
from hutong.web.buyer.pages import CODE_PAUSED, CODE_UNKNOWN, ShopCodePage
from hutong.web.languages import locale_of
from hutong.workflows.commands.counter import start_code_checkout


class AmountRequest(msgspec.Struct, frozen=True):
    """The buyer typed an amount, in major units as text: ``"12.30"``."""

    amount: str


class CheckoutOpened(msgspec.Struct, frozen=True):
    """Where the buyer pays."""

    checkout_id: UUID
    url: str


class ShopCodeController(Controller):
    """The QR that hangs in the shop."""

    path = "/s/{code:str}"
    include_in_schema = False

    @route("/", http_method=[HttpMethod.GET, HttpMethod.HEAD], media_type=MediaType.HTML)
    async def show(self, request: BuyerRequest, code: str, buyer: BuyerDesk) -> Response[Any]:
        """The keypad; a code with a fixed amount leads straight to the cash desk. Machines get no desk."""
        locale = locale_of(request)
        merchant_id = await buyer.merchant_of(SHOP_CODE, code[:CODE_CHARS_MAX])
        if merchant_id is None:
            return buyer.pages.message(CODE_UNKNOWN, locale, HTTP_404_NOT_FOUND)
        found, merchant = await self._read(buyer, merchant_id, code)
        if found.state is not ShopCodeState.ACTIVE:
            return buyer.pages.message(CODE_PAUSED, locale, HTTP_410_GONE)
        secure = buyer.runtime.public_url.startswith("https://")
        answer: Response[Any]
        agent = agent_at(request)
        if found.amount is not None and not agent.is_bot and not is_ahead(request):
            buyer.admit(request, found.code)
            checkout_id = await start_code_checkout(
                buyer.runtime,
                merchant_id,
                found.code,
                amount=None,
                container=agent.container,
                browser=browser_of(request),
            )
            answer = Redirect(f"/c/{checkout_id}", status_code=HTTP_302_FOUND)
            answer.cookies.append(buyer.cookie(checkout_id))
        else:
            page = ShopCodePage(
                code=found.code,
                shop=merchant.name,
                title=found.title,
                currency=found.currency,
                room=await self._room(buyer, merchant_id, found),
            )
            answer = buyer.pages.shop_code(page, locale, is_big=request.query_params.get("big") == "1")
        answer.cookies.append(browser_cookie(browser_of(request), secure=secure))
        return answer

    @post("/checkouts", status_code=HTTP_200_OK)
    async def open(
        self, request: BuyerRequest, code: str, buyer: BuyerDesk, data: AmountRequest
    ) -> Response[CheckoutOpened]:
        """A checkout for the amount that was typed.

        Raises:
            NotFound, ShopCodePaused, PaymentTooLarge, InvalidAmount, InvalidInput, TooManyCheckouts.
        """
        refuse_other_sites(request, buyer.runtime.public_url)
        merchant_id = await buyer.merchant_of(SHOP_CODE, code[:CODE_CHARS_MAX])
        if merchant_id is None:
            raise NotFound(what="shop_code", key=code[:CODE_CHARS_MAX])
        found, _ = await self._read(buyer, merchant_id, code)
        buyer.admit(request, found.code)
        checkout_id = await start_code_checkout(
            buyer.runtime,
            merchant_id,
            found.code,
            amount=Money.parse(data.amount, found.currency),
            container=agent_at(request).container,
            browser=browser_of(request),
        )
        opened = CheckoutOpened(checkout_id, f"/c/{checkout_id}")
        answer = Response(opened, headers={"cache-control": "no-store"})
        answer.cookies.append(buyer.cookie(checkout_id))
        return answer

    async def _room(self, buyer: BuyerDesk, merchant_id: UUID, code: ShopCode) -> CodeRoom:
        async with buyer.runtime.unit(merchant_id, "buyer.shop_code_day") as unit:
            return await code_room(unit, code)

    async def _read(self, buyer: BuyerDesk, merchant_id: UUID, code: str) -> tuple[ShopCode, MerchantRow]:
        async with buyer.runtime.unit(merchant_id, "buyer.shop_code") as unit:
            found = await find_shop_code(unit, code)
            merchant = await this_merchant(unit)
        if found is None:
            raise NotFound(what="shop_code", key=code)
        return found, merchant
