"""多多进宝: Pinduoduo's alliance of promoters (多多客)."""

from __future__ import annotations

from typing import Final

from hutong.connectors.pinduoduo.alliance_examine import examine
from hutong.connectors.pinduoduo.errors import ERROR_WORDS
from hutong.connectors.pinduoduo.gateway import LIVE_BASE_URL
from hutong.connectors.pinduoduo.jump_links import PinduoduoJumpLinks, trial
from hutong.platforms.contract import AmountFormat, Connector, Proof, RateLimit

CONNECTOR: Final = Connector(
    name="pinduoduo_alliance",
    title_zh="多多进宝",
    title_en="Duoduo Jinbao",
    amount_format=AmountFormat.FEN_INTEGER,
    base_url=LIVE_BASE_URL,
    # Ours: the documents tell the limit of a call over all apps (111 500 in ten seconds), not that of one.
    rate_limit=RateLimit(calls=20, seconds=1),
    credential_fields=("client_id", "client_secret", "pid", "uid"),
    optional_fields=("uid",),
    secret_fields=("client_secret",),
    # Orders are told of all positions of a client: another position is the same account.
    account_fields=("client_id",),
    examine=examine,
    trial=trial,
    error_words=ERROR_WORDS,
    # The judge agreed on calls and arguments of both; the fields of answers are those of the documents.
    proofs={"jump_links": Proof.JUDGED},
    judged_by={
        "jump_links.make": ("pdd-sdk/goods", "pdd-sdk/promote"),
        "jump_links.changed": ("pdd-sdk/orders",),
    },
    jump_links=PinduoduoJumpLinks(),
)
