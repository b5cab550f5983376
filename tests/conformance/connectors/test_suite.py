"""The conformance suite on every installed connector, and the suite itself on connectors that are wrong."""

import datetime as dt
import secrets

import msgspec
import pytest

from hutong.core.errors import InvalidSignature, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms import conformance
from hutong.platforms.conformance import CHECKS, behaviour, incoming, sheet, wallets
from hutong.platforms.conformance.doubles import REQUESTS_MAX, ScriptedHttp
from hutong.platforms.contract import ErrorWord, Proof
from hutong.platforms.payments import PayMethod, RefundReport, RefundStatus, TradeReport, TradeStatus
from hutong.platforms.refusals import HINTS, PlatformRefused
from hutong.platforms.registry import Registry
from hutong.platforms.sharing import ShareLimits, ShareStatus
from hutong.transport.messages import Request

#: Every installed connector, and the other modes of ours.
MODES = [
    "pinduoduo_alliance with a filed uid",
    "wechatpay as a service provider",
    "wechatpay with the older API",
]
NAMES = [connector.name for connector in Registry.from_entry_points().all()] + MODES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check, name, cases):
    check(cases(name))


def test_every_word_has_its_hint_in_both_languages():
    assert set(HINTS) == set(ErrorWord)
    for word in ErrorWord:
        error = PlatformRefused(platform="p", platform_code="c", message="m" * 500, word=word)
        zh, en = error.text("zh-Hans"), error.text("en")
        assert zh.fix != en.fix
        assert "?" not in zh.sentence + en.sentence
        assert len(error.details["message"]) == 200
        assert error.details["word"] == word.value


# a suite that cannot fail proves nothing: each wrong connector must fail its check


def changed(case, **parts):
    connector = msgspec.structs.replace(case.connector, **parts)
    return msgspec.structs.replace(case, connector=connector)


