"""Addresses that seem to lead elsewhere, offered to the API: refused with a reason, and nothing is kept."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

from hutong.links.destinations import URL_CHARS_MAX

FILE = Path(__file__).parents[2] / "unit" / "links" / "lookalikes.txt"
CHANNEL = {"kind": "post", "platform": "weibo", "name": "帖子"}
#: Each so-many-th spelling of the file: some of every family.
EACH = 6


def spellings():
    lines = FILE.read_text("ascii").splitlines()
    return [json.loads(line) for line in lines if line and not line.startswith("#")][::EACH]


def test_a_lookalike_makes_no_link(calling):
    async def work(caller):
        offered = spellings()
        assert len(offered) > 80
        for spelling in offered:
            answer = await caller.send("/links", {"title": "杯", "channel": CHANNEL, "url": spelling})
            assert answer.status_code == 400, spelling
            code = answer.json()["code"]
            assert code == "destination_not_allowed" or (not spelling.strip() and code == "invalid_input"), spelling
        assert (await caller.get("/links"))["total"] == 0
        made = await caller.post(
            "/links",
            {"title": "杯", "channel": CHANNEL, "url": "HTTPS://Item.TaoBao.com/item.htm?ID=1"},
            key=uuid4().hex,
        )
        found = await caller.get("/links")
        assert [item["code"] for item in found["items"]] == [made["code"]]

    calling(work)


def test_too_long_is_refused(calling):
    async def work(caller):
        url = "https://item.taobao.com/" + "a" * URL_CHARS_MAX
        assert (await caller.refused("/links", {"title": "杯", "channel": CHANNEL, "url": url}))[0] == 400

    calling(work)
