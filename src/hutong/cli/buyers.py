"""Simulated people: a reader at a desk and a friend inside WeChat. They use pages and nothing else."""

from __future__ import annotations

import re
import ssl
from functools import cache
from typing import Any, Final
from urllib.parse import urljoin

import httpx

from hutong.core.errors import ErrorText, HutongError

DESKTOP_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
WECHAT_AGENT: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI Language/zh_CN"
)
HOPS_MAX: Final = 10
TIMEOUT_S: Final = 20.0
_CHECKOUT: Final = re.compile(r"/c/([0-9a-f-]{36})/?$")


@cache
def tls() -> ssl.SSLContext:
    """One for all visitors: to read the authorities' certificates takes longer than most visits."""
    return ssl.create_default_context()


class StepFailed(HutongError):
    """A step of the story did not end as it should."""

    code = "step_failed"
    zh = ErrorText("步骤“{step}”没有成功：{problem}", "见上方日志。", "请把日志和命令一起反馈给我们。")
    en = ErrorText("The step “{step}” failed: {problem}", "See the log above.", "Send us the log and the command.")


def expect(response: httpx.Response, step: str, *statuses: int) -> httpx.Response:
    """The response, when it has one of these statuses (by default any success).

    Raises:
        StepFailed: another status; with the beginning of the body.
    """
    if response.status_code in statuses or (not statuses and response.is_success):
        return response
    raise StepFailed(step=step, problem=f"{response.status_code} {response.text[:300]}")


def look_at_desk(link_url: str) -> str:
    """A reader opens the link on a desktop; the page that shows."""
    with httpx.Client(
        headers={"user-agent": DESKTOP_AGENT}, timeout=TIMEOUT_S, trust_env=False, verify=tls()
    ) as browser:
        return _follow(browser, link_url, "desktop").text


def open_in_wechat(link_url: str, buyer: int) -> WechatVisit:
    """Buyer number so-and-so of the sandbox opens the link inside WeChat and stands at the cash desk."""
    headers = {"user-agent": WECHAT_AGENT, "x-sandbox-buyer": str(buyer)}
    browser = httpx.Client(headers=headers, timeout=TIMEOUT_S, trust_env=False, verify=tls())
    page = _follow(browser, link_url, "wechat")
    found = _CHECKOUT.search(page.url.path)
    if found is None:
        raise StepFailed(step="checkout", problem=str(page.url))
    return WechatVisit(browser, str(page.url), found.group(1))


def _follow(browser: httpx.Client, url: str, step: str) -> httpx.Response:
    for _ in range(HOPS_MAX):
        response = browser.get(url)
        if not response.has_redirect_location:
            return expect(response, step)
        url = urljoin(str(response.url), response.headers["location"])
    raise StepFailed(step=step, problem="too many redirects")


class WechatVisit:
    """A buyer at the cash desk inside WeChat."""

    def __init__(self, browser: httpx.Client, checkout_url: str, checkout_id: str) -> None:
        self._browser = browser
        self._url = checkout_url.rstrip("/")
        self.checkout_id = checkout_id

    def press_pay(self) -> dict[str, str]:
        """What the page hands to WeChat's JavaScript bridge."""
        response = self._browser.post(f"{self._url}/pay", json={"method": "jsapi", "platform": "wechatpay"})
        answer: dict[str, Any] = expect(response, "pay").json()
        return dict(answer["invoke"])

    def state(self) -> str:
        """What the waiting page asks for."""
        return str(expect(self._browser.get(f"{self._url}/status"), "status").json()["state"])

    def close(self) -> None:
        """Leave."""
        self._browser.close()
