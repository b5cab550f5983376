"""Ties of an order that files, a connected shop and an alliance tell: whichever comes first, the end is the same."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from alliance_account import Alliance
from tied_orders import Shop, clicked, link_to, tie_of

from hutong.links.checks import check
from hutong.platforms.jump_links import PromotedStatus
from hutong.platforms.registry import Registry
from hutong.workflows.commands.import_orders import import_orders
from hutong.workflows.dispatcher import deliver_waiting

NUMBER = "3000000000000000011"
HEAD = (
    "订单编号,买家会员名,买家应付货款,总金额,买家实际支付金额,订单状态,"
    "订单创建时间,订单付款时间,宝贝标题,退款金额,订单备注"
)


@pytest.fixture
def registry():
    return Registry.from_entry_points()


async def word_of(caller, link):
    return (await caller.post(f"/links/{link['link_id']}/words", {}))["word"]


async def handed_on(caller):
    while await deliver_waiting(caller.runtime, caller.room.merchant_id):
        pass


async def imported(caller, tmp_path, remark):
    row = f"{NUMBER},某人,30.00,30.00,30.00,交易成功,2026-01-05 10:00:00,2026-01-05 10:01:00,杯子,无退款申请,{remark}"
    path = tmp_path / f"{uuid4().hex}.csv"
    path.write_text(f"{HEAD}\r\n{row}\r\n", "gbk")
    await import_orders(caller.runtime, caller.room.merchant_id, [path], "taobao", "CNY", False, lambda _: None)


async def promoted(caller):
    (line,) = (await caller.get("/promoted-orders"))["items"]
    tie = line["tie"]
    return line["shop_order_id"] is not None, tie and tie["evidence"], tie and tie["link_id"]


@pytest.mark.parametrize(
    "steps",
    [
        ("line", "file"),
        ("file", "line"),
        ("line", "shop", "file"),
        ("shop", "line", "file"),
        ("void", "shop", "file"),
        ("line", "plain file", "file"),
    ],
)
def test_a_word_in_a_file_ties_an_alliances_order_without_a_mark(calling, tmp_path, steps):
    async def work(caller):
        shop, alliance, link = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        other = await link_to(caller, name="视频")
        word, (_, token) = await word_of(caller, link), await clicked(caller, other)
        for step in steps:
            if step == "line":
                await alliance.tells(alliance.line(NUMBER, ""))
            elif step == "void":
                await alliance.tells(alliance.line(NUMBER, token, status=PromotedStatus.VOID))
            elif step == "shop":
                await shop.sells(NUMBER)
            else:
                await imported(caller, tmp_path, word if step == "file" else "")
            await handed_on(caller)
        tied = ("carried", other) if "void" in steps else ("code", link)
        assert (await tie_of(caller, NUMBER))["evidence"] == tied[0]
        assert await promoted(caller) == (True, tied[0], tied[1]["link_id"])
        assert (await caller.get("/promoted-orders", link_id=tied[1]["link_id"]))["total"] == 1
        async with caller.room.unit() as unit:
            assert await check(unit) == []

    calling(work)


@pytest.mark.parametrize("told", ["before the file", "before its event", "after it"])
def test_what_is_told_between_a_file_and_its_event_loses_no_click(calling, tmp_path, told):
    async def work(caller):
        alliance, link = await Alliance.open(caller), await link_to(caller)
        other = await link_to(caller, name="视频")
        click_id, token = await clicked(caller, link)
        body = {"source": "taobao", "order_no": NUMBER, "word": await word_of(caller, other)}
        await alliance.tells(alliance.line(NUMBER, token))
        if told == "before the file":
            await caller.post("/orders/evidence", body)
        await imported(caller, tmp_path, "")
        if told == "before its event":
            await caller.post("/orders/evidence", body)
        await handed_on(caller)
        if told == "after it":
            await caller.post("/orders/evidence", body)
        tie = await tie_of(caller, NUMBER)
        assert (tie["evidence"], tie["click_id"]) == ("carried", str(click_id))
        assert await promoted(caller) == (True, "carried", link["link_id"])

    calling(work)


@pytest.mark.parametrize(
    "steps", [("paid", "shop", "void"), ("shop", "paid", "void"), ("void", "shop"), ("shop", "void")]
)
def test_where_nothing_certain_is_left_the_time_is_asked(calling, steps):
    """The line that had a mark went back, the one that is paid has none."""

    async def work(caller):
        shop, alliance, link = await Shop.open(caller), await Alliance.open(caller), await link_to(caller)
        for ago in range(2, 9):
            _, token = await clicked(caller, link, ago=timedelta(minutes=ago), address=bytes([ago]))
        for step in steps:
            caller.room.clock.advance(seconds=1)
            if step == "shop":
                await shop.sells(NUMBER)
            else:
                status = PromotedStatus.VOID if step == "void" else PromotedStatus.PAID
                marked = alliance.line(NUMBER, token, line_id="1", status=status)
                await alliance.tells(marked, alliance.line(NUMBER, "", line_id="2"))
        tie = await tie_of(caller, NUMBER)
        assert (tie["evidence"], tie["link_id"]) == ("window", link["link_id"])

    calling(work)
