"""Shop codes: a QR at the counter, on the stall, on the table. The buyer types the amount, or it is fixed.

A payment through a code has three limits: one payment, one buyer a day, the code a day; days are the merchant's. They
are checked when the buyer presses "pay", under a lock on the code, against what was really taken or is being paid.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row, func, or_, select, update

from hutong.core.errors import ErrorText, HutongError, InvalidInput, NotFound
from hutong.core.ids import new_code
from hutong.core.money import SUM_MINOR_MAX, Money
from hutong.db.unit import Unit
from hutong.merchants.directory import SHOP_CODE as DIRECTORY_KIND
from hutong.merchants.directory import register
from hutong.merchants.queries import this_merchant
from hutong.payments.models import checkout, payment, shop_code, shop_code_use
from hutong.payments.states import SHOP_CODE, CheckoutState, ShopCodeEvent, ShopCodeState

CODE_CHARS: Final = 8
CODE_TRIES_MAX: Final = 5
CODES_MAX: Final = 200
TITLE_CHARS_MAX: Final = 40
#: The central bank's rule for static codes of the lowest protection: 500 yuan a buyer and day (银发〔2017〕296号).
BUYER_DAY_MAX_FEN: Final = 50_000
PAYMENT_MAX_FEN: Final = 50_000
CODE_DAY_MAX_FEN: Final = 2_000_000
#: Who pressed "pay" so long before midnight may still pay after it, and then it is that day's money. A payment lives
#: half an hour (``PAYMENT_LIFE``); the rest is for wallets that tell late.
BEFORE_MIDNIGHT: Final = timedelta(hours=1)
#: Checkouts in these states hold money or are about to.
_COUNTED: Final = (CheckoutState.PAYING.value, CheckoutState.PAID.value)


class ShopCodePaused(HutongError):
    """The merchant has switched this code off."""

    code = "shop_code_paused"
    status = 410
    zh = ErrorText("这个收款码已经停用。", "商家暂停了它。", "请向店员要新的收款码。")
    en = ErrorText("This code is switched off.", "The shop paused it.", "Ask the staff for another one.")


class PaymentTooLarge(HutongError):
    """One payment through this code may not be so large."""

    code = "payment_too_large"
    status = 400
    zh = ErrorText("这个收款码单笔最多收 {maximum}。", "商家设了单笔限额。", "请改小金额，或请店员用收银台收款。")
    en = ErrorText(
        "This code takes {maximum} at most in one payment.",
        "The shop has set a limit.",
        "Type a smaller amount, or pay at the till.",
    )


class BuyerDayFull(HutongError):
    """This buyer has paid as much as one buyer may in a day."""

    code = "buyer_day_full"
    status = 409
    zh = ErrorText(
        "您今天在这个收款码最多还能付 {left}。", "每位顾客每天有限额 {maximum}。", "请改小金额，或请店员用收银台收款。"
    )
    en = ErrorText(
        "You can pay {left} more with this code today.",
        "There is a limit of {maximum} for each buyer and day.",
        "Type a smaller amount, or pay at the till.",
    )


class CodeDayFull(HutongError):
    """The code has taken as much as it may in a day."""

    code = "code_day_full"
    status = 409
    zh = ErrorText("这个收款码今天最多还能收 {left}。", "收款码每天有限额 {maximum}。", "请店员用收银台收款。")
    en = ErrorText(
        "This code can take {left} more today.",
        "There is a limit of {maximum} for the code and day.",
        "Pay at the till.",
    )


class CodeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much a code takes, in minor units: at once, of one buyer a day, in all a day."""

    payment_max_minor: int = PAYMENT_MAX_FEN
    buyer_day_max_minor: int = BUYER_DAY_MAX_FEN
    code_day_max_minor: int = CODE_DAY_MAX_FEN


class ShopCode(msgspec.Struct, frozen=True, kw_only=True):
    """A shop code. Without an ``amount`` the buyer types it."""

    code_id: UUID
    code: str
    state: ShopCodeState
    title: str
    channel_id: UUID
    amount: Money | None
    currency: str
    limits: CodeLimits
    created_at: datetime


