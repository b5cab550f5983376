"""An account that refuses for reasons of its own leaves the payment to the wallet's next one; nobody is asked again."""

from __future__ import annotations

import msgspec
import pytest
from wallets_till import refusal, silence

from hutong.core.errors import PlatformFailure
from hutong.merchants.connections import Mode
from hutong.payments.checkouts import know_payer
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import PayMethod, TradeStatus
from hutong.platforms.registry import Registry
from hutong.workflows.commands.charge_code import ChargeState, charge_code, follow_charge
from hutong.workflows.commands.open_shop import connect_in
from hutong.workflows.commands.pay import PayerUnknown, pay

CODE = "991234567890123456"
OWN_REASONS = [ErrorWord.NOT_PERMITTED, ErrorWord.BAD_SIGNATURE, ErrorWord.THROTTLED, ErrorWord.UNAVAILABLE]
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


async def charge(till, sale):
    return await charge_code(till.runtime, till.merchant_id, sale, CODE)


async def takers(till):
    """The accounts that were asked, in their order."""
    return await till.values("SELECT connection_id FROM attempt ORDER BY attempt_id")


async def states(till):
    return [attempt.state for attempt in (await till.payment()).attempts]


@pytest.mark.parametrize("word", OWN_REASONS)
def test_a_code_goes_on_to_the_next_account_without_a_new_scan(at_the_till, word):
    async def work(till):
        second = await till.connect("第二个")
        till.wallet.will("charge", refusal(word))
        assert (await charge(till, await till.sale())).state is ChargeState.PAID
        assert await takers(till) == [till.connection_id, second]
        assert (await states(till), await till.events()) == (["refused", "paid"], ["payment.paid"])
        lasting = word in (ErrorWord.NOT_PERMITTED, ErrorWord.BAD_SIGNATURE)
        assert await till.tickets() == (["wallet_down"] if lasting else [])

    at_the_till(work)


def test_a_refusal_of_the_code_itself_asks_no_other_account(at_the_till):
    async def work(till):
        await till.connect("第二个")
        till.wallet.will("charge", refusal(ErrorWord.INVALID_REQUEST, "AUTH_CODE_EXPIRE"))
        with pytest.raises(PlatformFailure):
            await charge(till, await till.sale())
        assert await takers(till) == [till.connection_id]
        assert await till.values("SELECT 1 FROM wallet_health") == []

    at_the_till(work)


def test_after_silence_no_other_account_is_charged(at_the_till):
    """The first account may have taken the money: two charges of one code would be two payments."""

    async def work(till):
        await till.connect("第二个")
        till.wallet.will("charge", silence())
        assert (await charge(till, await till.sale())).state is ChargeState.WAITING
        assert await takers(till) == [till.connection_id]

    at_the_till(work)


def test_when_every_account_refuses_the_code_the_cashier_is_told_and_may_scan_again(at_the_till):
    async def work(till):
        await till.connect("第二个")
        till.wallet.will("charge", refusal(ErrorWord.NOT_PERMITTED, "A"), refusal(ErrorWord.THROTTLED, "B"))
        sale = await till.sale()
        with pytest.raises(PlatformFailure) as told:
            await charge(till, sale)
        assert told.value.details["platform_code"] == "B"
        assert await states(till) == ["refused", "refused"]
        assert await till.values("SELECT refusal FROM attempt ORDER BY attempt_id") == ["A", "B"]
        assert (await follow_charge(till.runtime, till.merchant_id, sale)).state is ChargeState.READY
        assert (await charge(till, sale)).state is ChargeState.PAID

    at_the_till(work)


def test_the_till_never_sees_a_gap_between_two_accounts(at_the_till):
    """A till whose answer was lost looks meanwhile: a charge that goes on elsewhere is no charge undone."""

    async def work(till):
        await till.connect("第二个")
        sale = await till.sale()
        seen = []

        async def look(_number):
            seen.append((await follow_charge(till.runtime, till.merchant_id, sale)).state)
            seen.append(await states(till))
            seen.append(len(set(await till.values("SELECT xmin::text FROM attempt"))))
            return TradeStatus.PAID

        till.wallet.will("charge", refusal(ErrorWord.THROTTLED), look)
        await charge(till, sale)
        assert seen == [ChargeState.WAITING, ["refused", "created"], 1]  # both written by one transaction

    at_the_till(work)


def test_an_account_that_takes_codes_again_is_well_again(at_the_till):
    async def work(till):
        till.wallet.will("charge", refusal(ErrorWord.THROTTLED))
        sale = await till.sale()
        with pytest.raises(PlatformFailure):
            await charge(till, sale)
        assert await till.values("SELECT failures_count FROM wallet_health") == [1]
        assert (await charge(till, sale)).state is ChargeState.PAID
        assert await till.values("SELECT 1 FROM wallet_health") == []

    at_the_till(work)


async def sale_inside_the_wallet(till):
    """A checkout whose buyer the first account's app knows by its openid."""
    sheet = msgspec.structs.replace(till.connector, pay_methods=(*till.connector.pay_methods, PayMethod.JSAPI))
    till.runtime = msgspec.structs.replace(till.runtime, registry=Registry({sheet.name: sheet}))
    sale = await till.sale()
    async with till.unit() as unit:
        await know_payer(unit, till.runtime.vault, sale, sheet.identity_kind, OPENID, await scope_of(till))
    return sale


async def scope_of(till):
    return (
        await till.values(
            f"SELECT settings->>'identity_scope' FROM connection WHERE connection_id = '{till.connection_id}'"
        )
    )[0]


async def connect_with_another_app(till):
    credentials = dict.fromkeys(till.connector.credential_fields, "x")
    credentials |= dict.fromkeys(till.connector.identity_fields, "wx-another")
    async with till.unit() as unit:
        return await connect_in(
            unit, till.runtime.vault, till.connector, mode=Mode.SANDBOX, base_url="", credentials=credentials
        )


async def press(till, sale):
    return await pay(till.runtime, till.merchant_id, sale, platform=None, method=PayMethod.JSAPI, client_ip="127.0.0.1")


@pytest.mark.parametrize("word", OWN_REASONS)
def test_inside_the_wallet_the_next_account_of_the_same_app_takes_over(at_the_till, word):
    """The buyer's id is that of the app, whichever of its accounts takes the money."""

    async def work(till):
        second = await till.connect("第二个")
        sale = await sale_inside_the_wallet(till)
        till.wallet.will("create", refusal(word))
        await press(till, sale)
        assert (await takers(till), await states(till)) == ([till.connection_id, second], ["refused", "open"])
        assert till.wallet.payers == [OPENID, OPENID]

    at_the_till(work)


def test_an_account_of_another_app_is_not_asked_with_an_id_that_it_does_not_know(at_the_till):
    async def work(till):
        other = await connect_with_another_app(till)
        sale = await sale_inside_the_wallet(till)
        till.wallet.will("create", refusal(ErrorWord.NOT_PERMITTED, "NO_AUTH"))
        with pytest.raises(PayerUnknown) as told:
            await press(till, sale)
        assert told.value.connection_id == other, "which account has to learn who pays"
        assert told.value.__cause__.details["platform_code"] == "NO_AUTH"
        assert other not in await takers(till)

    at_the_till(work)
