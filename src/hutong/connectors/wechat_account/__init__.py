"""A WeChat official account (公众号): signs pages for WeChat's JS-SDK, so that what is shared there is a card."""

from __future__ import annotations

from typing import Final

from hutong.connectors.wechat_account.errors import ERROR_WORDS
from hutong.connectors.wechat_account.examine import examine
from hutong.connectors.wechat_account.pages import LIVE_BASE_URL, WechatPages, trial
from hutong.platforms.contract import AmountFormat, Connector, Proof, RateLimit

CONNECTOR: Final = Connector(
    name="wechat_account",
    title_zh="微信公众号",
    title_en="WeChat official account",
    amount_format=AmountFormat.NONE,
    base_url=LIVE_BASE_URL,
    # Ours, not the platform's: two calls serve all pages for two hours.
    rate_limit=RateLimit(calls=2, seconds=1),
    credential_fields=("appid", "app_secret"),
    secret_fields=("app_secret",),
    account_fields=("appid",),
    examine=examine,
    trial=trial,
    error_words=ERROR_WORDS,
    # The judge has no call of its own for the stable token: it asks for the older one.
    proofs={"page_kit": Proof.SIMULATED},
    judged_by={"page_kit.ticket": ("wechatpy/account_ticket", "wechatpy/account_signature")},
    home_containers=("wechat",),
    page_kit=WechatPages(),
)
