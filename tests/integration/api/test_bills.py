"""Bills by API and on the console: days at a glance, what differs, asking again, settling; and who may do it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from hutong.core.money import Money
from hutong.payments.bills import BillKey, begin_reading, expect, finish_reading, write_piece
from hutong.platforms.bills import Bill, BillKind, BillRow, BillStatus

DAY = date(2026, 3, 1)
NOTE = {"note": "已与钱包核实"}


async def read(caller, connection_id, day=DAY, *numbers):
    """A bill of payments that nobody here knows."""
    rows = [
        BillRow(
            row_no=place,
            kind=BillKind.TRADE,
            own_no=number,
            trade_no=number,
            wallet_no=f"W{number}",
            amount=Money.fen(1_000 + place),
            fee=Money.fen(6),
            happened_at=datetime(2026, 3, 1, 4, tzinfo=UTC),
            raw_state="SUCCESS",
        )
        for place, number in enumerate(numbers, 2)
    ]
    async with caller.room.unit() as unit:
        key = BillKey(connection_id, day)
        await expect(unit, key, "wechatpay")
        reading = await begin_reading(unit, key)
        await write_piece(unit, key, rows, {}, reading)
        status = BillStatus.READY if rows else BillStatus.EMPTY
        await finish_reading(unit, key, Bill(day=day, status=status), reading)


def test_days_and_differences_are_listed_and_narrowed(calling):
    async def work(caller):
        first, second = sorted((uuid4(), uuid4()))
        await read(caller, first, DAY, "A1", "A2")
        await read(caller, first, DAY + timedelta(days=1))
        await read(caller, second, DAY, "B1")
        items = (await caller.get("/bills"))["items"]
        assert [(item["day"], item["state"], item["open_differences"]) for item in items] == [
            ("2026-03-02", "empty", 0),
            ("2026-03-01", "read", 2),
            ("2026-03-01", "read", 1),
        ]
        mine = (await caller.get("/bills", connection_id=str(first), open="true"))["items"]
        [only] = mine
        assert (only["rows"], only["matched"], only["off_minor"], only["traded_minor"]) == (2, 0, 2_005, 2_005)
        assert (await caller.get("/bills", last="2026-02-28"))["total"] == 0
        one = await caller.get(f"/bills/{first}/2026-03-01")
        assert one == only
        told = (await caller.get(f"/bills/{first}/2026-03-01/differences"))["items"]
        assert [(item["kind"], item["number"], item["ours_minor"], item["bill_minor"]) for item in told] == [
            ("unknown_to_us", "A1", None, 1_002),
            ("unknown_to_us", "A2", None, 1_003),
        ]
        assert (await caller.get(f"/bills/{first}/2026-03-01/differences", state="settled"))["total"] == 0

    calling(work)


def test_all_of_one_kind_are_settled_with_one_reason(calling):
    async def work(caller):
        connection_id = uuid4()
        await read(caller, connection_id, DAY, "A1", "A2", "A3")
        path = f"/bills/{connection_id}/2026-03-01"
        assert (await caller.post(f"{path}/settle", {"kind": "fee_differs", **NOTE}, "k1"))["count"] == 0
        assert (await caller.post(f"{path}/settle", {"kind": "unknown_to_us", **NOTE}, "k2"))["count"] == 3
        told = (await caller.get(f"{path}/differences"))["items"]
        assert {(item["state"], item["note"]) for item in told} == {("settled", NOTE["note"])}
        assert (await caller.get(path))["open_differences"] == 0
        assert (await caller.refused(f"{path}/settle", {"kind": "matched", **NOTE}, "k3"))[0] == 400
        assert (await caller.refused(f"/bills/{uuid4()}/2026-03-01/settle", {"kind": "fee_differs", **NOTE}, "k4"))[
            0
        ] == 404

    calling(work)


def test_a_difference_is_settled_once_by_whoever_may(calling):
    async def work(caller):
        connection_id = uuid4()
        await read(caller, connection_id, DAY, "A1")
        [item] = (await caller.get(f"/bills/{connection_id}/2026-03-01/differences"))["items"]
        path = f"/bills/differences/{item['difference_id']}/settle"
        poor = await caller.key("payments:read")
        assert (await caller.send(path, NOTE, "k", **poor)).status_code == 403
        assert (await caller.refused(path, {"note": " "}, "k0"))[0] == 400
        assert (await caller.post(path, NOTE, "k1"))["difference_id"] == item["difference_id"]
        assert (await caller.post(path, NOTE, "k1"))["difference_id"] == item["difference_id"]
        assert await caller.refused(path, NOTE, "k2") == (409, "conflict")
        [settled] = (await caller.get(f"/bills/{connection_id}/2026-03-01/differences"))["items"]
        assert (settled["state"], settled["note"]) == ("settled", NOTE["note"])
        assert await caller.refused(f"/bills/differences/{uuid4()}/settle", NOTE, "k3") == (404, "not_found")
        assert (await caller.refused(f"/bills/{uuid4()}/2026-03-01/read", None, "k4"))[0] == 404

    calling(work)
