"""Parties, split rules, what they would give of a sale, commissions and payouts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.core.errors import InvalidInput
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.commission_queries import commission_totals, commissions_of
from hutong.ledger.commissions import preview
from hutong.ledger.parties import create_party, give_channel, introduce, know_customer, parties_page
from hutong.ledger.payout_queries import PayoutMethod, outside_payments
from hutong.ledger.payouts import NOTE_CHARS_MAX, record_outside_payment, undo_outside_payment
from hutong.ledger.receivers import set_receiver, wallets_of
from hutong.ledger.rule_terms import (
    PAID_FOR_ORDER,
    PRIORITY_DEFAULT,
    FixedPer,
    RuleBase,
    RuleKind,
    RuleScope,
    RuleTerms,
    TierBy,
    TierMode,
    TierStep,
)
from hutong.ledger.rules import Sold, SoldLine, Split
from hutong.ledger.split_rules import NewRule, RuleRow, end_rule, rules_page
from hutong.ledger.split_terms import SplitTerms, get_terms, set_terms
from hutong.merchants.actors import PAYOUTS, key_actor
from hutong.merchants.keys import ApiKey
from hutong.platforms.sharing import ReceiverKind, ShareReceiver
from hutong.web.api.bodies import CurrencyCode, Line, Price, RequestBody, Sum, Word
from hutong.web.api.callers import once
from hutong.web.api.catalogue import Limit, Offset
from hutong.workflows.commands.sold import expected_wallet, try_on_order
from hutong.workflows.commands.split_rule import make_split_rule, replace_split_rule
from hutong.workflows.runtime import Runtime


class NewParty(RequestBody, frozen=True, kw_only=True):
    """Somebody who earns a share; who introduced them, and which customer they are themselves, where known."""

    name: Line
    kind: Word = "poster"
    introduced_by: UUID | None = None
    customer_id: UUID | None = None


class PartyMade(msgspec.Struct, frozen=True, kw_only=True):
    """The party's id."""

    party_id: UUID


class PartyFact(RequestBody, frozen=True, kw_only=True):
    """What is to be known of a party; what is left out stays as it is."""

    channel_id: UUID | None = None
    introduced_by: UUID | None = None
    customer_id: UUID | None = None


class NewReceiver(RequestBody, frozen=True, kw_only=True):
    """A party's account at a wallet: a merchant's number, or a person's id there. It is sealed and never shown."""

    platform: Word
    kind: ReceiverKind
    account_ref: Line
    name: Line = ""
    relation: Word = ""

    def __repr__(self) -> str:
        return f"NewReceiver({self.platform})"


class WalletsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """At which wallets a party has an account."""

    party_id: UUID
    platforms: tuple[str, ...]


class StepRequest(msgspec.Struct, frozen=True):
    """From this sum on, this rate."""

    from_minor: Sum
    rate_bps: int


class RuleRequest(RequestBody, frozen=True, kw_only=True):
    """A rule: its kind's own terms, and which sales it is about; nothing named means every sale.

    Rates are hundredths of a per cent, amounts minor units of ``currency``.
    """

    party_id: UUID
    kind: RuleKind = RuleKind.PERCENT
    rate_bps: int = 0
    amount_minor: Sum = 0
    per: FixedPer = FixedPer.ORDER
    steps: tuple[StepRequest, ...] = ()
    by: TierBy = TierBy.ORDER
    mode: TierMode = TierMode.MARGINAL
    order_max_minor: Sum | None = None
    order_max_bps: int | None = None
    period_max_minor: Sum | None = None
    channel_id: UUID | None = None
    link_id: UUID | None = None
    live_session_id: UUID | None = None
    sku_id: UUID | None = None
    product_id: UUID | None = None
    person_id: UUID | None = None
    base: RuleBase = RuleBase.GROSS
    level: int = 1
    priority: int = PRIORITY_DEFAULT
    currency: CurrencyCode = "CNY"
    paid_for: Word = PAID_FOR_ORDER

    def rule(self) -> NewRule:
        """As the rule book takes it."""
        figures = {name: getattr(self, name) for name in RuleTerms.__struct_fields__}
        figures["steps"] = tuple(TierStep(step.from_minor, step.rate_bps) for step in self.steps)
        terms = RuleTerms(**figures)
        scope = RuleScope(**{name: getattr(self, name) for name in RuleScope.__struct_fields__})
        return NewRule(
            party_id=self.party_id,
            kind=self.kind,
            terms=terms,
            scope=scope,
            base=self.base,
            level=self.level,
            priority=self.priority,
            currency=self.currency,
            paid_for=self.paid_for,
        )