class CodeDay(msgspec.Struct, frozen=True, kw_only=True):
    """What a code took, or is taking, on one day."""

    total: Money
    payments_count: int


class CodeRoom(msgspec.Struct, frozen=True, kw_only=True):
    """What a code takes at most, and ``left`` of it today; it is told to the buyer before he pays."""

    payment_max: Money
    buyer_day_max: Money
    code_day_max: Money
    left: Money


async def create_shop_code(
    unit: Unit, *, title: str, channel_id: UUID, currency: str, amount: Money | None, limits: CodeLimits
) -> ShopCode:
    """A new code; what is sold through it belongs to the channel.

    Raises:
        InvalidInput: no title, a limit that is not positive, a fixed amount beyond the limit, too many codes.
    """
    title = title.strip()
    if not 0 < len(title) <= TITLE_CHARS_MAX:
        raise InvalidInput(field="title", problem=f"1–{TITLE_CHARS_MAX}")
    _check_limits(amount, limits)
    known = await unit.scalar(
        select(func.count()).select_from(shop_code).where(shop_code.c.merchant_id == unit.merchant_id)
    )
    if known >= CODES_MAX:
        raise InvalidInput(field="shop_code", problem=f"≤ {CODES_MAX}")
    code_id = unit.new_id()
    await unit.insert(
        shop_code,
        code_id=code_id,
        code=await _free_code(unit, code_id),
        state=ShopCodeState.ACTIVE.value,
        title=title,
        channel_id=channel_id,
        amount_minor=None if amount is None else amount.amount_minor,
        currency=currency,
        payment_max_minor=limits.payment_max_minor,
        buyer_day_max_minor=limits.buyer_day_max_minor,
        code_day_max_minor=limits.code_day_max_minor,
        created_at=unit.now(),
    )
    return await get_shop_code(unit, code_id)


def _check_limits(amount: Money | None, limits: CodeLimits) -> None:
    for name in ("payment_max_minor", "buyer_day_max_minor", "code_day_max_minor"):
        if not 0 < getattr(limits, name) <= SUM_MINOR_MAX:
            raise InvalidInput(field=name, problem=f"1–{SUM_MINOR_MAX}")
    if amount is not None and not 0 < amount.amount_minor <= limits.payment_max_minor:
        raise InvalidInput(field="amount", problem=f"≤ {limits.payment_max_minor}")


async def _free_code(unit: Unit, code_id: UUID) -> str:
    for _ in range(CODE_TRIES_MAX):
        code = new_code(CODE_CHARS)
        if await register(unit, DIRECTORY_KIND, code, code_id):
            return code
    raise RuntimeError("no free shop code found; the code space is too full")


