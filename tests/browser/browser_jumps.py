"""Samples of the page of ways out of an app, and apps that let through what stands on their list."""

from __future__ import annotations

import json
from typing import Any

from hutong.links.containers import Agent
from hutong.links.destinations import read_target
from hutong.links.jumps.matrix import built_in
from hutong.links.jumps.plan import plan
from hutong.web.buyer.pages import JumpPage
from hutong.web.qr import qr_svg

LINK = "https://shop.example.cn/l/k7Qx1mP"
TAOBAO = "https://item.taobao.com/item.htm?id=657"


def jump(container: str, url: str = TAOBAO, system: str = "android", share_code: str = "") -> JumpPage:
    """The page as the built-in matrix makes it for one container."""
    agent = Agent(container=container, os=system, is_phone=container != "desktop", is_bot=False)
    target = read_target(url)
    steps = plan(built_in(), agent, target, LINK, share_code)
    return JumpPage(
        shop="老李日用百货",
        title="手工陶瓷马克杯 釉下彩",
        destination=target.destination,
        container=container,
        tell="/status",
        link=LINK,
        steps=steps,
        qr_svg=qr_svg(LINK, "QR") if any(step.kind == "qr" for step in steps) else "",
    )


JUMPS_GALLERY = {
    "jump-guide": ("/j/1", "buyer/jump.html", jump("xiaohongshu")),
    "jump-code": ("/j/1", "buyer/jump.html", jump("xiaohongshu", share_code="￥dAEYbi4KO4D￥")),
    "jump-qr": ("/j/1", "buyer/jump.html", jump("desktop", "https://wxaurl.cn/AbCdEf", "windows")),
}

#: A web-view: an app's own address opens the app where its scheme stands on the list, and does nothing else; then the
#: page is out of sight, as behind another app.
WEB_VIEW = """
(() => {
  const allowed = %s;
  window.fired = [];
  document.addEventListener("click", (event) => {
    const link = event.target.closest ? event.target.closest("a[href]") : null;
    if (!link) { return; }
    const scheme = link.href.slice(0, link.href.indexOf(":"));
    if (scheme === "http" || scheme === "https") { return; }
    event.preventDefault();
    window.fired.push(link.href);
    if (allowed.includes(scheme)) {
      setTimeout(() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, 30);
    }
  }, true);
})();
"""


def web_view(page: Any, *schemes: str) -> list[dict[str, str]]:
    """Make the page one of an app that lets these schemes through; what it tells of its attempts, as it tells it."""
    told: list[dict[str, str]] = []
    page.add_init_script(WEB_VIEW % json.dumps(schemes))
    page.on("request", lambda request: told.append(json.loads(request.post_data)) if "/tries" in request.url else None)
    page.route(
        "https://item.taobao.com/**", lambda route: route.fulfill(body="<title>宝贝</title>", content_type="text/html")
    )
    return told
