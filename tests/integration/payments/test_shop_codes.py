"""A shop code's limits hold in the database: one payment, a buyer's day, the code's day; also for many at once."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import msgspec
import pytest

from hutong.core.errors import InvalidInput
from hutong.core.money import SUM_MINOR_MAX, Money
from hutong.merchants.service import create_merchant
from hutong.payments.checkouts import Goods, Ordered, Visit, begin_paying, expire_checkout, open_checkout
from hutong.payments.service import open_payment
from hutong.payments.shop_codes import (
    BuyerDayFull,
    CodeDayFull,
    CodeLimits,
    PaymentTooLarge,
    ShopCodePaused,
    change_limits,
    code_day,
    code_of_checkout,
    code_room,
    count_code_use,
    create_shop_code,
    find_shop_code,
    list_shop_codes,
    mark_code_payer,
    move_shop_code,
    use_code,
)
from hutong.payments.states import ShopCodeEvent

LIMITS = CodeLimits(payment_max_minor=30_00, buyer_day_max_minor=50_00, code_day_max_minor=100_00)


async def make_code(room, amount=None, limits=LIMITS):
    async with room.unit() as unit:
        await create_merchant(unit, "小面馆")
        return await create_shop_code(
            unit, title="门口", channel_id=uuid4(), currency="CNY", amount=amount, limits=limits
        )


async def open_desk(room, code, amount_fen: int, browser: bytes | None):
    async with room.unit() as unit:
        amount = Money.fen(amount_fen)
        goods = Goods(sku_id=None, title=code.title, quantity=1, amount=amount)
        checkout_id = await open_checkout(unit, goods, Visit(channel_id=code.channel_id, container="wechat"))
        await use_code(unit, code, checkout_id, amount, browser)
    return checkout_id


async def press_pay(room, checkout_id):
    order_id = uuid4()
    async with room.unit() as unit:
        await count_code_use(unit, checkout_id)
        payment_id = await open_payment(unit, order_id, Money.fen(1))
        await begin_paying(unit, [Ordered(checkout_id, order_id, payment_id)])
    return payment_id


async def pay_up(room, payment_id):
    """The wallet has the money."""
    async with room.unit() as unit:
        await unit.fetch(
            "UPDATE payment SET state = 'paid', paid_at = $2 WHERE payment_id = $1", payment_id, unit.now()
        )
        await unit.fetch("UPDATE checkout SET state = 'paid' WHERE payment_id = $1", payment_id)


async def buy(room, code, amount_fen: int, browser: bytes | None = None):
    return await press_pay(room, await open_desk(room, code, amount_fen, browser))


async def total(room, code) -> int:
    async with room.unit() as unit:
        return (await code_day(unit, code)).total.amount_minor


@pytest.mark.parametrize("name", ["payment_max_minor", "buyer_day_max_minor", "code_day_max_minor"])
@pytest.mark.parametrize("limit", [0, -1, SUM_MINOR_MAX + 1, 2**63 - 1])
def test_a_limit_is_a_sum_that_can_be_paid(room, name, limit):
    with pytest.raises(InvalidInput, match=name):
        room.run(lambda: make_code(room, limits=msgspec.structs.replace(LIMITS, **{name: limit})))


def test_one_buyer_and_one_day_have_limits(room):
    async def work():
        code = await make_code(room)
        with pytest.raises(PaymentTooLarge, match=r"30\.00"):
            await buy(room, code, 30_01, b"li")
        await buy(room, code, 30_00, b"li")
        with pytest.raises(BuyerDayFull, match=r"20\.00"):
            await buy(room, code, 20_01, b"li")
        await buy(room, code, 20_00, b"li")
        await buy(room, code, 30_00, b"wang")
        with pytest.raises(CodeDayFull, match=r"20\.00"):
            await buy(room, code, 30_00, b"zhao")
        assert await total(room, code) == 80_00
        room.clock.advance(days=1)
        assert await total(room, code) == 0
        await buy(room, code, 30_00, b"li")

    room.run(work)


def test_what_is_left_of_the_day_is_known_to_the_buyers_pages(room):
    async def told(code, checkout_id):
        async with room.unit() as unit:
            found = await code_of_checkout(unit, checkout_id)
            assert found == code
            return await code_room(unit, found)

    async def work():
        code = await make_code(room)
        checkout_id = await open_desk(room, code, 30_00, b"li")
        before = await told(code, checkout_id)
        assert (before.left, before.code_day_max, before.buyer_day_max, before.payment_max) == (
            Money.fen(100_00),
            Money.fen(100_00),
            Money.fen(50_00),
            Money.fen(30_00),
        )
        for number in range(4):
            await buy(room, code, 25_00, b"buyer %d" % number)
        assert (await told(code, checkout_id)).left == Money.fen(0)
        async with room.unit() as unit:
            await change_limits(unit, code.code_id, msgspec.structs.replace(LIMITS, code_day_max_minor=40_00))
            lower = await find_shop_code(unit, code.code)
        assert (await told(lower, checkout_id)).left == Money.fen(0)
        async with room.unit() as unit:
            assert await code_of_checkout(unit, uuid4()) is None

    room.run(work)


def test_the_day_is_the_merchants(room):
    """The clock stands at 12:00 UTC, 20:00 in Shanghai: four hours on it is another day there, the same one in UTC."""

    async def work():
        code = await make_code(room)
        await buy(room, code, 30_00, b"li")
        room.clock.advance(hours=3, minutes=59)
        assert await total(room, code) == 30_00
        room.clock.advance(minutes=2)
        assert await total(room, code) == 0

    room.run(work)


@pytest.mark.parametrize("paid", [False, True])
def test_what_is_paid_after_midnight_counts_on_the_new_day(room, paid):
    """Pressed at 23:50 and not paid yet, or paid at 00:05; what was paid before midnight stays with the old day."""

    async def work():
        code = await make_code(room)
        room.clock.advance(hours=3, minutes=40)
        await pay_up(room, await buy(room, code, 25_00, b"li"))
        room.clock.advance(minutes=10)
        late = await buy(room, code, 25_00, b"li")
        room.clock.advance(minutes=15)
        if paid:
            await pay_up(room, late)
        assert await total(room, code) == 25_00
        with pytest.raises(BuyerDayFull):
            await press_pay(room, await open_desk(room, code, 25_01, b"li"))
        await buy(room, code, 25_00, b"li")

    room.run(work)


def test_a_buyer_is_known_by_wallet_also_in_another_browser(room):
    async def work():
        code = await make_code(room)
        for browser in (b"one", b"two"):
            checkout_id = await open_desk(room, code, 25_00, browser)
            async with room.unit() as unit:
                await mark_code_payer(unit, checkout_id, b"openid of li")
            await press_pay(room, checkout_id)
        checkout_id = await open_desk(room, code, 1, b"three")
        async with room.unit() as unit:
            await mark_code_payer(unit, checkout_id, b"openid of li")
        with pytest.raises(BuyerDayFull):
            await press_pay(room, checkout_id)

    room.run(work)


def test_what_was_never_paid_or_closed_does_not_count(room):
    async def work():
        code = await make_code(room)
        await open_desk(room, code, 30_00, b"li")  # looked at only
        payment_id = await buy(room, code, 30_00, b"li")
        async with room.unit() as unit:
            await expire_checkout(unit, payment_id)
        assert await total(room, code) == 0
        await buy(room, code, 30_00, b"li")

    room.run(work)


def test_many_at_once_never_exceed_the_day(room):
    async def work():
        code = await make_code(room)
        desks = [await open_desk(room, code, 15_00, f"buyer {n}".encode()) for n in range(12)]
        ends = await asyncio.gather(*(press_pay(room, desk) for desk in desks), return_exceptions=True)
        refused = [end for end in ends if isinstance(end, CodeDayFull)]
        assert (len(ends), len(refused)) == (12, 6)
        assert await total(room, code) == 90_00

    room.run(work)


def test_pressing_again_counts_once_and_a_paused_code_takes_nothing(room):
    async def work():
        code = await make_code(room)
        desk = await open_desk(room, code, 30_00, b"li")
        waiting = await open_desk(room, code, 1_00, b"wang")
        await press_pay(room, desk)
        async with room.unit() as unit:
            await count_code_use(unit, desk)
            assert await move_shop_code(unit, code.code_id, ShopCodeEvent.PAUSE)
            assert not await move_shop_code(unit, code.code_id, ShopCodeEvent.PAUSE)
        assert await total(room, code) == 30_00
        with pytest.raises(ShopCodePaused):
            await press_pay(room, waiting)
        async with room.unit() as unit:
            assert await move_shop_code(unit, code.code_id, ShopCodeEvent.RESUME)
        await press_pay(room, waiting)

    room.run(work)


def test_limits_can_be_changed_and_must_make_sense(room):
    async def work():
        code = await make_code(room, amount=Money.fen(12_00))
        async with room.unit() as unit:
            assert [known.code for known in await list_shop_codes(unit)] == [code.code]
            await change_limits(unit, code.code_id, CodeLimits(payment_max_minor=12_00))
            found = await find_shop_code(unit, code.code)
            assert found is not None
            assert found.limits.payment_max_minor == 12_00
            for wrong in (CodeLimits(payment_max_minor=11_99), CodeLimits(code_day_max_minor=0)):
                with pytest.raises(InvalidInput):
                    await change_limits(unit, code.code_id, wrong)
            for amount in (Money.fen(0), Money.fen(-1), Money.fen(500_01)):
                with pytest.raises(InvalidInput):
                    await create_shop_code(
                        unit, title="x", channel_id=uuid4(), currency="CNY", amount=amount, limits=CodeLimits()
                    )

    room.run(work)
