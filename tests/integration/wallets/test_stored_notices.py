"""A wallet waits for the storing of its callback alone; what comes after is done once, whoever does it."""

from __future__ import annotations

import asyncio

from hutong.db.gathering import Gathering
from hutong.workflows.commands import take_notice

BODY = {"platform": "wechatpay", "method": "native", "amount_fen": 900, "title": "青瓷饭碗"}
#: Callbacks that wait to be worked from the database.
WAITING = "SELECT dedupe_key FROM job WHERE kind = 'payments.work_inbound' AND finished_at IS NULL"
LATER_S = int(take_notice.WORKED_LATER.total_seconds())


async def paid(shop, count=1):
    """Payments that buyers have paid at the wallet, which told the hub at once."""
    opened = [await shop.post(BODY, path="/payments") for _ in range(count)]
    await asyncio.gather(*(shop.wallet.wechat.pay({"out_trade_no": one["out_trade_no"]}) for one in opened))
    return opened


async def states(shop, opened):
    return sorted([(await shop.payment(one))["state"] for one in opened])


async def once(shop, opened):
    """Each is booked and told once."""
    await shop.settle()
    assert await states(shop, opened) == ["paid"] * len(opened)
    assert len(await shop.events("payment.paid")) == len(opened)
    assert await shop.tickets() == []
    assert await shop.breaches() == []
    assert shop.books() == {one["out_trade_no"]: (900, 0) for one in opened}
    assert await shop.values(WAITING) == []


def test_what_is_acknowledged_is_worked_at_once_and_leaves_no_job(in_a_shop):
    async def work(shop):
        opened = await paid(shop, 3)
        await shop.runtime.gatherings.rest()
        assert await states(shop, opened) == ["paid"] * 3
        assert await shop.values(WAITING) == []
        await once(shop, opened)

    in_a_shop(work)


def test_what_is_acknowledged_is_worked_even_if_nobody_works_it_at_once(in_a_shop, monkeypatch):
    async def work(shop):
        monkeypatch.setattr(Gathering, "leave", lambda *_: None)  # as if the hub were gone right after the answer
        opened = await paid(shop, 2)
        assert await states(shop, opened) == ["open"] * 2
        assert len(await shop.values(WAITING)) == 2
        await shop.advance(LATER_S)
        await once(shop, opened)

    in_a_shop(work)


def test_one_that_cannot_be_worked_keeps_its_job_and_holds_up_no_other(in_a_shop, monkeypatch):
    async def work(shop):
        worked = take_notice.work_notices
        broken: set[str] = set()

        async def work_notices(unit, notices):
            if any(notice.trade.out_trade_no in broken for _, notice in notices):
                raise RuntimeError("as a defect would")
            await worked(unit, notices)

        monkeypatch.setattr(take_notice, "work_notices", work_notices)
        opened = [await shop.post(BODY, path="/payments") for _ in range(3)]
        broken.add(opened[1]["out_trade_no"])
        await asyncio.gather(*(shop.wallet.wechat.pay({"out_trade_no": one["out_trade_no"]}) for one in opened))
        await shop.runtime.gatherings.rest()
        assert await states(shop, opened) == ["open", "paid", "paid"]
        assert len(await shop.values(WAITING)) == 1
        broken.clear()
        await shop.advance(LATER_S)
        await once(shop, opened)

    in_a_shop(work)


def test_worked_at_once_and_by_its_job_as_well_it_counts_once(in_a_shop, monkeypatch):
    async def work(shop):
        monkeypatch.setattr("hutong.db.unit.Unit.drop_jobs", lambda *_: None)  # as if the job had begun meanwhile
        opened = await paid(shop, 2)
        await shop.runtime.gatherings.rest()
        assert len(await shop.values(WAITING)) == 2
        monkeypatch.undo()
        await shop.advance(LATER_S)
        await once(shop, opened)

    in_a_shop(work)
