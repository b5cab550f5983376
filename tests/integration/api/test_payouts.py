"""Paying a party outside the wallet from the console and by API: typed, looked at again, booked once, undone once."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from html import unescape
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from hutong.core.money import Money
from hutong.ledger import service
from hutong.ledger.commissions import Booked, commission_rows, confirm
from hutong.ledger.payouts import stand_outside
from hutong.ledger.rule_terms import RuleTerms
from hutong.ledger.rules import Sold
from hutong.ledger.split_rules import NewRule, make_rule
from hutong.ledger.split_terms import get_terms
from hutong.merchants.staff import Role, add_staff, open_session
from hutong.web.session import CSRF_FIELD, SESSION_COOKIE, csrf_token

pytestmark = pytest.mark.slow

CONNECTION = uuid4()
FIELD = re.compile(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"')


def told(answer):
    """What a refusal says."""
    found = re.search(r'<div class="ht-alert bad".*?</div>', answer.text, re.DOTALL)
    assert found, answer.text
    return unescape(re.sub(r"<[^>]+>", " ", found[0]))


async def payable(caller, amount=1_000):
    """A party to whom a sum is payable outside the wallet, as of now."""
    async with caller.room.unit() as unit:
        party = await service.create_party(unit, name="小林")
        await make_rule(unit, NewRule(party_id=party, terms=RuleTerms(rate_bps=1_000)))
        at, order_id = unit.now() - timedelta(days=8), uuid4()
        sold = Sold(gross=Money(10 * amount), fee=Money(0))
        split = await service.preview(unit, sold, at)
        await service.post_sale(
            unit,
            order_id=order_id,
            wallet_path=f"wallet:wechatpay:{CONNECTION}",
            gross=sold.gross,
            fee=sold.fee,
            party_shares=split.shares(),
            event_at=at,
        )
        booked = Booked(order_id=order_id, connection_id=CONNECTION, platform="wechatpay", paid_at=at)
        await service.estimate(unit, [service.Estimate(booked, sold, split)], await get_terms(unit))
        await confirm(unit, order_id)
        rows = await commission_rows(unit, order_id)
        await stand_outside(unit, [row.commission_id for row in rows], "no_receiver")
    return party


class Pages:
    """The pages of a party's payments, with somebody signed in."""

    def __init__(self, caller, party, token):
        self.client, self.path, self.token = caller.client, f"/splits/parties/{party}/payouts", token

    async def form(self, **typed):
        page = (await self.client.get(self.path)).text
        fields = dict(FIELD.findall(page[page.index('id="record"') :]))
        return {"key": fields["key"], "currency": "CNY", "paid_on": fields["paid_on"], **typed}

    async def send(self, form, step="", **headers):
        data = {**form, CSRF_FIELD: self.token}
        return await self.client.post(self.path + step, data=data, headers=headers, follow_redirects=False)

    async def confirm(self, form):
        """What the page of the second look would send."""
        shown = await self.send(form, "/check")
        assert shown.status_code == 200, told(shown)
        fields = dict(FIELD.findall(shown.text))
        return {name: unescape(value) for name, value in fields.items() if name != CSRF_FIELD}


PAID = {"whole": "yes", "method": "bank", "reference": "流水 & 001", "note": "十一月"}


def test_a_payment_is_looked_at_booked_once_and_undone_once(calling):
    async def work(caller):
        party = await payable(caller)
        headers = await caller.key("ledger:read", "payouts:write")
        pages = Pages(caller, party, await caller.sign_in())
        sure = await pages.confirm(await pages.form(**PAID))
        assert (sure["amount"], sure["reference"]) == ("10.00", PAID["reference"])
        nothing = (await caller.client.get("/api/v1/payouts", headers=headers)).json()["items"]
        assert nothing == [], "a second look writes nothing"
        typed_again = (await pages.send(sure, "/edit")).text
        assert unescape(typed_again).count(PAID["reference"]) == 1
        for _ in range(2):
            answer = await pages.send(sure)
            assert (answer.status_code, answer.headers["location"]) == (303, pages.path)
        (row,) = (await caller.client.get("/api/v1/payouts", headers=headers)).json()["items"]
        shown = (row["amount"]["amount_minor"], row["method"], row["paid_by"], row["undone_at"])
        assert shown == (1_000, "bank", "店主", None)
        today = caller.room.clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
        assert datetime.fromisoformat(row["paid_at"]) == datetime.combine(today, time(0), ZoneInfo("Asia/Shanghai"))
        other = await pages.send({**sure, "note": "别的"})
        assert other.status_code == 409
        assert "凭证号" in told(other)
        undo = f"/{row['outside_payment_id']}/undo"
        assert (await caller.client.get(pages.path + undo)).text.count("确认撤销") == 1
        blank = await pages.send({"reason": " "}, undo)
        assert "“为什么撤销”没有填写" in told(blank)
        assert (await pages.send({"reason": "记错了"}, undo)).status_code == 303
        again = await pages.send({"reason": "再撤销"}, undo)
        assert (again.status_code, "已经撤销过了" in told(again)) == (409, True)
        assert "再撤销" in again.text or "data-why" in again.text
        assert (await pages.send(sure)).status_code == 409, "the form of an undone payment pays nothing"
        page = (await caller.client.get(pages.path)).text
        assert all(word in page for word in ('data-state="undone"', "记错了", "店主", 'data-minor="1000"'))

    calling(work)


