"""What the split pages read: rules and parties with the names of everything they point at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from hutong.core.money import Money, share_bps
from hutong.db.masks import MASK, STARS
from hutong.db.unit import Unit
from hutong.ledger.commission_queries import totals_by_party
from hutong.ledger.commissions import preview
from hutong.ledger.parties import PAGE_ROWS_MAX as PARTIES_MAX
from hutong.ledger.parties import parties_page
from hutong.ledger.receivers import receivers_of
from hutong.ledger.rules import Sold
from hutong.ledger.split_rules import PAGE_ROWS_MAX, RuleRow, rules_page
from hutong.links.queries import channel_choices, links_page
from hutong.merchants.connections import WALLET_FEE_BPS_DEFAULT, ConnectionView
from hutong.shops.names import OrderName, order_names, orders_numbered
from hutong.shops.queries import sku_choices
from hutong.web.console.split_picture import picture_of
from hutong.web.console.split_views import PartyItem, Picture, ReceiverItem, RuleItem, ScopeName, Step, TryForm
from hutong.web.console.typed import ChoiceUnknown, amount_outside, money_text, typed_amount
from hutong.web.labels import mark
from hutong.web.told import Told
from hutong.workflows.commands.sold import Tried, try_on_order, wallet_fee
from hutong.workflows.runtime import Runtime

TAIL_CHARS: Final = 4


async def rule_items(unit: Unit, parties: Mapping[UUID, str]) -> tuple[RuleItem, ...]:
    """The open rules, the newest first."""
    found = await rules_page(unit, limit=PAGE_ROWS_MAX, offset=0)
    names = await _names(unit, parties) if any(row.rule.scope.named() for row in found.rows) else {}
    return tuple(_rule(row, parties, names) for row in found.rows)


async def party_items(unit: Unit, runtime: Runtime, wallets: tuple[str, ...]) -> tuple[PartyItem, ...]:
    """Everybody who earns shares; accounts at wallets are opened only to show their last letters."""
    rows = (await parties_page(unit, limit=PARTIES_MAX, offset=0)).rows
    names = {row.party_id: row.name for row in rows}
    totals = await totals_by_party(unit)
    accounts: dict[UUID, tuple[ReceiverItem, ...]] = {}
    for platform in wallets:
        for party_id, known in (await receivers_of(unit, runtime.vault, list(names), platform)).items():
            item = ReceiverItem(platform=platform, masked=_masked(known.receiver.account_ref))
            accounts[party_id] = (*accounts.get(party_id, ()), item)
    return tuple(
        PartyItem(
            party_id=row.party_id,
            name=row.name,
            introducer="" if row.introduced_by is None else names.get(row.introduced_by, ""),
            totals=totals.get(row.party_id, ()),
            receivers=accounts.get(row.party_id, ()),
        )
        for row in rows
    )


async def tried(
    unit: Unit, form: TryForm, currency: str, parties: Mapping[UUID, str], wallet: ConnectionView | None = None
) -> Picture | None:
    """The rules tried on an order, or on an amount; None where nothing was asked. ``wallet`` would take the money.

    Raises:
        InvalidInput: no such order, no amount, or an order of nothing.
    """
    if form.order:
        orders = await orders_numbered(unit, form.order)
        if not orders:
            raise ChoiceUnknown(label=Told(mark("拿一笔订单来试")))
        sale = await try_on_order(unit, orders[0], wallet)
        name = (await order_names(unit, orders[:1])).get(orders[0], OrderName())
    elif form.amount:
        gross = typed_amount(form.amount, mark("金额"), currency)
        default = Money(share_bps(gross.amount_minor, WALLET_FEE_BPS_DEFAULT), currency)
        fee = default if wallet is None else wallet_fee(wallet, gross)
        channel_id = UUID(form.channel) if form.channel else None
        sold = Sold(gross=gross, fee=fee, channel_id=channel_id, live_session_id=channel_id)
        sale = Tried(sold=sold, split=await preview(unit, sold), refunded=Money(0, currency))
        name = OrderName()
    else:
        return None
    gross = sale.sold.gross
    if gross.amount_minor <= 0:
        reason = Told(mark("填的是 %(value)s"), value=money_text(gross))
        raise amount_outside(mark("金额"), mark("要大于 %(bound)s"), Money(0, gross.currency), reason)
    return picture_of(sale, parties, name)


def _masked(account_ref: str) -> str:
    """The last letters of an account, enough for its owner to know it by."""
    return MASK * STARS + (account_ref[-TAIL_CHARS:] if len(account_ref) > 2 * TAIL_CHARS else "")


async def _names(unit: Unit, parties: Mapping[UUID, str]) -> dict[UUID, str]:
    """Names of channels, links, goods and people that a rule may be about."""
    links = await links_page(unit, limit=PAGE_ROWS_MAX, offset=0)
    skus = await sku_choices(unit)
    return {
        **parties,
        **{row.channel_id: row.name for row in await channel_choices(unit)},
        **{row.link_id: row.title for row in links.rows},
        **{row.product_id: row.title for row in skus},
        **{row.sku_id: f"{row.title} · {row.seller_code}" for row in skus},
    }


def _rule(row: RuleRow, parties: Mapping[UUID, str], names: Mapping[UUID, str]) -> RuleItem:
    rule, terms, currency = row.rule, row.rule.terms, row.rule.currency
    limits = (terms.order_max_minor, terms.period_max_minor)
    order_max, period_max = (None if limit is None else Money(limit, currency) for limit in limits)
    return RuleItem(
        rule=rule,
        party=parties.get(rule.party_id, ""),
        scopes=tuple(
            ScopeName(kind=field.removesuffix("_id"), name=names.get(key, ""))
            for field, key in rule.scope.named().items()
        ),
        amount=Money(terms.amount_minor, currency),
        steps=tuple(Step(from_amount=Money(step.from_minor, currency), rate_bps=step.rate_bps) for step in terms.steps),
        order_max=order_max,
        period_max=period_max,
    )
