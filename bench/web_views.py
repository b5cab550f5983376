"""Simulated apps in Chromium: the hub's real page and script inside a web-view that follows the sandbox's table.

Beside each visit the sandbox's own visitor reads the same page: what he would tell the hub, and where he would end,
must be what the script tells and where the browser ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from concurrent.futures import Executor
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from hutong_sandbox.apps.habits import PASSING, all_apps
from hutong_sandbox.apps.page import read_page
from hutong_sandbox.apps.visitor import APP, DESK, NOWHERE, PAGE, WAY_OUT, Person, Visit, Visitor

#: The page watches each attempt for 2.5 s; its clock is the test's, so that nobody waits.
WATCH_MS: Final = 2_600
WATCHES_MAX: Final = 4
SETTLE_MS: Final = 100
ELSEWHERE: Final = re.compile(r"https://")
#: An app's own address opens the app where its scheme passes and does nothing else; then the page is out of sight.
SCRIPT: Final = """
(() => {
  const allowed = %s;
  window.opened = "";
  document.addEventListener("click", (event) => {
    const link = event.target.closest ? event.target.closest("a[href]") : null;
    if (!link) { return; }
    const scheme = link.href.slice(0, link.href.indexOf(":"));
    if (scheme === "http" || scheme === "https") { return; }
    event.preventDefault();
    if (allowed.includes(scheme)) {
      window.opened = link.href;
      setTimeout(() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, 30);
    }
  }, true);
})();
"""


#: As in the tests of pages: a browser that reads only what stands here, in a container too.
FLAGS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
CHROMIUMS: Final = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The system's Chromium, or the one that CHROMIUM names; None where there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)


class Seen(msgspec.Struct, kw_only=True):
    """Where the browser ended and what its page told; ``in_browser``: there was a page of ways to open."""

    ending: str
    at: str
    told: list[tuple[str, str]] = msgspec.field(default_factory=list)
    in_browser: bool = False


class WebView:
    """One app's web-view, for one destination at a time, in a page of Chromium that has the app's User-Agent."""

    def __init__(self, page: Any, app: str, system: str, http: httpx.Client, beside: Executor) -> None:  # noqa: ANN401 (Playwright's)
        self._page = page
        self._http = http
        self._executor = beside  # Playwright's loop runs in this thread
        self._habits = all_apps().apps[app]
        self._person = Person(app=app, system=system, is_mute=True, tries_buttons=False, leaves=False)
        self._shows, self._leaving = True, False
        self._told: list[tuple[str, str]] = []
        page.clock.install()
        page.route(ELSEWHERE, self._elsewhere)
        page.route("**/tries?**", lambda route: route.fulfill(status=204))
        page.on("request", self._hear)

    def agent(self) -> str:
        """What the app calls itself."""
        return self._habits.agents[self._person.system]

    def visit(self, link: str, destination: str) -> tuple[Seen, Visit]:
        """What the browser did, and what the sandbox's visitor does with the same page."""
        answer = self._http.get(link, headers={"user-agent": self.agent()})
        url = urljoin(link, answer.headers["location"])
        if urlsplit(url).netloc != urlsplit(link).netloc:
            return Seen(ending=PAGE, at=url), self._beside(destination, link, answer)
        if "/j/" not in url:
            return Seen(ending=DESK, at=url), self._beside(destination, link, None)
        shown = self._http.get(url, headers={"user-agent": self.agent()})
        page = read_page(shown.text)
        assert page is not None, "no page of ways"
        return self._browse(url, destination, shown.text), self._beside(destination, link, shown)

    def _browse(self, url: str, destination: str, html: str) -> Seen:
        """The page in Chromium, byte for byte the one that the visitor reads, with its own headers and script."""
        passes = self._habits.does(destination) in PASSING
        schemes = [all_apps().schemes[destination]] if passes and destination in all_apps().schemes else []
        page, self._shows, self._told = self._page, self._habits.shows(destination), []
        self._leaving = False
        web_view = f"<head><script>{SCRIPT % json.dumps(schemes)}</script>"
        body = html.replace("<head>", web_view, 1)
        page.route("**/j/*?k=*", lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8"))
        page.goto(url, wait_until="commit")
        ending, at = NOWHERE, ""
        for _ in range(WATCHES_MAX):
            page.clock.run_for(WATCH_MS)
            ending, at = self._where()
            if ending != NOWHERE:
                break
        page.unroute("**/j/*?k=*")
        return Seen(ending=ending, at=at, told=list(self._told), in_browser=True)

    def _where(self) -> tuple[str, str]:
        """Where the visitor is: behind another app, on another company's page, before a way out, or waiting."""
        page = self._page
        page.wait_for_timeout(SETTLE_MS)  # of the machine's time: what was fired goes out
        if self._leaving:
            page.wait_for_url(ELSEWHERE)
            return PAGE, page.url
        opened = page.evaluate("window.opened")
        if opened:
            return APP, opened
        shown = page.locator("[data-kind=guide]:visible, [data-kind=code]:visible, [data-kind=qr]:visible")
        return (WAY_OUT, shown.first.get_attribute("data-form")) if shown.count() else (NOWHERE, "")

    def _beside(self, destination: str, link: str, answer: httpx.Response | None) -> Visit:
        """The sandbox's visitor with the same answer: no second click, which might be given another order of ways.

        Without an answer he opens the link himself.
        """

        async def look() -> Visit:
            async with httpx.AsyncClient(transport=_again(answer), trust_env=False, verify=False) as http:
                return await Visitor(http, self._person, destination).open(link)

        return self._executor.submit(asyncio.run, look()).result()

    def _hear(self, request: Any) -> None:  # noqa: ANN401
        if "/tries?" in request.url and request.post_data:
            body = json.loads(request.post_data)
            self._told.append((body["form"], body["outcome"]))

    def _elsewhere(self, route: Any) -> None:  # noqa: ANN401
        """Another company's page: shown, or refused by the web-view, which then stays where it is."""
        self._leaving = self._shows
        if self._shows:
            route.fulfill(body="<title>elsewhere</title>", content_type="text/html")
        else:
            route.abort("aborted")


def _again(answer: httpx.Response | None) -> httpx.AsyncBaseTransport | None:
    """What gives an answer again to whatever is asked."""
    if answer is None:
        return None
    headers = {"location": answer.headers["location"]} if answer.is_redirect else {}
    return httpx.MockTransport(lambda _: httpx.Response(answer.status_code, headers=headers, text=answer.text))


def differences(browser: Seen, beside: Visit) -> list[str]:
    """Where the two disagree."""
    found = []
    if browser.ending != beside.ending:
        found.append(f"the browser ended at {browser.ending}, the visitor at {beside.ending}")
    if [one for one in browser.told if one[0] != "page"] != [one for one in beside.told if one[0] != "page"]:
        found.append(f"the page told {browser.told}, the visitor {beside.told}")
    if beside.problem:
        found.append(beside.problem)
    return found
