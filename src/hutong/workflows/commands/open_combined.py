"""A buyer pays several orders with one tap: they are ordered and bound, and the wallet opens one order for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from hutong.core.errors import HutongError, InvalidInput, PlatformFailure, PlatformUnknown
from hutong.db.unit import Unit
from hutong.payments.checkouts import CheckoutView, hold_checkouts
from hutong.payments.combined import CombinedTry, find_combined, get_try, open_combined, open_try, payments_in_order
from hutong.payments.combined_attempts import (
    attempts_of_many,
    attempts_of_try,
    mark_try_unclear,
    open_parts,
    refuse_try,
)
from hutong.payments.combined_queries import CombinedRow, one_combined
from hutong.payments.health import record_success
from hutong.payments.service import AttemptView, PaymentOpened, mark_opened
from hutong.payments.states import UNPAID, UNSETTLED
from hutong.platforms.combined import CombinedPart, CreateCombined
from hutong.platforms.payments import PaymentCreated, PayMethod
from hutong.workflows.commands.combined_order import (
    before_the_order,
    one_of_each,
    order_parts,
    parts_owed,
    payable_part,
)
from hutong.workflows.commands.combined_parts import CombinedWanted, combines
from hutong.workflows.commands.combined_wallet import combining
from hutong.workflows.commands.freeze import freeze, is_frozen
from hutong.workflows.commands.order import CheckoutOver
from hutong.workflows.commands.pay import (
    ATTEMPTS_PER_PAYMENT_MAX,
    DESCRIPTION_CHARS_MAX,
    ENDED,
    ROUNDS_MAX,
    EndedBefore,
    PayerUnknown,
    blame_account,
    schedule_close,
)
from hutong.workflows.commands.settle import try_to_close
from hutong.workflows.commands.switch import AlreadyPaid, ask_how_it_ended, end_earlier, ended_before
from hutong.workflows.commands.wallets import NoWallet, WalletAccount, wallet_accounts
from hutong.workflows.jobs import QUERY_COMBINED, QUERY_FIRST, TryKey
from hutong.workflows.runtime import Runtime


class CombinedOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A combined payment, and what the app invokes the wallet with; nothing once it has ended."""

    row: CombinedRow
    created: PaymentCreated | None


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Where a payment stands in a request, counted from one; what was bought, and which account gets its money."""

    number: int
    title: str
    receiver_id: UUID


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part, about to be opened at the wallet."""

    attempt: AttemptView
    seat: Seat
    is_shared: bool


class CombinedStep(msgspec.Struct, frozen=True, kw_only=True):
    """What to do next: end what is earlier, else open this try at this account."""

    account: WalletAccount
    made: CombinedTry | None
    parts: tuple[Part, ...]
    earlier: tuple[AttemptView, ...]


async def open_combined_payment(
    runtime: Runtime, merchant_id: UUID, checkout_ids: Sequence[UUID], wanted: CombinedWanted
) -> CombinedOpened:
    """Order, reserve and bind what lies on these desks in one transaction, then the wallet's one order for all of it.

    Asked again it finds the same, with fresh parameters; once it has ended it only says so. Whatever another way,
    another account or another combination had opened for one of the parts is ended at its wallet first. An account that
    refuses for reasons of its own leaves it to the wallet's next one; one that does not answer does not: what became of
    that is found out, not guessed.

    Raises:
        OutOfStock, CheckoutOver, NoWallet, PayerUnknown, AlreadyPaid, EarlierPaymentUnclear.
        PlatformUnknown: the wallet did not answer; it is followed up by itself, and asking again is safe.
        PlatformFailure: the wallet refused. InvalidInput: no account combines such parts; nothing was ordered.
    """
    try:
        created = await _open(runtime, merchant_id, checkout_ids, wanted)
    except (CheckoutOver, AlreadyPaid):
        row = await _found(runtime, merchant_id, checkout_ids, wanted)
        if row is None:
            raise
        return CombinedOpened(row=row, created=None)
    row = await _found(runtime, merchant_id, checkout_ids, wanted)
    assert row is not None, "it was opened"
    return CombinedOpened(row=row, created=created)


