"""The addresses of combined orders."""

from __future__ import annotations

import re
from typing import Final

from hutong_sandbox.wechatpay import fields
from hutong_sandbox.wechatpay.accounts import Account, Keyring
from hutong_sandbox.wechatpay.calls import Answer, Call, Route, lose_answer
from hutong_sandbox.wechatpay.combined import Combined, CombinedOrders
from hutong_sandbox.wechatpay.errors import WireError, bad_parameter
from hutong_sandbox.wechatpay.fields import BodyReader, NewOrder
from hutong_sandbox.wechatpay.order_calls import Address, check_openid, opened
from hutong_sandbox.wechatpay.parties import Parties, sub_merchant
from hutong_sandbox.wechatpay.trades import Trade, Trades
from hutong_sandbox.world import World

COMBINE: Final = "/v3/combine-transactions"
COMBINE_NO: Final = re.compile(r"[0-9A-Za-z_\-|*]{2,32}")
PARTS_MIN: Final = 2
PARTS_MAX: Final = 10
PROVIDERS_PARTS_MAX: Final = 50


class CombineCalls:
    """Combined orders."""

    def __init__(
        self, world: World, keyring: Keyring, trades: Trades, combined: CombinedOrders, address: Address
    ) -> None:
        self._world = world
        self._keyring = keyring
        self._trades = trades
        self._combined = combined
        self._address = address

    def routes(self) -> list[Route]:
        """The addresses."""
        return [
            ("POST", f"{COMBINE}/(jsapi|native|h5|app)", self._create),
            ("GET", f"{COMBINE}/out-trade-no/([^/]+)", self._query),
            ("POST", f"{COMBINE}/out-trade-no/([^/]+)/close", self._close),
        ]

    async def _create(self, call: Call) -> Answer:
        body, method = call.body(), call.match[1]
        fields.check_mchid(body.text("combine_mchid", limit=32), call.account, "body")
        appid = self._appid(body, call.account)
        number = body.matching("combine_out_trade_no", COMBINE_NO, limit=32)
        openid = body.inner("combine_payer_info").text("openid", limit=128) if method == "jsapi" else ""
        check_openid(self._world, appid, openid)
        if method == "h5":
            fields.check_h5_scene(body)
        wanted = self._parts(body, call.account, appid, method)
        combined = self._combined.find(call.account, number)
        if combined is None:
            parts = self._new_parts(wanted, call.serial)
            combined = Combined(
                account=call.account,
                appid=appid,
                combine_out_trade_no=number,
                method=method,
                notify_url=body.url("notify_url", required=True),
                openid=openid,
                mode_serial=call.serial,
                parts=parts,
            )
            self._combined.add(combined)
            self._trades.point(parts[0].code_url, parts[0])
        else:
            _check_repeat(combined, wanted, openid)
        lose_answer(self._world, "create_timeout", number)
        first = combined.parts[0]
        return 200, opened(method, first.code_url, self._trades.new_prepay_id(first), self._address)

    async def _query(self, call: Call) -> Answer:
        return 200, self._combined.require(call.account, call.match[1]).wire(self._world.buyers)

    async def _close(self, call: Call) -> Answer:
        body = call.body()
        combined = self._combined.require(call.account, call.match[1])
        if self._appid(body, call.account) != combined.appid:
            raise bad_parameter("body", "/combine_appid", "与下单时不一致")
        named = {
            (part.text("mchid", limit=32), part.text("out_trade_no", limit=32))
            for part in body.each("sub_orders", least=1, most=PROVIDERS_PARTS_MAX)
        }
        if named != {part.key for part in combined.parts}:
            raise WireError("INVALID_REQUEST", "子单信息与下单时不一致")
        self._combined.close(combined)
        return 204, None

    def _appid(self, body: BodyReader, account: Account) -> str:
        appid = body.text("combine_appid", limit=32)
        if appid not in account.apps:
            raise WireError("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
        return appid

    def _parts(self, body: BodyReader, account: Account, appid: str, method: str) -> list[tuple[Parties, NewOrder]]:
        readers = body.each("sub_orders", least=1, most=PROVIDERS_PARTS_MAX)
        found = [(self._seller(part, account, appid), part) for part in readers]
        if not any(parties.is_provider for parties, _ in found) and not PARTS_MIN <= len(found) <= PARTS_MAX:
            raise bad_parameter("body", "/sub_orders", f"商户模式子单数须为{PARTS_MIN}~{PARTS_MAX}")
        expiry = fields.read_expiry(body, self._world.clock.now())
        return [
            (
                parties,
                NewOrder(
                    method=method,
                    out_trade_no=part.matching("out_trade_no", fields.ORDER_NO, limit=32),
                    description=part.text("description", limit=fields.DESCRIPTION_CHARS_MAX),
                    total_fen=part.inner("amount").fen("total_amount"),
                    currency=fields.read_currency(part.inner("amount")),
                    notify_url="",
                    attach=part.text("attach", limit=fields.ATTACH_CHARS_MAX),
                    time_expire=expiry,
                    shared=fields.read_shared(part),
                ),
            )
            for parties, part in found
        ]

    def _seller(self, part: BodyReader, account: Account, appid: str) -> Parties:
        """Whose order a part is: a merchant's, or one that the combining provider acts for."""
        mchid = part.text("mchid", limit=32)
        sub_mchid = part.text("sub_mchid", limit=32, required=False)
        if sub_mchid:
            seller = sub_merchant(self._keyring, account, sub_mchid, mchid)
            return Parties(account=account, seller=seller, appid=appid)
        merchant = self._keyring.by_mchid(mchid)
        if merchant is None:
            raise WireError("MCH_NOT_EXISTS", "子单商户号不存在")
        return Parties(account=merchant, seller=merchant, appid=appid)

    def _new_parts(self, wanted: list[tuple[Parties, NewOrder]], serial: str) -> list[Trade]:
        """All of them or none."""
        numbers = {(parties.account.mchid, order.out_trade_no) for parties, order in wanted}
        taken = any(self._trades.find(parties.account, order.out_trade_no) for parties, order in wanted)
        if taken or len(numbers) != len(wanted):
            raise WireError("OUT_TRADE_NO_USED", "商户订单号重复")
        parts = [self._trades.create(parties, order, serial) for parties, order in wanted]
        for part in parts:
            part.combined = True
        return parts


def _check_repeat(combined: Combined, wanted: list[tuple[Parties, NewOrder]], openid: str) -> None:
    for part in combined.parts:
        if part.paid:
            raise WireError("ORDERPAID", "该订单已支付")
    terms = [(parties.seller.mchid, order.out_trade_no, order.total_fen, order.shared) for parties, order in wanted]
    before = [
        (part.parties.seller.mchid, part.order.out_trade_no, part.order.total_fen, part.order.shared)
        for part in combined.parts
    ]
    if terms != before or openid != combined.openid:
        raise WireError("INVALID_REQUEST", "201 商户订单号重复")
