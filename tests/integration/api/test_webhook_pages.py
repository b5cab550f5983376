"""The pages of pushed events: made with a secret that is shown once, refused by name, closed to clerks."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from hutong.merchants.staff import Role, add_staff, open_session
from hutong.payments.events import PaymentClosed
from hutong.web.session import CSRF_FIELD, SESSION_COOKIE
from hutong.webhooks.deliveries import queue
from hutong.webhooks.service import list_endpoints

FORM = {
    "title": "进销存",
    "url": "https://erp.example.com/hooks",
    "event_types": ["payment.*", "payment.paid", "order.paid"],
}
SECRET = re.compile(r"data-secret>(whsec_[A-Za-z0-9+/=]+)<")


async def endpoints(caller):
    async with caller.room.unit() as unit:
        return await list_endpoints(unit)


def test_an_endpoint_is_made_looked_at_changed_and_switched(calling):
    async def work(caller):
        token = {CSRF_FIELD: await caller.sign_in()}
        assert "还没有接收地址" in (await caller.client.get("/webhooks")).text
        made = await caller.client.post("/webhooks", data={**FORM, **token})
        [secret] = SECRET.findall(made.text)
        [endpoint] = await endpoints(caller)
        assert endpoint.event_types == ("order.paid", "payment.*"), "a group that is ticked stands for all in it"
        place = f"/webhooks/{endpoint.endpoint_id}"
        for page in ("/webhooks", place):
            assert secret not in (await caller.client.get(page)).text
        event = PaymentClosed(payment_id=uuid4(), order_id=uuid4())
        async with caller.room.unit() as unit:
            event_id = unit.emit(event)
            await queue(unit, [(event_id, event)])
        assert str(event_id) in (await caller.client.get(place)).text
        again = await caller.client.post(f"{place}/deliveries/{event_id}/replay", data=token)
        assert again.status_code == 303
        assert "1 条消息已排上" in (await caller.client.get(again.headers["location"])).text
        assert (await caller.client.post(f"{place}/test", data=token)).status_code == 303
        assert "试发" in (await caller.client.get(place)).text
        [fresh] = SECRET.findall((await caller.client.post(f"{place}/secret", data=token)).text)
        assert fresh != secret
        changed = {**FORM, **token, "title": "会计", "event_types": "stock.*"}
        assert (await caller.client.post(place, data=changed)).status_code == 303
        assert [(one.title, one.event_types) for one in await endpoints(caller)] == [("会计", ("stock.*",))]
        await caller.client.post(f"{place}/disable", data=token)
        assert "这个地址已停用" in (await caller.client.get(place)).text
        await caller.client.post(f"{place}/enable", data=token)
        assert "这个地址已停用" not in (await caller.client.get(place)).text
        sent = await caller.client.post(f"{place}/replay", data={**token, "back": "week"})
        assert sent.headers["location"].endswith("?replayed=0")

    calling(work)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "https://10.0.0.8/hook"}, "不能发往“https://10.0.0.8/hook”"),
        ({"url": " "}, "接收地址"),
        ({"title": ""}, "名称，自己看"),
        ({"event_types": []}, "要收哪些事件"),
    ],
)
def test_what_is_not_right_is_told_by_its_name_on_the_form(calling, change, said):
    async def work(caller):
        token = {CSRF_FIELD: await caller.sign_in()}
        answer = await caller.client.post(
            "/webhooks", data={**FORM, **token, **change}, headers={"accept-language": "zh-CN"}
        )
        assert answer.status_code == 400
        assert said in answer.text
        assert await endpoints(caller) == ()

    calling(work)


def test_a_clerk_does_not_see_where_events_go(calling):
    async def work(caller):
        await caller.sign_in()
        assert 'href="/webhooks"' in (await caller.client.get("/orders")).text
        async with caller.room.unit() as unit:
            staff_id = await add_staff(unit, uuid4().hex, "店员", uuid4().hex, Role.CLERK)
            cookie = await open_session(unit, staff_id)
        caller.client.headers["cookie"] = f"{SESSION_COOKIE}={cookie}"
        assert (await caller.client.get("/webhooks")).status_code == 403
        assert 'href="/webhooks"' not in (await caller.client.get("/orders")).text

    calling(work)
