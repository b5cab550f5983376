"""Money that was frozen to be shared and is kept for no order: the wallet is told that nothing of it is shared."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from wallets_till import refusal

from hutong.core.money import Money
from hutong.ledger.sharing import open_sharing
from hutong.payments.service import find_attempts
from hutong.payments.suspense import Decision
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import PayMethod, TradeStatus
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.registry import Registry
from hutong.platforms.sharing import ShareLimits, ShareReport, ShareStatus
from hutong.workflows.commands.decide import decide
from hutong.workflows.commands.frozen import LOOK_GAP, unfreeze
from hutong.workflows.commands.pay import pay
from hutong.workflows.commands.settle import query_attempt
from hutong.workflows.dispatcher import deliver_waiting
from hutong.workflows.jobs import AttemptKey

UNFREEZINGS = "SELECT payload FROM job WHERE kind = 'ledger.unfreeze'"


class HandSharing:
    """Ends freezes as it is told, and keeps what it was asked for."""

    limits = ShareLimits(
        ratio_bps_max=3000,
        receivers_per_request_max=50,
        requests_per_order_max=50,
        delay_s_min=60,
        window_days=30,
        takes_back_from_persons=False,
    )

    def __init__(self):
        self.answers, self.asked = [], []

    async def finish(self, _account, command):
        self.asked.append((command.out_trade_no, command.out_share_no))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return ShareReport(out_share_no=command.out_share_no, status=answer, raw_status="")


async def written_off(till, *, is_frozen):
    """A sale for which another sum came, which nobody can explain; what the wallet was asked."""
    sharing = HandSharing()
    connector = msgspec.structs.replace(till.connector, sharing=sharing)
    till.runtime = msgspec.structs.replace(till.runtime, registry=Registry({connector.name: connector}))
    sale = await till.sale()
    await pay(till.runtime, till.merchant_id, sale, platform=None, method=PayMethod.NATIVE, client_ip="127.0.0.1")
    (number,) = till.wallet.trades
    async with till.unit() as unit:
        attempt = (await find_attempts(unit, [number]))[number]
        if is_frozen:
            await open_sharing(
                unit,
                attempt_id=attempt.attempt_id,
                order_id=attempt.order_id,
                connection_id=attempt.connection_id,
                platform=attempt.platform,
                out_trade_no=number,
            )
    till.wallet.trades[number], till.wallet.sums[number] = TradeStatus.PAID, Money.fen(700)
    await till.job(query_attempt, AttemptKey(attempt.attempt_id))
    while await deliver_waiting(till.runtime, till.merchant_id):
        pass
    (ticket_id,) = await till.values("SELECT ticket_id FROM ticket WHERE kind = 'notice_mismatched'")
    decided = await decide(till.runtime, till.merchant_id, ticket_id, Decision.WRITE_OFF, "查过了", till.teller)
    assert decided.is_proved
    return sharing


async def freezes(till):
    return await till.values("SELECT state FROM sharing")


async def key_of(till):
    (payload,) = await till.values(UNFREEZINGS)
    return msgspec.json.decode(payload, type=AttemptKey)


def test_what_was_frozen_and_is_written_off_is_unfrozen_as_soon_as_the_wallet_takes_it(at_the_till):
    async def work(till):
        sharing = await written_off(till, is_frozen=True)
        key = await key_of(till)
        sharing.answers = [ShareStatus.PENDING, refusal(ErrorWord.THROTTLED), ShareStatus.SUCCEEDED]
        assert timedelta(seconds=60) < await till.job(unfreeze, key) <= timedelta(seconds=63)
        assert sharing.asked == []  # no wallet takes it in the first minute
        till.clock.advance(minutes=2)
        assert await till.job(unfreeze, key) == LOOK_GAP
        with pytest.raises(PlatformRefused):
            await till.job(unfreeze, key)
        assert await freezes(till) == ["opened"]
        assert await till.job(unfreeze, key) is None
        assert (await freezes(till), len(sharing.asked), len(set(sharing.asked))) == (["finished"], 3, 1)
        assert await till.job(unfreeze, key) is None
        assert len(sharing.asked) == 3  # it is over

    at_the_till(work)


def test_a_freeze_that_is_over_at_the_wallet_is_over_here(at_the_till):
    async def work(till):
        sharing = await written_off(till, is_frozen=True)
        sharing.answers = [refusal(ErrorWord.INVALID_REQUEST)] * 2
        till.clock.advance(minutes=2)
        assert await till.job(unfreeze, await key_of(till)) == LOOK_GAP  # it may only not be ready yet
        assert await freezes(till) == ["opened"]
        till.clock.advance(minutes=10)
        assert await till.job(unfreeze, await key_of(till)) is None
        assert await freezes(till) == ["lapsed"]

    at_the_till(work)


def test_what_was_not_frozen_needs_no_unfreezing(at_the_till):
    async def work(till):
        await written_off(till, is_frozen=False)
        assert await till.values(UNFREEZINGS) == []

    at_the_till(work)
