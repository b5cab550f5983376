"""A visitor who opens a link in an app: HTTP to the hub and nothing else, and what a person does with the page.

What the page's script does is written here a second time, from what it is documented to do: each way that is a link is
fired and watched for a moment; where the page goes out of sight the way has led away (``left``), otherwise it has not
(``stayed``) and the next comes; at the first way that needs a hand everything is shown, and a hand may try any of them
once more. ``tests/browser/test_apps.py`` holds this against the real script in Chromium.
"""

from __future__ import annotations

import random
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from hutong_sandbox.apps.habits import ASKS, BROWSERS, CHECKOUT, OPENS, PASSING, PHONES, TAP, Apps, Habits, all_apps
from hutong_sandbox.apps.page import Page, Shown, read_page

#: Redirects within the hub before something is wrong.
HOPS_MAX: Final = 8
#: Inside a wallet's app the cash desk asks the wallet who is there, and comes back: these pages show nothing.
SIGN_INS: Final = frozenset({"/connect/oauth2/authorize", "/oauth2/publicAppAuthorize.htm"})
#: What a tap on the app's menu and on "open in browser" in it cost; what copying, leaving, opening the browser, pasting
#: and going there cost.
MENU_TAPS: Final = 2
COPY_TAPS: Final = 5
#: Copy a platform's code, leave, open the app, and open what it offers: the first tap is the button.
CODE_TAPS: Final = 4
#: The merchant whose links these are has a host of his own.
OWN_HOST: Final = "shop.example.cn"
#: Hosts of each destination's pages, as its share buttons write them.
HOSTS: Final = {
    "web": (OWN_HOST,),
    "taobao": ("taobao.com", "m.tb.cn"),
    "tmall": ("tmall.com",),
    "douyin": ("douyin.com", "iesdouyin.com", "jinritemai.com"),
    "kuaishou": ("kuaishou.com",),
    "xiaohongshu": ("xiaohongshu.com", "xhslink.com"),
    "pinduoduo": ("pinduoduo.com", "yangkeduo.com"),
    "jd": ("jd.com", "3.cn"),
    "weibo": ("weibo.com", "weibo.cn"),
    "weidian": ("weidian.com", "youshop10.com"),
    "alipay": ("alipay.com",),
    "wechat_mini": ("wxaurl.cn", "wxmpurl.cn"),
}
#: Endings of a visit.
APP, PAGE, DESK, WAY_OUT, NOWHERE = ENDINGS = ("app", "page", "desk", "way out", "nowhere")
ARRIVED: Final = frozenset({APP, PAGE, DESK})


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who opens the link: which app, on what, and what of it works."""

    app: str
    system: str
    has_app: bool = True
    runs_script: bool = True
    is_mute: bool = False  # what his page tells never reaches the hub
    tries_buttons: bool = True
    leaves: bool = True  # follows the way out to the browser


class Visit(msgspec.Struct, kw_only=True):
    """What came of it. ``first``: the kind and name of what was tried first; ``told``: what the page told the hub."""

    ending: str = NOWHERE
    at: str = ""
    first: tuple[str, str] = ("", "")
    taps: int = 0
    told: list[tuple[str, str]] = msgspec.field(default_factory=list)
    offered: list[str] = msgspec.field(default_factory=list)
    problem: str = ""
    after: Visit | None = None  # in the browser, when the way out was taken

    @property
    def last(self) -> Visit:
        """Where he is in the end."""
        return self.after.last if self.after is not None else self

    @property
    def all_taps(self) -> int:
        """From the open link to the end."""
        return self.taps + (self.after.all_taps if self.after is not None else 0)


class Visitor:
    """One person and one link. ``does`` overrides what the app's table says of the destination's scheme."""

    def __init__(
        self, http: httpx.AsyncClient, person: Person, destination: str, does: str = "", apps: Apps | None = None
    ) -> None:
        self._http = http
        self._person = person
        self._destination = destination
        self._apps = apps or all_apps()
        self._habits: Habits = self._apps.apps[person.app]
        self._does = does or self._habits.does(destination)
        self._headers = {"user-agent": self._habits.agents[person.system], "accept-language": "zh-CN,zh;q=0.9"}
        self._link = ""
        self._visit = Visit()

    async def open(self, link: str) -> Visit:
        """Open the link; everything that follows until he is somewhere or gives up."""
        self._link = link
        url = link
        for _ in range(HOPS_MAX):
            answer = await self._http.get(url, headers=self._headers)
            if not answer.is_redirect:
                break
            url = urljoin(url, answer.headers["location"])
            if self._destination == CHECKOUT and urlsplit(url).path in SIGN_INS:
                continue
            if urlsplit(url).netloc != urlsplit(link).netloc:
                self._visit.first = ("page", "page")
                self._land(url)
                return self._visit
        else:
            return self._fail("too many redirects")
        if answer.status_code != 200:
            return self._fail(f"status {answer.status_code}")
        page = read_page(answer.text)
        if page is None:
            self._visit.ending, self._visit.at = DESK, urlsplit(url).path
            self._visit.first = ("page", "desk")
            return self._visit
        return await self._use(page, url)

    def _fail(self, problem: str) -> Visit:
        self._visit.problem = problem
        return self._visit

    async def _use(self, page: Page, url: str) -> Visit:
        if not page.ways:
            return self._fail("a page without a way")
        tell = urljoin(url, page.tell)
        self._visit.offered = [f"{way.kind} {way.form}" for way in page.ways]
        self._visit.first = (page.ways[0].kind, page.ways[0].form)
        if self._person.runs_script and await self._script(page.ways, tell):
            return self._visit
        visible = [way for way in page.ways if not way.is_hidden]
        if self._person.tries_buttons:
            for way in visible:
                if way.href and await self._tap(way, tell):
                    return self._visit
        await self._leave(visible, tell)
        return self._visit

    async def _script(self, ways: list[Shown], tell: str) -> bool:
        """What happens by itself; whether he is away."""
        for way in ways:
            way.is_hidden = False
            if not way.href:
                for other in ways:
                    other.is_hidden = False
                return False
            if await self._fire(way, tell, by_hand=False):
                return True
        return False

    async def _tap(self, way: Shown, tell: str) -> bool:
        self._visit.taps += 1
        return await self._fire(way, tell, by_hand=True)

    async def _fire(self, way: Shown, tell: str, *, by_hand: bool) -> bool:
        """The way's link is followed; whether that leads away from the page."""
        scheme = urlsplit(way.href).scheme
        if scheme == "https":
            away = self._land(way.href)
        elif scheme == self._apps.schemes.get(self._destination):
            away = self._person.has_app and (self._does in (OPENS, ASKS) or (self._does == TAP and by_hand))
            if away:
                self._visit.ending, self._visit.at = APP, way.href
                self._visit.taps += self._does == ASKS
        else:
            self._visit.problem = f"an address of another app: {way.href[:80]}"
            return False
        if self._person.runs_script:
            await self._tell(tell, way.form, "left" if away else "stayed")
        return away

    def _land(self, url: str) -> bool:
        """A page of the destination's is shown, where the app shows it."""
        host = urlsplit(url).hostname or ""
        fitting = HOSTS.get(self._destination, ())
        if not any(host == known or host.endswith(f".{known}") for known in fitting):
            self._visit.problem = f"a foreign host: {host}"
            return False
        if not self._habits.shows(self._destination):
            return False
        self._visit.ending, self._visit.at = PAGE, url
        return True

    async def _tell(self, tell: str, form: str, outcome: str) -> None:
        """What the page tells, once for each way; that he left after all is told again."""
        said = dict(self._visit.told)
        if said.get(form) in (outcome, "left"):
            return
        self._visit.told.append((form, outcome))
        if self._person.is_mute:
            return
        answer = await self._http.post(tell, json={"form": form, "outcome": outcome}, headers=self._headers)
        if not answer.is_success:
            self._visit.problem = f"the hub refused what the page told: {answer.status_code} {form} {outcome}"

    async def _leave(self, visible: list[Shown], tell: str) -> None:
        """The way out that the page shows: the platform's code, the picture, or the browser."""
        way = next((way for way in visible if way.kind in ("guide", "code", "qr")), None)
        if way is None:
            return
        self._visit.ending, self._visit.at = WAY_OUT, way.form
        if way.kind == "guide":
            if way.copies != self._link:
                self._visit.problem = f"the guide copies {way.copies[:80]}"
            elif self._person.leaves:
                await self._to_browser(way, tell)
        elif way.kind == "code":
            self._visit.taps += CODE_TAPS
            self._visit.problem = "" if way.copies else "no code to copy"
        elif not way.has_picture:
            self._visit.problem = "no picture to scan"

    async def _to_browser(self, way: Shown, tell: str) -> None:
        is_copied = self._habits.leave == "copy"
        self._visit.taps += COPY_TAPS if is_copied else MENU_TAPS
        if is_copied and self._person.runs_script:
            await self._tell(tell, way.form, "left")
        browser = msgspec.structs.replace(
            self._person, app=BROWSERS[self._person.system in PHONES], system=self._person.system, leaves=False
        )
        self._visit.after = await Visitor(self._http, browser, self._destination, apps=self._apps).open(self._link)


def expected(habits: Habits, destination: str, *, has_app: bool = True) -> frozenset[str]:
    """Where a visit may end by the app's table: at the destination where anything leads there, else at a way out."""
    passes = has_app and habits.does(destination) in PASSING
    return ARRIVED if passes or habits.shows(destination) else frozenset({WAY_OUT})


def someone(chance: random.Random, app: str, system: str, *, has_app: float, script: float, tries: float) -> Person:
    """A visitor as chance has it; the shares are from 0 to 1."""
    return Person(
        app=app,
        system=system,
        has_app=chance.random() < has_app,
        runs_script=chance.random() < script,
        tries_buttons=chance.random() < tries,
        leaves=False,
    )
