"""When a wall counts as open, half open or closed, and what a merchant may choose about the ways through it."""

from __future__ import annotations

import random
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.core.errors import InvalidInput
from hutong.links.containers import CONTAINERS, SYSTEMS, Agent
from hutong.links.destinations import DESTINATIONS, read_target
from hutong.links.jumps.matrix import built_in
from hutong.links.jumps.picks import ChoiceRefused, Pick, check_picks, chosen
from hutong.links.jumps.plan import plan
from hutong.links.jumps.ways import Ways
from hutong.links.share_codes import SHARE_CODE_CHARS_MAX, ShareCodeRefused, check_share_code
from hutong.links.walls.states import (
    TRIES_COUNTED,
    TRIES_MIN,
    WALL,
    WallEvent,
    WallState,
    documented,
    measured,
    together,
)

MATRIX = built_in()
OPEN, HALF, CLOSED = WallState.OPEN, WallState.HALF, WallState.CLOSED


@pytest.mark.parametrize(
    ("left", "tries", "said"),
    [
        (0, 0, None),
        (11, TRIES_MIN - 1, None),
        (0, TRIES_MIN, WallEvent.CLOSED),
        (2, 20, WallEvent.CLOSED),
        (3, 20, None),
        (4, 20, WallEvent.HALVED),
        (8, 20, WallEvent.HALVED),
        (9, 20, None),
        (10, 20, WallEvent.OPENED),
        (20, 20, WallEvent.OPENED),
    ],
)
def test_what_tries_say(left, tries, said):
    assert measured(left, tries) is said


@pytest.mark.parametrize(
    ("cell", "state"),
    [
        (("douyin", "android", "taobao"), OPEN),
        (("mobile", "ios", "taobao"), HALF),  # Safari asks
        (("wechat", "android", "taobao"), HALF),  # the page offers its app
        (("wechat", "ios", "alipay"), CLOSED),
        (("xiaohongshu", "android", "taobao"), CLOSED),
        (("desktop", "windows", "wechat_mini"), CLOSED),
        (("alipay", "android", "web"), OPEN),
    ],
)
def test_what_the_matrix_says(cell, state):
    assert documented(MATRIX, *cell) is state


def test_systems_that_disagree_make_it_half_open():
    assert together(frozenset({OPEN})) is OPEN
    assert together(frozenset({OPEN, CLOSED})) is HALF


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=40))
def test_a_state_is_what_the_last_clear_word_said(told):
    """Words between two states change nothing, and a word that is said twice changes nothing the second time."""
    state, wanted = HALF, HALF
    names = {WallEvent.OPENED: OPEN, WallEvent.HALVED: HALF, WallEvent.CLOSED: CLOSED}
    for left, more in told:
        said = measured(left, left + more)
        wanted = names[said] if said else wanted
        if said and WALL.allows(state, said):
            state = WALL.next(state, said)
    assert state is wanted


def test_chance_alone_moves_no_wall_that_seven_of_ten_pass():
    """10,000 visitors, three of ten without the app: a person is told nothing; when it closes he is told once."""
    draw = random.Random(1)
    last, state, moves = [], OPEN, []
    for visitor in range(20_000):
        last = [*last, visitor < 10_000 and draw.random() < 0.7][-TRIES_COUNTED:]
        said = measured(sum(last), len(last))
        if said and WALL.allows(state, said):
            state = WALL.next(state, said)
            moves.append((visitor, state))
    assert [state for visitor, state in moves if visitor < 10_000 and state is CLOSED] == []
    assert moves[-1][1] is CLOSED
    assert moves[-1][0] - 10_000 < TRIES_COUNTED


def test_what_is_chosen_comes_first_and_the_rest_stays():
    row = MATRIX.cell("weibo", "android", "taobao")
    assert [one.do for one in row.attempts] == ["page", "weibo_wrapper", "guide", "code"]
    picks = (Pick("weibo_wrapper", True), Pick("page", False))
    assert [(one.do, one.is_on) for one in chosen(row.attempts, picks)] == [
        ("weibo_wrapper", True),
        ("page", False),
        ("guide", True),
        ("code", True),
    ]


