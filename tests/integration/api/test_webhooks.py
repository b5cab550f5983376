"""Webhooks for programs: what a key may do, what is told once, and what is refused by name."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from hutong.payments.events import PaymentClosed
from hutong.webhooks.deliveries import claim, queue
from hutong.webhooks.public import PUBLIC
from hutong.webhooks.service import ENDPOINTS_MAX

NEW = {"url": "https://erp.example.com/hooks", "title": "ERP", "event_types": ["payment.*", "order.paid"]}


async def happened(caller, count=1):
    async with caller.room.unit() as unit:
        told = [PaymentClosed(payment_id=uuid4(), order_id=uuid4()) for _ in range(count)]
        pairs = [(unit.emit(event), event) for event in told]
        await queue(unit, pairs)
    return [str(event_id) for event_id, _ in pairs]


def test_an_endpoint_is_made_changed_and_listed_and_its_secret_told_once(calling):
    async def work(caller):
        made = await caller.post("/webhooks", NEW, key="one")
        assert made["secret"].startswith("whsec_")
        again = await caller.post("/webhooks", NEW, key="one")
        assert again == {"endpoint_id": made["endpoint_id"], "secret": None}
        place = f"/webhooks/{made['endpoint_id']}"
        [item] = (await caller.get("/webhooks"))["items"]
        assert item["endpoint"]["event_types"] == ["order.paid", "payment.*"]
        assert "secret" not in item["endpoint"]
        assert made["secret"] not in str(await caller.get(place))
        change = {"event_types": ["*"], "url": "https://erp.example.com/other"}
        changed = (await caller.client.patch(f"/api/v1{place}", json=change)).json()
        assert (changed["url"], changed["event_types"]) == ("https://erp.example.com/other", ["*"])
        fresh = await caller.post(f"{place}/secret", {"overlap_s": 60}, key="two")
        assert fresh["secret"] != made["secret"]
        assert (await caller.post(f"{place}/secret", {"overlap_s": 60}, key="two"))["secret"] is None
        answer = await caller.send("/webhooks", NEW)
        assert answer.headers["cache-control"] == "no-store"

    calling(work)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "http://erp.example.com/"}, "target_refused"),
        ({"url": "https://127.0.0.1/"}, "target_refused"),
        ({"url": "https://169.254.169.254/latest"}, "target_refused"),
        ({"url": "http://127.0.0.1:8000/"}, "target_refused"),
        ({"event_types": ["payment.stolen"]}, "invalid_input"),
        ({"event_types": ["webhook.test"]}, "invalid_input"),
        ({"event_types": []}, "bad_request"),
        ({"title": " "}, "invalid_input"),
    ],
)
def test_what_cannot_be_is_refused_by_name(calling, change, code):
    async def work(caller):
        assert await caller.refused("/webhooks", {**NEW, **change}) == (400, code)
        place = f"/webhooks/{(await caller.post('/webhooks', NEW))['endpoint_id']}"
        for where, body, wanted in (
            (place, change, (400, code)),
            (f"/webhooks/{uuid4()}", {"title": "x"}, (404, "not_found")),
        ):
            answer = await caller.client.patch(f"/api/v1{where}", json=body)
            assert (answer.status_code, answer.json()["code"]) == wanted

    calling(work)


def test_messages_are_listed_tried_out_and_sent_again(calling):
    async def work(caller):
        endpoint_id = (await caller.post("/webhooks", NEW))["endpoint_id"]
        place = f"/webhooks/{endpoint_id}"
        told = await happened(caller, 3)
        page = await caller.get(f"{place}/deliveries", limit=2)
        assert page["total"] == 3
        assert [item["event_id"] for item in page["items"]] == sorted(told, reverse=True)[:2]
        assert (await caller.get(f"{place}/deliveries", delivery_state="failed"))["total"] == 0
        test = await caller.post(f"{place}/test")
        one = await caller.get(f"{place}/deliveries/{test['event_id']}")
        assert (one["event_type"], one["state"], one["attempts"]) == ("webhook.test", "waiting", [])
        assert await caller.post(f"{place}/deliveries/{told[0]}/replay") == {"event_id": told[0]}
        assert await caller.refused(f"{place}/deliveries/{uuid4()}/replay") == (404, "not_found")
        assert await caller.post(f"{place}/disable") == {"endpoint_id": endpoint_id, "changed": True}
        for path, body in (("test", None), ("replay", {"since": "2026-02-28T00:00:00Z"})):
            assert await caller.refused(f"{place}/{path}", body) == (409, "endpoint_disabled")
        assert await caller.refused(f"{place}/deliveries/{told[0]}/replay") == (409, "endpoint_disabled")
        missed = await happened(caller, 2)
        async with caller.room.unit() as unit:
            assert await claim(unit, UUID(endpoint_id), 4) is None
        assert (await caller.post(f"{place}/enable"))["changed"] is True
        replayed = await caller.post(f"{place}/replay", {"since": "1900-01-01T00:00:00+00:00"})
        assert replayed == {"failed_count": 0, "missed_count": len(missed), "more": False}
        [item] = (await caller.get("/webhooks"))["items"]
        assert (item["waiting"], item["failed"]) == (6, 0)
        assert (await caller.refused(f"{place}/replay", {"since": "2026-02-28T00:00:00"}))[0] == 400

    calling(work)


def test_keys_need_the_scope_and_no_merchant_sees_anothers(calling):
    async def work(caller):
        made = await caller.post("/webhooks", NEW)
        reads, writes, other = [await caller.key(scope) for scope in ("webhooks:read", "webhooks:write", "orders:read")]
        place = f"/api/v1/webhooks/{made['endpoint_id']}"
        assert (await caller.client.get(place, headers=reads)).status_code == 200
        for headers in (writes, other):
            assert (await caller.client.get(place, headers=headers)).status_code == 403
        for headers in (reads, other):
            assert (await caller.client.post(f"{place}/test", headers=headers)).status_code == 403
        return made["endpoint_id"]

    endpoint_id = calling(work)

    async def elsewhere(caller):
        assert (await caller.get("/webhooks"))["items"] == []
        assert await caller.refused(f"/webhooks/{endpoint_id}/test") == (404, "not_found")

    calling(elsewhere)


def test_there_is_an_end_to_endpoints_and_a_list_of_what_can_be_heard(calling):
    async def work(caller):
        for _ in range(ENDPOINTS_MAX):
            await caller.post("/webhooks", NEW)
        assert await caller.refused("/webhooks", NEW) == (409, "too_many_endpoints")
        types = (await caller.get("/webhooks/event-types"))["items"]
        assert [one["name"] for one in types] == [public.name for public in PUBLIC]
        assert all(one["fields"] for one in types)

    calling(work)
