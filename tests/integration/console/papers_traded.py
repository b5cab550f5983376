"""A party whose shares stand in every state, and its statement as a paper."""

from __future__ import annotations

from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from hutong.core.money import Money
from hutong.ledger import service
from hutong.ledger.commissions import Booked
from hutong.ledger.roots import seal_days
from hutong.ledger.rule_terms import RuleKind, RuleTerms
from hutong.ledger.rules import Sold
from hutong.ledger.sales import Refunded
from hutong.ledger.split_rules import NewRule, make_rule
from hutong.ledger.split_terms import get_terms
from hutong.merchants.actors import Actor
from hutong.merchants.service import create_merchant
from hutong.web.i18n import Catalogues
from hutong.web.papers.reading import read_paper
from hutong.web.papers.words import PaperWords

CONNECTION = UUID(int=77)
WALLET = f"wallet:wechatpay:{CONNECTION}"
SHANGHAI = ZoneInfo("Asia/Shanghai")
BOSS = Actor(name="staff:1", may_refund=True, may_pay_out=True)
CATALOGUES = Catalogues()
FIGURES = ("reversed", "estimated", "due", "by_wallet", "outside", "netted")
NOW_TITLES = ("至今已冲回", "预估", "已确认未付", "已由钱包付", "已在钱包外付", "已抵扣")
FORMULA = "=HYPERLINK(1)小林😀"


async def sell(unit, gross=10_000, channel_id=None):
    order_id = uuid4()
    sold = Sold(gross=Money(gross), fee=Money(60), channel_id=channel_id)
    split = await service.preview(unit, sold)
    await service.post_sale(
        unit,
        order_id=order_id,
        wallet_path=WALLET,
        gross=sold.gross,
        fee=sold.fee,
        party_shares=split.shares(),
        event_at=unit.now(),
    )
    booked = Booked(order_id=order_id, connection_id=CONNECTION, platform="wechatpay", paid_at=unit.now())
    await service.estimate(unit, [service.Estimate(booked, sold, split)], await get_terms(unit))
    return order_id


async def give_back(unit, order_id, now, gross=10_000):
    await service.post_refund(
        unit,
        refund_id=uuid4(),
        order_id=order_id,
        wallet_path=WALLET,
        refunded=Money(now),
        gross=Money(gross),
        refunded_before=Money(0),
        event_at=unit.now(),
    )
    step = Refunded(before_minor=0, now_minor=now, gross_minor=gross)
    await service.claw_back(unit, order_id, step, unit.now())


async def party_with_rules(unit, name=FORMULA):
    """Ten per cent, and 1.50 an order: two shares of each sale."""
    await create_merchant(unit, "小杯子店")
    party = await service.create_party(unit, name=name)
    await make_rule(unit, NewRule(party_id=party, terms=RuleTerms(rate_bps=1_000)))
    await make_rule(unit, NewRule(party_id=party, kind=RuleKind.FIXED, terms=RuleTerms(amount_minor=150)))
    return party


def paper_of(room, drawn):
    return room.do(lambda unit: read_paper(unit, drawn.statement_id))


def words_of(paper, locale="zh-Hans"):
    return PaperWords(CATALOGUES, locale, paper.timezone)


def seal(room):
    async def work(unit):
        await seal_days(unit, SHANGHAI)

    room.do(work)
