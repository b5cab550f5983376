"""淘宝联盟 (Taobao TBK, 阿里妈妈): a place for each link, its address of an item, and the orders that came by it."""

from __future__ import annotations

from typing import Final

from hutong.connectors.taobao.alliance.errors import ALLIANCE_WORDS
from hutong.connectors.taobao.alliance.examine import examine
from hutong.connectors.taobao.alliance.links import TaobaoAlliance
from hutong.platforms.contract import AmountFormat, Connector, Proof, RateLimit

CONNECTOR: Final = Connector(
    name="taobao_alliance",
    title_zh="淘宝联盟",
    title_en="Taobao Alliance",
    amount_format=AmountFormat.YUAN_TEXT,
    base_url="https://gw.api.taobao.com",
    # The page of the order query: some 40 calls a second of one account are too many. Half of that is ours.
    rate_limit=RateLimit(calls=20, seconds=1),
    credential_fields=("app_key", "app_secret", "pid", "access_token"),
    optional_fields=("access_token",),
    secret_fields=("app_secret", "access_token"),
    account_fields=("app_key", "pid"),
    examine=examine,
    error_words=ALLIANCE_WORDS,
    proofs={"jump_links": Proof.SIMULATED},
    # The judge has no request of its own for places and addresses, and its request for orders is a file that Python 3
    # cannot read: it only signed and sent ours (see README.md).
    jump_links=TaobaoAlliance(),
)
