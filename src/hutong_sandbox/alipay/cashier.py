"""What a buyer sees: the cash desk that wap and page orders lead to, and the bridge that Alipay puts into pages."""

from __future__ import annotations

import html
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit

from hutong.core.money import Money
from hutong_sandbox.alipay import signing
from hutong_sandbox.alipay.accounts import Keyring
from hutong_sandbox.alipay.fields import wire_time, yuan
from hutong_sandbox.alipay.trades import Trade, TradeState
from hutong_sandbox.http import HttpResponse
from hutong_sandbox.world import World

#: Where the cash desk's button leads; the number is Alipay's own.
PAY_PATH: Final = "/cashier/pay"
_PAGE: Final = """<!doctype html><html lang="zh-Hans"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>支付宝（沙盒）</title>
<style>body{{font:16px/1.6 sans-serif;text-align:center;margin:15vh 1rem}}b{{font-size:2.5rem;display:block}}
button{{font:inherit;color:#fff;background:#1677ff;border:0;border-radius:6px;padding:.7rem 3rem}}</style>
<p>{subject}</p><b>¥{yuan}</b><p>{state}</p>{button}</html>"""
_BUTTON: Final = '<form method="post" action="{path}?trade_no={trade_no}"><button>确认付款</button></form>'


def bridge_script(control_url: str) -> HttpResponse:
    """The script that a test browser injects."""
    text = (files("hutong_sandbox.alipay") / "bridge.js").read_text(encoding="utf-8")
    body = text.replace("__CONTROL__", control_url).encode()
    return HttpResponse(status=200, body=body, headers={"Content-Type": "text/javascript; charset=utf-8"})


def desk(trade: Trade) -> HttpResponse:
    """The order with one button."""
    unpaid = trade.state is TradeState.WAIT_BUYER_PAY
    body = _PAGE.format(
        subject=html.escape(trade.order.subject),
        yuan=Money.fen(trade.order.total_fen).decimal_text(),
        state="" if unpaid else ("支付成功" if trade.paid else "订单已关闭"),
        button=_BUTTON.format(path=PAY_PATH, trade_no=trade.trade_no) if unpaid else "",
    ).encode()
    return HttpResponse(status=200, body=body, headers={"Content-Type": "text/html; charset=utf-8"})


def refused(text: str) -> HttpResponse:
    """A link that Alipay does not open."""
    body = f"<!doctype html><meta charset=utf-8><title>支付宝</title><p>{html.escape(text)}</p>".encode()
    return HttpResponse(status=400, body=body, headers={"Content-Type": "text/html; charset=utf-8"})


def back_to_shop(world: World, keyring: Keyring, trade: Trade) -> HttpResponse:
    """Where the buyer goes after paying: the merchant's ``return_url`` with signed parameters, else the desk again."""
    target = trade.order.return_url
    if urlsplit(target).scheme not in ("http", "https"):
        return desk(trade)
    parameters = {
        "charset": signing.CHARSET,
        "out_trade_no": trade.order.out_trade_no,
        "method": f"alipay.trade.{trade.order.kind}.pay.return",
        "total_amount": yuan(trade.order.total_fen),
        "trade_no": trade.trade_no,
        "auth_app_id": trade.account.app_id,
        "version": "1.0",
        "app_id": trade.account.app_id,
        "sign_type": signing.SIGN_TYPE,
        "seller_id": trade.account.seller_id,
        "timestamp": wire_time(world.clock.now()),
    }
    signed = keyring.signed(parameters, by_certificate=trade.by_certificate)
    joint = "&" if urlsplit(target).query else "?"
    return HttpResponse(status=302, headers={"Location": target + joint + signing.form(signed).decode()})
