"""What ties an order: words in remarks, click ids that came back, the time; the strongest holds."""

from __future__ import annotations

import itertools
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from tied_orders import Shop, clicked, link_to, tie_of

from hutong.core.ids import new_id
from hutong.ledger.service import create_party, create_rule
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.service import OrderTie, tie_orders
from hutong.links.tokens import carried_token
from hutong.platforms.registry import Registry
from hutong.shops.events import OrderPaid
from hutong.shops.models import sales_order
from hutong.workflows.reactions.ties import tie_sales


@pytest.fixture
def registry():
    return Registry.from_entry_points()


def test_a_word_in_a_remark_ties_the_order(calling):
    async def work(caller):
        shop, link = await Shop.open(caller), await link_to(caller)
        word = (await caller.post(f"/links/{link['link_id']}/words", {}))["word"]
        assert len(word) == 4
        assert (await caller.client.get(f"/api/v1/links/{uuid4()}/words")).status_code == 404
        await shop.sells("T1", remarks=(f"暗号{word.lower()}，谢谢",))
        await shop.sells("T2", remarks=("请尽快发货",))
        tie = await tie_of(caller, "T1")
        assert (tie["evidence"], tie["confidence_bps"], tie["word"]) == ("code", 10_000, word)
        assert (tie["channel_id"], tie["link_id"]) == (link["channel_id"], link["link_id"])
        assert await tie_of(caller, "T2") is None

    calling(work)


def test_words_of_two_links_in_one_remark_are_no_evidence(calling):
    async def work(caller):
        shop, one, other = await Shop.open(caller), await link_to(caller), await link_to(caller, name="视频")
        words = [(await caller.post(f"/links/{link['link_id']}/words", {}))["word"] for link in (one, other)]
        await shop.sells("T1", remarks=tuple(words))
        assert await tie_of(caller, "T1") is None

    calling(work)


def test_a_word_and_another_links_coupon_are_both_evidence_and_the_word_has_the_order(calling):
    async def work(caller):
        shop, one, other = await Shop.open(caller), await link_to(caller), await link_to(caller, name="视频")
        word = (await caller.post(f"/links/{one['link_id']}/words", {}))["word"]
        await caller.post(f"/links/{other['link_id']}/words", {"word": "SAVE20", "kind": "coupon"})
        await shop.sells("T1", remarks=(word, "SAVE20"))
        tie = await tie_of(caller, "T1")
        assert (tie["evidence"], tie["link_id"]) == ("code", one["link_id"])
        channels = {item["channel_id"]: item["credit"] for item in (await caller.get("/channels"))["items"]}
        touched = [channels[link["channel_id"]][0] for link in (one, other)]
        assert [(way["last_orders"], way["linear_orders_bps"]) for way in touched] == [(1, 5_000), (0, 5_000)]

    calling(work)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_remark_that_is_corrected_names_the_new_link_alone(calling, order):
    """What the API has told stays, whatever the remark says."""

    async def work(caller):
        shop = await Shop.open(caller)
        links = {name: await link_to(caller, name=name) for name in "ab"}
        words = {
            name: (await caller.post(f"/links/{link['link_id']}/words", {}))["word"] for name, link in links.items()
        }
        for name in order:
            await shop.sells("T1", remarks=(words[name],))
        assert (await tie_of(caller, "T1"))["link_id"] == links[order[1]]["link_id"]
        channels = {item["channel_id"]: item for item in (await caller.get("/channels"))["items"]}
        assert [channels[links[name]["channel_id"]]["credit"] == [] for name in order] == [True, False]
        told = {"source": "taobao", "order_no": "T1", "word": words[order[0]]}
        await caller.post("/orders/evidence", told, key="told")
        await shop.sells("T1", remarks=(words[order[1]],))
        channels = {item["channel_id"]: item for item in (await caller.get("/channels"))["items"]}
        assert [channels[links[name]["channel_id"]]["credit"] == [] for name in order] == [False, False]

    calling(work)


def test_a_remark_that_names_another_link_replaces_all_that_stood_there(calling):
    """Also another kind of word, and two links' words, which are no evidence; one without a word changes nothing."""

    async def work(caller):
        shop, one, other = await Shop.open(caller), await link_to(caller), await link_to(caller, name="视频")
        words = [(await caller.post(f"/links/{link['link_id']}/words", {}))["word"] for link in (one, other)]
        await caller.post(f"/links/{other['link_id']}/words", {"word": "SAVE20", "kind": "coupon"})
        for remarks, evidence, link in (
            ((words[0],), "code", one),
            (("SAVE20",), "coupon", other),
            (("谢谢",), "coupon", other),
            (tuple(words), None, None),
            ((words[1],), "code", other),
        ):
            await shop.sells("T1", remarks=remarks)
            tie = await tie_of(caller, "T1")
            assert (tie and tie["evidence"], tie and tie["link_id"]) == (evidence, link and link["link_id"]), remarks

    calling(work)


