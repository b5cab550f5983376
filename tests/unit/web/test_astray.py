"""Whoever is not of the shop never meets the merchant's error page, whatever address was asked for and however."""

from __future__ import annotations

import json

import pytest
from litestar import Litestar, Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient

from hutong.web.buyer.astray import OUTSIDERS, DoorErrorPages
from hutong.web.buyer.bios import BioController
from hutong.web.buyer.cards import CardController
from hutong.web.buyer.checkout import CheckoutController
from hutong.web.buyer.codes import ShopCodeController
from hutong.web.buyer.jumps import JumpController
from hutong.web.buyer.leaving import LeavingController
from hutong.web.buyer.links import LinkController
from hutong.web.buyer.pages import PAGE_BYTES_MAX, BuyerPages
from hutong.web.buyer.reports import ReportController
from hutong.web.creator.door import CreatorController
from hutong.web.render import Renderer


@get("/c/{number:int}")
async def desk(request: Request) -> str:
    return str(request.url)


@post("/s/{code:str}/checkouts", request_max_body_size=100)
async def amounts(request: Request) -> str:
    return str(await request.json())


@get("/s/{code:str}")
async def broken(request: Request) -> str:
    raise ZeroDivisionError(request.url)


@pytest.fixture(scope="module")
def visit():
    renderer = Renderer()
    errors = DoorErrorPages(renderer, BuyerPages(renderer))
    app = Litestar([desk, amounts, broken], exception_handlers={Exception: errors.answer}, openapi_config=None)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield lambda path, method="GET", **given: client.request(method, path, follow_redirects=False, **given)


def is_buyers(answer):
    html = answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return len(html.encode()) <= PAGE_BYTES_MAX and "总览" not in html and 'href="/' not in html


@pytest.mark.parametrize(
    "path",
    ["/l/", "/l", "/l/CODE/x", "/c/", "/c/nosuch", "/c/1/x", "/s/", "/s/CODE/x", "/b/", "/b/CODE/x", "/m/", "/m",
     "/m/t/x", "/me/", "/me/nosuch", "/me/nosuch/x", "/L/CODE", "/B/CODE", "/C/1", "/S/CODE", "/M/t", "/ME", "/Me/x"],
)  # fmt: skip
def test_an_unknown_address_is_told_in_the_buyers_style(visit, path):
    answer = visit(path, headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "没有这个页面" in answer.text
    assert is_buyers(answer)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/c/1"), ("POST", "/c/1"), ("PUT", "/s/CODE/checkouts")])
def test_a_wrong_method_too(visit, method, path):
    answer = visit(path, method)
    assert answer.status_code == 405
    assert "请重新打开这个页面" in answer.text
    assert is_buyers(answer)


def test_too_much_too(visit):
    answer = visit("/s/CODE/checkouts", "POST", content=json.dumps({"amount": "1" * 200}))
    assert answer.status_code == 413
    assert "发送的内容太大" in answer.text
    assert is_buyers(answer)


def test_our_own_trouble_too_and_it_tells_nothing(visit, caplog):
    answer = visit("/s/CODE")
    assert answer.status_code == 500
    assert "暂时打不开" in answer.text
    assert is_buyers(answer)
    assert "internal error" in caplog.text


def test_in_the_buyers_language(visit):
    assert "No such page" in visit("/c/nosuch", headers={"accept-language": "en-GB"}).text
    assert "沒有這個頁面" in visit("/c/nosuch", headers={"accept-language": "zh-TW"}).text


def test_programs_and_the_shop_keep_their_own_answers(visit):
    assert visit("/c/nosuch", headers={"accept": "application/json"}).json()["code"] == "page_not_found"
    assert visit("/api/v1/nosuch").json()["status"] == 404
    for path in ("/nosuch", "/links/nosuch", "/channels/x", "/settings/x", "/lx"):
        answer = visit(path)
        assert answer.status_code == 404
        assert "从总览重新进入" in answer.text


def test_every_door_of_buyers_and_creators_is_named():
    """A new one has to be, or its errors lead to the console."""
    doors = set()
    for controller in (
        LinkController,
        JumpController,
        LeavingController,
        ReportController,
        CardController,
        BioController,
        CheckoutController,
        ShopCodeController,
        CreatorController,
    ):
        place = controller.path if isinstance(controller.path, str) else ""
        handlers = [each for each in vars(controller).values() if isinstance(each, HTTPRouteHandler)]
        doors |= {f"{place}/{path}".strip("/").split("/")[0] for handler in handlers for path in handler.paths}
    assert doors == OUTSIDERS
