"""Deciding on money in suspense by the API and on the page: role and scope, once for each key, and what is shown."""

from __future__ import annotations

import warnings
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest
from test_decisions import CAME, attempt_of, books, choose, mismatched, press, settle, sound, ticket_of
from wallets_till import silence

from hutong.merchants.keys import create_key
from hutong.merchants.staff import Role, add_staff, open_session
from hutong.payments.refunds import RefundKey
from hutong.payments.suspense import Decision
from hutong.payments.till import last_at_till
from hutong.platforms.payments import TradeStatus
from hutong.web.app import build_web
from hutong.web.buyer.reading import read_desk, receipt_of
from hutong.web.session import CSRF_FIELD, SESSION_COOKIE, csrf_token
from hutong.workflows.commands.follow_refund import send_refund
from hutong.workflows.commands.settle import query_attempt
from hutong.workflows.jobs import AttemptKey

BODY = {"decision": "take", "reason": "说好了"}


@asynccontextmanager
async def door(till, **headers):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        app = build_web(till.runtime)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers=headers) as client:
        yield client


async def key(till, *scopes):
    async with till.unit() as unit:
        _, secret = await create_key(unit, "服务商", list(scopes))
    return {"authorization": f"Bearer {secret}"}


async def cookie(till, role):
    async with till.unit() as unit:
        staff_id = await add_staff(unit, uuid4().hex, "李明", uuid4().hex, role)
        return await open_session(unit, staff_id)


def test_by_the_api_once_for_each_key_and_with_its_scope(at_the_till):
    async def work(till):
        _, ticket = await mismatched(till)
        path = f"/api/v1/tickets/{ticket}"
        async with door(till, **await key(till, "orders:read", "orders:write")) as client:
            told = (await client.get(path)).json()["suspense"]
            assert (told["expected"]["amount_minor"], told["came"]["amount_minor"]) == (880, 700)
            assert [(one["decision"], one["refusal"]) for one in told["offers"]] == [
                ("take", None),
                ("send_back", None),
                ("write_off", None),
            ]
            assert (await client.post(f"{path}/decide", json=BODY)).status_code == 403
            resolved = await client.post(f"{path}/resolve")
            assert (resolved.status_code, resolved.json()["code"]) == (409, "decision_needed")
        async with door(till, **await key(till, "refunds:write", "orders:read")) as client:

            async def post(body, name):
                answer = await client.post(f"{path}/decide", json=body, headers={"idempotency-key": name})
                return answer.status_code, answer.json()

            assert (await post({"decision": "take"}, "0"))[0] == 400
            till.wallet.will("query", silence())
            assert (await post(BODY, "1"))[1]["code"] == "money_unclear"
            made = await post(BODY, "1")
            assert (made[0], made[1]["state"]) == (201, "taken")
            assert await post(BODY, "1") == made
            status, problem = await post({**BODY, "decision": "send_back"}, "1")
            assert (status, problem["code"]) == (422, "idempotency_key_reused")
            status, problem = await post({**BODY, "decision": "send_back"}, "2")
            assert (status, problem["code"]) == (409, "already_decided")
            told = (await client.get(path)).json()
            assert (told["ticket"]["state"], told["suspense"]["state"], told["suspense"]["offers"]) == (
                "resolved",
                "taken",
                [],
            )
            assert (await client.get(f"/api/v1/tickets/{uuid4()}")).status_code == 404
        assert await sound(till) == []

    at_the_till(work)


