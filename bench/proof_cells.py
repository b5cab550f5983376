"""Proof: every cell of the matrix leads somewhere, over HTTP and in Chromium, and in how many taps.

A hub of its own. First the sandbox's visitors open a link to every address in every app on every system. Then
Chromium, with each app's User-Agent and a web-view that follows the sandbox's table, opens every cell with the hub's
real page and script, and must end where the visitor ends and tell the hub the same. Prints a JSON line for each cell
that is wrong, one for each app's taps before and after, and a verdict; exit code 1 if a cell is wrong or missing.

    python bench/proof_cells.py [--apps NAME,NAME] [--no-browser]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import httpx
from playwright.sync_api import sync_playwright
from restartable import World
from web_views import FLAGS, WebView, chromium, differences

from hutong.links.containers import CONTAINERS
from hutong.links.destinations import CHECKOUT, DESTINATIONS, WEB
from hutong_sandbox.apps.cells import ADDRESSES, OWN_PAGE, Cell, line_of, run_cells
from hutong_sandbox.apps.habits import PHONES, all_apps
from hutong_sandbox.apps.taps import TODAY, taps_by_app
from hutong_sandbox.apps.visitor import OWN_HOST


def say(**line: Any) -> None:  # noqa: ANN401 (JSON)
    """One result."""
    print(json.dumps({"proof": "cells", **line}, ensure_ascii=False), flush=True)


def make_links(world: World) -> dict[str, dict[str, str]]:
    """A link to every address, one to a page of the merchant's own, and one to the cash desk."""
    world.prove_host(OWN_HOST)

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = api.post(path, json=body, headers={"idempotency-key": os.urandom(12).hex()})
        answer.raise_for_status()
        return dict(answer.json())

    def link(**leads: str) -> str:
        channel = {"kind": "post", "platform": "weibo", "name": "proof"}
        return str(post("/links", {"title": "马克杯", "channel": channel, **leads})["url"])

    with world.api() as api:
        led = {**ADDRESSES, WEB: (OWN_PAGE,)}
        links = {name: {url: link(url=url) for url in urls} for name, urls in led.items()}
        product = post("/products", {"title": "马克杯"})["product_id"]
        body = {"product_id": product, "seller_code": "PROOF", "price_fen": 5900, "stock": 9}
        return {**links, CHECKOUT: {CHECKOUT: link(sku_id=post("/skus", body)["sku_id"])}}


def in_browser(links: dict[str, dict[str, str]], names: list[str]) -> list[dict[str, Any]]:
    """Every app × system × destination in Chromium: what differs from the visitor, one context for each app."""
    lines = []
    with sync_playwright() as playwright, httpx.Client(trust_env=False) as http, ThreadPoolExecutor(1) as beside:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for name in names:
            for system, agent in all_apps().apps[name].agents.items():
                context = browser.new_context(user_agent=agent, is_mobile=system in PHONES, service_workers="block")
                lines += _app_in_browser(context.new_page(), name, system, links, http, beside)
                context.close()
        browser.close()
    return lines


def _app_in_browser(
    page: Any,  # noqa: ANN401 (Playwright's)
    name: str,
    system: str,
    links: dict[str, dict[str, str]],
    http: httpx.Client,
    beside: Executor,
) -> list[dict[str, Any]]:
    view, lines = WebView(page, name, system, http, beside), []
    for destination, by_address in links.items():
        browser, visitor = view.visit(next(iter(by_address.values())), destination)
        problems = differences(browser, visitor)
        line = {"app": name, "system": system, "destination": destination, "ending": browser.ending}
        lines.append({**line, "in_browser": browser.in_browser, "problems": problems, "ok": not problems})
    return lines


def verdict(cells: list[Cell], browsed: list[dict[str, Any]] | None, names: list[str]) -> dict[str, Any]:
    """Cells exercised of those of the hub's matrix, and how many were wrong."""
    wanted = {(name, to) for name in names for to in DESTINATIONS}
    exercised = {(cell.app, cell.destination) for cell in cells} & wanted
    in_chromium = {(line["app"], line["destination"]) for line in browsed or ()} & wanted
    wrong = sum(not cell.is_good for cell in cells) + sum(not line["ok"] for line in browsed or ())
    is_complete = exercised == wanted and (browsed is None or in_chromium == wanted)
    return {
        "cells": len(wanted),
        "exercised_percent": round(100 * len(exercised) / len(wanted), 1),
        "in_chromium_percent": None if browsed is None else round(100 * len(in_chromium) / len(wanted), 1),
        "visits": len(cells),
        "pages_in_chromium": sum(line["in_browser"] for line in browsed or ()),
        "wrong": wrong,
        "ok": is_complete and not wrong,
    }


def main() -> int:
    """0 when all went as it must."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--apps", default=",".join(CONTAINERS))
    parser.add_argument("--no-browser", action="store_true")
    given = parser.parse_args()
    names, started = given.apps.split(","), time.monotonic()
    if not given.no_browser and chromium() is None:
        print("no Chromium here: apt install chromium, set CHROMIUM to its path, or --no-browser", file=sys.stderr)
        return 1
    world = World(seed=1)
    try:
        world.start_hub()
        links = make_links(world)
        cells = asyncio.run(run_cells(links, names))
        browsed = None if given.no_browser else in_browser(links, names)
    finally:
        world.close()
    for line in [*map(line_of, cells), *(browsed or ())]:
        if not line["ok"]:
            say(kind="wrong", **line)
    say(kind="before", steps=TODAY)
    for line in taps_by_app(cells):
        say(kind="taps", **line)
    told = verdict(cells, browsed, names)
    say(kind="verdict", **told, seconds=round(time.monotonic() - started, 1))
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