class RuleMade(msgspec.Struct, frozen=True, kw_only=True):
    """The rule's id."""

    rule_id: UUID


class RulesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of rules."""

    items: tuple[RuleRow, ...]
    total: int


class TermsRequest(RequestBody, frozen=True, kw_only=True):
    """The merchant's bounds; what is left out stays as it is."""

    total_cap_bps: int | None = None
    return_window_days: int | None = None


class PreviewRequest(RequestBody, frozen=True, kw_only=True):
    """A sale to try the rules on: an order that exists, or one that is made up."""

    order_id: UUID | None = None
    gross_minor: Sum = 0
    fee_minor: Sum = 0
    currency: CurrencyCode = "CNY"
    channel_id: UUID | None = None
    link_id: UUID | None = None
    live_session_id: UUID | None = None
    person_id: UUID | None = None
    customer_id: UUID | None = None
    lines: tuple[SoldLine, ...] = ()

    def sold(self) -> Sold:
        """The sale that is made up."""
        named = ("channel_id", "link_id", "live_session_id", "person_id", "customer_id", "lines")
        return Sold(
            gross=Money(self.gross_minor, self.currency),
            fee=Money(self.fee_minor, self.currency),
            **{name: getattr(self, name) for name in named},
        )


class NewPayout(RequestBody, frozen=True, kw_only=True):
    """A payment to a party outside the wallet: how much, when, and the bank's or anybody's reference."""

    party_id: UUID
    amount_minor: Price
    paid_at: datetime
    reference: Line
    currency: CurrencyCode = "CNY"
    paid_by: Line = ""  # who paid; without it the key's name
    method: PayoutMethod | None = None
    note: Annotated[str, msgspec.Meta(max_length=NOTE_CHARS_MAX)] = ""


class PayoutMade(msgspec.Struct, frozen=True, kw_only=True):
    """The payment's id."""

    outside_payment_id: UUID


class PayoutUndo(RequestBody, frozen=True, kw_only=True):
    """Why a payment is undone."""

    reason: Line


