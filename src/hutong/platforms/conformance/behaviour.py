"""Checks of what a connector sends, and of what it makes of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from hutong.core.errors import HutongError, InvalidInput, PlatformFailure, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.conformance.calls import PRIVATE_DETAILS, Call, calls
from hutong.platforms.conformance.case import ORDER_ID, OUT_REFUND_NO, OUT_TRADE_NO, Answer, Case, Forgery
from hutong.platforms.conformance.doubles import silence
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import RefundStatus, TradeStatus
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.shops import ShopOrderStatus
from hutong.transport.messages import Request, Response
from hutong.transport.transcript import Scrubber, Transcript, written_forms

NEVER_SEEN_STATUS: Final = "STATUS_OF_NEXT_YEAR"

JUNK: Final[tuple[bytes, ...]] = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"0",
    b'"text"',
    b"<html><body>502</body></html>",
    b"\xff\xfe\x00\x01",
    b'{"a":' * 2_000,
    b"[" * 100_000,
    b'{"code":0,"data":null}',
    b"\x1f\x8b\x08\x00junk",
)


def what_is_sent_follows_from_what_is_given(case: Case) -> None:
    """Same account, time and chance: same bytes. Nothing reads the wall clock or rolls dice of its own."""
    for call in calls(case):
        sealed = call.name in case.sealed_calls
        first, second = ([_repeated(request, sealed=sealed) for request in sent_by(case, call)] for _ in range(2))
        assert first == second, f"{call.name}: two runs with the same clock and nonce sent different requests"
        assert first, f"{call.name}: nothing was sent"


def requests_stay_with_their_platform(case: Case) -> None:
    """A connection with its own address (a sandbox) never talks to another host."""
    for call in calls(case):
        for request in sent_by(case, call):
            same = urlsplit(request.url)[:2] == urlsplit(case.base_url)[:2]
            assert same, f"{call.name}: went to {urlsplit(request.url).netloc} instead of the connection's address"


def private_keys_never_travel(case: Case) -> None:
    """A signing key or app secret signs; it does not go over the line (``sent_secrets`` names the exceptions)."""
    kept = [field for field in case.connector.secret_fields if field not in case.sent_secrets]
    for call in calls(case):
        for request in sent_by(case, call):
            wire = "\n".join((request.url, *request.headers.values(), request.body.decode(errors="replace")))
            for field in kept:
                forms = written_forms(case.credentials.get(field, ""))
                assert not [form for form in forms if form in wire], f"{call.name}: sent {field} itself"


def secrets_stay_out_of_sight(case: Case) -> None:
    """Neither a transcript nor an error nor a repr shows a secret."""
    hidden = [*case.secrets(), *PRIVATE_DETAILS, *case.own_codes]
    secrets = {form for secret in case.secrets() for form in written_forms(secret)}
    transcript = Transcript(Scrubber(case.secrets()))
    seen: list[str] = []
    for call in calls(case):
        for answer in (silence, _forgery(case).throttled):
            account, http = case.account(answer)
            outcome = outcome_of(call, account)
            seen += [repr(account), repr(outcome), str(outcome)]
            if isinstance(outcome, HutongError):
                seen += [repr(outcome.text("zh-Hans")), repr(outcome.details)]
            for request in http.sent:
                echo = Response(status=200, headers=dict(request.headers), body=request.body)
                transcript.record(request, echo)
    seen.append(transcript.json_lines().decode())
    for text in seen:
        assert not [secret for secret in secrets if secret in text], (
            "a secret is visible in an error, a repr or a transcript"
        )
    for text in seen[:-1]:  # a transcript may hold what was sent to the platform, and is nobody's to read
        assert not [secret for secret in hidden if secret in text], "a private detail is visible in an error or a repr"


def unreadable_answers_are_unknown(case: Case) -> None:
    """A 200 that cannot be read, a server error, a redirect or a broken line: UNKNOWN, never failed, never done."""
    for call in calls(case):
        for label, answer in _unclear_answers(_forgery(case)):
            outcome = outcome_of(call, case.account(answer)[0])
            assert isinstance(outcome, PlatformUnknown), f"{call.name}: {label} gave {outcome!r}, not PlatformUnknown"


def unreadable_refusals_stay_errors(case: Case) -> None:
    """A 4xx whose body says nothing is a platform error of either kind, never a result, never another exception."""
    for call in calls(case):
        for status in (400, 401, 403, 404, 429):
            for body in JUNK:
                outcome = outcome_of(call, case.account(_always(status, body))[0])
                fine = isinstance(outcome, PlatformFailure | PlatformUnknown)
                assert fine, f"{call.name}: {status} with {body[:20]!r} gave {outcome!r}"


def throttling_is_named(case: Case) -> None:
    """Too many calls is THROTTLED, so that the caller waits instead of giving up."""
    for call in calls(case):
        outcome = outcome_of(call, case.account(_forgery(case).throttled)[0])
        assert isinstance(outcome, PlatformRefused), f"{call.name}: throttled gave {outcome!r}"
        assert outcome.word is ErrorWord.THROTTLED, f"{call.name}: throttled was read as {outcome.word}"


def unknown_statuses_are_pending(case: Case) -> None:
    """A status that this connector has never heard of moves nothing."""
    payments, orders = case.connector.payments, case.connector.orders
    if payments is not None:
        forge = forged(case, "trade")
        account, _ = case.account(lambda _: forge(NEVER_SEEN_STATUS))
        trade = asyncio.run(payments.query(account, OUT_TRADE_NO))
        assert trade.status is TradeStatus.PENDING, f"unknown trade status became {trade.status}"
        assert trade.raw_status == NEVER_SEEN_STATUS, "the platform's own status is not kept"
        forge_refund = forged(case, "refund")
        account, _ = case.account(lambda _: forge_refund(NEVER_SEEN_STATUS))
        refund = asyncio.run(payments.query_refund(account, OUT_REFUND_NO, OUT_TRADE_NO))
        assert refund.status is RefundStatus.PENDING, f"unknown refund status became {refund.status}"
    if orders is not None:
        forge_order = forged(case, "order")
        account, _ = case.account(lambda _: forge_order(NEVER_SEEN_STATUS))
        order = asyncio.run(orders.one(account, ORDER_ID))
        assert order.status is ShopOrderStatus.PENDING, f"unknown order status became {order.status}"
        assert order.raw_status == NEVER_SEEN_STATUS, "the platform's own status is not kept"
        assert order.platform_order_id == ORDER_ID, "an id beyond 2^53 was not kept exactly"
        assert order.modified_at.tzinfo is not None, "a time without its zone"


def missing_credentials_are_named(case: Case) -> None:
    """An empty credential is InvalidInput before anything is sent, or it is not needed for that call."""
    for field in case.connector.credential_fields:
        poorer = {**case.credentials, field: ""}
        for call in calls(case):
            account, http = case.account(silence, poorer)
            outcome = outcome_of(call, account)
            if isinstance(outcome, InvalidInput):
                assert not http.sent, f"{call.name}: sent something before it missed {field}"
                assert outcome.details.get("field") == field, f"{call.name}: missed {field} but named another"
            else:
                assert isinstance(outcome, PlatformUnknown), f"{call.name}: without {field} gave {outcome!r}"


def windows_are_kept(case: Case) -> None:
    """A longer window than the platform takes, or an empty one, is refused here."""
    orders = case.connector.orders
    if orders is None:
        return
    end = case.clock.now()
    for start in (end - orders.window_max - timedelta(seconds=1), end, end + timedelta(seconds=1)):
        account, http = case.account(silence)
        outcome = outcome_of(
            Call(name="changed", run=partial(orders.changed, start=start, end=end, cursor=None)), account
        )
        assert isinstance(outcome, InvalidInput), f"a window from {start} to {end} was not refused"
        assert not http.sent, "a window that cannot be was sent"


def outcome_of(call: Call, account: Account) -> object:
    """What a call gives or raises. Anything but a HutongError breaks the suite, as it would break the hub."""

    async def run() -> object:
        return await call.run(account)

    try:
        return asyncio.run(run())
    except HutongError as error:
        return error


def sent_by(case: Case, call: Call) -> list[Request]:
    """What a call sends before the line breaks."""
    account, http = case.account(silence)
    outcome_of(call, account)
    return http.sent


def _repeated(request: Request, *, sealed: bool) -> Request:
    """The part of a request that two runs agree on: a randomised encryption changes the body and its signature."""
    return Request(method=request.method, url=request.url) if sealed else request


def _always(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    return _answer(Response(status=status, headers=headers or {"content-type": "application/json"}, body=body))


def _answer(response: Response) -> Answer:
    return lambda _: response


def _unclear_answers(forgery: Forgery) -> Iterator[tuple[str, Answer]]:
    for body in JUNK:
        signed = forgery.answered(body)
        yield f"200 with {body[:20]!r}", _always(200, body)
        yield f"200, signed where the platform signs, with {body[:20]!r}", _answer(signed)
    for status in (500, 502, 503, 504):
        yield f"{status} from a proxy", _always(status, b"<html>")
    yield "a redirect", _always(302, b"", {"location": "https://elsewhere.example/"})
    yield "a broken line", silence


def _forgery(case: Case) -> Forgery:
    assert case.forgery is not None, "the case brings no forged answers, but the connector calls a platform"
    return case.forgery


def forged(case: Case, kind: str) -> Callable[[str], Response]:
    """The case's forged answer of a kind."""
    forge: Callable[[str], Response] | None = getattr(_forgery(case), kind)
    assert forge is not None, f"the case brings no forged {kind}"
    return forge
