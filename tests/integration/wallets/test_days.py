"""A day is the merchant's: it begins at midnight where the shop stands, and not at eight in the morning with UTC."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest
from sqlalchemy import update
from wallets_till import refusal

from hutong.core.errors import HutongError
from hutong.merchants.days import today_here
from hutong.merchants.models import merchant
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import PayMethod
from hutong.webhooks.troubles import tell_failed
from hutong.workflows.commands.pay import pay

EARLY = datetime(2026, 11, 26, 16, 30, tzinfo=UTC)  # half past midnight of the 27th in China


async def press(till):
    sale = await till.sale()
    method = PayMethod.NATIVE
    return await pay(till.runtime, till.merchant_id, sale, platform=None, method=method, client_ip="127.0.0.1")


async def move_to(till, zone):
    async with till.runtime.unit(till.merchant_id, "test") as unit:
        await unit.run(update(merchant).where(merchant.c.merchant_id == unit.merchant_id).values(timezone=zone))


@pytest.mark.parametrize(
    ("zone", "day"), [("Asia/Shanghai", "261127"), ("UTC", "261126"), ("America/New_York", "261126")]
)
def test_an_order_number_carries_the_day_of_the_shop(at_the_till, zone, day):
    async def work(till):
        till.clock.at = EARLY
        await move_to(till, zone)
        await press(till)
        numbers = await till.values("SELECT order_no FROM sales_order")
        assert [number[:6] for number in numbers] == [day]
        async with till.runtime.unit(till.merchant_id, "test") as unit:
            assert f"{await today_here(unit):%y%m%d}" == day

    at_the_till(work)


#: Half past seven and half past eight in a Chinese morning, half past eleven at night, and after midnight.
MOMENTS = [datetime(2026, 11, 25, 23, 30, tzinfo=UTC), *(EARLY.replace(hour=hour) for hour in (0, 15)), EARLY]


def test_what_is_told_once_a_day_is_told_once_in_the_shops_day(at_the_till):
    async def work(till):
        endpoint = SimpleNamespace(endpoint_id=uuid4(), title="ERP")
        told = []
        for moment in MOMENTS:
            till.clock.at = moment
            async with till.runtime.unit(till.merchant_id, "test") as unit:
                await tell_failed(unit, endpoint, uuid4(), "payment.paid")
            told.append((await till.tickets()).count("webhook_failed"))
        assert told == [1, 1, 1, 2]

    at_the_till(work)


def test_an_account_that_is_down_is_told_once_in_the_shops_day(at_the_till):
    async def work(till):
        told = []
        for moment in MOMENTS:
            till.clock.at = moment
            till.wallet.will("create", refusal(ErrorWord.NOT_PERMITTED))
            with suppress(HutongError):  # there is no other account
                await press(till)
            told.append((await till.tickets()).count("wallet_down"))
        assert told == [1, 1, 1, 2]

    at_the_till(work)
