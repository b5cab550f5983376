"""A comparison that has a winner ends by itself, is told once, and can be taken up again."""

from __future__ import annotations

import json
import re
from uuid import UUID, uuid4

from hutong.web.session import CSRF_FIELD
from hutong.workflows.commands.crown_winners import crown_winners

TAOBAO = "https://item.taobao.com/item.htm?id=657"
JD = "https://item.m.jd.com/product/100012043978.html"
#: Clicks of each variant and the orders of it that make one the winner after a week.
CLICKS, WINS, LOSES = 400, 60, 20

_CLICKS = """
WITH made AS (SELECT gen_random_uuid() AS click_id, i FROM generate_series(1, $4) i),
c AS (INSERT INTO click (merchant_id, click_id, link_id, channel_id, container, os, language, referrer, address_hash,
  is_bot, clicked_at) SELECT $1, click_id, $2, $3, 'weibo', 'ios', 'zh', 'none', '\\x00', false, $7 FROM made),
h AS (INSERT INTO click_choice (merchant_id, click_id, link_id, choice) SELECT $1, click_id, $2, $6 FROM made)
INSERT INTO sale_fact (merchant_id, order_id, source, channel_id, link_id, click_id, container, is_refund, gross_minor,
  refunded_minor, currency, paid_at)
SELECT $1, gen_random_uuid(), 'own', $3, $2, click_id, 'weibo', false, 100, 0, 'CNY', $7 FROM made WHERE i <= $5
"""

#: The same where orders were pulled from another shop, and their click's id came back with them.
_ELSEWHERE = """
WITH tied AS (UPDATE sale_fact SET source = 'taobao', channel_id = NULL, link_id = NULL, click_id = NULL
  FROM sale_fact was WHERE was.merchant_id = $1 AND was.order_id = sale_fact.order_id AND sale_fact.merchant_id = $1
  AND was.link_id = $2 RETURNING sale_fact.order_id, was.channel_id, was.link_id, was.click_id)
INSERT INTO order_tie
  (merchant_id, order_id, evidence, strength, confidence_bps, channel_id, link_id, click_id, tied_at)
SELECT $1, order_id, $3, 40, $4, channel_id, link_id, click_id, $5 FROM tied
"""


async def sold_elsewhere(caller, link_id, evidence="carried", confidence_bps=10_000):
    async with caller.room.unit() as unit:
        await unit.fetch(_ELSEWHERE, unit.merchant_id, UUID(link_id), evidence, confidence_bps, unit.now())


async def compared(caller, wins=WINS, loses=LOSES, page=JD):
    """A link that shares its visitors out over two pages, a week old, and what each sold."""
    channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
    made = await caller.post("/links", {"title": "小面包", "channel": channel, "url": TAOBAO}, key=uuid4().hex)
    rule = {"variants": [{"weight": 1, "url": TAOBAO}, {"weight": 1, "url": page}]}
    answer = await caller.client.patch(f"/api/v1/links/{made['link_id']}/rules", json={"rules": [rule]})
    assert answer.status_code == 200, answer.text
    async with caller.room.unit() as unit:
        for choice, orders in (("r1.v1", loses), ("r1.v2", wins)):
            given = (unit.merchant_id, made["link_id"], made["channel_id"], CLICKS, orders, choice, unit.now())
            await unit.fetch(_CLICKS, *given)
    return made["link_id"]


async def card(caller, link_id):
    """The comparison on the link's page: its state, and what each variant's row says."""
    async with caller.room.unit() as unit:
        code = (await unit.fetch("SELECT code FROM link WHERE link_id = $1", UUID(link_id)))[0].code
    page = (await caller.client.get(f"/links/{code}", headers={"accept-language": "zh-CN"})).text
    state = re.search(r'data-comparison="(\w+)"', page)[1]
    rows = re.findall(r'<li data-variant="\d"( class="\w+")?>(.*?)</li>', page, re.DOTALL)
    told = [
        (mark.strip(), *(re.search(rf'data-figure="{name}">(.*?)<', row)[1] for name in ("clicks", "orders", "share")))
        for mark, row in rows
    ]
    return code, state, told, page


