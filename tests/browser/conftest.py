"""A browser, a gallery of sample pages, and a running hub with a day's trade."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from hutong.web.buyer.pages import buyer_headers, shared_headers
from hutong.web.console.headers import CONSOLE_HEADERS
from hutong.web.render import STATIC_DIR, Renderer
from hutong.web.scene import Scene

sys.path.insert(0, str(Path(__file__).parent))  # helpers beside the tests; pytest's importlib mode does not add it

from browser_gallery import GALLERY
from browser_hub import BROWSER_LOCALES, RunningHub, running_hub
from browser_trade import creator_with_sales

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"phone": (390, 844), "desk": (1440, 900)}
NONCE = "gallery"
#: Pages that are made to be shared: they show pictures.
SHARED = ("buyer/card.html", "buyer/bio.html")
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def find_chromium() -> str | None:
    """The system's Chromium, or one that CHROMIUM names."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """A test that failed tells what the hub said and how its newest payments stand: some failures come only once."""
    report = yield
    hub = getattr(item, "funcargs", {}).get("hub")
    if report.failed and call.when != "teardown" and isinstance(hub, RunningHub):  # then it may be gone already
        report.sections.append(("hub", hub.last_words()))
    return report


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium on this machine: install it (apt install chromium) or set CHROMIUM to its path")
    if not (STATIC_DIR / "assets" / "tabler.min.css").exists():
        pytest.skip("the console's assets are not there: run make set-up")
    with sync_playwright() as play:
        launched = play.chromium.launch(
            executable_path=chromium, args=FLAGS, env={**os.environ, "HOME": str(tmp_path_factory.mktemp("browser"))}
        )
        yield launched
        launched.close()


class Watched:
    """A page, and everything it complained about."""

    def __init__(self, page: Page, *, is_new: bool = True) -> None:
        self.page = page
        self.is_new = is_new  # nobody has used its profile before
        self.complaints: list[str] = []
        self._forgiven: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("requestfailed", self._failed)

    def forgive(self, part: str) -> None:
        """Complaints with these words in them are expected here."""
        self._forgiven.append(part)

    def _console(self, message) -> None:
        if message.type in {"error", "warning"} and not any(part in message.text for part in self._forgiven):
            self.complaints.append(f"{message.type}: {message.text}")

    def _failed(self, request) -> None:
        """A request that failed; leaving a page ends its last ones, which is no failure."""
        if "ERR_ABORTED" not in (request.failure or ""):
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def settle(self) -> Page:
        """Wait until every chart is drawn."""
        self.page.wait_for_load_state("load")
        if self.page.query_selector("[data-chart]"):
            self.page.wait_for_selector("[data-drawn]")
        return self.page


class Contexts:
    """Browser profiles that tests share, so that assets are fetched and read once and people sign in once."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._shared: dict[str, BrowserContext] = {}

    def get(self, key: str | None, size: str, **wishes) -> tuple[BrowserContext, bool]:
        """A profile, and whether it is a new one; without a key it is the caller's own."""
        if key is not None and key in self._shared:
            return self._shared[key], False
        width, height = SIZES[size]
        wishes.setdefault("viewport", {"width": width, "height": height})
        wishes.setdefault("locale", "zh-CN")
        context = self._browser.new_context(**wishes)
        if key is not None:
            self._shared[key] = context
        return context, True

    def close(self) -> None:
        for context in self._shared.values():
            context.close()


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[Contexts]:
    made = Contexts(browser)
    yield made
    made.close()


@pytest.fixture
def watch(contexts: Contexts) -> Iterator[Callable[..., Watched]]:
    """Opens a page at a size; everything it complains about fails the test at the end.

    ``share`` names a profile that several tests use.
    """
    opened: list[tuple[Watched, bool]] = []

    def open_page(size: str = "desk", share: str | None = None, **wishes) -> Watched:
        context, is_new = contexts.get(share, size, **wishes)
        watched = Watched(context.new_page(), is_new=is_new)
        opened.append((watched, share is not None))
        return watched

    yield open_page
    complaints = [complaint for watched, _ in opened for complaint in watched.complaints]
    for watched, is_shared in opened:
        watched.page.close()
        if not is_shared:
            watched.page.context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def frame(contexts: Contexts) -> Iterator[Watched]:
    """One page for many samples; to open one anew costs more than to show a sample in it."""
    context, is_new = contexts.get("gallery", "phone")
    watched = Watched(context.new_page(), is_new=is_new)
    yield watched
    watched.page.close()