def test_a_coupon_is_one_links_alone(calling):
    async def work(caller):
        one, other = await link_to(caller), await link_to(caller, name="视频")
        body = {"word": "save20", "kind": "coupon"}
        assert await caller.post(f"/links/{one['link_id']}/words", body) == {"word": "SAVE20", "kind": "coupon"}
        assert await caller.post(f"/links/{one['link_id']}/words", body) == {"word": "SAVE20", "kind": "coupon"}
        assert await caller.refused(f"/links/{other['link_id']}/words", body) == (409, "conflict")
        assert await caller.refused(f"/links/{uuid4()}/words", {"word": "SAVE30"}) == (404, "not_found")
        shown = await caller.get(f"/links/{one['link_id']}/words")
        assert shown["items"] == [{"word": "SAVE20", "kind": "coupon"}]

    calling(work)


def test_evidence_before_and_after_its_order(calling):
    async def work(caller):
        shop, link = await Shop.open(caller), await link_to(caller)
        click_id, token = await clicked(caller, link, ago=timedelta(days=20))
        told = {"source": "taobao", "order_no": "T1", "cq": token}
        assert await caller.post("/orders/evidence", told) == {"is_known": False}
        await shop.sells("T1")
        await shop.sells("T2")
        assert await caller.post("/orders/evidence", {**told, "order_no": "T2"}) == {"is_known": True}
        for number in ("T1", "T2"):
            tie = await tie_of(caller, number)
            assert (tie["evidence"], tie["click_id"]) == ("carried", str(click_id))

    calling(work)


def test_a_visit_is_told_once_and_no_strangers_click_is_taken(calling):
    async def work(caller):
        link = await link_to(caller)
        click_id, token = await clicked(caller, link)
        seen = [await caller.post("/visits", {"cq": token, "visitor": "openid-1"}) for _ in range(2)]
        assert [one["is_new"] for one in seen] == [True, False]
        assert {one["click_id"] for one in seen} == {str(click_id)}
        other = carried_token(caller.runtime.link_key, uuid4(), click_id, link["code"])
        assert await caller.refused("/visits", {"cq": other}) == (400, "click_unknown")
        assert await caller.refused("/visits", {"cq": token[:-1]}) == (400, "click_unknown")
        told = {"source": "taobao", "order_no": "T1"}
        assert await caller.refused("/orders/evidence", {**told, "word": "NO7WORD"}) == (400, "word_unknown")
        assert await caller.refused("/orders/evidence", told) == (400, "invalid_input")
        refused = (await caller.send("/orders/evidence", {**told, "cq": token, "word": "NO7WORD"})).json()
        assert refused["details"]["field"] == "cq"
        refused = await caller.send("/orders/evidence", {"source": "zzz", "order_no": "T1", "cq": token})
        assert (refused.status_code, refused.json()["details"]["field"]) == (400, "source")
        assert "taobao" in refused.json()["details"]["problem"]
        assert await caller.post("/orders/evidence", {**told, "source": "own", "cq": token}) == {"is_known": False}

    calling(work)


def test_time_alone_is_a_guess_with_its_confidence_and_late_evidence_replaces_it(calling):
    async def work(caller):
        shop, link, other = await Shop.open(caller), await link_to(caller), await link_to(caller, name="视频")
        _, token = await clicked(caller, link, ago=timedelta(minutes=2))
        await clicked(caller, other, ago=timedelta(days=3))
        await shop.sells("T1")
        tie = await tie_of(caller, "T1")
        assert (tie["evidence"], tie["channel_id"], tie["click_id"]) == ("window", link["channel_id"], None)
        assert 5_000 <= tie["confidence_bps"] <= 9_500
        _, late = await clicked(caller, other, ago=timedelta(days=3))
        await caller.post("/orders/evidence", {"source": "taobao", "order_no": "T1", "cq": late})
        assert (await tie_of(caller, "T1"))["channel_id"] == other["channel_id"]
        await caller.post("/orders/evidence", {"source": "taobao", "order_no": "T1", "cq": token})
        assert (await tie_of(caller, "T1"))["channel_id"] == link["channel_id"]  # as strong, and the later click

    calling(work)