def test_the_page_shows_who_won_and_goes_on_where_that_is_asked_for(calling):
    async def work(caller):
        link_id = await compared(caller)
        (standing,) = (await caller.get(f"/links/{link_id}/comparisons"))["items"]
        assert [one["money"] for one in standing["variants"]] == [
            [{"currency": "CNY", "net_minor": count * 100}] for count in (LOSES, WINS)
        ]
        low, high = standing["variants"][1]["low_bps"], standing["variants"][1]["high_bps"]
        assert low < WINS * 10_000 // CLICKS < high
        rules = (await caller.get(f"/links/{link_id}/rules"))["rules"]
        rules[0]["variants"].append({"weight": 0, "url": TAOBAO})
        answer = await caller.client.patch(f"/api/v1/links/{link_id}/rules", json={"rules": rules})
        assert answer.status_code == 200, answer.text
        key = caller.client.headers["authorization"]
        await caller.sign_in()
        _, state, told, page = await card(caller, link_id)
        assert (state, told) == (
            "running",
            [("", "400", "20", "50.0%"), ("", "400", "60", "50.0%"), ('class="paused"', "0", "0", "0.0%")],
        )
        assert "¥60.00" in page
        caller.room.clock.advance(days=8)
        await crown_winners(caller.runtime, caller.room.merchant_id)
        caller.client.headers.pop("cookie")
        caller.client.headers["authorization"] = key
        (over,) = (await caller.get(f"/links/{link_id}/comparisons"))["items"]
        assert (over["winner"], over["is_over"], len(over["variants"])) == ("r1.v2", True, 2)
        token = await caller.sign_in()
        code, state, told, page = await card(caller, link_id)
        assert (state, told[:2]) == ("over", [("", "400", "20", "0.0%"), ('class="won"', "400", "60", "100.0%")])
        for _ in range(2):
            gone_on = await caller.client.post(f"/links/{code}/comparisons/1/continue", data={CSRF_FIELD: token})
            assert gone_on.headers["location"] == f"/links/{code}#comparison-1"
        await crown_winners(caller.runtime, caller.room.merchant_id)
        _, state, told, _ = await card(caller, link_id)
        assert (state, [share for *_, share in told]) == ("continued", ["50.0%", "50.0%", "0.0%"])
        unknown = await caller.client.post(f"/links/{code}/comparisons/2/continue", data={CSRF_FIELD: token})
        assert unknown.status_code == 404

    calling(work)


async def weights(caller, link_id):
    rules = await caller.get(f"/links/{link_id}/rules")
    return [variant["weight"] for variant in rules["rules"][0]["variants"]]


async def named(caller):
    async with caller.room.unit() as unit:
        rows = await unit.fetch("SELECT body FROM outbox WHERE name = 'links.winner_named'")
    return [json.loads(row["body"]) for row in rows]


def test_the_winner_takes_all_after_a_week_and_is_told_once(calling):
    async def work(caller):
        link_id = await compared(caller)
        await crown_winners(caller.runtime, caller.room.merchant_id)
        assert await weights(caller, link_id) == [1, 1], "not before a whole week"
        caller.room.clock.advance(days=8)
        for _ in range(2):
            await crown_winners(caller.runtime, caller.room.merchant_id)
        assert await weights(caller, link_id) == [0, 1]
        assert [(one["choice"], one["clicks"], one["orders"]) for one in await named(caller)] == [
            ("r1.v2", CLICKS, WINS)
        ]
        tickets = [one for one in (await caller.get("/tickets"))["items"] if one["kind"] == "link_winner"]
        assert [(one["details"]["rule"], one["details"]["variant"]) for one in tickets] == [(1, 2)]

    calling(work)


#: All orders go over to clicks of the other variant, as where their evidence comes late.
_GO_OVER = """
WITH free AS (SELECT click_id, row_number() OVER (ORDER BY click_id) AS place FROM click_choice
  WHERE merchant_id = $1 AND link_id = $2 AND choice = 'r1.v1' AND click_id NOT IN (SELECT click_id FROM sale_fact)),
sold AS (SELECT order_id, row_number() OVER (ORDER BY order_id) AS place FROM sale_fact JOIN click_choice
  USING (merchant_id, click_id) WHERE merchant_id = $1 AND choice = 'r1.v2')
UPDATE sale_fact SET click_id = free.click_id FROM free JOIN sold USING (place)
WHERE merchant_id = $1 AND sale_fact.order_id = sold.order_id
"""


