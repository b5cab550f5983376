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
        "wechatpayv3",
        "AsyncCore._gate_way is set to the simulator's address before its first request",
        "the SDK has no host option",
    ),
    (
        "wechatpy",
        "API_BASE_URL, a class attribute, is the simulator's address in a class derived from WeChatPay",
        "the SDK has no host option",
    ),
    (
        "wechatpy",
        "an adapter of its own HTTP library is mounted for the live host and sends to the simulator",
        "the SDK has no host option, and asks for tokens at a fixed address",
    ),
    (
        "taobao-openapi",
        "none: domain and port are arguments",
        "",
    ),
    (
        "pdd-sdk",
        "none: domain and port are arguments",
        "",
    ),
    (
        "jdu",
        "API_BASE_URL of the client's order and promotion is set to the simulator's older address",
        "the SDK has no host option",
    ),
    (
        "jd-sdk",
        "none: domain and port are arguments",
        "",
    ),
    (
        "alipay-sdk-python",
        "WebUtils.get_http_connection, which only opens the line, is replaced by one that knows ports",
        "the SDK adds a port's number to a text, which raises, and connects to 80 or 443 whatever the address says",
    ),
    (
        "python-alipay-sdk",
        "AliPay._gateway is set to the simulator's address",
        "the SDK has no host option",
    ),
    (
        "doudian",
        "DouDian._gate_way is set to the simulator's address",
        "the SDK has no host option",
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


def jdu_client(base_url: str, **arguments: Any) -> Any:
    """A client of ``jdu``, whose open calls go to the older address at ``base_url``."""
    from jdu.client.open import JDUOpenApiClient

    client = JDUOpenApiClient(**arguments)
    for group in (client.order, client.promotion):
        group.API_BASE_URL = base_url + "/api"
    return client


def connect_alipay() -> None:
    """Let the official Alipay SDK connect to an address with a port. What it sends stays as it makes it."""
    import http.client
    from urllib.parse import urlsplit

    from alipay.aop.api.util import WebUtils

    def get_http_connection(url: str, query_string: str, timeout: float) -> tuple[str, http.client.HTTPConnection]:
        parts = urlsplit(url)
        target = f"{parts.scheme}://{parts.netloc}{parts.path}?{query_string}"
        return target, http.client.HTTPConnection(host=parts.hostname or "", port=parts.port, timeout=timeout)

    WebUtils.get_http_connection = get_http_connection


def alipay_client(kind: Any, gateway: str, **arguments: Any) -> Any:
    """A client of ``python-alipay-sdk``, connected to ``gateway``."""
    client = kind(**arguments)
    client._gateway = gateway
    return client


def doudian_client(gateway: str, **arguments: Any) -> Any:
    """A client of ``doudian``, connected to ``gateway``; its constructor asks nothing where it is given no code."""
    from doudian import AppType, DouDian

    client = DouDian(app_type=AppType.TOOL, **arguments)
    client._gate_way = gateway
    return client


def wechatpay_async_client(base_url: str, **arguments: Any) -> Any:
    """The SDK's asynchronous client, connected to ``base_url``; its constructor asks nothing."""
    from wechatpayv3.async_ import AsyncWeChatPay

    client = AsyncWeChatPay(**arguments)
    client._core._gate_way = base_url
    return client


def wechatpy_client(base_url: str, **arguments: Any) -> Any:
    """A client of ``wechatpy``, connected to ``base_url``."""
    from wechatpy.pay import WeChatPay

    class Connected(WeChatPay):
        API_BASE_URL = base_url + "/"

    return Connected(**arguments)


def wechatpy_account_client(base_url: str, appid: str, secret: str) -> Any:
    """A client of ``wechatpy`` for an official account; what it would send to the live host goes to ``base_url``."""
    from requests.adapters import HTTPAdapter
    from wechatpy import WeChatClient

    live = "https://api.weixin.qq.com"

    class Elsewhere(HTTPAdapter):
        def send(self, request: Any, **more: Any) -> Any:
            request.url = base_url + request.url.removeprefix(live)
            return super().send(request, **more)

    client = WeChatClient(appid, secret)
    client._http.mount(live, Elsewhere())
    return client


def serials_known_to(client: Any) -> set[str]:
    """Serial numbers of the platform certificates that the SDK downloaded, opened and found valid (read only)."""
    return {f"{certificate.serial_number:040X}" for certificate in client._core._certificates}