def test_on_the_page_with_a_confirmation_and_what_was_typed_stays(at_the_till):
    async def work(till):
        attempt, ticket = await mismatched(till)
        path = f"/tickets/{ticket}"
        session = await cookie(till, Role.OWNER)
        async with door(till, cookie=f"{SESSION_COOKIE}={session}") as client:
            form = {
                CSRF_FIELD: csrf_token(session),
                "decision": "send_back",
                "reason": "让他重新付",
                "confirmed": "yes",
            }
            assert path in (await client.get("/tickets")).text
            page = (await client.get(path)).text
            assert ("¥8.80" in page, "¥7.00" in page, "data-confirm" in page) == (True, True, False)
            assert 'data-confirm="send_back"' in (await client.get(f"{path}?choose=send_back")).text
            assert "data-confirm" not in (await client.get(f"{path}?choose=nonsense")).text
            await client.post(f"{path}/decide", data={**form, "confirmed": ""})
            till.wallet.will("query", silence())
            answer = await client.post(f"{path}/decide", data=form)
            assert (answer.status_code, "让他重新付" in answer.text) == (409, True)
            answer = await client.post(f"{path}/decide", data={**form, "reason": " "})
            assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
            till.wallet.trades[attempt.out_trade_no] = TradeStatus.CLOSED
            answer = await client.post(f"{path}/decide", data=form)
            assert (answer.status_code, "再问钱包，钱包里并没有这笔钱" in answer.text) == (409, True)
            till.wallet.trades[attempt.out_trade_no] = TradeStatus.PAID
            assert (await client.post(f"{path}/decide", data=form)).status_code == 303
            late = await client.post(f"{path}/decide", data={**form, "reason": "我也想退"})
            assert (late.status_code, 'role="alert"' in late.text, "李明" in late.text) == (409, True, True)
            page = (await client.get(path)).text
            assert ("正在原路退回" in page, "李明" in page, "让他重新付" in page) == (True, True, True)
            [refund] = (await till.payment()).refunds
            await till.job(send_refund, RefundKey(refund.refund_id))
            await settle(till)
            assert "已原路退回" in (await client.get(path)).text
            assert path in (await client.get("/tickets?show=resolved")).text
            payment = (await client.get(f"/payments/{attempt.payment_id}")).text
            assert ("让他重新付" in payment, "多收了" in payment) == (True, False)
        assert (await books(till), await sound(till)) == ({}, [])

    at_the_till(work)


@pytest.mark.parametrize("role", [Role.CLERK, Role.CASHIER])
def test_who_may_not_decide_sees_it_and_is_refused(at_the_till, role):
    async def work(till):
        _, ticket = await mismatched(till)
        session = await cookie(till, role)
        async with door(till, cookie=f"{SESSION_COOKIE}={session}") as client:
            page = (await client.get(f"/tickets/{ticket}?choose=take")).text
            assert "data-confirm" not in page
            assert "?choose=" not in page
            form = {CSRF_FIELD: csrf_token(session), "decision": "take", "reason": "收下", "confirmed": "yes"}
            assert (await client.post(f"/tickets/{ticket}/decide", data=form)).status_code == 403
        await choose(till, ticket, Decision.TAKE)

    at_the_till(work)


def test_the_buyer_sees_what_he_paid_and_no_receipt_of_what_went_back(at_the_till):
    async def work(till):
        first, ticket = await mismatched(till)
        [sale] = await till.values("SELECT checkout_id FROM checkout")

        async def seen():
            async with till.unit() as unit:
                reading, row = await read_desk(unit, sale), (await last_at_till(unit, 1))[0]
            receipt = receipt_of(reading)
            number = None if receipt is None else receipt.transaction_id
            return reading.amount.amount_minor, row.amount.amount_minor, number

        await choose(till, ticket, Decision.SEND_BACK)
        assert await seen() == (880, 880, None)
        await press(till, sale)
        second = await attempt_of(till)
        assert second.attempt_id != first.attempt_id
        till.wallet.trades[second.out_trade_no], till.wallet.sums[second.out_trade_no] = TradeStatus.PAID, CAME
        await till.job(query_attempt, AttemptKey(second.attempt_id))
        await choose(till, await ticket_of(till), Decision.TAKE)
        await settle(till)
        assert await seen() == (700, 700, f"T{second.out_trade_no}")

    at_the_till(work)