@pytest.fixture
def framed(frame: Watched) -> Iterator[Watched]:
    """That page; what a sample complains about fails the test that shows it."""
    frame.complaints.clear()
    yield frame
    frame.page.goto("about:blank")  # whatever the sample still does ends here
    assert frame.complaints == []


class GalleryHandler(BaseHTTPRequestHandler):
    """``/{locale}/{name}``: a sample page; ``/static/…``: the assets; with the headers that the hub sends."""

    renderer: Renderer

    def log_message(self, *_args) -> None:
        pass

    def do_GET(self) -> None:
        path = urlparse(self.path).path
        parts = path.strip("/").split("/")
        if path.startswith("/static/"):
            file = STATIC_DIR / path.removeprefix("/static/")
            self._send(file.read_bytes(), TYPES[file.suffix[1:]], {"cache-control": "max-age=600"})
        elif len(parts) == 2 and parts[1] in GALLERY:
            current, template, view = GALLERY[parts[1]]
            scene = Scene(
                path=current,
                locale=parts[0],
                nonce=NONCE,
                merchant_name="老李日用百货",
                staff_name="李明",
                mode="sandbox",
                open_tickets=3,
                csrf_token="sample",
            )
            shown = view(parts[0]) if callable(view) else view
            html = self.renderer.page(template, shown, scene).encode()
            headers = CONSOLE_HEADERS
            if template.startswith(("buyer/", "creator/")):
                headers = shared_headers(NONCE, "") if template in SHARED else buyer_headers(NONCE)
            self._send(html, "text/html; charset=utf-8", headers)
        else:
            status = 200 if path.endswith("/status") else 404
            self._send(b'{"state":"paying","shown":"waiting"}', "application/json", {}, status)

    def _send(self, body: bytes, kind: str, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _serving() -> Iterator[str]:
    handler = type("Handler", (GalleryHandler,), {"renderer": Renderer()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def gallery() -> Iterator[str]:
    """Address of the sample pages."""
    with _serving() as address:
        yield address


@pytest.fixture(scope="session")
def hub(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub with a sandbox and some trade, in a fresh home."""
    with running_hub(tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture(scope="session")
def creator(hub: RunningHub) -> dict[str, Any]:
    """Somebody who has brought sales."""
    return creator_with_sales(hub)


@pytest.fixture
def signed_in(watch, hub: RunningHub):
    """A page with the owner signed in."""

    def enter(size: str = "desk", locale: str = "zh-Hans", *, alone: bool = False):
        """``alone``: with a profile of its own, for tests that change what a profile remembers."""
        share = None if alone else f"owner {size} {locale}"
        watched = watch(size, share, locale=BROWSER_LOCALES[locale], base_url=hub.url)
        page = watched.page
        page.goto("/")
        if watched.is_new:
            page.fill("[name=login]", hub.login)
            page.fill("[name=password]", hub.password)
            page.click("form button.btn-primary")
            page.wait_for_url("**/")
        return watched

    return enter


@pytest.fixture
def link(hub: RunningHub) -> dict:
    """A link to a product that is in stock, in a channel of its own."""
    stocked = {row["sku_id"]: row for row in hub.api("/stock") if row["available"] > 5}
    sku = next(row for row in stocked.values() if row["price_fen"] > 0 and row["currency"] == "CNY")
    channel = {"kind": "post", "platform": "weibo", "name": f"买家之路 {sku['seller_code']}"}
    made = hub.post("/links", {"title": sku["title"], "channel": channel, "sku_id": sku["sku_id"]})
    return {**made, "sku": sku}


@pytest.fixture
def troubled(hub: RunningHub) -> Iterator[Callable[..., None]]:
    """Makes platforms behave badly until it is told otherwise or the test is over."""
    yield hub.put_faults
    hub.put_faults()


@pytest.fixture
def code(hub: RunningHub):
    """A fresh payment code of a buyer, as the wallet's app shows it."""

    def show(platform: str = "wechatpay", buyer: int = 1) -> str:
        return hub.sandbox("/codes", {"platform": platform, "buyer": buyer})["auth_code"]

    return show
