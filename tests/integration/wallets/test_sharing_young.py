"""A payment that is shared at once: the wallet may not be ready, and says so with the code of a wrong request."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from wallets_till import PRICE, refusal

from hutong.ledger.commissions import OrderKey
from hutong.ledger.parties import create_party
from hutong.ledger.receivers import set_receiver
from hutong.ledger.rule_terms import RuleTerms
from hutong.ledger.split_rules import NewRule, make_rule
from hutong.ledger.split_terms import SplitTerms, set_terms
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import PayMethod, TradeStatus
from hutong.platforms.registry import Registry
from hutong.platforms.sharing import (
    ReceiverKind,
    ShareLimits,
    ShareLineReport,
    ShareReceiver,
    ShareReport,
    ShareStatus,
)
from hutong.workflows.commands.confirm_commissions import confirm_commissions
from hutong.workflows.commands.frozen import CLOCKS_APART, LOOK_GAP
from hutong.workflows.commands.pay import pay
from hutong.workflows.commands.settle import query_attempt
from hutong.workflows.commands.share_out import share_out
from hutong.workflows.dispatcher import deliver_waiting
from hutong.workflows.jobs import AttemptKey

READY_S = 60
SHARE_FEN = PRICE.amount_minor // 10


class HandSharing:
    """Shares at once, after so many refusals."""

    limits = ShareLimits(
        ratio_bps_max=3000,
        receivers_per_request_max=50,
        requests_per_order_max=50,
        delay_s_min=READY_S,
        window_days=30,
        takes_back_from_persons=False,
    )

    def __init__(self, refusals_count):
        self.refusals_left = refusals_count
        self.asked = []

    async def share(self, _account, command):
        self._ask("share")
        line = command.lines[0]
        told = ShareLineReport(account_ref=line.receiver.account_ref, amount=line.amount, status=ShareStatus.SUCCEEDED)
        return ShareReport(
            out_share_no=command.out_share_no, status=ShareStatus.SUCCEEDED, raw_status="", lines=(told,)
        )

    async def query(self, _account, command):
        return ShareReport(out_share_no=command.out_share_no, status=ShareStatus.NOT_FOUND, raw_status="")

    async def finish(self, _account, command):
        self._ask("finish")
        return ShareReport(out_share_no=command.out_share_no, status=ShareStatus.SUCCEEDED, raw_status="")

    def _ask(self, what):
        self.asked.append(what)
        if self.refusals_left:
            self.refusals_left -= 1
            raise refusal(ErrorWord.INVALID_REQUEST, "INVALID_REQUEST")


class AnyReceivers:
    async def add(self, _account, _receiver):
        return None


async def sold(till, refusals_count):
    """A paid sale with a share that is due at once; its order."""
    sharing = HandSharing(refusals_count)
    connector = msgspec.structs.replace(till.connector, sharing=sharing, share_receivers=AnyReceivers())
    till.runtime = msgspec.structs.replace(till.runtime, registry=Registry({connector.name: connector}))
    receiver = ShareReceiver(kind=ReceiverKind.MERCHANT, account_ref="1900000109", name="代理公司")
    async with till.unit() as unit:
        await set_terms(unit, SplitTerms(return_window_days=0))
        party = await create_party(unit, name="代理")
        await set_receiver(unit, till.runtime.vault, party, "wechatpay", receiver)
        await make_rule(unit, NewRule(party_id=party, terms=RuleTerms(rate_bps=1_000)))
    sale = await till.sale()
    await pay(till.runtime, till.merchant_id, sale, platform=None, method=PayMethod.NATIVE, client_ip="127.0.0.1")
    (number,) = till.wallet.trades
    till.wallet.trades[number] = TradeStatus.PAID
    (attempt_id,) = await till.values("SELECT attempt_id FROM attempt")
    await till.job(query_attempt, AttemptKey(attempt_id))
    while await deliver_waiting(till.runtime, till.merchant_id):
        pass
    (order_id,) = await till.values("SELECT order_id FROM sales_order")
    assert await till.job(confirm_commissions, OrderKey(order_id)) is None
    return sharing, OrderKey(order_id)


async def settled(till):
    return await till.values("SELECT settled_minor FROM commission")


def test_it_waits_for_the_wallets_minute_and_a_little_more(at_the_till):
    async def work(till):
        sharing, order = await sold(till, 0)
        wait = await till.job(share_out, order)
        assert timedelta(seconds=READY_S) < wait <= timedelta(seconds=READY_S) + CLOCKS_APART
        assert sharing.asked == []
        till.clock.advance(seconds=wait.total_seconds())
        assert await till.job(share_out, order) is None
        assert (sharing.asked, await settled(till)) == (["share", "finish"], [SHARE_FEN])

    at_the_till(work)


@pytest.mark.parametrize("refusals_count", [1, 3])
def test_a_refusal_of_a_young_payment_is_not_the_last_word(at_the_till, refusals_count):
    async def work(till):
        sharing, order = await sold(till, refusals_count)
        till.clock.advance(minutes=2)
        for _ in range(refusals_count):
            assert await till.job(share_out, order) == LOOK_GAP
            assert await settled(till) == [0]
        assert await till.job(share_out, order) is None
        assert (sharing.asked[-2:], await settled(till)) == (["share", "finish"], [SHARE_FEN])

    at_the_till(work)


def test_later_it_is(at_the_till):
    async def work(till):
        sharing, order = await sold(till, 1)
        till.clock.advance(minutes=20)
        assert await till.job(share_out, order) is None
        assert (await settled(till), await till.values("SELECT outside_reason FROM commission")) == (
            [0],
            ["INVALID_REQUEST"],
        )
        assert sharing.asked == ["share", "finish"]

    at_the_till(work)
