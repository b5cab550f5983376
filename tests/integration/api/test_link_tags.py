"""Tags and campaigns of links: kept, filtered by, and changed in the console."""

from __future__ import annotations

from uuid import uuid4

import pytest

from hutong.core.errors import InvalidInput
from hutong.links.tags import TAG_CHARS_MAX, TAGS_MAX, clean_campaign, clean_tags

TAOBAO = "https://item.taobao.com/item.htm?id=657"


async def link(caller, title, **more):
    channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
    caller.room.clock.advance(seconds=1)
    return await caller.post("/links", {"title": title, "channel": channel, "url": TAOBAO, **more}, key=uuid4().hex)


async def titles(caller, **query):
    found = await caller.get("/links", **query)
    assert found["total"] == len(found["items"])
    return [item["title"] for item in found["items"]]


def test_links_are_found_by_tag_and_by_campaign(calling):
    async def work(caller):
        await link(caller, "甲", tags=["新品", " 主推  款 ", "新品"], campaign="双十一")
        await link(caller, "乙", tags=["新品"])
        await link(caller, "丙", campaign="双十一")
        items = (await caller.get("/links"))["items"]
        assert [(one["title"], one["tags"], one["campaign"]) for one in items] == [
            ("丙", [], "双十一"),
            ("乙", ["新品"], ""),
            ("甲", ["主推 款", "新品"], "双十一"),
        ]
        assert await titles(caller, tag="新品") == ["乙", "甲"]
        assert await titles(caller, campaign="双十一") == ["丙", "甲"]
        assert await titles(caller, tag="新品", campaign="双十一") == ["甲"]
        assert await titles(caller, tag="没有") == []

    calling(work)


def test_what_a_link_is_sorted_by_is_put_in_place_of_what_it_was(calling):
    async def work(caller):
        made = await link(caller, "甲", tags=["旧"], campaign="旧活动")
        path = f"/links/{made['link_id']}/sorting"
        assert await caller.post(path, {"tags": ["新"]}, key=uuid4().hex) == {"tags": ["新"], "campaign": ""}
        assert (await titles(caller, tag="旧"), await titles(caller, tag="新")) == ([], ["甲"])
        assert (await caller.refused(f"/links/{uuid4()}/sorting", {"tags": ["x"]}, uuid4().hex))[0] == 404
        told = await caller.refused(path, {"tags": ["x" * (TAG_CHARS_MAX + 1)]}, uuid4().hex)
        assert told == (400, "invalid_input")
        assert await titles(caller, tag="新") == ["甲"], "what is refused changes nothing"

    calling(work)


def test_the_console_sorts_and_filters(calling):
    async def work(caller):
        made = await link(caller, "甲")
        await link(caller, "乙")
        secret = await caller.sign_in()
        form = {"_csrf_token": secret, "tags": "新品，主推, 新品", "campaign": "双十一"}
        assert (await caller.client.post(f"/links/{made['code']}/sorting", data=form)).status_code == 303
        page = (await caller.client.get(f"/links/{made['code']}")).text
        assert 'value="主推，新品"' in page
        some = (await caller.client.get("/links", params={"tag": "新品"})).text
        assert (">甲<" in some, ">乙<" in some) == (True, False)
        none = (await caller.client.get("/links", params={"campaign": "没有"})).text
        assert "没有这样的链接" in none

    calling(work)


@pytest.mark.parametrize("tags", [["x", *map(str, range(TAGS_MAX))], ["a\x07"], ["长" * (TAG_CHARS_MAX + 1)]])
def test_tags_have_bounds(tags):
    with pytest.raises(InvalidInput):
        clean_tags(tags)


def test_names_are_one_line():
    assert clean_tags(["  a  b ", "", "a b", "c"]) == ("a b", "c")
    assert clean_campaign(" 双 \n 十一 ") == "双 十一"