async def _found(
    runtime: Runtime, merchant_id: UUID, checkout_ids: Sequence[UUID], wanted: CombinedWanted
) -> CombinedRow | None:
    async with runtime.unit(merchant_id, "combined.read") as unit:
        views = await hold_checkouts(unit, checkout_ids)
        payment_ids = {view.payment_id for view in views.values() if view.payment_id is not None}
        if len(payment_ids) != len(checkout_ids):
            return None
        combined = await find_combined(unit, payment_ids, wanted.platform, wanted.method.value)
        return None if combined is None else await one_combined(unit, combined.combined_id)


async def _open(
    runtime: Runtime, merchant_id: UUID, checkout_ids: Sequence[UUID], wanted: CombinedWanted
) -> PaymentCreated:
    tried: set[UUID] = set()
    trouble: HutongError = NoWallet()
    for _ in range(ROUNDS_MAX):
        account = await _choose(runtime, merchant_id, checkout_ids, wanted, tried)
        if account is None:
            raise trouble
        try:
            receivers = await _receivers(runtime, merchant_id, account, wanted)
        except InvalidInput as problem:  # another account may combine them; the first one's reason is told
            trouble = problem if isinstance(trouble, NoWallet) else trouble
            tried.add(account.connection.connection_id)
            continue
        async with runtime.unit(merchant_id, "combined.open") as unit:
            step = await prepare(unit, checkout_ids, wanted, account)
        if step.earlier:
            await end_earlier(runtime, merchant_id, step.earlier)
            continue
        try:
            return await _open_at_wallet(runtime, merchant_id, step, receivers, wanted)
        except EndedBefore as ended:  # unpaid, or the command has said so: the next round opens another one
            trouble = ended.refusal
        except PlatformUnknown as problem:
            await blame_account(runtime, merchant_id, account, problem)
            raise
        except PlatformFailure as problem:
            if not await blame_account(runtime, merchant_id, account, problem):
                raise
            trouble = problem
            tried.add(account.connection.connection_id)
    raise trouble


async def _choose(
    runtime: Runtime,
    merchant_id: UUID,
    checkout_ids: Sequence[UUID],
    wanted: CombinedWanted,
    tried: set[UUID],
) -> WalletAccount | None:
    """The account to open it at: the one that has opened it already, unless it stands back; else the first that can.

    Raises:
        PayerUnknown: only such as know the buyer by another id.
    """
    async with runtime.unit(merchant_id, "combined.account") as unit:
        usable = [one for one in await wallet_accounts(runtime, unit) if combines(one, wanted)]
        usable = [one for one in usable if one.connection.connection_id not in tried]
        views = await hold_checkouts(unit, checkout_ids)
        live = await _live_at(unit, views)
    if wanted.method is PayMethod.JSAPI and usable:
        scopes = {view.payer_scope for view in views.values()}
        knowing = [one for one in usable if scopes <= {"", one.scope_in(wanted.method)}]
        if not knowing and not tried:
            raise PayerUnknown
        usable = knowing
    for account in usable:
        if account.connection.connection_id in live and not (account.is_down and len(usable) > 1):
            return account
    return usable[0] if usable else None


async def _live_at(unit: Unit, views: dict[UUID, CheckoutView]) -> set[UUID]:
    """The accounts at which one of these is open as a part."""
    payment_ids = [view.payment_id for view in views.values() if view.payment_id is not None]
    attempts = await attempts_of_many(unit, payment_ids) if payment_ids else []
    return {one.asked_at_id for one in attempts if one.combined_try_id is not None and one.state in UNPAID}


async def _receivers(
    runtime: Runtime, merchant_id: UUID, account: WalletAccount, wanted: CombinedWanted
) -> tuple[str, ...]:
    """Who gets each part's money, in the wallet's words. Raises InvalidInput where this account cannot combine that."""
    here = account.connection
    opened = await runtime.open_account(merchant_id, here.connection_id)
    async with runtime.unit(merchant_id, "combined.receivers") as unit:
        taking = {one.connection.connection_id for one in await wallet_accounts(runtime, unit)}
    sellers = []
    for part in wanted.parts:
        seller = await runtime.open_account(merchant_id, part.connection_id or here.connection_id)
        there = seller.connection
        if (there.platform, there.mode) != (here.platform, here.mode):
            raise InvalidInput(field="connection_id", problem=f"{there.platform}, {there.mode.value}")
        if part.connection_id is not None and part.connection_id not in taking:
            raise InvalidInput(field="connection_id", problem="is_active = 0")
        sellers.append(seller.account)
    return combining(opened).receivers(opened.account, sellers)