@pytest.mark.parametrize(
    ("change", "status", "parts"),
    [
        ({"whole": "no", "amount": "10.01"}, 400, ("付了多少", "不能超过 ¥10.00", "现在钱包外可付 ¥10.00")),
        ({"whole": "no", "amount": ""}, 400, ("付了多少", "没有填写")),
        ({"whole": "no", "amount": "x"}, 400, ("付了多少", "不是金额")),
        ({"paid_on": "2199-01-01"}, 400, ("哪天付的", "之间的日期")),
        ({"paid_on": "早上"}, 400, ("哪天付的", "早上")),
        ({"method": "barter"}, 400, ("怎么付的",)),
        ({"reference": " "}, 400, ("凭证号", "没有填写")),
        ({"note": "长" * 201}, 400, ("备注", "最多 200 个字")),
        ({"currency": "doge"}, 400, ("付了多少",)),
        ({"key": "1"}, 400, ("付了多少",)),
    ],
)
def test_a_refusal_names_the_field_and_keeps_what_was_typed(calling, change, status, parts):
    async def work(caller):
        pages = Pages(caller, await payable(caller), await caller.sign_in())
        form = await pages.form(**{**PAID, **change})
        for step in ("/check", ""):
            answer = await pages.send(form, step)
            text = told(answer)
            assert answer.status_code == status
            assert all(part in text for part in parts), text
            if "reference" not in change:
                assert unescape(answer.text).count(PAID["reference"]) == 1
        english = told(await pages.send(form, "/check", **{"accept-language": "en"}))
        assert not re.search(r"[\u4e00-\u9fff]", english.replace("早上", "").replace("长", "")), english

    calling(work)


def test_a_clerk_sees_and_does_nothing_of_it(calling):
    async def work(caller):
        party = await payable(caller)
        pages = Pages(caller, party, await caller.sign_in())
        sure = await pages.confirm(await pages.form(**PAID))
        async with caller.room.unit() as unit:
            cookie = await open_session(unit, await add_staff(unit, uuid4().hex, "小工", uuid4().hex, Role.CLERK))
        caller.client.headers["cookie"] = f"{SESSION_COOKIE}={cookie}"
        clerk = Pages(caller, party, csrf_token(cookie))
        answers = [await caller.client.get(clerk.path), await clerk.send(sure), await clerk.send(sure, "/check")]
        assert {answer.status_code for answer in answers} == {403}

    calling(work)


def test_the_api_undoes_as_the_page_does(calling):
    async def work(caller):
        party = await payable(caller)
        terms = {"party_id": str(party), "amount_minor": 400, "paid_at": caller.room.clock.now().isoformat()}
        writing = await caller.key("ledger:write", "ledger:read")
        paying = await caller.key("payouts:write", "ledger:read")
        body = {**terms, "reference": "b-1", "method": "cash", "note": "现场"}
        refused = await caller.send("/payouts", body, **writing)
        assert refused.status_code == 403
        made = (await caller.send("/payouts", body, "k1", **paying)).json()["outside_payment_id"]
        path = f"/payouts/{made}/undo"
        assert (await caller.send(path, {"reason": "错"}, **writing)).status_code == 403
        first, second = [await caller.send(path, {"reason": "错"}, "k2", **paying) for _ in range(2)]
        assert first.json() == second.json() == {"outside_payment_id": made}
        other = await caller.send(path, {"reason": "另"}, "k2", **paying)
        assert other.json()["code"] == "idempotency_key_reused"
        assert (await caller.send(path, {"reason": "错"}, "k3", **paying)).json()["code"] == "payout_undone"
        missing = await caller.send(f"/payouts/{uuid4()}/undo", {"reason": "错"}, **paying)
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
        late = {**body, "reference": "b-2", "paid_at": (caller.room.clock.now() + timedelta(days=1)).isoformat()}
        assert (await caller.send("/payouts", late, **paying)).status_code == 400
        (row,) = (await caller.client.get("/api/v1/payouts", headers=paying)).json()["items"]
        assert (row["undo_reason"], row["undone_by"][:4], row["note"]) == ("错", "key:", "现场")

    calling(work)
