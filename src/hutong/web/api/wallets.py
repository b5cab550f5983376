"""What a person decides about wallets: which account comes first, what is closed now, what becomes of stuck refunds."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, patch, post

from hutong.core.money import BPS_WHOLE
from hutong.db.unit import Unit
from hutong.merchants.actors import key_actor
from hutong.merchants.connections import CALLS_PER_S, PLATFORM_FEE_BPS
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import Line, RequestBody, Word
from hutong.web.api.callers import once
from hutong.workflows.commands.account_settings import change_account_settings
from hutong.workflows.commands.rescue_refund import ask_again, rescue_refund
from hutong.workflows.commands.settle import close_by_hand
from hutong.workflows.runtime import Runtime

Priority = Annotated[int, msgspec.Meta(ge=0, le=1000)]
FeeBps = Annotated[int, msgspec.Meta(ge=0, le=BPS_WHOLE)]
CallsPerS = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class WalletChange(RequestBody, frozen=True, kw_only=True):
    """A smaller priority takes payments first; an account that is not active takes none.

    ``calls_per_s``: what the platform has granted this account; without it the hub keeps to a careful rate of its own.
    ``platform_fee_bps``: what a shop platform keeps of each sale, booked for sales from now on.
    """

    priority: Priority | None = None
    calls_per_s: CallsPerS | None = None
    platform_fee_bps: FeeBps | None = None
    is_active: bool | None = None


class WalletChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The connection that was changed."""

    connection_id: UUID


class CloseAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The payment whose close is under way: at the wallets first, then here. Money that came first counts."""

    payment_id: UUID


class Rescue(RequestBody, frozen=True, kw_only=True):
    """Where the money shall go instead: a card of the buyer, or (no card) the merchant's own account."""

    card_bank: Word = ""
    card_number: Word = ""
    card_holder: Line = ""

    def __repr__(self) -> str:
        return "Rescue(…)"


class RefundStands(msgspec.Struct, frozen=True, kw_only=True):
    """A refund and where it stands."""

    refund_id: UUID
    state: str


class WalletsApi(Controller):
    """Wallet accounts, open payments and stuck refunds."""

    path = "/api/v1"
    tags = ["Wallets"]

    @patch("/connections/{connection_id:uuid}", opt={"scope": "connections:write"}, summary="Order or pause an account")
    async def change(self, runtime: Runtime, caller: ApiKey, connection_id: UUID, data: WalletChange) -> WalletChanged:
        """Which account of a wallet takes payments first, which takes none, and how fast each may be called."""
        changes: dict[str, str | int] = {}
        if data.priority is not None:
            changes["priority"] = data.priority
        if data.calls_per_s is not None:
            changes[CALLS_PER_S] = data.calls_per_s
        if data.platform_fee_bps is not None:
            changes[PLATFORM_FEE_BPS] = data.platform_fee_bps
        if data.is_active is not None:
            changes["is_active"] = int(data.is_active)
        async with runtime.unit(caller.merchant_id, "connection.change") as unit:
            await change_account_settings(unit, key_actor(caller), connection_id, changes)
        return WalletChanged(connection_id=connection_id)

    @post("/payments/{payment_id:uuid}/close", opt={"scope": "orders:write"}, summary="Close an unpaid payment now")
    async def close(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, payment_id: UUID
    ) -> Response[bytes]:
        """Close at the wallets, then here; also asks once more about one that has been unclear for long.

        Where a wallet says that another sum was paid, this is the decision that it pays nothing.
        """

        async def work(unit: Unit) -> CloseAsked:
            await close_by_hand(unit, payment_id, key_actor(caller))
            return CloseAsked(payment_id=payment_id)

        return await once(runtime, caller, request, "payment.close_now", work)

    @post("/refunds/{refund_id:uuid}/rescue", opt={"scope": "refunds:write"}, summary="Apply for a refund again")
    async def rescue(self, runtime: Runtime, caller: ApiKey, refund_id: UUID, data: Rescue) -> RefundStands:
        """For a refund that could not reach the buyer; its number stays the same."""
        state = await rescue_refund(
            runtime,
            caller.merchant_id,
            refund_id,
            key_actor(caller),
            card_bank=data.card_bank,
            card_number=data.card_number,
            card_holder=data.card_holder,
        )
        return RefundStands(refund_id=refund_id, state=state.value)

    @post("/refunds/{refund_id:uuid}/retry", opt={"scope": "refunds:write"}, summary="Follow a refund again")
    async def retry(self, runtime: Runtime, caller: ApiKey, refund_id: UUID) -> RefundStands:
        """For a refund that nobody follows any more; its number stays the same."""
        await ask_again(runtime, caller.merchant_id, refund_id, key_actor(caller))
        return RefundStands(refund_id=refund_id, state="asked")