class Wrapped:
    """Payments that are right, but for what a subclass gets wrong."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)


class PaidByDefault(Wrapped):
    async def query(self, account, out_trade_no):
        report = await self._inner.query(account, out_trade_no)
        return msgspec.structs.replace(report, status=TradeStatus.PAID)


class RefundedByDefault(Wrapped):
    async def query_refund(self, account, out_refund_no, out_trade_no):
        report = await self._inner.query_refund(account, out_refund_no, out_trade_no)
        return msgspec.structs.replace(report, status=RefundStatus.SUCCEEDED)


class FailedWhenUnclear(Wrapped):
    async def close(self, account, out_trade_no):
        try:
            return await self._inner.close(account, out_trade_no)
        except PlatformUnknown as error:
            raise PlatformRefused(
                platform="p", platform_code="timeout", message="", word=ErrorWord.UNAVAILABLE
            ) from error


class AssumesDone(Wrapped):
    async def refund(self, account, command):
        try:
            return await self._inner.refund(account, command)
        except PlatformUnknown:
            return RefundReport(out_refund_no=command.out_refund_no, status=RefundStatus.SUCCEEDED, raw_status="")


class OwnDice(Wrapped):
    async def query(self, account, out_trade_no):
        return await self._inner.query(
            msgspec.structs.replace(account, nonce=lambda: secrets.token_hex(8)), out_trade_no
        )


class OwnClock(Wrapped):
    async def query(self, account, out_trade_no):
        class Wall:
            def now(self):
                return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=secrets.randbelow(10**6))

        return await self._inner.query(msgspec.structs.replace(account, clock=Wall()), out_trade_no)


class ElsewhereToo(Wrapped):
    async def query(self, account, out_trade_no):
        live = msgspec.structs.replace(account, base_url="https://live.example")
        return await self._inner.query(live, out_trade_no)


class Talkative(Wrapped):
    async def query(self, account, out_trade_no):
        try:
            return await self._inner.query(account, out_trade_no)
        except PlatformUnknown as error:
            raise PlatformUnknown(platform="p", why=account.credentials["api_v3_key"]) from error


class SendsItsKey(Wrapped):
    async def query(self, account, out_trade_no):
        await account.http.send(
            Request(method="POST", url=account.base_url, body=account.credentials["private_key"].encode())
        )


class Crashes(Wrapped):
    async def query(self, account, out_trade_no):
        try:
            return await self._inner.query(account, out_trade_no)
        except PlatformRefused as error:
            raise KeyError("trade_state") from error


class ThrottledIsUnknown(Wrapped):
    async def query(self, account, out_trade_no):
        try:
            return await self._inner.query(account, out_trade_no)
        except PlatformRefused as error:
            raise PlatformUnknown(platform="p") from error


WRONG_PAYMENTS = [
    (PaidByDefault, behaviour.unknown_statuses_are_pending),
    (RefundedByDefault, behaviour.unknown_statuses_are_pending),
    (FailedWhenUnclear, behaviour.unreadable_answers_are_unknown),
    (AssumesDone, behaviour.unreadable_answers_are_unknown),
    (OwnDice, behaviour.what_is_sent_follows_from_what_is_given),
    (OwnClock, behaviour.what_is_sent_follows_from_what_is_given),
    (ElsewhereToo, behaviour.requests_stay_with_their_platform),
    (Talkative, behaviour.secrets_stay_out_of_sight),
    (SendsItsKey, behaviour.private_keys_never_travel),
    (Crashes, behaviour.throttling_is_named),
    (ThrottledIsUnknown, behaviour.throttling_is_named),
]


@pytest.mark.parametrize(("wrong", "check"), WRONG_PAYMENTS, ids=lambda value: value.__name__)
def test_wrong_payments_are_found(wrong, check, cases):
    case = cases("wechatpay")
    check(case)
    with pytest.raises((AssertionError, KeyError)):
        check(changed(case, payments=wrong(case.connector.payments)))


class ChargedByDefault(Wrapped):
    async def charge(self, account, command):
        report = await self._inner.charge(account, command)
        return msgspec.structs.replace(report, status=TradeStatus.PAID)


class TakesEveryCode(Wrapped):
    def takes(self, auth_code):
        return auth_code.isdigit()


class ChargesTwice(Wrapped):
    async def charge(self, account, command):
        class Again:
            async def send(self, request):
                return await account.http.send(msgspec.structs.replace(request, repeatable=True))

        return await self._inner.charge(msgspec.structs.replace(account, http=Again()), command)


class ReversedWhenUnclear(Wrapped):
    async def reverse(self, account, out_trade_no):
        try:
            return await self._inner.reverse(account, out_trade_no)
        except PlatformUnknown:
            return TradeReport(out_trade_no=out_trade_no, status=TradeStatus.CLOSED, raw_status="")


class TellsTheCode(Wrapped):
    async def charge(self, account, command):
        try:
            return await self._inner.charge(account, command)
        except PlatformUnknown as error:
            raise PlatformUnknown(platform="p", platform_code=command.auth_code) from error


WRONG_CODES = [
    (ChargedByDefault, wallets.unknown_outcomes_of_the_till_are_pending),
    (TakesEveryCode, wallets.payment_codes_are_told_apart),
    (ChargesTwice, wallets.a_charge_is_sent_once),
    (ReversedWhenUnclear, behaviour.unreadable_answers_are_unknown),
    (TellsTheCode, behaviour.secrets_stay_out_of_sight),
]


@pytest.mark.parametrize(("wrong", "check"), WRONG_CODES, ids=lambda value: value.__name__)
def test_wrong_codes_are_found(wrong, check, cases):
    case = cases("wechatpay")
    check(case)
    with pytest.raises(AssertionError):
        check(changed(case, codes=wrong(case.connector.codes)))


class SharedByDefault(Wrapped):
    async def query(self, account, command):
        report = await self._inner.query(account, command)
        return msgspec.structs.replace(report, status=ShareStatus.SUCCEEDED)


class ReturnedByDefault(Wrapped):
    async def take_back(self, account, command):
        report = await self._inner.take_back(account, command)
        return msgspec.structs.replace(report, status=ShareStatus.SUCCEEDED)


class FinishedWhenUnclear(Wrapped):
    async def finish(self, account, command):
        try:
            return await self._inner.finish(account, command)
        except PlatformUnknown:
            return None


class NoLimits(Wrapped):
    limits = ShareLimits(
        ratio_bps_max=20_000,
        receivers_per_request_max=50,
        requests_per_order_max=50,
        delay_s_min=60,
        window_days=30,
        takes_back_from_persons=False,
    )


WRONG_SHARING = [
    (SharedByDefault, wallets.unknown_outcomes_of_shares_are_pending),
    (ReturnedByDefault, wallets.unknown_outcomes_of_shares_are_pending),
    (FinishedWhenUnclear, behaviour.unreadable_answers_are_unknown),
    (NoLimits, wallets.share_limits_are_limits),
]


@pytest.mark.parametrize(("wrong", "check"), WRONG_SHARING, ids=lambda value: value.__name__)
def test_wrong_sharing_is_found(wrong, check, cases):
    case = cases("wechatpay")
    check(case)
    with pytest.raises(AssertionError):
        check(changed(case, sharing=wrong(case.connector.sharing)))


class RescuedByDefault(Wrapped):
    async def rescue(self, account, command):
        report = await self._inner.rescue(account, command)
        return msgspec.structs.replace(report, status=RefundStatus.SUCCEEDED)


def test_wrong_rescue_is_found(cases):
    case = cases("wechatpay")
    bad = changed(case, refund_rescue=RescuedByDefault(case.connector.refund_rescue))
    with pytest.raises(AssertionError):
        wallets.unknown_outcomes_of_the_till_are_pending(bad)


class AnyWayToPay(Wrapped):
    async def create(self, account, command):
        return await self._inner.create(account, msgspec.structs.replace(command, method=PayMethod.NATIVE))


def test_a_way_to_pay_that_is_not_offered_is_found(cases):
    case = cases("wechatpay")
    with pytest.raises(AssertionError):
        wallets.other_ways_to_pay_are_refused(changed(case, payments=AnyWayToPay(case.connector.payments)))


class LaxTime(Wrapped):
    def verify(self, account, headers, body):
        moment = dt.datetime.fromtimestamp(int(headers.get("wechatpay-timestamp", "0")[:11] or 0), dt.UTC)

        class Then:
            def now(self):
                return moment

        return self._inner.verify(msgspec.structs.replace(account, clock=Then()), headers, body)


class OtherError(Wrapped):
    def verify(self, account, headers, body):
        try:
            return self._inner.verify(account, headers, body)
        except InvalidSignature as error:
            raise ValueError("bad") from error


class NoCheck(Wrapped):
    def verify(self, account, headers, body):
        try:
            return self._inner.verify(account, headers, body)
        except InvalidSignature:
            return conformance_notice()


def conformance_notice():
    trade = TradeReport(
        out_trade_no=conformance.OUT_TRADE_NO,
        status=TradeStatus.PAID,
        raw_status="SUCCESS",
        owner={"mchid": "1"},
        amount=Money.fen(1),
    )
    from hutong.platforms.payments import Notice

    return Notice(notice_id="1", kind="x", trade=trade)


@pytest.mark.parametrize("wrong", [LaxTime, OtherError, NoCheck])
def test_wrong_callbacks_are_found(wrong, cases):
    case = cases("wechatpay")
    bad = changed(case, callbacks=wrong(case.connector.callbacks))
    with pytest.raises((AssertionError, ValueError)):
        incoming.other_callbacks_do_not(bad)
    if wrong is not LaxTime:
        with pytest.raises((AssertionError, ValueError)):
            incoming.mutated_callbacks_never_verify(bad)


WRONG_SHEETS = [
    ({"name": "WeChat Pay"}, sheet.sheet_is_named),
    ({"title_en": " "}, sheet.sheet_is_named),
    ({"secret_fields": ("private_key", "api_v3_key")}, sheet.sheet_knows_its_secrets),
    ({"secret_fields": ("private_key", "api_v3_key", "app_secret", "pin")}, sheet.sheet_knows_its_secrets),
    ({"proofs": {}}, sheet.sheet_proves_what_it_has),
    ({"error_words": {}}, sheet.sheet_maps_errors),
    ({"error_words": {"A": ErrorWord.THROTTLED}}, sheet.sheet_maps_errors),
    ({"base_url": "http://pay.example"}, sheet.sheet_has_an_address),
    ({"base_url": "https://pay.example/v3"}, sheet.sheet_has_an_address),
]


@pytest.mark.parametrize(
    # Ids must be the same in every test process: a dict's text would hold addresses of functions.
    ("parts", "check"),
    WRONG_SHEETS,
    ids=[f"{'+'.join(parts)}-{check.__name__}" for parts, check in WRONG_SHEETS],
)
def test_wrong_sheets_are_found(parts, check, cases):
    case = cases("wechatpay")
    check(case)
    with pytest.raises(AssertionError):
        check(changed(case, **parts))


class TakesAnyWindow(Wrapped):
    async def changed(self, account, start, end, cursor):
        return await self._inner.changed(account, end - dt.timedelta(hours=1), end, cursor)


class FloatIds(Wrapped):
    async def one(self, account, platform_order_id):
        order = await self._inner.one(account, platform_order_id)
        return msgspec.structs.replace(order, platform_order_id=str(int(float(order.platform_order_id))))


def test_wrong_orders_are_found(cases):
    case = cases("taobao")
    with pytest.raises(AssertionError):
        behaviour.windows_are_kept(changed(case, orders=TakesAnyWindow(case.connector.orders)))
    with pytest.raises(AssertionError):
        behaviour.unknown_statuses_are_pending(changed(case, orders=FloatIds(case.connector.orders)))


def test_a_case_without_forged_answers_is_no_way_around(cases):
    bare = msgspec.structs.replace(cases("taobao"), forgery=None)
    for check in (behaviour.throttling_is_named, behaviour.unknown_statuses_are_pending):
        with pytest.raises(AssertionError, match="forged"):
            check(bare)


def test_a_case_shows_no_credentials(cases):
    case = cases("wechatpay")
    assert not [secret for secret in case.secrets() if secret in repr(case)]


def test_a_connector_that_never_stops_sending_is_stopped():
    import asyncio

    http = ScriptedHttp(lambda request: None)

    async def loop():
        for _ in range(REQUESTS_MAX + 5):
            try:
                await http.send(Request(method="GET", url="https://p.example/"))
            except PlatformUnknown:
                continue

    with pytest.raises(AssertionError, match="stop"):
        asyncio.run(loop())


ALIPAY_PROOFS = Registry.from_entry_points().get("alipay").proofs


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("wechatpay", {"judged_by": {}}),  # called judged without a check
        ("taobao", {"proofs": {"orders": Proof.JUDGED, "stock": Proof.SIMULATED, "order_files": Proof.SIMULATED}}),
        ("alipay", {"proofs": {**ALIPAY_PROOFS, "payments": Proof.SIMULATED}}),  # called less than it is
        ("generic", {"judged_by": {"payments.create": ("wechatpayv3/native",)}}),  # judged, but not there
        ("taobao", {"judged_by": {"orders.one": ("somebody",)}}),
    ],
)
def test_whoever_calls_judged_what_was_not_or_the_other_way_round_is_found(cases, name, changes):
    right = cases(name)
    sheet.sheet_calls_judged_what_was_judged(right)
    wrong = msgspec.structs.replace(right, connector=msgspec.structs.replace(right.connector, **changes))
    with pytest.raises(AssertionError):
        sheet.sheet_calls_judged_what_was_judged(wrong)