def test_a_winner_that_was_named_stays_whatever_is_told_later(calling):
    """What is told late corrects the figures, of weeks that were decided on too; it takes back no decision."""

    async def work(caller):
        link_id = await compared(caller)
        caller.room.clock.advance(days=8)
        await crown_winners(caller.runtime, caller.room.merchant_id)
        async with caller.room.unit() as unit:
            await unit.fetch(_GO_OVER, unit.merchant_id, UUID(link_id))
        await crown_winners(caller.runtime, caller.room.merchant_id)
        assert await weights(caller, link_id) == [0, 1]
        assert len(await named(caller)) == 1
        (over,) = (await caller.get(f"/links/{link_id}/comparisons"))["items"]
        assert (over["winner"], over["is_over"]) == ("r1.v2", True)
        assert [one["orders"] for one in over["variants"]] == [LOSES + WINS, 0]

    calling(work)


def test_a_page_that_is_allowed_no_more_keeps_no_other_link_from_its_winner(calling):
    async def work(caller):
        host = f"tea-{uuid4().hex[:12]}.example.cn"
        added = await caller.post("/hosts", {"host": host}, key=uuid4().hex)
        other, gone = await compared(caller), await compared(caller, page=f"https://{host}/")
        await caller.post(f"/hosts/{added['host_id']}/remove", key=uuid4().hex)
        caller.room.clock.advance(days=8)
        await crown_winners(caller.runtime, caller.room.merchant_id)
        assert (await weights(caller, other), await weights(caller, gone)) == ([0, 1], [1, 1])

    calling(work)


def test_who_gives_the_others_their_shares_back_is_not_overruled(calling):
    async def work(caller):
        link_id = await compared(caller)
        caller.room.clock.advance(days=8)
        await crown_winners(caller.runtime, caller.room.merchant_id)
        rules = (await caller.get(f"/links/{link_id}/rules"))["rules"]
        for variant in rules[0]["variants"]:
            variant["weight"] = 1
        answer = await caller.client.patch(f"/api/v1/links/{link_id}/rules", json={"rules": rules})
        assert answer.status_code == 200, answer.text
        await crown_winners(caller.runtime, caller.room.merchant_id)
        assert await weights(caller, link_id) == [1, 1]
        assert len(await named(caller)) == 1

    calling(work)


def test_variants_that_sell_alike_stay_as_they_are(calling):
    async def work(caller):
        link_id = await compared(caller, wins=40, loses=38)
        caller.room.clock.advance(days=30)
        await crown_winners(caller.runtime, caller.room.merchant_id)
        assert (await weights(caller, link_id), await named(caller)) == ([1, 1], [])

    calling(work)


def test_orders_of_another_shop_that_came_back_with_their_click_name_the_winner(calling):
    async def work(caller):
        link_id, guessed = await compared(caller), await compared(caller)
        await sold_elsewhere(caller, link_id)
        await sold_elsewhere(caller, guessed, "window", 6_000)
        (standing,) = (await caller.get(f"/links/{link_id}/comparisons"))["items"]
        assert [(one["orders"], one["money"]) for one in standing["variants"]] == [
            (count, [{"currency": "CNY", "net_minor": count * 100}]) for count in (LOSES, WINS)
        ]
        (standing,) = (await caller.get(f"/links/{guessed}/comparisons"))["items"]
        assert [(one["orders"], one["money"]) for one in standing["variants"]] == [(0, []), (0, [])]
        caller.room.clock.advance(days=8)
        await crown_winners(caller.runtime, caller.room.merchant_id)
        assert (await weights(caller, link_id), await weights(caller, guessed)) == ([0, 1], [1, 1])
        assert [one["orders"] for one in await named(caller)] == [WINS]

    calling(work)
