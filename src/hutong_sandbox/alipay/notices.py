"""Notices of payments, refunds and closed orders: a signed form, retried on schedule, and spoiled on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong_sandbox.alipay import signing
from hutong_sandbox.alipay.accounts import Keyring
from hutong_sandbox.alipay.fields import wire_time, yuan
from hutong_sandbox.alipay.refunds import Refund
from hutong_sandbox.alipay.trades import Trade, TradeState
from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.faults import FaultRule
from hutong_sandbox.http import Json
from hutong_sandbox.sender import Delivery
from hutong_sandbox.world import World

#: Seconds from one delivery to the next: 4m/10m/10m/1h/2h/6h/15h, 8 deliveries in 24 h 24 m.
RETRY_S: Final = (240, 600, 600, 3600, 7200, 21600, 54000)
#: Exactly this body ends the repetition.
ACKNOWLEDGED: Final = "success"
HTTP_OK: Final = 200
DELAY_S: Final = 7200
#: Older than the last repetition by far.
STALE_S: Final = 172_800
COPIES_MAX: Final = 50
#: With which a notice's id begins; the log holds no wall times.
DATE_CHARS: Final = 8
_PLATFORM: Final = "alipay"
_HEADERS: Final = {
    "Content-Type": "application/x-www-form-urlencoded; text/html; charset=utf-8",
    "User-Agent": "Mozilla/4.0",
}
_WRONG_CONTENT: Final = ("other_app_id", "other_seller_id", "other_order", "other_amount")
CHANGES: Final = ("body", "sign", "sign_type", "charset", "duplicate", "swapped", "stale", *_WRONG_CONTENT)


class Notice(msgspec.Struct, kw_only=True):
    """One notice: its id and content stay the same over all deliveries, time and signature are fresh each time.

    ``fits``: whether it tells the merchant of what he can know.
    """

    trade: Trade
    kind: str
    content: dict[str, str]
    by_certificate: bool
    fits: bool = True
    deliveries: int = 0
    due_at: datetime
    retries: int = 0
    acknowledged: bool = False


class Notices:
    """Makes and delivers notices."""

    def __init__(self, world: World, keyring: Keyring) -> None:
        self._world = world
        self._keyring = keyring
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("alipay notices")
        self._last: dict[tuple[str, str], tuple[str, bytes]] = {}
        self._held: dict[tuple[str, str], Notice] = {}

    async def announce(self, trade: Trade) -> None:
        """Tell of an order that was paid, closed or finished, with whatever faults strike it."""
        if trade.order.notify_url:
            await self._launch(self._of(trade))

    def hold_payment(self, trade: Trade) -> None:
        """The payment's notice waits until a refund's was sent."""
        if trade.order.notify_url:
            self._held[trade.key] = self._of(trade)
            self._log("callback_held", trade, event=trade.state.value)

    def _of(self, trade: Trade) -> Notice:
        true = content = self._content(trade)
        if trade.state is TradeState.TRADE_SUCCESS:
            for kind, change in (
                ("amount_mismatch", "other_amount"),
                ("foreign_app_id", "other_app_id"),
                ("foreign_seller_id", "other_seller_id"),
                ("foreign_order", "other_order"),
            ):
                if self._strike(kind, trade):
                    content = self._wrong(change, content)
        notice = self._made(trade, content, trade.state.value)
        notice.fits = content == true
        return notice

    async def announce_refund(self, refund: Refund) -> None:
        """Tell of a refund at the payment's own address."""
        trade = refund.trade
        if trade.order.notify_url:
            content = self._content(trade) | {
                "refund_fee": yuan(trade.refunded_fen),
                "out_biz_no": refund.request.out_request_no,
                "gmt_refund": f"{wire_time(refund.settled_at or self._world.clock.now())}.000",
            }
            notice = self._made(trade, content, "REFUND")
            notice.fits = not refund.by_hand
            await self._launch(notice)
        held = self._held.pop(trade.key, None)
        if held is not None:
            await self._deliver(held)

    async def replay(self, trade: Trade) -> Json:
        """Send the last delivered bytes again."""
        sent = self._last.get(trade.key)
        if sent is None:
            raise NotFound(what="callback", key=trade.order.out_trade_no)
        delivery = await self._world.sender.post(sent[0], _HEADERS, sent[1])
        self._log("callback_replayed", trade, status=delivery.status)
        return {"status": delivery.status, "body": delivery.body}

    async def tamper(self, trade: Trade, change: str) -> Json:
        """Send a payment's notice that must not be believed. The order itself is not touched."""
        if change not in CHANGES:
            raise InvalidInput(field="change", problem=", ".join(CHANGES))
        content = self._content(trade) | {
            "trade_status": TradeState.TRADE_SUCCESS.value,
            "gmt_payment": wire_time(trade.paid_at or self._world.clock.now()),
            "buyer_id": trade.buyer_id or "2088000000000009",
        }
        if change in _WRONG_CONTENT:
            content = self._wrong(change, content)
        delivery = await self._send_spoilt(self._made(trade, content, "TRADE_SUCCESS"), change)
        return {"status": delivery.status, "body": delivery.body}

    def _content(self, trade: Trade) -> dict[str, str]:
        now = self._world.clock.now()
        order = trade.order
        content = {
            "notify_type": "trade_status_sync",
            "notify_id": f"{now:%Y%m%d}00222{self._drbg.text(21, DIGITS)}",
            "app_id": trade.account.app_id,
            "auth_app_id": trade.account.app_id,
            "seller_id": trade.account.seller_id,
            "charset": signing.CHARSET,
            "version": "1.0",
            "sign_type": signing.SIGN_TYPE,
            "trade_no": trade.trade_no,
            "out_trade_no": order.out_trade_no,
            "buyer_id": trade.buyer_id,
            "buyer_logon_id": "159****5620",
            "trade_status": trade.state.value,
            "total_amount": yuan(order.total_fen),
            "subject": order.subject,
            "gmt_create": wire_time(trade.created_at),
        }
        if trade.paid_at is not None:
            content |= {
                "gmt_payment": wire_time(trade.paid_at),
                "receipt_amount": yuan(order.total_fen),
                "invoice_amount": yuan(order.total_fen),
                "buyer_pay_amount": yuan(order.total_fen),
                "point_amount": "0.00",
                "fund_bill_list": f'[{{"amount":"{yuan(order.total_fen)}","fundChannel":"ALIPAYACCOUNT"}}]',
            }
        if trade.closed_at is not None:
            content["gmt_close"] = wire_time(trade.closed_at)
        if order.passback:
            content["passback_params"] = order.passback
        return content

    def _wrong(self, change: str, content: dict[str, str]) -> dict[str, str]:
        if change == "other_amount":
            whole, _, cents = content["total_amount"].partition(".")
            total_fen = int(whole + cents) + 1
            return {**content, "total_amount": yuan(total_fen), "buyer_pay_amount": yuan(total_fen)}
        replaced = {
            "other_app_id": {"app_id": "2021" + self._drbg.text(12, DIGITS)},
            "other_seller_id": {"seller_id": "2088" + self._drbg.text(12, DIGITS)},
            # A number that the merchant never gave: a real one would look like a true payment of that order.
            "other_order": {"out_trade_no": "X" + self._drbg.text(20, DIGITS)},
        }[change]
        return {**content, **replaced}

    def _made(self, trade: Trade, content: dict[str, str], kind: str) -> Notice:
        return Notice(
            trade=trade,
            kind=kind,
            content=content,
            by_certificate=trade.by_certificate,
            due_at=self._world.clock.now(),
        )

    async def _launch(self, notice: Notice) -> None:
        trade = notice.trade
        for kind, change in (
            ("callback_tampered", "body"),
            ("callback_stale", "stale"),
            ("sign_type_changed", "sign_type"),
        ):
            if self._strike(kind, trade):
                await self._send_spoilt(notice, change)
        if self._strike("callback_lost", trade):
            self._log("callback_lost", trade, event=notice.kind)
        elif notice.kind == "TRADE_SUCCESS" and self._strike("callback_reordered", trade):
            self._held[trade.key] = notice
            self._log("callback_held", trade, event=notice.kind)
        elif rule := self._strike("callback_delayed", trade):
            self._log("callback_delayed", trade, event=notice.kind)
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
        for delivery, serial in await asyncio.gather(*(self._transmit(notice) for _ in range(copies))):
            notice.deliveries += 1
            done = delivery.status == HTTP_OK and delivery.body.strip() == ACKNOWLEDGED
            notice.acknowledged = notice.acknowledged or done
            self._log(
                "callback_sent",
                notice.trade,
                event=notice.kind,
                notice=notice.content["notify_id"][DATE_CHARS:],
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
        """What the merchant answered, and the serial of the certificate that signed; empty in key mode."""
        serial = self._keyring.active.sn if notice.by_certificate else ""
        url, body = notice.trade.order.notify_url, signing.form(self._signed(notice))
        self._last[notice.trade.key] = url, body
        return await self._world.sender.post(url, _HEADERS, body), serial

    def _signed(self, notice: Notice, *, age_s: int = 0) -> dict[str, str]:
        sent_at = self._world.clock.now() - timedelta(seconds=age_s)
        parameters = {"notify_time": wire_time(sent_at), **notice.content}
        return self._keyring.signed(parameters, by_certificate=notice.by_certificate)

    def _delivery_of(self, notice: Notice) -> Callable[[], Awaitable[None]]:
        async def deliver() -> None:
            await self._deliver(notice)

        return deliver

    async def _send_spoilt(self, notice: Notice, change: str) -> Delivery:
        parameters = self._signed(notice, age_s=STALE_S if change == "stale" else 0)
        if change == "body":
            parameters["subject"] += "?"
        elif change == "sign":
            parameters["sign"] = _changed_text(parameters["sign"])
        elif change == "sign_type":
            parameters["sign_type"] = "RSA"
        elif change == "charset":
            parameters["charset"] = "GBK"
        elif change == "swapped":
            parameters["trade_no"], parameters["out_trade_no"] = parameters["out_trade_no"], parameters["trade_no"]
        body = signing.form(parameters)
        if change == "duplicate":
            body = b"total_amount=0.01&" + body
        delivery = await self._world.sender.post(notice.trade.order.notify_url, _HEADERS, body)
        self._log("callback_spoilt", notice.trade, change=change, status=delivery.status)
        return delivery

    def _strike(self, kind: str, trade: Trade) -> FaultRule | None:
        return self._world.faults.strike(_PLATFORM, kind, trade.order.out_trade_no)

    def _log(self, kind: str, trade: Trade, **detail: str | int | bool) -> None:
        self._world.events.add(
            _PLATFORM, kind, merchant=trade.account.merchant, out_trade_no=trade.order.out_trade_no, **detail
        )


def _changed_text(text: str) -> str:
    """The text with its tenth character changed to another of the same sort."""
    return text[:9] + ("A" if text[9] != "A" else "B") + text[10:]