async def prepare(
    unit: Unit, checkout_ids: Sequence[UUID], wanted: CombinedWanted, account: WalletAccount
) -> CombinedStep:
    """The next step, with every desk held against a second tap: what another has opened meanwhile is seen.

    Raises:
        OutOfStock, CheckoutOver: one of the parts cannot be paid; nothing is ordered of any.
    """
    views = await hold_checkouts(unit, checkout_ids)
    desks = [payable_part(views, number, one) for number, one in enumerate(checkout_ids, start=1)]
    earlier = await before_the_order(unit, desks)
    if earlier:
        return CombinedStep(account=account, made=None, parts=(), earlier=earlier)
    await order_parts(unit, desks)
    views = await hold_checkouts(unit, checkout_ids)
    seats = await _seats(unit, [views[checkout_id] for checkout_id in checkout_ids], wanted, account)
    attempts = await attempts_of_many(unit, list(seats))
    same = await _same_try(unit, attempts, seats, wanted, account)
    unsettled = [one for one in attempts if one.state in UNSETTLED]
    if same is not None:
        parts = [one for one in attempts if one.combined_try_id == same.try_id]
        shared = [await is_frozen(unit, account.connector, part) for part in parts]
        return _step(account, same, parts, shared, seats)
    owed = await parts_owed(unit, {seat.number: payment_id for payment_id, seat in seats.items()})
    if unsettled:
        return CombinedStep(account=account, made=None, parts=(), earlier=one_of_each(unsettled))
    for payment_id in seats:
        if sum(one.payment_id == payment_id for one in attempts) >= ATTEMPTS_PER_PAYMENT_MAX:
            raise CheckoutOver
    made, parts = await _begin(unit, [(owed[one], seat) for one, seat in seats.items()], wanted, account)
    shared = [await freeze(unit, account.connector, part) for part in parts]
    return _step(account, made, parts, shared, seats)


async def _seats(
    unit: Unit, desks: Sequence[CheckoutView], wanted: CombinedWanted, account: WalletAccount
) -> dict[UUID, Seat]:
    """Where each payment stands in this request, in the order in which they were first combined: the wallet knows it.

    A wallet takes the same parts in another order for another order under a number that is taken.
    """
    seats: dict[UUID, Seat] = {}
    for number, (view, part) in enumerate(zip(desks, wanted.parts, strict=True), start=1):
        assert view.payment_id is not None, "it was ordered"
        receiver_id = part.connection_id or account.connection.connection_id
        seats[view.payment_id] = Seat(number=number, title=view.goods.title, receiver_id=receiver_id)
    combined = await find_combined(unit, list(seats), wanted.platform, wanted.method.value)
    if combined is None:
        return seats
    return {payment_id: seats[payment_id] for payment_id in await payments_in_order(unit, combined.combined_id)}


async def _same_try(
    unit: Unit,
    attempts: Sequence[AttemptView],
    seats: Mapping[UUID, Seat],
    wanted: CombinedWanted,
    account: WalletAccount,
) -> CombinedTry | None:
    """The try that is open at this account for exactly these parts and these receivers, or None."""
    here = account.connection.connection_id
    receivers = {payment_id: seat.receiver_id for payment_id, seat in seats.items()}
    tries = {one.combined_try_id for one in attempts if one.asked_at_id == here and one.state in UNPAID}
    for try_id in tries:
        if try_id is None:
            continue
        parts = await attempts_of_try(unit, try_id)
        told = {part.payment_id: part.connection_id for part in parts}
        is_open = all(part.state in UNPAID and part.method == wanted.method.value for part in parts)
        if is_open and told == receivers:
            return await get_try(unit, try_id)
    return None


