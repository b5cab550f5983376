"""Capability ShareReceivers: whom an order's money may be shared with (分账关系).

Source: 商家分账 接入指南 (copies: zhifubao.apifox.cn/doc-3272472 and /doc-3272534): at most 20,000 receivers of one
seller; the receiver is not asked. Binding again is no error here, whatever Alipay calls it.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from hutong.connectors.alipay.errors import ERROR_WORDS, refusal
from hutong.connectors.alipay.gateway import Call, decode, send
from hutong.connectors.alipay.merchant import Merchant, merchant_of
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.sharing import ReceiverKind, ShareReceiver

BIND: Final = "alipay.trade.royalty.relation.bind"
UNBIND: Final = "alipay.trade.royalty.relation.unbind"
MEMO_CHARS_MAX: Final = 32
DONE: Final = "SUCCESS"
_USER_ID: Final = re.compile(r"2088[0-9]{12}")
_LOGIN: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,64}|[0-9+-]{6,20}")


class _Result(msgspec.Struct, frozen=True):
    result_code: str


class AlipayReceivers:
    """``hutong.platforms.sharing.ShareReceivers`` for Alipay."""

    async def add(self, account: Account, receiver: ShareReceiver) -> None:
        """Bind; a receiver that is bound already is no error."""
        await _relate(account, receiver, BIND, ErrorWord.ALREADY_DONE)

    async def remove(self, account: Account, receiver: ShareReceiver) -> None:
        """Unbind; a receiver that is not bound is no error."""
        await _relate(account, receiver, UNBIND, ErrorWord.NOT_FOUND)


def account_kind(account_ref: str) -> str:
    """How Alipay calls this way to name an account: user id, login name, or an open id of the app."""
    if _USER_ID.fullmatch(account_ref):
        return "userId"
    return "loginName" if _LOGIN.fullmatch(account_ref) else "openId"


def build_relation(method: str, receiver: ShareReceiver, nonce: str) -> Call:
    """Bind or unbind one receiver. A login name needs the name of its holder.

    Raises:
        InvalidInput: no account is named, or a login name without its holder's name.
    """
    if not receiver.account_ref:
        raise InvalidInput(field="account_ref", problem="empty")
    kind = account_kind(receiver.account_ref)
    if kind == "loginName" and method == BIND and not receiver.name:
        raise InvalidInput(field="name", problem="loginName")
    entity: dict[str, Any] = {"type": kind, "account": receiver.account_ref}
    if receiver.name:
        entity["name"] = receiver.name
    if method == BIND:
        entity["memo"] = (receiver.relation or _memo(receiver.kind))[:MEMO_CHARS_MAX]
    return Call(method=method, content={"receiver_list": [entity], "out_request_no": nonce})


def _memo(kind: ReceiverKind) -> str:
    return "分账给商户" if kind is ReceiverKind.MERCHANT else "分账给个人"


async def _relate(account: Account, receiver: ShareReceiver, method: str, fine: ErrorWord) -> None:
    merchant: Merchant = merchant_of(account)
    answer = await send(account, merchant, build_relation(method, receiver, account.nonce()))
    if not answer.done:
        if ERROR_WORDS.get(answer.head.sub_code) is fine:
            return
        raise refusal(merchant.platform, answer.head)
    if decode(merchant, answer, _Result).result_code != DONE:
        raise PlatformUnknown(platform=merchant.platform)