class SplitsApi(Controller):
    """Who earns what of which sale."""

    path = "/api/v1"
    tags = ["Splits"]

    @get("/parties", opt={"scope": "ledger:read"}, summary="Parties")
    async def parties(self, runtime: Runtime, caller: ApiKey, limit: Limit, offset: Offset) -> dict[str, Any]:
        """Who can earn shares, the newest first."""
        async with runtime.unit(caller.merchant_id, "api.parties") as unit:
            page = await parties_page(unit, limit=limit, offset=offset)
        return {"items": [msgspec.to_builtins(row) for row in page.rows], "total": page.total}

    @post("/parties", opt={"scope": "ledger:write"}, summary="Make a party")
    async def make_party(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewParty
    ) -> Response[bytes]:
        """Somebody who earns a share of sales."""

        async def work(unit: Unit) -> PartyMade:
            return PartyMade(party_id=await create_party(unit, **msgspec.structs.asdict(data)))

        return await once(runtime, caller, request, "api.party", work)

    @post("/parties/{party_id:uuid}/facts", opt={"scope": "ledger:write"}, summary="Say more of a party")
    async def know_party(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, party_id: UUID, data: PartyFact
    ) -> Response[bytes]:
        """Which channel is the party's, who introduced it, which customer it is itself."""

        async def work(unit: Unit) -> PartyMade:
            if data.channel_id is not None:
                await give_channel(unit, party_id, data.channel_id)
            if data.introduced_by is not None:
                await introduce(unit, party_id, data.introduced_by)
            if data.customer_id is not None:
                await know_customer(unit, party_id, data.customer_id)
            return PartyMade(party_id=party_id)

        return await once(runtime, caller, request, "api.party_fact", work)

    @post("/parties/{party_id:uuid}/receivers", opt={"scope": "ledger:write"}, summary="Keep a party's wallet account")
    async def keep_receiver(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, party_id: UUID, data: NewReceiver
    ) -> Response[bytes]:
        """Where the wallet sends the party's shares; orders paid from now on are opened so that they can be shared."""
        if runtime.registry.get(data.platform).sharing is None:
            raise InvalidInput(field="platform", problem=data.platform)
        receiver = ShareReceiver(kind=data.kind, account_ref=data.account_ref, name=data.name, relation=data.relation)

        async def work(unit: Unit) -> WalletsAnswer:
            await set_receiver(unit, runtime.vault, party_id, data.platform, receiver)
            return WalletsAnswer(party_id=party_id, platforms=await wallets_of(unit, party_id))

        return await once(runtime, caller, request, "api.receiver", work)

    @get("/parties/{party_id:uuid}/totals", opt={"scope": "ledger:read"}, summary="What a party earned")
    async def totals(self, runtime: Runtime, caller: ApiKey, party_id: UUID) -> dict[str, Any]:
        """Estimated, confirmed, outside, settled, reversed and owed back, in each currency."""
        async with runtime.unit(caller.merchant_id, "api.totals") as unit:
            return {"items": [msgspec.to_builtins(row) for row in await commission_totals(unit, party_id)]}

    @get("/split-rules", opt={"scope": "ledger:read"}, summary="Split rules")
    async def rules(
        self, runtime: Runtime, caller: ApiKey, limit: Limit, offset: Offset, with_ended: bool = False
    ) -> RulesAnswer:
        """Rules, the newest first; ended versions where asked for."""
        async with runtime.unit(caller.merchant_id, "api.rules") as unit:
            page = await rules_page(unit, limit=limit, offset=offset, with_ended=with_ended)
        return RulesAnswer(items=page.rows, total=page.total)

    @post("/split-rules", opt={"scope": "ledger:write"}, summary="Make a split rule")
    async def make_rule(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: RuleRequest
    ) -> Response[bytes]:
        """What a party earns of sales from now on; refused with the reason where it may not be."""

        async def work(unit: Unit) -> RuleMade:
            return RuleMade(rule_id=await make_split_rule(unit, data.rule()))

        return await once(runtime, caller, request, "api.rule", work)

    @post("/split-rules/{rule_id:uuid}/replace", opt={"scope": "ledger:write"}, summary="Make a new version of a rule")
    async def replace(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, rule_id: UUID, data: RuleRequest
    ) -> Response[bytes]:
        """The old version ends and the new one begins in one moment."""

        async def work(unit: Unit) -> RuleMade:
            return RuleMade(rule_id=await replace_split_rule(unit, rule_id, data.rule()))

        return await once(runtime, caller, request, "api.rule_replace", work)

    @post("/split-rules/{rule_id:uuid}/end", opt={"scope": "ledger:write"}, summary="End a split rule")
    async def end(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, rule_id: UUID
    ) -> Response[bytes]:
        """Sales from now on are not shared by it; ending it twice changes nothing."""

        async def work(unit: Unit) -> RuleMade:
            await end_rule(unit, rule_id)
            return RuleMade(rule_id=rule_id)

        return await once(runtime, caller, request, "api.rule_end", work)

    @get("/split-terms", opt={"scope": "ledger:read"}, summary="The merchant's bounds of all splits")
    async def terms(self, runtime: Runtime, caller: ApiKey) -> SplitTerms:
        """The total cap and the return window."""
        async with runtime.unit(caller.merchant_id, "api.terms") as unit:
            return await get_terms(unit)

    @post("/split-terms", opt={"scope": "ledger:write"}, summary="Change the merchant's bounds")
    async def change_terms(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: TermsRequest
    ) -> Response[bytes]:
        """For sales from now on."""

        async def work(unit: Unit) -> SplitTerms:
            given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not None}
            terms = msgspec.structs.replace(await get_terms(unit), **given)
            await set_terms(unit, terms)
            return terms

        return await once(runtime, caller, request, "api.terms_change", work)

    @post("/split-preview", opt={"scope": "ledger:read"}, summary="Try the rules on a sale", status_code=200)
    async def try_rules(self, runtime: Runtime, caller: ApiKey, data: PreviewRequest) -> Split:
        """What each rule would give and which limit cuts it; nothing is written.

        Of an order: as when it was paid. What was refunded since takes its part of every share back.
        """
        async with runtime.unit(caller.merchant_id, "api.preview") as unit:
            if data.order_id is None:
                return await preview(unit, data.sold())
            return (await try_on_order(unit, data.order_id, await expected_wallet(runtime, unit))).split

    @get("/commissions", opt={"scope": "ledger:read"}, summary="Commissions")
    async def commissions(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: Limit,
        offset: Offset,
        party_id: UUID | None = None,
        order_id: UUID | None = None,
        commission_state: str = "",
        outside: bool = False,
    ) -> dict[str, Any]:
        """Each party's share of each order, the latest sale first."""
        async with runtime.unit(caller.merchant_id, "api.commissions") as unit:
            page = await commissions_of(
                unit,
                party_id,
                order_id=order_id,
                state=commission_state,
                outside_only=outside,
                limit=limit,
                offset=offset,
            )
        return {"items": [msgspec.to_builtins(row) for row in page.rows], "total": page.total}

    @get("/payouts", opt={"scope": "ledger:read"}, summary="Payments outside the wallet")
    async def payouts(
        self, runtime: Runtime, caller: ApiKey, limit: Limit, offset: Offset, party_id: UUID | None = None
    ) -> dict[str, Any]:
        """What was paid by other means, the latest first."""
        async with runtime.unit(caller.merchant_id, "api.payouts") as unit:
            rows = await outside_payments(unit, party_id, limit=limit, offset=offset)
        return {"items": [msgspec.to_builtins(row) for row in rows]}

    @post("/payouts", opt={"scope": PAYOUTS}, summary="Record a payment outside the wallet")
    async def pay_out(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewPayout
    ) -> Response[bytes]:
        """The merchant paid a party by other means; commissions that stand outside the wallet are settled by it."""

        async def work(unit: Unit) -> PayoutMade:
            payment_id = await record_outside_payment(
                unit,
                key_actor(caller),
                party_id=data.party_id,
                amount=Money(data.amount_minor, data.currency),
                paid_by=data.paid_by or caller.name,
                paid_at=data.paid_at,
                reference=data.reference,
                method=data.method or "",
                note=data.note,
            )
            return PayoutMade(outside_payment_id=payment_id)

        return await once(runtime, caller, request, "api.payout", work)

    @post("/payouts/{payment_id:uuid}/undo", opt={"scope": PAYOUTS}, summary="Undo a payment that was not made")
    async def undo_payout(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, payment_id: UUID, data: PayoutUndo
    ) -> Response[bytes]:
        """A reversing posting, once; what the payment settled is payable again. Nothing that was written is changed.

        Refused where what it settled was set off or taken back since (`payout_relied_on`).
        """

        async def work(unit: Unit) -> PayoutMade:
            await undo_outside_payment(unit, key_actor(caller), payment_id, data.reason)
            return PayoutMade(outside_payment_id=payment_id)

        return await once(runtime, caller, request, "api.payout_undo", work)
