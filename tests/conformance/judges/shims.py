"""Everything that is done to the SDKs before they judge: only where they connect to. Nothing signs or verifies here.

The SDKs' files stay as they were published; ``test_judges.py`` compares them with the package's own RECORD.
"""

from __future__ import annotations

from typing import Any

#: (SDK, what, why). Whatever is not in this list is not done.
SHIMS = (
    (
        "wechatpayv3",
        "Core._gate_way is set to the simulator's address as soon as the object has it",
        "the SDK has no host option, and in certificate mode its constructor downloads at once",
    ),
    (
        "taobao-openapi",
        "none: domain and port are arguments",
        "",
    ),
)


def wechatpay_client(base_url: str, **arguments: Any) -> Any:
    """The SDK's client, connected to ``base_url`` from its first request on."""
    from wechatpayv3 import WeChatPay, core
    from wechatpayv3.core import Core

    class Connected(Core):  # the whole of Core, with one attribute that cannot be set to the live host
        @property
        def _gate_way(self) -> str:
            return base_url

        @_gate_way.setter
        def _gate_way(self, _live_host: str) -> None:
            pass

    live_core, core.Core = core.Core, Connected
    try:
        return WeChatPay(**arguments)
    finally:
        core.Core = live_core


def serials_known_to(client: Any) -> set[str]:
    """Serial numbers of the platform certificates that the SDK downloaded, opened and found valid (read only)."""
    return {f"{certificate.serial_number:040X}" for certificate in client._core._certificates}