async def get_shop_code(unit: Unit, code_id: UUID) -> ShopCode:
    """One code.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(
        select(shop_code).where(shop_code.c.merchant_id == unit.merchant_id, shop_code.c.code_id == code_id)
    )
    if row is None:
        raise NotFound(what="shop_code", key=str(code_id))
    return _view(row)


async def find_shop_code(unit: Unit, code: str) -> ShopCode | None:
    """The code as it stands on the QR, or None."""
    row = await unit.one(select(shop_code).where(shop_code.c.merchant_id == unit.merchant_id, shop_code.c.code == code))
    return None if row is None else _view(row)


async def list_shop_codes(unit: Unit) -> list[ShopCode]:
    """All codes, the newest first."""
    rows = await unit.all(
        select(shop_code)
        .where(shop_code.c.merchant_id == unit.merchant_id)
        .order_by(shop_code.c.code_id.desc())
        .limit(CODES_MAX)
    )
    return [_view(row) for row in rows]


async def move_shop_code(unit: Unit, code_id: UUID, event: ShopCodeEvent) -> bool:
    """Pause a code, or let it take money again; False when it was so already."""
    return await unit.transition(shop_code, {"code_id": code_id}, SHOP_CODE, event)


async def change_limits(unit: Unit, code_id: UUID, limits: CodeLimits) -> None:
    """Other limits for a code.

    Raises:
        InvalidInput: a limit that is not positive, or below the fixed amount.
        NotFound: not this merchant's.
    """
    known = await get_shop_code(unit, code_id)
    _check_limits(known.amount, limits)
    await unit.run(
        update(shop_code)
        .where(shop_code.c.merchant_id == unit.merchant_id, shop_code.c.code_id == code_id)
        .values(
            payment_max_minor=limits.payment_max_minor,
            buyer_day_max_minor=limits.buyer_day_max_minor,
            code_day_max_minor=limits.code_day_max_minor,
        )
    )


def _view(row: Row[Any]) -> ShopCode:
    return ShopCode(
        code_id=row.code_id,
        code=row.code,
        state=ShopCodeState(row.state),
        title=row.title,
        channel_id=row.channel_id,
        amount=None if row.amount_minor is None else Money(row.amount_minor, row.currency),
        currency=row.currency,
        limits=CodeLimits(
            payment_max_minor=row.payment_max_minor,
            buyer_day_max_minor=row.buyer_day_max_minor,
            code_day_max_minor=row.code_day_max_minor,
        ),
        created_at=row.created_at,
    )


async def use_code(unit: Unit, code: ShopCode, checkout_id: UUID, amount: Money, browser_mark: bytes | None) -> None:
    """Remember which code opened a checkout; ``browser_mark`` is a blind index of the buyer's browser."""
    await unit.insert(
        shop_code_use,
        checkout_id=checkout_id,
        code_id=code.code_id,
        amount_minor=amount.amount_minor,
        browser_mark=browser_mark,
    )


async def mark_code_payer(unit: Unit, checkout_id: UUID, payer_mark: bytes) -> None:
    """Who pays became known: a blind index of the wallet's id. Nothing where no code opened the checkout."""
    await unit.run(
        update(shop_code_use)
        .where(shop_code_use.c.merchant_id == unit.merchant_id, shop_code_use.c.checkout_id == checkout_id)
        .values(payer_mark=payer_mark)
    )


async def count_code_use(unit: Unit, checkout_id: UUID) -> None:
    """The buyer presses "pay": hold the code, compare the day with its limits, and count this payment.

    Does nothing where no code opened the checkout, or where it is counted already.

    Raises:
        ShopCodePaused, PaymentTooLarge, BuyerDayFull, CodeDayFull.
    """
    use = await unit.one(
        select(shop_code_use).where(
            shop_code_use.c.merchant_id == unit.merchant_id, shop_code_use.c.checkout_id == checkout_id
        )
    )
    if use is None or use.counted_at is not None:
        return
    row = await unit.one(
        select(shop_code)
        .where(shop_code.c.merchant_id == unit.merchant_id, shop_code.c.code_id == use.code_id)
        .with_for_update()
    )
    assert row is not None, "a use names a code"
    if row.state != ShopCodeState.ACTIVE.value:
        raise ShopCodePaused
    await _check_day(unit, row, use)
    await unit.run(
        update(shop_code_use)
        .where(shop_code_use.c.merchant_id == unit.merchant_id, shop_code_use.c.checkout_id == checkout_id)
        .values(counted_at=unit.now())
    )


