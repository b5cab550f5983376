"""京东联盟 (JD Union): addresses that carry a click's id, and the orders that came by them."""

from __future__ import annotations

from typing import Final

from hutong.connectors.jd.errors import ERROR_WORDS
from hutong.connectors.jd.examine import examine
from hutong.connectors.jd.links import JdLinks
from hutong.platforms.contract import AmountFormat, Connector, Proof, RateLimit

CONNECTOR: Final = Connector(
    name="jd_alliance",
    title_zh="京东联盟",
    title_en="JD Union",
    amount_format=AmountFormat.YUAN_TEXT,  # yuan, though as numbers: see rows.py
    base_url="https://api.jd.com",
    # Ours, not the platform's: it publishes none, and answers what comes too fast with 429 or 2.
    rate_limit=RateLimit(calls=10, seconds=1),
    credential_fields=("app_key", "app_secret", "site_id", "position_id"),
    optional_fields=("site_id", "position_id"),
    secret_fields=("app_secret",),
    account_fields=("app_key",),
    examine=examine,
    error_words=ERROR_WORDS,
    proofs={"jump_links": Proof.SIMULATED},
    # The judges have no request of their own for promotion.bysubunionid.get, which `make` sends without a site.
    judged_by={"jump_links.changed": ("jdu/rows", "jd-sdk/rows")},
    jump_links=JdLinks(),
)
