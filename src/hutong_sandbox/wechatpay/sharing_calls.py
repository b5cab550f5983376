"""The addresses of profit sharing."""

from __future__ import annotations

import re
from typing import Final

from hutong_sandbox.http import Json
from hutong_sandbox.wechatpay.accounts import Account, Keyring
from hutong_sandbox.wechatpay.calls import Answer, Call, Route, lose_answer
from hutong_sandbox.wechatpay.errors import WireError, bad_parameter
from hutong_sandbox.wechatpay.fields import BodyReader
from hutong_sandbox.wechatpay.parties import optional_sub_merchant
from hutong_sandbox.wechatpay.shares import (
    MERCHANT,
    RECEIVERS_PER_REQUEST_MAX,
    SUCCESS,
    Line,
    Return,
    Share,
    Shares,
)
from hutong_sandbox.world import World

SHARING: Final = "/v3/profitsharing"
OUT_NO: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
TYPES: Final = (MERCHANT, "PERSONAL_OPENID", "PERSONAL_SUB_OPENID")
RELATIONS: Final = (
    "SERVICE_PROVIDER",
    "STORE",
    "STAFF",
    "STORE_OWNER",
    "PARTNER",
    "HEADQUARTER",
    "BRAND",
    "DISTRIBUTOR",
    "USER",
    "SUPPLIER",
    "CUSTOM",
)
DESCRIPTION_CHARS_MAX: Final = 80
CUSTOM_CHARS_MAX: Final = 10


