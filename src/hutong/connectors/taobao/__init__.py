"""Taobao and Tmall shops: the TOP gateway, and the order files that merchants download."""

from __future__ import annotations

from typing import Final

from hutong.connectors.taobao.errors import ERROR_WORDS
from hutong.connectors.taobao.examine import examine
from hutong.connectors.taobao.order_files import ORDER_FILES
from hutong.connectors.taobao.orders import TaobaoOrders
from hutong.connectors.taobao.stock import TaobaoStock
from hutong.platforms.contract import AmountFormat, Connector, Proof, RateLimit

CONNECTOR: Final = Connector(
    name="taobao",
    title_zh="淘宝",
    title_en="Taobao",
    amount_format=AmountFormat.YUAN_TEXT,
    base_url="https://gw.api.taobao.com",
    # Ours, not the platform's: its limits belong to an app's licence and are not published.
    rate_limit=RateLimit(calls=20, seconds=1),
    credential_fields=("app_key", "app_secret", "access_token", "refresh_token", "shop_id"),
    secret_fields=("app_secret", "access_token", "refresh_token"),
    account_fields=("app_key", "shop_id"),
    examine=examine,
    error_words=ERROR_WORDS,
    # The files were written after headers that merchants published; no merchant's own file was at hand.
    proofs={"orders": Proof.SIMULATED, "stock": Proof.SIMULATED, "order_files": Proof.SIMULATED},
    # The judge has no request of its own for sending goods and for writing stock: it only signed ours.
    judged_by={
        "orders.changed": ("taobao-openapi/orders",),
        "orders.one": ("taobao-openapi/full_info",),
        "stock.find": ("taobao-openapi/goods",),
        "stock.read": ("taobao-openapi/goods",),
    },
    orders=TaobaoOrders(),
    stock=TaobaoStock(),
    order_files=ORDER_FILES,
)
