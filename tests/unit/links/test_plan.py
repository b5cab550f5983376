"""What is tried for a visitor: the addresses, and what is left out."""

from __future__ import annotations

import json
from itertools import product
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest

from hutong.links.containers import CONTAINERS, SYSTEMS, Agent
from hutong.links.destinations import DESTINATIONS, DestinationNotAllowed, read_target
from hutong.links.jumps.matrix import BUILT_IN, built_in, load_matrix
from hutong.links.jumps.plan import plan
from hutong.links.passing_on import APP_SCHEMES

LINK = "https://hub.example/l/abcdefg"
NOTE = "64f0c0de0000000012345678"
#: An address of each destination, and what it names.
ADDRESSES = {
    "taobao": ("https://item.taobao.com/item.htm?id=657&spm=a1z", {"item": "657"}),
    "tmall": ("https://detail.tmall.com/item.htm?id=99", {"item": "99"}),
    "douyin": ("https://www.douyin.com/video/7301", {"video": "7301"}),
    "kuaishou": ("https://www.kuaishou.com/short-video/3xabc", {"video": "3xabc"}),
    "xiaohongshu": (f"https://www.xiaohongshu.com/explore/{NOTE}?xsec=1", {"note": NOTE}),
    "pinduoduo": ("https://mobile.yangkeduo.com/goods.html?goods_id=42", {"goods": "42"}),
    "jd": ("https://item.m.jd.com/product/100012043978.html", {"item": "100012043978"}),
    "weibo": ("https://weibo.com/1234567/NxYz12", {"post": "NxYz12"}),
    "weidian": ("https://weidian.com/item.html?itemID=5", {"item": "5"}),
    "alipay": ("https://render.alipay.com/p/s/i/?appId=2021001", {"app": "2021001"}),
    "wechat_mini": ("https://wxaurl.cn/AbCdEf", {}),
    "web": ("https://shop.example/tea", {}),
    "checkout": ("https://shop.example/tea", {}),
}


@pytest.fixture(scope="module")
def matrix():
    return built_in()


def agent(container, system="android"):
    return Agent(container=container, os=system, is_phone=container != "desktop", is_bot=False)


def target(destination):
    return read_target(ADDRESSES[destination][0], frozenset({"shop.example"}))


def forms(matrix, container, url, system="android", **more):
    return [step.form for step in plan(matrix, agent(container, system), read_target(url), LINK, **more)]


@pytest.mark.parametrize("destination", [name for name in DESTINATIONS if name != "checkout"])
def test_addresses_are_taken_apart(destination):
    read = target(destination)
    assert (read.destination, read.names) == (destination, ADDRESSES[destination][1])


@pytest.mark.parametrize(
    "url",
    [
        "https://item.taobao.com/item.htm?id=1%26x%3D2",
        "https://item.taobao.com/item.htm?id=1%20",
        "https://item.taobao.com/item.htm?id=%E4%B8%80",
        "https://item.taobao.com/item.htm?id=" + "1" * 65,
        "https://www.douyin.com/video/1%2F..%2Fx",
        "https://item.taobao.com/other.htm?id=1",
    ],
)
def test_odd_names_are_as_if_not_there(url):
    assert read_target(url).names == {}


def test_every_cell_makes_only_addresses_of_known_kinds(matrix):
    """All containers, systems and destinations: nothing is left unfilled, nothing leads elsewhere."""
    for container, system, destination in product(CONTAINERS, SYSTEMS, DESTINATIONS):
        read = target(destination)
        for step in plan(matrix, agent(container, system), read, LINK, share_code="￥dAEYbi4KO4D￥"):
            assert "{" not in step.address
            if step.kind == "scheme":
                assert urlsplit(step.address).scheme in APP_SCHEMES
            else:
                assert step.address in (read.url, LINK, "￥dAEYbi4KO4D￥")


def test_the_most_exact_scheme_that_fits_is_taken(matrix):
    video, user = "https://www.douyin.com/video/73", "https://www.douyin.com/user/MS4w-x_1"
    assert forms(matrix, "mobile", video)[0] == "douyin_video_scheme"
    assert forms(matrix, "mobile", user)[0] == "douyin_user_scheme"
    assert forms(matrix, "mobile", "https://v.douyin.com/abc/")[0] == "douyin_page_scheme"


def test_a_share_code_is_offered_only_where_there_is_one(matrix):
    url = ADDRESSES["taobao"][0]
    assert forms(matrix, "xiaohongshu", url) == ["guide"]
    assert forms(matrix, "xiaohongshu", url, share_code="￥x￥") == ["guide", "code"]


def test_what_is_left_out_leaves_a_way(matrix):
    """A page of Pinduoduo without a number has no scheme there."""
    assert forms(matrix, "douyin", "https://p.pinduoduo.com/abc") == ["guide"]
    mini = "weixin://dl/business/?t=Abc123xyz"
    assert forms(matrix, "wechat", mini) == ["guide"]
    assert forms(matrix, "mobile", mini) == ["wechat_mini_ticket", "guide"]


