"""What every buyers' handler has in hand, and how one buyer's browser is told from another's."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie

from hutong.core.errors import ErrorText, Forbidden, HutongError
from hutong.links.containers import Agent, agent_of
from hutong.links.guesses import Doorkeeper, Guess
from hutong.links.hosts import host_states, leads_on, link_base
from hutong.links.locks import lock_of
from hutong.links.machines import early_kind
from hutong.links.rules.service import led_by
from hutong.links.service import LinkView, find_link
from hutong.links.standing import standings
from hutong.links.visitors import network_of
from hutong.merchants.directory import LINK
from hutong.merchants.staff import is_password
from hutong.payments.checkouts import CHECKOUT_LIFE, CheckoutView
from hutong.transport.pacing import Buckets, Pace
from hutong.web.buyer.pages import BuyerPages
from hutong.workflows.runtime import Runtime

BuyerRequest = Request[Any, Any, Any]

BUYER_COOKIE: Final = "hutong_buyer"
#: Tells one buyer's browser from another's at a shop code, for the limits of a day.
BROWSER_COOKIE: Final = "hutong_browser"
BROWSER_CHARS_MAX: Final = 64
#: The browser that was sent to a wallet to say who pays: what comes back counts there alone.
ASKING_COOKIE: Final = "hutong_asking"
ASKING_LIFE_S: Final = 600
CODE_CHARS_MAX: Final = 64
#: Checkouts opened here are meant for another screen: the buyer's phone reads their QR.
HANDED_OVER: Final = frozenset({"desktop", "store"})
#: Checkouts that one address may open at one shop code.
CHECKOUTS_PACE: Final = Pace(calls=60, seconds=60)
#: Reports of one address, and reports of one link by anybody: enough to be heard, too few to flood the merchant's desk.
REPORTS_PACE: Final = Pace(calls=5, seconds=600)
REPORTS_OF_LINK_PACE: Final = Pace(calls=60, seconds=3600)
_BROWSER_BYTES: Final = 18
_BROWSER_LIFE_S: Final = 365 * 24 * 3600
_HAND_OVER_CHARS: Final = 24


class TooManyCheckouts(HutongError):
    """One address opens more checkouts at a shop code than a queue of buyers could."""

    code = "too_many_checkouts"
    status = 429
    zh = ErrorText("开单太频繁了。", "同一网络在一分钟内打开了太多付款单。", "请稍等一分钟再付，或请店员用收银台收款。")
    en = ErrorText(
        "Too many checkouts.",
        "One network opened too many of them within a minute.",
        "Wait a minute, or pay at the till.",
    )


class BuyerDesk:
    """What the buyers' handlers have in hand."""

    def __init__(self, runtime: Runtime, pages: BuyerPages) -> None:
        self.runtime = runtime
        self.pages = pages
        self._buckets = Buckets()
        self._doorkeeper = Doorkeeper(is_password)

    def admit(self, request: BuyerRequest, code: str) -> None:
        """Let a buyer open a checkout at a shop code. The shop's own wireless network is one address for all of them.

        Raises:
            TooManyCheckouts: more than CHECKOUTS_PACE from one address.
        """
        bucket = self._buckets.of(code, _network_at(request), CHECKOUTS_PACE)
        if bucket.reserve(time.monotonic(), 0) is None:
            raise TooManyCheckouts

    async def merchant_of(self, kind: str, key: str) -> UUID | None:
        """Whose link, checkout or code it is."""
        return await self.runtime.merchant_of(kind, key)

    async def link(self, code: str, choice: str = "") -> tuple[UUID, LinkView] | None:
        """A link by its code, and whose it is. It leads where its rules led the click that carries ``choice``.

        Its ``state`` says where it stands now (:class:`hutong.links.standing.Standing`); not whether it is used up:
        the last click that may be made is led on, too.
        """
        merchant_id = await self.merchant_of(LINK, code[:CODE_CHARS_MAX])
        if merchant_id is None:
            return None
        async with self.runtime.unit(merchant_id, "buyer.link") as unit:
            link = await find_link(unit, code)
            if link is None:
                return None
            standing = (await standings(unit, [link.link_id], {}))[link.link_id]
            return merchant_id, await led_by(unit, msgspec.structs.replace(link, state=standing.value), choice)

    async def link_url(self, merchant_id: UUID, code: str) -> str:
        """A link's address as visitors are to know it."""
        async with self.runtime.unit(merchant_id, "buyer.link_url") as unit:
            return f"{await link_base(unit, self.runtime.public_url)}/l/{code}"

    async def leads_on(self, merchant_id: UUID, url: str) -> bool:
        """Whether a link may lead to an address by itself: a known platform's, or a proven host of the merchant's."""
        if leads_on(url, {}):
            return True
        async with self.runtime.unit(merchant_id, "buyer.host") as unit:
            return leads_on(url, await host_states(unit))

    async def guess(self, request: BuyerRequest, merchant_id: UUID, link: LinkView, typed: str) -> Guess:
        """What becomes of a guess at a link's password; none is wrong where none is asked for."""
        async with self.runtime.unit(merchant_id, "buyer.link_lock") as unit:
            lock = await lock_of(unit, link.link_id)
        if lock is None or lock.lock_id != link.lock_id:  # changed within this request
            return Guess.RIGHT if lock is None else Guess.WRONG
        address = request.client.host if request.client else ""
        return await self._doorkeeper.judge(link.code, lock, typed, address, time.monotonic())

    def admit_report(self, request: BuyerRequest, code: str) -> bool:
        """Whether one more report may come from this address and for this link."""
        asked = ((f"from:{_network_at(request)}", REPORTS_PACE), (f"on:{code}", REPORTS_OF_LINK_PACE))
        return all(
            self._buckets.of("report", key, pace).reserve(time.monotonic(), 0) is not None for key, pace in asked
        )

    def hand_over(self, checkout_id: UUID) -> str:
        """The address with which the same buyer goes on in another app or on another screen."""
        return f"{self.runtime.public_url}/c/{checkout_id}?h={hand_over_mark(self.runtime.link_key, checkout_id)}"

    def cookie(self, checkout_id: UUID) -> Cookie:
        """Makes this browser known as the buyer's. It is set with the answer that leads to the checkout, before
        anything is learned of him: whoever made the checkout stays its buyer even if a later answer is lost.
        """
        return buyer_cookie(checkout_id, secure=self.is_secure)

    @property
    def is_secure(self) -> bool:
        """Whether cookies go over encrypted lines alone."""
        return self.runtime.public_url.startswith("https://")

    def asking(self, checkout_id: UUID, value: str) -> Cookie:
        """Marks the browser that is sent to a wallet to say who pays; empty: it is back."""
        return asking_cookie(checkout_id, value, secure=self.is_secure)