@pytest.mark.parametrize(
    ("picks", "reason"),
    [
        ((Pick("tbopen", True),), "unknown"),
        ((Pick("weibo_wrapper", True), Pick("weibo_wrapper", True)), "twice"),
        (tuple(Pick(do, False) for do in ("page", "weibo_wrapper", "guide", "code")), "no_way"),
        (tuple(Pick(do, do == "weibo_wrapper") for do in ("page", "weibo_wrapper", "guide", "code")), "no_fallback"),
        (tuple(Pick(do, do == "code") for do in ("page", "weibo_wrapper", "guide", "code")), "no_fallback"),
    ],
)
def test_a_choice_that_leaves_visitors_without_a_way_is_refused(picks, reason):
    with pytest.raises(ChoiceRefused) as refused:
        check_picks(MATRIX, "weibo", "taobao", picks)
    assert refused.value.details["reason"] == reason
    assert ChoiceRefused.REASONS[reason][0] in refused.value.text("zh-Hans").sentence
    assert ChoiceRefused.REASONS[reason][1] in refused.value.text("en").sentence


def test_a_choice_for_no_cell_is_refused():
    for container, destination in (("weibos", "taobao"), ("weibo", "taobaos")):
        with pytest.raises(InvalidInput):
            check_picks(MATRIX, container, destination, ())


@given(st.sampled_from(CONTAINERS), st.sampled_from(DESTINATIONS), st.randoms(use_true_random=False))
def test_whatever_is_accepted_leaves_every_visitor_a_way_that_needs_nobodys_permission(container, destination, draw):
    names = {one.do for system in SYSTEMS for one in MATRIX.cell(container, system, destination).attempts}
    picks = tuple(Pick(do, draw.random() < 0.5) for do in draw.sample(sorted(names), len(names)))
    try:
        check_picks(MATRIX, container, destination, picks)
    except ChoiceRefused:
        return
    target = read_target("https://item.taobao.com/item.htm?id=657")
    for system in SYSTEMS:
        live = [one for one in chosen(MATRIX.cell(container, system, destination).attempts, picks) if one.is_on]
        kinds = {"scheme" if one.do == "scheme" else MATRIX.forms[one.do].kind for one in live}
        assert kinds & {"page", "guide", "qr"}
        if destination == "taobao":
            agent = Agent(container=container, os=system, is_phone=True, is_bot=False)
            steps = plan(MATRIX, agent, target, "https://hub.example/l/a", picks=picks)
            assert {step.kind for step in steps} <= kinds