def test_nothing_is_said_of_goods_that_no_link_leads_to(calling):
    async def work(caller):
        shop = await Shop.open(caller)
        link = await link_to(caller, "https://item.taobao.com/item.htm?id=6571234")  # holds the digits, names another
        await clicked(caller, link, ago=timedelta(minutes=1))
        await shop.sells("T1")
        assert await tie_of(caller, "T1") is None

    calling(work)


def test_a_guess_pays_nobody(calling):
    async def work(caller):
        shop, link = await Shop.open(caller), await link_to(caller)
        async with caller.room.unit() as unit:
            party = await create_party(unit, name="达人")
            await create_rule(unit, party_id=party, rate_bps=1_000, channel_id=UUID(link["channel_id"]))
        await clicked(caller, link, ago=timedelta(minutes=1))
        await shop.sells("T1")
        assert (await tie_of(caller, "T1"))["evidence"] == "window"
        async with caller.room.unit() as unit:
            commissions = await unit.fetch("SELECT * FROM commission_move")
            order = await unit.one(select(sales_order).where(sales_order.c.order_no == "T1"))
        assert commissions == []
        assert order.channel_id is None

    calling(work)


def test_in_whatever_order_evidence_comes_the_strongest_holds(calling):
    async def work(caller):
        link, other = await link_to(caller), await link_to(caller, name="视频")
        ids = {"channel_id": UUID(link["channel_id"]), "link_id": UUID(link["link_id"])}
        others = {"channel_id": UUID(other["channel_id"]), "link_id": UUID(other["link_id"])}
        now = caller.room.clock.now()
        ties = [
            Tie(evidence=Evidence.WINDOW, confidence_bps=6_200, **ids),
            Tie(evidence=Evidence.WINDOW, confidence_bps=8_000, **others),
            Tie(evidence=Evidence.CODE, word="K7Q2", **others),
            Tie(evidence=Evidence.CARRIED, click_id=new_id(now), **ids),
        ]
        for count in (2, 3, 4):
            wanted = max(ties[:count], key=lambda tie: tie.weight)
            for order in itertools.permutations(ties[:count]):
                order_id = uuid4()
                for tie in order:
                    async with caller.room.unit() as unit:
                        await tie_orders(unit, [OrderTie(order_id=order_id, touched_at=now, tie=tie)])
                async with caller.room.unit() as unit:
                    (row,) = await unit.fetch("SELECT * FROM order_tie WHERE order_id = $1", order_id)
                assert (row.evidence, row.link_id, row.confidence_bps) == (
                    wanted.evidence,
                    wanted.link_id,
                    wanted.confidence_bps,
                )

    calling(work)


def test_channels_are_credited_side_by_side(calling):
    async def work(caller):
        shop, link, other = await Shop.open(caller), await link_to(caller), await link_to(caller, name="视频")
        for one, ago in ((link, timedelta(hours=30)), (other, timedelta(hours=1))):
            _, token = await clicked(caller, one, ago=ago)
            await caller.post("/orders/evidence", {"source": "taobao", "order_no": "T1", "cq": token})
        await shop.sells("T1")
        items = {item["channel_id"]: item for item in (await caller.get("/channels"))["items"]}
        shown = [items[one["channel_id"]]["credit"][0] for one in (link, other)]
        assert [one["first_minor"] for one in shown] == [4_990, 0]
        assert [one["last_minor"] for one in shown] == [0, 4_990]
        assert [one["linear_minor"] for one in shown] == [2_495, 2_495]
        assert [one["linear_orders_bps"] for one in shown] == [5_000, 5_000]
        assert (items[other["channel_id"]]["orders"], items[link["channel_id"]]["orders"]) == (1, 0)  # what ties it
        assert None not in items

    calling(work)


def test_an_order_behind_a_click_of_no_known_link_passes(calling):
    """A checkout may know its click and neither link nor channel: the reaction must not fail over it for ever."""

    async def work(caller):
        event = OrderPaid(
            order_id=uuid4(),
            source="own",
            order_no="H1",
            connection_id=None,
            platform="",
            channel_id=None,
            link_id=None,
            click_id=new_id(caller.room.clock.now()),
            container="mobile",
            customer_id=None,
            gross_minor=100,
            currency="CNY",
            paid_at=caller.room.clock.now(),
            lines=(),
        )
        async with caller.room.unit() as unit:
            await tie_sales(caller.runtime, unit, [event])
            assert await unit.fetch("SELECT 1 FROM order_touch WHERE order_id = $1", event.order_id) == []

    calling(work)