def _network_at(request: BuyerRequest) -> str:
    """What counts as one address: a home has a whole network of those of IPv6."""
    return network_of(request.client.host if request.client else "").hex()


def hand_over_mark(key: bytes, checkout_id: UUID) -> str:
    """Proves that an address was handed on by the checkout's own page and not read off an address bar."""
    return hmac.new(key, b"hand-over:" + checkout_id.bytes, hashlib.sha256).hexdigest()[:_HAND_OVER_CHARS]


def is_handed_over(key: bytes, checkout_id: UUID, mark: str) -> bool:
    """Whether the mark is this checkout's."""
    return mark.isascii() and hmac.compare_digest(hand_over_mark(key, checkout_id), mark[:_HAND_OVER_CHARS])


def is_forwarded(request: BuyerRequest, container: str, view: CheckoutView) -> bool:
    """Whether this is somebody else's checkout, whose address was passed on: it is open in another app than it was
    made in, or its payer is known and this is not his browser.
    """
    if BUYER_COOKIE in request.cookies:
        return False
    if view.payer_kind is not None:
        return True
    return container != view.container and view.container not in HANDED_OVER


def buyer_cookie(checkout_id: UUID, *, secure: bool) -> Cookie:
    """Tells the payer's browser from those the address is forwarded to."""
    return Cookie(
        key=BUYER_COOKIE,
        value="1",
        path=f"/c/{checkout_id}",
        max_age=int(CHECKOUT_LIFE.total_seconds()),
        httponly=True,
        secure=secure,
        samesite="lax",
    )


def asking_of(request: BuyerRequest) -> str:
    """The mark of a browser that was sent to say who pays; empty where it was not."""
    return request.cookies.get(ASKING_COOKIE, "")[:BROWSER_CHARS_MAX]


def asking_cookie(checkout_id: UUID, value: str, *, secure: bool) -> Cookie:
    """Marks the browser that is sent; an empty value ends that."""
    return Cookie(
        key=ASKING_COOKIE,
        value=value,
        path=f"/c/{checkout_id}",
        max_age=ASKING_LIFE_S if value else 0,
        httponly=True,
        secure=secure,
        samesite="lax",
    )


def new_mark() -> str:
    """A fresh mark of a browser."""
    return secrets.token_urlsafe(_BROWSER_BYTES)


def may_say_who_pays(request: BuyerRequest, view: CheckoutView) -> bool:
    """Once somebody is known to pay, only his own browser can say so anew: the address may have been passed on."""
    return view.payer_kind is None or BUYER_COOKIE in request.cookies


async def never_stored(response: Response[Any]) -> Response[Any]:
    """Every answer to a buyer is his own and this moment's, the ways on included.

    A coroutine, though it waits for nothing: Litestar takes a plain function into a thread for each answer.
    """
    response.headers.setdefault("cache-control", "no-store")
    return response


def agent_at(request: BuyerRequest) -> Agent:
    """Who asks, and in which app: read as the edge reads it."""
    return agent_of(dict(request.scope["headers"]))


def is_ahead(request: BuyerRequest) -> bool:
    """Whether a page is asked for before a person wants it, or its head alone: nothing may come of that."""
    return bool(early_kind(request.method, dict(request.scope["headers"])))


def browser_of(request: BuyerRequest) -> str:
    """The mark of this browser at shop codes; empty before it got one."""
    return request.cookies.get(BROWSER_COOKIE, "")[:BROWSER_CHARS_MAX]


def browser_cookie(value: str, *, secure: bool) -> Cookie:
    """Remembers the browser; a new mark where ``value`` is empty."""
    return Cookie(
        key=BROWSER_COOKIE,
        value=value or secrets.token_urlsafe(_BROWSER_BYTES),
        path="/s",
        max_age=_BROWSER_LIFE_S,
        httponly=True,
        secure=secure,
        samesite="lax",
    )


def refuse_other_sites(request: BuyerRequest, public_url: str) -> None:
    """Another site's page may not press "pay" in the buyer's name.

    Raises:
        Forbidden: the browser names another origin.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = {urlsplit(public_url).netloc, request.headers.get("host", "")}
    if urlsplit(origin).netloc not in own:
        raise Forbidden(scope="same-origin")
