"""What a buyer sees: the H5 page, which in life opens WeChat, and the bridge that WeChat puts into pages."""

from __future__ import annotations

import html
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit

from hutong.core.money import Money
from hutong_sandbox.http import HttpRequest, HttpResponse
from hutong_sandbox.wechatpay.trades import Trade, TradeState

_PAGE: Final = """<!doctype html><html lang="zh-Hans"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>微信支付（沙盒）</title>
<style>body{{font:16px/1.6 sans-serif;text-align:center;margin:15vh 1rem}}b{{font-size:2.5rem;display:block}}
button{{font:inherit;color:#fff;background:#07c160;border:0;border-radius:6px;padding:.7rem 3rem}}</style>
<p>{description}</p><b>¥{yuan}</b><p>{state}</p>{button}</html>"""
_BUTTON: Final = '<form method="post"><button>确认支付</button></form>'


def bridge_script(control_url: str) -> HttpResponse:
    """The script that a test browser injects."""
    text = (files("hutong_sandbox.wechatpay") / "bridge.js").read_text(encoding="utf-8")
    body = text.replace("__CONTROL__", control_url).encode()
    return HttpResponse(status=200, body=body, headers={"Content-Type": "text/javascript; charset=utf-8"})


def h5_page(trade: Trade, total_fen: int) -> HttpResponse:
    """The order with one button."""
    unpaid = trade.state is TradeState.NOTPAY
    body = _PAGE.format(
        description=html.escape(trade.order.description),
        yuan=Money.fen(total_fen).decimal_text(),
        state="" if unpaid else html.escape("支付成功" if trade.paid else "订单已关闭"),
        button=_BUTTON if unpaid else "",
    ).encode()
    return HttpResponse(status=200, body=body, headers={"Content-Type": "text/html; charset=utf-8"})


def h5_return(request: HttpRequest) -> HttpResponse:
    """Where the buyer goes after paying: the merchant's ``redirect_url``, else the page itself."""
    target = request.query.get("redirect_url", "")
    safe = urlsplit(target).scheme in ("http", "https")
    return HttpResponse(status=303, headers={"Location": target if safe else request.target})
