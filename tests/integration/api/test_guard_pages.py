"""An account's guard from its page: set, lifted, refused with the reason; who and when; the API says the same."""

from __future__ import annotations

from uuid import uuid4

import pytest

from hutong.merchants.staff import Role, add_staff, open_session
from hutong.web.session import CSRF_FIELD, SESSION_COOKIE, csrf_token

pytestmark = pytest.mark.slow

MINE, OTHER = "external:points:wang", "external:points:issued"


async def book(caller, amount, key):
    legs = [{"account": MINE, "amount_minor": amount}, {"account": OTHER, "amount_minor": -amount}]
    return await caller.send("/ledger/batches", {"key": key, "legs": legs}, **caller.headers)


async def ready(caller, amount=500):
    """Money on an account; an owner signed in, and a program beside."""
    caller.headers = await caller.key("ledger:read", "ledger:write")
    assert (await book(caller, amount, "1")).is_success
    token = await caller.sign_in()

    async def send(side, path=MINE, **more):
        form = {"path": path, "currency": "CNY", "side": side, CSRF_FIELD: token, **more}
        return await caller.client.post("/books/account/guard", data=form, follow_redirects=False)

    async def page(path=MINE, **query):
        return (await caller.client.get("/books/account", params={"path": path, **query})).text

    async def guards():
        answer = await caller.client.get("/api/v1/ledger/guards", headers=caller.headers)
        return [(item["account"], item["guard"]) for item in answer.json()["items"]]

    return send, page, guards


def test_a_guard_is_set_holds_and_is_lifted(calling):
    async def work(caller):
        send, page, guards = await ready(caller)
        assert "data-guard-who" not in await page()
        assert (await send("floor")).status_code == 303
        assert await guards() == [(MINE, "debit")]
        shown = await page()
        assert all(word in shown for word in ('data-guard-who="floor"', "谁设的", ">店主<", "取消防透支"))
        assert (await book(caller, -501, "2")).json()["code"] == "ledger_overdrawn"
        assert (await send("")).status_code == 303
        assert await guards() == []
        shown = await page()
        assert all(word in shown for word in ('data-guard-who=""', "谁取消的", ">店主<"))
        assert (await book(caller, -501, "3")).is_success

    calling(work)


def test_what_cannot_be_set_says_why(calling):
    async def work(caller):
        send, page, guards = await ready(caller, -500)
        shown = await page()
        assert 'data-why="floor"' in shown
        assert 'data-why="ceiling"' not in shown
        refused = await send("floor")
        assert "refused=CNY" in refused.headers["location"], "somebody posted since the page was shown"
        assert "data-refusal" in await page(refused="CNY")
        assert (await send("sideways")).status_code == 400
        assert (await send("floor", "external:nobody")).status_code == 404
        assert (await send("floor", currency="USD")).status_code == 404
        own = await send("floor", "wallet:wechatpay:x")
        assert own.status_code in (403, 404, 422)
        assert await guards() == []
        assert (await send("ceiling")).status_code == 303
        assert await guards() == [(MINE, "credit")]

    calling(work)


@pytest.mark.parametrize("role", [Role.CLERK, Role.CASHIER])
def test_a_clerk_changes_no_guard(calling, role):
    async def work(caller):
        _, _, guards = await ready(caller)
        async with caller.room.unit() as unit:
            cookie = await open_session(unit, await add_staff(unit, uuid4().hex, "小工", uuid4().hex, role))
        caller.client.headers["cookie"] = f"{SESSION_COOKIE}={cookie}"
        form = {"path": MINE, "currency": "CNY", "side": "floor", CSRF_FIELD: csrf_token(cookie)}
        assert (await caller.client.post("/books/account/guard", data=form)).status_code == 403
        assert await guards() == []
        reading = await caller.key("ledger:read")
        refused = await caller.send("/ledger/guards", {"account": MINE, "guard": "debit"}, **reading)
        assert refused.status_code == 403

    calling(work)
