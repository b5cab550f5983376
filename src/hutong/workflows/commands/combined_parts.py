"""What a buyer is to pay with one tap, laid out on desks: goods, amounts, or what is owed already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from hutong.core.errors import CurrencyMismatch, ErrorText, HutongError, InvalidInput, NotFound
from hutong.core.money import SUM_MINOR_MAX, Money
from hutong.db.unit import Unit
from hutong.payments.checkouts import (
    CheckoutView,
    checkouts_of_payments,
    get_checkout,
    hold_checkouts,
    know_payer,
    payer_of,
)
from hutong.payments.combined import PARTS_MAX, PARTS_MIN
from hutong.platforms.payments import PayMethod
from hutong.workflows.commands.open_payment import Wanted, goods_of, lay_goods
from hutong.workflows.commands.wallets import NoWallet, WalletAccount, wallet_accounts
from hutong.workflows.runtime import Runtime


class PayerDiffers(HutongError):
    """A part is being paid by somebody else."""

    code = "payer_differs"
    status = 409
    zh = ErrorText(
        "第 {part} 笔是另一位买家的订单。", "合单只能由同一位买家一次付清。", "请去掉这一笔，或让那位买家自己付款。"
    )
    en = ErrorText(
        "Part {part} is another buyer's order.",
        "A combined payment is made by one buyer.",
        "Leave that part out, or let its buyer pay it.",
    )


class PartWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed already (``payment_id``), or pieces of a SKU, or an amount with a title.

    ``connection_id``: which account of the wallet gets its money; without, the one that opens the combined payment.
    """

    payment_id: UUID | None = None
    sku_id: UUID | None = None
    quantity: int = 1
    amount: Money | None = None
    title: str = ""
    connection_id: UUID | None = None
    link_id: UUID | None = None
    channel_id: UUID | None = None

    @property
    def is_bare(self) -> bool:
        """Whether it says nothing about goods."""
        return self.sku_id is None and self.amount is None and self.quantity == 1 and not self.title


class CombinedWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Orders to be paid together, at which wallet, in which way and by whom."""

    platform: str
    method: PayMethod
    parts: tuple[PartWanted, ...]
    payer_id: str = ""
    client_ip: str = ""
    connection_id: UUID | None = None

    def __repr__(self) -> str:
        return f"CombinedWanted({self.platform}, {self.method}, {len(self.parts)})"


def combines(account: WalletAccount, wanted: CombinedWanted) -> bool:
    """Whether this account can open such a combined payment."""
    combined = account.connector.combined
    return (
        combined is not None
        and account.connector.name == wanted.platform
        and wanted.method in combined.methods
        and wanted.connection_id in (None, account.connection.connection_id)
    )


async def lay_out_parts(runtime: Runtime, unit: Unit, wanted: CombinedWanted) -> tuple[UUID, ...]:
    """A desk for each part, in their order; nothing is ordered and no wallet asked yet.

    Raises:
        InvalidInput: too few or many parts, one twice or not clear, too much in all, or what the way to pay needs is
            missing.
        NotFound: no such payment, SKU, link or channel.
        NoWallet: no account combines in this way.
        PayerDiffers, CurrencyMismatch: they cannot be paid together.
    """
    _check(wanted)
    account = next((one for one in await wallet_accounts(runtime, unit) if combines(one, wanted)), None)
    if account is None:
        raise NoWallet
    owed = [part.payment_id for part in wanted.parts if part.payment_id is not None]
    known = await checkouts_of_payments(unit, owed) if owed else {}
    desks = [await _lay_out(unit, wanted, part, account, known) for part in wanted.parts]
    _check_sum(desks)
    if wanted.payer_id:
        await know_who_pays(runtime, unit, account, wanted, desks)
    return tuple(desk.checkout_id for desk in desks)


def _check(wanted: CombinedWanted) -> None:
    if not PARTS_MIN <= len(wanted.parts) <= PARTS_MAX:
        raise InvalidInput(field="parts", problem=f"{PARTS_MIN}..{PARTS_MAX}")
    owed = [part.payment_id for part in wanted.parts if part.payment_id is not None]
    if len(set(owed)) != len(owed):
        raise InvalidInput(field="parts", problem="payment_id ×2")
    if bool(wanted.payer_id) != (wanted.method is PayMethod.JSAPI):
        raise InvalidInput(field="payer_id", problem=wanted.method.value)
    if bool(wanted.client_ip) != (wanted.method is PayMethod.H5):
        raise InvalidInput(field="client_ip", problem=wanted.method.value)


async def _lay_out(
    unit: Unit, wanted: CombinedWanted, part: PartWanted, account: WalletAccount, known: Mapping[UUID, CheckoutView]
) -> CheckoutView:
    if part.payment_id is not None:
        if not part.is_bare or part.link_id is not None or part.channel_id is not None:
            raise InvalidInput(field="parts", problem="payment_id | sku_id | amount_fen")
        if part.payment_id not in known:
            raise NotFound(what="payment", key=str(part.payment_id))
        return known[part.payment_id]
    goods = Wanted(
        platform=wanted.platform,
        method=wanted.method,
        sku_id=part.sku_id,
        quantity=part.quantity,
        amount=part.amount,
        title=part.title,
        link_id=part.link_id,
        channel_id=part.channel_id,
    )
    return await get_checkout(unit, await lay_goods(unit, goods, await goods_of(unit, goods), account))


def _check_sum(desks: Sequence[CheckoutView]) -> None:
    currency = desks[0].goods.amount.currency
    for desk in desks:
        if desk.goods.amount.currency != currency:
            raise CurrencyMismatch(left=currency, right=desk.goods.amount.currency)
    if sum(desk.goods.amount.amount_minor for desk in desks) > SUM_MINOR_MAX:
        raise InvalidInput(field="parts", problem=f"≤ {SUM_MINOR_MAX}")


async def know_who_pays(
    runtime: Runtime, unit: Unit, account: WalletAccount, wanted: CombinedWanted, desks: Sequence[CheckoutView]
) -> None:
    """Who pays, at every desk. One where the same app has seen somebody else is not his to pay."""
    kind, scope = account.connector.identity_kind, account.scope_in(wanted.method)
    held = await hold_checkouts(unit, [desk.checkout_id for desk in desks])  # as they are now, in the order of all
    for number, desk in enumerate([held[desk.checkout_id] for desk in desks], start=1):
        if desk.payer_kind == kind and desk.payer_scope in ("", scope):
            if await payer_of(unit, runtime.vault, desk) != wanted.payer_id:
                raise PayerDiffers(part=number)
            continue
        await know_payer(unit, runtime.vault, desk.checkout_id, kind, wanted.payer_id, scope)
