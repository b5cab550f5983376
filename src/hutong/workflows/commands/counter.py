"""Sales without goods: through a shop's code that hangs on the wall, and at the counter where staff type the amount."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.links.queries import channel_choices
from hutong.links.service import ChannelKind, create_channel
from hutong.merchants.directory import CHECKOUT, register
from hutong.merchants.queries import this_merchant
from hutong.payments.checkouts import Goods, Visit, open_checkout
from hutong.payments.shop_codes import (
    CodeLimits,
    PaymentTooLarge,
    ShopCode,
    ShopCodePaused,
    create_shop_code,
    find_shop_code,
    in_words,
    use_code,
)
from hutong.payments.states import ShopCodeState
from hutong.workflows.runtime import Runtime

#: Where somebody stands who came by no link.
STORE: Final = "store"
COUNTER_TITLE: Final = "收银台"
BROWSER_MARK: Final = "shop_code.browser"
#: One typed amount; more is a slip of the finger.
COUNTER_MAX_FEN: Final = 5_000_000


async def open_shop_code(
    runtime: Runtime, merchant_id: UUID, *, title: str, amount: Money | None, limits: CodeLimits
) -> ShopCode:
    """A code with a channel of its own, so that books and figures tell what it sold."""
    async with runtime.unit(merchant_id, "shop_code.open") as unit:
        currency = (await this_merchant(unit)).currency
        channel_id = await create_channel(unit, ChannelKind.STORE, STORE, title)
        return await create_shop_code(
            unit, title=title, channel_id=channel_id, currency=currency, amount=amount, limits=limits
        )


async def start_code_checkout(
    runtime: Runtime, merchant_id: UUID, code: str, *, amount: Money | None, container: str, browser: str
) -> UUID:
    """A checkout for a typed amount, or for the code's own; ``browser`` is a mark kept in the buyer's browser.

    Raises:
        NotFound, ShopCodePaused, PaymentTooLarge.
        InvalidInput: no amount, or none above zero.
    """
    mark = await runtime.vault.blind_index(merchant_id, BROWSER_MARK, browser.encode()) if browser else None
    async with runtime.unit(merchant_id, "shop_code.checkout") as unit:
        found = await find_shop_code(unit, code)
        if found is None:
            raise NotFound(what="shop_code", key=code)
        if found.state is not ShopCodeState.ACTIVE:
            raise ShopCodePaused
        wanted = found.amount or amount
        if wanted is None or wanted.amount_minor <= 0 or wanted.currency != found.currency:
            raise InvalidInput(field="amount", problem="> 0")
        if wanted.amount_minor > found.limits.payment_max_minor:
            raise PaymentTooLarge(maximum=in_words(found.limits.payment_max_minor, found.currency))
        goods = Goods(sku_id=None, title=found.title, quantity=1, amount=wanted)
        checkout_id = await _open(unit, goods, Visit(channel_id=found.channel_id, container=container))
        await use_code(unit, found, checkout_id, wanted, mark)
    return checkout_id


async def start_counter_checkout(runtime: Runtime, merchant_id: UUID, amount: Money, title: str = "") -> UUID:
    """A sale at the counter: staff typed the amount; the buyer shows a payment code or scans a QR.

    Raises:
        InvalidInput: not above zero, or beyond COUNTER_MAX_FEN.
    """
    if not 0 < amount.amount_minor <= COUNTER_MAX_FEN:
        raise InvalidInput(field="amount", problem=f"0.01–{COUNTER_MAX_FEN // 100}")
    async with runtime.unit(merchant_id, "counter.checkout") as unit:
        goods = Goods(sku_id=None, title=title.strip() or COUNTER_TITLE, quantity=1, amount=amount)
        return await _open(unit, goods, Visit(channel_id=await _counter_channel(unit), container=STORE))


async def _counter_channel(unit: Unit) -> UUID:
    for choice in await channel_choices(unit):
        if choice.kind == ChannelKind.STORE.value and choice.name == COUNTER_TITLE:
            return choice.channel_id
    return await create_channel(unit, ChannelKind.STORE, STORE, COUNTER_TITLE)


async def _open(unit: Unit, goods: Goods, visit: Visit) -> UUID:
    checkout_id = await open_checkout(unit, goods, visit)
    await register(unit, CHECKOUT, checkout_id.hex, checkout_id)
    return checkout_id
