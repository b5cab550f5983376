"""A request that is not right is told which field it is and what it must be, in the caller's language."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from hutong.core.money import SUM_MINOR_MAX
from hutong.shops.stock import QUANTITY_MAX

SKU = {"product_id": str(uuid4()), "seller_code": "a", "price_fen": 100}
LEG = {"account": "external:points:a", "amount_minor": 1}
LONG = "长" * 500
NOBODY = str(UUID(int=7))
PAYOUT = {"party_id": NOBODY, "amount_minor": 1, "paid_at": "2026-01-01T00:00:00Z", "reference": "x"}
BEYOND = int("9" * 4_000)
WRONG = [
    ("/products", {"title": None}, "title", "应为文字，收到的是空值 null", "it must be text, and null came"),
    ("/products", {}, "title", "必须填写", "it is required"),
    ("/skus", {**SKU, "price": 100}, "price", "没有这一项", "there is no such field"),
    ("/products", [1], "data", "应为对象，收到的是列表", "it must be an object, and an array came"),
    ("/products", {"title": LONG}, "title", "长度不超过 200", "of length 200 at most"),
    ("/skus", {**SKU, "price_fen": "１２"}, "price_fen", "应为整数，收到的是文字", "a whole number, and text came"),
    ("/skus", {**SKU, "price_fen": 0.5}, "price_fen", "应为整数，收到的是小数", "and a number with a fraction came"),
    ("/skus", {**SKU, "price_fen": True}, "price_fen", "收到的是逻辑值", "and a truth value (true or false) came"),
    ("/skus", {**SKU, "product_id": LONG}, "product_id", "应为编号（UUID）", "it must be an id (UUID)"),
    ("/skus", {**SKU, "price_fen": 0}, "price_fen", "应为不小于 1 的整数", "a whole number of at least 1"),
    (
        "/skus",
        {**SKU, "price_fen": SUM_MINOR_MAX + 1},
        "price_fen",
        f"不大于 {SUM_MINOR_MAX} 的整数",
        str(SUM_MINOR_MAX),
    ),
    ("/skus", {**SKU, "price_fen": BEYOND}, "price_fen", "整数", "whole number"),
    ("/skus", {**SKU, "stock": -1}, "stock", "应为不小于 0 的整数", "a whole number of at least 0"),
    ("/skus", {**SKU, "stock": QUANTITY_MAX + 1}, "stock", f"不大于 {QUANTITY_MAX} 的整数", str(QUANTITY_MAX)),
    ("/payouts", {**PAYOUT, "amount_minor": 0}, "amount_minor", "应为不小于 1 的整数", "of at least 1"),
    ("/payouts", {**PAYOUT, "amount_minor": BEYOND}, "amount_minor", "整数", "whole number"),
    ("/split-preview", {"gross_minor": BEYOND}, "gross_minor", "整数", "whole number"),
    ("/split-preview", {"fee_minor": -1}, "fee_minor", "应为不小于 0 的整数", "of at least 0"),
    ("/split-rules", {"party_id": NOBODY, "amount_minor": -1}, "amount_minor", "应为不小于 0 的整数", "of at least 0"),
    ("/split-rules", {"party_id": NOBODY, "order_max_minor": BEYOND}, "order_max_minor", "整数", "whole number"),
    (
        "/ledger/batches",
        {"legs": [LEG, {**LEG, "amount_minor": -SUM_MINOR_MAX - 1}], "key": "k"},
        "legs[1].amount_minor",
        f"不小于 -{SUM_MINOR_MAX} 的整数",
        f"at least -{SUM_MINOR_MAX}",
    ),
    (
        "/ledger/holds",
        {"legs": [LEG, {**LEG, "amount_minor": 0.5}], "key": "k"},
        "legs[1].amount_minor",
        "应为整数，收到的是小数",
        "it must be a whole number",
    ),
    (f"/orders/{NOBODY}/refunds", {"amount_fen": 0}, "amount_fen", "应为不小于 1 的整数", "of at least 1"),
    (f"/orders/{NOBODY}/refunds", {"amount_fen": BEYOND}, "amount_fen", "整数", "whole number"),
    (
        "/split-rules",
        {"party_id": NOBODY, "kind": "tier", "steps": [{"from_minor": SUM_MINOR_MAX + 1, "rate_bps": 1}]},
        "steps[0].from_minor",
        f"不大于 {SUM_MINOR_MAX} 的整数",
        str(SUM_MINOR_MAX),
    ),
    ("/channels", {"kind": LONG, "platform": "weibo", "name": "帖"}, "kind", "不是可以选的值", "not one of the values"),
]


@pytest.mark.parametrize(("path", "body", "field", "zh", "en"), WRONG)
def test_a_wrong_field_is_named_with_what_it_must_be(calling, path, body, field, zh, en):
    async def work(caller):
        answers = {
            language: await caller.send(path, body, **{"accept-language": language})
            for language in ("zh-CN", "zh-TW", "en")
        }
        told = {language: answer.json() for language, answer in answers.items()}
        assert {(answer.status_code, answer.json()["code"]) for answer in answers.values()} == {(400, "bad_request")}
        assert {each["details"]["field"] for each in told.values()} == {field}
        assert field == "data" or all(field in each["detail"] for each in told.values())
        assert zh in told["zh-CN"]["detail"]
        assert en in told["en"]["detail"]
        assert told["zh-TW"]["detail"] not in {told["zh-CN"]["detail"], told["en"]["detail"]}
        assert all(LONG[:90] not in answer.text for answer in answers.values()), "an answer is no echo"
        assert all(len(answer.content) < 2_000 for answer in answers.values())

    calling(work)


@pytest.mark.parametrize(
    ("query", "field", "told"),
    [
        ("/orders?limit=x", "limit", "应为整数"),
        ("/orders?limit=9999999", "limit", "不大于 200 的整数"),
        ("/ledger/balance", "account", "必须填写"),
        ("/ledger/balance?account=external:points:a&at=x", "at", "带时区的时间"),
        ("/clicks?link=x", "link", "link_id"),
        ("/tickets?ticket_state=open", "ticket_state", "可用的有：limit, offset, state"),
        ("/walls?x=", "x", "没有这个参数"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_it_must_be(calling, query, field, told):
    async def work(caller):
        answer = await caller.client.get(f"/api/v1{query}")
        assert (answer.status_code, answer.json()["details"]["field"]) == (400, field)
        assert field in answer.json()["detail"]
        assert told in answer.json()["detail"]

    calling(work)


def test_a_list_that_is_whole_may_be_paged_like_any_other(calling):
    async def work(caller):
        assert (await caller.client.get("/api/v1/walls?limit=200&offset=0")).status_code == 200

    calling(work)


@pytest.mark.parametrize("body", [b'{"title": }', b"{'title': 1}", b'{"title": NaN}', b'{"title": "a"'])
def test_what_is_no_json_is_called_so(calling, body):
    async def work(caller):
        headers = {"content-type": "application/json"}
        answer = await caller.client.post("/api/v1/products", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
        assert "不是正确的 JSON" in answer.json()["detail"]

    calling(work)


def test_a_moment_without_a_zone_is_told_that_it_wants_one(calling):
    async def work(caller):
        link = {"title": "x", "channel_id": NOBODY, "expires_at": "2026-01-01T00:00:00"}
        told = {
            language: (await caller.send("/links", link, **{"accept-language": language})).json()
            for language in ("zh-CN", "zh-TW", "en")
        }
        assert {each["details"]["field"] for each in told.values()} == {"expires_at"}
        assert "没有写明时区" in told["zh-CN"]["detail"]
        assert "沒有寫明時區" in told["zh-TW"]["detail"]
        assert "names no time zone" in told["en"]["detail"]
        assert all("+08:00" in each["detail"] for each in told.values()), "how it is written"

    calling(work)