def test_a_choice_holds_for_its_merchant_alone():
    ours, others = UUID(int=1), UUID(int=2)
    ways = Ways()
    agent = Agent(container="weibo", os="android", is_phone=True, is_bot=False)
    target = read_target("https://item.taobao.com/item.htm?id=657")
    ways.choices.keep(ours, "weibo", "taobao", (Pick("page", False), Pick("weibo_wrapper", True)))

    def first(merchant):
        return ways.of(target, agent, "https://hub.example/l/a", UUID(int=9), merchant_id=merchant)[0].form

    assert (first(ours), first(others), first(None)) == ("weibo_wrapper", "page", "page")
    ways.choices.keep(ours, "weibo", "taobao", ())
    assert first(ours) == "page"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", None),
        ("  \n ", None),
        ("￥dAEYbi4KO4D￥", "￥dAEYbi4KO4D￥"),
        (
            "28￥ CZ0001 xkYh3abc https://m.tb.cn/h.gABC\n 手工马克杯",
            "28￥ CZ0001 xkYh3abc https://m.tb.cn/h.gABC 手工马克杯",
        ),
        (
            "7.61 复制打开抖音 https://v.douyin.com/abc/ x@y.zz 08/12",
            "7.61 复制打开抖音 https://v.douyin.com/abc/ x@y.zz 08/12",
        ),
        *(
            (text, text)
            for text in (
                "￥dAEYbi4KO4D￥ https://m.tb.cn/h.5Xyz12",
                "28￥dAEYbi4KO4D￥https://m.tb.cn/h.gABC?tk=dAEYbi4KO4D CZ3457 「手工马克杯 1.5L/只，低至9.9元/件」",
                "【淘宝】https://m.tb.cn/h.5Xyz12?tk=dAEYbi4KO4D CZ0001 「茶」点击链接直接打开 或者 淘宝搜索直接打开",
                "8.23 复制打开抖音，看【店的作品】好喝。推荐！ https://v.douyin.com/iRNBho5m/ Rfl:/ k@P.cn 04/21 :2pm",
                "1.02 w@S.RE goD:/ 08/12 长按复制此条消息，打开抖音搜索 https://v.douyin.com/iRNBho5m/",
                "52 店发布了一篇小红书笔记，快来看吧！ aBcDeF 😆 http://xhslink.com/AbCdE，复制本条信息，打开【小红书】App查看！",
                "【京东】https://3.cn/1-abC2dE?jkl=@xYz12@ MF1234 「杯」 点击链接直接打开",
                "https://item.m.jd.com/product/100.html?gx=RnE&utm_term=CopyURL 复制本文，打开京东",
                "https://mobile.yangkeduo.com/goods.html?goods_id=42&_oak_share_snapshot_num=1 拼多多",
                "⇥9a1Bc2⇤ 复制后打开拼多多",
                "https://v.kuaishou.com/Ab12 茶。 该作品在快手被播放过1.2万次，点击链接，打开【快手】直接观看！",
                "m.tb.cn/h.5Xyz12",
                "版本 v1.2.3，3.5/斤，24小时/天，2026.11.27/28，Hi:/ 12:30",
            )
        ),
    ],
)
def test_a_share_code_is_kept_as_the_platform_wrote_it(text, kept):
    assert check_share_code(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "￥abc￥ https://m.tb.cn.evil.example/h.x",
        "https://evil.example/￥abc￥",
        "HTTP://EVIL.EXAMPLE",
        "taobao://item",
        "https://item.taobao.com@evil.example/",
        "￥abc￥ evil.example/x",
        "https://m.tb.cn:8443/h.x",
        "打开evil.com/x 领红包",
        "evil.com?x=1",
        "evil.com#x",
        "evil.com:8080/x",
        "evil.com",
        "领红包evil.com，快来",
        "https://m.tb.cn/h.5Xyz12？evil.ｃｏｍ／x",
        "https://m.tb.cn/h.5Xyz12／evil.com/x",
        "https://m.tb.cn/h.5Xyz12，evil.zz：80",
        "evil.com./x",
        "1.2.3.4/x",
        "1.2.3.4",
        "https:\\\\evil.com\\x",
        "https:/evil.com",
        "https:evil.com",
        "https://m.tb.cn\\@evil.com/",
        "//evil.com/x",
        "evil。com/x",
        "ｅｖｉｌ.com/x",
        "ｈｔｔｐｓ：／／evil.com",
        "evil̲.com/x",
        "中文.com/x",
        "https://中文.com/x",
        "支付.中国/x",
        "支付。中国/x",
        "@evil.com/x",
        "a@evil.com/x",
        "_evil.com/x",
        "xn--fiq228c.xn--fiqs8s/x",
        "еvil.com/x",
        "javascript:alert(1)",
        "点JavaScript:alert(1)",
        "data:text/html,x",
        "intent:x#Intent;end",
        "CZ0001https://evil.com/x",
        "https://m.tb.cn/h.5Xyz12，evil.com/x",
        "https://m.tb.cn/h.5Xyz12 某m.tb.cn.evil.com/x",
        "某3.cn/x",
        "https://weibo.com/login.php?url=https://evil.com",
        "https://m.weibo.cn/feature/applink?scheme=x",
        "复制evil.com打开",
        "打开 evil.me 看",
        "www.evil.xxx",
        "evil.ru领红包",
        "恶意.中国",
        "恶意.公司 快来",
    ],
)
def test_a_share_code_leads_nowhere_else(text):
    with pytest.raises(ShareCodeRefused):
        check_share_code(text)


@pytest.mark.parametrize("text", ["x" * (SHARE_CODE_CHARS_MAX + 1), "a\x07b", "a\u202eb"])
def test_a_share_code_is_a_line_of_text(text):
    with pytest.raises(InvalidInput):
        check_share_code(text)


def test_every_cell_has_a_documented_state():
    assert {documented(MATRIX, *cell) for cell in product(CONTAINERS, SYSTEMS, DESTINATIONS)} == set(WallState)
