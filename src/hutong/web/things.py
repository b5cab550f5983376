"""What errors call the things they are about, for people: ``what`` is an English word of the code, ``platform`` a
name of the code.
"""

from __future__ import annotations

from typing import Final

from hutong.web.i18n.locales import Locale
from hutong.web.labels import LABELS, mark
from hutong.web.told import Told

THINGS: Final[dict[str, str]] = {
    "SKU": mark("商品"),
    "account": mark("账户"),
    "attempt": mark("支付尝试"),
    "batch": mark("记账批次"),
    "bill": mark("账单"),
    "bio": mark("个人主页"),
    "callback": mark("回调地址"),
    "channel": mark("渠道"),
    "checkout": mark("结账页"),
    "combined payment": mark("合并付款"),
    "connection": mark("平台连接"),
    "customer": mark("顾客"),
    "customer_order": mark("订单"),
    "difference": mark("账单差异"),
    "file": mark("文件"),
    "hold": mark("预留"),
    "host": mark("网址"),
    "key": mark("密钥"),
    "link": mark("链接"),
    "login": mark("登录名"),
    "merchant": mark("商户"),
    "order": mark("订单"),
    "page link": mark("页面链接"),
    "party": mark("推广人"),
    "picture": mark("图片"),
    "payment": mark("收款"),
    "payment of order": mark("订单的收款"),
    "payout": mark("钱包外付款"),
    "product": mark("商品"),
    "reference": mark("凭证号"),
    "refund": mark("退款"),
    "rule": mark("规则"),
    "sale_fact": mark("销售记录"),
    "share": mark("分账记录"),
    "shop_code": mark("收款码"),
    "split rule": mark("分账规则"),
    "staff": mark("员工"),
    "statement": mark("结算单"),
    "suspense": mark("待查款项"),
    "ticket": mark("待办"),
    "wall": mark("墙"),
    "webhook": mark("推送地址"),
    "webhook message": mark("推送消息"),
    "word": mark("暗号或优惠码"),
}


def for_people(details: dict[str, str | int], locale: Locale) -> dict[str, str | int]:
    """An error's details with the thing it is about and the platform in words of ours."""
    told: dict[str, str | int] = {}
    what, platform = details.get("what"), details.get("platform")
    if locale != "en" and isinstance(what, str) and what in THINGS:  # the code's words are English
        told["what"] = Told(THINGS[what])
    if isinstance(platform, str) and platform in LABELS["platform"]:
        told["platform"] = Told(LABELS["platform"][platform])
    return details | told
