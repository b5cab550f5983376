"""Notices of payments and refunds: sealed, signed, retried on WeChat Pay's schedule, and spoiled on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong_sandbox.drbg import DIGITS, HEX
from hutong_sandbox.faults import FaultRule
from hutong_sandbox.http import Json
from hutong_sandbox.sender import Delivery
from hutong_sandbox.wechatpay import signing
from hutong_sandbox.wechatpay.accounts import Account, Keyring
from hutong_sandbox.wechatpay.combined import Combined
from hutong_sandbox.wechatpay.refunds import Refund, RefundState
from hutong_sandbox.wechatpay.trades import Trade, Trades, TradeState, wire_time
from hutong_sandbox.world import World

#: Seconds from one delivery to the next: 15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/3h/3h/3h/6h/6h, 24 h 4 m in all.
RETRY_S: Final = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
ACKNOWLEDGED: Final = (200, 204)
#: Faults without a figure of their own delay by this.
DELAY_S: Final = 7200
#: Old enough for every merchant to call it stale (limit: five minutes).
STALE_S: Final = 3600
COPIES_MAX: Final = 50
_PLATFORM: Final = "wechatpay"
_SPOILT_HEADERS: Final = {
    "timestamp": "Wechatpay-Timestamp",
    "serial": "Wechatpay-Serial",
    "nonce": "Wechatpay-Nonce",
    "signature": "Wechatpay-Signature",
}
_WRONG_CONTENT: Final = (
    "other_appid", "other_mchid", "other_order", "other_amount", "other_currency", "no_currency", "endless_amount",
    "nul_order",
)  # fmt: skip
#: More than there is of any money; a bigint holds it, two of them it does not.
ENDLESS_FEN: Final = 9 * 10**18
CHANGES: Final = ("body", *_SPOILT_HEADERS, "stale", "probe", *_WRONG_CONTENT)


class Notice(msgspec.Struct, kw_only=True):
    """One notice: its body stays the same over all deliveries, its signature is fresh each time.

    ``trade`` stands for the order; of a combined one it is the first part, and ``account`` who combined it.
    ``fits``: whether it tells the merchant of what he can know.
    """

    account: Account
    trade: Trade
    notice_id: str
    event_type: str
    url: str
    mode_serial: str
    body: bytes
    fits: bool = True
    deliveries: int = 0
    due_at: datetime
    retries: int = 0
    acknowledged: bool = False


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The last bytes that went out for an order, for a replay."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Notices:
    """Makes and delivers notices."""

    def __init__(self, world: World, keyring: Keyring, trades: Trades) -> None:
        self._world = world
        self._keyring = keyring
        self._trades = trades
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("wechatpay notices")
        self._last: dict[tuple[str, str], Sent] = {}
        self._held: dict[tuple[str, str], Notice] = {}

    async def announce_payment(self, trade: Trade) -> None:
        """Send the payment's notice, with whatever faults strike it."""
        notice = self._of_payment(trade)
        if notice is not None:
            await self._launch(notice)

    def hold_payment(self, trade: Trade) -> None:
        """The payment's notice waits until a refund's was sent."""
        notice = self._of_payment(trade)
        if notice is not None:
            self._held[trade.key] = notice
            self._log("callback_held", trade, event_type=notice.event_type)

    def _of_payment(self, trade: Trade) -> Notice | None:
        """The payment's notice; payment codes bring none."""
        true = content = trade.wire(self._world.buyers)
        for kind in ("amount_mismatch", "foreign_appid", "foreign_mchid", "foreign_order", "foreign_currency"):
            if self._strike(kind, trade):
                change = {"amount_mismatch": "other_amount"}.get(kind, kind.replace("foreign", "other"))
                content = self._wrong(change, content)
        if not trade.order.notify_url:
            return None
        notice = self._make(
            trade.account, trade, content, "TRANSACTION.SUCCESS", trade.order.notify_url, trade.mode_serial
        )
        notice.fits = content == true
        return notice

    async def announce_combined(self, combined: Combined) -> None:
        """Send the one notice of a combined order."""
        content, first = combined.wire(self._world.buyers), combined.parts[0]
        notice = self._make(
            combined.account, first, content, "TRANSACTION.SUCCESS", combined.notify_url, combined.mode_serial
        )
        await self._launch(notice)

    async def announce_refund(self, refund: Refund) -> None:
        """Send the refund's notice, if the merchant gave an address for it."""
        trade = refund.trade
        if refund.request.notify_url:
            event_type = "REFUND.SUCCESS" if refund.state is RefundState.SUCCESS else "REFUND.ABNORMAL"
            url = refund.request.notify_url
            notice = self._make(trade.account, trade, refund.notice(), event_type, url, refund.mode_serial)
            notice.fits = not refund.by_hand
            await self._launch(notice)
        held = self._held.pop(trade.key, None)
        if held is not None:
            await self._deliver(held)

    async def replay(self, trade: Trade) -> Json:
        """Send the last delivered bytes again, headers and all."""
        sent = self._last.get(trade.key)
        if sent is None:
            raise NotFound(what="callback", key=trade.order.out_trade_no)
        delivery = await self._world.sender.post(sent.url, sent.headers, sent.body)
        self._log("callback_replayed", trade, status=delivery.status)
        return {"status": delivery.status, "body": delivery.body}

    async def tamper(self, trade: Trade, change: str) -> Json:
        """Send a payment notice that must not be believed. The order itself is not touched."""
        if change not in CHANGES:
            raise InvalidInput(field="change", problem=", ".join(CHANGES))
        content = self._as_if_paid(trade)
        if change in _WRONG_CONTENT:
            content = self._wrong(change, content)
        url = trade.order.notify_url
        if not url:
            raise NotFound(what="notify_url", key=trade.order.out_trade_no)
        notice = self._make(trade.account, trade, content, "TRANSACTION.SUCCESS", url, trade.mode_serial)
        delivery = await self._send_spoilt(notice, change)
        return {"status": delivery.status, "body": delivery.body}

    def _as_if_paid(self, trade: Trade) -> Json:
        content = trade.wire(self._world.buyers)
        if not trade.paid:
            content |= {
                "trade_state": TradeState.SUCCESS.value,
                "trade_state_desc": "支付成功",
                "transaction_id": self._trades.new_transaction_id(),
                "trade_type": "JSAPI" if trade.order.openid else "NATIVE",
                "bank_type": "OTHERS",
                "success_time": wire_time(self._world.clock.now()),
                "payer": trade.payer(self._world.buyers),
            }
            content["amount"]["payer_total"] = trade.order.total_fen
        return content

    def _wrong(self, change: str, content: Json) -> Json:
        amount = dict(content["amount"])
        if change == "other_amount":
            amount["total"] += 1
            amount["payer_total"] = amount["total"]
        elif change == "endless_amount":
            amount["total"] = amount["payer_total"] = ENDLESS_FEN
        elif change in ("other_currency", "no_currency"):
            amount["currency"] = amount["payer_currency"] = "USD" if change == "other_currency" else "XXQ"
        prefix = "sp_" if "sp_mchid" in content else ""
        replaced = {
            "other_appid": {f"{prefix}appid": "wx" + self._drbg.text(16, HEX)},
            "other_mchid": {f"{prefix}mchid": "17" + self._drbg.text(8, DIGITS)},
            # A number that the merchant never gave: a real one would look like a true payment of that order.
            "other_order": {"out_trade_no": "X" + self._drbg.text(20, DIGITS)},
            "nul_order": {"out_trade_no": content["out_trade_no"] + "\0"},
        }.get(change, {})
        return {**content, **replaced, "amount": amount}

    def _make(
        self, account: Account, trade: Trade, content: Json, event_type: str, url: str, mode_serial: str
    ) -> Notice:
        notice_id = "-".join(self._drbg.text(n, HEX) for n in (8, 4, 4, 4, 12))
        is_refund = event_type.startswith("REFUND")
        original_type = "refund" if is_refund else "transaction"
        sealed = signing.sealed(account.api_v3_key, msgspec.json.encode(content), original_type)
        body = {
            "id": notice_id,
            "create_time": wire_time(self._world.clock.now()),
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "退款" if is_refund else "支付成功",
            "resource": {"original_type": original_type, **sealed},
        }
        return Notice(
            account=account,
            trade=trade,
            notice_id=notice_id,
            event_type=event_type,
            url=url,
            mode_serial=mode_serial,
            body=msgspec.json.encode(body),
            due_at=self._world.clock.now(),
        )

    async def _launch(self, notice: Notice) -> None:
        trade = notice.trade
        for kind, change in (("sign_probe", "probe"), ("callback_tampered", "body"), ("callback_stale", "stale")):
            if self._strike(kind, trade):
                await self._send_spoilt(notice, change)
        if self._strike("callback_lost", trade):
            self._log("callback_lost", trade, event_type=notice.event_type)
        elif notice.event_type == "TRANSACTION.SUCCESS" and self._strike("callback_reordered", trade):
            self._held[trade.key] = notice
            self._log("callback_held", trade, event_type=notice.event_type)
        elif rule := self._strike("callback_delayed", trade):
            self._log("callback_delayed", trade, event_type=notice.event_type)
            notice.due_at += timedelta(seconds=DELAY_S if rule.seconds is None else rule.seconds)
            self._world.agenda.at(notice.due_at, self._delivery_of(notice))
        elif rule := self._strike("callback_duplicate", trade):
            await self._deliver(notice, copies=min(max(2, rule.count), COPIES_MAX))
        else:
            await self._deliver(notice)

    async def _deliver(self, notice: Notice, copies: int = 1) -> None:
        """One delivery, or several at once; what was not acknowledged comes again on the schedule."""
        if notice.acknowledged:
            return
        deliveries = await asyncio.gather(*(self._transmit(notice) for _ in range(copies)))
        for delivery, serial in deliveries:
            notice.deliveries += 1
            done = delivery.status in ACKNOWLEDGED
            notice.acknowledged = notice.acknowledged or done
            self._log(
                "callback_sent",
                notice.trade,
                event_type=notice.event_type,
                notice=notice.notice_id,
                attempt=notice.deliveries,
                status=delivery.status,
                problem=delivery.problem,
                acknowledged=done,
                serial=serial,
                fits=notice.fits,
            )
        if not notice.acknowledged and notice.retries < len(RETRY_S):
            notice.due_at += timedelta(seconds=RETRY_S[notice.retries])
            notice.retries += 1
            self._world.agenda.at(notice.due_at, self._delivery_of(notice))

    async def _transmit(self, notice: Notice) -> tuple[Delivery, str]:
        """What the merchant answered, and the serial of the key that signed."""
        headers = self._headers(notice)
        self._last[notice.trade.key] = Sent(url=notice.url, headers=headers, body=notice.body)
        return await self._world.sender.post(notice.url, headers, notice.body), headers["Wechatpay-Serial"]

    def _delivery_of(self, notice: Notice) -> Callable[[], Awaitable[None]]:
        async def deliver() -> None:
            await self._deliver(notice)

        return deliver

    def _headers(self, notice: Notice, *, age_s: int = 0) -> dict[str, str]:
        signed = self._keyring.headers(notice.account, notice.mode_serial, notice.body, age_s=age_s)
        return {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "Mozilla/4.0", **signed}

    async def _send_spoilt(self, notice: Notice, change: str) -> Delivery:
        headers = self._headers(notice, age_s=STALE_S if change == "stale" else 0)
        body = notice.body
        if change == "body":
            body = _one_byte_changed(body)
        elif change == "probe":
            headers["Wechatpay-Signature"] = signing.PROBE_PREFIX + headers["Wechatpay-Signature"]
        elif change in _SPOILT_HEADERS:
            name = _SPOILT_HEADERS[change]
            headers[name] = _changed_text(headers[name])
        delivery = await self._world.sender.post(notice.url, headers, body)
        self._log("callback_spoilt", notice.trade, change=change, status=delivery.status)
        return delivery

    def _strike(self, kind: str, trade: Trade) -> FaultRule | None:
        return self._world.faults.strike(_PLATFORM, kind, trade.order.out_trade_no)

    def _log(self, kind: str, trade: Trade, **detail: str | int | bool) -> None:
        self._world.events.add(
            _PLATFORM, kind, merchant=trade.account.merchant, out_trade_no=trade.order.out_trade_no, **detail
        )


def _one_byte_changed(body: bytes) -> bytes:
    """The body with one character of the ciphertext changed: still JSON, still base64."""
    place = body.index(b'"ciphertext":"') + len(b'"ciphertext":"') + 8
    changed = b"A" if body[place : place + 1] != b"A" else b"B"
    return body[:place] + changed + body[place + 1 :]


def _changed_text(text: str) -> str:
    """The text with its tenth character changed to another of the same sort."""
    place = min(9, len(text) - 1)
    return text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :]