async def _check_day(unit: Unit, code: Row[Any], use: Row[Any]) -> None:
    marks = [
        column == mark
        for column, mark in (
            (shop_code_use.c.browser_mark, use.browser_mark),
            (shop_code_use.c.payer_mark, use.payer_mark),
        )
        if mark is not None
    ]
    of_buyer = func.coalesce(func.sum(shop_code_use.c.amount_minor).filter(or_(*marks)), 0) if marks else None
    if use.amount_minor > code.payment_max_minor:
        raise PaymentTooLarge(maximum=in_words(code.payment_max_minor, code.currency))
    day = await unit.one(
        _day(unit, use.code_id, await _day_start(unit), of_buyer).where(shop_code_use.c.checkout_id != use.checkout_id)
    )
    assert day is not None, "a sum has one row"
    buyer_left = code.buyer_day_max_minor - int(day.buyer_minor)
    if use.amount_minor > buyer_left:
        raise BuyerDayFull(
            left=in_words(max(buyer_left, 0), code.currency), maximum=in_words(code.buyer_day_max_minor, code.currency)
        )
    code_left = code.code_day_max_minor - int(day.total_minor)
    if use.amount_minor > code_left:
        raise CodeDayFull(
            left=in_words(max(code_left, 0), code.currency), maximum=in_words(code.code_day_max_minor, code.currency)
        )


def _day(unit: Unit, code_id: UUID, since: datetime, of_buyer: Any = None) -> Any:  # noqa: ANN401 (a built select)
    return (
        select(
            func.coalesce(func.sum(shop_code_use.c.amount_minor), 0).label("total_minor"),
            func.count().label("payments_count"),
            (func.coalesce(func.sum(0), 0) if of_buyer is None else of_buyer).label("buyer_minor"),
        )
        .select_from(shop_code_use)
        .join(
            checkout,
            (checkout.c.merchant_id == shop_code_use.c.merchant_id)
            & (checkout.c.checkout_id == shop_code_use.c.checkout_id),
        )
        .outerjoin(
            payment,
            (payment.c.merchant_id == checkout.c.merchant_id) & (payment.c.payment_id == checkout.c.payment_id),
        )
        .where(
            shop_code_use.c.merchant_id == unit.merchant_id,
            shop_code_use.c.code_id == code_id,
            shop_code_use.c.counted_at >= since - BEFORE_MIDNIGHT,
            checkout.c.state.in_(_COUNTED),
            or_(
                shop_code_use.c.counted_at >= since,
                checkout.c.state == CheckoutState.PAYING.value,
                payment.c.paid_at >= since,
            ),
        )
    )


async def code_day(unit: Unit, code: ShopCode) -> CodeDay:
    """What a code took today, or is taking."""
    row = await unit.one(_day(unit, code.code_id, await _day_start(unit)))
    assert row is not None, "a sum has one row"
    return CodeDay(total=Money(int(row.total_minor), code.currency), payments_count=int(row.payments_count))


async def code_room(unit: Unit, code: ShopCode) -> CodeRoom:
    """The limits of a code, and what is left of its day."""
    limits, taken = code.limits, (await code_day(unit, code)).total
    return CodeRoom(
        payment_max=Money(limits.payment_max_minor, code.currency),
        buyer_day_max=Money(limits.buyer_day_max_minor, code.currency),
        code_day_max=Money(limits.code_day_max_minor, code.currency),
        left=Money(max(limits.code_day_max_minor - taken.amount_minor, 0), code.currency),
    )


async def code_of_checkout(unit: Unit, checkout_id: UUID) -> ShopCode | None:
    """The code that opened a checkout, or None."""
    row = await unit.one(
        select(shop_code)
        .join(
            shop_code_use,
            (shop_code_use.c.merchant_id == shop_code.c.merchant_id) & (shop_code_use.c.code_id == shop_code.c.code_id),
        )
        .where(shop_code_use.c.merchant_id == unit.merchant_id, shop_code_use.c.checkout_id == checkout_id)
    )
    return None if row is None else _view(row)


async def _day_start(unit: Unit) -> datetime:
    """Midnight of the merchant's day."""
    here = unit.now().astimezone(ZoneInfo((await this_merchant(unit)).timezone))
    return datetime.combine(here.date(), time(0), here.tzinfo)


def in_words(amount_minor: int, currency: str) -> str:
    """An amount inside a sentence of an error."""
    amount = Money(amount_minor, currency).decimal_text()
    return f"¥{amount}" if currency == "CNY" else f"{currency} {amount}"
