"""The way past the framework answers "pay" as the application itself does, whatever is sent."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from hutong.core.money import Money
from hutong.merchants.directory import CHECKOUT, register
from hutong.payments.checkouts import Goods, Visit, open_checkout
from hutong.platforms.payments import PaymentCreated
from hutong.web.app import build_doors, build_web
from hutong.web.buyer import checkout as desk_addresses
from hutong.web.buyer.pay_door import BODY_BYTES_MAX
from hutong.web.packing import PACKED_BYTES_MIN

#: Litestar warns of its next major version.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
NONCE = re.compile(r' nonce="[^"]+"')
PRESSED = {"method": "h5", "platform": "wechatpay"}
SAME_HEADERS = ("content-type", "cache-control", "content-encoding", "vary", "allow", "set-cookie", "www-authenticate")


async def asked(app, method, path, **sent):
    """Status, the headers that matter, and the body; its reference and its nonce differ each time."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hub") as client:
        answer = await client.request(method, path, **sent)
    told: Any = NONCE.sub("", answer.text)
    if "json" in answer.headers.get("content-type", ""):
        told = {name: value for name, value in answer.json().items() if name != "reference"}
    return answer.status_code, {name: answer.headers.get(name) for name in SAME_HEADERS}, told


async def make_checkout(caller):
    async with caller.room.unit() as unit:
        goods = Goods(sku_id=None, title="现场收款", quantity=1, amount=Money.fen(880))
        checkout_id = await open_checkout(unit, goods, Visit(container="mobile"))
        await register(unit, CHECKOUT, checkout_id.hex, checkout_id)
    return checkout_id


def odd_requests(checkout_id):
    here, good = f"/c/{checkout_id}/pay", json.dumps(PRESSED).encode()
    json_wanted = {"accept": "application/json"}
    yield "no wallet", "POST", here, {"content": good, "headers": json_wanted}
    yield "no wallet, a page", "POST", here, {"content": good}
    yield "in English", "POST", here, {"content": good, "headers": {**json_wanted, "accept-language": "en"}}
    yield "by ?lang", "POST", f"{here}?lang=en", {"content": good, "headers": json_wanted}
    yield "nobody's", "POST", f"/c/{uuid4()}/pay", {"content": good, "headers": json_wanted}
    yield "no number", "POST", "/c/abc/pay", {"content": good, "headers": json_wanted}
    yield "in capitals", "POST", f"/c/{str(checkout_id).upper()}/pay", {"content": good, "headers": json_wanted}
    yield "with a slash", "POST", f"{here}/", {"content": good, "headers": json_wanted}
    yield "another method", "GET", here, {"headers": json_wanted}
    yield "deleted", "DELETE", here, {"headers": json_wanted}
    yield "another site", "POST", here, {"content": good, "headers": {**json_wanted, "origin": "https://evil.example"}}
    for name, content in {
        "nothing": b"",
        "no JSON": b"{",
        "null": b"null",
        "a list": b"[]",
        "no method": b"{}",
        "an unknown method": b'{"method": "cash"}',
        "a number": b'{"method": 5}',
        "a wrong platform": b'{"method": "h5", "platform": 7}',
        "more fields": b'{"method": "h5", "more": [1]}',
        "not UTF-8": b'{"method": "h5", "platform": "\xff"}',
        "a null byte": b'{"method": "h5", "platform": "\\u0000"}',
        "a lone surrogate": b'{"method": "h5", "platform": "\\ud800"}',
        "deep": b"[" * 100_000,
        "long": b'{"method": "h5", "platform": "' + b"x" * BODY_BYTES_MAX + b'"}',
        "too long": b'{"method": "h5", "platform": "' + b"x" * 1_100_000 + b'"}',
    }.items():
        yield name, "POST", here, {"content": content, "headers": json_wanted}
    yield "a form", "POST", here, {"data": {"method": "h5"}, "headers": json_wanted}


def test_what_is_odd_is_answered_as_behind_the_door(calling):
    async def work(caller):
        checkout_id = await make_checkout(caller)
        doors, web = build_doors(caller.runtime), build_web(caller.runtime)
        for name, method, path, sent in odd_requests(checkout_id):
            assert await asked(doors, method, path, **sent) == await asked(web, method, path, **sent), name

    calling(work)


@pytest.mark.parametrize("pieces", [[b""], [b"", b"", b""], [b" "] * 20, [b" " * BODY_BYTES_MAX, b" "]])
def test_a_body_in_pieces_arrives_whole(calling, pieces):
    async def body():
        yield json.dumps(PRESSED).encode()
        for piece in pieces:
            yield piece

    async def work(caller):
        checkout_id = await make_checkout(caller)
        sent = {"content": body(), "headers": {"accept": "application/json"}}
        status, _, told = await asked(build_doors(caller.runtime), "POST", f"/c/{checkout_id}/pay", **sent)
        assert (status, told["code"]) == (409, "no_wallet")

    calling(work)


@pytest.mark.parametrize("url_chars", [40, PACKED_BYTES_MIN * 2])
@pytest.mark.parametrize("packing", ["identity", "gzip, br"])
def test_a_wallet_s_address_is_answered_as_behind_the_door(calling, monkeypatch, url_chars, packing):
    async def pay(*_, **__):
        return PaymentCreated(redirect_url="https://wallet.example/" + "x" * url_chars)

    async def work(caller):
        checkout_id = await make_checkout(caller)
        monkeypatch.setattr(desk_addresses, "pay", pay)
        sent = {"json": PRESSED, "headers": {"accept-encoding": packing}}
        told = await asked(build_doors(caller.runtime), "POST", f"/c/{checkout_id}/pay", **sent)
        assert told == await asked(build_web(caller.runtime), "POST", f"/c/{checkout_id}/pay", **sent)
        assert (told[1]["content-encoding"] == "gzip") == (url_chars > PACKED_BYTES_MIN and "gzip" in packing)

    calling(work)