def test_addresses_arrive_whole_in_each_scheme(matrix):
    def address(destination):
        return plan(matrix, agent("mobile", "ios"), target(destination), LINK)[0].address

    taobao = parse_qs(urlsplit(address("taobao")).query)
    assert taobao["h5Url"] == [ADDRESSES["taobao"][0]]
    jd = json.loads(parse_qs(urlsplit(address("jd")).query)["params"][0])
    assert jd == {"category": "jump", "des": "m", "url": ADDRESSES["jd"][0]}
    assert address("alipay") == "alipays://platformapi/startapp?appId=2021001"
    assert address("xiaohongshu") == f"xhsdiscover://item/{NOTE}"


def test_weibos_wrapper_holds_the_scheme_three_deep(matrix):
    step = next(s for s in plan(all_on(matrix), agent("weibo"), target("taobao"), LINK) if s.kind == "wrapper")
    closing = parse_qs(urlsplit(step.address).query)["scheme"][0]
    opening = parse_qs(urlsplit(closing).query)["scheme"][0]
    scheme = parse_qs(urlsplit(opening).query)["scheme"][0]
    assert closing.startswith("sinaweibo://browser/close?")
    assert opening.startswith("sinaweibo://openadapp?")
    assert unquote(parse_qs(urlsplit(scheme).query)["h5Url"][0]) == ADDRESSES["taobao"][0]


def all_on(matrix):
    """The matrix as a merchant has it who turned wrappers on."""
    replace = msgspec.structs.replace
    rows = tuple(
        replace(row, attempts=tuple(replace(attempt, is_on=True) for attempt in row.attempts)) for row in matrix.rows
    )
    return replace(matrix, rows=rows)


@pytest.mark.parametrize(
    "url",
    [
        "weixin://dl/business/",
        "weixin://dl/business/?t=",
        "weixin://dl/business/?t=a/b",
        "weixin://dl/business/?t=Abc123&t=Abc124",
        "weixin://dl/business/?t=Abc123#x",
        "weixin://dl/business/?appid=wx0123456789abcdef&path=a b",
        "weixin://dl/business/?appid=wx0123456789abcdef&path=pages/x&env_version=trial",
        "weixin://dl/business/?appid=other&path=pages/x",
        "weixin://dl/business/?appid=wx0123456789abcdef&path=pages/x&go=evil",
        "weixin://dl/business/?appid=wx0123456789abcdef&path=pages/x&query=" + "q" * 600,
        "weixin://dl/scan",
        "weixin:dl/business/?t=Abc123",
        "tbopen://m.taobao.com/tbopen/index.html?h5Url=x",
    ],
)
def test_only_wechats_published_scheme_is_a_destination(url):
    with pytest.raises(DestinationNotAllowed):
        read_target(url)


def test_a_plain_scheme_carries_app_path_and_query(matrix):
    url = "weixin://dl/business/?appid=wx0123456789abcdef&path=pages/item&query=id%3D1%26c%3Dx"
    step = plan(matrix, agent("mobile", "ios"), read_target(url), LINK)[0]
    assert step.form == "wechat_mini_plain"
    assert parse_qs(urlsplit(step.address).query)["query"] == ["id=1&c=x"]


def test_loading_the_same_text_twice_gives_the_same_plans(matrix):
    again = load_matrix("again", BUILT_IN.read_text("utf-8"))
    for container in CONTAINERS:
        assert plan(again, agent(container), target("taobao"), LINK) == plan(
            matrix, agent(container), target("taobao"), LINK
        )


def test_a_query_of_a_mini_program_is_decoded_once(matrix):
    """What the merchant encoded for the mini-program itself stays encoded for it."""
    url = "weixin://dl/business/?appid=wx0123456789abcdef&path=pages/item&query=q%3D100%2525"
    step = plan(matrix, agent("mobile", "ios"), read_target(url), LINK)[0]
    assert parse_qs(urlsplit(step.address).query)["query"] == ["q=100%25"]


def test_a_matrix_without_a_guide_has_one_all_the_same(matrix):
    """Where nothing of a cell fits, the way out of the app is shown, whatever forms a file has."""
    code = next(one for row in matrix.rows for one in row.attempts if one.do == "code")
    rows = tuple(msgspec.structs.replace(row, attempts=(code,)) for row in matrix.rows)
    forms = {name: form for name, form in matrix.forms.items() if form.kind != "guide"}
    bare = msgspec.structs.replace(matrix, rows=rows, forms=forms)
    shown = plan(bare, agent("wechat"), target("taobao"), LINK)
    assert [(step.kind, step.address) for step in shown] == [("guide", LINK)]
