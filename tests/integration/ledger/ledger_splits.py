"""A sale with its commissions, refunds of it, and what parties have: for tests of the splits."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from hutong.core.money import Money
from hutong.ledger import checks, service, split_checks
from hutong.ledger.commission_queries import commission_totals
from hutong.ledger.commissions import Booked
from hutong.ledger.payouts import Paid
from hutong.ledger.rule_terms import RuleScope, RuleTerms
from hutong.ledger.rules import Sold
from hutong.ledger.sales import Refunded
from hutong.ledger.split_rules import NewRule, make_rule
from hutong.ledger.split_terms import get_terms
from hutong.merchants.actors import Actor

WALLET_CONNECTION = UUID(int=77)
WALLET = f"wallet:wechatpay:{WALLET_CONNECTION}"
WINDOW = timedelta(days=7)
BOSS = Actor(name="staff:1", may_refund=True, may_pay_out=True)
CLERK = Actor(name="staff:2", may_refund=False)


async def sell(unit, gross=10_000, fee=60, at=None, **facts):
    """A sale in the books with its commissions; the order's id."""
    order_id, at = uuid4(), at or unit.now()
    sold = Sold(gross=Money(gross), fee=Money(fee), **facts)
    split = await service.preview(unit, sold, at)
    terms = {"order_id": order_id, "wallet_path": WALLET, "gross": sold.gross, "event_at": at}
    await service.post_sale(unit, fee=sold.fee, party_shares=split.shares(), **terms)
    booked = Booked(order_id=order_id, connection_id=WALLET_CONNECTION, platform="wechatpay", paid_at=at)
    await service.estimate(unit, [service.Estimate(booked, sold, split)], await get_terms(unit))
    return order_id


async def give_back(unit, order_id, now, before=0, gross=10_000):
    await service.post_refund(
        unit,
        refund_id=uuid4(),
        order_id=order_id,
        wallet_path=WALLET,
        refunded=Money(now),
        gross=Money(gross),
        refunded_before=Money(before),
        event_at=unit.now(),
    )
    step = Refunded(before_minor=before, now_minor=now, gross_minor=gross)
    await service.claw_back(unit, order_id, step, unit.now())


def paid(number, party, order_id, amount):
    return Paid(
        number=number,
        party_id=party,
        order_id=order_id,
        connection_id=WALLET_CONNECTION,
        platform="wechatpay",
        amount=Money(amount),
    )


async def breaches(unit):
    return [*await checks.check(unit), *await split_checks.check(unit)]


async def figures(unit, party):
    """A party's totals as plain numbers."""
    found = await commission_totals(unit, party)
    return {name: getattr(found[0], name).amount_minor for name in found[0].__struct_fields__ if name != "currency"}


async def party_with_rule(unit, rate_bps=1_000, **scope):
    party = await service.create_party(unit, name="小林")
    await make_rule(unit, NewRule(party_id=party, terms=RuleTerms(rate_bps=rate_bps), scope=RuleScope(**scope)))
    return party
