"""The switches on the running hub: from the call to the first visitor who is kept out in less than a second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import httpx
import pytest

from hutong.cli.buyers import WECHAT_AGENT

pytestmark = pytest.mark.slow

LIMIT_S = 1.0
#: How often is looked: what is measured is late by this much at most.
LOOK_S = 0.01


#: One for all: to make a client takes longer than the edge does to look.
VISITOR = httpx.Client(headers={"user-agent": WECHAT_AGENT}, trust_env=False, timeout=30)


def status(url):
    return VISITOR.get(url).status_code


def seconds_until(url, wanted, since):
    """From ``since`` to the first answer of this status."""
    while (found := status(url)) != wanted:
        assert found in (302, 410)
        assert time.monotonic() - since < 10, "never"
        time.sleep(LOOK_S)
    return time.monotonic() - since


def moved(market, path, body=None):
    """When the switch was pressed."""
    since = time.monotonic()
    answer = market.client.post(path, json=body, headers={"idempotency-key": f"switch-{since}"})
    assert answer.json()["changed"]
    return since


def test_a_link_is_off_and_on_again_within_a_second(market):
    one, other = market.goods().link, market.goods().link
    assert [status(one["url"]), status(other["url"])] == [302, 302]
    for _ in range(3):  # at any moment of the edge's round
        since = moved(market, f"/links/{one['code']}/disable")
        assert seconds_until(one["url"], 410, since) < LIMIT_S
        assert status(other["url"]) == 302
        since = moved(market, f"/links/{one['code']}/enable")
        assert seconds_until(one["url"], 302, since) < LIMIT_S


def test_all_links_are_off_and_on_again_within_a_second(market):
    urls = [market.goods().link["url"] for _ in range(3)]
    off = market.goods().link
    moved(market, f"/links/{off['code']}/disable")
    written = market.world.sql("SELECT max(changed_at) AS at FROM link")[0]["at"]
    for _ in range(3):
        since = moved(market, "/link-switch", {"is_off": True})
        assert seconds_until(urls[0], 410, since) < LIMIT_S
        assert {status(url) for url in urls} == {410}
        since = moved(market, "/link-switch", {"is_off": False})
        assert seconds_until(urls[0], 302, since) < LIMIT_S
        assert {status(url) for url in urls} == {302}
        assert status(off["url"]) == 410, "off by itself"
    assert market.world.sql("SELECT max(changed_at) AS at FROM link")[0]["at"] == written, "no link is rewritten"


def test_whoever_runs_the_hub_switches_off_by_command(market):
    link = market.goods().link
    run = [sys.executable, "-c", "from hutong.cli import main; main()", "link"]
    merchant = market.world.sql("SELECT merchant_id::text AS id FROM link WHERE code = $1", link["code"])[0]["id"]

    def command(*words):
        environment = {
            **os.environ,
            "HUTONG_HOME": str(market.world.home),
            "HUTONG_SANDBOX_URL": market.world.control_url,
        }
        done = subprocess.run(
            [*run, *words, "--merchant", merchant, "--json"], env=environment, capture_output=True, check=True
        )
        return json.loads(done.stdout)["changed"]

    assert command("off", "--code", link["code"])
    assert seconds_until(link["url"], 410, time.monotonic()) < LIMIT_S
    assert not command("off", "--code", link["code"])
    assert command("on", "--code", link["code"])
    assert seconds_until(link["url"], 302, time.monotonic()) < LIMIT_S
    assert command("off")
    assert seconds_until(link["url"], 410, time.monotonic()) < LIMIT_S
    assert command("on")
    assert seconds_until(link["url"], 302, time.monotonic()) < LIMIT_S
    rows = market.world.sql("SELECT action FROM audit WHERE actor = 'home'")
    assert {"link.disable", "link.enable", "links.disable", "links.enable"} <= {row["action"] for row in rows}
