"""How a request names the parties: a merchant itself, or a service provider and the merchant it acts for.

Source: github.com/TheNorthMemory/wechatpay-openapi docs/v3/pay/{transactions,partner/transactions} at 4d6325b.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from hutong.connectors.wechatpay.merchant import Merchant


def transactions_path(merchant: Merchant) -> str:
    """Where this account's orders are."""
    return "/v3/pay/partner/transactions" if merchant.is_provider else "/v3/pay/transactions"


def parties(merchant: Merchant, *, appid: str | None = None) -> dict[str, str]:
    """The fields that name account and app; ``appid`` where the order is not for the account's usual app.

    The app of the merchant that is acted for stands beside the provider's own, never in its place.
    """
    app = appid if appid and appid != merchant.sub_appid else merchant.appid
    if not merchant.is_provider:
        return {"appid": app, "mchid": merchant.mchid}
    named = {"sp_appid": app, "sp_mchid": merchant.mchid, "sub_mchid": merchant.sub_mchid}
    return named | ({"sub_appid": merchant.sub_appid} if merchant.sub_appid else {})


def accounts(merchant: Merchant) -> dict[str, str]:
    """The fields that name the accounts alone."""
    if merchant.is_provider:
        return {"sp_mchid": merchant.mchid, "sub_mchid": merchant.sub_mchid}
    return {"mchid": merchant.mchid}


def sub_merchant(merchant: Merchant) -> dict[str, str]:
    """The field that calls beside orders carry: the merchant acted for, where there is one."""
    return {"sub_mchid": merchant.sub_mchid} if merchant.is_provider else {}


def query_text(fields: Mapping[str, str]) -> str:
    """Fields as a query with its question mark, or nothing."""
    joined = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    return f"?{joined}" if joined else ""