async def _begin(
    unit: Unit, owed: Sequence[tuple[PaymentOpened, Seat]], wanted: CombinedWanted, account: WalletAccount
) -> tuple[CombinedTry, list[AttemptView]]:
    here = account.connection.connection_id
    method, platform = wanted.method.value, wanted.platform
    amounts = {one.payment_id: one.amount for one, _ in owed}
    combined = await find_combined(unit, list(amounts), platform, method)
    if combined is None:
        combined = await open_combined(unit, amounts, platform, method)
    until = min(one.expires_at for one, _ in owed)
    made = await open_try(unit, combined.combined_id, here, until)
    attempts = await open_parts(unit, made, platform, method, [(one, seat.receiver_id) for one, seat in owed])
    unit.schedule(QUERY_COMBINED, TryKey(made.try_id), delay=QUERY_FIRST, dedupe_key=made.number)
    for attempt in attempts:
        schedule_close(unit, attempt)
    return made, attempts


def _step(
    account: WalletAccount,
    made: CombinedTry,
    attempts: Sequence[AttemptView],
    shared: Sequence[bool],
    seats: Mapping[UUID, Seat],
) -> CombinedStep:
    by_payment = {one.payment_id: (one, is_shared) for one, is_shared in zip(attempts, shared, strict=True)}
    parts = tuple(
        Part(attempt=by_payment[payment_id][0], seat=seat, is_shared=by_payment[payment_id][1])
        for payment_id, seat in seats.items()
    )
    return CombinedStep(account=account, made=made, parts=parts, earlier=())


async def _open_at_wallet(
    runtime: Runtime, merchant_id: UUID, step: CombinedStep, receivers: Sequence[str], wanted: CombinedWanted
) -> PaymentCreated:
    """Ask the wallet to open its order. No answer is UNKNOWN, never failure: the query schedule finds out."""
    assert step.made is not None, "nothing earlier stands in the way"
    opened = await runtime.open_account(merchant_id, step.made.connection_id)
    command = _command(runtime, step, step.made, receivers, wanted)
    try:
        created = await combining(opened).create(opened.account, command)
    except (PlatformUnknown, PlatformFailure, InvalidInput) as problem:
        if isinstance(problem, PlatformFailure) and ended_before(problem):
            await ask_how_it_ended(runtime, merchant_id, step.parts[0].attempt)
            raise EndedBefore(problem) from None
        await _tell_problem(runtime, merchant_id, step.made, problem)
        raise
    async with runtime.unit(merchant_id, "combined.opened") as unit:
        await mark_opened(unit, [part.attempt.attempt_id for part in step.parts])
        parts = await attempts_of_try(unit, step.made.try_id)
        if step.account.is_troubled:
            await record_success(unit, step.made.connection_id)
    ended = next((part for part in parts if part.state in ENDED), None)
    if ended is not None:  # something else took a part over while this one was opening: nobody may pay here any more
        await try_to_close(runtime, merchant_id, ended)
        raise CheckoutOver
    return created


def _command(
    runtime: Runtime, step: CombinedStep, made: CombinedTry, receivers: Sequence[str], wanted: CombinedWanted
) -> CreateCombined:
    return CreateCombined(
        combine_out_trade_no=made.number,
        parts=tuple(
            CombinedPart(
                merchant_ref=receivers[part.seat.number - 1],
                out_trade_no=part.attempt.out_trade_no,
                amount=part.attempt.amount,
                description=part.seat.title[:DESCRIPTION_CHARS_MAX],
                attach=part.attempt.payment_id.hex,
                shared=part.is_shared,
            )
            for part in step.parts
        ),
        method=wanted.method,
        notify_url=runtime.callback_url(wanted.platform, made.connection_id),
        expires_at=made.expires_at,
        payer_id=wanted.payer_id or None,
        client_ip=wanted.client_ip or None,
    )


async def _tell_problem(
    runtime: Runtime, merchant_id: UUID, made: CombinedTry, problem: PlatformUnknown | PlatformFailure | InvalidInput
) -> None:
    """Write down how the wallet failed to open it: refused, and no part is held by it any more, or unclear."""
    async with runtime.unit(merchant_id, "combined.problem") as unit:
        if isinstance(problem, PlatformUnknown):
            await mark_try_unclear(unit, made.try_id)
        else:
            await refuse_try(unit, made.try_id, str(problem.details.get("platform_code", problem.code)))
