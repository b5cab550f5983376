"""The click's id in the addresses that take it: per click, within what the destination allows, nowhere else."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from hutong.links.containers import Agent
from hutong.links.destinations import DESTINATIONS, read_target
from hutong.links.jumps.broken import MatrixBroken
from hutong.links.jumps.matrix import BUILT_IN, CLICK, built_in, load_matrix
from hutong.links.jumps.plan import plan
from hutong.links.jumps.ways import Ways
from hutong.links.tokens import carried_token, read_carried_token

KEY, SHOP, LINK = b"k" * 32, UUID(int=7), "abcdefg"
PHONE = Agent(container="mobile", os="android", is_phone=True, is_bot=False)
IN_WECHAT = Agent(container="wechat", os="android", is_phone=True, is_bot=False)


def addresses(url, number, agent=PHONE, ways=None):
    click_id = UUID(int=number)
    steps = (ways or Ways()).of(
        read_target(url), agent, LINK, click_id, lambda: carried_token(KEY, SHOP, click_id, LINK)
    )
    return {step.form: step.address for step in steps}


def launched(address):
    """The query that the mini-program's page is started with."""
    return parse_qs(parse_qs(urlsplit(address).query)["cq"][0])


@pytest.mark.parametrize(
    ("url", "form", "agent"),
    [
        ("weixin://dl/business/?t=Abc123xyz", "wechat_mini_ticket", PHONE),
        ("https://wxaurl.cn/AbCdEf", "page", IN_WECHAT),
        ("https://wxaurl.cn/AbCdEf", "page", PHONE),
    ],
)
def test_each_click_takes_its_own_id_along(url, form, agent):
    ways = Ways()
    for number in (1, 2, 1):
        address = addresses(url, number, agent, ways)[form]
        assert address.startswith(url)
        assert len(parse_qs(urlsplit(address).query)["cq"][0]) <= 256
        assert read_carried_token(KEY, SHOP, launched(address)["cq"][0]) == (UUID(int=number), LINK)


@pytest.mark.parametrize("url", ["https://wxaurl.cn/AbCdEf?cq=a%3Db", "https://wxaurl.cn/AbCdEf#part"])
def test_what_the_merchant_put_there_stays(url):
    assert addresses(url, 1, IN_WECHAT)["page"] == url


def test_no_other_address_is_changed():
    for url in ("https://item.taobao.com/item.htm?id=657", "https://mobile.yangkeduo.com/goods.html?goods_id=42"):
        plain = {step.form: step.address for step in Ways().of(read_target(url), PHONE, LINK, UUID(int=1))}
        assert addresses(url, 1) == plain
    assert not any(CLICK in step.address for step in plan(built_in(), PHONE, read_target("https://wxaurl.cn/A"), LINK))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('add: "cq=cq%3D{click}"', 'add: "cq=cq%3D"'),
        ('add: "cq=cq%3D{click}"', 'add: "cq={click}&url=https://evil.example"'),
        ('add: "cq=cq%3D{click}"', 'add: "cq={other}"'),
        ("chars: 256", "chars: 64"),
        ("chars: 256", "chars: many"),
        ("- do: wechat_mini_ticket", "- do: guide"),
        ("- do: wechat_mini_ticket", "- do: nothing"),
        ('    add: "cq=cq%3D{click}"\n    chars: 256\n    evidence: seen', '    add: "cq={click}"\n    chars: 256'),
    ],
)
def test_a_broken_entry_is_refused(old, new):
    text = BUILT_IN.read_text("utf-8")
    assert old in text
    with pytest.raises(MatrixBroken):
        load_matrix("jumps.yaml", text.replace(old, new, 1))


def test_a_file_of_before_has_no_entries_and_is_taken():
    text = BUILT_IN.read_text("utf-8")
    start, end = text.index("carries:\n"), text.index("destinations:\n")
    assert load_matrix("jumps.yaml", text[:start] + text[end:]).carries == ()


def test_every_entry_leads_to_a_known_destination():
    assert all(carry.destinations <= set(DESTINATIONS) and carry.source for carry in built_in().carries)
