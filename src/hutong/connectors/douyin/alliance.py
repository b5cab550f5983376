"""Douyin's alliance (抖音精选联盟) as a promoter (抖客) sees it: addresses that carry a click, and their orders."""

from __future__ import annotations

from typing import Final

from hutong.connectors.douyin.errors import ERROR_WORDS
from hutong.connectors.douyin.examine import examine
from hutong.connectors.douyin.promotions import DouyinJumpLinks
from hutong.platforms.contract import AmountFormat, Connector, Proof, RateLimit

CONNECTOR: Final = Connector(
    name="douyin_alliance",
    title_zh="抖音精选联盟",
    title_en="Douyin alliance",
    amount_format=AmountFormat.FEN_INTEGER,
    base_url="https://openapi-fxg.jinritemai.com",
    # Ours, not the platform's: its limits belong to an app and are not published.
    rate_limit=RateLimit(calls=10, seconds=1),
    credential_fields=("app_key", "app_secret", "access_token", "refresh_token", "pid"),
    secret_fields=("app_secret", "access_token", "refresh_token"),
    account_fields=("app_key", "pid"),
    examine=examine,
    error_words=ERROR_WORDS,
    proofs={"jump_links": Proof.SIMULATED},
    jump_links=DouyinJumpLinks(),
)
