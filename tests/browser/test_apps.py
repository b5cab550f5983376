"""The sandbox's visitors do what a real browser does: the same pages, the same words to the hub, the same ends."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))  # what plays web-views serves the proof of all cells, too

from web_views import WebView, differences

from hutong_sandbox.apps.cells import ADDRESSES
from hutong_sandbox.apps.habits import all_apps
from hutong_sandbox.apps.visitor import APP, PAGE, WAY_OUT

#: Those in which pages, schemes, questions and refusals all come up.
APPS = [("mobile", "android"), ("douyin", "ios"), ("kuaishou_lite", "android")]
#: The same again in others; every app: ``make proof-cells``.
MORE = [("qq", "android"), ("alipay", "ios"), ("xiaohongshu", "ios"), ("toutiao", "android"), ("desktop", "windows")]
SHOWN_MIN = {len(APPS): 12, len(MORE): 12}


@pytest.fixture(scope="module")
def links(hub):
    """A link to one thing of each destination."""
    made = {}
    for destination, addresses in ADDRESSES.items():
        channel = {"kind": "post", "platform": "weibo", "name": destination}
        made[destination] = hub.post("/links", {"title": "马克杯", "channel": channel, "url": addresses[0]})["url"]
    return made


@pytest.mark.parametrize("apps", [APPS, pytest.param(MORE, marks=pytest.mark.long)], ids=["some", "more"])
def test_a_visitor_does_what_a_browser_does(watch, links, apps):
    wrong, ends, shown = [], set(), 0
    with httpx.Client(trust_env=False) as http, ThreadPoolExecutor(1) as beside:
        for app, system in apps:
            agent = all_apps().apps[app].agents[system]
            watched = watch("phone", user_agent=agent)
            view = WebView(watched.page, app, system, http, beside)
            for destination, link in links.items():
                browser, visitor = view.visit(link, destination)
                wrong += [(app, destination, one) for one in differences(browser, visitor)]
                ends.add(browser.ending)
                shown += browser.in_browser
    assert not wrong
    assert {APP, PAGE, WAY_OUT} <= ends
    assert shown >= SHOWN_MIN[len(apps)], "cells whose page was really opened in Chromium"