class SharingCalls:
    """Profit sharing."""

    def __init__(self, world: World, keyring: Keyring, shares: Shares) -> None:
        self._world = world
        self._keyring = keyring
        self._shares = shares

    def routes(self) -> list[Route]:
        """The addresses."""
        return [
            ("POST", f"{SHARING}/receivers/add", self._add),
            ("POST", f"{SHARING}/receivers/delete", self._delete),
            ("POST", f"{SHARING}/orders", self._share),
            ("POST", f"{SHARING}/orders/unfreeze", self._unfreeze),
            ("GET", f"{SHARING}/orders/([^/]+)", self._query),
            ("POST", f"{SHARING}/return-orders", self._return),
            ("GET", f"{SHARING}/return-orders/([^/]+)", self._query_return),
            ("GET", f"{SHARING}/transactions/([^/]+)/amounts", self._amounts),
            ("GET", f"{SHARING}/merchant-configs/([^/]+)", self._ratio),
        ]

    async def _add(self, call: Call) -> Answer:
        body = call.body()
        seller, receiver = self._seller(call, body), self._receiver(call, body)
        name = body.text("name", limit=1024, required=receiver["type"] == MERCHANT)
        if name:
            self._keyring.opened(call.account, call.serial, name)
        relation = body.text("relation_type", limit=32)
        if relation not in RELATIONS:
            raise bad_parameter("body", "/relation_type", "枚举值有误", relation)
        told = {**receiver, "relation_type": relation}
        if relation == "CUSTOM":
            told["custom_relation"] = body.text("custom_relation", limit=CUSTOM_CHARS_MAX)
        self._shares.add_receiver(seller, told)
        return 200, {**_sub(call, seller), **told, **({"name": name} if name else {})}

    async def _delete(self, call: Call) -> Answer:
        body = call.body()
        seller, receiver = self._seller(call, body), self._receiver(call, body)
        self._shares.delete_receiver(seller, receiver["type"], receiver["account"])
        return 200, {**_sub(call, seller), **receiver}

    async def _share(self, call: Call) -> Answer:
        body = call.body()
        seller = self._seller(call, body)
        self._appid(call, body)
        lines = [_line(line) for line in body.each("receivers", least=1, most=RECEIVERS_PER_REQUEST_MAX)]
        if len({(line.type, line.account) for line in lines}) != len(lines):
            raise bad_parameter("body", "/receivers", "单次请求不能向同一接收方分多笔")
        share = self._new(call, seller, body, lines, unfreezes=body.flag("unfreeze_unsplit"))
        found = self._shares.share(call.account, share)
        lose_answer(self._world, "share_timeout", found.out_order_no)
        return 200, found.wire()

    async def _unfreeze(self, call: Call) -> Answer:
        body = call.body()
        body.text("description", limit=DESCRIPTION_CHARS_MAX)
        share = self._new(call, self._seller(call, body), body, [], unfreezes=True)
        found = self._shares.unfreeze(call.account, share)
        lose_answer(self._world, "share_timeout", found.out_order_no)
        return 200, found.wire()

    async def _query(self, call: Call) -> Answer:
        share = self._shares.find(call.account, call.match[1])
        if share is None or share.trade.transaction_id != call.request.query.get("transaction_id"):
            raise WireError("RESOURCE_NOT_EXISTS", "分账单不存在")
        return 200, share.wire()

    async def _return(self, call: Call) -> Answer:
        body = call.body()
        self._seller(call, body)
        share = self._shares.find(call.account, body.matching("out_order_no", OUT_NO, limit=64))
        if share is None:
            raise WireError("RESOURCE_NOT_EXISTS", "分账单不存在")
        return_mchid = body.text("return_mchid", limit=32)
        line = next((line for line in share.lines if line.account == return_mchid), None)
        if line is None:
            raise WireError("INVALID_REQUEST", "回退商户号与分账接收方不符")
        wanted = Return(
            share=share,
            line=line,
            out_return_no=body.matching("out_return_no", OUT_NO, limit=64),
            return_id="",
            amount_fen=body.fen("amount"),
            description=body.text("description", limit=DESCRIPTION_CHARS_MAX),
            result=SUCCESS,
            fail_reason="",
            created_at=self._world.clock.now(),
        )
        found = self._shares.return_share(call.account, wanted)
        lose_answer(self._world, "return_timeout", found.out_return_no)
        return 200, found.wire()

    async def _query_return(self, call: Call) -> Answer:
        found = self._shares.find_return(call.account, call.match[1])
        if found is None or found.share.out_order_no != call.request.query.get("out_order_no"):
            raise WireError("RESOURCE_NOT_EXISTS", "回退单不存在")
        return 200, found.wire()

    async def _amounts(self, call: Call) -> Answer:
        seller = optional_sub_merchant(call.request.query.get("sub_mchid", ""), call.account, self._keyring)
        try:
            trade = self._shares.trade_of(call.account, seller, call.match[1])
        except WireError:  # the address has no place for a sub-merchant
            trade = self._shares.trade_of(call.account, self._keyring.sub_merchant(call.account), call.match[1])
        if not trade.order.shared:
            raise WireError("INVALID_REQUEST", "非分账订单不支持此查询")
        return 200, {"transaction_id": trade.transaction_id, "unsplit_amount": trade.unsplit_fen}

    async def _ratio(self, call: Call) -> Answer:
        seller = optional_sub_merchant(call.match[1], call.account, self._keyring)
        return 200, {"sub_mchid": seller.mchid, "max_ratio": 3000}

    def _new(self, call: Call, seller: Account, body: BodyReader, lines: list[Line], *, unfreezes: bool) -> Share:
        return Share(
            trade=self._shares.trade_of(call.account, seller, body.text("transaction_id", limit=32)),
            out_order_no=body.matching("out_order_no", OUT_NO, limit=64),
            order_id="",
            lines=lines,
            unfreezes=unfreezes,
            created_at=self._world.clock.now(),
        )

    def _seller(self, call: Call, body: BodyReader) -> Account:
        return optional_sub_merchant(body.text("sub_mchid", limit=32, required=False), call.account, self._keyring)

    def _appid(self, call: Call, body: BodyReader) -> str:
        appid = body.text("appid", limit=32)
        if appid not in call.account.apps:
            raise WireError("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
        return appid

    def _receiver(self, call: Call, body: BodyReader) -> Json:
        appid, receiver = self._appid(call, body), {"type": _type(body), "account": body.text("account", limit=64)}
        merchant = receiver["type"] == MERCHANT
        if not merchant and not self._world.buyers.belongs(appid, receiver["account"]):
            raise WireError("PARAM_ERROR", "appid与openid不匹配")
        return receiver


def _type(body: BodyReader) -> str:
    kind = body.text("type", limit=32)
    if kind not in TYPES:
        raise bad_parameter("body", "/type", "枚举值有误", kind)
    return kind


def _line(body: BodyReader) -> Line:
    return Line(
        type=_type(body),
        account=body.text("account", limit=64),
        amount_fen=body.fen("amount"),
        description=body.text("description", limit=DESCRIPTION_CHARS_MAX),
    )


def _sub(call: Call, seller: Account) -> Json:
    return {} if seller is call.account else {"sub_mchid": seller.mchid}
