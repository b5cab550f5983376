"""Any shop's order list: no platform, no calls, only files."""

from __future__ import annotations

from typing import Final

from hutong.connectors.generic.order_files import ORDER_FILES
from hutong.platforms.contract import AmountFormat, Connector, Proof, RateLimit

CONNECTOR: Final = Connector(
    name="generic",
    title_zh="通用订单表格",
    title_en="Any shop's order list",
    amount_format=AmountFormat.NONE,
    base_url="",
    rate_limit=RateLimit(calls=1, seconds=1),
    credential_fields=(),
    secret_fields=(),
    error_words={},
    proofs={"order_files": Proof.FILE_TESTED},
    order_files=ORDER_FILES,
)
