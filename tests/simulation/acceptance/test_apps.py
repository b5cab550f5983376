"""Every cell of the matrix in simulated apps over HTTP: who opens a link gets there, or sees how."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from hutong.links.containers import CONTAINERS, classify
from hutong.links.destinations import DESTINATIONS, WEB
from hutong_sandbox.apps.cells import ADDRESSES, OWN_PAGE, run_cells
from hutong_sandbox.apps.habits import all_apps
from hutong_sandbox.apps.visitor import OWN_HOST

pytestmark = pytest.mark.slow


def links_of(market):
    """A link to every address, one to a page of the merchant's own, and one to the cash desk."""
    market.world.prove_host(OWN_HOST)
    links = {}
    for destination, addresses in {**ADDRESSES, WEB: (OWN_PAGE,)}.items():
        for address in addresses:
            channel = {"kind": "post", "platform": "weibo", "name": address[-60:]}
            made = market.post("/links", {"title": "马克杯", "channel": channel, "url": address})
            links.setdefault(destination, {})[address] = made["url"]
    links["checkout"] = {"checkout": market.goods().link["url"]}
    return links


def test_every_cell_leads_somewhere(market):
    cells = asyncio.run(run_cells(links_of(market)))
    wrong = [cell for cell in cells if not cell.is_good]
    assert not wrong, (len(wrong), len(cells), wrong[:12])
    exercised = {(cell.app, cell.destination) for cell in cells}
    assert exercised == {(app, to) for app in CONTAINERS for to in DESTINATIONS}, "100 % of the cells"


def test_a_page_of_nobody_known_is_no_destination(market):
    channel = {"kind": "post", "platform": "weibo", "name": "自己的网站"}
    answer = market.send("/links", {"title": "官网", "channel": channel, "url": "https://shop.nobody-proved.cn/"})
    assert (answer.status_code, answer.json()["code"]) == (400, "destination_not_allowed")


def test_the_hub_takes_each_app_for_what_it_is():
    for app in all_apps().apps.values():
        for system, agent in app.agents.items():
            told = classify(agent)
            assert (told.container, told.os) == (app.name, system)


def test_a_hub_that_leads_astray_is_found_out():
    """The judge itself: a foreign host, an error, a scheme of another app, a page that offers nothing."""
    from hutong_sandbox.apps.visitor import Person, Visitor

    def page(ways):
        return f'<section data-tell="/t">{ways}</section>'

    def hub(answer):
        async def visit():
            transport = httpx.MockTransport(lambda request: answer)
            async with httpx.AsyncClient(transport=transport) as http:
                return await Visitor(http, Person(app="douyin", system="ios"), "taobao").open("https://hub.example/l/a")

        return asyncio.run(visit())

    astray = [
        httpx.Response(302, headers={"location": "https://evil.example/"}),
        httpx.Response(302, headers={"location": "https://item.taobao.com.evil.example/"}),
        httpx.Response(302, headers={"location": "/l/a"}),
        httpx.Response(500),
        httpx.Response(200, text=page('<div data-form="x" data-kind="scheme"><a href="evil://x">x</a></div>')),
        httpx.Response(200, text=page('<div data-form="g" data-kind="guide"><b data-copy="https://e/">x</b></div>')),
    ]
    for answer in astray:
        visit = hub(answer)
        assert visit.problem, visit
    assert hub(httpx.Response(200, text=page(""))).problem
